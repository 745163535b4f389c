//! When something that failed is tried again: later and later.

/// How long after a failure it is tried again, by how many there were; the last counts for all further ones.
const AGAIN_AFTER: [i64; 5] = [60_000, 300_000, 1_800_000, 7_200_000, 21_600_000];

/// Whether enough time has gone by since it failed so often (milliseconds since the Unix epoch).
pub fn may_try(tries: u32, tried_at: i64, now: i64) -> bool {
    let place = usize::try_from(tries).unwrap_or(usize::MAX).min(AGAIN_AFTER.len());
    let wait = place.checked_sub(1).and_then(|place| AGAIN_AFTER.get(place)).copied().unwrap_or(0);
    now.saturating_sub(tried_at) >= wait
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_tried_again_later_and_later() {
        assert!(may_try(0, 100, 100) && !may_try(1, 0, 59_999) && may_try(1, 0, 60_000));
        assert!(!may_try(99, 0, 21_599_999) && may_try(99, 0, 21_600_000));
    }
}
