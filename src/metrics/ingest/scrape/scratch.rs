//! A batch on the way, and the memory around it that is reused from scrape to scrape.

use std::sync::Arc;

use super::cache::{Ended, EntryId};
use crate::metrics::ingest::exposition::{LabelScratch, ParsedExemplar};
use crate::series::batch::{SeriesRef, WriteBatch};
use crate::series::histogram::{Histogram, ResetHint};
use crate::series::labels::LabelsIter;
use crate::series::sample::Exemplar;

/// Memory reused from scrape to scrape, and from target to target.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub batch: WriteBatch,
    /// Zeros at the start of counters; storage gets them before the batch.
    pub zeros: WriteBatch,
    /// The entry of each series of the batch.
    pub ids: Vec<EntryId>,
    /// Positions in the batch whose entries change once storage has answered.
    pub fresh: Vec<Fresh>,
    pub labels: LabelScratch,
    pub exposed: Vec<u8>,
    pub packed: Vec<u8>,
    pub ended: Vec<Ended>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Fresh {
    pub at: u32,
    /// Never seen before this scrape.
    pub new: bool,
}

/// A value on its way into a batch.
pub(super) enum Payload {
    Float { value: f64, start_ts: i64 },
    Histogram { histogram: Arc<Histogram>, start_ts: i64 },
}

impl Payload {
    /// When its counter started (ms, 0 = unknown).
    pub const fn start_ts(&self) -> i64 {
        match self {
            Self::Float { start_ts, .. } | Self::Histogram { start_ts, .. } => *start_ts,
        }
    }
}

/// Adds the zero from which a counter started, as upstream's `created-timestamp-zero-ingestion`.
pub(super) fn push_zero(known: SeriesRef, payload: &Payload, scratch: &mut Scratch) {
    let start_ts = payload.start_ts();
    if known.is_some() {
        scratch.zeros.open_known(known);
    } else {
        scratch.zeros.open_series_sorted(LabelsIter::over_checked(&scratch.packed));
    }
    match payload {
        Payload::Float { .. } => scratch.zeros.push_float(start_ts, 0.0),
        Payload::Histogram { histogram, .. } => {
            let zero = Histogram {
                reset_hint: ResetHint::Reset,
                schema: histogram.schema,
                zero_threshold: histogram.zero_threshold,
                custom_bounds: histogram.custom_bounds.clone(),
                ..Histogram::default()
            };
            scratch.zeros.push_histogram(start_ts, Arc::new(zero));
        }
    }
}

/// Adds one sample to the batch. A series that storage does not know yet comes with the labels in `scratch.packed`.
#[inline]
pub(super) fn push(known: SeriesRef, id: EntryId, ts: i64, payload: Payload, exemplars: &[ParsedExemplar], scratch: &mut Scratch) {
    scratch.ids.push(id);
    let batch = &mut scratch.batch;
    if known.is_some() {
        batch.open_known(known);
    } else {
        batch.open_series_sorted(LabelsIter::over_checked(&scratch.packed));
    }
    let is_float = matches!(payload, Payload::Float { .. });
    match payload {
        Payload::Float { value, start_ts } => batch.push_float_started(ts, value, start_ts),
        Payload::Histogram { histogram, start_ts } => batch.push_histogram_started(ts, histogram, start_ts),
    }
    // A native histogram's exemplar without a time cannot be told from its repetition, so it is left out.
    let mut timed: smallvec::SmallVec<[Exemplar; 1]> = exemplars
        .iter()
        .filter(|exemplar| is_float || exemplar.ts.is_some())
        .map(|exemplar| Exemplar {
            labels: exemplar.labels.clone(),
            value: exemplar.value,
            ts: exemplar.ts.unwrap_or(ts),
            is_timed: exemplar.ts.is_some(),
        })
        .collect();
    if timed.len() > 1 {
        timed.sort_by_key(|exemplar| exemplar.ts);
    }
    for exemplar in timed {
        batch.push_exemplar(exemplar);
    }
}
