//! Logos of status pages: everybody sees those of public pages, editors change them by a form or as programs.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use serde_json::json;

use super::PageState;
use super::forms::{status_of, words_of};
use super::lists::{LOST, show_edit, show_list};
use super::lock::kept;
use crate::access::Change;
use crate::platform::http::envelope::{ApiError, ErrorKind, success};
use crate::platform::http::extract::read_body;
use crate::platform::http::multipart;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::links;
use crate::uptime::pages::status::edit::draft_of;
use crate::uptime::status::keeper::{KeepError, Known};
use crate::uptime::status::logo::{LOGO_BYTES_MAX, Logo, NoLogo};

/// What a picture may do where somebody opens it by itself: nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
/// How long copies are good; a page names another address as soon as there is another logo.
const KEPT: &str = "public, max-age=300";
/// Bytes of a form around a file at most.
const FORM_BYTES_MAX: usize = 4 * 1024;

fn pictured(logo: &Logo, headers: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", logo.tag);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_known = known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag);
    let mut response = if is_known { StatusCode::NOT_MODIFIED.into_response() } else { logo.bytes.clone().into_response() };
    let to = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, logo.kind),
        (header::CACHE_CONTROL, KEPT),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        to.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        to.insert(header::ETAG, etag);
    }
    response
}

/// `GET /status/{slug}/logo`.
pub(super) async fn public(State(state): State<Arc<PageState>>, Path(slug): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let known = state.visible(&slug, &headers)?;
    let logo = state.keeper.logo(known.id).ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "this status page has no logo"))?;
    Ok(kept(&known.page, pictured(&logo, &headers)))
}

fn missing() -> ApiError {
    ApiError::new(ErrorKind::NotFound, "there is no such status page, or it has no logo")
}

/// `GET /api/v1/status-pages/{slug}/logo`: also of a page that is not public.
pub(super) async fn show(State(state): State<Arc<PageState>>, Path(slug): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let logo = state.keeper.page(&slug).and_then(|known| state.keeper.logo(known.id)).ok_or_else(missing)?;
    let mut response = pictured(&logo, &headers);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

const fn words(why: NoLogo) -> &'static str {
    match why {
        NoLogo::TooBig => key("A logo has 100 kB at most."),
        NoLogo::NoPicture => key("A logo is a picture: SVG, PNG, WebP or JPEG."),
    }
}

/// Changes it; gives what the audit log has of that.
async fn put(state: &PageState, known: &Known, logo: Option<Logo>) -> Result<Change, KeepError> {
    let told = |logo: Option<&Logo>| json!({ "logo": logo.map(|logo| json!({ "type": logo.kind, "bytes": logo.bytes.len() })) });
    let before = told(state.keeper.logo(known.id).as_deref());
    let after = told(logo.as_ref());
    state.keeper.put_logo(known.id, logo).await?;
    Ok(Change::new("status_pages.logo", &known.page.slug).before(before).after(after))
}

/// `PUT /api/v1/status-pages/{slug}/logo`: the body is the picture.
pub(super) async fn change(State(state): State<Arc<PageState>>, Path(slug): Path<String>, body: Body) -> Result<Response, ApiError> {
    let known = state.keeper.page(&slug).ok_or_else(missing)?;
    let logo = Logo::read(read_body(body, LOGO_BYTES_MAX).await?).map_err(|why| ApiError::bad(why.to_string()))?;
    let answer = success(&json!({ "type": logo.kind, "bytes": logo.bytes.len() }));
    let change = put(&state, &known, Some(logo)).await.map_err(failed)?;
    Ok(change.in_answer(answer))
}

fn failed(error: KeepError) -> ApiError {
    let kind = if matches!(error, KeepError::Unknown) { ErrorKind::NotFound } else { ErrorKind::Unavailable };
    ApiError::new(kind, error.to_string())
}

/// `DELETE /api/v1/status-pages/{slug}/logo`.
pub(super) async fn remove(State(state): State<Arc<PageState>>, Path(slug): Path<String>) -> Result<Response, ApiError> {
    let known = state.keeper.page(&slug).filter(|known| state.keeper.logo(known.id).is_some()).ok_or_else(missing)?;
    let change = put(&state, &known, None).await.map_err(failed)?;
    Ok(change.in_answer(success(&json!({ "deleted": true }))))
}

/// The file of a form; none where nobody chose one.
fn file_of(kind: &str, body: &Bytes) -> Option<Bytes> {
    let file = multipart::parts(kind, body).into_iter().find(|part| part.is_file)?;
    Some(file.bytes).filter(|bytes| !bytes.is_empty())
}

/// `POST /uptime/status-pages/logo?id=`, the slug: a form with a file, or without one, which takes the logo away.
pub(super) async fn form(State(state): State<Arc<PageState>>, asked: Asked, request: Request<Body>) -> Result<Response, Problem> {
    let slug = asked.param("id");
    let Some(known) = state.keeper.page(&slug) else {
        return show_list(&state, asked, StatusCode::NOT_FOUND, LOST.to_owned()).await;
    };
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let draft = || draft_of(&state.keeper.written(&known));
    let logo = if multipart::is_form(&kind) {
        let read = match read_body(body, LOGO_BYTES_MAX + FORM_BYTES_MAX).await {
            Ok(body) => file_of(&kind, &body).ok_or(key("Choose a file first.")).and_then(|file| Logo::read(file).map_err(words)),
            Err(problem) if problem.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(words(NoLogo::TooBig)),
            Err(problem) => return Err(problem),
        };
        match read {
            Ok(logo) => Some(logo),
            Err(why) => return show_edit(&state, asked, draft(), slug, (StatusCode::BAD_REQUEST, why.to_owned())).await,
        }
    } else {
        None
    };
    match put(&state, &known, logo).await {
        Ok(change) => Ok(change.in_answer(Redirect::to(&links::with(links::UPTIME_STATUS_EDIT, &[("id", &slug)])).into_response())),
        Err(error) => show_edit(&state, asked, draft(), slug, (status_of(&error), words_of(&error))).await,
    }
}
