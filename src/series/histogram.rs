//! Native histograms as plain data. The arithmetic on them belongs to the query language.
//!
//! Semantics as Prometheus' `histogram.FloatHistogram`; counts are floats also for integer histograms
//! (exact up to 2^53).

/// Schema that marks custom bucket bounds (a classic histogram stored natively, "NHCB").
pub const CUSTOM_BUCKETS_SCHEMA: i32 = -53;

/// What is known about a counter reset before this histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum ResetHint {
    /// Not known; compare with the one before.
    #[default]
    Unknown,
    /// There was a reset.
    Reset,
    /// There was none.
    NotReset,
    /// A gauge: resets have no meaning.
    Gauge,
}

/// A run of consecutive buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// Gap to the end of the span before; for the first span the index of its first bucket.
    pub offset: i32,
    /// Number of buckets.
    pub length: u32,
}

/// A native histogram: counts of observations in exponential or custom buckets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// Whether a counter reset came before.
    pub reset_hint: ResetHint,
    /// Resolution -4 to 8 (base `2^(2^-schema)`), or [`CUSTOM_BUCKETS_SCHEMA`].
    pub schema: i32,
    /// Width of the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// All observations.
    pub count: f64,
    /// Sum of all observations; the staleness marker ends the series.
    pub sum: f64,
    /// Where the positive buckets lie.
    pub positive_spans: Vec<Span>,
    /// Absolute counts of the positive buckets.
    pub positive_buckets: Vec<f64>,
    /// Where the negative buckets lie.
    pub negative_spans: Vec<Span>,
    /// Absolute counts of the negative buckets.
    pub negative_buckets: Vec<f64>,
    /// Upper bounds with [`CUSTOM_BUCKETS_SCHEMA`], ascending, without `+Inf`; else empty.
    pub custom_bounds: Vec<f64>,
}

impl Histogram {
    /// Whether the bounds are custom.
    pub const fn has_custom_buckets(&self) -> bool {
        self.schema == CUSTOM_BUCKETS_SCHEMA
    }

    /// Whether this is the staleness marker.
    pub fn is_stale(&self) -> bool {
        super::sample::is_stale(self.sum)
    }

    /// The staleness marker of a histogram series.
    pub fn stale() -> Self {
        Self { sum: super::sample::stale_nan(), ..Self::default() }
    }

    /// Rough size in memory, in samples of 16 bytes (upstream counts histograms so for `max_samples`).
    pub fn size_in_samples(&self) -> usize {
        let bytes = 104
            + 8 * (self.positive_spans.len() + self.negative_spans.len() + self.custom_bounds.len())
            + 8 * (self.positive_buckets.len() + self.negative_buckets.len());
        bytes / 16 + 1
    }
}
