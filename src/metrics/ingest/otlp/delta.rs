//! Sums of deltas: what counts from the point before becomes what counts from a start.
//!
//! Rules as those of the collector's processor for it: the first point of a stream starts it, a point that is not newer
//! than the one before is refused, and a stream without points for five minutes is forgotten. What a request changed is
//! taken back when storage does not take the request, as the client will send it again.

use std::time::Duration;

use hashbrown::HashMap;

use super::exponential::Exponential;

/// Streams kept at most.
pub(super) const STREAMS_MAX: usize = 100_000;
/// Memory that they may take, in bytes.
const BYTES_MAX: usize = 128 * 1024 * 1024;
/// A stream without points for so long is forgotten.
const STALE_AFTER: Duration = Duration::from_secs(300);
/// How often that is looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(30);
/// What a stream takes beside its key and its buckets.
const STREAM_BYTES: usize = 128;

/// Why a point was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum DeltaError {
    /// Not newer than what was added before.
    #[error("a delta point is not newer than the one before of its stream")]
    OutOfOrder,
    /// No room for one more stream.
    #[error("too many streams of deltas: {STREAMS_MAX} are kept, or {0} bytes; let the client send cumulative values")]
    TooMany(usize),
}

/// What a stream adds up to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Total {
    /// A number.
    Number(f64),
    /// Buckets with bounds.
    Explicit(Explicit),
    /// Exponential buckets.
    Exponential(Box<Exponential>),
}

/// A histogram with bounds.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Explicit {
    pub(super) bounds: Vec<f64>,
    pub(super) counts: Vec<u64>,
    pub(super) count: u64,
    pub(super) sum: Option<f64>,
}

impl Total {
    /// Adds another one of the same kind; false where they do not fit.
    fn add(&mut self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(own), Self::Number(more)) => *own += more,
            (Self::Explicit(own), Self::Explicit(more)) if own.bounds == more.bounds && own.counts.len() == more.counts.len() => {
                for (count, added) in own.counts.iter_mut().zip(&more.counts) {
                    *count = count.saturating_add(*added);
                }
                own.count = own.count.saturating_add(more.count);
                own.sum = own.sum.zip(more.sum).map(|(own, more)| own + more);
            }
            (Self::Exponential(own), Self::Exponential(more)) => own.add(more),
            _ => return false,
        }
        true
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Number(_) => 0,
            Self::Explicit(own) => 8 * (own.bounds.len() + own.counts.len()),
            Self::Exponential(own) => own.bytes(),
        }
    }
}

/// A stream of deltas.
#[derive(Debug, Clone)]
struct Stream {
    total: Total,
    /// When it started, and its newest point (ns since the Unix epoch).
    start: u64,
    newest: u64,
    seen: Duration,
}

/// All streams, by the packed labels of their series.
#[derive(Debug)]
pub(super) struct Deltas {
    streams: HashMap<Box<[u8]>, Stream>,
    bytes: usize,
    bytes_max: usize,
    swept: Duration,
    /// What the request under way changed: how each stream was before it.
    undo: HashMap<Box<[u8]>, Option<Stream>>,
}

impl Default for Deltas {
    fn default() -> Self {
        Self { streams: HashMap::new(), bytes: 0, bytes_max: BYTES_MAX, swept: Duration::ZERO, undo: HashMap::new() }
    }
}

impl Deltas {
    /// Begins a request at a monotonic time. Streams may take so many bytes, and never more than a fixed number.
    pub(super) fn begin(&mut self, now: Duration, bytes_max: usize) {
        self.undo = HashMap::new();
        self.bytes_max = bytes_max.min(BYTES_MAX);
        if now.saturating_sub(self.swept) >= SWEEP_EVERY {
            self.swept = now;
            let mut freed = 0;
            self.streams.retain(|key, stream| {
                let is_live = now.saturating_sub(stream.seen) < STALE_AFTER;
                freed += if is_live { 0 } else { cost(key, stream) };
                is_live
            });
            self.bytes = self.bytes.saturating_sub(freed);
        }
    }

