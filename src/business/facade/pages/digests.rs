//! Letters about KPIs: the list, the form, how one looks, and one that is sent at once.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::json;

use super::{PageState, unread, with};
use crate::access::{Change, Policy, Role, Routes};
use crate::base::addresses::addresses;
use crate::business::api::digests::digest_json;
use crate::business::collect::desk::PutError;
use crate::business::config::digest::{Digest, Every, Language, Weekday};
use crate::business::digest::sender::Kept;
use crate::business::digest::when::next;
use crate::business::pages::digest::{self, DigestInput, DigestsInput, EditInput};
use crate::business::store::NotStored;
use crate::platform::http::problem::Problem;
use crate::ui::asked::{Asked, Pages, shell_at, work};
use crate::ui::lang::key;
use crate::ui::{links, problem};

type Shared = State<Arc<PageState>>;

pub(super) fn routes(state: &Arc<PageState>) -> Routes {
    Routes::new()
        .route("GET", links::DIGESTS, Policy::READ, with(get(list), state))
        .route("GET", links::DIGEST_EDIT, Policy::READ, with(get(form), state))
        .route("GET", links::DIGEST_LETTER, Policy::READ, with(get(letter), state))
        .route("POST", links::DIGEST_SAVE, Policy::EDIT, with(post(save), state))
        .route("POST", links::DIGEST_DELETE, Policy::EDIT, with(post(delete), state))
        .route("POST", links::DIGEST_SEND, Policy::EDIT, with(post(send), state))
}

/// Fields of a form, without spaces around.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn new(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n").trim().to_owned())).collect())
    }

    /// The first value of a field; empty if it is not there.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Every value of a field.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.clone()).collect()
    }
}

/// What is wrong, in words: the first that is, without its place.
pub(super) fn words_of(error: &PutError) -> String {
    match error {
        PutError::Wrong(told) => told.first().map_or_else(String::new, |first| first.message.clone()),
        _ => error.to_string(),
    }
}

pub(super) const fn status_of(error: &PutError) -> StatusCode {
    match error {
        PutError::NotStored(NotStored::Unknown) => StatusCode::NOT_FOUND,
        PutError::NotStored(NotStored::Db(_)) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Back to the list, saying what was done.
fn done(what: &str) -> Response {
    Redirect::to(&links::with(links::DIGESTS, &[("done", what)])).into_response()
}

async fn list(State(state): Shared, asked: Asked) -> Result<Response, Problem> {
    show_list(&state, asked, StatusCode::OK, String::new()).await
}

async fn show_list(state: &Arc<PageState>, asked: Asked, status: StatusCode, problem: String) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let shell = shell_at(&asked, state, key("Digests"), links::DIGESTS);
        let (calendar, now) = (state.wing.desk.calendar(), state.now_ms());
        let one = |kept: Kept| DigestInput {
            next: next(&kept.digest, calendar, now).map(|slot| slot.at),
            digest: kept.digest,
            file: kept.file,
            sending: kept.sending,
        };
        let all = state.wing.sender.all().map_err(|error| unread(&error))?;
        let input = DigestsInput {
            all: all.into_iter().map(one).collect(),
            has_mail: state.wing.sender.has_mail(),
            has_url: state.letters.has_url(),
            done: asked.param("done"),
            problem,
            may_change: shell.has_role(Role::Editor),
        };
        Ok(asked.page(status, digest::render(&input, &shell)))
    })
    .await?
}

fn missing(asked: &Asked, state: &PageState, name: &str) -> Response {
    let shell = shell_at(asked, state, key("Digests"), links::DIGESTS);
    let (headline, text) = (shell.t("There is no such digest"), shell.t("It was deleted, or never was. The list has those of now."));
    asked.page(StatusCode::NOT_FOUND, problem::problem(&shell, 404, headline, text, name))
}

async fn form(State(state): Shared, asked: Asked) -> Result<Response, Problem> {
    let name = asked.param("name");
    if name.is_empty() {
        return show_form(&state, asked, StatusCode::OK, EditInput::default()).await;
    }
    match find(&state, &name).await? {
        Some(kept) => {
            show_form(&state, asked, StatusCode::OK, EditInput { before: name, digest: kept.digest, ..EditInput::default() }).await
        }
        None => Ok(missing(&asked, &state, &name)),
    }
}

async fn find(state: &Arc<PageState>, name: &str) -> Result<Option<Kept>, Problem> {
    let name = name.to_owned();
    work(state, move |state, _| state.wing.sender.find(&name).map_err(|error| unread(&error))).await?
}

