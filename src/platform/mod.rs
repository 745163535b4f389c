//! Floor 2: configuration files, SQLite, disk, HTTP, telemetry. Knows no signal.

pub mod disk;
