//! What came with a request for a page of this hall, and how the answers look.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};

use super::Admin;
use crate::access::{AccessError, Caller, Origin, PASSWORD_CHARS_MIN, PasswordError, Person, Transport};
use crate::base::secret::Secret;
use crate::platform::http::extract::Params;
use crate::platform::http::problem::Problem;
use crate::ui::lang::{Lang, key};
use crate::ui::look::Look;
use crate::ui::nav::Page;
use crate::ui::page;
use crate::ui::security::Nonce;
use crate::ui::shell::{Counts, Shell, Visit};

/// A request, but for its form.
#[derive(Debug)]
pub(super) struct Asked {
    uri: Uri,
    headers: HeaderMap,
    pub(super) caller: Caller,
    pub(super) origin: Origin,
    pub(super) transport: Transport,
    counts: Counts,
    nonce: Nonce,
}

/// Fields of a form and of the URL.
#[derive(Debug)]
pub(super) struct Form(pub(super) Params);

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let nobody = || Origin { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), agent: String::new() };
        Ok(Self {
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            caller: parts.extensions.get().cloned().unwrap_or(Caller::Nobody(None)),
            origin: parts.extensions.get().cloned().unwrap_or_else(nobody),
            transport: parts.extensions.get().copied().unwrap_or(Transport { is_https: false }),
            counts: parts.extensions.get().cloned().unwrap_or_default(),
            nonce: Nonce::fresh(),
        })
    }
}

impl<S: Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, Problem> {
        Params::from_request(request).await.map(Self)
    }
}

impl Form {
    /// A field, empty if it is not there.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or("")
    }

    /// A key.
    pub(super) fn id(&self, name: &str) -> Result<i64, AccessError> {
        self.text(name).parse().map_err(|_| AccessError::Refused(format!("the form's field {name} is no number")))
    }
}

impl Asked {
    /// The shell of a page.
    pub(super) fn shell(&self, admin: &Admin, current: Page, title: &str) -> Shell {
        let mut visit = Visit::new(&self.uri, &self.headers, admin.clock.now_ms());
        visit.nonce = self.nonce.clone();
        visit.caller = self.caller.clone();
        visit.firing = self.counts.firing;
        Shell::new(current, title, visit)
    }

    /// A page.
    pub(super) fn page(&self, status: StatusCode, html: String) -> Response {
        let mut response = page::respond(status, html, &self.nonce);
        // Forms with names and secrets in them must not lie around in caches.
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// Host and port under which the browser asked; HTTP/2 has them in the address.
    pub(super) fn host(&self) -> &str {
        let header = self.headers.get(header::HOST).and_then(|value| value.to_str().ok());
        header.or_else(|| self.uri.authority().map(http::uri::Authority::as_str)).unwrap_or("")
    }

    /// The reader's language.
    pub(super) fn lang(&self) -> Lang {
        let text = |name| self.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or("");
        Look::new(text(header::COOKIE), text(header::ACCEPT_LANGUAGE)).lang
    }

    /// Headers of the request.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The URL by which the browser asked, without a path; `None` when it does not say.
    pub(super) fn base(&self) -> Option<String> {
        let header = self.headers.get(header::HOST).and_then(|value| value.to_str().ok());
        let named = header.or_else(|| self.uri.authority().map(http::uri::Authority::as_str))?;
        let scheme = if self.transport.is_https { "https" } else { "http" };
        let url = url::Url::parse(&format!("{scheme}://{named}")).ok()?;
        (url.path() == "/" && url.query().is_none() && url.username().is_empty()).then(|| url.origin().ascii_serialization())
    }

    /// The `Set-Cookie` value of a session that has just got this cookie.
    pub(super) fn session_cookie(&self, admin: &Admin, cookie: &Secret) -> String {
        self.transport.cookie(cookie, admin.access.cookie_age(cookie))
    }

    /// Ends the session that came with the request, as another one has begun.
    pub(super) async fn end_replaced(&self, admin: &Admin) {
        if let Err(error) = admin.access.end_replaced(&self.caller, &self.origin).await {
            tracing::warn!(%error, "the session that was replaced could not be ended");
        }
    }

    /// The person; the gate has let no one else through.
    pub(super) fn person(&self) -> Result<&Person, AccessError> {
        self.caller.person().ok_or_else(|| AccessError::Refused("sign in first".to_owned()))
    }
}

/// The status of a refusal.
pub(super) fn status_of(error: &AccessError) -> StatusCode {
    match error {
        AccessError::Wrong | AccessError::NeedsCode => StatusCode::UNAUTHORIZED,
        AccessError::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
        AccessError::Password(PasswordError::Busy) => StatusCode::SERVICE_UNAVAILABLE,
        AccessError::Password(PasswordError::Broken(_)) | AccessError::NoRandom(_) | AccessError::Db(_) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        AccessError::Password(_) | AccessError::Refused(_) => StatusCode::BAD_REQUEST,
    }
}

/// When to come again while too many passwords are checked, in seconds.
const BUSY_S: u64 = 5;

/// Refusals that come up every day, in the words of `access`. Rare ones stay English.
const EVERYDAY: [&str; 10] = [
    key("name, password or code is wrong"),
    key("enter the six digits of your authenticator, or a recovery code"),
    key("the password is one of the first that everyone tries; choose another"),
    key("too many people sign in at this moment; try again in a few seconds"),
    key("this code is not the one in the server's log; it changes with every start"),
    key("the present password is not that"),
    key("this is the last administrator; make somebody else one first"),
    key("that code does not fit; check that the clock of your phone is right"),
    key("choose at least one thing that the token may do"),
    key("the first user is an administrator with a password"),
];

/// What the person reads; causes inside the server go to the log.
pub(super) fn words_of(error: &AccessError, lang: Lang) -> String {
    match error {
        _ if status_of(error) == StatusCode::INTERNAL_SERVER_ERROR => {
            tracing::error!(%error, "a change to access failed");
            lang.t("something failed inside the server; its log says what").to_owned()
        }
        AccessError::Throttled(wait) => {
            lang.fill("too many failed attempts from this address; try again in {} s", &[&whole_seconds(*wait)])
        }
        AccessError::Password(PasswordError::TooShort) => {
            lang.fill("the password is too short: at least {} characters", &[&PASSWORD_CHARS_MIN])
        }
        _ => {
            let text = error.to_string();
            EVERYDAY.iter().find(|known| **known == text).map_or(text, |known| lang.t(known).to_owned())
        }
    }
}

/// Seconds after which a try is not too early.
fn whole_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}

