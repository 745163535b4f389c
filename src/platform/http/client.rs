//! The HTTP client of the appliance: one [`HttpClient`] per set of settings, connections kept between requests.
//!
//! Files named in the settings (keys, certificates, passwords, tokens) are read again when they change, so a
//! renewed certificate or a rotated token needs no reload. Bodies arrive as they were sent: decoding, with a
//! cap against bombs, is [`decode_body`], which callers run off the reactor.

mod auth;
mod body;
mod configured;
mod guard;
mod proxy;
mod redirect;
mod secure;
mod settings;
mod shown;
mod tls;
mod watched;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use url::Url;

use crate::base::clock::SharedClock;
use crate::base::masked;

pub use auth::Credentials;
pub use body::{BodyError, ContentEncoding, decode_body};
pub use configured::{client_settings, tls_settings};
pub use guard::{Denied, FetchGuard};
pub use proxy::ProxyRules;
pub use redirect::is_same_server;
pub use secure::{Stream, secure};
pub use settings::{
    Authorization, BasicAuth, ClientSettings, HeaderSetting, OAuth2Settings, ProxySettings, SecretSource, TlsSettings, TlsVersion,
};
pub use shown::ShownCertificate;
pub use watched::{Agreed, Refused, WatchedTls};

/// What pharos calls itself.
pub const USER_AGENT: &str = concat!("pharos/", env!("CARGO_PKG_VERSION"));

/// How long an idle connection is kept, as upstream.
const IDLE_CONNECTION: Duration = Duration::from_secs(300);
/// Clients kept for servers that are addressed by another name than the one in their certificate.
const NAMED_CLIENTS_MAX: usize = 1024;
/// Hops of one request, as upstream.
const REDIRECTS_MAX: usize = 10;

/// Why a request got no answer. Prints as upstream does where users know the words.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The settings cannot work.
    #[error("{0}")]
    Settings(String),
    /// A file of the settings cannot be read.
    #[error("unable to read {what} file {path}: {reason}")]
    File {
        /// What the file holds.
        what: &'static str,
        /// Where it is.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The time was over.
    #[error("{method} \"{url}\": context deadline exceeded")]
    TimedOut {
        /// The method as Go prints it.
        method: String,
        /// The address.
        url: String,
    },
    /// Connecting, sending or reading failed.
    #[error("{method} \"{url}\": {reason}")]
    Failed {
        /// The method as Go prints it.
        method: String,
        /// The address.
        url: String,
        /// The cause, innermost.
        reason: String,
    },
}

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Headers beyond those of the settings; these win.
    pub headers: HeaderMap,
    /// The body.
    pub body: Option<Bytes>,
    /// Time for everything, the answer's body included.
    pub timeout: Duration,
}

impl Request {
    /// A GET without headers.
    pub fn get(url: Url, timeout: Duration) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: None, timeout }
    }

    /// A POST of `body`.
    pub fn post(url: Url, body: Bytes, timeout: Duration) -> Self {
        Self { method: Method::POST, url, headers: HeaderMap::new(), body: Some(body), timeout }
    }
}

/// An answer whose body is still on its way.
#[derive(Debug)]
pub struct Response {
    inner: reqwest::Response,
    method: Method,
    url: Url,
}

