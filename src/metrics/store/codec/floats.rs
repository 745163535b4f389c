//! Columns of floats. Most are decimals with few digits, and so integers in disguise.

use std::borrow::Cow;

use super::{Corrupt, LATER_VERSION, check_count};
use crate::base::bytes::{Cursor, put_uvarint, put_varint};
use crate::base::pack::ints::{decode_ints, encode_ints};
use crate::series::sample::{NORMAL_NAN_BITS, STALE_NAN_BITS};

const CONSTANT: u8 = 0;
const DECIMAL: u8 = 1;
const CORRECTED: u8 = 2;
const RAW: u8 = 3;
/// The exponent of [`RAW`] that means one value for all.
const RAW_CONSTANT: u8 = 1;
/// Set in the first byte when special values are listed.
const SPECIALS: u8 = 64;

/// Powers of ten that a float holds exactly, up to the largest exponent of the format.
const POWERS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
/// Integers up to here are exact as floats: the largest mantissa of a decimal.
const MANTISSA_MAX: f64 = 9_007_199_254_740_992.0;
/// Exponents tried for decimals that carry rounding errors, such as sums of durations.
const CORRECTED_EXPONENTS: [u8; 3] = [9, 6, 3];
/// Largest correction worth listing, in units in the last place.
const CORRECTION_MAX: u64 = 1 << 24;

/// Special values with a code of their own, by code; code 5 spells the bits out.
const SPECIAL_BITS: [u64; 5] = [STALE_NAN_BITS, NORMAL_NAN_BITS, f64::INFINITY.to_bits(), f64::NEG_INFINITY.to_bits(), (-0.0f64).to_bits()];
const SPELLED_OUT: u8 = SPECIAL_BITS.len() as u8;

/// Appends floats as a column; every bit pattern comes back as it was.
pub fn encode_floats(values: &[f64], out: &mut Vec<u8>) {
    let Some(&first) = values.first() else { return };
    if values.iter().all(|value| value.to_bits() == first.to_bits()) {
        encode_constant(first, 0, &[], out);
        return;
    }
    let (values, specials) = without_specials(values);
    let flag = if specials.is_empty() { 0 } else { SPECIALS };
    let first = values[0];
    if flag != 0 && values.iter().all(|value| *value == first) {
        encode_constant(first, flag, &specials, out);
        return;
    }
    let start = out.len();
    if let Some((exponent, mantissas)) = decimals(&values) {
        put_head(DECIMAL, exponent, flag, &specials, out);
        encode_ints(&mantissas, out);
        if exponent < 4 || (out.len() - start) * 3 < values.len() * 8 {
            return;
        }
    }
    // Few digits did not do: keep the smallest of everything.
    let mut candidate = Vec::new();
    put_head(RAW, 0, flag, &specials, &mut candidate);
    encode_ints(&values.iter().map(|value| ordered(*value)).collect::<Vec<_>>(), &mut candidate);
    keep_smaller(start, &candidate, out);
    for exponent in CORRECTED_EXPONENTS {
        let Some((mantissas, corrections)) = corrected(&values, exponent) else { continue };
        candidate.clear();
        put_head(CORRECTED, exponent, flag, &specials, &mut candidate);
        let mut ints = Vec::new();
        encode_ints(&mantissas, &mut ints);
        put_uvarint(&mut candidate, ints.len() as u64);
        candidate.extend_from_slice(&ints);
        encode_ints(&corrections, &mut candidate);
        keep_smaller(start, &candidate, out);
    }
}

/// Appends the `count` floats of a column to `out`. On an error `out` may hold some of them.
pub fn decode_floats(bytes: &[u8], count: usize, out: &mut Vec<f64>) -> Result<(), Corrupt> {
    check_count(bytes, count)?;
    if count == 0 {
        return Ok(());
    }
    let mut cursor = Cursor::new(bytes);
    let head = cursor.u8()?;
    if head & LATER_VERSION != 0 {
        return Err(Corrupt::new("floats of a later version"));
    }
    let exponent = head & 15;
    let power = POWERS[usize::from(exponent)];
    let specials = if head & SPECIALS != 0 {
        let len = cursor.len()?;
        cursor.take(len)?
    } else {
        &[]
    };
    let from = out.len();
    out.reserve(count);
    match (head >> 4 & 3, exponent) {
        (CONSTANT, _) => {
            let value = cursor.varint()? as f64 / power;
            out.resize(from + count, value);
        }
        (DECIMAL, 0) => decode_ints(&mut cursor, count, |block| out.extend(block.iter().map(|mantissa| *mantissa as f64)))?,
        (DECIMAL, _) => decode_ints(&mut cursor, count, |block| out.extend(block.iter().map(|mantissa| *mantissa as f64 / power)))?,
        (CORRECTED, _) => {
            let len = cursor.len()?;
            let mut mantissas = Cursor::new(cursor.take(len)?);
            decode_ints(&mut mantissas, count, |block| out.extend(block.iter().map(|mantissa| *mantissa as f64 / power)))?;
            let mut at = from;
            decode_ints(&mut cursor, count, |block| {
                for (value, correction) in out[at..].iter_mut().zip(block) {
                    *value = unordered(ordered(*value).wrapping_add(*correction));
                }
                at += block.len();
            })?;
        }
        (RAW, 0) => decode_ints(&mut cursor, count, |block| out.extend(block.iter().map(|order| unordered(*order))))?,
        (RAW, RAW_CONSTANT) => {
            let value = cursor.f64_le()?;
            out.resize(from + count, value);
        }
        _ => return Err(Corrupt::new("unknown kind of floats")),
    }
    if !cursor.is_empty() {
        return Err(Corrupt::new("bytes left behind floats"));
    }
    put_back_specials(specials, &mut out[from..])
}

