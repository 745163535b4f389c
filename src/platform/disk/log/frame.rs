//! Records on their way to and from segments: framed, checksummed, compressed.

use parking_lot::Mutex;
use zstd::bulk::{Compressor, Decompressor};

use crate::base::bytes::{Cursor, has_crc32, put_uvarint};

/// What the files of a log begin with, and which of them can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// First bytes of every file: a name of seven bytes and the version that is written.
    pub magic: [u8; 8],
    /// The oldest version that can be read.
    pub oldest: u8,
}

/// Length and checksum.
const HEAD: usize = 8;
/// A record's content is never larger than this, unpacked. Bounds what reading a damaged segment can allocate.
pub const CONTENT_MAX: usize = 512 << 20;
/// Shorter content is not worth compressing.
const COMPRESS_FROM: usize = 96;

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;

/// Keeps compressors between uses; making one costs more than using it.
pub struct Packer {
    level: i32,
    idle: Mutex<Vec<Compressor<'static>>>,
}

impl Default for Packer {
    /// At the quickest of zstd's usual levels.
    fn default() -> Self {
        Self::at_level(1)
    }
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Packer")
    }
}

impl Packer {
    /// One that compresses at this level of zstd; negative levels are quicker and pack less.
    pub fn at_level(level: i32) -> Self {
        Self { level, idle: Mutex::default() }
    }

    /// Appends a whole frame to `out`.
    pub fn put_frame(&self, out: &mut Vec<u8>, kind: impl Into<u8>, content: &[u8]) {
        let at = out.len();
        out.extend_from_slice(&[0; HEAD]);
        out.push(kind.into());
        if content.len() < COMPRESS_FROM || !self.compress(out, content) {
            out.push(PLAIN);
            out.extend_from_slice(content);
        }
        let len = (out.len() - at - HEAD) as u32;
        let crc = crc32fast::hash(&out[at + HEAD..]);
        out[at..at + 4].copy_from_slice(&len.to_le_bytes());
        out[at + 4..at + HEAD].copy_from_slice(&crc.to_le_bytes());
    }

    /// Appends the compressed content; leaves `out` alone and answers false when that does not work or pay.
    fn compress(&self, out: &mut Vec<u8>, content: &[u8]) -> bool {
        let idle = self.idle.lock().pop();
        let Some(mut compressor) = idle.or_else(|| Compressor::new(self.level).ok()) else { return false };
        let start = out.len();
        out.push(ZSTD);
        put_uvarint(out, content.len() as u64);
        let data = out.len();
        out.resize(data + zstd::zstd_safe::compress_bound(content.len()), 0);
        let written = compressor.compress_to_buffer(content, &mut out[data..]);
        let mut idle = self.idle.lock();
        if idle.len() < 8 {
            idle.push(compressor);
        }
        drop(idle);
        match written {
            Ok(len) if len + 16 < content.len() => {
                out.truncate(data + len);
                true
            }
            _ => {
                out.truncate(start);
                false
            }
        }
    }
}

/// A record as it lies in a segment.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// What it holds, as its writer numbered it.
    pub kind: u8,
    body: &'a [u8],
}

impl Frame<'_> {
    /// The content, unpacked; `None` if it cannot be unpacked.
    pub fn content(&self, unpacker: &mut Unpacker) -> Option<Vec<u8>> {
        let (&compression, rest) = self.body.split_first()?;
        match compression {
            PLAIN => Some(rest.to_vec()),
            ZSTD => {
                let mut cursor = Cursor::new(rest);
                let len = usize::try_from(cursor.uvarint().ok()?).ok().filter(|len| *len <= CONTENT_MAX)?;
                unpacker.unpack(cursor.rest(), len).filter(|content| content.len() == len)
            }
            _ => None,
        }
    }

    /// Bytes of the content unpacked, as the record claims them; what [`Self::content`] gives is never longer.
    pub fn content_len(&self) -> usize {
        match self.body.split_first() {
            Some((&ZSTD, rest)) => {
                Cursor::new(rest).uvarint().map_or(0, |len| usize::try_from(len).unwrap_or(CONTENT_MAX).min(CONTENT_MAX))
            }
            Some((_, rest)) => rest.len(),
            None => 0,
        }
    }
}

/// Keeps a decompressor between records.
#[derive(Default)]
pub struct Unpacker(Option<Decompressor<'static>>);

impl Unpacker {
    fn unpack(&mut self, packed: &[u8], len: usize) -> Option<Vec<u8>> {
        if self.0.is_none() {
            self.0 = Decompressor::new().ok();
        }
        self.0.as_mut()?.decompress(packed, len).ok()
    }
}

/// Walks the frames of a file.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// What stands at a place of a segment.
#[derive(Debug, Clone, Copy)]
pub enum Found<'a> {
    /// A record.
    Frame(Frame<'a>),
    /// Nothing more.
    End,
    /// Bytes that are no record. `skippable` when a good record follows where this one claims to end.
    Damaged {
        /// Whether a good record follows.
        skippable: bool,
    },
}

impl<'a> Frames<'a> {
    /// Over a whole file; `None` if its first bytes are wrong.
    pub fn new(bytes: &'a [u8], format: Format) -> Option<Self> {
        let (magic, _) = bytes.split_first_chunk::<8>()?;
        let known = magic[..7] == format.magic[..7] && (format.oldest..=format.magic[7]).contains(&magic[7]);
        known.then_some(Self { bytes, at: magic.len() })
    }

    /// Where the next frame begins.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// The next frame. After damage it stands where it stood, or behind if that is skippable.
    pub fn next_frame(&mut self) -> Found<'a> {
        if self.at >= self.bytes.len() {
            return Found::End;
        }
        let (frame, end) = self.frame_at(self.at);
        match (frame, end) {
            (Some(frame), Some(end)) => {
                self.at = end;
                Found::Frame(frame)
            }
            (None, Some(end)) if end < self.bytes.len() && self.frame_at(end).0.is_some() => {
                self.at = end;
                Found::Damaged { skippable: true }
            }
            _ => Found::Damaged { skippable: false },
        }
    }

    /// The frame at a place if it is good, and where it ends or claims to end.
    fn frame_at(&self, at: usize) -> (Option<Frame<'a>>, Option<usize>) {
        let mut cursor = Cursor::new(&self.bytes[at..]);
        let (Ok(len), Ok(crc)) = (cursor.u32_le(), cursor.u32_le()) else { return (None, None) };
        let Ok(body) = cursor.take(len as usize) else { return (None, None) };
        let end = at + HEAD + body.len();
        match body.split_first() {
            Some((&kind, rest)) if has_crc32(body, crc) => (Some(Frame { kind, body: rest }), Some(end)),
            _ => (None, Some(end)),
        }
    }
}
