//! HTTP on both sides: the listening server, reading requests, failing in words; and [`client`], which asks others.

pub mod client;
mod connections;
pub mod cors;
pub mod extract;
pub mod problem;
mod request_line;
pub mod server;
pub mod stream;
