//! Bar chart: bars for each name or time, beside or on each other, upright or lying.

use std::fmt::Write;

use super::colour::{css, of_look};
use super::legend::{Entry, legend, place, room};
use super::markup::{cut, ems, escape, px};
use super::scale::{labels, ticks};
use super::shown::{bounds, show};
use super::{Canvas, Drawn, empty};
use crate::boards::data::{Cell, Column, Field, Frame, FrameKind, Options, joined};
use crate::boards::model::Panel;
use crate::ui::units::Unit;

/// Most groups of bars; the last stay.
const GROUPS_MAX: usize = 200;
/// Most bars of a group.
const SERIES_MAX: usize = 24;

/// What is drawn: names of groups, and numbers of series for each.
pub(super) struct Bars {
    pub(super) names: Vec<String>,
    pub(super) series: Vec<Series>,
    pub(super) unit: Unit,
    pub(super) decimals: Option<u32>,
    pub(super) stacking: &'static str,
    pub(super) is_lying: bool,
    pub(super) shows_values: bool,
    /// Share of its place that a group fills.
    pub(super) group_share: f64,
    /// Whether bars of a group lie on each other without being added.
    pub(super) is_overlaid: bool,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
}

/// Bars of one colour.
pub(super) struct Series {
    pub(super) name: String,
    /// One colour, or one for each value.
    pub(super) colours: Vec<String>,
    pub(super) values: Vec<Option<f64>>,
    pub(super) texts: Vec<String>,
}

/// Draws a bar chart panel.
///
/// # Errors
/// Words for the reader, where results cannot be put beside each other.
pub(super) fn draw(panel: &Panel, frames: &[Frame], canvas: &Canvas) -> Result<Drawn, String> {
    let options = Options::new(&panel.options);
    let frames: Vec<Frame> = if frames.len() > 1 && frames.iter().all(|frame| frame.kind == FrameKind::Series) {
        joined(frames.to_vec())?
    } else {
        frames.to_vec()
    };
    let Some(frame) = frames.iter().find(|frame| frame.fields.iter().any(is_number)) else { return Ok(empty(canvas)) };
    let wanted = options.word("xField");
    let x = frame
        .fields
        .iter()
        .position(|field| !wanted.is_empty() && (field.title == wanted || field.name == wanted))
        .or_else(|| frame.fields.iter().position(|field| matches!(field.values, Column::Text(_))))
        .or_else(|| frame.fields.iter().position(|field| matches!(field.values, Column::Time(_))));
    let skipped = frame.len().saturating_sub(GROUPS_MAX);
    let rows: Vec<usize> = (skipped..frame.len()).collect();
    let names: Vec<String> = rows
        .iter()
        .map(|row| x.map_or_else(|| (row + 1).to_string(), |x| name_of(&frame.fields[x].values.cell(*row), &frame.fields[x], canvas)))
        .collect();
    let fields: Vec<&Field> = frame
        .fields
        .iter()
        .enumerate()
        .filter(|(at, field)| Some(*at) != x && is_number(field))
        .map(|(_, field)| field)
        .take(SERIES_MAX)
        .collect();
    let Some(first) = fields.first() else { return Ok(empty(canvas)) };
    let by_field = options.word("colorByField");
    let colour_of = frame.fields.iter().find(|field| !by_field.is_empty() && field.title == by_field);
    let series = fields.iter().enumerate().map(|(at, field)| series(&frames, field, at, &rows, colour_of, canvas)).collect();
    let bars = Bars {
        unit: Unit::from_id(if first.look.unit.is_empty() { "short" } else { &first.look.unit }),
        decimals: first.look.decimals,
        stacking: match options.word("stacking") {
            "normal" => "normal",
            "percent" => "percent",
            _ => "none",
        },
        is_lying: options.word("orientation") == "horizontal"
            || (options.word("orientation") != "vertical"
                && canvas.width * 2 < canvas.height * 3
                && names.iter().any(|name| ems(name) > 6.0)),
        shows_values: match options.word("showValue") {
            "always" => true,
            "never" => false,
            _ => names.len() * fields.len() <= 24,
        },
        group_share: options.number("groupWidth").unwrap_or(0.7).clamp(0.1, 1.0),
        is_overlaid: false,
        min: first.look.min,
        max: first.look.max,
        names,
        series,
    };
    Ok(chart(&bars, options, canvas))
}

fn is_number(field: &Field) -> bool {
    matches!(field.values, Column::Number(_)) && !Options::new(&field.look.custom).child("hideFrom").flag("viz")
}

fn name_of(cell: &Cell, field: &Field, canvas: &Canvas) -> String {
    let text = show(cell, field, (0.0, 1.0), 0, canvas).text;
    // Of a moment the clock is enough where all is of some days.
    match (cell, text.get(5..16)) {
        (Cell::Time(_), Some(short)) if text.len() == 19 => short.to_owned(),
        _ => text,
    }
}

