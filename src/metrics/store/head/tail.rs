//! How the head and the log write down floats: a byte stream that is cheap to append to and to read.
//!
//! Every sample is one control byte and what it announces, relative to the sample before it:
//!
//! ```text
//! control: high nibble = bytes of the zigzag change of the time's delta (0..=8)
//!          low nibble  = how the value is written:
//!            0      same bits as before
//!            1..=7  both values are whole: zigzag difference in so many bytes
//!            8..=14 value has at most 3 decimals: zigzag difference of the thousandths in (n - 7) bytes;
//!                   the difference is to the value before if that has thousandths too, else to 0
//!            15     XOR of the bits: one byte (trailing zero bytes << 4 | bytes that follow), then those bytes
//! then the bytes of the time, then those of the value, both little endian.
//! ```
//!
//! A stream starts from [`TailState::default`] (time 0, delta 0, value 0), so it needs nothing but itself.
//! Version 1; part of the log's format (see `wal`): do not change the meaning of codes, add a record kind instead.

use crate::base::bytes::{Malformed, unzigzag, zigzag};

/// Largest magnitude that a float holds exactly as a whole number.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
/// Room that [`put_sample`] uses: control, time, descriptor, value (18 bytes), and what it cuts off again.
pub const SAMPLE_BYTES_MAX: usize = 24;

/// What the next sample is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TailState {
    /// Time of the last sample, in milliseconds.
    pub ts: i64,
    /// Its distance from the one before.
    pub delta: i64,
    /// Bits of its value.
    pub bits: u64,
}

/// Appends one sample.
#[inline]
pub fn put_sample(state: &mut TailState, out: &mut Vec<u8>, ts: i64, value: f64) {
    let delta = ts.wrapping_sub(state.ts);
    let change = zigzag(delta.wrapping_sub(state.delta));
    let ts_len = byte_len(change);
    // Put together in one array so that the vector grows once.
    let mut scratch = [0u8; SAMPLE_BYTES_MAX];
    scratch[1..9].copy_from_slice(&change.to_le_bytes());
    let at = 1 + ts_len;
    let (code, value_len) = put_value(state.bits, value, &mut scratch, at);
    scratch[0] = (ts_len as u8) << 4 | code;
    // A copy of fixed size and a cut are quicker than a copy of that many bytes.
    let end = out.len() + at + value_len;
    out.extend_from_slice(&scratch);
    out.truncate(end);
    *state = TailState { ts, delta, bits: value.to_bits() };
}

/// Streams of values that [`put_apart`] writes: of one byte to seven bytes, and of code 15.
pub const VALUE_STREAMS: usize = 8;

/// Samples with their parts apart.
#[derive(Debug, Default)]
pub struct Apart {
    /// Control bytes.
    pub controls: Vec<u8>,
    /// Bytes of the times.
    pub times: Vec<u8>,
    /// Bytes of the values, by their number; descriptors and bytes of code 15 are the last.
    pub values: [Vec<u8>; VALUE_STREAMS],
}

impl Apart {
    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.controls.clear();
        self.times.clear();
        self.values.iter_mut().for_each(Vec::clear);
    }
}

/// Appends one sample, its parts apart.
#[inline]
pub fn put_apart(state: &mut TailState, out: &mut Apart, ts: i64, value: f64) {
    let delta = ts.wrapping_sub(state.ts);
    let change = zigzag(delta.wrapping_sub(state.delta));
    let ts_len = byte_len(change);
    let mut scratch = [0u8; SAMPLE_BYTES_MAX];
    let (code, value_len) = put_value(state.bits, value, &mut scratch, 0);
    out.controls.push((ts_len as u8) << 4 | code);
    if ts_len > 0 {
        put_cut(&mut out.times, &change.to_le_bytes(), ts_len);
    }
    if value_len > 0 {
        let stream = if code == 15 { VALUE_STREAMS - 1 } else { value_len - 1 };
        put_cut(&mut out.values[stream], &scratch, value_len);
    }
    *state = TailState { ts, delta, bits: value.to_bits() };
}

/// Appends the first `len` bytes. A copy of fixed size and a cut are quicker than a copy of that many bytes.
#[inline]
fn put_cut<const SIZE: usize>(out: &mut Vec<u8>, bytes: &[u8; SIZE], len: usize) {
    let end = out.len() + len;
    out.extend_from_slice(bytes);
    out.truncate(end);
}

/// Writes the value at `at`; returns its code and length.
#[inline]
fn put_value(before: u64, value: f64, scratch: &mut [u8; SAMPLE_BYTES_MAX], at: usize) -> (u8, usize) {
    let bits = value.to_bits();
    if bits == before {
        return (0, 0);
    }
    let mut put = |number: u64| scratch[at..at + 8].copy_from_slice(&number.to_le_bytes());
    let previous = f64::from_bits(before);
    if let (Some(now), Some(previous)) = (whole(value), whole(previous)) {
        let difference = zigzag(now - previous);
        put(difference);
        let len = byte_len(difference);
        return (len as u8, len);
    }
    if let Some(now) = thousandths(value) {
        let difference = zigzag(now - thousandths(previous).unwrap_or(0));
        let len = byte_len(difference).max(1);
        put(difference);
        return (7 + len as u8, len);
    }
    let change = bits ^ before;
    let trailing = change.trailing_zeros() / 8;
    let rest = change >> (trailing * 8);
    let len = byte_len(rest);
    scratch[at] = (trailing as u8) << 4 | len as u8;
    scratch[at + 1..at + 9].copy_from_slice(&rest.to_le_bytes());
    (15, 1 + len)
}

