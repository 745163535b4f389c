//! Floor 2: configuration files, SQLite, disk, HTTP, telemetry, backups, budgets, printing. Knows no signal.

pub mod backup;
pub mod budget;
pub mod config;
pub mod db;
pub mod disk;
pub mod follow;
pub mod http;
pub mod mail;
pub mod pdf;
pub mod telemetry;
#[cfg(test)]
pub mod virtual_clock;
pub mod work;
