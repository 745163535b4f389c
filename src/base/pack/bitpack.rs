//! Blocks of up to 64 numbers, packed to the width that is cheapest when the few wider ones are patched in.

use super::Corrupt;
use crate::base::bytes::{Cursor, put_uvarint};

/// Numbers of a full block.
pub const BLOCK_LEN: usize = 64;
/// Set in the width byte when exceptions follow.
const PATCHED: u8 = 0x80;
/// More exceptions than this never pay.
const EXCEPTIONS_MAX: usize = 20;

/// The width to pack with, and the bytes the block then takes.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    width: usize,
    patched: bool,
    /// Bytes of the whole block.
    pub bytes: usize,
}

/// Chooses the width for a block.
pub fn plan(values: &[u64]) -> Plan {
    let mut of_width = [0u8; 65];
    let mut all = 0u64;
    for &value in values {
        all |= value;
        of_width[bits(value)] += 1;
    }
    let widest = bits(all);
    let mut best = Plan { width: widest, patched: false, bytes: 1 + packed_len(values.len(), widest) };
    let mut exceptions = 0;
    for width in (0..widest).rev() {
        exceptions += usize::from(of_width[width + 1]);
        if exceptions > EXCEPTIONS_MAX {
            break;
        }
        let high: usize = (width + 1..=widest).map(|wide| usize::from(of_width[wide]) * (1 + (wide - width).div_ceil(7))).sum();
        let bytes = 2 + packed_len(values.len(), width) + high;
        if bytes < best.bytes {
            best = Plan { width, patched: true, bytes };
        }
    }
    best
}

/// Appends a block of 1 to 64 numbers.
pub fn put_block(values: &[u64], out: &mut Vec<u8>) {
    let Plan { width, patched, .. } = plan(values);
    out.push(width as u8 | if patched { PATCHED } else { 0 });
    pack(width, values, out);
    if !patched {
        return;
    }
    let count_at = out.len();
    out.push(0);
    for (position, &value) in values.iter().enumerate() {
        if bits(value) > width {
            out[count_at] += 1;
            out.push(position as u8);
        }
    }
    for &value in values {
        if bits(value) > width {
            put_uvarint(out, value >> width);
        }
    }
}

/// Reads a block of `len` numbers (1 to 64) into the front of `out`; what lies behind is undefined.
#[inline]
pub fn read_block(cursor: &mut Cursor<'_>, len: usize, out: &mut [u64; BLOCK_LEN]) -> Result<(), Corrupt> {
    let head = cursor.u8()?;
    let width = usize::from(head & !PATCHED);
    if width > 64 {
        return Err(Corrupt::new("block width above 64"));
    }
    let packed = packed_len(len, width);
    let rest = cursor.rest();
    let needed = width * 8;
    if rest.len() >= needed {
        // A short block reads on into what follows it, which is cut off with the numbers past `len`.
        unpack(width, &rest[..needed], out);
        cursor.take(packed)?;
    } else {
        let mut padded = [0u8; 8 * BLOCK_LEN];
        padded[..packed].copy_from_slice(cursor.take(packed)?);
        unpack(width, &padded[..needed], out);
    }
    if head & PATCHED != 0 {
        patch(cursor, width, len, out)?;
    }
    Ok(())
}

#[inline(never)]
fn patch(cursor: &mut Cursor<'_>, width: usize, len: usize, out: &mut [u64; BLOCK_LEN]) -> Result<(), Corrupt> {
    let count = usize::from(cursor.u8()?);
    let positions = cursor.take(count)?;
    if width == 64 {
        return Err(Corrupt::new("exceptions in a block of full width"));
    }
    for &position in positions {
        let high = cursor.uvarint()?;
        let position = usize::from(position);
        if position >= len {
            return Err(Corrupt::new("exception outside of its block"));
        }
        out[position] |= high << width;
    }
    Ok(())
}

#[inline]
const fn bits(value: u64) -> usize {
    (64 - value.leading_zeros()) as usize
}

#[inline]
const fn packed_len(len: usize, width: usize) -> usize {
    (len * width).div_ceil(8)
}

fn pack(width: usize, values: &[u64], out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let mask = u64::MAX >> (64 - width);
    let mut held = 0u128;
    let mut held_bits = 0;
    for &value in values {
        held |= u128::from(value & mask) << held_bits;
        held_bits += width;
        if held_bits >= 64 {
            out.extend_from_slice(&(held as u64).to_le_bytes());
            held >>= 64;
            held_bits -= 64;
        }
    }
    let left = (held as u64).to_le_bytes();
    out.extend_from_slice(&left[..held_bits.div_ceil(8)]);
}

/// With the width known to the compiler every load, shift and mask is a constant.
#[inline(always)]
fn unpack_width<const WIDTH: usize>(input: &[u8], out: &mut [u64; BLOCK_LEN]) {
    if WIDTH == 0 {
        *out = [0; BLOCK_LEN];
        return;
    }
    let mut words = [0u64; WIDTH];
    for (word, bytes) in words.iter_mut().zip(input.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    let mask = u64::MAX >> (64 - WIDTH);
    for (index, value) in out.iter_mut().enumerate() {
        let (word, shift) = (index * WIDTH / 64, index * WIDTH % 64);
        let mut joined = words[word] >> shift;
        if shift + WIDTH > 64 {
            joined |= words[word + 1] << (64 - shift);
        }
        *value = joined & mask;
    }
}

macro_rules! unpack_any {
    ($width:expr, $input:expr, $out:expr; $($known:literal)*) => {
        match $width {
            $($known => unpack_width::<$known>($input, $out),)*
            _ => {}
        }
    };
}

/// Unpacks 64 numbers; `input` has `8 * width` bytes.
#[inline(never)]
fn unpack(width: usize, input: &[u8], out: &mut [u64; BLOCK_LEN]) {
    unpack_any!(width, input, out;
        0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
        33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(values: &[u64]) -> usize {
        let mut bytes = Vec::new();
        put_block(values, &mut bytes);
        assert_eq!(bytes.len(), plan(values).bytes, "the plan foresees the size");
        // Once at the end of the input, once with bytes behind it.
        for padding in [0, 600] {
            let mut input = bytes.clone();
            input.resize(bytes.len() + padding, 0xa5);
            let mut cursor = Cursor::new(&input);
            let mut out = [7; BLOCK_LEN];
            read_block(&mut cursor, values.len(), &mut out).expect("valid");
            assert_eq!(&out[..values.len()], values);
            assert_eq!(cursor.offset(), bytes.len());
        }
        bytes.len()
    }

    #[test]
    fn every_width_and_length_round_trips() {
        for width in 0..=64u32 {
            for len in [1, 2, 7, 31, 63, 64] {
                let max = if width == 0 { 0 } else { u64::MAX >> (64 - width) };
                let values: Vec<u64> = (0..len).map(|i| max ^ (i * 0x9e37_79b9 % (max / 2 + 1))).collect();
                round_trip(&values);
            }
        }
    }

    #[test]
    fn outliers_are_patched() {
        let mut values = vec![3u64; 64];
        values[10] = u64::MAX;
        values[63] = 1 << 40;
        assert!(round_trip(&values) < 40);
    }

    #[test]
    fn nonsense_is_refused() {
        let mut out = [0; BLOCK_LEN];
        for bad in [&[65u8][..], &[8, 1], &[0x80, 1, 64, 1], &[0x80, 2, 1], &[]] {
            assert!(read_block(&mut Cursor::new(bad), 64, &mut out).is_err(), "{bad:?}");
        }
    }
}
