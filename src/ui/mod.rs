//! The page shell and what every page shares: navigation, links, the time range, formats, built files.
//!
//! Pages are complete HTML made here and in the wings' `pages` rooms with askama; scripts only enhance them.
//! [`shell::Shell`] is what a page needs of the request, [`page::html`] renders, [`assets::handler`] serves built
//! files, [`security`] makes the headers. Nothing here knows a signal.

pub mod asked;
pub mod assets;
pub mod badge;
pub mod bringing;
pub mod format;
pub mod lanes;
pub mod lang;
pub mod links;
pub mod look;
pub mod nav;
pub mod page;
pub mod print;
pub mod problem;
pub mod range;
pub mod security;
pub mod shell;
pub mod spark;
pub mod units;
