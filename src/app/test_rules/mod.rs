//! `pharos test rules`: unit tests of rules in promtool's format, on our own engines, in memory, with time made up.
//!
//! [`file`] reads tests, [`bench`] plays one, [`told`] holds what came out against what was expected, in promtool's words.

mod bench;
mod file;
#[cfg(test)]
mod tests;
mod told;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use regex::Regex;

use super::ruling::read_query;
use crate::alerts::load;
use crate::platform::config::diagnostic::Report;
use crate::platform::config::path;
use crate::platform::config::text_file;

/// Most bytes of a file with tests.
const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Debug, Clone, Args)]
pub(super) struct TestRulesArgs {
    /// Files with tests, in promtool's format.
    #[arg(required = true)]
    pub(super) files: Vec<PathBuf>,
    /// Run only tests whose name fits this regular expression. May be given more than once.
    #[arg(long, value_name = "REGEX")]
    pub(super) run: Vec<String>,
    /// Show what differs as a list of missing (-) and unexpected (+) lines.
    #[arg(long)]
    pub(super) diff: bool,
    /// Say which test begins, and show all series at the end of each.
    #[arg(long)]
    pub(super) debug: bool,
    /// Pass over keys that nobody knows, in rules and tests.
    #[arg(long)]
    pub(super) ignore_unknown_fields: bool,
}

/// Runs all tests of all files; what fails goes to `err`.
pub(super) fn run(args: &TestRulesArgs, out: &mut impl Write, err: &mut impl Write) -> anyhow::Result<()> {
    let only = if args.run.is_empty() { None } else { Some(Regex::new(&args.run.join("|")).context("--run is no regular expression")?) };
    let mut failed = 0;
    for file in &args.files {
        writeln!(out, "Unit Testing:  {}", file.display())?;
        let errors = run_file(file, args, only.as_ref(), out)?;
        if errors.is_empty() {
            writeln!(out, "  SUCCESS")?;
        } else {
            failed += 1;
            out.flush()?;
            writeln!(err, "  FAILED:")?;
            for error in &errors {
                writeln!(err, "{error}")?;
            }
            err.flush()?;
        }
        writeln!(out)?;
    }
    ensure!(failed == 0, "{failed} of {} files have tests that fail", args.files.len());
    Ok(())
}

/// What is wrong with a file or the rules in it.
fn run_file(file: &Path, args: &TestRulesArgs, only: Option<&Regex>, out: &mut impl Write) -> anyhow::Result<Vec<String>> {
    let text = match text_file::read(file, FILE_BYTES_MAX) {
        Ok(text) => text,
        Err(error) => return Ok(vec![format!("{}: {error}", file.display())]),
    };
    let mut report = Report::new(file);
    let tests = file::read(&text, args.ignore_unknown_fields, &mut report);
    if let Err(errors) = report.finish() {
        return Ok(errors.iter().map(ToString::to_string).collect());
    }
    let mut rule_files = Vec::new();
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for pattern in &tests.rule_files {
        let pattern = path::join(folder, pattern);
        match path::glob(&pattern) {
            Ok(found) if found.is_empty() => writeln!(out, "  WARNING: no file match pattern {pattern}")?,
            Ok(found) => rule_files.extend(found),
            Err(error) => return Ok(vec![format!("{pattern}: {error}")]),
        }
    }
    let groups = match load(&rule_files, read_query, args.ignore_unknown_fields) {
        Ok((groups, _)) => groups,
        Err(errors) => return Ok(errors.iter().map(ToString::to_string).collect()),
    };
    let mut errors = Vec::new();
    for (number, test) in tests.tests.iter().enumerate() {
        if only.is_some_and(|only| !only.is_match(&test.name)) {
            continue;
        }
        if args.debug {
            let name = if test.name.is_empty() { format!("unnamed#{number}") } else { test.name.clone() };
            writeln!(out, "DEBUG: Starting test {name}")?;
        }
        match bench::Bench::new(&tests, test, &groups) {
            Ok(bench) => {
                errors.extend(bench.play(args.diff));
                if args.debug {
                    writeln!(out, "{}", bench.dump())?;
                }
            }
            Err(error) => errors.push(error),
        }
    }
    Ok(errors)
}
