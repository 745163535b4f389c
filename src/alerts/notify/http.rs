//! Requests of channels over HTTP, and what their answers mean.

use std::sync::Arc;
use std::time::Duration;

use ::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use ::http::{HeaderMap, Method};
use bytes::Bytes;
use serde::Serialize;
use url::Url;

use super::secret::Mask;
use super::{Receipt, Refusal, truncate};
use crate::base::clock::SharedClock;
use crate::base::template::query_text;
use crate::platform::http::client::{ClientError, HttpClient, Request, SecretSource};
use crate::platform::http::go_json::write_json;

/// How long one try may take where the configuration does not say.
const TRY_MAX: Duration = Duration::from_secs(60);
/// Most bytes of an answer that are looked at.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Most characters of it in messages.
const SHOWN_CHARS_MAX: usize = 500;
/// Longest pause that is done as asked.
const PAUSE_MAX: Duration = Duration::from_secs(3600);

/// What is sent.
pub(super) struct Outgoing<'o> {
    method: Method,
    url: &'o str,
    headers: Vec<(HeaderName, String)>,
    body: Vec<u8>,
}

impl<'o> Outgoing<'o> {
    /// Something without a body.
    pub const fn new(method: Method, url: &'o str) -> Self {
        Self { method, url, headers: Vec::new(), body: Vec::new() }
    }

    /// A POST of JSON.
    pub fn json(url: &'o str, body: &impl Serialize) -> Self {
        Self::new(Method::POST, url).with_json(body)
    }

    /// With a body of JSON.
    pub fn with_json(self, body: &impl Serialize) -> Self {
        self.with_body("application/json", json_line(body))
    }

