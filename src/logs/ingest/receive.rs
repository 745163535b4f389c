//! What all doors have in common: rates, storing, showing to whoever tails, counting.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;

use super::again::{Again, Agains};
use super::bucket::Bucket;
use super::counts::{DoorReport, Ledger};
pub use super::door::{Door, DoorTally};
use super::gather::Gather;
use super::limits::LineLimits;
use super::refusal::{Reason, Refusals};
use super::streams::Streams;
use super::tap::Taps;
use crate::base::clock::SharedClock;
use crate::base::pressure::{Level, Pressure, Shed};
use crate::logs::model::batch::LineBatch;
use crate::logs::model::write::{AppendLines, AppendLinesError, LineReport, RefusedLine, RefusedLines};
use crate::platform::telemetry::metrics::{Counter, Page, Report};

/// Memory of requests that is kept for the next ones.
const IDLE_MAX: usize = 8;

/// Why nothing of a request was stored, though it was read.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// The rate of the whole server is used up.
    #[error(
        "Ingestion rate limit exceeded for user fake (limit: {limit} bytes/sec) while attempting to ingest '{lines}' lines totaling '{bytes}' \
         bytes, reduce log volume or raise logs.ingestion_rate"
    )]
    Rate {
        /// Bytes a second that are allowed.
        limit: u64,
        /// Lines of the request.
        lines: u64,
        /// Bytes of their text.
        bytes: u64,
    },
    /// Memory is nearly used up.
    #[error("memory is nearly used up; lines are refused until there is room again")]
    ShortOfMemory,
    /// The disk budget is used up.
    #[error("the disk budget is used up; lines are refused until there is room again")]
    DiskFull,
    /// Storage does not take lines now.
    #[error(transparent)]
    Store(#[from] AppendLinesError),
}

impl NotTaken {
    /// For counting.
    const fn reason(&self) -> Reason {
        match self {
            Self::Rate { .. } => Reason::Rate,
            Self::Store(AppendLinesError::Busy) => Reason::Busy,
            Self::ShortOfMemory | Self::DiskFull | Self::Store(AppendLinesError::Unavailable(_) | AppendLinesError::Closed) => {
                Reason::Unavailable
            }
        }
    }
}

/// What became of a request.
#[derive(Debug)]
pub struct Taken {
    /// Lines stored.
    pub lines: u64,
    /// What was refused of it, in words.
    pub refused: Option<String>,
    /// How many lines were refused.
    pub refused_lines: u64,
    /// Whether the sender should come again, as a rate was used up: as in Loki, what was refused last decides, a line of a
    /// stream whose rate is used up, or one too far behind its stream. What was kept is not stored twice then.
    pub is_rated: bool,
}

/// Takes the lines of all doors.
pub struct Receiver {
    append: Arc<dyn AppendLines>,
    clock: SharedClock,
    pressure: Pressure,
    /// Limits of lines.
    pub limits: LineLimits,
    /// Label sets.
    pub streams: Streams,
    /// Whoever tails.
    pub taps: Taps,
    bucket: Option<Mutex<Bucket>>,
    agains: Agains,
    idle: Mutex<Vec<Gather>>,
    /// The newest time given to a line that came without one.
    given: AtomicI64,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    doors: [Ledger; Door::ALL.len()],
    refused: [Counter; Reason::ALL.len()],
    unavailable: Counter,
    busy: Counter,
}

impl Receiver {
    /// Stores into `append` within `limits`.
    pub fn new(append: Arc<dyn AppendLines>, clock: SharedClock, pressure: Pressure, limits: LineLimits) -> Self {
        let bucket = (limits.bytes_per_s > 0).then(|| Mutex::new(Bucket::new(limits.bytes_per_s, limits.burst_bytes, clock.monotonic())));
        let streams = Streams::new(limits.remembered_bytes_max);
        Self {
            append,
            clock,
            pressure,
            limits,
            streams,
            taps: Taps::default(),
            bucket,
            agains: Agains::default(),
            idle: Mutex::default(),
            given: AtomicI64::new(i64::MIN),
            counts: Counts::default(),
        }
    }

