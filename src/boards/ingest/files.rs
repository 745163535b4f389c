//! What lies in a folder of dashboards.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Most files of all folders.
const FILES_MAX: usize = 2_000;
/// Most folders inside of each other.
const DEPTH_MAX: usize = 7;

/// A file as its folder tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// Its path.
    pub(super) path: PathBuf,
    /// The folders between it and the one that is followed, from the outside.
    pub(super) inside: Vec<String>,
    /// Its size in bytes.
    pub(super) size: u64,
    /// Device, inode, and when it was written (ns).
    stamp: (u64, u64, i128),
}

/// The JSON files in a folder and those below it, in order. Blocking.
///
/// # Errors
/// In words, where the folder cannot be read or holds too many.
pub(super) fn look(folder: &Path) -> Result<Vec<Seen>, String> {
    let mut found = Vec::new();
    let mut open = vec![(folder.to_owned(), Vec::new())];
    while let Some((next, inside)) = open.pop() {
        let entries = std::fs::read_dir(&next).map_err(|error| format!("{} cannot be read: {error}", next.display()))?;
        for entry in entries {
            let path = entry.map_err(|error| format!("{} cannot be read: {error}", next.display()))?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else { continue };
            // Kubernetes keeps the files of a mounted map in folders that begin with two points.
            if name.starts_with('.') {
                continue;
            }
            let Ok(about) = std::fs::metadata(&path) else { continue };
            if about.is_dir() && inside.len() < DEPTH_MAX {
                let mut deeper: Vec<String> = inside.clone();
                deeper.push(name);
                open.push((path, deeper));
            } else if about.is_file() && path.extension().is_some_and(|end| end == "json") {
                if found.len() >= FILES_MAX {
                    return Err(format!("{} holds more than {FILES_MAX} dashboards", folder.display()));
                }
                let written = i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec());
                found.push(Seen { path, inside: inside.clone(), size: about.size(), stamp: (about.dev(), about.ino(), written) });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}