impl Response {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.inner.status()
    }

    /// Status code and words, as Go prints them: `404 Not Found`.
    pub fn status_line(&self) -> String {
        let status = self.inner.status();
        match status.canonical_reason() {
            Some(reason) => format!("{} {reason}", status.as_u16()),
            None => status.as_u16().to_string(),
        }
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// A header as text, or an empty string.
    pub fn header(&self, name: &str) -> &str {
        self.inner.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// How the body is encoded.
    pub fn encoding(&self) -> ContentEncoding {
        ContentEncoding::of(self.header("content-encoding"))
    }

    /// The next piece of the body as it is sent; none at its end.
    pub async fn next_piece(&mut self) -> Result<Option<Bytes>, ClientError> {
        self.inner.chunk().await.map_err(|error| describe(&self.method, &self.url, &error))
    }

    /// Appends the body as sent to `out`; gives up when it would grow to `bytes_max` bytes or more.
    pub async fn read_body(mut self, bytes_max: usize, out: &mut Vec<u8>) -> Result<(), BodyError> {
        let start = out.len();
        loop {
            match self.inner.chunk().await {
                Ok(None) => return Ok(()),
                Ok(Some(chunk)) => {
                    if out.len() - start + chunk.len() >= bytes_max {
                        return Err(BodyError::TooLarge);
                    }
                    out.extend_from_slice(&chunk);
                }
                Err(error) => return Err(BodyError::Client(describe(&self.method, &self.url, &error))),
            }
        }
    }
}

/// Sends requests with the settings it was made from.
pub struct HttpClient {
    settings: ClientSettings,
    clock: SharedClock,
    built: Mutex<Built>,
    token: auth::TokenCache,
    /// Which addresses may be asked; none where an administrator wrote the address down.
    guard: Option<Arc<FetchGuard>>,
}

/// What was built from the settings, and from which state of the files.
struct Built {
    stamps: Vec<tls::Stamp>,
    plain: reqwest::Client,
    /// By the host connected to, where `server_name` differs from it.
    named: FxHashMap<String, reqwest::Client>,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl HttpClient {
    /// Checks the settings, reads the TLS files and builds the client.
    pub fn new(settings: ClientSettings, clock: SharedClock) -> Result<Self, ClientError> {
        Self::with(settings, clock, None)
    }

    /// The same for addresses that people other than administrators may choose: each one, also of a redirect, is
    /// resolved, checked and then connected to, without being looked up again. Takes no proxy, since that one would
    /// look names up by itself.
    pub fn guarded(settings: ClientSettings, clock: SharedClock, guard: Arc<FetchGuard>) -> Result<Self, ClientError> {
        if settings.proxy.url.is_some() || settings.proxy.from_environment {
            return Err(ClientError::Settings("addresses that users choose cannot be asked through a proxy".to_owned()));
        }
        if settings.oauth2.is_some() {
            return Err(ClientError::Settings("oauth2 cannot be used for addresses that users choose".to_owned()));
        }
        Self::with(settings, clock, Some(guard))
    }

    fn with(settings: ClientSettings, clock: SharedClock, guard: Option<Arc<FetchGuard>>) -> Result<Self, ClientError> {
        settings.check()?;
        let built = Built::new(&settings, guard.as_ref())?;
        Ok(Self { settings, clock, built: Mutex::new(built), token: auth::TokenCache::default(), guard })
    }

    /// What it was made from.
    pub fn settings(&self) -> &ClientSettings {
        &self.settings
    }

    /// Sends a request and waits for the head of the answer.
    pub async fn send(&self, request: Request) -> Result<Response, ClientError> {
        self.send_with(request, &self.settings.headers).await
    }

    async fn send_with(&self, mut request: Request, headers: &[HeaderSetting]) -> Result<Response, ClientError> {
        let started = self.clock.monotonic();
        let first = request.url.clone();
        // Once the request has left the server it was meant for, it never carries credentials again.
        let mut trusted = true;
        for _ in 0..=REDIRECTS_MAX {
            let left = request.timeout.saturating_sub(self.clock.monotonic().saturating_sub(started));
            let response = self.exchange(&request, left, if trusted { Some(headers) } else { None }).await?;
            let location = response.header("location");
            if !self.settings.follow_redirects || !redirect::follow(&mut request, response.status(), location) {
                return Ok(response);
            }
            trusted = trusted && is_same_server(&first, &request.url);
        }
        let reason = format!("stopped after {REDIRECTS_MAX} redirects");
        Err(ClientError::Failed { method: go_method(&request.method), url: shown(&request.url), reason })
    }

    /// One request, one answer. Without `headers` of the settings it goes out without credentials too.
    async fn exchange(&self, request: &Request, timeout: Duration, headers: Option<&[HeaderSetting]>) -> Result<Response, ClientError> {
        let (method, url) = (request.method.clone(), request.url.clone());
        if let Some(guard) = &self.guard
            && let Err(denied) = guard.check_literal(&url)
        {
            return Err(ClientError::Failed { method: go_method(&method), url: shown(&url), reason: denied.to_string() });
        }
        let mut all = HeaderMap::new();
        all.insert(http::header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        if let Some(headers) = headers {
            for setting in headers {
                auth::add_header(setting, &mut all).await?;
            }
            if let Some(value) = self.authorization(timeout).await? {
                all.insert(http::header::AUTHORIZATION, value);
            }
        }
        for (name, value) in &request.headers {
            all.insert(name, value.clone());
        }
        if headers.is_none() {
            redirect::strip(&mut all);
        }
        let (client, target) = self.client_for(&url, &mut all)?;
        let mut builder = client.request(method.clone(), target).headers(all).timeout(timeout);
        if let Some(body) = request.body.clone() {
            builder = builder.body(body);
        }
        match builder.send().await {
            Ok(inner) => Ok(Response { inner, method, url }),
            Err(error) => Err(describe(&method, &url, &error)),
        }
    }

    /// The client for an address; with `server_name` the address is rewritten and the true host kept in `Host`.
    fn client_for(&self, url: &Url, headers: &mut HeaderMap) -> Result<(reqwest::Client, Url), ClientError> {
        let mut built = self.built.lock();
        let stamps = tls::stamps(&self.settings.tls);
        if stamps != built.stamps {
            match Built::new(&self.settings, self.guard.as_ref()) {
                Ok(fresh) => *built = fresh,
                // Half-written files: go on with what worked, and look again at the next request.
                Err(error) => tracing::warn!(%error, "changed TLS files cannot be used, keeping the ones read before"),
            }
        }
        let name = self.settings.tls.server_name.as_str();
        let host = url.host_str().unwrap_or("");
        if name.is_empty() || url.scheme() != "https" || host.eq_ignore_ascii_case(name) {
            return Ok((built.plain.clone(), url.clone()));
        }
        let mut target = url.clone();
        if target.set_host(Some(name)).is_err() {
            return Err(ClientError::Settings(format!("invalid server_name {name:?} in tls_config")));
        }
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        if let Ok(value) = HeaderValue::from_str(&authority) {
            headers.entry(http::header::HOST).or_insert(value);
        }
        if let Some(client) = built.named.get(host) {
            return Ok((client.clone(), target));
        }
        let client = tls::build(&self.settings, Some(host), self.guard.as_ref())?;
        if built.named.len() >= NAMED_CLIENTS_MAX {
            built.named.clear();
        }
        built.named.insert(host.to_owned(), client.clone());
        Ok((client, target))
    }
}

impl Built {
    fn new(settings: &ClientSettings, guard: Option<&Arc<FetchGuard>>) -> Result<Self, ClientError> {
        // Stamps first: a change while building is then seen at the next request.
        let stamps = tls::stamps(&settings.tls);
        Ok(Self { stamps, plain: tls::build(settings, None, guard)?, named: FxHashMap::default() })
    }
}

/// A method as Go prints it: `Get "http://…": reason`.
fn go_method(method: &Method) -> String {
    let mut word = method.as_str().to_ascii_lowercase();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    word
}

/// An address without its secrets.
fn shown(url: &Url) -> String {
    masked::url(url.as_str()).into_owned()
}

/// Puts an error of the HTTP library into the words users know.
fn describe(method: &Method, url: &Url, error: &reqwest::Error) -> ClientError {
    let (method, full, url) = (go_method(method), url.as_str(), shown(url));
    if error.is_timeout() {
        return ClientError::TimedOut { method, url };
    }
    let mut reason = error.to_string().replace(full, &url);
    let mut cause: &dyn std::error::Error = error;
    let mut reasons = Vec::new();
    while let Some(next) = cause.source() {
        reasons.push(next.to_string());
        cause = next;
    }
    // Outer layers repeat inner ones; the two innermost different texts say most.
    reasons.dedup();
    if let [.., outer, inner] = reasons.as_slice() {
        reason = if outer.contains(inner.as_str()) { outer.clone() } else { format!("{outer}: {inner}") };
    } else if let Some(only) = reasons.pop() {
        reason = only;
    }
    ClientError::Failed { method, url, reason }
}

/// Parses a header's name and value from configuration.
fn header_pair(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), ClientError> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| ClientError::Settings(format!("invalid HTTP header name {name:?}")))?;
    let value = HeaderValue::from_str(value).map_err(|_| ClientError::Settings(format!("invalid value of HTTP header {name:?}")))?;
    Ok((name, value))
}

#[cfg(test)]
mod tests;
