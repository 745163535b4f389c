//! Tests of the evaluator.

use std::path::Path;
use std::sync::Arc;

use crate::metrics::query::engine::{Engine, Options};
use crate::metrics::query::parse::ParseOptions;
use crate::metrics::query::script::command::parse_script;
use crate::metrics::query::script::memory::MemorySelect;
use crate::metrics::query::script::run::{Bench, run};
use crate::series::batch::WriteBatch;
use crate::series::ports::{Answer, Append, AppendOptions, Evaluate, EvaluateError, Question};

/// The settings that upstream runs its scripts with.
pub(crate) fn script_options() -> Options {
    Options { max_samples: 10_000, parse: ParseOptions::ALL, delayed_name_removal: true, use_start_timestamps: true, ..Options::default() }
}

struct InMemory {
    storage: Arc<MemorySelect>,
    engine: Engine,
}

impl Bench for InMemory {
    fn clear(&mut self) -> Result<(), String> {
        self.storage.clear();
        Ok(())
    }

    fn append(&mut self, batch: &WriteBatch) -> Result<(), String> {
        self.storage.append(batch, &AppendOptions::default()).map(|_| ()).map_err(|error| error.to_string())
    }

    fn evaluate(&mut self, question: &Question<'_>) -> Result<Answer, EvaluateError> {
        self.engine.evaluate(question)
    }
}

#[test]
fn upstream_scripts_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/promql");
    let (mut passed, mut failures) = (0, Vec::new());
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("corpus").map(|entry| entry.expect("entry").path()).collect();
    files.sort();
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "test")) {
        let name = path.file_name().expect("name").to_string_lossy().into_owned();
        let commands = parse_script(&std::fs::read_to_string(path).expect("text")).expect("script");
        let storage = Arc::new(MemorySelect::new());
        let engine = Engine::new(Arc::clone(&storage) as _, script_options());
        for outcome in run(&commands, &mut InMemory { storage, engine }) {
            match outcome.result {
                Ok(()) => passed += 1,
                Err(why) => failures.push(format!("{name}:{} {}\n    {why}", outcome.line, outcome.title)),
            }
        }
    }
    assert!(failures.is_empty(), "{passed} passed, {} failed:\n{}", failures.len(), failures.join("\n"));
}
