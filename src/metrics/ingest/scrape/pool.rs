//! The targets of one job: which there are, and a loop for each.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tokio::task::JoinHandle;

use super::counters::{ScrapeCounters, add};
use super::fetch::Source;
use super::intake::Intake;
use super::job::JobSettings;
use super::loop_::{Control, End, Env, Legacy, Loop};
use super::metrics::PoolNumbers;
use super::summary::Summary;
use super::target::{Target, discovered_labels, populate};
use crate::metrics::ingest::discovery::{Provider, TargetGroup};
use crate::metrics::model::config::ScrapeConfig;
use crate::platform::http::client::HttpClient;
use crate::series::labels::Labels;
use crate::series::ports::Append;

/// Dropped targets kept for display when the job sets no limit.
const DROPPED_MAX: usize = 100_000;

/// What every pool needs of its manager.
#[derive(Clone)]
pub(super) struct Shared {
    pub env: Arc<Env>,
    pub append: Arc<dyn Append>,
    pub counters: Arc<ScrapeCounters>,
    pub created_as_start: bool,
}

/// One job.
pub(super) struct Pool {
    pub config: Arc<ScrapeConfig>,
    job: Arc<JobSettings>,
    /// Or why there is none.
    client: Result<Arc<HttpClient>, String>,
    shared: Shared,
    pub active: FxHashMap<u64, Active>,
    pub dropped: Vec<Labels>,
    pub dropped_count: usize,
    /// By provider; the configuration itself comes first.
    groups: BTreeMap<usize, Vec<TargetGroup>>,
    /// Those that feed `groups`, kept alive here.
    pub providers: Vec<Provider>,
    /// How often targets were worked out, and how many could not be made.
    syncs: u64,
    sync_failed: u64,
    /// How long working them out took, in seconds.
    pub sync_lengths: Summary,
}

/// A target with its loop.
pub(super) struct Active {
    pub target: Arc<Target>,
    control: Arc<Control>,
    join: JoinHandle<Legacy>,
}

impl Active {
    /// Tells the loop to stop.
    pub fn stop(&self, end: End) {
        self.control.stop(end);
    }

    /// Waits until the loop has stopped and left behind what it was told to.
    pub async fn join(self) {
        if let Err(error) = self.join.await {
            tracing::error!(target_url = %self.target.url, %error, "a scrape loop ended abnormally");
        }
    }

    /// Starts a loop of its own for a target that no pool looks after.
    pub fn start(target: Arc<Target>, job: Arc<JobSettings>, source: Source, shared: &Shared) -> Self {
        let control = Control::new(None);
        let intake = Intake::new(target.clone(), job, shared.append.clone(), shared.counters.clone());
        let work = Loop { intake, source, control: control.clone(), env: shared.env.clone() };
        Self { target, control, join: tokio::spawn(work.run(None)) }
    }
}

impl Pool {
    pub fn new(config: Arc<ScrapeConfig>, client: Result<Arc<HttpClient>, String>, shared: Shared) -> Self {
        Self {
            job: Arc::new(JobSettings::of(&config, shared.created_as_start)),
            config,
            client,
            shared,
            active: FxHashMap::default(),
            dropped: Vec::new(),
            dropped_count: 0,
            groups: BTreeMap::new(),
            providers: Vec::new(),
            syncs: 0,
            sync_failed: 0,
            sync_lengths: Summary::default(),
        }
    }

    /// Takes a new configuration; the targets follow with [`sync`](Self::sync).
    pub fn reconfigure(&mut self, config: Arc<ScrapeConfig>, client: Result<Arc<HttpClient>, String>) {
        self.shared.counters.pool_reloads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let reuse = cache_fits(&self.config, &config);
        self.job = Arc::new(JobSettings::of(&config, self.shared.created_as_start));
        (self.config, self.client) = (config, client);
        let wanted = self.wanted();
        let keys: Vec<u64> = self.active.keys().copied().collect();
        for key in keys {
            if let Some(target) = wanted.get(&key) {
                self.restart(key, target, reuse);
            }
        }
        self.settle(wanted);
    }

    /// Replaces the groups of one provider. Call [`sync`](Self::sync) afterwards.
    pub fn set_groups(&mut self, provider: usize, groups: Vec<TargetGroup>) {
        self.groups.insert(provider, groups);
    }

    /// Forgets providers from this number on.
    pub fn truncate_groups(&mut self, providers: usize) {
        self.groups.retain(|&provider, _| provider < providers);
    }

    /// Works out the targets, starts new loops and stops those of targets that are gone.
    pub fn sync(&mut self) {
        let started = self.shared.env.clock.monotonic();
        self.sync_all();
        let now = self.shared.env.clock.monotonic();
        self.sync_lengths.observe(now, now.saturating_sub(started).as_secs_f64());
    }

    /// The job in numbers.
    pub fn numbers(&self, name: &str) -> PoolNumbers {
        let discovered = self.groups.values().flatten().map(|group| group.targets.len()).sum();
        let metadata = self.active.values().map(|active| active.target.metadata.size());
        let (metadata_entries, metadata_bytes) = metadata.fold((0, 0), |(entries, bytes), (more, longer)| (entries + more, bytes + longer));
        PoolNumbers {
            name: name.to_owned(),
            targets: self.active.len(),
            target_limit: self.config.target_limit,
            discovered,
            syncs: self.syncs,
            sync_failed: self.sync_failed,
            metadata_entries,
            metadata_bytes,
        }
    }

