//! Floor 2: the kit for input and output. Knows no signal.

pub mod db;
pub mod http;
pub mod telemetry;
pub mod work;
//! placeholder
//! Floor 2: what touches the machine and the network, and knows no signal.

pub mod config;
pub mod http;
