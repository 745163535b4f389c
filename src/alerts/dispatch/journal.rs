//! What is to be stored, gathered until somebody waits for it: one write for all who wait at the same time.

use std::sync::Arc;

use parking_lot::Mutex;

use super::DispatchError;
use crate::alerts::store::{Changes, Store};

/// Changes on their way to disk.
pub(super) struct Journal {
    pub(super) store: Store,
    pending: Mutex<Changes>,
    writing: tokio::sync::Mutex<()>,
}

impl Journal {
    pub(super) fn new(store: Store) -> Arc<Self> {
        Arc::new(Self { store, pending: Mutex::default(), writing: tokio::sync::Mutex::default() })
    }

    /// Adds to what is to be stored. Hold the lock of what changed meanwhile, so that changes stay in order.
    pub(super) fn note(&self, changes: Changes) {
        let mut pending = self.pending.lock();
        let older = std::mem::replace(&mut *pending, changes);
        pending.put_back(older);
    }

    /// Stores everything that was noted; ends when it is safe. Goes on when nobody waits any more.
    pub(super) async fn commit(self: &Arc<Self>) -> Result<(), DispatchError> {
        let journal = Arc::clone(self);
        let failed = |error: &dyn std::fmt::Display| DispatchError::Store(format!("cannot be stored: {error}"));
        tokio::spawn(async move {
            let _one_at_a_time = journal.writing.lock().await;
            let changes = Arc::new(std::mem::take(&mut *journal.pending.lock()));
            if changes.is_empty() {
                return Ok(());
            }
            let (store, batch) = (journal.store.clone(), Arc::clone(&changes));
            let written = tokio::task::spawn_blocking(move || store.write(batch)).await;
            let error = match written {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => failed(&error),
                Err(error) => failed(&error),
            };
            journal.pending.lock().put_back(Arc::unwrap_or_clone(changes));
            Err(error)
        })
        .await
        .map_err(|error| failed(&error))?
    }
}
