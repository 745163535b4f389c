//! One series of a batch: its samples into the head, what was taken into the log's record, what was not into the report.

use crate::metrics::store::head::{Bounds, Outcome, PackScratch, SHARDS, Series, is_valid, shard_of};
use crate::metrics::store::wal::{self, FloatsWriter, SamplesWriter};
use crate::series::batch::{BatchSeries, FloatSample, WriteBatch};
use crate::series::ports::{AppendReport, Refused, RefusedReason};

/// Memory reused from batch to batch.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Id of each series of the batch, 0 if refused.
    pub ids: Vec<u32>,
    /// Positions of series, by shard.
    pub order: Vec<u32>,
    pub floats: FloatsWriter,
    pub histograms: SamplesWriter,
    pub starts: Vec<u8>,
    pub taken: Vec<bool>,
    pub pack: PackScratch,
    pub frames: Vec<u8>,
}

/// What a batch did.
pub struct Tally {
    pub report: AppendReport,
    pub out_of_order: usize,
    pub min: i64,
    pub max: i64,
}

impl Tally {
    /// Notes that samples of a series were refused.
    pub fn refuse(&mut self, series_index: usize, samples: usize, reason: RefusedReason, first_ts: i64) {
        // Entries of one series come together, so looking at the end is enough.
        let recent = self.report.refused.iter_mut().rev().take_while(|refused| refused.series_index == series_index);
        for refused in recent {
            if refused.reason == reason {
                refused.samples += samples;
                return;
            }
        }
        self.report.refused.push(Refused { series_index, samples, reason, first_ts });
    }

    /// Counts an outcome; answers whether the sample has to be logged.
    #[inline]
    pub fn count(&mut self, series_index: usize, ts: i64, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Stored => {}
            Outcome::StoredLate => self.out_of_order += 1,
            Outcome::Repeated => {
                self.report.repeated += 1;
                return false;
            }
            Outcome::Refused(reason) => {
                self.refuse(series_index, 1, reason, ts);
                return false;
            }
        }
        self.report.stored += 1;
        self.min = self.min.min(ts);
        self.max = self.max.max(ts);
        true
    }
}

/// Refuses all samples of a series.
pub fn refuse_series(batch: &WriteBatch, index: usize, reason: RefusedReason, tally: &mut Tally) {
    let series = &batch.series[index];
    let float = batch.floats.get(series.floats.start as usize).filter(|_| !series.floats.is_empty()).map(|float| float.ts);
    let histogram = batch.histograms.get(series.histograms.start as usize).filter(|_| !series.histograms.is_empty()).map(|(ts, _)| *ts);
    let first_ts = float.or(histogram).unwrap_or(0);
    tally.refuse(index, series.floats.len() + series.histograms.len(), reason, first_ts);
}

/// Sorts positions by the shard of their id (by counting); answers where each shard begins.
pub fn by_shard(pending: &[u32], ids: &[u32], order: &mut Vec<u32>) -> [usize; SHARDS + 1] {
    let mut starts = [0; SHARDS + 1];
    for &index in pending {
        starts[shard_of(ids[index as usize]) + 1] += 1;
    }
    for shard in 0..SHARDS {
        starts[shard + 1] += starts[shard];
    }
    let mut next = starts;
    order.clear();
    order.resize(pending.len(), 0);
    for &index in pending {
        let place = &mut next[shard_of(ids[index as usize])];
        order[*place] = index;
        *place += 1;
    }
    starts
}

#[inline]
fn range_of(range: &std::ops::Range<u32>) -> std::ops::Range<usize> {
    range.start as usize..range.end as usize
}

/// Applies the samples of a series and writes those taken for the log.
#[inline]
pub fn take_series(series: &mut Series, batch: &WriteBatch, index: usize, bounds: &Bounds<'_>, scratch: &mut Scratch, tally: &mut Tally) {
    let entry = &batch.series[index];
    if !entry.histograms.is_empty() {
        return take_mixed(series, batch, index, bounds, scratch, tally);
    }
    let floats = &batch.floats[range_of(&entry.floats)];
    let id = scratch.ids[index];
    let chunks = series.chunk_count();
    scratch.taken.clear();
    let mut taken = 0;
    for sample in floats {
        let outcome = series.append_float(sample, bounds);
        take_start(series, id, (sample.ts, sample.start_ts), outcome, &mut scratch.starts);
        let stored = tally.count(index, sample.ts, outcome);
        scratch.taken.push(stored);
        taken += usize::from(stored);
    }
    series.pack_behind(chunks, &mut scratch.pack);
    if taken > 0 {
        let stored = floats.iter().zip(&scratch.taken).filter(|(_, taken)| **taken).map(|(sample, _)| (sample.ts, sample.value));
        scratch.floats.put_floats(id, taken, stored);
    }
}

