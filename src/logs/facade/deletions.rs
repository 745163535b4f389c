//! Deleting lines of the store, as the API asks for it.

use std::sync::Arc;

use crate::logs::model::deletions::{DeleteLines, DeleteLinesError, DeletedLines};
use crate::logs::model::read::Span;
use crate::logs::store::Store;
use crate::logs::store::db::DeleteError;
use crate::series::matcher::Matcher;

/// Deletes lines of a store.
pub(super) struct StoreDeletions(pub(super) Arc<Store>);

impl DeleteLines for StoreDeletions {
    fn delete(&self, matchers: Vec<Matcher>, span: Span, query: Option<String>) -> Result<u64, DeleteLinesError> {
        self.0.delete(matchers, span, query).map_err(refusal)
    }

    fn cancel(&self, id: u64) -> Result<(), DeleteLinesError> {
        self.0.cancel_delete(id).map_err(refusal)
    }

    fn list(&self) -> Vec<DeletedLines> {
        let all = self.0.deletes().into_iter();
        all.map(|one| DeletedLines {
            id: one.id,
            created_ms: one.created_ms,
            matchers: one.matchers,
            span: one.span,
            query: one.query,
            is_done: one.processed_ms.is_some(),
        })
        .collect()
    }
}

fn refusal(error: DeleteError) -> DeleteLinesError {
    match error {
        DeleteError::Unknown(id) => DeleteLinesError::Unknown(id),
        DeleteError::Query(_) | DeleteError::Span | DeleteError::TooMany => DeleteLinesError::Refused(error.to_string()),
        DeleteError::Store(_) => DeleteLinesError::Storage(error.to_string()),
    }
}
