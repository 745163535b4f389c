//! Custom metrics over HTTP JSON: `POST /api/v1/metrics/custom` (one) and `POST /api/v1/metrics/batch` (many).
//!
//! One metric is an object: `name`, `type` (`counter`, `gauge`, `histogram`, `summary`), `labels`, `help`, `unit`, and
//! - counter: `value` **adds** (1 when absent), as a client library's `inc`; `total` sets what a client counted itself;
//! - gauge: `value` sets; with `"operation": "inc"` or `"dec"` it adds or takes away;
//! - histogram: `value` or `values` are observations, counted in `bounds` (given with the first one; else the usual
//!   ones); or `buckets` (bound to cumulative count) with `sum` and `count` set what a client counted itself;
//! - summary: `value` or `values` are observations (sum and count); or `quantiles` with `sum` and `count`.
//!
//! `timestamp` may be given, but must be about now: a metric counts when it arrives. A key that is none of these is a
//! mistake.
//!
//! A repeated push is therefore a repeated event, not a correction; `total` and `buckets` are for clients that retry.
//! The server keeps the totals: they survive a restart, and are appended at every tick, so that rates work. A counter,
//! histogram or summary that begins with what is added to it was at zero a tick before, so that `increase` sees its first
//! events; what a client counted itself may be older, and begins with what it says. What is answered with an error was not
//! counted: a total changes when its samples are stored.

mod diagnose;
mod draft;
pub mod item;
pub mod journal;
pub mod series;
mod totals;
pub mod view;

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::value::RawValue;

use self::draft::Draft;
use self::item::Item;
use self::journal::Journal;
use self::totals::Totals;
pub use self::view::Outcome;
use self::view::{Dashboard, DashboardFamily, DashboardSeries, Health, Rejected, Summary, SummaryFamily};
use super::restated::{NotTaken, ROUND, WHOLE, WHOLE_IN_ORDER, append_whole, time_after};
use crate::base::clock::SharedClock;
use crate::base::limits::CUSTOM_BATCH_MAX;
use crate::series::batch::WriteBatch;
use crate::series::labels::Labels;
use crate::series::ports::{Append, RefusedReason};
use crate::series::sample::MetricType;

/// Series kept at most.
pub const SERIES_MAX: usize = 100_000;
/// Series of one family shown on the dashboard at most.
const DASHBOARD_SERIES_MAX: usize = 20;
/// How often a request is offered to storage, each time without what it refused before.
const ROUNDS_MAX: usize = 4;

/// Keeps the totals of custom metrics.
///
/// Requests are taken one after the other, as the journal is written. The totals change when a request is stored.
pub struct CustomMetrics {
    clock: SharedClock,
    append: Arc<dyn Append>,
    writer: Mutex<Writer>,
    /// Locked after `writer`, and never while the disk is waited for.
    totals: Mutex<Totals>,
}

struct Writer {
    journal: Journal,
    /// Time of the newest samples, in milliseconds.
    last_ms: i64,
}

/// What is wrong with a whole request.
#[derive(Debug, thiserror::Error)]
pub enum CustomError {
    /// Not JSON of the right form.
    #[error("cannot read the request: {0}")]
    Malformed(String),
    /// More metrics than a batch may hold.
    #[error("a batch holds at most {CUSTOM_BATCH_MAX} metrics, this one holds {0}")]
    TooMany(usize),
    /// The totals cannot be kept on disk.
    #[error("cannot store custom metrics: {0}")]
    Storage(#[from] io::Error),
    /// Storage takes no samples now; nothing was counted.
    #[error("{0}; nothing was counted")]
    NotNow(String),
}

impl CustomError {
    /// The HTTP status that fits.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::TooMany(_) => 413,
            Self::Storage(_) | Self::NotNow(_) => 503,
        }
    }
}

/// Whether a sample is refused for its time.
const fn is_of_time(reason: RefusedReason) -> bool {
    matches!(reason, RefusedReason::OutOfOrder | RefusedReason::TooOld | RefusedReason::OutOfBounds)
}

/// One metric, or its name, if that can be read, and what is wrong with it.
fn read_item(text: &str) -> Result<Item, (String, String)> {
    // A list of the values without their keys would be read too.
    let found = if text.starts_with('{') { serde_json::from_str(text) } else { Err(serde::de::Error::custom("no object")) };
    found.map_err(|error| diagnose::diagnose(text, &error))
}

