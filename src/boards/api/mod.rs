//! Grafana's HTTP interface for annotations: what deploy scripts, CI systems and Grafana's own clients send and ask.
//!
//! Answers and their messages are Grafana's; a refusal says besides, in `error`, what was wrong.

mod answer;
mod find;
mod graphite;
mod remove;
mod wire;
mod write;

use std::sync::Arc;

use axum::routing::{MethodRouter, delete, get, patch, post, put};

use crate::access::{Policy, Role, Routes, Scope};
use crate::base::clock::SharedClock;
use crate::boards::model::Keep;

/// Largest body.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Who may mark something: programs with a token for events, and people who may change things.
const MARK: Policy = Policy::Needs(Role::Editor, Scope::EventsWrite);

/// What the endpoints work with.
pub struct ApiState {
    /// Keeps annotations.
    pub kept: Arc<dyn Keep>,
    /// The time.
    pub clock: SharedClock,
}

/// Every route.
pub fn routes(state: &Arc<ApiState>) -> Routes {
    let with = |handler: MethodRouter<Arc<ApiState>>| handler.with_state(Arc::clone(state));
    Routes::new()
        .route("GET", "/api/annotations", Policy::READ, with(get(find::all)))
        .route("POST", "/api/annotations", MARK, with(post(write::add)))
        .route("POST", "/api/annotations/graphite", MARK, with(post(graphite::add)))
        .route("GET", "/api/annotations/tags", Policy::READ, with(get(find::tags)))
        .route("POST", "/api/annotations/mass-delete", Policy::EDIT, with(post(remove::of_panel)))
        .route("GET", "/api/annotations/{id}", Policy::READ, with(get(find::one)))
        .route("PUT", "/api/annotations/{id}", Policy::EDIT, with(put(write::replace)))
        .route("PATCH", "/api/annotations/{id}", Policy::EDIT, with(patch(write::change)))
        .route("DELETE", "/api/annotations/{id}", Policy::EDIT, with(delete(remove::one)))
}
