//! Columns of timestamps: distances from a regular grid, because jitter is around the grid and not around the
//! sample before.

use super::ints::{decode_ints, encode_ints, put_blocks, read_blocks};
use super::{Corrupt, LATER_VERSION, check_count};
use crate::base::bytes::{Cursor, put_uvarint, put_varint};

const LINEAR: u8 = 0;
const GRID: u8 = 1;
const INTS: u8 = 2;
const KIND_MASK: u8 = 3;
const GAPS: u8 = 4;

/// Appends timestamps in milliseconds as a column. Any order and distance is kept; regular ones are small.
pub fn encode_timestamps(ts: &[i64], out: &mut Vec<u8>) {
    if ts.is_empty() {
        return;
    }
    let start = out.len();
    if let Some(mut grid) = Grid::find(ts) {
        grid.encode(ts, out);
        if grid.mean_step != grid.step {
            // The usual distance is right when few samples are late, the mean when all jitter.
            let second = out.len();
            grid.step = grid.mean_step;
            grid.encode(ts, out);
            if out.len() - second < second - start {
                out.drain(start..second);
            } else {
                out.truncate(second);
            }
        }
        // Below a byte each there is little left to gain.
        if out.len() - start <= ts.len() + 8 {
            return;
        }
    }
    let on_grid = out.len() - start;
    let ints = out.len();
    out.push(INTS);
    encode_ints(ts, out);
    if on_grid > 0 && on_grid <= out.len() - ints {
        out.truncate(ints);
    } else {
        out.drain(start..ints);
    }
}

/// Appends the `count` timestamps of a column to `out`. On an error `out` may hold some of them.
pub fn decode_timestamps(bytes: &[u8], count: usize, out: &mut Vec<i64>) -> Result<(), Corrupt> {
    check_count(bytes, count)?;
    if count == 0 {
        return Ok(());
    }
    let mut cursor = Cursor::new(bytes);
    let head = cursor.u8()?;
    if head & LATER_VERSION != 0 {
        return Err(Corrupt::new("timestamps of a later version"));
    }
    out.reserve(count);
    match head & KIND_MASK {
        INTS if head == INTS => decode_ints(&mut cursor, count, |block| out.extend_from_slice(block))?,
        kind @ (LINEAR | GRID) if head & !(KIND_MASK | GAPS) == 0 => {
            let gaps = if head & GAPS != 0 {
                let len = cursor.len()?;
                cursor.take(len)?
            } else {
                &[]
            };
            decode_grid(&mut cursor, kind, gaps, count, out)?;
        }
        _ => return Err(Corrupt::new("unknown kind of timestamps")),
    }
    if cursor.is_empty() { Ok(()) } else { Err(Corrupt::new("bytes left behind timestamps")) }
}

fn decode_grid(cursor: &mut Cursor<'_>, kind: u8, gaps: &[u8], count: usize, out: &mut Vec<i64>) -> Result<(), Corrupt> {
    let from = out.len();
    let start = cursor.varint()?;
    let step = cursor.uvarint()? as i64;
    if kind == LINEAR {
        out.resize(from + count, 0);
    } else {
        read_blocks(cursor, count, true, |block| out.extend_from_slice(block))?;
    }
    let added = &mut out[from..];
    let mut at = 0;
    let mut line = start;
    let mut gaps = Cursor::new(gaps);
    while !gaps.is_empty() {
        let entries = usize::try_from(gaps.uvarint()?).unwrap_or(usize::MAX);
        let skipped = gaps.uvarint()? as i64;
        let segment = added.get_mut(at..).and_then(|rest| rest.get_mut(..entries)).ok_or(Corrupt::new("gap behind the last timestamp"))?;
        line = add_line(segment, line, step).wrapping_add(skipped.wrapping_mul(step));
        at += entries;
    }
    add_line(&mut added[at..], line, step);
    Ok(())
}

/// Adds `line`, `line + step`, … to the entries; returns where the line goes on.
#[inline]
fn add_line(entries: &mut [i64], line: i64, step: i64) -> i64 {
    let mut at = line;
    for entry in entries {
        *entry = entry.wrapping_add(at);
        at = at.wrapping_add(step);
    }
    at
}

/// A grid that most timestamps are close to.
struct Grid {
    /// The usual distance.
    step: i64,
    /// The distance that ends at the last timestamp.
    mean_step: i64,
    /// Index of the first entry behind a gap, and the steps skipped before it.
    gaps: Vec<(usize, i64)>,
}

impl Grid {
    /// None for timestamps that do not ascend, or that leave too many gaps.
    fn find(ts: &[i64]) -> Option<Self> {
        let [first, .., last] = ts else { return Some(Self { step: 0, mean_step: 0, gaps: Vec::new() }) };
        let range = last.checked_sub(*first)?;
        let mut deltas: Vec<i64> = ts.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
        if deltas.iter().any(|delta| *delta <= 0 || *delta > range) {
            return None;
        }
        let gaps_max = ts.len() / 16 + 1;
        let middle = deltas.len() / 2;
        let usual = *deltas.select_nth_unstable(middle).1;
        let mut gaps = Vec::new();
        let mut steps = ts.len() as i64 - 1;
        for (index, pair) in ts.windows(2).enumerate() {
            let delta = pair[1].wrapping_sub(pair[0]);
            if delta > usual && delta - usual > usual / 2 {
                let skipped = delta.saturating_add(usual / 2) / usual - 1;
                steps = steps.checked_add(skipped)?;
                gaps.push((index + 1, skipped));
                if gaps.len() > gaps_max {
                    return None;
                }
            }
        }
        let mean_step = range.saturating_add(steps / 2) / steps;
        Some(Self { step: usual, mean_step, gaps })
    }

    fn encode(&self, ts: &[i64], out: &mut Vec<u8>) {
        let mut line = ts[0];
        let mut residuals = Vec::with_capacity(ts.len());
        let mut gaps = self.gaps.iter().peekable();
        for (index, at) in ts.iter().enumerate() {
            if let Some((_, skipped)) = gaps.next_if(|(position, _)| *position == index) {
                line = line.wrapping_add(skipped.wrapping_mul(self.step));
            }
            residuals.push(at.wrapping_sub(line));
            line = line.wrapping_add(self.step);
        }
        let linear = residuals.iter().all(|residual| *residual == 0);
        out.push(if linear { LINEAR } else { GRID } | if self.gaps.is_empty() { 0 } else { GAPS });
        if !self.gaps.is_empty() {
            let mut list = Vec::with_capacity(4 * self.gaps.len());
            let mut before = 0;
            for (position, skipped) in &self.gaps {
                put_uvarint(&mut list, (position - before) as u64);
                put_uvarint(&mut list, *skipped as u64);
                before = *position;
            }
            put_uvarint(out, list.len() as u64);
            out.extend_from_slice(&list);
        }
        put_varint(out, ts[0]);
        put_uvarint(out, self.step as u64);
        if !linear {
            put_blocks(&residuals, true, out);
        }
    }
}
