//! One process at a time on a data directory.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

/// Name of the lock file inside the directory. It stays behind; the lock itself ends with the process.
const LOCK_FILE: &str = "lock";

/// A held data directory; dropping it lets go.
#[derive(Debug)]
pub struct DirLock {
    file: File,
}

/// Why a directory could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process works on it.
    #[error("data directory {} is in use by another process", .0.display())]
    Held(PathBuf),
    /// The directory or its lock file cannot be made.
    #[error("cannot lock data directory {}", .0.display())]
    Io(PathBuf, #[source] io::Error),
}

impl DirLock {
    /// Creates the directory if needed and takes its lock without waiting. Also excludes a second taker of the same process.
    pub fn take(dir: &Path) -> Result<Self, LockError> {
        let failed = |error| LockError::Io(dir.to_owned(), error);
        fs::create_dir_all(dir).map_err(failed)?;
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(dir.join(LOCK_FILE)).map_err(failed)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(LockError::Held(dir.to_owned())),
            Err(error) => return Err(failed(error.into())),
        }
        // The number is for the operator who looks into the file; a full disk must not keep the process from starting.
        drop(file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())));
        Ok(Self { file })
    }
}

impl Drop for DirLock {
    fn drop(&mut self) {
        // A child process that is being started shares the file for a moment, which would hold the lock.
        let _ends_with_the_file_then = rustix::fs::flock(&self.file, FlockOperation::Unlock);
    }
}
