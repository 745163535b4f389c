//! Answers of the custom metrics' endpoints.

use serde::Serialize;

use super::series::SeriesState;
use crate::series::labels::Labels;

/// What became of a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Outcome {
    /// Metrics taken.
    pub accepted: usize,
    /// Metrics refused.
    pub rejected: usize,
    /// Why, by position in the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Rejected>,
}

impl Outcome {
    /// The HTTP status that fits: 200, 207 when only some were taken, 400 when none was.
    pub const fn status(&self) -> u16 {
        match (self.accepted, self.rejected) {
            (_, 0) => 200,
            (0, _) => 400,
            _ => 207,
        }
    }
}

/// A metric that was refused.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rejected {
    /// Position in the request, from 0.
    pub index: usize,
    /// Its name, when it could be read.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// `GET /api/v1/metrics/health`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Health {
    /// `healthy`.
    pub status: &'static str,
    /// Names known.
    pub metrics: usize,
    /// Series kept.
    pub series: usize,
    /// Series that may be kept.
    pub series_max: usize,
    /// Metrics taken since start.
    pub accepted_total: u64,
    /// Metrics refused since start.
    pub rejected_total: u64,
    /// When the last request came, ms, 0 = none since start.
    pub last_received_ms: i64,
}

/// `GET /api/v1/metrics/summary`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Names known.
    pub metrics: usize,
    /// Series kept.
    pub series: usize,
    /// Of the names, counters.
    pub counters: usize,
    /// Of the names, gauges.
    pub gauges: usize,
    /// Of the names, histograms.
    pub histograms: usize,
    /// Of the names, summaries.
    pub summaries: usize,
    /// By name.
    pub families: Vec<SummaryFamily>,
}

/// A metric of the summary.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SummaryFamily {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it measures.
    pub help: String,
    /// Its unit.
    pub unit: String,
    /// How many series it has.
    pub series: usize,
}

/// `GET /api/v1/metrics/dashboard`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dashboard {
    /// When, ms.
    pub generated_ms: i64,
    /// By name.
    pub families: Vec<DashboardFamily>,
}

/// A metric with its current values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DashboardFamily {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it measures.
    pub help: String,
    /// Its unit.
    pub unit: String,
    /// Its largest series.
    pub series: Vec<DashboardSeries>,
}

/// The current value of a series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DashboardSeries {
    /// Its labels by name.
    pub labels: std::collections::BTreeMap<String, String>,
    /// The number; of histograms and summaries the mean of all observations.
    pub value: f64,
    /// Observations of histograms and summaries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<f64>,
}

impl DashboardSeries {
    pub(super) fn of(labels: &Labels, series: &SeriesState) -> Self {
        let (value, count) = match series {
            SeriesState::Counter(value) | SeriesState::Gauge(value) => (*value, None),
            SeriesState::Histogram { sum, count, .. } | SeriesState::Summary { sum, count, .. } => {
                (if *count > 0.0 { sum / count } else { 0.0 }, Some(*count))
            }
        };
        Self { labels: labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(), value, count }
    }
}