/// Reads samples of one stream.
#[derive(Debug, Clone)]
pub struct TailReader<'a> {
    state: TailState,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> TailReader<'a> {
    /// At the start of a stream.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { state: TailState::default(), bytes, at: 0 }
    }

    /// At `at` in `bytes`, continuing from `state`.
    pub fn resume(bytes: &'a [u8], at: usize, state: TailState) -> Self {
        Self { state, bytes, at }
    }

    /// Bytes read so far.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// What was read last.
    pub fn state(&self) -> TailState {
        self.state
    }

    /// The next sample; fails at the end and on bytes that cannot be.
    #[inline]
    pub fn next_sample(&mut self) -> Result<(i64, f64), Malformed> {
        let malformed = Malformed { offset: self.at };
        let control = *self.bytes.get(self.at).ok_or(malformed)?;
        let (ts_len, code) = (usize::from(control >> 4), control & 15);
        if ts_len > 8 {
            return Err(malformed);
        }
        let at = self.at + 1;
        let change = self.number(at, ts_len).ok_or(malformed)?;
        let at = at + ts_len;
        let len = match code {
            0..=7 => usize::from(code),
            8..=14 => usize::from(code - 7),
            _ => 1 + usize::from(*self.bytes.get(at).ok_or(malformed)? & 15),
        };
        let bits = if code == 15 {
            let trailing = self.bytes[at] >> 4;
            xor(self.state.bits, trailing, len - 1, self.number(at + 1, (len - 1).min(8)).ok_or(malformed)?).ok_or(malformed)?
        } else {
            value_bits(self.state.bits, code, self.number(at, len).ok_or(malformed)?)
        };
        self.at = at + len;
        let delta = self.state.delta.wrapping_add(unzigzag(change));
        self.state = TailState { ts: self.state.ts.wrapping_add(delta), delta, bits };
        Ok((self.state.ts, f64::from_bits(bits)))
    }

    #[inline]
    fn number(&self, at: usize, len: usize) -> Option<u64> {
        number(self.bytes, at, len)
    }
}

/// Reads samples whose parts are apart.
#[derive(Debug, Clone)]
pub struct ApartReader<'a> {
    state: TailState,
    controls: std::slice::Iter<'a, u8>,
    times: Part<'a>,
    values: [Part<'a>; VALUE_STREAMS],
}

#[derive(Debug, Clone)]
struct Part<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Part<'_> {
    #[inline]
    fn take(&mut self, len: usize) -> Option<u64> {
        let found = number(self.bytes, self.at, len)?;
        self.at += len;
        Some(found)
    }
}

