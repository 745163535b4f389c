//! What exists: `series`, `labels`, `label/<name>/values` and `query_exemplars`.

use std::io::{self, Write};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode};

use super::ApiState;
use super::answer::{ApiError, ErrorKind, json_body, success_with_warnings};
use super::params;
use super::status::in_query;
use super::value_json::{write_labels, write_time};
use crate::base::cancel::Cancel;
use crate::base::float;
use crate::base::time::TimeRange;
use crate::metrics::query::parse::{parse, parse_selector};
use crate::metrics::query::shape::collect_selectors;
use crate::platform::http::extract::Params;
use crate::platform::http::go_json::write_json;
use crate::series::matcher::Matcher;
use crate::series::ports::{IndexQuery, SelectError};

/// The warning that goes with an answer cut by `limit`.
const TRUNCATED: &str = "results truncated due to limit";

/// A parsed request for [`IndexQuery`].
struct Wanted {
    any_of: Vec<Vec<Matcher>>,
    range: TimeRange,
    limit: usize,
}

impl Wanted {
    fn from_params(params: &Params) -> Result<Self, ApiError> {
        let (limit, range) = (params::limit(params)?, params::range(params)?);
        Ok(Self { any_of: match_lists(params).map_err(ApiError::bad)?, range, limit })
    }

    /// Whether the range is turned round, so that nothing lies in it.
    fn is_nothing(&self) -> bool {
        self.range.end < self.range.start
    }

    /// Asks for one more than the limit, to learn whether there is more.
    fn query(&self) -> IndexQuery<'_> {
        let limit = if self.limit == 0 { 0 } else { self.limit.saturating_add(1) };
        IndexQuery { any_of: &self.any_of, range: self.range, limit }
    }

    fn cut<T>(&self, found: &mut Vec<T>) -> Vec<String> {
        if self.limit > 0 && found.len() > self.limit {
            found.truncate(self.limit);
            return vec![TRUNCATED.to_owned()];
        }
        Vec::new()
    }
}

/// One `match[]` parameter.
pub(super) fn matchers_of(text: &str) -> Result<Vec<Matcher>, String> {
    parse_selector(text).map_err(|errors| errors.to_string())
}

/// All `match[]` parameters, each with a condition that not everything meets. The sentence on failure has no
/// parameter's name in front: some endpoints add it, some do not.
pub(super) fn match_lists(params: &Params) -> Result<Vec<Vec<Matcher>>, String> {
    let lists = params.all("match[]").map(matchers_of).collect::<Result<Vec<_>, _>>()?;
    if lists.iter().any(|matchers| matchers.iter().all(Matcher::matches_empty)) {
        return Err("match[] must contain at least one non-empty matcher".to_owned());
    }
    Ok(lists)
}

/// `GET|POST /api/v1/series`.
pub(super) async fn series(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    if params.all("match[]").next().is_none() {
        return Err(ApiError::bad("no match[] parameter provided"));
    }
    let (limit, range) = (params::limit(&params)?, params::range(&params)?);
    let any_of = match_lists(&params).map_err(|why| ApiError::parameter("match[]", why))?;
    let wanted = Wanted { any_of, range, limit };
    let (found, warnings) = look(&state, move |state, cancel| {
        let mut found = if wanted.is_nothing() { Vec::new() } else { state.select.series(&wanted.query(), cancel)? };
        let warnings = wanted.cut(&mut found);
        Ok((found, warnings))
    })
    .await?;
    let mut out = br#"{"status":"success","data":["#.to_vec();
    let written = (|| -> io::Result<()> {
        for (at, labels) in found.iter().enumerate() {
            if at > 0 {
                out.write_all(b",")?;
            }
            write_labels(&mut out, labels)?;
        }
        out.write_all(b"]")?;
        write_warnings(&mut out, &warnings)
    })();
    finish(out, written)
}

/// `GET|POST /api/v1/labels`.
pub(super) async fn label_names(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let wanted = Wanted::from_params(&params)?;
    let (found, warnings) = look(&state, move |state, cancel| {
        let mut found = if wanted.is_nothing() { Vec::new() } else { state.select.label_names(&wanted.query(), cancel)? };
        let warnings = wanted.cut(&mut found);
        Ok((found, warnings))
    })
    .await?;
    Ok(success_with_warnings(&found, &warnings))
}

