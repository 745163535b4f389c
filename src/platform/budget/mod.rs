//! Budgets of memory and disk: what is used is watched, and load is shed before the system ends the process or the disk
//! is full.
//!
//! In reading order: [`readings`] (what is used, from the system), [`stages`] (from numbers to a level, with room between
//! up and down), [`watch`] (the threads that look and give relief). Everybody else looks at [`Pressure`](crate::base::pressure::Pressure).

mod readings;
mod stages;
mod watch;

pub use readings::{Readings, System, container_limit};
pub use watch::{Budgets, Limits, Relief, Watch};
