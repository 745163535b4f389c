//! Floor 2: what touches the machine and the network, and knows no signal.

pub mod config;
pub mod http;
