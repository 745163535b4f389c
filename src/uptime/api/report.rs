//! Figures of a check in any length of time, months by the clock of a place among them. This endpoint is ours; the envelope
//! is Prometheus'.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;
use serde_json::json;

use super::ApiState;
use super::checks::{figures_json, found, unavailable};
use crate::base::location::Location;
use crate::base::time::{format_rfc3339, parse_timestamp};
use crate::platform::http::envelope::{ApiError, blocking, success};
use crate::platform::http::extract::Params;
use crate::uptime::model::window::Window;
use crate::uptime::report::period;

/// What is asked about: `month` (also a quarter or a year) by the clock of `time_zone`, or `from` and `until`.
fn asked(params: &Params, now: i64) -> Result<Window, ApiError> {
    let zone = params.get("time_zone").unwrap_or("");
    let location = Location::parse(zone).ok_or_else(|| ApiError::bad(format!("time_zone: there is no place {zone:?}")))?;
    let instant = |name: &str| {
        let read =
            |text: &str| parse_timestamp(text).ok_or_else(|| ApiError::bad(format!("{name}: expected RFC 3339 or seconds since 1970")));
        params.get(name).map(read).transpose()
    };
    let (from, until) = (instant("from")?, instant("until")?);
    let window = match (params.get("month"), from) {
        (Some(_), Some(_)) => return Err(ApiError::bad("either month, or from and until")),
        (Some(text), None) => {
            let period = period::parse(text).ok_or_else(|| ApiError::bad("month: expected such as 2026-10, 2026-Q4 or 2026"))?;
            period::window(period, location).ok_or_else(|| ApiError::bad("month: the calendar ends before"))?
        }
        (None, Some(from)) => Window::new(from, until.unwrap_or(now)),
        (None, None) => {
            period::month_of(now, location).and_then(|month| period::window(month, location)).unwrap_or_else(|| Window::new(now, now))
        }
    };
    if window.until < window.from {
        return Err(ApiError::bad("until: it ends before it begins"));
    }
    Ok(window)
}

/// `GET /api/v1/checks/{name}/figures?month=2026-10&time_zone=Europe/Berlin`, or `?from=&until=`: this month unless told.
/// What is to come is left out.
pub(super) async fn figures(
    State(state): State<Arc<ApiState>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let (id, now) = (found(&state.desk, &name)?, state.clock.now_ms());
    let whole = asked(&params, now)?;
    let within = Window::new(whole.from.min(now), whole.until.min(now));
    let desk = Arc::clone(&state.desk);
    let figures = blocking(move || desk.figures(id, within)).await?.map_err(unavailable)?;
    Ok(success(&json!({ "from": format_rfc3339(within.from), "until": format_rfc3339(within.until), "figures": figures_json(&figures) })))
}
