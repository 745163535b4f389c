//! Every way in which samples come in.

pub mod discovery;
pub mod exposition;
pub mod host;
pub mod http_settings;
#[cfg(test)]
mod recorder;
pub mod relabel;
pub mod remote_send;
pub mod scrape;
pub mod push;
pub mod remote_write;
pub mod scrape;