/// Notes the start timestamp of a sample that was stored, in the series and for the log.
#[inline]
fn take_start(series: &mut Series, id: u32, (ts, start_ts): (i64, i64), outcome: Outcome, log: &mut Vec<u8>) {
    let is_late = match outcome {
        Outcome::Stored => false,
        Outcome::StoredLate => true,
        Outcome::Repeated | Outcome::Refused(_) => return,
    };
    for (from, start) in series.start_changes(ts, start_ts, is_late) {
        wal::put_times(log, id, from, start);
        series.note_start(from, start);
    }
}

/// A series with histograms, perhaps with floats between them: in order of time.
fn take_mixed(series: &mut Series, batch: &WriteBatch, index: usize, bounds: &Bounds<'_>, scratch: &mut Scratch, tally: &mut Tally) {
    let entry: &BatchSeries = &batch.series[index];
    let id = scratch.ids[index];
    let mut floats = batch.floats[range_of(&entry.floats)].iter().peekable();
    let mut stored_floats = Vec::new();
    let mut stored_histograms = Vec::new();
    let mut take_float = |series: &mut Series, sample: &FloatSample, starts: &mut Vec<u8>, tally: &mut Tally| {
        let outcome = series.append_float(sample, bounds);
        take_start(series, id, (sample.ts, sample.start_ts), outcome, starts);
        if tally.count(index, sample.ts, outcome) {
            stored_floats.push((sample.ts, sample.value));
        }
    };
    let range = range_of(&entry.histograms);
    for (at, (ts, histogram)) in range.clone().zip(&batch.histograms[range]) {
        while let Some(sample) = floats.next_if(|sample| sample.ts < *ts) {
            take_float(series, sample, &mut scratch.starts, tally);
        }
        let outcome = if is_valid(histogram) {
            series.append_histogram(*ts, histogram, bounds)
        } else {
            Outcome::Refused(RefusedReason::InvalidHistogram)
        };
        let start_ts = batch.histogram_start_ts.get(at).copied().unwrap_or(0);
        take_start(series, id, (*ts, start_ts), outcome, &mut scratch.starts);
        if tally.count(index, *ts, outcome) {
            stored_histograms.push((*ts, &**histogram));
        }
    }
    for sample in floats {
        take_float(series, sample, &mut scratch.starts, tally);
    }
    if !stored_floats.is_empty() {
        scratch.floats.put_floats(id, stored_floats.len(), stored_floats.into_iter());
    }
    if !stored_histograms.is_empty() {
        scratch.histograms.put_histograms(id, stored_histograms.len(), stored_histograms.into_iter());
    }
}

/// What [`take_series`] would refuse, without taking anything.
pub fn check_series(series: &Series, batch: &WriteBatch, index: usize, bounds: &Bounds<'_>, tally: &mut Tally) {
    let entry = &batch.series[index];
    let floats = &batch.floats[range_of(&entry.floats)];
    for (at, sample) in floats.iter().enumerate() {
        let earlier = floats[..at].last().filter(|before| before.ts >= sample.ts);
        let refusal = series.float_refusal(sample, bounds).or_else(|| {
            // Out of order within the batch itself.
            earlier?;
            match floats[..at].iter().find(|before| before.ts == sample.ts) {
                Some(same) if same.value.to_bits() == sample.value.to_bits() => None,
                Some(_) => Some(RefusedReason::DuplicateTimestamp),
                None if bounds.late_from == i64::MAX || bounds.in_order_only => Some(RefusedReason::OutOfOrder),
                None => None,
            }
        });
        if let Some(reason) = refusal {
            tally.refuse(index, 1, reason, sample.ts);
        }
    }
    for (ts, histogram) in &batch.histograms[range_of(&entry.histograms)] {
        let refusal =
            if is_valid(histogram) { series.histogram_refusal(*ts, histogram, bounds) } else { Some(RefusedReason::InvalidHistogram) };
        if let Some(reason) = refusal {
            tally.refuse(index, 1, reason, *ts);
        }
    }
}
