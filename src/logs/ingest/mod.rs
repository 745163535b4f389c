//! Doors for lines.

pub mod otlp;
