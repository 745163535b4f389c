//! HTTP and HTTPS: one request, its redirects, and what has to hold of the last answer.

mod body;
mod cookies;
mod date;
mod hop;
mod json;
mod judge;

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, COOKIE, HOST, LAST_MODIFIED, LOCATION, SET_COOKIE, TRANSFER_ENCODING, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use hyper::body::Body as _;
use url::Url;

use self::body::{Wanted, read};
use self::cookies::Jar;
use self::hop::{Answer, Hop, Trace, ask};
use super::Probing;
use super::record::Record;
use crate::base::masked;
use crate::platform::http::client::{ClientSettings, ProxyRules, USER_AGENT as PHAROS, WatchedTls, client_settings, is_same_server};
use crate::uptime::config::HttpModule;
use crate::uptime::model::outcome::FailureKind;

/// Hops of one probe, as upstream.
const REDIRECTS_MAX: usize = 10;
/// Largest file that is sent as a body.
const BODY_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Makes the probe.
pub(super) async fn probe(probing: &Probing<'_>, record: &mut Record, module: &HttpModule, target: &str) {
    for gauge in [
        "probe_http_content_length",
        "probe_http_uncompressed_body_length",
        "probe_http_redirects",
        "probe_http_ssl",
        "probe_http_status_code",
        "probe_http_version",
        "probe_failed_due_to_regex",
    ] {
        record.gauges().show(gauge);
    }
    let Some(url) = address(target, record) else { return };
    let settings = client_settings(&module.client);
    let proxies = match ProxyRules::read(&settings.proxy) {
        Ok(proxies) => proxies,
        Err(error) => return record.fail(FailureKind::Target, format!("the proxy cannot be used: {error}")),
    };
    let has_proxy = settings.proxy.url.is_some() || settings.proxy.from_environment;
    let mut pinned = None;
    if !(module.skip_resolve_phase_with_proxy && has_proxy) {
        let host = url.host_str().unwrap_or_default();
        let (address, took) = probing.prober.dialler.choose(record, &probing.deadline, host, module.address).await;
        record.gauges().add_with("probe_http_duration_seconds", &[("phase", "resolve")], took.as_secs_f64());
        if address.is_none() {
            return;
        }
        pinned = address;
    }
    for phase in ["connect", "tls", "processing", "transfer"] {
        record.gauges().add_with("probe_http_duration_seconds", &[("phase", phase)], 0.0);
    }
    let mut journey = match Journey::begin(module, settings, proxies, url, pinned).await {
        Ok(journey) => journey,
        Err(why) => return record.fail(FailureKind::Target, why),
    };
    journey.run(probing, record).await;
}

/// Fetches something from an address: its body when the answer is 200, else none with the failure written down.
pub(super) async fn fetch(probing: &Probing<'_>, record: &mut Record, url: &str, (accept, limit): (&str, u64)) -> Option<Vec<u8>> {
    let url = address(url, record)?;
    let module = HttpModule {
        valid_status_codes: vec![200],
        headers: std::iter::once((http::header::ACCEPT.as_str().to_owned(), accept.to_owned())).collect(),
        body_size_limit: limit,
        ..HttpModule::default()
    };
    let settings = client_settings(&module.client);
    let mut journey = match Journey::begin(&module, settings, None, url, None).await {
        Ok(journey) => journey,
        Err(why) => {
            record.fail(FailureKind::Target, why);
            return None;
        }
    };
    journey.kept = Some(Vec::new());
    journey.run(probing, record).await;
    if record.has_failed() { None } else { journey.kept }
}

/// The address that a target means; `http` when it does not say.
fn address(target: &str, record: &mut Record) -> Option<Url> {
    let lower = target.to_ascii_lowercase();
    let full = if lower.starts_with("http://") || lower.starts_with("https://") { target.to_owned() } else { format!("http://{target}") };
    match Url::parse(&full) {
        Ok(url) if url.has_host() => Some(url),
        Ok(_) => {
            record.fail(FailureKind::Target, format!("the target {} names no host", masked::url(target)));
            None
        }
        Err(error) => {
            record.fail(FailureKind::Target, format!("the target {} is no address: {error}", masked::url(target)));
            None
        }
    }
}

/// One probe on its way through redirects.
struct Journey<'m> {
    module: &'m HttpModule,
    settings: ClientSettings,
    proxies: Option<ProxyRules>,
    first: Url,
    url: Url,
    pinned: Option<IpAddr>,
    /// The value of `Host` where the module says it, and until a redirect names another host.
    host: Option<String>,
    method: Method,
    body: Bytes,
    /// Headers of the module.
    headers: HeaderMap,
    jar: Jar,
    redirects: usize,
    /// Whether the way never left the server for which credentials are meant.
    is_at_home: bool,
    traces: Vec<Trace>,
    /// The body of the answer, where somebody wants it.
    kept: Option<Vec<u8>>,
}

