//! The Prometheus HTTP API of rules and alerts. Wire shapes live here and nowhere else.

mod rules;

use std::sync::Arc;

use axum::routing::get;

use crate::access::{Policy, Routes};
use crate::alerts::evaluate::Groups;
use crate::alerts::model::Language;
use crate::series::ports::{EvaluateError, SendAlerts, Shape};

/// What the endpoints work with.
pub struct ApiState {
    /// Groups as they run.
    pub groups: Arc<dyn Groups>,
    /// Reads selectors of `match[]`.
    pub read_query: fn(Language, &str) -> Result<Shape, EvaluateError>,
    /// Alertmanagers outside.
    pub outside: Arc<dyn SendAlerts>,
}

/// Every route.
pub fn routes(state: &Arc<ApiState>) -> Routes {
    let read = Policy::READ;
    let with = |handler: axum::routing::MethodRouter<Arc<ApiState>>| handler.with_state(Arc::clone(state));
    Routes::new()
        .route("GET", "/api/v1/rules", read, with(get(rules::rules)))
        .route("GET", "/api/v1/alerts", read, with(get(rules::alerts)))
        .route("GET", "/api/v1/alertmanagers", read, with(get(rules::alertmanagers)))
}
