//! Decoding of bodies, with a cap: a small body that unpacks to gigabytes stops here.

use std::io::Read;

use super::ClientError;

/// Why a body was not taken.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It has the size allowed, or more.
    #[error("body size limit exceeded")]
    TooLarge,
    /// It cannot be decoded.
    #[error("{0}")]
    Encoding(String),
    /// The connection failed while reading it.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentEncoding {
    /// As it is.
    Identity,
    /// Gzip.
    Gzip,
    /// Zstandard.
    Zstd,
    /// Something else, which is refused.
    Unknown,
}

impl ContentEncoding {
    /// From the header's value.
    pub fn of(header: &str) -> Self {
        match header.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Self::Identity,
            "gzip" | "x-gzip" => Self::Gzip,
            "zstd" => Self::Zstd,
            _ => Self::Unknown,
        }
    }
}

/// Appends the decoded form of `raw` to `out`; refuses when it would grow to `bytes_max` bytes or more.
///
/// Costs CPU in proportion to the decoded size: call it off the reactor.
pub fn decode_body(encoding: ContentEncoding, raw: &[u8], bytes_max: usize, out: &mut Vec<u8>) -> Result<(), BodyError> {
    match encoding {
        ContentEncoding::Identity if raw.len() >= bytes_max => Err(BodyError::TooLarge),
        ContentEncoding::Identity => {
            out.extend_from_slice(raw);
            Ok(())
        }
        ContentEncoding::Gzip => copy_limited(flate2::bufread::MultiGzDecoder::new(raw), "gzip", bytes_max, out),
        ContentEncoding::Zstd => {
            let decoder = zstd::stream::read::Decoder::with_buffer(raw).map_err(|error| BodyError::Encoding(format!("zstd: {error}")))?;
            copy_limited(decoder, "zstd", bytes_max, out)
        }
        ContentEncoding::Unknown => Err(BodyError::Encoding("unsupported content encoding".to_owned())),
    }
}

fn copy_limited(decoder: impl Read, name: &str, bytes_max: usize, out: &mut Vec<u8>) -> Result<(), BodyError> {
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let read = decoder.take(limit).read_to_end(out).map_err(|error| BodyError::Encoding(format!("{name}: {error}")))?;
    if read >= bytes_max { Err(BodyError::TooLarge) } else { Ok(()) }
}
