//! HTTP on both sides: [`client`] asks others.

pub mod client;
