//! Status pages that ask for a password: who knew it has a cookie that opens the page and everything below it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};

use super::PageState;
use super::follow::{answer, field, form_of};
use super::own_hosts::home_of;
use super::public::lost;
use crate::access::{PasswordError, Passwords};
use crate::base::secret::Secret;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::uptime::pages::follow::Step;
use crate::uptime::status::keeper::{Known, Ready};
use crate::uptime::status::lock::{admits, token};
use crate::uptime::status::page::StatusPage;

const COOKIE: &str = "pharos-page";
/// How long a browser remembers it.
const REMEMBERED_S: u32 = 30 * 86_400;
/// What is said to who guesses.
const WRONG: &str = key("That is not the password.");
const TOO_OFTEN: &str = key("That was wrong too often. Try again in ten minutes.");

/// Whether whoever sent these headers may see a page.
pub(super) fn may_see(page: &StatusPage, headers: &HeaderMap) -> bool {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    admits(page, cookies.filter_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('=')))
}

fn locked() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "this status page asks for a password; open it in a browser first")
}

impl PageState {
    /// A public page as it lies ready, for somebody who may see it.
    pub(super) fn shown(&self, slug: &str, headers: &HeaderMap) -> Result<Arc<Ready>, Problem> {
        let ready = self.keeper.ready(slug).ok_or_else(lost)?;
        if may_see(&ready.picture.page, headers) { Ok(ready) } else { Err(locked()) }
    }

    /// A public page, for somebody who may see it.
    pub(super) fn visible(&self, slug: &str, headers: &HeaderMap) -> Result<Known, Problem> {
        let known = self.published(slug).ok_or_else(lost)?;
        if may_see(&known.page, headers) { Ok(known) } else { Err(locked()) }
    }
}

/// An answer about a page, which nobody keeps for others where the page asks for a password.
pub(super) fn kept(page: &StatusPage, mut response: Response) -> Response {
    if page.protected {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }
    response
}

/// The form that asks for the password.
pub(super) fn form(page: &StatusPage, asked: &Asked) -> Response {
    answer(page, &Step::Locked, "", StatusCode::UNAUTHORIZED, asked)
}

/// The hash of the password that a page is to have from now on; none where it says nothing about one.
pub(super) async fn hashed(passwords: &Passwords, page: &StatusPage) -> Result<Option<String>, PasswordError> {
    let password = page.password.trim();
    if password.is_empty() { Ok(None) } else { passwords.hash(Secret::new(password)).await.map(Some) }
}

/// `POST /status/{slug}/unlock`: `password`.
pub(super) async fn unlock(
    State(state): State<Arc<PageState>>,
    Path(slug): Path<String>,
    asked: Asked,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let known = state.published(&slug).ok_or_else(lost)?;
    let home = home_of(&known.page, &asked);
    let (form, origin) = form_of(request).await?;
    if !known.page.protected {
        return Ok(Redirect::to(&home).into_response());
    }
    let from = origin.map_or(IpAddr::from([0, 0, 0, 0]), |origin| origin.address);
    if !state.guesses.may_guess(from, state.clock.monotonic()) {
        return Ok(answer(&known.page, &Step::Locked, TOO_OFTEN, StatusCode::TOO_MANY_REQUESTS, &asked));
    }
    let hash = Some(known.page.password_hash.clone());
    let is_right = state.passwords.verify(Secret::new(field(&form, "password")), hash).await;
    let is_right = is_right.map_err(|error| Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).retry_after_s(5))?;
    if !is_right {
        state.guesses.guessed_wrong(from, state.clock.monotonic());
        return Ok(answer(&known.page, &Step::Locked, WRONG, StatusCode::UNAUTHORIZED, &asked));
    }
    let secure = if asked.transport.is_https { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={}; Path={home}; HttpOnly; SameSite=Lax; Max-Age={REMEMBERED_S}{secure}", token(&known.page));
    let mut response = Redirect::to(&home).into_response();
    let cookie =
        HeaderValue::from_str(&cookie).map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the cookie cannot be sent"))?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}
