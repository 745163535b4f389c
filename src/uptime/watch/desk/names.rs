//! Checks name each other, as parents and as members: where one gets another name or goes, the others go along.

use super::{CheckId, Defined, Desk, PutError, Stored};

impl Desk {
    /// The checks that name one, as they are when that has another name, or (none) is no more. A group without any other
    /// member keeps its last.
    ///
    /// # Errors
    /// A file names it, and is changed by hand only.
    pub(super) fn naming(&self, old: &str, new: Option<&str>, now: i64) -> Result<Vec<(Stored, Defined)>, PutError> {
        let known = self.known.lock();
        let mut changed = Vec::new();
        for (stored, defined) in known.values() {
            let Some(defined) = defined.naming(old, new) else { continue };
            if !stored.file.is_empty() {
                return Err(PutError::Unfit(format!("name: the check {:?} of the file {} names {old:?}", stored.name, stored.file)));
            }
            changed.push((Stored { definition: defined.definition(), changed_at: now, ..stored.clone() }, defined));
        }
        Ok(changed)
    }

    /// Keeps those that went along.
    pub(super) fn keep_all(&self, changed: Vec<(Stored, Defined)>) {
        for (stored, defined) in changed {
            let id: CheckId = stored.id;
            self.keep(id, stored, defined);
        }
    }
}
