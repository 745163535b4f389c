//! The memory of one request: unpacked bytes, the batch, and what is to be said about bad series. Reused.

use std::sync::Arc;

use crate::base::bytes::Malformed;
use crate::base::limits::{LABEL_SET_BYTES_MAX, LABELS_PER_SERIES_MAX, WRITE_MEMORY_BYTES_MAX};
use crate::series::batch::{BatchSeries, FloatSample, WriteBatch};
use crate::series::histogram::{Histogram, Span};
use crate::series::labels::{Labels, METRIC_NAME};
use crate::series::sample::{Exemplar, Metadata};

use super::cache::SeriesCache;
use super::{v1, v2};

/// Bad series named in an answer; more are only counted.
const PROBLEMS_MAX: usize = 10;

/// Why a request is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum DecodeError {
    /// It is not what it claims to be.
    #[error("cannot decode the request: {0}")]
    Malformed(#[from] Malformed),
    /// Two bytes on the wire can name what takes hundreds in memory.
    #[error("the request would take more than {WRITE_MEMORY_BYTES_MAX} bytes of memory")]
    TooLarge,
}

/// A series of the batch, and how to find its labels again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Its key in the cache.
    pub(super) key: u128,
    /// Where its message lies in the unpacked body.
    pub(super) message: (u32, u32),
    /// Whether the reference that storage gives is news for the cache.
    pub(super) learn: bool,
}

/// Reused from request to request.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Room for the unpacked body; it may be shorter.
    pub(super) buffer: Vec<u8>,
    pub(super) state: State,
}

impl Work {
    /// Memory held, roughly.
    pub(super) fn bytes(&self) -> usize {
        let batch = &self.state.batch;
        self.buffer.capacity() + batch.label_bytes.capacity() + batch.floats.capacity() * 24 + self.state.entries.capacity() * 48
    }
}

/// What is known about a request beside its bytes.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) batch: WriteBatch,
    /// Parallel to the series of the batch.
    pub(super) entries: Vec<Entry>,
    /// Protocol 2.0: where the symbols lie in the unpacked body, and their hashes.
    pub(super) symbols: Vec<(u32, u32)>,
    pub(super) symbol_keys: Vec<u128>,
    /// What is wrong with which series.
    pub(super) problems: Vec<String>,
    pub(super) problems_left_out: usize,
    /// Whether the body speaks protocol 2.0.
    pub(super) is_v2: bool,
    /// Whether new series were refused for want of memory.
    pub(super) is_short: bool,
    /// Memory taken for the request beside its bytes.
    memory: usize,
}

impl State {
    /// Forgets the request, keeps the memory.
    pub(super) fn clear(&mut self) {
        self.batch.clear();
        self.entries.clear();
        self.symbols.clear();
        self.symbol_keys.clear();
        self.problems.clear();
        self.problems_left_out = 0;
        self.is_v2 = false;
        self.is_short = false;
        self.memory = 0;
    }