async fn show_form(state: &Arc<PageState>, asked: Asked, status: StatusCode, mut input: EditInput) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let (title, path) = match input.before.as_str() {
            "" => (key("New digest"), links::DIGEST_EDIT.to_owned()),
            name => (key("Edit digest"), links::with(links::DIGEST_EDIT, &[("name", name)])),
        };
        let shell = shell_at(&asked, state, title, &path);
        let desk = &state.wing.desk;
        input.groups = state.letters.groups();
        input.kpis = desk.all().iter().map(|known| known.kpi.name.clone()).collect();
        input.zone = desk.calendar().location.as_str();
        input.may_change = shell.has_role(Role::Editor);
        asked.page(status, digest::render_edit(&input, &shell))
    })
    .await
}

/// A digest as a form says it; what is no number is refused when it is read.
fn digest_of(form: &Form) -> Digest {
    let number = |name: &str, none: u64| form.get(name).parse().unwrap_or(none);
    let weekday =
        [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday, Weekday::Saturday, Weekday::Sunday];
    Digest {
        name: form.get("name").to_owned(),
        every: if form.get("every") == Every::Month.as_str() { Every::Month } else { Every::Week },
        weekday: weekday.into_iter().find(|day| day.as_str() == form.get("weekday")).unwrap_or_default(),
        day: number("day", 0),
        hour: number("hour", 24),
        to: form.get("to").split(['\n', ',', ';']).map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect(),
        groups: form.all("group"),
        kpis: form.all("kpi"),
        language: if form.get("language") == Language::Ar.as_str() { Language::Ar } else { Language::En },
        paused: !form.get("paused").is_empty(),
    }
}

/// `POST /business/digests/save`: the fields of the form.
async fn save(State(state): Shared, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let form = Form::new(&body);
    let (digest, before) = (digest_of(&form), form.get("before").to_owned());
    let was = if before.is_empty() { None } else { find(&state, &before).await? };
    let put = state.wing.sender.put(Some(before.as_str()).filter(|name| !name.is_empty()), &digest.text()).await;
    match put {
        Ok(digest) => {
            let was = was.map(|was| digest_json(&was.digest));
            Ok(Change::new("digests.save", &digest.name).before(was).after(digest_json(&digest)).in_answer(done("saved")))
        }
        Err(error) => {
            let problem = words_of(&error);
            show_form(&state, asked, status_of(&error), EditInput { before, digest, problem, ..EditInput::default() }).await
        }
    }
}

/// `POST /business/digests/delete`: `name`.
async fn delete(State(state): Shared, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let form = Form::new(&body);
    let Some(was) = find(&state, form.get("name")).await? else { return Ok(missing(&asked, &state, form.get("name"))) };
    match state.wing.sender.delete(&was.digest.name).await {
        Ok(_) => Ok(Change::new("digests.delete", &was.digest.name).before(digest_json(&was.digest)).in_answer(done("deleted"))),
        Err(error) => show_list(&state, asked, status_of(&error), words_of(&error)).await,
    }
}

/// `GET /business/digests/letter`: how the newest letter of `name` looks.
async fn letter(State(state): Shared, asked: Asked) -> Result<Response, Problem> {
    let name = asked.param("name");
    match find(&state, &name).await? {
        Some(kept) => show_letter(&state, asked, kept, (StatusCode::OK, String::new())).await,
        None => Ok(missing(&asked, &state, &name)),
    }
}

async fn show_letter(
    state: &Arc<PageState>,
    asked: Asked,
    kept: Kept,
    (status, problem): (StatusCode, String),
) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let digest = &kept.digest;
        let path = links::with(links::DIGEST_LETTER, &[("name", &digest.name)]);
        let shell = shell_at(&asked, state, &digest.name, &path);
        let about = state.wing.sender.about(digest).ok_or_else(|| Problem::bad_request("the calendar ends before".to_owned()))?;
        let letter = state.letters.preview(digest, about).map_err(|error| unread(&error))?;
        let may = (state.wing.sender.has_mail(), shell.has_role(Role::Editor));
        Ok(asked.page(status, digest::render_preview(digest, &letter, may, &problem, &shell)))
    })
    .await?
}

/// `POST /business/digests/send`: sends the newest letter of `name` `to` some.
async fn send(State(state): Shared, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let form = Form::new(&body);
    let Some(kept) = find(&state, form.get("name")).await? else { return Ok(missing(&asked, &state, form.get("name"))) };
    let to = match addresses(form.get("to")) {
        Ok(to) => to,
        Err(odd) => {
            let shell = shell_at(&asked, state.as_ref(), key("Digests"), links::DIGESTS);
            let problem = shell.f1("“{}” is not a list of mail addresses.", odd);
            return show_letter(&state, asked, kept, (StatusCode::BAD_REQUEST, problem)).await;
        }
    };
    match state.wing.sender.send_now(&kept.digest, to.clone()).await {
        Ok(()) => Ok(Change::new("digests.send", &kept.digest.name).after(json!({ "to": to })).in_answer(done("sent"))),
        Err(why) => show_letter(&state, asked, kept, (StatusCode::BAD_GATEWAY, why)).await,
    }
}
