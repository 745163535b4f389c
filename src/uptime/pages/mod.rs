//! Pages of uptime as HTML: checks, one check, its form, incidents, maintenance, reports, status pages.
//!
//! Each page takes plain data and a shell and gives HTML; the URL is the whole state, so that every page works without
//! script.

pub mod incidents;
pub mod maintenance;
pub mod report;
