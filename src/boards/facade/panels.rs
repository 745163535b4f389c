//! `POST /ui/boards/{uid}/panels`: what panels show, a line of JSON for each as soon as it is ready.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::StreamExt;
use http::{Request, StatusCode, header};

use crate::access::{Caller, Policy, Routes, Verdict};
use crate::boards::serve::{BODY_BYTES_MAX, Batch, Reader, Server};
use crate::platform::http::extract::read_body;
use crate::platform::http::problem::Problem;
use crate::series::ports::{AlertNow, AlertsNow};
use crate::ui::links;
use crate::ui::look::Look;

/// The route.
pub(super) fn routes(server: &Arc<Server>) -> Routes {
    Routes::new().route("POST", links::BOARD_PANELS, Policy::READ, post(panels).with_state(Arc::clone(server)))
}

async fn panels(State(server): State<Arc<Server>>, Path(uid): Path<String>, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let body = read_body(body, BODY_BYTES_MAX).await?;
    let batch = Batch::read(&body).map_err(Problem::bad_request)?;
    let caller = parts.extensions.get().cloned().unwrap_or(Caller::Nobody(None));
    // Queries that nobody saved are those of whoever may save them.
    if batch.draft.is_some() && caller.may(Policy::EDIT) != Verdict::Allowed {
        return Err(Problem::new(StatusCode::FORBIDDEN, "a dashboard that is not saved is shown to those who may change dashboards"));
    }
    let text = |name: header::HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let lang = Look::new(text(header::COOKIE), text(header::ACCEPT_LANGUAGE)).lang;
    let reader = Reader { name: name(&caller), lang, is_outside: false };
    let lines = server.batch(&uid, batch, reader).await.map_err(Problem::bad_request)?;
    let body = Body::from_stream(lines.map(Ok::<_, Infallible>));
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, body).into_response())
}

/// Who looks, for queries that name them; empty for programs and where signing in is off.
fn name(caller: &Caller) -> String {
    match caller {
        Caller::Person(person) => person.name.clone(),
        _ => String::new(),
    }
}

/// Alerts, which are opened after dashboards.
#[derive(Default)]
pub(super) struct Later(pub(super) OnceLock<Arc<dyn AlertsNow>>);

impl AlertsNow for Later {
    fn now(&self, limit: usize) -> Vec<AlertNow> {
        self.0.get().map_or_else(Vec::new, |alerts| alerts.now(limit))
    }
}
