//! Routing at work: where an alert goes, what is sent when, and what is kept back. No clock, no network, no disk:
//! every call is told the time, and what is to be sent comes back as a value.
//!
//! In reading order: `tree` (routes), `groups` (alerts that are told together, and when), `inhibit` and `mute` (what is
//! kept back), `log` (what was told already).

pub mod groups;
pub mod inhibit;
pub mod log;
pub mod mute;
pub mod tree;

pub use groups::{Flush, Groups};
pub use inhibit::Inhibitor;
pub use log::{Entry, Reason};
pub use tree::{Route, RouteTree, SideRoute};
