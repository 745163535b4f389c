//! `GET /ui/logs/compile?q=…&lang=…&f=…`: what stands in the bar as LogQL while it is typed, or what is wrong with it and where.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Data, json};

use super::known::Known;
use super::search::{composed, span};
use super::{PageState, USUAL_FROM, work};
use crate::logs::model::read::Span;
use crate::logs::pages;
use crate::logs::pages::spelled::spelled;
use crate::logs::pages::wrong::units;
use crate::platform::http::problem::Problem;
use crate::ui::asked::{Asked, Pages as _};
use crate::ui::range::PageRange;

pub(super) async fn route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let wanted = pages::asked::Asked::from_query(asked.query());
    let range = PageRange::from_query(asked.query(), USUAL_FROM).resolve(state.now_ms());
    let made = work(&state, move |state, cancel| {
        // A wrong range is told elsewhere; the text can be read without one.
        let known = Known::new(state, range.map_or(Span::ALL, |range| span((range.start, range.end))), cancel);
        match composed(&wanted, &known) {
            Ok(found) => answer(&found.logql()),
            Err(problem) => {
                let place = problem.span.map(|(from, to)| [units(&wanted.text, from), units(&wanted.text, to)]);
                json!({"error": {"message": problem.message, "place": place}})
            }
        }
    });
    Ok(Json(made.await?).into_response())
}

fn answer(logql: &str) -> Data {
    json!({"logql": logql, "parts": spelled(logql)})
}
