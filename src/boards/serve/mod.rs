//! Panels as browsers ask for them: many at a time, each answered as soon as it is ready, what is the same made once.
//!
//! A batch goes through these steps: [`request`] (what is asked for), [`scene`] (the dashboard and its variables),
//! [`answer`] (one panel), [`kept`] (answers that others ask for too), [`batch`] (all of it, as lines).

mod answer;
mod batch;
mod kept;
mod marks;
mod missing;
mod request;
mod scene;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Semaphore;

pub use batch::Lines;
pub use request::{BODY_BYTES_MAX, Batch, Wanted};
pub use scene::Reader;

use crate::base::clock::SharedClock;
use crate::boards::model::{Board, Library};
use crate::boards::query::{Engines, Resolved};
use crate::series::ports::{AlertsNow, EvaluateError, Happenings, LogLabels, Select, Shape};

/// Most bytes of answers that are kept.
const KEPT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Most dashboards whose variables are kept.
const SCENES_MAX: usize = 8 * 1024 * 1024;

/// Reads a query in PromQL without asking it.
pub type ReadQuery = Arc<dyn Fn(&str) -> Result<Shape, EvaluateError> + Send + Sync>;

/// What panels are made with.
pub struct Ports {
    /// Series of metrics.
    pub select: Arc<dyn Select>,
    /// Answers queries.
    pub engines: Engines,
    /// Labels of logs.
    pub log_labels: Arc<dyn LogLabels>,
    /// Reads queries of metrics.
    pub read: ReadQuery,
    /// What is wrong now.
    pub alerts: Arc<dyn AlertsNow>,
    /// What was marked in time.
    pub happenings: Arc<dyn Happenings>,
    /// How often targets are scraped unless they say, in milliseconds.
    pub scrape: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Dashboards.
    pub library: Arc<dyn Library>,
    /// The time.
    pub clock: SharedClock,
}

/// A dashboard that was found.
#[derive(Clone)]
struct Found {
    /// Grafana's classic JSON.
    json: Arc<Value>,
    /// What it is read as.
    board: Arc<Board>,
    /// Counts its changes.
    version: i64,
}

/// Serves panels.
pub struct Server {
    ports: Ports,
    /// Answers of panels.
    answers: kept::Kept<String>,
    /// Variables of dashboards.
    scenes: kept::Kept<Resolved>,
    /// What is marked on the charts of a dashboard.
    marks: kept::Kept<marks::Marks>,
    /// Dashboards as they were read, by their uids.
    boards: Mutex<HashMap<String, Found>>,
    /// How many panels are made at once.
    places: Arc<Semaphore>,
    /// How many of them for readers of shares.
    outside: Arc<Semaphore>,
}

impl Server {
    /// A server that makes at most so many panels at once.
    pub fn new(ports: Ports, at_once: usize) -> Arc<Self> {
        Arc::new(Self {
            ports,
            answers: kept::Kept::new(KEPT_BYTES_MAX),
            scenes: kept::Kept::new(SCENES_MAX),
            marks: kept::Kept::new(SCENES_MAX),
            boards: Mutex::default(),
            places: Arc::new(Semaphore::new(at_once.max(1))),
            outside: Arc::new(Semaphore::new((at_once / 3).max(1))),
        })
    }
}

#[cfg(test)]
mod tests;
