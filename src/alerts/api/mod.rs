//! The Prometheus HTTP API of rules and alerts, and Alertmanager's ([`v2`]). Wire shapes live here and nowhere else.

pub mod calm;
pub mod care;
mod loki;
mod own;
mod rules;
pub mod v2;

pub use own::saved_change;

use std::sync::Arc;

use axum::routing::{delete, get, post, put};

use crate::access::{Policy, Routes};
use crate::alerts::dispatch::Routing;
use crate::alerts::evaluate::Groups;
use crate::alerts::model::Language;
use crate::alerts::replay::Desk;
use crate::alerts::rules::own::OwnRules;
use crate::base::clock::SharedClock;
use crate::series::ports::{EvaluateError, SendAlerts, Shape};

/// What the endpoints work with.
pub struct ApiState {
    /// Groups as they run.
    pub groups: Arc<dyn Groups>,
    /// The rules that the server keeps.
    pub own: Arc<dyn OwnRules>,
    /// Tries drafts.
    pub desk: Arc<Desk>,
    /// Reads selectors of `match[]`.
    pub read_query: fn(Language, &str) -> Result<Shape, EvaluateError>,
    /// Alertmanagers outside.
    pub outside: Arc<dyn SendAlerts>,
    /// Routing at work.
    pub routing: Arc<dyn Routing>,
    /// The time.
    pub clock: SharedClock,
}

/// Every route.
pub fn routes(state: &Arc<ApiState>) -> Routes {
    let (read, edit) = (Policy::READ, Policy::EDIT);
    let with = |handler: axum::routing::MethodRouter<Arc<ApiState>>| handler.with_state(Arc::clone(state));
    Routes::new()
        .route("GET", "/api/v1/rules", read, with(get(rules::rules)))
        .route("GET", "/api/v1/alerts", read, with(get(rules::alerts)))
        .route("GET", "/prometheus/api/v1/rules", read, with(get(loki::rules)))
        .route("GET", "/prometheus/api/v1/alerts", read, with(get(loki::alerts)))
        .route("GET", "/loki/api/v1/rules", read, with(get(loki::files)))
        .route("GET", "/api/v1/rules/files", read, with(get(own::files)))
        .route("GET", "/api/v1/rules/files/{name}", read, with(get(own::file)))
        .route("PUT", "/api/v1/rules/files/{name}", edit, with(put(own::save)))
        .route("DELETE", "/api/v1/rules/files/{name}", edit, with(delete(own::delete)))
        .route("POST", "/api/v1/rules/check", read, with(post(own::check)))
        .route("POST", "/api/v1/rules/replay", read, with(post(own::replay)))
        .route("GET", "/api/v1/alertmanagers", read, with(get(rules::alertmanagers)))
        .route("GET", "/api/v1/calm", read, with(get(calm::all)))
        .route("GET", "/api/v1/calm/{kind}", read, with(get(calm::of_kind)))
        .route("POST", "/api/v1/calm/{kind}", edit, with(post(calm::make)))
        .route("GET", "/api/v1/calm/{kind}/{id}", read, with(get(calm::one)))
        .route("PUT", "/api/v1/calm/{kind}/{id}", edit, with(put(calm::change)))
        .route("DELETE", "/api/v1/calm/{kind}/{id}", edit, with(delete(calm::delete)))
        .route("GET", "/api/v1/oncall", read, with(get(calm::oncall)))
        .route("POST", "/api/v1/alerts/{fingerprint}/acknowledgement", edit, with(post(care::acknowledge)))
        .route("DELETE", "/api/v1/alerts/{fingerprint}/acknowledgement", edit, with(delete(care::release)))
        .route("PUT", "/api/v1/alerts/{fingerprint}/assignee", edit, with(put(care::assign)))
        .route("DELETE", "/api/v1/alerts/{fingerprint}/assignee", edit, with(delete(care::unassign)))
        .route("POST", "/api/v1/alerts/{fingerprint}/comments", edit, with(post(care::say)))
        .route("POST", "/api/v1/alerts/{fingerprint}/snooze", edit, with(post(care::snooze)))
        .route("GET", "/api/v1/alerts/{fingerprint}/notes", read, with(get(care::notes)))
}
