//! The form of a KPI, and the KPIs that are ready to be made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::json;

use super::{PageState, field, status_of, with};
use crate::access::{Change, Policy, Role, Routes};
use crate::base::location::Location;
use crate::business::api::kpis::logged;
use crate::business::ask::Asked as Question;
use crate::business::collect::desk::{Known, PutError};
use crate::business::config::kpi::{Kpi, Source, read_one};
use crate::business::pages::edit::{self, EditInput, Looked};
use crate::business::pages::figure::Figures;
use crate::business::pages::ready::{self, ReadyInput};
use crate::business::ready::{Ready, all, with_parts};
use crate::business::store::NotStored;
use crate::platform::http::problem::Problem;
use crate::ui::asked::{Asked, shell_at, work};
use crate::ui::lang::key;
use crate::ui::links;

/// Periods that a look shows.
const LOOK_PERIODS: i64 = 8;
/// For how long back it is asked whether a metric was seen.
const SEEN_MS: i64 = 86_400_000;

pub(super) fn routes(state: &Arc<PageState>) -> Routes {
    let (read, edit) = (Policy::READ, Policy::EDIT);
    Routes::new()
        .route("GET", links::KPI_EDIT, read, with(get(edit_route), state))
        .route("POST", links::KPI_SAVE, edit, with(post(save), state))
        .route("POST", links::KPI_LOOK, edit, with(post(look), state))
        .route("GET", links::KPI_READY, read, with(get(ready_route), state))
        .route("POST", links::KPI_READY, edit, with(post(take), state))
}

type Shared = State<Arc<PageState>>;

/// `GET /business/edit?id=|ready=`; other parameters fill in fields.
async fn edit_route(State(state): Shared, asked: Asked) -> Result<Response, Problem> {
    let mut fields: BTreeMap<String, String> = form_urlencoded::parse(asked.query().as_bytes()).into_owned().collect();
    let known = fields.remove("id").and_then(|id| state.wing.desk.get(id.parse().ok()?));
    let wanted = fields.remove("ready").unwrap_or_default();
    let ready = ready_kpis()?.into_iter().find(|ready| ready.kpi.name == wanted);
    let input = match (known, ready) {
        (Some(known), _) => {
            EditInput { id: known.id, file: known.file.clone(), fields: edit::fields_of(&known.kpi), ..EditInput::default() }
        }
        (None, Some(ready)) => EditInput { fields: edit::fields_of(&ready.kpi), send: ready.send, ..EditInput::default() },
        (None, None) => EditInput { fields, ..EditInput::default() },
    };
    show_form(&state, asked, StatusCode::OK, input).await
}

fn ready_kpis() -> Result<Vec<Ready>, Problem> {
    all().map_err(|why| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, PutError::Wrong(why).to_string()))
}

async fn show_form(state: &Arc<PageState>, asked: Asked, status: StatusCode, mut input: EditInput) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let title = if input.id == 0 { key("New KPI") } else { key("Edit KPI") };
        let shell = shell_at(&asked, state, title, links::KPI_EDIT);
        input.may_change = shell.has_role(Role::Editor);
        input.names = state.wing.desk.all().iter().filter(|known| known.id != input.id).map(|known| known.kpi.name.clone()).collect();
        asked.page(status, edit::render(&input, &shell))
    })
    .await
}

/// A form as it came.
fn input_of(body: &[u8]) -> EditInput {
    let fields: BTreeMap<String, String> =
        form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n"))).collect();
    let id = fields.get("id").and_then(|id| id.parse().ok()).unwrap_or(0);
    EditInput { id, fields, ..EditInput::default() }
}

/// What is wrong, by field.
fn wrong_of(text: &str, error: &PutError, fields: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let kind = fields.get("kind").map(String::as_str).unwrap_or_default();
    match error {
        PutError::Wrong(told) => edit::wrong_of(text, told, kind),
        PutError::NotStored(NotStored::Taken(_)) => vec![("name".to_owned(), error.to_string())],
        PutError::Unfit(_) | PutError::InFile(_) | PutError::NotStored(_) => vec![(String::new(), error.to_string())],
    }
}

fn before_of(state: &PageState, input: &EditInput) -> Option<Arc<Known>> {
    state.wing.desk.get(input.id)
}

/// `POST /business/look`: what it would have been in its last periods; nothing is kept.
async fn look(State(state): Shared, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let mut input = input_of(&body);
    let text = edit::text_of(&input.fields);
    let id = before_of(&state, &input).map(|known| known.id);
    let status = match state.wing.desk.look(id, &text) {
        Ok(kpi) => {
            input.looked = Some(looked(&state, &kpi).await);
            StatusCode::OK
        }
        Err(error) => {
            input.wrong = wrong_of(&text, &error, &input.fields);
            status_of(&error)
        }
    };
    show_form(&state, asked, status, input).await
}

