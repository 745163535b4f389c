//! The disk as storage engines need it: a locked data directory, durable files, write-ahead logs, free space, threads in the
//! background, faults on demand.

mod faults;
mod lock;
pub mod log;
pub mod rounds;
mod state;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use faults::{DiskHook, SharedHook};
pub use lock::{DirLock, LockError};
pub use state::{SetAside, WriteState};

/// Makes creations, renames and removals in a directory durable.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Replaces a file as a whole: after a crash there is the old content or the new one, never a mixture.
///
/// Writes beside it, syncs, renames and syncs the directory.
pub fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let beside = temporary_beside(path);
    let written = write_synced(&beside, content).and_then(|()| fs::rename(&beside, path));
    if let Err(error) = written {
        // The first error is the one to report; a leftover is removed by the next attempt.
        drop(fs::remove_file(&beside));
        return Err(error);
    }
    match path.parent() {
        Some(dir) => sync_dir(dir),
        None => Ok(()),
    }
}

/// The name under which a file is written before it takes its place: `name.tmp`.
pub fn temporary_beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}

/// Bytes an unprivileged process can still write on the file system of `path`.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Size of the filesystem that holds a path as `df` counts it: bytes in use and bytes that an unprivileged process can
/// still write. What is kept back for others is nobody's to fill.
pub fn total_bytes(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    let used = stat.f_blocks.saturating_sub(stat.f_bfree);
    Ok(used.saturating_add(stat.f_bavail).saturating_mul(stat.f_frsize))
}

/// Bytes of all files below a directory; what cannot be read counts as nothing.
pub fn dir_bytes(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => dir_bytes(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_a_file_as_a_whole() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("state");
        replace_file(&path, b"one").expect("write");
        replace_file(&path, b"two").expect("replace");
        assert_eq!(fs::read(&path).expect("read"), b"two");
        assert!(!temporary_beside(&path).exists());
        assert!(replace_file(&dir.path().join("absent/state"), b"x").is_err());
        assert_eq!(dir_bytes(dir.path()), 3);
        assert!(free_bytes(dir.path()).expect("statvfs") > 0);
    }

    #[test]
    fn only_one_process_has_the_directory() {
        let dir = tempfile::tempdir().expect("dir");
        let held = DirLock::take(dir.path()).expect("free");
        assert!(matches!(DirLock::take(dir.path()), Err(LockError::Held(_))));
        drop(held);
        assert!(DirLock::take(dir.path()).is_ok());
    }
}
