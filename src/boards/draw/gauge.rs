//! Gauge: an arc of 240° with the value in it and the thresholds around it.

use std::f64::consts::PI;
use std::fmt::Write;

use super::colour::{colour, css, share};
use super::markup::{cut, ems, escape, px};
use super::shown::anchor;
use super::values::{Value, grid, is_all_nothing, values};
use super::{Canvas, Drawn, empty};
use crate::boards::data::{Frame, Options};
use crate::boards::model::{ColourMode, Panel};
use crate::ui::units::Unit;

/// Where the arc begins and how far it goes, in radians clockwise from the right.
const BEGIN: f64 = PI * 5.0 / 6.0;
const SWEEP: f64 = PI * 4.0 / 3.0;

/// Draws a gauge panel.
///
/// # Errors
/// Words for the reader, where options cannot be read.
pub(super) fn draw(panel: &Panel, frames: &[Frame], canvas: &Canvas) -> Result<Drawn, String> {
    let mut values = values(panel, frames, canvas)?;
    if values.is_empty() || is_all_nothing(&values) {
        return Ok(empty(canvas));
    }
    for value in &mut values {
        value.bounds = bounds(value);
    }
    let options = Options::new(&panel.options);
    let (columns, width, height) = grid(values.len(), options.word("orientation"), canvas.width.into(), canvas.height.into(), 1.15);
    let has_names = values.len() > 1;
    let mut html = format!("<div class=\"p-gauges\" style=\"--n:{columns}\">");
    for value in &values {
        html.push_str("<div class=\"p-gauge\">");
        if let Some(link) = &value.link {
            html.push_str(&anchor(link));
        }
        dial(&mut html, value, options, (width - 8.0).max(40.0), (height - if has_names { 22.0 } else { 4.0 }).max(36.0));
        if has_names {
            let _infallible = write!(html, "<span class=\"p-name\" title=\"{0}\">{0}</span>", escape(&value.title));
        }
        if value.link.is_some() {
            html.push_str("</a>");
        }
        html.push_str("</div>");
    }
    html.push_str("</div>");
    Ok(Drawn::Html { html })
}

/// The bounds of a gauge: 0 to 100 unless something else is said or reached.
fn bounds(value: &Value<'_>) -> (f64, f64) {
    let look = &value.field.look;
    match look.unit.as_str() {
        "percent" | "percentunit" => value.bounds,
        _ => {
            let number = value.shown.number.filter(|number| number.is_finite()).unwrap_or(0.0);
            let min = look.min.unwrap_or_else(|| number.min(0.0));
            (min, look.max.unwrap_or_else(|| if number > 100.0 { value.bounds.1.max(number) } else { 100.0_f64.max(min + 1.0) }))
        }
    }
}

fn dial(html: &mut String, value: &Value<'_>, options: Options<'_>, width: f64, height: f64) {
    let has_ring = options.flag_or("showThresholdMarkers", true) && value.field.look.thresholds.steps.len() > 1;
    // Labels need room beside the arc.
    let has_labels = options.flag("showThresholdLabels") && width >= 130.0 && height >= 80.0;
    // The arc is as wide as its diameter and as high as three quarters of it.
    let radius =
        ((width - if has_labels { 64.0 } else { 0.0 }) / 2.0).min((height - if has_labels { 26.0 } else { 0.0 }) / 1.52).min(150.0) - 1.0;
    let radius = radius.max(16.0);
    let thick = (radius * 0.13).clamp(4.0, 16.0);
    let (ring, main) = (radius - 1.5, radius - if has_ring { 5.5 } else { 0.0 } - thick / 2.0);
    let (w, h) = ((radius + 1.0) * 2.0 + if has_labels { 64.0 } else { 0.0 }, radius * 1.5 + 2.0 + if has_labels { 26.0 } else { 0.0 });
    let (cx, cy) = (w / 2.0, radius + 1.0 + if has_labels { 12.0 } else { 0.0 });
    let at = value.shown.number.filter(|number| !number.is_nan()).map_or(0.0, |number| share(number, value.bounds));
    let unit = Unit::from_id(&value.field.look.unit);
    let shown = |number: f64| unit.show(number, value.field.look.decimals);
    let label = format!("{}: {}, {} – {}", value.title, value.shown.text, shown(value.bounds.0), shown(value.bounds.1));
    let _infallible = write!(
        html,
        "<svg viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\" aria-label=\"{2}\">",
        px(w),
        px(h),
        escape(&label)
    );
    arc(html, (cx, cy), main, (0.0, 1.0), thick, "var(--none-s)");
    if at > 0.0 {
        arc(html, (cx, cy), main, (0.0, at), thick, &css(&value.shown.colour));
    }
    if has_ring {
        thresholds(html, value, (cx, cy), ring);
    }
    let text = &value.shown;
    let (number, rest) = text.parts();
    let joined = rest.starts_with('%') || rest == "°";
    let room = (main - thick / 2.0) * 1.72;
    let size = (room / (ems(number) + if rest.is_empty() { 0.0 } else { ems(rest) * if joined { 1.0 } else { 0.55 } + 0.2 }))
        .min(radius * 0.42)
        .clamp(9.0, 44.0);
    let _infallible = write!(
        html,
        "<text class=\"p-dial\" x=\"{}\" y=\"{}\" font-size=\"{}\">{}",
        px(cx),
        px(cy + size * 0.36),
        px(size),
        escape(number)
    );
    if joined {
        html.push_str(&escape(rest));
    } else if !rest.is_empty() {
        let _infallible = write!(
            html,
            "<tspan class=\"p-unit\" dx=\"{}\" font-size=\"{}\">{}</tspan>",
            px(size * 0.16),
            px((size * 0.55).max(9.0)),
            escape(rest)
        );
    }
    html.push_str("</text>");
    if has_labels {
        labels(html, value, (cx, cy), radius, &shown);
    }
    html.push_str("</svg>");
}

