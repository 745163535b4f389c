//! Remote write, outgoing: forwards what is stored to other systems, without ever holding up who stores it.
//!
//! [`TappedAppend`] stands in front of storage. What storage took is copied, as numbers only, into a block that
//! every endpoint's `backlog` shares. Each endpoint has a task that resolves series to labels (external labels,
//! then `write_relabel_configs`), spreads them over shards by series, so that the samples of one series stay in
//! order, and shards that fill requests, encode and send them, and try again while the error may pass.
//!
//! The backlog is bounded in memory. When an endpoint is away for longer than that lasts, or the server was, what it
//! missed is read back from storage, in order, from the position that each endpoint has on disk ([`positions`]). So
//! every sample arrives once or, after a crash, some of them twice; none is lost while storage keeps it.

mod backlog;
mod catch_up;
pub mod encode;
mod endpoint;
mod positions;
mod report;
mod reshard;
mod series;
mod shard;
mod stats;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio_util::sync::CancellationToken;

use self::backlog::{Block, Record};
use self::endpoint::Endpoint;
use self::positions::Positions;
use self::series::SeriesTable;
use crate::base::clock::SharedClock;
use crate::base::time::TimeRange;
use crate::metrics::model::config::RemoteWriteConfig;
use crate::platform::telemetry::metrics::Durations;
use crate::series::batch::{SeriesRef, WriteBatch};
use crate::series::labels::Labels;
use crate::series::ports::{Append, AppendError, AppendOptions, AppendReport, Refused, RefusedReason, Select};

pub use stats::EndpointStats;

/// Series that were not seen for so long are forgotten, in milliseconds; they come with labels when they are back.
const SERIES_IDLE_MS: i64 = 3 * 3_600_000;
/// How often idle series are looked for, in milliseconds.
const SWEEP_EVERY_MS: i64 = 10 * 60_000;

/// How often positions are written.
const POSITIONS_EVERY: Duration = Duration::from_secs(10);
/// Positions on disk stay so far behind the present, in milliseconds: a scrape is stored when it is over, with the time at
/// which it began.
const POSITION_LAG_MS: i64 = 15_000;
/// What is in the store may be so far ahead of this machine's clock, in milliseconds.
const AHEAD_MS: i64 = 600_000;

/// Where what was missed is read, and where it is noted how far each endpoint is.
#[derive(Clone)]
pub struct Replay {
    /// The store that the tap feeds.
    pub select: Arc<dyn Select>,
    /// Tells the time of the newest sample in it.
    pub newest: Arc<dyn Fn() -> Option<i64> + Send + Sync>,
    /// A file for the positions.
    pub positions: PathBuf,
}

/// All endpoints.
pub struct RemoteSend {
    shared: Arc<Shared>,
    replay: Replay,
    endpoints: Mutex<Vec<Endpoint>>,
    /// Writes positions now and then.
    writer: Mutex<Option<StopOnDrop>>,
}

struct Shared {
    clock: SharedClock,
    /// Where blocks go; empty while nothing is configured.
    backlogs: RwLock<Vec<Arc<backlog::Backlog>>>,
    series: Arc<SeriesTable>,
    positions: Positions,
}

impl RemoteSend {
    /// Without endpoints yet. Reads the positions.
    pub fn new(clock: SharedClock, replay: Replay) -> Self {
        let positions = Positions::open(replay.positions.clone());
        let shared = Shared { clock, backlogs: RwLock::default(), series: Arc::default(), positions };
        Self { shared: Arc::new(shared), replay, endpoints: Mutex::default(), writer: Mutex::default() }
    }

    /// A store in front of `inner` that also feeds the endpoints.
    pub fn tap(&self, inner: Arc<dyn Append>) -> TappedAppend {
        TappedAppend { inner, shared: self.shared.clone() }
    }

