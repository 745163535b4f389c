//! Counting what a search finds: by level over time and by label.
//!
//! Few lines are counted as they are. Of many, the page waits a moment only; what takes longer is counted by a request of
//! its own, the newest part of the range first, and sent as it grows.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use serde_json::json;

use super::known::Known;
use super::search::{composed, range_ms, span};
use super::{PageState, USUAL_FROM};
use crate::base::cancel::{Cancel, Stop};
use crate::logs::model::read::{Span, StreamQuery};
use crate::logs::pages;
use crate::logs::pages::asked::Asked;
use crate::logs::pages::counts::CountsInput;
use crate::logs::pages::facets::{Facet, LEVEL, Tally};
use crate::logs::pages::levels::Levels;
use crate::logs::pages::search::{LINES_MAX, SearchInput};
use crate::logs::query::ast::Query;
use crate::logs::query::lex::is_keyword;
use crate::platform::http::problem::Problem;
use crate::platform::http::stream::PieceWriter;
use crate::series::labels::is_legacy_label_name;
use crate::series::ports::{EvaluateError, Question, When};
use crate::series::value::{Point, Value};
use crate::ui::lang::key;
use crate::ui::shell::Shell;

/// How long the page waits for counts before it goes without them.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often it is looked whether the client went away meanwhile.
const NAP: Duration = Duration::from_millis(20);
/// Labels that lines are counted by.
const LABELS_MAX: usize = 6;
/// Values beyond which a label says too little to be filtered by.
const VALUES_MAX: usize = 500;
/// Labels that say most, the best first.
const BEST: [&str; 10] = ["service_name", "host", "env", "environment", "namespace", "app", "job", "container", "pod", "cluster"];
/// Parts of the range that are counted one after another, the newest first, in sixteenths: the first numbers come soon, and
/// few chunks of lines are read twice.
const SHARES: [usize; 4] = [1, 3, 4, 8];

/// What was counted so far.
struct Counted {
    levels: Levels,
    tally: Tally,
    read_bytes: u64,
    took_ms: u64,
}

impl Counted {
    fn over(range_ms: (i64, i64)) -> Self {
        Self { levels: Levels::over(range_ms.0, range_ms.1), tally: Tally::default(), read_bytes: 0, took_ms: 0 }
    }

    /// Counts lines by level and labels in some of the bars.
    fn add(
        &mut self,
        state: &PageState,
        logql: &str,
        by: &[String],
        bars: std::ops::Range<usize>,
        cancel: &Cancel,
    ) -> Result<(), EvaluateError> {
        let (start, step) = (self.levels.start_ms, self.levels.step_ms);
        let mut groups = vec![LEVEL];
        groups.extend(by.iter().map(String::as_str));
        let query = format!("sum by ({}) (count_over_time({logql}[{step}ms]))", groups.join(", "));
        // A count stands at the end of its bar.
        let end_of = |bar: usize| start.saturating_add(step.saturating_mul(i64::try_from(bar).unwrap_or(i64::MAX).saturating_add(1)));
        let when = When::Range { start: end_of(bars.start), end: end_of(bars.end.saturating_sub(1)), step };
        let (answer, stats) = state.logs.engine.numbers(&Question { query: &query, when, cancel: cancel.clone() })?;
        if let Value::Matrix(series) = answer.value {
            for one in series {
                let level = one.labels.get(LEVEL).unwrap_or("");
                let mut sum = 0u64;
                for (at, value) in &one.floats {
                    let lines = if *value >= 1.0 { *value as u64 } else { 0 };
                    sum += lines;
                    self.levels.add(level, at - step, lines);
                }
                self.tally.add(LEVEL, level, sum);
                by.iter().for_each(|label| self.tally.add(label, one.labels.get(label).unwrap_or(""), sum));
            }
        }
        self.read_bytes += stats.bytes;
        self.took_ms += stats.took_ms;
        Ok(())
    }

    /// The same; by level alone where labels make it too much.
    fn add_anyhow(
        &mut self,
        state: &PageState,
        logql: &str,
        by: &mut Vec<String>,
        bars: std::ops::Range<usize>,
        cancel: &Cancel,
    ) -> Result<(), EvaluateError> {
        let error = match self.add(state, logql, by, bars.clone(), cancel) {
            Ok(()) => return Ok(()),
            Err(error) if by.is_empty() || cancel.check().is_err() => return Err(error),
            Err(error) => error,
        };
        tracing::debug!(%error, "lines could not be counted by label");
        by.clear();
        self.add(state, logql, by, bars, cancel)
    }
}

/// A flag that is raised when `patience` is over or `outer` is raised.
fn impatient(state: &PageState, outer: &Cancel, patience: Duration) -> Cancel {
    let (outer, inner) = (outer.clone(), Cancel::new());
    let told = inner.clone();
    state.logs.runtime.spawn(async move {
        let mut left = patience;
        while outer.check().is_ok() && !left.is_zero() {
            let nap = left.min(NAP);
            tokio::time::sleep(nap).await;
            left = left.saturating_sub(nap);
        }
        told.raise(outer.check().err().unwrap_or(Stop::TimedOut));
    });
    inner
}

