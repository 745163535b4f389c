//! What lines are about, found out by looking at a sample of them: fields, values of a field, patterns; and how much there
//! was when.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;

use super::ApiState;
use super::answer::{ApiError, json};
use super::index::Grouping;
use super::json_text::{put_int, put_text, put_texts};
use super::params::{self, Bounds, HOUR, NS_PER_S};
use super::query::{LineQuestion, query_of};
use super::result_json::{Encoding, put_head, put_tail, put_value};
use super::selector;
use super::stats_json::QueryStats;
use crate::logs::model::read::StreamQuery;
use crate::logs::query::ast::{LogExpr, Query};
use crate::logs::query::detect::fields::{detected_fields, detected_values};
use crate::logs::query::detect::patterns::Patterns;
use crate::logs::query::engine::LogStream;
use crate::platform::http::extract::Params;
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;
use crate::series::ports::When;
use crate::series::value::{RangeSeries, Value};

/// Lines looked at for fields unless the request says otherwise, and at most.
const LINES: usize = 1000;
const LINES_MAX: usize = 5000;
/// Fields, or values, of an answer unless the request says otherwise.
const FIELDS: usize = 1000;
/// Patterns are looked for in so many pieces of the time, and in so many lines of each.
const PATTERN_PIECES: i64 = 24;
const PATTERN_LINES: usize = 500;
/// Patterns of an answer.
const PATTERNS_MAX: usize = 300;
const NS_PER_MS: i64 = 1_000_000;

fn log_query(params: &Params) -> Result<LogExpr, ApiError> {
    match query_of(params)? {
        Query::Log(log) => Ok(log),
        Query::Metric(_) => Err(ApiError::bad("a query for lines is expected, and this is a metric query")),
    }
}

/// The newest lines of a query, labels told apart by where they come from.
async fn sample(state: &Arc<ApiState>, params: &Params, bounds: Bounds) -> Result<Vec<LogStream>, ApiError> {
    let log = log_query(params)?;
    let lines = params.get("line_limit").map_or(Ok(LINES), |text| {
        text.parse::<usize>().map_err(|_| ApiError::bad(format!("strconv.Atoi: parsing {text:?}: invalid syntax")))
    })?;
    state.streams(LineQuestion::newest(log, bounds, lines.clamp(1, LINES_MAX))).await
}

