//! The doors of HTTP for lines.

pub mod otlp;
