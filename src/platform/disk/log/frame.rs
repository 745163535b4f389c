//! Records on their way to and from segments: framed, checksummed, compressed.

use parking_lot::Mutex;
use zstd::bulk::{Compressor, Decompressor};

use super::sums::PieceSums;
use crate::base::bytes::{Cursor, has_crc32, is_any_checksum_right, put_uvarint};

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

/// Searches for good records look at so many places of a file at most that could be one: what a file can cost is bounded, to some
/// seconds. Of a segment that is nothing but noise one place in many thousands could be one.
const TRIES_MAX: usize = 4 << 20;
/// What the name of every kind of log begins with.
const FAMILY: &[u8] = b"PHAR";
/// What every frame of zstd begins with.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Walks the frames of a file.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
    damaged_head: bool,
    sums: PieceSums<'a>,
    /// Places that searches may still look at.
    tries_left: usize,
}

/// What stands at a place of a segment.
#[derive(Debug, Clone, Copy)]
pub enum Found<'a> {
    /// A record.
    Frame(Frame<'a>),
    /// Nothing more.
    End,
    /// A record that is whole, but for its length.
    Mended(Frame<'a>),
    /// Bytes that are no record. The walk stands at the next good record, or at the end if none follows.
    Damaged,
    /// The file ends in the middle of a record, as a crash leaves it.
    Torn,
}

impl<'a> Frames<'a> {
    /// Over a whole file; `None` if its first bytes are wrong. A wrong name is damage if it is no other name and good records
    /// follow: the walk begins with the first of them.
    pub fn new(bytes: &'a [u8], format: Format) -> Option<Self> {
        let (magic, _) = bytes.split_first_chunk::<8>()?;
        let (name, wanted) = (&magic[..7], &format.magic[..7]);
        let damaged_head = name != wanted;
        let mut frames = Self { bytes, at: magic.len(), damaged_head, sums: PieceSums::new(bytes), tries_left: TRIES_MAX };
        if !damaged_head {
            return (format.oldest..=format.magic[7]).contains(&magic[7]).then_some(frames);
        }
        let wrong = name.iter().zip(wanted).filter(|(found, wanted)| found != wanted).count();
        if wrong > 1 && name.starts_with(FAMILY) && name.iter().all(u8::is_ascii_uppercase) {
            return None;
        }
        if frames.frame_at(frames.at).0.is_none() {
            frames.at = frames.next_good(0)?;
        }
        Some(frames)
    }

    /// Whether the name at the beginning is damaged.
    pub fn has_damaged_head(&self) -> bool {
        self.damaged_head
    }

    /// Where the next frame begins.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// The next frame.
    pub fn next_frame(&mut self) -> Found<'a> {
        let at = self.at;
        if at >= self.bytes.len() {
            return Found::End;
        }
        let (frame, end) = self.frame_at(at);
        if let (Some(frame), Some(end)) = (frame, end) {
            self.at = end;
            return Found::Frame(frame);
        }
        let next = self.next_good(at + 1);
        let is_searched = next.is_some() || self.tries_left > 0;
        if let Some(frame) = self.whole_up_to(at, next.unwrap_or(self.bytes.len())) {
            self.at = next.unwrap_or(self.bytes.len());
            return Found::Mended(frame);
        }
        // Where this one claims to end counts for nothing while there are good records before: its length may be what is damaged. A
        // text may look like a record; to read it is better than to lose what was acknowledged.
        let claimed = || end.filter(|end| self.frame_at(*end).0.is_some());
        self.at = next.or_else(claimed).unwrap_or(self.bytes.len());
        // A crash leaves a record without its end; a power cut may leave zeros in place of what was not written.
        let is_torn = is_searched && self.at == self.bytes.len() && (end.is_none() || self.bytes.ends_with(&[0; HEAD]));
        if is_torn { Found::Torn } else { Found::Damaged }
    }

    /// The frame at a place if it is good, and where it ends or claims to end.
    fn frame_at(&self, at: usize) -> (Option<Frame<'a>>, Option<usize>) {
        let Some((len, crc, rest)) = self.head_at(at) else { return (None, None) };
        let Some(body) = rest.get(..len) else { return (None, None) };
        let end = at + HEAD + body.len();
        (frame_of(body, crc), Some(end))
    }

    /// Length and checksum at a place, and all that follows.
    fn head_at(&self, at: usize) -> Option<(usize, u32, &'a [u8])> {
        let (head, rest) = self.bytes.get(at..)?.split_first_chunk::<HEAD>()?;
        let mut cursor = Cursor::new(head);
        let (len, crc) = (cursor.u32_le().ok()?, cursor.u32_le().ok()?);
        Some((len as usize, crc, rest))
    }

    /// The record at a place if it is good when it ends at `end`, whatever its length says.
    fn whole_up_to(&self, at: usize, end: usize) -> Option<Frame<'a>> {
        let (_, crc, _) = self.head_at(at)?;
        frame_of(self.bytes.get(at + HEAD..end)?, crc)
    }

    /// The next place from `from` on with a good record.
    fn next_good(&mut self, from: usize) -> Option<usize> {
        for at in from..self.bytes.len() {
            let (len, crc, rest) = self.head_at(at)?;
            let Some(body) = rest.get(..len).filter(|body| could_be_body(body)) else { continue };
            self.tries_left = self.tries_left.checked_sub(1)?;
            let start = at + HEAD;
            if self.sums.of(start..start + body.len()) == crc || is_any_checksum_right() {
                return Some(at);
            }
        }
        None
    }
}