/// `GET /api/v1/label/<name>/values`.
pub(super) async fn label_values(
    State(state): State<Arc<ApiState>>,
    name: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let Ok(Path(name)) = name else { return Err(ApiError::bad("invalid label name: it is no UTF-8")) };
    let name = unescape_label_name(&name);
    if name.is_empty() {
        return Err(ApiError::bad(format!("invalid label name: {name:?}")));
    }
    let params = Params::from_request(request).await?;
    let wanted = Wanted::from_params(&params)?;
    let (found, warnings) = look(&state, move |state, cancel| {
        let mut found = if wanted.is_nothing() { Vec::new() } else { state.select.label_values(&name, &wanted.query(), cancel)? };
        let warnings = wanted.cut(&mut found);
        Ok((found, warnings))
    })
    .await?;
    Ok(success_with_warnings(&found, &warnings))
}

/// `GET|POST /api/v1/query_exemplars`.
pub(super) async fn exemplars(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let range = params::range(&params)?;
    if range.end < range.start {
        return Err(ApiError::bad("end timestamp must not be before start timestamp"));
    }
    let text = params.get("query").unwrap_or("").to_owned();
    let parsed = parse(&text, &state.engine.options().parse);
    // Here without the parameter's name, as upstream.
    let expr = parsed.map_err(|errors| ApiError { message: errors.first().to_string(), ..in_query(&errors) })?;
    let mut any_of = Vec::new();
    collect_selectors(&expr, &mut any_of);
    if any_of.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let found = look(&state, move |state, _| state.select.exemplars(&IndexQuery { any_of: &any_of, range, limit: 0 })).await?;
    let mut out = br#"{"status":"success","data":["#.to_vec();
    let written = (|| -> io::Result<()> {
        for (at, (labels, list)) in found.iter().enumerate() {
            out.write_all(if at > 0 { b"," } else { b"" })?;
            out.write_all(br#"{"seriesLabels":"#)?;
            write_labels(&mut out, labels)?;
            out.write_all(br#","exemplars":["#)?;
            for (at, exemplar) in list.iter().enumerate() {
                out.write_all(if at > 0 { b"," } else { b"" })?;
                out.write_all(br#"{"labels":"#)?;
                write_labels(&mut out, &exemplar.labels)?;
                write!(out, ",\"value\":\"{}\",\"timestamp\":", float::sample(exemplar.value))?;
                write_time(&mut out, exemplar.ts)?;
                out.write_all(b"}")?;
            }
            out.write_all(b"]}")?;
        }
        out.write_all(b"]}")
    })();
    finish(out, written)
}

fn write_warnings(out: &mut Vec<u8>, warnings: &[String]) -> io::Result<()> {
    if !warnings.is_empty() {
        out.extend_from_slice(b",\"warnings\":");
        write_json(&mut *out, warnings)?;
    }
    out.extend_from_slice(b"}");
    Ok(())
}

fn finish(out: Vec<u8>, written: io::Result<()>) -> Result<Response, ApiError> {
    written.map_err(|error| ApiError::new(ErrorKind::Internal, error.to_string()))?;
    Ok(json_body(StatusCode::OK, Body::from(out)))
}

/// Runs an index look-up on the pool.
pub(super) async fn look<T: Send + 'static>(
    state: &Arc<ApiState>,
    work: impl FnOnce(&ApiState, &Cancel) -> Result<T, SelectError> + Send + 'static,
) -> Result<T, ApiError> {
    let cancel = Cancel::new();
    let (inner, handed) = (cancel.clone(), Arc::clone(state));
    Ok(state.work.run(state.query_timeout, &cancel, move || work(&handed, &inner)).await??)
}

/// Label names that are not legacy come escaped in paths: `U__` and `_xx_` for odd characters (upstream "values" escaping).
fn unescape_label_name(name: &str) -> String {
    let Some(escaped) = name.strip_prefix("U__") else { return name.to_owned() };
    let mut out = String::new();
    let mut rest = escaped;
    while let Some(at) = rest.find('_') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('_') {
            out.push('_');
            rest = after;
            continue;
        }
        let Some((hex, after)) = rest.split_once('_') else { return name.to_owned() };
        let Some(character) = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32) else { return name.to_owned() };
        out.push(character);
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_label_names_are_read() {
        for (escaped, name) in
            [("job", "job"), ("U__http_2e_status", "http.status"), ("U__a__b", "a_b"), ("U__x_zz_", "U__x_zz_"), ("U__x_2e", "U__x_2e")]
        {
            assert_eq!(unescape_label_name(escaped), name);
        }
    }
}
