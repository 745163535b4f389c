//! Files that are not whole yet. A lock says that somebody still writes one, so that what a killed process left can be
//! told from what another one is at, and be cleared away.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::service::{FILE_BEGINNING, FILE_END};

/// What a file is called until it is whole.
const PARTIAL_END: &str = ".partial";
/// How often a file is made again that was cleared away before it was locked.
const TRIES: usize = 10;

/// A file that is not whole; it goes unless [`Partial::finish`] gives it its name.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    /// Holds the lock.
    file: File,
}

impl Partial {
    /// Begins a file that is to become `target`, for its owner alone: hashes of passwords and tokens are in it. What a
    /// killed process left under its name is overwritten.
    ///
    /// # Errors
    /// `ResourceBusy` while another process writes it.
    pub fn create(target: &Path) -> io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let mut name = target.as_os_str().to_owned();
        name.push(PARTIAL_END);
        let path = PathBuf::from(name);
        for _ in 0..TRIES {
            let file = File::options().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
            match file.try_lock() {
                // Some network file systems know no locks; there nobody clears up either.
                Ok(()) | Err(TryLockError::Error(_)) => {}
                Err(TryLockError::WouldBlock) => break,
            }
            if is_at(&file, &path) {
                file.set_len(0)?;
                return Ok(Self { path, file });
            }
        }
        Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process is writing it"))
    }

    /// What to write to.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name.
    pub fn finish(self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)
    }

    /// Removes the partial backups of a folder that nobody writes any more, and gives how many. Touches only plain files
    /// with the names that backups have.
    pub fn clear_away(folder: &Path) -> usize {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter(|entry| is_own(&entry.file_name().to_string_lossy()) && remove_abandoned(&entry.path())).count()
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After a success there is nothing under this name.
        if is_at(&self.file, &self.path) {
            let _gone_already = fs::remove_file(&self.path).is_err();
        }
    }
}

fn is_own(name: &str) -> bool {
    name.strip_suffix(PARTIAL_END).is_some_and(|whole| whole.starts_with(FILE_BEGINNING) && whole.ends_with(FILE_END))
}

/// Whether a path still leads to a file that was opened by it.
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let same = |ours: &fs::Metadata, there: &fs::Metadata| (ours.dev(), ours.ino()) == (there.dev(), there.ino());
    matches!((file.metadata(), fs::symlink_metadata(path)), (Ok(ours), Ok(there)) if same(&ours, &there))
}

fn remove_abandoned(path: &Path) -> bool {
    let is_file = fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    let Some(file) = is_file.then(|| File::open(path).ok()).flatten() else { return false };
    // Held until it is gone, so that nobody begins to write it meanwhile.
    file.try_lock().is_ok() && is_at(&file, path) && fs::remove_file(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_goes_and_what_is_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let written = Partial::create(&at("pharos-20261121T000000Z.tar.zst")).unwrap();
        for name in
            ["pharos-20261120T000000Z.tar.zst.partial", "pharos-1.tar.zst.partial", "film.partial", "pharos-x.partial", "pharos-1.tar.zst"]
        {
            fs::write(at(name), "x").unwrap();
        }
        std::os::unix::fs::symlink(at("film.partial"), at("pharos-2.tar.zst.partial")).unwrap();
        assert_eq!(Partial::clear_away(folder.path()), 2);
        let mut left: Vec<String> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        let stay =
            ["film.partial", "pharos-1.tar.zst", "pharos-2.tar.zst.partial", "pharos-20261121T000000Z.tar.zst.partial", "pharos-x.partial"];
        assert_eq!(left, stay);
        written.finish(&at("pharos-20261121T000000Z.tar.zst")).unwrap();
        assert!(at("pharos-20261121T000000Z.tar.zst").exists() && !at("pharos-20261121T000000Z.tar.zst.partial").exists());
        assert_eq!(Partial::clear_away(&at("nowhere")), 0);
    }

    #[test]
    fn a_file_has_one_writer() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("b");
        let first = Partial::create(&target).unwrap();
        assert_eq!(Partial::create(&target).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        drop(first);
        assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "what was not finished goes");
        fs::write(folder.path().join("b.partial"), "left by a killed one").unwrap();
        let again = Partial::create(&target).unwrap();
        assert_eq!(again.file().metadata().unwrap().len(), 0);
    }
}
