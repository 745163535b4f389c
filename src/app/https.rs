//! Plain HTTP is led to HTTPS, and browsers are told to stay there.
//!
//! Only to names that are known to be this server's: otherwise a request with another's name in it would make an answer
//! of ours that leads there, for caches to keep and people to follow.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::edge::Edge;
use crate::platform::config::settings::ServerSettings;
use crate::platform::http::problem::Problem;
use crate::platform::http::tls::Connection;
use crate::uptime::OwnHosts;

/// Where HTTPS is, and for how long browsers are to remember that.
#[derive(Clone, Default)]
pub(super) struct ToHttps {
    /// Whether HTTPS is spoken at all.
    is_on: bool,
    /// The address that people use, where it is set.
    external: Option<String>,
    /// The port of HTTPS, where requests come by another one.
    port: Option<u16>,
    hsts: Option<HeaderValue>,
    /// Names of this server, besides `localhost`.
    names: Vec<String>,
    /// Has the certificate, whose names are this server's too.
    edge: Option<Arc<Edge>>,
    /// Names of status pages, which stay where they are asked for.
    pages: Option<OwnHosts>,
}

/// Characters of a name that are repeated in a refusal.
const NAMED_CHARS_MAX: usize = 100;

/// Why a request is not led on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum NotLed {
    /// It names no host, or what is none.
    NoHost,
    /// It names a host that is not known to be this server.
    Unknown(String),
}

impl ToHttps {
    /// For requests that come by the port of HTTPS itself.
    pub(super) fn new(settings: &ServerSettings, edge: &Arc<Edge>, names: Vec<String>) -> Self {
        let external = url::Url::parse(&settings.external_url).ok().filter(|url| url.scheme() == "https");
        let external = external.and_then(|url| {
            let host = url.host_str()?.to_owned();
            Some(url.port().map_or(host.clone(), |port| format!("{host}:{port}")))
        });
        let seconds = edge.hsts_s();
        let hsts = (seconds > 0).then(|| HeaderValue::from_str(&format!("max-age={seconds}")).ok()).flatten();
        Self { is_on: edge.speaks_tls(), external, port: None, hsts, names, edge: Some(Arc::clone(edge)), pages: None }
    }

    /// The same with names of status pages.
    pub(super) fn with_pages(self, pages: OwnHosts) -> Self {
        Self { pages: Some(pages), ..self }
    }

    /// For requests that come by another port than `port`, where HTTPS is.
    pub(super) fn on_port(self, port: u16) -> Self {
        Self { port: Some(port), ..self }
    }

    /// Answers every request with where HTTPS is.
    pub(super) fn into_router(self) -> Router {
        Router::new().fallback(move |request: Request| std::future::ready(self.redirect(&request)))
    }

    /// The same address by HTTPS, under a name of this server.
    fn target(&self, request: &Request<Body>) -> Result<HeaderValue, NotLed> {
        let named = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
        let named = named.or_else(|| request.uri().authority().map(Authority::as_str));
        let is_page = named.is_some_and(|named| self.is_page(named));
        let authority = match &self.external {
            // A status page is under its own name wherever the server is: by the same port.
            Some(external) if is_page => on_port_of(named.unwrap_or_default(), external),
            Some(external) => external.clone(),
            None => {
                let asked: Authority = named.and_then(|named| named.parse().ok()).ok_or(NotLed::NoHost)?;
                let local = request.extensions().get::<Connection>().and_then(|connection| connection.local);
                if !is_page && !self.is_own(asked.host(), local) {
                    return Err(NotLed::Unknown(asked.host().chars().take(NAMED_CHARS_MAX).collect()));
                }
                let port = self.port.or_else(|| asked.port_u16());
                match port {
                    Some(443) | None => asked.host().to_owned(),
                    Some(port) => format!("{}:{port}", asked.host()),
                }
            }
        };
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let target = format!("https://{authority}{}{path}", if path.starts_with('/') { "" } else { "/" });
        HeaderValue::from_str(&target).map_err(|_| NotLed::NoHost)
    }

    fn is_page(&self, named: &str) -> bool {
        self.pages.as_ref().is_some_and(|pages| pages.is_known(named))
    }

