//! What people write: checks.

pub mod check;
pub mod file;
