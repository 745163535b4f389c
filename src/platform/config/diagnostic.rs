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

/// Each in a line of its own.
pub fn lines(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Collects messages while a file is read.
#[derive(Debug, Clone)]
pub struct Report {
    file: Arc<str>,
    dir: PathBuf,
    errors: Bounded,
    warnings: Bounded,
    /// Keys that were asked for, by section, where somebody wants to know.
    recorded: Option<Vec<(String, Vec<&'static str>)>>,
}

impl Report {
    /// About the file at `path`; relative paths in it stand below its folder.
    pub fn new(path: &Path) -> Self {
        let mut report =
            Self { file: "".into(), dir: PathBuf::new(), errors: Bounded::default(), warnings: Bounded::default(), recorded: None };
        report.enter(path);
        report
    }

    /// Also remembers which keys are asked for.
    #[must_use]
    pub fn recording(mut self) -> Self {
        self.recorded = Some(Vec::new());
        self
    }

    /// Whether it does.
    pub fn is_recording(&self) -> bool {
        self.recorded.is_some()
    }

    /// Remembers a key, once.
    pub fn record(&mut self, section: &str, key: &'static str) {
        let Some(all) = &mut self.recorded else { return };
        match all.iter_mut().find(|(name, _)| name == section) {
            Some((_, keys)) if keys.contains(&key) => {}
            Some((_, keys)) => keys.push(key),
            None => all.push((section.to_owned(), vec![key])),
        }
    }

    /// Keys that were asked for, by section, in order of asking.
    pub fn recorded(self) -> Vec<(String, Vec<&'static str>)> {
        self.recorded.unwrap_or_default()
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
        self.errors.push(diagnostic);
    }

    /// Something to know.
    pub fn warn(&mut self, at: Position, message: impl Into<String>) {
        let diagnostic = self.diagnostic(at, message.into());
        self.warnings.push(diagnostic);
    }

    /// Whether the file is unusable.
    pub fn has_errors(&self) -> bool {
        !self.errors.kept.is_empty()
    }

    /// How many errors there are so far.
    pub fn errors_len(&self) -> usize {
        self.errors.kept.len() + self.errors.more
    }

    /// The warnings if there is no error, otherwise the errors; file by file in order of lines.
    ///
    /// # Errors
    /// The errors, if there are any.
    pub fn finish(self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let in_order = |mut list: Bounded| {
            let files: Vec<Arc<str>> = list.kept.iter().map(|diagnostic| diagnostic.file.clone()).collect();
            let file_order = |file: &Arc<str>| files.iter().position(|first| first == file);
            list.kept.sort_by_cached_key(|diagnostic| (file_order(&diagnostic.file), diagnostic.line, diagnostic.column));
            if list.more > 0 {
                let message = format!("and {} more like these", list.more);
                list.kept.push(Diagnostic { file: self.file.clone(), line: 0, column: 0, message });
            }
            list.kept
        };
        if self.errors.kept.is_empty() { Ok(in_order(self.warnings)) } else { Err(in_order(self.errors)) }
    }

    fn diagnostic(&self, at: Position, message: String) -> Diagnostic {
        Diagnostic { file: self.file.clone(), line: at.line, column: at.column, message }
    }
}

/// Messages, of which the first ones are kept and the rest is counted.
#[derive(Debug, Clone, Default)]
struct Bounded {
    kept: Vec<Diagnostic>,
    more: usize,
}

impl Bounded {
    fn push(&mut self, diagnostic: Diagnostic) {
        if self.kept.len() < DIAGNOSTICS_MAX {
            self.kept.push(diagnostic);
        } else {
            self.more += 1;
        }
    }
}
