//! Floor 2: the kit for input and output. Knows no signal.

pub mod config;
pub mod db;
pub mod http;
pub mod telemetry;
pub mod work;
//! Floor 2: configuration files, SQLite, disk, HTTP, telemetry. Knows no signal.

pub mod disk;
