//! Alertmanager's HTTP API, version 2: what `amtool`, other Prometheus servers and dashboards talk to.
//!
//! Every route stands twice: as it is, and below `/alertmanager`, so that clients which are told the address of an
//! Alertmanager can be told `http://host/alertmanager`. In reading order: `answer` (how everything is answered),
//! `wire` (shapes and times), `read` (requests), then one file for each kind of thing.

mod alerts;
mod answer;
mod read;
mod silences;
mod status;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use axum::routing::{MethodRouter, delete, get, post};

use crate::access::{Policy, Role, Routes, Scope};
use crate::alerts::dispatch::Routing;
use crate::base::clock::SharedClock;

/// Who may hand alerts over: machines with a token for events, and people who may change things.
const SEND_ALERTS: Policy = Policy::Needs(Role::Editor, Scope::EventsWrite);

/// What the endpoints work with.
pub struct V2State {
    /// Routing at work.
    pub routing: Arc<dyn Routing>,
    /// The time.
    pub clock: SharedClock,
    /// When the server started, in milliseconds since the Unix epoch.
    pub started_at: i64,
}

/// The two paths of an endpoint.
macro_rules! both {
    ($path:literal) => {
        [concat!("/api/v2", $path), concat!("/alertmanager/api/v2", $path)]
    };
}

/// Every route.
pub fn routes(state: &Arc<V2State>) -> Routes {
    let (read, edit) = (Policy::READ, Policy::EDIT);
    let all: [(_, _, _, MethodRouter<Arc<V2State>>); 9] = [
        ("GET", both!("/status"), read, get(status::status)),
        ("GET", both!("/receivers"), read, get(status::receivers)),
        ("GET", both!("/alerts"), read, get(alerts::alerts)),
        ("POST", both!("/alerts"), SEND_ALERTS, post(alerts::post)),
        ("GET", both!("/alerts/groups"), read, get(alerts::groups)),
        ("GET", both!("/silences"), read, get(silences::silences)),
        ("POST", both!("/silences"), edit, post(silences::post)),
        ("GET", both!("/silence/{id}"), read, get(silences::silence)),
        ("DELETE", both!("/silence/{id}"), edit, delete(silences::expire)),
    ];
    let mut routes = Routes::new();
    for (methods, paths, policy, handler) in all {
        for path in paths {
            routes = routes.route(methods, path, policy, handler.clone().with_state(Arc::clone(state)));
        }
    }
    routes
}
