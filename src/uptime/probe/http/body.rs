//! The body of an answer: counted, unpacked and, where something is looked for in it, kept.

use std::io::Read;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::super::record::Record;
use super::super::{Deadline, Late};
use crate::base::human;
use crate::uptime::model::outcome::FailureKind;

/// Most bytes of a body that are kept: of one that is packed, or in which something is looked for.
pub(super) const KEPT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes from which on a body is large. Of large ones only a few are read at once, so that many probes fit into memory.
const LARGE_BYTES: usize = 1024 * 1024;
/// Bytes that are kept of any, for people.
const BEGINNING_BYTES: usize = 2048;
/// Bytes that Go takes from a stream to see whether it is packed.
const SNIFFED_BYTES: u64 = 4096;

/// What is wanted of a body.
pub(super) struct Wanted<'m> {
    /// How it is packed; empty when it is to be left as it is.
    pub(super) compression: &'m str,
    /// Most bytes, unpacked; 0 for any.
    pub(super) limit: u64,
    /// Whether something is looked for in it.
    pub(super) is_searched: bool,
    /// How many large ones may be read.
    pub(super) large: &'m Semaphore,
}

/// A body as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// Bytes, unpacked.
    pub(super) bytes: u64,
    /// All of it, or its beginning.
    pub(super) kept: Vec<u8>,
    /// Whether it was read to its end, and `kept` is all that is wanted.
    pub(super) is_whole: bool,
    /// Whether nothing is looked for in it, since its first bytes show that it is not what was expected.
    pub(super) is_unsearched: bool,
}

/// Reads a body. What goes wrong is written down.
pub(super) async fn read(incoming: Incoming, wanted: &Wanted<'_>, record: &mut Record, deadline: &Deadline) -> Body {
    match wanted.compression {
        "" | "identity" => plain(incoming, wanted, record, deadline).await,
        "gzip" | "deflate" | "br" => packed(incoming, wanted, record, deadline).await,
        other => {
            record.fail(FailureKind::Content, format!("the module names a compression that nobody knows: {other}"));
            let body = plain(incoming, wanted, record, deadline).await;
            Body { is_whole: false, is_unsearched: true, ..body }
        }
    }
}

async fn plain(mut incoming: Incoming, wanted: &Wanted<'_>, record: &mut Record, deadline: &Deadline) -> Body {
    let mut body = Body::default();
    let mut leave = None;
    let keep = if wanted.is_searched { KEPT_BYTES_MAX } else { BEGINNING_BYTES };
    loop {
        let piece = match next(&mut incoming, record, deadline, body.bytes).await {
            Next::Piece(piece) => piece,
            Next::End => break,
            Next::Broken => return body,
        };
        body.bytes += piece.len() as u64;
        let room = keep.saturating_sub(body.kept.len());
        body.kept.extend_from_slice(&piece[..piece.len().min(room)]);
        if body.kept.len() > LARGE_BYTES && !may_be_large(&mut leave, wanted, record, deadline).await {
            return body;
        }
        if wanted.limit > 0 && body.bytes > wanted.limit {
            body.bytes = wanted.limit;
            too_large(record, wanted.limit);
            return body;
        }
    }
    body.is_whole = body.bytes <= keep as u64 || !wanted.is_searched;
    if !body.is_whole {
        record.fail(FailureKind::Content, format!("the answer is larger than the {} that are searched", size(KEPT_BYTES_MAX as u64)));
    }
    body
}

async fn packed(mut incoming: Incoming, wanted: &Wanted<'_>, record: &mut Record, deadline: &Deadline) -> Body {
    let mut raw = Vec::new();
    // What is unpacked may be large though what comes is small.
    let mut leave = None;
    if !may_be_large(&mut leave, wanted, record, deadline).await {
        return Body::default();
    }
    loop {
        match next(&mut incoming, record, deadline, raw.len() as u64).await {
            Next::Piece(piece) if raw.len() + piece.len() > KEPT_BYTES_MAX => {
                record.fail(FailureKind::Content, format!("the packed answer is larger than {}", size(KEPT_BYTES_MAX as u64)));
                return Body::default();
            }
            Next::Piece(piece) => raw.extend_from_slice(&piece),
            Next::End => break,
            Next::Broken => return Body::default(),
        }
    }
    let (compression, limit, is_searched) = (wanted.compression.to_owned(), wanted.limit, wanted.is_searched);
    let unpacked = tokio::task::spawn_blocking(move || unpack(&compression, &raw, limit, is_searched)).await;
    let (body, wrong) = unpacked.unwrap_or_else(|error| (Body::default(), Some(Wrong::Packing(error.to_string()))));
    match wrong {
        None => {}
        Some(Wrong::Large(limit)) => too_large(record, limit),
        Some(Wrong::Packing(why)) => {
            record.fail(FailureKind::Content, format!("the answer is not packed with {} as expected: {why}", wanted.compression));
        }
    }
    body
}

