//! Requests: what kinds of answers the client takes, parameters, and bodies.

use axum::body::Body;
use http::{HeaderMap, Request, StatusCode, header};
use regex::Regex;
use serde::de::DeserializeOwned;

use super::answer::Refusal;
use crate::alerts::model::matcher::{Matcher, Syntax, parse_matcher};
use crate::platform::http::extract::{Params, read_body};

/// Words that mean yes, in any case, as upstream's server reads them; every other word means no.
const YES: [&str; 11] = ["true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled", ""];
/// Longest regular expression for names of receivers, in bytes.
const RECEIVER_BYTES_MAX: usize = 4096;

/// What is wanted of alerts or groups.
pub struct Wanted {
    pub active: bool,
    pub silenced: bool,
    pub inhibited: bool,
    pub muted: bool,
    /// All of these must pass.
    pub matchers: Vec<Matcher>,
    /// What the receiver must look like.
    pub receiver: Option<Regex>,
}

impl Wanted {
    /// From the parameters of a request. `unprocessed` is taken and, as upstream, changes nothing.
    pub fn from_params(params: &Params) -> Result<Self, Refusal> {
        Ok(Self {
            active: truth(params, "active"),
            silenced: truth(params, "silenced"),
            inhibited: truth(params, "inhibited"),
            muted: truth(params, "muted"),
            matchers: filter(params)?,
            receiver: receiver(params)?,
        })
    }
}

/// True unless the last value says otherwise; an empty value says nothing.
fn truth(params: &Params, name: &str) -> bool {
    params.all(name).last().is_none_or(|word| YES.contains(&word.to_lowercase().as_str()))
}

/// The conditions of every `filter`.
pub fn filter(params: &Params) -> Result<Vec<Matcher>, Refusal> {
    let read = |text: &str| parse_matcher(text, Syntax::Both).map(|read| read.value).map_err(|error| Refusal::bad(error.to_string()));
    params.all("filter").map(read).collect()
}

fn receiver(params: &Params) -> Result<Option<Regex>, Refusal> {
    let Some(text) = params.all("receiver").last().filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.len() > RECEIVER_BYTES_MAX {
        return Err(Refusal::bad(format!("failed to parse receiver param: it has more than {RECEIVER_BYTES_MAX} bytes")));
    }
    let pattern = format!("^(?:{text})$");
    let invalid = |error: &regex::Error| Refusal::bad(format!("failed to parse receiver param: {}", reason(error, &pattern)));
    Regex::new(&pattern).map(Some).map_err(|error| invalid(&error))
}

/// What is wrong with a regular expression, in a line.
fn reason(error: &regex::Error, pattern: &str) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or("").trim();
    format!("error parsing regexp: {}: `{pattern}`", last.strip_prefix("error: ").unwrap_or(last))
}

/// Refuses clients that take everything but JSON.
pub fn takes_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut takes = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    let names_json = |list: &str| {
        list.split(',')
            .map(|kind| kind.split(';').next().unwrap_or("").trim())
            .any(|kind| matches!(kind, "*/*" | "application/*" | "application/json" | ""))
    };
    if takes.peek().is_none() || takes.any(names_json) {
        return Ok(());
    }
    let words = "unsupported media type requested, only [application/json] are available";
    Err(Refusal::plain(StatusCode::NOT_ACCEPTABLE, words))
}

/// Reads a body of JSON with at most `max` bytes; nothing if it is empty. What follows the value is not looked at, as
/// upstream. `what` names it in messages.
pub async fn body<T: DeserializeOwned>(request: Request<Body>, max: usize, what: &str) -> Result<Option<T>, Refusal> {
    takes_json(request.headers())?;
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("application/octet-stream");
    let kind = kind.split(';').next().unwrap_or("").trim().to_lowercase();
    if kind != "application/json" {
        let shown: String = kind.chars().take(100).collect();
        let words = format!("unsupported media type {shown:?}, only [application/json] are allowed");
        return Err(Refusal::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, words));
    }
    let bytes = read_body(request.into_body(), max).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let mut reader = serde_json::Deserializer::from_slice(&bytes);
    match T::deserialize(&mut reader) {
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(Refusal::plain(StatusCode::BAD_REQUEST, format!("parsing {what} body from \"\" failed, because {error}"))),
    }
}
