//! Requests that come again: a rate let only a part of them through, or storage could not say that it has them. What was kept
//! is remembered, so that it is neither stored twice nor charged to the rate twice, and so are the times that lines got when
//! they came: what storage may have it knows again by them.
//!
//! Requests are known again by a hash of their bytes. The memory is bounded and forgets after a while: a line that says its
//! own time is recognised by storage even then.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::logs::model::batch::LineBatch;
use crate::logs::model::write::LineReport;

/// Requests that are remembered.
const REQUESTS_MAX: usize = 1_024;
/// Pieces of requests that are remembered, of all together.
const PIECES_MAX: usize = 256 * 1024;
/// Whoever has not come again by then does not.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);
/// A line older than this got its time from its sender.
const JUST_NOW_NS: i64 = 60 * 1_000_000_000;

/// Requests that are to come again.
#[derive(Debug, Default)]
pub(super) struct Agains(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// With the moment at which they were remembered.
    requests: HashMap<u128, (Duration, Again)>,
    /// Oldest first; some of them may have come since.
    order: VecDeque<(Duration, u128)>,
    pieces: usize,
}

/// A request that is to come again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Again {
    request: u128,
    /// Lines of the whole request.
    lines: usize,
    /// Positions of those that were not kept, ascending.
    left: Vec<Range<u32>>,
    /// Positions of lines that got their time when they came, or may have, with that of the first (ns): each of the others
    /// is a nanosecond later than the one before.
    times: Vec<(Range<u32>, i64)>,
}

impl Agains {
    /// What is left of a request with so many lines, if it is one that came before. It is forgotten.
    pub(super) fn take(&self, request: u128, lines: usize, now: Duration) -> Option<Again> {
        let mut state = self.0.lock();
        state.age(now);
        let again = state.remove(request)?;
        (again.lines == lines).then_some(again)
    }

    /// Remembers a request.
    pub(super) fn put(&self, again: Again, now: Duration) {
        if again.left.is_empty() || again.pieces() > PIECES_MAX {
            return;
        }
        let mut state = self.0.lock();
        let _the_same_before = state.remove(again.request);
        while state.requests.len() >= REQUESTS_MAX || state.pieces + again.pieces() > PIECES_MAX || state.order.len() >= 2 * REQUESTS_MAX {
            let Some((at, oldest)) = state.order.pop_front() else { break };
            state.forget(at, oldest);
        }
        state.pieces += again.pieces();
        state.order.push_back((now, again.request));
        state.requests.insert(again.request, (now, again));
    }
}

impl State {
    fn remove(&mut self, request: u128) -> Option<Again> {
        let (_, again) = self.requests.remove(&request)?;
        self.pieces -= again.pieces();
        Some(again)
    }

    fn age(&mut self, now: Duration) {
        while let Some((at, oldest)) = self.order.pop_front_if(|(at, _)| now.saturating_sub(*at) > REMEMBERED) {
            self.forget(at, oldest);
        }
    }

    /// Forgets a request, unless it was remembered anew since.
    fn forget(&mut self, at: Duration, request: u128) {
        if self.requests.get(&request).is_some_and(|(since, _)| *since == at) {
            let _forgotten = self.remove(request);
        }
    }
}

impl Again {
    /// A request of which nothing is known to be kept. `now_ns` is when it came.
    pub(super) fn all(request: u128, batch: &LineBatch, now_ns: i64) -> Self {
        let lines = batch.lines.len();
        let mut times: Vec<(Range<u32>, i64)> = Vec::new();
        for (at, line) in (0_u32..).zip(&batch.lines).filter(|(_, line)| line.ts > now_ns.saturating_sub(JUST_NOW_NS)) {
            match times.last_mut().filter(|(of, first)| of.end == at && first.saturating_add(of.len() as i64) == line.ts) {
                Some((of, _)) => of.end += 1,
                None => times.push((at..at + 1, line.ts)),
            }
        }
        Self { request, lines, left: std::iter::once(0..u32::try_from(lines).unwrap_or(u32::MAX)).collect(), times }
    }

    fn pieces(&self) -> usize {
        self.left.len() + self.times.len()
    }