/// Waits until a large body may be read.
async fn may_be_large<'m>(leave: &mut Option<SemaphorePermit<'m>>, wanted: &Wanted<'m>, record: &mut Record, deadline: &Deadline) -> bool {
    if leave.is_some() {
        return true;
    }
    match deadline.within(wanted.large.acquire()).await {
        Ok(Ok(permit)) => {
            *leave = Some(permit);
            true
        }
        _ => {
            record.late("other large answers were read");
            false
        }
    }
}

enum Wrong {
    Large(u64),
    Packing(String),
}

/// Unpacks; costs time in proportion to the unpacked size.
fn unpack(compression: &str, raw: &[u8], limit: u64, is_searched: bool) -> (Body, Option<Wrong>) {
    let mut body = Body::default();
    let mut decoder: Box<dyn Read + '_> = match compression {
        "gzip" => {
            if !raw.starts_with(&[0x1f, 0x8b]) {
                // As upstream: what was looked at is gone, the rest counts as it is.
                body.bytes = (raw.len() as u64).saturating_sub(SNIFFED_BYTES);
                body.is_unsearched = true;
                return (body, Some(Wrong::Packing("it does not begin as gzip does".to_owned())));
            }
            Box::new(flate2::bufread::MultiGzDecoder::new(raw))
        }
        "deflate" => Box::new(flate2::bufread::DeflateDecoder::new(raw)),
        _ => Box::new(brotli_decompressor::Decompressor::new(raw, 4096)),
    };
    let keep = if is_searched { KEPT_BYTES_MAX } else { BEGINNING_BYTES };
    // Without a limit there is one all the same: a small body may unpack to any size.
    let most = if limit > 0 { limit } else { 64 * KEPT_BYTES_MAX as u64 };
    let mut piece = vec![0; 64 * 1024];
    loop {
        match decoder.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => {
                body.bytes += count as u64;
                let room = keep.saturating_sub(body.kept.len());
                body.kept.extend_from_slice(&piece[..count.min(room)]);
                if body.bytes > most {
                    body.bytes = most;
                    return (body, Some(Wrong::Large(most)));
                }
            }
            Err(error) => return (body, Some(Wrong::Packing(error.to_string()))),
        }
    }
    body.is_whole = body.bytes <= keep as u64 || !is_searched;
    let wrong = (!body.is_whole).then_some(Wrong::Large(keep as u64));
    (body, wrong)
}

enum Next {
    Piece(Bytes),
    End,
    Broken,
}

async fn next(incoming: &mut Incoming, record: &mut Record, deadline: &Deadline, so_far: u64) -> Next {
    loop {
        match deadline.within(incoming.frame()).await {
            Err(Late) => {
                record.late(&format!("the answer was read, {so_far} bytes so far"));
                return Next::Broken;
            }
            Ok(None) => return Next::End,
            Ok(Some(Ok(frame))) => {
                if let Ok(piece) = frame.into_data() {
                    return Next::Piece(piece);
                }
            }
            Ok(Some(Err(_))) => {
                record.fail(FailureKind::Protocol, format!("the answer broke off after {so_far} bytes"));
                return Next::Broken;
            }
        }
    }
}

fn too_large(record: &mut Record, limit: u64) {
    record.fail(FailureKind::Content, format!("the answer is larger than {}", size(limit)));
}

fn size(bytes: u64) -> String {
    human::bytes(bytes as f64)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn bodies_are_unpacked_up_to_a_limit() {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(&[b'x'; 100_000]).unwrap();
        let gz = gz.finish().unwrap();
        let (body, wrong) = unpack("gzip", &gz, 0, true);
        assert!(wrong.is_none() && body.bytes == 100_000 && body.kept.len() == 100_000 && body.is_whole);
        let (body, wrong) = unpack("gzip", &gz, 1000, false);
        assert!(matches!(wrong, Some(Wrong::Large(1000))) && body.bytes == 1000);
        let (body, wrong) = unpack("gzip", b"plain", 0, false);
        assert!(matches!(wrong, Some(Wrong::Packing(_))) && body.bytes == 0);
        assert!(matches!(unpack("br", b"\xff\xff\xff\xff", 0, false).1, Some(Wrong::Packing(_))));
        let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        raw.write_all(b"hello").unwrap();
        assert_eq!(unpack("deflate", &raw.finish().unwrap(), 0, true).0.kept, b"hello");
    }
}
