//! Doors of the wing for programs.

mod bring;
mod checks;
mod maintenance;
pub(super) mod operations;
mod posts;
mod probe;
mod report;
mod status;

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::routing::{any, delete, get, post, put};

use crate::access::{Passwords, Policy, Routes};
use crate::base::clock::SharedClock;
use crate::platform::telemetry::metrics::{Counter, Page, Report};
use crate::uptime::bring::Brought;
use crate::uptime::config::Modules;
use crate::uptime::probe::Prober;
use crate::uptime::status::keeper::Keeper;
use crate::uptime::watch::desk::Desk;

/// What the endpoints work with.
pub(super) struct ApiState {
    pub(super) prober: Arc<Prober>,
    /// In force.
    pub(super) modules: Arc<ArcSwap<Modules>>,
    pub(super) counts: Counts,
    pub(super) bring: Bring,
    pub(super) desk: Arc<Desk>,
    pub(super) keeper: Arc<Keeper>,
    pub(super) clock: SharedClock,
    /// Passwords of status pages.
    pub(super) passwords: Passwords,
}

/// How files of other programs are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bring {
    /// Reads one; blocking.
    pub(super) read: fn(&[u8]) -> Result<Brought, String>,
    /// Bytes of one at most.
    pub(super) bytes_max: usize,
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
    let (read, edit) = (Policy::READ, Policy::EDIT);
    let with = |method: axum::routing::MethodRouter<Arc<ApiState>>| method.with_state(Arc::clone(state));
    Routes::new()
        .route("GET", "/probe", read, with(get(probe::probe)))
        .route("GET", "/api/v1/checks", read, with(get(checks::list)))
        .route("POST", "/api/v1/checks", edit, with(post(checks::make)))
        .route("GET", "/api/v1/checks/export", read, with(get(checks::export)))
        .route("POST", "/api/v1/checks/import", edit, with(post(bring::route)))
        .route("GET", "/api/v1/checks/{name}", read, with(get(checks::one)))
        .route("PUT", "/api/v1/checks/{name}", edit, with(put(checks::change)))
        .route("DELETE", "/api/v1/checks/{name}", edit, with(delete(checks::delete)))
        .route("GET", "/api/v1/checks/{name}/figures", read, with(get(report::figures)))
        .route("POST", "/api/v1/checks/{name}/probe", edit, with(post(checks::probe_now)))
        .route("GET", "/api/v1/incidents", read, with(get(checks::incidents)))
        .route("GET", "/api/v1/maintenance", read, with(get(maintenance::list)))
        .route("POST", "/api/v1/maintenance", edit, with(post(maintenance::make)))
        .route("GET", "/api/v1/maintenance/{id}", read, with(get(maintenance::one)))
        .route("PUT", "/api/v1/maintenance/{id}", edit, with(put(maintenance::change)))
        .route("DELETE", "/api/v1/maintenance/{id}", edit, with(delete(maintenance::delete)))
        .route("GET", "/api/v1/status-pages", read, with(get(status::list)))
        .route("POST", "/api/v1/status-pages", edit, with(post(status::make)))
        .route("GET", "/api/v1/status-pages/{slug}", read, with(get(status::one)))
        .route("PUT", "/api/v1/status-pages/{slug}", edit, with(put(status::change)))
        .route("DELETE", "/api/v1/status-pages/{slug}", edit, with(delete(status::delete)))
        .route("GET", "/api/v1/status-pages/{slug}/posts", read, with(get(posts::posts)))
        .route("POST", "/api/v1/status-pages/{slug}/posts", edit, with(post(posts::tell)))
        .route("GET", "/api/v1/status-pages/{slug}/posts/{id}", read, with(get(posts::post)))
        .route("DELETE", "/api/v1/status-pages/{slug}/posts/{id}", edit, with(delete(posts::forget_post)))
        .route("POST", "/api/v1/status-pages/{slug}/posts/{id}/updates", edit, with(post(posts::tell_more)))
        .route("PUT", "/api/v1/status-pages/{slug}/posts/{id}/updates/{update}", edit, with(put(posts::edit_update)))
        .route("DELETE", "/api/v1/status-pages/{slug}/posts/{id}/updates/{update}", edit, with(delete(posts::forget_update)))
        // Nobody but who may tell them sees drafts.
        .route("GET", "/api/v1/status-pages/{slug}/drafts", edit, with(get(posts::drafts)))
        .route("POST", "/api/v1/status-pages/{slug}/drafts", edit, with(post(posts::make_draft)))
        .route("PUT", "/api/v1/status-pages/{slug}/drafts/{id}", edit, with(put(posts::change_draft)))
        .route("DELETE", "/api/v1/status-pages/{slug}/drafts/{id}", edit, with(delete(posts::forget_draft)))
        .route("POST", "/api/v1/status-pages/{slug}/drafts/{id}/publish", edit, with(post(posts::publish)))
        .route("GET", "/api/v1/status-templates", read, with(get(posts::templates)))
        .route("POST", "/api/v1/status-templates", edit, with(post(posts::make_template)))
        .route("PUT", "/api/v1/status-templates/{id}", edit, with(put(posts::change_template)))
        .route("DELETE", "/api/v1/status-templates/{id}", edit, with(delete(posts::forget_template)))
        // Who knows the token may beat: jobs have no account.
        .route("GET, POST, PUT", "/api/v1/heartbeats/{token}", Policy::Public, with(any(checks::plain_beat)))
        .route("GET, POST, PUT", "/api/v1/heartbeats/{token}/{said}", Policy::Public, with(any(checks::told_beat)))
        // Where jobs called Uptime Kuma, so that they go on calling.
        .route("GET, POST, PUT", "/api/push/{token}", Policy::Public, with(any(checks::kuma_beat)))
}
