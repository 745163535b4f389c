//! Samples, the marker that ends a series, exemplars and metadata.

use std::sync::Arc;

use crate::series::histogram::Histogram;
use crate::series::labels::Labels;

/// The bit pattern that says "this series ended here" (upstream `value.StaleNaN`).
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;
/// The bit pattern of an ordinary NaN as Go writes it (upstream `value.NormalNaN`).
pub const NORMAL_NAN_BITS: u64 = 0x7ff8_0000_0000_0001;

/// The staleness marker as a float.
#[inline]
pub fn stale_nan() -> f64 {
    f64::from_bits(STALE_NAN_BITS)
}

/// Whether a value is the staleness marker; compares bits, other NaNs are values.
#[inline]
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

/// Samples of one series, read into reused memory.
///
/// Floats and histograms are kept apart, each ascending in time; no timestamp is in both. The staleness
/// marker appears as a float or as a histogram whose sum is the marker.
#[derive(Debug, Clone, Default)]
pub struct SampleBuf {
    /// Times of `floats` in milliseconds.
    pub float_ts: Vec<i64>,
    /// Values at `float_ts`.
    pub floats: Vec<f64>,
    /// Times of `histograms` in milliseconds.
    pub histogram_ts: Vec<i64>,
    /// Histograms at `histogram_ts`.
    pub histograms: Vec<Arc<Histogram>>,
    /// Start (created) timestamps of the floats, parallel to `float_ts`, 0 = unknown. Empty when none is known.
    pub float_start_ts: Vec<i64>,
    /// The same for the histograms, parallel to `histogram_ts`. Empty when none is known.
    pub histogram_start_ts: Vec<i64>,
}

impl SampleBuf {
    /// Forgets the samples, keeps the memory.
    pub fn clear(&mut self) {
        self.float_ts.clear();
        self.floats.clear();
        self.histogram_ts.clear();
        self.histograms.clear();
        self.float_start_ts.clear();
        self.histogram_start_ts.clear();
    }

    /// Number of samples of both kinds.
    pub fn len(&self) -> usize {
        self.float_ts.len() + self.histogram_ts.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.float_ts.is_empty() && self.histogram_ts.is_empty()
    }

    /// Adds a float; the caller keeps the order of time.
    #[inline]
    pub fn push_float(&mut self, ts: i64, value: f64) {
        self.float_ts.push(ts);
        self.floats.push(value);
    }

    /// Adds a histogram; the caller keeps the order of time.
    pub fn push_histogram(&mut self, ts: i64, histogram: Arc<Histogram>) {
        self.histogram_ts.push(ts);
        self.histograms.push(histogram);
    }
}

/// A pointer from a sample to the trace that made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Usually `trace_id` and `span_id`.
    pub labels: Labels,
    /// The observed value.
    pub value: f64,
    /// When, in milliseconds.
    pub ts: i64,
    /// Whether the sender gave the time; otherwise it is that of the scrape, and the next scrape brings the same
    /// exemplar with another time.
    pub is_timed: bool,
}

/// What kind of metric a family is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum MetricType {
    /// Only goes up, or restarts at zero.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations in buckets.
    Histogram,
    /// Buckets that go up and down.
    GaugeHistogram,
    /// Quantiles computed by the client.
    Summary,
    /// Labels that describe, with value 1.
    Info,
    /// One of several states.
    StateSet,
    /// Nothing said.
    #[default]
    Unknown,
}

impl MetricType {
    /// The word used by the HTTP API and by exposition formats.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the word; `untyped` is the text format's name for unknown.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "counter" => Self::Counter,
            "gauge" => Self::Gauge,
            "histogram" => Self::Histogram,
            "gaugehistogram" => Self::GaugeHistogram,
            "summary" => Self::Summary,
            "info" => Self::Info,
            "stateset" => Self::StateSet,
            "unknown" | "untyped" => Self::Unknown,
            _ => return None,
        })
    }
}

/// What a metric family says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct Metadata {
    /// Its kind.
    pub kind: MetricType,
    /// What it measures, in words.
    pub help: String,
    /// The unit, such as `seconds`; may be empty.
    pub unit: String,
}