    /// Counts memory that is about to be taken.
    #[inline]
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), DecodeError> {
        self.memory += bytes;
        if self.memory > WRITE_MEMORY_BYTES_MAX { Err(DecodeError::TooLarge) } else { Ok(()) }
    }

    /// Adds a symbol of protocol 2.0.
    pub(super) fn push_symbol(&mut self, place: (u32, u32), key: u128) -> Result<(), DecodeError> {
        self.charge(size_of_val(&place) + size_of_val(&key))?;
        self.symbols.push(place);
        self.symbol_keys.push(key);
        Ok(())
    }

    /// Adds a float to the open series.
    #[inline]
    pub(super) fn push_float(&mut self, ts: i64, value: f64, start_ts: i64) -> Result<(), DecodeError> {
        self.charge(size_of::<FloatSample>())?;
        self.batch.push_float_started(ts, value, start_ts);
        Ok(())
    }

    /// Adds a histogram to the open series.
    pub(super) fn push_histogram(&mut self, ts: i64, histogram: Histogram, start_ts: i64) -> Result<(), DecodeError> {
        let h = &histogram;
        let numbers = h.positive_buckets.len() + h.negative_buckets.len() + h.custom_bounds.len();
        let spans = h.positive_spans.len() + h.negative_spans.len();
        self.charge(2 * size_of::<Histogram>() + numbers * size_of::<f64>() + spans * size_of::<Span>())?;
        self.batch.push_histogram_started(ts, Arc::new(histogram), start_ts);
        Ok(())
    }

    /// Adds an exemplar to the open series.
    pub(super) fn push_exemplar(&mut self, exemplar: Exemplar) -> Result<(), DecodeError> {
        self.charge(2 * size_of::<Exemplar>() + exemplar.labels.packed().len())?;
        self.batch.push_exemplar(exemplar);
        Ok(())
    }

    /// Adds metadata of a family.
    pub(super) fn push_metadata(&mut self, family: &str, metadata: Metadata) -> Result<(), DecodeError> {
        self.charge(2 * size_of::<Metadata>() + family.len() + metadata.help.len() + metadata.unit.len())?;
        self.batch.metadata.push((family.into(), metadata));
        Ok(())
    }

    /// Whether one more problem is written out.
    pub(super) fn has_room_for_problem(&self) -> bool {
        self.problems.len() < PROBLEMS_MAX
    }

    /// Notes what is wrong with the series at a position, whose name is looked up only if it is written out.
    pub(super) fn problem_with(&mut self, body: &[u8], at: usize, what: impl std::fmt::Display) {
        if self.has_room_for_problem() {
            let series = self.describe(body, at);
            self.problems.push(format!("{what} for series {series}"));
        } else {
            self.problems_left_out += 1;
        }
    }

    /// Notes what is wrong with a series.
    fn problem(&mut self, text: String) {
        if self.has_room_for_problem() {
            self.problems.push(text);
        } else {
            self.problems_left_out += 1;
        }
    }

    /// Opens a series in the batch: by reference when the cache knows `key`, else by its labels. Tells whether it is open.
    #[inline]
    pub(super) fn open(&mut self, body: &[u8], cache: &SeriesCache, key: u128, message: (u32, u32)) -> Result<bool, DecodeError> {
        self.charge(size_of::<BatchSeries>() + size_of::<Entry>())?;
        let known = cache.get(key);
        match known {
            Some(series) => self.batch.open_known(series),
            None => {
                let raw = self.raw_pairs(body, message)?;
                // Labels of 2.0 are a byte each on the wire, however long they are.
                self.charge(bytes_of(&raw))?;
                match checked(&raw, self.has_room_for_problem()) {
                    Ok(pairs) => self.batch.open_series_sorted(pairs.iter().copied()),
                    Err(refusal) => {
                        self.problem(refusal);
                        return Ok(false);
                    }
                }
            }
        }
        self.entries.push(Entry { key, message, learn: known.is_none() });
        Ok(true)
    }

    /// Opens the series at a position once more, by its labels, in another batch.
    pub(super) fn label_into(&self, body: &[u8], at: usize, batch: &mut WriteBatch) -> bool {
        let Ok(raw) = self.raw_pairs(body, self.entries[at].message) else { return false };
        let pairs = checked(&raw, false);
        if let Ok(pairs) = &pairs {
            batch.open_series_sorted(pairs.iter().copied());
        }
        pairs.is_ok()
    }

    /// A series of the batch as text.
    fn describe(&self, body: &[u8], at: usize) -> String {
        let raw = self.raw_pairs(body, self.entries[at].message).unwrap_or_default();
        let pairs = checked(&raw, false).unwrap_or_default();
        Labels::from_pairs(pairs.iter().copied()).to_string()
    }

    /// The labels of a message as they stand there; of too many, one more than allowed.
    fn raw_pairs<'a>(&self, body: &'a [u8], message: (u32, u32)) -> Result<RawPairs<'a>, Malformed> {
        let bytes = &body[message.0 as usize..message.1 as usize];
        let mut raw = RawPairs::new();
        let push = |name, value| {
            if raw.len() <= LABELS_PER_SERIES_MAX {
                raw.push((name, value));
            }
        };
        if self.is_v2 {
            v2::label_pairs(body, bytes, &self.symbols, push)?;
        } else {
            v1::label_pairs(bytes, push)?;
        }
        Ok(raw)
    }
}

type RawPairs<'a> = smallvec::SmallVec<[(&'a [u8], &'a [u8]); 32]>;
type Pairs<'a> = smallvec::SmallVec<[(&'a str, &'a str); 32]>;

/// Bytes of all names and values.
fn bytes_of(raw: &[(&[u8], &[u8])]) -> usize {
    raw.iter().map(|(name, value)| name.len() + value.len()).sum()
}

/// Sorted pairs without empty values, or why the label set is refused: in words if they are wanted.
fn checked<'a>(raw: &[(&'a [u8], &'a [u8])], in_words: bool) -> Result<Pairs<'a>, String> {
    let lossy = |raw| if in_words { lossy(raw) } else { String::new() };
    if raw.len() > LABELS_PER_SERIES_MAX || bytes_of(raw) > LABEL_SET_BYTES_MAX {
        return Err(format!("invalid labels for series, too many or too long, labels {}", lossy(raw)));
    }
    let mut pairs = Pairs::new();
    for (name, value) in raw {
        match (std::str::from_utf8(name), std::str::from_utf8(value)) {
            (Ok(name), Ok(value)) if !name.is_empty() => pairs.push((name, value)),
            _ => return Err(format!("invalid metric name or labels, got {}", lossy(raw))),
        }
    }
    if !pairs.is_sorted_by(|a, b| a.0 < b.0) {
        pairs.sort_unstable();
        if let Some(twice) = pairs.windows(2).find(|two| two[0].0 == two[1].0) {
            return Err(format!("invalid labels for series, labels {}, duplicated label {}", lossy(raw), twice[0].0));
        }
    }
    pairs.retain(|(_, value)| !value.is_empty());
    if !pairs.iter().any(|(name, _)| *name == METRIC_NAME) {
        return Err(format!("invalid metric name or labels, got {}", lossy(raw)));
    }
    Ok(pairs)
}

fn lossy(raw: &[(&[u8], &[u8])]) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    let pairs: Vec<_> =
        raw.iter().take(64).map(|(name, value)| format!("{}={}", text(name), crate::series::labels::quote(&text(value)))).collect();
    format!("{{{}}}", pairs.join(", "))
}
