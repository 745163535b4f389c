//! Every way in which samples come in, and the ways on to other servers ([`remote_send`], [`alert_send`]).

pub mod alert_send;
pub mod backfill;
pub mod changes;
pub mod custom;
pub mod discovery;
pub mod exposition;
pub mod host;
pub mod otlp;
pub mod push;
#[cfg(test)]
mod recorder;
pub mod remote_send;
pub mod remote_write;
mod restated;
pub mod scrape;
pub mod statsd;
pub mod vitals;

pub use restated::ROUND_EVERY;
