//! The memory of one request: unpacked bytes, the batch, and what is to be said about bad series. Reused.

use crate::base::bytes::Malformed;
use crate::series::batch::WriteBatch;
use crate::series::labels::{Labels, METRIC_NAME};

use super::cache::SeriesCache;
use super::{v1, v2};

/// Bad series named in an answer; more are only counted.
const PROBLEMS_MAX: usize = 10;

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
    }

    /// Whether one more problem is written out.
    pub(super) fn has_room_for_problem(&self) -> bool {
        self.problems.len() < PROBLEMS_MAX
    }

    /// Notes what is wrong with a series.
    pub(super) fn problem(&mut self, text: String) {
        if self.has_room_for_problem() {
            self.problems.push(text);
        } else {
            self.problems_left_out += 1;
        }
    }

    /// Opens a series in the batch: by reference when the cache knows `key`, else by its labels. Tells whether it is open.
    #[inline]
    pub(super) fn open(&mut self, body: &[u8], cache: &SeriesCache, key: u128, message: (u32, u32)) -> Result<bool, Malformed> {
        let known = cache.get(key);
        match known {
            Some(series) => self.batch.open_known(series),
            None => {
                if let Err(refusal) = self.with_pairs(body, message, |pairs, batch| batch.open_series_sorted(pairs.iter().copied()))? {
                    self.problem(refusal);
                    return Ok(false);
                }
            }
        }
        self.entries.push(Entry { key, message, learn: known.is_none() });
        Ok(true)
    }

    /// Opens the series at a position once more, by its labels, in another batch.
    pub(super) fn label_into(&mut self, body: &[u8], at: usize, batch: &mut WriteBatch) -> bool {
        let message = self.entries[at].message;
        let opened = self.with_pairs(body, message, |pairs, _own| batch.open_series_sorted(pairs.iter().copied()));
        matches!(opened, Ok(Ok(())))
    }

    /// A series of the batch as text.
    pub(super) fn describe(&mut self, body: &[u8], at: usize) -> String {
        let message = self.entries[at].message;
        let mut text = String::new();
        match self.with_pairs(body, message, |pairs, _batch| text = Labels::from_pairs(pairs.iter().copied()).to_string()) {
            Ok(Ok(())) => text,
            _ => "{}".to_owned(),
        }
    }

    /// Reads, checks and sorts the labels of a message, then hands them on without empty values.
    fn with_pairs(
        &mut self,
        body: &[u8],
        message: (u32, u32),
        then: impl FnOnce(&[(&str, &str)], &mut WriteBatch),
    ) -> Result<Result<(), String>, Malformed> {
        let bytes = &body[message.0 as usize..message.1 as usize];
        let mut raw = smallvec::SmallVec::<[(&[u8], &[u8]); 32]>::new();
        if self.is_v2 {
            v2::label_pairs(body, bytes, &self.symbols, |name, value| raw.push((name, value)))?;
        } else {
            v1::label_pairs(bytes, |name, value| raw.push((name, value)))?;
        }
        Ok(checked(&raw).map(|pairs| then(&pairs, &mut self.batch)))
    }
}

type Pairs<'a> = smallvec::SmallVec<[(&'a str, &'a str); 32]>;

/// Sorted pairs without empty values, or why the label set is refused.
fn checked<'a>(raw: &[(&'a [u8], &'a [u8])]) -> Result<Pairs<'a>, String> {
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
