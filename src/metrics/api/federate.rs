//! `GET /federate`: the newest sample of the matching series, for another server to scrape.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Request};

use super::ApiState;
use super::answer::ApiError;
use super::exposition::{self, Wanted};
use super::index::{look, matchers_of};
use crate::base::cancel::Cancel;
use crate::base::time::TimeRange;
use crate::metrics::ingest::exposition::protobuf::message::{LabelPair, Metric, MetricFamily, Untyped};
use crate::platform::http::extract::Params;
use crate::platform::http::problem::Problem;
use crate::series::histogram::ResetHint;
use crate::series::labels::{Labels, METRIC_NAME};
use crate::series::ports::{Select, SelectError, Selection};
use crate::series::sample::{MetricType, SampleBuf, is_stale};
use crate::series::value::Point;

/// A sample to show.
struct Newest {
    labels: Labels,
    ts: i64,
    value: Point,
}

impl Newest {
    fn kind(&self) -> MetricType {
        match &self.value {
            Point::Float(_) => MetricType::Unknown,
            Point::Histogram(histogram) if histogram.reset_hint == ResetHint::Gauge => MetricType::GaugeHistogram,
            Point::Histogram(_) => MetricType::Histogram,
        }
    }

    /// Whether the format has words for it: text has none for native histograms but those of custom buckets.
    fn can_be_said(&self, wanted: Wanted) -> bool {
        match &self.value {
            Point::Float(_) => true,
            Point::Histogram(histogram) => wanted.is_protobuf() || histogram.has_custom_buckets(),
        }
    }
}

/// `GET /federate`. Failures are plain text, as upstream.
pub(super) async fn federate(State(state): State<Arc<ApiState>>, headers: HeaderMap, request: Request<Body>) -> Response {
    let wanted = Wanted::of(&headers);
    match found(&state, request).await {
        Ok(mut found) => {
            found.retain(|one| one.can_be_said(wanted) && !one.labels.metric_name().is_empty());
            wanted.answer(wanted.write(families(found, &state.external_labels.load())))
        }
        Err(error) => Problem::new(error.status(), error.message).into_response(),
    }
}

async fn found(state: &Arc<ApiState>, request: Request<Body>) -> Result<Vec<Newest>, ApiError> {
    let params = Params::from_request(request).await?;
    let lists = params.all("match[]").map(matchers_of).collect::<Result<Vec<_>, _>>().map_err(ApiError::bad)?;
    let now = state.clock.now_ms();
    let lookback = state.engine.options().lookback_ms;
    look(state, move |state, cancel| {
        let mut newest: Vec<Newest> = Vec::new();
        for matchers in &lists {
            // Left-open, as an instant query looks back.
            let range = TimeRange::new(now.saturating_sub(lookback).saturating_add(1), now);
            let selection = Selection { matchers, range, series_max: usize::MAX };
            collect(&*state.select, &selection, cancel, &mut newest)?;
        }
        newest.sort_by(|a, b| a.labels.metric_name().cmp(b.labels.metric_name()).then_with(|| a.labels.cmp(&b.labels)));
        newest.dedup_by(|a, b| a.labels == b.labels);
        Ok(newest)
    })
    .await
}

fn collect(select: &dyn Select, selection: &Selection<'_>, cancel: &Cancel, newest: &mut Vec<Newest>) -> Result<(), SelectError> {
    let mut buf = SampleBuf::default();
    for series in select.select(selection, cancel)? {
        cancel.check()?;
        buf.clear();
        series.read(selection.range, &mut buf)?;
        let float = buf.float_ts.last().zip(buf.floats.last());
        let histogram = buf.histogram_ts.last().zip(buf.histograms.last());
        let (ts, value) = match (float, histogram) {
            (Some((ts, value)), None) => (*ts, Point::Float(*value)),
            (Some((ts, value)), Some((other, _))) if ts > other => (*ts, Point::Float(*value)),
            (_, Some((ts, histogram))) => (*ts, Point::Histogram(Arc::clone(histogram))),
            (None, None) => continue,
        };
        let has_ended = match &value {
            Point::Float(value) => is_stale(*value),
            Point::Histogram(histogram) => histogram.is_stale(),
        };
        if !has_ended {
            newest.push(Newest { labels: series.labels().clone(), ts, value });
        }
    }
    Ok(())
}

/// Samples by name and kind; a name with two kinds makes several families, which readers understand.
fn families(found: Vec<Newest>, external: &[(String, String)]) -> Vec<MetricFamily> {
    let mut added: Vec<(&str, &str)> = external.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if !external.iter().any(|(name, _)| name == "instance") {
        // The scraping server must not add its own.
        added.push(("instance", ""));
    }
    added.sort_unstable();
    let mut all: Vec<MetricFamily> = Vec::new();
    for one in found {
        let (name, kind) = (one.labels.metric_name(), exposition::kind_number(one.kind()));
        if all.last().is_none_or(|last| last.name != name || last.r#type != kind) {
            all.push(MetricFamily { name: name.to_owned(), r#type: kind, ..MetricFamily::default() });
        }
        // Behind its own labels, as upstream orders them.
        let mut label = exposition::pairs(&one.labels, &[METRIC_NAME]);
        let missing = added.iter().filter(|(name, _)| !one.labels.contains(name));
        label.extend(missing.map(|(name, value)| LabelPair { name: (*name).to_owned(), value: (*value).to_owned() }));
        let mut metric = Metric { label, timestamp_ms: Some(one.ts), ..Metric::default() };
        match &one.value {
            Point::Float(value) => metric.untyped = Some(Untyped { value: *value }),
            Point::Histogram(histogram) => metric.histogram = Some(exposition::histogram(histogram)),
        }
        if let Some(family) = all.last_mut() {
            family.metric.push(metric);
        }
    }
    all
}
