//! `merge`: the rows of all frames in one table; rows that agree in what all have become one.

use std::collections::HashMap;

use super::super::cell::Cell;
use super::super::frame::{Column, Field, Frame, FrameKind};
use super::super::options::Options;
use super::{ROWS_MAX, all_names};

/// Merges all frames into one table.
pub(super) fn merge(_options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let frames: Vec<Frame> = frames.into_iter().filter(|frame| !frame.fields.is_empty()).collect();
    if frames.len() < 2 {
        return Ok(frames);
    }
    let names: Vec<Vec<String>> = all_names(&frames);
    // Columns in the order in which they come; those that every frame has decide which rows agree.
    let mut columns: Vec<(String, Field)> = Vec::new();
    for (frame, names) in frames.iter().zip(&names) {
        for (field, name) in frame.fields.iter().zip(names) {
            if !columns.iter().any(|(known, _)| known == name) {
                columns.push((name.clone(), field.clone()));
            }
        }
    }
    let is_key: Vec<bool> = columns.iter().map(|(name, _)| names.iter().all(|names| names.contains(name))).collect();
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut known: HashMap<String, Vec<usize>> = HashMap::new();
    for (frame, names) in frames.iter().zip(&names) {
        let places: Vec<Option<usize>> = columns.iter().map(|(column, _)| names.iter().position(|name| name == column)).collect();
        for at in 0..frame.len() {
            let row: Vec<Cell> =
                places.iter().map(|place| place.map_or(Cell::Nothing, |place| frame.fields[place].values.cell(at))).collect();
            let key: String = row.iter().zip(&is_key).filter(|(_, key)| **key).map(|(cell, _)| cell.text() + "\u{1f}").collect();
            let same = known.entry(key).or_default();
            let free = same
                .iter()
                .copied()
                .find(|at| row.iter().zip(&rows[*at]).zip(&is_key).all(|((new, old), key)| *key || new.is_nothing() || old.is_nothing()));
            match free {
                Some(at) => {
                    for (new, old) in row.into_iter().zip(&mut rows[at]) {
                        if old.is_nothing() {
                            *old = new;
                        }
                    }
                }
                None => {
                    same.push(rows.len());
                    rows.push(row);
                }
            }
            if rows.len() > ROWS_MAX {
                return Err(format!("the result has more than {ROWS_MAX} rows"));
            }
        }
    }
    Ok(vec![table(columns, &rows)])
}

/// A table of rows, whose columns are like some fields.
fn table(columns: Vec<(String, Field)>, rows: &[Vec<Cell>]) -> Frame {
    let fields = columns.into_iter().enumerate().map(|(at, (name, field))| {
        let cells: Vec<Cell> = rows.iter().map(|row| row[at].clone()).collect();
        let values = if matches!(field.values, Column::Text(_)) {
            Column::Text(cells.into_iter().map(|cell| (!cell.is_nothing()).then(|| cell.text())).collect())
        } else {
            Column::of_cells(cells)
        };
        Field { name, values, ..field }
    });
    Frame { kind: FrameKind::Table, fields: fields.collect(), ..Frame::default() }
}
