//! What the interface needs of whoever keeps annotations.

use std::future::Future;
use std::pin::Pin;

use super::annotation::{Annotation, Wanted};

/// Something that ends when it is done; an error is the keeper's, for the log.
pub type Keeping<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// Keeps annotations.
pub trait Keep: Send + Sync {
    /// Keeps a new one; gives its name.
    fn add(&self, annotation: Annotation) -> Keeping<'_, i64>;

    /// Puts one in the place of the one with its name; whether there is such a one.
    fn replace(&self, annotation: Annotation) -> Keeping<'_, bool>;

    /// Forgets one; whether there was one.
    fn delete(&self, id: i64) -> Keeping<'_, bool>;

    /// Forgets those of a panel of a dashboard, by its name or its number; gives how many there were.
    fn delete_of_panel(&self, board_uid: String, board_id: i64, panel_id: i64) -> Keeping<'_, usize>;

    /// One by its name.
    fn one(&self, id: i64) -> Keeping<'_, Option<Annotation>>;

    /// Those that are asked for, by their end, the newest first.
    fn find(&self, wanted: Wanted) -> Keeping<'_, Vec<Annotation>>;

    /// Tags that hold a text, with how many annotations have them, in order, at most so many.
    fn tags(&self, part: String, limit: usize) -> Keeping<'_, Vec<(String, i64)>>;
}
