//! Funnels and retentions: the list, the forms, and how each stands.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::StatusCode;
use serde_json::json;

use super::digests::{Form, status_of, words_of};
use super::{PageState, unread, with};
use crate::access::{Change, Policy, Role, Routes};
use crate::base::period::{Grain, Period};
use crate::business::collect::desk::PutError;
use crate::business::config::file::{Funnel, Retention};
use crate::business::config::kpi::Source;
use crate::business::model::funnel::Step;
use crate::business::outlook;
use crate::business::pages::figure::Figures;
use crate::business::pages::funnel::{self, FunnelInput, GRAINS, StepInput};
use crate::business::pages::people::{self, FunnelEdit, PeopleInput, RetentionEdit};
use crate::business::pages::retention::{self, RetentionInput};
use crate::business::store::{Kind, NotStored};
use crate::platform::db::DbError;
use crate::platform::http::download::file;
use crate::platform::http::problem::Problem;
use crate::ui::asked::{Asked, Pages, shell_at, work};
use crate::ui::lang::key;
use crate::ui::{links, problem};

type Shared = State<Arc<PageState>>;

pub(super) fn routes(state: &Arc<PageState>) -> Routes {
    let (read, edit) = (Policy::READ, Policy::EDIT);
    Routes::new()
        .route("GET", links::BUSINESS_PEOPLE, read, with(get(list), state))
        .route("POST", links::BUSINESS_PEOPLE, edit, with(axum::routing::post(delete), state))
        .route("GET", links::FUNNEL_EDIT, read, with(get(funnel_form), state))
        .route("POST", links::FUNNEL_EDIT, edit, with(axum::routing::post(save_funnel), state))
        .route("GET", links::RETENTION_EDIT, read, with(get(retention_form), state))
        .route("POST", links::RETENTION_EDIT, edit, with(axum::routing::post(save_retention), state))
        .route("GET", links::FUNNEL, read, with(get(funnel_route), state))
        .route("GET", links::RETENTION, read, with(get(retention_route), state))
}

fn is(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

async fn list(State(state): Shared, asked: Asked) -> Result<Response, Problem> {
    show_list(&state, asked, StatusCode::OK, String::new()).await
}

async fn show_list(state: &Arc<PageState>, asked: Asked, status: StatusCode, problem: String) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let shell = shell_at(&asked, state, key("Funnels and retention"), links::BUSINESS_PEOPLE);
        let desk = &state.wing.desk;
        let input = PeopleInput {
            funnels: desk.funnels().map_err(|error| unread(&error))?,
            retentions: desk.retentions().map_err(|error| unread(&error))?,
            done: asked.param("done"),
            problem,
            may_change: shell.has_role(Role::Editor),
        };
        Ok(asked.page(status, people::render(&input, &shell)))
    })
    .await?
}

fn missing(asked: &Asked, state: &PageState, name: &str) -> Response {
    let shell = shell_at(asked, state, key("Funnels and retention"), links::BUSINESS_PEOPLE);
    let (headline, text) = (shell.t("There is none of this name"), shell.t("It was deleted, or never was. The list has those of now."));
    asked.page(StatusCode::NOT_FOUND, problem::problem(&shell, 404, headline, text, name))
}

async fn find_funnel(state: &Arc<PageState>, name: &str) -> Result<Option<(Funnel, String)>, Problem> {
    let name = name.to_owned();
    work(state, move |state, _| {
        let all = state.wing.desk.funnels().map_err(|error| unread(&error))?;
        Ok(all.into_iter().find(|(funnel, _)| is(&funnel.name, &name)))
    })
    .await?
}

async fn find_retention(state: &Arc<PageState>, name: &str) -> Result<Option<(Retention, String)>, Problem> {
    let name = name.to_owned();
    work(state, move |state, _| {
        let all = state.wing.desk.retentions().map_err(|error| unread(&error))?;
        Ok(all.into_iter().find(|(retention, _)| is(&retention.name, &name)))
    })
    .await?
}

/// `POST /business/people`: deletes the funnel or retention (`kind`) of a `name`.
async fn delete(State(state): Shared, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let form = Form::new(&body);
    let (kind, name) = (if form.get("kind") == Kind::Funnel.as_str() { Kind::Funnel } else { Kind::Retention }, form.get("name"));
    match state.wing.desk.delete_other(kind, name).await {
        Ok(false) => Ok(missing(&asked, &state, name)),
        Ok(true) => {
            let answer = Redirect::to(&links::with(links::BUSINESS_PEOPLE, &[("done", "deleted")])).into_response();
            let word = if kind == Kind::Funnel { "funnels.delete" } else { "retentions.delete" };
            Ok(Change::new(word, name).in_answer(answer))
        }
        Err(error) => show_list(&state, asked, status_of(&error), words_of(&error)).await,
    }
}

