//! The simplest storage there is: all series in one sorted list. For scripts and rule tests, which hold little.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::base::cancel::Cancel;
use crate::base::time::TimeRange;
use crate::series::batch::{SeriesRef, WriteBatch};
use crate::series::histogram::{Histogram, ResetHint};
use crate::series::labels::Labels;
use crate::series::ports::{
    Append, AppendError, AppendOptions, AppendReport, IndexQuery, Refused, RefusedReason, Select, SelectError, SelectedSeries, Selection,
};
use crate::series::sample::{Exemplar, SampleBuf};

/// Samples in memory, without limits and without persistence. Samples of a series must come in order of time.
#[derive(Debug, Default)]
pub struct MemorySelect {
    series: RwLock<BTreeMap<Labels, Arc<SampleBuf>>>,
}

impl MemorySelect {
    /// Without series.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.series.write().clear();
    }
}

impl Append for MemorySelect {
    fn append(&self, batch: &WriteBatch, _options: &AppendOptions) -> Result<AppendReport, AppendError> {
        let mut report = AppendReport::default();
        let mut all = self.series.write();
        for (series_index, series) in batch.series.iter().enumerate() {
            report.refs.push(SeriesRef::NONE);
            let floats = batch.floats.get(series.floats.start as usize..series.floats.end as usize).unwrap_or(&[]);
            let histograms = batch.histograms.get(series.histograms.start as usize..series.histograms.end as usize).unwrap_or(&[]);
            let mut refuse = |samples: usize, reason, first_ts| {
                report.refused.push(Refused { series_index, samples, reason, first_ts });
            };
            let Ok(labels) = Labels::from_packed(batch.labels_of(series)) else {
                refuse(floats.len() + histograms.len(), RefusedReason::InvalidLabels, 0);
                continue;
            };
            let samples = Arc::make_mut(all.entry(labels).or_default());
            let newest = samples.float_ts.last().copied().max(samples.histogram_ts.last().copied()).unwrap_or(i64::MIN);
            let times = floats.iter().map(|sample| sample.ts).chain(histograms.iter().map(|(ts, _)| *ts));
            if let Some(old) = times.min().filter(|&ts| ts <= newest && newest != i64::MIN) {
                refuse(floats.len() + histograms.len(), RefusedReason::OutOfOrder, old);
                continue;
            }
            let starts_known = !samples.float_start_ts.is_empty() || floats.iter().any(|sample| sample.start_ts != 0);
            if starts_known {
                samples.float_start_ts.resize(samples.float_ts.len(), 0);
                samples.float_start_ts.extend(floats.iter().map(|sample| sample.start_ts));
            }
            for sample in floats {
                samples.push_float(sample.ts, sample.value);
            }
            for (offset, (ts, histogram)) in histograms.iter().enumerate() {
                let start = batch.histogram_start_ts.get(series.histograms.start as usize + offset).copied().unwrap_or(0);
                let hinted = with_reset_hint(samples, *ts, histogram);
                samples.push_histogram(*ts, hinted);
                samples.histogram_start_ts.push(start);
            }
            report.stored += floats.len() + histograms.len();
        }
        Ok(report)
    }
}

impl Select for MemorySelect {
    fn select(&self, selection: &Selection<'_>, cancel: &Cancel) -> Result<Vec<Box<dyn SelectedSeries>>, SelectError> {
        let mut found: Vec<Box<dyn SelectedSeries>> = Vec::new();
        for (labels, samples) in self.series.read().iter() {
            cancel.check()?;
            if selection.matchers.iter().all(|matcher| matcher.matches_labels(labels)) {
                if found.len() == selection.series_max {
                    return Err(SelectError::TooManySeries { max: selection.series_max });
                }
                found.push(Box::new(MemorySeries { labels: labels.clone(), samples: Arc::clone(samples) }));
            }
        }
        Ok(found)
    }

    fn series(&self, query: &IndexQuery<'_>, _cancel: &Cancel) -> Result<Vec<Labels>, SelectError> {
        let matches = |labels: &Labels| {
            query.any_of.is_empty() || query.any_of.iter().any(|all| all.iter().all(|matcher| matcher.matches_labels(labels)))
        };
        let limit = if query.limit == 0 { usize::MAX } else { query.limit };
        let all = self.series.read();
        let found = all.iter().filter(|(labels, samples)| overlaps(samples, query.range) && matches(labels));
        Ok(found.map(|(labels, _)| labels.clone()).take(limit).collect())
    }

