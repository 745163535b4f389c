//! Doors of the wing for programs. The envelope is Prometheus'; times are RFC 3339.

mod bring;
pub(super) mod operations;
mod slos;

use std::sync::Arc;

use axum::routing::{delete, get, post, put};

use crate::access::{Policy, Routes};
use crate::slo::watch::desk::Desk;

pub(super) use slos::shown;

/// What the endpoints work with.
pub(super) struct ApiState {
    pub(super) desk: Arc<Desk>,
}

/// Every endpoint with who may use it.
pub(super) fn routes(state: &Arc<ApiState>) -> Routes {
    let (read, edit) = (Policy::READ, Policy::EDIT);
    let with = |method: axum::routing::MethodRouter<Arc<ApiState>>| method.with_state(Arc::clone(state));
    Routes::new()
        .route("GET", "/api/v1/slos", read, with(get(slos::list)))
        .route("POST", "/api/v1/slos", edit, with(post(slos::make)))
        .route("GET", "/api/v1/slos/export", read, with(get(slos::export)))
        .route("POST", "/api/v1/slos/import", edit, with(post(bring::route)))
        .route("GET", "/api/v1/slos/{name}", read, with(get(slos::one)))
        .route("PUT", "/api/v1/slos/{name}", edit, with(put(slos::change)))
        .route("DELETE", "/api/v1/slos/{name}", edit, with(delete(slos::delete)))
        .route("GET", "/api/v1/slos/{name}/rules", read, with(get(slos::rules)))
        .route("GET", "/api/v1/slos/{name}/history", read, with(get(slos::history)))
        .route("GET", "/api/v1/slos/{name}/badge.svg", read, with(get(slos::badge)))
}
