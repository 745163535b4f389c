//! The routes of saved searches.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde_json::{Value as Data, json};

use super::{PageState, shell_of, work};
use crate::access::Change;
use crate::logs::facade::saved::{SavedError, Saver};
use crate::logs::pages::saved::{self, SavedInput, SavedSearch};
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::links;

/// Those that whoever asks sees; none when they cannot be read.
pub(super) fn seen(state: &PageState, who: &Saver) -> Vec<SavedSearch> {
    state.saved.seen_by(who).unwrap_or_else(|error| {
        tracing::warn!(%error, "saved searches could not be read");
        Vec::new()
    })
}

/// `GET /logs/saved`.
pub(super) async fn page(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    show(&state, asked, None).await
}

async fn show(state: &Arc<PageState>, asked: Asked, error: Option<SavedError>) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let who = Saver::of(&asked.caller);
        let shell = shell_of(&asked, state, key("Saved searches"));
        let done = asked.param("done");
        let status = error.as_ref().map_or(StatusCode::OK, status_of);
        let problem = error.map(|error| error.to_string());
        let input = SavedInput { searches: seen(state, &who), problem, done, has_own: who.has_own(), may_share: who.may_share() };
        let mut response = asked.page(StatusCode::OK, saved::render(&input, &shell));
        *response.status_mut() = status;
        response
    })
    .await
}

const fn status_of(error: &SavedError) -> StatusCode {
    match error {
        SavedError::Wrong(_) => StatusCode::BAD_REQUEST,
        SavedError::Forbidden => StatusCode::FORBIDDEN,
        SavedError::Missing => StatusCode::NOT_FOUND,
        SavedError::Taken(_) => StatusCode::CONFLICT,
        SavedError::Db(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The fields of a form.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    fn id(&self) -> Result<i64, SavedError> {
        let text = self.text("id");
        text.parse().map_err(|_| SavedError::Wrong(format!("id={text} is no number")))
    }

    fn is_shared(&self) -> bool {
        self.text("shared") == "1"
    }
}

/// What of a search the audit log has.
fn told(one: &SavedSearch) -> Data {
    json!({"id": one.id, "name": one.name, "query": one.query, "shared": one.is_shared})
}

fn see(done: &str) -> Response {
    Redirect::to(&links::with(links::LOGS_SAVED, &[("done", done)])).into_response()
}

/// `POST /logs/saved/add`: `name`, `search` (a query string of the search page), `shared`.
pub(super) async fn save(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let form = Form::read(&body);
    let who = Saver::of(&asked.caller);
    match state.saved.save(&who, form.text("name"), form.text("search"), form.is_shared()).await {
        Ok(one) => Ok(Change::new("logs.search.save", one.name.clone()).after(told(&one)).in_answer(see("saved"))),
        Err(error) => show(&state, asked, Some(error)).await,
    }
}

/// `POST /logs/saved/change`: `id`, `name`, `shared`.
pub(super) async fn change(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let form = Form::read(&body);
    let who = Saver::of(&asked.caller);
    let changed = async { state.saved.change(&who, form.id()?, form.text("name"), form.is_shared()).await };
    match changed.await {
        Ok((before, after)) => {
            let change = Change::new("logs.search.change", before.name.clone()).before(told(&before)).after(told(&after));
            Ok(change.in_answer(see("changed")))
        }
        Err(error) => show(&state, asked, Some(error)).await,
    }
}

/// `POST /logs/saved/delete`: `id`.
pub(super) async fn delete(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let form = Form::read(&body);
    let who = Saver::of(&asked.caller);
    let deleted = async { state.saved.delete(&who, form.id()?).await };
    match deleted.await {
        Ok(before) => Ok(Change::new("logs.search.delete", before.name.clone()).before(told(&before)).in_answer(see("deleted"))),
        Err(error) => show(&state, asked, Some(error)).await,
    }
}
