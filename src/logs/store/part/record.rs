//! What the file `blocks` says about each block: 112 bytes, the fields in this order, little endian.

use crate::base::bytes::{Cursor, Malformed};

/// Bytes of a record.
pub(super) const RECORD_BYTES: usize = 112;

/// Where a block lies and what it holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// Where its text begins in the file `text`; its fields follow.
    pub(super) text_at: u64,
    /// Where its times begin in the file `heads`; its lengths follow.
    pub(super) head_at: u64,
    /// Where its filter begins in the file `bloom`.
    pub(super) bloom_at: u64,
    /// Where its runs begin in the file `runs`.
    pub(super) runs_at: u64,
    /// Time of its oldest line (ns).
    pub(super) min_ts: i64,
    /// Time of its newest line (ns).
    pub(super) max_ts: i64,
    /// Bytes of its text on disk, and their CRC-32.
    pub(super) text_len: u32,
    pub(super) text_crc: u32,
    /// Bytes of its fields on disk, 0 without any, and their CRC-32.
    pub(super) fields_len: u32,
    pub(super) fields_crc: u32,
    /// Bytes of its times.
    pub(super) times_len: u32,
    /// Bytes of its lengths.
    pub(super) lens_len: u32,
    /// Bytes of its filter, 0 without tokens for it.
    pub(super) bloom_len: u32,
    /// Bytes of its runs, 0 for a block of one stream.
    pub(super) runs_len: u32,
    /// Number of runs.
    pub(super) runs: u32,
    /// The first stream, or the only one.
    pub(super) stream: u32,
    /// Number of lines.
    pub(super) lines: u32,
    /// Bytes of the lines' text.
    pub(super) text_bytes: u32,
    /// Bytes of the fields, unpacked.
    pub(super) fields_bytes: u32,
    /// How the text is packed, see [`super::block`].
    pub(super) form: u32,
    /// Bytes that the text has unpacked from zstd.
    pub(super) frame_bytes: u32,
    /// 0.
    pub(super) reserved: u32,
}

impl Record {
    /// Bytes of the text with the line breaks between.
    pub(super) const fn unpacked_text(&self) -> usize {
        self.text_bytes as usize + self.lines as usize
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        for number in [self.text_at, self.head_at, self.bloom_at, self.runs_at, self.min_ts as u64, self.max_ts as u64] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for number in [
            self.text_len,
            self.text_crc,
            self.fields_len,
            self.fields_crc,
            self.times_len,
            self.lens_len,
            self.bloom_len,
            self.runs_len,
            self.runs,
            self.stream,
            self.lines,
            self.text_bytes,
            self.fields_bytes,
            self.form,
            self.frame_bytes,
            self.reserved,
        ] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(bytes);
        let long = &mut cursor;
        let (text_at, head_at, bloom_at, runs_at) = (long.u64_le()?, long.u64_le()?, long.u64_le()?, long.u64_le()?);
        let (min_ts, max_ts) = (long.u64_le()? as i64, long.u64_le()? as i64);
        let mut short = || cursor.u32_le();
        Ok(Self {
            text_at,
            head_at,
            bloom_at,
            runs_at,
            min_ts,
            max_ts,
            text_len: short()?,
            text_crc: short()?,
            fields_len: short()?,
            fields_crc: short()?,
            times_len: short()?,
            lens_len: short()?,
            bloom_len: short()?,
            runs_len: short()?,
            runs: short()?,
            stream: short()?,
            lines: short()?,
            text_bytes: short()?,
            fields_bytes: short()?,
            form: short()?,
            frame_bytes: short()?,
            reserved: short()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back() {
        let record = Record { text_at: 1, max_ts: -5, text_crc: 7, fields_bytes: 9, frame_bytes: 11, ..Record::default() };
        let mut bytes = Vec::new();
        record.put(&mut bytes);
        assert_eq!(bytes.len(), RECORD_BYTES);
        assert_eq!(Record::read(&bytes), Ok(record));
        assert!(Record::read(&bytes[1..]).is_err());
    }
}
