//! Doors for lines.

pub mod collect;
pub mod counts;
pub mod inlet;
pub mod listen;
pub mod shape;
pub mod stage;
pub mod syslog;
