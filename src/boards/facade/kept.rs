//! The store as the interface sees it: nothing of it blocks.

use crate::boards::model::{Annotation, Keep, Keeping, Wanted};
use crate::boards::store::Store;
use crate::platform::db::DbError;

/// Annotations in the store.
pub(super) struct Kept(pub(super) Store);

impl Kept {
    fn read<T: Send + 'static>(&self, look: impl FnOnce(&Store) -> Result<T, DbError> + Send + 'static) -> Keeping<'_, T> {
        let store = self.0.clone();
        Box::pin(async move {
            let found = tokio::task::spawn_blocking(move || look(&store)).await;
            found.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
        })
    }
}

impl Keep for Kept {
    fn add(&self, annotation: Annotation) -> Keeping<'_, i64> {
        Box::pin(async move { self.0.add(annotation).await.map_err(|error| error.to_string()) })
    }

    fn replace(&self, annotation: Annotation) -> Keeping<'_, bool> {
        Box::pin(async move { self.0.replace(annotation).await.map_err(|error| error.to_string()) })
    }

    fn delete(&self, id: i64) -> Keeping<'_, bool> {
        Box::pin(async move { self.0.delete(vec![id]).await.map(|gone| gone > 0).map_err(|error| error.to_string()) })
    }

    fn delete_of_panel(&self, board_uid: String, board_id: i64, panel_id: i64) -> Keeping<'_, usize> {
        Box::pin(async move { self.0.delete_of_panel(board_uid, board_id, panel_id).await.map_err(|error| error.to_string()) })
    }

    fn one(&self, id: i64) -> Keeping<'_, Option<Annotation>> {
        self.read(move |store| store.one(id))
    }

    fn find(&self, wanted: Wanted) -> Keeping<'_, Vec<Annotation>> {
        self.read(move |store| store.find(&wanted))
    }

    fn tags(&self, part: String, limit: usize) -> Keeping<'_, Vec<(String, i64)>> {
        self.read(move |store| store.tags(&part, limit))
    }
}
