//! Floor 2: the kit for input and output. Knows no signal.

pub mod config;
pub mod db;
pub mod http;
pub mod telemetry;
pub mod work;
