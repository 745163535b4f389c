//! What comes with a request for a page, whichever hall makes it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;

use crate::access::{Caller, Policy, Transport, Verdict};
use crate::base::cancel::Cancel;
use crate::platform::http::problem::Problem;
use crate::platform::work::WorkPool;
use crate::ui::nav::Page;
use crate::ui::security::Nonce;
use crate::ui::shell::{Counts, Shell, Visit};
use crate::ui::{links, page};

/// A request for a page, but for its body.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The address.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Who asks.
    pub caller: Caller,
    /// How it came.
    pub transport: Transport,
    /// What the navigation counts.
    pub counts: Counts,
    /// The nonce of the answer.
    pub nonce: Nonce,
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self {
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            caller: parts.extensions.get().cloned().unwrap_or(Caller::Nobody(None)),
            transport: parts.extensions.get().copied().unwrap_or(Transport { is_https: false }),
            counts: parts.extensions.get().cloned().unwrap_or_default(),
            nonce: Nonce::fresh(),
        })
    }
}

impl Asked {
    /// The parameters of the URL, encoded; empty for none.
    pub fn query(&self) -> &str {
        self.uri.query().unwrap_or("")
    }

    /// The first value of a parameter of the URL without spaces around; empty if it is not there.
    pub fn param(&self, name: &str) -> String {
        let mut pairs = form_urlencoded::parse(self.query().as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    }

    /// Whether the URL has a parameter, with a value or without.
    pub fn has_param(&self, name: &str) -> bool {
        form_urlencoded::parse(self.query().as_bytes()).any(|(known, _)| known == name)
    }

    /// What the shell of a page needs to know at a time, in milliseconds.
    pub fn visit(&self, now_ms: i64) -> Visit<'_> {
        let mut visit = Visit::new(&self.uri, &self.headers, now_ms);
        visit.nonce = self.nonce.clone();
        visit.caller = self.caller.clone();
        visit.firing = self.counts.firing;
        visit
    }

    /// Whether they may do what needs a policy.
    pub fn may(&self, policy: Policy) -> bool {
        self.caller.may(policy) == Verdict::Allowed
    }

    /// Under which address people reach this server: the external one if it is set, else the one that was asked.
    pub fn base_url(&self, external: &str) -> String {
        let named = self.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = named.or_else(|| self.uri.authority().map(Authority::as_str)).unwrap_or_default();
        links::base_url(external, self.transport.is_https, host)
    }

    /// The same request of nobody: for pages of people without an account, whatever cookie they bring.
    #[must_use]
    pub fn as_nobody(&self) -> Self {
        Self { caller: Caller::Nobody(None), counts: Counts::default(), ..self.clone() }
    }

    /// A page as the answer.
    pub fn page(&self, status: StatusCode, html: String) -> Response {
        page::respond(status, html, &self.nonce)
    }
}

/// What makes the pages of a wing or a hall.
pub trait Pages: Send + Sync + 'static {
    /// Their place in the navigation.
    const PLACE: Page;

    /// Where they are made, and how long that may take.
    fn pool(&self) -> (&WorkPool, Duration);

    /// The time, in milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;
}

/// The shell of a page at `path`, which differs from the request's where a form is shown again.
pub fn shell_at<P: Pages>(asked: &Asked, pages: &P, title: &str, path: &str) -> Shell {
    let mut visit = asked.visit(pages.now_ms());
    visit.path = path;
    Shell::new(P::PLACE, title, visit)
}

/// Makes a page on a thread of its own, within the time of pages.
///
/// # Errors
/// There was no room for it in time, or it failed.
pub async fn work<P: Pages, T: Send + 'static>(pages: &Arc<P>, make: impl FnOnce(&P, &Cancel) -> T + Send + 'static) -> Result<T, Problem> {
    let (inner, cancel) = (Arc::clone(pages), Cancel::new());
    let (told, (pool, within)) = (cancel.clone(), pages.pool());
    let made = pool.run(within, &cancel, move || make(&inner, &told)).await;
    made.map_err(|error| Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).retry_after_s(5))
}
