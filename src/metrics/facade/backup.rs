//! The wing's part of a backup: storage frozen at one moment, then pushed groups, totals of custom metrics, and how far
//! remote write is.

use std::path::Path;
use std::sync::Arc;

use super::{CUSTOM_FILE, PUSHED_DIR, REMOTE_WRITE_FILE};
use crate::base::clock::SystemClock;
use crate::metrics::store::{Store, StoreSettings};
use crate::platform::backup::{Part, Stopped};
use crate::platform::disk::LockError;

/// Folder of the wing in the data folder, and in backups.
pub const FOLDER: &str = "metrics";
/// What is in that folder and in no backup: the lock, files set aside, snapshots.
const LEFT_OUT: [&str; 3] = ["lock", "quarantine", "snapshots"];

/// The part of an open wing.
pub(super) struct MetricsPart {
    pub(super) store: Arc<Store>,
    pub(super) data_dir: std::path::PathBuf,
}

impl Part for MetricsPart {
    fn name(&self) -> &'static str {
        FOLDER
    }

    fn stage(&self, folder: &Path) -> Result<(), String> {
        let to = folder.join(FOLDER);
        self.store.freeze(&to).map_err(|error| error.to_string())?;
        // After storage: a total is written down before the sample that shows it.
        for name in [PUSHED_DIR, CUSTOM_FILE, REMOTE_WRITE_FILE] {
            copy(&self.data_dir.join(name), &to.join(name)).map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(())
    }
}

/// Copies a file or a folder of files, all of which may go or be replaced at any time. Copies, not links: one of them is
/// appended to.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let gone = |error: std::io::Error| if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) };
    if !from.is_dir() {
        return std::fs::copy(from, to).map(drop).or_else(gone);
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let name = entry?.file_name();
        if !name.to_string_lossy().ends_with(".tmp") {
            std::fs::copy(from.join(&name), to.join(&name)).map(drop).or_else(gone)?;
        }
    }
    Ok(())
}

/// The wing's part in a data folder that no server works on.
///
/// # Errors
/// When one does.
pub fn stopped_part(data: &Path) -> Result<Arc<dyn Part>, LockError> {
    Ok(Arc::new(Stopped::locked(FOLDER, data, &LEFT_OUT)?))
}

/// Opens the storage of a restored data folder once, to see that all of it can be read.
///
/// # Errors
/// A sentence that names what cannot.
pub fn check_restored(data: &Path) -> Result<(), String> {
    let folder = data.join(FOLDER);
    if !folder.is_dir() {
        return Ok(());
    }
    // Nothing is retired or merged by looking.
    let settings = StoreSettings { retention_ms: 0, background: false, reserve_bytes: 0, ..StoreSettings::new(folder) };
    let store = Store::open(settings, Arc::new(SystemClock::new())).map_err(|error| error.to_string())?;
    let aside = store.status().set_aside;
    store.close();
    match aside.first() {
        None => Ok(()),
        Some(first) => Err(format!("{} cannot be read: {}", first.path.display(), first.reason)),
    }
}
