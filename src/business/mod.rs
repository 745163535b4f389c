//! The wing of the business: numbers that say how it goes, what they should be, and what became of them.
//!
//! Rooms: [`config`] (KPIs as people write them), [`model`] (values over periods, what they mean), [`store`] (what must survive
//! a restart), [`ask`] (where numbers come from: metrics, logs, databases), [`collect`] (asks when it is time, makes longer
//! periods and KPIs of others), [`outlook`] (how KPIs stand and where they go), [`digest`] (letters about them), [`ready`]
//! (KPIs that are built in), `api` (endpoints for programs), [`pages`] (pages for people as HTML), `facade` (wiring).
//!
//! Words: a *KPI* is a number that somebody answers for; a *value* is what it was in a period; a *period* is an hour, a day,
//! a week, a month, a quarter or a year by the clock of the business; a *segment* is a part of a KPI, such as one plan; a
//! *target* is what it should be.

mod api;
pub mod ask;
pub mod collect;
pub mod config;
pub mod digest;
mod facade;
pub mod model;
pub mod outlook;
pub mod pages;
pub mod ready;
pub mod store;

pub use facade::{Business, BusinessOptions};