    /// The same request, of which only these lines were refused; none if none were.
    pub(super) fn but(self, report: &LineReport) -> Option<Self> {
        let mut refused: Vec<u32> = report.refused.iter().flat_map(|one| one.at.iter().copied()).collect();
        refused.sort_unstable();
        let mut left: Vec<Range<u32>> = Vec::new();
        for at in refused {
            match left.last_mut().filter(|last| last.end == at) {
                Some(last) => last.end += 1,
                None => left.push(at..at + 1),
            }
        }
        (!left.is_empty()).then_some(Self { left, ..self })
    }

    /// The lines of the request that are left, with the times that they got. Streams keep their positions, though some have no
    /// lines.
    pub(super) fn rest_of(&self, batch: &LineBatch) -> LineBatch {
        let mut rest = LineBatch::new();
        let (mut left, mut times) = (self.left.iter().peekable(), self.times.iter().peekable());
        for stream in &batch.streams {
            rest.begin_stream(stream.labels.clone());
            for (at, line) in stream.lines.clone().zip(batch.lines_of(stream)) {
                while left.next_if(|piece| piece.end <= at).is_some() {}
                if left.peek().is_some_and(|piece| piece.contains(&at)) {
                    while times.next_if(|(of, _)| of.end <= at).is_some() {}
                    let given = times.peek().filter(|(of, _)| of.contains(&at));
                    let ts = given.map_or(line.ts, |(of, first)| first.saturating_add(i64::from(at - of.start)));
                    rest.push(ts, batch.text_of(line), batch.fields_of(line));
                }
            }
        }
        rest
    }

