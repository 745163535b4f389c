//! Why a part could not be written or read.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::cancel::Stop;
use crate::logs::model::read::SelectLinesError;

/// Why a part could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// The disk refused.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not what was written.
    #[error("{} is damaged: {what}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// A file of a version that this program does not know.
    #[error("{} has format version {found}; this program reads version 1", .path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The lines handed over are not in order, or one is too long: a mistake of the caller.
    #[error("cannot write a part: {0}")]
    Input(&'static str),
    /// A file would grow beyond what its format can hold.
    #[error("cannot write {}: {what}", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is too much.
        what: &'static str,
    },
    /// The work was stopped.
    #[error("stopped")]
    Stopped(Stop),
}

impl PartError {
    /// For `map_err`: the disk refused.
    pub(super) fn io<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    /// A file is not what was written.
    pub(super) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.into() }
    }
}

impl From<Stop> for PartError {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

impl From<PartError> for SelectLinesError {
    fn from(error: PartError) -> Self {
        match error {
            PartError::Stopped(stop) => Self::Stopped(stop),
            other => Self::Storage(Arc::from(other.to_string())),
        }
    }
}
