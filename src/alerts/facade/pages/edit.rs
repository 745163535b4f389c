//! Writing rules: the forms that check, replay, keep and forget a file of rules.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde_json::json;

use super::{PageState, shell_at, work};
use crate::access::{Change, Role};
use crate::alerts::api::saved_change;
use crate::alerts::model::{Group, Kind, Language, Rule};
use crate::alerts::pages::edit::{self, EditInput, Given, RANGES, Replayed, Tried};
use crate::alerts::rules::own::OwnError;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::links;

/// Rules that are tried at once.
const RULES_MAX: usize = 50;
const DAY: i64 = 86_400_000;
/// Points of a picture.
const POINTS: i64 = 360;

/// The fields of the form.
struct Draft {
    name: String,
    text: String,
    days: i64,
    is_replay: bool,
}

impl Draft {
    fn read(body: &[u8]) -> Self {
        let field = |wanted: &str| form_urlencoded::parse(body).find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned());
        let days = field("days").and_then(|days| days.parse().ok()).filter(|days| RANGES.iter().any(|(known, _)| known == days));
        Self {
            name: field("name").unwrap_or_default().trim().to_owned(),
            // Forms end lines in two characters.
            text: field("text").unwrap_or_default().replace("\r\n", "\n"),
            days: days.unwrap_or(30),
            is_replay: field("do").is_some_and(|what| what == "replay"),
        }
    }
}

const fn status_of(error: &OwnError) -> StatusCode {
    match error {
        OwnError::Name(_) | OwnError::Wrong(_) => StatusCode::BAD_REQUEST,
        OwnError::Missing(_) => StatusCode::NOT_FOUND,
        OwnError::TooMuch(_) => StatusCode::CONFLICT,
        OwnError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// `GET /alerts/rules/edit`: `file` opens one that is kept; `q` begins a new one with an expression, of LogQL with
/// `lang=logql`, as pages of logs write it, or `type=logs`, as files do.
pub(super) async fn page(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let is_logql = asked.param("type") == Language::LogQl.as_str() || asked.param("lang") == "logql";
    let language = if is_logql { Language::LogQl } else { Language::PromQl };
    let text = edit::new_text(&asked.param("q"), language);
    let input = EditInput { name: asked.param("file"), text, days: 30, done: asked.param("done"), ..EditInput::default() };
    show(&state, asked, StatusCode::OK, input).await
}

async fn show(state: &Arc<PageState>, asked: Asked, status: StatusCode, mut input: EditInput) -> Result<Response, Problem> {
    let is_opened = status == StatusCode::OK && matches!(input.tried, Tried::Nothing);
    work(state, move |state, _| {
        let shell = shell_at(&asked, state, key("Rules"), links::ALERTS_EDIT);
        input.may_change = shell.has_role(Role::Editor);
        match state.own.files() {
            Ok(files) => input.files = files,
            Err(error) => input.problem = error.to_string(),
        }
        // Opened by its name: the text is what is kept.
        if is_opened && let Some(file) = input.files.iter().find(|file| file.name == input.name) {
            input.text.clone_from(&file.text);
            if !file.problems.is_empty() {
                input.tried = Tried::Wrong(file.problems.clone());
            }
        }
        asked.page(status, edit::render(&input, &shell))
    })
    .await
}

/// `POST /alerts/rules/try`: `name`, `text`, `days`, `do` (`check` or `replay`). Changes nothing.
pub(super) async fn attempt(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let draft = Draft::read(&body);
    let tried = tried(&state, &draft).await?;
    let status = if matches!(tried, Tried::Wrong(_)) { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let Draft { name, text, days, .. } = draft;
    show(&state, asked, status, EditInput { name, text, days, tried, ..EditInput::default() }).await
}

async fn tried(state: &Arc<PageState>, draft: &Draft) -> Result<Tried, Problem> {
    let text = draft.text.clone();
    let checked = work(state, move |state, _| state.own.check("draft", &text)).await?;
    let groups = match checked {
        Ok((groups, _)) => groups,
        Err(problems) => return Ok(Tried::Wrong(problems)),
    };
    let (mut given, mut replayed) = (Vec::new(), Vec::new());
    for group in &groups {
        for rule in &group.rules {
            if given.len() + replayed.len() >= RULES_MAX {
                break;
            }
            if !draft.is_replay {
                let outcome = state.desk.preview(group.language, &rule.expr).await.map_err(|error| error.to_string());
                given.push(Given { rule: rule.name.clone(), outcome });
            } else if matches!(rule.kind, Kind::Alerting(_)) {
                replayed.push(replay(state, group, rule, draft.days).await);
            }
        }
    }
    Ok(if draft.is_replay { Tried::Replayed(replayed) } else { Tried::Given(given) })
}

async fn replay(state: &PageState, group: &Group, rule: &Rule, days: i64) -> Replayed {
    let to = state.desk.now();
    let from = to - days * DAY;
    let compared = (state.read_query)(group.language, &rule.expr).ok().and_then(|shape| shape.compared);
    let left = compared.as_ref().map_or(rule.expr.as_str(), |compared| compared.left.as_str());
    let step = (to - from) / POINTS;
    let series = state.desk.series(group.language, left, (from, to), step).await.unwrap_or_default();
    let outcome = state.desk.replay(group, rule, from, to).await.map_err(|error| error.to_string());
    Replayed { rule: rule.name.clone(), expr: (rule.expr.clone(), group.language), compared, series: (series, step), outcome }
}

/// `POST /alerts/rules/save`: `name`, `text`.
pub(super) async fn save(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let Draft { name, text, days, .. } = Draft::read(&body);
    match state.own.save(&name, &text, &asked.caller.actor()).await {
        Ok(before) => {
            let to = links::with(links::ALERTS_EDIT, &[("file", &name), ("done", "saved")]);
            Ok(saved_change(&name, before.as_ref(), &text).in_answer(Redirect::to(&to).into_response()))
        }
        Err(error) => {
            let status = status_of(&error);
            let (tried, problem) = match error {
                OwnError::Wrong(problems) => (Tried::Wrong(problems), String::new()),
                other => (Tried::Nothing, other.to_string()),
            };
            show(&state, asked, status, EditInput { name, text, days, tried, problem, ..EditInput::default() }).await
        }
    }
}

/// `POST /alerts/rules/delete`: `name`.
pub(super) async fn delete(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let Draft { name, .. } = Draft::read(&body);
    match state.own.delete(&name).await {
        Ok(before) => {
            let change = Change::new("rules.delete", name).before(before.map(|before| json!({ "text": before.text })));
            Ok(change.in_answer(Redirect::to(&links::with(links::ALERTS_EDIT, &[("done", "deleted")])).into_response()))
        }
        Err(error) => {
            let (status, problem) = (status_of(&error), error.to_string());
            let text = edit::new_text("", Language::PromQl);
            show(&state, asked, status, EditInput { text, days: 30, problem, ..EditInput::default() }).await
        }
    }
}
