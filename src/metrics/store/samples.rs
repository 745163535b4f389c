//! Merging sample buffers: what several places (chunks, late samples, blocks) hold of one series becomes one run.

use std::sync::Arc;

use crate::base::time::TimeRange;
use crate::series::histogram::{Histogram, ResetHint};
use crate::series::sample::SampleBuf;

/// Where in a buffer the samples of interest begin: what stands before belongs to someone else.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    floats: usize,
    histograms: usize,
}

impl Mark {
    /// The end of `buf` as it is now.
    pub fn end_of(buf: &SampleBuf) -> Self {
        Self { floats: buf.float_ts.len(), histograms: buf.histogram_ts.len() }
    }

    /// Time of the newest sample of interest.
    pub fn newest_in(self, buf: &SampleBuf) -> Option<i64> {
        let float = buf.float_ts[self.floats..].last();
        float.max(buf.histogram_ts[self.histograms..].last()).copied()
    }

    /// Position of the first float of interest.
    pub fn first_float(self) -> usize {
        self.floats
    }

    /// Position of the first histogram of interest.
    pub fn first_histogram(self) -> usize {
        self.histograms
    }
}

/// Takes back what was noted relative to a histogram that is not the one before any more.
pub fn forget_hint(histogram: &mut Arc<Histogram>) {
    if histogram.reset_hint == ResetHint::NotReset {
        Arc::make_mut(histogram).reset_hint = ResetHint::Unknown;
    }
}

/// Merges `newer` into what `into` holds from `mark` on; at the same time the newer sample wins, of either kind.
pub fn merge_newer(into: &mut SampleBuf, mark: Mark, newer: &SampleBuf) {
    let both_kinds = (into.float_ts.len() > mark.floats && !newer.histogram_ts.is_empty())
        || (into.histogram_ts.len() > mark.histograms && !newer.float_ts.is_empty());
    if both_kinds {
        drop_other_kind(into, mark, newer);
    }
    merge_floats(into, mark.floats, newer);
    merge_histograms(into, mark.histograms, newer);
}

/// Keeps of what stands after `mark` only what `keep` says, by time.
pub fn retain_times(buf: &mut SampleBuf, mark: Mark, mut keep: impl FnMut(i64) -> bool) {
    let starts = buf.float_start_ts.len() == buf.float_ts.len();
    let mut to = mark.floats;
    for from in mark.floats..buf.float_ts.len() {
        if keep(buf.float_ts[from]) {
            buf.float_ts[to] = buf.float_ts[from];
            buf.floats[to] = buf.floats[from];
            if starts {
                buf.float_start_ts[to] = buf.float_start_ts[from];
            }
            to += 1;
        }
    }
    buf.float_ts.truncate(to);
    buf.floats.truncate(to);
    if starts {
        buf.float_start_ts.truncate(to);
    }
    let starts = buf.histogram_start_ts.len() == buf.histogram_ts.len();
    let (mut to, mut gap) = (mark.histograms, false);
    for from in mark.histograms..buf.histogram_ts.len() {
        let kept = keep(buf.histogram_ts[from]);
        if kept {
            if gap {
                forget_hint(&mut buf.histograms[from]);
            }
            buf.histogram_ts[to] = buf.histogram_ts[from];
            buf.histograms.swap(to, from);
            if starts {
                buf.histogram_start_ts[to] = buf.histogram_start_ts[from];
            }
            to += 1;
        }
        gap = !kept;
    }
    buf.histogram_ts.truncate(to);
    buf.histograms.truncate(to);
    if starts {
        buf.histogram_start_ts.truncate(to);
    }
}

/// Keeps of the floats after `mark`, which have no start times yet, those within `range`.
pub fn keep_float_range(buf: &mut SampleBuf, mark: Mark, range: TimeRange) {
    let times = &buf.float_ts[mark.floats..];
    let (from, to) = (times.partition_point(|ts| *ts < range.start), times.partition_point(|ts| *ts <= range.end));
    buf.float_ts.truncate(mark.floats + to);
    buf.floats.truncate(mark.floats + to);
    buf.float_ts.drain(mark.floats..mark.floats + from.min(to));
    buf.floats.drain(mark.floats..mark.floats + from.min(to));
}