    /// Makes the endpoints be these; call it inside the runtime. Those that did not change go on undisturbed, those that
    /// did go on where they were, and new ones begin now.
    ///
    /// An endpoint whose client cannot be built is left out and named in the error; its position stays.
    pub fn apply(&self, configs: &[RemoteWriteConfig], external: &Labels) -> Result<(), Vec<String>> {
        let mut endpoints = self.endpoints.lock();
        let mut old = std::mem::take(&mut *endpoints);
        let (mut fresh, mut errors, mut keys) = (Vec::new(), Vec::new(), BTreeSet::new());
        for config in configs {
            let key = key(config, &mut keys);
            if let Some(at) = old.iter().position(|endpoint| endpoint.backlog.key == key && endpoint.is_for(config, external)) {
                endpoints.push(old.swap_remove(at));
                continue;
            }
            let sources = (self.shared.series.clone(), self.replay.select.clone());
            let before = old.iter().find(|old| old.backlog.key == key).map(|old| old.ended.clone());
            match Endpoint::start(key, config.clone(), external.clone(), sources, self.shared.clock.clone(), before) {
                Ok(endpoint) => fresh.push(endpoint),
                Err(error) => errors.push(format!("remote_write {}: {error}", config.url)),
            }
        }
        let now_ms = self.shared.clock.now_ms();
        // Nobody stores meanwhile: what comes before goes to the old endpoints, what comes after to the new ones.
        let mut backlogs = self.shared.backlogs.write();
        let stored_until = (self.replay.newest)().map(|newest| newest.min(now_ms.saturating_add(AHEAD_MS)));
        for endpoint in &fresh {
            let backlog = &endpoint.backlog;
            let before = old.iter().find(|old| old.backlog.key == backlog.key).map(|old| old.backlog.position());
            match before.or_else(|| self.shared.positions.get(&backlog.key)) {
                Some(position) => backlog.begin(position, stored_until),
                None => backlog.begin(now_ms, None),
            }
        }
        endpoints.append(&mut fresh);
        *backlogs = endpoints.iter().map(|endpoint| endpoint.backlog.clone()).collect();
        self.shared.positions.retain(|key| keys.contains(key));
        self.shared.positions.write(&backlogs);
        drop(backlogs);
        if endpoints.is_empty() {
            self.shared.series.clear();
        }
        *self.writer.lock() = (!endpoints.is_empty()).then(|| write_positions(self.shared.clone()));
        // Dropping them ends their tasks.
        drop(old);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Sends what waits in memory, for at most `flush_max`, then ends. What was not sent is when the server is back.
    pub async fn stop(&self, flush_max: Duration) {
        *self.writer.lock() = None;
        let backlogs = std::mem::take(&mut *self.shared.backlogs.write());
        let endpoints = std::mem::take(&mut *self.endpoints.lock());
        let flush = futures_util::future::join_all(endpoints.into_iter().map(|endpoint| endpoint.flush(flush_max)));
        if flush.await.contains(&false) {
            tracing::info!("remote write did not finish in time, the rest is sent after the next start");
        }
        // Not beyond the present: one sample from the future must not hide what comes while the server is away.
        let now_ms = self.shared.clock.now_ms();
        backlogs.iter().for_each(|backlog| backlog.advance(now_ms));
        self.shared.positions.write(&backlogs);
    }

    /// Counts of every endpoint.
    pub fn stats(&self) -> Vec<EndpointStats> {
        self.endpoints.lock().iter().map(Endpoint::stats).collect()
    }

    /// How long requests of each endpoint took.
    fn each_duration(&self, mut show: impl FnMut(&EndpointStats, &Durations)) {
        self.endpoints.lock().iter().for_each(|endpoint| show(&endpoint.stats(), &endpoint.counts.durations.0));
    }
}

/// Storage with a tap: appends, then hands a copy of what was taken to remote write.
pub struct TappedAppend {
    inner: Arc<dyn Append>,
    shared: Arc<Shared>,
}

impl Append for TappedAppend {
    fn append(&self, batch: &WriteBatch, options: &AppendOptions) -> Result<AppendReport, AppendError> {
        let backlogs = self.shared.backlogs.read();
        if backlogs.is_empty() {
            drop(backlogs);
            return self.inner.append(batch, options);
        }
        // Until it is in the backlogs.
        let holds = self.shared.hold(batch, &backlogs);
        let mut report = self.inner.append(batch, options)?;
        let block = Arc::new(self.shared.copy(batch, &mut report, self.shared.clock.now_ms()));
        for (backlog, hold) in backlogs.iter().zip(&holds) {
            backlog.push(block.clone(), hold);
        }
        Ok(report)
    }
}

impl Shared {
    /// Keeps all positions below what is about to be stored, also the ones on disk.
    fn hold(&self, batch: &WriteBatch, backlogs: &[Arc<backlog::Backlog>]) -> Vec<backlog::Hold> {
        let times = batch.floats.iter().map(|float| float.ts).chain(batch.histograms.iter().map(|(ts, _)| *ts));
        let empty = TimeRange::new(i64::MAX, i64::MIN);
        let times = times.fold(empty, |range, ts| TimeRange::new(range.start.min(ts), range.end.max(ts)));
        if times == empty {
            return Vec::new();
        }
        let mut late = false;
        let hold = |backlog: &Arc<backlog::Backlog>| {
            let (hold, below) = backlog.hold(times);
            late |= below;
            hold
        };
        let holds = backlogs.iter().map(hold).collect();
        if late {
            self.positions.write(backlogs);
        }
        holds
    }

