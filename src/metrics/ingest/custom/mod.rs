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
//! The server keeps the totals: they survive a restart, and are appended at every tick, so that rates work.

mod diagnose;
pub mod item;
pub mod journal;
pub mod series;
pub mod view;

use std::collections::HashMap;
use std::io;
use std::path::Path;

use parking_lot::Mutex;
use serde_json::value::RawValue;

use self::item::Item;
use self::journal::{Journal, Record};
use self::series::{Family, SeriesState};
pub use self::view::Outcome;
use self::view::{Dashboard, DashboardFamily, DashboardSeries, Health, Rejected, Summary, SummaryFamily};
use crate::base::clock::SharedClock;
use crate::base::limits::CUSTOM_BATCH_MAX;
use crate::series::batch::WriteBatch;
use crate::series::labels::Labels;
use crate::series::sample::{Metadata, MetricType};

/// Series kept at most.
pub const SERIES_MAX: usize = 100_000;
/// Bytes of all series as they are written at every tick.
const WRITTEN_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Series of one family shown on the dashboard at most.
const DASHBOARD_SERIES_MAX: usize = 20;

/// Keeps the totals of custom metrics.
pub struct CustomMetrics {
    clock: SharedClock,
    state: Mutex<State>,
}

struct State {
    families: HashMap<String, Family>,
    series: usize,
    /// [`SeriesState::bytes`] of all series.
    bytes: usize,
    journal: Journal,
    accepted: u64,
    rejected: u64,
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
}

impl CustomError {
    /// The HTTP status that fits.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::TooMany(_) => 413,
            Self::Storage(_) => 503,
        }
    }
}

/// One metric, or its name, if that can be read, and what is wrong with it.
fn read_item(text: &str) -> Result<Item, (String, String)> {
    // A list of the values without their keys would be read too.
    let found = if text.starts_with('{') { serde_json::from_str(text) } else { Err(serde::de::Error::custom("no object")) };
    found.map_err(|error| diagnose::diagnose(text, &error))
}

impl CustomMetrics {
    /// Opens with the totals kept in `file`.
    ///
    /// # Errors
    /// When the file cannot be read or written. A torn end is cut off.
    pub fn open(file: &Path, clock: SharedClock) -> io::Result<Self> {
        let (journal, records) = Journal::open(file)?;
        let mut state = State { families: HashMap::new(), series: 0, bytes: 0, journal, accepted: 0, rejected: 0, last_ms: 0 };
        for record in records {
            state.restore(record);
        }
        Ok(Self { clock, state: Mutex::new(state) })
    }

    /// Takes one metric. What it changed is written into `batch`, which must be empty, for storage. Blocks on disk.
    pub fn record_one(&self, body: &[u8], batch: &mut WriteBatch) -> Result<Outcome, CustomError> {
        let item: &RawValue = serde_json::from_slice(body).map_err(|error| CustomError::Malformed(error.to_string()))?;
        self.record(&[item], batch)
    }

    /// Takes a batch, as a list or as `{"metrics": [...]}`. What is good is kept, what is not is named by position.
    pub fn record_batch(&self, body: &[u8], batch: &mut WriteBatch) -> Result<Outcome, CustomError> {
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
        self.record(&items, batch)
    }

    fn record(&self, items: &[&RawValue], batch: &mut WriteBatch) -> Result<Outcome, CustomError> {
        let now = self.clock.now_ms();
        let mut state = self.state.lock();
        let mut outcome = Outcome::default();
        let mut touched: Vec<(String, Labels)> = Vec::with_capacity(items.len());
        let mut undo = Vec::with_capacity(items.len());
        for (index, raw) in items.iter().enumerate() {
            let item = read_item(raw.get());
            let result = item.and_then(|item| {
                let name = item.name.clone();
                item.is_from_now(now).and_then(|()| state.apply(item)).map_err(|reason| (name, reason))
            });
            match result {
                Ok((name, labels, before)) => {
                    undo.push((name.clone(), labels.clone(), before));
                    touched.push((name, labels));
                }
                Err((name, reason)) => outcome.errors.push(Rejected { index, name, reason }),
            }
        }
        outcome.accepted = touched.len();
        outcome.rejected = outcome.errors.len();
        touched.sort_unstable();
        touched.dedup();
        let mut records = Vec::with_capacity(touched.len());
        for (name, labels) in &touched {
            let Some(family) = state.families.get(name) else { continue };
            let Some(series) = family.series.get(labels) else { continue };
            family.write(name, labels, series, now, batch);
            batch
                .metadata
                .push((name.as_str().into(), Metadata { kind: family.kind, help: family.help.clone(), unit: family.unit.clone() }));
            records.push(Record::of(name, family, labels, series));
        }
        batch.metadata.dedup_by(|a, b| a.0 == b.0);
        if let Err(error) = state.journal.append(&records) {
            // The client will send all of it again, so nothing of it may count.
            state.undo(undo);
            batch.clear();
            return Err(error.into());
        }
        if let Err(error) = state.compact_if_due() {
            tracing::warn!(%error, "the journal of custom metrics cannot be made smaller");
        }
        state.accepted += outcome.accepted as u64;
        state.rejected += outcome.rejected as u64;
        state.last_ms = now;
        Ok(outcome)
    }

    /// Writes all totals into `batch` at `now` (ms).
    pub fn collect(&self, now: i64, batch: &mut WriteBatch) {
        let state = self.state.lock();
        for (name, family) in &state.families {
            for (labels, series) in &family.series {
                family.write(name, labels, series, now, batch);
            }
        }
    }