    /// Adds a point to its stream; gives the total and when it started (ns).
    pub(super) fn add(&mut self, key: &[u8], start: u64, ts: u64, delta: Total, now: Duration) -> Result<(&Total, u64), DeltaError> {
        let before = self.streams.get(key);
        let next = match before {
            Some(stream) if ts <= stream.newest => return Err(DeltaError::OutOfOrder),
            Some(stream) => {
                let mut stream = stream.clone();
                if !stream.total.add(&delta) {
                    // Other bounds: the client began anew.
                    stream = Stream { total: delta, start: stream.newest, newest: ts, seen: now };
                }
                stream.newest = ts;
                stream.seen = now;
                stream
            }
            None => Stream { total: delta, start: if start == 0 { ts } else { start }, newest: ts, seen: now },
        };
        let (freed, is_new) = (before.map_or(0, |stream| cost(key, stream)), before.is_none());
        let bytes = self.bytes.saturating_sub(freed) + cost(key, &next);
        if (is_new && self.streams.len() >= STREAMS_MAX) || (bytes > self.bytes_max && bytes > self.bytes) {
            return Err(DeltaError::TooMany(self.bytes_max));
        }
        self.bytes = bytes;
        let before = self.streams.insert(key.into(), next);
        self.note(key, before);
        // It was put there just now.
        self.streams.get(key).map(|stream| (&stream.total, stream.start)).ok_or(DeltaError::TooMany(self.bytes_max))
    }

    /// Ends a stream.
    pub(super) fn end(&mut self, key: &[u8]) {
        if let Some(stream) = self.streams.remove(key) {
            self.bytes = self.bytes.saturating_sub(cost(key, &stream));
            self.note(key, Some(stream));
        }
    }

    /// Keeps how a stream was before the request, once, however many of its points the request has.
    fn note(&mut self, key: &[u8], before: Option<Stream>) {
        if !self.undo.contains_key(key) {
            self.undo.insert(key.into(), before);
        }
    }

    /// Storage took the request: there is nothing to take back.
    pub(super) fn settle(&mut self) {
        self.undo = HashMap::new();
    }

    /// Takes back what the request changed.
    pub(super) fn roll_back(&mut self) {
        for (key, before) in std::mem::take(&mut self.undo) {
            let gone = match before {
                Some(stream) => {
                    self.bytes += cost(&key, &stream);
                    self.streams.insert(key.clone(), stream)
                }
                None => self.streams.remove(&key),
            };
            self.bytes = self.bytes.saturating_sub(gone.map_or(0, |gone| cost(&key, &gone)));
        }
    }

    /// How many streams there are.
    pub(super) fn len(&self) -> usize {
        self.streams.len()
    }
}

