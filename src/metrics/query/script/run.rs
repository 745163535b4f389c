//! Runs a script, with the repetitions that upstream makes of every instant query: with `@` on all selectors at other
//! times, and as the middle step of a range query. Each must give the same.

use super::command::{Action, Command, Eval, Expected};
use super::compare::{check_notes, check_sorted, check_value, check_vector};
use crate::base::cancel::Cancel;
use crate::metrics::query::ast::{At, Expr, ExprKind, Modifiers};
use crate::metrics::query::parse::{ParseOptions, parse};
use crate::series::batch::WriteBatch;
use crate::series::ports::{Answer, EvaluateError, Question, When};
use crate::series::value::{InstantSample, Point, RangeSeries, Value};

/// A storage and an evaluator on it.
pub trait Bench {
    /// Forgets all data.
    fn clear(&mut self) -> Result<(), String>;
    /// Stores a batch whole.
    fn append(&mut self, batch: &WriteBatch) -> Result<(), String>;
    /// Evaluates a question, with all experimental parts of the language.
    fn evaluate(&mut self, question: &Question<'_>) -> Result<Answer, EvaluateError>;
}

/// How a command went.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Where it stands.
    pub line: usize,
    /// The query, or the name of the command.
    pub title: String,
    /// Why it failed, if it did.
    pub result: Result<(), String>,
}

/// Runs all commands in order. Evaluations always have an outcome, other commands only when they fail.
pub fn run(commands: &[Command], bench: &mut dyn Bench) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for Command { line, action } in commands {
        let (title, result) = match action {
            Action::Clear => ("clear".to_owned(), bench.clear()),
            Action::Load(load) => ("load".to_owned(), load.batch().and_then(|batch| bench.append(&batch))),
            Action::Eval(eval) => (eval.query.clone(), run_eval(eval, bench)),
        };
        if result.is_err() || matches!(action, Action::Eval(_)) {
            outcomes.push(Outcome { line: *line, title, result });
        }
    }
    outcomes
}

/// Evaluates a query and all its variants.
pub fn run_eval(eval: &Eval, bench: &mut dyn Bench) -> Result<(), String> {
    let When::Instant(at) = eval.when else {
        return match ask(bench, &eval.query, eval.when) {
            Ok(answer) => check_answer(eval, &answer),
            Err(error) => check_failure(eval, &error),
        };
    };
    instant(eval, &eval.query, at, bench)?;
    let Some(query) = pinned(&eval.query, at) else { return Ok(()) };
    let times = if at == 0 { vec![-1000, 0, 1000] } else { vec![-10 * at, 0, at / 5, at, 10 * at] };
    for at in times {
        instant(eval, &query, at, bench).map_err(|why| format!("{why} (evaluated as {query} at {at} ms)"))?;
    }
    Ok(())
}

fn ask(bench: &mut dyn Bench, query: &str, when: When) -> Result<Answer, EvaluateError> {
    bench.evaluate(&Question { query, when, cancel: Cancel::new() })
}

fn check_failure(eval: &Eval, error: &EvaluateError) -> Result<(), String> {
    let message = error.to_string();
    match &eval.fail {
        None => Err(format!("error evaluating query: {message}")),
        Some(words) if words.fit(&message) => Ok(()),
        Some(words) => Err(format!("expected error {words:?}, but got: {message}")),
    }
}

fn check_answer(eval: &Eval, answer: &Answer) -> Result<(), String> {
    if eval.fail.is_some() {
        return Err("expected error but got none".to_owned());
    }
    check_notes(&eval.warnings, &answer.warnings, "warn")?;
    check_notes(&eval.infos, &answer.infos, "info")?;
    check_value(eval, &answer.value)
}

