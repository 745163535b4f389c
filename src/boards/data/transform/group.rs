//! `groupBy`, `groupingToMatrix` and `partitionByValues`: rows that agree in some fields belong together.

use std::collections::HashMap;

use super::super::cell::Cell;
use super::super::frame::{Column, Field, Frame, FrameKind};
use super::super::options::Options;
use super::super::reduce::reduce;
use super::{all_names, place_of, with_rows};

/// Most columns or frames that are made of values.
const MADE_MAX: usize = 1_000;

/// Rows by what some columns hold, in the order in which they come.
fn groups(frame: &Frame, by: &[usize]) -> Vec<Vec<usize>> {
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut found: Vec<Vec<usize>> = Vec::new();
    for row in 0..frame.len() {
        let key: String = by.iter().map(|at| frame.fields[*at].values.cell(row).text() + "\u{1f}").collect();
        let place = *known.entry(key).or_insert_with(|| {
            found.push(Vec::new());
            found.len() - 1
        });
        found[place].push(row);
    }
    found
}

/// One row for each group, other fields reduced.
pub(super) fn group_by(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let wanted = options.child("fields");
    let names = all_names(&frames);
    let mut made = Vec::new();
    for (frame, names) in frames.iter().zip(&names) {
        let of = |operation: &str| -> Vec<usize> {
            (0..names.len()).filter(|at| wanted.child(&names[*at]).word("operation") == operation).collect()
        };
        let by = of("groupby");
        if by.is_empty() {
            continue;
        }
        let groups = groups(frame, &by);
        let firsts: Vec<Option<usize>> = groups.iter().map(|rows| rows.first().copied()).collect();
        let mut fields: Vec<Field> =
            by.iter().map(|at| Field { values: frame.fields[*at].values.picked(&firsts), ..frame.fields[*at].clone() }).collect();
        for at in of("aggregate") {
            let field = &frame.fields[at];
            for reducer in wanted.child(&names[at]).words("aggregations") {
                let cells = groups.iter().map(|rows| {
                    let places: Vec<Option<usize>> = rows.iter().copied().map(Some).collect();
                    reduce(&field.values.picked(&places), reducer)
                });
                let name = format!("{} ({reducer})", names[at]);
                fields.push(Field { name: name.clone(), title: name, values: Column::of_cells(cells.collect()), ..field.clone() });
            }
        }
        made.push(Frame { kind: FrameKind::Table, fields, ..frame.clone() });
    }
    Ok(made)
}

/// A table whose columns are the values of one field, its rows those of another.
pub(super) fn to_matrix(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let (column, row, value) = (
        options.text("columnField").unwrap_or("Time"),
        options.text("rowField").unwrap_or("Time"),
        options.text("valueField").unwrap_or("Value"),
    );
    let [frame] = frames.as_slice() else { return Ok(frames) };
    let names = all_names(&frames).remove(0);
    let (Some(column), Some(row_at), Some(value)) =
        (place_of(frame, &names, column), place_of(frame, &names, row), place_of(frame, &names, value))
    else {
        return Ok(frames);
    };
    let by_row = groups(frame, &[row_at]);
    let mut columns: Vec<String> = Vec::new();
    let mut cells: HashMap<(usize, usize), Cell> = HashMap::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for (place, rows) in by_row.iter().enumerate() {
        for at in rows {
            let name = frame.fields[column].values.cell(*at).text();
            let place_of_column = *known.entry(name.clone()).or_insert_with(|| {
                columns.push(name);
                columns.len() - 1
            });
            if columns.len() > MADE_MAX {
                return Err(format!("the field has more than {MADE_MAX} values, each would be a column"));
            }
            cells.insert((place, place_of_column), frame.fields[value].values.cell(*at));
        }
    }
    let empty = match options.word("emptyValue") {
        "zero" => Cell::Number(0.0),
        "true" => Cell::Bool(true),
        "false" => Cell::Bool(false),
        "empty" => Cell::Text(String::new()),
        _ => Cell::Nothing,
    };
    let firsts: Vec<Option<usize>> = by_row.iter().map(|rows| rows.first().copied()).collect();
    let corner = format!("{}\\{}", names[row_at], names[column]);
    let mut fields =
        vec![Field { name: corner.clone(), title: corner, values: frame.fields[row_at].values.picked(&firsts), ..Field::default() }];
    for (at, name) in columns.into_iter().enumerate() {
        let values = (0..by_row.len()).map(|row| cells.get(&(row, at)).cloned().unwrap_or_else(|| empty.clone())).collect();
        fields.push(Field { title: name.clone(), name, values: Column::of_cells(values), ..frame.fields[value].clone() });
    }
    Ok(vec![Frame { kind: FrameKind::Table, fields, ..Frame::default() }])
}

/// A frame for each group.
pub(super) fn partition(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let wanted = options.words("fields");
    let keeps = options.flag("keepFields");
    let with_names = options.child("naming").flag("asLabels");
    let names = all_names(&frames);
    let mut made = Vec::new();
    for (frame, names) in frames.iter().zip(&names) {
        let by: Vec<usize> = wanted.iter().filter_map(|field| place_of(frame, names, field)).collect();
        if by.is_empty() {
            made.push(frame.clone());
            continue;
        }
        for rows in groups(frame, &by) {
            if made.len() >= MADE_MAX {
                return Err(format!("there would be more than {MADE_MAX} frames"));
            }
            let mut part = with_rows(frame, &rows);
            let values: Vec<(String, String)> =
                by.iter().map(|at| (names[*at].clone(), frame.fields[*at].values.cell(rows[0]).text())).collect();
            let texts: Vec<&str> = values.iter().map(|(_, value)| value.as_str()).collect();
            part.name = texts.join(" ");
            if with_names {
                for field in &mut part.fields {
                    let own: Vec<(String, String)> = field.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                    field.labels = crate::series::labels::Labels::from_pairs(own.into_iter().chain(values.clone()));
                }
            }
            if !keeps {
                let mut at = 0;
                part.fields.retain(|_| {
                    at += 1;
                    !by.contains(&(at - 1))
                });
            }
            made.push(part);
        }
    }
    Ok(made)
}
