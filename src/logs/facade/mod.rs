//! The front door of the logs wing: opens storage, wires the rooms, and hands out routes.

mod backup;
mod budget;
mod collect;
mod deletions;
mod import;
mod lines;
mod loki_config;
mod options;
mod pages;
mod report;
mod saved;
mod search;

use std::path::PathBuf;
use std::sync::Arc;

use crate::access::Routes;
use crate::base::clock::SharedClock;
use crate::base::pressure::Pressure;
use crate::logs::api::otlp::{self, OtlpDoor};
use crate::logs::api::{self, ApiCounters, ApiState};
use crate::logs::ingest::collectors::Collectors;
use crate::logs::ingest::counts::DoorReport;
use crate::logs::ingest::receive::Receiver;
use crate::logs::model::level::LineLevel;
use crate::logs::model::read::SelectLines;
use crate::logs::query::engine::Engine;
use crate::logs::store::{Store, StoreError, WriteState};
use crate::platform::backup::Part;
use crate::platform::config::settings::{Inline, Settings};
use crate::platform::db::Db;
use crate::platform::http::tls::ServerTls;
use crate::platform::telemetry::metrics::{Registry, Report};
use crate::platform::work::WorkPool;
use crate::series::ports::{Lines, LogLabels, Search};

pub use backup::{check_restored, stopped_part};
pub use collect::{Environment, read_collect};
pub use import::{ImportError, ImportOptions, Imported, import_lines};
pub use loki_config::take_over as take_over_loki_config;

/// What the wing needs of the rest of the server.
pub struct LogsOptions {
    /// Where lines are kept.
    pub data_dir: PathBuf,
    /// Settings of ours.
    pub settings: Settings,
    /// The time.
    pub clock: SharedClock,
    /// Where the wing's own metrics are added.
    pub registry: Registry,
    /// How short memory and disk are.
    pub pressure: Pressure,
    /// With what encrypted connections are accepted, where there is a certificate.
    pub tls: Option<Arc<ServerTls>>,
    /// Variables that the file of collectors may name.
    pub env: Environment,
    /// Where saved searches are.
    pub db: Arc<Db>,
    /// What the configuration file itself says about collecting.
    pub collect: Option<Inline>,
}

/// Why the wing did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Storage did not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A setting is wrong.
    #[error("{0}")]
    Setting(String),
    /// The data folder cannot be made.
    #[error("logs: {0}")]
    Folder(#[from] std::io::Error),
    /// The thread that opened storage died.
    #[error("opening log storage failed unexpectedly")]
    Panicked,
}

/// The open wing.
pub struct Logs {
    store: Arc<Store>,
    engine: Engine,
    api: Arc<ApiState>,
    receiver: Arc<Receiver>,
    otlp: Arc<OtlpDoor>,
    collectors: Arc<Collectors>,
    settings: Settings,
    env: Environment,
    db: Arc<Db>,
    /// What the configuration file itself says about collecting.
    collect: parking_lot::Mutex<Option<Inline>>,
    runtime: tokio::runtime::Handle,
}

impl Logs {
    /// Opens storage, which reads the log back, and wires everything.
    pub async fn open(options: LogsOptions) -> Result<Arc<Self>, OpenError> {
        let LogsOptions { data_dir, settings, clock, registry, pressure, tls, env, db, collect } = options;
        std::fs::create_dir_all(&data_dir)?;
        let folder = data_dir.with_file_name("collect");
        let store_settings = options::store(data_dir, &settings, &clock, &pressure).map_err(OpenError::Setting)?;
        let opened = tokio::task::spawn_blocking({
            let clock = Arc::clone(&clock);
            move || Store::open(store_settings, clock)
        });
        let store = Arc::new(opened.await.map_err(|_| OpenError::Panicked)??);
        let receiver = Arc::new(Receiver::new(Arc::clone(&store) as _, Arc::clone(&clock), pressure.clone(), options::lines(&settings)));
        let collectors =
            collect::open(folder, &settings, collect.as_ref(), &clock, tls.as_ref(), env, &receiver).map_err(OpenError::Setting)?;
        let query_places = usize::try_from(settings.limits.query_concurrency_max).unwrap_or(usize::MAX).max(1);
        let engine = Engine::new(Arc::clone(&store) as _, Arc::clone(&clock), options::engine(&settings, &pressure));
        let unready = {
            let store = Arc::clone(&store);
            move || unready(&store)
        };
        let writes = WorkPool::new(write_places());
        let write_bytes_max = options::write_bytes(&settings);
        let otlp = Arc::new(OtlpDoor {
            receiver: Arc::clone(&receiver),
            writes: writes.clone(),
            pressure: pressure.clone(),
            body_bytes_max: write_bytes_max,
            level_of: receiver.limits.finds_levels.then_some(|text| LineLevel::of_line(text).as_str()),
        });
        let api = Arc::new(ApiState {
            clock,
            select: Arc::clone(&store) as Arc<dyn SelectLines>,
            engine: engine.clone(),
            receiver: Arc::clone(&receiver),
            deletions: Arc::new(deletions::StoreDeletions(Arc::clone(&store))),
            work: WorkPool::shedding(query_places, pressure.clone()),
            writes,
            write_bytes_max,
            limits: options::queries(&settings),
            pressure,
            unready: Box::new(unready),
            tails: Arc::default(),
            counters: ApiCounters::default(),
        });
        registry.add(Arc::clone(&receiver) as Arc<dyn Report>);
        registry.add(Arc::clone(&api) as Arc<dyn Report>);
        registry.add(Arc::new(report::StoreReport(Arc::clone(&store))) as Arc<dyn Report>);
        registry.add(Arc::clone(&collectors) as Arc<dyn Report>);
        let runtime = tokio::runtime::Handle::current();
        Ok(Arc::new(Self {
            store,
            engine,
            api,
            receiver,
            otlp,
            collectors,
            settings,
            env,
            db,
            collect: parking_lot::Mutex::new(collect),
            runtime,
        }))
    }

