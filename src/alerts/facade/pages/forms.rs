//! What forms of pages change: silences, and tests of channels. Each leaves a line in the audit log.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde_json::{Value as Data, json};

use super::{PageState, show_channels, show_silence, show_silences};
use crate::access::Change;
use crate::alerts::config::Receiver;
use crate::alerts::dispatch::DispatchError;
use crate::alerts::model::silence::Silence;
use crate::alerts::pages::channels::Tested;
use crate::alerts::pages::silence::Draft;
use crate::base::time::format_rfc3339;
use crate::platform::http::extract::field;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::links;
use crate::ui::look::Look;

/// What of a silence the audit log has.
fn told(silence: &Silence) -> Data {
    json!({
        "matchers": silence.matchers.to_string(),
        "starts": format_rfc3339(silence.starts_at),
        "ends": format_rfc3339(silence.ends_at),
        "comment": silence.comment,
    })
}

pub(super) const fn status_of(error: &DispatchError) -> StatusCode {
    match error {
        DispatchError::NoSilence(_) | DispatchError::NoRule(_) | DispatchError::NoAlert(_) => StatusCode::NOT_FOUND,
        DispatchError::Silence(_) | DispatchError::Calm(_) => StatusCode::BAD_REQUEST,
        DispatchError::TooMany(_) => StatusCode::CONFLICT,
        DispatchError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn existing(state: &PageState, id: &str) -> Option<Silence> {
    state.routing.silences().into_iter().find(|silence| !id.is_empty() && silence.id == id)
}

/// `POST /alerts/silences/save`: the fields of [`Draft`].
pub(super) async fn save_silence(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let now = state.clock.now_ms();
    let mut draft = Draft::from_form(&body);
    let before = existing(&state, &draft.id);
    if before.as_ref().is_none_or(|silence| silence.ends_at <= now) {
        // One that is over, or was forgotten, is made anew.
        draft.id.clear();
    }
    let header = |name| asked.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok()).unwrap_or("");
    let lang = Look::new(header(http::header::COOKIE), header(http::header::ACCEPT_LANGUAGE)).lang;
    let silence = match draft.silence(&asked.caller.actor(), now) {
        Ok(silence) => silence,
        Err(words) => return show_silence(&state, asked, draft, StatusCode::BAD_REQUEST, words.text(lang)).await,
    };
    match state.routing.put_silence(silence.clone()).await {
        Ok(id) => {
            let mut change = Change::new("alerts.silence.save", id).after(told(&silence));
            if let Some(before) = before.filter(|_| !draft.id.is_empty()) {
                change = change.before(told(&before));
            }
            Ok(change.in_answer(Redirect::to(&links::with(links::ALERTS_SILENCES, &[("done", "saved")])).into_response()))
        }
        Err(error) => show_silence(&state, asked, draft, status_of(&error), error.to_string()).await,
    }
}

/// `POST /alerts/silences/expire`: `id`.
pub(super) async fn expire_silence(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let id = field(&body, "id");
    let before = existing(&state, &id);
    match state.routing.expire_silence(&id).await {
        Ok(()) => {
            let mut change = Change::new("alerts.silence.expire", id);
            if let Some(before) = before {
                change = change.before(told(&before));
            }
            Ok(change.in_answer(Redirect::to(&links::with(links::ALERTS_SILENCES, &[("done", "expired")])).into_response()))
        }
        Err(error) => show_silences(&state, asked, status_of(&error), error.to_string()).await,
    }
}

/// `POST /alerts/channels/test`: `receiver`, `channel`.
pub(super) async fn send_test(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let (receiver, channel) = (field(&body, "receiver"), field(&body, "channel"));
    let in_force = state.routing.in_force();
    let channels = in_force.config.receiver(&receiver).map(Receiver::integrations).unwrap_or_default();
    if !channels.iter().any(|one| format!("{}[{}]", one.kind, one.index) == channel) {
        let problem = format!("there is no channel {channel:?} of a receiver {receiver:?}");
        return show_channels(&state, asked, StatusCode::NOT_FOUND, None, problem).await;
    }
    match state.routing.send_test(&receiver, &channel).await {
        Ok(answer) => {
            let change = Change::new("alerts.channel.test", format!("{receiver} {channel}")).after(json!({ "taken": answer.is_ok() }));
            let shown = show_channels(&state, asked, StatusCode::OK, Some(Tested { receiver, channel, answer }), String::new()).await?;
            Ok(change.in_answer(shown))
        }
        Err(error) => show_channels(&state, asked, status_of(&error), None, error.to_string()).await,
    }
}
