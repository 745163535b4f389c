//! Small questions that pages ask of the query engine: one number, or its last hour.

use std::sync::Arc;

use crate::base::cancel::Cancel;
use crate::series::labels::Labels;
use crate::series::ports::{Evaluate, Question, When};
use crate::series::value::{Point, Value};

/// Points of a sparkline.
const POINTS: i64 = 60;

/// Asks at one moment.
pub(super) struct Look {
    engine: Arc<dyn Evaluate>,
    now_ms: i64,
}

impl Look {
    pub(super) fn new(engine: Arc<dyn Evaluate>, now_ms: i64) -> Self {
        Self { engine, now_ms }
    }

    /// All series of an instant query. A failed query shows as nothing, since a tile without a number says so.
    pub(super) fn vector(&self, query: &str) -> Vec<(Labels, f64)> {
        let question = Question { query, when: When::Instant(self.now_ms), cancel: Cancel::new() };
        match self.engine.evaluate(&question) {
            Ok(answer) => match answer.value {
                Value::Vector(samples) => samples
                    .into_iter()
                    .filter_map(|sample| match sample.value {
                        Point::Float(value) => Some((sample.labels, value)),
                        Point::Histogram(_) => None,
                    })
                    .collect(),
                Value::Scalar(_, value) => vec![(Labels::empty(), value)],
                Value::String(..) | Value::Matrix(_) => Vec::new(),
            },
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

    /// The first series of a query over the last hour, oldest first.
    pub(super) fn last_hour(&self, query: &str) -> Vec<f64> {
        let step = 3_600_000 / POINTS;
        let when = When::Range { start: self.now_ms - 3_600_000 + step, end: self.now_ms, step };
        match self.engine.evaluate(&Question { query, when, cancel: Cancel::new() }).map(|answer| answer.value) {
            Ok(Value::Matrix(series)) => {
                series.into_iter().next().map_or_else(Vec::new, |one| one.floats.into_iter().map(|(_, value)| value).collect())
            }
            _ => Vec::new(),
        }
    }
}
