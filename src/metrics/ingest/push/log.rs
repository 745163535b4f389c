//! Where groups survive a restart: one small file a group, replaced as a whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const SUFFIX: &str = "group";

/// Keeps encoded groups by key.
pub trait GroupLog: Send + Sync {
    /// Everything kept.
    fn load(&self) -> io::Result<Vec<Vec<u8>>>;
    /// Writes a group beside the one before. When this returns, [`Self::commit`] needs no room.
    fn prepare(&self, key: &str, bytes: &[u8]) -> io::Result<()>;
    /// Keeps what was prepared in place of the one before. When this returns it survives a crash.
    fn commit(&self, key: &str) -> io::Result<()>;
    /// Forgets what was prepared, if it still is.
    fn discard(&self, key: &str);
    /// Forgets a group; it is no error when there is none.
    fn remove(&self, key: &str) -> io::Result<()>;
}

/// Files in a folder.
#[derive(Debug)]
pub struct FolderLog {
    folder: PathBuf,
}

impl FolderLog {
    /// In `folder`, which is made if it is not there.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    fn prepared(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.tmp"))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

impl GroupLog for FolderLog {
    fn load(&self) -> io::Result<Vec<Vec<u8>>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some(SUFFIX) => found.push(fs::read(&path)?),
                // What a crash left half written was never acknowledged.
                Some("tmp") => fs::remove_file(&path)?,
                _ => {}
            }
        }
        Ok(found)
    }

    fn prepare(&self, key: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create(self.prepared(key))?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        // Half a file takes room that a full disk needs.
        written.inspect_err(|_| self.discard(key))
    }

    fn commit(&self, key: &str) -> io::Result<()> {
        fs::rename(self.prepared(key), self.folder.join(format!("{key}.{SUFFIX}")))?;
        self.sync_folder()
    }

    fn discard(&self, key: &str) {
        match fs::remove_file(self.prepared(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => tracing::warn!(%error, "a pushed group that was refused stays beside"),
            _ => {}
        }
    }

    fn remove(&self, key: &str) -> io::Result<()> {
        match fs::remove_file(self.folder.join(format!("{key}.{SUFFIX}"))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => self.sync_folder(),
        }
    }
}
