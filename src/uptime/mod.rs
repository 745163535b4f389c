//! The wing of uptime: checks that watch hosts, pages and programs from outside, and what became of them.
//!
//! Rooms: [`model`] (outcomes, states, spans, figures, maintenance), [`config`] (`blackbox.yml`, and checks as people write
//! them), [`probe`] (one file a protocol: dials, asks, says what it found), [`store`] (what must survive a restart),
//! [`watch`] (probes checks when they are due and keeps their books), [`status`] (pages for customers), [`report`] (months
//! in figures), [`bring`] (checks of other programs), `api` (endpoints for programs, `/probe` as blackbox_exporter has it),
//! `pages` (pages for people as HTML), `facade` (wiring).
//!
//! Words: a *module* is how to probe, in the words of `blackbox.yml`; a *target* is what is probed; a *check* is a target
//! that is probed again and again; an *outcome* is what one probe found; a *span* is a time in which a check was in one
//! state.

mod api;
pub mod bring;
pub mod config;
mod facade;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod model;
mod pages;
pub mod probe;
pub mod report;
pub mod status;
pub mod store;
pub mod watch;

pub use facade::{OwnHosts, Uptime, UptimeOptions};
