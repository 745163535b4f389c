//! From single lines to batches that are stored: for doors whose lines come one by one.
//!
//! Whoever sends waits while [`BYTES_MAX`] are under way, which is how a full store makes TCP senders wait. Lines are stored
//! after at most [`WAIT`], or as soon as there are enough.
//!
//! Lines of a stream that is faster than one stream may be are stored when its rate allows: whoever sent them waits, as far as
//! its protocol lets it be made to, and the others do not.

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use super::super::model::batch::{BatchLine, LineBatch};
use super::super::model::write::{AppendLines, AppendLinesError, LineReport};
use super::counts::DoorCounts;
use super::rated;
use crate::base::clock::SharedClock;
use crate::series::labels::Labels;

/// How long a line waits for others.
const WAIT: Duration = Duration::from_millis(200);
/// Text of a batch that is stored without waiting for more.
const BATCH_BYTES: usize = 1 << 20;
/// Lines of such a batch.
const BATCH_LINES: usize = 20_000;
/// Bytes that may be under way at once, of one door.
const BYTES_MAX: usize = 16 << 20;
/// What a line takes beside its text.
const LINE_OVERHEAD: usize = 128;
/// Bytes of lines that wait for the rate of their stream, of one door, beside those under way.
const LATER_BYTES_MAX: usize = 8 << 20;
/// How long a connection that cannot be told what became of its lines waits for the rate of a stream, at most.
const SLOWED_MAX: Duration = Duration::from_secs(30);
/// First and longest time between attempts to store a batch.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// A line on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its stream.
    pub labels: Labels,
    /// Nanoseconds since the Unix epoch.
    pub ts: i64,
    /// Its text.
    pub text: Vec<u8>,
    /// Its fields.
    pub fields: Labels,
}

impl Line {
    fn weight(&self) -> usize {
        self.text.len() + self.fields.packed().len() + LINE_OVERHEAD
    }
}

/// The server stops: nothing is taken any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server is stopping")]
pub struct Closed;

/// Who sent lines, and can be made to wait or not.
enum Sender {
    /// It sends on, whatever happens.
    Goes(String),
    /// It sends on when the brake lets it.
    Slows(Brake),
    /// It waits until the lines are stored.
    Waits(oneshot::Sender<()>),
}

struct Parcel {
    lines: Vec<Line>,
    sender: Sender,
    /// Since when it waits for the rate of a stream.
    slowed: Option<Instant>,
    room: OwnedSemaphorePermit,
}

/// Holds up one sender while its lines wait for the rate of their stream.
#[derive(Debug, Clone)]
pub struct Brake {
    /// How many of its parcels wait.
    waiting: Arc<watch::Sender<usize>>,
    peer: Arc<str>,
    /// Whether it waits for as long as it takes.
    is_patient: bool,
}

impl Brake {
    /// Of a sender that is held up for a while at most; then its lines are dropped and counted.
    pub fn new(peer: &Arc<str>) -> Self {
        Self { waiting: Arc::default(), peer: Arc::clone(peer), is_patient: false }
    }

    /// Of one that waits for as long as it takes.
    pub fn patient(peer: &Arc<str>) -> Self {
        Self { is_patient: true, ..Self::new(peer) }
    }

    /// Waits until none of the sender's lines waits.
    pub async fn released(&self) {
        let mut waiting = self.waiting.subscribe();
        // The other end is here.
        let _is_never_closed = waiting.wait_for(|waiting| *waiting == 0).await;
    }

    fn hold(&self) {
        self.waiting.send_modify(|waiting| *waiting += 1);
    }

    fn release(&self) {
        self.waiting.send_modify(|waiting| *waiting = waiting.saturating_sub(1));
    }
}

/// Where a door sends its lines.
#[derive(Debug, Clone)]
pub struct Inlet {
    parcels: mpsc::Sender<Parcel>,
    room: Arc<Semaphore>,
    counts: Arc<DoorCounts>,
}

impl std::fmt::Debug for Parcel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parcel({} lines)", self.lines.len())
    }
}

impl Inlet {
    /// An inlet, and the work that stores what is sent, which ends when every inlet is gone.
    pub fn new(
        append: Arc<dyn AppendLines>,
        counts: Arc<DoorCounts>,
        clock: &SharedClock,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (parcels, received) = mpsc::channel(1024);
        let room = Arc::new(Semaphore::new(BYTES_MAX));
        let later = Later { parcels: Vec::new(), room: Arc::new(Semaphore::new(LATER_BYTES_MAX)), wait: RETRY.0, due: Instant::now() };
        let storing = Storing { append, counts: Arc::clone(&counts), clock: clock.clone(), later };
        (Self { parcels, room, counts }, storing.run(received))
    }

