//! The routes of pages: takes what a page needs from the rooms, hands it to the page.

mod board;
mod draft;
mod history;
mod import;
mod list;
pub(super) mod public;
mod share;
mod shown;

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri};

use self::public::Turns;
use crate::access::{Caller, Policy, Routes, Transport};
use crate::base::clock::SharedClock;
use crate::boards::model::Library;
use crate::boards::serve::Server;
use crate::boards::store::Store;
use crate::platform::http::problem::Problem;
use crate::ui::nav::Page;
use crate::ui::security::Nonce;
use crate::ui::shell::{Counts, Shell, Visit};
use crate::ui::{links, page};

/// What the pages work with.
pub(super) struct PageState {
    /// Keeps dashboards.
    pub(super) library: Arc<dyn Library>,
    /// Keeps what is shared.
    pub(super) store: Store,
    /// What readers of shares are waiting for.
    pub(super) turns: Turns,
    /// Finds variables.
    pub(super) server: Arc<Server>,
    /// The time.
    pub(super) clock: SharedClock,
}

/// Every page with who may look at it.
pub(super) fn routes(state: PageState) -> Routes {
    let state = Arc::new(state);
    let with = |handler: MethodRouter<Arc<PageState>>| handler.with_state(Arc::clone(&state));
    Routes::new()
        .route("GET", links::BOARDS, Policy::READ, with(get(list::page)))
        .route("GET", links::BOARDS_OLD, Policy::READ, with(get(list::moved)))
        .route("GET", links::BOARDS_IMPORT, Policy::EDIT, with(get(import::page)))
        .route("POST", links::BOARDS_IMPORT, Policy::EDIT, with(post(import::take)))
        .route("GET", links::BOARDS_NEW, Policy::EDIT, with(get(draft::new)))
        .route("POST", links::BOARD_DRAFT, Policy::EDIT, with(post(draft::page)))
        .route("POST", links::BOARD_VARIABLES, Policy::EDIT, with(post(draft::variables)))
        .route("POST", links::BOARD_CHECK, Policy::EDIT, with(post(draft::check)))
        .route("GET", links::UNITS, Policy::READ, get(draft::units))
        .route("POST", links::BOARD_STAR, Policy::OWN, with(post(list::star)))
        .route("GET", links::BOARD, Policy::READ, with(get(board::page)))
        .route("GET", links::BOARD_NAMED, Policy::READ, with(get(board::page)))
        .route("GET", links::BOARD_JSON, Policy::READ, with(get(board::json)))
        .route("GET", links::BOARD_VERSIONS, Policy::READ, with(get(history::page)))
        .route("POST", links::BOARD_VERSIONS, Policy::EDIT, with(post(history::restore)))
        .route("GET", links::BOARD_SHARE, Policy::READ, with(get(share::page)))
        .route("POST", links::BOARD_SHARE, Policy::EDIT, with(post(share::make)))
        .route("GET", links::BOARDS_SHARES, Policy::EDIT, with(get(share::all)))
        .route("POST", links::BOARDS_SHARES, Policy::EDIT, with(post(share::change)))
        .route("GET", links::SHARED, Policy::Public, with(get(public::page)))
        .route("POST", links::SHARED_PANELS, Policy::Public, with(post(public::panels)))
        .route("GET", links::BOARD_PATCH, Policy::READ, with(get(history::home_patch)))
}

/// What came with a request for a page.
#[derive(Clone)]
struct Asked {
    uri: Uri,
    headers: HeaderMap,
    caller: Caller,
    counts: Counts,
    nonce: Nonce,
    is_https: bool,
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self {
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            caller: parts.extensions.get().cloned().unwrap_or(Caller::Nobody(None)),
            counts: parts.extensions.get().cloned().unwrap_or_default(),
            nonce: Nonce::fresh(),
            is_https: parts.extensions.get::<Transport>().is_some_and(|transport| transport.is_https),
        })
    }
}

impl Asked {
    fn query(&self) -> &str {
        self.uri.query().unwrap_or("")
    }

    /// The first value of a parameter of the URL; empty if it is not there.
    fn param(&self, name: &str) -> String {
        let mut pairs = form_urlencoded::parse(self.query().as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    }

    /// Whether the URL has a parameter, with a value or without.
    fn has_param(&self, name: &str) -> bool {
        form_urlencoded::parse(self.query().as_bytes()).any(|(known, _)| known == name)
    }

    /// Under which address the server was asked, without a path; empty where the request does not say.
    fn base_url(&self) -> String {
        let host =
            self.headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).or(self.uri.authority().map(|host| host.as_str()));
        let is_plain =
            |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']'));
        let scheme = if self.is_https { "https" } else { "http" };
        host.filter(is_plain).map(|host| format!("{scheme}://{host}")).unwrap_or_default()
    }

    fn shell(&self, state: &PageState, title: &str) -> Shell {
        let mut visit = Visit::new(&self.uri, &self.headers, state.clock.now_ms());
        visit.nonce = self.nonce.clone();
        visit.caller = self.caller.clone();
        visit.firing = self.counts.firing;
        Shell::new(Page::Boards, title, visit)
    }

    fn page(&self, status: StatusCode, html: String) -> Response {
        page::respond(status, html, &self.nonce)
    }

    /// The number of the person who looks; none for others, who have no stars.
    fn user(&self) -> Option<i64> {
        self.caller.person().map(|person| person.user_id)
    }

    /// Whether they may change dashboards.
    fn may_edit(&self) -> bool {
        self.caller.may(Policy::EDIT) == crate::access::Verdict::Allowed
    }
}

/// What the keeper of dashboards says when it fails.
fn failed(error: String) -> Problem {
    tracing::error!(%error, "dashboards cannot be read");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("dashboards cannot be read: {error}")).retry_after_s(5)
}

/// Does something that blocks beside the reactor.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| failed(error.to_string()))
}

/// The fields of a form.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// Every value of a field that may stand several times.
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }
}