impl<'a> ApartReader<'a> {
    /// At the start of all parts.
    pub fn new(controls: &'a [u8], times: &'a [u8], values: [&'a [u8]; VALUE_STREAMS]) -> Self {
        let part = |bytes| Part { bytes, at: 0 };
        Self { state: TailState::default(), controls: controls.iter(), times: part(times), values: values.map(part) }
    }

    /// Goes on from another state: the next sample is of another series.
    pub fn restart(&mut self, state: TailState) {
        self.state = state;
    }

    /// What was read last.
    pub fn state(&self) -> TailState {
        self.state
    }

    /// Samples there are at most.
    pub fn samples_left(&self) -> usize {
        self.controls.len()
    }

    /// The next sample; fails at the end and on bytes that cannot be.
    #[inline]
    pub fn next_sample(&mut self) -> Result<(i64, f64), Malformed> {
        let malformed = Malformed { offset: self.times.at };
        let control = *self.controls.next().ok_or(malformed)?;
        let (ts_len, code) = (usize::from(control >> 4), control & 15);
        if ts_len > 8 {
            return Err(malformed);
        }
        let change = if ts_len == 0 { 0 } else { self.times.take(ts_len).ok_or(malformed)? };
        let before = self.state.bits;
        let bits = match code {
            0 => before,
            15 => {
                let rest = &mut self.values[VALUE_STREAMS - 1];
                let descriptor = rest.take(1).ok_or(malformed)? as u8;
                let len = usize::from(descriptor & 15);
                let number = rest.take(len.min(8)).ok_or(malformed)?;
                xor(before, descriptor >> 4, len, number).ok_or(malformed)?
            }
            _ => {
                let len = usize::from(if code < 8 { code } else { code - 7 });
                value_bits(before, code, self.values[len - 1].take(len).ok_or(malformed)?)
            }
        };
        let delta = self.state.delta.wrapping_add(unzigzag(change));
        self.state = TailState { ts: self.state.ts.wrapping_add(delta), delta, bits };
        Ok((self.state.ts, f64::from_bits(bits)))
    }
}

/// The bits that code 0 to 14 and a number mean after `before`.
#[inline]
fn value_bits(before: u64, code: u8, number: u64) -> u64 {
    match code {
        0 => before,
        // A previous value that is not whole cannot come from the writer; the cast keeps that harmless.
        1..=7 => ((f64::from_bits(before) as i64).wrapping_add(unzigzag(number)) as f64).to_bits(),
        _ => {
            let previous = thousandths(f64::from_bits(before)).unwrap_or(0);
            (previous.wrapping_add(unzigzag(number)) as f64 / 1000.0).to_bits()
        }
    }
}

/// The same for code 15; none if it cannot be.
#[inline]
fn xor(before: u64, trailing: u8, len: usize, number: u64) -> Option<u64> {
    (len <= 8 && trailing <= 7).then(|| before ^ (number << (trailing * 8)))
}

/// `len` bytes (at most 8) at `at` as a number; one load where eight bytes are there.
#[inline]
fn number(bytes: &[u8], at: usize, len: usize) -> Option<u64> {
    if let Some(Ok(eight)) = bytes.get(at..at + 8).map(<[u8; 8]>::try_from) {
        let mask = if len == 0 { 0 } else { u64::MAX >> (64 - 8 * len as u32) };
        return Some(u64::from_le_bytes(eight) & mask);
    }
    let mut eight = [0u8; 8];
    eight[..len].copy_from_slice(bytes.get(at..at + len)?);
    Some(u64::from_le_bytes(eight))
}

/// Bytes needed for a number, 0 for 0.
#[inline]
const fn byte_len(number: u64) -> usize {
    (64 - number.leading_zeros()).div_ceil(8) as usize
}

/// The value as a whole number, when that gives the same bits back.
#[inline]
fn whole(value: f64) -> Option<i64> {
    let number = value as i64;
    ((number as f64).to_bits() == value.to_bits() && value.abs() <= WHOLE_MAX).then_some(number)
}

/// The value in thousandths, when that gives the same bits back.
#[inline]
fn thousandths(value: f64) -> Option<i64> {
    let scaled = (value * 1000.0).round_ties_even();
    if scaled.abs() > WHOLE_MAX {
        return None;
    }
    let number = scaled as i64;
    ((number as f64 / 1000.0).to_bits() == value.to_bits()).then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(samples: &[(i64, f64)]) -> usize {
        let (mut state, mut bytes) = (TailState::default(), Vec::new());
        for &(ts, value) in samples {
            put_sample(&mut state, &mut bytes, ts, value);
        }
        let mut reader = TailReader::new(&bytes);
        for &(ts, value) in samples {
            let (got_ts, got) = reader.next_sample().expect("a sample");
            assert_eq!((got_ts, got.to_bits()), (ts, value.to_bits()), "{ts} {value}");
        }
        assert_eq!((reader.offset(), reader.state()), (bytes.len(), state));
        assert!(reader.next_sample().is_err());
        bytes.len()
    }

    #[test]
    fn special_values_keep_their_bits() {
        let stale = f64::from_bits(crate::series::sample::STALE_NAN_BITS);
        let values = [0.0, -0.0, 1.0, -1.0, f64::NAN, stale, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, 5e-324, 0.1];
        let pairs = values.iter().flat_map(|&a| values.map(|b| [a, b])).flatten();
        let samples: Vec<_> = pairs.enumerate().map(|(index, value)| (index as i64 * 15_000, value)).collect();
        round_trip(&samples);
        round_trip(&[(i64::MAX, 1.0), (i64::MIN, 2.0), (0, WHOLE_MAX), (1, -WHOLE_MAX), (2, WHOLE_MAX + 2.0)]);
    }

    #[test]
    fn usual_samples_are_small() {
        let counter: Vec<_> = (0..120).map(|i| (1_700_000_000_000 + i * 15_000, (i * 37) as f64)).collect();
        assert!(round_trip(&counter) < 120 * 2 + 32);
        let tenths: Vec<_> = (0..120).map(|i| (1_700_000_000_000 + i * 15_000 + i % 3, 20.0 + (i % 7) as f64 / 10.0)).collect();
        assert!(round_trip(&tenths) < 120 * 5);
    }

    proptest! {
        #[test]
        fn any_samples_round_trip(samples in prop::collection::vec((any::<i64>(), prop_oneof![
            any::<u64>().prop_map(f64::from_bits),
            (-100_000i64..100_000).prop_map(|n| n as f64),
            (-100_000i64..100_000).prop_map(|n| n as f64 / 1000.0),
            (-100_000i64..100_000).prop_map(|n| n as f64 / 10.0),
        ]), 0..200)) {
            round_trip(&samples);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = TailReader::new(&bytes);
            while reader.next_sample().is_ok() {}
        }
    }
}