    fn sync_all(&mut self) {
        let wanted = self.wanted();
        let changed: Vec<u64> = wanted
            .iter()
            .filter(|(key, target)| self.active.get(key).is_some_and(|active| active.target.all_labels != target.all_labels))
            .map(|(&key, _)| key)
            .collect();
        for key in changed {
            if let Some(target) = wanted.get(&key) {
                self.restart(key, target, true);
            }
        }
        self.settle(wanted);
    }

    /// Loops for what is new, none for what is gone, and the limit on their number.
    fn settle(&mut self, wanted: FxHashMap<u64, Arc<Target>>) {
        self.syncs += 1;
        let gone: Vec<u64> = self.active.keys().filter(|key| !wanted.contains_key(key)).copied().collect();
        for key in gone {
            if let Some(active) = self.active.remove(&key) {
                // The task goes on by itself until its markers are written.
                active.control.stop(End::MarkLater);
            }
        }
        let limit = usize::try_from(self.config.target_limit).unwrap_or(usize::MAX);
        let forced = (limit > 0 && wanted.len() > limit)
            .then(|| format!("target_limit exceeded (number of targets: {}, limit: {limit})", wanted.len()));
        add(&self.shared.counters.exceeded_target_limit, usize::from(forced.is_some()));
        for (key, target) in wanted {
            match self.active.get(&key) {
                Some(active) => {
                    active.target.set_discovered(target.discovered());
                    active.control.force(forced.clone());
                }
                None => {
                    let control = Control::new(forced.clone());
                    let work = self.new_loop(self.new_intake(&target), control.clone());
                    self.active.insert(key, Active { target, control, join: tokio::spawn(work.run(None)) });
                }
            }
        }
    }

    /// Replaces the loop of a target. The new one begins when the old one has stopped, and goes on with its memory.
    fn restart(&mut self, key: u64, target: &Target, reuse: bool) {
        let Some(old) = self.active.remove(&key) else { return };
        let control = Control::new(None);
        // Made anew from the same labels, so that it can take over state and metadata before anybody shares it.
        let target = Arc::new(Target::new(target.all_labels.clone(), target.discovered(), &self.config).succeed(&old.target));
        old.control.stop(if reuse { End::HandOver } else { End::MarkLater });
        let fresh = self.new_loop(self.new_intake(&target), control.clone());
        let (job, new_target) = (self.job.clone(), target.clone());
        let join = tokio::spawn(async move {
            old.control.stopped.cancelled().await;
            let last = old.control.last();
            if !reuse {
                return fresh.run(last).await;
            }
            match old.join.await {
                Ok(Some((intake, last))) => Loop { intake: intake.reconfigure(new_target, job), ..fresh }.run(last).await,
                _ => fresh.run(last).await,
            }
        });
        self.active.insert(key, Active { target, control, join });
    }

    fn new_intake(&self, target: &Arc<Target>) -> Intake {
        Intake::new(target.clone(), self.job.clone(), self.shared.append.clone(), self.shared.counters.clone())
    }

    fn new_loop(&self, intake: Intake, control: Arc<Control>) -> Loop {
        let source = match &self.client {
            Ok(client) => Source::Http { client: client.clone(), headers: self.job.headers(intake.target.timeout.to_std()) },
            Err(error) => Source::Unusable(error.clone()),
        };
        Loop { intake, source, control, env: self.shared.env.clone() }
    }

    /// The targets that the groups and the configuration make, without repetition. Notes those that were dropped.
    fn wanted(&mut self) -> FxHashMap<u64, Arc<Target>> {
        let config = self.config.clone();
        let dropped_max = match config.keep_dropped_targets {
            0 => DROPPED_MAX,
            limit => usize::try_from(limit).unwrap_or(DROPPED_MAX).min(DROPPED_MAX),
        };
        self.dropped.clear();
        self.dropped_count = 0;
        let mut wanted: FxHashMap<u64, Arc<Target>> = FxHashMap::default();
        for group in self.groups.values().flatten() {
            for (index, own) in group.targets.iter().enumerate() {
                let discovered = discovered_labels(own, &group.labels, &config);
                let before = discovered.build();
                match populate(discovered, &config) {
                    Ok(Some(labels)) => {
                        let target = Target::new(labels, before, &config);
                        wanted.entry(target.hash()).or_insert_with(|| Arc::new(target));
                    }
                    Ok(None) => {
                        self.dropped_count += 1;
                        if self.dropped.len() < dropped_max {
                            self.dropped.push(before);
                        }
                    }
                    Err(error) => {
                        self.sync_failed += 1;
                        let (pool, source) = (config.job_name.as_str(), group.source.as_str());
                        tracing::warn!(pool, "creating target failed: instance {index} in group {source}: {error}");
                    }
                }
            }
        }
        wanted
    }
}

/// Whether series recognised under one configuration are the same under the other.
fn cache_fits(old: &ScrapeConfig, new: &ScrapeConfig) -> bool {
    let relevant = |config: &ScrapeConfig| ScrapeConfig {
        scrape_interval: crate::base::time::Duration::from_ms(0),
        scrape_timeout: crate::base::time::Duration::from_ms(0),
        sample_limit: 0,
        body_size_limit: 0,
        target_limit: 0,
        keep_dropped_targets: 0,
        http: Default::default(),
        discovery: Default::default(),
        // They decide which targets there are; those that stay have the same labels as before.
        relabel_configs: Vec::new(),
        params: BTreeMap::new(),
        scrape_failure_log_file: String::new(),
        ..config.clone()
    };
    relevant(old) == relevant(new)
}
