//! The wing's part of a backup: storage frozen at one moment.

use std::path::Path;
use std::sync::Arc;

use crate::base::clock::SystemClock;
use crate::logs::store::{Store, StoreSettings};
use crate::platform::backup::{Part, Stopped};
use crate::platform::disk::{DirLock, LockError};

/// Folder of the wing in the data folder, and in backups.
pub const FOLDER: &str = "logs";
/// What is in that folder and in no backup: the lock, and what was set aside.
const LEFT_OUT: [&str; 2] = ["lock", "quarantine"];

/// The part of an open wing.
pub(super) struct LogsPart {
    pub(super) store: Arc<Store>,
}

impl Part for LogsPart {
    fn name(&self) -> &'static str {
        FOLDER
    }

    fn stage(&self, folder: &Path) -> Result<(), String> {
        let to = folder.join(FOLDER);
        std::fs::create_dir_all(&to).map_err(|error| error.to_string())?;
        self.store.freeze(&to).map_err(|error| error.to_string())
    }
}

/// The part of a data folder that no server works on; the lock keeps servers away for as long as the part lives.
struct StoppedLogs {
    files: Stopped,
    _lock: Option<DirLock>,
}

impl Part for StoppedLogs {
    fn name(&self) -> &'static str {
        self.files.name()
    }

    fn stage(&self, folder: &Path) -> Result<(), String> {
        self.files.stage(folder)
    }
}

/// The wing's part in a data folder that no server works on. A folder of a version without logs has none.
///
/// # Errors
/// When a server works on it.
pub fn stopped_part(data: &Path) -> Result<Arc<dyn Part>, LockError> {
    let folder = data.join(FOLDER);
    let lock = if folder.is_dir() { Some(DirLock::take(&folder)?) } else { None };
    Ok(Arc::new(StoppedLogs { files: Stopped::new(FOLDER, data, FOLDER, &LEFT_OUT), _lock: lock }))
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
    let settings = StoreSettings { background: false, reserve_bytes: 0, ..StoreSettings::new(folder) };
    let store = Store::open(settings, Arc::new(SystemClock::new())).map_err(|error| error.to_string())?;
    let aside = store.status().set_aside;
    store.close();
    match aside.first() {
        None => Ok(()),
        Some(first) => Err(format!("{} cannot be read: {}", first.path.display(), first.reason)),
    }
}