/// Leaves out what lies in any of `deleted` (sorted or not).
pub fn drop_ranges(buf: &mut SampleBuf, mark: Mark, deleted: &[TimeRange]) {
    if !deleted.is_empty() {
        retain_times(buf, mark, |ts| !deleted.iter().any(|range| range.contains(ts)));
    }
}

/// Makes start timestamps parallel to the samples, with zeros where nothing is known.
pub fn pad_starts(buf: &mut SampleBuf) {
    buf.float_start_ts.resize(buf.float_ts.len(), 0);
    buf.histogram_start_ts.resize(buf.histogram_ts.len(), 0);
}

/// The same for the kinds of samples of which any start timestamp is known.
pub fn pad_known_starts(buf: &mut SampleBuf) {
    if !buf.float_start_ts.is_empty() {
        buf.float_start_ts.resize(buf.float_ts.len(), 0);
    }
    if !buf.histogram_start_ts.is_empty() {
        buf.histogram_start_ts.resize(buf.histogram_ts.len(), 0);
    }
}

fn drop_other_kind(into: &mut SampleBuf, mark: Mark, newer: &SampleBuf) {
    let is_new = |times: &[i64], ts: i64| times.binary_search(&ts).is_ok();
    let clash = into.float_ts[mark.floats..].iter().any(|&ts| is_new(&newer.histogram_ts, ts))
        || into.histogram_ts[mark.histograms..].iter().any(|&ts| is_new(&newer.float_ts, ts));
    if clash {
        retain_times(into, mark, |ts| !is_new(&newer.histogram_ts, ts) && !is_new(&newer.float_ts, ts));
    }
}

fn merge_floats(into: &mut SampleBuf, start: usize, newer: &SampleBuf) {
    let Some(&first) = newer.float_ts.first() else { return pad_known_starts(into) };
    let starts = !newer.float_start_ts.is_empty() || !into.float_start_ts.is_empty();
    if starts {
        into.float_start_ts.resize(into.float_ts.len(), 0);
    }
    let start_of = |at: usize| newer.float_start_ts.get(at).copied().unwrap_or(0);
    if into.float_ts[start..].last().is_none_or(|&last| last < first) {
        // The rule: nothing overlaps.
        into.float_ts.extend_from_slice(&newer.float_ts);
        into.floats.extend_from_slice(&newer.floats);
        if starts {
            into.float_start_ts.extend_from_slice(&newer.float_start_ts);
            into.float_start_ts.resize(into.float_ts.len(), 0);
        }
        return;
    }
    // Only what lies at or after the first newer sample has to move.
    let cut = start + into.float_ts[start..].partition_point(|&ts| ts < first);
    let old_ts = into.float_ts.split_off(cut);
    let old = into.floats.split_off(cut);
    let old_starts = if starts { into.float_start_ts.split_off(cut) } else { Vec::new() };
    let mut old_at = 0;
    for (at, (&ts, &value)) in newer.float_ts.iter().zip(&newer.floats).enumerate() {
        while old_at < old_ts.len() && old_ts[old_at] < ts {
            into.push_float(old_ts[old_at], old[old_at]);
            if starts {
                into.float_start_ts.push(old_starts[old_at]);
            }
            old_at += 1;
        }
        if old_at < old_ts.len() && old_ts[old_at] == ts {
            old_at += 1;
        }
        into.push_float(ts, value);
        if starts {
            into.float_start_ts.push(start_of(at));
        }
    }
    into.float_ts.extend_from_slice(&old_ts[old_at..]);
    into.floats.extend_from_slice(&old[old_at..]);
    if starts {
        into.float_start_ts.extend_from_slice(&old_starts[old_at..]);
    }
}

