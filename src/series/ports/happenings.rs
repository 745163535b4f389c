//! What was marked in time, and marking it.

use std::future::Future;
use std::pin::Pin;

use crate::base::time::TimeRange;

/// Something that people or programs marked in time: a deploy, an outage, a note. Times are milliseconds since the Unix
/// epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// From when.
    pub at: i64,
    /// Until when; the same where it is an instant.
    pub until: i64,
    /// What it says.
    pub text: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Who marked it.
    pub by: String,
    /// Where it is read about, as a path on this server; empty for nowhere.
    pub path: String,
}

/// Says what was marked in time. Blocking.
pub trait Happenings: Send + Sync {
    /// What touches a range, the newest first, at most so much; or why that is not known.
    fn within(&self, range: TimeRange, limit: usize) -> Result<Vec<Happening>, String>;
}

/// Marks something in time.
pub trait Mark: Send + Sync {
    /// Keeps what happened; or says why not.
    fn mark(&self, happening: Happening) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>>;

    /// Forgets what was marked at an instant with a text and all of some tags; whether there was such a thing.
    fn forget(&self, happening: Happening) -> Pin<Box<dyn Future<Output = Result<bool, String>> + Send + '_>>;
}