/// `GET|POST /loki/api/v1/detected_fields`.
pub(super) async fn fields(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let bounds = params::bounds(&params, state.now_ns(), HOUR)?;
    let limit = params::limit(&params, FIELDS)?;
    let streams = sample(&state, &params, bounds).await?;
    let mut out = b"{\"fields\":[".to_vec();
    for (at, field) in detected_fields(&streams, limit).iter().enumerate() {
        out.extend_from_slice(if at > 0 { b",{\"label\":" } else { b"{\"label\":" });
        put_text(&mut out, &field.label);
        out.extend_from_slice(b",\"type\":");
        put_text(&mut out, field.kind.as_str());
        out.extend_from_slice(b",\"cardinality\":");
        put_int(&mut out, field.cardinality);
        out.extend_from_slice(b",\"parsers\":");
        if field.parsers.is_empty() {
            // As upstream: what no parser has to find has none.
            out.extend_from_slice(b"null");
        } else {
            put_texts(&mut out, field.parsers.iter().copied());
        }
        if let Some(path) = &field.json_path {
            out.extend_from_slice(b",\"jsonPath\":");
            put_texts(&mut out, path.iter().map(String::as_str));
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"],\"limit\":");
    put_int(&mut out, limit);
    out.push(b'}');
    Ok(json(out))
}

/// `GET|POST /loki/api/v1/detected_field/{name}/values`.
pub(super) async fn values(
    State(state): State<Arc<ApiState>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let bounds = params::bounds(&params, state.now_ns(), HOUR)?;
    let limit = params::limit(&params, FIELDS)?;
    let streams = sample(&state, &params, bounds).await?;
    let mut out = b"{\"values\":".to_vec();
    let values = detected_values(&streams, &name, limit);
    put_texts(&mut out, values.iter().map(String::as_str));
    out.extend_from_slice(b",\"limit\":");
    put_int(&mut out, limit);
    out.push(b'}');
    Ok(json(out))
}

/// `GET|POST /loki/api/v1/patterns`.
pub(super) async fn patterns(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let bounds = params::bounds(&params, state.now_ns(), HOUR)?;
    let step = params::step(&params, bounds)?;
    let log = log_query(&params)?;
    let mut found = Patterns::new(step);
    let piece = (bounds.end.saturating_sub(bounds.start) / PATTERN_PIECES).max(NS_PER_S);
    let mut start = bounds.start;
    while start < bounds.end {
        let end = start.saturating_add(piece).min(bounds.end);
        let question = LineQuestion::newest(log.clone(), Bounds { start, end }, PATTERN_LINES);
        for entry in state.streams(question).await?.iter().flat_map(|stream| &stream.entries) {
            found.add(entry.ts, entry.line.as_bytes());
        }
        start = end;
    }
    let mut out = b"{\"status\":\"success\",\"data\":[".to_vec();
    for (at, one) in found.finish(PATTERNS_MAX).iter().enumerate() {
        out.extend_from_slice(if at > 0 { b",{\"pattern\":" } else { b"{\"pattern\":" });
        put_text(&mut out, &one.pattern);
        out.extend_from_slice(b",\"level\":");
        put_text(&mut out, one.level);
        out.extend_from_slice(b",\"samples\":[");
        for (at, (ts, count)) in one.counts.iter().enumerate() {
            out.extend_from_slice(if at > 0 { b",[" } else { b"[" });
            put_int(&mut out, ts.div_euclid(NS_PER_S));
            out.push(b',');
            put_int(&mut out, *count);
            out.push(b']');
        }
        out.extend_from_slice(b"]}");
    }
    out.extend_from_slice(b"]}");
    Ok(json(out))
}

/// `GET|POST /loki/api/v1/index/volume_range`.
pub(super) async fn volume_range(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let bounds = params::bounds(&params, state.now_ns(), HOUR)?;
    let step = params::step(&params, bounds)?;
    let matchers = selector::of_query(&params)?;
    let mut grouping = Grouping::of(&params, &matchers)?;
    if grouping.labels.is_empty() {
        // Fields of lines would be groups too, so the labels of streams are named.
        let any_of = vec![matchers.clone()];
        grouping.labels =
            state.read(move |select, cancel| select.label_names(&StreamQuery { any_of: &any_of, span: bounds.span(), limit: 0 }, cancel)).await?;
    }
    let ms = |ns: i64| ns.div_euclid(NS_PER_MS);
    let when = When::Range { start: ms(bounds.start), end: ms(bounds.end), step: ms(step).max(1) };
    let (value, stats) = state.evaluate(bytes_query(&matchers, &grouping.labels, step), when).await?;
    let Value::Matrix(series) = value else { return Ok(volumes(&Value::Matrix(Vec::new()), &stats)) };
    let mut series = if grouping.by_label { by_label(&series) } else { series };
    series.retain(|one| !one.labels.is_empty());
    let total = |one: &RangeSeries| one.floats.iter().map(|(_, bytes)| *bytes).sum::<f64>();
    series.sort_by(|a, b| total(b).total_cmp(&total(a)));
    series.truncate(grouping.limit);
    Ok(volumes(&Value::Matrix(series), &stats))
}

/// The bytes of each group within each step.
fn bytes_query(matchers: &[Matcher], labels: &[String], step: i64) -> String {
    let matchers: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    let step_ms = ms_at_least_one(step);
    format!("sum by ({}) (bytes_over_time({{{}}}[{step_ms}ms]))", labels.join(", "), matchers.join(", "))
}

fn ms_at_least_one(ns: i64) -> i64 {
    ns.div_euclid(NS_PER_MS).max(1)
}

/// Adds series up by the names of their labels.
fn by_label(series: &[RangeSeries]) -> Vec<RangeSeries> {
    let mut sums: BTreeMap<&str, BTreeMap<i64, f64>> = BTreeMap::new();
    for one in series {
        for (name, _) in one.labels.iter() {
            let sum = sums.entry(name).or_default();
            one.floats.iter().for_each(|(ts, bytes)| *sum.entry(*ts).or_default() += bytes);
        }
    }
    let named = |(name, points): (&str, BTreeMap<i64, f64>)| RangeSeries {
        labels: empty_valued(name),
        floats: points.into_iter().collect(),
        histograms: Vec::new(),
    };
    sums.into_iter().map(named).collect()
}

/// A label whose value is empty, which no series has; upstream answers so.
fn empty_valued(name: &str) -> Labels {
    Labels::from_ordered([(name, "")])
}

fn volumes(value: &Value, stats: &QueryStats) -> Response {
    let mut out = Vec::new();
    put_head(&mut out, "matrix", Encoding::default(), &[]);
    put_value(&mut out, value);
    put_tail(&mut out, stats);
    json(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_asked_for_and_added_up() {
        let matchers = [Matcher::equal("app", "a\"b")];
        assert_eq!(
            bytes_query(&matchers, &["app".to_owned(), "env".to_owned()], 90 * NS_PER_S),
            "sum by (app, env) (bytes_over_time({app=\"a\\\"b\"}[90000ms]))"
        );
        let series = |pairs: &[(&str, &str)], floats: &[(i64, f64)]| RangeSeries {
            labels: Labels::from_pairs(pairs.iter().copied()),
            floats: floats.to_vec(),
            histograms: Vec::new(),
        };
        let summed = by_label(&[series(&[("app", "a"), ("env", "x")], &[(1, 2.0)]), series(&[("app", "b")], &[(1, 3.0), (2, 1.0)])]);
        let shown: Vec<_> = summed.iter().map(|one| (one.labels.iter().next().map(|(name, _)| name.to_owned()), one.floats.clone())).collect();
        assert_eq!(shown, [(Some("app".to_owned()), vec![(1, 5.0), (2, 1.0)]), (Some("env".to_owned()), vec![(1, 2.0)])]);
    }
}
