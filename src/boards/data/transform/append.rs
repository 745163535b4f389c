//! `append`: the rows of all frames below each other; columns of one name become one.

use super::super::cell::Cell;
use super::super::frame::{Column, Field, Frame, FrameKind};
use super::super::options::Options;
use super::{ROWS_MAX, all_names};

/// Puts the rows of all frames into one.
pub(super) fn append(_options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let frames: Vec<Frame> = frames.into_iter().filter(|frame| !frame.fields.is_empty()).collect();
    if frames.len() < 2 {
        return Ok(frames);
    }
    let rows: usize = frames.iter().map(Frame::len).sum();
    if rows > ROWS_MAX {
        return Err(format!("the result has more than {ROWS_MAX} rows"));
    }
    let names = all_names(&frames);
    let mut columns: Vec<(String, Field)> = Vec::new();
    for (frame, names) in frames.iter().zip(&names) {
        for (field, name) in frame.fields.iter().zip(names) {
            if !columns.iter().any(|(known, _)| known == name) {
                columns.push((name.clone(), field.clone()));
            }
        }
    }
    let fields = columns.into_iter().map(|(name, field)| {
        let cells = frames.iter().zip(&names).flat_map(|(frame, names)| {
            let place = names.iter().position(|known| *known == name);
            (0..frame.len()).map(move |row| place.map_or(Cell::Nothing, |place| frame.fields[place].values.cell(row)))
        });
        Field { values: Column::of_cells(cells.collect()), name, ..field }
    });
    Ok(vec![Frame { kind: FrameKind::Table, fields: fields.collect(), ..Frame::default() }])
}
