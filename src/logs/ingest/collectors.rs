//! Everything that brings lines in by itself or listens for them beside HTTP, started and stopped together.
//!
//! [`Collectors::start`] takes the addresses and says what it cannot; [`Collectors::apply`] exchanges what a file asks for;
//! [`Collectors::stop`] ends when every line that was taken is stored, or the store no longer takes any.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::collect::config::CollectConfig;
use super::collect::cursors::Cursors;
use super::collect::files::{FileStats, FilesSetup, thread};
use super::connections::Work;
use super::counts::Counts;
use super::fluent::{FluentSource, serve as fluent};
use super::inlet::Inlet;
use super::listen::{Accept, Address, Transport, plain};
use super::shape::Stamps;
use super::stage::{Pipeline, report_families};
use super::syslog::message::{Naming, Zone};
use super::syslog::serve::SyslogSource;
use crate::base::clock::SharedClock;
use crate::base::secret::Secret;
use crate::logs::model::write::AppendLines;
use crate::platform::telemetry::metrics::{Page, Report};
use crate::series::labels::Labels;

/// How long stopping waits for lines to be stored.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// What reads journals.
const JOURNALCTL: &str = "journalctl";

/// Where lines go, by door.
#[derive(Clone)]
pub struct Appends {
    /// Those of syslog.
    pub syslog: Arc<dyn AppendLines>,
    /// Those of Fluent.
    pub fluent: Arc<dyn AppendLines>,
    /// Those of files, containers and journals.
    pub collector: Arc<dyn AppendLines>,
}

/// From what collectors are made.
pub struct CollectorsSetup {
    /// Where positions are kept; made if it is not there.
    pub folder: PathBuf,
    /// What the user's file asks for.
    pub config: CollectConfig,
    /// Where to listen for syslog, as `udp://:514`.
    pub syslog_listen: Vec<String>,
    /// Where to listen for Fluent's forward protocol, as `:24224`.
    pub fluent_listen: Vec<String>,
    /// What Fluent's senders must know; empty for nothing.
    pub fluent_shared_key: Secret,
    /// Where lines go.
    pub append: Appends,
    /// The time.
    pub clock: SharedClock,
    /// Begins encrypted connections with the server's certificate; `None` where it has none.
    pub tls: Option<Accept>,
}

/// Collectors and listeners.
pub struct Collectors {
    folder: PathBuf,
    append: Appends,
    clock: SharedClock,
    tls: Option<Accept>,
    /// What settings ask for, which stays.
    syslog: Vec<SyslogSource>,
    fluent: Vec<FluentSource>,
    config: Mutex<CollectConfig>,
    counts: Counts,
    /// One for all listeners: two that give a time to lines of one text must not give the same.
    stamps: Arc<Stamps>,
    file_stats: Arc<FileStats>,
    standing: Mutex<Option<Running>>,
    changing: Mutex<Option<Running>>,
    /// One change at a time.
    turn: tokio::sync::Mutex<()>,
    addresses: Mutex<Vec<(String, SocketAddr)>>,
}

/// What is at work.
#[derive(Default)]
struct Running {
    /// Work that is simply dropped.
    sources: JoinSet<()>,
    /// Work that ends when its sources are gone and everything is stored.
    inlets: JoinSet<()>,
    stop: Arc<AtomicBool>,
    files: Option<std::thread::JoinHandle<()>>,
    cursors: Option<Arc<Cursors>>,
}

impl Collectors {
    /// Looks at the settings; starts nothing.
    ///
    /// # Errors
    /// A sentence about the setting that makes no sense.
    pub fn open(setup: CollectorsSetup) -> Result<Arc<Self>, String> {
        let CollectorsSetup { folder, config, syslog_listen, fluent_listen, fluent_shared_key, append, clock, tls } = setup;
        let mut syslog = Vec::new();
        for text in syslog_listen.iter().filter(|text| !text.is_empty()) {
            let address = Address::parse(text, Transport::Tcp).map_err(|why| format!("logs.syslog_listen: {why}"))?;
            if address.transport == Transport::Tls && tls.is_none() {
                return Err(format!(
                    "logs.syslog_listen: {address} needs a certificate; set server.tls_cert_file and server.tls_key_file, or server.tls_self_signed"
                ));
            }
            let labels = Labels::from_pairs([("job", "syslog")]);
            let naming = Naming { labels, keeps_time: true, zone: Zone::Local, ..Naming::default() };
            syslog.push(SyslogSource { address, naming, pipeline: Pipeline::default() });
        }
        let mut fluent = Vec::new();
        for text in fluent_listen.iter().filter(|text| !text.is_empty()) {
            let address = Address::parse(text, Transport::Tcp).map_err(|why| format!("logs.fluent_listen: {why}"))?;
            match address.transport {
                Transport::Udp => {
                    return Err("logs.fluent_listen: the forward protocol needs connections, expected tcp:// or tls://".to_owned());
                }
                Transport::Tls if tls.is_none() => return Err(format!("logs.fluent_listen: {address} needs a certificate, as HTTPS does")),
                _ => fluent.push(FluentSource { address, shared_key: fluent_shared_key.clone() }),
            }
        }
        Ok(Arc::new(Self {
            folder,
            append,
            clock,
            tls,
            syslog,
            fluent,
            config: Mutex::new(config),
            counts: Counts::default(),
            stamps: Arc::default(),
            file_stats: Arc::default(),
            standing: Mutex::default(),
            changing: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            addresses: Mutex::default(),
        }))
    }

