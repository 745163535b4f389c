//! What is wrong, or only odd, about a configuration file, and where.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::yaml::Position;

/// Most errors, and most warnings, that one load reports; the rest is counted.
const DIAGNOSTICS_MAX: usize = 100;

/// A message about a place in a file. Shows as `file:line:column: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as it was named; for settings from elsewhere the flag or the variable.
    pub file: Arc<str>,
    /// Line, from 1; 0 if the message is about the file as a whole.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What was read and what is allowed.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file, self.message)
        } else {
            write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
        }
    }
}

/// Collects messages while a file is read.
#[derive(Debug, Clone)]
pub struct Report {
    file: Arc<str>,
    dir: PathBuf,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

impl Report {
    /// About the file at `path`; relative paths in it stand below its folder.
    pub fn new(path: &Path) -> Self {
        let mut report = Self { file: "".into(), dir: PathBuf::new(), errors: Vec::new(), warnings: Vec::new() };
        report.enter(path);
        report
    }

    /// Goes on with another file.
    pub fn enter(&mut self, path: &Path) {
        self.file = path.display().to_string().into();
        self.dir = match path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
            _ => PathBuf::from("."),
        };
    }

    /// The folder of the file.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file as it was named.
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// Something that makes the file unusable.
    pub fn error(&mut self, at: Position, message: impl Into<String>) {
        let diagnostic = self.diagnostic(at, message.into());
        push_bounded(&mut self.errors, diagnostic);
    }

    /// Something to know.
    pub fn warn(&mut self, at: Position, message: impl Into<String>) {
        let diagnostic = self.diagnostic(at, message.into());
        push_bounded(&mut self.warnings, diagnostic);
    }

    /// Whether the file is unusable.
    pub fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// How many errors there are so far.
    pub fn errors_len(&self) -> usize {
        self.errors.len()
    }

    /// The warnings if there is no error, otherwise the errors; in order of the file.
    pub fn finish(mut self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let by_place = |a: &Diagnostic, b: &Diagnostic| (&a.file == &b.file).then(|| (a.line, a.column).cmp(&(b.line, b.column)));
        let order = |list: &mut Vec<Diagnostic>| list.sort_by(|a, b| by_place(a, b).unwrap_or(std::cmp::Ordering::Equal));
        if self.errors.is_empty() {
            order(&mut self.warnings);
            return Ok(self.warnings);
        }
        order(&mut self.errors);
        Err(self.errors)
    }

    fn diagnostic(&self, at: Position, message: String) -> Diagnostic {
        Diagnostic { file: self.file.clone(), line: at.line, column: at.column, message }
    }
}

fn push_bounded(list: &mut Vec<Diagnostic>, diagnostic: Diagnostic) {
    if list.len() < DIAGNOSTICS_MAX {
        list.push(diagnostic);
    } else if list.len() == DIAGNOSTICS_MAX {
        let message = "and more like these".to_owned();
        list.push(Diagnostic { file: diagnostic.file, line: 0, column: 0, message });
    }
}
