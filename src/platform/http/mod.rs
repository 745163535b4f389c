//! HTTP: the listening server, reading requests, and failing in words.

pub mod extract;
pub mod problem;
pub mod server;
pub mod stream;
//! HTTP on both sides: [`client`] asks others.

pub mod client;
