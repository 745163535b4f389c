//! Forms about oneself.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use qrcode::QrCode;
use qrcode::render::svg;

use super::Admin;
use super::asked::{Asked, Form, see, see_with_cookie, status_of, with_wait, words_of};
use crate::access::{AccessError, Enrolment};
use crate::admin::pages::profile::{self, ProfileInput};
use crate::base::secret::Secret;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::nav::Page;

fn show(admin: &Admin, asked: &Asked, mut input: ProfileInput, error: Option<&AccessError>) -> Response {
    if let Some(person) = asked.caller.person() {
        input.user = admin.access.user(person.user_id).ok();
        input.sessions = admin.access.sessions(person.user_id).unwrap_or_default();
        input.own_session = person.session_id;
        input.recovery_left = admin.access.recovery_codes_left(person.user_id).unwrap_or_default();
    }
    input.error = error.map(|error| words_of(error, asked.lang()));
    let status = error.map_or(StatusCode::OK, status_of);
    let response = asked.page(status, profile::render(&input, &asked.shell(admin, Page::Settings, key("Profile"))));
    match error {
        Some(error) => with_wait(response, error),
        None => response,
    }
}

fn answer(admin: &Admin, asked: &Asked, result: Result<(), AccessError>, done: &str) -> Response {
    match result {
        Ok(()) => see(&links::with(links::PROFILE, &[("done", done)])),
        Err(error) => show(admin, asked, ProfileInput::default(), Some(&error)),
    }
}

/// The QR code of a URL as SVG, dark on light in both themes, as cameras need it.
fn qr(enrolment: &Enrolment) -> String {
    QrCode::new(enrolment.url.expose()).map_or_else(
        // The key stands beside it; it can be typed.
        |_| String::new(),
        |code| {
            let file = code.render::<svg::Color<'_>>().min_dimensions(200, 200).quiet_zone(true).build();
            // The declaration of an XML file has no place in a page.
            file.find("<svg").map_or_else(String::new, |at| file[at..].to_owned())
        },
    )
}

pub(super) async fn page(State(admin): State<Arc<Admin>>, asked: Asked) -> Response {
    show(&admin, &asked, ProfileInput::default(), None)
}

pub(super) async fn password(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Response {
    let change = async {
        let (old, new) = (Secret::new(form.text("old")), Secret::new(form.text("new")));
        admin.access.change_password(asked.person()?, old, new, &asked.origin).await
    };
    match change.await {
        Ok(Some(cookie)) => see_with_cookie(&links::with(links::PROFILE, &[("done", "password")]), &asked.session_cookie(&admin, &cookie)),
        Ok(None) => answer(&admin, &asked, Ok(()), "password"),
        Err(error) => answer(&admin, &asked, Err(error), ""),
    }
}

pub(super) async fn totp_begin(State(admin): State<Arc<Admin>>, asked: Asked) -> Response {
    match asked.person().and_then(|person| admin.access.enrol(person)) {
        Ok(enrolment) => {
            let code = qr(&enrolment);
            show(&admin, &asked, ProfileInput { enrolment: Some((enrolment, code)), ..ProfileInput::default() }, None)
        }
        Err(error) => show(&admin, &asked, ProfileInput::default(), Some(&error)),
    }
}

pub(super) async fn totp_on(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Response {
    let change = async {
        let person = asked.person()?;
        // An unlocked browser is not enough: whoever turns it on keeps everybody without the phone out.
        admin.access.confirm_password(person, Secret::new(form.text("password")), &asked.origin).await?;
        admin.access.enable_totp(person, form.text("secret"), form.text("code"), &asked.origin).await
    };
    match change.await {
        Ok(recovery) => show(&admin, &asked, ProfileInput { recovery, ..ProfileInput::default() }, None),
        Err(error) => {
            // The same once more: the phone has it already.
            let begun = asked.person().and_then(|person| admin.access.enrolment(person, form.text("secret"))).ok();
            let enrolment = begun.map(|enrolment| (enrolment.clone(), qr(&enrolment)));
            show(&admin, &asked, ProfileInput { enrolment, ..ProfileInput::default() }, Some(&error))
        }
    }
}

pub(super) async fn totp_off(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Response {
    let change = async {
        let person = asked.person()?;
        admin.access.confirm_password(person, Secret::new(form.text("password")), &asked.origin).await?;
        admin.access.disable_totp(&person.name, person.user_id, Some(person.session_id), &asked.origin).await
    };
    answer(&admin, &asked, change.await, "totp-off")
}

pub(super) async fn sessions(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Response {
    let change = async {
        let person = asked.person()?;
        let one = form.0.get("session").map(|_| form.id("session")).transpose()?;
        admin.access.end_sessions(&person.name, person.user_id, one, Some(person.session_id), &asked.origin).await
    };
    answer(&admin, &asked, change.await, "sessions")
}
