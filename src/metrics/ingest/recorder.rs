//! A store for tests: keeps samples in memory, numbers series, refuses what real storage refuses.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::series::batch::{BatchSeries, SeriesRef, WriteBatch};
use crate::series::histogram::Histogram;
use crate::series::labels::Labels;
use crate::series::ports::{Append, AppendError, AppendOptions, AppendReport, Refused, RefusedReason};
use crate::series::sample::{Exemplar, Metadata, is_stale};

/// Remembers what it was given.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    inner: Mutex<Inner>,
    /// Answers as a full disk would.
    pub unavailable: AtomicBool,
    /// Takes what comes, then says that the log failed.
    pub log_fails: AtomicBool,
}

#[derive(Debug, Default)]
struct Inner {
    by_labels: HashMap<Labels, SeriesRef>,
    series: BTreeMap<SeriesRef, Stored>,
    metadata: BTreeMap<String, Metadata>,
    last_ref: u64,
    label_sets_read: usize,
    /// Samples that were offered, taken or not.
    offered: usize,
    /// Metrics that are refused.
    refused: HashMap<String, RefusedReason>,
}

/// One series.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stored {
    pub labels: Labels,
    pub floats: Vec<(i64, f64)>,
    pub start_ts: Vec<i64>,
    pub histograms: Vec<(i64, Arc<Histogram>)>,
    pub exemplars: Vec<Exemplar>,
}

impl Recorder {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A series by the text of its labels.
    pub(crate) fn series(&self, labels: &str) -> Option<Stored> {
        self.inner.lock().series.values().find(|stored| stored.labels.to_string() == labels).cloned()
    }

    /// Texts of the values of a metric's series, by label text; `stale` for markers.
    pub(crate) fn dump(&self, metric: &str) -> Vec<(String, Vec<(i64, String)>)> {
        let inner = self.inner.lock();
        let mut all: Vec<_> = inner.series.values().filter(|stored| stored.labels.metric_name() == metric).collect();
        all.sort_by(|a, b| a.labels.cmp(&b.labels));
        let shown = |stored: &Stored| {
            let floats =
                stored.floats.iter().map(|&(ts, value)| (ts, if is_stale(value) { "stale".to_owned() } else { value.to_string() }));
            let stale = |h: &Histogram| if h.is_stale() { "stale".to_owned() } else { format!("count {}", h.count) };
            floats.chain(stored.histograms.iter().map(|(ts, h)| (*ts, stale(h)))).collect()
        };
        all.into_iter().map(|stored| (stored.labels.without_name().to_string(), shown(stored))).collect()
    }

    /// Values of the only series of a metric, without times.
    pub(crate) fn values(&self, metric: &str) -> Vec<String> {
        let mut dump = self.dump(metric);
        assert!(dump.len() <= 1, "{metric} has several series: {dump:?}");
        dump.pop().map(|(_, values)| values.into_iter().map(|(_, value)| value).collect()).unwrap_or_default()
    }

    /// Every series with its newest value, sorted; `stale` for markers.
    pub(crate) fn newest(&self) -> Vec<String> {
        let newest = |stored: &Stored| {
            let (float, histogram) = (stored.floats.last(), stored.histograms.last());
            let is_float = float.map(|(ts, _)| *ts) > histogram.map(|(ts, _)| *ts);
            match (float, histogram) {
                (Some((_, value)), _) if is_float && is_stale(*value) => Some("stale".to_owned()),
                (Some((_, value)), _) if is_float => Some(value.to_string()),
                (_, histogram) => histogram.map(|(_, histogram)| format!("histogram {}", histogram.count)),
            }
        };
        let inner = self.inner.lock();
        let mut all: Vec<_> = inner.series.values().filter_map(|stored| Some(format!("{} {}", stored.labels, newest(stored)?))).collect();
        all.sort();
        all
    }

    pub(crate) fn metadata(&self, family: &str) -> Option<Metadata> {
        self.inner.lock().metadata.get(family).cloned()
    }

    /// How many label sets came along so far.
    pub(crate) fn label_sets_read(&self) -> usize {
        self.inner.lock().label_sets_read
    }

    /// How many samples were offered so far.
    pub(crate) fn offered(&self) -> usize {
        self.inner.lock().offered
    }

    /// Refuses a metric from now on, or takes it again.
    pub(crate) fn refuse(&self, metric: &str, reason: Option<RefusedReason>) {
        let refused = &mut self.inner.lock().refused;
        match reason {
            Some(reason) => drop(refused.insert(metric.to_owned(), reason)),
            None => drop(refused.remove(metric)),
        }
    }

    /// Forgets the numbers of all series, as storage does with series long idle.
    pub(crate) fn forget_refs(&self) {
        let mut inner = self.inner.lock();
        inner.by_labels.clear();
        inner.series.clear();
    }
}