    /// With a form as its body.
    pub fn with_form<'f>(self, pairs: impl IntoIterator<Item = (&'f str, String)>) -> Self {
        self.with_body("application/x-www-form-urlencoded", form(pairs).into_bytes())
    }

    /// With a body.
    pub fn with_body(self, kind: &str, body: Vec<u8>) -> Self {
        self.with_bytes(body).header(CONTENT_TYPE, kind)
    }

    /// With a body whose kind another header says.
    pub fn with_bytes(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// With a header.
    pub fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// JSON as Go's encoder writes it, with the end of a line.
pub(super) fn json_line(body: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    // Writing to memory cannot fail, and the keys of all maps here are texts.
    if let Err(error) = write_json(&mut out, body) {
        tracing::error!(%error, "a message cannot be written as JSON");
    }
    out.push(b'\n');
    out
}

/// Pairs as in a query, sorted by key as Go writes them.
pub(super) fn form<'f>(pairs: impl IntoIterator<Item = (&'f str, String)>) -> String {
    let mut pairs: Vec<(&str, String)> = pairs.into_iter().collect();
    pairs.sort_by_key(|(key, _)| *key);
    let pairs = pairs.iter().map(|(key, value)| format!("{}={}", query_text(key), query_text(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// A client with its limits.
#[derive(Debug)]
pub(super) struct Sender {
    client: Arc<HttpClient>,
    timeout: Duration,
    clock: SharedClockShown,
    /// Passwords and tokens of the client itself.
    mask: Mask,
}

/// A clock that shows nothing of itself.
struct SharedClockShown(SharedClock);

impl std::fmt::Debug for SharedClockShown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("clock")
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    line: String,
    is_json: bool,
    after: Option<Duration>,
    /// Its beginning, without secrets.
    pub body: String,
}

impl Sender {
    /// One whose tries take as long as `timeout_ms` says; 0 is the usual time.
    pub fn new(client: Arc<HttpClient>, timeout_ms: i64, clock: SharedClock) -> Self {
        let settings = client.settings();
        let auth = settings.authorization.iter().map(|auth| &auth.credentials);
        let values = settings.headers.iter().flat_map(|header| &header.values);
        let sources = settings.basic_auth.iter().map(|auth| &auth.password).chain(auth).chain(values);
        let mask = Mask::of(sources.filter_map(|source| if let SecretSource::Inline(secret) = source { Some(secret) } else { None }));
        let timeout = u64::try_from(timeout_ms).ok().filter(|ms| *ms > 0).map_or(TRY_MAX, Duration::from_millis);
        Self { client, timeout, clock: SharedClockShown(clock), mask }
    }

    /// Sends, and reads the beginning of the answer.
    pub async fn send(&self, outgoing: Outgoing<'_>, mask: &Mask) -> Result<Answer, Refusal> {
        let url = Url::parse(outgoing.url).map_err(|error| Refusal::for_good(format!("unusable URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::for_good(format!("unusable URL: scheme {:?}, expected http or https", url.scheme())));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in outgoing.headers {
            let value =
                HeaderValue::from_str(&value).map_err(|_| Refusal::for_good(format!("the header {name} cannot have this value")))?;
            headers.append(name, value);
        }
        let body = (!outgoing.body.is_empty() || outgoing.method == Method::POST).then(|| Bytes::from(outgoing.body));
        let request = Request { method: outgoing.method, url, headers, body, timeout: self.timeout };
        let failed = |error: ClientError| {
            let (reason, may_retry) = match error {
                ClientError::TimedOut { method, .. } => (format!("{method} \"<redacted>\": context deadline exceeded"), true),
                ClientError::Failed { method, reason, .. } => (format!("{method} \"<redacted>\": {reason}"), true),
                error @ ClientError::File { .. } => (error.to_string(), true),
                error @ ClientError::Settings(_) => (error.to_string(), false),
            };
            Refusal { reason: self.mask.text(&mask.text(&reason)), may_retry, after: None }
        };
        let mut response = self.client.send(request).await.map_err(failed)?;
        let is_json = response.header("content-type").starts_with("application/json");
        let after = self.pause(response.header("retry-after"));
        let (status, line) = (response.status().as_u16(), response.status_line());
        let mut bytes = Vec::new();
        while let Some(piece) = response.next_piece().await.map_err(failed)? {
            let room = ANSWER_BYTES_MAX.saturating_sub(bytes.len());
            bytes.extend_from_slice(piece.get(..room).unwrap_or(&piece));
            if bytes.len() >= ANSWER_BYTES_MAX {
                break;
            }
        }
        Ok(Answer { status, line, is_json, after, body: self.mask.text(&mask.text(&String::from_utf8_lossy(&bytes))) })
    }

    /// How long to wait, by a header in seconds or with a date.
    fn pause(&self, header: &str) -> Option<Duration> {
        let header = header.trim();
        let seconds = header.parse::<u64>().ok().map(Duration::from_secs);
        let pause = seconds.or_else(|| {
            let until = chrono::DateTime::parse_from_rfc2822(header).ok()?.timestamp_millis();
            u64::try_from(until - self.clock.0.now_ms()).ok().map(Duration::from_millis)
        });
        pause.map(|pause| pause.min(PAUSE_MAX))
    }
}

impl Answer {
    /// Whether the message was taken: 2xx it was, 5xx and 429 another try may help, all others not.
    pub fn check(self) -> Result<Self, Refusal> {
        self.check_with(&[], None)
    }

    /// The same with further codes after which another try may help, and what to say of the answer.
    pub fn check_with(self, codes: &[u16], details: Option<String>) -> Result<Self, Refusal> {
        if self.status / 100 == 2 {
            return Ok(self);
        }
        let may_retry = self.status / 100 == 5 || self.status == 429 || codes.contains(&self.status);
        let details = truncate::shown(details.as_deref().unwrap_or(&self.body), SHOWN_CHARS_MAX);
        let colon = if details.is_empty() { "" } else { ": " };
        let reason = format!("unexpected status code {}{colon}{details}", self.status);
        Err(Refusal { reason, may_retry, after: self.after.filter(|_| may_retry) })
    }

    /// The status.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The body as JSON, if it is said to be some.
    pub fn json(&self) -> Option<serde_json::Value> {
        if self.is_json { serde_json::from_str(&self.body).ok() } else { None }
    }

    /// What people may see of it.
    pub fn receipt(&self) -> Receipt {
        let body = truncate::shown(&self.body, SHOWN_CHARS_MAX);
        Receipt { answer: if body.is_empty() { self.line.clone() } else { format!("{}: {body}", self.line) } }
    }
}
