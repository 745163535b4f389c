//! Where numbers come from: queries of metrics, of logs, of databases, for one period and split by one label or not.

mod sql;
mod words;

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::base::cancel::{Cancel, Stop};
use crate::base::location::Location;
use crate::business::config::kpi::SqlSource;
use crate::business::config::kpi::{Kpi, Source};
use crate::business::model::kind::Longer;
use crate::business::model::value::narrowed;
use crate::series::ports::{Evaluate, EvaluateError, Question, When};
use crate::series::value::Value;

/// How long a query may take.
const WITHIN: Duration = Duration::from_secs(60);

/// Why there is no number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The query is wrong, and stays so.
    #[error("{0}")]
    Wrong(String),
    /// It may go better later.
    #[error("{0}")]
    Failed(String),
}

/// What is asked: a KPI, for a length of time.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// Which.
    pub kpi: &'a Kpi,
    /// From when until when (before), in milliseconds since the Unix epoch.
    pub within: Range<i64>,
    /// The label by which it is split; none for all of it.
    pub label: Option<&'a str>,
    /// By whose clock its days begin.
    pub location: Location,
}

/// A query of PromQL as it is asked for an hour that is not split: which metrics it needs is the same for every other time.
pub fn question(query: &str) -> String {
    words::query(query, &(0..3_600_000), None)
}

/// Values by segment; all of it is the segment without a name.
pub type Numbers = Vec<(String, f64)>;

/// Asks for numbers.
pub trait Ask: Send + Sync {
    /// The numbers of a KPI; none where there is nothing, and of a KPI that nobody can ask for.
    fn ask<'a>(&'a self, asked: Asked<'a>) -> Pin<Box<dyn Future<Output = Result<Numbers, AskError>> + Send + 'a>>;

    /// The rows of a query that gives cohorts: cohort, age, value.
    fn cohorts<'a>(&'a self, from: Cohorts<'a>, now: i64) -> Pin<Box<dyn Future<Output = Result<CohortRows, AskError>> + Send + 'a>>;
}

/// Where cohorts come from.
#[derive(Debug, Clone, Copy)]
pub enum Cohorts<'a> {
    /// A query of PromQL.
    Promql(&'a str),
    /// A query of the database of a KPI.
    Sql(&'a SqlSource, &'a str),
}

/// Rows of cohorts: which, after how many periods, how many.
pub type CohortRows = Vec<(String, u32, f64)>;

/// Asks the wings of metrics and logs, and databases.
pub struct Asker {
    metrics: Arc<dyn Evaluate>,
    logs: Arc<dyn Evaluate>,
}

impl std::fmt::Debug for Asker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asker").finish_non_exhaustive()
    }
}

impl Asker {
    /// Asks those.
    pub fn new(metrics: Arc<dyn Evaluate>, logs: Arc<dyn Evaluate>) -> Self {
        Self { metrics, logs }
    }

    async fn evaluate(engine: &Arc<dyn Evaluate>, text: String, at: i64) -> Result<Value, AskError> {
        let (engine, cancel) = (Arc::clone(engine), Cancel::new());
        let raised = cancel.clone();
        let work = tokio::task::spawn_blocking(move || {
            engine.evaluate(&Question { query: &text, when: When::Instant(at), cancel }).map(|answer| answer.value)
        });
        match tokio::time::timeout(WITHIN, work).await {
            Err(_) => {
                raised.raise(Stop::TimedOut);
                Err(AskError::Failed("the query took too long".to_owned()))
            }
            Ok(Err(_)) => Err(AskError::Failed("the query failed unexpectedly".to_owned())),
            Ok(Ok(Err(EvaluateError::Invalid { message, .. }))) => Err(AskError::Wrong(format!("the query cannot be read: {message}"))),
            Ok(Ok(Err(error))) => Err(AskError::Failed(format!("the query has no answer: {error}"))),
            Ok(Ok(Ok(value))) => Ok(value),
        }
    }

    async fn find(&self, asked: Asked<'_>) -> Result<Numbers, AskError> {
        let Asked { kpi, within, label, location } = asked;
        if within.is_empty() {
            return Ok(Numbers::new());
        }
        let found = match kpi.source() {
            Some(Source::Promql(source)) => {
                let text = words::query(&source.query, &within, label);
                // A millisecond before the end: what happens at it belongs to the next period.
                by_label(Self::evaluate(&self.metrics, text, within.end - 1).await?, label)?
            }
            Some(Source::Logql(source)) => {
                let text = words::query(&source.query, &within, label);
                by_label(Self::evaluate(&self.logs, text, within.end - 1).await?, label)?
            }
            Some(Source::Sql(source)) => sql::numbers(source, &within, label, location).await?,
            _ => Numbers::new(),
        };
        Ok(narrowed(found, kpi.longer == Longer::Sum))
    }

