//! The values of panels that show few: which fields, reduced how, with which names.

use super::Canvas;
use super::shown::{Shown, bounds, link, show, show_as};
use crate::boards::data::{Cell, Column, Field, Frame, FrameKind, Options, keeps_unit, pattern, reduce, reducer_name};
use crate::boards::model::Panel;
use crate::ui::units::Unit;

/// Most values of a panel.
const VALUES_MAX: usize = 200;
/// Rows that are shown of a table unless the panel says.
const ROWS_USUAL: f64 = 25.0;

/// One of the values of a panel.
#[derive(Debug, Clone)]
pub(super) struct Value<'a> {
    /// Its name.
    pub(super) title: String,
    /// How it is shown.
    pub(super) shown: Shown,
    /// Its field.
    pub(super) field: &'a Field,
    /// The bounds of its scale.
    pub(super) bounds: (f64, f64),
    /// The numbers over time that it is reduced of, where there is a time.
    pub(super) history: Vec<f64>,
    /// The share by which it changed from the first to the last.
    pub(super) change: Option<f64>,
    /// Where a click on it leads.
    pub(super) link: Option<(String, String, bool)>,
}

/// The values that `reduceOptions` of a panel choose.
///
/// # Errors
/// Words for the reader, where the choice of fields cannot be read.
pub(super) fn values<'a>(panel: &Panel, frames: &'a [Frame], canvas: &Canvas) -> Result<Vec<Value<'a>>, String> {
    let options = Options::new(&panel.options);
    let reducing = options.child("reduceOptions");
    let wanted = reducing.word("fields");
    let regex = (!wanted.is_empty()).then(|| pattern(wanted)).transpose()?;
    let calcs = reducing.words("calcs");
    let calcs = if calcs.is_empty() { vec![if reducing.is_empty() { "mean" } else { "lastNotNull" }] } else { calcs };
    let takes_rows = reducing.flag("values");
    let rows_max = reducing.number("limit").unwrap_or(ROWS_USUAL).clamp(1.0, VALUES_MAX as f64) as usize;
    let mut found = Vec::new();
    for frame in frames {
        let is_wanted = |field: &&Field| match &regex {
            Some(regex) => regex.is_match(&field.title) || field.title == wanted,
            None => matches!(field.values, Column::Number(_) | Column::Bool(_) | Column::Histogram(_)),
        };
        let fields: Vec<&Field> = frame.fields.iter().filter(is_wanted).collect();
        for field in &fields {
            if found.len() >= VALUES_MAX {
                return Ok(found);
            }
            if takes_rows {
                rows(&mut found, frame, frames, field, fields.len() > 1, rows_max, canvas);
            } else {
                for calc in &calcs {
                    reduced(&mut found, frame, frames, field, calc, calcs.len() > 1, canvas);
                }
            }
        }
    }
    Ok(found)
}

fn reduced<'a>(
    found: &mut Vec<Value<'a>>,
    frame: &'a Frame,
    frames: &[Frame],
    field: &'a Field,
    calc: &str,
    is_one_of_many: bool,
    canvas: &Canvas,
) {
    let cell = reduce(&field.values, calc);
    let bounds = bounds(frames, field);
    let index = found.len();
    let shown = if keeps_unit(calc) {
        show(&cell, field, bounds, index, canvas)
    } else {
        let unit = if calc == "diffperc" { Unit::Ratio } else { Unit::None };
        show_as(&cell, &field.look, unit, &field.title, bounds, index, canvas)
    };
    let title = if is_one_of_many { format!("{} {}", field.title, reducer_name(calc)) } else { field.title.clone() };
    let is_over_time = frame.kind == FrameKind::Series || frame.fields.iter().any(|field| matches!(field.values, Column::Time(_)));
    let history: Vec<f64> = if is_over_time { field.values.numbers().into_iter().flatten().collect() } else { Vec::new() };
    let change = reduce(&field.values, "diffperc").number().filter(|change| change.is_finite() && history.len() > 1);
    let link = link(field, &shown, frame, field.values.len().saturating_sub(1));
    found.push(Value { title, shown, field, bounds, history, change, link });
}

fn rows<'a>(
    found: &mut Vec<Value<'a>>,
    frame: &'a Frame,
    frames: &[Frame],
    field: &'a Field,
    is_one_of_many: bool,
    most: usize,
    canvas: &Canvas,
) {
    let name_of = frame.fields.iter().find(|field| matches!(field.values, Column::Text(_)));
    let bounds = bounds(frames, field);
    for row in 0..field.values.len().min(most) {
        if found.len() >= VALUES_MAX {
            return;
        }
        let shown = show(&field.values.cell(row), field, bounds, found.len(), canvas);
        let name = name_of.filter(|name| !std::ptr::eq(*name, field)).map(|name| name.values.cell(row)).filter(|cell| !cell.is_nothing());
        let title = match name {
            Some(name) if is_one_of_many => format!("{} {}", name.text(), field.title),
            Some(name) => name.text(),
            None => field.title.clone(),
        };
        let link = link(field, &shown, frame, row);
        found.push(Value { title, shown, field, bounds, history: Vec::new(), change: None, link });
    }
}

/// Whether there is nothing to show among values.
pub(super) fn is_all_nothing(values: &[Value<'_>]) -> bool {
    values.iter().all(|value| {
        value.shown.number.is_none()
            && value.field.look.no_value.is_empty()
            && value.field.values.cells().all(|cell| matches!(cell, Cell::Nothing))
    })
}

/// How values stand: in how many columns, and how large each place is.
pub(super) fn grid(count: usize, orientation: &str, width: f64, height: f64, best_aspect: f64) -> (usize, f64, f64) {
    let count = count.max(1);
    let columns = match orientation {
        "horizontal" => 1,
        "vertical" => count,
        _ => {
            let badness = |columns: usize| {
                let rows = count.div_ceil(columns);
                let (w, h) = (width / columns as f64, height / rows as f64);
                // The smaller side counts, and no place stays empty if that can be.
                let size = w.min(h * best_aspect);
                size * (1.0 - 0.04 * (columns * rows - count) as f64)
            };
            (1..=count.min(24)).max_by(|a, b| badness(*a).total_cmp(&badness(*b)).then(b.cmp(a))).unwrap_or(1)
        }
    };
    (columns, width / columns as f64, height / count.div_ceil(columns) as f64)
}