    /// Whether a host is this server: by its address here, its settings, or its certificate.
    fn is_own(&self, host: &str, local: Option<IpAddr>) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
        if let Ok(address) = host.parse::<IpAddr>() {
            // A browser on this machine means this machine by it, whoever made it ask.
            let is_here = address.to_canonical().is_loopback() || Some(address.to_canonical()) == local;
            return is_here || self.in_certificate(|name| name.parse() == Ok(address));
        }
        let is_local = |name: &str| name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost");
        is_local(host) || self.names.iter().any(|own| own.eq_ignore_ascii_case(host)) || self.in_certificate(|name| covers(name, host))
    }

    fn in_certificate(&self, is_it: impl Fn(&str) -> bool) -> bool {
        self.edge.as_ref().is_some_and(|edge| edge.certificate_names().iter().any(|name| is_it(name)))
    }

    /// The answer to a request by plain HTTP.
    pub(super) fn redirect(&self, request: &Request<Body>) -> Response {
        let refused = match self.target(request) {
            Ok(to) => {
                let words = "this server speaks HTTPS; come again by https://\n";
                let headers = [(header::LOCATION, to), (header::CONNECTION, HeaderValue::from_static("close"))];
                return (StatusCode::PERMANENT_REDIRECT, headers, words).into_response();
            }
            Err(NotLed::NoHost) => Problem::bad_request("this server speaks HTTPS, and the request names no host to be led to"),
            Err(NotLed::Unknown(host)) => Problem::new(
                StatusCode::MISDIRECTED_REQUEST,
                format!(
                    "this server speaks HTTPS, and does not lead to {host:?}, which it does not know to be itself; come by https://, or \
                     set pharos.server.external_url (--external-url) to the address you use"
                ),
            ),
        };
        let mut response = refused.into_response();
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    }
}

/// A name (its port aside) with the port that another has.
fn on_port_of(named: &str, other: &str) -> String {
    let name = named.rsplit_once(':').map_or(named, |(name, _)| name);
    match other.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())) {
        Some((_, port)) => format!("{name}:{port}"),
        None => name.to_owned(),
    }
}

/// Whether a name of a certificate is that of a host; its first label may stand for any.
fn covers(name: &str, host: &str) -> bool {
    match (name.strip_prefix("*."), host.split_once('.')) {
        (Some(domain), Some((label, rest))) => !label.is_empty() && rest.eq_ignore_ascii_case(domain),
        (Some(_), None) => false,
        (None, _) => !name.is_empty() && name.eq_ignore_ascii_case(host),
    }
}

