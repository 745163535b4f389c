//! Finds out who asks, once per request: a token in the `Authorization` header, the word of a trusted proxy, or the
//! cookie of a session; and from where.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, header};

use super::activity::SamplesTaken;
use super::caller::{Caller, Person};
use super::local;
use super::outside::Identity;
use super::service::{Access, Origin};
use super::store::users::User;
use crate::base::secret::Secret;
use crate::platform::http::problem::Problem;

/// The cookie over HTTPS; the prefix makes browsers bind it to this host and to HTTPS.
const COOKIE_SECURE: &str = "__Host-pharos";
/// The cookie over plain HTTP.
const COOKIE_PLAIN: &str = "pharos";
/// The cookies of a sign-in under way at an identity provider, over HTTPS and over plain HTTP.
const SIGN_IN_COOKIE_SECURE: &str = "__Host-pharos-sign-in";
const SIGN_IN_COOKIE_PLAIN: &str = "pharos-sign-in";
/// Browsers keep no cookie longer; one that is in use is exchanged, and so prolonged, each day.
const COOKIE_AGE_MAX: Duration = Duration::from_secs(400 * 24 * 60 * 60);
/// Users of a trusted proxy are looked at anew, and written down, this often.
const VOUCHED_MS: i64 = 12 * 60 * 60 * 1000;
/// Most characters of a user agent that are looked at.
const AGENT_CHARS_MAX: usize = 200;

/// How a request reached the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transport {
    /// Whether it came over HTTPS, to us or to a trusted proxy.
    pub is_https: bool,
}

impl Transport {
    /// The `Set-Cookie` value that begins a session, which lasts no longer than `age`.
    pub fn cookie(self, session: &Secret, age: Duration) -> String {
        let (name, secure) = if self.is_https { (COOKIE_SECURE, "; Secure") } else { (COOKIE_PLAIN, "") };
        let seconds = age.min(COOKIE_AGE_MAX).as_secs();
        format!("{name}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", session.expose())
    }

    /// The `Set-Cookie` value that ends it.
    pub fn no_cookie(self) -> String {
        let (name, secure) = if self.is_https { (COOKIE_SECURE, "; Secure") } else { (COOKIE_PLAIN, "") };
        format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}")
    }

    /// The session's cookie among those of a request.
    fn find(self, headers: &HeaderMap) -> Option<&str> {
        cookie(headers, if self.is_https { COOKIE_SECURE } else { COOKIE_PLAIN })
    }

    fn sign_in_name(self) -> (&'static str, &'static str) {
        if self.is_https { (SIGN_IN_COOKIE_SECURE, "; Secure") } else { (SIGN_IN_COOKIE_PLAIN, "") }
    }

    /// The `Set-Cookie` value by which a browser is known again when it comes back from an identity provider.
    pub fn sign_in_cookie(self, browser: &Secret, age: Duration) -> String {
        let (name, secure) = self.sign_in_name();
        format!("{name}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}", browser.expose(), age.as_secs())
    }

    /// The `Set-Cookie` value that forgets it.
    pub fn no_sign_in_cookie(self) -> String {
        let (name, secure) = self.sign_in_name();
        format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}")
    }

    /// That cookie among those of a request.
    pub fn find_sign_in(self, headers: &HeaderMap) -> Option<&str> {
        cookie(headers, self.sign_in_name().0)
    }
}

/// What something that stands before found out about who asks: a connection's certificate, a list of users. It counts
/// before everything that the request itself shows. Never taken from what a client sends.
#[derive(Debug, Clone, PartialEq)]
pub struct Vouched(pub Caller);

fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == wanted).then_some(value))
}

