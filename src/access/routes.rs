//! The router's table: every route of the server stands here once, with who may use it.
//!
//! Wings and `app` build a [`Routes`] each; `app` joins them. There is no other way to put a handler on the
//! server, so a route without a policy, or without the gate that holds it, cannot exist.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::MethodRouter;
use http::StatusCode;

use super::gate::gate;
use super::operation::Operation;
use super::policy::Policy;
use crate::platform::http::problem::Problem;

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInfo {
    /// Methods, such as `GET` or `GET, POST`.
    pub methods: &'static str,
    /// Path pattern as axum writes it.
    pub path: &'static str,
    /// Who may use it.
    pub policy: Policy,
    /// What it is for, where it says so.
    pub operation: Option<Operation>,
}

/// Routes with their policies.
#[derive(Debug, Default)]
pub struct Routes {
    table: Vec<RouteInfo>,
    router: Router,
}

impl Routes {
    /// No routes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a route. `methods` is what the handler answers, for the table and for people.
    #[must_use]
    pub fn route(mut self, methods: &'static str, path: &'static str, policy: Policy, handler: MethodRouter) -> Self {
        self.table.push(RouteInfo { methods, path, policy, operation: None });
        self.router = self.router.route(path, handler.layer(from_fn_with_state(policy, gate)));
        self
    }

    /// Says what routes are for.
    #[must_use]
    pub fn described(mut self, operation: impl Fn(&RouteInfo) -> Option<Operation>) -> Self {
        for route in &mut self.table {
            route.operation = operation(route).or(route.operation);
        }
        self
    }

    /// Joins two tables.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.table.extend(other.table);
        self.router = self.router.merge(other.router);
        self
    }

    /// The table, in the order of declaration.
    pub fn table(&self) -> &[RouteInfo] {
        &self.table
    }

    /// The router, without any layer. What no route answers is refused in the words that clients know.
    pub fn into_router(self) -> Router {
        let refuse = |status, words| move || std::future::ready(Problem::new(status, words));
        self.router
            .fallback(refuse(StatusCode::NOT_FOUND, "404 page not found"))
            .method_not_allowed_fallback(refuse(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"))
    }
}
