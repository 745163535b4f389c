//! Status pages under host names of their own: such a name shows one page and nothing else of the server.
//!
//! The paths of such a name are those of the page below `/status/{slug}`. What is not among them is nowhere, whatever
//! the server has at that path.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::uri::Authority;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri, header};

use super::PageState;
use super::public::{failed, lost};
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::assets::asset;
use crate::ui::lang::key;
use crate::ui::links;
use crate::uptime::pages::status::place::alone;
use crate::uptime::status::host;
use crate::uptime::status::keeper::Known;
use crate::uptime::status::page::StatusPage;

/// What of a page is there under its own name.
const SHOWN: [&str; 13] = [
    links::STATUS_PAGE,
    links::STATUS_HISTORY,
    links::STATUS_UNLOCK,
    links::STATUS_LOGO,
    links::STATUS_ROBOTS,
    links::STATUS_FEED,
    links::STATUS_RSS,
    links::STATUS_JSON,
    links::STATUS_CALENDAR,
    links::STATUS_BADGE,
    links::STATUS_FOLLOW,
    links::STATUS_CONFIRM,
    links::STATUS_UNFOLLOW,
];
/// What browsers ask for by themselves.
const ICON: &str = "/favicon.ico";
/// Where nothing is, and nothing will be.
const NOWHERE: &str = "/status/-/-";

/// Which requests are for status pages under names of their own, and what becomes of them.
#[derive(Clone)]
pub struct OwnHosts {
    state: Arc<PageState>,
}

impl std::fmt::Debug for OwnHosts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnHosts").finish_non_exhaustive()
    }
}

impl OwnHosts {
    pub(in crate::uptime::facade) fn new(state: &Arc<PageState>) -> Self {
        Self { state: Arc::clone(state) }
    }

    fn page(&self, named: &str) -> Option<Known> {
        // Most servers have none, and are asked often.
        if !self.state.keeper.has_hosts() {
            return None;
        }
        self.state.keeper.by_host(&host::named(named)?)
    }

    /// Whether a request that names a host so (with or without a port) is for a status page.
    pub fn is_known(&self, named: &str) -> bool {
        self.page(named).is_some()
    }

    /// The path on this server for one under a page's own name; none where the name is no page's.
    pub fn lead(&self, named: &str, path: &str) -> Option<String> {
        let known = self.page(named)?;
        Some(if known.page.published { lead(&known.page.slug, path).unwrap_or_else(nowhere) } else { nowhere() })
    }

    /// What is shown in place of a failure, in the look of the page: nothing else of the server can be seen from there.
    pub fn refused(&self, named: &str, failure: &Problem) -> Response {
        let page = self.page(named).filter(|known| known.page.published).map(|known| known.page).unwrap_or_default();
        let status = match failure.status() {
            // Whether something else takes it is nobody's business there.
            StatusCode::METHOD_NOT_ALLOWED => StatusCode::NOT_FOUND,
            status => status,
        };
        let why = match status {
            StatusCode::NOT_FOUND => key("There is no such page"),
            StatusCode::UNAUTHORIZED => key("Sign in first"),
            StatusCode::FORBIDDEN => key("This is not allowed"),
            StatusCode::TOO_MANY_REQUESTS => key("Too many requests"),
            StatusCode::SERVICE_UNAVAILABLE => key("Not now"),
            status if status.is_server_error() => key("This page could not be made"),
            _ => key("This cannot be understood"),
        };
        failed(&page, status, why)
    }
}

fn nowhere() -> String {
    NOWHERE.to_owned()
}

/// The path of a page of this slug for one under its own name; none where nothing is there.
fn lead(slug: &str, path: &str) -> Option<String> {
    // The only file that a page needs.
    if path == asset::STATUS_PAGE_CSS && !path.is_empty() {
        return Some(path.to_owned());
    }
    let to = |pattern: &str| links::of_status_page(pattern, slug);
    if path == ICON {
        return Some(to(links::STATUS_LOGO));
    }
    let below = SHOWN.iter().find(|pattern| alone(pattern) == path).map(|pattern| to(pattern));
    below.or_else(|| SHOWN.iter().map(|pattern| to(pattern)).find(|known| known == path))
}

/// Where the page is for whoever asked, on the host that they asked.
pub(super) fn home_of(page: &StatusPage, asked: &Asked) -> String {
    let is_own = host_of(&asked.headers, &asked.uri).is_some_and(|host| page.hosts.contains(&host));
    if is_own { "/".to_owned() } else { links::status_page(&page.slug) }
}

/// The name of a host that a request is for.
pub(super) fn host_of(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let said = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    host::named(said.or_else(|| uri.authority().map(Authority::as_str))?)
}

/// `GET /status/{slug}/robots.txt`, which search engines ask for under the page's own name.
pub(super) async fn robots(State(state): State<Arc<PageState>>, Path(slug): Path<String>) -> Result<Response, Problem> {
    let known = state.published(&slug).ok_or_else(lost)?;
    let may = if known.page.listed && !known.page.protected { "Allow" } else { "Disallow" };
    let kept = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=300")];
    Ok((kept, format!("User-agent: *\n{may}: /\n")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_belongs_to_a_page_is_there() {
        let css = asset::STATUS_PAGE_CSS;
        for (path, to) in [
            ("/", Some("/status/shop")),
            ("/feed.xml", Some("/status/shop/feed.xml")),
            ("/rss", Some("/status/shop/rss")),
            ("/status.json", Some("/status/shop/status.json")),
            ("/maintenance.ics", Some("/status/shop/maintenance.ics")),
            ("/badge.svg", Some("/status/shop/badge.svg")),
            ("/history", Some("/status/shop/history")),
            ("/subscribe", Some("/status/shop/subscribe")),
            ("/confirm", Some("/status/shop/confirm")),
            ("/unsubscribe", Some("/status/shop/unsubscribe")),
            ("/unlock", Some("/status/shop/unlock")),
            ("/logo", Some("/status/shop/logo")),
            ("/robots.txt", Some("/status/shop/robots.txt")),
            ("/favicon.ico", Some("/status/shop/logo")),
            ("/status/shop", Some("/status/shop")),
            ("/status/shop/feed.xml", Some("/status/shop/feed.xml")),
            ("/status/other", None),
            ("/status/shop/", None),
            ("/status/shop/feed.xml/", None),
            ("/status", None),
            ("/status/self", None),
            ("", None),
            ("//", None),
            ("/login", None),
            ("/api/v1/query", None),
            ("/api/v1/status-pages/shop/logo", None),
            ("/-/healthy", None),
            ("/metrics", None),
            ("/assets/app-1.js", None),
            ("/assets/inter-1.woff2", None),
            ("/FEED.xml", None),
        ] {
            assert_eq!(lead("shop", path).as_deref(), to, "{path}");
        }
        if !css.is_empty() {
            assert_eq!(lead("shop", css).as_deref(), Some(css));
            let file = crate::ui::assets::find(css.trim_start_matches("/assets/"), "").unwrap();
            assert!(!String::from_utf8_lossy(&file.bytes).contains("url("), "what a stylesheet names is to be reached, too");
        }
    }
}
