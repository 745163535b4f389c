//! What forms ask of the desk: a draft looked at without keeping it, many checks changed at once in what every kind has.

use super::{CheckId, Desk, NotStored, PutError, Stored, Window};
use crate::platform::config::yaml::Node;
use crate::platform::db::DbError;
use crate::uptime::config::file::{self, Defined};
use crate::uptime::model::beat::{HOUR, Hour};

/// A change of what every kind of check has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amend {
    /// Nobody wants to know any more, or again.
    Pause(bool),
    /// How often it is probed, as it was written.
    Interval(String),
    /// How many failures after the first, as it was written.
    Retries(String),
    /// The label `severity` of its alerts.
    Severity(String),
    /// A label and its value; none takes it away.
    Label(String, Option<String>),
    /// What there is to know about it.
    Note(String),
}

impl Amend {
    fn apply(&self, defined: &mut Defined) {
        match self {
            Self::Pause(is_paused) => defined.set("paused", is_paused.then(|| Node::bare(true))),
            Self::Interval(text) => defined.set("interval", Some(Node::bare(text))),
            Self::Retries(text) => defined.set("retries", Some(Node::bare(text))),
            Self::Severity(word) => defined.set("severity", Some(Node::text(word.as_str()))),
            Self::Label(name, value) => defined.set_label(name, value.as_deref()),
            Self::Note(text) => defined.set("note", (!text.is_empty()).then(|| Node::text(text.as_str()))),
        }
    }
}

impl Desk {
    /// Reads a draft of a check, new or another `id`, without keeping it. Where it says `<secret>`, what the check `like`
    /// has there is meant.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn look(&self, id: Option<CheckId>, like: Option<CheckId>, text: &str) -> Result<Defined, PutError> {
        let before = like.or(id).and_then(|id| self.known.lock().get(&id).map(|(_, defined)| defined.clone()));
        let defined = file::read_one(text, before.as_ref()).map_err(PutError::Wrong)?;
        self.fits(id, &defined.check)?;
        Ok(defined)
    }

    /// Changes checks alike, all or none.
    ///
    /// # Errors
    /// What is wrong with one of them afterwards.
    pub async fn amend(&self, ids: &[CheckId], change: &Amend) -> Result<(), PutError> {
        let _one_at_a_time = self.changing.lock().await;
        let now = self.clock.now_ms();
        let mut changed: Vec<(Stored, Defined)> = Vec::with_capacity(ids.len());
        for id in ids {
            let known = self.known.lock().get(id).cloned();
            let (stored, mut defined) = known.ok_or(NotStored::Unknown)?;
            if !stored.file.is_empty() {
                return Err(PutError::InFile(stored.file));
            }
            change.apply(&mut defined);
            let defined = file::read_one(&defined.definition(), None).map_err(PutError::Wrong)?;
            changed.push((Stored { definition: defined.definition(), changed_at: now, ..stored }, defined));
        }
        self.store.put_checks(changed.iter().map(|(stored, _)| stored.clone()).collect()).await?;
        for (stored, defined) in changed {
            self.keep(stored.id, stored, defined);
        }
        Ok(())
    }

    /// Deletes checks and everything that is known of them, all or none.
    ///
    /// # Errors
    /// One stands in a file, or a file names it, or the database's.
    pub async fn delete_all(&self, ids: &[CheckId]) -> Result<(), PutError> {
        let _one_at_a_time = self.changing.lock().await;
        if let Some(file) = ids.iter().find_map(|id| self.file_of(*id)) {
            return Err(PutError::InFile(file));
        }
        let others = self.without(&ids.iter().copied().collect(), self.clock.now_ms())?;
        self.store.put_checks(others.iter().map(|(stored, _)| stored.clone()).collect()).await?;
        self.keep_all(others);
        self.store.delete_checks(ids.to_vec()).await.map_err(NotStored::Db)?;
        for id in ids {
            self.watcher.forget(*id);
            self.known.lock().remove(id);
        }
        Ok(())
    }

    /// The hours of a check that touch a range, ascending. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn hours(&self, id: CheckId, range: Window) -> Result<Vec<Hour>, DbError> {
        self.store.hours(id, range.from.div_euclid(HOUR), range.until.div_euclid(HOUR) + 1)
    }
}
