//! All jobs: applies configurations, shows targets, stops.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::counters::{ScrapeStats, add};
use super::fetch::{Collect, Source};
use super::job::JobSettings;
use super::loop_::{End, Env};
use super::metrics::PoolNumbers;
use super::pool::{Active, Pool, Shared};
use super::target::{Target, TargetState, discovered_labels, populate, shown_labels};
use crate::base::clock::SharedClock;
use crate::base::time::Duration;
use crate::metrics::ingest::discovery::{DiscoveryStats, Update, spawn, static_};
use crate::metrics::model::config::{GlobalConfig, ScrapeConfig};
use crate::platform::http::client::{HttpClient, client_settings};
use crate::platform::telemetry::metrics::Page;
use crate::series::labels::Labels;
use crate::series::ports::Append;
use crate::series::sample::Metadata;

/// Number of the configuration itself among the providers of a job; discoveries follow.
const STATIC: usize = 0;
/// Updates that wait for a pool.
const UPDATES_QUEUED: usize = 16;

/// Settings that no configuration file holds.
#[derive(Debug, Clone, Default)]
pub struct ScrapeOptions {
    /// Take `_created` series as start timestamps (`created-timestamp-zero-ingestion` and kin) rather than as series.
    pub created_as_start: bool,
    /// Spreads the scrapes of several servers apart; a hash of the host's name, say.
    pub seed: u64,
}

/// What happens to series when scraping stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopMode {
    /// They stay as they are: the server comes back and goes on. As upstream.
    Keep,
    /// They get staleness markers now.
    MarkStale,
}

/// A target inside this process.
#[derive(Clone)]
pub struct InProcessTarget {
    /// Its `job` label, and the name of its pool.
    pub job: String,
    /// Its `instance` label.
    pub instance: String,
    /// Labels beyond these two.
    pub labels: Labels,
    /// How often it is asked.
    pub interval: Duration,
    /// Whether labels in the text win over the target's, and its timestamps count (push gateways).
    pub honor_labels: bool,
    /// Writes the text.
    pub collect: Arc<Collect>,
}

/// A target as the API shows it.
#[derive(Debug, Clone)]
pub struct ActiveTarget {
    /// Labels before relabelling.
    pub discovered_labels: Labels,
    /// Labels of its series.
    pub labels: Labels,
    /// The job.
    pub scrape_pool: String,
    /// Where it is asked, without secrets. [`global_url`](super::target::global_url) makes the `globalUrl` of it.
    pub scrape_url: String,
    /// Health, error, time and duration of the last scrape.
    pub state: TargetState,
    /// How often.
    pub scrape_interval: Duration,
    /// How long a scrape may take.
    pub scrape_timeout: Duration,
}

/// A target that relabelling dropped.
#[derive(Debug, Clone)]
pub struct DroppedTarget {
    /// Labels before relabelling.
    pub discovered_labels: Labels,
    /// The job.
    pub scrape_pool: String,
}

/// All targets at one moment.
#[derive(Debug, Clone, Default)]
pub struct Targets {
    /// By pool, then address.
    pub active: Vec<ActiveTarget>,
    /// Those kept; `keep_dropped_targets` bounds them.
    pub dropped: Vec<DroppedTarget>,
    /// How many were dropped, by pool.
    pub dropped_counts: BTreeMap<String, usize>,
}

/// Metadata of one family at one target.
#[derive(Debug, Clone)]
pub struct TargetMetadata {
    /// The target's labels.
    pub target: Labels,
    /// The family.
    pub metric: String,
    /// What it says.
    pub metadata: Metadata,
}

/// A job whose settings cannot be used; its targets fail with the same words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("job {job:?}: {reason}")]
pub struct JobError {
    /// The job.
    pub job: String,
    /// Why.
    pub reason: String,
}

/// Scrapes everything.
pub struct ScrapeManager {
    shared: Shared,
    pools: Mutex<BTreeMap<String, Job>>,
    in_process: Mutex<Vec<(String, Active)>>,
    discovery: Arc<DiscoveryStats>,
}

