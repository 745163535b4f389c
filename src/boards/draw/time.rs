//! Charts over time: series on one grid, with axes, thresholds, a legend and marks, for the browser to draw.

mod axis;
mod line;

use serde_json::{Map, Value, json};

use self::axis::Axes;
use super::grid::{self, Grid};
use super::{Canvas, Drawn, colour};
use crate::boards::data::{Cell, Column, Field, Frame, Options, keeps_unit, mapped, reduce, reducer_name};
use crate::boards::model::{Look, Panel};
use crate::ui::units::Unit;

/// Most series of a chart; how many more there are stands in the answer.
const SERIES_MAX: usize = 500;
/// Most reducers of a legend.
const CALCS_MAX: usize = 12;

/// A chart over time.
pub(super) fn draw(panel: &Panel, frames: &[Frame], canvas: &Canvas) -> Result<Drawn, String> {
    let grid = Grid::of(canvas);
    let options = Options::new(&panel.options);
    let legend = options.child("legend");
    let calcs: Vec<&str> = legend.words("calcs").into_iter().take(CALCS_MAX).collect();
    let (mut axes, mut series, mut rows, mut steps) = (Axes::default(), Vec::new(), Vec::new(), None);
    let mut seen = 0;
    for frame in frames {
        let Some(times) = grid::times(frame) else { continue };
        for field in frame.fields.iter().filter(|field| is_drawn(field)) {
            seen += 1;
            if series.len() >= SERIES_MAX {
                continue;
            }
            let look = &*field.look;
            steps = steps.or_else(|| thresholds(look));
            let axis = axes.place(look);
            let values = line::values(field, times, &grid);
            series.push(line::series(frame, field, (seen - 1, axis), grid::distance(times).filter(|by| *by > grid.step), &values));
            rows.push(Value::Array(calcs.iter().map(|calc| Value::String(reduced(field, calc))).collect()));
        }
    }
    if series.is_empty() {
        return if frames.iter().all(Frame::is_empty) {
            Ok(Drawn::Empty { text: canvas.lang.t("No data").to_owned() })
        } else {
            Err("a chart over time needs a column of times and one of numbers, the answer has no such columns".to_owned())
        };
    }
    let heads: Vec<String> = calcs.iter().map(|calc| reducer_name(calc)).collect();
    let mut data = json!({
        "start": grid::seconds(grid.start), "step": grid::seconds(grid.step), "n": grid.len,
        "axes": axes.json(), "series": series,
        "legend": legend_json(legend, heads, rows),
        "tooltip": tooltip(options.child("tooltip")),
    });
    if let Some(steps) = steps {
        data["thresholds"] = steps;
    }
    if seen > SERIES_MAX {
        data["more"] = json!(seen - SERIES_MAX);
    }
    Ok(Drawn::Time { data })
}

/// Numbers, and yes and no as 1 and 0.
const fn is_drawn(field: &Field) -> bool {
    matches!(field.values, Column::Number(_) | Column::Bool(_))
}

/// The value of a reducer in words.
fn reduced(field: &Field, calc: &str) -> String {
    let look = &*field.look;
    let cell = reduce(&field.values, calc);
    if let Some((_, text)) = mapped(&look.mappings, &cell).filter(|(_, text)| !text.is_empty()) {
        return text;
    }
    match cell {
        Cell::Nothing => {
            if look.no_value.is_empty() {
                "–".to_owned()
            } else {
                look.no_value.clone()
            }
        }
        Cell::Number(value) if keeps_unit(calc) => Unit::from_id(&look.unit).show(value, look.decimals),
        Cell::Number(value) => Unit::Short.show(value, None),
        other => other.text(),
    }
}

fn legend_json(legend: Options<'_>, heads: Vec<String>, rows: Vec<Value>) -> Value {
    let mode = match legend.word("displayMode") {
        _ if !legend.flag_or("showLegend", true) => "hidden",
        "hidden" => "hidden",
        "table" => "table",
        _ => "list",
    };
    let place = if legend.word("placement") == "right" { "right" } else { "bottom" };
    let mut json = json!({ "mode": mode, "place": place, "calcs": heads, "values": rows });
    if let Some(by) = legend.text("sortBy").filter(|by| !by.is_empty()) {
        json["sort"] = json!(by);
        json["descending"] = json!(legend.flag("sortDesc"));
    }
    json
}

fn tooltip(tooltip: Options<'_>) -> Value {
    let mode = match tooltip.word("mode") {
        "none" => "none",
        "multi" => "all",
        _ => "single",
    };
    let sort = match tooltip.word("sort") {
        "asc" => "up",
        "desc" => "down",
        _ => "none",
    };
    json!({ "mode": mode, "sort": sort })
}

/// Thresholds as lines and areas, where a field shows them.
fn thresholds(look: &Look) -> Option<Value> {
    let style = Options::new(&look.custom).child("thresholdsStyle").word("mode");
    if !matches!(style, "line" | "dashed" | "area" | "line+area" | "dashed+area") || look.thresholds.steps.is_empty() {
        return None;
    }
    let at = |from: f64| {
        let (min, max) = (look.min.unwrap_or(0.0), look.max.unwrap_or(100.0));
        let from = if look.thresholds.is_percent { min + (max - min) * from / 100.0 } else { from };
        if from.is_finite() { grid::number(from) } else { Value::Null }
    };
    let steps: Vec<Value> =
        look.thresholds.steps.iter().map(|(from, given)| json!({ "from": at(*from), "colour": colour(given) })).collect();
    Some(json!({ "style": style, "steps": steps }))
}

/// Puts something in where there is something.
fn put(into: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        into.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests;
