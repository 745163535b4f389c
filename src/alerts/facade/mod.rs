//! The front door of the hall: loads rules, runs their groups, and hands out routes.

mod load;
mod manager;
mod pages;
mod report;

use std::sync::Arc;

pub use load::{ReadQuery, load};
use manager::Manager;

use crate::access::Routes;
use crate::alerts::api::{self, ApiState};
use crate::alerts::evaluate::{Ports, Setting};
use crate::alerts::model::Group;
use crate::platform::telemetry::metrics::Registry;

/// What the hall needs of the rest of the server.
pub struct AlertsOptions {
    /// What groups ask, and where what they give is stored.
    pub ports: Ports,
    /// Reads queries.
    pub read_query: ReadQuery,
    /// What all groups share.
    pub setting: Setting,
    /// Where the hall's own metrics are added.
    pub registry: Registry,
    /// Groups that are evaluated at once, at most.
    pub evaluations_max: usize,
}

/// The open hall.
pub struct Alerts {
    manager: Arc<Manager>,
    api: Arc<ApiState>,
    task: parking_lot::Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl Alerts {
    /// Wires everything. Nothing is evaluated yet.
    pub fn open(options: AlertsOptions) -> Arc<Self> {
        let AlertsOptions { ports, read_query, setting, registry, evaluations_max } = options;
        let manager = Arc::new(Manager::new(ports, read_query, setting, evaluations_max));
        registry.add(Arc::clone(&manager) as _);
        let api = Arc::new(ApiState { groups: Arc::clone(&manager) as _, read_query });
        Arc::new(Self { manager, api, task: parking_lot::Mutex::default() })
    }

    /// Begins to evaluate. Call it inside the runtime.
    pub fn start(&self) {
        *self.task.lock() = Some(tokio::spawn(Arc::clone(&self.manager).run()));
    }

    /// Takes over other rules and settings. Groups and rules that stay the same go on where they are.
    pub fn apply(&self, groups: Vec<Group>, setting: Setting) {
        self.manager.apply(groups, setting);
    }

    /// Every route of the hall.
    pub fn routes(&self) -> Routes {
        api::routes(&self.api)
    }

    /// Ends evaluation; what is being evaluated is stopped.
    pub async fn stop(&self) {
        self.manager.stop();
        let task = self.task.lock().take();
        if let Some(task) = task
            && task.await.is_err()
        {
            tracing::error!("the evaluation of rules panicked");
        }
    }
}
