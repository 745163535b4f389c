//! A series on its way to the log's chunk files, and back from them and from the log.

use std::sync::Arc;

use super::{Bounds, Kind, Outcome, PACK_BYTES_MIN, Place, Series, TIME_MAX, TailState, decode};
use crate::base::bytes::Malformed;
use crate::base::time::TimeRange;
use crate::metrics::store::head::chunk::{Chunk, SavedChunk};
use crate::metrics::store::head::late::{Late, Value};
use crate::series::batch::FloatSample;
use crate::series::histogram::Histogram;
use crate::series::sample::SampleBuf;

impl Series {
    /// The chunks from the first one on that no chunk file has (or all), oldest first, the open one as it is now.
    ///
    /// Those behind the first are saved again if they were saved before: [`Self::restore_chunk`] puts a chunk in place
    /// of all that follows. What was read back can be so mixed: a late sample whose series had no chunk yet comes back
    /// as a chunk of its own, and chunks from a time of another block length are cut anew.
    pub fn chunks_to_save(&self, all: bool) -> impl Iterator<Item = SavedChunk<'_>> + Clone {
        let closed = self.chunks.iter().skip_while(move |chunk| !all && chunk.saved).map(|chunk| SavedChunk {
            kind: chunk.kind,
            open: false,
            min: chunk.min,
            max: chunk.max,
            count: chunk.count,
            bytes: &chunk.bytes,
        });
        let open = (self.open_count > 0).then_some(SavedChunk {
            kind: self.kind,
            open: true,
            min: self.open_first,
            max: self.state.ts,
            count: self.open_count,
            bytes: &self.open,
        });
        closed.chain(open)
    }

    /// Notes that a chunk file has all closed chunks.
    pub fn mark_saved(&mut self) {
        self.chunks.iter_mut().for_each(|chunk| chunk.saved = true);
    }

    /// Floats that came out of order and are in no block.
    pub fn late_floats(&self) -> impl Iterator<Item = (i64, f64)> + Clone {
        self.late().into_iter().flat_map(Late::iter).filter_map(|(ts, value)| match value {
            Value::Float(value) => Some((*ts, *value)),
            Value::Histogram(_) => None,
        })
    }

    /// Histograms that came out of order and are in no block.
    pub fn late_histograms(&self) -> impl Iterator<Item = (i64, &Histogram)> + Clone {
        self.late().into_iter().flat_map(Late::iter).filter_map(|(ts, value)| match value {
            Value::Float(_) => None,
            Value::Histogram(histogram) => Some((*ts, &**histogram)),
        })
    }

    /// Takes a chunk out of a chunk file in place of everything from its first sample on: what was saved of the series
    /// before ends in the state that its open chunk had then. A closed chunk that is here already changes nothing: files
    /// written by earlier versions repeat one without those behind it. `scratch` is memory to work with.
    pub fn restore_chunk(&mut self, chunk: &SavedChunk<'_>, block_range: i64, scratch: &mut SampleBuf) -> Result<(), Malformed> {
        let malformed = Malformed { offset: 0 };
        scratch.clear();
        decode(chunk.kind, chunk.bytes, chunk.count, None, scratch)?;
        let times = if chunk.kind == Kind::Histogram { &scratch.histogram_ts } else { &scratch.float_ts };
        let (Some(&first), Some(&last)) = (times.first(), times.last()) else { return Err(malformed) };
        let in_order = times.windows(2).all(|pair| pair[0] < pair[1]) && first >= -TIME_MAX && last <= TIME_MAX;
        if !in_order || (first, last) != (chunk.min, chunk.max) {
            return Err(malformed);
        }
        if !chunk.open && self.has_closed(chunk) {
            return Ok(());
        }
        self.cut_from(chunk.min);
        if self.chunks.last().is_some_and(|before| before.max >= chunk.min) {
            return Err(malformed);
        }
        if chunk.min.div_euclid(block_range) != chunk.max.div_euclid(block_range) {
            // From a time when blocks had another length.
            self.refill(scratch, block_range);
            return Ok(());
        }
        let delta = last.wrapping_sub(times.len().checked_sub(2).map_or(0, |before| times[before]));
        if chunk.kind == Kind::Histogram {
            self.kind = Kind::Histogram;
            self.state = TailState { ts: last, ..TailState::default() };
            self.more.get_or_insert_default().last_histogram = scratch.histograms.last().map(Arc::clone);
        } else {
            self.kind = Kind::Float;
            self.state = TailState { ts: last, delta, bits: scratch.floats.last().map_or(0, |value| value.to_bits()) };
        }
        self.started = true;
        if chunk.open && chunk.kind != Kind::Packed {
            (self.open_first, self.open_count) = (chunk.min, chunk.count);
            self.open.clear();
            self.open.reserve_exact(chunk.bytes.len() + 32);
            self.open.extend_from_slice(chunk.bytes);
        } else {
            let settled = chunk.kind != Kind::Float || chunk.bytes.len() <= PACK_BYTES_MIN;
            let SavedChunk { kind, min, max, count, bytes, .. } = *chunk;
            self.push_chunk(Chunk { min, max, count, kind, settled, saved: true, bytes: Box::from(bytes) });
        }
        Ok(())
    }

    /// Whether there is a closed chunk with the samples of this one; notes that a file has it.
    fn has_closed(&mut self, chunk: &SavedChunk<'_>) -> bool {
        let at = self.chunks.partition_point(|before| before.min < chunk.min);
        let Some(there) = self.chunks.get_mut(at) else { return false };
        let same_kind = (there.kind == Kind::Histogram) == (chunk.kind == Kind::Histogram);
        let same = same_kind && (there.min, there.max, there.count) == (chunk.min, chunk.max, chunk.count);
        there.saved |= same;
        same
    }

    /// Drops the chunks that begin at `min` or later and closes an open one that begins before.
    fn cut_from(&mut self, min: i64) {
        if self.open_count > 0 && self.open_first >= min {
            self.open.clear();
            self.open_count = 0;
        }
        self.close_chunk();
        let keep = self.chunks.partition_point(|chunk| chunk.min < min);
        self.chunk_bytes -= self.chunks.drain(keep..).map(|chunk| chunk.memory()).sum::<usize>();
    }

    /// Takes floats that were accepted once, those that it holds already left out. Answers the times of the new ones.
    pub fn restore_floats(&mut self, samples: &[(i64, f64)], bounds: &Bounds<'_>) -> Option<TimeRange> {
        let mut stored: Option<TimeRange> = None;
        let mut held: Option<Vec<i64>> = None;
        for (at, &(ts, value)) in samples.iter().enumerate() {
            if self.kind == Kind::Float && matches!(self.place(ts, bounds), Place::InOrder) {
                self.push_float(ts, value, bounds.block_range);
            } else {
                // Looked up for all at once: finding one sample costs as much as reading its chunk.
                let held = held.get_or_insert_with(|| self.times_among(&samples[at..]));
                if held.binary_search(&ts).is_ok()
                    || !matches!(self.append_float(&FloatSample { ts, value, start_ts: 0 }, bounds), Outcome::Stored | Outcome::StoredLate)
                {
                    continue;
                }
            }
            let known = stored.get_or_insert(TimeRange::new(ts, ts));
            *known = TimeRange::new(known.start.min(ts), known.end.max(ts));
        }
        stored
    }

    /// Times between the oldest and the newest of `samples` at which there is a sample, ascending.
    fn times_among(&self, samples: &[(i64, f64)]) -> Vec<i64> {
        let (min, max) = samples.iter().fold((i64::MAX, i64::MIN), |(min, max), (ts, _)| (min.min(*ts), max.max(*ts)));
        let mut buf = SampleBuf::default();
        // What cannot be decoded cannot be compared with either.
        let _unreadable = self.read(TimeRange::new(min, max), &mut buf);
        let mut times = buf.float_ts;
        times.extend(buf.histogram_ts);
        times.sort_unstable();
        times
    }
}
