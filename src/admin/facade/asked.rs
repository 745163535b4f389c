//! What came with a request for a page of this hall, and how the answers look.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};

use super::Admin;
use crate::access::{AccessError, Caller, Origin, PasswordError, Person, Transport};
use crate::platform::http::extract::Params;
use crate::platform::http::problem::Problem;
use crate::ui::nav::Page;
use crate::ui::page;
use crate::ui::security::Nonce;
use crate::ui::shell::{Shell, Visit};

/// A request, but for its form.
#[derive(Debug)]
pub(super) struct Asked {
    uri: Uri,
    headers: HeaderMap,
    pub(super) caller: Caller,
    pub(super) origin: Origin,
    pub(super) transport: Transport,
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
        Shell::new(current, title, visit)
    }

    /// A page.
    pub(super) fn page(&self, status: StatusCode, html: String) -> Response {
        let mut response = page::respond(status, html, &self.nonce);
        // Forms with names and secrets in them must not lie around in caches.
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
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

/// What the person reads; causes inside the server go to the log.
pub(super) fn words_of(error: &AccessError) -> String {
    if status_of(error) == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(%error, "a change to access failed");
        return "something failed inside the server; its log says what".to_owned();
    }
    error.to_string()
}

/// Adds when to come again.
pub(super) fn with_wait(mut response: Response, error: &AccessError) -> Response {
    if let AccessError::Throttled(wait) = error {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
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
