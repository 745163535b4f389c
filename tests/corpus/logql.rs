//! Every evaluation of the LogQL scripts (`logql/*.test`) is a test of its own: on one thread with all lines in one chunk,
//! and on three with a few lines in each and without those that cannot match.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use libtest_mimic::Trial;
use pharos::logs::query::script::command::{Action, Command, parse_script};
use pharos::logs::query::script::memory::Layout;
use pharos::logs::query::script::run::{Outcome, run};

/// How lines are cut into chunks, and threads.
const STORAGES: [(&str, Layout, usize); 2] = [("together", Layout::Together, 1), ("apart", Layout::Pruned(2), 3)];

/// The trials of all scripts in a folder.
pub fn trials(folder: &Path) -> Result<Vec<Trial>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "test"));
    files.sort();
    if files.is_empty() {
        return Err(format!("no scripts in {}", folder.display()));
    }
    let mut trials = Vec::new();
    for path in files {
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        let commands = Arc::new(parse_script(&text).map_err(|error| format!("{file}: {error}"))?);
        for (name, layout, threads) in STORAGES {
            add_script(&mut trials, &format!("logql/{name}/{file}"), &commands, layout, threads);
        }
    }
    Ok(trials)
}

fn add_script(trials: &mut Vec<Trial>, name: &str, commands: &Arc<Vec<Command>>, layout: Layout, threads: usize) {
    let outcomes: Arc<OnceLock<Vec<Outcome>>> = Arc::default();
    for command in commands.iter() {
        let Action::Eval(eval) = &command.action else { continue };
        let (line, outcomes, commands) = (command.line, Arc::clone(&outcomes), Arc::clone(commands));
        // Names are padded to the longest one.
        let query: String = eval.query.chars().take(60).collect();
        trials.push(Trial::test(format!("{name}:{line} {query}"), move || {
            let outcomes = outcomes.get_or_init(|| run(&commands, layout, threads));
            match outcomes.iter().find(|outcome| outcome.line == line) {
                Some(outcome) => outcome.verdict.clone().map_err(Into::into),
                None => Err("was not evaluated".into()),
            }
        }));
    }
}