    /// Starts everything that can be started.
    ///
    /// # Errors
    /// A sentence for each address that cannot be listened on, and for the folder of positions if it cannot be used.
    pub async fn start(&self) -> Result<(), Vec<String>> {
        let _turn = self.turn.lock().await;
        let mut running = Running::default();
        let mut errors = Vec::new();
        for source in &self.syslog {
            self.listen_syslog(source.clone(), &mut running, &mut errors).await;
        }
        for source in &self.fluent {
            self.listen_fluent(source.clone(), &mut running, &mut errors).await;
        }
        *self.standing.lock() = Some(running);
        errors.extend(self.start_config().await);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Exchanges what a file asks for; what has not changed goes on.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn apply(&self, config: CollectConfig) -> Result<(), Vec<String>> {
        let _turn = self.turn.lock().await;
        if self.config.lock().hash == config.hash {
            return Ok(());
        }
        let old = self.changing.lock().take();
        if let Some(old) = old {
            old.stop().await;
        }
        *self.config.lock() = config;
        let errors = self.start_config().await;
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Whether this is in force already.
    pub fn holds(&self, config: &CollectConfig) -> bool {
        self.config.lock().hash == config.hash
    }

    /// Whether files besides the configuration say what is collected, so that it may change at any time.
    pub fn has_lists(&self) -> bool {
        self.config.lock().has_lists
    }

    /// Log files that cannot be read now, and why, by path.
    pub fn unreadable(&self) -> Vec<(String, String)> {
        self.file_stats.unreadable()
    }

    /// Stops everything, and waits until what was taken is stored.
    pub async fn stop(&self) {
        let _turn = self.turn.lock().await;
        let all = [self.standing.lock().take(), self.changing.lock().take()];
        for running in all.into_iter().flatten() {
            running.stop().await;
        }
        self.addresses.lock().clear();
    }

    /// Addresses that are listened on, with the ports that the system chose.
    pub fn addresses(&self) -> Vec<(String, SocketAddr)> {
        self.addresses.lock().clone()
    }

    /// What its doors count.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    async fn start_config(&self) -> Vec<String> {
        let config = self.config.lock().clone();
        let mut running = Running::default();
        let mut errors = Vec::new();
        let needs_folder = !config.files.is_empty() || !config.docker.is_empty() || !config.journals.is_empty();
        if needs_folder && let Err(error) = std::fs::create_dir_all(&self.folder) {
            return vec![format!("cannot make the folder {} for positions of logs: {error}", self.folder.display())];
        }
        for source in config.syslog {
            if source.address.transport == Transport::Tls && self.tls.is_none() {
                errors.push(format!("{} needs a certificate of the server", source.address));
                continue;
            }
            self.listen_syslog(source, &mut running, &mut errors).await;
        }
        if !config.files.is_empty() {
            let setup = FilesSetup {
                jobs: config.files,
                positions: self.folder.join("files.journal"),
                append: Arc::clone(&self.append.collector),
                clock: self.clock.clone(),
                counts: self.counts.door("file"),
                stats: Arc::clone(&self.file_stats),
                stop: Arc::clone(&running.stop),
            };
            match thread::start(setup) {
                Ok(thread) => running.files = Some(thread),
                Err(error) => {
                    errors.push(format!("log files cannot be collected: {}: {error}", self.folder.join("files.journal").display()))
                }
            }
        }
        if !config.docker.is_empty() || !config.journals.is_empty() {
            let cursors = Arc::new(Cursors::open(&self.folder.join("cursors.json"), &self.clock));
            if !config.docker.is_empty() {
                let inlet = self.inlet("docker", &mut running);
                for job in config.docker {
                    running.sources.spawn(job.run(inlet.clone(), self.clock.clone(), Arc::clone(&cursors)));
                }
            }
            if !config.journals.is_empty() {
                let inlet = self.inlet("journal", &mut running);
                for job in config.journals {
                    running.sources.spawn(job.run(inlet.clone(), self.clock.clone(), Arc::clone(&cursors), JOURNALCTL.to_owned()));
                }
            }
            running.cursors = Some(cursors);
        }
        *self.changing.lock() = Some(running);
        errors
    }

    fn inlet(&self, door: &'static str, running: &mut Running) -> Inlet {
        let append = match door {
            "syslog" => &self.append.syslog,
            "fluent" => &self.append.fluent,
            _ => &self.append.collector,
        };
        let (inlet, work) = Inlet::new(Arc::clone(append), self.counts.door(door), &self.clock);
        running.inlets.spawn(work);
        inlet
    }

    fn accept(&self, transport: Transport) -> Accept {
        match (&self.tls, transport) {
            (Some(tls), Transport::Tls) => Arc::clone(tls),
            _ => plain(),
        }
    }

    async fn listen_syslog(&self, source: SyslogSource, running: &mut Running, errors: &mut Vec<String>) {
        let bound = match source.bind().await {
            Ok(bound) => bound,
            Err(why) => return errors.push(why),
        };
        if let Ok(address) = bound.local_address() {
            tracing::info!(%address, "listening for syslog, {}", source.address);
            self.addresses.lock().push((format!("syslog {}", source.address), address));
        }
        let work = Work {
            inlet: self.inlet("syslog", running),
            clock: self.clock.clone(),
            stamps: Arc::clone(&self.stamps),
            accept: self.accept(source.address.transport),
        };
        running.sources.spawn(bound.run(Arc::new(source), work));
    }

    async fn listen_fluent(&self, source: FluentSource, running: &mut Running, errors: &mut Vec<String>) {
        let listener = match tokio::net::TcpListener::bind(&source.address.host).await {
            Ok(listener) => listener,
            Err(error) => return errors.push(format!("cannot listen for Fluent on {}: {error}", source.address)),
        };
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "listening for Fluent, {}", source.address);
            self.addresses.lock().push((format!("fluent {}", source.address), address));
        }
        let work = Work {
            inlet: self.inlet("fluent", running),
            clock: self.clock.clone(),
            stamps: Arc::clone(&self.stamps),
            accept: self.accept(source.address.transport),
        };
        running.sources.spawn(fluent::run(listener, Arc::new(source), work));
    }
}

