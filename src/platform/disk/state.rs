//! What storage says of itself: whether it takes writes, and what it could not read.

use std::path::PathBuf;

/// Whether storage takes writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteState {
    /// It does.
    Ok,
    /// The disk is full or failing; in words. It recovers by itself.
    Refusing(String),
    /// Closed.
    Closed,
}

/// Something on disk that could not be read and was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Where it is now, or which file was damaged.
    pub path: PathBuf,
    /// What was wrong with it, in words.
    pub reason: String,
}
