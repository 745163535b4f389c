//! How one value is shown: its text with unit, its colour, its links.

use super::Canvas;
use super::colour::{self, of_look};
use super::markup::{escape, safe_url};
use crate::boards::data::{Cell, Column, Field, Frame, mapped};
use crate::boards::model::{ColourMode, Look};
use crate::ui::units::Unit;

/// What stands where there is no value.
const DASH: &str = "–";
/// Most bytes of a text in a cell.
const TEXT_MAX: usize = 4_000;

/// A value as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    /// The text, with its unit.
    pub(super) text: String,
    /// How many bytes of the text are the number, where it is one; what follows is the unit.
    pub(super) number_end: usize,
    /// Its colour: a token or a hex.
    pub(super) colour: String,
    /// Whether the colour says something: a mapping or threshold chose it, and not the lowest one that means well.
    pub(super) is_marked: bool,
    /// The value as a number.
    pub(super) number: Option<f64>,
}

impl Shown {
    /// Number and unit apart.
    pub(super) fn parts(&self) -> (&str, &str) {
        let (number, unit) = self.text.split_at(self.number_end);
        (number, unit.trim_start())
    }
}

/// A value of a field; `index` counts the fields of the panel.
pub(super) fn show(cell: &Cell, field: &Field, bounds: (f64, f64), index: usize, canvas: &Canvas) -> Shown {
    show_as(cell, &field.look, Unit::from_id(&field.look.unit), &field.title, bounds, index, canvas)
}

/// The same in another unit.
pub(super) fn show_as(cell: &Cell, look: &Look, unit: Unit, title: &str, bounds: (f64, f64), index: usize, canvas: &Canvas) -> Shown {
    let number = cell.number();
    let unit = if look.unit.is_empty() && matches!(cell, Cell::Number(_)) && unit == Unit::None { Unit::Short } else { unit };
    let found = mapped(&look.mappings, cell);
    let own = own_text(cell, look, unit, canvas);
    let (text, number_end) = match &found {
        Some((_, text)) if !text.is_empty() => (text.clone(), text.len()),
        _ => own,
    };
    let mapped_colour = found.map(|(mapping, _)| mapping.colour.as_str()).filter(|colour| !colour.is_empty());
    let colour = mapped_colour.map_or_else(|| of_look(look, number, bounds, index, title), colour::colour);
    let lowest = look.thresholds.steps.first().map(|(_, given)| colour::colour(given));
    let is_base =
        look.colour == ColourMode::Thresholds && (look.thresholds.steps.is_empty() || lowest.as_deref() == Some("ok")) && colour == "ok";
    let is_marked = (mapped_colour.is_some() || !matches!(look.colour, ColourMode::Palette | ColourMode::PaletteByName))
        && !is_base
        && colour != "none"
        && colour != "text";
    Shown { text, number_end, colour, is_marked, number }
}

fn own_text(cell: &Cell, look: &Look, unit: Unit, canvas: &Canvas) -> (String, usize) {
    let of_number = |value: f64| {
        let text = unit.show_at(value, look.decimals, canvas.now, canvas.lang);
        let end = unit.split(&text).0.len();
        (text, end)
    };
    match cell {
        Cell::Nothing => {
            let text = if look.no_value.is_empty() { DASH.to_owned() } else { look.no_value.clone() };
            let end = text.len();
            (text, end)
        }
        Cell::Number(value) => of_number(*value),
        Cell::Time(at) => {
            let unit = if unit.is_moment() { unit } else { Unit::from_id("dateTimeAsIso") };
            let text = unit.show_at(*at as f64, None, canvas.now, canvas.lang);
            let end = text.len();
            (text, end)
        }
        Cell::Bool(yes) => {
            let text = (if *yes { "true" } else { "false" }).to_owned();
            let end = text.len();
            (text, end)
        }
        Cell::Text(text) => {
            let mut end = text.len().min(TEXT_MAX);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            (text[..end].to_owned(), end)
        }
    }
}