impl CustomMetrics {
    /// Opens with the totals kept in `file`; samples go to `append`.
    ///
    /// # Errors
    /// When the file cannot be read or written. A torn end is cut off.
    pub fn open(file: &Path, append: Arc<dyn Append>, clock: SharedClock) -> io::Result<Self> {
        let (journal, records) = Journal::open(file)?;
        let mut totals = Totals::default();
        for record in records {
            totals.restore(record);
        }
        let writer = Mutex::new(Writer { journal, last_ms: i64::MIN });
        Ok(Self { clock, append, writer, totals: Mutex::new(totals) })
    }

    /// Takes one metric. Blocks on disk.
    pub fn record_one(&self, body: &[u8]) -> Result<Outcome, CustomError> {
        let item: &RawValue = serde_json::from_slice(body).map_err(|error| CustomError::Malformed(error.to_string()))?;
        self.record(&[item])
    }

    /// Takes a batch, as a list or as `{"metrics": [...]}`. What is good is kept, what is not is named by position.
    pub fn record_batch(&self, body: &[u8]) -> Result<Outcome, CustomError> {
        let malformed = |error: serde_json::Error| CustomError::Malformed(error.to_string());
        let whole: &RawValue = serde_json::from_slice(body).map_err(malformed)?;
        let list = match whole.get().as_bytes().first() {
            Some(b'[') => whole,
            Some(b'{') => {
                let mut keys: HashMap<String, &RawValue> = serde_json::from_str(whole.get()).map_err(malformed)?;
                keys.remove("metrics").ok_or_else(|| CustomError::Malformed("the key metrics is missing".to_owned()))?
            }
            _ => return Err(CustomError::Malformed("a batch is a list, or an object with the key metrics".to_owned())),
        };
        if !list.get().starts_with('[') {
            return Err(CustomError::Malformed("metrics must be a list".to_owned()));
        }
        let items: Vec<&RawValue> = serde_json::from_str(list.get()).map_err(malformed)?;
        if items.len() > CUSTOM_BATCH_MAX {
            return Err(CustomError::TooMany(items.len()));
        }
        self.record(&items)
    }

    fn record(&self, items: &[&RawValue]) -> Result<Outcome, CustomError> {
        let now = self.clock.now_ms();
        let mut names = Vec::with_capacity(items.len());
        let mut read = Vec::with_capacity(items.len());
        let mut errors = Vec::new();
        for (index, raw) in items.iter().enumerate() {
            let item = read_item(raw.get()).and_then(|item| match item.is_from_now(now) {
                Ok(()) => Ok(item),
                Err(reason) => Err((item.name, reason)),
            });
            match item {
                Ok(item) => {
                    names.push(item.name.clone());
                    read.push((index, item));
                }
                Err((name, reason)) => {
                    names.push(String::new());
                    errors.push(Rejected { index, name, reason });
                }
            }
        }
        let reject = |names: &mut [String], index: usize, reason| Rejected { index, name: std::mem::take(&mut names[index]), reason };
        let mut writer = self.writer.lock();
        let mut draft = {
            let totals = self.totals.lock();
            let mut draft = Draft::new(&totals);
            for (index, item) in read {
                if let Err(reason) = draft.take(&totals, index, item) {
                    errors.push(reject(&mut names, index, reason));
                }
            }
            draft
        };
        for (index, reason) in self.store(&mut writer, &mut draft)? {
            errors.push(reject(&mut names, index, format!("storage refuses it: {reason}")));
        }
        errors.sort_unstable_by_key(|error| error.index);
        let rejected = errors.len();
        let outcome = Outcome { accepted: items.len() - rejected, rejected, errors };
        let mut totals = self.totals.lock();
        draft.settle(&mut totals);
        totals.accepted += outcome.accepted as u64;
        totals.rejected += outcome.rejected as u64;
        totals.last_ms = now;
        let due = writer.journal.is_due(totals.series).then(|| totals.records());
        drop(totals);
        if let Some(Err(error)) = due.map(|records| writer.journal.rewrite(&records)) {
            tracing::warn!(%error, "the journal of custom metrics cannot be made smaller");
        }
        Ok(outcome)
    }

