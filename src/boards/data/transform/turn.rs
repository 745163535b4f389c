//! `rowsToFields`, `seriesToRows`, `prepareTimeSeries`, `concatenate`, `extractFields` and `histogram`: frames turned into other forms.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::super::cell::Cell;
use super::super::frame::{Column, Field, Frame, FrameKind};
use super::super::options::Options;
use super::super::reduce::reduce;
use super::{ROWS_MAX, all_names, join, place_of};
use crate::series::labels::Labels;

/// Points of a series in a cell of a table.
const TREND_POINTS: usize = 64;
/// Most fields that are made of rows or of one text.
const FIELDS_MAX: usize = 500;

/// Every row becomes a field: one column has its name, one its value, others say how it looks.
pub(super) fn rows_to_fields(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let names = all_names(&frames);
    let made = frames.iter().zip(&names).filter_map(|(frame, names)| {
        let mapped = |handler: &str| {
            let mapping = options.children("mappings").find(|mapping| mapping.word("handlerKey") == handler)?;
            place_of(frame, names, mapping.word("fieldName"))
        };
        let first = |fits: fn(&Column) -> bool| frame.fields.iter().position(|field| fits(&field.values));
        let name = mapped("field.name").or_else(|| first(|column| matches!(column, Column::Text(_))))?;
        let value = mapped("field.value").or_else(|| first(|column| matches!(column, Column::Number(_))))?;
        let numbers = |handler: &str| mapped(handler).map(|at| frame.fields[at].values.numbers());
        let (units, decimals, mins, maxes) = (mapped("unit"), numbers("decimals"), numbers("min"), numbers("max"));
        let labels: Vec<usize> = (0..frame.fields.len())
            .filter(|at| *at != name && *at != value && matches!(frame.fields[*at].values, Column::Text(_)) && Some(*at) != units)
            .collect();
        let fields = (0..frame.len().min(FIELDS_MAX)).map(|row| {
            let mut field = Field {
                name: frame.fields[name].values.cell(row).text(),
                values: frame.fields[value].values.picked(&[Some(row)]),
                labels: Labels::from_pairs(labels.iter().map(|at| (names[*at].clone(), frame.fields[*at].values.cell(row).text()))),
                ..Field::default()
            };
            field.title.clone_from(&field.name);
            let look = Arc::make_mut(&mut field.look);
            let number = |column: &Option<Vec<Option<f64>>>| column.as_ref().and_then(|column| column.get(row).copied().flatten());
            look.unit = units.map(|at| frame.fields[at].values.cell(row).text()).unwrap_or_default();
            look.decimals = number(&decimals).map(|count| count.clamp(0.0, 20.0) as u32);
            look.min = number(&mins);
            look.max = number(&maxes);
            field
        });
        Some(Frame { kind: FrameKind::Table, fields: fields.collect(), ..frame.clone() })
    });
    Ok(made.collect())
}

/// All series below each other: time, name, value; the newest first.
pub(super) fn series_to_rows(_options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let names = all_names(&frames);
    let mut rows: Vec<(i64, String, Cell)> = Vec::new();
    for (frame, names) in frames.iter().zip(&names) {
        let Some(Column::Time(times)) = frame.fields.iter().map(|field| &field.values).find(|column| matches!(column, Column::Time(_)))
        else {
            continue;
        };
        for (field, name) in frame.fields.iter().zip(names).filter(|(field, _)| !matches!(field.values, Column::Time(_))) {
            rows.extend(times.iter().enumerate().map(|(at, time)| (*time, name.clone(), field.values.cell(at))));
            if rows.len() > ROWS_MAX {
                return Err(format!("the result has more than {ROWS_MAX} rows"));
            }
        }
    }
    rows.sort_by_key(|(time, ..)| std::cmp::Reverse(*time));
    let column = |name: &str, values: Column| Field { name: name.into(), values, ..Field::default() };
    let fields = vec![
        column("Time", Column::Time(rows.iter().map(|row| row.0).collect())),
        column("Metric", Column::Text(rows.iter().map(|row| Some(row.1.clone())).collect())),
        column("Value", Column::of_cells(rows.into_iter().map(|row| row.2).collect())),
    ];
    Ok(vec![Frame { kind: FrameKind::Table, fields, ..Frame::default() }])
}

