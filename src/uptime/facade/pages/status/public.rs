//! What customers ask for. It lies ready: a request asks neither the database nor a template.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::lock::{self, kept, may_see};
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::assets::accepts;
use crate::ui::badge;
use crate::ui::format::{self, Unit};
use crate::ui::lang::key;
use crate::ui::page::respond_shared;
use crate::ui::security::Nonce;
use crate::uptime::facade::pages::PageState;
use crate::uptime::pages::follow::{self, Step};
use crate::uptime::pages::status::words;
use crate::uptime::pages::strip::percent;
use crate::uptime::status::copies::Copies;
use crate::uptime::status::keeper::Ready;
use crate::uptime::status::page::StatusPage;

/// What a status page may do in a browser: show itself. No script runs.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'self'; style-src-attr 'unsafe-inline'; font-src 'self'; img-src 'self' data:; \
                                 base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// How long copies are good: shorter than anybody waits for news.
const KEPT: &str = "public, max-age=10";

pub(super) fn lost() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no status page at this address")
}

/// What is shown in place of a page that failed, in its look: customers come here, and this server's other pages are
/// nothing to them.
pub(super) fn failed(page: &StatusPage, status: StatusCode, why: &'static str) -> Response {
    let nonce = Nonce::fresh();
    respond_shared(status, follow::render(page, "/", &Step::Nowhere(why), "", &nonce), &nonce, "'none'")
}

/// There is no such page, in the look of those that there are.
pub(super) fn nowhere() -> Response {
    failed(&StatusPage::default(), StatusCode::NOT_FOUND, key("There is no such page"))
}

/// The bytes as an answer, packed as the reader takes it; without them where the reader has them.
pub(super) fn packed(copies: &Copies, headers: &HeaderMap, kind: &'static str) -> Response {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or("");
    let takes = text(header::ACCEPT_ENCODING);
    let (bytes, coding) = copies.best(|name| accepts(takes, name));
    let etag = copies.etag(coding);
    let is_known = text(header::IF_NONE_MATCH).split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag);
    let mut response = if is_known { StatusCode::NOT_MODIFIED.into_response() } else { bytes.into_response() };
    let to = response.headers_mut();
    to.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    to.insert(header::CACHE_CONTROL, HeaderValue::from_static(KEPT));
    to.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    to.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if let Some(coding) = coding.as_str() {
        to.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        to.insert(header::ETAG, etag);
    }
    response
}

/// A small picture as an answer: pages elsewhere show it, so anybody may.
fn pictured(svg: String, headers: &HeaderMap) -> Response {
    let mut response = packed(&Copies::new(svg), headers, "image/svg+xml");
    response.headers_mut().insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    response
}

/// `GET /status/{slug}/badge.svg`.
pub(super) async fn badge(State(state): State<Arc<PageState>>, Path(slug): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let ready = state.shown(&slug, &headers)?;
    let (lang, sentence) = (words::lang_of(&ready.picture), &ready.picture.sentence);
    let (headline, _) = words::sentence(sentence, lang);
    let page = &ready.picture.page;
    Ok(kept(page, pictured(badge::svg(&page.title, &headline, sentence.level()), &headers)))
}

/// Days of a badge about the past, unless it says so.
const BADGE_DAYS: usize = 30;

/// `GET /api/v1/checks/{name}/badge/{what}?days=`: of a check that stands on a page for everybody; others are not there.
pub(super) async fn check_badge(
    State(state): State<Arc<PageState>>,
    Path((check, what)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let nobody = || Problem::new(StatusCode::NOT_FOUND, "no status page shows this check");
    let id = state.desk.find(&check).ok_or_else(nobody)?;
    let all = state.keeper.all_ready();
    // Of two pages that show it the first by its address speaks. What is behind a password is said to nobody, and what a
    // page keeps to itself is not said by its badge.
    let may_say = |page: &StatusPage| !page.protected && (page.show_values || what != "uptime.svg");
    let mut pages: Vec<_> = all.iter().filter(|(_, ready)| may_say(&ready.picture.page)).collect();
    pages.sort_by_key(|(slug, _)| slug.as_str());
    let shown =
        |(_, ready): &(&String, &Arc<Ready>)| Some((Arc::clone(ready), ready.picture.components().find(|one| one.check == id)?.clone()));
    let (ready, component) = pages.iter().find_map(shown).ok_or_else(nobody)?;
    let lang = words::lang_of(&ready.picture);
    let days =
        form_urlencoded::parse(query.as_deref().unwrap_or("").as_bytes()).find(|(name, _)| name == "days").map(|(_, text)| text.parse());
    let days = days.unwrap_or(Ok(BADGE_DAYS)).ok().filter(|days| (1..=component.days.len().max(1)).contains(days));
    let days = days.ok_or_else(|| Problem::bad_request("days: expected 1 to 90"))?;
    let (label, value, level) = match what.as_str() {
        "status.svg" => {
            (component.name.clone(), lang.t(words::condition(component.condition)).to_owned(), words::class(component.condition))
        }
        "uptime.svg" => {
            let share = component.total(days).availability();
            let value = share.map_or_else(|| lang.t("No data").to_owned(), percent);
            (format!("{} {}", component.name, lang.n(days as u64, "{} day", "{} days")), value, badge::level_of(share))
        }
        "latency.svg" => {
            let value =
                component.latency.map_or_else(|| lang.t("No data").to_owned(), |took| format::number(took.as_secs_f64(), Unit::Seconds));
            (component.name.clone(), value, "info")
        }
        _ => return Err(Problem::new(StatusCode::NOT_FOUND, "badges are status.svg, uptime.svg and latency.svg")),
    };
    Ok(pictured(badge::svg(&label, &value, level), &headers))
}

/// `GET /status/{slug}/feed.xml`.
pub(super) async fn atom(State(state): State<Arc<PageState>>, Path(slug): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let ready = state.shown(&slug, &headers)?;
    Ok(kept(&ready.picture.page, packed(&ready.atom, &headers, "application/atom+xml; charset=utf-8")))
}

/// `GET /status/{slug}/rss`.
pub(super) async fn rss(State(state): State<Arc<PageState>>, Path(slug): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let ready = state.shown(&slug, &headers)?;
    Ok(kept(&ready.picture.page, packed(&ready.rss, &headers, "application/rss+xml; charset=utf-8")))
}

/// `GET /status/{slug}/status.json`.
pub(super) async fn json(State(state): State<Arc<PageState>>, Path(slug): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let ready = state.shown(&slug, &headers)?;
    Ok(kept(&ready.picture.page, packed(&ready.json, &headers, "application/json")))
}

/// `GET /status/{slug}/maintenance.ics`.
pub(super) async fn calendar(
    State(state): State<Arc<PageState>>,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let ready = state.shown(&slug, &headers)?;
    Ok(kept(&ready.picture.page, packed(&ready.calendar, &headers, "text/calendar; charset=utf-8")))
}

/// `GET /status/{slug}`.
pub(super) async fn page(State(state): State<Arc<PageState>>, Path(slug): Path<String>, asked: Asked) -> Result<Response, Problem> {
    let Some(ready) = state.keeper.ready(&slug) else { return Ok(nowhere()) };
    let page = &ready.picture.page;
    if !may_see(page, &asked.headers) {
        return Ok(lock::form(page, &asked));
    }
    Ok(kept(page, packed(&ready.html, &asked.headers, "text/html; charset=utf-8")))
}
