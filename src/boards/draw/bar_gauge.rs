//! Bar gauge: a bar for each value, plain, of cells, or in the colours of the scale.

use std::fmt::Write;

use super::colour::{colour, css, ink, share};
use super::markup::{ems, escape, px};
use super::shown::anchor;
use super::values::{Value, is_all_nothing, values};
use super::{Canvas, Drawn, empty};
use crate::boards::data::{Frame, Options};
use crate::boards::model::{ColourMode, Panel};

/// A bar beside its name is at least so long, in pixels; with the space around it.
const BAR_MIN: f64 = 100.0;
/// Rows are at least so high; more of them scroll.
const ROW_MIN: f64 = 24.0;
/// The usual size of the numbers above upright bars, and the least; columns too narrow for that scroll.
const NUMBER: (f64, f64) = (13.0, 9.5);

/// Draws a bar gauge panel.
///
/// # Errors
/// Words for the reader, where options cannot be read.
pub(super) fn draw(panel: &Panel, frames: &[Frame], canvas: &Canvas) -> Result<Drawn, String> {
    let values = values(panel, frames, canvas)?;
    if values.is_empty() || is_all_nothing(&values) {
        return Ok(empty(canvas));
    }
    let options = Options::new(&panel.options);
    let is_vertical = match options.word("orientation") {
        "vertical" => true,
        "horizontal" => false,
        _ => canvas.width > canvas.height && values.len() as f64 * 74.0 < f64::from(canvas.width) && canvas.height > 120,
    };
    let mode = match options.word("displayMode") {
        "lcd" => "lcd",
        "basic" => "basic",
        _ => "gradient",
    };
    let height = f64::from(canvas.height) / values.len() as f64;
    let longest = values.iter().map(|value| ems(&value.title)).fold(0.0, f64::max) * 12.0 + 12.0;
    let is_above = match options.word("namePlacement") {
        "top" => true,
        "left" => false,
        _ => height >= 46.0,
    };
    let widest = values.iter().map(|value| ems(&value.shown.text)).fold(0.0, f64::max) * 13.0 + 8.0;
    // Where the bar would be a stump, name and value share a line above it.
    let is_thin =
        !is_vertical && !is_above && (longest > f64::from(canvas.width) * 0.4 || f64::from(canvas.width) - longest - widest < BAR_MIN);
    let (number, column) = upright(&values, canvas);
    let mut html = format!(
        "<div class=\"p-bars p-{mode}{}{}{}{}\"{} style=\"--n:{};--name:{}px;--v:{}px;--h:{}px{}\">",
        if is_vertical { " p-up" } else { "" },
        if is_above || is_vertical { " p-above" } else { "" },
        if is_thin { " p-thin" } else { "" },
        if options.flag_or("showUnfilled", true) { "" } else { " p-bare" },
        if (!is_vertical && height < ROW_MIN) || (is_vertical && column > 0.0) { " tabindex=\"0\"" } else { "" },
        values.len(),
        px(longest.min(f64::from(canvas.width) * 0.4)),
        px(widest.min(f64::from(canvas.width) * 0.4)),
        px(height.clamp(if is_above { ROW_MIN + 18.0 } else { ROW_MIN }, 64.0)),
        if is_vertical { format!(";--f:{}px;--col:{}px", px(number), px(column)) } else { String::new() },
    );
    for value in &values {
        bar(&mut html, value, mode, options, is_vertical);
    }
    html.push_str("</div>");
    Ok(Drawn::Html { html })
}

/// The size of numbers above upright bars that all fit, and how wide a column is at least where none would.
fn upright(values: &[Value<'_>], canvas: &Canvas) -> (f64, f64) {
    let count = values.len() as f64;
    let room = (f64::from(canvas.width) - 28.0 - 10.0 * (count - 1.0)) / count;
    let widest = values.iter().map(|value| ems(&value.shown.text)).fold(1.0, f64::max);
    let fitting = (room / widest).min(NUMBER.0);
    if fitting >= NUMBER.1 { (fitting, 0.0) } else { (NUMBER.1, widest * NUMBER.1) }
}

fn bar(html: &mut String, value: &Value<'_>, mode: &str, options: Options<'_>, is_vertical: bool) {
    let look = &value.field.look;
    let mut bounds = value.bounds;
    // Bars begin at nothing unless the panel says.
    if look.min.is_none() {
        bounds.0 = bounds.0.min(0.0);
    }
    let at = value.shown.number.filter(|number| !number.is_nan()).map_or(0.0, |number| share(number, bounds));
    let own = css(&value.shown.colour);
    let fill = if mode == "gradient" && matches!(look.colour, ColourMode::Thresholds) {
        gradient(value, bounds, is_vertical)
    } else {
        own.clone()
    };
    let label = format!("{}: {}", value.title, value.shown.text);
    let _infallible = write!(html, "<div class=\"p-bar\" style=\"--p:{}%;--c:{own};--g:{fill}\">", px(at * 100.0));
    if let Some(link) = &value.link {
        html.push_str(&anchor(link));
    }
    if options.word("namePlacement") != "hidden" {
        let _infallible = write!(html, "<span class=\"p-name\" title=\"{0}\">{0}</span>", escape(&value.title));
    }
    let _infallible = write!(html, "<span class=\"p-track\" role=\"img\" aria-label=\"{}\"><i></i></span>", escape(&label));
    if options.word("valueMode") != "hidden" {
        let ink = if options.word("valueMode") == "text" || !value.shown.is_marked {
            String::new()
        } else {
            format!(" style=\"color:{}\"", ink(&value.shown.colour))
        };
        let _infallible = write!(html, "<span class=\"p-num\"{ink}>{}</span>", escape(&value.shown.text));
    }
    if value.link.is_some() {
        html.push_str("</a>");
    }
    html.push_str("</div>");
}

/// The colours of the thresholds along the whole track, one flowing into the next.
fn gradient(value: &Value<'_>, bounds: (f64, f64), is_vertical: bool) -> String {
    let thresholds = &value.field.look.thresholds;
    let stops: Vec<String> = thresholds
        .steps
        .iter()
        .map(|(from, given)| {
            let at = if !from.is_finite() {
                0.0
            } else if thresholds.is_percent {
                (from / 100.0).clamp(0.0, 1.0)
            } else {
                share(*from, bounds)
            };
            format!("{} {}%", css(&colour(given)), px(at * 100.0))
        })
        .collect();
    match stops.len() {
        0 => "var(--ok)".to_owned(),
        1 => css(&colour(&thresholds.steps[0].1)),
        _ => format!("linear-gradient(to {},{})", if is_vertical { "top" } else { "right" }, stops.join(",")),
    }
}