fn put_head(kind: u8, exponent: u8, flag: u8, specials: &[u8], out: &mut Vec<u8>) {
    out.push(exponent | kind << 4 | flag);
    if flag != 0 {
        put_uvarint(out, specials.len() as u64);
        out.extend_from_slice(specials);
    }
}

fn encode_constant(value: f64, flag: u8, specials: &[u8], out: &mut Vec<u8>) {
    if let Some((exponent, mantissas)) = is_plain(value).then(|| decimals(&[value])).flatten() {
        put_head(CONSTANT, exponent, flag, specials, out);
        put_varint(out, mantissas[0]);
    } else {
        put_head(RAW, RAW_CONSTANT, flag, specials, out);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

fn keep_smaller(start: usize, candidate: &[u8], out: &mut Vec<u8>) {
    if out.len() == start || candidate.len() < out.len() - start {
        out.truncate(start);
        out.extend_from_slice(candidate);
    }
}

/// Neither NaN, infinite nor -0: these would keep a whole column from being decimal.
#[inline]
fn is_plain(value: f64) -> bool {
    value.is_finite() && value.to_bits() != (-0.0f64).to_bits()
}

/// The values with special ones replaced by a neighbour, and the list of the special ones.
///
/// Where special values change so often that listing them costs more than keeping them, nothing is listed.
fn without_specials(values: &[f64]) -> (Cow<'_, [f64]>, Vec<u8>) {
    let Some(first) = values.iter().position(|value| !is_plain(*value)) else { return (Cow::Borrowed(values), Vec::new()) };
    let mut list = Vec::new();
    let mut plain = values.to_vec();
    let mut index = first;
    let mut end_of_last = 0;
    let mut before = if first > 0 { values[first - 1] } else { values.iter().copied().find(|value| is_plain(*value)).unwrap_or(0.0) };
    while index < values.len() {
        let value = values[index];
        if is_plain(value) {
            before = value;
            index += 1;
            continue;
        }
        let len = values[index..].iter().take_while(|next| next.to_bits() == value.to_bits()).count();
        put_uvarint(&mut list, (index - end_of_last) as u64);
        put_uvarint(&mut list, len as u64);
        let code = SPECIAL_BITS.iter().position(|bits| *bits == value.to_bits());
        list.push(code.map_or(SPELLED_OUT, |code| code as u8));
        if code.is_none() {
            list.extend_from_slice(&value.to_le_bytes());
        }
        plain[index..index + len].fill(before);
        index += len;
        end_of_last = index;
    }
    if list.len() > 8 * values.len() { (Cow::Borrowed(values), Vec::new()) } else { (Cow::Owned(plain), list) }
}

fn put_back_specials(list: &[u8], values: &mut [f64]) -> Result<(), Corrupt> {
    let mut cursor = Cursor::new(list);
    let mut at = 0usize;
    while !cursor.is_empty() {
        let gap = usize::try_from(cursor.uvarint()?).unwrap_or(usize::MAX);
        let len = usize::try_from(cursor.uvarint()?).unwrap_or(usize::MAX);
        let code = cursor.u8()?;
        let value = match SPECIAL_BITS.get(usize::from(code)) {
            Some(bits) => f64::from_bits(*bits),
            None if code == SPELLED_OUT => cursor.f64_le()?,
            None => return Err(Corrupt::new("unknown special value")),
        };
        let start = at.saturating_add(gap);
        at = start.saturating_add(len);
        values.get_mut(start..at).ok_or(Corrupt::new("special value behind the last float"))?.fill(value);
    }
    Ok(())
}

/// The mantissa of a value at an exponent, if the division gives back the same bits.
#[inline]
fn mantissa(value: f64, exponent: u8) -> Option<i64> {
    let power = POWERS[usize::from(exponent)];
    let rounded = (value * power).round_ties_even();
    (rounded.abs() <= MANTISSA_MAX && (rounded / power).to_bits() == value.to_bits()).then_some(rounded as i64)
}

/// Mantissas at the smallest exponent that is exact for all values.
fn decimals(values: &[f64]) -> Option<(u8, Vec<i64>)> {
    let mut exponent = 0;
    for &value in values {
        while mantissa(value, exponent).is_none() {
            exponent += 1;
            if usize::from(exponent) == POWERS.len() {
                return None;
            }
        }
    }
    // An exponent that came up late may be too large for earlier values.
    let mantissas: Option<Vec<i64>> = values.iter().map(|value| mantissa(*value, exponent)).collect();
    mantissas.map(|mantissas| (exponent, mantissas))
}

/// Mantissas at an exponent and what is missing then, in units in the last place.
fn corrected(values: &[f64], exponent: u8) -> Option<(Vec<i64>, Vec<i64>)> {
    let power = POWERS[usize::from(exponent)];
    let mut mantissas = Vec::with_capacity(values.len());
    let mut corrections = Vec::with_capacity(values.len());
    for &value in values {
        let rounded = (value * power).round_ties_even();
        // Written so that NaN fails too.
        let fits = rounded.abs() <= MANTISSA_MAX;
        if !fits {
            return None;
        }
        let mantissa = rounded as i64;
        let correction = ordered(value).wrapping_sub(ordered(mantissa as f64 / power));
        if correction.unsigned_abs() > CORRECTION_MAX {
            return None;
        }
        mantissas.push(mantissa);
        corrections.push(correction);
    }
    Some((mantissas, corrections))
}

/// An integer that orders as the float does; neighbours differ by one.
#[inline]
const fn ordered(value: f64) -> i64 {
    let bits = value.to_bits() as i64;
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

/// Undoes [`ordered`].
#[inline]
const fn unordered(order: i64) -> f64 {
    f64::from_bits((order ^ ((order >> 63) as u64 >> 1) as i64) as u64)
}
