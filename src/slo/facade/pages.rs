//! The routes of pages: takes what a page needs from the desk, hands it to the page. Each form leaves a line in the audit
//! log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use http::StatusCode;
use serde_json::json;

use crate::access::{Change, Policy, Role, Routes};
use crate::base::cancel::Cancel;
use crate::base::clock::SharedClock;
use crate::platform::http::extract::{field, read_body};
use crate::platform::http::problem::Problem;
use crate::platform::work::WorkPool;
use crate::series::ports::EvaluateError;
use crate::slo::api::shown;
use crate::slo::bring::{self, Brought, FILE_BYTES_MAX};
use crate::slo::pages::edit::{self, EditInput, KINDS};
use crate::slo::pages::import::{self, ImportInput, Looked};
use crate::slo::pages::list::{self, ListInput};
use crate::slo::pages::one::{self, DAYS, OneInput};
use crate::slo::watch::desk::{Desk, NotStored, PutError};
use crate::ui::asked::Asked;
use crate::ui::bringing::Fate;
use crate::ui::lang::key;
use crate::ui::nav::Page;
use crate::ui::shell::Shell;
use crate::ui::{links, problem};

/// Pages made at once.
const PLACES: usize = 3;
/// How long a page may take to be made.
const WITHIN: Duration = Duration::from_secs(20);
/// How often pages refresh.
const OFTEN: &str = "30s";
/// Objectives that a line of the audit log names.
const NAMED_MAX: usize = 20;

/// What the pages work with.
pub(super) struct PageState {
    desk: Arc<Desk>,
    clock: SharedClock,
    work: WorkPool,
}

impl PageState {
    pub(super) fn new(desk: Arc<Desk>, clock: SharedClock) -> Self {
        Self { desk, clock, work: WorkPool::new(PLACES) }
    }
}

type Shared = State<Arc<PageState>>;

/// Every page with who may look at it.
pub(super) fn routes(state: &Arc<PageState>) -> Routes {
    let (read, edit) = (Policy::READ, Policy::EDIT);
    let with = |method: MethodRouter<Arc<PageState>>| method.with_state(Arc::clone(state));
    Routes::new()
        .route("GET", links::SLOS, read, with(get(list_route)))
        .route("GET", links::SLOS_NEW, read, with(get(new_route)))
        .route("POST", links::SLOS_SAVE, edit, with(post(save)))
        .route("POST", links::SLOS_LOOK, edit, with(post(look)))
        .route("GET", links::SLOS_IMPORT, edit, with(get(import_page)))
        .route("POST", links::SLOS_IMPORT, edit, with(post(import_route)))
        .route("GET", links::SLO, read, with(get(one_route)))
        .route("GET", links::SLO_EDIT, read, with(get(edit_route)))
        .route("POST", links::SLO_DELETE, edit, with(post(delete)))
}

fn shell_at(asked: &Asked, state: &PageState, title: &str, path: &str) -> Shell {
    let mut visit = asked.visit(state.clock.now_ms());
    visit.path = path;
    Shell::new(Page::Slos, title, visit)
}

/// Makes a page on a thread of its own, within the time of pages.
async fn work<T: Send + 'static>(state: &Arc<PageState>, make: impl FnOnce(&PageState) -> T + Send + 'static) -> Result<T, Problem> {
    let (inner, cancel) = (Arc::clone(state), Cancel::new());
    let made = state.work.run(WITHIN, &cancel, move || make(&inner)).await;
    made.map_err(|error| Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).retry_after_s(5))
}

fn unanswered(error: &EvaluateError) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("the figures cannot be read: {error}")).retry_after_s(5)
}

async fn list_route(State(state): Shared, asked: Asked) -> Result<Response, Problem> {
    work(&state, move |state| {
        let shell = shell_at(&asked, state, key("SLOs"), links::SLOS).with_refresh(OFTEN);
        let all = state.desk.all_standings().map_err(|error| unanswered(&error))?;
        let may_change = shell.has_role(Role::Editor);
        let input = ListInput { all, done: asked.param("done"), problem: String::new(), may_change };
        Ok(asked.page(StatusCode::OK, list::render(&input, &shell)))
    })
    .await?
}

fn missing(asked: &Asked, state: &PageState, name: &str) -> Response {
    let shell = shell_at(asked, state, key("SLOs"), links::SLOS);
    let (headline, text) = (shell.t("There is no such SLO"), shell.t("It was deleted, or never was. The list has those of now."));
    asked.page(StatusCode::NOT_FOUND, problem::problem(&shell, 404, headline, text, name))
}

