//! Where drafts of rules are tried: what they give now, and what they would have done.

use std::sync::Arc;
use std::time::Duration as StdDuration;

use super::{Draft, Replay, ReplayError, replay};
use crate::alerts::evaluate::{Groups, Ports, Prepared};
use crate::alerts::model::{Group, Language, Rule};
use crate::base::cancel::Cancel;
use crate::base::time::Duration;
use crate::platform::work::{WorkError, WorkPool};
use crate::series::labels::Labels;
use crate::series::ports::{EvaluateError, Question, When};
use crate::series::value::{RangeSeries, Value};

/// How long a draft may take.
const TIME_MAX: StdDuration = StdDuration::from_secs(120);
/// Series of a preview at most; more are counted.
pub const SERIES_MAX: usize = 100;

/// Tries drafts, a few at a time.
pub struct Desk {
    ports: Ports,
    groups: Arc<dyn Groups>,
    work: WorkPool,
}

/// What an expression gives now.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The first series, at most [`SERIES_MAX`].
    pub series: Vec<(Labels, f64)>,
    /// How many there are.
    pub count: usize,
}

/// Why a draft could not be tried.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeskError {
    /// There was no place, or no time.
    #[error("{0}")]
    Work(#[from] WorkError),
    /// The rule itself.
    #[error("{0}")]
    Replay(#[from] ReplayError),
    /// A template of the rule.
    #[error("{0}")]
    Template(String),
}

impl Desk {
    /// One that asks through `ports`, with the settings of `groups`.
    pub fn new(ports: Ports, groups: Arc<dyn Groups>) -> Self {
        Self { ports, groups, work: WorkPool::new(2) }
    }

    /// Now, in milliseconds since the Unix epoch.
    pub fn now(&self) -> i64 {
        self.ports.clock.now_ms()
    }

    /// How often a group is evaluated.
    pub fn interval(&self, group: &Group) -> Duration {
        group.interval.unwrap_or_else(|| self.groups.setting().interval)
    }

    /// What an expression gives now.
    pub async fn preview(&self, language: Language, expr: &str) -> Result<Preview, DeskError> {
        let (ports, expr, at, cancel) = (self.ports.clone(), expr.to_owned(), self.now(), Cancel::new());
        let inner = cancel.clone();
        let work = move || {
            ports.engine(language).evaluate(&Question { query: &expr, when: When::Instant(at), cancel: inner }).map(|answer| answer.value)
        };
        let value = self.work.run(TIME_MAX, &cancel, work).await?.map_err(ReplayError::from)?;
        if matches!(value, Value::String(..) | Value::Matrix(_)) {
            return Err(ReplayError::Result.into());
        }
        let mut series = value.into_numbers();
        let count = series.len();
        series.truncate(SERIES_MAX);
        Ok(Preview { series, count })
    }

    /// The series of a query over a range (milliseconds since the Unix epoch), `step` milliseconds apart.
    pub async fn series(&self, language: Language, query: &str, (from, to): (i64, i64), step: i64) -> Result<Vec<RangeSeries>, DeskError> {
        let (ports, query, cancel) = (self.ports.clone(), query.to_owned(), Cancel::new());
        let inner = cancel.clone();
        let when = When::Range { start: from, end: to, step: step.max(1) };
        let work = move || ports.engine(language).evaluate(&Question { query: &query, when, cancel: inner }).map(|answer| answer.value);
        match self.work.run(TIME_MAX, &cancel, work).await?.map_err(ReplayError::from)? {
            Value::Matrix(series) => Ok(series),
            _ => Err(ReplayError::Result.into()),
        }
    }

    /// What a rule of a group would have done from `from` to `to` (milliseconds since the Unix epoch).
    pub async fn replay(&self, group: &Group, rule: &Rule, from: i64, to: i64) -> Result<Replay, DeskError> {
        let prepared = Prepared::new(rule.clone(), rule.expr.clone()).map_err(DeskError::Template)?;
        let (ports, setting, interval) = (self.ports.clone(), self.groups.setting(), self.interval(group));
        let (limit, language) = (group.limit, group.language);
        let offset = group.query_offset.unwrap_or(setting.query_offset);
        let cancel = Cancel::new();
        let inner = cancel.clone();
        let work = move || {
            let (external_labels, external_url) = (&setting.external_labels, setting.external_url.as_str());
            let draft = Draft { rule: &prepared, interval, offset, limit, external_labels, external_url };
            replay(&draft, ports.engine(language), from, to, &inner)
        };
        Ok(self.work.run(TIME_MAX, &cancel, work).await??)
    }
}

impl DeskError {
    /// Whether only the time was over.
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Work(WorkError::Busy) | Self::Replay(ReplayError::Query(EvaluateError::TimedOut)))
    }
}