/// Leads plain HTTP to HTTPS; on HTTPS, makes cookies stay there and tells browsers to do so themselves.
pub(super) async fn https_only(State(to): State<Arc<ToHttps>>, request: Request, next: Next) -> Response {
    let is_tls = request.extensions().get::<Connection>().is_some_and(|connection| connection.is_tls);
    if !is_tls {
        return if to.is_on { to.redirect(&request) } else { next.run(request).await };
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Some(hsts) = &to.hsts {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert_with(|| hsts.clone());
    }
    secure_cookies(headers);
    response
}

/// Cookies that were set over HTTPS are never sent without.
fn secure_cookies(headers: &mut HeaderMap) {
    if !headers.contains_key(header::SET_COOKIE) {
        return;
    }
    let cookies: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    headers.remove(header::SET_COOKIE);
    for cookie in cookies {
        let is_secure = cookie.to_str().is_ok_and(|text| text.split(';').skip(1).any(|part| part.trim().eq_ignore_ascii_case("secure")));
        let secured = if is_secure { None } else { HeaderValue::from_bytes(&[cookie.as_bytes(), b"; Secure"].concat()).ok() };
        headers.append(header::SET_COOKIE, secured.unwrap_or(cookie));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(host: &str, path: &str) -> Request<Body> {
        let request = Request::builder().uri(path);
        let request = if host.is_empty() { request } else { request.header("host", host) };
        request.body(Body::empty()).unwrap()
    }

    #[test]
    fn the_same_address_is_given_by_https() {
        let names = ["a.example", "metrics.internal"].map(str::to_owned).to_vec();
        let same = ToHttps { is_on: true, names, ..ToHttps::default() };
        let other = same.clone().on_port(9443);
        let well_known = same.clone().on_port(443);
        let external = ToHttps { external: Some("metrics.example".to_owned()), ..other.clone() };
        let unknown = |host: &str| Err(NotLed::Unknown(host.to_owned()));
        for (to, host, path, target) in [
            (&same, "a.example:9090", "/x?y=1", Ok("https://a.example:9090/x?y=1")),
            (&same, "a.example", "/", Ok("https://a.example/")),
            (&same, "A.Example.", "/", Ok("https://A.Example./")),
            (&same, "localhost:9090", "/", Ok("https://localhost:9090/")),
            (&same, "[::1]:9090", "/", Ok("https://[::1]:9090/")),
            (&same, "10.0.0.5:9090", "/", Ok("https://10.0.0.5:9090/")),
            (&other, "a.example:8080", "/x", Ok("https://a.example:9443/x")),
            (&well_known, "a.example:80", "/x", Ok("https://a.example/x")),
            (&external, "10.0.0.1:8080", "/x", Ok("https://metrics.example/x")),
            (&external, "evil.example", "/x", Ok("https://metrics.example/x")),
            (&same, "a.example", "//evil.example/x", Ok("https://a.example//evil.example/x")),
            (&same, "evil.example", "/", unknown("evil.example")),
            (&same, "user@evil.example", "/", unknown("evil.example")),
            (&same, "a.example@evil.example", "/", unknown("evil.example")),
            (&same, "localhost.evil.example", "/", unknown("localhost.evil.example")),
            (&same, "198.51.100.7", "/", unknown("198.51.100.7")),
            (&other, "[2001:db8::7]:80", "/", unknown("[2001:db8::7]")),
            (&same, "", "/", Err(NotLed::NoHost)),
            (&same, "a b", "/", Err(NotLed::NoHost)),
        ] {
            let mut request = asked(host, path);
            let local = Some("10.0.0.5".parse().unwrap());
            request.extensions_mut().insert(Connection { local, ..Connection::default() });
            let found = to.target(&request);
            assert_eq!(found.as_ref().map(|value| value.to_str().unwrap()), target.as_ref().copied(), "{host} {path}");
        }
        let answer = same.redirect(&asked("a.example", "/x"));
        assert_eq!(
            (answer.status(), answer.headers()["location"].to_str().unwrap()),
            (StatusCode::PERMANENT_REDIRECT, "https://a.example/x")
        );
        for (host, status) in [("", StatusCode::BAD_REQUEST), ("evil.example", StatusCode::MISDIRECTED_REQUEST)] {
            let answer = same.redirect(&asked(host, "/x"));
            assert_eq!((answer.status(), answer.headers().get("location")), (status, None));
            assert_eq!(answer.headers()["connection"], "close");
        }
    }

    #[test]
    fn a_page_is_led_to_by_the_port_of_the_server() {
        for (named, other, to) in [
            ("s.example:8080", "m.example", "s.example"),
            ("s.example", "m.example:8443", "s.example:8443"),
            ("s.example:80", "[2001:db8::1]", "s.example"),
            ("s.example:80", "[2001:db8::1]:8443", "s.example:8443"),
        ] {
            assert_eq!(on_port_of(named, other), to, "{named} {other}");
        }
    }

    #[test]
    fn names_of_a_certificate_cover_hosts() {
        for (name, host, is_covered) in [
            ("a.example", "A.example", true),
            ("*.example", "a.example", true),
            ("*.example", "b.a.example", false),
            ("*.example", "example", false),
            ("*.example", ".example", false),
            ("", "", false),
            ("a.example", "evil.example", false),
        ] {
            assert_eq!(covers(name, host), is_covered, "{name} {host}");
        }
    }

    #[test]
    fn cookies_stay_on_https() {
        let mut headers = HeaderMap::new();
        for cookie in ["a=1; Path=/", "b=secure; Secure; HttpOnly", "c=secure"] {
            headers.append(header::SET_COOKIE, HeaderValue::from_static(cookie));
        }
        secure_cookies(&mut headers);
        let cookies: Vec<&str> = headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(cookies, ["a=1; Path=/; Secure", "b=secure; Secure; HttpOnly", "c=secure; Secure"]);
    }
}