fn series(frames: &[Frame], field: &Field, at: usize, rows: &[usize], colour_of: Option<&Field>, canvas: &Canvas) -> Series {
    let own = bounds(frames, field);
    let shown: Vec<_> = rows
        .iter()
        .map(|row| {
            let shown = show(&field.values.cell(*row), field, own, at, canvas);
            let colour = match colour_of {
                Some(other) => show(&other.values.cell(*row), other, bounds(frames, other), *row, canvas).colour,
                None => shown.colour.clone(),
            };
            (shown, colour)
        })
        .collect();
    let colours: Vec<String> = shown.iter().map(|(_, colour)| colour.clone()).collect();
    let is_one = colours.windows(2).all(|pair| pair[0] == pair[1]);
    Series {
        name: field.title.clone(),
        colours: if is_one {
            vec![colours.first().cloned().unwrap_or_else(|| of_look(&field.look, None, own, at, &field.title))]
        } else {
            colours
        },
        values: shown.iter().map(|(shown, _)| shown.number.filter(|number| number.is_finite())).collect(),
        texts: shown.into_iter().map(|(shown, _)| shown.text).collect(),
    }
}

/// Bars with axes and legend.
pub(super) fn chart(bars: &Bars, options: Options<'_>, canvas: &Canvas) -> Drawn {
    if bars.names.is_empty() || bars.series.iter().all(|one| one.values.iter().all(Option::is_none)) {
        return empty(canvas);
    }
    let where_is = place(options).filter(|_| bars.series.len() > 1).map(|wanted| if canvas.width < 480 { "bottom" } else { wanted });
    let (mut width, mut height) = (f64::from(canvas.width).max(80.0), f64::from(canvas.height).max(60.0));
    let entries: Vec<Entry> =
        bars.series.iter().map(|one| Entry { name: one.name.clone(), colour: one.colours[0].clone(), values: Vec::new() }).collect();
    match where_is {
        Some("right") => width *= 0.72,
        Some(_) => height -= room(&entries, width, height),
        None => {}
    }
    let mut html = format!("<div class=\"p-chart p-at-{}\">", where_is.unwrap_or("none"));
    svg(&mut html, bars, width, height);
    if where_is.is_some() {
        legend(&mut html, &entries, &[], false);
    }
    html.push_str("</div>");
    Drawn::Html { html }
}

/// The least and greatest end of any bar.
fn extent(bars: &Bars) -> (f64, f64) {
    let mut found = (0.0_f64, 0.0_f64);
    for group in 0..bars.names.len() {
        let values = bars.series.iter().filter_map(|one| one.values.get(group).copied().flatten());
        match bars.stacking {
            "percent" => found = (found.0, 1.0),
            "normal" => {
                let (mut up, mut down) = (0.0, 0.0);
                values.for_each(|value| if value > 0.0 { up += value } else { down += value });
                found = (found.0.min(down), found.1.max(up));
            }
            _ => values.for_each(|value| found = (found.0.min(value), found.1.max(value))),
        }
    }
    (bars.min.unwrap_or(found.0), bars.max.unwrap_or(found.1))
}

fn svg(html: &mut String, bars: &Bars, width: f64, height: f64) {
    let (low, high) = extent(bars);
    let unit = if bars.stacking == "percent" { Unit::Ratio } else { bars.unit };
    let length = if bars.is_lying { width } else { height };
    let marks = ticks(low, high, ((length / if bars.is_lying { 90.0 } else { 48.0 }) as usize).clamp(2, 8), unit);
    let (low, high) = (low.min(marks[0]), high.max(marks[marks.len() - 1]));
    let texts = labels(&marks, unit, bars.decimals);
    let widest = texts.iter().map(|text| ems(text) * 11.0).fold(0.0, f64::max) + 10.0;
    let longest = bars.names.iter().map(|name| ems(name) * 11.0).fold(0.0, f64::max) + 10.0;
    let (left, bottom) = if bars.is_lying { (longest.min(width * 0.36), 20.0) } else { (widest, 20.0) };
    let (right, top) =
        (if bars.is_lying && bars.shows_values { 44.0 } else { 6.0 }, if bars.shows_values && !bars.is_lying { 16.0 } else { 6.0 });
    let (w, h) = ((width - left - right).max(10.0), (height - bottom - top).max(10.0));
    let at = |value: f64| {
        let share = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
        if bars.is_lying { left + w * share } else { top + h * (1.0 - share) }
    };
    let names: Vec<&str> = bars.series.iter().map(|one| one.name.as_str()).take(6).collect();
    let _infallible = write!(
        html,
        "<svg viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\" aria-label=\"{2}\">",
        px(width),
        px(height),
        escape(&names.join(", "))
    );
    for (mark, text) in marks.iter().zip(&texts) {
        let place = at(*mark);
        let _infallible = if bars.is_lying {
            write!(
                html,
                "<path class=\"p-grid\" d=\"M{0} {1}V{2}\"/><text class=\"p-tick\" x=\"{0}\" y=\"{3}\" text-anchor=\"middle\">{4}</text>",
                px(place),
                px(top),
                px(top + h),
                px(height - 5.0),
                escape(text)
            )
        } else {
            write!(
                html,
                "<path class=\"p-grid\" d=\"M{0} {1}H{2}\"/><text class=\"p-tick\" x=\"{3}\" y=\"{4}\" text-anchor=\"end\">{5}</text>",
                px(left),
                px(place),
                px(left + w),
                px(left - 6.0),
                px(place + 4.0),
                escape(text)
            )
        };
    }
    let span = if bars.is_lying { h } else { w } / bars.names.len() as f64;
    let begin = if bars.is_lying { top } else { left };
    for group in 0..bars.names.len() {
        group_of(html, bars, group, begin + span * group as f64, span, &at);
    }
    names_of(html, bars, (left, top, w, h), span);
    html.push_str("</svg>");
}

