//! Columns of integers: the cheapest of values, differences, and differences of differences.

use super::Corrupt;
use super::bitpack::{BLOCK_LEN, plan, put_block, read_block};
use crate::base::bytes::{Cursor, put_uvarint, put_varint, unzigzag, zigzag};

/// Set beside the variant when a scale follows.
const SCALED: u8 = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variant {
    Values = 0,
    Deltas = 1,
    SecondDeltas = 2,
    DeltasFromBase = 3,
    SecondDeltasFromBase = 4,
}

impl Variant {
    const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Values,
            1 => Self::Deltas,
            2 => Self::SecondDeltas,
            3 => Self::DeltasFromBase,
            4 => Self::SecondDeltasFromBase,
            _ => return None,
        })
    }

    const fn is_second(self) -> bool {
        matches!(self, Self::SecondDeltas | Self::SecondDeltasFromBase)
    }

    const fn has_base(self) -> bool {
        !matches!(self, Self::Deltas | Self::SecondDeltas)
    }
}

/// Appends a column of at least one integer.
pub fn encode_ints(values: &[i64], out: &mut Vec<u8>) {
    let Some(&first) = values.first() else { return };
    let mut deltas: Vec<i64> = values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    let scale = common_divisor(&deltas);
    if scale > 1 {
        // A divisor of 2^63 is negative as i64; it divides exactly all the same.
        deltas.iter_mut().for_each(|delta| *delta = delta.wrapping_div(scale as i64));
    }
    let mut sum = 0i64;
    let relative: Vec<i64> = std::iter::once(0)
        .chain(deltas.iter().map(|delta| {
            sum = sum.wrapping_add(*delta);
            sum
        }))
        .collect();
    let second: Vec<i64> = deltas.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();

    let mut best = (usize::MAX, Variant::Deltas, &deltas[..]);
    for (variant, residuals) in [
        (Variant::Deltas, &deltas[..]),
        (Variant::DeltasFromBase, &deltas[..]),
        (Variant::Values, &relative[..]),
        (Variant::SecondDeltas, &second[..]),
        (Variant::SecondDeltasFromBase, &second[..]),
    ] {
        if variant.is_second() && values.len() < 3 {
            continue;
        }
        let size = blocks_len(residuals, variant.has_base()) + if variant.is_second() { 2 } else { 0 };
        if size < best.0 {
            best = (size, variant, residuals);
        }
    }
    let (_, variant, residuals) = best;
    out.push(variant as u8 | if scale > 1 { SCALED } else { 0 });
    if scale > 1 {
        put_uvarint(out, scale);
    }
    put_varint(out, first);
    if variant.is_second() {
        put_varint(out, deltas[0]);
    }
    put_blocks(residuals, variant.has_base(), out);
}

/// Reads a column of `count` integers (at least one) and hands them on in pieces of at most 64.
#[inline(always)]
pub fn decode_ints(cursor: &mut Cursor<'_>, count: usize, mut each: impl FnMut(&[i64])) -> Result<(), Corrupt> {
    let head = cursor.u8()?;
    let variant = Variant::from_code(head & !SCALED).ok_or(Corrupt::new("unknown variant of an integer column"))?;
    let scale = if head & SCALED != 0 { cursor.uvarint()? as i64 } else { 1 };
    let mut value = cursor.varint()?;
    if variant == Variant::Values {
        let start = value;
        return read_blocks(cursor, count, true, |block| {
            block.iter_mut().for_each(|offset| *offset = start.wrapping_add(offset.wrapping_mul(scale)));
            each(block);
        });
    }
    each(&[value]);
    if !variant.is_second() {
        return read_blocks(cursor, count - 1, variant.has_base(), |block| {
            if scale != 1 {
                block.iter_mut().for_each(|delta| *delta = delta.wrapping_mul(scale));
            }
            value = running_sum(block, value);
            each(block);
        });
    }
    if count < 3 {
        return Err(Corrupt::new("differences of differences of too few entries"));
    }
    let mut delta = cursor.varint()?;
    value = value.wrapping_add(delta.wrapping_mul(scale));
    each(&[value]);
    read_blocks(cursor, count - 2, variant.has_base(), |block| {
        delta = running_sum(block, delta);
        if scale != 1 {
            block.iter_mut().for_each(|delta| *delta = delta.wrapping_mul(scale));
        }
        value = running_sum(block, value);
        each(block);
    })
}