/// Keeps one, instead of the one that is called `before`.
async fn put(state: &Arc<PageState>, kind: Kind, (before, name): (&str, &str), text: &str) -> Result<(), PutError> {
    let desk = &state.wing.desk;
    let is_renamed = !is(before, name);
    let stored = state.wing.store.others(kind)?;
    if is_renamed && stored.iter().any(|other| is(&other.name, name)) {
        return Err(NotStored::Taken(name.to_owned()).into());
    }
    desk.put_other(kind, text).await?;
    if is_renamed && !before.is_empty() {
        desk.delete_other(kind, before).await?;
    }
    Ok(())
}

async fn funnel_form(State(state): Shared, asked: Asked) -> Result<Response, Problem> {
    let name = asked.param("name");
    if name.is_empty() {
        return show_funnel_form(&state, asked, StatusCode::OK, FunnelEdit::default()).await;
    }
    match find_funnel(&state, &name).await? {
        Some((funnel, _)) => {
            show_funnel_form(&state, asked, StatusCode::OK, FunnelEdit { before: name, funnel, ..FunnelEdit::default() }).await
        }
        None => Ok(missing(&asked, &state, &name)),
    }
}

async fn show_funnel_form(state: &Arc<PageState>, asked: Asked, status: StatusCode, mut input: FunnelEdit) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let title = if input.before.is_empty() { key("New funnel") } else { key("Edit funnel") };
        let shell = shell_at(&asked, state, title, &links::with(links::FUNNEL_EDIT, &[("name", &input.before)]));
        input.kpis = state.wing.desk.all().iter().map(|known| known.kpi.name.clone()).collect();
        input.may_change = shell.has_role(Role::Editor);
        asked.page(status, people::render_funnel(&input, &shell))
    })
    .await
}

/// `POST /business/people/funnel`: the fields of the form.
async fn save_funnel(State(state): Shared, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let form = Form::new(&body);
    let funnel = Funnel { name: form.get("name").to_owned(), description: form.get("description").to_owned(), steps: form.all("step") };
    let (before, text) = (form.get("before").to_owned(), funnel.text());
    match put(&state, Kind::Funnel, (&before, &funnel.name), &text).await {
        Ok(()) => {
            let answer = Redirect::to(&links::with(&links::funnel(&funnel.name), &[("done", "saved")])).into_response();
            Ok(Change::new("funnels.save", &funnel.name).after(json!({ "definition": text })).in_answer(answer))
        }
        Err(error) => {
            let problem = words_of(&error);
            show_funnel_form(&state, asked, status_of(&error), FunnelEdit { before, funnel, problem, ..FunnelEdit::default() }).await
        }
    }
}

async fn retention_form(State(state): Shared, asked: Asked) -> Result<Response, Problem> {
    let name = asked.param("name");
    if name.is_empty() {
        return show_retention_form(&state, asked, StatusCode::OK, RetentionEdit::default()).await;
    }
    match find_retention(&state, &name).await? {
        Some((retention, _)) => {
            show_retention_form(&state, asked, StatusCode::OK, RetentionEdit { before: name, retention, ..RetentionEdit::default() }).await
        }
        None => Ok(missing(&asked, &state, &name)),
    }
}

async fn show_retention_form(
    state: &Arc<PageState>,
    asked: Asked,
    status: StatusCode,
    mut input: RetentionEdit,
) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let title = if input.before.is_empty() { key("New retention") } else { key("Edit retention") };
        let shell = shell_at(&asked, state, title, &links::with(links::RETENTION_EDIT, &[("name", &input.before)]));
        let all = state.wing.desk.all();
        let with_database = all.iter().filter(|known| matches!(known.kpi.source(), Some(Source::Sql(_))));
        input.databases = with_database.map(|known| known.kpi.name.clone()).collect();
        input.kpis = all.iter().map(|known| known.kpi.name.clone()).collect();
        input.may_change = shell.has_role(Role::Editor);
        asked.page(status, people::render_retention(&input, &shell))
    })
    .await
}

/// `POST /business/people/retention`: the fields of the form.
async fn save_retention(State(state): Shared, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let form = Form::new(&body);
    let text_of = |name: &str| form.get(name).to_owned();
    let retention = Retention {
        name: text_of("name"),
        description: text_of("description"),
        promql: text_of("promql"),
        database_of: text_of("database_of"),
        sql: text_of("sql"),
        kpi: text_of("kpi"),
    };
    let (before, text) = (text_of("before"), retention.text());
    match put(&state, Kind::Retention, (&before, &retention.name), &text).await {
        Ok(()) => {
            let answer = Redirect::to(&links::with(&links::retention(&retention.name), &[("done", "saved")])).into_response();
            Ok(Change::new("retentions.save", &retention.name).after(json!({ "definition": text })).in_answer(answer))
        }
        Err(error) => {
            let problem = words_of(&error);
            let input = RetentionEdit { before, retention, problem, ..RetentionEdit::default() };
            show_retention_form(&state, asked, status_of(&error), input).await
        }
    }
}

