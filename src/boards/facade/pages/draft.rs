//! Dashboards that are being made or changed: the page of a draft, and how its JSON is understood.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{Request, Uri, header};
use serde_json::{Value, json};

use super::board::{Named, Seen, ranged, resolved, show};
use super::{PageState, beside, shell_of};
use crate::boards::api::report_of;
use crate::boards::model::{BOARD_BYTES_MAX, Board, slug};
use crate::boards::pages::board::NEW;
use crate::boards::query::{Choice, Offered};
use crate::platform::http::extract::read_body;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::links;
use crate::ui::units::CATEGORIES;

/// The range of a new dashboard.
const NEW_FROM: &str = "now-6h";
/// How drafts are seen.
const SEEN: Seen = Seen { is_edited: true, is_changed_here: false };
/// Most choices of a variable that are shown to those who change it.
const LISTED_MAX: usize = 200;

/// `GET /d/new`: an empty dashboard, to be changed.
pub(super) async fn new(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let title = shell_of(&asked, &state, "").lang().t("New dashboard").to_owned();
    let board = Board { title, from: NEW_FROM.to_owned(), to: "now".to_owned(), is_editable: true, ..Board::default() };
    show(&state, &asked, &Arc::new(board), SEEN).await
}

/// `POST /ui/boards/{uid}/draft`: the page of the dashboard that is the body.
pub(super) async fn page(
    State(state): State<Arc<PageState>>,
    Path(named): Path<Named>,
    mut asked: Asked,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let board = given(named, request).await?;
    asked.uri = seen_at(&board, asked.query());
    show(&state, &asked, &board, SEEN).await
}

/// Where a draft is seen: links on its page lead there, not to where it was fetched.
fn seen_at(board: &Board, query: &str) -> Uri {
    let path = if board.uid.is_empty() { links::BOARDS_NEW.to_owned() } else { links::board(&board.uid, &slug(&board.title)) };
    format!("{path}?{query}").parse().unwrap_or_default()
}

/// `POST /ui/boards/{uid}/variables`: what each variable of the dashboard that is the body offers, in their order:
/// `[{"name","choices":[[text,value],…],"more","chosen":[text,…],"all","error"},…]`.
pub(super) async fn variables(
    State(state): State<Arc<PageState>>,
    Path(named): Path<Named>,
    asked: Asked,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let board = given(named, request).await?;
    let shell = ranged(shell_of(&asked, &state, ""), &board);
    let (resolved, _) = resolved(&state, &asked, &board, &shell).await?;
    Ok(axum::Json(resolved.variables.iter().map(offered).collect::<Vec<_>>()).into_response())
}

fn offered(one: &Offered) -> Value {
    let pair = |choice: &Choice| json!([choice.text, choice.value]);
    json!({
        "name": one.variable.name,
        "choices": one.choices.iter().take(LISTED_MAX).map(pair).collect::<Vec<_>>(),
        "more": one.choices.len().saturating_sub(LISTED_MAX),
        "chosen": one.chosen.iter().take(LISTED_MAX).map(|choice| choice.text.as_str()).collect::<Vec<_>>(),
        "all": one.is_all,
        "error": one.error,
    })
}

/// The dashboard in a body, under the uid of the path.
async fn given(named: Named, request: Request<Body>) -> Result<Arc<Board>, Problem> {
    let body = read_body(request.into_body(), BOARD_BYTES_MAX).await?;
    let read = beside(move || {
        let json: Value = serde_json::from_slice(&body).map_err(|error| format!("the body is no JSON: {error}"))?;
        Board::read(&json).map(|(board, _)| board)
    });
    let mut board = read.await?.map_err(Problem::bad_request)?;
    board.uid = if named.uid == NEW { String::new() } else { named.uid };
    Ok(Arc::new(board))
}

/// `POST /ui/boards/check`: `{"report"}` of the dashboard that is the body, or `{"error":{"text","line","column"}}`.
pub(super) async fn check(request: Request<Body>) -> Result<Response, Problem> {
    let body = read_body(request.into_body(), BOARD_BYTES_MAX).await?;
    let answer = beside(move || {
        let json: Value = match serde_json::from_slice(&body) {
            Ok(json) => json,
            Err(error) => return json!({"error": {"text": error.to_string(), "line": error.line(), "column": error.column()}}),
        };
        match Board::read(&json) {
            Ok((_, report)) => json!({"report": report_of(&report)}),
            Err(text) => json!({"error": {"text": text}}),
        }
    });
    Ok(axum::Json(answer.await?).into_response())
}

/// `POST /ui/boards/modern`: `{"panel"}` of the panel that is the body in the form of today; null where it has that.
pub(super) async fn modern(request: Request<Body>) -> Result<Response, Problem> {
    let body = read_body(request.into_body(), BOARD_BYTES_MAX).await?;
    let read = beside(move || {
        let panel: Value = serde_json::from_slice(&body).map_err(|error| format!("the body is no JSON: {error}"))?;
        Ok::<_, String>(json!({ "panel": crate::boards::model::modern(&panel) }))
    });
    Ok(axum::Json(read.await?.map_err(Problem::bad_request)?).into_response())
}

/// `GET /ui/units`: `[[category, [[id, name], …]], …]`.
pub(super) async fn units() -> Response {
    let units: Vec<Value> = CATEGORIES
        .iter()
        .map(|(category, units)| json!([category, units.iter().map(|unit| json!([unit.id, unit.name])).collect::<Vec<_>>()]))
        .collect();
    ([(header::CACHE_CONTROL, "private, max-age=3600")], axum::Json(units)).into_response()
}
