//! The file of checks that somebody keeps beside the configuration: read as a whole, with where it is.

use std::path::Path;

use super::file::{self, ChecksFile};
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::text_file;
use crate::platform::config::yaml::{FILE_BYTES_MAX, Position};

/// A file of checks, and where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptChecks {
    /// Where it is, as it was named.
    pub path: String,
    /// What stands in it.
    pub file: ChecksFile,
}

impl KeptChecks {
    /// Reads it, with what is odd about it. Blocking.
    ///
    /// # Errors
    /// Everything that is wrong with it, with its place.
    pub fn load(path: &Path) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        let text = text_file::read(path, FILE_BYTES_MAX).map_err(|why| {
            let mut report = Report::new(path);
            report.error(Position::default(), format!("cannot read the checks: {why}"));
            report.finish().err().unwrap_or_default()
        })?;
        let (file, odd) = file::read(&text, path)?;
        Ok((Self { path: path.to_string_lossy().into_owned(), file }, odd))
    }
}
