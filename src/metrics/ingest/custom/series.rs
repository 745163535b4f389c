//! Totals of custom metrics, and how they become samples.

use std::collections::HashMap;

use crate::metrics::ingest::exposition::write::push_openmetrics_float;
use crate::series::batch::WriteBatch;
use crate::series::labels::{BUCKET, Labels, METRIC_NAME, QUANTILE};
use crate::series::sample::MetricType;

/// All series of one name.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) kind: MetricType,
    pub(super) help: String,
    pub(super) unit: String,
    /// Upper bounds of a histogram's buckets, without `+Inf`.
    pub(super) bounds: Vec<f64>,
    /// By labels without the name.
    pub(super) series: HashMap<Labels, SeriesState>,
}

/// The totals of one series.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SeriesState {
    Counter(f64),
    Gauge(f64),
    /// `counts` are cumulative, by bound.
    Histogram {
        counts: Vec<f64>,
        sum: f64,
        count: f64,
    },
    Summary {
        quantiles: Vec<(f64, f64)>,
        sum: f64,
        count: f64,
    },
}

impl SeriesState {
    pub(super) fn new(kind: MetricType, bounds: usize) -> Self {
        match kind {
            MetricType::Counter => Self::Counter(0.0),
            MetricType::Histogram => Self::Histogram { counts: vec![0.0; bounds], sum: 0.0, count: 0.0 },
            MetricType::Summary => Self::Summary { quantiles: Vec::new(), sum: 0.0, count: 0.0 },
            _ => Self::Gauge(0.0),
        }
    }
}

impl SeriesState {
    /// Series of storage it is written as.
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Counter(_) | Self::Gauge(_) => 1,
            Self::Histogram { counts, .. } => counts.len() + 3,
            Self::Summary { quantiles, .. } => quantiles.len() + 2,
        }
    }

    /// Bytes of all series it is written as, roughly: a histogram has its labels once for every bucket.
    pub(super) fn bytes(&self, name: &str, labels: &Labels) -> usize {
        self.rows() * (labels.packed().len() + name.len() + 64)
    }
}

impl Family {
    pub(super) fn new(kind: MetricType, bounds: Vec<f64>) -> Self {
        Self { kind, help: String::new(), unit: String::new(), bounds, series: HashMap::new() }
    }

    /// Writes a series as samples at `ts` (ms), and before that as zeros at `zero_ts` where it begins.
    pub(super) fn write(&self, name: &str, labels: &Labels, series: &SeriesState, zero_ts: Option<i64>, ts: i64, batch: &mut WriteBatch) {
        let mut put = |suffix: &str, own: Option<(&str, f64)>, value: f64| {
            let mut builder = labels.to_builder();
            builder.set(METRIC_NAME, &format!("{name}{suffix}"));
            if let Some((label, number)) = own {
                let mut text = String::new();
                push_openmetrics_float(&mut text, number);
                builder.set(label, &text);
            }
            batch.open_series(&builder.build());
            if let Some(zero_ts) = zero_ts {
                batch.push_float(zero_ts, 0.0);
            }
            batch.push_float(ts, value);
        };
        match series {
            SeriesState::Counter(value) | SeriesState::Gauge(value) => put("", None, *value),
            SeriesState::Histogram { counts, sum, count } => {
                for (bound, value) in self.bounds.iter().zip(counts) {
                    put("_bucket", Some((BUCKET, *bound)), *value);
                }
                put("_bucket", Some((BUCKET, f64::INFINITY)), *count);
                put("_sum", None, *sum);
                put("_count", None, *count);
            }
            SeriesState::Summary { quantiles, sum, count } => {
                for (quantile, value) in quantiles {
                    put("", Some((QUANTILE, *quantile)), *value);
                }
                put("_sum", None, *sum);
                put("_count", None, *count);
            }
        }
    }
}
