//! What all doors have in common: rates, storing, showing to whoever tails, counting.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::counts::{DoorReport, Ledger};
use super::gather::Gather;
use super::limits::LineLimits;
use super::refusal::{Reason, Refusals};
use super::streams::Streams;
use super::tap::Taps;
use crate::base::clock::SharedClock;
use crate::base::pressure::{Level, Pressure, Shed};
use crate::logs::model::batch::LineBatch;
use crate::logs::model::write::{AppendLines, AppendLinesError, LineReport};
use crate::platform::telemetry::metrics::{Counter, Page, Report};

/// Memory of requests that is kept for the next ones.
const IDLE_MAX: usize = 8;

/// A way in for lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Loki's push.
    Loki,
    /// JSON, a line each.
    JsonLines,
    /// Plain text.
    Plain,
    /// Elasticsearch's bulk requests.
    Elastic,
    /// OpenTelemetry's logs.
    Otlp,
    /// Syslog.
    Syslog,
    /// Fluent's forward protocol.
    Fluent,
    /// Collectors of this machine: files, containers, the journal.
    Collector,
}

impl Door {
    /// All.
    pub const ALL: [Self; 8] =
        [Self::Loki, Self::JsonLines, Self::Plain, Self::Elastic, Self::Otlp, Self::Syslog, Self::Fluent, Self::Collector];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Loki => "loki",
            Self::JsonLines => "json_lines",
            Self::Plain => "plain",
            Self::Elastic => "elasticsearch",
            Self::Otlp => "otlp",
            Self::Syslog => "syslog",
            Self::Fluent => "fluent",
            Self::Collector => "collector",
        }
    }
}

/// What came by one door since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoorTally {
    /// The door's word.
    pub name: &'static str,
    /// Requests with lines.
    pub requests: u64,
    /// Lines stored.
    pub lines: u64,
    /// Bytes of their text.
    pub bytes: u64,
}

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

