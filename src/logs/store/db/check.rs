//! What a line must be like to be taken.

use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::logs::model::batch::LineBatch;
use crate::logs::model::write::{LineReport, RefusedLine, RefusedLines};
use crate::logs::store::lines::{Lines, Seed, StreamLines};
use crate::series::labels::{Labels, LabelsIter, check_packed};

/// Buckets of streams beyond so many are swept when they are full.
const BUCKETS_SWEPT: usize = 16_384;

/// Limits on lines and streams. Zero and `None` mean no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineLimits {
    /// Older lines are refused.
    pub too_old: Option<Duration>,
    /// Lines further ahead of the clock are refused.
    pub too_new: Option<Duration>,
    /// Lines further behind the newest one of their stream are refused.
    pub too_far_behind: Option<Duration>,
    /// Bytes of a line.
    pub line_bytes: usize,
    /// Whether longer lines are cut instead of refused.
    pub truncate: bool,
    /// Labels of a stream.
    pub labels: usize,
    /// Bytes of a label's name.
    pub label_name_bytes: usize,
    /// Bytes of a label's value.
    pub label_value_bytes: usize,
    /// Fields of a line.
    pub fields: usize,
    /// Bytes of a line's fields.
    pub fields_bytes: usize,
    /// Bytes of text a second and stream.
    pub stream_bytes_per_s: u64,
    /// Bytes of text that a stream may have at once beyond that.
    pub stream_burst_bytes: u64,
}

impl Default for LineLimits {
    fn default() -> Self {
        Self {
            too_old: Some(Duration::from_secs(7 * 24 * 3600)),
            too_new: Some(Duration::from_secs(600)),
            too_far_behind: Some(Duration::from_secs(3600)),
            line_bytes: 256 << 10,
            truncate: false,
            labels: 128,
            label_name_bytes: 1024,
            label_value_bytes: 16 << 10,
            fields: 256,
            fields_bytes: 64 << 10,
            stream_bytes_per_s: 0,
            stream_burst_bytes: 0,
        }
    }
}

impl LineLimits {
    fn labels_fit(&self, labels: &Labels) -> bool {
        let within = |limit: usize, actual: usize| limit == 0 || actual <= limit;
        let mut count = 0;
        for (name, value) in labels {
            count += 1;
            if !within(self.label_name_bytes, name.len()) || !within(self.label_value_bytes, value.len()) {
                return false;
            }
        }
        count > 0 && within(self.labels, count)
    }

    fn fields_fit(&self, packed: &[u8]) -> bool {
        let within = |limit: usize, actual: usize| limit == 0 || actual <= limit;
        within(self.fields_bytes, packed.len())
            && check_packed(packed).is_ok()
            && within(self.fields, LabelsIter::over_checked(packed).count())
    }
}

/// Goes through batches and keeps what may be taken.
pub(super) struct Checker<'c> {
    pub(super) limits: &'c LineLimits,
    pub(super) rates: &'c Rates,
    pub(super) seed: Seed,
    pub(super) now_ns: i64,
    pub(super) monotonic: Duration,
}

impl Checker<'_> {
    /// What may be taken of a batch; the rest is in the report. `newest_of` knows the newest time of streams.
    pub(super) fn check<'b>(&self, batch: &'b LineBatch, newest_of: impl FnOnce(&[StreamLines]) -> Vec<i64>) -> (Lines<'b>, LineReport) {
        let (mut lines, mut report) = (Lines::default(), LineReport::default());
        for (place, stream) in batch.streams.iter().enumerate() {
            if self.limits.labels_fit(&stream.labels) {
                let hash = self.seed.stream(&stream.labels);
                lines.streams.push(StreamLines { labels: stream.labels.clone(), hash, lines: 0..0, place });
                continue;
            }
            for (at, line) in stream.lines.clone().zip(batch.lines_of(stream)) {
                refuse(&mut report, (place, at), line.ts, batch.text_of(line).len(), RefusedLine::InvalidLabels);
            }
        }
        lines.lines.reserve(batch.lines.len());
        let newest = newest_of(&lines.streams);
        let mut last_fields: &[u8] = &[];
        for (at, mut newest) in newest.into_iter().enumerate() {
            let Some(stream) = lines.streams.get(at) else { break };
            let (hash, place) = (stream.hash, stream.place);
            let from = lines.lines.len();
            let Some(of_stream) = batch.streams.get(place) else { continue };
            let mut rate = self.rates.of(self.limits, hash, self.monotonic);
            for (position, line) in of_stream.lines.clone().zip(batch.lines_of(of_stream)) {
                let place = (place, position);
                let (mut text, fields) = (batch.text_of(line), batch.fields_of(line));
                if let Some(reason) = self.refused_for_time(line.ts, newest) {
                    refuse(&mut report, place, line.ts, text.len(), reason);
                    continue;
                }
                if self.limits.line_bytes > 0 && text.len() > self.limits.line_bytes {
                    if !self.limits.truncate {
                        refuse(&mut report, place, line.ts, text.len(), RefusedLine::TooLong { max: self.limits.line_bytes });
                        continue;
                    }
                    text = cut(text, self.limits.line_bytes);
                }
                if !fields.is_empty() && fields != last_fields {
                    if !self.limits.fields_fit(fields) {
                        refuse(&mut report, place, line.ts, text.len(), RefusedLine::InvalidFields);
                        continue;
                    }
                    last_fields = fields;
                }
                if !rate.take(text.len()) {
                    let reason = RefusedLine::StreamRate { bytes_per_s: self.limits.stream_bytes_per_s };
                    refuse(&mut report, place, line.ts, text.len(), reason);
                    continue;
                }
                newest = newest.max(line.ts);
                lines.lines.push(self.seed.line(hash, line.ts, text, fields));
            }
            self.rates.put_back(rate);
            let to = lines.lines.len();
            if let Some(stream) = lines.streams.get_mut(at) {
                stream.lines = from..to;
            }
        }
        lines.streams.retain(|stream| !stream.lines.is_empty());
        report.taken = lines.lines.len();
        (lines, report)
    }

    fn refused_for_time(&self, ts: i64, newest: i64) -> Option<RefusedLine> {
        let ns = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        let limits = self.limits;
        if let Some(oldest) = limits.too_old.map(|age| self.now_ns.saturating_sub(ns(age))).filter(|oldest| ts < *oldest) {
            return Some(RefusedLine::TooOld { oldest });
        }
        if let Some(newest) = limits.too_new.map(|grace| self.now_ns.saturating_add(ns(grace))).filter(|newest| ts > *newest) {
            return Some(RefusedLine::TooNew { newest });
        }
        let oldest = limits.too_far_behind.map(|window| newest.saturating_sub(ns(window)))?;
        (ts < oldest).then_some(RefusedLine::TooFarBehind { oldest })
    }
}

