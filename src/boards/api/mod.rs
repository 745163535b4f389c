//! Grafana's HTTP interface for dashboards, folders and annotations: what deploy scripts, CI systems, Terraform and
//! Grafana's own clients send and ask.
//!
//! Answers and their messages are Grafana's; a refusal says besides, in `error`, what was wrong.

mod about;
mod answer;
mod boards;
mod find;
mod folders;
mod graphite;
mod remove;
mod search;
mod sources;
mod versions;
mod wire;
mod write;

use std::sync::Arc;

pub(in crate::boards) use boards::report_of;

use axum::routing::{MethodRouter, delete, get, patch, post, put};

use crate::access::{Policy, Role, Routes, Scope};
use crate::base::clock::SharedClock;
use crate::boards::model::{Keep, Library};

/// Largest body.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Who may mark something: programs with a token for events, and people who may change things.
const MARK: Policy = Policy::Needs(Role::Editor, Scope::EventsWrite);

/// What the endpoints work with.
pub struct ApiState {
    /// Keeps annotations.
    pub kept: Arc<dyn Keep>,
    /// Keeps dashboards.
    pub library: Arc<dyn Library>,
    /// The time.
    pub clock: SharedClock,
}

/// Every route.
pub fn routes(state: &Arc<ApiState>) -> Routes {
    let with = |handler: MethodRouter<Arc<ApiState>>| handler.with_state(Arc::clone(state));
    annotations(&with).join(dashboards(&with)).join(library(&with)).join(server(&with))
}

/// Puts the state into a handler.
type With<'a> = &'a dyn Fn(MethodRouter<Arc<ApiState>>) -> MethodRouter;

fn annotations(with: With<'_>) -> Routes {
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

fn dashboards(with: With<'_>) -> Routes {
    Routes::new()
        .route("POST", "/api/dashboards/db", Policy::EDIT, with(post(boards::save)))
        .route("GET", "/api/dashboards/home", Policy::READ, with(get(boards::home)))
        .route("GET", "/api/dashboards/tags", Policy::READ, with(get(boards::tags)))
        .route("POST", "/api/dashboards/import", Policy::EDIT, with(post(boards::import)))
        .route("GET", "/api/dashboards/uid/{uid}", Policy::READ, with(get(boards::one)))
        .route("DELETE", "/api/dashboards/uid/{uid}", Policy::EDIT, with(delete(boards::remove)))
        .route("GET", "/api/dashboards/uid/{uid}/versions", Policy::READ, with(get(versions::all)))
        .route("GET", "/api/dashboards/uid/{uid}/versions/{version}", Policy::READ, with(get(versions::one)))
        .route("POST", "/api/dashboards/uid/{uid}/restore", Policy::EDIT, with(post(versions::restore)))
}

/// Folders, search, stars.
fn library(with: With<'_>) -> Routes {
    Routes::new()
        .route("GET", "/api/search", Policy::READ, with(get(search::all)))
        .route("GET", "/api/folders", Policy::READ, with(get(folders::all)))
        .route("POST", "/api/folders", Policy::EDIT, with(post(folders::create)))
        .route("GET", "/api/folders/{uid}", Policy::READ, with(get(folders::one)))
        .route("PUT", "/api/folders/{uid}", Policy::EDIT, with(put(folders::change)))
        .route("DELETE", "/api/folders/{uid}", Policy::EDIT, with(delete(folders::remove)))
        .route("POST", "/api/folders/{uid}/move", Policy::EDIT, with(post(folders::put_into)))
        .route("GET", "/api/folders/{uid}/counts", Policy::READ, with(get(folders::counts)))
        .route("GET", "/api/user/stars", Policy::READ, with(get(search::stars)))
        .route("POST", "/api/user/stars/dashboard/uid/{uid}", Policy::OWN, with(post(search::star)))
        .route("DELETE", "/api/user/stars/dashboard/uid/{uid}", Policy::OWN, with(delete(search::unstar)))
}

/// What programs ask of a Grafana before they work with it: its sources, its health, who they are.
fn server(with: With<'_>) -> Routes {
    let refused = || post(sources::refuse).put(sources::refuse).delete(sources::refuse);
    Routes::new()
        .route("GET", "/api/datasources", Policy::READ, with(get(sources::all)))
        .route("POST, PUT, DELETE", "/api/datasources", Policy::EDIT, with(refused()))
        .route("GET", "/api/datasources/uid/{uid}", Policy::READ, with(get(sources::by_uid)))
        .route("POST, PUT, DELETE", "/api/datasources/uid/{uid}", Policy::EDIT, with(refused()))
        .route("GET", "/api/datasources/name/{name}", Policy::READ, with(get(sources::by_name)))
        .route("POST, PUT, DELETE", "/api/datasources/name/{name}", Policy::EDIT, with(refused()))
        .route("GET", "/api/datasources/id/{name}", Policy::READ, with(get(sources::id_of)))
        .route("GET", "/api/datasources/uid/{uid}/health", Policy::READ, with(get(sources::health)))
        .route("GET", "/api/health", Policy::Public, with(get(about::health)))
        .route("GET", "/api/org", Policy::READ, with(get(about::organisation)))
        .route("GET", "/api/user", Policy::READ, with(get(about::user)))
        .route("GET", "/api/frontend/settings", Policy::READ, with(get(about::settings)))
}
