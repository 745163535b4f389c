//! Loki's HTTP API and the doors for lines. Wire shapes live here and nowhere else.
//!
//! Rooms in reading order: [`answer`] (errors), [`params`] and [`selector`] (what is asked), [`json_text`], [`result_json`]
//! and [`stats_json`] (how answers are written), then one file for each family of endpoints. [`routes`] is the table of
//! contents.

mod answer;
mod deletes;
mod detected;
mod elastic;
mod index;
mod json_text;
mod legacy;
pub(super) mod otlp;
mod params;
mod push;
mod query;
mod result_json;
mod selector;
mod stats_json;
mod status;
mod tail;
mod volume_range;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use axum::routing::{MethodRouter, get, post};

use crate::access::{Policy, Routes};
use crate::base::cancel::Cancel;
use crate::base::clock::SharedClock;
use crate::base::pressure::Pressure;
use crate::logs::ingest::receive::Receiver;
use crate::logs::model::deletions::DeleteLines;
use crate::logs::model::read::{SelectLines, SelectLinesError};
use crate::logs::query::engine::Engine;
use crate::platform::telemetry::metrics::{Counter, Durations, Page, Report};
use crate::platform::work::{WorkError, WorkPool};
use answer::ApiError;

/// What queries may ask for.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueryLimits {
    /// Lines of one answer; 0 for any.
    pub(super) lines_max: usize,
    /// Length of the range of time.
    pub(super) length_max: Option<Duration>,
    /// Bytes of lines that are read; 0 for any.
    pub(super) bytes_max: u64,
    /// How long one may take.
    pub(super) timeout: Duration,
    /// Live tails at once.
    pub(super) tails_max: usize,
}

/// What the endpoints work with.
pub(super) struct ApiState {
    pub(super) clock: SharedClock,
    pub(super) select: Arc<dyn SelectLines>,
    pub(super) engine: Engine,
    pub(super) receiver: Arc<Receiver>,
    pub(super) deletions: Arc<dyn DeleteLines>,
    pub(super) work: WorkPool,
    pub(super) writes: WorkPool,
    pub(super) write_bytes_max: usize,
    pub(super) limits: QueryLimits,
    pub(super) pressure: Pressure,
    /// Why lines are not taken now, if they are not.
    pub(super) unready: Box<dyn Fn() -> Option<String> + Send + Sync>,
    /// Tails that are open.
    pub(super) tails: Arc<AtomicUsize>,
    pub(super) counters: ApiCounters,
}

/// Counts of the API.
pub(super) struct ApiCounters {
    queries: Durations,
    bytes: Counter,
    lines: Counter,
    failed: Counter,
}

impl Default for ApiCounters {
    fn default() -> Self {
        Self {
            queries: Durations::new(&[0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0]),
            bytes: Counter::default(),
            lines: Counter::default(),
            failed: Counter::default(),
        }
    }
}

impl ApiState {
    /// The time now, in milliseconds.
    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Time that only goes forward.
    pub(super) fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Finds lines.
    pub(super) fn select(&self) -> &dyn SelectLines {
        &*self.select
    }

    /// Deletes lines.
    pub(super) fn deletions(&self) -> &dyn DeleteLines {
        &*self.deletions
    }

    /// Lines of one answer at most; 0 for any.
    pub(super) fn lines_max(&self) -> usize {
        self.limits.lines_max
    }

    /// The pool for queries, and how long one may take.
    pub(super) fn pool(&self) -> (&WorkPool, Duration) {
        (&self.work, self.limits.timeout)
    }

    /// Runs something in the pool for queries, within the time of queries.
    pub(super) async fn run<T: Send + 'static>(&self, cancel: &Cancel, work: impl FnOnce() -> T + Send + 'static) -> Result<T, WorkError> {
        self.work.run(self.limits.timeout, cancel, work).await
    }

    /// The time now, in ns.
    fn now_ns(&self) -> i64 {
        self.clock.now_ms().saturating_mul(1_000_000)
    }

    /// Reads storage in the pool for queries.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn SelectLines, &Cancel) -> Result<T, SelectLinesError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (select, cancel) = (Arc::clone(&self.select), Cancel::new());
        let inner = cancel.clone();
        Ok(self.work.run(self.limits.timeout, &cancel, move || work(&*select, &inner)).await??)
    }
}

