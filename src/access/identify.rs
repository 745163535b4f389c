//! Finds out who asks, once per request: a token in the `Authorization` header, or the cookie of a session.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, header};

use super::caller::Caller;
use super::local;
use super::service::{Access, Origin};
use crate::base::secret::Secret;
use crate::platform::http::problem::Problem;

/// The cookie over HTTPS; the prefix makes browsers bind it to this host and to HTTPS.
const COOKIE_SECURE: &str = "__Host-pharos";
/// The cookie over plain HTTP.
const COOKIE_PLAIN: &str = "pharos";
/// Most characters of a user agent that are looked at.
const AGENT_CHARS_MAX: usize = 200;

/// How a request reached the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transport {
    /// Whether it came over HTTPS, to us or to a trusted proxy.
    pub is_https: bool,
}

impl Transport {
    /// The `Set-Cookie` value that begins a session.
    pub fn cookie(self, session: &Secret) -> String {
        let (name, secure) = if self.is_https { (COOKIE_SECURE, "; Secure") } else { (COOKIE_PLAIN, "") };
        format!("{name}={}; Path=/; HttpOnly; SameSite=Lax{secure}", session.expose())
    }

    /// The `Set-Cookie` value that ends it.
    pub fn no_cookie(self) -> String {
        let (name, secure) = if self.is_https { (COOKIE_SECURE, "; Secure") } else { (COOKIE_PLAIN, "") };
        format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}")
    }

    /// The session's cookie among those of a request.
    fn find(self, headers: &HeaderMap) -> Option<&str> {
        let wanted = if self.is_https { COOKIE_SECURE } else { COOKIE_PLAIN };
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(name, value)| (name == wanted).then_some(value))
    }
}

/// Puts [`Caller`], [`Origin`] and [`Transport`] into the request's extensions, and [`Access`] for the gate, which writes
/// down what was changed; renews the cookie once a day.
pub async fn identify(State(access): State<Arc<Access>>, mut request: Request, next: Next) -> Response {
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
    let transport = request.extensions().get::<Transport>().copied().unwrap_or(Transport { is_https: false });
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let origin = Origin { address, agent: agent.chars().take(AGENT_CHARS_MAX).collect() };
    let cookie = transport.find(request.headers()).map(str::to_owned);
    let caller = match access.open_to(|| local::is_local(&request, address)) {
        Some(open) => open,
        None => caller(&access, request.headers(), cookie.as_deref(), address),
    };
    let renewed = match (&caller, &cookie) {
        (Caller::Person(_), Some(cookie)) => access.rotated(cookie).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "a session's cookie could not be renewed");
            None
        }),
        _ => None,
    };
    request.extensions_mut().insert(Arc::clone(&access));
    request.extensions_mut().insert(caller.clone());
    request.extensions_mut().insert(origin);
    request.extensions_mut().insert(transport);
    let mut response = next.run(request).await;
    // For the layer around that gives failures their look.
    if response.extensions().get::<Problem>().is_some() {
        response.extensions_mut().insert(caller);
    }
    // An answer that sets the cookie itself, as signing out does, knows better.
    if let Some(renewed) = renewed
        && !response.headers().contains_key(header::SET_COOKIE)
        && let Ok(value) = HeaderValue::from_str(&transport.cookie(&renewed))
    {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

fn caller(access: &Access, headers: &HeaderMap, cookie: Option<&str>, from: IpAddr) -> Caller {
    // What was shown on purpose counts before what the browser adds by itself.
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        return match value.to_str().ok().and_then(shown_token) {
            Some(token) => access.by_token(&token, from),
            None => Caller::Nobody(Some("the Authorization header holds neither a bearer token nor basic authentication")),
        };
    }
    match cookie {
        Some(cookie) => access.by_cookie(cookie, from).map_or(Caller::Nobody(None), Caller::Person),
        None => Caller::Nobody(None),
    }
}

/// The token of `Bearer TOKEN`, or the password of `Basic …`.
fn shown_token(value: &str) -> Option<String> {
    let (scheme, rest) = value.split_once(' ')?;
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "token" => Some(rest.trim().to_owned()),
        "basic" => {
            let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
            decoded.split_once(':').map(|(_, password)| password.to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_from_both_schemes() {
        for (header, token) in [
            ("Bearer pht_x", Some("pht_x")),
            ("bearer  pht_x ", Some("pht_x")),
            ("Basic YW55OnBodF94", Some("pht_x")),
            ("Basic YW55", None),
            ("Basic %%%", None),
            ("Digest a", None),
            ("Bearer", None),
        ] {
            assert_eq!(shown_token(header).as_deref(), token, "{header}");
        }
    }

    #[test]
    fn each_transport_has_its_own_cookie() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("theme=dark; pharos=plain; __Host-pharos=safe"));
        assert_eq!(Transport { is_https: true }.find(&headers), Some("safe"));
        assert_eq!(Transport { is_https: false }.find(&headers), Some("plain"));
        let cookie = Transport { is_https: true }.cookie(&Secret::new("k"));
        assert_eq!(cookie, "__Host-pharos=k; Path=/; HttpOnly; SameSite=Lax; Secure");
    }
}