    /// Sends lines as soon as there is room and the brake lets it.
    ///
    /// # Errors
    /// The server stops.
    pub async fn send(&self, lines: Vec<Line>, brake: &Brake) -> Result<(), Closed> {
        brake.released().await;
        self.hand_over(lines, Sender::Slows(brake.clone())).await
    }

    /// Sends lines and waits until they are stored.
    ///
    /// # Errors
    /// The server stops; the lines may be stored or not.
    pub async fn store(&self, lines: Vec<Line>) -> Result<(), Closed> {
        let (told, stored) = oneshot::channel();
        self.hand_over(lines, Sender::Waits(told)).await?;
        stored.await.map_err(|_| Closed)
    }

    /// Sends lines if there is room at `now_ms`, right now; otherwise counts them as dropped. `peer` is whom they are from.
    pub fn send_or_drop(&self, lines: Vec<Line>, now_ms: i64, peer: &str) {
        let count = lines.len() as u64;
        let room = Arc::clone(&self.room).try_acquire_many_owned(weight(&lines));
        let parcel = |room| Parcel { lines, sender: Sender::Goes(peer.to_owned()), slowed: None, room };
        let sent = room.is_ok_and(|room| self.parcels.try_send(parcel(room)).is_ok());
        if !sent {
            self.counts.dropped.add(count);
            let why = "lines came faster than they could be stored, and their sender cannot wait";
            self.counts.turn_away(now_ms, "dropped", count, peer, why);
        }
    }

    async fn hand_over(&self, lines: Vec<Line>, sender: Sender) -> Result<(), Closed> {
        let room = Arc::clone(&self.room).acquire_many_owned(weight(&lines)).await.map_err(|_| Closed)?;
        self.parcels.send(Parcel { lines, sender, slowed: None, room }).await.map_err(|_| Closed)
    }

    /// What the door counts.
    pub fn counts(&self) -> &DoorCounts {
        &self.counts
    }
}