    /// For `GET /api/v1/metrics/health`.
    pub fn health(&self) -> Health {
        let state = self.state.lock();
        Health {
            status: "healthy",
            metrics: state.families.len(),
            series: state.series,
            series_max: SERIES_MAX,
            accepted_total: state.accepted,
            rejected_total: state.rejected,
            last_received_ms: state.last_ms,
        }
    }

    /// For `GET /api/v1/metrics/summary`.
    pub fn summary(&self) -> Summary {
        let state = self.state.lock();
        let mut summary = Summary { metrics: state.families.len(), series: state.series, ..Summary::default() };
        for (name, family) in sorted(&state.families) {
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

    /// For `GET /api/v1/metrics/dashboard`: current values, the largest series of each metric first.
    pub fn dashboard(&self) -> Dashboard {
        let state = self.state.lock();
        let families = sorted(&state.families).map(|(name, family)| {
            let mut series: Vec<_> = family.series.iter().map(|(labels, series)| DashboardSeries::of(labels, series)).collect();
            series.sort_by(|a, b| b.value.total_cmp(&a.value).then_with(|| a.labels.cmp(&b.labels)));
            series.truncate(DASHBOARD_SERIES_MAX);
            DashboardFamily { name: name.clone(), kind: family.kind.as_str(), help: family.help.clone(), unit: family.unit.clone(), series }
        });
        Dashboard { generated_ms: self.clock.now_ms(), families: families.collect() }
    }
}

fn sorted(families: &HashMap<String, Family>) -> impl Iterator<Item = (&String, &Family)> {
    let mut all: Vec<_> = families.iter().collect();
    all.sort_unstable_by_key(|(name, _)| *name);
    all.into_iter()
}

impl State {
    /// Applies one metric; says which series changed and what it was before, or why nothing changed.
    fn apply(&mut self, item: Item) -> Result<(String, Labels, Option<SeriesState>), String> {
        let kind = item.kind()?;
        let labels = item.labels(kind)?;
        if let Some(family) = self.families.get(&item.name).filter(|family| family.kind != kind) {
            return Err(format!("{} is a {}, not a {}", item.name, family.kind.as_str(), kind.as_str()));
        }
        let is_new_series = !self.families.get(&item.name).is_some_and(|family| family.series.contains_key(&labels));
        if is_new_series && self.series >= SERIES_MAX {
            return Err(format!("more than {SERIES_MAX} series"));
        }
        let bounds = match self.families.get(&item.name) {
            Some(family) => family.bounds.clone(),
            None => item.bounds()?,
        };
        // Worked out on a copy: a metric that is refused leaves no trace.
        let before = self.families.get(&item.name).and_then(|family| family.series.get(&labels)).cloned();
        let mut series = before.clone().unwrap_or_else(|| SeriesState::new(kind, bounds.len()));
        item.apply_to(&mut series, &bounds)?;
        let bytes_before = before.as_ref().map_or(0, |before| before.bytes(&item.name, &labels));
        let bytes = self.bytes.saturating_sub(bytes_before) + series.bytes(&item.name, &labels);
        if bytes > WRITTEN_BYTES_MAX {
            return Err(format!("labels of all series would take more than {WRITTEN_BYTES_MAX} bytes"));
        }
        self.bytes = bytes;
        self.series += usize::from(is_new_series);
        let family = self.families.entry(item.name.clone()).or_insert_with(|| Family::new(kind, bounds));
        if !item.help.is_empty() {
            family.help = item.help;
        }
        if !item.unit.is_empty() {
            family.unit = item.unit;
        }
        family.series.insert(labels.clone(), series);
        Ok((item.name, labels, before))
    }

    /// Takes changes back, the last one first.
    fn undo(&mut self, changes: Vec<(String, Labels, Option<SeriesState>)>) {
        for (name, labels, before) in changes.into_iter().rev() {
            let Some(family) = self.families.get_mut(&name) else { continue };
            let bytes = before.as_ref().map_or(0, |before| before.bytes(&name, &labels));
            let undone = match before {
                Some(series) => family.series.insert(labels.clone(), series),
                None => family.series.remove(&labels).inspect(|_| self.series -= 1),
            };
            let bytes_undone = undone.map_or(0, |undone| undone.bytes(&name, &labels));
            self.bytes = self.bytes.saturating_sub(bytes_undone) + bytes;
            if family.series.is_empty() {
                self.families.remove(&name);
            }
        }
    }

    fn restore(&mut self, record: Record) {
        let Some((name, family_of_record, labels, series)) = record.into_parts() else { return };
        let bytes = series.bytes(&name, &labels);
        let family = self.families.entry(name.clone()).or_insert_with(|| Family::new(family_of_record.kind, family_of_record.bounds));
        (family.help, family.unit) = (family_of_record.help, family_of_record.unit);
        let before = family.series.insert(labels.clone(), series);
        self.series += usize::from(before.is_none());
        self.bytes = self.bytes.saturating_sub(before.map_or(0, |before| before.bytes(&name, &labels))) + bytes;
    }

    fn compact_if_due(&mut self) -> io::Result<()> {
        if !self.journal.is_due(self.series) {
            return Ok(());
        }
        let records = self
            .families
            .iter()
            .flat_map(|(name, family)| family.series.iter().map(move |(labels, series)| Record::of(name, family, labels, series)));
        let records: Vec<_> = records.collect();
        self.journal.rewrite(&records)
    }
}

#[cfg(test)]
mod tests;