async fn one_route(State(state): Shared, Path(name): Path<String>, asked: Asked) -> Result<Response, Problem> {
    work(&state, move |state| {
        let desk = &state.desk;
        let Some(kept) = desk.find(&name) else { return Ok(missing(&asked, state, &name)) };
        let shell = shell_at(&asked, state, &name, &links::slo(&name)).with_range("now-7d").with_refresh(OFTEN);
        let standings = desk.standings(&kept.slo).map_err(|error| unanswered(&error))?;
        let spent = desk.spent(&kept.slo, &standings).map_err(|error| unanswered(&error))?;
        let days = desk.days(&name, DAYS);
        let days = days.map_err(|error| Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).retry_after_s(5))?;
        let rules = desk.rules(&kept.slo);
        let may_change = shell.has_role(Role::Editor) && kept.stored.file.is_empty();
        let (group, done) = (asked.param("group"), asked.param("done"));
        let input = OneInput { kept, standings, spent, days, rules, group, done, problem: String::new(), may_change };
        Ok(asked.page(StatusCode::OK, one::render(&input, &shell)))
    })
    .await?
}

async fn new_route(State(state): Shared, asked: Asked) -> Result<Response, Problem> {
    let kind = kind_of(&asked.param("kind"));
    // Links from elsewhere may fill fields in.
    let fields = form_urlencoded::parse(asked.query().as_bytes()).into_owned().collect();
    show_form(&state, asked, StatusCode::OK, EditInput { kind, fields, ..EditInput::default() }).await
}

fn kind_of(word: &str) -> String {
    KINDS.iter().map(|(kind, _)| *kind).find(|kind| *kind == word).unwrap_or(KINDS[0].0).to_owned()
}

async fn edit_route(State(state): Shared, Path(name): Path<String>, asked: Asked) -> Result<Response, Problem> {
    let Some(kept) = state.desk.find(&name) else { return Ok(missing(&asked, &state, &name)) };
    if !kept.stored.file.is_empty() {
        // The page says where it is changed.
        return Ok(Redirect::to(&links::slo(&name)).into_response());
    }
    let kind = kept.slo.indicator().map(|indicator| indicator.kind()).unwrap_or_default().to_owned();
    let (fields, slo) = (edit::fields_of(&kept.slo), Some(kept.slo.clone()));
    show_form(&state, asked, StatusCode::OK, EditInput { kind, before: name, fields, slo, ..EditInput::default() }).await
}

async fn show_form(state: &Arc<PageState>, asked: Asked, status: StatusCode, mut input: EditInput) -> Result<Response, Problem> {
    work(state, move |state| {
        let (title, path) = match input.before.as_str() {
            "" => (key("New SLO"), links::SLOS_NEW.to_owned()),
            name => (key("Edit SLO"), links::slo_edit(name)),
        };
        let shell = shell_at(&asked, state, title, &path);
        input.may_change = shell.has_role(Role::Editor);
        asked.page(status, edit::render(&input, &shell))
    })
    .await
}

/// A form as it came.
fn input_of(body: &[u8]) -> EditInput {
    let fields: BTreeMap<String, String> =
        form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n"))).collect();
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    EditInput { kind: kind_of(&field("kind")), before: field("before"), fields, ..EditInput::default() }
}

/// What is wrong, in words: the first that is, without its place.
fn words_of(error: &PutError) -> String {
    match error {
        PutError::Wrong(told) => told.first().map_or_else(String::new, |first| first.message.clone()),
        PutError::Unfit(_) | PutError::InFile(_) | PutError::NotStored(_) => error.to_string(),
    }
}

