//! Floor 2: configuration files, SQLite, disk, HTTP, telemetry, backups, budgets. Knows no signal.

pub mod backup;
pub mod budget;
pub mod config;
pub mod db;
pub mod disk;
pub mod http;
pub mod mail;
pub mod telemetry;
#[cfg(test)]
pub mod virtual_clock;
pub mod work;
