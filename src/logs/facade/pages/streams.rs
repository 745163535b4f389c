//! What the page of streams shows, and deleting lines from there.

use super::PageState;
use super::known::Known;
use super::search::{range_ms, span};
use crate::base::cancel::Cancel;
use crate::logs::model::read::{Span, StreamQuery};
use crate::logs::pages::streams::{Deletion, StreamSize, StreamsInput};
use crate::logs::query::ast::Query;
use crate::logs::query::parse::{Dialect, parse};
use crate::ui::asked::Pages as _;
use crate::ui::range::moment;
use crate::ui::shell::Shell;

const NS_PER_MS: i64 = 1_000_000;

/// Streams of the range with their sizes.
pub(super) fn input(state: &PageState, shell: &Shell, by: String, cancel: &Cancel) -> StreamsInput {
    let mut input = StreamsInput { by, ..StreamsInput::default() };
    let ms = |ns: i64| ns.div_euclid(NS_PER_MS);
    input.deletions = state
        .logs
        .api
        .deletions()
        .list()
        .into_iter()
        .map(|one| Deletion {
            query: one.query.clone().unwrap_or_else(|| {
                let matchers: Vec<String> = one.matchers.iter().map(ToString::to_string).collect();
                format!("{{{}}}", matchers.join(", "))
            }),
            span_ms: (ms(one.span.start), ms(one.span.end)),
            created_ms: one.created_ms,
            is_done: one.is_done,
        })
        .collect();
    match range_ms(shell) {
        Ok(range) => input.range_ms = range,
        Err(message) => {
            input.problem = Some(message);
            return input;
        }
    }
    let span = span(input.range_ms);
    input.label_names = Known::new(state, span, cancel).names;
    match state.logs.api.select().volume(&StreamQuery { any_of: &[], span, limit: 0 }, cancel) {
        Ok(volumes) => {
            input.streams = volumes.into_iter().map(|one| StreamSize { labels: one.labels, lines: one.lines, bytes: one.bytes }).collect();
        }
        Err(error) => input.problem = Some(error.to_string()),
    }
    input
}

/// Deletes lines: what was done for the audit log, or why nothing was.
pub(super) fn delete(state: &PageState, query: &str, from: &str, to: &str) -> Result<serde_json::Value, String> {
    let now_ms = state.now_ms();
    let at = |text: &str| {
        moment(text, now_ms).ok_or_else(|| format!("\"{text}\" is not a time: write now-6h or a date such as 2026-11-20 14:00"))
    };
    let span = Span { start: at(from)?.saturating_mul(NS_PER_MS), end: at(to)?.min(now_ms).saturating_mul(NS_PER_MS) };
    if span.start >= span.end {
        return Err("the start of the range must be before its end, and in the past".to_owned());
    }
    let (matchers, rest) = match parse(query, Dialect::Loki).map_err(|error| error.to_string())? {
        Query::Log(log) => (log.selector.matchers, (!log.stages.is_empty()).then(|| query.to_owned())),
        Query::Metric(_) => return Err("only lines can be deleted, and this is a metric query".to_owned()),
    };
    let id = state.logs.api.deletions().delete(matchers, span, rest).map_err(|error| error.to_string())?;
    Ok(serde_json::json!({"id": id, "query": query, "start_ns": span.start, "end_ns": span.end}))
}
