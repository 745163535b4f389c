//! The front door of the wing: holds the modules in force and hands out routes.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::access::Routes;
use crate::base::clock::SharedClock;
use crate::platform::telemetry::metrics::{Registry, Report};
use crate::uptime::api::{self, ApiState, Counts};
use crate::uptime::config::Modules;
use crate::uptime::probe::Prober;

/// What the wing needs of the rest of the server.
#[derive(Clone)]
pub struct UptimeOptions {
    /// The time.
    pub clock: SharedClock,
    /// Where the wing's own metrics are added.
    pub registry: Registry,
    /// How to probe.
    pub modules: Arc<Modules>,
}

impl fmt::Debug for UptimeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UptimeOptions").field("modules", &self.modules).finish_non_exhaustive()
    }
}

/// The open wing.
pub struct Uptime {
    state: Arc<ApiState>,
}

impl fmt::Debug for Uptime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uptime").finish_non_exhaustive()
    }
}

impl Uptime {
    /// Opens it.
    pub fn open(options: UptimeOptions) -> Self {
        let prober = Arc::new(Prober::new(options.clock));
        let state = Arc::new(ApiState { prober, modules: ArcSwap::new(options.modules), counts: Counts::default() });
        options.registry.add(Arc::clone(&state) as Arc<dyn Report>);
        Self { state }
    }

    /// Puts other modules in force.
    pub fn apply(&self, modules: Arc<Modules>) {
        self.state.modules.store(modules);
    }

    /// Every route of the wing.
    pub fn routes(&self) -> Routes {
        api::routes(&self.state)
    }
}