    /// What came by each door.
    pub fn doors(&self) -> Vec<DoorTally> {
        let tally = |(door, counts): (Door, &Ledger)| DoorTally {
            name: door.as_str(),
            requests: counts.requests.get(),
            lines: counts.lines.get(),
            bytes: counts.bytes.get(),
        };
        Door::ALL.into_iter().zip(&self.counts.doors).map(tally).collect()
    }

    /// What came by each door and what of it was refused; what listeners refuse by themselves is not among it.
    pub fn door_reports(&self) -> Vec<DoorReport> {
        Door::ALL.into_iter().zip(&self.counts.doors).map(|(door, ledger)| ledger.report(door.as_str())).collect()
    }

    /// Lines refused by reason, in the words that clients see.
    pub fn refused(&self) -> Vec<(&'static str, u64)> {
        Reason::ALL.into_iter().zip(&self.counts.refused).map(|(reason, counter)| (reason.as_str(), counter.get())).collect()
    }

    /// A time for a line that comes without one: now (ns), and later than any given before, as two lines of one time and
    /// text would count as one.
    pub fn next_ns(&self) -> i64 {
        let now = self.clock.now_ms().saturating_mul(1_000_000);
        let before = self.given.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(now.max(last.saturating_add(1))));
        let last = before.unwrap_or_else(|last| last);
        now.max(last.saturating_add(1))
    }

    /// Memory for a request.
    pub fn gather(&self) -> Gather {
        let mut gather = self.idle.lock().pop().unwrap_or_default();
        gather.allow(self.limits.request_memory_max);
        gather
    }

    /// Gives it back.
    pub fn give_back(&self, mut gather: Gather) {
        gather.clear();
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_MAX {
            idle.push(gather);
        }
    }

    /// Forgets what can be made again, to give memory back.
    pub fn relieve(&self) {
        self.idle.lock().clear();
        self.streams.forget();
    }

    /// Why no door takes lines at the moment, asked before a request is read.
    pub fn refusal(&self) -> Option<NotTaken> {
        let (shed, why) = if self.pressure.is_disk_full() {
            (Shed::Disk, NotTaken::DiskFull)
        } else if self.pressure.memory() >= Level::Critical {
            (Shed::Write, NotTaken::ShortOfMemory)
        } else {
            return None;
        };
        self.pressure.count(shed);
        self.counts.unavailable.inc();
        Some(why)
    }

    /// Notes that a request was refused before its lines were known; it counts as one. `reason` is the word for it.
    pub fn turn_down(&self, door: Door, reason: &'static str, why: &str) {
        self.counts.doors[door as usize].refused.note(self.clock.now_ms(), reason, 1, || why.to_owned());
    }

    /// Stores what was gathered. Blocks on disk. The memory is given back.
    pub fn take(&self, door: Door, gather: Gather) -> Result<Taken, NotTaken> {
        self.take_and(door, gather, |_, _| {})
    }

    /// The same, and shows what storage said of the batch.
    pub fn take_and(&self, door: Door, gather: Gather, told: impl FnOnce(&LineBatch, &LineReport)) -> Result<Taken, NotTaken> {
        self.take_gathered(door, gather, None, told)
    }

    /// The same for a request, by a hash of its bytes, which is told as a whole that it should come again: then only what
    /// was refused of it is stored.
    pub fn take_request(&self, door: Door, request: u128, gather: Gather) -> Result<Taken, NotTaken> {
        self.take_gathered(door, gather, Some(request), |_, _| {})
    }

    /// The same for a request whose lines were gathered elsewhere, and are checked. Unless it is taken, it is told why not.
    pub fn take_batch(&self, door: Door, request: u128, batch: &LineBatch) -> Result<Taken, NotTaken> {
        if let Some(why) = self.refusal() {
            return Err(why);
        }
        let mut refusals = Refusals::default();
        let result = self.store(door, batch, &mut refusals, Some(request), |_, _| {});
        self.note(door, &refusals);
        result
    }

    /// The same, and shows what storage said of the batch.
    pub(super) fn take_gathered(
        &self,
        door: Door,
        mut gather: Gather,
        request: Option<u128>,
        told: impl FnOnce(&LineBatch, &LineReport),
    ) -> Result<Taken, NotTaken> {
        let Gather { batch, refusals, .. } = &mut gather;
        let result = self.store(door, batch, refusals, request, told);
        self.note(door, refusals);
        self.give_back(gather);
        result
    }

    /// Counts what was refused, and says it in the log where the sender is not told.
    fn note(&self, door: Door, refusals: &Refusals) {
        let (ledger, now) = (&self.counts.doors[door as usize], self.clock.now_ms());
        for reason in Reason::ALL {
            let lines = refusals.count(reason);
            if lines > 0 {
                self.counts.refused[reason as usize].add(lines);
                ledger.refused.note(now, reason.as_str(), lines, || refusals.first().to_owned());
            }
        }
        let lines = refusals.lines();
        if door.is_silent()
            && lines > 0
            && let Some(before) = ledger.said.may_say(now, lines)
        {
            tracing::warn!(door = door.as_str(), lines, before, "lines were refused: {}", refusals.first());
        }
    }

    fn store(
        &self,
        door: Door,
        batch: &LineBatch,
        refusals: &mut Refusals,
        request: Option<u128>,
        told: impl FnOnce(&LineBatch, &LineReport),
    ) -> Result<Taken, NotTaken> {
        let now = self.clock.monotonic();
        let again = request.and_then(|request| self.agains.take(request, batch.lines.len(), now));
        let rest = again.as_ref().map(|again| again.rest_of(batch));
        let now_ns = self.clock.now_ms().saturating_mul(1_000_000);
        let again_of = |request: u128| Again::all(request, batch, now_ns);
        let sent = rest.as_ref().unwrap_or(batch);
        let mut report = match self.keep(door, sent) {
            Ok(report) => report,
            Err(error) => {
                // Storage may have the lines all the same; then it must know them again.
                let may_have = matches!(error, NotTaken::Store(AppendLinesError::Unavailable(_)));
                if let Some(again) = again.or_else(|| request.filter(|_| may_have).map(again_of)) {
                    self.agains.put(again, now);
                }
                // Who sends by a silent door keeps the lines and tries again.
                if !door.is_silent() {
                    refusals.add(error.reason(), sent.lines.len(), || error.to_string());
                }
                return Err(error);
            }
        };
        refuse_stored(door, batch, &report, refusals);
        if let Some(again) = &again {
            again.place(&mut report);
        }
        let is_rated = is_rated(&report);
        if let Some(request) = request.filter(|_| is_rated)
            && let Some(again) = again.unwrap_or_else(|| again_of(request)).but(&report)
        {
            self.agains.put(again, now);
        }
        told(batch, &report);
        Ok(Taken {
            lines: report.taken as u64,
            refused: (!refusals.is_empty()).then(|| refusals.text()),
            refused_lines: refusals.lines(),
            is_rated,
        })
    }

    /// Stores a batch within the server's rate, counts it, and shows it to whoever tails.
    fn keep(&self, door: Door, batch: &LineBatch) -> Result<LineReport, NotTaken> {
        let counts = &self.counts.doors[door as usize];
        counts.requests.inc();
        let bytes = batch.text.len() as u64;
        if let Some(bucket) = &self.bucket
            && !bucket.lock().take(bytes, self.clock.monotonic())
        {
            return Err(NotTaken::Rate { limit: self.limits.bytes_per_s, lines: batch.lines.len() as u64, bytes });
        }
        let kept = if batch.is_empty() { Ok(LineReport::default()) } else { self.append(batch) };
        let refused_bytes = kept.as_ref().map_or(bytes, |report| report.refused.iter().map(|one| one.bytes as u64).sum());
        if let Some(bucket) = &self.bucket {
            bucket.lock().give_back(refused_bytes);
        }
        let report = kept?;
        self.taps.show(batch, &report);
        counts.lines.add(report.taken as u64);
        counts.bytes.add(bytes.saturating_sub(refused_bytes));
        if report.taken > 0
            && let Some(newest) = batch.lines.iter().map(|line| line.ts).max()
        {
            counts.newest(self.clock.now_ms(), newest);
        }
        Ok(report)
    }

    fn append(&self, batch: &LineBatch) -> Result<LineReport, NotTaken> {
        self.append.append(batch).map_err(|error| {
            match error {
                AppendLinesError::Busy => self.counts.busy.inc(),
                AppendLinesError::Unavailable(_) | AppendLinesError::Closed => self.counts.unavailable.inc(),
            }
            error.into()
        })
    }
}

