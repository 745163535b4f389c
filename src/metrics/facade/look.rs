//! Small questions that pages ask of the query engine: one number, or how it was of late.

use std::sync::Arc;

use crate::base::cancel::Cancel;
use crate::metrics::model::storage::Storage;
use crate::series::labels::Labels;
use crate::series::ports::{Evaluate, Question, When};
use crate::series::value::Value;

/// Points of a sparkline.
const POINTS: i64 = 60;
const MINUTE_MS: i64 = 60_000;

/// How far back pages look when nobody says, the nearest first: text of the range's start, and milliseconds.
const SPANS: [(&str, i64); 3] = [("now-5m", 300_000), ("now-15m", 900_000), ("now-1h", 3_600_000)];

/// How far back a page looks when nobody says: an hour, or less while there is less, so that the charts of a server
/// that was just started are filled. As the text of a range's start, and in milliseconds.
pub(super) fn usual_span(storage: &dyn Storage, now_ms: i64) -> (&'static str, i64) {
    let in_blocks = storage.status().blocks.first().map(|block| block.range.start);
    let in_head = storage.cardinality(0).range.map(|range| range.start);
    let [.., longest] = SPANS;
    match in_blocks.into_iter().chain(in_head).min() {
        Some(oldest) => SPANS.into_iter().find(|(_, ms)| now_ms.saturating_sub(oldest) < *ms).unwrap_or(longest),
        None => longest,
    }
}

/// Asks at one moment.
pub(super) struct Look {
    engine: Arc<dyn Evaluate>,
    now_ms: i64,
    span_ms: i64,
}

impl Look {
    pub(super) fn new(engine: Arc<dyn Evaluate>, now_ms: i64) -> Self {
        let [.., (_, span_ms)] = SPANS;
        Self { engine, now_ms, span_ms }
    }

    /// Sets how far back [`recent`](Self::recent) goes.
    pub(super) fn over(mut self, span_ms: i64) -> Self {
        self.span_ms = span_ms;
        self
    }

    /// All series of an instant query. A failed query shows as nothing, since a tile without a number says so.
    pub(super) fn vector(&self, query: &str) -> Vec<(Labels, f64)> {
        let question = Question { query, when: When::Instant(self.now_ms), cancel: Cancel::new() };
        match self.engine.evaluate(&question) {
            Ok(answer) => answer.value.into_numbers(),
            Err(error) => {
                tracing::debug!(query, %error, "a page's query failed");
                Vec::new()
            }
        }
    }

    /// The first number of an instant query.
    pub(super) fn number(&self, query: &str) -> Option<f64> {
        self.vector(query).first().map(|(_, value)| *value).filter(|value| value.is_finite())
    }

    /// The first series of a query over the span, oldest first.
    pub(super) fn recent(&self, query: &str) -> Vec<f64> {
        let step = self.span_ms / POINTS;
        self.first(query, self.span_ms - step, step)
    }

    /// The first series of a query at each of the last `count` minutes, oldest first.
    pub(super) fn minutes(&self, query: &str, count: usize) -> Vec<f64> {
        let before = i64::try_from(count).unwrap_or(POINTS).clamp(1, POINTS) - 1;
        self.first(query, before * MINUTE_MS, MINUTE_MS)
    }

    fn first(&self, query: &str, since_ms: i64, step: i64) -> Vec<f64> {
        let when = When::Range { start: self.now_ms - since_ms, end: self.now_ms, step };
        match self.engine.evaluate(&Question { query, when, cancel: Cancel::new() }).map(|answer| answer.value) {
            Ok(Value::Matrix(series)) => {
                series.into_iter().next().map_or_else(Vec::new, |one| one.floats.into_iter().map(|(_, value)| value).collect())
            }
            _ => Vec::new(),
        }
    }
}
