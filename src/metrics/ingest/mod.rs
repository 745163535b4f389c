//! Every way in which samples come in.

pub mod discovery;
pub mod http_settings;
