//! Where one chunk of a series ends and the next begins.

use std::ops::Range;

/// With twice as many entries a column of arbitrary timestamps would outgrow its length field.
const CHUNK_SAMPLES_MAX: usize = 3000;
/// Cuts ascending timestamps into chunks of about `target`: whole multiples of `range_ms` where they fit.
pub(super) fn split(ts: &[i64], target: usize, range_ms: i64) -> Vec<Range<usize>> {
    let target = target.clamp(1, CHUNK_SAMPLES_MAX);
    let range_ms = range_ms.clamp(1, i64::from(u32::MAX) / 2);
    let mut chunks = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < ts.len() {
        let segment_end = ts[at].div_euclid(range_ms).saturating_add(1).saturating_mul(range_ms);
        let end = at + ts[at..].partition_point(|ts| *ts < segment_end).max(1);
        let too_long = end - start > target + target / 16 || ts[end - 1].abs_diff(ts[start]) > u64::from(u32::MAX);
        if too_long && start < at {
            chunks.push(start..at);
            start = at;
        }
        if end - start > 2 * target {
            let parts = (end - start).div_ceil(target);
            let len = (end - start).div_ceil(parts);
            chunks.extend((start..end).step_by(len).map(|from| from..(from + len).min(end)));
            start = end;
        }
        at = end;
    }
    if start < ts.len() {
        chunks.push(start..ts.len());
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_begin_at_round_times() {
        let hour = 3_600_000;
        let lens = |ts: &[i64], target| split(ts, target, 2 * hour).iter().map(Range::len).collect::<Vec<_>>();
        let every = |step: i64, n: i64| (0..n).map(|i| 12 * hour + 5 + i * step).collect::<Vec<i64>>();
        assert_eq!(lens(&every(15_000, 5760), 480), [480; 12]);
        let mut missing = every(15_000, 1440);
        missing.remove(100);
        assert_eq!(lens(&missing, 480), [479, 480, 480], "a missing sample does not shift what follows");
        assert_eq!(lens(&every(60_000, 1440), 480), [480; 3], "sparse series join ranges");
        assert_eq!(lens(&every(1_000, 7200), 480), [480; 15], "dense series are cut within a range");
        assert_eq!(lens(&every(40 * 24 * hour, 4), 480), [2, 2], "no chunk spans more than 32 bits of milliseconds");
        assert_eq!(lens(&[i64::MIN, 0, i64::MAX], 480), [1, 1, 1]);
        assert!(lens(&[], 480).is_empty());
    }
}
