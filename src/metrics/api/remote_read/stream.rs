//! An answer in frames of chunks, `prometheus.ChunkedReadResponse`, written while the reader reads.
//!
//! A frame is its length as a varint, the CRC-32C of its bytes (big endian), and the bytes; it has chunks of one
//! series. Only one series and one frame are in memory at a time.

use std::io::Write;

use super::chunk::{Chunk, each_chunk};
use super::request::ReadRequest;
use super::{ReadError, Reader, put_labels};
use crate::base::bytes::put_uvarint;
use crate::metrics::ingest::remote_send::encode::{put_bytes, put_int, put_message};

/// Writes the answer of every query.
pub(super) fn respond(reader: &Reader<'_>, request: &ReadRequest, to: &mut impl Write) -> Result<(), ReadError> {
    let mut frame = Frame::default();
    for (at, query) in request.queries.iter().enumerate() {
        reader.each_series(query, |labels, samples| {
            frame.open(|out, part| put_labels(labels, reader.external, out, part));
            each_chunk(samples, |chunk| {
                frame.push(&chunk);
                if frame.len() >= reader.limits.frame_bytes_max { frame.send(at, to) } else { Ok(()) }
            })?;
            // Label sets without samples go out too, where only those are wanted.
            if frame.has_chunks() || query.labels_only { frame.send(at, to) } else { Ok(()) }
        })?;
    }
    Ok(())
}

/// A frame being put together.
#[derive(Default)]
struct Frame {
    labels: Vec<u8>,
    chunks: Vec<u8>,
    part: Vec<u8>,
}

impl Frame {
    /// Begins a series.
    fn open(&mut self, labels: impl FnOnce(&mut Vec<u8>, &mut Vec<u8>)) {
        self.labels.clear();
        self.chunks.clear();
        labels(&mut self.labels, &mut self.part);
    }

    fn push(&mut self, chunk: &Chunk) {
        self.part.clear();
        put_int(&mut self.part, 1, chunk.min_ts.cast_unsigned());
        put_int(&mut self.part, 2, chunk.max_ts.cast_unsigned());
        put_int(&mut self.part, 3, chunk.encoding as u64);
        put_bytes(&mut self.part, 4, &chunk.data);
        put_message(&mut self.chunks, 2, &self.part);
    }

    fn len(&self) -> usize {
        self.labels.len() + self.chunks.len()
    }

    fn has_chunks(&self) -> bool {
        !self.chunks.is_empty()
    }

    /// Writes what there is; the series may go on in the next frame.
    fn send(&mut self, query: usize, to: &mut impl Write) -> Result<(), ReadError> {
        let series: Vec<u8> = [self.labels.as_slice(), self.chunks.as_slice()].concat();
        let mut message = Vec::with_capacity(series.len() + 24);
        put_message(&mut message, 1, &series);
        put_int(&mut message, 2, query as u64);
        let mut head = Vec::with_capacity(14);
        put_uvarint(&mut head, message.len() as u64);
        head.extend_from_slice(&crc32c(&message).to_be_bytes());
        self.chunks.clear();
        to.write_all(&head).and_then(|()| to.write_all(&message)).map_err(|_| ReadError::Gone)
    }
}

/// The Castagnoli polynomial, reflected.
const POLYNOMIAL: u32 = 0x82f6_3b78;

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let (mut crc, mut bit) = (at as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
};

/// CRC-32C of some bytes.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| crc >> 8 ^ TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(b""), 0);
    }

    #[test]
    fn a_frame_has_length_checksum_and_message() {
        let mut frame = Frame::default();
        frame.open(|out, _| out.extend_from_slice(b"\x0a\x00"));
        let mut sent = Vec::new();
        frame.send(3, &mut sent).unwrap();
        let message = b"\x0a\x02\x0a\x00\x10\x03";
        let mut expected = vec![6];
        expected.extend_from_slice(&crc32c(message).to_be_bytes());
        expected.extend_from_slice(message);
        assert_eq!(sent, expected);
    }
}
