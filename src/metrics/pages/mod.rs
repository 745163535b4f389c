//! Pages of the metrics wing: each file holds what its page takes (`…Input`, plain data), the view made of it, and
//! `render(&input, &shell) -> String`. Nothing here reads the clock, the store or the network.
//!
//! [`home`] the front page · [`explore`] queries · [`targets`] what is scraped · [`catalogue`] which metrics exist, [`metric`] one of them ·
//! [`send`] sending one as JSON ·
//! [`cardinality`] where series come from · [`pushed`] what was pushed · [`status`] the server · [`chart`] the
//! columns that `<ph-chart>` draws, with [`crate::series::legend`] for names and [`units`] for units.

pub mod cardinality;
pub mod catalogue;
pub mod chart;
pub mod explore;
pub mod home;
pub mod metric;
pub mod pushed;
pub mod send;
pub mod status;
pub mod targets;
pub mod units;
pub mod vitals;
mod words;

#[cfg(test)]
mod sample;
