//! `GET /ui/alerts/spark?rule=…&alert=…`: the last hour of an alert's value as a picture. A rule is asked once a minute,
//! however many of its alerts are shown.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use parking_lot::Mutex;

use super::{PageState, work};
use crate::alerts::evaluate::Running;
use crate::alerts::model::Language;
use crate::alerts::model::routed::fingerprint;
use crate::alerts::pages::expr::compared;
use crate::alerts::pages::known::{find_rule, routed_labels, severity};
use crate::alerts::pages::spark;
use crate::base::cancel::Cancel;
use crate::base::time::TimeRange;
use crate::platform::http::problem::Problem;
use crate::series::labels::Labels;
use crate::series::ports::{Question, When};
use crate::series::value::{RangeSeries, Value};
use crate::ui::asked::Asked;

const MINUTE_MS: i64 = 60_000;
/// What is shown.
const SPAN_MS: i64 = 60 * MINUTE_MS;
/// Rules whose answers are kept.
const RULES_MAX: usize = 64;
/// Series kept of an answer.
const SERIES_MAX: usize = 2_000;

/// An answer, and the minute it is of.
type Kept = (i64, Arc<Vec<RangeSeries>>);

/// Answers of this minute, by rule.
pub(super) struct Sparks(Mutex<HashMap<String, Kept>>);

impl Sparks {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    fn kept(&self, id: &str, minute: i64) -> Option<Arc<Vec<RangeSeries>>> {
        self.0.lock().get(id).filter(|(known, _)| *known == minute).map(|(_, series)| Arc::clone(series))
    }

    fn keep(&self, id: &str, minute: i64, series: &Arc<Vec<RangeSeries>>) {
        let mut kept = self.0.lock();
        kept.retain(|_, (known, _)| *known == minute);
        if kept.len() < RULES_MAX {
            kept.insert(id.to_owned(), (minute, Arc::clone(series)));
        }
    }
}

pub(super) async fn route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let svg = work(&state, move |state, cancel| picture(state, &asked.param("rule"), &asked.param("alert"), cancel)).await?;
    let Some(svg) = svg else { return Err(Problem::new(http::StatusCode::NOT_FOUND, "no alert of this rule has this id")) };
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "private, max-age=60"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, svg).into_response())
}

/// None if there is no such rule. An alert that is over since the page was made has an empty picture.
fn picture(state: &PageState, id: &str, alert: &str, cancel: &Cancel) -> Option<String> {
    let (group, place) = find_rule(&state.groups.groups(), id)?;
    let rule = group.rules.get(place)?;
    let step = MINUTE_MS;
    let now = state.clock.now_ms();
    let minute = now.div_euclid(step);
    let range = TimeRange::new((minute + 1) * step - SPAN_MS, (minute + 1) * step);
    let wanted = u64::from_str_radix(alert, 16).ok()?;
    let external = state.groups.setting().external_labels.clone();
    let labels = {
        let alerts = rule.alerts.lock();
        let routed = |labels: &Labels| state.as_routed(labels).unwrap_or_else(|| routed_labels(labels, &external));
        alerts.iter().map(|alert| &alert.labels).find(|labels| fingerprint(&routed(labels)) == wanted).cloned()
    };
    let taken_apart = compared(&rule.prepared.text);
    let threshold = taken_apart.map(|(_, threshold)| threshold);
    let Some(labels) = labels else {
        return Some(spark::svg(&[], step, range, None, crate::ui::shell::Severity::Info));
    };
    let query = taken_apart.map_or(rule.prepared.text.as_str(), |(value, _)| value);
    let series = state.sparks.kept(id, minute).unwrap_or_else(|| {
        let found = Arc::new(ask(state, &group, query, minute, cancel));
        state.sparks.keep(id, minute, &found);
        found
    });
    let points = spark::series_of(&series, &labels).map_or(&[][..], |one| one.floats.as_slice());
    Some(spark::svg(points, step, range, threshold, severity(&labels)))
}

fn ask(state: &PageState, group: &Running, query: &str, minute: i64, cancel: &Cancel) -> Vec<RangeSeries> {
    let engine = match group.group.language {
        Language::PromQl => &state.metrics,
        Language::LogQl => &state.logs,
    };
    let end = minute * MINUTE_MS;
    let when = When::Range { start: end - SPAN_MS + MINUTE_MS, end, step: MINUTE_MS };
    match engine.evaluate(&Question { query, when, cancel: cancel.clone() }) {
        Ok(answer) => match answer.value {
            Value::Matrix(mut series) => {
                series.truncate(SERIES_MAX);
                series
            }
            Value::Vector(_) | Value::Scalar(..) | Value::String(..) => Vec::new(),
        },
        Err(error) => {
            tracing::debug!(query, %error, "the past of a rule is not known");
            Vec::new()
        }
    }
}