/// Series beside each other (`wide`), each for itself (`multi`), or below each other (`long`).
pub(super) fn prepare_series(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    match options.word("format") {
        "wide" => join::join(frames, "", join::Mode::Outer),
        "long" => super::labels::to_fields(Options::default(), frames),
        _ => Ok(frames.into_iter().flat_map(apart).take(FIELDS_MAX).collect()),
    }
}

fn apart(frame: Frame) -> Vec<Frame> {
    let (times, values): (Vec<Field>, Vec<Field>) = frame.fields.into_iter().partition(|field| matches!(field.values, Column::Time(_)));
    let Some(time) = times.into_iter().next() else { return Vec::new() };
    values
        .into_iter()
        .filter(|field| matches!(field.values, Column::Number(_)))
        .map(|field| Frame {
            name: field.title.clone(),
            ref_id: frame.ref_id.clone(),
            kind: FrameKind::Series,
            fields: vec![time.clone(), field],
        })
        .collect()
}

/// The fields of all frames in one, short ones filled up.
pub(super) fn concatenate(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let rows = frames.iter().map(Frame::len).max().unwrap_or(0);
    let label = options.text("frameNameLabel").unwrap_or("frame").to_owned();
    let with_label = options.word("frameNameMode") == "label";
    let mut fields = Vec::new();
    for frame in frames {
        for field in frame.fields {
            let places: Vec<Option<usize>> = (0..rows).map(|row| (row < field.values.len()).then_some(row)).collect();
            let labels = if with_label && !frame.name.is_empty() {
                let mut builder = field.labels.to_builder();
                builder.set(&label, &frame.name);
                builder.build()
            } else {
                field.labels.clone()
            };
            fields.push(Field { values: field.values.picked(&places), labels, ..field });
        }
    }
    Ok(vec![Frame { kind: FrameKind::Table, fields, ..Frame::default() }])
}

/// Texts of JSON or of `key=value` taken apart into columns.
pub(super) fn extract(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let names = all_names(&frames);
    let paths: Vec<(String, String)> = options
        .children("jsonPaths")
        .map(|path| {
            (path.word("path").to_owned(), path.text("alias").filter(|alias| !alias.is_empty()).unwrap_or(path.word("path")).to_owned())
        })
        .filter(|(path, _)| !path.is_empty())
        .collect();
    let made = frames.into_iter().zip(names).map(|(mut frame, names)| {
        let Some(at) = place_of(&frame, &names, options.word("source")) else { return frame };
        let rows: Vec<Vec<(String, Cell)>> =
            frame.fields[at].values.cells().map(|cell| parts(&cell.text(), options.word("format"), &paths)).collect();
        let mut columns: Vec<String> = Vec::new();
        for (name, _) in rows.iter().flatten() {
            if columns.len() < FIELDS_MAX && !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        let new: Vec<Field> = columns
            .into_iter()
            .map(|name| {
                let cells = rows
                    .iter()
                    .map(|row| row.iter().find(|(known, _)| *known == name).map(|(_, cell)| cell.clone()).unwrap_or_default())
                    .collect();
                Field { name, values: Column::of_cells(cells), ..Field::default() }
            })
            .collect();
        if options.flag("replace") {
            let keeps_time = options.flag("keepTime");
            frame.fields.retain(|field| keeps_time && matches!(field.values, Column::Time(_)));
        }
        frame.fields.extend(new);
        frame.kind = FrameKind::Table;
        frame
    });
    Ok(made.collect())
}

fn parts(text: &str, format: &str, paths: &[(String, String)]) -> Vec<(String, Cell)> {
    let json = if format == "kvp" { None } else { serde_json::from_str::<Value>(text).ok() };
    match json {
        Some(json) if !paths.is_empty() => paths.iter().map(|(path, alias)| (alias.clone(), at_path(&json, path))).collect(),
        Some(Value::Object(object)) => object.iter().map(|(name, value)| (name.clone(), cell_of(value))).collect(),
        _ => {
            let pairs = text.split([',', ' ', '\n', ';', '&']).filter_map(|pair| pair.split_once(['=', ':']));
            pairs
                .map(|(name, value)| (name.trim().to_owned(), of_text(value.trim().trim_matches('"'))))
                .filter(|(name, _)| !name.is_empty())
                .take(FIELDS_MAX)
                .collect()
        }
    }
}

fn of_text(text: &str) -> Cell {
    text.parse().map_or_else(|_| Cell::Text(text.to_owned()), Cell::Number)
}

/// `a.b[0].c`.
fn at_path(json: &Value, path: &str) -> Cell {
    let mut found = json;
    for part in path
        .split(['.', '['])
        .map(|part| part.trim_end_matches(']').trim_matches(['"', '\'']))
        .filter(|part| !part.is_empty() && *part != "$")
    {
        let next = match found {
            Value::Array(list) => part.parse::<usize>().ok().and_then(|at| list.get(at)),
            other => other.get(part),
        };
        match next {
            Some(next) => found = next,
            None => return Cell::Nothing,
        }
    }
    cell_of(found)
}

fn cell_of(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Nothing,
        Value::Bool(yes) => Cell::Bool(*yes),
        Value::Number(number) => number.as_f64().map_or(Cell::Nothing, Cell::Number),
        Value::String(text) => Cell::Text(text.clone()),
        other => Cell::Text(other.to_string()),
    }
}

