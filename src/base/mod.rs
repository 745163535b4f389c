//! Floor 0: plain values. No input or output, no async, no HTTP, nothing of ours below it.

pub mod addresses;
pub mod again;
pub mod bytes;
pub mod cancel;
pub mod clock;
pub mod csv;
pub mod float;
pub mod glob;
pub mod go_duration;
pub mod human;
pub mod limits;
pub mod location;
pub mod masked;
pub mod network;
pub mod pack;
pub mod period;
pub mod pressure;
pub mod quote;
pub mod secret;
pub mod template;
pub mod time;