/// Bytes that the lines take; what is larger than all the room takes all of it.
fn weight(lines: &[Line]) -> u32 {
    let bytes = lines.iter().map(Line::weight).sum::<usize>().min(BYTES_MAX);
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Lines that wait for the rate of their stream.
struct Later {
    parcels: Vec<Parcel>,
    room: Arc<Semaphore>,
    wait: Duration,
    /// When they are tried again.
    due: Instant,
}

/// What stores the lines of an inlet.
struct Storing {
    append: Arc<dyn AppendLines>,
    counts: Arc<DoorCounts>,
    clock: SharedClock,
    later: Later,
}

impl Storing {
    async fn run(mut self, mut received: mpsc::Receiver<Parcel>) {
        loop {
            // Those that wait are tried first.
            let is_due = !self.later.parcels.is_empty() && self.later.due <= Instant::now();
            let mut parcels = if is_due { std::mem::take(&mut self.later.parcels) } else { Vec::new() };
            let mut next = if is_due {
                received.try_recv().ok()
            } else if self.later.parcels.is_empty() {
                let Some(first) = received.recv().await else { return };
                Some(first)
            } else {
                match timeout_at(self.later.due, received.recv()).await {
                    Ok(Some(first)) => Some(first),
                    Ok(None) => return self.give_up(),
                    Err(_) => continue,
                }
            };
            let until = Instant::now() + WAIT;
            let (mut bytes, mut lines) = (0, 0);
            while let Some(parcel) = next {
                bytes += parcel.lines.iter().map(Line::weight).sum::<usize>();
                lines += parcel.lines.len();
                // Whoever waits for an answer does not wait for others.
                let is_enough = bytes >= BATCH_BYTES || lines >= BATCH_LINES || matches!(parcel.sender, Sender::Waits(_));
                parcels.push(parcel);
                next = if is_enough { None } else { timeout_at(until, received.recv()).await.ok().flatten() };
            }
            if self.store(parcels).await.is_err() {
                return;
            }
        }
    }

    async fn store(&mut self, mut parcels: Vec<Parcel>) -> Result<(), Closed> {
        let Some((mut batch, owners)) = batch_of(&mut parcels) else {
            parcels.into_iter().for_each(Parcel::tell);
            return Ok(());
        };
        let fresh = |at: &&u32| parcels.get(**at as usize).is_some_and(|parcel| parcel.slowed.is_none());
        let lines = owners.iter().filter(fresh).count();
        self.counts.lines.add(lines as u64);
        let bytes_of = |(line, at): (&BatchLine, &u32)| if fresh(&at) { line.text.len() as u64 } else { 0 };
        self.counts.bytes.add(batch.lines.iter().zip(&owners).map(bytes_of).sum());
        let mut wait = RETRY.0;
        let report = loop {
            let append = Arc::clone(&self.append);
            let stored = tokio::task::spawn_blocking(move || {
                let stored = append.append(&batch);
                (batch, stored)
            });
            let (same, stored) = match stored.await {
                Ok(answer) => answer,
                // Other lines need not fail like these. Whoever waits is not told that they are stored, and sends them again.
                Err(error) if error.is_panic() => {
                    tracing::error!(lines = owners.len(), "storing lines failed unexpectedly; they are dropped");
                    self.counts.dropped.add(owners.len() as u64);
                    parcels.iter().for_each(Parcel::release);
                    return Ok(());
                }
                Err(_) => return Err(Closed),
            };
            batch = same;
            match stored {
                Ok(report) => break report,
                Err(AppendLinesError::Closed) => return Err(Closed),
                Err(AppendLinesError::Busy | AppendLinesError::Unavailable(_)) => {
                    self.counts.waits.inc();
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(RETRY.1);
                }
            }
        };
        self.settle(parcels, &batch, &owners, report);
        Ok(())
    }

    /// Tells those whose lines are stored. The others wait.
    fn settle(&mut self, mut parcels: Vec<Parcel>, batch: &LineBatch, owners: &[u32], report: LineReport) {
        let slow = rated::positions(&report);
        self.counts.refused(&rated::without_rates(report));
        if slow.is_empty() {
            parcels.into_iter().for_each(Parcel::tell);
            self.put_off_none();
            return;
        }
        self.counts.waits.inc();
        let mut slow = slow.into_iter().peekable();
        for stream in &batch.streams {
            for (at, line) in stream.lines.clone().zip(batch.lines_of(stream)) {
                if slow.next_if_eq(&at).is_none() {
                    continue;
                }
                let Some(parcel) = owners.get(at as usize).and_then(|owner| parcels.get_mut(*owner as usize)) else { continue };
                let fields = Labels::from_packed(batch.fields_of(line)).unwrap_or_default();
                parcel.lines.push(Line { labels: stream.labels.clone(), ts: line.ts, text: batch.text_of(line).to_vec(), fields });
            }
        }
        for parcel in parcels {
            if parcel.lines.is_empty() {
                parcel.tell();
            } else {
                self.put_off(parcel);
            }
        }
        if self.later.parcels.is_empty() {
            self.put_off_none();
        } else {
            self.later.due = Instant::now() + self.later.wait;
            self.later.wait = (self.later.wait * 2).min(RETRY.1);
        }
    }

    fn put_off_none(&mut self) {
        if self.later.parcels.is_empty() {
            self.later.wait = RETRY.0;
        }
    }

    /// Keeps what is left of a parcel for later, unless its sender cannot be made to wait, or not any longer.
    fn put_off(&mut self, mut parcel: Parcel) {
        let is_new = parcel.slowed.is_none();
        let since = *parcel.slowed.get_or_insert_with(Instant::now);
        let waits = match &parcel.sender {
            Sender::Goes(_) => false,
            Sender::Slows(brake) => brake.is_patient || since.elapsed() < SLOWED_MAX,
            Sender::Waits(told) => !told.is_closed(),
        };
        if !waits {
            return self.drop_lines(parcel);
        }
        if is_new {
            // Others need the room of those under way.
            match Arc::clone(&self.later.room).try_acquire_many_owned(weight(&parcel.lines).min(LATER_BYTES_MAX as u32)) {
                Ok(room) => parcel.room = room,
                Err(_) if matches!(&parcel.sender, Sender::Slows(brake) if !brake.is_patient) => return self.drop_lines(parcel),
                Err(_) => {}
            }
            if let Sender::Slows(brake) = &parcel.sender {
                brake.hold();
            }
        }
        self.later.parcels.push(parcel);
    }

    /// Drops lines over the rate of their stream, and says so.
    fn drop_lines(&self, parcel: Parcel) {
        let count = parcel.lines.len() as u64;
        self.counts.refuse("per_stream_rate_limit", count);
        let peer = match &parcel.sender {
            Sender::Goes(peer) => peer.as_str(),
            Sender::Slows(brake) => &brake.peer,
            Sender::Waits(_) => "",
        };
        let why = "lines of a stream came faster than logs.per_stream_rate_limit lets them, and their sender cannot wait so long";
        self.counts.turn_away(self.clock.now_ms(), "per_stream_rate_limit", count, peer, why);
        parcel.release();
    }

    /// The server stops while lines wait: whoever waits for them is not told that they are stored.
    fn give_up(mut self) {
        for parcel in std::mem::take(&mut self.later.parcels) {
            if !matches!(parcel.sender, Sender::Waits(_)) {
                self.drop_lines(parcel);
            }
        }
    }
}

impl Parcel {
    /// Lets its sender go on, if it is held up.
    fn release(&self) {
        if let (Sender::Slows(brake), true) = (&self.sender, self.slowed.is_some()) {
            brake.release();
        }
    }

    /// Tells its sender that everything is stored.
    fn tell(self) {
        self.release();
        if let Sender::Waits(told) = self.sender {
            // Whoever asked may be gone.
            let _nobody_listens = told.send(());
        }
    }
}

/// All lines, by stream, with the parcel of each. `None` if there are none.
fn batch_of(parcels: &mut [Parcel]) -> Option<(LineBatch, Vec<u32>)> {
    let mut streams: FxHashMap<Labels, Vec<(u32, Line)>> = FxHashMap::default();
    for (at, parcel) in (0_u32..).zip(parcels) {
        for line in std::mem::take(&mut parcel.lines) {
            streams.entry(line.labels.clone()).or_default().push((at, line));
        }
    }
    let (mut batch, mut owners) = (LineBatch::new(), Vec::new());
    for (labels, lines) in streams {
        batch.begin_stream(labels);
        for (at, line) in lines {
            batch.push(line.ts, &line.text, line.fields.packed());
            owners.push(at);
        }
    }
    (!batch.is_empty()).then_some((batch, owners))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use parking_lot::Mutex;

    use super::*;
    use crate::logs::ingest::counts::{Counts, DoorReport};
    use crate::logs::model::write::{RefusedLine, RefusedLines};

    #[derive(Default)]
    struct Store {
        busy: AtomicBool,
        panics: AtomicBool,
        /// Takes no line of the stream `fast`.
        is_slow: AtomicBool,
        batches: Mutex<Vec<Vec<(String, i64)>>>,
    }

    impl AppendLines for Store {
        fn append(&self, batch: &LineBatch) -> Result<LineReport, AppendLinesError> {
            assert!(!self.panics.swap(false, Ordering::SeqCst), "once");
            if self.busy.load(Ordering::SeqCst) {
                return Err(AppendLinesError::Busy);
            }
            let (mut lines, mut report) = (Vec::new(), LineReport::default());
            for (place, stream) in batch.streams.iter().enumerate() {
                if self.is_slow.load(Ordering::SeqCst) && stream.labels.get("job") == Some("fast") {
                    report.refused.push(RefusedLines {
                        stream: place,
                        lines: stream.lines.len(),
                        at: stream.lines.clone().collect(),
                        bytes: 1,
                        reason: RefusedLine::StreamRate { bytes_per_s: 1 },
                        first_ts: 0,
                    });
                } else {
                    lines.extend(batch.lines_of(stream).iter().map(|line| (stream.labels.to_string(), line.ts)));
                }
            }
            self.batches.lock().push(lines);
            Ok(report)
        }
    }

    fn clock() -> SharedClock {
        crate::base::clock::ManualClock::at(5)
    }

    fn line(job: &str, ts: i64, bytes: usize) -> Line {
        Line { labels: Labels::from_pairs([("job", job)]), ts, text: vec![b'x'; bytes], fields: Labels::empty() }
    }

    #[tokio::test(start_paused = true)]
    async fn lines_go_together_and_nothing_is_lost_when_the_store_is_busy() {
        let store = Arc::new(Store::default());
        let counts = Arc::new(DoorCounts::default());
        let (inlet, work) = Inlet::new(store.clone(), counts.clone(), &clock());
        let brake = Brake::new(&"peer".into());
        let working = tokio::spawn(work);
        inlet.send(vec![line("a", 1, 5), line("b", 2, 5)], &brake).await.unwrap();
        inlet.store(vec![line("a", 3, 5)]).await.unwrap();
        {
            let mut batches = store.batches.lock();
            let mut first = batches.remove(0);
            first.sort();
            assert_eq!(first, [("{job=\"a\"}".to_owned(), 1), ("{job=\"a\"}".to_owned(), 3), ("{job=\"b\"}".to_owned(), 2)]);
        }
        store.busy.store(true, Ordering::SeqCst);
        for ts in 0..8 {
            inlet.send(vec![line("c", ts, BYTES_MAX / 8 - LINE_OVERHEAD)], &brake).await.unwrap();
        }
        let waiting = tokio::time::timeout(Duration::from_secs(5), inlet.send(vec![line("c", 8, 1)], &brake));
        assert!(waiting.await.is_err(), "senders wait");
        inlet.send_or_drop(vec![line("d", 1, 1), line("d", 2, 1)], 0, "");
        assert_eq!((counts.dropped.get(), counts.waits.get() > 0), (2, true));
        store.busy.store(false, Ordering::SeqCst);
        inlet.store(vec![line("c", 9, 1)]).await.unwrap();
        inlet.store(Vec::new()).await.unwrap();
        drop(inlet);
        working.await.unwrap();
        let mut times: Vec<i64> = store.batches.lock().iter().flatten().map(|(_, ts)| *ts).collect();
        times.sort_unstable();
        assert_eq!(times, [0, 1, 2, 3, 4, 5, 6, 7, 9]);
    }

    #[tokio::test(start_paused = true)]
    async fn storage_that_panics_once_ends_no_door() {
        let store = Arc::new(Store::default());
        store.panics.store(true, Ordering::SeqCst);
        let counts = Arc::new(DoorCounts::default());
        let (inlet, work) = Inlet::new(store.clone(), counts.clone(), &clock());
        tokio::spawn(work);
        assert_eq!(inlet.store(vec![line("a", 1, 5)]).await, Err(Closed), "who waits does not take them for stored");
        inlet.store(vec![line("a", 2, 5)]).await.unwrap();
        assert_eq!((counts.dropped.get(), store.batches.lock().len()), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_too_much_of_a_stream_waits_and_nobody_else() {
        let store = Arc::new(Store { is_slow: true.into(), ..Store::default() });
        let counts = Arc::new(DoorCounts::default());
        let (inlet, work) = Inlet::new(store.clone(), counts.clone(), &clock());
        tokio::spawn(work);
        let (fast, other) = (Brake::new(&"fast".into()), Brake::new(&"other".into()));
        let patient = Brake::patient(&"patient".into());
        let storing = tokio::spawn({
            let inlet = inlet.clone();
            async move { inlet.store(vec![line("fast", 1, 5), line("a", 2, 5)]).await }
        });
        inlet.send(vec![line("fast", 3, 5), line("a", 4, 5)], &fast).await.unwrap();
        inlet.send(vec![line("fast", 5, 5)], &patient).await.unwrap();
        inlet.send_or_drop(vec![line("fast", 6, 5), line("a", 7, 5)], 0, "datagrams");
        tokio::time::sleep(Duration::from_secs(5)).await;
        // Neither may go on.
        assert!(!storing.is_finished());
        for brake in [&fast, &patient] {
            assert!(tokio::time::timeout(Duration::from_millis(1), inlet.send(vec![line("a", 8, 5)], brake)).await.is_err());
        }
        inlet.send(vec![line("a", 9, 5)], &other).await.unwrap();
        inlet.store(vec![line("a", 10, 5)]).await.unwrap();
        let times = || {
            let mut times: Vec<i64> = store.batches.lock().iter().flatten().map(|(_, ts)| *ts).collect();
            times.sort_unstable();
            times
        };
        assert_eq!(times(), [2, 4, 7, 9, 10]);
        assert_eq!(counts.refused_lines(), 1, "a datagram's line is dropped at once");
        // After a while the connection goes on without its line; whoever waits for an answer waits.
        tokio::time::sleep(SLOWED_MAX).await;
        inlet.send(vec![line("a", 11, 5)], &fast).await.unwrap();
        assert_eq!((counts.refused_lines(), storing.is_finished()), (2, false));
        let mut reports = [DoorReport { door: "syslog", ..DoorReport::default() }];
        let all = Counts::default();
        all.put("syslog", &counts);
        all.add_to(&mut reports);
        assert_eq!(reports[0].refused, [("per_stream_rate_limit", 2)]);
        assert!(reports[0].last_refusal.as_ref().is_some_and(|(at_ms, why)| *at_ms == 5 && why.contains("per_stream_rate_limit")));
        store.is_slow.store(false, Ordering::SeqCst);
        storing.await.unwrap().unwrap();
        patient.released().await;
        assert_eq!(times(), [1, 2, 4, 5, 7, 9, 10, 11]);
        assert_eq!(counts.lines.get(), 10, "each is counted once");
    }
}
