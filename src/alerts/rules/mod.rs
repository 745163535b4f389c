//! Rule files: what Prometheus and Loki's ruler take, and those that people write in the web pages.

pub mod own;
mod read;

pub use read::{Options, read};