/// The first bytes of a text, but no half of a character.
fn cut(text: &[u8], max: usize) -> &[u8] {
    let is_inside = |at: usize| text.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let end = (max.saturating_sub(3)..=max).rev().find(|at| !is_inside(*at)).unwrap_or(max);
    text.get(..end).unwrap_or(text)
}

/// Adds a line of a stream, both by position, to those refused.
fn refuse(report: &mut LineReport, (stream, at): (usize, u32), ts: i64, bytes: usize, reason: RefusedLine) {
    let kind = std::mem::discriminant(&reason);
    // Refusals of a stream lie together, at the end.
    let same = report.refused.iter_mut().rev().take_while(|known| known.stream == stream);
    match same.into_iter().find(|known| std::mem::discriminant(&known.reason) == kind) {
        Some(known) => {
            known.lines += 1;
            known.at.push(at);
            known.bytes += bytes;
        }
        None => report.refused.push(RefusedLines { stream, lines: 1, at: vec![at], bytes, reason, first_ts: ts }),
    }
}

/// What streams may still have, if their rate is limited.
#[derive(Debug, Default)]
pub(super) struct Rates(Mutex<HashMap<u64, Bucket>>);

#[derive(Debug, Clone, Copy)]
struct Bucket {
    bytes: f64,
    at: Duration,
}

/// One stream's share while a batch is looked at.
pub(super) struct Share {
    stream: u64,
    bucket: Option<Bucket>,
}

impl Share {
    fn take(&mut self, bytes: usize) -> bool {
        let Some(bucket) = &mut self.bucket else { return true };
        let fits = bucket.bytes >= bytes as f64;
        if fits {
            bucket.bytes -= bytes as f64;
        }
        fits
    }
}

impl Rates {
    fn of(&self, limits: &LineLimits, stream: u64, now: Duration) -> Share {
        if limits.stream_bytes_per_s == 0 {
            return Share { stream, bucket: None };
        }
        let per_s = limits.stream_bytes_per_s as f64;
        // The longest line must fit into a full bucket, or it never would.
        let burst = (limits.stream_burst_bytes.max(limits.stream_bytes_per_s)).max(limits.line_bytes as u64) as f64;
        let refilled = |bucket: &Bucket| (bucket.bytes + (now.saturating_sub(bucket.at)).as_secs_f64() * per_s).min(burst);
        let mut buckets = self.0.lock();
        if buckets.len() >= BUCKETS_SWEPT {
            buckets.retain(|_, bucket| refilled(bucket) < burst);
        }
        let bytes = buckets.get(&stream).map_or(burst, refilled);
        Share { stream, bucket: Some(Bucket { bytes, at: now }) }
    }