    /// Copies what storage took.
    ///
    /// A series whose labels are not known here (remote write was switched on after storage had numbered it) is
    /// reported as unknown: its owner sends it again with labels, which storage takes as a repetition.
    fn copy(&self, batch: &WriteBatch, report: &mut AppendReport, now_ms: i64) -> Block {
        let mut refused: Vec<usize> = report.refused.iter().map(|refused| refused.series_index).collect();
        refused.sort_unstable();
        self.series.learn(batch, &report.refs, now_ms);
        let mut block = Block::with_capacity(batch);
        let mut unlabelled = Vec::new();
        let known = self.series.read();
        for (index, series) in batch.series.iter().enumerate() {
            let id = report.refs.get(index).copied().unwrap_or(series.series);
            if !id.is_some() || refused.binary_search(&index).is_ok() {
                continue;
            }
            if !known.touch(id, now_ms) {
                unlabelled.push(index);
                continue;
            }
            let floats = &batch.floats[series.floats.start as usize..series.floats.end as usize];
            block.floats.extend(floats.iter().map(|float| Record { series: id.0, sample: *float }));
            let histograms = &batch.histograms[series.histograms.start as usize..series.histograms.end as usize];
            block.histograms.extend(histograms.iter().map(|(ts, histogram)| (id.0, *ts, histogram.clone())));
            let exemplars = &batch.exemplars[series.exemplars.start as usize..series.exemplars.end as usize];
            let owned = if floats.is_empty() { &mut block.histogram_exemplars } else { &mut block.exemplars };
            owned.extend(exemplars.iter().map(|exemplar| (id.0, exemplar.clone())));
        }
        drop(known);
        for index in unlabelled {
            if let Some(id) = report.refs.get_mut(index) {
                *id = SeriesRef::NONE;
            }
            let series = &batch.series[index];
            let samples = series.floats.len() + series.histograms.len();
            report.refused.push(Refused { series_index: index, samples, reason: RefusedReason::UnknownRef, first_ts: 0 });
        }
        block
    }
}

/// The name of an endpoint's position: its own name or its address, numbered when there are several of it.
fn key(config: &RemoteWriteConfig, taken: &mut BTreeSet<String>) -> String {
    let base = if config.name.is_empty() { config.url.to_string() } else { config.name.clone() };
    let base: String = base.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
    let numbered = (2..).map(|n| format!("{base} #{n}"));
    let key = std::iter::once(base.clone()).chain(numbered).find(|key| !taken.contains(key)).unwrap_or(base.clone());
    taken.insert(key.clone());
    key
}

/// Writes positions now and then, until what it gives is dropped.
fn write_positions(shared: Arc<Shared>) -> StopOnDrop {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        while stopped.run_until_cancelled(tokio::time::sleep(POSITIONS_EVERY)).await.is_some() {
            let shared = shared.clone();
            let work = tokio::task::spawn_blocking(move || {
                let limit = shared.clock.now_ms() - POSITION_LAG_MS;
                let backlogs = shared.backlogs.read().clone();
                backlogs.iter().for_each(|backlog| backlog.advance(limit));
                shared.positions.write(&backlogs);
            });
            if let Err(error) = work.await {
                tracing::error!(%error, "writing the positions of remote write failed");
            }
        }
    });
    StopOnDrop(stop)
}

/// Ends the tasks of an endpoint when it is dropped.
#[derive(Debug)]
struct StopOnDrop(CancellationToken);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[cfg(test)]
mod tests;
