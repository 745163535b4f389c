//! Signing in with an identity provider: the way there and the way back.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use super::Admin;
use super::asked::{Asked, Form, see, see_with_cookie, status_of, words_of};
use super::door::show_login;
use crate::access::{Answer, Caller, Oidc, OidcError, Person};
use crate::admin::pages::door::{self, DoorInput};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::look::local;
use crate::ui::nav::Page;

/// Seconds after which it is worth trying again.
const AGAIN_S: u64 = 5;

/// Sends a browser to the provider.
pub(super) async fn start(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Response {
    let next = local(form.text("next"));
    let Some(oidc) = admin.access.doors().oidc.as_deref() else { return see(crate::access::SIGN_IN) };
    if matches!(asked.caller, Caller::Person(_) | Caller::Open) {
        return see(next);
    }
    let browser = asked.transport.find_sign_in(asked.headers());
    let begun = match base(oidc, &asked) {
        Some(base) => oidc.begin(next, browser, &format!("{base}{}", links::OIDC_CALLBACK), asked.origin.address).await,
        None => Err(OidcError::Here("the request does not name a host".to_owned())),
    };
    match begun {
        Ok(begun) => uncached(see_with_cookie(&begun.url, &asked.transport.sign_in_cookie(&begun.browser, Oidc::LIFE))),
        Err(error) => failed(&admin, &asked, &error, next),
    }
}

/// Takes back a browser that the provider sent here.
pub(super) async fn callback(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Response {
    let Some(oidc) = admin.access.doors().oidc.as_deref() else { return see(crate::access::SIGN_IN) };
    let answer = Answer {
        state: form.text("state"),
        code: form.text("code"),
        error: form.text("error"),
        description: form.text("error_description"),
        issuer: form.0.get("iss"),
        browser: asked.transport.find_sign_in(asked.headers()).unwrap_or(""),
    };
    let finished = match oidc.finish(answer).await {
        Ok(finished) => finished,
        Err(unfinished) => {
            if let OidcError::Refused { name, why } = &unfinished.error
                && let Err(error) = admin.access.note_refusal(name, oidc.issuer(), why, &asked.origin).await
            {
                tracing::error!(%error, "a refused sign-in could not be written down");
            }
            return failed(&admin, &asked, &unfinished.error, &unfinished.next);
        }
    };
    match admin.access.sign_in_as(&finished.identity, &asked.origin).await {
        Ok(cookie) => {
            asked.end_replaced(&admin).await;
            if let Some(person) = admin.access.by_cookie(cookie.expose(), asked.origin.address) {
                oidc.session_began(person.session_id, finished.id_token);
            }
            let mut response = see_with_cookie(local(&finished.next), &asked.session_cookie(&admin, &cookie));
            if let Ok(value) = HeaderValue::from_str(&asked.transport.no_sign_in_cookie()) {
                response.headers_mut().append(header::SET_COOKIE, value);
            }
            uncached(response)
        }
        Err(error) => {
            let input =
                DoorInput { next: local(&finished.next).to_owned(), error: Some(words_of(&error, asked.lang())), ..DoorInput::default() };
            let status = match status_of(&error) {
                StatusCode::BAD_REQUEST => StatusCode::FORBIDDEN,
                other => other,
            };
            show_login(&admin, &asked, &input, status)
        }
    }
}

/// The URL of this server for browsers.
fn base(oidc: &Oidc, asked: &Asked) -> Option<String> {
    if oidc.external_url().is_empty() { asked.base() } else { Some(oidc.external_url().to_owned()) }
}

/// Sends somebody on who has just signed out here and came in by the provider; `None` for everybody else.
///
/// The way there is a header of a page, not of a redirect: the content security policy keeps what follows a form on this
/// server.
pub(super) async fn sign_out(admin: &Admin, asked: &Asked, person: &Person, issuer: Option<&str>) -> Option<Response> {
    let oidc = admin.access.doors().oidc.as_deref().filter(|oidc| Some(oidc.issuer()) == issuer)?;
    let return_to = format!("{}{}", base(oidc, asked)?, crate::access::SIGN_IN);
    let url = oidc.sign_out_url(person.session_id, &return_to).await?;
    let refresh = HeaderValue::from_str(&format!("0; url={url}")).ok()?;
    let shell = asked.shell(admin, Page::Elsewhere, key("Signed out"));
    let mut response = asked.page(StatusCode::OK, door::signed_out(oidc.name(), &url, &shell));
    response.headers_mut().insert(header::REFRESH, refresh);
    response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_str(&asked.transport.no_cookie()).ok()?);
    Some(response)
}

/// The sign-in page, with what went wrong and what to check; the log has more.
fn failed(admin: &Admin, asked: &Asked, error: &OidcError, next: &str) -> Response {
    let status = match error {
        OidcError::NotBegun => StatusCode::BAD_REQUEST,
        OidcError::Denied(_) | OidcError::Token(_) | OidcError::Refused { .. } => StatusCode::FORBIDDEN,
        OidcError::Unreachable { .. } | OidcError::Answer { .. } | OidcError::Busy | OidcError::Here(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let (step, detail, address) = (error.step(), error.detail(), asked.origin.address);
    tracing::warn!(%error, step, detail, %address, "signing in with the identity provider failed");
    let input = DoorInput {
        next: local(next).to_owned(),
        error: Some(sentence(&error.to_string())),
        advice: error.advice().to_owned(),
        ..DoorInput::default()
    };
    let mut response = show_login(admin, asked, &input, status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(AGAIN_S));
    }
    response
}

/// With a capital letter and a full stop.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}{}", letters.as_str(), if words.ends_with(['.', '!', '?']) { "" } else { "." })
}

/// What is for one browser, once, must not lie in caches.
fn uncached(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
