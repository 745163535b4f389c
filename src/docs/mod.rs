//! Documentation inside the binary: how to begin, what can be set, what went wrong.
//!
//! Parts in reading order: [`contents`] (the pages in order), [`markdown`] (their text as HTML), [`generated`] (what
//! no hand writes: settings, configuration keys, routes, own metrics), [`openapi`] (routes for programs), [`view`] (the page around). In: markdown that
//! is built in, and what the server is made of. Out: routes. Invariant: the reference comes from the tables that the
//! server itself runs on, so it cannot be out of date. Not here: words of pages, which each page has itself.

mod contents;
mod generated;
mod markdown;
mod openapi;
#[cfg(test)]
mod tests;
mod view;

use std::sync::{Arc, OnceLock};

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use serde::Serialize;

use crate::access::{Caller, Policy, RouteInfo, Routes};
use crate::base::clock::SharedClock;
use crate::platform::http::problem::Problem;
use crate::platform::telemetry::metrics::Registry;
use crate::ui::links;
use crate::ui::nav::Page;
use crate::ui::page;
use crate::ui::shell::{Counts, Shell, Visit};

pub use generated::KeySection;

/// The description of the API.
const OPENAPI: &str = "/api/v1/openapi.json";

/// What the hall needs of the rest of the server.
pub struct DocsOptions {
    /// The time.
    pub clock: SharedClock,
    /// The server's own metrics, which are listed by name.
    pub registry: Registry,
    /// Sections and keys of Prometheus' configuration that are read here.
    pub keys: Vec<KeySection>,
}

/// The open hall.
pub struct Docs {
    options: DocsOptions,
    table: OnceLock<Vec<RouteInfo>>,
}

/// Where a heading is found.
#[derive(Debug, Serialize)]
struct Title {
    text: String,
    page: &'static str,
    href: String,
}

impl Docs {
    /// Takes what it needs.
    pub fn new(options: DocsOptions) -> Arc<Self> {
        Arc::new(Self { options, table: OnceLock::new() })
    }

    /// Every route of the hall.
    pub fn routes(self: &Arc<Self>) -> Routes {
        let with = |handler: axum::routing::MethodRouter<Arc<Self>>| handler.with_state(Arc::clone(self));
        Routes::new()
            .route("GET", links::DOCS, Policy::READ, with(get(first)))
            .route("GET", links::DOCS_TITLES, Policy::READ, with(get(titles)))
            .route("GET", OPENAPI, Policy::READ, with(get(described)))
            .route("GET", links::DOCS_PAGE, Policy::READ, with(get(one)))
    }

    /// Tells which routes the whole server has. Said once, when all are known.
    pub fn describe(&self, table: &[RouteInfo]) {
        let said_before = self.table.set(table.to_vec()).is_err();
        debug_assert!(!said_before, "describe is called once");
    }

    /// A page's text as HTML with what is generated in its place.
    fn rendered(&self, page: &contents::Page) -> markdown::Rendered {
        markdown::render(page.text, &|name| match name {
            "settings" => generated::settings(),
            "keys" => generated::keys(&self.options.keys),
            "routes" => generated::routes(self.table.get().map_or(&[], Vec::as_slice)),
            "metrics" => generated::metrics(&self.options.registry.page()),
            _ => markdown::Rendered::default(),
        })
    }
}

/// The API for programs that write clients.
async fn described(State(docs): State<Arc<Docs>>) -> Json<serde_json::Value> {
    Json(openapi::document(docs.table.get().map_or(&[], Vec::as_slice)))
}

async fn first(State(docs): State<Arc<Docs>>, request: Request) -> Response {
    show(&docs, &contents::PAGES[0], &request)
}

async fn one(State(docs): State<Arc<Docs>>, Path(name): Path<String>, request: Request) -> Response {
    match contents::PAGES.iter().find(|page| page.name == name) {
        Some(found) => show(&docs, found, &request),
        None => Problem::new(StatusCode::NOT_FOUND, "there is no such page in the documentation").into_response(),
    }
}

fn show(docs: &Docs, found: &contents::Page, request: &Request) -> Response {
    let mut visit = Visit::new(request.uri(), request.headers(), docs.options.clock.now_ms());
    visit.caller = request.extensions().get().cloned().unwrap_or(Caller::Nobody(None));
    visit.firing = request.extensions().get::<Counts>().map_or(0, |counts| counts.firing);
    let nonce = visit.nonce.clone();
    let shell = Shell::new(Page::Docs, "Documentation", visit);
    page::respond(StatusCode::OK, view::render(found, &docs.rendered(found), &shell), &nonce)
}

/// Every heading, for the quick jump.
async fn titles(State(docs): State<Arc<Docs>>) -> Json<Vec<Title>> {
    let mut all = Vec::new();
    for page in contents::PAGES {
        all.push(Title { text: page.title().to_owned(), page: page.title(), href: page.href() });
        let rendered = docs.rendered(page);
        all.extend(rendered.headings.into_iter().map(|heading| Title {
            text: heading.text,
            page: page.title(),
            href: format!("{}#{}", page.href(), heading.id),
        }));
    }
    Json(all)
}
