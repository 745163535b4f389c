//! `GET /federate`: the newest sample of the matching series, for another server to scrape.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Request, header};

use super::ApiState;
use super::answer::ApiError;
use super::index::{look, match_lists};
use crate::base::time::TimeRange;
use crate::metrics::ingest::exposition::content_type::{ScrapeProtocol, negotiate};
use crate::metrics::ingest::exposition::write::TextWriter;
use crate::platform::http::extract::Params;
use crate::series::labels::{Labels, METRIC_NAME};
use crate::series::ports::{Select, SelectError, Selection};
use crate::series::sample::{MetricType, SampleBuf, is_stale};

/// A sample to show.
struct Newest {
    labels: Labels,
    ts: i64,
    value: f64,
}

/// `GET /federate`.
pub(super) async fn federate(State(state): State<Arc<ApiState>>, headers: HeaderMap, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let lists = match_lists(&params)?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let protocol = match negotiate(accept) {
        // Native histograms are not federated, so text carries everything there is.
        ScrapeProtocol::PrometheusProto => ScrapeProtocol::PrometheusText004,
        other => other,
    };
    let now = state.clock.now_ms();
    let (lookback, external) = (state.engine.options().lookback_ms, state.external_labels.load_full());
    let found = look(&state, move |state, cancel| {
        let mut newest: Vec<Newest> = Vec::new();
        for matchers in &lists {
            // Left-open, as an instant query looks back.
            let range = TimeRange::new(now - lookback + 1, now);
            let selection = Selection { matchers, range, series_max: usize::MAX };
            collect(&*state.select, &selection, cancel, &mut newest)?;
        }
        newest.sort_by(|a, b| a.labels.metric_name().cmp(b.labels.metric_name()).then_with(|| a.labels.cmp(&b.labels)));
        newest.dedup_by(|a, b| a.labels == b.labels);
        Ok(newest)
    })
    .await?;
    let body = write(&found, &external, protocol);
    Ok(([(header::CONTENT_TYPE, protocol.content_type())], body).into_response())
}

fn collect(
    select: &dyn Select,
    selection: &Selection<'_>,
    cancel: &crate::base::cancel::Cancel,
    newest: &mut Vec<Newest>,
) -> Result<(), SelectError> {
    let mut buf = SampleBuf::default();
    for series in select.select(selection, cancel)? {
        cancel.check()?;
        buf.clear();
        series.read(selection.range, &mut buf)?;
        if let (Some(ts), Some(value)) = (buf.float_ts.last(), buf.floats.last())
            && !is_stale(*value)
            && buf.histogram_ts.last().is_none_or(|histogram| histogram < ts)
        {
            newest.push(Newest { labels: series.labels().clone(), ts: *ts, value: *value });
        }
    }
    Ok(())
}

fn write(found: &[Newest], external: &[(String, String)], protocol: ScrapeProtocol) -> String {
    let mut writer = TextWriter::new(protocol);
    let mut open: Option<&str> = None;
    for one in found {
        let name = one.labels.metric_name();
        if open != Some(name) {
            writer.family(name, MetricType::Unknown, "", "");
            open = Some(name);
        }
        let mut labels: Vec<(&str, &str)> = one.labels.iter().filter(|(label, _)| *label != METRIC_NAME).collect();
        labels.extend(
            external.iter().filter(|(label, _)| !one.labels.contains(label)).map(|(label, value)| (label.as_str(), value.as_str())),
        );
        if !one.labels.contains("instance") {
            // As upstream: the scraping server must not add its own.
            labels.push(("instance", ""));
        }
        labels.sort_unstable();
        writer.sample(name, labels, one.value, Some(one.ts), None);
    }
    writer.finish()
}
