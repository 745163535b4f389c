//! A batch of samples on its way into storage: flat, reusable, nothing allocated per sample.
//!
//! Every door (scrape, remote write, push, host metrics) fills one of these and hands it to
//! [`Append`](crate::series::ports::Append) in one call. A series is named by a reference that storage gave
//! out earlier, or by its packed labels (see [`crate::series::labels`]) lying in the batch.

use std::ops::Range;
use std::sync::Arc;

use crate::series::histogram::Histogram;
use crate::series::labels::{Labels, put_label};
use crate::series::sample::{Exemplar, Metadata};

/// A series as storage numbers it. Never reused while the process lives; 0 names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SeriesRef(pub u64);

impl SeriesRef {
    /// No series.
    pub const NONE: Self = Self(0);

    /// Whether this names a series.
    pub const fn is_some(self) -> bool {
        self.0 != 0
    }
}

/// One series of a batch with its samples as ranges into the batch.
#[derive(Debug, Clone)]
pub struct BatchSeries {
    /// Known reference, or [`SeriesRef::NONE`].
    pub series: SeriesRef,
    /// Packed labels in [`WriteBatch::label_bytes`]; may be empty when `series` is known.
    pub labels: Range<u32>,
    /// Its floats in [`WriteBatch::floats`].
    pub floats: Range<u32>,
    /// Its histograms in [`WriteBatch::histograms`].
    pub histograms: Range<u32>,
    /// Its exemplars in [`WriteBatch::exemplars`].
    pub exemplars: Range<u32>,
}

/// A float sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FloatSample {
    /// Milliseconds since the Unix epoch.
    pub ts: i64,
    /// The value.
    pub value: f64,
    /// Start (created) timestamp in milliseconds, 0 = unknown.
    pub start_ts: i64,
}

/// Samples of many series.
#[derive(Debug, Default)]
pub struct WriteBatch {
    /// Packed label sets, one after the other.
    pub label_bytes: Vec<u8>,
    /// The series.
    pub series: Vec<BatchSeries>,
    /// Float samples of all series.
    pub floats: Vec<FloatSample>,
    /// Histogram samples of all series: time (ms), histogram.
    pub histograms: Vec<(i64, Arc<Histogram>)>,
    /// Start (created) timestamps of the histograms (ms, 0 = unknown); empty, or as long as the last known one needs.
    pub histogram_start_ts: Vec<i64>,
    /// Exemplars of all series.
    pub exemplars: Vec<Exemplar>,
    /// Metadata by metric family name, when it came along.
    pub metadata: Vec<(Box<str>, Metadata)>,
}

impl WriteBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.label_bytes.clear();
        self.series.clear();
        self.floats.clear();
        self.histograms.clear();
        self.histogram_start_ts.clear();
        self.exemplars.clear();
        self.metadata.clear();
    }

    /// Samples of both kinds.
    pub fn sample_count(&self) -> usize {
        self.floats.len() + self.histograms.len()
    }

    /// Opens a series named by its labels; samples pushed from now on belong to it.
    pub fn open_series(&mut self, labels: &Labels) {
        let start = self.label_bytes.len();
        self.label_bytes.extend_from_slice(labels.packed());
        self.open(SeriesRef::NONE, start);
    }

    /// Opens a series named by pairs that are already sorted, unique and without empty values.
    pub fn open_series_sorted<'a>(&mut self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let start = self.label_bytes.len();
        for (name, value) in pairs {
            put_label(&mut self.label_bytes, name, value);
        }
        self.open(SeriesRef::NONE, start);
    }

    /// Opens a series that storage named before.
    pub fn open_known(&mut self, series: SeriesRef) {
        let start = self.label_bytes.len();
        self.open(series, start);
    }

    /// Adds a float to the open series.
    #[inline]
    pub fn push_float(&mut self, ts: i64, value: f64) {
        self.push_float_started(ts, value, 0);
    }

    /// Adds a float with its start timestamp (ms, 0 = unknown) to the open series.
    #[inline]
    pub fn push_float_started(&mut self, ts: i64, value: f64, start_ts: i64) {
        self.floats.push(FloatSample { ts, value, start_ts });
        if let Some(open) = self.series.last_mut() {
            open.floats.end = self.floats.len() as u32;
        }
    }

    /// Adds a histogram to the open series.
    pub fn push_histogram(&mut self, ts: i64, histogram: Arc<Histogram>) {
        self.histograms.push((ts, histogram));
        if let Some(open) = self.series.last_mut() {
            open.histograms.end = self.histograms.len() as u32;
        }
    }

    /// Adds a histogram with its start timestamp (ms, 0 = unknown) to the open series.
    pub fn push_histogram_started(&mut self, ts: i64, histogram: Arc<Histogram>, start_ts: i64) {
        if start_ts != 0 {
            self.histogram_start_ts.resize(self.histograms.len(), 0);
            self.histogram_start_ts.push(start_ts);
        }
        self.push_histogram(ts, histogram);
    }

    /// Adds an exemplar to the open series.
    pub fn push_exemplar(&mut self, exemplar: Exemplar) {
        self.exemplars.push(exemplar);
        if let Some(open) = self.series.last_mut() {
            open.exemplars.end = self.exemplars.len() as u32;
        }
    }

    /// The packed labels of a series of this batch.
    pub fn labels_of(&self, series: &BatchSeries) -> &[u8] {
        &self.label_bytes[series.labels.start as usize..series.labels.end as usize]
    }

    fn open(&mut self, series: SeriesRef, labels_start: usize) {
        let at = |len: usize| len as u32..len as u32;
        self.series.push(BatchSeries {
            series,
            labels: labels_start as u32..self.label_bytes.len() as u32,
            floats: at(self.floats.len()),
            histograms: at(self.histograms.len()),
            exemplars: at(self.exemplars.len()),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_the_open_series() {
        let mut batch = WriteBatch::new();
        batch.open_series(&Labels::from_pairs([("a", "1")]));
        batch.push_float(1, 1.0);
        batch.push_float(2, 2.0);
        batch.open_known(SeriesRef(7));
        batch.push_float(1, 3.0);
        assert_eq!((batch.series[0].floats.clone(), batch.series[1].floats.clone()), (0..2, 2..3));
        assert_eq!(Labels::from_packed(batch.labels_of(&batch.series[0])), Ok(Labels::from_pairs([("a", "1")])));
        assert!(batch.labels_of(&batch.series[1]).is_empty());
    }
}
