//! What the search page shows: the newest lines, then how many there are as far as that is counted at once.

use super::known::Known;
use super::{PageState, counts};
use crate::base::cancel::Cancel;
use crate::logs::model::read::Span;
use crate::logs::pages::asked::Asked;
use crate::logs::pages::compose::{Composed, compose};
use crate::logs::pages::rows::ShownLine;
use crate::logs::pages::search::{LINES_MAX, QueryProblem, SearchInput};
use crate::logs::query::ast::{LogExpr, MatchOp, Query};
use crate::logs::query::engine::{Direction, LogAnswer, LogQuestion};
use crate::series::labels::Labels;
use crate::series::ports::{EvaluateError, Question, When};
use crate::ui::shell::Shell;

/// Lines that scripts ask for at once, at most.
const API_LINES_MAX: usize = 5_000;
const NS_PER_MS: i64 = 1_000_000;

/// From a range in milliseconds.
pub(super) fn span((from, to): (i64, i64)) -> Span {
    Span { start: from.saturating_mul(NS_PER_MS), end: to.saturating_mul(NS_PER_MS).max(from.saturating_mul(NS_PER_MS).saturating_add(1)) }
}

/// The range of a page in milliseconds, or what is wrong with it.
pub(super) fn range_ms(shell: &Shell) -> Result<(i64, i64), String> {
    let control = shell.range.as_ref().ok_or("the page has no range")?;
    let range = control.range.resolve(shell.now_ms)?;
    Ok((range.start, range.end))
}

/// Lines of an answer, newest first.
pub(super) fn newest_first(answer: LogAnswer) -> Vec<ShownLine> {
    let mut lines: Vec<ShownLine> = Vec::new();
    for stream in answer.streams {
        for entry in stream.entries {
            let fields: Vec<(&str, &str)> = entry.categories.fields.iter().chain(entry.categories.parsed.iter()).collect();
            lines.push(ShownLine { ts_ns: entry.ts, text: entry.line, stream: stream.labels.clone(), fields: Labels::from_pairs(fields) });
        }
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.ts_ns));
    lines
}

/// Asks for lines.
pub(super) fn lines(
    state: &PageState,
    log: &LogExpr,
    span: Span,
    direction: Direction,
    limit: usize,
    cancel: &Cancel,
) -> Result<LogAnswer, EvaluateError> {
    let question = LogQuestion { query: log, span, direction, limit, interval: 0, categorize: true, cancel: cancel.clone() };
    state.logs.engine.lines(&question)
}

/// The query that was asked for.
pub(super) fn composed(asked: &Asked, known: &Known<'_>) -> Result<Composed, QueryProblem> {
    compose(asked, &|name| known.is_on_every_stream(name))
}

/// Where a switch of language leads: the same search with the other language in the bar.
pub(super) fn switched(state: &PageState, asked: &Asked, shell: &Shell, cancel: &Cancel) -> String {
    let to_logql = asked.switch_to == Some(true);
    let span = range_ms(shell).map_or(Span::ALL, span);
    let known = Known::new(state, span, cancel);
    let bare = Asked { filters: Vec::new(), ..asked.clone() };
    let (mut text, mut words) = (asked.text.clone(), String::new());
    if to_logql && !asked.is_logql {
        match composed(&bare, &known) {
            Ok(found) => {
                words.clone_from(&asked.text);
                text = found.text;
            }
            // What cannot be read stays as it is, with its problem below it.
            Err(_) => return shell.href_with(&[("to_lang", "")]),
        }
    } else if !to_logql && asked.is_logql {
        // Words that this was made of come back as long as it was not changed.
        let before = Asked { text: shell.param("words").unwrap_or("").to_owned(), is_logql: false, ..bare };
        let is_same = composed(&before, &known).is_ok_and(|found| found.text == asked.text);
        if is_same {
            text = before.text;
        }
    }
    shell.href_with(&[("to_lang", ""), ("q", &text), ("lang", if to_logql { "logql" } else { "" }), ("words", &words)])
}

/// Everything on the page.
pub(super) fn input(state: &PageState, asked: Asked, shell: &Shell, push_url: String, cancel: &Cancel) -> SearchInput {
    let newest_ms = state.logs.store.status().span.map(|(_, newest)| newest.div_euclid(NS_PER_MS));
    let lines_max = match state.logs.api.lines_max() {
        0 => API_LINES_MAX,
        max => max.min(API_LINES_MAX),
    };
    let mut input = SearchInput { asked, push_url, newest_ms, lines_max, ..SearchInput::default() };
    input.range_ms = match range_ms(shell) {
        Ok(range) => range,
        Err(message) => {
            input.problem = Some(QueryProblem { message, span: None });
            return input;
        }
    };
    let span = span(input.range_ms);
    let known = Known::new(state, span, cancel);
    input.label_names.clone_from(&known.names);
    let found = match composed(&input.asked, &known) {
        Ok(found) => found,
        Err(problem) => {
            input.problem = Some(problem);
            return input;
        }
    };
    input.logql = found.logql();
    match &found.query {
        Query::Log(log) => {
            let named = log.selector.matchers.iter().filter(|matcher| matcher.op == MatchOp::Equal && !matcher.value.is_empty());
            input.selected = named.map(|matcher| (matcher.name.to_string(), matcher.value.to_string())).collect();
            fill_lines(state, &mut input, log, &known, span, cancel);
        }
        Query::Metric(_) => fill_values(state, &mut input, cancel),
    }
    input
}

fn fill_lines(state: &PageState, input: &mut SearchInput, log: &LogExpr, known: &Known<'_>, span: Span, cancel: &Cancel) {
    match lines(state, log, span, Direction::Backward, LINES_MAX, cancel) {
        Ok(answer) => {
            input.read_bytes += answer.stats.bytes;
            input.took_ms += answer.stats.took_ms;
            input.lines = newest_first(answer);
        }
        Err(error) => {
            input.problem = Some(QueryProblem { message: error.to_string(), span: None });
            return;
        }
    }
    counts::fill(state, input, known, cancel);
}

/// The answer of a metric query at the end of the range.
fn fill_values(state: &PageState, input: &mut SearchInput, cancel: &Cancel) {
    let question = Question { query: &input.logql, when: When::Instant(input.range_ms.1), cancel: cancel.clone() };
    match state.logs.engine.numbers(&question) {
        Ok((answer, stats)) => {
            input.read_bytes = stats.bytes;
            input.took_ms = stats.took_ms;
            let mut values = answer.value.into_numbers();
            values.sort_by(|a, b| b.1.total_cmp(&a.1));
            input.values = Some(values);
        }
        Err(error) => input.problem = Some(QueryProblem { message: error.to_string(), span: None }),
    }
}