/// The bounds of a field: its own, what its unit implies, or those of all numbers beside it.
pub(super) fn bounds(frames: &[Frame], field: &Field) -> (f64, f64) {
    let look = &field.look;
    let implied = match look.unit.as_str() {
        "percent" => Some((0.0, 100.0)),
        "percentunit" => Some((0.0, 1.0)),
        _ => None,
    };
    if let (Some(min), Some(max)) = (look.min, look.max) {
        return (min, max);
    }
    let (low, high) = implied.unwrap_or_else(|| {
        if look.has_own_bounds { extent(std::iter::once(field)) } else { extent(frames.iter().flat_map(|frame| &frame.fields)) }
    });
    (look.min.unwrap_or(low), look.max.unwrap_or(high))
}

/// The bounds of a column of its own: those of other columns do not count.
pub(super) fn own_bounds(field: &Field) -> (f64, f64) {
    let (low, high) = match field.look.unit.as_str() {
        "percent" => (0.0, 100.0),
        "percentunit" => (0.0, 1.0),
        _ => extent(std::iter::once(field)),
    };
    (field.look.min.unwrap_or(low), field.look.max.unwrap_or(high))
}

/// The least and the greatest number of fields; 0 and 0 where there is none.
fn extent<'a>(fields: impl Iterator<Item = &'a Field>) -> (f64, f64) {
    let mut found: Option<(f64, f64)> = None;
    for field in fields {
        let Column::Number(values) = &field.values else { continue };
        for value in values.iter().flatten().filter(|value| value.is_finite()) {
            let (low, high) = found.unwrap_or((*value, *value));
            found = Some((low.min(*value), high.max(*value)));
        }
    }
    found.unwrap_or_default()
}

/// The first link of a field, with what is known of the value and its row put in; none where it could run script.
pub(super) fn link(field: &Field, shown: &Shown, frame: &Frame, row: usize) -> Option<(String, String, bool)> {
    let link = field.look.links.iter().find(|link| !link.url.is_empty())?;
    let value = |text: &str| with_value(text, field, shown, frame, row);
    Some((safe_url(&value(&link.url))?, value(&link.title), link.opens_window))
}

/// The begin of an `<a>` for a link.
pub(super) fn anchor((url, title, opens): &(String, String, bool)) -> String {
    let target = if *opens { " target=\"_blank\" rel=\"noopener noreferrer\"" } else { "" };
    let title = if title.is_empty() { String::new() } else { format!(" title=\"{}\"", escape(title)) };
    format!("<a class=\"p-link\" href=\"{}\"{title}{target}>", escape(url))
}

/// A text with what is known of a row put in; what belongs to one value stays as it is.
pub(super) fn filled(text: &str, frame: &Frame, row: usize) -> String {
    with_variables(text, &|name| of_row(name, frame, row))
}

fn with_value(text: &str, field: &Field, shown: &Shown, frame: &Frame, row: usize) -> String {
    with_variables(text, &|name| variable(name, field, shown, frame, row))
}

fn with_variables(text: &str, value_of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${__") {
        let Some(end) = rest[at..].find('}').map(|end| at + end) else { break };
        out.push_str(&rest[..at]);
        let (name, format) = match rest[at + 2..end].rsplit_once(':') {
            Some((name, format)) if !format.contains([']', '"']) => (name, format),
            _ => (&rest[at + 2..end], ""),
        };
        match value_of(name) {
            Some(value) if format == "raw" => out.push_str(&value),
            Some(value) => out.push_str(&percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC).to_string()),
            None => out.push_str(&rest[at..=end]),
        }
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    out
}

fn variable(name: &str, field: &Field, shown: &Shown, frame: &Frame, row: usize) -> Option<String> {
    match name {
        "__value.text" => Some(shown.text.clone()),
        "__value" | "__value.raw" => Some(field.values.cell(row).text()),
        "__value.numeric" => Some(shown.number.map(crate::base::float::plain).unwrap_or_default()),
        _ => of_row(name, frame, row),
    }
}

fn of_row(name: &str, frame: &Frame, row: usize) -> Option<String> {
    if name == "__value.time" {
        return frame.fields.iter().find(|field| matches!(field.values, Column::Time(_))).map(|field| field.values.cell(row).text());
    }
    let inner = name.strip_prefix("__data.fields")?;
    let key = inner.trim_start_matches(['.', '[']).trim_end_matches(']').trim_matches(['"', '\'']);
    let key = key.strip_suffix(".text").unwrap_or(key);
    let by_name = frame.fields.iter().find(|field| field.title == key || field.name == key);
    by_name.or_else(|| frame.fields.get(key.parse::<usize>().ok()?)).map(|field| field.values.cell(row).text())
}
