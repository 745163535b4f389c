//! Doors of the wing for programs. These endpoints are ours; the envelope is Prometheus'.

pub(super) mod digests;
pub(super) mod kpis;
mod once;
pub(super) mod operations;
mod people;
mod ready;
mod values;

use std::sync::Arc;

use axum::routing::{get, post, put};

use crate::access::{Policy, Routes};
use crate::base::clock::SharedClock;
use crate::business::collect::Collector;
use crate::business::collect::desk::{Desk, Known, PutError};
use crate::business::digest::sender::Sender;
use crate::business::store::{NotStored, Store};
use crate::platform::db::DbError;
use crate::platform::http::envelope::{self, ApiError, ErrorKind};

/// Bytes of a KPI at most.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a file, or of a list of numbers.
const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What the endpoints work with.
pub(super) struct ApiState {
    pub(super) desk: Arc<Desk>,
    pub(super) store: Store,
    pub(super) collector: Arc<Collector>,
    pub(super) sender: Arc<Sender>,
    pub(super) clock: SharedClock,
}

impl From<PutError> for ApiError {
    fn from(error: PutError) -> Self {
        let kind = match &error {
            PutError::Wrong(_) | PutError::Unfit(_) | PutError::InFile(_) | PutError::NotStored(NotStored::Taken(_) | NotStored::Full) => {
                ErrorKind::BadData
            }
            PutError::NotStored(NotStored::Unknown) => ErrorKind::NotFound,
            PutError::NotStored(NotStored::Db(_)) => ErrorKind::Unavailable,
        };
        Self::new(kind, error.to_string())
    }
}

fn unavailable(error: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorKind::Unavailable, error.to_string())
}

fn missing(name: &str) -> ApiError {
    ApiError::new(ErrorKind::NotFound, format!("there is no KPI {name:?}"))
}

fn found(desk: &Desk, name: &str) -> Result<Arc<Known>, ApiError> {
    desk.find(name).ok_or_else(|| missing(name))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, DbError> + Send + 'static) -> Result<T, ApiError> {
    envelope::blocking(work).await?.map_err(unavailable)
}

/// Every endpoint with who may use it. Numbers are sent by whoever may send metrics.
pub(super) fn routes(state: &Arc<ApiState>) -> Routes {
    let (read, edit, send) = (Policy::READ, Policy::EDIT, Policy::WRITE_METRICS);
    let with = |method: axum::routing::MethodRouter<Arc<ApiState>>| method.with_state(Arc::clone(state));
    Routes::new()
        .route("GET", "/api/v1/kpis", read, with(get(kpis::list)))
        .route("POST", "/api/v1/kpis", edit, with(post(kpis::make)))
        .route("POST", "/api/v1/kpis/validate", edit, with(post(kpis::validate)))
        .route("GET", "/api/v1/kpis/export", read, with(get(kpis::export)))
        .route("POST", "/api/v1/kpis/import", edit, with(post(kpis::import)))
        .route("GET", "/api/v1/kpis/calendar", read, with(get(kpis::calendar)))
        .route("PUT", "/api/v1/kpis/calendar", edit, with(put(kpis::set_calendar)))
        .route("GET", "/api/v1/kpis/templates", read, with(get(ready::list)))
        .route("POST", "/api/v1/kpis/templates", edit, with(post(ready::make)))
        .route("GET", "/api/v1/kpis/{name}", read, with(get(kpis::one)))
        .route("PUT", "/api/v1/kpis/{name}", edit, with(put(kpis::change)))
        .route("DELETE", "/api/v1/kpis/{name}", edit, with(axum::routing::delete(kpis::delete)))
        .route("GET", "/api/v1/kpis/{name}/values", read, with(get(values::list)))
        .route("POST", "/api/v1/kpis/{name}/values", send, with(post(values::push)))
        .route("GET", "/api/v1/kpis/{name}/cost", read, with(get(values::cost)))
        .route("GET", "/api/v1/kpis/{name}/backfill", read, with(get(values::backfilled)))
        .route("POST", "/api/v1/kpis/{name}/backfill", edit, with(post(values::backfill)))
        .route("DELETE", "/api/v1/kpis/{name}/backfill", edit, with(axum::routing::delete(values::cancel)))
        .route("GET", "/api/v1/funnels", read, with(get(people::funnels)))
        .route("POST", "/api/v1/funnels", edit, with(post(people::put_funnel)))
        .route("GET", "/api/v1/funnels/{name}", read, with(get(people::funnel)))
        .route("DELETE", "/api/v1/funnels/{name}", edit, with(axum::routing::delete(people::delete_funnel)))
        .route("GET", "/api/v1/retentions", read, with(get(people::retentions)))
        .route("POST", "/api/v1/retentions", edit, with(post(people::put_retention)))
        .route("GET", "/api/v1/retentions/{name}", read, with(get(people::retention)))
        .route("DELETE", "/api/v1/retentions/{name}", edit, with(axum::routing::delete(people::delete_retention)))
        .route("GET", "/api/v1/digests", read, with(get(digests::list)))
        .route("POST", "/api/v1/digests", edit, with(post(digests::make)))
        .route("GET", "/api/v1/digests/{name}", read, with(get(digests::one)))
        .route("PUT", "/api/v1/digests/{name}", edit, with(put(digests::change)))
        .route("DELETE", "/api/v1/digests/{name}", edit, with(axum::routing::delete(digests::delete)))
        .route("POST", "/api/v1/digests/{name}/send", edit, with(post(digests::send)))
}
