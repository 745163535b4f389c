//! A text without its numbers, and the numbers as columns: what a line says in words repeats from line to line, what it
//! counts and names by number does not, and packs best by itself.
//!
//! In the *reduced text* the byte 1 stands for each number taken out (a text that has this byte is not packed so). A
//! number is a run of decimal digits, or a whole token of hexadecimal digits in one case with a decimal digit among them.
//! The column that a number is in follows from the eight bytes of reduced text before it (zeros before the begin), any
//! decimal digit among them as `0`, read as a little endian number, times `0x9e3779b97f4a7c15`, the upper twelve bits: its
//! *slot*. Which slots are taken out, and as what, is the writer's choice, made by a sample; what does not fit stays.
//!
//! ```text
//! zstd frame   reduced text
//! columns      number of columns, then for each: distance of its slot from the one before, kind (1 byte), digits
//!              (1 byte), values, length and bytes of its data; varints, if not said otherwise
//! length       of the columns (4 bytes, little endian)
//! ```
//!
//! Kinds: 0 decimal numbers without leading zeros, 1 decimal numbers of that many digits, both as integer columns of
//! [`crate::base::pack`]; 2 and 3 hexadecimal numbers of that many digits in lower and upper case, two a byte, the
//! first in the upper half, each value from a new byte on.

mod decode;
mod encode;
mod find;

pub(super) use decode::decode;
pub(super) use encode::Encoder;

/// Stands for a number in the reduced text.
const MARK: u8 = 1;
/// Number of slots.
const SLOTS: usize = 1 << 12;
/// Digits of a decimal number that is packed as one, at most.
const DECIMAL_DIGITS_MAX: usize = 18;
/// Digits of any number that is taken out, at most.
const DIGITS_MAX: usize = 128;

const DECIMAL: u8 = 0;
const PADDED: u8 = 1;
const LOWER_HEX: u8 = 2;
const UPPER_HEX: u8 = 3;

/// The slot of a number that comes behind `before`.
#[inline]
fn slot_of(before: &[u8]) -> usize {
    let eight = match before.last_chunk::<8>() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => {
            let mut eight = [0; 8];
            eight[8 - before.len()..].copy_from_slice(before);
            u64::from_le_bytes(eight)
        }
    };
    // Bytes below `0` or above `9` get their highest bit set.
    let from_zero = eight ^ 0x3030_3030_3030_3030;
    let no_digit = ((from_zero & 0x7f7f_7f7f_7f7f_7f7f) + 0x7676_7676_7676_7676) | from_zero;
    let digits = (!no_digit & 0x8080_8080_8080_8080) >> 7;
    let eight = eight & !(digits * 15);
    (eight.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as usize
}

#[cfg(test)]
mod tests;
