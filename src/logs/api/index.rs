//! What there is: labels, their values, series, and how much lies in them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;

use super::ApiState;
use super::answer::{ApiError, json};
use super::json_text::{put_int, put_packed, put_seconds, put_text, put_texts};
use super::params::{self, Bounds, HOUR, SIX_HOURS};
use super::selector;
use super::stats_json::put_empty_stats;
use crate::base::cancel::Cancel;
use crate::logs::model::read::{SelectLines, Span, StreamQuery, StreamVolume};
use crate::logs::query::detect::labels::detected_labels;
use crate::logs::query::detect::volume::{Groups, VolumeBy};
use crate::platform::http::extract::Params;
use crate::series::matcher::Matcher;

/// Series of a volume unless the request says otherwise, as upstream.
const VOLUMES: usize = 100;
/// Nanoseconds of a millisecond.
const NS_PER_MS: i64 = 1_000_000;

impl Bounds {
    /// As the ports have it.
    pub(super) fn span(self) -> Span {
        // Whoever asks for a single moment means what lies in it.
        Span { start: self.start, end: self.end.max(self.start.saturating_add(1)) }
    }
}

/// `GET|POST /loki/api/v1/labels`.
pub(super) async fn label_names(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let names = names_asked(&state, request).await?;
    Ok(list(names.iter().map(String::as_str)))
}

/// The names of labels that a request asks for.
pub(super) async fn names_asked(state: &ApiState, request: Request<Body>) -> Result<Vec<String>, ApiError> {
    let params = Params::from_request(request).await?;
    let bounds = params::bounds(&params, state.now_ns(), SIX_HOURS)?;
    let any_of = selector::optional(&params, "query")?;
    state.read(move |select, cancel| select.label_names(&StreamQuery { any_of: &any_of, span: bounds.span(), limit: 0 }, cancel)).await
}

/// `GET|POST /loki/api/v1/label/{name}/values`.
pub(super) async fn label_values(
    State(state): State<Arc<ApiState>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let values = values_asked(&state, name, request).await?;
    Ok(list(values.iter().map(String::as_str)))
}

/// The values of a label that a request asks for.
pub(super) async fn values_asked(state: &ApiState, name: String, request: Request<Body>) -> Result<Vec<String>, ApiError> {
    let params = Params::from_request(request).await?;
    let bounds = params::bounds(&params, state.now_ns(), SIX_HOURS)?;
    let any_of = selector::optional(&params, "query")?;
    let asked = move |select: &dyn SelectLines, cancel: &Cancel| {
        select.label_values(&name, &StreamQuery { any_of: &any_of, span: bounds.span(), limit: 0 }, cancel)
    };
    state.read(asked).await
}

/// As upstream: without anything there is no `data`.
fn list<'a>(texts: impl Iterator<Item = &'a str>) -> Response {
    let mut texts = texts.peekable();
    let mut out = b"{\"status\":\"success\"".to_vec();
    if texts.peek().is_some() {
        out.extend_from_slice(b",\"data\":");
        put_texts(&mut out, texts);
    }
    out.push(b'}');
    json(out)
}

/// `GET|POST /loki/api/v1/series`.
pub(super) async fn series(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let bounds = params::bounds(&params, state.now_ns(), SIX_HOURS)?;
    let texts: Vec<&str> = params.all("match[]").chain(params.all("match")).filter(|text| !text.is_empty()).collect();
    let any_of = selector::of_series(&texts)?;
    let streams =
        state.read(move |select, cancel| select.streams(&StreamQuery { any_of: &any_of, span: bounds.span(), limit: 0 }, cancel)).await?;
    let mut out = b"{\"status\":\"success\",\"data\":[".to_vec();
    for (at, labels) in streams.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        put_packed(&mut out, labels.packed());
    }
    out.extend_from_slice(b"]}");
    Ok(json(out))
}

/// Goes through what lies in the streams of a query, and gives what was made of it.
async fn volumes<T: Send + 'static>(
    state: &Arc<ApiState>,
    matchers: Vec<Matcher>,
    bounds: Bounds,
    mut made: T,
    add: impl Fn(&mut T, &StreamVolume) + Send + 'static,
) -> Result<T, ApiError> {
    state
        .read(move |select: &dyn SelectLines, cancel| {
            let query = StreamQuery { any_of: &[matchers], span: bounds.span(), limit: 0 };
            select.each_volume(&query, cancel, &mut |volume| add(&mut made, &volume)).map(|()| made)
        })
        .await
}