    /// Brings a draft into the journal and into storage, or leaves no trace of it. What storage refuses is taken out of
    /// the draft: gives the items of the request that were.
    ///
    /// The journal is first. A crash between the two leaves totals that nobody was told of, which any client must expect
    /// of a request without an answer; the other way around it would leave samples above the total, and the next
    /// ones would look like a counter that began anew.
    fn store(&self, writer: &mut Writer, draft: &mut Draft) -> Result<Vec<(usize, RefusedReason)>, CustomError> {
        let mut refused_items = Vec::new();
        for _ in 0..ROUNDS_MAX {
            if draft.is_empty() {
                return Ok(refused_items);
            }
            let mark = writer.journal.mark();
            writer.journal.append(&draft.records())?;
            // Not before: the request may have waited for others.
            let ts = time_after(writer.last_ms, self.clock.now_ms());
            let has_zeros = draft.has_zeros();
            match append_whole(&*self.append, &mut draft.write(ts), if has_zeros { &WHOLE_IN_ORDER } else { &WHOLE }) {
                Ok(()) => {}
                // It is counted: the totals are on disk, and the next round states them again.
                Err(NotTaken::InDoubt(why)) => tracing::warn!(why, "custom metrics were counted while the log of storage failed"),
                Err(NotTaken::Later(why)) => {
                    writer.journal.take_back(mark);
                    return Err(CustomError::NotNow(why));
                }
                // A series that is new here need not be new to storage: what it has there is not contradicted.
                Err(NotTaken::Refused(refused)) if has_zeros && refused.iter().any(|(_, reason)| is_of_time(*reason)) => {
                    writer.journal.take_back(mark);
                    draft.leave_out_zeros();
                    continue;
                }
                Err(NotTaken::Refused(refused)) => {
                    writer.journal.take_back(mark);
                    for (name, labels, reason) in draft.written_at(refused) {
                        refused_items.extend(draft.take_back(&name, &labels).into_iter().map(|index| (index, reason)));
                    }
                    continue;
                }
            }
            writer.last_ms = ts;
            return Ok(refused_items);
        }
        Err(CustomError::NotNow("storage is busy with the same series".to_owned()))
    }

    /// Appends all totals to storage, so that they do not go stale. Blocks on disk.
    pub fn restate(&self) {
        let mut batch = WriteBatch::new();
        {
            let mut writer = self.writer.lock();
            writer.last_ms = time_after(writer.last_ms, self.clock.now_ms());
            self.totals.lock().write(writer.last_ms, &mut batch);
        }
        if batch.series.is_empty() {
            return;
        }
        if let Err(error) = self.append.append(&batch, &ROUND) {
            tracing::warn!(%error, "custom metrics could not be stated again");
        }
    }

    /// For `GET /api/v1/metrics/health`.
    pub fn health(&self) -> Health {
        let totals = self.totals.lock();
        Health {
            status: "healthy",
            metrics: totals.families.len(),
            series: totals.series,
            series_max: SERIES_MAX,
            accepted_total: totals.accepted,
            rejected_total: totals.rejected,
            last_received_ms: totals.last_ms,
        }
    }

    /// For `GET /api/v1/metrics/summary`.
    pub fn summary(&self) -> Summary {
        let totals = self.totals.lock();
        let mut summary = Summary { metrics: totals.families.len(), series: totals.series, ..Summary::default() };
        for (name, family) in totals.sorted() {
            match family.kind {
                MetricType::Counter => summary.counters += 1,
                MetricType::Gauge => summary.gauges += 1,
                MetricType::Histogram => summary.histograms += 1,
                _ => summary.summaries += 1,
            }
            summary.families.push(SummaryFamily {
                name: name.clone(),
                kind: family.kind.as_str(),
                help: family.help.clone(),
                unit: family.unit.clone(),
                series: family.series.len(),
            });
        }
        summary
    }

    /// The label sets of a metric.
    pub fn label_sets(&self, name: &str) -> Vec<Labels> {
        self.totals.lock().families.get(name).map(|family| family.series.keys().cloned().collect()).unwrap_or_default()
    }

    /// For `GET /api/v1/metrics/dashboard`: current values, the largest series of each metric first.
    pub fn dashboard(&self) -> Dashboard {
        let totals = self.totals.lock();
        let families = totals.sorted().map(|(name, family)| {
            let mut series: Vec<_> = family.series.iter().map(|(labels, series)| DashboardSeries::of(labels, series)).collect();
            series.sort_by(|a, b| b.value.total_cmp(&a.value).then_with(|| a.labels.cmp(&b.labels)));
            series.truncate(DASHBOARD_SERIES_MAX);
            DashboardFamily { name: name.clone(), kind: family.kind.as_str(), help: family.help.clone(), unit: family.unit.clone(), series }
        });
        Dashboard { generated_ms: self.clock.now_ms(), families: families.collect() }
    }
}

#[cfg(test)]
mod tests;
