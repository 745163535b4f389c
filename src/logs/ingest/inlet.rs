//! From single lines to batches that are stored: for doors whose lines come one by one.
//!
//! Whoever sends waits while [`BYTES_MAX`] are under way, which is how a full store makes TCP senders wait. Lines are stored
//! after at most [`WAIT`], or as soon as there are enough.

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::super::model::batch::LineBatch;
use super::super::model::write::{AppendLines, AppendLinesError};
use super::counts::DoorCounts;
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

struct Parcel {
    lines: Vec<Line>,
    stored: Option<oneshot::Sender<()>>,
    _room: OwnedSemaphorePermit,
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
    pub fn new(append: Arc<dyn AppendLines>, counts: Arc<DoorCounts>) -> (Self, impl Future<Output = ()> + Send) {
        let (parcels, received) = mpsc::channel(1024);
        let room = Arc::new(Semaphore::new(BYTES_MAX));
        let work = run(append, received, Arc::clone(&counts));
        (Self { parcels, room, counts }, work)
    }

    /// Sends lines as soon as there is room.
    ///
    /// # Errors
    /// The server stops.
    pub async fn send(&self, lines: Vec<Line>) -> Result<(), Closed> {
        self.hand_over(lines, None).await
    }

    /// Sends lines and waits until they are stored.
    ///
    /// # Errors
    /// The server stops; the lines may be stored or not.
    pub async fn store(&self, lines: Vec<Line>) -> Result<(), Closed> {
        let (told, stored) = oneshot::channel();
        self.hand_over(lines, Some(told)).await?;
        stored.await.map_err(|_| Closed)
    }

    /// Sends lines if there is room at `now_ms`, right now; otherwise counts them as dropped. `peer` is whom they are from.
    pub fn send_or_drop(&self, lines: Vec<Line>, now_ms: i64, peer: &str) {
        let count = lines.len() as u64;
        let room = Arc::clone(&self.room).try_acquire_many_owned(weight(&lines));
        let sent = room.is_ok_and(|room| self.parcels.try_send(Parcel { lines, stored: None, _room: room }).is_ok());
        if !sent {
            self.counts.dropped.add(count);
            let why = "lines came faster than they could be stored, and their sender cannot wait";
            self.counts.turn_away(now_ms, "dropped", count, peer, why);
        }
    }

