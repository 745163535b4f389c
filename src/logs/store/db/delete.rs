//! Deleting lines: asked for, listed, cancelled.

use std::sync::Arc;

use super::publish::Change;
use super::{Core, Store, StoreError};
use crate::logs::model::read::Span;
use crate::logs::store::deletes::Compiled;
use crate::logs::store::manifest::Deletion;
use crate::series::matcher::Matcher;

/// Deletions that wait to be done, at most.
const PENDING_MAX: usize = 1000;

/// Why lines were not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// The query is none.
    #[error("{0}")]
    Query(String),
    /// The span has no time in it.
    #[error("the end of a deletion must be after its start")]
    Span,
    /// Too many wait to be done.
    #[error("{PENDING_MAX} deletions wait to be done; cancel one or wait")]
    TooMany,
    /// There is none of this number, or its lines are gone already.
    #[error("there is no deletion {0} that could be cancelled")]
    Unknown(u64),
    /// The disk refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Deletes lines of a span: those of streams that all of `matchers` match, and with a query only lines that it means.
    /// Readers do not see them from now on; they go from the disk when that can not be cancelled any more. Lines that
    /// come later are not concerned. Answers the deletion's number.
    ///
    /// # Errors
    /// When the query is none, or the disk refuses.
    pub fn delete(&self, matchers: Vec<Matcher>, span: Span, query: Option<String>) -> Result<u64, DeleteError> {
        if span.start >= span.end {
            return Err(DeleteError::Span);
        }
        let core = &self.core;
        let mut frozen = core.maintenance.lock();
        let known = core.view().deletes.len();
        if known >= PENDING_MAX {
            return Err(DeleteError::TooMany);
        }
        let id = core.manifest.lock().last_delete + 1;
        let deletion = Deletion { id, created_ms: core.clock.now_ms(), matchers, span, query, processed_ms: None };
        let compiled = Compiled::new(deletion.clone(), core.settings.filters.clone());
        compiled.check().map_err(|error| DeleteError::Query(error.to_owned()))?;
        // All lines that are there go to parts first, so that later ones can be told from them.
        core.write_frozen(&mut frozen)?;
        core.manifest.lock().last_delete = id;
        core.freeze_memory(&mut frozen, Some(id))?;
        core.write_frozen(&mut frozen)?;
        core.change_deletes(|deletes| deletes.push(Arc::new(compiled)), |all| all.push(deletion))?;
        core.merge_wake.ring();
        Ok(id)
    }

    /// Cancels a deletion that is not done: its lines are there again.
    ///
    /// # Errors
    /// When there is no such deletion, or the disk refuses.
    pub fn cancel_delete(&self, id: u64) -> Result<(), DeleteError> {
        let core = &self.core;
        // A rewriting that takes the lines away may be under way; it sees that when it wants to count.
        let _one_at_a_time = core.maintenance.lock();
        if !core.view().deletes.iter().any(|delete| delete.deletion.id == id) {
            return Err(DeleteError::Unknown(id));
        }
        core.change_deletes(|deletes| deletes.retain(|delete| delete.deletion.id != id), |all| all.retain(|delete| delete.id != id))?;
        Ok(())
    }

    /// Deletions that wait, and the newest of those that are done, oldest first.
    pub fn deletes(&self) -> Vec<Deletion> {
        self.core.manifest.lock().deletes.clone()
    }
}

impl Core {
    fn change_deletes(
        &self,
        compiled: impl FnOnce(&mut Vec<Arc<Compiled>>),
        listed: impl FnOnce(&mut Vec<Deletion>),
    ) -> Result<(), StoreError> {
        let make = |before: &[Arc<Compiled>]| {
            let mut deletes = before.to_vec();
            compiled(&mut deletes);
            deletes
        };
        self.publish(Change { deletes: Some(Box::new(make)), ..Change::default() }, |manifest| listed(&mut manifest.deletes))
    }
}
