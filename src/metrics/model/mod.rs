//! Words that the rooms of the metrics wing share: targets, metadata, scrape health, and the wing's configuration sections.

pub mod config;

pub mod server;
pub mod storage;
