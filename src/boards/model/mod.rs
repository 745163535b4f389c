//! Values of the hall.

mod annotation;
mod keep;
mod tag;

pub use annotation::{Annotation, Change, Wanted};
pub use keep::{Keep, Keeping};
pub use tag::{Tag, tags};
