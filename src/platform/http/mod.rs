//! HTTP on both sides: the listening server, reading requests, failing in words; and [`client`], which asks others.

pub mod client;
pub mod connections;
pub mod cors;
pub mod download;
pub mod envelope;
pub mod extract;
pub mod go_json;
pub mod limits;
mod linger;
pub mod multipart;
pub mod network;
pub mod problem;
mod request_line;
pub mod rpc;
pub mod server;
pub mod stream;
pub mod tls;
pub mod web_config;
