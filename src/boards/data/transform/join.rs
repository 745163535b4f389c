//! `joinByField`: frames become one, rows with the same value of a field stand beside each other.

use std::collections::HashMap;

use super::super::cell::Cell;
use super::super::frame::{Column, Field, Frame, FrameKind};
use super::super::options::Options;
use super::{ROWS_MAX, all_names, place_of};

/// How rows without a partner are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// They stay; of several rows with one value the last stays.
    Outer,
    /// They stay, and so does each of several.
    OuterTabular,
    /// They go.
    Inner,
}

/// Joins by the field that the options name, by time unless they do.
pub(super) fn by_field(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let mode = match options.word("mode") {
        "inner" => Mode::Inner,
        "outerTabular" => Mode::OuterTabular,
        _ => Mode::Outer,
    };
    join(frames, options.word("byField"), mode)
}

/// Joins frames by a field, by their first column of times where none is named. Frames without it are left out.
pub(super) fn join(frames: Vec<Frame>, by: &str, mode: Mode) -> Result<Vec<Frame>, String> {
    let names = all_names(&frames);
    let keyed: Vec<(Frame, usize)> = frames
        .into_iter()
        .zip(names)
        .filter_map(|(frame, names)| {
            let at = if by.is_empty() {
                frame.fields.iter().position(|field| matches!(field.values, Column::Time(_)))
            } else {
                place_of(&frame, &names, by)
            }?;
            Some((frame, at))
        })
        .collect();
    if keyed.len() < 2 {
        // The field by which was joined comes first all the same.
        return Ok(keyed
            .into_iter()
            .map(|(mut frame, at)| {
                let key = frame.fields.remove(at);
                frame.fields.insert(0, key);
                frame
            })
            .collect());
    }
    let rows = rows(&keyed, mode)?;
    let keys: Vec<Cell> = rows
        .iter()
        .map(|row| {
            row.iter()
                .enumerate()
                .find_map(|(frame, at)| Some(keyed[frame].0.fields[keyed[frame].1].values.cell((*at)?)))
                .unwrap_or_default()
        })
        .collect();
    let (first, at) = &keyed[0];
    let mut fields = vec![Field { values: key_column(&first.fields[*at].values, keys), ..first.fields[*at].clone() }];
    for (number, (frame, key)) in keyed.iter().enumerate() {
        let places: Vec<Option<usize>> = rows.iter().map(|row| row[number]).collect();
        for (_, field) in frame.fields.iter().enumerate().filter(|(at, _)| at != key) {
            fields.push(Field { values: field.values.picked(&places), ..field.clone() });
        }
    }
    let kind = if matches!(fields[0].values, Column::Time(_)) && keyed.iter().all(|(frame, _)| frame.kind == FrameKind::Series) {
        FrameKind::Series
    } else {
        FrameKind::Table
    };
    Ok(vec![Frame { name: String::new(), ref_id: String::new(), kind, fields }])
}

fn key_column(like: &Column, keys: Vec<Cell>) -> Column {
    match like {
        Column::Text(_) => Column::Text(keys.into_iter().map(|key| (!key.is_nothing()).then(|| key.text())).collect()),
        _ => Column::of_cells(keys),
    }
}

/// For every row of the result, the row of every frame.
fn rows(keyed: &[(Frame, usize)], mode: Mode) -> Result<Vec<Vec<Option<usize>>>, String> {
    let mut order: Vec<(Cell, Vec<Vec<usize>>)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for (number, (frame, key)) in keyed.iter().enumerate() {
        for (at, cell) in frame.fields[*key].values.cells().enumerate() {
            let place = *known.entry(cell.text()).or_insert_with(|| {
                order.push((cell.clone(), vec![Vec::new(); keyed.len()]));
                order.len() - 1
            });
            order[place].1[number].push(at);
        }
        if order.len() > ROWS_MAX {
            return Err(format!("the result has more than {ROWS_MAX} rows"));
        }
    }
    if mode == Mode::Inner {
        order.retain(|(_, places)| places.iter().all(|places| !places.is_empty()));
    }
    if order.iter().all(|(cell, _)| cell.number().is_some()) {
        order.sort_by(|a, b| a.0.order(&b.0));
    }
    let mut rows = Vec::new();
    for (_, places) in order {
        let mut combined: Vec<Vec<Option<usize>>> = vec![Vec::with_capacity(places.len())];
        for found in places {
            let found: Vec<Option<usize>> = match (mode, found.last()) {
                (_, None) => vec![None],
                (Mode::Outer, Some(last)) => vec![Some(*last)],
                _ => found.into_iter().map(Some).collect(),
            };
            if combined.len() * found.len() + rows.len() > ROWS_MAX {
                return Err(format!("the result has more than {ROWS_MAX} rows"));
            }
            combined = combined.iter().flat_map(|row| found.iter().map(move |at| row.iter().copied().chain([*at]).collect())).collect();
        }
        rows.extend(combined);
    }
    Ok(rows)
}