fn cost(key: &[u8], stream: &Stream) -> usize {
    STREAM_BYTES + key.len() + stream.total.bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn add(deltas: &mut Deltas, key: &str, ts: u64, value: f64, now: u64) -> Result<(f64, u64), DeltaError> {
        let (total, start) = deltas.add(key.as_bytes(), ts - 1, ts, Total::Number(value), at(now))?;
        let Total::Number(total) = total else { panic!("{total:?}") };
        Ok((*total, start))
    }

    #[test]
    fn deltas_add_up_from_their_start() {
        let mut deltas = Deltas::default();
        deltas.begin(at(0), usize::MAX);
        assert_eq!(add(&mut deltas, "a", 10, 5.0, 0), Ok((5.0, 9)));
        assert_eq!(add(&mut deltas, "a", 20, 3.0, 1), Ok((8.0, 9)));
        assert_eq!(add(&mut deltas, "b", 20, 1.0, 1), Ok((1.0, 19)));
        assert_eq!(add(&mut deltas, "a", 20, 3.0, 2), Err(DeltaError::OutOfOrder), "the same once more");
        assert_eq!(add(&mut deltas, "a", 21, 0.5, 2), Ok((8.5, 9)));
    }

    #[test]
    fn what_storage_refuses_is_taken_back() {
        let mut deltas = Deltas::default();
        deltas.begin(at(0), usize::MAX);
        add(&mut deltas, "a", 10, 5.0, 0).unwrap();
        let bytes = deltas.bytes;
        deltas.begin(at(1), usize::MAX);
        add(&mut deltas, "a", 20, 1.0, 1).unwrap();
        add(&mut deltas, "a", 30, 1.0, 1).unwrap();
        add(&mut deltas, "b", 20, 1.0, 1).unwrap();
        deltas.end(b"a");
        deltas.roll_back();
        assert_eq!((deltas.len(), deltas.bytes), (1, bytes));
        deltas.begin(at(2), usize::MAX);
        assert_eq!(add(&mut deltas, "a", 20, 1.0, 2), Ok((6.0, 9)));
    }

    #[test]
    fn a_request_is_noted_once_a_stream_and_only_while_it_is_under_way() {
        let mut deltas = Deltas::default();
        deltas.begin(at(0), usize::MAX);
        let buckets = || Total::Explicit(Explicit { bounds: vec![1.0; 1000], counts: vec![1; 1001], ..Explicit::default() });
        for ts in 1..10_000 {
            deltas.add(b"a", 0, ts, buckets(), at(0)).unwrap();
        }
        deltas.end(b"a");
        let noted: Vec<_> = deltas.undo.iter().map(|(key, before)| (key.len(), before.is_none())).collect();
        assert_eq!(noted, [(1, true)], "points of one stream");
        deltas.settle();
        deltas.roll_back();
        assert_eq!((deltas.undo.len(), deltas.len()), (0, 0));
    }

    #[test]
    fn a_small_budget_holds_less() {
        let mut deltas = Deltas::default();
        deltas.begin(at(0), 10_000);
        let taken = (0..1000).filter(|number| add(&mut deltas, &number.to_string(), 10, 1.0, 0).is_ok()).count();
        assert!((50..100).contains(&taken) && deltas.bytes <= 10_000, "{taken}");
        assert_eq!(add(&mut deltas, "one more", 10, 1.0, 0), Err(DeltaError::TooMany(10_000)));
        assert!(add(&mut deltas, "7", 11, 1.0, 0).is_ok(), "those that are there go on");
    }

    #[test]
    fn streams_without_points_are_forgotten() {
        let mut deltas = Deltas::default();
        deltas.begin(at(0), usize::MAX);
        add(&mut deltas, "a", 10, 5.0, 0).unwrap();
        deltas.begin(at(299), usize::MAX);
        assert_eq!(deltas.len(), 1);
        deltas.begin(at(330), usize::MAX);
        assert_eq!((deltas.len(), deltas.bytes), (0, 0));
        assert_eq!(add(&mut deltas, "a", 20, 3.0, 330), Ok((3.0, 19)), "it starts anew");
    }

    #[test]
    fn there_is_an_end_to_streams() {
        let mut deltas = Deltas::default();
        deltas.begin(at(0), usize::MAX);
        for number in 0..STREAMS_MAX {
            add(&mut deltas, &number.to_string(), 10, 1.0, 0).unwrap();
        }
        assert_eq!(add(&mut deltas, "one more", 10, 1.0, 0), Err(DeltaError::TooMany(BYTES_MAX)));
        assert!(add(&mut deltas, "7", 11, 1.0, 0).is_ok(), "those that are there go on");
        let mut deltas = Deltas::default();
        let long = "x".repeat(BYTES_MAX);
        assert_eq!(add(&mut deltas, &long, 10, 1.0, 0), Err(DeltaError::TooMany(BYTES_MAX)));
        assert_eq!(deltas.bytes, 0);
    }

    #[test]
    fn histograms_add_up_and_other_bounds_begin_anew() {
        let mut deltas = Deltas::default();
        let point = |bounds: &[f64], counts: &[u64], sum| {
            Total::Explicit(Explicit {
                bounds: bounds.to_vec(),
                counts: counts.to_vec(),
                count: counts.iter().fold(0, |sum, count| u64::saturating_add(sum, *count)),
                sum,
            })
        };
        deltas.add(b"h", 1, 2, point(&[1.0], &[1, 2], Some(5.0)), at(0)).unwrap();
        let (total, start) = deltas.add(b"h", 2, 3, point(&[1.0], &[3, u64::MAX], Some(1.0)), at(0)).unwrap();
        assert_eq!(
            (total, start),
            (&Total::Explicit(Explicit { bounds: vec![1.0], counts: vec![4, u64::MAX], count: u64::MAX, sum: Some(6.0) }), 1)
        );
        let (total, start) = deltas.add(b"h", 3, 4, point(&[2.0], &[1, 0], None), at(0)).unwrap();
        assert_eq!((total, start), (&point(&[2.0], &[1, 0], None), 3));
    }
}