/// What was done, in words.
fn done(asked: &Asked) -> String {
    if asked.param("done") == "saved" { key("It is saved.").to_owned() } else { String::new() }
}

/// The period that was asked for: `period`, or the one of a length (`by`) that goes on; and that.
fn period_of(state: &PageState, asked: &Asked) -> Option<(Period, Period)> {
    let given = Period::parse(&asked.param("period")).filter(|period| period.grain() != Grain::Hour);
    let by = GRAINS.iter().map(|(grain, _)| *grain).find(|grain| grain.as_str() == asked.param("by")).unwrap_or(Grain::Month);
    let current = state.wing.desk.calendar().period(given.map_or(by, Period::grain), state.now_ms())?;
    Some((given.unwrap_or(current).min(current), current))
}

/// `GET /business/funnels/{name}`: `period` or `by`.
async fn funnel_route(State(state): Shared, Path(name): Path<String>, asked: Asked) -> Result<Response, Problem> {
    let Some((funnel, file)) = find_funnel(&state, &name).await? else { return Ok(missing(&asked, &state, &name)) };
    work(&state, move |state, _| {
        let shell = shell_at(&asked, state, &funnel.name, &links::funnel(&funnel.name));
        let (period, current) = period_of(state, &asked).ok_or_else(|| Problem::bad_request("the calendar ends before".to_owned()))?;
        let asked_for = asked.param("period");
        let is_odd = !asked_for.is_empty() && Period::parse(&asked_for).is_none();
        let problem =
            if is_odd { shell.t("Expected a period such as 2026-11, 2026-W47, 2026-Q4 or 2026.").to_owned() } else { String::new() };
        let steps = steps(state, &funnel, period).map_err(|error| unread(&error))?;
        let input = FunnelInput {
            name: funnel.name,
            description: funnel.description,
            file,
            period,
            is_running: period == current,
            steps,
            done: done(&asked),
            problem,
            may_change: shell.has_role(Role::Editor),
        };
        let status = if is_odd { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        Ok(asked.page(status, funnel::render(&input, &shell)))
    })
    .await?
}

fn steps(state: &PageState, funnel: &Funnel, period: Period) -> Result<Vec<StepInput>, DbError> {
    let (store, desk) = (&state.wing.store, &state.wing.desk);
    let now = outlook::funnel(store, desk, funnel, period)?;
    let before = outlook::funnel(store, desk, funnel, period.before())?;
    let step = |((name, now), (_, before)): ((String, Step), (String, Step))| {
        let known = desk.find(&name);
        let figures = known.as_ref().map(|known| Figures::of(&known.kpi)).unwrap_or_default();
        let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| figures.show(value));
        StepInput {
            id: known.as_ref().map(|known| known.id),
            value: shown(now.value),
            value_before: shown(before.value),
            name,
            now,
            before,
        }
    };
    Ok(now.steps.into_iter().zip(before.steps).map(step).collect())
}

/// `GET /business/retentions/{name}`: as a page, or with `format=csv` as a file.
async fn retention_route(State(state): Shared, Path(name): Path<String>, asked: Asked) -> Result<Response, Problem> {
    let Some((retention, from)) = find_retention(&state, &name).await? else { return Ok(missing(&asked, &state, &name)) };
    let wing = &state.wing;
    let found = outlook::cohorts(&wing.desk, wing.collector.ask().as_ref(), &retention, state.now_ms()).await;
    let found = found.map_err(|error| error.to_string());
    if asked.param("format") == "csv" {
        let cohorts = found.map_err(|why| Problem::new(StatusCode::BAD_GATEWAY, why))?;
        return Ok(file(retention::table(&cohorts), "text/csv; charset=utf-8", "retention.csv"));
    }
    work(&state, move |state, _| {
        let shell = shell_at(&asked, state, &retention.name, &links::retention(&retention.name));
        let (table, problem) = match found {
            Ok(table) => (table, String::new()),
            Err(why) => (Vec::new(), why),
        };
        let input = RetentionInput {
            name: retention.name,
            description: retention.description,
            explains: state.wing.desk.find(&retention.kpi).map(|known| (known.kpi.name.clone(), links::kpi(known.id))),
            file: from,
            table,
            problem,
            done: done(&asked),
            may_change: shell.has_role(Role::Editor),
        };
        asked.page(StatusCode::OK, retention::render(&input, &shell))
    })
    .await
}
