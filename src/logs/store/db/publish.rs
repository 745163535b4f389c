//! What counts from now on: the manifest on the disk first, then what readers see, then files that nobody needs go.

use std::fs;
use std::sync::Arc;

use super::parts::{Absent, LivePart};
use super::{Core, StoreError, View};
use crate::logs::store::deletes::Compiled;
use crate::logs::store::manifest::{Found, Manifest};

/// Makes of the deletions that are not done those that are not done from now on.
pub(super) type ChangeDeletes<'c> = Box<dyn FnOnce(&[Arc<Compiled>]) -> Vec<Arc<Compiled>> + 'c>;

/// A change of what is live.
#[derive(Default)]
pub(super) struct Change<'c> {
    /// Parts that come, written and open.
    pub(super) added: Vec<LivePart>,
    /// Parts that count already and can be read from now on.
    pub(super) opened: Vec<LivePart>,
    /// Numbers of parts that go.
    pub(super) gone: Vec<u64>,
    /// Deletions that are in the files of parts that come, and must still be wanted.
    pub(super) applied: Vec<u64>,
    /// If deletions change, how.
    pub(super) deletes: Option<ChangeDeletes<'c>>,
    /// Whether the frozen memory is in the parts that come.
    pub(super) thawed: bool,
}

impl Core {
    /// Makes a change count. `edit` makes the rest of it in the manifest; parts are listed by this. On failure nothing changed,
    /// and parts that were to come are removed. That is so too, without failure, when parts come in place of others that
    /// were retired meanwhile, or without lines whose deletion was cancelled meanwhile.
    pub(super) fn publish(&self, mut change: Change<'_>, edit: impl FnOnce(&mut Manifest)) -> Result<(), StoreError> {
        let mut manifest = self.manifest.lock();
        let is_live = |id: &u64| manifest.parts.iter().any(|entry| entry.id == *id);
        let is_wanted = |id: &u64| self.view().deletes.iter().any(|delete| delete.deletion.id == *id);
        if (!change.added.is_empty() && !change.gone.iter().all(is_live)) || !change.applied.iter().all(is_wanted) {
            self.clean_up(&change, &manifest);
            return Ok(());
        }
        let mut next = manifest.clone();
        edit(&mut next);
        next.parts.retain(|entry| !change.gone.contains(&entry.id));
        next.parts.extend(change.added.iter().map(|part| part.entry));
        next.parts.sort_unstable_by_key(|entry| (entry.day, entry.id));
        next.trim();
        // Everything that could fail comes before the manifest is written: what it says and what readers see must not part.
        let before = self.view();
        let deletes_change = change.deletes.is_some();
        let deletes: Arc<[Arc<Compiled>]> = match change.deletes.take() {
            Some(make) => Arc::from(make(&before.deletes)),
            None => Arc::clone(&before.deletes),
        };
        let mut parts: Vec<Arc<LivePart>> = before.parts.iter().filter(|part| !change.gone.contains(&part.entry.id)).cloned().collect();
        // What was looked at stays as it is while deletions do.
        let known = if deletes_change { 0 } else { parts.len() };
        parts.extend(change.added.iter().chain(&change.opened).cloned().map(Arc::new));
        for part in &mut parts[known..] {
            *part = Arc::new(part.with_deletes(&deletes, &self.stop));
        }
        parts.sort_unstable_by_key(|part| (part.entry.day, part.entry.id));
        let is_absent = |id: u64| !change.gone.contains(&id) && change.opened.iter().all(|part| part.entry.id != id);
        let absent: Arc<[Absent]> = before.absent.iter().filter(|absent| is_absent(absent.entry.id)).cloned().collect();
        if let Err(error) = self.write_manifest(&next) {
            self.clean_up(&change, &manifest);
            return Err(error);
        }
        *manifest = next;
        let mut view = self.view.write();
        let frozen = view.frozen.clone().filter(|_| !change.thawed);
        *view = Arc::new(View { active: Arc::clone(&view.active), frozen, parts: Arc::from(parts), absent, deletes });
        drop(view);
        drop(manifest);
        before.parts.iter().filter(|part| change.gone.contains(&part.entry.id)).for_each(|part| part.retire());
        Ok(())
    }

    /// Writes the manifest. An error after which the new one is there all the same is none.
    fn write_manifest(&self, next: &Manifest) -> Result<(), StoreError> {
        let dir = &self.settings.dir;
        let written =
            self.step("write the manifest in").and_then(|()| next.write(dir).map_err(StoreError::io("write the manifest in", dir)));
        match written {
            Ok(()) => Ok(()),
            Err(_) if matches!(Manifest::read(dir), Ok(Found::Manifest(found)) if found == *next) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Removes parts that did not come to count; only if the manifest is known not to name them.
    fn clean_up(&self, change: &Change<'_>, manifest: &Manifest) {
        let is_as_before = match Manifest::read(&self.settings.dir) {
            Ok(Found::Manifest(found)) => found == *manifest,
            Ok(Found::Nothing) => true,
            Ok(Found::Damaged(_)) | Err(_) => false,
        };
        if is_as_before {
            for part in &change.added {
                drop(fs::remove_dir_all(part.path()));
            }
        }
    }
}