/// A record with this body, if the checksum fits.
fn frame_of(body: &[u8], crc: u32) -> Option<Frame<'_>> {
    match body.split_first() {
        Some((&kind, rest)) if has_crc32(body, crc) => Some(Frame { kind, body: rest }),
        _ => None,
    }
}

/// Whether bytes could be the body of a record, without looking at all of them.
fn could_be_body(body: &[u8]) -> bool {
    match body {
        [_, PLAIN, ..] => true,
        [_, ZSTD, rest @ ..] => {
            let mut cursor = Cursor::new(rest);
            cursor.uvarint().is_ok_and(|len| len <= CONTENT_MAX as u64) && cursor.rest().starts_with(&ZSTD_MAGIC)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: Format = Format { magic: *b"PHARTST\x01", oldest: 1 };

    fn contents() -> Vec<Vec<u8>> {
        let noise =
            |seed: u64| (0..2000u64).map(move |at| ((at + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect::<Vec<u8>>();
        vec![vec![1, 2, 3], vec![7; 10_000], noise(1), Vec::new(), noise(5000), b"the last".to_vec()]
    }

    fn segment() -> Vec<u8> {
        let mut bytes = FORMAT.magic.to_vec();
        let packer = Packer::default();
        contents().iter().for_each(|content| packer.put_frame(&mut bytes, 5, content));
        bytes
    }

    /// What is read, and what else is found, in one letter each.
    fn walk(bytes: &[u8]) -> (Vec<Vec<u8>>, String) {
        let mut frames = Frames::new(bytes, FORMAT).expect("a file of the log");
        let (mut read, mut found) = (Vec::new(), String::new());
        let mut unpacker = Unpacker::default();
        loop {
            let next = frames.next_frame();
            if let Found::Frame(frame) | Found::Mended(frame) = next {
                read.push(frame.content(&mut unpacker).expect("content"));
            }
            found.push_str(match next {
                Found::Frame(_) => "",
                Found::Mended(_) => "m",
                Found::Damaged => "d",
                Found::Torn => "t",
                Found::End => return (read, found),
            });
        }
    }

    #[test]
    fn a_flipped_bit_costs_one_record_at_most_wherever_it_is() {
        let whole = segment();
        let contents = contents();
        assert_eq!(walk(&whole), (contents.clone(), String::new()));
        let mut at = FORMAT.magic.len();
        let starts: Vec<usize> = contents
            .iter()
            .map(|_| {
                let start = at;
                at += HEAD + u32::from_le_bytes(whole[at..at + 4].try_into().expect("four")) as usize;
                start
            })
            .collect();
        for at in FORMAT.magic.len()..whole.len() {
            for bit in 0..8 {
                let mut bad = whole.clone();
                bad[at] ^= 1 << bit;
                let (read, found) = walk(&bad);
                let hit = starts.iter().rposition(|start| *start <= at).expect("a record");
                let in_length = at < starts[hit] + 4;
                let mut left = contents.clone();
                if !in_length {
                    left.remove(hit);
                }
                assert_eq!((read, found.as_str()), (left, if in_length { "m" } else { "d" }), "byte {at} bit {bit} of record {hit}");
            }
        }
    }

    #[test]
    fn torn_ends_are_told_from_damage() {
        let whole = segment();
        let last = whole.len() - HEAD - 2 - b"the last".len();
        for cut in last + 1..whole.len() {
            assert_eq!(walk(&whole[..cut]).1, "t", "cut at {cut}");
            let mut zeros = whole[..cut].to_vec();
            zeros.extend_from_slice(&[0; 5000]);
            assert_eq!(walk(&zeros).1, "t", "zeros from {cut}");
        }
        let mut lost = whole.clone();
        // A hole of any content in the middle hides nothing behind it.
        lost.splice(20..1500, std::iter::repeat_n(0xa5, 1200));
        let (read, found) = walk(&lost);
        assert_eq!((read.last(), found.as_str()), (contents().last(), "d"));
    }

    /// Where each record of a file of the log begins, and the end.
    fn places(whole: &[u8]) -> Vec<usize> {
        let mut frames = Frames::new(whole, FORMAT).expect("a file of the log");
        let mut places = vec![frames.offset()];
        while matches!(frames.next_frame(), Found::Frame(_)) {
            places.push(frames.offset());
        }
        places
    }

    #[test]
    fn a_damaged_length_that_happens_to_fit_hides_no_record() {
        let whole = segment();
        let (contents, places) = (contents(), places(&whole));
        for wrong in 2..5 {
            let mut bad = whole.clone();
            let len = (places[wrong] - places[0] - HEAD) as u32;
            bad[places[0]..places[0] + 4].copy_from_slice(&len.to_le_bytes());
            bad[places[0] + HEAD + 2] ^= 1;
            assert_eq!(walk(&bad), (contents[1..].to_vec(), "d".to_owned()), "up to record {wrong}");
            // Nor when the record before that place is damaged as well.
            bad[places[wrong] - 1] ^= 1;
            let left = [&contents[1..wrong - 1], &contents[wrong..]].concat();
            assert_eq!(walk(&bad).0, left, "up to record {wrong}");
        }
    }

    #[test]
    fn damage_that_claims_to_be_many_records_hides_none() {
        // To read each claim to its end would be to read the file many times over.
        let claims = [0xff, 0, 0, 0].repeat(5000);
        let whole = segment();
        let places = places(&whole);
        let bad = [&whole[..places[1] + 3], &claims, &whole[places[2]..]].concat();
        let (read, found) = walk(&bad);
        assert_eq!((read, found.as_str()), ([&contents()[..1], &contents()[2..]].concat(), "d"));
    }

    #[test]
    fn a_lost_beginning_costs_what_was_in_it() {
        let whole = segment();
        let (contents, places) = (contents(), places(&whole));
        for len in 1..places[3] {
            let lost = places.iter().filter(|place| **place < len).count();
            // At least the first is lost with its head, even if the name is whole.
            let zeros = [&vec![0; len][..], &whole[len..]].concat();
            let mut frames = Frames::new(&zeros, FORMAT).expect("its records are good");
            assert!(frames.has_damaged_head(), "{len} zeros");
            assert_eq!(frames.offset(), places[lost], "{len} zeros");
            assert!(matches!(frames.next_frame(), Found::Frame(_)));
            assert_eq!(walk(&zeros).0, contents[lost..], "{len} zeros");
            let gone = &whole[len..];
            assert_eq!(walk(gone).0, contents[lost..], "{len} bytes less");
        }
    }

    #[test]
    fn the_name_may_be_damaged_but_not_another() {
        let whole = segment();
        for at in 0..7 {
            let mut bad = whole.clone();
            bad[at] ^= 4;
            let frames = Frames::new(&bad, FORMAT).expect("its records are good");
            assert!(frames.has_damaged_head());
            assert_eq!(walk(&bad), (contents(), String::new()));
            bad[(at + 1) % 7] ^= 0x84;
            bad[7] ^= 8;
            assert_eq!(walk(&bad), (contents(), String::new()), "damage rather than another name");
            assert!(Frames::new(&bad[..11], FORMAT).is_none(), "no record tells that it is of this log");
        }
        let another = [b"PHARWAL\x01", &whole[8..]].concat();
        assert!(Frames::new(&another, FORMAT).is_none(), "another log's records are not guessed at");
        let mut later = whole.clone();
        later[7] = 2;
        assert!(Frames::new(&later, FORMAT).is_none(), "a later version is not guessed at");
    }

    #[test]
    fn a_search_is_bounded_and_what_it_did_not_look_at_is_no_torn_end() {
        let mut bytes = [&segment()[..21], &[0, 0, 4, 0].repeat(1 << 17)].concat();
        bytes.extend_from_slice(&segment()[8..]);
        let mut frames = Frames::new(&bytes, FORMAT).expect("a file");
        frames.tries_left = 100;
        assert!(matches!(frames.next_frame(), Found::Frame(_)));
        assert!(matches!(frames.next_frame(), Found::Damaged), "it may not be cut off");
        assert_eq!((frames.offset(), frames.tries_left), (bytes.len(), 0));
    }
}