    /// Begins to listen for syslog and Fluent, and to collect. What cannot be started is in the log.
    pub async fn start(self: &Arc<Self>) {
        collect::say(self.collectors.start().await);
        let logs = Arc::downgrade(self);
        self.runtime.spawn(collect::follow_lists(move || {
            let logs = logs.upgrade()?;
            let inline = logs.collect.lock().clone();
            if logs.collectors.has_lists() {
                logs.reload(inline);
            }
            Some(())
        }));
    }

    /// Log files that cannot be read now, and why, by path.
    pub fn unreadable_files(&self) -> Vec<(String, String)> {
        self.collectors.unreadable()
    }

    /// Reads the file that says what is collected again, in the background; `inline` is what the configuration file says now.
    pub fn reload(self: &Arc<Self>, inline: Option<Inline>) {
        self.collect.lock().clone_from(&inline);
        let logs = Arc::clone(self);
        self.runtime.spawn(async move { collect::reload(&logs.collectors, &logs.settings, inline, logs.env).await });
    }

    /// Every route of the wing.
    pub fn routes(self: &Arc<Self>) -> Routes {
        api::routes(&self.api).join(otlp::routes(&self.otlp)).join(pages::routes(self))
    }

    /// Takes lines of other doors: syslog, collectors, OpenTelemetry.
    pub fn receiver(&self) -> &Arc<Receiver> {
        &self.receiver
    }

    /// What came by each door, and what of it was refused.
    pub fn door_reports(&self) -> Vec<DoorReport> {
        let mut reports = self.receiver.door_reports();
        self.collectors.counts().add_to(&mut reports);
        reports
    }

    /// Answers LogQL, for pages, rules and dashboards.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Reads the newest lines, for pages beside the logs.
    pub fn lines(&self) -> Arc<dyn Lines> {
        Arc::new(lines::NewestLines(self.engine.clone()))
    }

    /// Lines that queries find.
    pub fn search(&self) -> Arc<dyn Search> {
        Arc::new(search::Finder(self.engine().clone()))
    }

    /// Labels of streams.
    pub fn log_labels(&self) -> Arc<dyn LogLabels> {
        Arc::new(search::Finder(self.engine().clone()))
    }

    /// Why lines are not taken now, if they are not.
    pub fn unready(&self) -> Option<String> {
        unready(&self.store)
    }

    /// Gives back what can be given back: label sets, memory of requests, and the newest lines, which become parts.
    /// Blocking.
    pub fn relieve(&self) {
        self.receiver.relieve();
        if let Err(error) = self.store.relieve() {
            tracing::warn!(%error, "lines could not be written to parts to give memory back");
        }
    }

    /// Bytes of lines on disk.
    pub fn stored_bytes(&self) -> u64 {
        self.store.bytes()
    }

    /// Keeps storage below what a budget of disk leaves to it, when the data folder takes `used` bytes: the oldest parts go.
    /// Blocking.
    pub fn shrink(&self, used: u64, budget: u64) {
        self.store.shrink_to(budget::share_of_disk(used, self.store.bytes(), budget));
    }

    /// Ends tails.
    pub fn end_tails(&self) {
        self.receiver.taps.close();
    }

    /// Ends tails and closes storage.
    pub async fn stop(&self) {
        self.end_tails();
        self.collectors.stop().await;
        let store = Arc::clone(&self.store);
        if tokio::task::spawn_blocking(move || store.close()).await.is_err() {
            tracing::error!("closing log storage panicked");
        }
    }

    /// What the wing adds to a backup.
    pub fn backup_part(&self) -> Arc<dyn Part> {
        Arc::new(backup::LogsPart { store: Arc::clone(&self.store) })
    }
}

fn unready(store: &Store) -> Option<String> {
    match store.write_state() {
        WriteState::Ok => None,
        WriteState::Refusing(why) => Some(why),
        WriteState::Closed => Some("log storage is closed".to_owned()),
    }
}

/// Decoding is CPU-bound; a few more places than processors keep them busy while others wait for the log.
fn write_places() -> usize {
    std::thread::available_parallelism().map_or(4, |count| count.get() * 2)
}
