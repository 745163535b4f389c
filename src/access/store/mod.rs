//! SQL for people, sessions, tokens and the audit log. One file per table; nothing here decides anything.

pub mod audit;
pub mod sessions;
pub mod tokens;
pub mod users;
