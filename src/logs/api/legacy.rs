//! The first read API of Loki, under `/api/prom`, which old clients still speak: the same questions, other answers.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;

use super::ApiState;
use super::answer::{ApiError, json};
use super::index::{names_asked, values_asked};
use super::json_text::{put_line, put_text, put_texts};
use super::params::{self, HOUR};
use super::query::{Found, check_length, check_size, question, respond};
use super::result_json::LineOut;
use super::stats_json::put_stats;
use crate::base::time::format_rfc3339;
use crate::logs::query::ast::Query;
use crate::logs::query::parse::{Dialect, parse};
use crate::platform::http::extract::Params;
use crate::series::labels::{LabelsIter, quote};

/// Nanoseconds of a second.
const NS_PER_S: i64 = 1_000_000_000;
/// What is said to a query for numbers.
const LINES_ONLY: &str = "legacy endpoints only support streams result type";

/// `GET|POST /api/prom/query`.
pub(super) async fn query(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let bounds = params::bounds(&params, state.now_ns(), HOUR)?;
    check_length(&state, bounds)?;
    let Query::Log(log) = parse(&query_text(&params), Dialect::Loki)? else { return Err(ApiError::bad(LINES_ONLY)) };
    let limit = params::line_limit(&params, state.lines_max())?;
    check_size(&state, Query::Log(log.clone()), bounds).await?;
    let found = state.ask(question(log, &params, bounds, limit, false)?).await?;
    respond(move |out| put_found(out, &found)).await
}

/// The query with what `regexp` asks of its lines.
fn query_text(params: &Params) -> String {
    let query = params.get("query").unwrap_or_default();
    match params.get("regexp").filter(|pattern| !pattern.is_empty()) {
        Some(pattern) => format!("{query} |~ {}", quote(pattern)),
        None => query.to_owned(),
    }
}

fn put_found(out: &mut Vec<u8>, found: &Found) {
    out.extend_from_slice(b"{\"streams\":[");
    for (at, stream) in found.streams().iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let lines = stream.entries.iter().map(|entry| LineOut { ts: entry.ts, text: entry.line.as_bytes(), fields: b"", parsed: b"" });
        put_stream(out, stream.labels.packed(), lines);
    }
    out.extend_from_slice(b"],\"stats\":");
    put_stats(out, &found.query_stats());
    out.extend_from_slice(b"}\n");
}

/// A stream with its lines.
pub(super) fn put_stream<'a>(out: &mut Vec<u8>, labels: &[u8], lines: impl Iterator<Item = LineOut<'a>>) {
    let labels: Vec<String> = LabelsIter::over_checked(labels).map(|(name, value)| format!("{name}={}", quote(value))).collect();
    out.extend_from_slice(b"{\"labels\":");
    put_text(out, &format!("{{{}}}", labels.join(", ")));
    out.extend_from_slice(b",\"entries\":[");
    for (at, line) in lines.enumerate() {
        out.extend_from_slice(if at > 0 { b",{\"ts\":\"" } else { b"{\"ts\":\"" });
        out.extend_from_slice(date(line.ts).as_bytes());
        out.extend_from_slice(b"\",\"line\":");
        put_line(out, line.text);
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
}

/// RFC 3339 to the nanosecond.
pub(super) fn date(ts: i64) -> String {
    let whole = format_rfc3339(ts.div_euclid(NS_PER_S) * 1000);
    match ts.rem_euclid(NS_PER_S) {
        0 => whole,
        ns => format!("{}.{}Z", whole.trim_end_matches('Z'), format!("{ns:09}").trim_end_matches('0')),
    }
}

/// `GET|POST /api/prom/label`.
pub(super) async fn label_names(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    Ok(values(&names_asked(&state, request).await?))
}

/// `GET|POST /api/prom/label/{name}/values`.
pub(super) async fn label_values(
    State(state): State<Arc<ApiState>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    Ok(values(&values_asked(&state, name, request).await?))
}

/// As upstream: without anything there are no `values`.
fn values(texts: &[String]) -> Response {
    let mut out = b"{".to_vec();
    if !texts.is_empty() {
        out.extend_from_slice(b"\"values\":");
        put_texts(&mut out, texts.iter().map(String::as_str));
    }
    out.extend_from_slice(b"}\n");
    json(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::labels::Labels;

    #[test]
    fn streams_are_written_as_the_old_api_writes_them() {
        let labels = Labels::from_pairs([("app", "a\"b"), ("env", "x")]);
        let line = |ts, text: &'static str| LineOut { ts, text: text.as_bytes(), fields: b"", parsed: b"" };
        let mut out = Vec::new();
        put_stream(&mut out, labels.packed(), [line(1_700_000_000_000_000_001, "a<b"), line(1_700_000_000_500_000_000, "")].into_iter());
        let wanted = "{\"labels\":\"{app=\\\"a\\\\\\\"b\\\", env=\\\"x\\\"}\",\"entries\":[{\"ts\":\"2023-11-14T22:13:20.000000001Z\",\
                      \"line\":\"a\\u003cb\"},{\"ts\":\"2023-11-14T22:13:20.5Z\",\"line\":\"\"}]}";
        assert_eq!(String::from_utf8(out).unwrap(), wanted);
        assert_eq!(date(1_700_000_000_000_000_000), "2023-11-14T22:13:20Z");
    }

    #[test]
    fn a_regexp_is_a_filter_behind_the_query() {
        let text = |pairs: &[(&str, &str)]| {
            query_text(&Params::from_pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()))
        };
        assert_eq!(text(&[("query", "{a=\"b\"}")]), "{a=\"b\"}");
        assert_eq!(text(&[("query", "{a=\"b\"}"), ("regexp", "x\"\\d")]), "{a=\"b\"} |~ \"x\\\"\\\\d\"");
    }
}