    /// Turns positions in what [`rest_of`](Self::rest_of) gave into those of the request.
    pub(super) fn place(&self, report: &mut LineReport) {
        let places: Vec<u32> = self.left.iter().cloned().flatten().collect();
        for at in report.refused.iter_mut().flat_map(|one| &mut one.at) {
            *at = places.get(*at as usize).copied().unwrap_or(u32::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::ingest::limits::LineLimits;
    use crate::logs::ingest::receive::Door;
    use crate::logs::ingest::receive::tests::receiver;
    use crate::logs::model::write::{AppendLinesError, RefusedLine, RefusedLines};
    use crate::series::labels::Labels;

    const NOW: i64 = 1_700_000_000_000_000_000;

    fn pieces(one: Range<u32>) -> Vec<Range<u32>> {
        vec![one]
    }

    fn report(at: &[u32]) -> LineReport {
        let reason = RefusedLine::StreamRate { bytes_per_s: 1 };
        let refused = vec![RefusedLines { stream: 0, lines: at.len(), at: at.to_vec(), bytes: 0, reason, first_ts: 0 }];
        LineReport { taken: 0, refused }
    }

    #[test]
    fn only_what_is_left_goes_again() {
        let mut batch = LineBatch::new();
        for stream in ["a", "b"] {
            batch.begin_stream(Labels::from_pairs([("job", stream)]));
            (0..4).for_each(|at| batch.push(NOW + at, format!("{stream}{at}").as_bytes(), b""));
        }
        batch.lines[6].ts = 5;
        let all = || Again::all(7, &batch, NOW);
        assert_eq!((all().left, all().times), (pieces(0..8), vec![(0..4, NOW), (4..6, NOW), (7..8, NOW + 3)]));
        let again = all().but(&report(&[6, 1, 2, 4])).unwrap();
        assert_eq!(again.left, [1..3, 4..5, 6..7]);
        batch.lines.iter_mut().filter(|line| line.ts > 5).for_each(|line| line.ts += 1_000);
        let rest = again.rest_of(&batch);
        assert_eq!(rest.lines.iter().map(|line| line.ts).collect::<Vec<_>>(), [NOW + 1, NOW + 2, NOW, 5]);
        let texts: Vec<_> = rest.lines.iter().map(|line| String::from_utf8_lossy(rest.text_of(line)).into_owned()).collect();
        assert_eq!((texts.join(" ").as_str(), rest.streams.len()), ("a1 a2 b0 b2", 2));
        let mut refused = report(&[1, 3]);
        again.place(&mut refused);
        assert_eq!(refused.refused[0].at, [2, 6]);
        assert_eq!(again.but(&LineReport::default()), None);
    }

    #[test]
    fn requests_are_known_again_for_a_while() {
        let (agains, s) = (Agains::default(), Duration::from_secs);
        let again = |request: u128| Again { request, lines: 3, left: pieces(0..1), times: Vec::new() };
        agains.put(again(1), s(0));
        assert_eq!(agains.take(2, 3, s(1)), None);
        assert_eq!(agains.take(1, 3, s(1)), Some(again(1)));
        assert_eq!(agains.take(1, 3, s(1)), None, "it was taken");
        agains.put(again(1), s(0));
        assert_eq!(agains.take(1, 4, s(1)), None, "another number of lines is another request");
        agains.put(again(1), s(0));
        assert_eq!(agains.take(1, 3, s(901)), None, "that is too long ago");
        for request in 0..5_000 {
            agains.put(again(request), s(1_000));
        }
        assert_eq!((agains.take(0, 3, s(1_000)), agains.take(4_999, 3, s(1_000)).is_some()), (None, true));
        let state = agains.0.lock();
        assert!(state.requests.len() < REQUESTS_MAX && state.pieces == state.requests.len() && state.order.len() <= 2 * REQUESTS_MAX);
    }

    #[test]
    fn what_was_kept_of_a_request_is_not_stored_again() {
        let (receiver, kept, _clock) = receiver(LineLimits::default());
        let send = |texts: &[&str]| {
            let mut gather = receiver.gather();
            assert!(gather.begin_text(b"{app=\"a\"}", 1, &receiver.streams, &receiver.limits).unwrap());
            texts.iter().for_each(|text| gather.line(receiver.next_ns(), text.as_bytes(), &receiver.limits).unwrap());
            let taken = receiver.take_request(Door::Plain, texts.len() as u128, gather);
            taken.map(|taken| (taken.lines, taken.refused_lines, taken.is_rated))
        };
        kept.slow(&["b", "d"]);
        let all = ["a", "b", "c", "d", "e"];
        assert_eq!(send(&all).unwrap(), (3, 2, true));
        *kept.error.lock() = Some(AppendLinesError::Busy);
        assert!(send(&all).is_err());
        *kept.error.lock() = None;
        kept.slow(&["d"]);
        assert_eq!(send(&["x"]).unwrap(), (1, 0, false), "another request");
        assert_eq!(send(&all).unwrap(), (1, 1, true));
        assert_eq!(send(&all).unwrap(), (1, 0, false));
        assert_eq!(kept.texts().join(""), "acexbd");
        assert_eq!(send(&all).unwrap(), (5, 0, false), "when it was taken it may be said once more");
    }

    #[test]
    fn what_storage_may_have_it_knows_again() {
        let (receiver, kept, clock) = receiver(LineLimits::default());
        let send = |door: Door| {
            let mut gather = receiver.gather();
            assert!(gather.begin_text(b"{app=\"a\"}", 1, &receiver.streams, &receiver.limits).unwrap());
            ["same", "same", "other"].iter().for_each(|text| gather.line(receiver.next_ns(), text.as_bytes(), &receiver.limits).unwrap());
            clock.advance(Duration::from_secs(1));
            receiver.take_request(door, 7, gather).is_ok()
        };
        *kept.error_after.lock() = Some(AppendLinesError::Unavailable("the disk is full".to_owned()));
        assert!(!send(Door::Plain));
        *kept.error.lock() = Some(AppendLinesError::Busy);
        assert!(!send(Door::Plain));
        *kept.error.lock() = None;
        assert!(send(Door::Plain));
        let times: Vec<i64> = kept.lines.lock().iter().map(|(_, ts, ..)| *ts).collect();
        assert_eq!(times[..3], times[3..], "lines of one time and text count as one");
        assert!(send(Door::Plain));
        let times: Vec<i64> = kept.lines.lock().iter().map(|(_, ts, ..)| *ts).collect();
        assert!(times.len() == 9 && times[6] > times[5], "it was taken, so this is another one");
    }
}