    fn put_back(&self, share: Share) {
        if let Some(bucket) = share.bucket {
            self.0.lock().insert(share.stream, bucket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    fn check(limits: &LineLimits, batch: &LineBatch, newest: i64) -> (Vec<(i64, usize)>, LineReport) {
        let (rates, seed) = (Rates::default(), Seed::random());
        let checker = Checker { limits, rates: &rates, seed, now_ns: 1_000_000 * S, monotonic: Duration::ZERO };
        let (lines, report) = checker.check(batch, |streams| vec![newest; streams.len()]);
        (lines.lines.iter().map(|line| (line.ts, line.text.len())).collect(), report)
    }

    fn batch(lines: &[(i64, &str)]) -> LineBatch {
        let mut batch = LineBatch::new();
        batch.begin_stream(Labels::from_pairs([("job", "a")]));
        lines.iter().for_each(|(ts, text)| batch.push(ts * S, text.as_bytes(), b""));
        batch
    }

    #[test]
    fn times_outside_the_limits_are_refused() {
        let limits = LineLimits::default();
        let (oldest, newest) = (1_000_000 - 7 * 86_400, 1_000_600);
        let (taken, report) =
            check(&limits, &batch(&[(oldest, "a"), (oldest - 1, "bb"), (newest, "c"), (newest + 1, "d"), (0, "e")]), i64::MIN);
        assert_eq!(taken, [(oldest * S, 1), (newest * S, 1)]);
        assert_eq!(report.taken, 2);
        let refused: Vec<_> =
            report.refused.iter().map(|refused| (refused.lines, refused.bytes, refused.reason, refused.first_ts)).collect();
        assert_eq!(
            refused,
            [
                (2, 3, RefusedLine::TooOld { oldest: oldest * S }, (oldest - 1) * S),
                (1, 1, RefusedLine::TooNew { newest: newest * S }, (newest + 1) * S),
            ]
        );
        let (taken, report) = check(&limits, &batch(&[(996_401, "a"), (996_399, "b")]), 1_000_000 * S);
        assert_eq!(taken, [(996_401 * S, 1)]);
        assert_eq!(report.refused[0].reason, RefusedLine::TooFarBehind { oldest: 996_400 * S });
        let (taken, _) = check(&limits, &batch(&[(999_999, "a"), (990_000, "b")]), i64::MIN);
        assert_eq!(taken.len(), 1, "lines of the batch itself count");
        let none = LineLimits { too_old: None, too_new: None, too_far_behind: None, ..limits };
        assert_eq!(check(&none, &batch(&[(5_000_000, "a"), (-5, "b")]), 9_000_000 * S).0.len(), 2);
    }

    #[test]
    fn long_lines_are_refused_or_cut() {
        let limits = LineLimits { line_bytes: 4, ..LineLimits::default() };
        let lines = batch(&[(1_000_000, "abcd"), (1_000_000, "abcde"), (1_000_000, "abcä")]);
        let (taken, report) = check(&limits, &lines, i64::MIN);
        assert_eq!((taken.len(), report.refused[0].lines, report.refused[0].reason), (1, 2, RefusedLine::TooLong { max: 4 }));
        let (taken, report) = check(&LineLimits { truncate: true, ..limits }, &lines, i64::MIN);
        assert_eq!(taken.iter().map(|(_, len)| *len).collect::<Vec<_>>(), [4, 4, 3]);
        assert!(report.refused.is_empty());
        assert_eq!(cut(&[0x80; 9], 5).len(), 5, "not text at all");
    }

    #[test]
    fn labels_and_fields_have_limits() {
        let limits = LineLimits { labels: 2, label_value_bytes: 3, fields: 1, ..LineLimits::default() };
        let mut lines = LineBatch::new();
        let fields = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
        for labels in [fields(&[]), fields(&[("a", "1"), ("b", "1"), ("c", "1")]), fields(&[("a", "1234")]), fields(&[("a", "123")])] {
            lines.begin_stream(labels);
            lines.push(1_000_000 * S, b"x", b"");
        }
        for packed in [fields(&[("a", "1")]).packed(), fields(&[("a", "1"), ("b", "1")]).packed(), b"\xff\xff"] {
            lines.push(1_000_000 * S, b"x", packed);
        }
        let (taken, report) = check(&limits, &lines, i64::MIN);
        assert_eq!(taken.len(), 2);
        let refused: Vec<_> = report.refused.iter().map(|refused| (refused.stream, refused.lines, refused.reason)).collect();
        assert_eq!(report.refused.iter().map(|refused| refused.at.as_slice()).collect::<Vec<_>>(), [&[0][..], &[1], &[2], &[5, 6]]);
        let labels = RefusedLine::InvalidLabels;
        assert_eq!(refused, [(0, 1, labels), (1, 1, labels), (2, 1, labels), (3, 2, RefusedLine::InvalidFields)]);
    }

    #[test]
    fn a_stream_has_its_rate() {
        let limits = LineLimits { stream_bytes_per_s: 10, stream_burst_bytes: 20, line_bytes: 10, ..LineLimits::default() };
        let (rates, seed) = (Rates::default(), Seed::random());
        let mut taken = Vec::new();
        for second in [0, 0, 1, 10] {
            let monotonic = Duration::from_secs(second);
            let checker = Checker { limits: &limits, rates: &rates, seed, now_ns: 1_000_000 * S, monotonic };
            let lines = batch(&[(1_000_000, "12345678"), (1_000_000, "12345678"), (1_000_000, "12345678")]);
            taken.push(checker.check(&lines, |streams| vec![i64::MIN; streams.len()]).1.taken);
        }
        assert_eq!(taken, [2, 0, 1, 2]);
    }
}