/// Adds when to come again.
pub(super) fn with_wait(mut response: Response, error: &AccessError) -> Response {
    let seconds = match error {
        AccessError::Throttled(wait) => whole_seconds(*wait),
        AccessError::Password(PasswordError::Busy) => BUSY_S,
        _ => return response,
    };
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// On to another page, after a form was taken.
pub(super) fn see(path: &str) -> Response {
    let to = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}

/// On to another page, with a cookie.
pub(super) fn see_with_cookie(path: &str, cookie: &str) -> Response {
    let mut response = see(path);
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn everyday_refusals_are_said_in_the_readers_language() {
        let refused = |text: &str| AccessError::Refused(text.to_owned());
        let everyday = [
            AccessError::Wrong,
            AccessError::NeedsCode,
            AccessError::Throttled(Duration::from_millis(1500)),
            AccessError::Password(PasswordError::TooShort),
            AccessError::Password(PasswordError::Guessable),
            AccessError::Password(PasswordError::Busy),
            refused("the present password is not that"),
        ];
        for error in everyday {
            assert_eq!(words_of(&error, Lang::En), error.to_string());
            let arabic = words_of(&error, Lang::Ar);
            assert!(arabic.chars().any(|c| ('\u{600}'..='\u{6ff}').contains(&c)), "{arabic}");
        }
        assert_eq!(words_of(&refused("something rare"), Lang::Ar), "something rare");
        assert!(!words_of(&AccessError::Password(PasswordError::Broken("/secret/path".to_owned())), Lang::En).contains("secret"));
    }

    #[test]
    fn waiting_is_said_in_whole_seconds() {
        let after = |error: &AccessError| {
            let response = with_wait(Response::new(Body::empty()), error);
            response.headers().get(header::RETRY_AFTER).map(|value| value.to_str().expect("text").to_owned())
        };
        assert_eq!(after(&AccessError::Throttled(Duration::from_millis(1500))).as_deref(), Some("2"));
        assert_eq!(after(&AccessError::Throttled(Duration::from_millis(1))).as_deref(), Some("1"));
        assert_eq!(after(&AccessError::Password(PasswordError::Busy)).as_deref(), Some("5"));
        assert_eq!(after(&AccessError::Wrong), None);
    }
}
