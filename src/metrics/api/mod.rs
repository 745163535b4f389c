//! The Prometheus HTTP API and the doors for writing. Wire shapes live here and nowhere else.
//!
//! Rooms in reading order: [`answer`] (envelope and errors), [`value_json`] (results), [`params`] (times,
//! durations, limits), then one file for each family of endpoints. [`routes`] is the table of contents.

mod admin;
mod answer;
pub(super) mod catalogue;
pub(super) mod custom;
mod doors;
mod exposition;
mod features;
mod federate;
mod index;
mod jobs;
mod otlp;
mod params;
mod parse_tree;
mod push;
mod query;
mod refusals;
mod remote_read;
mod status;
mod targets;
mod value_json;
mod vitals;
mod write;

use std::sync::Arc;
use std::time::Duration;

use axum::routing::{any, get, post, put};

pub(super) use self::remote_read::{ReadLimits, RemoteRead};
pub(super) use self::vitals::Taker;

use crate::access::{Policy, Routes};
use crate::base::clock::SharedClock;
use crate::base::pressure::Pressure;
use crate::metrics::ingest::custom::CustomMetrics;
use crate::metrics::ingest::otlp::OtlpMetrics;
use crate::metrics::ingest::push::Pushgateway;
use crate::metrics::ingest::remote_write::RemoteWrite;
use crate::metrics::ingest::scrape::ScrapeManager;
use crate::metrics::model::config::Config;
use crate::metrics::model::server::Server;
use crate::metrics::model::storage::Storage;
use crate::metrics::query::engine::Engine;
use crate::platform::telemetry::metrics::{Durations, Page, Registry, Report};
use crate::platform::work::WorkPool;
use crate::series::ports::Select;

/// What the endpoints work with.
pub(super) struct ApiState {
    pub(super) clock: SharedClock,
    pub(super) select: Arc<dyn Select>,
    pub(super) engine: Arc<Engine>,
    pub(super) storage: Arc<dyn Storage>,
    pub(super) server: Arc<dyn Server>,
    pub(super) scrape: Arc<ScrapeManager>,
    pub(super) remote_write: Arc<RemoteWrite>,
    pub(super) read: RemoteRead,
    pub(super) push: Arc<Pushgateway>,
    pub(super) custom: Arc<CustomMetrics>,
    /// None where they are not wanted.
    pub(super) vitals: Option<Taker>,
    pub(super) otlp: OtlpMetrics,
    pub(super) registry: Registry,
    pub(super) work: WorkPool,
    pub(super) writes: WorkPool,
    pub(super) query_timeout: Duration,
    pub(super) pressure: Pressure,
    /// Longest body of a write.
    pub(super) write_bytes_max: usize,
    /// Under which others reach this server.
    pub(super) external: url::Url,
    /// The configuration in force.
    pub(super) config: arc_swap::ArcSwap<Config>,
    /// Added to what leaves by federation and remote read.
    pub(super) external_labels: arc_swap::ArcSwap<Vec<(String, String)>>,
    pub(super) remote_write_receiver: bool,
    pub(super) counters: ApiCounters,
}

/// The gRPC method by which OpenTelemetry sends metrics.
const OTLP_SERVICE: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// Counts of the API.
pub(super) struct ApiCounters {
    pub(super) queries: Durations,
    pub(super) doors: doors::Doors,
}

impl Default for ApiCounters {
    fn default() -> Self {
        Self { queries: Durations::new(&[0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0]), doors: doors::Doors::default() }
    }
}

impl Report for ApiState {
    fn report(&self, page: &mut Page) {
        page.family("pharos_query_duration_seconds", "histogram", "Time to evaluate a PromQL query.");
        self.counters.queries.write(page, "pharos_query_duration_seconds", &[]);
        let reuse = self.engine.reuse_counts();
        page.family("pharos_query_cache_requests_total", "counter", "PromQL queries by what was taken from answers given before.");
        for (result, count) in [("hit", reuse.whole), ("partial", reuse.partial), ("miss", reuse.missed)] {
            page.sample("pharos_query_cache_requests_total", &[("result", result)], count as f64);
        }
        page.gauge("pharos_query_cache_bytes", "Memory that answers given before take.", reuse.bytes as f64);
        page.gauge("pharos_query_cache_entries", "Answers given before that are kept.", reuse.answers as f64);
        self.counters.doors.report(page);
        doors::report_work(self, page);
        page.gauge("pharos_otlp_delta_streams", "Streams of OpenTelemetry's deltas that are added up.", self.otlp.delta_streams() as f64);
    }
}

