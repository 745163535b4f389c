//! Pages of uptime as HTML: checks, one check, its form, incidents, maintenance, reports, status pages.
//!
//! Each page takes plain data and a shell and gives HTML; the URL is the whole state, so that every page works without
//! script. Of checks, read in this order: [`standing`] (how a check stands, in a word), [`strip`] (states over time, as
//! bars), [`found`] (what one probe found), [`kinds`] (the fields of each kind), [`draft`] (a form that is filled in),
//! then the pages.

pub mod check;
pub mod draft;
pub mod edit;
pub mod follow;
pub mod found;
pub mod import;
pub mod incident;
pub mod incidents;
pub mod kinds;
pub mod list;
pub mod maintenance;
pub mod report;
#[cfg(test)]
mod sample;
pub mod standing;
pub mod status;
pub mod strip;
