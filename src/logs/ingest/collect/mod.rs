//! Own collectors of lines: files, containers, journals, as a file of Promtail's shape asks for.

pub mod config;
pub(crate) mod cursors;
mod docker;
mod docker_files;
mod docker_http;
mod docker_split;
pub(crate) mod files;
mod journal;
mod relabel;
