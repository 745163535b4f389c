//! State timeline and status history: a row for each field, coloured by its state over time.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::colour::css;
use super::legend::{Entry, legend, place, room};
use super::markup::{ems, escape, px};
use super::shown::{bounds, show};
use super::{Canvas, Drawn, empty};
use crate::base::time::format_rfc3339;
use crate::boards::data::{Cell, Column, Field, Frame, Options};
use crate::boards::model::{ColourMode, Panel};
use crate::ui::units::Unit;

/// Most rows.
const ROWS_MAX: usize = 100;
/// Most states in a row; of more, those that last longest stay.
const STATES_MAX: usize = 400;
/// A state of a history is at least so wide, in pixels.
const HISTORY_PX: f64 = 5.0;
/// Least height of a row, what times below the rows take with some air, in pixels, and the share of a row that is filled.
const ROW_MIN: f64 = 18.0;
/// See [`ROW_MIN`].
const AXIS: f64 = 22.0;
/// See [`ROW_MIN`].
const LANE_SHARE: f64 = 0.9;
/// Distance of marks on the axis that look round, in milliseconds.
const STEPS: [i64; 14] = [
    60_000,
    300_000,
    600_000,
    1_800_000,
    3_600_000,
    7_200_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    172_800_000,
    604_800_000,
    2_592_000_000,
    31_536_000_000,
];

/// A state over a while.
#[derive(Debug, Clone, PartialEq)]
struct State {
    from: i64,
    to: i64,
    text: String,
    colour: String,
}

/// Draws a state timeline, or a status history where `is_history`.
pub(super) fn draw(panel: &Panel, frames: &[Frame], is_history: bool, canvas: &Canvas) -> Drawn {
    let options = Options::new(&panel.options);
    let merges = !is_history && options.flag_or("mergeValues", true);
    let mut rows: Vec<(&Field, Vec<State>)> = Vec::new();
    for frame in frames {
        let Some(time) = frame.fields.iter().find_map(|field| if let Column::Time(times) = &field.values { Some(times) } else { None })
        else {
            continue;
        };
        for field in frame.fields.iter().filter(|field| !matches!(field.values, Column::Time(_))) {
            if rows.len() < ROWS_MAX && !Options::new(&field.look.custom).child("hideFrom").flag("viz") {
                rows.push((field, states(frames, field, time, merges, rows.len(), canvas)));
            }
        }
    }
    if rows.iter().all(|(_, states)| states.is_empty()) {
        return empty(canvas);
    }
    let legend_place = place(options);
    if is_history {
        let most = (f64::from(canvas.width) * 0.7 / HISTORY_PX).max(4.0) as usize;
        for (_, states) in &mut rows {
            *states = thinned(std::mem::take(states), most);
        }
    }
    let longest = rows.iter().map(|(field, _)| ems(&field.title)).fold(0.0, f64::max) * 12.0 + 12.0;
    let name = longest.min(f64::from(canvas.width) * 0.3).max(40.0);
    let entries = if legend_place.is_some() { entries(&rows) } else { Vec::new() };
    let legend_height = if legend_place.is_some() { room(&entries, f64::from(canvas.width), f64::from(canvas.height)) } else { 0.0 };
    // Rows share what is left, however high the panel is; where that is too little they are scrolled.
    let row = ((f64::from(canvas.height) - AXIS - legend_height) / rows.len() as f64).max(ROW_MIN);
    let lane = row * options.number("rowHeight").unwrap_or(LANE_SHARE).clamp(0.1, 1.0);
    let mut html = format!(
        "<div class=\"p-states{}\"{} style=\"--name:{}px;--row:{}px;--h:{}px\">",
        if is_history { " p-history" } else { "" },
        if row <= ROW_MIN { " tabindex=\"0\"" } else { "" },
        px(name),
        px(row),
        px(lane)
    );
    let width = (f64::from(canvas.width) - name - 8.0).max(20.0);
    for (field, states) in &rows {
        let last = states.last().map_or("", |state| state.text.as_str());
        let _infallible = write!(
            html,
            "<div class=\"p-row\"><span class=\"p-name\" title=\"{0}\">{0}</span><div class=\"p-lane\" role=\"img\" aria-label=\"{0}: {1}\">",
            escape(&field.title),
            escape(last)
        );
        for state in states {
            one(&mut html, state, options.word("showValue"), width, canvas);
        }
        html.push_str("</div></div>");
    }
    axis(&mut html, width, canvas);
    if legend_place.is_some() {
        legend(&mut html, &entries, &[], false);
    }
    html.push_str("</div>");
    Drawn::Html { html }
}