/// How many values lie in each of some buckets, over all numbers.
pub(super) fn histogram(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let names = all_names(&frames);
    let fields: Vec<(String, Vec<f64>)> = frames
        .iter()
        .zip(&names)
        .flat_map(|(frame, names)| frame.fields.iter().zip(names))
        .filter(|(field, _)| matches!(field.values, Column::Number(_)))
        .map(|(field, name)| (name.clone(), field.values.numbers().into_iter().flatten().filter(|value| value.is_finite()).collect()))
        .collect();
    let all = Column::Number(fields.iter().flat_map(|(_, values)| values).map(|value| Some(*value)).collect());
    let (Some(low), Some(high)) = (reduce(&all, "min").number(), reduce(&all, "max").number()) else { return Ok(Vec::new()) };
    let wanted = options.number("bucketCount").unwrap_or(30.0).clamp(1.0, FIELDS_MAX as f64);
    let size = options
        .number("bucketSize")
        .filter(|size| *size > 0.0)
        .unwrap_or_else(|| ((high - low) / wanted).max(f64::MIN_POSITIVE))
        .max((high - low) / FIELDS_MAX as f64);
    let offset = options.number("bucketOffset").unwrap_or(0.0);
    let first = ((low - offset) / size).floor();
    let count = (((high - offset) / size).floor() - first).clamp(0.0, FIELDS_MAX as f64) as usize + 1;
    let edges = |by: f64| Column::Number((0..count).map(|at| Some(offset + (first + at as f64 + by) * size)).collect());
    let counts = |values: &[f64]| {
        let mut counts = vec![0.0_f64; count];
        for value in values {
            let at = (((value - offset) / size).floor() - first).max(0.0) as usize;
            counts[at.min(count - 1)] += 1.0;
        }
        Column::Number(counts.into_iter().map(Some).collect())
    };
    let column = |name: &str, values: Column| Field { name: name.to_owned(), values, ..Field::default() };
    let mut made = vec![column("xMin", edges(0.0)), column("xMax", edges(1.0))];
    if options.flag("combine") {
        let together: Vec<f64> = fields.into_iter().flat_map(|(_, values)| values).collect();
        made.push(column("Count", counts(&together)));
    } else {
        made.extend(fields.iter().map(|(name, values)| column(name, counts(values))));
    }
    Ok(vec![Frame { kind: FrameKind::Table, fields: made, ..Frame::default() }])
}