/// Every endpoint with who may use it.
pub(super) fn routes(state: &Arc<ApiState>) -> Routes {
    let read = Policy::READ;
    let with = |handler: axum::routing::MethodRouter<Arc<ApiState>>| handler.with_state(Arc::clone(state));
    Routes::new()
        .route("GET, POST", "/api/v1/query", read, with(get(query::instant).post(query::instant)))
        .route("GET, POST", "/api/v1/query_range", read, with(get(query::range).post(query::range)))
        .route("GET, POST", "/api/v1/query_exemplars", read, with(get(index::exemplars).post(index::exemplars)))
        .route("GET, POST", "/api/v1/series", read, with(get(index::series).post(index::series)))
        .route("GET, POST", "/api/v1/labels", read, with(get(index::label_names).post(index::label_names)))
        .route("GET", "/api/v1/label/{name}/values", read, with(get(index::label_values)))
        .route("GET, POST", "/api/v1/format_query", read, with(get(status::format_query).post(status::format_query)))
        .route("GET, POST", "/api/v1/parse_query", read, with(get(status::parse_query).post(status::parse_query)))
        .route("GET", "/api/v1/metadata", read, with(get(status::metadata)))
        .route("GET", "/api/v1/targets", read, with(get(targets::targets)))
        .route("GET", "/api/v1/targets/metadata", read, with(get(targets::metadata)))
        .route("GET", "/api/v1/scrape_pools", read, with(get(targets::pools)))
        .route("GET", "/api/v1/scrape_pools/config", read, with(get(jobs::config)))
        .route("GET", "/api/v1/targets/relabel_steps", read, with(get(jobs::relabel_steps)))
        .route("GET", "/api/v1/features", read, with(get(features::features)))
        .route("GET", "/api/v1/notifications", read, with(get(status::notifications)))
        .route("GET", "/api/v1/status/config", read, with(get(status::config)))
        .route("GET", "/api/v1/status/flags", read, with(get(status::flags)))
        .route("GET", "/api/v1/status/buildinfo", read, get(status::build_info))
        .route("GET", "/api/v1/status/runtimeinfo", read, with(get(status::runtime_info)))
        .route("GET", "/api/v1/status/tsdb", read, with(get(status::tsdb)))
        .route("GET", "/api/v1/status/tsdb/blocks", read, with(get(status::blocks)))
        .route("GET", "/api/v1/status/walreplay", read, with(get(status::wal_replay)))
        .route("GET", "/api/v1/status/self_metrics", read, with(get(status::self_metrics)))
        .route("GET", "/api/v1/status", read, with(get(status::pushgateway)))
        .route("GET", "/version", read, get(status::version))
        .route("GET", "/federate", read, with(get(federate::federate)))
        .route("GET", "/metrics", read, with(get(status::own_metrics)))
        .join(admin_routes(state))
        .route("PUT, POST, DELETE", "/metrics/job/{*group}", Policy::WRITE_METRICS, with(any(push::job)))
        .route("PUT, POST, DELETE", "/metrics/job@base64/{*group}", Policy::WRITE_METRICS, with(any(push::job)))
        .route("GET", "/api/v1/metrics", read, with(get(push::groups)))
        .route("GET", "/api/v1/pushed", read, with(get(push::groups)))
        .route("PUT", "/api/v1/admin/wipe", Policy::ADMIN, with(put(push::wipe)))
        .route("POST", "/api/v1/metrics/custom", Policy::WRITE_METRICS, with(post(custom::one)))
        .route("POST", "/api/v1/metrics/batch", Policy::WRITE_METRICS, with(post(custom::batch)))
        .route("POST", "/api/metrics/web-vitals", Policy::Public, with(post(vitals::take)))
        .route("GET", "/api/v1/metrics/health", read, with(get(custom::health)))
        .route("GET", "/api/v1/metrics/summary", read, with(get(custom::summary)))
        .route("GET", "/api/v1/metrics/dashboard", read, with(get(custom::dashboard)))
        .route("POST", "/api/v1/read", read, with(post(remote_read::read)))
        .route("POST", "/api/v1/write", Policy::WRITE_METRICS, with(post(write::remote_write)))
        .route("POST", "/api/v1/otlp/v1/metrics", Policy::WRITE_METRICS, with(post(otlp::http)))
        .route("POST", "/v1/metrics", Policy::WRITE_METRICS, with(post(otlp::http)))
        // Beside Loki's path for logs: senders put both behind one address.
        .route("POST", "/otlp/v1/metrics", Policy::WRITE_METRICS, with(post(otlp::http)))
        .route("POST", OTLP_SERVICE, Policy::WRITE_METRICS, with(post(otlp::grpc)))
}

fn admin_routes(state: &Arc<ApiState>) -> Routes {
    let with = |handler: axum::routing::MethodRouter<Arc<ApiState>>| handler.with_state(Arc::clone(state));
    let (admin, both) = (Policy::ADMIN, "POST, PUT");
    Routes::new()
        .route(both, "/api/v1/admin/tsdb/delete_series", admin, with(post(admin::delete_series).put(admin::delete_series)))
        .route(both, "/api/v1/admin/tsdb/clean_tombstones", admin, with(post(admin::clean_tombstones).put(admin::clean_tombstones)))
        .route(both, "/api/v1/admin/tsdb/snapshot", admin, with(post(admin::snapshot).put(admin::snapshot)))
        .route("POST", "/api/v1/admin/tsdb/compact", admin, with(post(admin::compact)))
        .route(both, "/-/reload", admin, with(post(admin::reload).put(admin::reload).get(admin::only_changes)))
        .route(both, "/-/quit", admin, with(post(admin::quit).put(admin::quit).get(admin::only_changes)))
        .route("GET", "/-/healthy", Policy::Public, get(admin::healthy))
        .route("GET", "/-/ready", Policy::Public, with(get(admin::ready)))
}