/// How one hop ended.
enum Step {
    /// Nobody answered.
    Lost,
    /// The answer is the last one; whether its body is not read, because it leads on.
    Last(Box<Answer>, bool),
    Onward,
}

impl<'m> Journey<'m> {
    async fn begin(
        module: &'m HttpModule,
        settings: ClientSettings,
        proxies: Option<ProxyRules>,
        url: Url,
        pinned: Option<IpAddr>,
    ) -> Result<Self, String> {
        let method = if module.method.is_empty() { "GET" } else { &module.method };
        let method: Method = method.parse().map_err(|_| format!("{method:?} is no method"))?;
        let mut headers = HeaderMap::new();
        let mut host = None;
        for (name, value) in &module.headers {
            let name: HeaderName = name.parse().map_err(|_| format!("{name:?} is no name of a header"))?;
            if name == HOST {
                host = Some(value.clone());
            } else if name != CONTENT_LENGTH && name != TRANSFER_ENCODING {
                let value = HeaderValue::from_str(value).map_err(|_| format!("the value of {name} cannot stand in a header"))?;
                headers.insert(name, value);
            }
        }
        if !headers.contains_key(USER_AGENT) {
            headers.insert(USER_AGENT, HeaderValue::from_static(PHAROS));
        }
        let body = if module.body_file.is_empty() { Bytes::from(module.body.clone()) } else { file(&module.body_file).await? };
        if !url.username().is_empty() && !headers.contains_key(AUTHORIZATION) {
            headers.extend(basic(&url).map(|value| (AUTHORIZATION, value)));
        }
        let first = url.clone();
        Ok(Self {
            module,
            settings,
            proxies,
            first,
            url,
            pinned,
            host,
            method,
            body,
            headers,
            jar: Jar::default(),
            redirects: 0,
            is_at_home: true,
            traces: Vec::new(),
            kept: None,
        })
    }

    async fn run(&mut self, probing: &Probing<'_>, record: &mut Record) {
        let started = record.now();
        loop {
            match self.hop(probing, record).await {
                Step::Onward => {}
                Step::Lost => {
                    self.times(record, None);
                    break;
                }
                Step::Last(answer, is_closed) => {
                    let took = record.now().saturating_sub(started);
                    self.finish(probing, record, *answer, is_closed, took).await;
                    break;
                }
            }
        }
        record.gauges().set("probe_http_redirects", self.redirects as f64);
    }

    async fn hop(&mut self, probing: &Probing<'_>, record: &mut Record) -> Step {
        record.note("asking", &[("method", self.method.as_str()), ("url", &masked::url(self.url.as_str()))]);
        let mut trace = Trace::default();
        let answer = self.ask(probing, record, &mut trace).await;
        self.traces.push(trace);
        let Some(answer) = answer else { return Step::Lost };
        let response = &answer.response;
        let status = response.status();
        record.note("answered", &[("status_code", status.as_str())]);
        record.found.outcome.status = Some(status.as_u16());
        let now_s = probing.prober.clock.now_ms() / 1000;
        for cookie in response.headers().get_all(SET_COOKIE) {
            if let Ok(text) = cookie.to_str() {
                self.jar.take(text, &self.url, now_s);
            }
        }
        let location = response.headers().get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let repeats = matches!(status.as_u16(), 307 | 308);
        let leads_on = matches!(status.as_u16(), 301..=303) || (repeats && self.module.body_file.is_empty());
        let Some(location) = location.filter(|location| leads_on && !location.is_empty()) else {
            return Step::Last(Box::new(answer), false);
        };
        self.redirects += 1;
        if self.redirects > REDIRECTS_MAX || !self.settings.follow_redirects {
            record.note("the redirect is not followed", &[("location", &masked::url(&location))]);
            return Step::Last(Box::new(answer), true);
        }
        record.note("redirected", &[("location", &masked::url(&location))]);
        if self.go_on(&location, repeats, record) { Step::Onward } else { Step::Lost }
    }

