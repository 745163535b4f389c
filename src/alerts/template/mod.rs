//! What users write in templates: values and functions for annotations of rules.

mod annotation;
mod humanize;
mod text;

pub use annotation::{Annotations, Ask, Scene, check};
