//! Runs scripts.

use std::sync::Arc;

use super::command::{Action, At, Command, Eval, Expected, Loaded};
use super::memory::{Layout, MemoryLines};
use crate::base::cancel::Cancel;
use crate::base::clock::ManualClock;
use crate::logs::model::read::Span;
use crate::logs::query::ast::Query;
use crate::logs::query::engine::{Direction, Engine, LogQuestion, Options, Times};
use crate::series::labels::Labels;
use crate::series::value::{Point, Value};

/// What became of an evaluation.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Line of the command, from 1.
    pub line: usize,
    /// The query.
    pub query: String,
    /// Why it is not what was expected.
    pub verdict: Result<(), String>,
}

/// The script's zero, so that lines before it have times that stores take.
const ZERO_MS: i64 = 1_700_000_000_000;
const ZERO: i64 = ZERO_MS * 1_000_000;

/// Runs a script over lines in memory, cut as `layout` says, on so many threads.
pub fn run(commands: &[Command], layout: Layout, threads: usize) -> Vec<Outcome> {
    let memory = Arc::new(MemoryLines::new(layout));
    let options = Options { threads, ..Options::default() };
    let engine = Engine::new(Arc::clone(&memory) as _, ManualClock::at(ZERO_MS), options);
    let mut outcomes = Vec::new();
    for command in commands {
        match &command.action {
            Action::Clear => memory.clear(),
            Action::Load(all) => all.iter().for_each(|loaded| load(&memory, loaded)),
            Action::Eval(eval) => outcomes.push(Outcome { line: command.line, query: eval.query.clone(), verdict: check(&engine, eval) }),
        }
    }
    outcomes
}

fn load(memory: &MemoryLines, loaded: &Loaded) {
    for index in 0..loaded.count {
        let text = loaded.text.replace("{{.i}}", &index.to_string());
        memory.push(&loaded.stream, ZERO + loaded.start + i64::from(index) * loaded.step, text.as_bytes(), &loaded.fields);
    }
}

fn check(engine: &Engine, eval: &Eval) -> Result<(), String> {
    let found = match eval.at {
        At::Lines(from, to, limit, backward) => lines(engine, &eval.query, (from, to), limit, backward),
        At::Instant(at) => numbers(engine, &eval.query, Times::Instant(ZERO + at)),
        At::Range(start, end, step) => numbers(engine, &eval.query, Times::Range { start: ZERO + start, end: ZERO + end, step }),
    };
    match (&eval.expected, found) {
        (Expected::Fail(text), Err(error)) if error.contains(text.as_str()) => Ok(()),
        (Expected::Fail(text), Err(error)) => Err(format!("expected an error with {text:?}, got {error:?}")),
        (Expected::Fail(text), Ok(found)) => Err(format!("expected an error with {text:?}, got {found:?}")),
        (_, Err(error)) => Err(format!("unexpected error: {error}")),
        (Expected::Empty, Ok(Found::Series(series))) if series.is_empty() => Ok(()),
        (Expected::Empty, Ok(Found::Lines(lines))) if lines.is_empty() => Ok(()),
        (Expected::Scalar(expected), Ok(Found::Scalar(value))) if same(*expected, value) => Ok(()),
        (Expected::Lines(expected), Ok(Found::Lines(lines))) if *expected == lines => Ok(()),
        (Expected::Series(expected, ordered), Ok(Found::Series(series))) => same_series(expected, *ordered, series),
        (expected, Ok(found)) => Err(format!("expected {expected:?}, got {found:?}")),
    }
}

/// What came out, times since the script's zero.
#[derive(Debug)]
enum Found {
    Scalar(f64),
    Series(Vec<(Labels, Vec<Option<f64>>)>),
    Lines(Vec<(i64, Labels, String)>),
}

fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

fn same_series(expected: &[(Labels, Vec<Option<f64>>)], ordered: bool, mut found: Vec<(Labels, Vec<Option<f64>>)>) -> Result<(), String> {
    let mut expected = expected.to_vec();
    if !ordered {
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        found.sort_by(|a, b| a.0.cmp(&b.0));
    }
    let same_point = |a: &Option<f64>, b: &Option<f64>| match (a, b) {
        (Some(a), Some(b)) => same(*a, *b),
        (None, None) => true,
        _ => false,
    };
    let same_points = |a: &[Option<f64>], b: &[Option<f64>]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_point(a, b));
    let is_same = expected.len() == found.len() && expected.iter().zip(&found).all(|(a, b)| a.0 == b.0 && same_points(&a.1, &b.1));
    if is_same { Ok(()) } else { Err(format!("expected {expected:?}, got {found:?}")) }
}

fn numbers(engine: &Engine, query: &str, times: Times) -> Result<Found, String> {
    let (answer, _) = engine.numbers_at(query, times, &Cancel::new()).map_err(|error| error.to_string())?;
    Ok(match answer.value {
        Value::Scalar(_, value) => Found::Scalar(value),
        Value::String(..) => return Err("a text came out".to_owned()),
        Value::Vector(samples) => {
            let value = |point: &Point| if let Point::Float(value) = point { Some(*value) } else { None };
            Found::Series(samples.iter().map(|sample| (sample.labels.clone(), vec![value(&sample.value)])).collect())
        }
        Value::Matrix(series) => {
            let Times::Range { start, end, step } = times else { return Err("a matrix came out".to_owned()) };
            let points = |floats: &[(i64, f64)]| {
                let at = |ts: i64| floats.iter().find(|(found, _)| *found == ts).map(|(_, value)| *value);
                (0..=(end - start) / step).map(|index| at((start + index * step).div_euclid(1_000_000))).collect()
            };
            Found::Series(series.iter().map(|series| (series.labels.clone(), points(&series.floats))).collect())
        }
    })
}

fn lines(engine: &Engine, query: &str, span: (i64, i64), limit: usize, backward: bool) -> Result<Found, String> {
    let parsed = engine.parse(query).map_err(|error| error.to_string())?;
    let Query::Log(log) = &parsed else { return Err("not a query for lines".to_owned()) };
    let answer = engine
        .lines(&LogQuestion {
            query: log,
            span: Span { start: ZERO + span.0, end: ZERO + span.1 },
            direction: if backward { Direction::Backward } else { Direction::Forward },
            limit,
            interval: 0,
            categorize: false,
            cancel: Cancel::new(),
        })
        .map_err(|error| error.to_string())?;
    let mut lines = Vec::new();
    for stream in &answer.streams {
        lines.extend(stream.entries.iter().map(|entry| (entry.ts - ZERO, stream.labels.clone(), entry.line.clone())));
    }
    lines.sort_by(|a, b| if backward { b.0.cmp(&a.0) } else { a.0.cmp(&b.0) });
    Ok(Found::Lines(lines))
}
