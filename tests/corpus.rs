//! Conformance: every evaluation of upstream's PromQL scripts (`corpus/promql/*.test`) is a test of its own, on every storage.
//!
//! A script runs once for each storage, from top to bottom, because its evaluations share data; the tests look up
//! their outcome. Cases that may fail are listed with a reason in `expected_failures.txt`; one that passes all the
//! same must be taken off the list.

use std::any::Any;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};
use pharos::metrics::script::command::{Action, Command, parse_script};
use pharos::metrics::script::run::{Bench, Outcome, run};
use pharos::series::batch::WriteBatch;
use pharos::series::ports::{Answer, Append, AppendOptions, Evaluate, EvaluateError, Question};

/// An empty storage with an evaluator on it.
struct Engine {
    append: Arc<dyn Append>,
    evaluate: Arc<dyn Evaluate>,
    /// Called after each load, to bring the samples where the storage under test keeps them.
    settle: Box<dyn Fn() -> Result<(), String>>,
    /// Whatever must live as long as the storage, such as its folder.
    _keep: Box<dyn Any>,
}

/// Opens an engine; its evaluator allows all experimental parts of the language, looks back 5 minutes, and takes one
/// minute for the step of subqueries that give none.
type Open = fn() -> Result<Engine, String>;

/// The storages that scripts run on.
const STORAGES: [(&str, Open); 0] = [];

/// Runs scripts on an engine, a new one after each `clear`.
struct EngineBench {
    open: Open,
    engine: Option<Engine>,
}

impl EngineBench {
    fn engine(&mut self) -> Result<&Engine, String> {
        if self.engine.is_none() {
            self.engine = Some((self.open)()?);
        }
        self.engine.as_ref().ok_or_else(|| "no engine".to_owned())
    }
}

impl Bench for EngineBench {
    fn clear(&mut self) -> Result<(), String> {
        self.engine = None;
        Ok(())
    }

    fn append(&mut self, batch: &WriteBatch) -> Result<(), String> {
        let engine = self.engine()?;
        let report = engine.append.append(batch, &AppendOptions::default()).map_err(|error| error.to_string())?;
        if let Some(refused) = report.refused.first() {
            return Err(format!("series {} at {} ms: {}", refused.series_index, refused.first_ts, refused.reason));
        }
        (engine.settle)()
    }

    fn evaluate(&mut self, question: &Question<'_>) -> Result<Answer, EvaluateError> {
        self.engine().map_err(EvaluateError::Storage)?.evaluate.evaluate(question)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/promql");
    let trials = match trials(&folder) {
        Ok(trials) => trials,
        Err(message) => vec![Trial::test("promql", move || Err(Failed::from(message)))],
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials(folder: &Path) -> Result<Vec<Trial>, String> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).map_err(|error| error.to_string())?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "test"));
    files.sort();
    if files.is_empty() {
        return Err(format!("no scripts in {}", folder.display()));
    }
    let mut allowed = expected_failures(&folder.join("expected_failures.txt"))?;
    let mut trials = Vec::new();
    for path in files {
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        let commands = Arc::new(parse_script(&text).map_err(|error| format!("{file}: {error}"))?);
        for (storage, open) in STORAGES {
            add_script(&mut trials, &mut allowed, (storage, open), &file, &commands);
        }
    }
    for (case, reason) in allowed {
        trials.push(Trial::test(format!("expected_failures/{case}"), move || Err(format!("no such case: {case} {reason}").into())));
    }
    Ok(trials)
}

/// `<storage>/<file>:<line> <reason>` on each line that is not empty and no comment.
fn expected_failures(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.split_once(' ') {
            Some((case, reason)) => Ok((case.to_owned(), reason.trim().to_owned())),
            None => Err(format!("{}: {line:?} gives no reason", path.display())),
        })
        .collect()
}

fn add_script(
    trials: &mut Vec<Trial>,
    allowed: &mut BTreeMap<String, String>,
    (storage, open): (&str, Open),
    file: &str,
    commands: &Arc<Vec<Command>>,
) {
    let outcomes: Arc<OnceLock<Vec<Outcome>>> = Arc::default();
    for command in commands.iter() {
        let Action::Eval(eval) = &command.action else { continue };
        let case = format!("{storage}/{file}:{}", command.line);
        let reason = allowed.remove(&case);
        let (line, outcomes, commands) = (command.line, Arc::clone(&outcomes), Arc::clone(commands));
        trials.push(Trial::test(format!("promql/{case} {}", eval.query), move || {
            let outcomes = outcomes.get_or_init(|| run(&commands, &mut EngineBench { open, engine: None }));
            judge(outcomes, line, reason.as_deref())
        }));
    }
}

fn judge(outcomes: &[Outcome], line: usize, reason: Option<&str>) -> Result<(), Failed> {
    // A failed load before the evaluation explains more than its consequences.
    let broken =
        outcomes.iter().filter(|outcome| outcome.line < line && outcome.title == "load").find_map(|outcome| outcome.result.clone().err());
    let result = match outcomes.iter().find(|outcome| outcome.line == line) {
        Some(outcome) => outcome.result.clone(),
        None => Err("was not evaluated".to_owned()),
    };
    match (result, reason) {
        (Ok(()), None) | (Err(_), Some(_)) => Ok(()),
        (Ok(()), Some(reason)) => Err(format!("passes, but is listed as failing: {reason}").into()),
        (Err(why), None) => Err(broken.map_or(why.clone(), |load| format!("{why}; a load before failed: {load}")).into()),
    }
}