/// Replaces each difference by the sum so far; returns the last.
#[inline(always)]
fn running_sum(block: &mut [i64], start: i64) -> i64 {
    let mut sum = start;
    for entry in block {
        sum = sum.wrapping_add(*entry);
        *entry = sum;
    }
    sum
}

/// Greatest common divisor of all, at least 1.
fn common_divisor(deltas: &[i64]) -> u64 {
    let mut divisor = 0u64;
    for delta in deltas {
        let (mut left, mut right) = (delta.unsigned_abs(), divisor);
        if left == 0 || (right != 0 && left % right == 0) {
            continue;
        }
        while right != 0 {
            (left, right) = (right, left % right);
        }
        divisor = left;
        if divisor == 1 {
            break;
        }
    }
    divisor.max(1)
}

/// Turns one block of residuals into numbers that fit few bits; with a base, returns it.
#[inline]
fn to_unsigned(chunk: &[i64], with_base: bool, numbers: &mut [u64; BLOCK_LEN]) -> i64 {
    if with_base {
        let base = chunk.iter().copied().min().unwrap_or(0);
        numbers.iter_mut().zip(chunk).for_each(|(number, residual)| *number = residual.wrapping_sub(base) as u64);
        base
    } else {
        numbers.iter_mut().zip(chunk).for_each(|(number, residual)| *number = zigzag(*residual));
        0
    }
}

fn blocks_len(residuals: &[i64], with_base: bool) -> usize {
    let mut numbers = [0; BLOCK_LEN];
    let mut before = 0i64;
    let mut total = 0;
    for chunk in residuals.chunks(BLOCK_LEN) {
        let base = to_unsigned(chunk, with_base, &mut numbers);
        if with_base {
            total += uvarint_len(zigzag(base.wrapping_sub(before)));
            before = base;
        }
        total += plan(&numbers[..chunk.len()]).bytes;
    }
    total
}

/// Appends residuals as blocks of 64, each behind its base if they have one.
pub fn put_blocks(residuals: &[i64], with_base: bool, out: &mut Vec<u8>) {
    let mut numbers = [0; BLOCK_LEN];
    let mut before = 0i64;
    for chunk in residuals.chunks(BLOCK_LEN) {
        let base = to_unsigned(chunk, with_base, &mut numbers);
        if with_base {
            put_varint(out, base.wrapping_sub(before));
            before = base;
        }
        put_block(&numbers[..chunk.len()], out);
    }
}

/// Reads `count` residuals and hands them on block by block.
#[inline(always)]
pub fn read_blocks(cursor: &mut Cursor<'_>, count: usize, with_base: bool, mut each: impl FnMut(&mut [i64])) -> Result<(), Corrupt> {
    let mut numbers = [0u64; BLOCK_LEN];
    let mut residuals = [0i64; BLOCK_LEN];
    let mut base = 0i64;
    let mut left = count;
    while left > 0 {
        let len = left.min(BLOCK_LEN);
        if with_base {
            base = base.wrapping_add(cursor.varint()?);
        }
        read_block(cursor, len, &mut numbers)?;
        // All 64 are converted, the excess is cut off: a loop of constant length is unrolled and vectorised.
        if with_base {
            residuals.iter_mut().zip(&numbers).for_each(|(residual, number)| *residual = base.wrapping_add(*number as i64));
        } else {
            residuals.iter_mut().zip(&numbers).for_each(|(residual, number)| *residual = unzigzag(*number));
        }
        each(&mut residuals[..len]);
        left -= len;
    }
    Ok(())
}

const fn uvarint_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}