struct Job {
    pool: Arc<Mutex<Pool>>,
    /// Hands updates of the providers to the pool.
    feeder: Option<JoinHandle<()>>,
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(feeder) = &self.feeder {
            feeder.abort();
        }
    }
}

impl ScrapeManager {
    /// Without jobs yet. Samples go to `append`.
    pub fn new(append: Arc<dyn Append>, clock: SharedClock, options: &ScrapeOptions) -> Self {
        let shared = Shared {
            env: Arc::new(Env::new(clock, options.seed)),
            append,
            counters: Arc::default(),
            created_as_start: options.created_as_start,
        };
        Self { shared, pools: Mutex::default(), in_process: Mutex::default(), discovery: Arc::default() }
    }

    /// Makes the jobs be these; call it inside the runtime. Jobs that did not change are left alone.
    ///
    /// A job whose client cannot be built (a missing certificate, say) is listed in the error. If it ran before, it
    /// goes on as it was; a new one shows its targets as down.
    pub fn apply(&self, jobs: &[ScrapeConfig], _global: &GlobalConfig) -> Result<(), Vec<JobError>> {
        let mut pools = self.pools.lock();
        let names: HashSet<&str> = jobs.iter().map(|job| job.job_name.as_str()).collect();
        pools.retain(|name, job| {
            let stays = names.contains(name.as_str());
            if !stays {
                job.pool.lock().truncate_groups(0);
                job.pool.lock().sync();
            }
            stays
        });
        let mut errors = Vec::new();
        for config in jobs {
            let known = pools.get(&config.job_name).map(|job| job.pool.clone());
            if known.as_ref().is_some_and(|pool| *pool.lock().config == *config) {
                continue;
            }
            let client = HttpClient::new(client_settings(&config.http), self.shared.env.clock.clone()).map(Arc::new);
            if let Err(error) = &client {
                errors.push(JobError { job: config.job_name.clone(), reason: error.to_string() });
                let counters = &self.shared.counters;
                add(if known.is_some() { &counters.pool_reloads_failed } else { &counters.pools_failed }, 1);
                if known.is_some() {
                    continue;
                }
            }
            let client = client.map_err(|error| error.to_string());
            match pools.get_mut(&config.job_name) {
                Some(job) => reload(job, config, client, &self.shared.env.clock, &self.discovery),
                None => {
                    add(&self.shared.counters.pools_created, 1);
                    let job = start(config, client, &self.shared, &self.discovery);
                    pools.insert(config.job_name.clone(), job);
                }
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Adds a target inside this process; call it inside the runtime. It stays until the end.
    pub fn add_in_process(&self, added: InProcessTarget) -> Result<(), JobError> {
        let config = ScrapeConfig {
            job_name: added.job.clone(),
            scrape_interval: added.interval,
            scrape_timeout: added.interval,
            honor_labels: added.honor_labels,
            scheme: "internal".to_owned(),
            ..ScrapeConfig::default()
        };
        let own = added.labels.to_builder().set("__address__", &added.instance).set("instance", &added.instance).build();
        let discovered = discovered_labels(&own, &Labels::empty(), &config);
        let before = discovered.build();
        let refused = |reason: &str| JobError { job: added.job.clone(), reason: reason.to_owned() };
        let labels = populate(discovered, &config).map_err(|error| refused(&error))?.ok_or_else(|| refused("dropped"))?;
        let target = Arc::new(Target::new(labels, before, &config));
        let job = Arc::new(JobSettings::of(&config, self.shared.created_as_start));
        let active = Active::start(target, job, Source::InProcess(added.collect), &self.shared);
        self.in_process.lock().push((added.job, active));
        Ok(())
    }

    /// Ends all loops and waits for them. Running requests are cut off.
    pub async fn stop(&self, mode: StopMode) {
        let pools = std::mem::take(&mut *self.pools.lock());
        let mut all: Vec<Active> = std::mem::take(&mut *self.in_process.lock()).into_iter().map(|(_, active)| active).collect();
        for job in pools.values() {
            let mut pool = job.pool.lock();
            pool.providers.clear();
            all.extend(pool.active.drain().map(|(_, active)| active));
        }
        drop(pools);
        // Each must know how to end before the shutdown wakes it.
        let end = if mode == StopMode::MarkStale { End::MarkNow } else { End::Silent };
        all.iter().for_each(|active| active.stop(end));
        self.shared.env.quit.cancel();
        futures_util::future::join_all(all.into_iter().map(Active::join)).await;
    }

    /// Every target.
    pub fn targets(&self) -> Targets {
        let mut targets = Targets::default();
        for (name, job) in &*self.pools.lock() {
            let pool = job.pool.lock();
            let mut active: Vec<ActiveTarget> = pool.active.values().map(|active| show(name, &active.target)).collect();
            active.sort_by(|a, b| (&a.scrape_url, &a.labels).cmp(&(&b.scrape_url, &b.labels)));
            targets.active.append(&mut active);
            let dropped =
                pool.dropped.iter().map(|labels| DroppedTarget { discovered_labels: shown_labels(labels), scrape_pool: name.clone() });
            targets.dropped.extend(dropped);
            targets.dropped_counts.insert(name.clone(), pool.dropped_count);
        }
        for (name, active) in &*self.in_process.lock() {
            targets.active.push(show(name, &active.target));
            targets.dropped_counts.entry(name.clone()).or_default();
        }
        targets
    }

    /// Names of the pools, sorted.
    pub fn pools(&self) -> Vec<String> {
        let mut names: Vec<String> = self.pools.lock().keys().cloned().collect();
        names.extend(self.in_process.lock().iter().map(|(name, _)| name.clone()));
        names.sort();
        names.dedup();
        names
    }

    /// What families say about themselves, target by target: of all families or of `metric`, at targets for which
    /// `wanted` holds, at most `limit` entries (0 = all).
    pub fn target_metadata(&self, metric: Option<&str>, wanted: impl Fn(&Labels) -> bool, limit: usize) -> Vec<TargetMetadata> {
        let mut found = Vec::new();
        for target in self.all_targets() {
            if !wanted(&target.labels) {
                continue;
            }
            for (metric, metadata) in target.metadata.list(metric) {
                found.push(TargetMetadata { target: target.labels.clone(), metric, metadata });
                if found.len() == limit {
                    return found;
                }
            }
        }
        found
    }

    /// Counts since the start.
    pub fn stats(&self) -> ScrapeStats {
        self.shared.counters.snapshot()
    }

    /// Every job in numbers.
    pub(super) fn pool_numbers(&self) -> Vec<PoolNumbers> {
        let mut all: Vec<PoolNumbers> = self.pools.lock().iter().map(|(name, job)| job.pool.lock().numbers(name)).collect();
        for (name, active) in &*self.in_process.lock() {
            let (metadata_entries, metadata_bytes) = active.target.metadata.size();
            let name = name.clone();
            all.push(PoolNumbers { name, targets: 1, discovered: 1, syncs: 1, metadata_entries, metadata_bytes, ..PoolNumbers::default() });
        }
        // A job may have the name of a target inside the process; labels must not repeat.
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all.dedup_by(|next, first| next.name == first.name);
        all
    }

    /// Jobs with a kind of discovery that is not supported.
    pub(super) fn unsupported_discoveries(&self) -> usize {
        self.pools.lock().values().filter(|job| !job.pool.lock().config.discovery.other.is_empty()).count()
    }

    /// Discovery in numbers.
    pub(super) fn discovery_stats(&self) -> &DiscoveryStats {
        &self.discovery
    }

    /// Writes how long things took.
    pub(super) fn report_lengths(&self, page: &mut Page) {
        let now = self.shared.env.clock.monotonic();
        let name = "prometheus_target_interval_length_seconds";
        page.family(name, "summary", "Time between two scrapes of a target, by what it should be.");
        for (interval_ms, lengths) in &*self.shared.env.intervals.lock() {
            lengths.write(page, name, ("interval", &Duration::from_ms(*interval_ms).to_string()), now);
        }
        let name = "prometheus_target_sync_length_seconds";
        page.family(name, "summary", "Time to work out the targets of a job.");
        for (job, state) in &*self.pools.lock() {
            state.pool.lock().sync_lengths.write(page, name, ("scrape_job", job), now);
        }
    }

    fn all_targets(&self) -> Vec<Arc<Target>> {
        let mut all: Vec<Arc<Target>> = Vec::new();
        for job in self.pools.lock().values() {
            all.extend(job.pool.lock().active.values().map(|active| active.target.clone()));
        }
        all.extend(self.in_process.lock().iter().map(|(_, active)| active.target.clone()));
        all.sort_by(|a, b| a.labels.cmp(&b.labels));
        all
    }
}

fn show(pool: &str, target: &Target) -> ActiveTarget {
    ActiveTarget {
        discovered_labels: shown_labels(&target.discovered()),
        labels: target.labels.clone(),
        scrape_pool: pool.to_owned(),
        scrape_url: target.url.to_string(),
        state: target.state(),
        scrape_interval: target.interval,
        scrape_timeout: target.timeout,
    }
}

/// Starts a job.
fn start(config: &ScrapeConfig, client: Result<Arc<HttpClient>, String>, shared: &Shared, stats: &Arc<DiscoveryStats>) -> Job {
    let mut pool = Pool::new(Arc::new(config.clone()), client, shared.clone());
    pool.set_groups(STATIC, static_::groups(&config.discovery.static_configs));
    pool.sync();
    let pool = Arc::new(Mutex::new(pool));
    let feeder = discover(&pool, config, &shared.env.clock, stats);
    Job { pool, feeder }
}

/// Gives a running job a new configuration. What discovery found stays until it is found anew.
fn reload(job: &mut Job, config: &ScrapeConfig, client: Result<Arc<HttpClient>, String>, clock: &SharedClock, stats: &Arc<DiscoveryStats>) {
    let mut pool = job.pool.lock();
    let (old, new) = (&pool.config.discovery, &config.discovery);
    let same_discovery = (&old.file, &old.http, &old.dns, &old.other) == (&new.file, &new.http, &new.dns, &new.other);
    pool.set_groups(STATIC, static_::groups(&new.static_configs));
    if !same_discovery {
        pool.truncate_groups(1 + new.file.len() + new.http.len() + new.dns.len());
    }
    pool.reconfigure(Arc::new(config.clone()), client);
    drop(pool);
    if !same_discovery {
        if let Some(feeder) = job.feeder.take() {
            feeder.abort();
        }
        job.feeder = discover(&job.pool, config, clock, stats);
    }
}

/// Starts the providers of a job and the task that hands their updates to the pool.
fn discover(pool: &Arc<Mutex<Pool>>, config: &ScrapeConfig, clock: &SharedClock, stats: &Arc<DiscoveryStats>) -> Option<JoinHandle<()>> {
    let (out, mut updates) = mpsc::channel::<Update>(UPDATES_QUEUED);
    let providers = spawn(&config.job_name, &config.discovery, clock, stats, &out);
    let none = providers.is_empty();
    pool.lock().providers = providers;
    if none {
        return None;
    }
    let pool = Arc::downgrade(pool);
    Some(tokio::spawn(async move {
        while let Some(first) = updates.recv().await {
            let Some(pool) = pool.upgrade() else { return };
            // What has come in meanwhile is worked out in one go. Relabelling many targets takes its time.
            let mut all = vec![first];
            while let Ok(next) = updates.try_recv() {
                all.push(next);
            }
            let runtime = tokio::runtime::Handle::current();
            let work = tokio::task::spawn_blocking(move || {
                let _loops_start_in_it = runtime.enter();
                let mut pool = pool.lock();
                for update in all {
                    pool.set_groups(STATIC + 1 + update.provider, update.groups);
                }
                pool.sync();
            });
            if let Err(error) = work.await {
                tracing::error!(%error, "taking over discovered targets failed");
            }
        }
    }))
}

#[cfg(test)]
mod tests;