    /// Takes the way that a redirect shows.
    fn go_on(&mut self, location: &str, repeats: bool, record: &mut Record) -> bool {
        let next = match self.url.join(location) {
            Ok(next) if matches!(next.scheme(), "http" | "https") && next.has_host() => next,
            Ok(next) => {
                record.fail(FailureKind::Protocol, format!("a redirect leads to {}, which is not HTTP", next.scheme()));
                return false;
            }
            Err(error) => {
                record.fail(FailureKind::Protocol, format!("a redirect leads to no address: {error}"));
                return false;
            }
        };
        if Url::parse(location).is_ok() || location.starts_with("//") {
            self.host = None;
            self.pinned = None;
        }
        if !repeats && self.method != Method::HEAD {
            self.method = Method::GET;
            self.body = Bytes::new();
            self.headers.remove(http::header::CONTENT_TYPE);
        }
        self.is_at_home = self.is_at_home && is_same_server(&self.first, &next);
        if !self.is_at_home {
            for secret in [AUTHORIZATION, COOKIE, http::header::WWW_AUTHENTICATE] {
                self.headers.remove(secret);
            }
        }
        self.url = next;
        true
    }

    async fn ask(&mut self, probing: &Probing<'_>, record: &mut Record, trace: &mut Trace) -> Option<Answer> {
        let mut headers = self.headers.clone();
        if self.is_at_home {
            let credentials = probing.prober.plans.credentials(&self.settings);
            let added = probing.deadline.within(credentials.add_to(&mut headers, probing.deadline.left())).await;
            match added {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    record.fail(FailureKind::Target, format!("signing in is not possible: {error}"));
                    return None;
                }
                Err(super::Late) => {
                    record.late("a token was fetched");
                    return None;
                }
            }
        }
        if let Some(cookies) = self.jar.header(&self.url) {
            let own = headers.get(COOKIE).and_then(|value| value.to_str().ok()).map(|own| format!("{own}; ")).unwrap_or_default();
            headers.extend(HeaderValue::from_str(&format!("{own}{cookies}")).ok().map(|value| (COOKIE, value)));
        }
        let plan = match self.plan(probing, record).await {
            Ok(plan) => plan,
            Err(()) => return None,
        };
        let name = self.server_name();
        let by_address = self.by_address();
        let proxy = self.proxies.as_ref().and_then(|rules| rules.proxy_for(&by_address)).cloned();
        let own_host = own_host(&self.url);
        let hop = Hop {
            url: &self.url,
            pinned: self.pinned,
            proxy: proxy.as_ref(),
            proxy_headers: &self.settings.proxy.connect_headers,
            method: &self.method,
            headers,
            host: self.host.as_deref().unwrap_or(&own_host),
            body: self.body.clone(),
            tls: plan.as_deref().map(|plan| (plan, name.as_str())),
            enable_http2: self.settings.enable_http2,
        };
        ask(probing, record, trace, hop).await
    }

    async fn plan(&self, probing: &Probing<'_>, record: &mut Record) -> Result<Option<std::sync::Arc<WatchedTls>>, ()> {
        if self.url.scheme() != "https" {
            return Ok(None);
        }
        match probing.prober.plans.tls(&self.settings.tls).await {
            Ok(plan) => Ok(Some(plan)),
            Err(why) => {
                record.fail(FailureKind::Tls, why);
                Err(())
            }
        }
    }

    /// The name that the certificate has to be for.
    fn server_name(&self) -> String {
        let is_first = self.pinned.is_some() || self.url.host() == self.first.host();
        let wanted = match &self.host {
            _ if !is_first => None,
            _ if !self.settings.tls.server_name.is_empty() => Some(self.settings.tls.server_name.clone()),
            host => host.as_ref().map(|host| host.rsplit_once(':').map_or(host.clone(), |(name, _)| name.to_owned())),
        };
        wanted.unwrap_or_else(|| self.url.host_str().unwrap_or_default().to_owned())
    }

    /// The address with the host's address in place of its name, where that is known.
    fn by_address(&self) -> Url {
        let mut url = self.url.clone();
        if let Some(address) = self.pinned
            && url.set_ip_host(address).is_err()
        {
            return self.url.clone();
        }
        url
    }

    async fn finish(&mut self, probing: &Probing<'_>, record: &mut Record, answer: Answer, is_closed: bool, took: Duration) {
        let module = self.module;
        let (head, incoming) = answer.response.into_parts();
        let declared = declared_length(&head.headers, head.status.as_u16(), &self.method, incoming.is_end_stream(), head.version);
        judge::status(head.status, took, module, record);
        if !record.has_failed() {
            judge::headers(&head.headers, module, record);
        }
        let is_searched = !record.has_failed() && (judge::searches_body(module) || self.kept.is_some());
        let mut bytes = 0;
        if is_closed {
            if is_searched {
                record.gauges().set("probe_failed_due_to_regex", 1.0);
                record.fail(FailureKind::Content, "the answer leads elsewhere, so that its body is not read");
            }
        } else {
            let wanted =
                Wanted { compression: &module.compression, limit: module.body_size_limit, is_searched, large: &probing.prober.large };
            let answered = self.traces.last().map_or(Duration::ZERO, |trace| trace.answered);
            let body = read(incoming, &wanted, record, &probing.deadline).await;
            bytes = body.bytes;
            record.found.outcome.phases.transfer = Some(record.now().saturating_sub(answered));
            if is_searched && body.is_whole {
                judge::body(&body.kept, module, record);
            } else if is_searched && !body.is_unsearched {
                record.gauges().set("probe_failed_due_to_regex", 1.0);
            }
            if record.has_failed() && record.found.outcome.excerpt.is_empty() {
                record.excerpt(&body.kept);
            }
            if let Some(kept) = &mut self.kept {
                *kept = body.kept;
            }
        }
        let ended = record.now();
        self.times(record, Some(ended));
        if let Some(changed) = head.headers.get(LAST_MODIFIED).and_then(|value| date::parse(value.to_str().ok()?)) {
            record.gauges().set("probe_http_last_modified_timestamp_seconds", changed as f64);
        }
        let (number, word) = match head.version {
            Version::HTTP_10 => (1.0, "HTTP/1.0"),
            Version::HTTP_2 => (2.0, "HTTP/2.0"),
            _ => (1.1, "HTTP/1.1"),
        };
        record.gauges().set("probe_http_version", number);
        if !module.valid_http_versions.is_empty() && !module.valid_http_versions.iter().any(|valid| valid == word) {
            record
                .fail(FailureKind::Protocol, format!("the answer came over {word}, expected {}", module.valid_http_versions.join(" or ")));
        }
        if let Some(agreed) = &answer.agreed {
            record.gauges().set("probe_http_ssl", 1.0);
            record.tls(agreed, true, true);
            if module.fail_if_ssl {
                record.fail(FailureKind::Tls, "the answer came over TLS, which it must not");
            }
        } else if module.fail_if_not_ssl && !record.has_failed() {
            record.fail(FailureKind::Tls, "the answer did not come over TLS");
        }
        record.gauges().set("probe_http_status_code", f64::from(head.status.as_u16()));
        record.gauges().set("probe_http_content_length", declared);
        record.gauges().set("probe_http_uncompressed_body_length", bytes as f64);
    }

    /// Adds up where the time went.
    fn times(&self, record: &mut Record, ended: Option<Duration>) {
        let last = self.traces.len().saturating_sub(1);
        for (at, trace) in self.traces.iter().enumerate() {
            let gauges = record.gauges();
            let mut add =
                |phase: &str, took: Duration| gauges.add_with("probe_http_duration_seconds", &[("phase", phase)], took.as_secs_f64());
            if at > 0 {
                add("resolve", trace.resolve);
            }
            if !trace.has_connection {
                continue;
            }
            add("connect", trace.connect);
            if trace.is_tls {
                add("tls", trace.tls);
            }
            let Some(processing) = trace.processing else { continue };
            add("processing", processing);
            if at == last
                && let Some(ended) = ended
            {
                add("transfer", ended.saturating_sub(trace.answered));
            }
        }
    }
}