fn merge_histograms(into: &mut SampleBuf, start: usize, newer: &SampleBuf) {
    let starts = !newer.histogram_start_ts.is_empty() || !into.histogram_start_ts.is_empty();
    if starts {
        into.histogram_start_ts.resize(into.histogram_ts.len(), 0);
    }
    let Some(&first) = newer.histogram_ts.first() else { return };
    let cut = start + into.histogram_ts[start..].partition_point(|&ts| ts < first);
    let old_ts = into.histogram_ts.split_off(cut);
    let old = into.histograms.split_off(cut);
    let old_starts = if starts { into.histogram_start_ts.split_off(cut) } else { Vec::new() };
    let mut old = old_ts.into_iter().zip(old).enumerate().peekable();
    // What is noted on a histogram is relative to the one before it in its own source.
    let mut newer_before = (cut > start).then_some(false);
    let mut push = |ts: i64, mut histogram: Arc<Histogram>, start_ts: i64, is_newer: bool| {
        if newer_before.is_some_and(|before| before != is_newer) {
            forget_hint(&mut histogram);
        }
        newer_before = Some(is_newer);
        into.push_histogram(ts, histogram);
        if starts {
            into.histogram_start_ts.push(start_ts);
        }
    };
    let old_start = |at: usize| old_starts.get(at).copied().unwrap_or(0);
    for (at, (&ts, histogram)) in newer.histogram_ts.iter().zip(&newer.histograms).enumerate() {
        while let Some((at, (ts, histogram))) = old.next_if(|(_, (old, _))| *old < ts) {
            push(ts, histogram, old_start(at), false);
        }
        drop(old.next_if(|(_, (old, _))| *old == ts));
        push(ts, Arc::clone(histogram), newer.histogram_start_ts.get(at).copied().unwrap_or(0), true);
    }
    for (at, (ts, histogram)) in old {
        push(ts, histogram, old_start(at), false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(samples: &[(i64, f64)]) -> SampleBuf {
        let mut buf = SampleBuf::default();
        for &(ts, value) in samples {
            buf.push_float(ts, value);
        }
        buf
    }

    #[test]
    fn newer_samples_win_and_order_stays() {
        let mut buf = floats(&[(1, 1.0), (3, 3.0), (5, 5.0), (9, 9.0)]);
        merge_newer(&mut buf, Mark { floats: 1, histograms: 0 }, &floats(&[(0, 0.5), (3, 3.5), (4, 4.5), (12, 12.5)]));
        assert_eq!(buf.float_ts, [1, 0, 3, 4, 5, 9, 12]);
        assert_eq!(buf.floats, [1.0, 0.5, 3.5, 4.5, 5.0, 9.0, 12.5]);
        assert!(buf.float_start_ts.is_empty());
    }

    #[test]
    fn a_time_holds_one_kind_only() {
        let mut buf = floats(&[(1, 1.0), (2, 2.0)]);
        let mut newer = SampleBuf::default();
        newer.push_histogram(2, Arc::new(Histogram::default()));
        newer.push_histogram(3, Arc::new(Histogram::default()));
        merge_newer(&mut buf, Mark { floats: 0, histograms: 0 }, &newer);
        assert_eq!((buf.float_ts.as_slice(), buf.histogram_ts.as_slice()), (&[1][..], &[2, 3][..]));
    }

    #[test]
    fn start_times_stay_parallel() {
        let mut buf = floats(&[(1, 1.0), (4, 4.0)]);
        let mut newer = floats(&[(2, 2.0)]);
        newer.float_start_ts = vec![1];
        merge_newer(&mut buf, Mark { floats: 0, histograms: 0 }, &newer);
        assert_eq!((buf.float_ts.as_slice(), buf.float_start_ts.as_slice()), (&[1, 2, 4][..], &[0, 1, 0][..]));
        drop_ranges(&mut buf, Mark { floats: 0, histograms: 0 }, &[TimeRange::new(1, 1), TimeRange::new(4, 9)]);
        assert_eq!((buf.float_ts.as_slice(), buf.float_start_ts.as_slice()), (&[2][..], &[1][..]));
    }
}
