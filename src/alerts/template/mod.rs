//! What users write in templates: values and functions for annotations of rules, and for messages.

mod annotation;
mod humanize;
pub mod message;
mod text;

pub use annotation::{Annotations, Ask, Scene, check};
