//! Remote write, outgoing: forwards what is stored to other systems, without ever holding up who stores it.
//!
//! [`TappedAppend`] stands in front of storage. What storage took is copied, as numbers only, into a block that
//! every endpoint's `backlog` shares. Each endpoint has a task that resolves series to labels (external labels,
//! then `write_relabel_configs`), spreads them over shards by series, so that the samples of one series stay in
//! order, and shards that fill requests, encode and send them, and try again while the error may pass.
//!
//! The backlog is bounded in memory ([`backlog::BACKLOG_SAMPLES_MAX`] samples per endpoint). When an endpoint is away for
//! longer than that lasts, the oldest samples are dropped and counted; a restart forgets what was not sent yet.

mod backlog;
pub mod encode;
mod endpoint;
mod reshard;
mod series;
mod shard;
mod stats;

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tokio_util::sync::CancellationToken;

use self::backlog::{Block, Record};
use self::endpoint::Endpoint;
use self::series::SeriesTable;
use crate::base::clock::SharedClock;
use crate::metrics::model::config::RemoteWriteConfig;
use crate::series::batch::{SeriesRef, WriteBatch};
use crate::series::labels::Labels;
use crate::series::ports::{Append, AppendError, AppendOptions, AppendReport, Refused, RefusedReason};

pub use stats::EndpointStats;

/// Series that were not seen for so long are forgotten, in milliseconds; they come with labels when they are back.
const SERIES_IDLE_MS: i64 = 3 * 3_600_000;
/// How often idle series are looked for, in milliseconds.
const SWEEP_EVERY_MS: i64 = 10 * 60_000;

/// All endpoints.
pub struct RemoteSend {
    shared: Arc<Shared>,
    endpoints: Mutex<Vec<Endpoint>>,
}

struct Shared {
    clock: SharedClock,
    /// Where blocks go; empty while nothing is configured.
    backlogs: RwLock<Vec<Arc<backlog::Backlog>>>,
    series: Arc<SeriesTable>,
}

impl RemoteSend {
    /// Without endpoints yet.
    pub fn new(clock: SharedClock) -> Self {
        let shared = Shared { clock, backlogs: RwLock::default(), series: Arc::default() };
        Self { shared: Arc::new(shared), endpoints: Mutex::default() }
    }

    /// A store in front of `inner` that also feeds the endpoints.
    pub fn tap(&self, inner: Arc<dyn Append>) -> TappedAppend {
        TappedAppend { inner, shared: self.shared.clone() }
    }

    /// Makes the endpoints be these; call it inside the runtime. Those that did not change go on undisturbed.
    ///
    /// An endpoint whose client cannot be built is left out and named in the error.
    pub fn apply(&self, configs: &[RemoteWriteConfig], external: &Labels) -> Result<(), Vec<String>> {
        let mut endpoints = self.endpoints.lock();
        let mut old = std::mem::take(&mut *endpoints);
        let mut errors = Vec::new();
        for config in configs {
            if let Some(at) = old.iter().position(|endpoint| endpoint.is_for(config, external)) {
                endpoints.push(old.swap_remove(at));
                continue;
            }
            match Endpoint::start(config.clone(), external.clone(), self.shared.series.clone(), self.shared.clock.clone()) {
                Ok(endpoint) => endpoints.push(endpoint),
                Err(error) => errors.push(format!("remote_write {}: {error}", config.url)),
            }
        }
        *self.shared.backlogs.write() = endpoints.iter().map(|endpoint| endpoint.backlog.clone()).collect();
        if endpoints.is_empty() {
            self.shared.series.clear();
        }
        // Dropping them ends their tasks.
        drop(old);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Sends what waits, for at most `flush_max`, then ends.
    pub async fn stop(&self, flush_max: std::time::Duration) {
        self.shared.backlogs.write().clear();
        let endpoints = std::mem::take(&mut *self.endpoints.lock());
        let flush = futures_util::future::join_all(endpoints.into_iter().map(Endpoint::flush));
        if tokio::time::timeout(flush_max, flush).await.is_err() {
            tracing::warn!("remote write did not finish in time, samples that were not sent are lost");
        }
    }

    /// Counts of every endpoint.
    pub fn stats(&self) -> Vec<EndpointStats> {
        self.endpoints.lock().iter().map(Endpoint::stats).collect()
    }
}

/// Storage with a tap: appends, then hands a copy of what was taken to remote write.
pub struct TappedAppend {
    inner: Arc<dyn Append>,
    shared: Arc<Shared>,
}

impl Append for TappedAppend {
    fn append(&self, batch: &WriteBatch, options: &AppendOptions) -> Result<AppendReport, AppendError> {
        let mut report = self.inner.append(batch, options)?;
        let backlogs = self.shared.backlogs.read();
        if !backlogs.is_empty() {
            let now_ms = self.shared.clock.now_ms();
            let block = Arc::new(self.shared.copy(batch, &mut report, now_ms));
            for backlog in &*backlogs {
                backlog.push(block.clone());
            }
        }
        Ok(report)
    }
}

impl Shared {
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