/// `GET|POST /loki/api/v1/index/stats`.
pub(super) async fn stats(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let bounds = params::bounds(&params, state.now_ns(), HOUR)?;
    let matchers = selector::of_query(&params)?;
    let add = |[streams, chunks, bytes, lines]: &mut [u64; 4], one: &StreamVolume| {
        (*streams, *chunks, *bytes, *lines) = (*streams + 1, *chunks + one.chunks, *bytes + one.bytes, *lines + one.lines);
    };
    let sums = volumes(&state, matchers, bounds, [0; 4], add).await?;
    let mut out = Vec::new();
    for (name, value) in ["{\"streams\":", ",\"chunks\":", ",\"bytes\":", ",\"entries\":"].into_iter().zip(sums) {
        out.extend_from_slice(name.as_bytes());
        put_int(&mut out, value);
    }
    out.push(b'}');
    Ok(json(out))
}

/// How volumes are added up.
pub(super) struct Grouping {
    /// The labels that stay; none given means those of the matchers.
    pub(super) labels: Vec<String>,
    /// By label instead of by series: how much lies in streams that have it.
    pub(super) by_label: bool,
    pub(super) limit: usize,
}

impl Grouping {
    /// From `targetLabels`, `aggregateBy` and `limit`.
    pub(super) fn of(params: &Params, matchers: &[Matcher]) -> Result<Self, ApiError> {
        let by_label = match params.get("aggregateBy") {
            None | Some("series") => false,
            Some("labels") => true,
            Some(other) => {
                return Err(ApiError::bad(format!("invalid aggregation option: {other:?}; \"series\" and \"labels\" are known")));
            }
        };
        let targets: Vec<String> = params
            .get("targetLabels")
            .map(|text| text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect())
            .unwrap_or_default();
        let labels =
            if targets.is_empty() && !by_label { matchers.iter().map(|matcher| matcher.name.to_string()).collect() } else { targets };
        Ok(Self { labels, by_label, limit: params::limit(params, VOLUMES)? })
    }
}

/// `GET|POST /loki/api/v1/index/volume`.
pub(super) async fn volume(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let bounds = params::bounds(&params, state.now_ns(), HOUR)?;
    let matchers = selector::of_query(&params)?;
    let grouping = Grouping::of(&params, &matchers)?;
    let by = if grouping.by_label { VolumeBy::Labels } else { VolumeBy::Series };
    let groups = Groups::new(by, grouping.labels, matchers.clone());
    let sums = volumes(&state, matchers, bounds, groups, Groups::add).await?.largest(grouping.limit);
    let mut out = b"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[".to_vec();
    for (at, (group, bytes)) in sums.iter().enumerate() {
        out.extend_from_slice(if at > 0 { b",{\"metric\":" } else { b"{\"metric\":" });
        put_packed(&mut out, group.packed());
        out.extend_from_slice(b",\"value\":[");
        put_seconds(&mut out, bounds.end / NS_PER_MS);
        out.push(b',');
        put_text(&mut out, &bytes.to_string());
        out.extend_from_slice(b"]}");
    }
    out.extend_from_slice(b"],\"stats\":");
    put_empty_stats(&mut out);
    out.extend_from_slice(b"}}");
    Ok(json(out))
}

/// `GET|POST /loki/api/v1/detected_labels`: labels worth choosing by, with the number of their values.
pub(super) async fn labels_found(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let bounds = params::bounds(&params, state.now_ns(), HOUR)?;
    let any_of = selector::optional(&params, "query")?;
    let found = state
        .read(move |select, cancel| detected_labels(select, &StreamQuery { any_of: &any_of, span: bounds.span(), limit: 0 }, cancel))
        .await?;
    let mut out = b"{\"detectedLabels\":[".to_vec();
    for (at, one) in found.iter().enumerate() {
        out.extend_from_slice(if at > 0 { b",{\"label\":" } else { b"{\"label\":" });
        put_text(&mut out, &one.label);
        out.extend_from_slice(b",\"cardinality\":");
        put_int(&mut out, one.cardinality);
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    Ok(json(out))
}
