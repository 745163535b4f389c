//! Checks name each other, as parents and as members: where one gets another name or goes, the others go along.

use std::collections::{BTreeSet, HashSet};

use super::{CheckId, Defined, Desk, PutError, Stored};

impl Desk {
    /// The checks that name one, as they are when that has another name.
    ///
    /// # Errors
    /// A file names it, and is changed by hand only.
    pub(super) fn naming(&self, old: &str, new: &str, now: i64) -> Result<Vec<(Stored, Defined)>, PutError> {
        let known = self.known.lock();
        let mut changed = Vec::new();
        for (stored, defined) in known.values() {
            let Some(defined) = defined.naming(old, Some(new)) else { continue };
            changed.push(renamed(stored, defined, old, now)?);
        }
        Ok(changed)
    }

    /// The checks that name some, as they are when those are no more. A group without any other member keeps its last.
    ///
    /// # Errors
    /// A file names one of them, and is changed by hand only.
    pub(super) fn without(&self, gone: &BTreeSet<CheckId>, now: i64) -> Result<Vec<(Stored, Defined)>, PutError> {
        let known = self.known.lock();
        let names: HashSet<&str> = gone.iter().filter_map(|id| known.get(id)).map(|(stored, _)| stored.name.as_str()).collect();
        let mut changed = Vec::new();
        for (_, (stored, before)) in known.iter().filter(|(id, _)| !gone.contains(id)) {
            let named = std::iter::once(&before.check.parent).chain(before.check.members());
            let mut last = None;
            for name in named.filter(|name| names.contains(name.as_str())) {
                let now = last.as_ref().map_or(before, |(_, now)| now);
                last = now.naming(name, None).map(|next| (name, next)).or(last);
            }
            if let Some((name, defined)) = last {
                changed.push(renamed(stored, defined, name, now)?);
            }
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

fn renamed(stored: &Stored, defined: Defined, old: &str, now: i64) -> Result<(Stored, Defined), PutError> {
    if !stored.file.is_empty() {
        return Err(PutError::Unfit(format!("name: the check {:?} of the file {} names {old:?}", stored.name, stored.file)));
    }
    Ok((Stored { definition: defined.definition(), changed_at: now, ..stored.clone() }, defined))
}
