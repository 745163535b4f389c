//! What must survive a restart: alerts, silences, the notification log, calm rules, who takes care, and the history. The only
//! place of the hall that knows SQL.
//!
//! Changes come as one batch, which is stored as a whole or not at all.

mod alerts;
mod calm;
mod history;
mod log;
mod notes;
pub mod rules;
mod silences;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::alerts::calm::{Handling, Named, Note};
use crate::alerts::model::history::{AlertChange, Telling};
use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::model::silence::Silence;
use crate::alerts::route::Entry;
use crate::platform::db::{Db, DbError};

pub use history::{Asked, HISTORY_LINES_MAX};

/// Lines of history that wait to be stored while the database fails; then the oldest go.
const LINES_WAITING_MAX: usize = 100_000;

/// Whose line of the notification log it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogKey {
    /// The receiver.
    pub receiver: Arc<str>,
    /// The channel's kind and number, as `slack[0]`.
    pub channel: Arc<str>,
    /// The group.
    pub group_key: Arc<str>,
}

/// A line of the notification log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// What was told.
    pub entry: Entry,
    /// When it may be forgotten, in milliseconds since the Unix epoch.
    pub expires_at: i64,
}

/// What is to be stored; nothing for what is to be removed.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Alerts by fingerprint.
    pub alerts: BTreeMap<u64, Option<RoutedAlert>>,
    /// Silences by name.
    pub silences: BTreeMap<String, Option<Silence>>,
    /// Lines of the notification log.
    pub log: HashMap<LogKey, Option<Logged>>,
    /// What was told.
    pub tellings: Vec<Telling>,
    /// How alerts changed.
    pub history: Vec<AlertChange>,
    /// Calm rules by name.
    pub calm: BTreeMap<String, Option<Named>>,
    /// Who takes care of alerts, by fingerprint.
    pub handlings: BTreeMap<u64, Option<Handling>>,
    /// What people did about alerts.
    pub notes: Vec<Note>,
}

impl Changes {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        let is_history_empty = self.tellings.is_empty() && self.history.is_empty() && self.notes.is_empty();
        let is_calm_empty = self.calm.is_empty() && self.handlings.is_empty();
        self.alerts.is_empty() && self.silences.is_empty() && self.log.is_empty() && is_history_empty && is_calm_empty
    }

    /// Takes back what could not be stored; what came since counts.
    pub fn put_back(&mut self, older: Self) {
        for (name, alert) in older.alerts {
            self.alerts.entry(name).or_insert(alert);
        }
        for (id, silence) in older.silences {
            self.silences.entry(id).or_insert(silence);
        }
        for (key, logged) in older.log {
            self.log.entry(key).or_insert(logged);
        }
        for (id, rule) in older.calm {
            self.calm.entry(id).or_insert(rule);
        }
        for (name, handling) in older.handlings {
            self.handlings.entry(name).or_insert(handling);
        }
        put_before(&mut self.notes, older.notes);
        put_before(&mut self.tellings, older.tellings);
        put_before(&mut self.history, older.history);
    }
}

fn put_before<T>(lines: &mut Vec<T>, mut older: Vec<T>) {
    older.append(lines);
    let surplus = older.len().saturating_sub(LINES_WAITING_MAX);
    older.drain(..surplus);
    *lines = older;
}

/// What was stored before a restart.
#[derive(Debug, Default)]
pub struct Kept {
    /// Alerts, as they were stored last.
    pub alerts: Vec<RoutedAlert>,
    /// Silences by name.
    pub silences: Vec<Silence>,
    /// The notification log.
    pub log: Vec<(LogKey, Logged)>,
    /// Calm rules.
    pub calm: Vec<Named>,
    /// Who takes care of alerts, by fingerprint.
    pub handlings: BTreeMap<u64, Handling>,
    /// What cannot be read any more and was left out, in words.
    pub odd: Vec<String>,
}

/// The tables of routing. Every call may block.
#[derive(Debug, Clone)]
pub struct Store {
    db: Arc<Db>,
}

impl Store {
    /// On the server's database.
    pub const fn new(db: Arc<Db>) -> Self {
        Self { db }
    }

    /// Everything that routing goes on with.
    ///
    /// # Errors
    /// The database's.
    pub fn load(&self) -> Result<Kept, DbError> {
        self.db.read(|db| {
            let mut kept = Kept::default();
            alerts::load(db, &mut kept)?;
            silences::load(db, &mut kept)?;
            log::load(db, &mut kept)?;
            calm::load(db, &mut kept)?;
            Ok(kept)
        })
    }

    /// Stores a batch, all of it or nothing.
    ///
    /// # Errors
    /// The database's.
    pub fn write(&self, changes: Arc<Changes>) -> Result<(), DbError> {
        self.db.write_blocking(move |tx| {
            alerts::write(tx, &changes.alerts)?;
            silences::write(tx, &changes.silences)?;
            log::write(tx, &changes.log)?;
            calm::write(tx, &changes.calm)?;
            calm::write_handlings(tx, &changes.handlings)?;
            notes::write(tx, &changes.notes)?;
            history::write(tx, &changes)
        })
    }

    /// What was told lately, newest first.
    ///
    /// # Errors
    /// The database's.
    pub fn tellings(&self, limit: usize) -> Result<Vec<Telling>, DbError> {
        self.db.read(|db| history::tellings(db, limit))
    }

    /// How alerts changed, newest first.
    ///
    /// # Errors
    /// The database's.
    pub fn changes(&self, asked: &Asked) -> Result<Vec<AlertChange>, DbError> {
        self.db.read(|db| history::changes(db, asked))
    }

    /// How alerts began and ended from an instant on (milliseconds since the Unix epoch), oldest first; the newest if there
    /// are very many.
    ///
    /// # Errors
    /// The database's.
    pub fn recent_turns(&self, from: i64) -> Result<Vec<AlertChange>, DbError> {
        self.db.read(|db| history::turns(db, from))
    }

    /// What was taken from an instant on, oldest first: when, the receiver, its channel; the newest if there are very many.
    ///
    /// # Errors
    /// The database's.
    pub fn recently_told(&self, from: i64) -> Result<Vec<(i64, String, String)>, DbError> {
        self.db.read(|db| history::told(db, from))
    }

    /// What people did about alerts from an instant on, newest first: of these alerts, or of all if there are none.
    ///
    /// # Errors
    /// The database's.
    pub fn notes(&self, fingerprints: &[u64], from: i64) -> Result<Vec<Note>, DbError> {
        self.db.read(|db| notes::read(db, fingerprints, from))
    }

    /// Forgets history from before an instant, and the oldest lines beyond the most that are kept.
    ///
    /// # Errors
    /// The database's.
    pub fn prune(&self, before: i64) -> Result<(), DbError> {
        self.db.write_blocking(move |tx| history::prune(tx, before, HISTORY_LINES_MAX))
    }
}

/// Names and values as a JSON object.
fn to_json<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    serde_json::to_string(&pairs.collect::<BTreeMap<_, _>>()).unwrap_or_default()
}

fn from_json(text: &str) -> Option<BTreeMap<String, String>> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests;
