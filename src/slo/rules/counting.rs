//! Rules that count: events and bad events within each window, and what follows from them.

use super::{Rule, number, recorded};
use crate::base::quote::quote;
use crate::base::time::Duration;
use crate::slo::config::{Events, Indicator, Latency, Slo, query};
use crate::slo::model::period::{DAY, Period, window as name_of};

/// All events within a window.
pub const EVENTS: &str = "slo:events:count";
/// The bad ones of them.
pub const BAD: &str = "slo:bad_events:count";
/// How fast the budget burnt within a window.
pub const BURN: &str = "slo:burn_rate:ratio";
/// The part of the budget that is left.
pub const BUDGET_LEFT: &str = "slo:budget_left:ratio";
/// The objective, as a part of one.
pub const OBJECTIVE: &str = "slo:objective:ratio";
/// Lines of logs within 5 minutes, by what they are (`of`).
const LINES: &str = "slo:log_lines:count";

/// What everything is counted in that is not counted from the counters themselves.
const STEP: Duration = Duration::from_secs(300);
/// How far counts of short windows are apart where they overlap.
const OVERLAP: Duration = Duration::from_secs(60);

/// What of an indicator is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Total,
    Bad,
    Good,
}

impl Side {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Bad => "bad",
            Self::Good => "good",
        }
    }
}

/// Whether nothing at all is counted: what is counted is missing, or there was never anything. What is excluded is not
/// counted for a reason.
pub fn nothing(slo: &Slo) -> String {
    without_excluded(slo, &format!("max without (window) (absent({}))", recorded(slo, EVENTS, STEP)))
}

/// The rules of a window: all events, bad events, burn rate.
pub fn window(slo: &Slo, length: Duration) -> Vec<Rule> {
    let is_counted = length == STEP || (slo.is_direct() && length <= super::SHORT_MAX);
    let (total, bad) = if is_counted {
        let total = counted(slo, length, Side::Total);
        let all = format!("sum{} ({})", by(slo), recorded(slo, EVENTS, length));
        (without_excluded(slo, &total), bad(slo, length, &all, without_excluded))
    } else {
        (summed(slo, EVENTS, length), summed(slo, BAD, length))
    };
    three(slo, &name_of(length), total, bad)
}

/// The rules of the period.
pub fn period(slo: &Slo, at: i64) -> Vec<Rule> {
    let period = slo.period();
    let name = period.to_string();
    let (from, range) = match period {
        Period::Rolling(length) => (None, length),
        Period::Calendar(unit, _) => (Some(period.around(at)), Duration::from_ms(unit.days_max() * DAY)),
    };
    // Another series than that of a window of the same length: pairs may have one.
    let sum = |metric: &str| {
        let base = recorded(slo, metric, STEP);
        let within = from.map_or_else(|| base.clone(), |span| format!("({base} and on () (vector(time()) > {}))", seconds(span.from)));
        format!("sum_over_time({within}[{}:{}])", name_of(range), name_of(STEP))
    };
    let mut rules = Vec::new();
    if !super::windows(slo).iter().any(|length| name_of(*length) == name) {
        rules = three(slo, &name, sum(EVENTS), sum(BAD));
    }
    let burn = format!("max without (window) ({BURN}{{{}}})", super::matchers(slo, &name));
    let left = match from {
        None => format!("1 - {burn}"),
        Some(span) => {
            let length = seconds(span.length());
            format!("1 - {burn} * scalar(clamp(vector((time() - {}) / {length}), 0, 1))", seconds(span.from))
        }
    };
    rules.push(record(slo, BUDGET_LEFT, left, None));
    rules.push(record(slo, OBJECTIVE, format!("vector({})", number(slo.objective.part())), None));
    rules
}

/// Rules over logs, which count lines for the others.
pub fn lines(slo: &Slo) -> Vec<Rule> {
    let Some(Indicator::Logs(events)) = slo.indicator() else { return Vec::new() };
    let one = |side: Side, text: &str| {
        let mut rule = record(slo, LINES, of_lines(slo, STEP, text), None);
        rule.labels.insert("of".to_owned(), side.as_str().to_owned());
        rule
    };
    let part = if counts_good(slo) { one(Side::Good, &events.good) } else { one(Side::Bad, &events.bad) };
    vec![one(Side::Total, &events.total), part]
}

/// Whether what is counted besides all events are the good ones.
pub fn counts_good(slo: &Slo) -> bool {
    !matches!(slo.indicator(), Some(Indicator::Ratio(events) | Indicator::Logs(events)) if !events.bad.is_empty())
}

/// The same of logs as [`question`] is of metrics, in their language: all lines, and those that are bad (or good).
pub fn lines_question(slo: &Slo, length: Duration) -> Option<(String, String)> {
    let Some(Indicator::Logs(events)) = slo.indicator() else { return None };
    let part = if counts_good(slo) { &events.good } else { &events.bad };
    Some((of_lines(slo, length, &events.total), of_lines(slo, length, part)))
}

fn of_lines(slo: &Slo, length: Duration, text: &str) -> String {
    let by = by(slo);
    if query::is_template(text) {
        return format!("sum{by} ({})", query::fill(text, length));
    }
    format!("sum{by} (count_over_time({text}[{}]))", name_of(length))
}

/// All events and bad events within a time, asked of the counters themselves: what figures were before an objective was
/// there. None for logs, which are asked in their own language.
pub fn question(slo: &Slo, length: Duration) -> Option<(String, String)> {
    if let Some(Indicator::Logs(_)) | None = slo.indicator() {
        return None;
    }
    let total = counted(slo, length, Side::Total);
    let bad = bad(slo, length, &format!("({total})"), |_, part| part.to_owned());
    Some((total, bad))
}