/// The states of a field, cut to what is shown.
fn states(frames: &[Frame], field: &Field, times: &[i64], merges: bool, index: usize, canvas: &Canvas) -> Vec<State> {
    let bounds = bounds(frames, field);
    let mut found: Vec<State> = Vec::new();
    let last_step = times.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| *step > 0).min().unwrap_or(canvas.step.max(1));
    for (at, from) in times.iter().enumerate() {
        let until = times.get(at + 1).copied().unwrap_or_else(|| from.saturating_add(last_step));
        let (from, to) = ((*from).max(canvas.range.start), until.min(canvas.range.end.max(canvas.range.start)));
        if to <= from {
            continue;
        }
        let cell = field.values.cell(at);
        if cell.is_nothing() && field.look.mappings.is_empty() {
            continue;
        }
        let shown = show(&cell, field, bounds, index, canvas);
        if cell.is_nothing() && shown.text == "–" {
            continue;
        }
        // States that are texts have a colour each.
        let is_own = matches!(field.look.colour, ColourMode::Palette | ColourMode::PaletteByName)
            && matches!(cell, Cell::Text(_) | Cell::Bool(_))
            && !shown.is_marked;
        let colour = if is_own { format!("c{}", xxhash_rust::xxh3::xxh3_64(shown.text.as_bytes()) % 8 + 1) } else { shown.colour };
        match found.last_mut() {
            Some(last) if merges && last.to == from && last.text == shown.text && last.colour == colour => last.to = to,
            _ => found.push(State { from, to, text: shown.text, colour }),
        }
    }
    if found.len() > STATES_MAX {
        let mut lengths: Vec<i64> = found.iter().map(|state| state.to - state.from).collect();
        lengths.sort_unstable_by(|a, b| b.cmp(a));
        let least = lengths[STATES_MAX - 1];
        found.retain(|state| state.to - state.from >= least);
        // Where all last equally long, each so many stands for those beside it.
        let every = found.len().div_ceil(STATES_MAX);
        found = found
            .chunks(every)
            .filter_map(|chunk| Some(State { to: chunk.last()?.to, ..chunk.last()?.clone() }))
            .zip(found.chunks(every))
            .map(|(state, chunk)| State { from: chunk[0].from, ..state })
            .collect();
    }
    found
}

/// At most so many states: of those that fall together the worst one stands for all.
fn thinned(states: Vec<State>, most: usize) -> Vec<State> {
    let every = states.len().div_ceil(most.max(1)).max(1);
    let severity = |state: &State| match state.colour.as_str() {
        "crit" => 4,
        "warn" => 3,
        "none" => 0,
        "ok" => 1,
        _ => 2,
    };
    let worst = states.chunks(every).filter_map(|part| {
        let worst = part.iter().rev().max_by_key(|state| severity(state))?;
        Some(State { from: part.first()?.from, to: part.last()?.to, ..worst.clone() })
    });
    worst.collect()
}

fn one(html: &mut String, state: &State, shows: &str, room: f64, canvas: &Canvas) {
    let whole = (canvas.range.end - canvas.range.start).max(1) as f64;
    let (x, w) = ((state.from - canvas.range.start) as f64 / whole * 100.0, (state.to - state.from) as f64 / whole * 100.0);
    let fits = ems(&state.text) * 11.0 + 10.0 <= w / 100.0 * room;
    let label = if shows != "never" && (fits || shows == "always") { escape(&state.text) } else { "".into() };
    let length = Unit::from_id("dtdurations").show((state.to - state.from) as f64 / 1000.0, None);
    let _infallible = write!(
        html,
        "<span style=\"--x:{}%;--w:{}%;--c:{}\" title=\"{}\">{label}</span>",
        px(x),
        px(w),
        css(&state.colour),
        escape(&format!("{}, {length}, {}", state.text, Unit::from_id("dateTimeAsIso").show(state.from as f64, None)))
    );
}

/// Times below the rows.
fn axis(html: &mut String, room: f64, canvas: &Canvas) {
    let whole = canvas.range.end.saturating_sub(canvas.range.start).max(1);
    let most = (room / 90.0).max(1.0) as i64;
    let step = STEPS.into_iter().find(|step| whole / step <= most).unwrap_or(STEPS[STEPS.len() - 1]);
    html.push_str("<div class=\"p-axis\">");
    let mut at = canvas.range.start.div_euclid(step).saturating_add(1).saturating_mul(step);
    for _ in 0..=most {
        if at >= canvas.range.end {
            break;
        }
        let x = (at - canvas.range.start) as f64 / whole as f64 * 100.0;
        let text = Unit::from_id("dateTimeAsIso").show(at as f64, None);
        // Half of what a label takes; one that would stand over the end is left out.
        let (short, form, half) = match step {
            86_400_000.. => (text.get(5..10), "date", 36.0),
            60_000.. => (text.get(11..16), "time", 17.0),
            _ => (text.get(11..19), "clock", 26.0),
        };
        if x / 100.0 * room + half > room {
            break;
        }
        let _infallible = write!(
            html,
            "<time datetime=\"{}\" data-f=\"{form}\" style=\"--x:{}%\">{}</time>",
            format_rfc3339(at),
            px(x),
            escape(short.unwrap_or(&text))
        );
        at = at.saturating_add(step);
    }
    html.push_str("</div>");
}

/// Each state once.
fn entries(rows: &[(&Field, Vec<State>)]) -> Vec<Entry> {
    let mut found: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for state in rows.iter().flat_map(|(_, states)| states) {
        *found.entry((&state.text, &state.colour)).or_default() += state.to - state.from;
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
    found
        .into_iter()
        .take(12)
        .map(|((text, colour), _)| Entry { name: text.to_owned(), colour: colour.to_owned(), values: Vec::new() })
        .collect()
}