    async fn find_cohorts(&self, from: Cohorts<'_>, now: i64) -> Result<CohortRows, AskError> {
        match from {
            Cohorts::Promql(query) => {
                let found = Self::evaluate(&self.metrics, query.to_owned(), now).await?.into_numbers();
                let row = |(labels, value): (crate::series::labels::Labels, f64)| {
                    let (cohort, age) = (labels.get("cohort")?, labels.get("age")?.parse().ok()?);
                    Some((cohort.to_owned(), age, value))
                };
                let rows: CohortRows = found.into_iter().filter_map(row).collect();
                Ok(rows)
            }
            Cohorts::Sql(source, query) => sql::cohorts(source, query).await,
        }
    }
}

impl Ask for Asker {
    fn ask<'a>(&'a self, asked: Asked<'a>) -> Pin<Box<dyn Future<Output = Result<Numbers, AskError>> + Send + 'a>> {
        Box::pin(self.find(asked))
    }

    fn cohorts<'a>(&'a self, from: Cohorts<'a>, now: i64) -> Pin<Box<dyn Future<Output = Result<CohortRows, AskError>> + Send + 'a>> {
        Box::pin(self.find_cohorts(from, now))
    }
}

/// The numbers of an answer by the values of a label; without one there is a single number at most.
fn by_label(answer: Value, label: Option<&str>) -> Result<Numbers, AskError> {
    if matches!(answer, Value::Matrix(_) | Value::String(..)) {
        return Err(AskError::Wrong(format!("the query gives a {}, expected a number", answer.type_name())));
    }
    let found: Vec<_> = answer.into_numbers().into_iter().filter(|(_, value)| value.is_finite()).collect();
    let Some(label) = label else {
        return match found.as_slice() {
            [] => Ok(Numbers::new()),
            [(_, value)] => Ok(vec![(String::new(), *value)]),
            more => {
                let first = more[0].0.iter().map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>().join(", ");
                let message = format!(
                    "the query gives {} series, such as {{{first}}}, expected one: add them up, as in sum(…), or split the KPI by $segment",
                    more.len()
                );
                Err(AskError::Wrong(message))
            }
        };
    };
    let mut by_value: BTreeMap<String, f64> = BTreeMap::new();
    for (labels, value) in found {
        let name = labels.get(label).unwrap_or_default().to_owned();
        if by_value.contains_key(&name) {
            let message =
                format!("the query gives more than one series with {label}={name:?}: is something missing in sum by ($segment) (…)?");
            return Err(AskError::Wrong(message));
        }
        by_value.insert(name, value);
    }
    Ok(by_value.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::labels::Labels;
    use crate::series::value::{InstantSample, Point};

    fn vector(all: &[(&[(&str, &str)], f64)]) -> Value {
        let sample = |(labels, value): &(&[(&str, &str)], f64)| InstantSample {
            labels: Labels::from_pairs(labels.iter().copied()),
            ts: 0,
            value: Point::Float(*value),
        };
        Value::Vector(all.iter().map(sample).collect())
    }

    #[test]
    fn an_answer_is_one_number_or_one_of_each_segment() {
        let two = vector(&[(&[("plan", "a")], 1.0), (&[("plan", "b")], 2.0)]);
        assert_eq!(by_label(two.clone(), Some("plan")).unwrap(), [("a".to_owned(), 1.0), ("b".to_owned(), 2.0)]);
        let told = by_label(two.clone(), None).unwrap_err().to_string();
        assert!(told.contains("gives 2 series, such as {plan=\"a\"}, expected one"), "{told}");
        assert!(by_label(two, Some("country")).unwrap_err().to_string().contains("more than one series with country=\"\""));
        assert_eq!(by_label(Value::Scalar(0, 5.0), None).unwrap(), [(String::new(), 5.0)]);
        assert_eq!(by_label(vector(&[(&[], f64::NAN)]), None).unwrap(), [], "what is no number is no value");
        assert!(by_label(Value::Matrix(Vec::new()), None).unwrap_err().to_string().contains("gives a matrix"));
    }
}
