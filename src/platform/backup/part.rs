//! The port through which wings take part in a backup.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::platform::disk::{DirLock, LockError};

/// What a wing, or the database, adds to a backup.
///
/// `stage` puts files, under the names that they have in the data folder, into an empty folder on the same disk, as they
/// are at one moment: everything that was acknowledged before the call is in them. What was put there must not change any
/// more; hard links of files that are only ever replaced are fine, and cost no space. Blocking.
pub trait Part: Send + Sync {
    /// A word for messages, such as `metrics`.
    fn name(&self) -> &'static str;
    /// Puts the files into `folder`.
    fn stage(&self, folder: &Path) -> Result<(), String>;
}

/// Files of a server that does not run: nothing changes them, so they are taken as they are.
#[derive(Debug)]
pub struct Stopped {
    name: &'static str,
    /// The data folder.
    data: PathBuf,
    /// What to take of it: a file or a folder.
    below: &'static str,
    /// Names that are left out wherever they stand.
    without: &'static [&'static str],
    /// Keeps servers away for as long as this lives.
    _lock: Option<DirLock>,
}

impl Stopped {
    /// Takes `below` of the data folder, without entries of these names. What is not there is nothing to take.
    pub fn new(name: &'static str, data: &Path, below: &'static str, without: &'static [&'static str]) -> Self {
        Self { name, data: data.to_owned(), below, without, _lock: None }
    }

    /// Takes a folder of a wing, whose lock keeps servers away meanwhile. A folder that is not there is nothing to take.
    ///
    /// # Errors
    /// When a server works on it.
    pub fn locked(name: &'static str, data: &Path, without: &'static [&'static str]) -> Result<Self, LockError> {
        let folder = data.join(name);
        let lock = if folder.is_dir() { Some(DirLock::take(&folder)?) } else { None };
        Ok(Self { _lock: lock, ..Self::new(name, data, name, without) })
    }

    fn take(&self, from: &Path, to: &Path) -> io::Result<()> {
        let kind = match fs::symlink_metadata(from) {
            Ok(meta) => meta.file_type(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if kind.is_file() {
            return link_or_copy(from, to);
        }
        if !kind.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            let text = name.to_string_lossy();
            if !self.without.contains(&&*text) && !text.ends_with(".tmp") {
                self.take(&from.join(&name), &to.join(&name))?;
            }
        }
        Ok(())
    }
}

impl Part for Stopped {
    fn name(&self) -> &'static str {
        self.name
    }

    fn stage(&self, folder: &Path) -> Result<(), String> {
        let from = self.data.join(self.below);
        self.take(&from, &folder.join(self.below)).map_err(|error| format!("{}: {error}", from.display()))
    }
}

/// A second name for a file, or a copy where the file system has none to give.
pub fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::CrossesDevices | io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied) =>
        {
            fs::copy(from, to).map(drop)
        }
        linked => linked,
    }
}