impl Report for ApiState {
    fn report(&self, page: &mut Page) {
        page.family("pharos_logs_query_duration_seconds", "histogram", "Time to answer a LogQL query.");
        self.counters.queries.write(page, "pharos_logs_query_duration_seconds", &[]);
        page.counter("pharos_logs_query_bytes_total", "Bytes of lines that queries read.", self.counters.bytes.get());
        page.counter("pharos_logs_query_lines_total", "Lines that queries read.", self.counters.lines.get());
        page.counter("pharos_logs_query_failures_total", "LogQL queries without an answer.", self.counters.failed.get());
        for (name, help, read) in [
            ("running", "Pieces of work on logs that run now, by pool.", WorkPool::busy as fn(&WorkPool) -> usize),
            ("waiting", "Pieces of work on logs that wait for a place, by pool.", WorkPool::waiting),
            ("places", "Pieces of work on logs that may run at once, by pool.", WorkPool::size),
        ] {
            let metric = format!("pharos_logs_work_{name}");
            page.family(&metric, "gauge", help);
            for (pool, of) in [("queries", &self.work), ("writes", &self.writes)] {
                page.sample(&metric, &[("pool", pool)], read(of) as f64);
            }
        }
    }
}

/// Every endpoint with who may use it.
pub(super) fn routes(state: &Arc<ApiState>) -> Routes {
    write_routes(state).join(read_routes(state))
}

fn write_routes(state: &Arc<ApiState>) -> Routes {
    let with = |handler: MethodRouter<Arc<ApiState>>| handler.with_state(Arc::clone(state));
    let (write, both) = (Policy::WRITE_LOGS, "POST, PUT");
    Routes::new()
        .route("POST", "/loki/api/v1/push", write, with(post(push::loki)))
        .route("POST", "/api/prom/push", write, with(post(push::loki)))
        .route("POST", "/api/v1/logs", write, with(post(push::lines)))
        .route(both, "/_bulk", write, with(post(elastic::bulk).put(elastic::bulk)))
        .route(both, "/{index}/_bulk", write, with(post(elastic::bulk_of).put(elastic::bulk_of)))
        .route("GET, POST, PUT", "/elasticsearch", write, with(get(elastic::other).post(elastic::other).put(elastic::other)))
        .route("GET, POST, PUT", "/elasticsearch/", write, with(get(elastic::other).post(elastic::other).put(elastic::other)))
        .route("GET, POST, PUT", "/elasticsearch/{*path}", write, with(get(elastic::other).post(elastic::other).put(elastic::other)))
}

fn read_routes(state: &Arc<ApiState>) -> Routes {
    let with = |handler: MethodRouter<Arc<ApiState>>| handler.with_state(Arc::clone(state));
    let (read, both) = (Policy::READ, "GET, POST");
    Routes::new()
        .route(both, "/loki/api/v1/query", read, with(get(query::instant).post(query::instant)))
        .route(both, "/loki/api/v1/query_range", read, with(get(query::range).post(query::range)))
        .route(both, "/loki/api/v1/format_query", read, get(query::format).post(query::format))
        .route(both, "/loki/api/v1/labels", read, with(get(index::label_names).post(index::label_names)))
        .route(both, "/loki/api/v1/label", read, with(get(index::label_names).post(index::label_names)))
        .route(both, "/api/prom/query", read, with(get(legacy::query).post(legacy::query)))
        .route(both, "/api/prom/label", read, with(get(legacy::label_names).post(legacy::label_names)))
        .route(both, "/loki/api/v1/label/{name}/values", read, with(get(index::label_values).post(index::label_values)))
        .route(both, "/api/prom/label/{name}/values", read, with(get(legacy::label_values).post(legacy::label_values)))
        .route(both, "/loki/api/v1/series", read, with(get(index::series).post(index::series)))
        .route(both, "/api/prom/series", read, with(get(index::series).post(index::series)))
        .route(both, "/loki/api/v1/index/stats", read, with(get(index::stats).post(index::stats)))
        .route(both, "/loki/api/v1/index/volume", read, with(get(index::volume).post(index::volume)))
        .route(both, "/loki/api/v1/index/volume_range", read, with(get(volume_range::range).post(volume_range::range)))
        .route(both, "/loki/api/v1/patterns", read, with(get(detected::patterns).post(detected::patterns)))
        .route(both, "/loki/api/v1/detected_fields", read, with(get(detected::fields).post(detected::fields)))
        .route(both, "/loki/api/v1/detected_field/{name}/values", read, with(get(detected::values).post(detected::values)))
        .route(both, "/loki/api/v1/detected_labels", read, with(get(index::labels_found).post(index::labels_found)))
        .route("GET", "/loki/api/v1/tail", read, with(get(tail::tail)))
        .route("GET", "/api/prom/tail", read, with(get(tail::tail)))
        .route("GET", "/loki/api/v1/status/buildinfo", read, get(status::build_info))
        .route("GET", "/loki/api/v1/drilldown-limits", read, with(get(status::drilldown_limits)))
        .route("GET", "/ready", Policy::Public, with(get(status::ready)))
        .join(deletion_routes(state))
}

fn deletion_routes(state: &Arc<ApiState>) -> Routes {
    let handlers = post(deletes::add).put(deletes::add).get(deletes::list).delete(deletes::cancel);
    Routes::new().route("GET, POST, PUT, DELETE", "/loki/api/v1/delete", Policy::ADMIN, handlers.with_state(Arc::clone(state)))
}
