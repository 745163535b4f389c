//! The routes of pages: takes what a page needs from the rooms, hands it to the page.

mod board;
mod draft;
mod history;
mod import;
mod list;
pub(super) mod public;
mod share;
mod shown;

use std::sync::Arc;

use axum::routing::{MethodRouter, get, post};
use http::StatusCode;

use self::public::Turns;
use crate::access::{Policy, Routes};
use crate::base::clock::SharedClock;
use crate::boards::model::Library;
use crate::boards::serve::Server;
use crate::boards::store::Store;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::links;
use crate::ui::nav::Page;
use crate::ui::shell::Shell;

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
    /// Under which address others reach this server; empty for the one that is asked.
    pub(super) external_url: String,
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
        .route("GET", links::BOARDS_ADD, Policy::EDIT, with(get(list::choose)))
        .route("GET", links::BOARDS_NEW, Policy::EDIT, with(get(draft::new)))
        .route("POST", links::BOARD_DRAFT, Policy::EDIT, with(post(draft::page)))
        .route("POST", links::BOARD_VARIABLES, Policy::EDIT, with(post(draft::variables)))
        .route("POST", links::BOARD_CHECK, Policy::EDIT, with(post(draft::check)))
        .route("POST", links::PANEL_MODERN, Policy::EDIT, with(post(draft::modern)))
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

fn shell_of(asked: &Asked, state: &PageState, title: &str) -> Shell {
    Shell::new(Page::Boards, title, asked.visit(state.clock.now_ms()))
}

/// The number of the person who looks; none for others, who have no stars.
fn user(asked: &Asked) -> Option<i64> {
    asked.caller.person().map(|person| person.user_id)
}

/// Whether they may change dashboards.
fn may_edit(asked: &Asked) -> bool {
    asked.may(Policy::EDIT)
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