/// The bars of one group.
fn group_of(html: &mut String, bars: &Bars, group: usize, begin: f64, span: f64, at: &dyn Fn(f64) -> f64) {
    let inner = span * bars.group_share;
    let offset = begin + (span - inner) / 2.0;
    let is_stacked = bars.stacking != "none";
    let total: f64 = bars.series.iter().filter_map(|one| one.values.get(group).copied().flatten()).map(f64::abs).sum();
    let thick = if is_stacked || bars.is_overlaid { inner } else { inner / bars.series.len() as f64 };
    let (mut up, mut down) = (0.0, 0.0);
    for (number, one) in bars.series.iter().enumerate() {
        let Some(value) = one.values.get(group).copied().flatten() else { continue };
        let value = if bars.stacking == "percent" { if total > 0.0 { value / total } else { 0.0 } } else { value };
        let from = if is_stacked { if value >= 0.0 { up } else { down } } else { 0.0 };
        let to = from + value;
        if value >= 0.0 {
            up = to
        } else {
            down = to
        }
        let (a, b) = (at(from), at(to));
        let across = if is_stacked || bars.is_overlaid { offset } else { offset + thick * number as f64 };
        let (near, far) = (a.min(b), (a - b).abs().max(if value == 0.0 { 0.0 } else { 1.0 }));
        let width = (thick - if thick > 6.0 { 1.5 } else { 0.0 }).max(0.6);
        let (x, y, w, h) = if bars.is_lying { (near, across, far, width) } else { (across, near, width, far) };
        let colour = one.colours.get(if one.colours.len() > 1 { group } else { 0 }).map_or("c1", String::as_str);
        let text = one.texts.get(group).map_or("", String::as_str);
        let title = format!("{}, {}: {text}", bars.names[group], one.name);
        let round = if far > 4.0 && width > 5.0 && !is_stacked { " rx=\"2\"" } else { "" };
        let faint = if bars.is_overlaid && bars.series.len() > 1 { " fill-opacity=\".6\"" } else { "" };
        let _infallible = write!(
            html,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{round}{faint} style=\"fill:{}\"><title>{}</title></rect>",
            px(x),
            px(y),
            px(w),
            px(h),
            css(colour),
            escape(&title)
        );
        if bars.shows_values && !is_stacked {
            let _infallible = if bars.is_lying {
                if thick < 11.0 {
                    Ok(())
                } else {
                    write!(
                        html,
                        "<text class=\"p-mark\" x=\"{}\" y=\"{}\">{}</text>",
                        px(a.max(b) + 4.0),
                        px(across + width / 2.0 + 4.0),
                        escape(text)
                    )
                }
            } else if ems(text) * 11.0 > thick + 2.0 {
                Ok(())
            } else {
                write!(
                    html,
                    "<text class=\"p-mark\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                    px(across + width / 2.0),
                    px(a.min(b) - 4.0),
                    escape(text)
                )
            };
        }
    }
}

/// The names of groups: as many as have room.
fn names_of(html: &mut String, bars: &Bars, (left, top, w, h): (f64, f64, f64, f64), span: f64) {
    if bars.is_lying {
        let every = (14.0 / span).ceil().max(1.0) as usize;
        for (group, name) in bars.names.iter().enumerate().step_by(every) {
            let y = top + span * (group as f64 + 0.5) + 4.0;
            let _infallible = write!(
                html,
                "<text class=\"p-tick\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
                px(left - 6.0),
                px(y),
                escape(&cut(name, (left - 8.0) / 11.0))
            );
        }
        return;
    }
    let longest = bars.names.iter().map(|name| ems(name) * 11.0 + 8.0).fold(0.0, f64::max).min(110.0);
    let every = (longest / span).ceil().max(1.0) as usize;
    let room = span * every as f64 / 11.0;
    for (group, name) in bars.names.iter().enumerate().step_by(every) {
        let half = ems(&cut(name, room)) * 5.5;
        let x = (left + span * (group as f64 + 0.5)).clamp(half.min(left + w / 2.0), (left + w + 6.0 - half).max(left + w / 2.0));
        let _infallible = write!(
            html,
            "<text class=\"p-tick\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            px(x),
            px(top + h + 15.0),
            escape(&cut(name, room))
        );
    }
}
