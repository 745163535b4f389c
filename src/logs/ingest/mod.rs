//! Doors for lines.

pub mod collect;
pub mod collectors;
pub mod counts;
pub mod fluent;
pub mod inlet;
pub mod listen;
pub mod shape;
pub mod stage;
pub mod syslog;
