//! The past of alerts, from the series that rules leave behind, and what else happened then.

use super::PageState;
use crate::alerts::dispatch::{DispatchError, Telling};
use crate::alerts::pages::bars::{self, Spell};
use crate::alerts::pages::group::Event;
use crate::alerts::pages::known::Known;
use crate::base::cancel::Cancel;
use crate::base::time::TimeRange;
use crate::series::labels::{Labels, is_legacy_label_name, quote};
use crate::series::ports::{Question, When};
use crate::series::value::{RangeSeries, Value};

/// Spells of one page; more are left out.
const SPELLS_MAX: usize = 20_000;
/// Events of one page.
const EVENTS_MAX: usize = 200;

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
    let when = When::Range { start: range.start.div_euclid(step).saturating_mul(step), end: range.end, step };
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
    let mut places: Vec<(String, String)> = Vec::new();
    for set in alerts.iter().map(|alert| &alert.labels).chain([labels]) {
        if let (Some(job), Some(instance)) = (set.get("job"), set.get("instance")) {
            places.push((job.to_owned(), instance.to_owned()));
        }
    }
    places.sort_unstable();
    places.dedup();
    for (job, instance) in places.into_iter().take(10) {
        let query = format!("process_start_time_seconds{{job={},instance={}}}", quote(&job), quote(&instance));
        add(&query, &|labels| Event::Restart(labels.get("instance").unwrap_or("").to_owned()));
    }
    found.sort_by_key(|(at, _)| *at);
    found.dedup();
    found.truncate(EVENTS_MAX);
    found
}
