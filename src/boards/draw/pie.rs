//! Pie: shares of a whole, as a pie or a ring, with a legend that says them in numbers.

use std::f64::consts::TAU;
use std::fmt::Write;

use super::colour::css;
use super::legend::{Entry, legend, place};
use super::markup::{cut, ems, escape, px};
use super::values::{Value, values};
use super::{Canvas, Drawn, empty};
use crate::boards::data::{Frame, Options};
use crate::boards::model::Panel;
use crate::ui::units::Unit;

/// Draws a pie panel.
///
/// # Errors
/// Words for the reader, where options cannot be read.
pub(super) fn draw(panel: &Panel, frames: &[Frame], canvas: &Canvas) -> Result<Drawn, String> {
    let options = Options::new(&panel.options);
    let mut values = values(panel, frames, canvas)?;
    // A share of less than nothing is none.
    values.retain(|value| number(value) > 0.0);
    let total: f64 = values.iter().map(number).sum();
    if values.is_empty() || !total.is_finite() {
        return Ok(empty(canvas));
    }
    match options.word("sort") {
        "asc" => values.sort_by(|a, b| number(a).total_cmp(&number(b))),
        "none" => {}
        _ => values.sort_by(|a, b| number(b).total_cmp(&number(a))),
    }
    let where_is = place(options).map(|wanted| match wanted {
        _ if canvas.width > 420 && canvas.height < 230 => "right",
        // Beside each other there is no room on a phone.
        _ if canvas.width < 380 => "bottom",
        wanted => wanted,
    });
    let (width, height) = (f64::from(canvas.width), f64::from(canvas.height));
    let shown = options.child("legend").words("values");
    let is_table = options.child("legend").word("displayMode") == "table" || !shown.is_empty();
    let side = match where_is {
        Some("right") => (width * 0.5).min(height),
        // A table below takes a line for each entry, at most half of the height.
        Some(_) if is_table => width.min(height - (values.len() as f64 * 20.0 + 30.0).min(height * 0.5)),
        Some(_) => width.min(height * 0.7),
        None => width.min(height),
    };
    let mut html = format!("<div class=\"p-pie p-at-{}\">", where_is.unwrap_or("none"));
    pie(&mut html, &values, total, options, side.clamp(60.0, 420.0));
    if where_is.is_some() {
        let entries: Vec<Entry> = values.iter().map(|value| entry(value, total, &shown)).collect();
        let heads: Vec<String> = shown
            .iter()
            .map(|shown| (if *shown == "percent" { canvas.lang.t("Percent") } else { canvas.lang.t("Value") }).to_owned())
            .collect();
        legend(&mut html, &entries, &heads, is_table);
    }
    html.push_str("</div>");
    Ok(Drawn::Html { html })
}

fn number(value: &Value<'_>) -> f64 {
    value.shown.number.filter(|number| number.is_finite()).unwrap_or(0.0)
}

fn percent(value: &Value<'_>, total: f64) -> String {
    Unit::Ratio.show(number(value) / total, None)
}

fn entry(value: &Value<'_>, total: f64, shown: &[&str]) -> Entry {
    let values = shown.iter().map(|shown| if *shown == "percent" { percent(value, total) } else { value.shown.text.clone() });
    Entry { name: value.title.clone(), colour: value.shown.colour.clone(), values: values.collect() }
}

fn pie(html: &mut String, values: &[Value<'_>], total: f64, options: Options<'_>, side: f64) {
    let labels = options.words("displayLabels");
    let radius = side / 2.0 - 2.0;
    let inner = if options.word("pieType") == "donut" { radius * 0.6 } else { 0.0 };
    let sentence: Vec<String> = values.iter().take(12).map(|value| format!("{} {}", value.title, percent(value, total))).collect();
    let _infallible = write!(
        html,
        "<svg viewBox=\"0 0 {0} {0}\" width=\"{0}\" height=\"{0}\" role=\"img\" aria-label=\"{1}\">",
        px(side),
        escape(&sentence.join(", "))
    );
    let centre = side / 2.0;
    let point = |radius: f64, turn: f64| {
        let angle = (turn - 0.25) * TAU;
        (centre + radius * angle.cos(), centre + radius * angle.sin())
    };
    let mut turn = 0.0;
    for value in values {
        let part = number(value) / total;
        let title = format!("{}: {} ({})", value.title, value.shown.text, percent(value, total));
        let _infallible = write!(html, "<path style=\"fill:{}\" d=\"", css(&value.shown.colour));
        // A whole circle is two halves: an arc cannot end where it began.
        for (from, to) in if part > 0.9999 { vec![(0.0, 0.5), (0.5, 1.0)] } else { vec![(turn, turn + part)] } {
            let large = u8::from(to - from > 0.5);
            let ((x1, y1), (x2, y2)) = (point(radius, from), point(radius, to));
            let _infallible = write!(html, "M{} {}A{r} {r} 0 {large} 1 {} {}", px(x1), px(y1), px(x2), px(y2), r = px(radius));
            let ((x3, y3), (x4, y4)) = (point(inner, to), point(inner, from));
            let _infallible = if inner > 0.0 {
                write!(html, "L{} {}A{r} {r} 0 {large} 0 {} {}Z", px(x3), px(y3), px(x4), px(y4), r = px(inner))
            } else {
                write!(html, "L{} {}Z", px(centre), px(centre))
            };
        }
        let _infallible = write!(html, "\"><title>{}</title></path>", escape(&title));
        if !labels.is_empty() {
            label(
                html,
                value,
                total,
                &labels,
                point(if inner > 0.0 { f64::midpoint(radius, inner) } else { radius * 0.66 }, turn + part / 2.0),
                if inner > 0.0 { (part * radius * 4.0).min(radius - inner) } else { part * radius * 4.0 },
            );
        }
        turn += part;
    }
    if inner > 24.0 && values.len() == 1 {
        let _infallible = write!(
            html,
            "<text class=\"p-dial\" x=\"{0}\" y=\"{1}\" font-size=\"16\">{2}</text>",
            px(centre),
            px(centre + 6.0),
            escape(&values[0].shown.text)
        );
    }
    html.push_str("</svg>");
}

/// A label inside of a slice that has room for it.
fn label(html: &mut String, value: &Value<'_>, total: f64, labels: &[&str], (x, y): (f64, f64), room: f64) {
    let lines: Vec<String> = labels
        .iter()
        .map(|label| match *label {
            "name" => cut(&value.title, 9.0),
            "percent" => percent(value, total),
            _ => value.shown.text.clone(),
        })
        .collect();
    if lines.iter().any(|line| ems(line) * 11.0 > room) || room < 18.0 * lines.len() as f64 {
        return;
    }
    for (at, line) in lines.iter().enumerate() {
        let y = y + 4.0 + 13.0 * (at as f64 - (lines.len() - 1) as f64 / 2.0);
        let _infallible = write!(html, "<text class=\"p-on\" x=\"{}\" y=\"{}\">{}</text>", px(x), px(y), escape(line));
    }
}
