//! Checks of a file: what stands in it is watched, what stands in it no longer is paused and may be changed in the browser.

use std::collections::BTreeSet;

use super::{CheckId, Desk, PlanError, PutError};
use crate::platform::config::yaml::Node;
use crate::uptime::config::KeptChecks;
use crate::uptime::config::file::{self, Defined};
use crate::uptime::store::{NotStored, Stored};

/// Why a file is not followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// Its checks.
    #[error(transparent)]
    Checks(#[from] PutError),
    /// Its maintenance.
    #[error("maintenance: {0}")]
    Maintenance(#[from] PlanError),
}

impl FollowError {
    /// Whether another try may go better.
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Checks(PutError::NotStored(NotStored::Db(_))) | Self::Maintenance(PlanError::Db(_)))
    }
}

/// What following a file did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Followed {
    /// Checks that are new, or not the same as before.
    pub changed: usize,
    /// Checks that stand in the file no longer: they are paused.
    pub released: usize,
}

impl Desk {
    /// Does what a file says; without one nothing comes from a file any more. A check that was made by hand under the same
    /// name goes on as the file's, with its past.
    ///
    /// # Errors
    /// What does not fit to other checks, or the database's.
    pub async fn follow(&self, file: Option<&KeptChecks>) -> Result<Followed, FollowError> {
        let followed = self.follow_checks(file).await?;
        let path = file.map(|kept| kept.path.as_str()).unwrap_or_default();
        let of_others: BTreeSet<String> = self.planned().iter().map(|planned| self.file_of_maintenance(planned.id)).collect();
        for other in of_others.iter().filter(|other| !other.is_empty() && *other != path) {
            self.plan_file(other, &[]).await?;
        }
        if let Some(kept) = file {
            self.plan_file(path, &kept.file.maintenance).await?;
        }
        Ok(followed)
    }

    /// Its checks, all of them or none.
    async fn follow_checks(&self, kept: Option<&KeptChecks>) -> Result<Followed, PutError> {
        let _one_at_a_time = self.changing.lock().await;
        let now = self.clock.now_ms();
        let (mut changed, mut released) = (Vec::new(), Vec::new());
        {
            let known = self.known.lock();
            for defined in kept.iter().flat_map(|kept| &kept.file.checks) {
                let before = known.values().find(|(stored, _)| stored.name == defined.check.name);
                let defined = super::with_token(defined.clone(), before.map(|(_, defined)| defined))?;
                let path = kept.map(|file| file.path.as_str()).unwrap_or_default();
                if before.is_some_and(|(stored, before)| stored.file == path && before.check == defined.check) {
                    continue;
                }
                changed.push((stored_of(&defined, path, before.map(|(stored, _)| stored), now), defined));
            }
            let stands = |name: &str| kept.is_some_and(|kept| kept.file.checks.iter().any(|defined| defined.check.name == name));
            for (stored, defined) in known.values().filter(|(stored, _)| !stored.file.is_empty() && !stands(&stored.name)) {
                let mut paused = defined.clone();
                paused.set("paused", Some(Node::bare(true)));
                let paused = file::read_one(&paused.definition(), None).map_err(PutError::Wrong)?;
                released.push((stored_of(&paused, "", Some(stored), now), paused));
            }
        }
        self.fit_together(changed.iter().map(|(_, defined)| &defined.check))?;
        let followed = Followed { changed: changed.len(), released: released.len() };
        changed.append(&mut released);
        let ids = self.store.put_checks(changed.iter().map(|(stored, _)| stored.clone()).collect()).await?;
        for (id, (mut stored, defined)) in ids.into_iter().zip(changed) {
            stored.id = id;
            self.keep(id, stored, defined);
        }
        Ok(followed)
    }

    /// The file that a check stands in, if it stands in one: there it is changed.
    pub fn file_of(&self, id: CheckId) -> Option<String> {
        let known = self.known.lock();
        known.get(&id).map(|(stored, _)| stored.file.clone()).filter(|file| !file.is_empty())
    }
}

fn stored_of(defined: &Defined, path: &str, before: Option<&Stored>, now: i64) -> Stored {
    Stored {
        id: before.map_or(0, |before| before.id),
        name: defined.check.name.clone(),
        definition: defined.definition(),
        file: path.to_owned(),
        made_at: before.map_or(now, |before| before.made_at),
        changed_at: now,
    }
}
