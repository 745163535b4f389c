//! `transpose`: rows become columns; the first column gives their names where it can.

use super::super::cell::Cell;
use super::super::frame::{Column, Field, Frame, FrameKind};
use super::super::options::Options;
use super::all_names;

/// Most columns that are made.
const FIELDS_MAX: usize = 500;

/// Turns rows and columns of each frame.
pub(super) fn transpose(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let named = |option: &str, absent: &str| options.text(option).filter(|name| !name.is_empty()).unwrap_or(absent).to_owned();
    let (first_name, rest_name) = (named("firstFieldName", "Field"), named("restFieldsName", "Value"));
    let names = all_names(&frames);
    let turned = frames.iter().zip(&names).map(|(frame, names)| {
        let Some(first) = frame.fields.first() else { return frame.clone() };
        let gives_names = matches!(first.values, Column::Text(_) | Column::Time(_));
        let from = usize::from(gives_names);
        let heads = names[from..].iter().map(|name| Some(name.clone())).collect();
        let mut fields =
            vec![Field { title: first_name.clone(), name: first_name.clone(), values: Column::Text(heads), ..Field::default() }];
        fields.extend((0..frame.len().min(FIELDS_MAX)).map(|row| {
            let name = if gives_names { first.values.cell(row).text() } else { rest_name.clone() };
            let cells: Vec<Cell> = frame.fields[from..].iter().map(|field| field.values.cell(row)).collect();
            Field { title: name.clone(), name, values: Column::of_cells(cells), ..Field::default() }
        }));
        Frame { kind: FrameKind::Table, fields, ..frame.clone() }
    });
    Ok(turned.collect())
}
