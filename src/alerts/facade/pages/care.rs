//! `POST /alerts/care`: what somebody does about alerts, one, some, or all of a group. A script is answered with a
//! sentence, everybody else with the page they came from.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::future::join_all;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value as Data, json};

use super::forms::status_of;
use super::{PageState, show_group, show_now};
use crate::access::Change;
use crate::alerts::calm::Deed;
use crate::alerts::dispatch::DispatchError;
use crate::alerts::pages::bars;
use crate::alerts::pages::care::{self, ALERTS_MAX, Order, Wish};
use crate::alerts::pages::known::Known;
use crate::base::time::format_rfc3339;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::{Words, key};
use crate::ui::links;
use crate::ui::look::Look;

/// Alerts that a line of the audit log names.
const NAMED_MAX: usize = 20;

pub(super) async fn route(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let order = match Order::from_form(&body, &asked.caller.actor()) {
        Ok(order) => order,
        Err((words, back)) => return refused(&state, asked, &back, StatusCode::BAD_REQUEST, &words).await,
    };
    let alerts = match chosen(&state, &order) {
        Ok(alerts) => alerts,
        Err((status, words)) => return refused(&state, asked, &order.back, status, &words).await,
    };
    match done(&state, &order, &alerts, &asked.caller.actor()).await {
        Ok(change) => Ok(change.in_answer(answer(&asked, &order))),
        Err(error) => refused(&state, asked, &order.back, status_of(&error), &Words::plain(error.to_string())).await,
    }
}

/// The alerts that an order is about, as they stand now.
fn chosen(state: &PageState, order: &Order) -> Result<Vec<Known>, (StatusCode, Words)> {
    let mut wanted: BTreeSet<u64> = order.alerts.iter().copied().collect();
    if let Some((key, receiver)) = &order.group {
        let groups = state.routing.groups();
        let group = groups.iter().find(|group| *group.key == **key && *group.receiver == **receiver);
        wanted.extend(group.iter().flat_map(|group| &group.alerts).map(|view| view.alert.fingerprint()));
    }
    let mut alerts: Vec<Known> = state.known();
    alerts.retain(|alert| alert.is_routed && wanted.contains(&alert.fingerprint()));
    if alerts.is_empty() {
        return Err((StatusCode::NOT_FOUND, key("None of these alerts fires any more.").into()));
    }
    if alerts.len() > ALERTS_MAX {
        return Err((StatusCode::BAD_REQUEST, Words::new("One form is about at most {} alerts.", [ALERTS_MAX.to_string()])));
    }
    Ok(alerts)
}

/// Does it; an alert that is over in the meantime is left out.
async fn done(state: &PageState, order: &Order, alerts: &[Known], me: &str) -> Result<Change, DispatchError> {
    let names = || {
        let named: Vec<String> = alerts.iter().take(NAMED_MAX).map(|alert| bars::name(&alert.labels)).collect();
        json!({ "alerts": named, "count": alerts.len() })
    };
    let subject = alerts.first().map_or_else(String::new, |alert| alert.name().to_owned());
    match &order.wish {
        Wish::Deed(deed) => {
            let deeds = join_all(alerts.iter().map(|alert| state.routing.handle(alert.fingerprint(), deed.clone(), me))).await;
            let taken = deeds.iter().any(Result::is_ok);
            let failed = deeds.into_iter().filter_map(Result::err).find(|error| !taken || !matches!(error, DispatchError::NoAlert(_)));
            if let Some(error) = failed {
                return Err(error);
            }
            let mut after = names();
            match deed {
                Deed::Assign(person) => after["assignee"] = json!(person),
                Deed::Comment(text) => after["comment"] = json!(text),
                Deed::Acknowledge | Deed::Release => {}
            }
            let action = match deed {
                Deed::Acknowledge => "alerts.acknowledge",
                Deed::Release => "alerts.release",
                Deed::Assign(_) => "alerts.assign",
                Deed::Comment(_) => "alerts.comment",
            };
            Ok(Change::new(action, subject).after(after))
        }
        Wish::Snooze(snooze) => {
            let now = state.clock.now_ms();
            let silences: Vec<_> = alerts.iter().filter_map(|alert| care::snooze(alert, *snooze, me, order.location, now)).collect();
            let ends = silences.first().map(|silence| format_rfc3339(silence.ends_at));
            let made = join_all(silences.into_iter().map(|silence| state.routing.put_silence(silence))).await;
            let ids: Vec<String> = made.into_iter().collect::<Result<_, _>>()?;
            let mut after = names();
            after["ends"] = ends.map_or(Data::Null, Data::from);
            after["silences"] = json!(ids.iter().take(NAMED_MAX).collect::<Vec<_>>());
            Ok(Change::new("alerts.snooze", subject).after(after))
        }
    }
}

/// Whether a script sends the form, which changes the page itself.
fn is_script(headers: &HeaderMap) -> bool {
    headers.contains_key("x-requested-with")
}

fn look(headers: &HeaderMap) -> Look {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok()).unwrap_or("");
    Look::new(text(header::COOKIE), text(header::ACCEPT_LANGUAGE))
}

fn answer(asked: &Asked, order: &Order) -> Response {
    if is_script(&asked.headers) {
        return look(&asked.headers).lang.t(care::said(order.done())).to_owned().into_response();
    }
    Redirect::to(&links::with(&order.back, &[("done", order.done())])).into_response()
}

/// The page they came from, with what is wrong.
async fn refused(state: &Arc<PageState>, mut asked: Asked, back: &str, status: StatusCode, words: &Words) -> Result<Response, Problem> {
    let text = words.text(look(&asked.headers).lang);
    if is_script(&asked.headers) {
        return Ok((status, text).into_response());
    }
    let is_group = back.starts_with(links::ALERTS_GROUP);
    asked.uri = back.parse().unwrap_or_else(|_| http::Uri::from_static(links::ALERTS));
    if is_group { show_group(state, asked, status, text).await } else { show_now(state, asked, status, text).await }
}
