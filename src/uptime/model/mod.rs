//! Plain values of the wing: what a probe found, in which state a check is, what that amounts to.

pub mod beat;
pub mod figures;
pub mod incident;
pub mod latency;
pub mod maintenance;
pub mod outcome;
pub mod planned;
pub mod readers;
pub mod recurrence;
pub mod track;
pub mod window;