    fn label_names(&self, query: &IndexQuery<'_>, cancel: &Cancel) -> Result<Vec<String>, SelectError> {
        let series = self.series(&IndexQuery { limit: 0, ..query.clone() }, cancel)?;
        let names = series.iter().flat_map(Labels::iter).map(|(name, _)| name.to_owned()).collect();
        Ok(sorted(names, query.limit))
    }

    fn label_values(&self, name: &str, query: &IndexQuery<'_>, cancel: &Cancel) -> Result<Vec<String>, SelectError> {
        let series = self.series(&IndexQuery { limit: 0, ..query.clone() }, cancel)?;
        let values = series.iter().filter_map(|labels| labels.get(name)).map(str::to_owned).collect();
        Ok(sorted(values, query.limit))
    }

    fn exemplars(&self, _query: &IndexQuery<'_>) -> Result<Vec<(Labels, Vec<Exemplar>)>, SelectError> {
        // Scripts have no notation for exemplars, so none was stored.
        Ok(Vec::new())
    }
}

/// Notes on a histogram that the counter was not reset since the one before. As in upstream's storage, a reset
/// leaves the hint unknown.
fn with_reset_hint(samples: &SampleBuf, ts: i64, histogram: &Arc<Histogram>) -> Arc<Histogram> {
    let last = samples.histogram_ts.last().copied();
    let float_between = samples.float_ts.iter().rev().take_while(|&&at| Some(at) > last).any(|&at| at < ts);
    let before = samples.histograms.last().filter(|before| !before.is_stale() && !float_between);
    let hintless = histogram.reset_hint == ResetHint::Unknown && !histogram.is_stale();
    if hintless && before.is_some_and(|before| !histogram.is_reset_after(before)) {
        return Arc::new(Histogram { reset_hint: ResetHint::NotReset, ..Histogram::clone(histogram) });
    }
    Arc::clone(histogram)
}

fn sorted(mut words: Vec<String>, limit: usize) -> Vec<String> {
    words.sort_unstable();
    words.dedup();
    if limit > 0 {
        words.truncate(limit);
    }
    words
}

fn overlaps(samples: &SampleBuf, range: TimeRange) -> bool {
    samples.float_ts.iter().chain(&samples.histogram_ts).any(|&ts| range.contains(ts))
}

/// A series of [`MemorySelect`] as it was when it was selected.
#[derive(Debug)]
struct MemorySeries {
    labels: Labels,
    samples: Arc<SampleBuf>,
}

impl SelectedSeries for MemorySeries {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn read(&self, range: TimeRange, out: &mut SampleBuf) -> Result<(), SelectError> {
        let samples = &*self.samples;
        let within = |times: &[i64]| {
            let start = times.partition_point(|&ts| ts < range.start);
            start..start.max(times.partition_point(|&ts| ts <= range.end))
        };
        let floats = within(&samples.float_ts);
        let starts_known = !samples.float_start_ts.is_empty() || !out.float_start_ts.is_empty();
        if starts_known {
            out.float_start_ts.resize(out.float_ts.len(), 0);
        }
        out.float_ts.extend_from_slice(&samples.float_ts[floats.clone()]);
        if starts_known {
            match samples.float_start_ts.get(floats.clone()) {
                Some(starts) => out.float_start_ts.extend_from_slice(starts),
                None => out.float_start_ts.resize(out.float_ts.len(), 0),
            }
        }
        out.floats.extend_from_slice(&samples.floats[floats]);
        let histograms = within(&samples.histogram_ts);
        out.histogram_ts.extend_from_slice(&samples.histogram_ts[histograms.clone()]);
        out.histogram_start_ts.resize(out.histograms.len(), 0);
        out.histogram_start_ts.extend_from_slice(&samples.histogram_start_ts[histograms.clone()]);
        out.histograms.extend_from_slice(&samples.histograms[histograms]);
        Ok(())
    }
}
