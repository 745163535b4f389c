//! Variable-length integers and a bounds-checked cursor, shared by wire and disk formats.
//!
//! Varints are LEB128 as in Protocol Buffers; signed values are zigzag encoded first.

/// Input ended early or held a value that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("truncated or malformed bytes at offset {offset}")]
pub struct Malformed {
    /// Where reading stopped, in bytes from the start of the cursor's input.
    pub offset: usize,
}

/// Whether `crc` is the CRC-32 of `bytes`. Fuzzing takes any: what it changes could not pass otherwise.
#[inline]
pub fn has_crc32(bytes: &[u8], crc: u32) -> bool {
    is_any_checksum_right() || crc32fast::hash(bytes) == crc
}

/// Whether a checksum counts as right whatever it is: never but while fuzzing.
#[cfg(not(fuzzing))]
#[inline]
pub const fn is_any_checksum_right() -> bool {
    false
}

/// Whether a checksum counts as right whatever it is.
#[cfg(fuzzing)]
#[inline]
pub fn is_any_checksum_right() -> bool {
    checksums::ANY.load(std::sync::atomic::Ordering::Relaxed)
}

/// While fuzzing: whether any checksum is taken from here on until what this answers is dropped. Otherwise nothing.
#[cfg(any(fuzzing, test))]
pub fn trust_checksums(any: bool) -> impl Drop {
    checksums::set(any);
    checksums::Until
}

#[cfg(any(fuzzing, test))]
mod checksums {
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Tests never look at it.
    pub(super) static ANY: AtomicBool = AtomicBool::new(true);

    pub(super) fn set(any: bool) {
        ANY.store(any, Ordering::Relaxed);
    }

    pub(super) struct Until;

    impl Drop for Until {
        fn drop(&mut self) {
            set(true);
        }
    }
}

/// Appends `value` as LEB128 (1 to 10 bytes).
#[inline]
pub fn put_uvarint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends `value` zigzag encoded, then as LEB128.
#[inline]
pub fn put_varint(out: &mut Vec<u8>, value: i64) {
    put_uvarint(out, zigzag(value));
}

/// Maps small magnitudes of either sign to small unsigned numbers.
#[inline]
pub const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Undoes [`zigzag`].
#[inline]
pub const fn unzigzag(value: u64) -> i64 {
    ((value >> 1) as i64) ^ -((value & 1) as i64)
}

/// Reads from the front of a slice; every read is checked.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of `all`.
    pub fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    /// Bytes read so far.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Bytes left.
    pub fn remaining(&self) -> usize {
        self.all.len() - self.at
    }

    /// Whether all was read.
    pub fn is_empty(&self) -> bool {
        self.at == self.all.len()
    }

    /// What is left, without moving.
    pub fn rest(&self) -> &'a [u8] {
        &self.all[self.at..]
    }

    fn malformed(&self) -> Malformed {
        Malformed { offset: self.at }
    }

    /// One byte.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        let byte = *self.all.get(self.at).ok_or_else(|| self.malformed())?;
        self.at += 1;
        Ok(byte)
    }

    /// `len` bytes, borrowed.
    #[inline]
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let end = self.at.checked_add(len).ok_or_else(|| self.malformed())?;
        let slice = self.all.get(self.at..end).ok_or_else(|| self.malformed())?;
        self.at = end;
        Ok(slice)
    }

    /// A LEB128 number.
    #[inline]
    pub fn uvarint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        let mut shift = 0u32;
        loop {
            let byte = self.u8()?;
            if shift == 63 && byte > 1 {
                return Err(self.malformed());
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
            shift += 7;
            if shift > 63 {
                return Err(self.malformed());
            }
        }
    }

    /// A zigzag LEB128 number.
    #[inline]
    pub fn varint(&mut self) -> Result<i64, Malformed> {
        self.uvarint().map(unzigzag)
    }

    /// A length as LEB128, refused when more than what is left.
    #[inline]
    pub fn len(&mut self) -> Result<usize, Malformed> {
        let value = self.uvarint()?;
        let len = usize::try_from(value).map_err(|_| self.malformed())?;
        if len > self.remaining() { Err(self.malformed()) } else { Ok(len) }
    }

    /// Four bytes, little endian.
    #[inline]
    pub fn u32_le(&mut self) -> Result<u32, Malformed> {
        let at = self.malformed();
        Ok(u32::from_le_bytes(self.take(4)?.try_into().map_err(|_| at)?))
    }

    /// Eight bytes, little endian.
    #[inline]
    pub fn u64_le(&mut self) -> Result<u64, Malformed> {
        let at = self.malformed();
        Ok(u64::from_le_bytes(self.take(8)?.try_into().map_err(|_| at)?))
    }

    /// Eight bytes, little endian, as a float.
    #[inline]
    pub fn f64_le(&mut self) -> Result<f64, Malformed> {
        self.u64_le().map(f64::from_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_round_trip() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut out = Vec::new();
            put_uvarint(&mut out, value);
            assert_eq!(Cursor::new(&out).uvarint(), Ok(value));
        }
        for value in [0, -1, 1, i64::MIN, i64::MAX, 12345, -12345] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            assert_eq!(Cursor::new(&out).varint(), Ok(value));
        }
    }

    #[test]
    fn overlong_and_torn_input_is_refused() {
        assert!(Cursor::new(&[0x80; 11]).uvarint().is_err());
        assert!(Cursor::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).uvarint().is_err());
        assert!(Cursor::new(&[0x80]).uvarint().is_err());
        assert!(Cursor::new(&[5, 1, 2]).len().is_err());
        assert!(Cursor::new(&[1, 2, 3]).u32_le().is_err());
    }
}
