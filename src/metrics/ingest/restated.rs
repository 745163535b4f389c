//! Appending samples of what is kept here and restated at every round: pushed groups and custom totals.
//!
//! What a client sends of these is taken as a whole or not at all, so that what storage refuses can be taken back, and
//! the client's next try finds nothing of the first one.

use std::collections::HashSet;
use std::time::Duration;

use crate::series::batch::WriteBatch;
use crate::series::ports::{Append, AppendError, AppendOptions, RefusedReason};

/// How often everything is stated again.
pub const ROUND_EVERY: Duration = Duration::from_secs(15);
/// A sample may be so far ahead of now, in milliseconds, so that no two requests share a time.
const AHEAD_MS_MAX: i64 = 1_000;
/// Rounds of offering a batch; one is the rule.
const ROUNDS_MAX: usize = 3;

/// How a round of everything is appended: each series by itself, and without a sync, as the groups and totals themselves
/// are on disk.
pub(super) const ROUND: AppendOptions = AppendOptions { no_sync: true, in_order_only: false, all_or_nothing: false };
/// How what one client sent is.
pub(super) const WHOLE: AppendOptions = AppendOptions { no_sync: false, in_order_only: false, all_or_nothing: true };
/// The same where samples of before stand in front of those of now: they must not come between others.
pub(super) const WHOLE_IN_ORDER: AppendOptions = AppendOptions { in_order_only: true, ..WHOLE };

/// Why a batch was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// Nothing of it was: these series, by position in the batch as it was given, cannot be stored.
    Refused(Vec<(usize, RefusedReason)>),
    /// Nothing of it was: try again later. Why, in words.
    Later(String),
    /// The log failed in the middle: it is visible, and may survive or not. Why, in words.
    InDoubt(String),
}

/// Appends a batch as a whole, or says why nothing of it was. Blocks on disk; what is left of the batch is of no use.
///
/// A series that has another sample at that very time is left out: the next round states it anew.
pub(super) fn append_whole(append: &dyn Append, batch: &mut WriteBatch, options: &AppendOptions) -> Result<(), NotTaken> {
    let mut positions: Vec<usize> = (0..batch.series.len()).collect();
    for _ in 0..ROUNDS_MAX {
        if batch.series.is_empty() && batch.metadata.is_empty() {
            return Ok(());
        }
        let report = match append.append(batch, options) {
            Ok(_) => return Ok(()),
            Err(AppendError::Refused(report)) => report,
            Err(AppendError::InDoubt(why)) => return Err(NotTaken::InDoubt(why)),
            Err(error) => return Err(NotTaken::Later(error.to_string())),
        };
        let reasons = || report.refused.iter().map(|refused| (refused.series_index, refused.reason));
        if reasons().any(|(_, reason)| reason == RefusedReason::ShortOfMemory) {
            return Err(NotTaken::Later(RefusedReason::ShortOfMemory.to_string()));
        }
        // A reference that went away under the batch is found or made anew in the next round.
        let passes = |reason| matches!(reason, RefusedReason::DuplicateTimestamp | RefusedReason::UnknownRef);
        let bad: Vec<_> =
            reasons().filter(|(_, reason)| !passes(*reason)).filter_map(|(at, reason)| Some((*positions.get(at)?, reason))).collect();
        if !bad.is_empty() {
            return Err(NotTaken::Refused(bad));
        }
        let taken: HashSet<usize> =
            reasons().filter(|(_, reason)| *reason == RefusedReason::DuplicateTimestamp).map(|(at, _)| at).collect();
        let mut at = 0..;
        batch.series.retain(|_| at.next().is_none_or(|at| !taken.contains(&at)));
        let mut at = 0..;
        positions.retain(|_| at.next().is_none_or(|at| !taken.contains(&at)));
    }
    Err(NotTaken::Later("storage is busy with the same series".to_owned()))
}

/// The time (ms) of samples that come at `now` after others at `last`: a time of its own where that is near.
pub(super) fn time_after(last: i64, now: i64) -> i64 {
    now.max(last.saturating_add(1).min(now.saturating_add(AHEAD_MS_MAX)))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::metrics::ingest::recorder::Recorder;
    use crate::series::labels::Labels;

    fn batch(samples: &[(&str, i64, f64)]) -> WriteBatch {
        let mut batch = WriteBatch::new();
        for (name, ts, value) in samples {
            batch.open_series(&Labels::from_pairs([("__name__", *name)]));
            batch.push_float(*ts, *value);
        }
        batch
    }

    #[test]
    fn all_is_taken_or_nothing_but_what_has_that_time_already() {
        let store = Recorder::new();
        let append = |samples: &[(&str, i64, f64)]| append_whole(&*store, &mut batch(samples), &WHOLE);
        assert_eq!(append(&[("a", 1, 1.0), ("b", 1, 1.0)]), Ok(()));
        // The same time once more, with another value: the others are taken.
        assert_eq!(append(&[("b", 1, 2.0), ("c", 1, 1.0)]), Ok(()));
        assert_eq!((store.values("b"), store.values("c")), (vec!["1".to_owned()], vec!["1".to_owned()]));
        assert_eq!(append(&[("c", 2, 2.0), ("a", 0, 1.0)]), Err(NotTaken::Refused(vec![(1, RefusedReason::OutOfOrder)])));
        assert_eq!(append(&[("b", 1, 3.0), ("c", 2, 2.0), ("a", 0, 1.0)]), Err(NotTaken::Refused(vec![(2, RefusedReason::OutOfOrder)])));
        assert_eq!(store.values("c"), ["1"]);
        store.refuse("c", Some(RefusedReason::ShortOfMemory));
        assert!(matches!(append(&[("a", 3, 1.0), ("c", 3, 1.0)]), Err(NotTaken::Later(why)) if why.contains("memory")));
        store.refuse("c", None);
        store.unavailable.store(true, Ordering::SeqCst);
        assert!(matches!(append(&[("a", 3, 1.0)]), Err(NotTaken::Later(why)) if why.contains("no space left")));
        store.unavailable.store(false, Ordering::SeqCst);
        store.log_fails.store(true, Ordering::SeqCst);
        assert!(matches!(append(&[("a", 3, 1.0)]), Err(NotTaken::InDoubt(_))));
        assert_eq!(append(&[]), Ok(()));
    }

    #[test]
    fn times_are_apart_but_not_far_ahead() {
        for (last, now, expected) in
            [(0, 50, 50), (50, 50, 51), (55, 50, 56), (1_049, 50, 1_050), (1_050, 50, 1_050), (9_000, 50, 1_050), (i64::MAX, 50, 1_050)]
        {
            assert_eq!(time_after(last, now), expected, "{last} {now}");
        }
    }
}
