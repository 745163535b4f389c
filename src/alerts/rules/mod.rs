//! Rule files: what Prometheus and Loki's ruler take.

mod read;

pub use read::{Options, read};
