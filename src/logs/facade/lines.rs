//! The newest lines of streams, for pages beside the logs.

use crate::logs::model::read::Span;
use crate::logs::pages::levels;
use crate::logs::query::ast::Query;
use crate::logs::query::engine::{Direction, Engine, LogAnswer, LogQuestion};
use crate::logs::query::parse::{Dialect, parse};
use crate::series::ports::{EvaluateError, Line, Lines, LinesWanted};

const NS_PER_MS: i64 = 1_000_000;
/// The label in which every line has its level.
const LEVEL: &str = "detected_level";

/// Reads with the engine of queries, within its limits.
pub(super) struct NewestLines(pub(super) Engine);

impl Lines for NewestLines {
    fn newest(&self, wanted: &LinesWanted<'_>) -> Result<Vec<Line>, EvaluateError> {
        let matchers: Vec<String> = wanted.matchers.iter().map(ToString::to_string).collect();
        let text = format!("{{{}}}", matchers.join(", "));
        let invalid = |message: String| EvaluateError::Invalid { message, span: None };
        let Query::Log(query) = parse(&text, Dialect::Pharos).map_err(|error| invalid(error.to_string()))? else {
            return Err(invalid("the selector of streams is expected".to_owned()));
        };
        let span =
            Span { start: wanted.range.start.saturating_mul(NS_PER_MS), end: wanted.range.end.saturating_add(1).saturating_mul(NS_PER_MS) };
        let answer = self.0.lines(&LogQuestion {
            query: &query,
            span,
            direction: Direction::Backward,
            limit: wanted.limit,
            interval: 0,
            categorize: true,
            cancel: wanted.cancel.clone(),
        })?;
        let mut found = taken(answer, wanted.text_bytes_max);
        found.sort_by_key(|line| std::cmp::Reverse(line.at_ns));
        found.truncate(wanted.limit);
        Ok(found)
    }
}

/// The lines of an answer, stream by stream.
pub(super) fn taken(answer: LogAnswer, text_bytes_max: usize) -> Vec<Line> {
    let mut found: Vec<Line> = Vec::new();
    for stream in answer.streams {
        for entry in stream.entries {
            let fields = entry.categories.fields.iter().chain(entry.categories.parsed.iter());
            let level = fields.into_iter().find(|(name, _)| *name == LEVEL).map(|(_, value)| value.to_owned());
            let level = level.or_else(|| stream.labels.get(LEVEL).map(str::to_owned)).unwrap_or_default();
            let level = levels::class(&level).to_owned();
            found.push(Line { at_ns: entry.ts, text: cut(entry.line, text_bytes_max), level, labels: stream.labels.clone() });
        }
    }
    found
}

/// The beginning of a text, at a boundary of characters.
fn cut(mut text: String, max: usize) -> String {
    if text.len() > max {
        let end = (0..=max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        for (text, max, expected) in [("abc", 3, "abc"), ("abcd", 3, "abc…"), ("aéb", 2, "a…"), ("é", 1, "…")] {
            assert_eq!(cut(text.to_owned(), max), expected);
        }
    }
}
