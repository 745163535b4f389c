//! `labelsToFields` and `joinByLabels`: labels of series become columns.

use std::collections::BTreeSet;

use super::super::cell::Cell;
use super::super::frame::{Column, Field, Frame, FrameKind};
use super::super::options::Options;
use super::{ROWS_MAX, merge};
use crate::series::labels::{Labels, METRIC_NAME};

/// A column for each label, rows of all series below each other; or the labels of each series as rows.
pub(super) fn to_fields(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let keep = options.words("keepLabels");
    let keeps = |name: &str| keep.is_empty() || keep.contains(&name);
    if options.word("mode") == "rows" {
        return Ok(frames
            .iter()
            .flat_map(|frame| frame.fields.iter().filter(|field| !field.labels.is_empty()).map(|field| as_rows(field, &keeps)))
            .collect());
    }
    let value_label = options.word("valueLabel");
    let mut made = Vec::new();
    for frame in frames {
        let (with, without): (Vec<Field>, Vec<Field>) = frame.fields.into_iter().partition(|field| !field.labels.is_empty());
        if with.is_empty() {
            made.push(Frame { fields: without, kind: FrameKind::Table, ..Frame::default() });
            continue;
        }
        for field in with {
            let rows = field.values.len();
            let mut fields = without.clone();
            for (name, value) in field.labels.iter().filter(|(name, _)| keeps(name) && *name != value_label) {
                let values = Column::Text(vec![Some(value.to_owned()); rows]);
                fields.push(Field { name: name.to_owned(), values, ..Field::default() });
            }
            let name = field
                .labels
                .get(value_label)
                .or_else(|| field.labels.get(METRIC_NAME).filter(|_| field.name == "Value"))
                .unwrap_or(&field.name)
                .to_owned();
            fields.push(Field { name, labels: Labels::empty(), title: String::new(), ..field });
            made.push(Frame { ref_id: frame.ref_id.clone(), kind: FrameKind::Table, fields, ..Frame::default() });
        }
    }
    merge::merge(Options::default(), made)
}

fn as_rows(field: &Field, keeps: &dyn Fn(&str) -> bool) -> Frame {
    let pairs: Vec<(&str, &str)> = field.labels.iter().filter(|(name, _)| keeps(name)).collect();
    let column = |name: &str, values: Vec<Option<String>>| Field { name: name.into(), values: Column::Text(values), ..Field::default() };
    let fields = vec![
        column("label", pairs.iter().map(|(name, _)| Some((*name).to_owned())).collect()),
        column("value", pairs.iter().map(|(_, value)| Some((*value).to_owned())).collect()),
    ];
    Frame { name: field.title.clone(), kind: FrameKind::Table, fields, ..Frame::default() }
}

/// A row for each set of labels, a column for each value of one label; of every series the last value.
pub(super) fn join(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let value = options.word("value");
    let by = options.words("join");
    let fields: Vec<&Field> = frames.iter().flat_map(|frame| &frame.fields).filter(|field| field.labels.contains(value)).collect();
    if fields.is_empty() {
        return Err(format!("no result has the label \"{value}\""));
    }
    let names: BTreeSet<&str> = fields
        .iter()
        .flat_map(|field| field.labels.iter())
        .map(|(name, _)| name)
        .filter(|name| *name != value && (by.is_empty() || by.contains(name)))
        .collect();
    let mut columns: Vec<String> = Vec::new();
    let mut rows: Vec<(Vec<Option<String>>, Vec<Cell>)> = Vec::new();
    for field in fields {
        let key: Vec<Option<String>> = names.iter().map(|name| field.labels.get(name).map(str::to_owned)).collect();
        let column = field.labels.get(value).unwrap_or_default().to_owned();
        let at = columns.iter().position(|known| *known == column).unwrap_or_else(|| {
            columns.push(column);
            columns.len() - 1
        });
        let place = rows.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            rows.push((key, Vec::new()));
            rows.len() - 1
        });
        let cells = &mut rows[place].1;
        cells.resize(cells.len().max(at + 1), Cell::Nothing);
        cells[at] = super::super::reduce::reduce(&field.values, "lastNotNull");
        if rows.len() * columns.len() > ROWS_MAX {
            return Err(format!("the result has more than {ROWS_MAX} cells"));
        }
    }
    let mut made: Vec<Field> = names
        .iter()
        .enumerate()
        .map(|(at, name)| Field {
            name: (*name).to_owned(),
            values: Column::Text(rows.iter().map(|(key, _)| key[at].clone()).collect()),
            ..Field::default()
        })
        .collect();
    for (at, name) in columns.into_iter().enumerate() {
        let values = rows.iter().map(|(_, cells)| cells.get(at).cloned().unwrap_or_default()).collect();
        made.push(Field { name, values: Column::of_cells(values), ..Field::default() });
    }
    Ok(vec![Frame { kind: FrameKind::Table, fields: made, ..Frame::default() }])
}