/// Adds what storage refused. Who has lines of a stream that is too fast, and came by a silent door, is told of them: they come
/// again, or are counted where they are dropped.
fn refuse_stored(door: Door, batch: &LineBatch, report: &LineReport, refusals: &mut Refusals) {
    let is_counted = |one: &&RefusedLines| !(door.is_silent() && matches!(one.reason, RefusedLine::StreamRate { .. }));
    for one in report.refused.iter().filter(is_counted) {
        if let Some(stream) = batch.streams.get(one.stream) {
            refusals.add_stored(&stream.labels, one.reason, one.lines, one.bytes, one.first_ts);
        }
    }
}

/// Whether a rate was used up, by what was refused last.
fn is_rated(report: &LineReport) -> bool {
    let decides = |reason: &RefusedLine| matches!(reason, RefusedLine::StreamRate { .. } | RefusedLine::TooFarBehind { .. });
    let last = report.refused.iter().filter(|one| decides(&one.reason)).max_by_key(|one| one.at.last().copied());
    last.is_some_and(|one| matches!(one.reason, RefusedLine::StreamRate { .. }))
}

impl Report for Receiver {
    fn report(&self, page: &mut Page) {
        type Read = fn(&Ledger) -> &Counter;
        let families: [(&str, &str, Read); 3] = [
            ("requests", "Requests with lines, by door.", |counts| &counts.requests),
            ("lines", "Lines stored, by door.", |counts| &counts.lines),
            ("bytes", "Bytes of text of lines stored, by door.", |counts| &counts.bytes),
        ];
        for (name, help, read) in families {
            let metric = format!("pharos_logs_{name}_total");
            page.family(&metric, "counter", help);
            for door in Door::ALL {
                page.sample(&metric, &[("door", door.as_str())], read(&self.counts.doors[door as usize]).get() as f64);
            }
        }
        page.family("pharos_logs_refused_lines_total", "counter", "Lines refused, by reason.");
        for reason in Reason::ALL {
            let count = self.counts.refused[reason as usize].get();
            page.sample("pharos_logs_refused_lines_total", &[("reason", reason.as_str())], count as f64);
        }
        page.counter(
            "pharos_logs_busy_total",
            "Requests told to come again because lines came faster than they could be written.",
            self.counts.busy.get(),
        );
        page.counter(
            "pharos_logs_unavailable_total",
            "Requests refused because memory, disk or storage took no lines.",
            self.counts.unavailable.get(),
        );
        page.gauge("pharos_logs_tails", "Live tails that are open.", self.taps.len() as f64);
        page.counter("pharos_logs_tail_dropped_lines_total", "Lines that tails did not take in time.", self.taps.dropped());
    }
}