impl Running {
    async fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.sources.shutdown().await;
        if let Some(files) = self.files.take() {
            let joined = tokio::task::spawn_blocking(move || files.join().is_ok());
            if !matches!(timeout(STOP_WITHIN, joined).await, Ok(Ok(true))) {
                tracing::warn!("the collector of log files did not come to its end");
            }
        }
        let stored = async { while self.inlets.join_next().await.is_some() {} };
        if timeout(STOP_WITHIN, stored).await.is_err() {
            tracing::warn!("lines that were taken could not be stored before the end");
        }
        if let Some(cursors) = &self.cursors {
            cursors.flush();
        }
    }
}

impl Report for Collectors {
    fn report(&self, page: &mut Page) {
        self.counts.report(page);
        let families = self.config.lock().families.clone();
        report_families(&families, page, self.clock.now_ms().saturating_mul(1_000_000));
        let stats = &self.file_stats;
        if self.config.lock().files.is_empty() {
            return;
        }
        let get = |value: &std::sync::atomic::AtomicU64| value.load(Ordering::Relaxed);
        page.gauge("pharos_logs_files_followed", "Log files that are read as they grow.", get(&stats.followed) as f64);
        page.gauge("pharos_logs_files_behind_bytes", "Bytes of these files that are not stored yet.", get(&stats.behind_bytes) as f64);
        page.gauge("pharos_logs_files_unreadable", "Log files and folders that cannot be read now.", stats.unreadable().len() as f64);
        page.counter("pharos_logs_files_rotations_total", "Log files that went on under another name.", get(&stats.rotations));
        page.counter("pharos_logs_files_cut_off_total", "Log files that were cut off or written over.", get(&stats.cut_off));
        page.counter("pharos_logs_files_errors_total", "Attempts to read or note something that failed.", get(&stats.errors));
    }
}