    async fn hand_over(&self, lines: Vec<Line>, stored: Option<oneshot::Sender<()>>) -> Result<(), Closed> {
        let room = Arc::clone(&self.room).acquire_many_owned(weight(&lines)).await.map_err(|_| Closed)?;
        self.parcels.send(Parcel { lines, stored, _room: room }).await.map_err(|_| Closed)
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

async fn run(append: Arc<dyn AppendLines>, mut received: mpsc::Receiver<Parcel>, counts: Arc<DoorCounts>) {
    while let Some(first) = received.recv().await {
        let until = Instant::now() + WAIT;
        let (mut bytes, mut lines) = (0, 0);
        let mut parcels = Vec::new();
        let mut next = Some(first);
        while let Some(parcel) = next {
            bytes += parcel.lines.iter().map(Line::weight).sum::<usize>();
            lines += parcel.lines.len();
            // Whoever waits for an answer does not wait for others.
            let is_enough = bytes >= BATCH_BYTES || lines >= BATCH_LINES || parcel.stored.is_some();
            parcels.push(parcel);
            next = if is_enough { None } else { timeout_at(until, received.recv()).await.ok().flatten() };
        }
        let Some(mut batch) = batch_of(&mut parcels) else {
            tell(parcels);
            continue;
        };
        counts.lines.add(lines as u64);
        counts.bytes.add(batch.text.len() as u64);
        let mut wait = RETRY.0;
        loop {
            let append = Arc::clone(&append);
            let stored = tokio::task::spawn_blocking(move || {
                let stored = append.append(&batch);
                (batch, stored)
            });
            let (same, stored) = match stored.await {
                Ok(answer) => answer,
                // Other lines need not fail like these. Whoever waits is not told that they are stored, and sends them again.
                Err(error) if error.is_panic() => {
                    tracing::error!(lines, "storing lines failed unexpectedly; they are dropped");
                    counts.dropped.add(lines as u64);
                    parcels.clear();
                    break;
                }
                Err(_) => return,
            };
            batch = same;
            match stored {
                Ok(report) => {
                    counts.refused(&report);
                    break;
                }
                Err(AppendLinesError::Closed) => return,
                Err(AppendLinesError::Busy | AppendLinesError::Unavailable(_)) => {
                    counts.waits.inc();
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(RETRY.1);
                }
            }
        }
        tell(parcels);
    }
}

/// Tells those who wait that their lines are stored.
fn tell(parcels: Vec<Parcel>) {
    for told in parcels.into_iter().filter_map(|parcel| parcel.stored) {
        // Whoever asked may be gone.
        let _nobody_listens = told.send(());
    }
}

/// All lines, by stream. `None` if there are none.
fn batch_of(parcels: &mut [Parcel]) -> Option<LineBatch> {
    let mut streams: FxHashMap<Labels, Vec<Line>> = FxHashMap::default();
    for line in parcels.iter_mut().flat_map(|parcel| std::mem::take(&mut parcel.lines)) {
        streams.entry(line.labels.clone()).or_default().push(line);
    }
    let mut batch = LineBatch::new();
    for (labels, lines) in streams {
        batch.begin_stream(labels);
        for line in lines {
            batch.push(line.ts, &line.text, line.fields.packed());
        }
    }
    (!batch.is_empty()).then_some(batch)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use parking_lot::Mutex;

    use super::*;
    use crate::logs::model::write::LineReport;

    #[derive(Default)]
    struct Store {
        busy: AtomicBool,
        panics: AtomicBool,
        batches: Mutex<Vec<Vec<(String, i64)>>>,
    }

    impl AppendLines for Store {
        fn append(&self, batch: &LineBatch) -> Result<LineReport, AppendLinesError> {
            assert!(!self.panics.swap(false, Ordering::SeqCst), "once");
            if self.busy.load(Ordering::SeqCst) {
                return Err(AppendLinesError::Busy);
            }
            let lines =
                batch.streams.iter().flat_map(|stream| batch.lines_of(stream).iter().map(|line| (stream.labels.to_string(), line.ts)));
            self.batches.lock().push(lines.collect());
            Ok(LineReport::default())
        }
    }

    fn line(job: &str, ts: i64, bytes: usize) -> Line {
        Line { labels: Labels::from_pairs([("job", job)]), ts, text: vec![b'x'; bytes], fields: Labels::empty() }
    }

    #[tokio::test(start_paused = true)]
    async fn lines_go_together_and_nothing_is_lost_when_the_store_is_busy() {
        let store = Arc::new(Store::default());
        let counts = Arc::new(DoorCounts::default());
        let (inlet, work) = Inlet::new(store.clone(), counts.clone());
        let working = tokio::spawn(work);
        inlet.send(vec![line("a", 1, 5), line("b", 2, 5)]).await.unwrap();
        inlet.store(vec![line("a", 3, 5)]).await.unwrap();
        {
            let mut batches = store.batches.lock();
            let mut first = batches.remove(0);
            first.sort();
            assert_eq!(first, [("{job=\"a\"}".to_owned(), 1), ("{job=\"a\"}".to_owned(), 3), ("{job=\"b\"}".to_owned(), 2)]);
        }
        store.busy.store(true, Ordering::SeqCst);
        for ts in 0..8 {
            inlet.send(vec![line("c", ts, BYTES_MAX / 8 - LINE_OVERHEAD)]).await.unwrap();
        }
        let waiting = tokio::time::timeout(Duration::from_secs(5), inlet.send(vec![line("c", 8, 1)]));
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
        let (inlet, work) = Inlet::new(store.clone(), counts.clone());
        tokio::spawn(work);
        assert_eq!(inlet.store(vec![line("a", 1, 5)]).await, Err(Closed), "who waits does not take them for stored");
        inlet.store(vec![line("a", 2, 5)]).await.unwrap();
        assert_eq!((counts.dropped.get(), store.batches.lock().len()), (1, 1));
    }
}