/// How fields look, from the rows of another query: its last value of each column that is mapped.
pub(super) fn config_from_data(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let letter = options.text("configRefId").unwrap_or("config");
    let Some(place) = frames.iter().position(|frame| frame.ref_id == letter) else { return Ok(frames) };
    let names = all_names(&frames);
    let (config, config_names) = (frames[place].clone(), names[place].clone());
    let wanted = super::picks(options.child("applyTo"))?;
    let mut made: Vec<Frame> = Vec::new();
    for (at, (mut frame, names)) in frames.into_iter().zip(names).enumerate() {
        if at == place {
            continue;
        }
        for (field, name) in frame.fields.iter_mut().zip(&names) {
            let fits = wanted.as_ref().map_or(matches!(field.values, Column::Number(_)), |wanted| wanted(field, name));
            if !fits {
                continue;
            }
            for mapping in options.children("mappings") {
                let Some(column) = place_of(&config, &config_names, mapping.word("fieldName")) else { continue };
                let cell = reduce(&config.fields[column].values, mapping.text("reducerId").unwrap_or("lastNotNull"));
                let handler = mapping.text("handlerKey").unwrap_or(mapping.word("fieldName"));
                let look = Arc::make_mut(&mut field.look);
                match handler {
                    "min" => look.min = cell.number(),
                    "max" => look.max = cell.number(),
                    "unit" => look.unit = cell.text(),
                    "decimals" => look.decimals = cell.number().map(|count| count.clamp(0.0, 20.0) as u32),
                    "displayName" => look.display_name = cell.text(),
                    _ => {
                        if let (Some(number), true) = (cell.number(), handler.starts_with("threshold")) {
                            let steps = &mut look.thresholds.steps;
                            if steps.is_empty() {
                                steps.push((f64::NEG_INFINITY, "green".to_owned()));
                            }
                            steps.push((number, "red".to_owned()));
                            steps.sort_by(|a, b| a.0.total_cmp(&b.0));
                        }
                    }
                }
            }
        }
        made.push(frame);
    }
    Ok(made)
}

/// A table with a row for each series: its labels, and its values over time for a sparkline.
pub(super) fn series_table(_options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let mut letters: Vec<String> = Vec::new();
    for frame in &frames {
        if !letters.contains(&frame.ref_id) {
            letters.push(frame.ref_id.clone());
        }
    }
    let made = letters.into_iter().map(|letter| {
        let fields: Vec<&Field> = frames
            .iter()
            .filter(|frame| frame.ref_id == letter)
            .flat_map(|frame| &frame.fields)
            .filter(|field| matches!(field.values, Column::Number(_)))
            .take(ROWS_MAX)
            .collect();
        let names: BTreeSet<&str> = fields.iter().flat_map(|field| field.labels.iter()).map(|(name, _)| name).collect();
        let mut columns: Vec<Field> = names
            .into_iter()
            .map(|name| {
                let values = fields.iter().map(|field| field.labels.get(name).map(str::to_owned)).collect();
                Field { name: name.to_owned(), values: Column::Text(values), ..Field::default() }
            })
            .collect();
        let trends = fields.iter().map(|field| Some(trend(&field.values.numbers()))).collect();
        columns.push(Field { name: format!("Trend #{letter}"), values: Column::Text(trends), ..Field::default() });
        Frame { ref_id: letter, kind: FrameKind::Table, fields: columns, ..Frame::default() }
    });
    Ok(made.collect())
}

/// Numbers over time as a text, thinned to what a sparkline shows.
fn trend(values: &[Option<f64>]) -> String {
    let there: Vec<f64> = values.iter().copied().flatten().filter(|value| value.is_finite()).collect();
    let every = there.len().div_ceil(TREND_POINTS).max(1);
    let means = there.chunks(every).map(|part| part.iter().sum::<f64>() / part.len() as f64);
    means.map(|mean| crate::base::float::significant(mean, 6)).collect::<Vec<_>>().join(",")
}