/// Puts [`Caller`], [`Origin`] and [`Transport`] into the request's extensions, and [`Access`] for the gate, which writes
/// down what was changed; renews the cookie once a day.
pub async fn identify(State(access): State<Arc<Access>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
    let client = access.doors().proxies.client(peer, request.headers());
    let own = request.extensions().get::<Transport>().is_some_and(|transport| transport.is_https);
    let transport = Transport { is_https: client.is_https.unwrap_or(own) };
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let origin = Origin { address: client.address, agent: agent.chars().take(AGENT_CHARS_MAX).collect() };
    let cookie = transport.find(request.headers()).map(str::to_owned);
    let vouched = request.extensions_mut().remove::<Vouched>().map(|vouched| vouched.0);
    let caller = match vouched.or_else(|| access.open_to(|| local::is_local(&request, peer))) {
        Some(known) => known,
        None => caller(&access, request.headers(), cookie.as_deref(), &origin, client.by_proxy).await,
    };
    let renewed = match (&caller, &cookie) {
        (Caller::Person(person), Some(cookie)) if person.session_id != 0 => access.rotated(cookie).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "a session's cookie could not be renewed");
            None
        }),
        _ => None,
    };
    let token_id = token_id(&access, &caller, request.headers(), client.address);
    request.extensions_mut().insert(Arc::clone(&access));
    request.extensions_mut().insert(caller.clone());
    request.extensions_mut().insert(origin);
    request.extensions_mut().insert(transport);
    let mut response = next.run(request).await;
    if let Some(id) = token_id {
        let samples = response.extensions().get::<SamplesTaken>().map_or(0, |taken| taken.0);
        access.token_answered(id, response.status().as_u16(), samples);
    }
    // For the layer around that gives failures their look.
    if response.extensions().get::<Problem>().is_some() {
        response.extensions_mut().insert(caller);
    }
    // An answer that sets the cookie itself, as signing out does, knows better.
    if let Some(renewed) = renewed
        && !response.headers().contains_key(header::SET_COOKIE)
        && let Ok(value) = HeaderValue::from_str(&transport.cookie(&renewed, access.cookie_age(&renewed)))
    {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

async fn caller(access: &Access, headers: &HeaderMap, cookie: Option<&str>, origin: &Origin, by_proxy: bool) -> Caller {
    // What was shown on purpose counts before what the browser or a proxy adds by itself.
    let shown = headers.get(header::AUTHORIZATION).map(|value| match value.to_str().ok().and_then(shown_token) {
        Some(token) => access.by_token(&token, origin.address),
        None => Caller::Nobody(Some("the Authorization header holds neither a bearer token nor basic authentication")),
    });
    if let Some(holder @ Caller::Token(_)) = shown {
        return holder;
    }
    // A proxy that asks for passwords itself hands the user's on, which is no token here.
    if by_proxy && let Some(said) = access.doors().proxies.user(headers) {
        return match said {
            Ok(identity) => vouched(access, &identity, origin).await,
            Err(why) => Caller::Nobody(Some(why)),
        };
    }
    match (shown, cookie) {
        (Some(nobody), _) => nobody,
        (None, Some(cookie)) => access.by_cookie(cookie, origin.address).map_or(Caller::Nobody(None), Caller::Person),
        (None, None) => Caller::Nobody(None),
    }
}

/// The token that a request showed. While signing in is off nobody has to, but who does is to see it arrive.
fn token_id(access: &Access, caller: &Caller, headers: &HeaderMap, from: IpAddr) -> Option<i64> {
    match caller {
        Caller::Token(holder) => Some(holder.token_id),
        Caller::Nobody(_) | Caller::Person(_) => None,
        _ => {
            let token = headers.get(header::AUTHORIZATION)?.to_str().ok().and_then(shown_token)?;
            let Caller::Token(holder) = access.by_token(&token, from) else { return None };
            Some(holder.token_id)
        }
    }
}

/// The person for whom a trusted proxy vouches. The database is asked only when something is new.
async fn vouched(access: &Access, identity: &Identity, origin: &Origin) -> Caller {
    let now = access.clock.now_ms();
    let known = access.directory.user_of(&identity.issuer, &identity.subject);
    let is_fresh = |user: &User| {
        let seen = user.signed_in_ms.is_some_and(|at| (0..VOUCHED_MS).contains(&(now - at)));
        seen && user.role == identity.role && user.email == identity.email
    };
    let user = match known {
        Some(user) if user.disabled => return Caller::Nobody(Some("an administrator keeps this user out")),
        Some(user) if is_fresh(&user) => user,
        _ => match access.admit_vouched(identity, origin).await {
            Ok(user) => user,
            Err(error) => {
                tracing::warn!(%error, user = %identity.subject, "a user of a trusted proxy cannot come in");
                return Caller::Nobody(Some("this server cannot take the proxy's user in; its log says why"));
            }
        },
    };
    Caller::Person(Arc::new(Person { user_id: user.id, session_id: 0, name: user.name, role: user.role }))
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
        let cookie = Transport { is_https: true }.cookie(&Secret::new("k"), Duration::from_millis(12_999));
        assert_eq!(cookie, "__Host-pharos=k; Path=/; HttpOnly; SameSite=Lax; Max-Age=12; Secure");
        let cookie = Transport { is_https: true }.sign_in_cookie(&Secret::new("k"), Duration::from_secs(600));
        assert_eq!(cookie, "__Host-pharos-sign-in=k; Path=/; HttpOnly; SameSite=Lax; Max-Age=600; Secure");
        headers.insert(header::COOKIE, HeaderValue::from_static("pharos-sign-in=p; pharos=x"));
        assert_eq!(Transport { is_https: false }.find_sign_in(&headers), Some("p"));
        assert_eq!(Transport { is_https: true }.find_sign_in(&headers), None);
    }
}