async fn looked(state: &PageState, kpi: &Kpi) -> Looked {
    let is_pushed = matches!(kpi.source(), Some(Source::Pushed(_)));
    let found = if is_pushed { Ok(Vec::new()) } else { state.wing.collector.try_past(kpi, LOOK_PERIODS).await };
    let (values, trouble) = match found {
        Ok(values) => (values, String::new()),
        Err(error) => (Vec::new(), error.to_string()),
    };
    Looked { values, figures: Figures::of(kpi), trouble, is_pushed }
}

/// `POST /business/save`: the fields of the form.
async fn save(State(state): Shared, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let mut input = input_of(&body);
    let text = edit::text_of(&input.fields);
    let was = before_of(&state, &input);
    match state.wing.collector.put(Some(input.id).filter(|id| *id != 0), &text).await {
        Ok(id) => {
            let known = state.wing.desk.get(id);
            let name = known.as_ref().map(|known| known.kpi.name.clone()).unwrap_or_default();
            let change = Change::new("kpis.save", name).before(was.as_deref().map(logged)).after(known.as_deref().map(logged));
            let done = if was.is_some() { "saved" } else { "made" };
            Ok(change.in_answer(Redirect::to(&links::with(&links::kpi(id), &[("done", done)])).into_response()))
        }
        Err(error) => {
            input.wrong = wrong_of(&text, &error, &input.fields);
            show_form(&state, asked, status_of(&error), input).await
        }
    }
}

async fn ready_route(State(state): Shared, asked: Asked) -> Result<Response, Problem> {
    show_ready(&state, asked, StatusCode::OK, String::new()).await
}

async fn show_ready(state: &Arc<PageState>, asked: Asked, status: StatusCode, problem: String) -> Result<Response, Problem> {
    let ready = ready_kpis()?;
    let seen = seen(state, &ready).await;
    work(state, move |state, _| {
        let shell = shell_at(&asked, state, key("Ready KPIs"), links::KPI_READY);
        let made = state.wing.desk.all().iter().map(|known| (known.kpi.name.to_lowercase(), known.id)).collect();
        let may_change = shell.has_role(Role::Editor);
        asked.page(status, ready::render(&ReadyInput { ready, made, seen, problem, may_change }, &shell))
    })
    .await
}

/// Which of the metrics that ready KPIs need were seen lately; none where nobody knows.
async fn seen(state: &PageState, ready: &[Ready]) -> Option<BTreeSet<String>> {
    let names: BTreeSet<&str> =
        ready.iter().flat_map(|ready| &ready.needs).map(String::as_str).filter(|need| ready::is_metric(need)).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let query = format!("count by ($segment) (last_over_time({{__name__=~\"{}\"}}[$period]))", names.join("|"));
    let kpi = read_one(&format!("{{name: seen, segments: [__name__], promql: {{query: {query:?}}}}}")).ok()?;
    let now = state.wing.clock.now_ms();
    let question = Question { kpi: &kpi, within: now - SEEN_MS..now, label: Some("__name__"), location: Location::Utc };
    let found = state.wing.collector.ask().ask(question).await.ok()?;
    Some(found.into_iter().map(|(name, _)| name).collect())
}

/// `POST /business/ready`: makes the ready KPI `name`, with those of which it is made.
async fn take(State(state): Shared, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let (ready, name) = (ready_kpis()?, field(&body, "name"));
    let wanted = match with_parts(&ready, std::slice::from_ref(&name)) {
        Ok(wanted) => wanted,
        Err(why) => return show_ready(&state, asked, StatusCode::BAD_REQUEST, why).await,
    };
    let (desk, mut made) = (&state.wing.desk, Vec::new());
    for one in wanted.into_iter().filter(|one| desk.find(&one.kpi.name).is_none()) {
        match state.wing.collector.put(None, &one.kpi.text()).await {
            Ok(_) => made.push(one.kpi.name.clone()),
            Err(error) => return show_ready(&state, asked, status_of(&error), error.to_string()).await,
        }
    }
    let id = desk.find(&name).map_or(0, |known| known.id);
    let answer = Redirect::to(&links::with(&links::kpi(id), &[("done", "made")])).into_response();
    let change = Change::new("kpis.templates", made.join(", ")).after(json!({ "names": made }));
    Ok(if made.is_empty() { answer } else { change.in_answer(answer) })
}
