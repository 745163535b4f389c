//! The wing's part of a backup: storage frozen at one moment.

use std::path::Path;
use std::sync::Arc;

use crate::base::clock::SystemClock;
use crate::logs::store::{Store, StoreSettings};
use crate::platform::backup::{Part, Stopped};
use crate::platform::disk::LockError;

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

/// The wing's part in a data folder that no server works on. A folder of a version without logs has none.
///
/// # Errors
/// When a server works on it.
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
    let settings = StoreSettings { background: false, reserve_bytes: 0, ..StoreSettings::new(folder) };
    let store = Store::open(settings, Arc::new(SystemClock::new())).map_err(|error| error.to_string())?;
    let status = store.status();
    store.close();
    match (status.set_aside.first(), status.background_error) {
        (None, None) => Ok(()),
        (None, Some(error)) => Err(error),
        (Some(first), _) => Err(format!("{} cannot be read: {}", first.path.display(), first.reason)),
    }
}
