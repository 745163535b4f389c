//! What must survive a restart: checks, spans, hours, days, incidents. The only place of the wing that knows SQL, that of
//! another program's database included.
//!
//! Spans are kept for [`SPANS_KEPT_DAYS`], hours for [`HOURS_KEPT_DAYS`]; days and incidents stay for [`DAYS_KEPT`].

mod books;
mod checks;
mod drafts;
mod followers;
pub mod kuma;
mod maintenance;
mod pages;
mod past;
mod reports;

use std::sync::Arc;

use crate::platform::db::Db;

pub use books::Written;
pub use checks::{NotStored, Stored};
pub use drafts::{StoredDraft, StoredTemplate};
pub use followers::{Added, FOLLOWERS_MAX, Follower, Telling};
pub use maintenance::{MAINTENANCE_MAX, StoredMaintenance};
pub use pages::{StoredPage, StoredPost, StoredUpdate};
pub use reports::READERS_MAX;

/// Days for which spans are kept: a year, and what a month's report of last year needs.
pub const SPANS_KEPT_DAYS: i64 = 400;
/// Days for which hours are kept: three months, and a little.
pub const HOURS_KEPT_DAYS: i64 = 100;
/// Days for which days and incidents are kept.
pub const DAYS_KEPT: i64 = 5 * 366;

/// The tables of the wing.
#[derive(Debug, Clone)]
pub struct Store {
    db: Arc<Db>,
}

impl Store {
    /// In the server's database.
    pub const fn new(db: Arc<Db>) -> Self {
        Self { db }
    }
}

#[cfg(test)]
mod tests;
