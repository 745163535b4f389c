//! LogQL: from text to a checked tree and back, and what the tree says about the lines it wants.

pub mod ast;
pub(crate) mod convert;
pub(crate) mod stage;
pub(crate) mod template;