/// A point on a circle at a share of the arc.
fn point((cx, cy): (f64, f64), radius: f64, share: f64) -> (f64, f64) {
    let angle = BEGIN + SWEEP * share;
    (cx + radius * angle.cos(), cy + radius * angle.sin())
}

fn arc(html: &mut String, centre: (f64, f64), radius: f64, (from, to): (f64, f64), thick: f64, stroke: &str) {
    let ((x1, y1), (x2, y2)) = (point(centre, radius, from), point(centre, radius, to));
    let large = u8::from((to - from) * SWEEP > PI);
    let _infallible = write!(
        html,
        "<path d=\"M{} {}A{r} {r} 0 {large} 1 {} {}\" fill=\"none\" style=\"stroke:{stroke}\" stroke-width=\"{}\"/>",
        px(x1),
        px(y1),
        px(x2),
        px(y2),
        px(thick),
        r = px(radius)
    );
}

/// Where the steps of thresholds stand on the arc, with their colours.
fn steps(value: &Value<'_>) -> Vec<(f64, f64, String)> {
    let thresholds = &value.field.look.thresholds;
    let place = |from: f64| if thresholds.is_percent { (from / 100.0).clamp(0.0, 1.0) } else { share(from, value.bounds) };
    let starts: Vec<f64> = thresholds.steps.iter().map(|(from, _)| if from.is_finite() { place(*from) } else { 0.0 }).collect();
    let ends = starts.iter().skip(1).copied().chain([1.0]);
    starts
        .iter()
        .zip(ends)
        .zip(&thresholds.steps)
        .map(|((from, to), (_, given))| (*from, to, colour(given)))
        .filter(|(from, to, _)| to > from)
        .collect()
}

fn thresholds(html: &mut String, value: &Value<'_>, centre: (f64, f64), radius: f64) {
    if matches!(value.field.look.colour, ColourMode::Fixed(_) | ColourMode::Shades(_)) {
        return;
    }
    for (from, to, colour) in steps(value) {
        // A gap of a pixel between steps.
        let gap = 1.0 / (radius * SWEEP);
        arc(html, centre, radius, (from, (to - gap).max(from)), 2.0, &css(&colour));
    }
}

fn labels(html: &mut String, value: &Value<'_>, centre: (f64, f64), radius: f64, shown: &dyn Fn(f64) -> String) {
    let thresholds = &value.field.look.thresholds;
    let numbers = thresholds.steps.iter().map(|(from, _)| *from).filter(|from| from.is_finite());
    let mut last = -1.0;
    for number in std::iter::once(value.bounds.0).chain(numbers).chain([value.bounds.1]) {
        let at = if thresholds.is_percent && number != value.bounds.0 && number != value.bounds.1 {
            (number / 100.0).clamp(0.0, 1.0)
        } else {
            share(number, value.bounds)
        };
        // Labels that would lie on each other are left out.
        if at - last < 0.07 {
            continue;
        }
        last = at;
        let (x, y) = point(centre, radius + 6.0, at);
        let anchor = if at < 0.42 {
            "end"
        } else if at > 0.58 {
            "start"
        } else {
            "middle"
        };
        let _infallible = write!(
            html,
            "<text class=\"p-tick\" x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
            px(x),
            px(y + 3.0),
            escape(&cut(&shown(number), 4.5))
        );
    }
}