#[cfg(test)]
pub(in crate::logs) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::clock::ManualClock;
    use crate::logs::model::write::{RefusedLine, RefusedLines};

    /// A line as it is kept: stream, time, text, fields.
    pub(in crate::logs) type KeptLine = (String, i64, String, String);

    /// Keeps lines in memory.
    #[derive(Debug, Default)]
    pub(in crate::logs) struct Kept {
        pub(in crate::logs) lines: Mutex<Vec<KeptLine>>,
        pub(in crate::logs) error: Mutex<Option<AppendLinesError>>,
        /// What is said once, though the lines are kept.
        pub(in crate::logs) error_after: Mutex<Option<AppendLinesError>>,
        /// Lines before this time are refused.
        pub(in crate::logs) oldest: i64,
        /// Texts that are refused once, as if their streams were too fast.
        pub(in crate::logs) slow: Mutex<std::collections::BTreeSet<Vec<u8>>>,
    }

    impl Kept {
        pub(in crate::logs) fn slow(&self, texts: &[&str]) {
            self.slow.lock().extend(texts.iter().map(|text| text.as_bytes().to_vec()));
        }

        pub(in crate::logs) fn texts(&self) -> Vec<String> {
            self.lines.lock().iter().map(|(_, _, text, _)| text.clone()).collect()
        }
    }

    impl AppendLines for Kept {
        fn append(&self, batch: &LineBatch) -> Result<LineReport, AppendLinesError> {
            if let Some(error) = self.error.lock().clone() {
                return Err(error);
            }
            let after = self.error_after.lock().take();
            let mut report = LineReport::default();
            for (at, stream) in batch.streams.iter().enumerate() {
                for (place, line) in stream.lines.clone().zip(batch.lines_of(stream)) {
                    let mut refuse = |reason: RefusedLine| {
                        let (bytes, first_ts) = (line.text.len(), line.ts);
                        report.refused.push(RefusedLines { stream: at, lines: 1, at: vec![place], bytes, reason, first_ts });
                    };
                    if line.ts < self.oldest {
                        refuse(RefusedLine::TooOld { oldest: self.oldest });
                        continue;
                    }
                    if self.slow.lock().remove(batch.text_of(line)) {
                        refuse(RefusedLine::StreamRate { bytes_per_s: 1 });
                        continue;
                    }
                    report.taken += 1;
                    let fields = crate::series::labels::Labels::from_packed(batch.fields_of(line)).unwrap().to_string();
                    let text = String::from_utf8_lossy(batch.text_of(line)).into_owned();
                    self.lines.lock().push((stream.labels.to_string(), line.ts, text, fields));
                }
            }
            after.map_or(Ok(report), Err)
        }
    }

    /// A receiver that keeps lines in memory.
    pub(in crate::logs) fn receiver(limits: LineLimits) -> (Receiver, Arc<Kept>, Arc<ManualClock>) {
        let (kept, clock) = (Arc::new(Kept::default()), ManualClock::at(1_700_000_000_000));
        (Receiver::new(Arc::clone(&kept) as _, Arc::clone(&clock) as _, Pressure::new(), limits), kept, clock)
    }

    fn one_line(receiver: &Receiver, text: &[u8]) -> Gather {
        let mut gather = receiver.gather();
        assert!(gather.begin_text(b"{app=\"a\"}", 1, &receiver.streams, &receiver.limits).unwrap());
        gather.line(1, text, &receiver.limits).unwrap();
        gather
    }

    #[test]
    fn rates_hold() {
        let (receiver, kept, clock) = receiver(LineLimits { bytes_per_s: 10, burst_bytes: 20, ..LineLimits::default() });
        for _ in 0..2 {
            assert!(receiver.take(Door::Loki, one_line(&receiver, b"0123456789")).is_ok());
        }
        let refused = receiver.take(Door::Loki, one_line(&receiver, b"0123456789")).unwrap_err();
        assert!(refused.to_string().starts_with("Ingestion rate limit exceeded for user fake (limit: 10 bytes/sec)"), "{refused}");
        clock.advance(Duration::from_secs(1));
        assert!(receiver.take(Door::Loki, one_line(&receiver, b"0123456789")).is_ok());
        clock.advance(Duration::from_secs(10));
        assert!(receiver.take(Door::Loki, one_line(&receiver, &[b'x'; 1000])).is_ok(), "what is larger than the bucket passes a full one");
        assert!(receiver.take(Door::Loki, one_line(&receiver, b"x")).is_err());
        assert_eq!(kept.lines.lock().len(), 4);
    }

    #[test]
    fn what_storage_says_is_passed_on_and_counted() {
        let (receiver, kept, _clock) = receiver(LineLimits::default());
        *kept.error.lock() = Some(AppendLinesError::Busy);
        assert!(matches!(receiver.take(Door::Plain, one_line(&receiver, b"x")), Err(NotTaken::Store(AppendLinesError::Busy))));
        *kept.error.lock() = None;
        let taken = receiver.take(Door::Plain, one_line(&receiver, b"x")).unwrap();
        assert_eq!((taken.lines, taken.refused), (1, None));
        let mut refused = one_line(&receiver, b"x");
        refused.refuse(Reason::Malformed, 2, || "nonsense".to_owned());
        receiver.take(Door::Plain, refused).unwrap();
        let report = receiver.door_reports().into_iter().find(|report| report.door == "plain").unwrap();
        assert_eq!((report.lines, report.bytes, report.refused), (2, 2, vec![("busy", 1), ("malformed", 2)]));
        assert_eq!(report.last_refusal, Some((1_700_000_000_000, "nonsense".to_owned())));
        assert_eq!(report.newest_lag_ms, Some(1_700_000_000_000));
        receiver.turn_down(Door::Otlp, "too_large", "the request is too large");
        let report = receiver.door_reports().into_iter().find(|report| report.door == "otlp").unwrap();
        assert_eq!((report.lines, report.refused), (0, vec![("too_large", 1)]));
        assert_eq!(report.last_refusal, Some((1_700_000_000_000, "the request is too large".to_owned())));
        let mut page = Page::default();
        receiver.report(&mut page);
        let text = page.finish();
        for line in
            ["pharos_logs_busy_total 1\n", "pharos_logs_lines_total{door=\"plain\"} 2\n", "pharos_logs_bytes_total{door=\"plain\"} 2\n"]
        {
            assert!(text.contains(line), "{line}{text}");
        }
    }

    #[test]
    fn what_was_not_kept_is_not_charged() {
        let limits = LineLimits { bytes_per_s: 10, burst_bytes: 20, ..LineLimits::default() };
        let (receiver, kept, _clock) = receiver(limits);
        *kept.error.lock() = Some(AppendLinesError::Busy);
        for _ in 0..5 {
            assert!(matches!(receiver.take(Door::Loki, one_line(&receiver, &[b'x'; 20])), Err(NotTaken::Store(_))));
        }
        *kept.error.lock() = None;
        kept.slow(&["0123456789abcdefghij"]);
        assert!(receiver.take(Door::Loki, one_line(&receiver, b"0123456789abcdefghij")).unwrap().is_rated);
        assert_eq!(receiver.take(Door::Loki, one_line(&receiver, b"0123456789abcdefghij")).unwrap().lines, 1);
        assert!(matches!(receiver.take(Door::Loki, one_line(&receiver, b"x")), Err(NotTaken::Rate { .. })));
    }

    #[test]
    fn the_last_refusal_of_a_stream_decides() {
        let report = |reasons: &[(u32, RefusedLine)]| {
            let one = |(at, reason): &(u32, RefusedLine)| RefusedLines {
                stream: 0,
                lines: 1,
                at: vec![*at],
                bytes: 1,
                reason: *reason,
                first_ts: 0,
            };
            LineReport { taken: 0, refused: reasons.iter().map(one).collect() }
        };
        let (rate, behind, old) =
            (RefusedLine::StreamRate { bytes_per_s: 1 }, RefusedLine::TooFarBehind { oldest: 1 }, RefusedLine::TooOld { oldest: 1 });
        for (reasons, rated) in [
            (&[][..], false),
            (&[(0, old)], false),
            (&[(0, rate), (1, old)], true),
            (&[(1, rate), (0, behind)], true),
            (&[(0, rate), (1, behind)], false),
        ] {
            assert_eq!(is_rated(&report(reasons)), rated, "{reasons:?}");
        }
    }

    #[test]
    fn doors_with_batches_of_their_own_are_counted_limited_and_tailed_too() {
        let (receiver, kept, _clock) = receiver(LineLimits { bytes_per_s: 10, burst_bytes: 10, ..LineLimits::default() });
        let tap = receiver.taps.open();
        let mut batch = LineBatch::new();
        batch.begin_stream(crate::series::labels::Labels::from_pairs([("service_name", "a")]));
        batch.push(1_700_000_000_000_000_000, b"0123456789", b"");
        assert_eq!(receiver.take_batch(Door::Otlp, 1, &batch).unwrap().lines, 1);
        assert!(matches!(receiver.take_batch(Door::Otlp, 1, &batch), Err(NotTaken::Rate { .. })), "the rate is that of the server");
        assert_eq!(kept.lines.lock().len(), 1);
        let mut page = Page::default();
        receiver.report(&mut page);
        let text = page.finish();
        for line in [
            "pharos_logs_lines_total{door=\"otlp\"} 1\n",
            "pharos_logs_bytes_total{door=\"otlp\"} 10\n",
            "pharos_logs_refused_lines_total{reason=\"rate_limited\"} 1\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
        assert_eq!(tap.take_dropped(), 0);
        assert_eq!(receiver.taps.len(), 1);
    }
}
