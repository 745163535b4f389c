//! What the page of one line shows.

use super::PageState;
use super::search::{lines, newest_first};
use crate::base::cancel::Cancel;
use crate::logs::model::read::Span;
use crate::logs::pages::line::{AROUND_MAX, LineInput};
use crate::logs::query::ast::{LogExpr, Query};
use crate::logs::query::engine::Direction;
use crate::logs::query::parse::{Dialect, parse};

/// How far away lines around it may be, in nanoseconds: a day.
const NEAR_NS: i64 = 86_400_000_000_000;

/// The lines around a moment of a stream.
pub(super) fn input(state: &PageState, selector: &str, at: &str, cancel: &Cancel) -> LineInput {
    let mut input = LineInput { selector: selector.to_owned(), ..LineInput::default() };
    match found(state, selector, at, cancel, &mut input) {
        Ok(()) => {}
        Err(problem) => input.problem = Some(problem),
    }
    input
}

fn found(state: &PageState, selector: &str, at: &str, cancel: &Cancel, input: &mut LineInput) -> Result<(), String> {
    let at: i64 = at.parse().map_err(|_| format!("t={at} is no time: nanoseconds since 1970 are expected, as digits"))?;
    input.ts_ns = at;
    let log = stream(selector)?;
    let before = Span { start: at.saturating_sub(NEAR_NS), end: at.saturating_add(1) };
    let after = Span { start: at.saturating_add(1), end: at.saturating_add(NEAR_NS) };
    let ask = |span, direction| lines(state, &log, span, direction, AROUND_MAX + 1, cancel).map_err(|error| error.to_string());
    let mut around = newest_first(ask(after, Direction::Forward)?);
    around.extend(newest_first(ask(before, Direction::Backward)?));
    around.reverse();
    input.lines = around;
    Ok(())
}

fn stream(selector: &str) -> Result<LogExpr, String> {
    match parse(selector, Dialect::Pharos).map_err(|error| format!("s={selector}: {error}"))? {
        Query::Log(log) => Ok(log),
        Query::Metric(_) => Err(format!("s={selector} is a metric query; the selector of a stream is expected")),
    }
}
