//! Every way in which samples come in.

pub mod host;
pub mod relabel;
pub mod discovery;
pub mod exposition;
pub mod http_settings;
pub mod relabel;
pub mod scrape;
