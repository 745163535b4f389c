//! `reduce`: every field becomes one value.

use super::super::cell::Cell;
use super::super::frame::{Column, Field, Frame, FrameKind};
use super::super::options::Options;
use super::super::reduce::{reduce as reduced, reducer_name};
use super::{all_names, picks};

/// To a row for each field with a column for each reducer, or to one value in each field.
pub(super) fn reduce(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let reducers = options.words("reducers");
    let reducers = if reducers.is_empty() { vec!["max"] } else { reducers };
    let takes_time = options.flag("includeTimeField");
    let names = all_names(&frames);
    let wanted = picks(options.child("fields"))?;
    let is_wanted = |field: &Field, name: &str| match &wanted {
        Some(wanted) => wanted(field, name),
        None => matches!(field.values, Column::Number(_) | Column::Histogram(_)),
    };
    if options.word("mode") == "reduceFields" {
        let mut made = Vec::new();
        for (mut frame, names) in frames.into_iter().zip(names) {
            let fields = std::mem::take(&mut frame.fields);
            frame.fields = fields
                .into_iter()
                .zip(names)
                .filter(|(field, name)| is_wanted(field, name) || (takes_time && matches!(field.values, Column::Time(_))))
                .flat_map(|(field, name)| {
                    let many = reducers.len() > 1;
                    reducers
                        .iter()
                        .map(move |reducer| {
                            let values = Column::of_cells(vec![reduced(&field.values, reducer)]);
                            let title = if many { format!("{name} {}", reducer_name(reducer)) } else { field.title.clone() };
                            Field { title, values, ..field.clone() }
                        })
                        .collect::<Vec<_>>()
                })
                .collect();
            frame.kind = FrameKind::Table;
            made.push(frame);
        }
        return Ok(made);
    }
    let mut titles = Vec::new();
    let mut label_names: Vec<String> = Vec::new();
    let mut rows: Vec<(&Field, Vec<Cell>)> = Vec::new();
    for (frame, names) in frames.iter().zip(&names) {
        for (field, name) in frame.fields.iter().zip(names) {
            if is_wanted(field, name) || (takes_time && matches!(field.values, Column::Time(_))) {
                titles.push(Some(name.clone()));
                rows.push((field, reducers.iter().map(|reducer| reduced(&field.values, reducer)).collect()));
                label_names.extend(field.labels.iter().map(|(name, _)| name.to_owned()));
            }
        }
    }
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut fields = vec![Field { name: "Field".into(), values: Column::Text(titles), ..Field::default() }];
    if options.flag("labelsToFields") {
        label_names.sort();
        label_names.dedup();
        for label in label_names {
            let values = Column::Text(rows.iter().map(|(field, _)| field.labels.get(&label).map(str::to_owned)).collect());
            fields.push(Field { name: label, values, ..Field::default() });
        }
    }
    for (at, reducer) in reducers.iter().enumerate() {
        let values = Column::of_cells(rows.iter().map(|(_, cells)| cells[at].clone()).collect());
        fields.push(Field { name: reducer_name(reducer), values, ..Field::default() });
    }
    Ok(vec![Frame { kind: FrameKind::Table, fields, ..Frame::default() }])
}
