//! Signing in and out, and the first start.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::Admin;
use super::asked::{Asked, Form, see, see_with_cookie, status_of, with_wait, words_of};
use crate::access::{AccessError, Caller};
use crate::admin::pages::door::{self, DoorInput};
use crate::base::secret::Secret;
use crate::platform::http::problem::Problem;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::look::local;
use crate::ui::nav::Page;

pub(super) async fn login_page(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Response {
    if matches!(asked.caller, Caller::Person(_) | Caller::Open | Caller::Local) {
        return see(local(form.text("next")));
    }
    // Why a proxy's user, or a token, does not come in.
    let error = match asked.caller {
        Caller::Nobody(why) => why.map(str::to_owned),
        _ => None,
    };
    let input = DoorInput { next: local(form.text("next")).to_owned(), error, ..DoorInput::default() };
    show_login(&admin, &asked, &input, StatusCode::OK)
}

/// The sign-in page, with the ways in that there are.
pub(super) fn show_login(admin: &Admin, asked: &Asked, input: &DoorInput, status: StatusCode) -> Response {
    let shell = asked.shell(admin, Page::Elsewhere, key("Sign in"));
    let doors = admin.access.doors();
    let provider = doors.oidc.as_ref().map(|provider| provider.name().to_owned());
    let input = DoorInput { provider, hides_passwords: !doors.passwords, ..input.clone() };
    asked.page(status, door::login(&input, admin.access.awaits_setup(), &shell))
}

pub(super) async fn login(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Response {
    let next = local(form.text("next")).to_owned();
    let password = Secret::new(form.text("password"));
    match admin.access.sign_in(form.text("name"), password, form.text("code"), &asked.origin).await {
        Ok(cookie) => {
            asked.end_replaced(&admin).await;
            see_with_cookie(&next, &asked.session_cookie(&admin, &cookie))
        }
        Err(error) => {
            let awaits_code = matches!(error, AccessError::NeedsCode);
            let asks_code = awaits_code || form.0.get("code").is_some();
            let words = words_of(&error, asked.lang());
            let input =
                DoorInput { next, name: form.text("name").to_owned(), asks_code, awaits_code, error: Some(words), ..DoorInput::default() };
            with_wait(show_login(&admin, &asked, &input, status_of(&error)), &error)
        }
    }
}

pub(super) async fn setup_page(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Response {
    if !admin.access.awaits_setup() {
        return see(crate::access::SIGN_IN);
    }
    let input = DoorInput { setup_code: form.text("code").to_owned(), asks_code: asked.caller != Caller::Local, ..DoorInput::default() };
    asked.page(StatusCode::OK, door::setup(&input, &asked.shell(&admin, Page::Elsewhere, key("Set up pharos"))))
}

pub(super) async fn set_up(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Response {
    let password = Secret::new(form.text("password"));
    let name = form.text("name").trim();
    let done = if asked.caller == Caller::Local {
        admin.access.set_up_locally(name, password, &asked.origin).await
    } else {
        admin.access.set_up(form.text("code"), name, password, &asked.origin).await
    };
    match done {
        Ok(cookie) => {
            asked.end_replaced(&admin).await;
            see_with_cookie(links::HOME, &asked.session_cookie(&admin, &cookie))
        }
        Err(error) => {
            let input = DoorInput {
                setup_code: form.text("code").to_owned(),
                asks_code: asked.caller != Caller::Local,
                name: form.text("name").to_owned(),
                error: Some(words_of(&error, asked.lang())),
                ..DoorInput::default()
            };
            let shell = asked.shell(&admin, Page::Elsewhere, key("Set up pharos"));
            with_wait(asked.page(status_of(&error), door::setup(&input, &shell)), &error)
        }
    }
}

pub(super) async fn sign_out(State(admin): State<Arc<Admin>>, asked: Asked) -> Result<Response, Problem> {
    if let Ok(person) = asked.person() {
        let issuer = admin.access.user(person.user_id).ok().and_then(|user| user.issuer);
        admin.access.sign_out(person, &asked.origin).await.map_err(|error| Problem::internal(&error))?;
        if let Some(on) = super::oidc::sign_out(&admin, &asked, person, issuer.as_deref()).await {
            return Ok(on);
        }
    }
    Ok(see_with_cookie(crate::access::SIGN_IN, &asked.transport.no_cookie()))
}
