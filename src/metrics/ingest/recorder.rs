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
}

#[derive(Debug, Default)]
struct Inner {
    by_labels: HashMap<Labels, SeriesRef>,
    series: BTreeMap<SeriesRef, Stored>,
    metadata: BTreeMap<String, Metadata>,
    last_ref: u64,
    batches: usize,
    label_sets_read: usize,
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

    pub(crate) fn metadata(&self, family: &str) -> Option<Metadata> {
        self.inner.lock().metadata.get(family).cloned()
    }

    /// How many label sets came along so far.
    pub(crate) fn label_sets_read(&self) -> usize {
        self.inner.lock().label_sets_read
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
        inner.batches += 1;
        let mut report = AppendReport::default();
        for (family, metadata) in &batch.metadata {
            inner.metadata.insert(family.to_string(), metadata.clone());
        }
        for (index, series) in batch.series.iter().enumerate() {
            let samples = series.floats.len() + series.histograms.len();
            let refuse = |report: &mut AppendReport, reason, first_ts| {
                report.refused.push(Refused { series_index: index, samples, reason, first_ts });
            };
            let id = if series.series.is_some() {
                series.series
            } else {
                inner.label_sets_read += 1;
                let labels = Labels::from_packed(batch.labels_of(series)).expect("packed labels are well formed");
                assert!(!labels.is_empty(), "neither labels nor reference");
                match inner.by_labels.get(&labels) {
                    Some(&known) => known,
                    None => {
                        inner.last_ref += 1;
                        let id = SeriesRef(inner.last_ref);
                        inner.by_labels.insert(labels.clone(), id);
                        inner.series.insert(id, Stored { labels, ..Stored::default() });
                        report.series_created += 1;
                        id
                    }
                }
            };
            let Some(stored) = inner.series.get_mut(&id) else {
                report.refs.push(SeriesRef::NONE);
                refuse(&mut report, RefusedReason::UnknownRef, 0);
                continue;
            };
            report.refs.push(id);
            let newest = stored.floats.iter().map(|&(ts, _)| ts).chain(stored.histograms.iter().map(|(ts, _)| *ts)).max();
            let first = batch.floats[series.floats.start as usize..series.floats.end as usize].first().map(|float| float.ts);
            let first = first.or_else(|| batch.histograms[series.histograms.start as usize..].first().map(|(ts, _)| *ts)).unwrap_or(0);
            match newest {
                Some(newest) if first < newest && options.in_order_only => refuse(&mut report, RefusedReason::OutOfOrder, first),
                Some(newest) if first < newest => refuse(&mut report, RefusedReason::OutOfOrder, first),
                Some(newest) if first == newest && repeats(stored, batch, series) => report.repeated += samples,
                Some(newest) if first == newest => refuse(&mut report, RefusedReason::DuplicateTimestamp, first),
                _ => {
                    for float in &batch.floats[series.floats.start as usize..series.floats.end as usize] {
                        stored.floats.push((float.ts, float.value));
                        stored.start_ts.push(float.start_ts);
                    }
                    stored
                        .histograms
                        .extend_from_slice(&batch.histograms[series.histograms.start as usize..series.histograms.end as usize]);
                    stored.exemplars.extend_from_slice(&batch.exemplars[series.exemplars.start as usize..series.exemplars.end as usize]);
                    report.stored += samples;
                }
            }
        }
        Ok(report)
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
