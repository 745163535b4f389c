//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{BlockError, TMP_SUFFIX};

/// Waits until the entries of a folder are on disk.
pub(super) fn sync_dir(dir: &Path) -> Result<(), BlockError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(BlockError::io("sync", dir))
}

/// Replaces a file: whoever reads it, or starts after a crash, sees the old or the new content.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), BlockError> {
    let tmp = tmp_path(path);
    let mut file = File::create(&tmp).map_err(BlockError::io("create", &tmp))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(BlockError::io("write", &tmp))?;
    fs::rename(&tmp, path).map_err(BlockError::io("rename", &tmp))?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// The name under which something is written before it is renamed.
pub(super) fn tmp_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(TMP_SUFFIX);
    PathBuf::from(name)
}
