//! LogQL: from text to a checked tree and back, and what the tree says about the lines it wants.

pub mod ast;
