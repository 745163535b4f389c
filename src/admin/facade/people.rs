//! Forms about people.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::Admin;
use super::asked::{Asked, Form, see, see_with_cookie, status_of, words_of};
use crate::access::{AccessError, Role, UserChange};
use crate::admin::pages::people::{self, PeopleInput};
use crate::base::secret::Secret;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::nav::Page;

fn show(admin: &Admin, asked: &Asked, entered: (String, String), error: Option<&AccessError>) -> Response {
    let users = admin.access.users().unwrap_or_default();
    let own_id = asked.caller.person().map(|person| person.user_id);
    let tokens = admin.access.tokens_by_maker().unwrap_or_default();
    let input = PeopleInput { users, tokens, own_id, error: error.map(|error| words_of(error, asked.lang())), entered };
    let status = error.map_or(StatusCode::OK, status_of);
    asked.page(status, people::render(&input, &asked.shell(admin, Page::Settings, key("People"))))
}

fn answer(admin: &Admin, asked: &Asked, result: Result<(), AccessError>, done: &str) -> Response {
    match result {
        Ok(()) => see(&links::with(links::PEOPLE, &[("done", done)])),
        Err(error) => show(admin, asked, Default::default(), Some(&error)),
    }
}

fn role_of(word: &str) -> Result<Role, AccessError> {
    Role::parse(word).ok_or_else(|| AccessError::Refused(format!("there is no role {word:?}; viewer, editor and admin are")))
}

pub(super) async fn page(State(admin): State<Arc<Admin>>, asked: Asked) -> Response {
    show(&admin, &asked, Default::default(), None)
}

pub(super) async fn create(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Response {
    let (name, email) = (form.text("name").trim(), form.text("email").trim());
    let password = form.0.get("password").map(Secret::new);
    let created = match role_of(form.text("role")) {
        Ok(role) => admin.access.create_user(&asked.caller.actor(), name, email, role, password, &asked.origin).await.map(drop),
        Err(error) => Err(error),
    };
    match created {
        Ok(()) => see(&links::with(links::PEOPLE, &[("done", "created")])),
        Err(error) => show(&admin, &asked, (name.to_owned(), email.to_owned()), Some(&error)),
    }
}

pub(super) async fn change(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Response {
    let change = async {
        let role = form.0.get("role").map(role_of).transpose()?;
        let disabled = form.0.get("disabled").map(|word| word == "true");
        let email = form.0.get("email").map(str::to_owned);
        let change = UserChange { email, role, disabled };
        admin.access.change_user(&asked.caller.actor(), form.id("id")?, change, &asked.origin).await.map(drop)
    };
    answer(&admin, &asked, change.await, "changed")
}

/// Their own present session goes on when administrators change something about themselves here.
fn own_session(asked: &Asked, id: i64) -> Option<i64> {
    asked.caller.person().filter(|person| person.user_id == id).map(|person| person.session_id)
}

pub(super) async fn password(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Response {
    let change = async {
        let id = form.id("id")?;
        let keep = own_session(&asked, id);
        admin.access.set_password(&asked.caller.actor(), id, Secret::new(form.text("password")), keep, &asked.origin).await
    };
    match change.await {
        Ok(Some(cookie)) => see_with_cookie(&links::with(links::PEOPLE, &[("done", "password")]), &asked.session_cookie(&admin, &cookie)),
        Ok(None) => answer(&admin, &asked, Ok(()), "password"),
        Err(error) => answer(&admin, &asked, Err(error), ""),
    }
}

pub(super) async fn totp_off(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Response {
    let change = async {
        let id = form.id("id")?;
        admin.access.disable_totp(&asked.caller.actor(), id, own_session(&asked, id), &asked.origin).await
    };
    answer(&admin, &asked, change.await, "totp")
}

pub(super) async fn sign_out(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Response {
    let change = async { admin.access.end_sessions(&asked.caller.actor(), form.id("id")?, None, None, &asked.origin).await };
    answer(&admin, &asked, change.await, "signed-out")
}

pub(super) async fn delete(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Response {
    let change = async { admin.access.delete_user(&asked.caller.actor(), form.id("id")?, &asked.origin).await.map(drop) };
    answer(&admin, &asked, change.await, "deleted")
}
