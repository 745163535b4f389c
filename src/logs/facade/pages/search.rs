//! What the search page shows: the newest lines, and in one more pass how many there are by level, time and label.

use super::PageState;
use super::known::Known;
use crate::base::cancel::Cancel;
use crate::logs::model::read::{Span, StreamQuery};
use crate::logs::pages::asked::Asked;
use crate::logs::pages::compose::{Composed, compose};
use crate::logs::pages::facets::{LEVEL, Tally};
use crate::logs::pages::levels::Levels;
use crate::logs::pages::rows::ShownLine;
use crate::logs::pages::search::{LINES_MAX, QueryProblem, SearchInput};
use crate::logs::query::ast::{LogExpr, MatchOp, Query};
use crate::logs::query::engine::{Direction, LogAnswer, LogQuestion};
use crate::logs::query::lex::is_keyword;
use crate::series::labels::{Labels, is_legacy_label_name};
use crate::series::ports::{EvaluateError, Question, When};
use crate::series::value::{Point, Value};
use crate::ui::shell::Shell;

/// Labels that lines are counted by.
const LABELS_MAX: usize = 6;
/// Values beyond which a label says too little to be filtered by.
const VALUES_MAX: usize = 500;
/// Labels that say most, the best first.
const BEST: [&str; 10] = ["service_name", "host", "env", "environment", "namespace", "app", "job", "container", "pod", "cluster"];
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
    let labels = counted_labels(state, &input.label_names, span, cancel);
    fill_counts(state, input, &labels, cancel);
    fill_others(state, input, known, cancel);
}

fn fill_counts(state: &PageState, input: &mut SearchInput, labels: &[String], cancel: &Cancel) {
    // Many streams and many labels can be too much to count by all; by level it never is.
    for by in [labels, &[]] {
        match count(state, input, by, cancel) {
            Ok(()) => return,
            Err(error) if by.is_empty() => input.notes.push(error.to_string()),
            Err(error) => tracing::debug!(%error, "lines could not be counted by label"),
        }
    }
}

/// Values that a filter leaves out, of the labels that are filtered: to choose them instead, or besides.
fn fill_others(state: &PageState, input: &mut SearchInput, known: &Known<'_>, cancel: &Cancel) {
    let seconds = input.range_ms.1.saturating_sub(input.range_ms.0).div_euclid(1000).max(1);
    for facet in &mut input.facets {
        if input.asked.of(&facet.label).next().is_none() {
            continue;
        }
        let free = Asked { filters: input.asked.without(&facet.label), ..input.asked.clone() };
        let Ok(found) = composed(&free, known) else { continue };
        let query = format!("sum by ({}) (count_over_time({}[{seconds}s]))", facet.label, found.logql());
        let question = Question { query: &query, when: When::Instant(input.range_ms.1), cancel: cancel.clone() };
        match state.logs.engine.numbers(&question).map(|(answer, _)| answer.value) {
            Ok(Value::Vector(samples)) => {
                let mut tally = Tally::default();
                for sample in samples {
                    if let Point::Float(lines) = sample.value {
                        tally.add(&facet.label, sample.labels.get(&facet.label).unwrap_or(""), lines.max(0.0) as u64);
                    }
                }
                facet.values = tally.facets().into_iter().next().map(|all| all.values).unwrap_or_default();
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "values that a filter leaves out could not be counted"),
        }
    }
}

/// Labels worth counting by: with few values, those that say most first.
fn counted_labels(state: &PageState, names: &[String], span: Span, cancel: &Cancel) -> Vec<String> {
    let mut order: Vec<&String> = names.iter().filter(|name| is_legacy_label_name(name) && !is_keyword(name) && *name != LEVEL).collect();
    order.sort_by_key(|name| BEST.iter().position(|best| best == name).unwrap_or(BEST.len()));
    let few = |name: &&String| {
        let query = StreamQuery { any_of: &[], span, limit: VALUES_MAX + 1 };
        state.logs.api.select().label_values(name, &query, cancel).is_ok_and(|values| values.len() <= VALUES_MAX)
    };
    order.into_iter().take(2 * LABELS_MAX).filter(few).take(LABELS_MAX).cloned().collect()
}

/// Counts lines by level and labels in each bar.
fn count(state: &PageState, input: &mut SearchInput, by: &[String], cancel: &Cancel) -> Result<(), EvaluateError> {
    let mut levels = Levels::over(input.range_ms.0, input.range_ms.1);
    let step = levels.step_ms;
    let mut groups = vec![LEVEL];
    groups.extend(by.iter().map(String::as_str));
    let query = format!("sum by ({}) (count_over_time({}[{step}ms]))", groups.join(", "), input.logql);
    // A count stands at the end of its bar.
    let when = When::Range { start: levels.start_ms + step, end: levels.end_ms(), step };
    let (answer, stats) = state.logs.engine.numbers(&Question { query: &query, when, cancel: cancel.clone() })?;
    let mut tally = Tally::default();
    if let Value::Matrix(series) = answer.value {
        for one in series {
            let level = one.labels.get(LEVEL).unwrap_or("");
            let mut sum = 0u64;
            for (at, value) in &one.floats {
                let lines = if *value >= 1.0 { *value as u64 } else { 0 };
                sum += lines;
                levels.add(level, at - step, lines);
            }
            tally.add(LEVEL, level, sum);
            by.iter().for_each(|label| tally.add(label, one.labels.get(label).unwrap_or(""), sum));
        }
    }
    input.read_bytes = input.read_bytes.max(stats.bytes);
    input.took_ms += stats.took_ms;
    input.levels = Some(levels);
    input.facets = tally.facets();
    Ok(())
}

/// The answer of a metric query at the end of the range.
fn fill_values(state: &PageState, input: &mut SearchInput, cancel: &Cancel) {
    let question = Question { query: &input.logql, when: When::Instant(input.range_ms.1), cancel: cancel.clone() };
    match state.logs.engine.numbers(&question) {
        Ok((answer, stats)) => {
            input.read_bytes = stats.bytes;
            input.took_ms = stats.took_ms;
            let mut values: Vec<(Labels, f64)> = match answer.value {
                Value::Vector(samples) => samples
                    .into_iter()
                    .filter_map(|sample| match sample.value {
                        Point::Float(value) => Some((sample.labels, value)),
                        Point::Histogram(_) => None,
                    })
                    .collect(),
                Value::Scalar(_, value) => vec![(Labels::empty(), value)],
                Value::String(..) | Value::Matrix(_) => Vec::new(),
            };
            values.sort_by(|a, b| b.1.total_cmp(&a.1));
            input.values = Some(values);
        }
        Err(error) => input.problem = Some(QueryProblem { message: error.to_string(), span: None }),
    }
}
