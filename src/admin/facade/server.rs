//! What is set about the server itself, as a page. Those who hold it stand outside of this hall.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;

use super::Admin;
use super::asked::Asked;
use crate::access::{Caller, Policy, Routes};
use crate::admin::pages::server::{self, Entrance, Https, ServerInput, Setting};
use crate::platform::telemetry::metrics::Registry;
use crate::ui::links;
use crate::ui::nav::Page;

/// Those who know what is set and what HTTPS is now.
pub trait ServerFacts: Send + Sync {
    /// Every setting, secrets hidden.
    fn settings(&self) -> Vec<Setting>;
    /// HTTPS as it is in force.
    fn https(&self) -> Https;
}

/// What the route works with.
struct Shown {
    admin: Arc<Admin>,
    facts: Box<dyn ServerFacts>,
    registry: Registry,
}

impl Admin {
    /// The page about what is set. The registry says what is used now.
    pub fn server_routes(self: &Arc<Self>, facts: impl ServerFacts + 'static, registry: Registry) -> Routes {
        let state = Arc::new(Shown { admin: Arc::clone(self), facts: Box::new(facts), registry });
        Routes::new().route("GET", links::SERVER, Policy::ADMIN, get(page).with_state(state))
    }
}

async fn page(State(state): State<Arc<Shown>>, asked: Asked) -> Response {
    let entrance = match state.admin.access.open_to(|| true) {
        Some(Caller::Open) => Entrance::Open,
        Some(_) => Entrance::LocalUntilSetUp,
        None => Entrance::SignIn,
    };
    let input = ServerInput { settings: state.facts.settings(), https: state.facts.https(), entrance, own_metrics: state.registry.page() };
    asked.page(StatusCode::OK, server::render(&input, &asked.shell(&state.admin, Page::Settings, server::TITLE)))
}