fn three(slo: &Slo, name: &str, total: String, bad: String) -> Vec<Rule> {
    let of = |metric: &str| format!("{metric}{{{}}}", super::matchers(slo, name));
    let burn = format!("{} / ({} > 0) / {}", of(BAD), of(EVENTS), number(slo.budget()));
    [(EVENTS, total), (BAD, bad), (BURN, burn)].into_iter().map(|(metric, expr)| record(slo, metric, expr, Some(name))).collect()
}

fn record(slo: &Slo, metric: &str, expr: String, name: Option<&str>) -> Rule {
    let labels = std::iter::once(("slo", slo.name.as_str())).chain(name.map(|name| ("window", name)));
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Rule { name: metric.to_owned(), expr, labels, alert: None }
}

fn by(slo: &Slo) -> String {
    if slo.group_by.is_empty() { String::new() } else { format!(" by ({})", slo.group_by.join(", ")) }
}

/// What was recorded of 5 minutes, added up: in short windows a minute apart, so that each event counts five times.
fn summed(slo: &Slo, metric: &str, length: Duration) -> String {
    let base = recorded(slo, metric, STEP);
    if length <= super::SHORT_MAX {
        let times = STEP.ms() / OVERLAP.ms();
        return format!("sum_over_time({base}[{}:{}]) / {times}", name_of(length), name_of(OVERLAP));
    }
    format!("sum_over_time({base}[{}:{}])", name_of(length), name_of(STEP))
}

/// Bad events from the counters, where all events stand in `total`. Nothing bad is 0 and not unknown.
fn bad(slo: &Slo, length: Duration, total: &str, keep: fn(&Slo, &str) -> String) -> String {
    let Some((side, part)) = part(slo, length) else { return String::new() };
    match side {
        // What is excluded is missing in all events already.
        Side::Good => format!("clamp_min({total} - ({part} or 0 * {total}), 0)"),
        _ => format!("({}) or 0 * {total}", keep(slo, &part)),
    }
}

/// The side besides all events that an indicator counts.
fn part(slo: &Slo, length: Duration) -> Option<(Side, String)> {
    slo.indicator()?;
    let side = if counts_good(slo) { Side::Good } else { Side::Bad };
    Some((side, counted(slo, length, side)))
}

/// Counts from the counters themselves.
fn counted(slo: &Slo, length: Duration, side: Side) -> String {
    match slo.indicator() {
        Some(Indicator::Ratio(events)) => of_events(slo, length, events, side),
        Some(Indicator::Latency(latency)) => of_latency(slo, length, latency, side),
        Some(Indicator::Check(name)) => {
            let over = if side == Side::Total { "count_over_time" } else { "sum_over_time" };
            format!("sum{} ({over}(pharos_check_up{{check={}}}[{}]))", by(slo), quote(name), name_of(length))
        }
        Some(Indicator::Logs(_)) => {
            format!("sum{} ({LINES}{{slo={},of={}}})", by(slo), quote(&slo.name), quote(side.as_str()))
        }
        None => String::new(),
    }
}

fn of_events(slo: &Slo, length: Duration, events: &Events, side: Side) -> String {
    let text = match side {
        Side::Total => &events.total,
        Side::Bad => &events.bad,
        Side::Good => &events.good,
    };
    of_query(slo, length, text)
}

fn of_query(slo: &Slo, length: Duration, text: &str) -> String {
    let by = by(slo);
    if !query::is_template(text) {
        return format!("sum{by} (increase({}[{}]))", text.trim(), name_of(length));
    }
    let filled = query::fill(text, length);
    // Numbers by the second are numbers of events once they are as long.
    if query::is_per_second(text) {
        return format!("sum{by} (({filled}) * {})", seconds(length.ms()));
    }
    format!("sum{by} ({filled})")
}

fn of_latency(slo: &Slo, length: Duration, latency: &Latency, side: Side) -> String {
    let (by, range) = (by(slo), name_of(length));
    let (name, inner) = query::selector(&latency.histogram).unwrap_or_default();
    let under = number(latency.under.0);
    if side == Side::Total && !latency.total.is_empty() {
        return of_query(slo, length, &latency.total);
    }
    if latency.native {
        let all = format!("sum{by} (increase({}[{range}]))", query::select(name, inner, ""));
        return match side {
            Side::Total => format!("histogram_count({all})"),
            _ => format!("histogram_fraction(-Inf, {under}, {all}) * (histogram_count({all}) > 0)"),
        };
    }
    let base = ["_bucket", "_count", "_sum"].into_iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let selector = match side {
        Side::Total => query::select(&format!("{base}_count"), inner, ""),
        // Whole seconds are written as `1` by some programs and as `1.0` by others.
        _ if latency.under.0.fract() == 0.0 => query::select(&format!("{base}_bucket"), inner, &format!("le=~\"{under}(\\\\.0)?\"")),
        _ => query::select(&format!("{base}_bucket"), inner, &format!("le=\"{under}\"")),
    };
    format!("sum{by} (increase({selector}[{range}]))")
}

/// Nothing is counted in 5 minutes in which anything was found that excludes them.
fn without_excluded(slo: &Slo, counted: &str) -> String {
    match slo.excluded() {
        None => counted.to_owned(),
        Some(query) => format!("{counted} unless on () count_over_time(({query})[{}:{}])", name_of(STEP), name_of(OVERLAP)),
    }
}

/// Milliseconds as seconds.
fn seconds(ms: i64) -> String {
    number(ms as f64 / 1000.0)
}