impl Append for Recorder {
    fn append(&self, batch: &WriteBatch, options: &AppendOptions) -> Result<AppendReport, AppendError> {
        if self.unavailable.load(Ordering::SeqCst) {
            return Err(AppendError::Unavailable("no space left".to_owned()));
        }
        let mut inner = self.inner.lock();
        inner.offered += batch.sample_count();
        let mut report = AppendReport::default();
        for (index, series) in batch.series.iter().enumerate() {
            if inner.check(batch, index, series, &mut report) && !options.all_or_nothing {
                inner.take(batch, series, report.refs[index], &mut report);
            }
        }
        if options.all_or_nothing && !report.refused.is_empty() {
            return Err(AppendError::Refused(report));
        }
        for (index, series) in batch.series.iter().enumerate().filter(|_| options.all_or_nothing) {
            inner.take(batch, series, report.refs[index], &mut report);
        }
        for (family, metadata) in &batch.metadata {
            inner.metadata.insert(family.to_string(), metadata.clone());
        }
        if self.log_fails.load(Ordering::SeqCst) {
            return Err(AppendError::InDoubt("no space left".to_owned()));
        }
        Ok(report)
    }
}

impl Inner {
    /// Finds or numbers the series. Whether its samples can be taken; the report says why not.
    fn check(&mut self, batch: &WriteBatch, index: usize, series: &BatchSeries, report: &mut AppendReport) -> bool {
        let samples = series.floats.len() + series.histograms.len();
        let id = if series.series.is_some() {
            series.series
        } else {
            self.label_sets_read += 1;
            let labels = Labels::from_packed(batch.labels_of(series)).expect("packed labels are well formed");
            assert!(!labels.is_empty(), "neither labels nor reference");
            if let Some(reason) = self.refused.get(labels.metric_name()) {
                report.refs.push(SeriesRef::NONE);
                report.refused.push(Refused { series_index: index, samples, reason: *reason, first_ts: 0 });
                return false;
            }
            match self.by_labels.get(&labels) {
                Some(&known) => known,
                None => {
                    self.last_ref += 1;
                    let id = SeriesRef(self.last_ref);
                    self.by_labels.insert(labels.clone(), id);
                    self.series.insert(id, Stored { labels, ..Stored::default() });
                    report.series_created += 1;
                    id
                }
            }
        };
        let Some(stored) = self.series.get(&id) else {
            report.refs.push(SeriesRef::NONE);
            report.refused.push(Refused { series_index: index, samples, reason: RefusedReason::UnknownRef, first_ts: 0 });
            return false;
        };
        report.refs.push(id);
        let newest = stored.floats.iter().map(|&(ts, _)| ts).chain(stored.histograms.iter().map(|(ts, _)| *ts)).max();
        let first = batch.floats[series.floats.start as usize..series.floats.end as usize].first().map(|float| float.ts);
        let first = first.or_else(|| batch.histograms[series.histograms.start as usize..].first().map(|(ts, _)| *ts)).unwrap_or(0);
        let reason = match newest {
            Some(newest) if first < newest => RefusedReason::OutOfOrder,
            Some(newest) if first == newest && !repeats(stored, batch, series) => RefusedReason::DuplicateTimestamp,
            _ => return true,
        };
        report.refused.push(Refused { series_index: index, samples, reason, first_ts: first });
        false
    }

    fn take(&mut self, batch: &WriteBatch, series: &BatchSeries, id: SeriesRef, report: &mut AppendReport) {
        let Some(stored) = self.series.get_mut(&id) else { return };
        let samples = series.floats.len() + series.histograms.len();
        if samples > 0 && repeats(stored, batch, series) {
            report.repeated += samples;
            return;
        }
        for float in &batch.floats[series.floats.start as usize..series.floats.end as usize] {
            stored.floats.push((float.ts, float.value));
            stored.start_ts.push(float.start_ts);
        }
        stored.histograms.extend_from_slice(&batch.histograms[series.histograms.start as usize..series.histograms.end as usize]);
        stored.exemplars.extend_from_slice(&batch.exemplars[series.exemplars.start as usize..series.exemplars.end as usize]);
        report.stored += samples;
    }
}

/// Whether the sample is the newest one once more.
fn repeats(stored: &Stored, batch: &WriteBatch, series: &BatchSeries) -> bool {
    let floats = &batch.floats[series.floats.start as usize..series.floats.end as usize];
    let histograms = &batch.histograms[series.histograms.start as usize..series.histograms.end as usize];
    match (floats, histograms) {
        ([float], []) => stored.floats.last().is_some_and(|(ts, value)| (*ts, value.to_bits()) == (float.ts, float.value.to_bits())),
        ([], [histogram]) => stored.histograms.last() == Some(histogram),
        _ => false,
    }
}
