//! The wing of objectives: how much of what happens must be good, and how much of what may be bad is left.
//!
//! Rooms: [`model`] (periods, burn rates, budgets), [`config`] (objectives as people write them), [`rules`] (what is
//! recorded and told of each), [`bring`] (objectives of other programs), [`store`] (what must survive a restart), [`watch`]
//! (keeps their rules in force and their history), `api` (endpoints for programs), `pages`, `facade` (wiring).
//!
//! Words: an *SLO* (objective) says how much must be good; an *indicator* is what is counted; the *budget* is what may be
//! bad; the *burn rate* is how fast that is spent, 1 spending it exactly within its *period*.

mod api;
pub mod bring;
pub mod config;
mod facade;
pub mod model;
mod pages;
pub mod rules;
pub mod store;
pub mod watch;

pub use facade::{Slos, SlosOptions};
