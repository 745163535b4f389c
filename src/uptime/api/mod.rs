//! Doors of the wing for programs.

mod probe;

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::routing::get;

use crate::access::{Policy, Routes};
use crate::platform::telemetry::metrics::{Counter, Page, Report};
use crate::uptime::config::Modules;
use crate::uptime::probe::Prober;

/// What the endpoints work with.
pub(super) struct ApiState {
    pub(super) prober: Arc<Prober>,
    /// In force.
    pub(super) modules: ArcSwap<Modules>,
    pub(super) counts: Counts,
}

/// Counts of the API.
#[derive(Debug, Default)]
pub(super) struct Counts {
    good: Counter,
    failed: Counter,
    unknown: Counter,
    refused: Counter,
}

impl Report for ApiState {
    fn report(&self, page: &mut Page) {
        page.counter("blackbox_module_unknown_total", "Requests for probes whose module nobody knows.", self.counts.unknown.get());
        page.family("pharos_probes_total", "counter", "Probes that were asked for at /probe, by what became of them.");
        for (result, count) in [("success", &self.counts.good), ("failure", &self.counts.failed), ("refused", &self.counts.refused)] {
            page.sample("pharos_probes_total", &[("result", result)], count.get() as f64);
        }
        page.gauge("pharos_probe_modules", "Modules that say how to probe.", self.modules.load().len() as f64);
    }
}

/// Every endpoint with who may use it: whoever may read metrics, since a probe is asked for to scrape it.
pub(super) fn routes(state: &Arc<ApiState>) -> Routes {
    Routes::new().route("GET", "/probe", Policy::READ, get(probe::probe).with_state(Arc::clone(state)))
}
