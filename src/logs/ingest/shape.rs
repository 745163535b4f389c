//! From entries of a stream of messages to lines: stages, times for those without one, and none taken for another's repetition.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::inlet::Line;
use super::recent::Recent;
use super::stage::{Entry, Flush, Moment, Pipeline};
use crate::base::clock::SharedClock;

/// Lines that are remembered at least, and at most half as many as are.
const RECENT_MIN: usize = 65_536;
/// How long they are remembered at least: lines come late, but seldom later.
const RECENT_AGE: Duration = Duration::from_secs(10 * 60);

/// What all senders share whose lines may be of one stream.
#[derive(Debug)]
pub struct Stamps {
    next_ns: AtomicI64,
    recent: Mutex<Recent<(i64, u64), u32>>,
}

impl Default for Stamps {
    fn default() -> Self {
        Self { next_ns: AtomicI64::default(), recent: Mutex::new(Recent::new(RECENT_MIN, RECENT_AGE)) }
    }
}

impl Stamps {
    /// Now, later than any time it gave before.
    pub fn now(&self, clock: &SharedClock) -> i64 {
        let now = clock.now_ms().saturating_mul(1_000_000);
        let before = self.next_ns.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| Some(next.max(now).saturating_add(1)));
        before.unwrap_or(now).max(now)
    }

    /// The time of a line, later by a nanosecond for each line before that said the same at the same time: senders whose
    /// clocks tick in seconds mean every line they send.
    fn apart(&self, ts: i64, hash: u64, now: Duration) -> i64 {
        let mut recent = self.recent.lock();
        let count = recent.entry((ts, hash), now);
        let moved = ts.saturating_add(i64::from(*count));
        *count += 1;
        moved
    }
}

/// Makes lines of the entries of one sender.
pub struct Shaper {
    pipeline: Pipeline,
    stamps: Arc<Stamps>,
    clock: SharedClock,
    last_ts: i64,
    /// Whether lines that say the same at the same time are repetitions.
    is_exact: bool,
    out: Vec<Entry>,
}

impl Shaper {
    /// With stages of its own.
    pub fn new(pipeline: &Pipeline, stamps: &Arc<Stamps>, clock: &SharedClock) -> Self {
        Self {
            pipeline: pipeline.clone(),
            stamps: Arc::clone(stamps),
            clock: clock.clone(),
            last_ts: i64::MIN,
            is_exact: false,
            out: Vec::new(),
        }
    }

    /// The same for senders whose times are fine, and which may send a line again: that is then a repetition.
    #[must_use]
    pub const fn exact(mut self) -> Self {
        self.is_exact = true;
        self
    }

    /// Whether stages hold lines back.
    pub fn holds(&self) -> bool {
        self.pipeline.held_from().is_some()
    }

    /// The number that the oldest entry which stages hold back came with, as [`Entry::from`].
    pub fn held_from(&self) -> Option<u64> {
        self.pipeline.held_from()
    }

    /// Sends an entry through the stages; the lines that come out are added.
    pub fn shape(&mut self, entry: Entry, lines: &mut Vec<Line>) {
        let moment = self.moment();
        let mut out = std::mem::take(&mut self.out);
        self.pipeline.push(entry, &moment, &mut out);
        self.finish(out, moment.now_ns, lines);
    }

    /// Lets go what stages hold back: what has waited long enough, or all of it.
    pub fn flush(&mut self, flush: Flush, lines: &mut Vec<Line>) {
        if self.pipeline.is_empty() {
            return;
        }
        let moment = self.moment();
        let mut out = std::mem::take(&mut self.out);
        self.pipeline.flush(flush, &moment, &mut out);
        self.finish(out, moment.now_ns, lines);
    }

    fn moment(&self) -> Moment {
        Moment { now_ns: self.stamps.now(&self.clock), last_ts: self.last_ts }
    }

    fn finish(&mut self, mut out: Vec<Entry>, now_ns: i64, lines: &mut Vec<Line>) {
        let now = self.clock.monotonic();
        for entry in out.drain(..) {
            if entry.text.is_empty() {
                continue;
            }
            let (labels, fields) = (entry.labels.build(), entry.fields.build());
            let ts = match entry.ts {
                Some(ts) if self.is_exact => ts,
                Some(ts) => {
                    let hash = xxh3_64_with_seed(entry.text.as_bytes(), xxh3_64_with_seed(fields.packed(), labels.stable_hash()));
                    self.stamps.apart(ts, hash, now)
                }
                None => now_ns,
            };
            self.last_ts = ts;
            lines.push(Line { labels, ts, text: entry.text.into_bytes(), fields });
        }
        self.out = out;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::ManualClock;

    #[test]
    fn no_two_lines_are_taken_for_one() {
        let clock: SharedClock = ManualClock::at(5);
        let mut shaper = Shaper::new(&Pipeline::default(), &Arc::default(), &clock);
        let mut lines = Vec::new();
        for (ts, text) in [(Some(9), "a"), (Some(9), "a"), (Some(9), "b"), (None, "c"), (None, "c"), (None, "")] {
            shaper.shape(Entry { ts, text: text.to_owned(), ..Entry::default() }, &mut lines);
        }
        let times: Vec<i64> = lines.iter().map(|line| line.ts).collect();
        assert_eq!(times[..3], [9, 10, 9]);
        assert!(times[3] >= 5_000_000 && times[4] > times[3] && times.len() == 5);
    }

    #[test]
    fn many_lines_do_not_make_it_forget_the_last_ones() {
        let stamps = Stamps::default();
        for at in 0..100_000 {
            let _other_text = stamps.apart(9, at, Duration::ZERO);
            assert_eq!(stamps.apart(9, u64::MAX, Duration::ZERO), 9 + at as i64);
        }
    }
}
