//! "pharos itself": what the server says of itself, as a page.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;

use super::Admin;
use super::asked::Asked;
use crate::access::{Policy, Routes};
use crate::admin::pages::about::{self, AboutInput, Now};
use crate::platform::telemetry::metrics::Registry;
use crate::ui::links;
use crate::ui::nav::Page;

/// What the route works with.
struct About {
    admin: Arc<Admin>,
    registry: Registry,
    is_collected: bool,
}

impl Admin {
    /// The page about the server itself. `is_collected`: whether its own metrics are stored, which the charts need.
    pub fn about_routes(self: &Arc<Self>, registry: Registry, is_collected: bool) -> Routes {
        let state = Arc::new(About { admin: Arc::clone(self), registry, is_collected });
        Routes::new().route("GET", links::ABOUT, Policy::READ, get(page).with_state(state))
    }
}

async fn page(State(state): State<Arc<About>>, asked: Asked) -> Response {
    let input = AboutInput { now: Now::read(&state.registry.page()), is_collected: state.is_collected };
    let shell = asked.shell(&state.admin, Page::Status, about::TITLE).with_range("now-1h").with_refresh("10s");
    asked.page(StatusCode::OK, about::render(&input, &shell))
}