fn instant(eval: &Eval, query: &str, at: i64, bench: &mut dyn Bench) -> Result<(), String> {
    let answer = match ask(bench, query, When::Instant(at)) {
        Ok(answer) => answer,
        Err(error) => return check_failure(eval, &error),
    };
    check_answer(eval, &answer)?;
    let depends_on_range = ["start()", "end()", "range()", "step()"].iter().any(|call| query.contains(call));
    if depends_on_range || matches!(eval.expected, Expected::String(_) | Expected::RangeVector { .. }) {
        return Ok(());
    }
    let when = When::Range { start: at - 60_000, end: at + 60_000, step: 60_000 };
    let answer = ask(bench, query, when).map_err(|error| format!("error evaluating query in range mode: {error}"))?;
    if eval.ordered {
        return Ok(());
    }
    let Value::Matrix(series) = &answer.value else {
        return Err(format!("a range query must answer with a matrix, not with a {}", answer.value.type_name()));
    };
    check_sorted(series)?;
    let samples: Vec<InstantSample> = series.iter().filter_map(|series| sample_at(series, at)).collect();
    let compared = match &eval.expected {
        Expected::Series(expected) => check_vector(expected, &samples, false),
        _ => match samples.first().map(|sample| &sample.value) {
            Some(Point::Float(value)) => check_value(eval, &Value::Scalar(at, *value)),
            _ => Err("no value".to_owned()),
        },
    };
    compared.map_err(|why| format!("{why} (in range mode)"))
}

fn sample_at(series: &RangeSeries, ts: i64) -> Option<InstantSample> {
    let float = series.floats.iter().find(|point| point.0 == ts).map(|point| Point::Float(point.1));
    let value = float.or_else(|| series.histograms.iter().find(|point| point.0 == ts).map(|point| Point::Histogram(point.1.clone())));
    Some(InstantSample { labels: series.labels.clone(), ts, value: value? })
}

/// The query with `@ at` on every selector and outer subquery that has none; none where the result may depend on the
/// time of evaluation all the same.
fn pinned(query: &str, at: i64) -> Option<String> {
    let mut expr = parse(query, &ParseOptions::ALL).ok()?;
    pin(&mut expr, at, true).then(|| expr.to_string())
}

/// Functions whose result depends on the time of evaluation or on the times of their samples.
const TIME_DEPENDENT: [&str; 15] = [
    "days_in_month",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "end",
    "hour",
    "minute",
    "month",
    "year",
    "predict_linear",
    "range",
    "start",
    "step",
    "time",
    "timestamp",
];

/// Pins what is not pinned, unless a subquery around it is (`pinning` false); whether no function depends on time.
fn pin(expr: &mut Expr, at: i64, pinning: bool) -> bool {
    let set = |modifiers: &mut Modifiers| {
        if pinning && !matches!(modifiers.at, Some(At::Time(_))) {
            modifiers.at = Some(At::Time(at));
        }
    };
    match &mut expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) => true,
        ExprKind::Selector(selector) => {
            set(&mut selector.modifiers);
            true
        }
        ExprKind::Range(range) => {
            set(&mut range.selector.modifiers);
            true
        }
        ExprKind::Subquery(subquery) => {
            set(&mut subquery.modifiers);
            pin(&mut subquery.expr, at, false)
        }
        ExprKind::Unary { expr, .. } | ExprKind::Paren(expr) => pin(expr, at, pinning),
        ExprKind::Binary(binary) => {
            let mut all = pin(&mut binary.right, at, pinning);
            let mut left = &mut binary.left;
            loop {
                if !matches!(left.kind, ExprKind::Binary(_)) {
                    return pin(left, at, pinning) & all;
                }
                let ExprKind::Binary(inner) = &mut left.kind else { return all };
                all &= pin(&mut inner.right, at, pinning);
                left = &mut inner.left;
            }
        }
        ExprKind::Aggregate(aggregate) => {
            let param = aggregate.param.as_mut().is_none_or(|param| pin(param, at, pinning));
            pin(&mut aggregate.expr, at, pinning) & param
        }
        ExprKind::Call(call) => {
            let args = call.args.iter_mut().fold(true, |all, arg| pin(arg, at, pinning) & all);
            args && !TIME_DEPENDENT.contains(&call.function.name)
        }
    }
}
