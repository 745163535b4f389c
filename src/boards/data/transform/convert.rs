//! `convertFieldType` and `formatTime`: the values of a field in another type.

use super::super::cell::Cell;
use super::super::frame::{Column, Field, Frame};
use super::super::options::Options;
use super::{all_names, place_of};
use crate::base::time::{parse_rfc3339, parse_timestamp};
use crate::ui::units::Unit;

/// Converts the fields that are named.
pub(super) fn field_type(options: Options<'_>, mut frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let names = all_names(&frames);
    for conversion in options.children("conversions") {
        for (frame, names) in frames.iter_mut().zip(&names) {
            if let Some(at) = place_of(frame, names, conversion.word("targetField")) {
                let values = converted(&frame.fields[at].values, conversion.word("destinationType"));
                frame.fields[at].values = values;
            }
        }
    }
    Ok(frames)
}

fn converted(column: &Column, to: &str) -> Column {
    match to {
        "number" => Column::Number(column.cells().map(|cell| number(&cell)).collect()),
        "string" | "enum" => Column::Text(column.cells().map(|cell| (!cell.is_nothing()).then(|| cell.text())).collect()),
        "boolean" => Column::Bool(column.cells().map(|cell| boolean(&cell)).collect()),
        "time" => {
            let times: Option<Vec<i64>> = column.cells().map(|cell| time(&cell)).collect();
            times.map_or_else(|| column.clone(), |times| Column::Time(times.into()))
        }
        _ => column.clone(),
    }
}

fn number(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Text(text) => text.trim().replace(',', "").parse().ok(),
        other => other.number(),
    }
}

fn boolean(cell: &Cell) -> Option<bool> {
    match cell {
        Cell::Text(text) => Some(!matches!(text.as_str(), "" | "false" | "0")),
        Cell::Nothing => None,
        other => other.number().map(|number| number != 0.0),
    }
}

/// Milliseconds since the Unix epoch: of numbers as they are, of texts by their form.
fn time(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Text(text) => {
            let text = text.trim();
            parse_rfc3339(text)
                .or_else(|| parse_rfc3339(&format!("{}Z", text.replace(' ', "T"))))
                .or_else(|| parse_rfc3339(&format!("{text}T00:00:00Z")))
                .or_else(|| parse_timestamp(text))
        }
        other => other.number().filter(|number| number.is_finite()).map(|number| number as i64),
    }
}

/// Times as texts by a pattern.
pub(super) fn format_time(options: Options<'_>, mut frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let pattern = options.text("outputFormat").filter(|pattern| !pattern.is_empty()).unwrap_or("YYYY-MM-DD HH:mm:ss");
    let unit = Unit::from_id(&format!("time:{pattern}"));
    let names = all_names(&frames);
    for (frame, names) in frames.iter_mut().zip(&names) {
        let wanted = options.word("timeField");
        let Some(at) = place_of(frame, names, wanted) else { continue };
        let field: &mut Field = &mut frame.fields[at];
        let texts = field.values.cells().map(|cell| cell.number().map(|ms| unit.show(ms, None))).collect();
        field.values = Column::Text(texts);
    }
    Ok(frames)
}
