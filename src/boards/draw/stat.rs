//! Stat: one or a few large values, with a sparkline.

use std::fmt::Write;

use super::colour::{css, ink};
use super::markup::{ems, escape, px};
use super::shown::anchor;
use super::values::{Value, grid, is_all_nothing, values};
use super::{Canvas, Drawn, empty};
use crate::boards::data::{Frame, Options};
use crate::boards::model::Panel;
use crate::ui::spark;
use crate::ui::units::Unit;

/// Sizes of the value's type, in pixels.
const FONT: (f64, f64) = (14.0, 44.0);
/// A sparkline needs at least so many pixels of height beside the value.
const SPARK_MIN: f64 = 62.0;

/// What of a value is written.
#[derive(Debug, Clone, Copy)]
struct Texts {
    has_value: bool,
    has_name: bool,
}

/// Draws a stat panel.
///
/// # Errors
/// Words for the reader, where options cannot be read.
pub(super) fn draw(panel: &Panel, frames: &[Frame], canvas: &Canvas) -> Result<Drawn, String> {
    let values = values(panel, frames, canvas)?;
    if values.is_empty() || is_all_nothing(&values) {
        return Ok(empty(canvas));
    }
    let options = Options::new(&panel.options);
    let texts = match options.word("textMode") {
        "value" => Texts { has_value: true, has_name: false },
        "name" => Texts { has_value: false, has_name: true },
        "value_and_name" => Texts { has_value: true, has_name: true },
        "none" => Texts { has_value: false, has_name: false },
        _ => Texts { has_value: true, has_name: values.len() > 1 },
    };
    let (columns, width, height) = grid(values.len(), options.word("orientation"), canvas.width.into(), canvas.height.into(), 2.2);
    let font = font(&values, texts, width, height, options);
    let is_centred = options.word("justifyMode") == "center";
    let mut html = format!("<div class=\"p-stats{}\" style=\"--n:{columns};--f:{}px\">", if is_centred { " p-mid" } else { "" }, px(font));
    for value in &values {
        place(&mut html, value, texts, options, height, canvas);
    }
    html.push_str("</div>");
    Ok(Drawn::Html { html })
}

/// The largest type that fits every value.
fn font(values: &[Value<'_>], texts: Texts, width: f64, height: f64, options: Options<'_>) -> f64 {
    let asked = options.child("text").number("valueSize");
    let longest = values.iter().map(|value| {
        let (number, unit) = value.shown.parts();
        ems(number) + ems(unit) * 0.6 + 0.25
    });
    let longest = longest.fold(1.0, f64::max);
    let lines = if texts.has_name { 0.34 } else { 0.46 };
    let fitting = ((width - 28.0).max(20.0) / longest).min(height * lines).clamp(FONT.0, FONT.1);
    asked.map_or(fitting, |asked| asked.clamp(8.0, 200.0).min((width - 28.0).max(20.0) / longest).max(FONT.0)).floor()
}

fn place(html: &mut String, value: &Value<'_>, texts: Texts, options: Options<'_>, height: f64, canvas: &Canvas) {
    let mode = options.text("colorMode").unwrap_or("value");
    let is_filled = mode.starts_with("background") && value.shown.colour != "none";
    let mut class = String::from("p-stat");
    if is_filled {
        class.push_str(" p-fill");
    }
    let _infallible = write!(html, "<div class=\"{class}\" style=\"--c:{}\">", css(&value.shown.colour));
    if let Some(link) = &value.link {
        html.push_str(&anchor(link));
    }
    if texts.has_name {
        let _infallible = write!(html, "<span class=\"p-name\" title=\"{0}\">{0}</span>", escape(&value.title));
    }
    if texts.has_value {
        let (number, unit) = value.shown.parts();
        let ink =
            if mode == "value" && value.shown.is_marked { format!(" style=\"color:{}\"", ink(&value.shown.colour)) } else { String::new() };
        let _infallible = write!(html, "<span class=\"p-value\"{ink}>{}", escape(number));
        if !unit.is_empty() {
            let gap = if unit.starts_with('%') || unit == "°" { "" } else { " p-gap" };
            let _infallible = write!(html, "<small class=\"p-unit{gap}\">{}</small>", escape(unit));
        }
        html.push_str("</span>");
    }
    if options.flag("showPercentChange")
        && let Some(change) = value.change
    {
        html.push_str(&change_of(change, options.word("percentChangeColorMode"), &value.shown.colour));
    }
    if value.link.is_some() {
        html.push_str("</a>");
    }
    let wants_spark = !matches!(options.word("graphMode"), "none") && height >= SPARK_MIN;
    if wants_spark && value.history.len() > 1 && canvas.width > 60 {
        let colour =
            if value.shown.is_marked || value.shown.colour.starts_with('c') { css(&value.shown.colour) } else { "var(--c1)".to_owned() };
        let _infallible = write!(html, "<span class=\"p-spark\" style=\"--sc:{colour}\">{}</span>", spark::svg(&value.history));
    }
    html.push_str("</div>");
}

fn change_of(change: f64, mode: &str, own: &str) -> String {
    let colour = match mode {
        "inverted" if change > 0.0 => "var(--crit-t)".to_owned(),
        "inverted" => "var(--ok-t)".to_owned(),
        "same_as_value" => ink(own),
        _ if change < 0.0 => "var(--crit-t)".to_owned(),
        _ => "var(--ok-t)".to_owned(),
    };
    let arrow = if change > 0.0 {
        "↑"
    } else if change < 0.0 {
        "↓"
    } else {
        "→"
    };
    format!("<span class=\"p-change\" style=\"color:{colour}\">{arrow} {}</span>", escape(&Unit::Ratio.show(change.abs(), None)))
}
