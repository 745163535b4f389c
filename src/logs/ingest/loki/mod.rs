//! Loki's push: protobuf or JSON, straight into a batch without messages in between.
//!
//! Protobuf is packed with snappy, whatever else lies around it; JSON is not. What cannot be read refuses the request; a
//! stream with labels that are none, or a line beyond a limit, is left out and told, and the rest is stored.

mod json;
mod proto;

use super::gather::{Gather, TooMuch};
use super::receive::Receiver;
use crate::base::bytes::Malformed;

/// What is said to a request without streams.
pub const NO_STREAMS: &str = "error at least one valid stream is required for ingestion";

/// How a push is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `logproto.PushRequest`, packed with snappy.
    Protobuf,
    /// `{"streams": [{"stream": {…}, "values": [[…], …]}]}`, or the form of the old path.
    Json,
}

impl Form {
    /// By content type. A missing one is told by the first byte.
    pub fn of(content_type: &str, body: &[u8]) -> Self {
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        let is_json = if kind.is_empty() {
            body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
        } else {
            kind.eq_ignore_ascii_case("application/json")
        };
        if is_json { Self::Json } else { Self::Protobuf }
    }
}

/// Why a push was refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// It unpacks to more than is taken.
    #[error("the request would unpack to more than {0} bytes")]
    TooLarge(usize),
    /// Too many lines or streams.
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
    /// Not snappy.
    #[error("snappy: {0}")]
    Snappy(String),
    /// Not protobuf.
    #[error("cannot decode the request as protobuf: {0}")]
    Protobuf(#[from] Malformed),
    /// Not JSON of the form expected.
    #[error("cannot read the request as JSON: {0}")]
    Json(String),
    /// Nothing in it.
    #[error("{NO_STREAMS}")]
    NoStreams,
}

/// Reads a push into `gather`. `body` has no encoding of HTTP around it any more.
pub fn decode(form: Form, body: &[u8], receiver: &Receiver, gather: &mut Gather, unpacked: &mut Vec<u8>) -> Result<(), PushError> {
    let streams = match form {
        Form::Protobuf => {
            let len = unpack(body, unpacked, receiver.limits.request_bytes_max)?;
            proto::decode(&unpacked[..len], receiver, gather)?
        }
        Form::Json => json::decode(body, receiver, gather)?,
    };
    if streams == 0 { Err(PushError::NoStreams) } else { Ok(()) }
}

/// Unpacks snappy to at most so many bytes; gives the length.
fn unpack(body: &[u8], into: &mut Vec<u8>, max: usize) -> Result<usize, PushError> {
    let snappy = |error: snap::Error| PushError::Snappy(error.to_string());
    let len = snap::raw::decompress_len(body).map_err(snappy)?;
    if len > max {
        return Err(PushError::TooLarge(max));
    }
    // A short body cannot unpack to much, as a snappy copy of three bytes yields 64: refuse before memory is taken.
    if len / 32 > body.len() {
        return Err(PushError::Snappy("corrupt input, the length does not fit the body".to_owned()));
    }
    if into.len() < len {
        into.resize(len, 0);
    }
    snap::raw::Decoder::new().decompress(body, &mut into[..len]).map_err(snappy)
}

#[cfg(test)]
mod tests;