/// The value of `Host` that an address has by itself.
fn own_host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// How long the body is said to be; -1 when nobody says.
fn declared_length(headers: &HeaderMap, status: u16, method: &Method, is_empty: bool, version: Version) -> f64 {
    let said = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
    if headers.contains_key(TRANSFER_ENCODING) {
        return -1.0;
    }
    match said {
        _ if matches!(status, 204 | 304) && *method != Method::HEAD => 0.0,
        Some(bytes) => bytes as f64,
        None if version == Version::HTTP_2 && is_empty => 0.0,
        None => -1.0,
    }
}

/// Name and password of an address.
pub(super) fn basic(url: &Url) -> Option<HeaderValue> {
    use base64::Engine;
    let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pair = format!("{}:{}", plain(url.username()), plain(url.password().unwrap_or_default()));
    let mut value = HeaderValue::from_str(&format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

async fn file(path: &str) -> Result<Bytes, String> {
    let path = path.to_owned();
    let read = move || {
        use std::io::Read;
        let failed = |error: std::io::Error| format!("the file of the body cannot be read: {path}: {error}");
        let mut bytes = Vec::new();
        std::fs::File::open(&path).map_err(failed)?.take(BODY_FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
        Ok(Bytes::from(bytes))
    };
    tokio::task::spawn_blocking(read).await.map_err(|error| error.to_string())?
}
