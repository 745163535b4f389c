//! The bytes of an answer, packed once for everyone who asks.

use std::io::Write as _;

use sha2::{Digest as _, Sha256};

/// How hard brotli tries: what it packs is packed once a minute at most.
const BROTLI: (u32, u32) = (6, 20);

/// An encoding of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Identity,
    /// gzip.
    Gzip,
    /// brotli.
    Brotli,
}

impl Coding {
    /// The value of `Content-Encoding`.
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }
}

/// One text in every encoding.
#[derive(Debug, Clone)]
pub struct Copies {
    identity: bytes::Bytes,
    gzip: bytes::Bytes,
    brotli: bytes::Bytes,
    tag: String,
}

impl Copies {
    /// Packs a text.
    pub fn new(text: String) -> Self {
        let tag = Sha256::digest(text.as_bytes()).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        // Writing to memory does not fail; were it to, the text goes out as it is.
        let gzip = gzip(text.as_bytes()).unwrap_or_default();
        let brotli = brotli(text.as_bytes()).unwrap_or_default();
        Self { identity: text.into(), gzip: gzip.into(), brotli: brotli.into(), tag }
    }

    /// The smallest form that a reader takes, and how it is packed.
    pub fn best(&self, takes: impl Fn(&str) -> bool) -> (bytes::Bytes, Coding) {
        let packed = [(Coding::Brotli, &self.brotli), (Coding::Gzip, &self.gzip)];
        let fits = |(coding, bytes): &(Coding, &bytes::Bytes)| {
            !bytes.is_empty() && bytes.len() < self.identity.len() && coding.as_str().is_some_and(&takes)
        };
        packed.into_iter().find(fits).map_or_else(|| (self.identity.clone(), Coding::Identity), |(coding, bytes)| (bytes.clone(), coding))
    }

    /// The value of `ETag`; differs between encodings.
    pub fn etag(&self, coding: Coding) -> String {
        coding.as_str().map_or_else(|| format!("\"{}\"", self.tag), |name| format!("\"{}-{name}\"", self.tag))
    }
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes)?;
    packed.finish()
}

fn brotli(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packed = brotli::CompressorWriter::new(Vec::new(), 4096, BROTLI.0, BROTLI.1);
    packed.write_all(bytes)?;
    Ok(packed.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn everyone_gets_the_same_text() {
        let text = "status ".repeat(400);
        let copies = Copies::new(text.clone());
        let (plain, coding) = copies.best(|_| false);
        assert_eq!((&plain[..], coding), (text.as_bytes(), Coding::Identity));
        let (packed, coding) = copies.best(|name| name == "gzip");
        let mut read = String::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut read).unwrap();
        assert_eq!((read, coding), (text.clone(), Coding::Gzip));
        let (packed, coding) = copies.best(|_| true);
        let mut read = String::new();
        brotli::Decompressor::new(&packed[..], 4096).read_to_string(&mut read).unwrap();
        assert_eq!((read, coding), (text, Coding::Brotli));
        assert_ne!(copies.etag(Coding::Brotli), copies.etag(Coding::Identity));
        assert_eq!(Copies::new(String::new()).best(|_| true).1, Coding::Identity);
    }
}
