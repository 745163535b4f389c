//! HTTP on both sides: the listening server, reading requests, failing in words; and [`client`], which asks others.

pub mod client;
pub mod extract;
pub mod problem;
pub mod server;
pub mod stream;
