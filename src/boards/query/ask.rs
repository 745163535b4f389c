//! Asks the queries of a panel and makes frames of the answers. Blocking; bounded in series, points and time.

use std::sync::Arc;

use super::frames;
use super::plan::{Failure, Plan, Query};
use super::reckon;
use super::source::Lead;
use crate::base::cancel::{Cancel, Stop};
use crate::boards::data::Frame;
use crate::series::ports::{Answer, Evaluate, EvaluateError, Question, Search, SearchWanted, When};
use crate::series::value::{InstantSample, Point, RangeSeries, Value};

/// Longest text of a line, in bytes; the rest is cut off.
const LINE_BYTES_MAX: usize = 16 * 1024;
/// Most warnings of a panel that are told.
const NOTES_MAX: usize = 10;

/// Who answers.
#[derive(Clone)]
pub struct Engines {
    /// Queries in PromQL.
    pub metrics: Arc<dyn Evaluate>,
    /// Queries in LogQL that give numbers.
    pub logs: Arc<dyn Evaluate>,
    /// Queries in LogQL that give lines.
    pub search: Arc<dyn Search>,
}

/// The answers of a panel.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers {
    /// In the order of the queries.
    pub frames: Vec<Frame>,
    /// What makes them doubtful, in words.
    pub notes: Vec<String>,
    /// Queries without an answer.
    pub failures: Vec<Failure>,
}

/// Asks everything, one query after the other. A query that fails does not keep the others from being answered.
///
/// # Errors
/// The work was stopped.
pub fn ask(plan: &Plan, engines: &Engines, cancel: &Cancel) -> Result<Answers, Stop> {
    let mut all = Answers { failures: plan.failures.clone(), ..Answers::default() };
    let mut hidden = Vec::new();
    let asked = plan.queries.iter().filter(|query| query.lead != Lead::Expression);
    let is_alone = asked.clone().count() < 2;
    for query in asked {
        cancel.check()?;
        match one(query, is_alone, engines, cancel, &mut all.notes) {
            Ok(found) if query.is_hidden => hidden.extend(found),
            Ok(found) => all.frames.extend(found),
            Err(EvaluateError::Cancelled) => return Err(Stop::Cancelled),
            Err(error) => all.failures.push(failure(query, error)),
        }
    }
    let reckonings: Vec<&Query> = plan.queries.iter().filter(|query| query.lead == Lead::Expression).collect();
    all.failures.extend(reckon::all(&reckonings, &mut all.frames, &mut hidden));
    let more = all.notes.len().saturating_sub(NOTES_MAX);
    if more > 0 {
        all.notes.truncate(NOTES_MAX);
        all.notes.push(format!("and {more} more notes of this kind"));
    }
    Ok(all)
}

fn failure(query: &Query, error: EvaluateError) -> Failure {
    let span = match &error {
        EvaluateError::Invalid { span, .. } if query.is_as_given => *span,
        _ => None,
    };
    Failure { ref_id: query.ref_id.clone(), text: error.to_string(), span }
}

fn one(query: &Query, is_alone: bool, engines: &Engines, cancel: &Cancel, notes: &mut Vec<String>) -> Result<Vec<Frame>, EvaluateError> {
    if query.lead == Lead::Logs && !engines.search.is_metric(&query.expr) {
        let wanted = SearchWanted {
            query: &query.expr,
            range: crate::base::time::TimeRange::new(query.times.start, query.at),
            limit: usize::try_from(query.lines_max).unwrap_or(0),
            is_forward: query.json.get("direction").is_some_and(|direction| direction == "forward"),
            text_bytes_max: LINE_BYTES_MAX,
            cancel: cancel.clone(),
        };
        return Ok(vec![frames::lines(query, engines.search.search(&wanted)?)]);
    }
    let engine = if query.lead == Lead::Logs { &engines.logs } else { &engines.metrics };
    let mut found = Vec::new();
    if query.is_range {
        let when = When::Range { start: query.times.start, end: query.times.end, step: query.step };
        let mut answer = engine.evaluate(&Question { query: &query.expr, when, cancel: cancel.clone() })?;
        if query.is_open && is_nothing(&answer.value) {
            answer = unfinished(query, &**engine, cancel)?;
        }
        tell(query, &answer, notes);
        found.extend(frames::over_time(query, answer.value, is_alone, notes));
    }
    if query.is_instant {
        let when = When::Instant(query.at);
        let answer = engine.evaluate(&Question { query: &query.expr, when, cancel: cancel.clone() })?;
        tell(query, &answer, notes);
        found.extend(frames::of_instant(query, answer.value, is_alone, notes));
    }
    Ok(found)
}

fn is_nothing(value: &Value) -> bool {
    matches!(value, Value::Matrix(series) if series.is_empty())
}

/// What there is since the last whole step, at its time: a server that is younger than a step has nothing else.
fn unfinished(query: &Query, engine: &dyn Evaluate, cancel: &Cancel) -> Result<Answer, EvaluateError> {
    let mut answer = engine.evaluate(&Question { query: &query.expr, when: When::Instant(query.at), cancel: cancel.clone() })?;
    let at = query.times.end;
    let one = |sample: InstantSample| match sample.value {
        Point::Float(value) => RangeSeries { labels: sample.labels, floats: vec![(at, value)], histograms: Vec::new() },
        Point::Histogram(histogram) => RangeSeries { labels: sample.labels, floats: Vec::new(), histograms: vec![(at, histogram)] },
    };
    answer.value = match answer.value {
        Value::Vector(samples) => Value::Matrix(samples.into_iter().map(one).collect()),
        other => other,
    };
    Ok(answer)
}

/// What makes an answer doubtful, once; what is only worth knowing is for who writes queries, not for who reads panels.
fn tell(query: &Query, answer: &Answer, notes: &mut Vec<String>) {
    for text in &answer.warnings {
        let note = format!("{}: {text}", query.ref_id);
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
}

#[cfg(test)]
mod tests;
