//! The series that tell how a scrape went: `up`, `scrape_duration_seconds` and the others.

use crate::series::batch::{SeriesRef, WriteBatch};
use crate::series::labels::{Labels, METRIC_NAME};
use crate::series::ports::{AppendReport, RefusedReason};
use crate::series::sample::stale_nan;

/// In upstream's order; the last three only with `extra_scrape_metrics`.
const NAMES: [&str; 8] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
];
/// How many there are without `extra_scrape_metrics`.
const PLAIN: usize = 5;

/// What is reported of one scrape.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Report {
    pub up: bool,
    pub duration_secs: f64,
    pub scraped: usize,
    pub kept: usize,
    pub series_added: usize,
    pub timeout_secs: f64,
    pub sample_limit: u64,
    /// -1: beyond the limit.
    pub body_bytes: i64,
}

/// The report series of one target.
#[derive(Debug)]
pub(super) struct ReportSeries {
    labels: Vec<Labels>,
    refs: Vec<SeriesRef>,
}

impl ReportSeries {
    /// For a target with these labels.
    pub fn new(target: &Labels, extra: bool) -> Self {
        let count = if extra { NAMES.len() } else { PLAIN };
        let labels: Vec<Labels> = NAMES[..count].iter().map(|name| target.to_builder().set(METRIC_NAME, name).build()).collect();
        Self { refs: vec![SeriesRef::NONE; labels.len()], labels }
    }

    /// Adds a report to a batch.
    pub fn push(&self, report: &Report, ts: i64, batch: &mut WriteBatch) {
        let values = [
            f64::from(u8::from(report.up)),
            report.duration_secs,
            report.scraped as f64,
            report.kept as f64,
            report.series_added as f64,
            report.timeout_secs,
            report.sample_limit as f64,
            report.body_bytes as f64,
        ];
        for (index, value) in values.into_iter().enumerate().take(self.labels.len()) {
            self.open(index, batch);
            batch.push_float(ts, value);
        }
    }

    /// Adds staleness markers of all that were stored.
    pub fn push_stale(&self, ts: i64, batch: &mut WriteBatch) {
        for series in self.refs.iter().filter(|series| series.is_some()) {
            batch.open_known(*series);
            batch.push_float(ts, stale_nan());
        }
    }

    /// Notes what storage answered. `true`: send again, with labels.
    pub fn learn(&mut self, answer: &AppendReport) -> bool {
        for (known, &series) in self.refs.iter_mut().zip(&answer.refs) {
            if series.is_some() {
                *known = series;
            }
        }
        let mut again = false;
        for refused in answer.refused.iter().filter(|refused| refused.reason == RefusedReason::UnknownRef) {
            if let Some(known) = self.refs.get_mut(refused.series_index) {
                *known = SeriesRef::NONE;
                again = true;
            }
        }
        again
    }

    fn open(&self, index: usize, batch: &mut WriteBatch) {
        if self.refs[index].is_some() {
            batch.open_known(self.refs[index]);
        } else {
            batch.open_series(&self.labels[index]);
        }
    }
}
