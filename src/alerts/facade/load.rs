//! Reads rule files from disk, all of them or none.

use std::path::Path;

use crate::alerts::model::{Group, Language};
use crate::alerts::rules::{self, Options};
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::path;
use crate::platform::config::text_file;
use crate::platform::config::yaml::{FILE_BYTES_MAX, Position};
use crate::series::ports::{EvaluateError, Shape};

/// Most files that `rule_files` may name.
const FILES_MAX: usize = 10_000;

/// Reads a query of a language, or says what is wrong with it.
pub type ReadQuery = fn(Language, &str) -> Result<Shape, EvaluateError>;

/// Groups of rules, and what is odd about their files.
pub type Loaded = (Vec<Group>, Vec<Diagnostic>);

/// Reads the files that `patterns` name: paths, or globs in the last part, relative to the working folder. Keys that
/// nobody knows are mistakes, unless they are to be passed over (`ignore_unknown`).
///
/// # Errors
/// Every mistake found, in order of the files.
pub fn load(patterns: &[String], read_query: ReadQuery, ignore_unknown: bool) -> Result<Loaded, Vec<Diagnostic>> {
    let mut files: Vec<String> = Vec::new();
    let mut report = Report::new(Path::new("rule_files"));
    for pattern in patterns {
        match path::glob(pattern) {
            Ok(found) => files.extend(found),
            Err(error) => report.error(Position::default(), format!("{pattern}: {error}")),
        }
    }
    files.sort_unstable();
    files.dedup();
    if files.len() > FILES_MAX {
        report.error(Position::default(), format!("{} files are named, more than {FILES_MAX}", files.len()));
        files.clear();
    }
    let check = |language: Language, query: &str| read_query(language, query).err();
    let options = Options { check: &check, language: Language::PromQl, ignore_unknown };
    let mut groups = Vec::new();
    for file in &files {
        report.enter(Path::new(file));
        match text_file::read(Path::new(file), FILE_BYTES_MAX) {
            Ok(text) => groups.extend(rules::read(file, &text, &options, &mut report)),
            Err(error) => report.error(Position::default(), error),
        }
    }
    report.finish().map(|warnings| (groups, warnings))
}
