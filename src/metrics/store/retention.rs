//! Which blocks have served their time. Pure: what to remove follows from numbers alone.

/// What retention looks at of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Newest sample, in milliseconds.
    pub max_ts: i64,
    /// Size on disk.
    pub bytes: u64,
}

/// How much to keep.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// Samples so old, in milliseconds; 0 = all.
    pub age_ms: i64,
    /// So many bytes, blocks and what is not in blocks together; 0 = all.
    pub bytes: u64,
}

/// Positions of the blocks to remove.
///
/// Age counts from the older of the clock and the newest sample: a clock that jumps far ahead removes nothing, and
/// neither does a sample from the future.
pub fn expired(blocks: &[Candidate], keep: Keep, now_ms: i64, newest_sample: Option<i64>, other_bytes: u64) -> Vec<usize> {
    let mut gone = Vec::new();
    if let (true, Some(newest)) = (keep.age_ms > 0, newest_sample) {
        let oldest = newest.min(now_ms).saturating_sub(keep.age_ms);
        gone.extend((0..blocks.len()).filter(|at| blocks[*at].max_ts < oldest));
    }
    if keep.bytes > 0 {
        let mut by_age: Vec<usize> = (0..blocks.len()).filter(|at| !gone.contains(at)).collect();
        by_age.sort_by_key(|at| blocks[*at].max_ts);
        let mut total = by_age.iter().map(|at| blocks[*at].bytes).fold(other_bytes, u64::saturating_add);
        for at in by_age {
            if total <= keep.bytes {
                break;
            }
            total -= blocks[at].bytes;
            gone.push(at);
        }
    }
    gone.sort_unstable();
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_and_size_decide() {
        let block = |max_ts, bytes| Candidate { max_ts, bytes };
        let blocks = [block(100, 10), block(200, 10), block(300, 10)];
        let keep = |age_ms, bytes| Keep { age_ms, bytes };
        for (keep, now, newest, other, gone) in [
            (keep(0, 0), 1000, Some(300), 0, vec![]),
            (keep(150, 0), 300, Some(300), 0, vec![0]),
            (keep(150, 0), 1_000_000, Some(300), 0, vec![0]),
            (keep(150, 0), 300, Some(1_000_000), 0, vec![0]),
            (keep(150, 0), 1_000_000, None, 0, vec![]),
            (keep(0, 30), 300, Some(300), 0, vec![]),
            (keep(0, 30), 300, Some(300), 1, vec![0]),
            (keep(0, 5), 300, Some(300), 0, vec![0, 1, 2]),
            (keep(150, 15), 300, Some(300), 0, vec![0, 1]),
        ] {
            assert_eq!(expired(&blocks, keep, now, newest, other), gone, "{keep:?} {now} {newest:?} {other}");
        }
    }
}
