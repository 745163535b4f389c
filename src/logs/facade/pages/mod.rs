//! The routes of pages: takes what a page needs from the rooms, hands it to the page.

mod chart;
mod compile;
mod counts;
mod doors;
mod export;
mod known;
mod line;
mod saved;
mod search;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use http::{StatusCode, Uri};

use self::doors::Watched;
use super::Logs;
use super::saved::{SavedSearches, Saver};
use crate::access::{Change, Policy, Routes};
use crate::logs::pages;
use crate::platform::http::problem::Problem;
use crate::platform::work::WorkPool;
use crate::ui::asked::{Asked, Pages, work};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::nav::Page;
use crate::ui::shell::Shell;

/// How far back pages look when nobody says.
const USUAL_FROM: &str = "now-1h";

/// What the pages work with.
pub(super) struct PageState {
    logs: Arc<Logs>,
    watched: Watched,
    saved: SavedSearches,
}

/// Every page with who may look at it.
pub(super) fn routes(logs: &Arc<Logs>) -> Routes {
    let saved = SavedSearches { db: Arc::clone(&logs.db), clock: Arc::clone(&logs.api.clock) };
    let state = Arc::new(PageState { watched: Watched::since(logs), logs: Arc::clone(logs), saved });
    let with = |handler: MethodRouter<Arc<PageState>>| handler.with_state(Arc::clone(&state));
    Routes::new()
        .route("GET", links::LOGS, Policy::READ, with(get(search_route)))
        .route("GET", links::LOGS_LINE, Policy::READ, with(get(line_route)))
        .route("GET", links::LOGS_EXPORT, Policy::READ, with(get(export::route)))
        .route("GET", links::LOGS_COMPILE, Policy::READ, with(get(compile::route)))
        .route("GET", links::LOGS_CHART, Policy::READ, with(get(chart::route)))
        .route("GET", links::LOGS_COUNTS, Policy::READ, with(get(counts::route)))
        .route("GET", links::LOGS_SAVED, Policy::READ, with(get(saved::page)))
        .route("POST", links::LOGS_SAVED_ADD, Policy::OWN, with(post(saved::save)))
        .route("POST", links::LOGS_SAVED_CHANGE, Policy::OWN, with(post(saved::change)))
        .route("POST", links::LOGS_SAVED_DELETE, Policy::OWN, with(post(saved::delete)))
        .route("GET", links::LOGS_STREAMS, Policy::READ, with(get(streams_route)))
        .route("POST", links::LOGS_DELETE, Policy::ADMIN, with(post(delete_route)))
        .route("GET", links::LOGS_DOORS, Policy::READ, with(get(doors_route)))
}

fn shell_of(asked: &Asked, state: &PageState, title: &str) -> Shell {
    let query = last_columns(asked.query());
    let mut visit = asked.visit(state.now_ms());
    visit.query = query.as_ref();
    Shell::new(Page::Logs, title, visit)
}

/// The address of the search page with the same parameters.
fn page_uri(asked: &Asked) -> Result<Uri, http::uri::InvalidUri> {
    format!("{}?{}", links::LOGS, asked.query()).parse()
}

/// Where senders send to, as the browser asked.
fn push_url(asked: &Asked) -> String {
    format!("{}/loki/api/v1/push", asked.base_url(""))
}

/// A query string with only the last of its choices of columns, so that links do not pass the others on.
fn last_columns(query: &str) -> std::borrow::Cow<'_, str> {
    let is_choice = |pair: &&str| pair.starts_with("cols=");
    let mut left = query.split('&').filter(is_choice).count();
    if left < 2 {
        return query.into();
    }
    let kept = query.split('&').filter(|pair| {
        left -= usize::from(is_choice(pair));
        !is_choice(pair) || left == 0
    });
    kept.collect::<Vec<_>>().join("&").into()
}

impl Pages for PageState {
    const PLACE: Page = Page::Logs;

    /// As queries are answered.
    fn pool(&self) -> (&WorkPool, Duration) {
        self.logs.api.pool()
    }

    fn now_ms(&self) -> i64 {
        self.logs.api.now_ms()
    }
}

async fn search_route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    work(&state, move |state, cancel| {
        let shell = shell_of(&asked, state, key("Logs")).with_range(USUAL_FROM).with_refresh("off");
        let wanted = pages::asked::Asked::from_query(asked.query());
        if wanted.switch_to.is_some() {
            return Redirect::to(&search::switched(state, &wanted, &shell, cancel)).into_response();
        }
        let mut input = search::input(state, wanted, &shell, push_url(&asked), cancel);
        let who = Saver::of(&asked.caller);
        input.saved = saved::seen(state, &who);
        (input.has_own, input.may_share) = (who.has_own(), who.may_share());
        let mut response = asked.page(StatusCode::OK, pages::search::render(&input, &shell));
        *response.status_mut() = status_of_range(&shell);
        response
    })
    .await
}

/// A range that cannot be read is a wrong request, though the page says so in its place.
fn status_of_range(shell: &Shell) -> StatusCode {
    match search::range_ms(shell) {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

async fn line_route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    work(&state, move |state, cancel| {
        let shell = shell_of(&asked, state, key("Log line"));
        let input = line::input(state, &asked.param("s"), &asked.param("t"), cancel);
        let mut response = asked.page(StatusCode::OK, pages::line::render(&input, &shell));
        if input.problem.is_some() {
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
        response
    })
    .await
}

async fn streams_route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    work(&state, move |state, cancel| {
        let shell = shell_of(&asked, state, key("Streams")).with_range(USUAL_FROM);
        let mut input = streams::input(state, &shell, asked.param("by"), cancel);
        input.is_deleted = asked.param("done") == "deleted";
        let mut response = asked.page(StatusCode::OK, pages::streams::render(&input, &shell));
        *response.status_mut() = status_of_range(&shell);
        response
    })
    .await
}

async fn doors_route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    work(&state, move |state, _| {
        let shell = shell_of(&asked, state, key("Ingestion")).with_refresh("5s");
        asked.page(StatusCode::OK, pages::doors::render(&doors::input(state), &shell))
    })
    .await
}

async fn delete_route(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let field = |name: &str| {
        let mut pairs = form_urlencoded::parse(&body);
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let (query, from, to) = (field("query"), field("from"), field("to"));
    work(&state, move |state, cancel| match streams::delete(state, &query, &from, &to) {
        Ok(after) => {
            let answer = Redirect::to(&links::with(links::LOGS_STREAMS, &[("done", "deleted")])).into_response();
            Change::new("logs.delete", query).after(after).in_answer(answer)
        }
        Err(why) => {
            let shell = shell_of(&asked, state, key("Streams")).with_range(USUAL_FROM);
            let mut input = streams::input(state, &shell, String::new(), cancel);
            input.problem = Some(why);
            let mut response = asked.page(StatusCode::OK, pages::streams::render(&input, &shell));
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_of_columns_is_made_once() {
        for (query, kept) in [
            ("", ""),
            ("q=a&cols=b&f=c", "q=a&cols=b&f=c"),
            ("cols=a&q=x&cols=b&cols=c,d&f=e", "q=x&cols=c,d&f=e"),
            ("cols=a&mycols=b", "cols=a&mycols=b"),
        ] {
            assert_eq!(last_columns(query), kept);
        }
    }
}
