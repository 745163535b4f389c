//! Conformance: every evaluation of upstream's PromQL scripts (`corpus/promql/*.test`) is a test of its own, on every storage;
//! and so is every one of our LogQL scripts ([`logql`]).
//!
//! A script runs once for each storage, from top to bottom, because its evaluations share data; the tests look up
//! their outcome. Cases that may fail are listed with a reason in `expected_failures.txt`; one that passes all the
//! same must be taken off the list.

use std::any::Any;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use pharos::base::cancel::Cancel;
use pharos::base::clock::SystemClock;
use pharos::metrics::engine::{Engine, Options};
use pharos::metrics::script::command::{Action, Command, parse_script};
use pharos::metrics::script::memory::MemorySelect;
use pharos::metrics::script::run::{Bench, Outcome, run};
use pharos::metrics::{self, ParseOptions, StoreSettings, SyncPolicy};
use pharos::series::batch::WriteBatch;
use pharos::series::ports::{Answer, Append, AppendOptions, Evaluate, EvaluateError, Question, Select};

#[path = "corpus/logql.rs"]
mod logql;

/// An empty storage with an evaluator on it.
struct Store {
    append: Arc<dyn Append>,
    evaluate: Arc<dyn Evaluate>,
    /// Called after each load, to bring the samples where the storage under test keeps them.
    settle: Box<dyn Fn() -> Result<(), String>>,
    /// Whatever must live as long as the storage, such as its folder.
    _keep: Box<dyn Any>,
}

/// Opens an empty store.
type Open = fn() -> Result<Store, String>;

/// The storages that scripts run on.
const STORAGES: [(&str, Open); 3] = [("memory", open_memory), ("head", open_head), ("blocks", open_blocks)];

/// The simplest storage, which tells faults of the language from faults of the store.
fn open_memory() -> Result<Store, String> {
    let memory = Arc::new(MemorySelect::new());
    let append: Arc<dyn Append> = Arc::clone(&memory) as _;
    Ok(Store { append, evaluate: evaluator(memory), settle: Box::new(|| Ok(())), _keep: Box::new(()) })
}

/// The real store, with everything in its head.
fn open_head() -> Result<Store, String> {
    open_real(|_| Ok(()))
}

/// The real store, with everything in compacted blocks.
fn open_blocks() -> Result<Store, String> {
    open_real(|store| store.force_merge(&Cancel::new()).map_err(|error| error.to_string()))
}

fn open_real(settle: fn(&metrics::Store) -> Result<(), String>) -> Result<Store, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let settings = StoreSettings {
        background: false,
        reserve_bytes: 0,
        retention_ms: 0,
        // Scripts begin at the epoch, reach far, and load again what lies before.
        out_of_order_ms: i64::MAX / 4,
        // Syncing tests nothing here.
        sync: SyncPolicy::Interval(Duration::from_secs(3600)),
        ..StoreSettings::new(folder.path())
    };
    let store = metrics::Store::open(settings, Arc::new(SystemClock::new())).map_err(|error| error.to_string())?;
    let store = Arc::new(store);
    let append: Arc<dyn Append> = Arc::clone(&store) as _;
    let evaluate = evaluator(Arc::clone(&store) as _);
    Ok(Store { append, evaluate, settle: Box::new(move || settle(&store)), _keep: Box::new(folder) })
}

/// An evaluator set as upstream's is for these scripts.
fn evaluator(select: Arc<dyn Select>) -> Arc<dyn Evaluate> {
    let options = Options {
        lookback_ms: 300_000,
        max_samples: 10_000,
        subquery_interval_ms: 60_000,
        parse: ParseOptions::ALL,
        delayed_name_removal: true,
        use_start_timestamps: true,
        ..Options::default()
    };
    Arc::new(Engine::new(select, options))
}

/// Runs scripts on a store, a new one after each `clear`.
struct StoreBench {
    open: Open,
    store: Option<Store>,
}

impl StoreBench {
    fn store(&mut self) -> Result<&Store, String> {
        if self.store.is_none() {
            self.store = Some((self.open)()?);
        }
        self.store.as_ref().ok_or_else(|| "no store".to_owned())
    }
}

impl Bench for StoreBench {
    fn clear(&mut self) -> Result<(), String> {
        self.store = None;
        Ok(())
    }

    fn append(&mut self, batch: &WriteBatch) -> Result<(), String> {
        let store = self.store()?;
        let report = store.append.append(batch, &AppendOptions::default()).map_err(|error| error.to_string())?;
        if let Some(refused) = report.refused.first() {
            return Err(format!("series {} at {} ms: {}", refused.series_index, refused.first_ts, refused.reason));
        }
        (store.settle)()
    }

    fn evaluate(&mut self, question: &Question<'_>) -> Result<Answer, EvaluateError> {
        self.store().map_err(EvaluateError::Storage)?.evaluate.evaluate(question)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut all = Vec::new();
    for (name, trials) in [("promql", trials(&folder.join("promql"))), ("logql", logql::trials(&folder.join("logql")))] {
        match trials {
            Ok(trials) => all.extend(trials),
            Err(message) => all.push(Trial::test(name, move || Err(Failed::from(message)))),
        }
    }
    let trials = all;
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
        // Names are padded to the longest one.
        let query: String = eval.query.chars().take(60).collect();
        trials.push(Trial::test(format!("promql/{case} {query}"), move || {
            let outcomes = outcomes.get_or_init(|| run(&commands, &mut StoreBench { open, store: None }));
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
