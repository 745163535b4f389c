//! The past of alerts, from the series that rules leave behind, and what else happened then.

use std::collections::BTreeSet;

use super::PageState;
use crate::alerts::dispatch::{Asked, DispatchError, Telling};
use crate::alerts::pages::bars::{self, Spell};
use crate::alerts::pages::group::{Event, Failure};
use crate::alerts::pages::known::Known;
use crate::base::cancel::Cancel;
use crate::base::time::TimeRange;
use crate::series::labels::{Labels, is_legacy_label_name, quote};
use crate::series::ports::{Question, When};
use crate::series::value::{RangeSeries, Value};

/// Spells of one page; more are left out.
const SPELLS_MAX: usize = 20_000;
/// Changes of alerts of others that are looked at.
const OTHERS_MAX: usize = 5_000;
/// Events of one page.
const EVENTS_MAX: usize = 200;
/// Series of failed checks that are looked at.
const SERIES_MAX: usize = 50;
/// Places that are asked for.
const PLACES_MAX: usize = 10;
/// Labels that say what an alert is about, as scrapes and checks have them.
const PLACE: [&str; 3] = ["instance", "job", "target"];
/// Series that are 0 while a scrape or a check fails, scrapes first.
const CHECKS: [&str; 3] = ["up", "probe_success", "pharos_check_up"];

/// What was told, or why that is not known.
pub(super) fn known_or_why(told: Result<Vec<Telling>, DispatchError>) -> (Vec<Telling>, String) {
    told.map_or_else(|error| (Vec::new(), error.to_string()), |tellings| (tellings, String::new()))
}

/// A matcher for the alerts of a name.
pub(super) fn named(name: &str) -> String {
    format!("alertname={}", quote(name))
}

/// When alerts that match were on.
pub(super) fn spells(state: &PageState, matchers: &str, range: TimeRange, cancel: &Cancel) -> Result<Vec<Spell>, String> {
    let query = format!("ALERTS{{{matchers}}}");
    let step = bars::step_ms(range);
    let series = over(state, &query, range, step, cancel)?;
    let mut spells = bars::spells(&series, step, range);
    spells.truncate(SPELLS_MAX);
    Ok(spells)
}

/// When alerts that no rule of this server gave were on, as those of checks: they leave no series, but lines of history. What
/// is not known is left out.
pub(super) async fn spells_of_others(state: &PageState, range: TimeRange) -> Vec<Spell> {
    let asked = Asked { from: range.start, to: i64::MAX, fingerprint: None, is_of_others: true, limit: OTHERS_MAX };
    let changes = state.routing.changes(asked).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "how alerts changed is not known");
        Vec::new()
    });
    let is_of_others = |alert: &Known| alert.rule.is_none() && !alert.is_pending;
    let on_now: Vec<(Labels, i64)> = state.known().into_iter().filter(is_of_others).map(|alert| (alert.labels, alert.since_ms)).collect();
    bars::spells_of_changes(&changes, &on_now, range)
}

/// Spells of rules with those of others; an alert that left a series is drawn by it alone.
pub(super) fn joined(mut spells: Vec<Spell>, others: Vec<Spell>) -> Vec<Spell> {
    let drawn: BTreeSet<Labels> = spells.iter().map(|spell| spell.labels.clone()).collect();
    spells.extend(others.into_iter().filter(|spell| !drawn.contains(&spell.labels)));
    spells
}

/// Whether an alert is one of a group: it has its labels, and a name of those that are in it where those do not say.
pub(super) fn is_of_group(of: &Labels, labels: &Labels, alerts: &[Known]) -> bool {
    let name = of.get("alertname");
    let is_named = labels.get("alertname").is_some() || alerts.is_empty() || alerts.iter().any(|alert| Some(alert.name()) == name);
    is_named && labels.iter().all(|(name, value)| of.get(name) == Some(value))
}

/// When alerts with the labels of a group were on.
pub(super) fn spells_of_group(
    state: &PageState,
    labels: &Labels,
    alerts: &[Known],
    range: TimeRange,
    cancel: &Cancel,
) -> Result<Vec<Spell>, String> {
    let external = state.groups.setting().external_labels.clone();
    // Labels that the server adds are not in its own series.
    let mut matchers: Vec<String> =
        labels.iter().filter(|(name, value)| external.get(name) != Some(*value)).map(|(name, value)| matcher(name, value)).collect();
    if labels.get("alertname").is_none() {
        let mut names: Vec<String> = alerts.iter().map(|alert| regex::escape(alert.name())).collect();
        names.sort_unstable();
        names.dedup();
        if !names.is_empty() {
            matchers.push(format!("alertname=~{}", quote(&names.join("|"))));
        }
    }
    spells(state, &matchers.join(","), range, cancel)
}

