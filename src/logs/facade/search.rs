//! Lines that queries find and labels of streams, for dashboards.

use super::lines::taken;
use crate::logs::model::read::{SelectLinesError, Span, StreamQuery};
use crate::logs::query::ast::Query;
use crate::logs::query::engine::{Direction, Engine, LogQuestion};
use crate::series::ports::{EvaluateError, Line, LogLabels, LogLabelsWanted, Search, SearchWanted};

const NS_PER_MS: i64 = 1_000_000;

/// Finds with the engine of queries, within its limits.
pub(super) struct Finder(pub(super) Engine);

fn span(range: crate::base::time::TimeRange) -> Span {
    Span { start: range.start.saturating_mul(NS_PER_MS), end: range.end.saturating_add(1).saturating_mul(NS_PER_MS) }
}

impl Search for Finder {
    fn search(&self, wanted: &SearchWanted<'_>) -> Result<Vec<Line>, EvaluateError> {
        let Query::Log(query) = self.0.parse(wanted.query)? else {
            let message = "a query of lines is expected, this one gives numbers".to_owned();
            return Err(EvaluateError::Invalid { message, span: Some((0, wanted.query.len())) });
        };
        let answer = self.0.lines(&LogQuestion {
            query: &query,
            span: span(wanted.range),
            direction: if wanted.is_forward { Direction::Forward } else { Direction::Backward },
            limit: wanted.limit,
            interval: 0,
            categorize: true,
            cancel: wanted.cancel.clone(),
        })?;
        let mut found = taken(answer, wanted.text_bytes_max);
        if wanted.is_forward {
            found.sort_by_key(|line| line.at_ns);
        } else {
            found.sort_by_key(|line| std::cmp::Reverse(line.at_ns));
        }
        found.truncate(wanted.limit);
        Ok(found)
    }

    fn is_metric(&self, query: &str) -> bool {
        matches!(self.0.parse(query), Ok(Query::Metric(_)))
    }
}

impl LogLabels for Finder {
    fn log_labels(&self, wanted: &LogLabelsWanted<'_>) -> Result<Vec<String>, EvaluateError> {
        let any_of = if wanted.matchers.is_empty() { Vec::new() } else { vec![wanted.matchers.to_vec()] };
        let query = StreamQuery { any_of: &any_of, span: span(wanted.range), limit: wanted.limit };
        let select = self.0.select();
        let found = match wanted.label {
            Some(label) => select.label_values(label, &query, &wanted.cancel),
            None => select.label_names(&query, &wanted.cancel),
        };
        found.map_err(|error| match error {
            SelectLinesError::Stopped(stop) => match stop {
                crate::base::cancel::Stop::TimedOut => EvaluateError::TimedOut,
                crate::base::cancel::Stop::Cancelled => EvaluateError::Cancelled,
            },
            other => EvaluateError::Storage(other.to_string()),
        })
    }
}