/// Fills in the counts of a page that has its lines.
pub(super) fn fill(state: &PageState, input: &mut SearchInput, known: &Known<'_>, cancel: &Cancel) {
    let span = span(input.range_ms);
    // Who has no script can ask for all of it.
    let hurry = if input.asked.counts_all { cancel.clone() } else { impatient(state, cancel, PATIENCE) };
    let mut labels = counted_labels(state, &known.names, span, &hurry);
    let mut counted = Counted::over(input.range_ms);
    if input.lines.len() < LINES_MAX {
        // These are all there are.
        for line in &input.lines {
            counted.levels.add(line.level(), line.ts_ns.div_euclid(1_000_000), 1);
        }
        input.facets = shown_facets(input, &labels);
        input.levels = Some(counted.levels);
    } else {
        let bars = 0..counted.levels.bars();
        match counted.add_anyhow(state, &input.logql, &mut labels, bars, &hurry) {
            Ok(()) => {
                input.read_bytes = input.read_bytes.max(counted.read_bytes);
                input.took_ms += counted.took_ms;
                input.levels = Some(counted.levels);
                input.facets = counted.tally.facets();
            }
            Err(error) => {
                input.facets = shown_facets(input, &labels);
                if hurry.check().is_err() && !input.asked.counts_all {
                    input.is_counting = true;
                    return;
                }
                input.notes.push(error.to_string());
            }
        }
    }
    fill_others(state, &input.asked, input.range_ms, &mut input.facets, known, &hurry);
    let is_filtered = input.facets.iter().any(|facet| input.asked.of(&facet.label).next().is_some());
    input.is_counting = is_filtered && !input.asked.counts_all && hurry.check().is_err();
}

/// Labels of the lines that are shown, counted in them.
fn shown_facets(input: &SearchInput, labels: &[String]) -> Vec<Facet> {
    let mut tally = Tally::default();
    for line in &input.lines {
        tally.add(LEVEL, line.level(), 1);
        for label in labels {
            tally.add(label, line.stream.get(label).or_else(|| line.fields.get(label)).unwrap_or(""), 1);
        }
    }
    tally.facets()
}

/// Values that a filter leaves out, of the labels that are filtered: to choose them instead, or besides.
fn fill_others(state: &PageState, asked: &Asked, range_ms: (i64, i64), facets: &mut [Facet], known: &Known<'_>, cancel: &Cancel) {
    let seconds = range_ms.1.saturating_sub(range_ms.0).div_euclid(1000).max(1);
    for facet in facets {
        if asked.of(&facet.label).next().is_none() {
            continue;
        }
        let free = Asked { filters: asked.without(&facet.label), ..asked.clone() };
        let Ok(found) = composed(&free, known) else { continue };
        let query = format!("sum by ({}) (count_over_time({}[{seconds}s]))", facet.label, found.logql());
        let question = Question { query: &query, when: When::Instant(range_ms.1), cancel: cancel.clone() };
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

/// `GET /ui/logs/counts?…` with the parameters of the page: JSON, a line for each part that is counted, each with how much of
/// the range it is (`done`, to 1) and the parts of the page that change (`html`), or why it ended (`error`).
pub(super) async fn route(State(state): State<Arc<PageState>>, mut asked: crate::ui::asked::Asked) -> Result<Response, Problem> {
    // Links of the parts lead to the page.
    asked.uri = super::page_uri(&asked).map_err(|error| Problem::bad_request(error.to_string()))?;
    let cancel = Cancel::new();
    let (mut writer, body) = PieceWriter::cancelling(cancel.clone());
    let (inner, runtime) = (Arc::clone(&state), state.logs.runtime.clone());
    runtime.spawn(async move {
        let told = cancel.clone();
        let work = move || {
            let shell = super::shell_of(&asked, &inner, key("Logs")).with_range(USUAL_FROM).with_refresh("off");
            let wanted = Asked::from_query(asked.query());
            if let Err(message) = count_on(&inner, &wanted, &shell, &mut writer, &told) {
                writeln!(writer, "{}", json!({ "error": message }))?;
            }
            writer.finish()
        };
        match state.logs.api.run(&cancel, work).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "nobody waits for counts any more"),
            Err(error) => tracing::debug!(%error, "lines could not be counted"),
        }
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")], body).into_response())
}

/// Counts part after part and sends each.
fn count_on(state: &PageState, asked: &Asked, shell: &Shell, writer: &mut PieceWriter, cancel: &Cancel) -> Result<(), String> {
    let range = range_ms(shell)?;
    let known = Known::new(state, span(range), cancel);
    let found = composed(asked, &known).map_err(|problem| problem.message)?;
    if matches!(found.query, Query::Metric(_)) {
        return Err("a metric query has no lines to count".to_owned());
    }
    let logql = found.logql();
    let mut labels = counted_labels(state, &known.names, span(range), cancel);
    let mut counted = Counted::over(range);
    let bars = counted.levels.bars();
    let (mut until, mut share) = (bars, 0);
    for part in SHARES {
        share += part;
        let from = bars - bars * share / 16;
        if from >= until {
            continue;
        }
        counted.add_anyhow(state, &logql, &mut labels, from..until, cancel).map_err(|error| error.to_string())?;
        until = from;
        let mut facets = counted.tally.clone().facets();
        if until == 0 {
            fill_others(state, asked, range, &mut facets, &known, cancel);
        }
        let input = CountsInput {
            asked,
            levels: &counted.levels,
            facets: &facets,
            uncounted: until,
            read_bytes: counted.read_bytes,
            took_ms: counted.took_ms,
        };
        let done = (bars - until) as f64 / bars as f64;
        // Nothing yet is no news.
        let html = (until == 0 || counted.levels.total() > 0).then(|| pages::counts::render(&input, shell));
        writeln!(writer, "{}", json!({ "done": done, "html": html })).and_then(|()| writer.flush()).map_err(|error| error.to_string())?;
    }
    Ok(())
}
