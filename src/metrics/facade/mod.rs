//! The front door of the metrics wing: opens storage, wires the rooms, and hands out routes.

mod asked_for;
mod backup;
mod catalogue;
mod described;
mod home;
#[cfg(test)]
mod kept_answers;
mod look;
mod page_inputs;
mod page_routes;
mod storage;
mod upstream_report;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::access::Routes;
use crate::base::clock::SharedClock;
use crate::base::limits::WRITE_BODY_BYTES_MAX;
use crate::base::pressure::Pressure;
use crate::metrics::api::catalogue::CatalogueState;
use crate::metrics::api::{self, ApiCounters, ApiState, ReadLimits, RemoteRead, Taker};
use crate::metrics::ingest::ROUND_EVERY;
use crate::metrics::ingest::alert_send::AlertSend;
use crate::metrics::ingest::custom::CustomMetrics;
use crate::metrics::ingest::host::{Host, HostSettings, Roots};
use crate::metrics::ingest::otlp::OtlpMetrics;
use crate::metrics::ingest::push::Pushgateway;
use crate::metrics::ingest::push::log::FolderLog;
use crate::metrics::ingest::remote_send::{RemoteSend, Replay};
use crate::metrics::ingest::remote_write::RemoteWrite;
use crate::metrics::ingest::scrape::{InProcessTarget, ScrapeManager, ScrapeOptions, StopMode};
use crate::metrics::ingest::statsd::listen::Listener;
use crate::metrics::ingest::statsd::{Statsd, mapping};
use crate::metrics::ingest::vitals::WebVitals;
use crate::metrics::model::config::Config;
use crate::metrics::model::server::Server;
use crate::metrics::query::engine::{Engine, Options};
use crate::metrics::query::parse::ParseOptions;
use crate::metrics::store::{ReplayProgress, Store, StoreError, StoreSettings, SyncPolicy};
use crate::platform::backup::Part;
use crate::platform::config::settings::Settings;
use crate::platform::db::{Db, DbError};
use crate::platform::telemetry::metrics::{Page, Registry};
use crate::platform::work::WorkPool;
use crate::series::labels::Labels;
use crate::series::ports::{Append, ChecksNow, Evaluate, MetricUsers, Select, SendAlerts};
use asked_for::AskedFor;
pub use backup::{check_restored, stopped_part};
use described::Described;
use storage::StoreAdmin;
use upstream_report::{QueriesReport, TsdbReport};

/// Series that remote write remembers by the bytes of their labels.
const REMEMBERED_SERIES_MAX: usize = 4_000_000;

/// Where pushed groups are kept, below the data folder.
const PUSHED_DIR: &str = "pushed";
/// The totals of custom metrics, beside them.
const CUSTOM_FILE: &str = "custom.journal";
/// How far each endpoint of remote write is.
const REMOTE_WRITE_FILE: &str = "remote_write.positions";

/// What the wing needs of the rest of the server.
pub struct MetricsOptions {
    /// Where samples are kept.
    pub data_dir: PathBuf,
    /// Settings of ours.
    pub settings: Settings,
    /// Prometheus' sections.
    pub config: Config,
    /// The time.
    pub clock: SharedClock,
    /// Where the wing's own metrics are added, and what `/metrics` shows.
    pub registry: Registry,
    /// The server around.
    pub server: Arc<dyn Server>,
    /// Where it listens.
    pub address: SocketAddr,
    /// Told how far reading the log back is.
    pub progress: Arc<ReplayProgress>,
    /// How short memory and disk are.
    pub pressure: Pressure,
    /// Where what people say of metrics is kept.
    pub db: Arc<Db>,
}