/// What became of a request.
#[derive(Debug)]
pub struct Taken {
    /// Lines stored.
    pub lines: u64,
    /// What was refused of it, in words.
    pub refused: Option<String>,
    /// Whether some were refused because of a rate, so that the sender should come again with them.
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
        Self {
            append,
            clock,
            pressure,
            limits,
            streams: Streams::default(),
            taps: Taps::default(),
            bucket,
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
        self.idle.lock().pop().unwrap_or_default()
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

    /// Stores what was gathered. Blocks on disk. The memory is given back.
    pub fn take(&self, door: Door, gather: Gather) -> Result<Taken, NotTaken> {
        self.take_and(door, gather, |_, _| {})
    }

    /// The same, and shows what storage said of the batch.
    pub fn take_and(&self, door: Door, mut gather: Gather, told: impl FnOnce(&LineBatch, &LineReport)) -> Result<Taken, NotTaken> {
        let result = self.store(door, &mut gather, told);
        self.note(door, &gather.refusals);
        self.give_back(gather);
        result
    }

    /// Counts what was refused.
    fn note(&self, door: Door, refusals: &Refusals) {
        let refused = &self.counts.doors[door as usize].refused;
        for reason in Reason::ALL {
            let lines = refusals.count(reason);
            if lines > 0 {
                self.counts.refused[reason as usize].add(lines);
                refused.note(self.clock.now_ms(), reason.as_str(), lines, || refusals.first().to_owned());
            }
        }
    }

    fn store(&self, door: Door, gather: &mut Gather, told: impl FnOnce(&LineBatch, &LineReport)) -> Result<Taken, NotTaken> {
        let report = match self.keep(door, &gather.batch) {
            Ok(report) => report,
            Err(error) => {
                if matches!(error, NotTaken::Rate { .. }) {
                    gather.refusals.add(Reason::Rate, gather.batch.lines.len(), || error.to_string());
                }
                return Err(error);
            }
        };
        told(&gather.batch, &report);
        refuse_stored(&gather.batch, &report, &mut gather.refusals);
        let refusals: &Refusals = &gather.refusals;
        Ok(Taken {
            lines: report.taken as u64,
            refused: (!refusals.is_empty()).then(|| refusals.text()),
            is_rated: refusals.count(Reason::StreamRate) > 0,
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
        let report = if batch.is_empty() { LineReport::default() } else { self.append(batch)? };
        self.taps.show(batch, &report);
        let refused_bytes: u64 = report.refused.iter().map(|one| one.bytes as u64).sum();
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

    /// The way in of a door that makes its batches by itself and answers for each line: batches stay as they are, so that
    /// the report fits them. Doors that answer nobody go through a [`Doorway`](super::doorway::Doorway).
    pub fn way(self: &Arc<Self>, door: Door) -> Arc<dyn AppendLines> {
        Arc::new(Way { receiver: Arc::clone(self), door })
    }
}

/// Adds what storage refused.
fn refuse_stored(batch: &LineBatch, report: &LineReport, refusals: &mut Refusals) {
    for one in &report.refused {
        if let Some(stream) = batch.streams.get(one.stream) {
            refusals.add_stored(&stream.labels, one.reason, one.lines, one.bytes, one.first_ts);
        }
    }
}

/// The receiver as one door sees it.
struct Way {
    receiver: Arc<Receiver>,
    door: Door,
}

impl AppendLines for Way {
    fn append(&self, batch: &LineBatch) -> Result<LineReport, AppendLinesError> {
        let kept = match self.receiver.refusal() {
            Some(why) => Err(why),
            None => self.receiver.keep(self.door, batch),
        };
        let report = kept.map_err(|error| match error {
            NotTaken::Rate { .. } => {
                let mut refusals = Refusals::default();
                refusals.add(Reason::Rate, batch.lines.len(), || error.to_string());
                self.receiver.note(self.door, &refusals);
                AppendLinesError::Busy
            }
            NotTaken::ShortOfMemory | NotTaken::DiskFull => AppendLinesError::Unavailable(error.to_string()),
            NotTaken::Store(error) => error,
        })?;
        let mut refusals = Refusals::default();
        refuse_stored(batch, &report, &mut refusals);
        self.receiver.note(self.door, &refusals);
        Ok(report)
    }
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

/// Lets so many bytes a second through, and some more at once.
#[derive(Debug)]
struct Bucket {
    per_s: f64,
    room: f64,
    left: f64,
    filled: Duration,
}

impl Bucket {
    fn new(per_s: u64, burst: u64, now: Duration) -> Self {
        let room = burst.max(per_s) as f64;
        Self { per_s: per_s as f64, room, left: room, filled: now }
    }

    /// A request larger than the whole bucket passes a full one, or it could never pass.
    fn take(&mut self, bytes: u64, now: Duration) -> bool {
        self.left = (self.left + now.saturating_sub(self.filled).as_secs_f64() * self.per_s).min(self.room);
        self.filled = now;
        let wanted = (bytes as f64).min(self.room);
        if wanted > self.left {
            return false;
        }
        self.left -= bytes as f64;
        true
    }
}

#[cfg(test)]
pub(in crate::logs) mod tests {
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
        /// Lines before this time are refused.
        pub(in crate::logs) oldest: i64,
    }

    impl AppendLines for Kept {
        fn append(&self, batch: &LineBatch) -> Result<LineReport, AppendLinesError> {
            if let Some(error) = self.error.lock().clone() {
                return Err(error);
            }
            let mut report = LineReport::default();
            for (at, stream) in batch.streams.iter().enumerate() {
                for line in batch.lines_of(stream) {
                    if line.ts < self.oldest {
                        let reason = RefusedLine::TooOld { oldest: self.oldest };
                        report.refused.push(RefusedLines { stream: at, lines: 1, bytes: line.text.len(), reason, first_ts: line.ts });
                        continue;
                    }
                    report.taken += 1;
                    let fields = crate::series::labels::Labels::from_packed(batch.fields_of(line)).unwrap().to_string();
                    let text = String::from_utf8_lossy(batch.text_of(line)).into_owned();
                    self.lines.lock().push((stream.labels.to_string(), line.ts, text, fields));
                }
            }
            Ok(report)
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
        assert_eq!((report.lines, report.bytes, report.refused), (2, 2, vec![("malformed", 2)]));
        assert_eq!(report.last_refusal, Some((1_700_000_000_000, "nonsense".to_owned())));
        assert_eq!(report.newest_lag_ms, Some(1_700_000_000_000));
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
    fn doors_with_batches_of_their_own_are_counted_limited_and_tailed_too() {
        let (receiver, kept, _clock) = receiver(LineLimits { bytes_per_s: 10, burst_bytes: 10, ..LineLimits::default() });
        let receiver = Arc::new(Receiver { append: Arc::clone(&kept) as _, ..receiver });
        let way = receiver.way(Door::Syslog);
        let tap = receiver.taps.open();
        let mut batch = LineBatch::new();
        batch.begin_stream(crate::series::labels::Labels::from_pairs([("job", "syslog")]));
        batch.push(1_700_000_000_000_000_000, b"0123456789", b"");
        assert_eq!(way.append(&batch).unwrap().taken, 1);
        assert!(matches!(way.append(&batch), Err(AppendLinesError::Busy)), "the rate is that of the server");
        assert_eq!(kept.lines.lock().len(), 1);
        let mut page = Page::default();
        receiver.report(&mut page);
        let text = page.finish();
        for line in [
            "pharos_logs_lines_total{door=\"syslog\"} 1\n",
            "pharos_logs_bytes_total{door=\"syslog\"} 10\n",
            "pharos_logs_refused_lines_total{reason=\"rate_limited\"} 1\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
        assert_eq!(tap.take_dropped(), 0);
        assert_eq!(receiver.taps.len(), 1);
    }
}