const fn status_of(error: &PutError) -> StatusCode {
    match error {
        PutError::Wrong(_) | PutError::Unfit(_) | PutError::InFile(_) | PutError::NotStored(NotStored::Taken(_) | NotStored::Full) => {
            StatusCode::BAD_REQUEST
        }
        PutError::NotStored(NotStored::Missing(_)) => StatusCode::NOT_FOUND,
        PutError::NotStored(NotStored::Db(_)) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// `POST /slos/look`: what it would have been over its last period.
async fn look(State(state): Shared, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let mut input = input_of(&body);
    let (kind, fields) = (input.kind.clone(), input.fields.clone());
    let looked = work(&state, move |state| {
        let text = edit::text_of(&kind, &fields)?;
        let slo = state.desk.look(&text).map_err(|error| words_of(&error))?;
        let foretold = state.desk.foretell(&slo).map_err(|error| error.to_string())?;
        Ok::<_, String>((slo, foretold))
    })
    .await?;
    let status = match looked {
        Ok((slo, foretold)) => {
            (input.slo, input.foretold) = (Some(slo), Some(foretold));
            StatusCode::OK
        }
        Err(why) => {
            input.problem = why;
            StatusCode::BAD_REQUEST
        }
    };
    show_form(&state, asked, status, input).await
}

/// `POST /slos/save`: the fields of the form.
async fn save(State(state): Shared, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let mut input = input_of(&body);
    let text = match edit::text_of(&input.kind, &input.fields) {
        Ok(text) => text,
        Err(problem) => return show_form(&state, asked, StatusCode::BAD_REQUEST, EditInput { problem, ..input }).await,
    };
    let before = Some(input.before.as_str()).filter(|name| !name.is_empty());
    let was = before.and_then(|name| state.desk.find(name));
    match state.desk.put(before, &text, &asked.caller.actor()).await {
        Ok(kept) => {
            let done = if was.is_some() { "saved" } else { "made" };
            let change = Change::new("slos.save", &kept.slo.name).before(was.map(|was| shown(&was.slo))).after(shown(&kept.slo));
            Ok(change.in_answer(Redirect::to(&links::with(&links::slo(&kept.slo.name), &[("done", done)])).into_response()))
        }
        Err(error) => {
            input.problem = words_of(&error);
            show_form(&state, asked, status_of(&error), input).await
        }
    }
}

/// `POST /slos/{name}/delete`.
async fn delete(State(state): Shared, Path(name): Path<String>, asked: Asked) -> Result<Response, Problem> {
    let Some(was) = state.desk.find(&name) else { return Ok(missing(&asked, &state, &name)) };
    match state.desk.delete(&name).await {
        Ok(()) => {
            let answer = Redirect::to(&links::with(links::SLOS, &[("done", "deleted")])).into_response();
            Ok(Change::new("slos.delete", name).before(shown(&was.slo)).in_answer(answer))
        }
        Err(error) => Err(Problem::new(status_of(&error), error.to_string())),
    }
}

/// `GET /slos/import`.
async fn import_page(State(state): Shared, asked: Asked) -> Result<Response, Problem> {
    show_import(&state, asked, StatusCode::OK, ImportInput::default()).await
}

async fn show_import(state: &Arc<PageState>, asked: Asked, status: StatusCode, mut input: ImportInput) -> Result<Response, Problem> {
    work(state, move |state| {
        let shell = shell_at(&asked, state, key("Import SLOs"), links::SLOS_IMPORT);
        input.may_change = shell.has_role(Role::Editor);
        asked.page(status, import::render(&input, &shell))
    })
    .await
}

/// `POST /slos/import`: a form with `text` and `step` (`look` or `save`).
async fn import_route(State(state): Shared, asked: Asked, body: Body) -> Result<Response, Problem> {
    let body = read_body(body, 2 * FILE_BYTES_MAX).await?;
    let (text, is_sure) = (field(&body, "text"), field(&body, "step") == "save");
    let given = text.clone();
    let looked = work(&state, move |state| {
        let brought = bring::read(&given)?;
        let slos = looked_at(&state.desk, &brought);
        Ok::<_, String>((brought, slos))
    });
    let (brought, mut slos) = match looked.await? {
        Ok(looked) => looked,
        Err(problem) => {
            return show_import(&state, asked, StatusCode::BAD_REQUEST, ImportInput { text, problem, ..ImportInput::default() }).await;
        }
    };
    let source = brought.sources.join(", ");
    let mut kept: Vec<String> = Vec::new();
    if is_sure {
        for (looked, slo) in slos.iter_mut().zip(&brought.slos).filter(|(looked, _)| looked.fate == Fate::New) {
            match state.desk.put(None, &slo.definition(), &asked.caller.actor()).await {
                Ok(_) => {
                    kept.push(looked.name.clone());
                    looked.fate = Fate::There;
                }
                Err(error) => looked.fate = Fate::Wrong(words_of(&error)),
            }
        }
    }
    let named: Vec<&String> = kept.iter().take(NAMED_MAX).collect();
    let change = Change::new("slos.import", &source).after(json!({ "slos": named, "count": kept.len() }));
    let is_whole = !slos.iter().any(|slo| matches!(slo.fate, Fate::Wrong(_)));
    let answer = if is_whole && !kept.is_empty() && brought.notes.is_empty() {
        Redirect::to(&links::with(links::SLOS, &[("done", "brought")])).into_response()
    } else {
        let input = ImportInput { text, source, slos, notes: brought.notes, ..ImportInput::default() };
        show_import(&state, asked, StatusCode::OK, input).await?
    };
    Ok(if kept.is_empty() { answer } else { change.in_answer(answer) })
}

/// What is to become of each.
fn looked_at(desk: &Desk, brought: &Brought) -> Vec<Looked> {
    let fate = |slo: &crate::slo::config::Slo| {
        if desk.find(&slo.name).is_some() {
            return Fate::There;
        }
        desk.look(&slo.definition()).map_or_else(|error| Fate::Wrong(words_of(&error)), |_| Fate::New)
    };
    let one = |slo: &crate::slo::config::Slo| Looked {
        name: slo.name.clone(),
        objective: slo.objective.to_string(),
        window: slo.period().to_string(),
        fate: fate(slo),
    };
    brought.slos.iter().map(one).collect()
}
