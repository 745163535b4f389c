//! OpenTelemetry's protocol as it stands on the wire: messages, their JSON form, and values as text.
//!
//! Metrics and logs come by the same protocol and never import each other, so what both need of it stands on this floor:
//! [`value`], [`metrics`] and [`logs`] (messages for protobuf, declared by hand, and for JSON), [`json`] (how OTLP differs
//! from plain JSON), [`text`] (values as text), [`names`] (label names), [`weight`] (how much memory a message will take).
//! What becomes of them is up to the wings.

pub mod json;
pub mod logs;
pub mod metrics;
pub mod names;
pub mod text;
pub mod value;
pub mod weight;

use serde::de::DeserializeOwned;

/// How a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Protobuf.
    Protobuf,
    /// JSON.
    Json,
}

/// Why a message cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is not of the form that it claims.
    #[error("cannot read the request as {0}: {1}")]
    Malformed(&'static str, String),
    /// A few bytes can name what takes hundreds in memory.
    #[error("the request would take more than {0} bytes of memory; send less at once")]
    TooLarge(usize),
}

/// A message that comes as a request.
pub trait Request: prost::Message + Default + DeserializeOwned {
    /// What its parts take in memory.
    const SHAPE: &'static weight::Shape;
}

/// Reads a request that takes no more than `memory_max` bytes of memory.
///
/// # Errors
/// When it is malformed, or would take more.
pub fn read<T: Request>(encoding: Encoding, bytes: &[u8], memory_max: usize) -> Result<T, ReadError> {
    match encoding {
        Encoding::Protobuf => {
            weight::check_protobuf(bytes, T::SHAPE, memory_max)?;
            T::decode(bytes).map_err(|error| ReadError::Malformed("protobuf", error.to_string()))
        }
        Encoding::Json => {
            weight::check_json(bytes, memory_max)?;
            if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
                return Err(ReadError::Malformed("JSON", "an object is expected".to_owned()));
            }
            serde_json::from_slice(bytes).map_err(|error| ReadError::Malformed("JSON", error.to_string()))
        }
    }
}

#[cfg(test)]
mod tests;
