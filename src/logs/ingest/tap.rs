//! Lines on their way in, shown to whoever tails: copies, in bounded queues, so that nobody who reads slowly holds a writer up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::logs::model::batch::LineBatch;
use crate::logs::model::write::LineReport;

/// Batches that wait for one tail at most.
const BATCHES_MAX: usize = 256;
/// Bytes of lines that wait for one tail at most.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// Everybody who tails.
#[derive(Debug, Default)]
pub struct Taps {
    all: Mutex<Vec<Sink>>,
    /// How many there are, so that writers need no lock when there is none.
    count: AtomicUsize,
    dropped: AtomicU64,
}

#[derive(Debug)]
struct Sink {
    to: mpsc::Sender<Arc<LineBatch>>,
    shared: Arc<Backlog>,
}

#[derive(Debug, Default)]
struct Backlog {
    bytes: AtomicUsize,
    dropped: AtomicU64,
}

/// One who tails.
#[derive(Debug)]
pub struct Tap {
    from: mpsc::Receiver<Arc<LineBatch>>,
    shared: Arc<Backlog>,
}

impl Tap {
    /// Waits for the next lines; none when the server stops.
    pub async fn next(&mut self) -> Option<Arc<LineBatch>> {
        let batch = self.from.recv().await?;
        self.shared.bytes.fetch_sub(bytes_of(&batch), Ordering::Relaxed);
        Some(batch)
    }

    /// How many lines were dropped since this was asked last, because they were not taken in time.
    pub fn take_dropped(&self) -> u64 {
        self.shared.dropped.swap(0, Ordering::Relaxed)
    }
}

impl Taps {
    /// Begins to tail.
    pub fn open(&self) -> Tap {
        let (to, from) = mpsc::channel(BATCHES_MAX);
        let shared = Arc::<Backlog>::default();
        let mut all = self.all.lock();
        all.push(Sink { to, shared: Arc::clone(&shared) });
        self.count.store(all.len(), Ordering::Release);
        Tap { from, shared }
    }

    /// How many tail.
    pub fn len(&self) -> usize {
        self.all.lock().iter().filter(|sink| !sink.to.is_closed()).count()
    }

    /// Whether nobody tails.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lines that were dropped for all.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Ends all.
    pub fn close(&self) {
        self.all.lock().clear();
        self.count.store(0, Ordering::Release);
    }

    /// Shows what was stored of a batch.
    pub(super) fn show(&self, batch: &LineBatch, report: &LineReport) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let shown = Arc::new(stored(batch, report));
        let bytes = bytes_of(&shown);
        let mut all = self.all.lock();
        all.retain(|sink| !sink.to.is_closed());
        self.count.store(all.len(), Ordering::Release);
        for sink in all.iter() {
            let waiting = sink.shared.bytes.fetch_add(bytes, Ordering::Relaxed);
            if waiting > BYTES_MAX || sink.to.try_send(Arc::clone(&shown)).is_err() {
                sink.shared.bytes.fetch_sub(bytes, Ordering::Relaxed);
                sink.shared.dropped.fetch_add(shown.lines.len() as u64, Ordering::Relaxed);
                self.dropped.fetch_add(shown.lines.len() as u64, Ordering::Relaxed);
            }
        }
    }
}

fn bytes_of(batch: &LineBatch) -> usize {
    batch.text.len() + batch.fields.len() + batch.lines.len() * 24
}

/// The lines of a batch that were not refused.
fn stored(batch: &LineBatch, report: &LineReport) -> LineBatch {
    let mut refused: Vec<u32> = report.refused.iter().flat_map(|one| one.at.iter().copied()).collect();
    refused.sort_unstable();
    let mut copy = LineBatch::new();
    for stream in &batch.streams {
        copy.begin_stream(stream.labels.clone());
        for (at, line) in stream.lines.clone().zip(batch.lines_of(stream)) {
            if refused.binary_search(&at).is_err() {
                copy.push(line.ts, batch.text_of(line), batch.fields_of(line));
            }
        }
    }
    copy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::model::write::{RefusedLine, RefusedLines};
    use crate::series::labels::Labels;

    fn batch(text: &[u8]) -> LineBatch {
        let mut batch = LineBatch::new();
        batch.begin_stream(Labels::from_pairs([("app", "a")]));
        batch.push(1, b"old", b"");
        batch.push(10, text, b"");
        batch
    }

    #[tokio::test]
    async fn what_was_stored_is_shown_and_what_does_not_fit_is_counted() {
        let taps = Taps::default();
        taps.show(&batch(b"nobody sees this"), &LineReport::default());
        let mut tap = taps.open();
        let old = RefusedLines { stream: 0, lines: 1, at: vec![0], bytes: 3, reason: RefusedLine::TooOld { oldest: 5 }, first_ts: 1 };
        taps.show(&batch(b"new"), &LineReport { taken: 1, refused: vec![old] });
        let shown = tap.next().await.unwrap();
        assert_eq!(shown.lines.iter().map(|line| shown.text_of(line)).collect::<Vec<_>>(), [b"new"]);
        for _ in 0..BATCHES_MAX + 10 {
            taps.show(&batch(b"x"), &LineReport::default());
        }
        assert_eq!((tap.take_dropped(), tap.take_dropped(), taps.dropped(), taps.len()), (20, 0, 20, 1));
        while tap.from.try_recv().is_ok() {}
        tap.shared.bytes.store(0, Ordering::Relaxed);
        let large = batch(&vec![b'x'; BYTES_MAX / 2]);
        for _ in 0..4 {
            taps.show(&large, &LineReport::default());
        }
        assert_eq!(tap.take_dropped(), 4, "two batches of two lines: bytes are bounded too");
        drop(tap);
        assert_eq!(taps.len(), 0);
        let mut tap = taps.open();
        taps.close();
        assert!(tap.next().await.is_none());
    }
}