/// Why the wing did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Storage did not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A setting of host metrics is wrong.
    #[error("host metrics: {0}")]
    Host(#[from] regex::Error),
    /// Pushed groups or custom metrics could not be read back.
    #[error("pushed and custom metrics: {0}")]
    Pushed(#[from] std::io::Error),
    /// StatsD's address cannot be listened on.
    #[error("statsd.listen: cannot listen on {0}: {1}")]
    Statsd(String, std::io::Error),
    /// What people say of metrics cannot be read.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The thread that opened storage died.
    #[error("opening storage failed unexpectedly")]
    Panicked,
}

/// The open wing.
pub struct Metrics {
    store: Arc<Store>,
    evaluate: Arc<dyn Evaluate>,
    storage: Arc<StoreAdmin>,
    scrape: Arc<ScrapeManager>,
    server: Arc<dyn Server>,
    clock: SharedClock,
    api: Arc<ApiState>,
    settings: Settings,
    config: ArcSwap<Config>,
    host: Option<Arc<Host>>,
    host_instance: Option<String>,
    own_instance: String,
    push: Arc<Pushgateway>,
    remote_send: Arc<RemoteSend>,
    alert_send: Arc<AlertSend>,
    /// StatsD, whose sockets are taken when it starts.
    append: Arc<dyn Append>,
    statsd: Option<(Arc<Statsd>, parking_lot::Mutex<Option<Listener>>)>,
    pressure: Pressure,
    checks: OnceLock<Arc<dyn ChecksNow>>,
    asked_for: AskedFor,
    described: Described,
    background: parking_lot::Mutex<Vec<tokio::task::JoinHandle<()>>>,
}

impl Metrics {
    /// Opens storage, which reads the log back, and wires everything. Nothing is scraped yet.
    pub async fn open(options: MetricsOptions) -> Result<Arc<Self>, OpenError> {
        let MetricsOptions { data_dir, settings, config, clock, registry, server, address, progress, pressure, db } = options;
        std::fs::create_dir_all(&data_dir)?;
        let store_settings = StoreSettings { pressure: pressure.clone(), ..store_settings(data_dir.clone(), &settings) };
        let opened = tokio::task::spawn_blocking({
            let (settings, clock) = (store_settings.clone(), Arc::clone(&clock));
            move || Store::open_watched(settings, clock, &progress)
        });
        let store = Arc::new(opened.await.map_err(|_| OpenError::Panicked)??);
        let storage = Arc::new(StoreAdmin { store: Arc::clone(&store), settings: store_settings, clock: Arc::clone(&clock) });
        let stored = Arc::clone(&store);
        let newest = Arc::new(move || stored.newest());
        let replay = Replay { select: Arc::clone(&store) as _, newest, positions: data_dir.join(REMOTE_WRITE_FILE) };
        let remote_send = Arc::new(RemoteSend::new(Arc::clone(&clock), replay));
        let append = Arc::new(remote_send.tap(Arc::clone(&store) as Arc<dyn Append>)) as Arc<dyn Append>;
        let custom = Arc::new(CustomMetrics::open(&data_dir.join(CUSTOM_FILE), Arc::clone(&append), Arc::clone(&clock))?);
        let groups = Box::new(FolderLog::open(&data_dir.join(PUSHED_DIR))?);
        let push = Arc::new(Pushgateway::open(groups, Arc::clone(&append), Arc::clone(&clock), None)?);
        let select = Arc::clone(&store) as Arc<dyn Select>;
        let engine =
            Arc::new(Engine::new(Arc::clone(&select), Options { pressure: pressure.clone(), ..engine_options(&settings, &config) }));
        let host = host(&settings, &clock)?;
        let statsd = statsd(&settings, &clock).await?;
        let seed = xxhash_rust::xxh3::xxh3_64(rustix::system::uname().nodename().to_bytes());
        let scrape_options = ScrapeOptions { created_as_start: has_feature(&settings, "created-timestamp-zero-ingestion"), seed };
        let scrape = Arc::new(ScrapeManager::new(Arc::clone(&append), Arc::clone(&clock), &scrape_options));
        let remote_write = Arc::new(RemoteWrite::new(Arc::clone(&append), Arc::clone(&clock), remembered_series(&settings)));
        let api = Arc::new(ApiState {
            clock: Arc::clone(&clock),
            select,
            engine: Arc::clone(&engine),
            storage: Arc::clone(&storage) as _,
            server: Arc::clone(&server),
            scrape: Arc::clone(&scrape),
            remote_write,
            read: remote_read(&settings),
            push: Arc::clone(&push),
            vitals: settings.server.vitals.then(|| {
                let vitals = WebVitals::new(Arc::clone(&custom), settings.server.vitals_sites.clone());
                Taker::new(vitals, Arc::clone(&clock))
            }),
            custom,
            otlp: OtlpMetrics::new(Arc::clone(&append), Arc::clone(&clock)),
            registry: registry.clone(),
            work: WorkPool::shedding(usize::try_from(settings.limits.query_concurrency_max).unwrap_or(usize::MAX).max(1), pressure.clone()),
            writes: WorkPool::new(write_places()),
            query_timeout: settings.limits.query_timeout.to_std(),
            write_bytes_max: write_bytes(&settings),
            pressure: pressure.clone(),
            external: external_url(&settings, address),
            config: ArcSwap::from_pointee(config.clone()),
            external_labels: ArcSwap::from_pointee(external_labels(&config)),
            remote_write_receiver: settings.server.remote_write_receiver,
            counters: ApiCounters::default(),
        });
        registry.add(Arc::clone(&storage) as _);
        registry.add(Arc::clone(&api) as _);
        registry.add(Arc::clone(&scrape) as _);
        registry.add(Arc::new(TsdbReport(Arc::clone(&storage))));
        registry.add(Arc::new(QueriesReport(api.work.clone())));
        registry.add(Arc::clone(&remote_send) as _);
        let alert_send = AlertSend::new(Arc::clone(&clock));
        registry.add(Arc::clone(&alert_send) as _);
        if let Some((statsd, _)) = &statsd {
            registry.add(Arc::clone(statsd) as _);
        }
        let host_instance = host.as_ref().map(|host| host.node_name());
        let own_instance = address.to_string();
        let asked_for = AskedFor::new(Arc::clone(&clock));
        let config = ArcSwap::from_pointee(config);
        let evaluate = engine as Arc<dyn Evaluate>;
        Ok(Arc::new(Self {
            store,
            evaluate,
            storage,
            scrape,
            server,
            clock,
            api,
            settings,
            config,
            host,
            host_instance,
            own_instance,
            push,
            remote_send,
            alert_send,
            append,
            statsd,
            pressure,
            checks: OnceLock::new(),
            asked_for,
            described: Described::open(db)?,
            background: parking_lot::Mutex::default(),
        }))
    }

    /// Begins to scrape. Call it inside the runtime.
    pub fn start(self: &Arc<Self>) {
        self.add_own_targets();
        self.background.lock().push(tokio::spawn(Arc::clone(&self.api).restate_pushed_every(ROUND_EVERY)));
        if let Some((statsd, listener)) = &self.statsd
            && let Some(listener) = listener.lock().take()
        {
            let every = self.settings.statsd.flush_interval.to_std().max(Duration::from_secs(1));
            self.background.lock().extend(listener.start(statsd, Arc::clone(&self.append), every));
        }
        let config = self.config.load_full();
        self.apply(&config);
    }

    /// Takes over a new configuration.
    pub fn apply(&self, config: &Config) {
        let shared = Arc::new(config.clone());
        self.api.config.store(Arc::clone(&shared));
        self.config.store(shared);
        self.api.external_labels.store(Arc::new(external_labels(config)));
        if let Some((statsd, _)) = &self.statsd {
            map_statsd(statsd, &self.settings);
        }
        if let Err(errors) = self.remote_send.apply(&config.remote_write, &config.global.external_labels) {
            for error in errors {
                tracing::error!(error, "an endpoint of remote_write cannot be used");
            }
        }
        if let Err(errors) = self.alert_send.apply(&config.alerting) {
            for error in errors {
                tracing::error!(error, "Alertmanagers of a section cannot be used");
            }
        }
        if let Err(errors) = self.scrape.apply(&config.scrape_configs, &config.global) {
            for error in errors {
                tracing::error!(job = error.job, error = error.reason, "a job cannot be scraped");
            }
        }
    }

    /// Gives back what can be given back: answers that were kept, memory of requests, and the head, which becomes blocks.
    /// Blocking.
    pub fn relieve(&self) {
        self.api.engine.forget_answers();
        self.api.remote_write.forget_idle();
        if let Err(error) = self.store.relieve() {
            tracing::warn!(%error, "the head could not be written to blocks to give memory back");
        }
    }

    /// Bytes of samples on disk.
    pub fn stored_bytes(&self) -> u64 {
        self.store.bytes()
    }

    /// Keeps storage below what a budget of disk leaves to it, when the data folder takes `used` bytes: the oldest blocks
    /// go. Blocking.
    pub fn shrink(&self, used: u64, budget: u64) {
        self.store.shrink_to(storage::share_of_disk(used, self.store.bytes(), budget));
    }

    /// Stops scraping, then closes storage. Endpoints of remote write get so long to take what is left.
    pub async fn stop(&self, sending_within: Duration) {
        self.background.lock().drain(..).for_each(|task| task.abort());
        self.alert_send.stop();
        self.scrape.stop(StopMode::Keep).await;
        self.remote_send.stop(sending_within).await;
        let store = Arc::clone(&self.store);
        if tokio::task::spawn_blocking(move || store.close()).await.is_err() {
            tracing::error!("closing storage panicked");
        }
    }

    /// What the wing adds to a backup.
    pub fn backup_part(&self) -> Arc<dyn Part> {
        Arc::new(backup::MetricsPart { store: Arc::clone(&self.store), data_dir: self.storage.settings.dir.clone() })
    }

    /// Answers PromQL, for rules and dashboards.
    pub fn evaluate(&self) -> Arc<dyn Evaluate> {
        Arc::clone(&self.evaluate)
    }

    /// Takes samples of rules; they go to storage and to remote write.
    pub fn append(&self) -> Arc<dyn Append> {
        Arc::clone(&self.append)
    }

    /// Who says how checks do. Only the first call counts.
    pub fn offer_checks(&self, checks: Arc<dyn ChecksNow>) {
        let _known_already = self.checks.set(checks);
    }

    /// Who asks for metrics. Only the first call counts.
    pub fn offer_users(&self, users: Vec<Arc<dyn MetricUsers>>) {
        self.asked_for.offer(users);
    }

    /// Sends alerts to Alertmanagers outside.
    pub fn alert_send(&self) -> Arc<dyn SendAlerts> {
        Arc::clone(&self.alert_send) as _
    }

    /// Finds and reads series.
    pub fn select(&self) -> Arc<dyn Select> {
        Arc::clone(&self.store) as _
    }

    /// Every route of the wing.
    pub fn routes(self: &Arc<Self>) -> Routes {
        let catalogue = CatalogueState { catalogue: Arc::clone(self) as _, clock: Arc::clone(&self.clock) };
        api::routes(&self.api).join(api::catalogue::routes(&catalogue)).join(page_routes::routes(self))
    }

    fn add_own_targets(self: &Arc<Self>) {
        let interval = self.settings.host.interval;
        let registry = self.api.registry.clone();
        let own = InProcessTarget {
            job: "pharos".to_owned(),
            instance: self.own_instance.clone(),
            labels: Labels::empty(),
            interval,
            honor_labels: false,
            collect: Arc::new(move |_, text: &mut String| {
                text.push_str(&registry.page());
                Ok(())
            }),
        };
        let host = self.host.clone().zip(self.host_instance.clone()).map(|(host, instance)| InProcessTarget {
            job: "node".to_owned(),
            instance,
            labels: Labels::empty(),
            interval,
            honor_labels: false,
            collect: Arc::new(move |_, text: &mut String| {
                let mut page = Page::default();
                host.collect(&mut page);
                text.push_str(&page.finish());
                Ok(())
            }),
        });
        let own = self.settings.server.own_metrics.then_some(own);
        for target in own.into_iter().chain(host) {
            if let Err(error) = self.scrape.add_in_process(target) {
                tracing::error!(%error, "a target inside the process cannot be scraped");
            }
        }
    }
}

fn remote_read(settings: &Settings) -> RemoteRead {
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let own = &settings.limits;
    let limits = ReadLimits { samples_max: size(own.remote_read_samples_max), frame_bytes_max: size(own.remote_read_frame_bytes_max) };
    RemoteRead::new(limits, size(own.remote_read_concurrency_max))
}

/// Parsing is CPU-bound; a few more places than processors keep them busy while others wait for the log.
fn write_places() -> usize {
    std::thread::available_parallelism().map_or(4, |count| count.get() * 2)
}

/// Each takes some hundred bytes.
fn remembered_series(settings: &Settings) -> usize {
    match settings.limits.memory_budget.0 {
        0 => REMEMBERED_SERIES_MAX,
        budget => usize::try_from(budget / 1024).unwrap_or(usize::MAX).min(REMEMBERED_SERIES_MAX),
    }
}

/// Several writes are unpacked at once, each to several times its length.
fn write_bytes(settings: &Settings) -> usize {
    match settings.limits.memory_budget.0 {
        0 => WRITE_BODY_BYTES_MAX,
        budget => usize::try_from(budget / 32).unwrap_or(usize::MAX).clamp(1 << 20, WRITE_BODY_BYTES_MAX),
    }
}

fn store_settings(data_dir: PathBuf, settings: &Settings) -> StoreSettings {
    let storage = &settings.storage;
    let defaults = StoreSettings::new(data_dir);
    let fsync_ms = storage.wal_fsync_interval.ms();
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let retention_ms = storage.retention_time.ms();
    StoreSettings {
        retention_ms,
        retention_bytes: storage.retention_size.0,
        out_of_order_ms: storage.out_of_order_window.ms(),
        sync: if fsync_ms <= 0 { SyncPolicy::EveryCommit } else { SyncPolicy::Interval(Duration::from_millis(fsync_ms as u64)) },
        block_range_ms_max: if retention_ms > 0 {
            (retention_ms / 10).clamp(defaults.block_range_ms, 31 * 86_400_000)
        } else {
            31 * 86_400_000
        },
        series_max: size(settings.limits.series_max),
        series_per_job_max: size(settings.limits.series_per_job_max),
        exemplars_max: size(storage.exemplars_max),
        ..defaults
    }
}

fn has_feature(settings: &Settings, name: &str) -> bool {
    settings.feature.enable.iter().any(|feature| feature == name)
}

/// Which experimental parts of PromQL the settings allow.
pub fn parse_options(settings: &Settings) -> ParseOptions {
    ParseOptions {
        experimental_functions: has_feature(settings, "promql-experimental-functions"),
        duration_expressions: has_feature(settings, "promql-duration-expr"),
        extended_range_selectors: has_feature(settings, "promql-extended-range-selectors"),
        binop_fill: has_feature(settings, "promql-binop-fill-modifiers"),
    }
}

fn engine_options(settings: &Settings, config: &Config) -> Options {
    let on = |name: &str| has_feature(settings, name);
    Options {
        lookback_ms: settings.limits.query_lookback_delta.ms(),
        max_samples: usize::try_from(settings.limits.query_samples_max).unwrap_or(usize::MAX),
        subquery_interval_ms: config.global.evaluation_interval.ms(),
        parse: parse_options(settings),
        delayed_name_removal: on("promql-delayed-name-removal"),
        use_start_timestamps: on("use-start-timestamps"),
        type_and_unit_labels: on("type-and-unit-labels"),
        answers_bytes_max: usize::try_from(settings.limits.query_cache_size.0).unwrap_or(usize::MAX),
        ..Options::default()
    }
}

fn host(settings: &Settings, clock: &SharedClock) -> Result<Option<Arc<Host>>, regex::Error> {
    let own = &settings.host;
    if !own.enabled {
        return Ok(None);
    }
    let roots = Roots { proc: own.procfs.clone().into(), sys: own.sysfs.clone().into(), root: own.rootfs.clone().into() };
    let textfile_dir = (!own.textfile_dir.is_empty()).then(|| PathBuf::from(&own.textfile_dir));
    let settings = HostSettings { roots, textfile_dir, only: own.collectors.clone(), ..HostSettings::default() };
    Host::new(settings, Arc::clone(clock)).map(|host| Some(Arc::new(host)))
}

/// StatsD with its sockets, if it is wanted.
async fn statsd(
    settings: &Settings,
    clock: &SharedClock,
) -> Result<Option<(Arc<Statsd>, parking_lot::Mutex<Option<Listener>>)>, OpenError> {
    let own = &settings.statsd;
    if own.listen.is_empty() {
        return Ok(None);
    }
    let listener = Listener::bind(&own.listen).await.map_err(|error| OpenError::Statsd(own.listen.clone(), error))?;
    let address = listener.address().map_err(|error| OpenError::Statsd(own.listen.clone(), error))?;
    tracing::info!(%address, "StatsD is taken over UDP and TCP");
    let series_max = usize::try_from(own.series_max).unwrap_or(usize::MAX);
    let statsd = Arc::new(Statsd::new(Arc::clone(clock), own.idle_max.to_std(), series_max));
    Ok(Some((statsd, parking_lot::Mutex::new(Some(listener)))))
}

/// Reads the mapping again; one with mistakes changes nothing.
fn map_statsd(statsd: &Statsd, settings: &Settings) {
    match mapping::read(&settings.statsd.mapping_config) {
        Ok((mapping, warnings)) => {
            warnings.iter().for_each(|warning| tracing::warn!(%warning, "the mapping of StatsD"));
            statsd.map_by(mapping);
        }
        Err(errors) => {
            errors.iter().for_each(|error| tracing::error!(%error, "the mapping of StatsD cannot be used, the one before goes on"));
        }
    }
}

fn external_url(settings: &Settings, address: SocketAddr) -> url::Url {
    let own = format!("http://{address}");
    [settings.server.external_url.as_str(), own.as_str(), "http://localhost:9090"]
        .iter()
        .find_map(|text| url::Url::parse(text).ok().filter(|url| url.host_str().is_some()))
        .unwrap_or_else(|| unreachable!("the last one is an address"))
}

fn external_labels(config: &Config) -> Vec<(String, String)> {
    config.global.external_labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