fn matcher(name: &str, value: &str) -> String {
    if is_legacy_label_name(name) { format!("{name}={}", quote(value)) } else { format!("{}={}", quote(name), quote(value)) }
}

fn over(state: &PageState, query: &str, range: TimeRange, step: i64, cancel: &Cancel) -> Result<Vec<RangeSeries>, String> {
    // The steps end with the range, so that what began a moment ago is seen.
    let whole = range.end.saturating_sub(range.start) / step;
    let when = When::Range { start: range.end.saturating_sub(whole.saturating_mul(step)), end: range.end, step };
    match state.metrics.evaluate(&Question { query, when, cancel: cancel.clone() }) {
        Ok(answer) => match answer.value {
            Value::Matrix(series) => Ok(series),
            Value::Vector(_) | Value::Scalar(..) | Value::String(..) => Ok(Vec::new()),
        },
        Err(error) => Err(error.to_string()),
    }
}

/// Reloads of the configuration, and starts of what the alerts are about. What is not known is left out.
pub(super) fn events(state: &PageState, labels: &Labels, alerts: &[Known], range: TimeRange, cancel: &Cancel) -> Vec<(i64, Event)> {
    let step = bars::step_ms(range);
    let mut found = Vec::new();
    let mut add = |query: &str, event: &dyn Fn(&Labels) -> Event| {
        for one in over(state, query, range, step, cancel).unwrap_or_default() {
            let mut seconds: Vec<f64> = one.floats.iter().map(|(_, value)| *value).filter(|value| value.is_finite()).collect();
            seconds.dedup();
            let moments = seconds.into_iter().map(|at| (at * 1000.0) as i64).filter(|at| range.contains(*at));
            found.extend(moments.map(|at| (at, event(&one.labels))));
        }
    };
    add("prometheus_config_last_reload_success_timestamp_seconds", &|_| Event::Reload);
    for place in places(labels, alerts) {
        let (Some(job), Some(instance)) = (place.get("job"), place.get("instance")) else { continue };
        let query = format!("process_start_time_seconds{{job={},instance={}}}", quote(job), quote(instance));
        add(&query, &|labels| Event::Restart(labels.get("instance").unwrap_or("").to_owned()));
    }
    found.sort_by_key(|(at, _)| *at);
    found.dedup();
    found.truncate(EVENTS_MAX);
    found
}

/// What alerts are about: their `job`, `instance` and `target`, as far as they have them, each once.
fn places(labels: &Labels, alerts: &[Known]) -> Vec<Labels> {
    let all = alerts.iter().map(|alert| &alert.labels).chain([labels]);
    let mut places: Vec<Labels> = all.map(|set| set.without(|name| !PLACE.contains(&name))).filter(|place| !place.is_empty()).collect();
    places.sort_unstable();
    places.dedup();
    places.truncate(PLACES_MAX);
    places
}

/// Scrapes and checks of what the alerts are about that failed. What is not known is left out.
pub(super) fn failures(state: &PageState, labels: &Labels, alerts: &[Known], range: TimeRange, cancel: &Cancel) -> Vec<Failure> {
    let step = bars::step_ms(range);
    let queries: Vec<String> = places(labels, alerts)
        .iter()
        .map(|place| {
            let matchers: Vec<String> = place.iter().map(|(name, value)| matcher(name, value)).collect();
            format!("{{__name__=~\"{}\",{}}} == 0", CHECKS.join("|"), matchers.join(","))
        })
        .collect();
    if queries.is_empty() {
        return Vec::new();
    }
    let series = over(state, &queries.join(" or "), range, step, cancel).unwrap_or_else(|error| {
        tracing::debug!(error, "failed checks are not known");
        Vec::new()
    });
    let mut found: Vec<Failure> = Vec::new();
    for one in series.iter().take(SERIES_MAX) {
        let of = ["target", "instance", "job"].iter().find_map(|name| one.labels.get(name)).unwrap_or("").to_owned();
        let is_scrape = one.labels.get("__name__") == Some(CHECKS[0]);
        let runs = bars::runs(one.floats.iter().map(|(at, _)| *at), step, range);
        found.extend(runs.into_iter().map(|(range, is_open)| Failure { is_scrape, of: of.clone(), range, is_open }));
    }
    found.sort_by(|a, b| (!a.is_scrape, &a.of, a.range.start).cmp(&(!b.is_scrape, &b.of, b.range.start)));
    found.dedup();
    found.truncate(EVENTS_MAX);
    found
}
