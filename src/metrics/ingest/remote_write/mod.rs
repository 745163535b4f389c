//! Remote write in: protocol 1.0 and 2.0, from snappy-compressed protobuf to a stored batch.
//!
//! A request is decoded without building messages: samples go straight into a reused [`WriteBatch`], and a series
//! that was seen before is recognised by a hash of its label bytes, so that it costs one hash and one look-up.
//! Good samples are stored even when others of the request are not; the answer then names the bad ones.

mod cache;
mod histogram;
mod negotiate;
mod response;
mod v1;
mod v2;
mod wire;
mod work;

use std::sync::Arc;

use parking_lot::Mutex;

use self::cache::SeriesCache;
use self::negotiate::Message;
pub use self::response::WriteResponse;
use self::response::{Tally, from_append_error};
use self::work::{DecodeError, State, Work};
use crate::base::clock::SharedClock;
use crate::base::limits::{WRITE_BODY_BYTES_MAX, WRITE_DECODED_BYTES_MAX};
use crate::series::batch::WriteBatch;
use crate::series::ports::{Append, AppendError, AppendOptions, AppendReport, RefusedReason};

/// Samples further ahead of the clock than this are refused, as upstream does (10 minutes).
const AHEAD_MS_MAX: i64 = 10 * 60 * 1000;
/// Memory of requests kept for reuse.
const IDLE_WORK_MAX: usize = 16;
/// A request's memory beyond this is given back rather than kept, in bytes.
const IDLE_WORK_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Takes remote write requests.
pub struct RemoteWrite {
    append: Arc<dyn Append>,
    clock: SharedClock,
    cache: SeriesCache,
    idle: Mutex<Vec<Work>>,
}

impl RemoteWrite {
    /// Writes to `append`; remembers at least `series_max` series by their labels (64 bytes each).
    pub fn new(append: Arc<dyn Append>, clock: SharedClock, series_max: usize) -> Self {
        Self { append, clock, cache: SeriesCache::new(series_max), idle: Mutex::new(Vec::new()) }
    }

    /// Handles the body of one `POST /api/v1/write`. The headers may be empty strings. Blocks on disk.
    ///
    /// 204: all stored. 400: something was refused or malformed; what is good is stored. 413: too large.
    /// 415: another format. 503: try again later. `version` (`X-Prometheus-Remote-Write-Version`) is informative only:
    /// as upstream, the content type decides.
    pub fn write(&self, content_type: &str, content_encoding: &str, version: &str, body: &[u8]) -> WriteResponse {
        tracing::trace!(content_type, version, bytes = body.len(), "remote write request");
        let message = match negotiate::negotiate(content_type, content_encoding) {
            Ok(message) => message,
            Err(reason) => return WriteResponse::refusal(415, reason),
        };
        let mut work = self.idle.lock().pop().unwrap_or_default();
        let response = match unpack(&mut work.buffer, body) {
            Ok(len) => {
                let Work { buffer, state } = &mut work;
                self.store(&buffer[..len], state, message)
            }
            Err(refusal) => refusal,
        };
        work.state.clear();
        if work.bytes() <= IDLE_WORK_BYTES_MAX {
            let mut idle = self.idle.lock();
            if idle.len() < IDLE_WORK_MAX {
                idle.push(work);
            }
        }
        response
    }

    /// Gives back memory that is kept for the next requests.
    pub fn forget_idle(&self) {
        self.idle.lock().clear();
    }

    fn store(&self, body: &[u8], state: &mut State, message: Message) -> WriteResponse {
        let ahead_max = self.clock.now_ms().saturating_add(AHEAD_MS_MAX);
        let decoded = match message {
            Message::V1 => v1::decode(body, state, &self.cache, ahead_max),
            Message::V2 => v2::decode(body, state, &self.cache, ahead_max),
        };
        if let Err(error) = decoded {
            let status = if error == DecodeError::TooLarge { 413 } else { 400 };
            return WriteResponse::refusal(status, error.to_string());
        }
        let mut tally = Tally::of(&state.batch);
        match self.append.append(&state.batch, &AppendOptions::default()) {
            Ok(report) => {
                let unknown = self.settle(body, state, &report, None, &mut tally);
                if !unknown.is_empty()
                    && let Err(error) = self.retry(body, state, &unknown, &mut tally)
                {
                    return from_append_error(&error);
                }
            }
            Err(AppendError::Refused(report)) => {
                self.settle(body, state, &report, None, &mut tally);
            }
            Err(error) => return from_append_error(&error),
        }
        tally.respond(message, state)
    }

    /// Learns references, counts and names what was refused. Gives the series whose reference storage has forgotten.
    fn settle(&self, body: &[u8], state: &mut State, report: &AppendReport, positions: Option<&[usize]>, tally: &mut Tally) -> Vec<usize> {
        let entry_of = |index: usize| positions.map_or(Some(index), |positions| positions.get(index).copied());
        for (index, series) in report.refs.iter().enumerate() {
            if let Some(entry) = entry_of(index).and_then(|at| state.entries.get(at))
                && series.is_some()
                && entry.learn
            {
                self.cache.insert(entry.key, *series);
            }
        }
        let mut unknown = Vec::new();
        for refused in &report.refused {
            let Some(at) = entry_of(refused.series_index) else { continue };
            if refused.reason == RefusedReason::UnknownRef && positions.is_none() {
                self.cache.forget(state.entries[at].key);
                state.entries[at].learn = true;
                unknown.push(at);
                continue;
            }
            tally.refuse(&state.batch, at, refused.samples);
            if refused.reason == RefusedReason::ShortOfMemory {
                state.is_short = true;
                continue;
            }
            state.problem_with(body, at, refused.reason);
        }
        tally.exemplars += report.exemplars_stored;
        unknown
    }

    /// Sends series again with their labels, after storage dropped the references it once gave.
    fn retry(&self, body: &[u8], state: &mut State, positions: &[usize], tally: &mut Tally) -> Result<(), AppendError> {
        let mut again = WriteBatch::new();
        let mut kept = Vec::with_capacity(positions.len());
        for &at in positions {
            if !state.label_into(body, at, &mut again) {
                continue;
            }
            kept.push(at);
            let from = &state.batch.series[at];
            for sample in &state.batch.floats[from.floats.start as usize..from.floats.end as usize] {
                again.push_float_started(sample.ts, sample.value, sample.start_ts);
            }
            for at in from.histograms.start as usize..from.histograms.end as usize {
                let (ts, histogram) = &state.batch.histograms[at];
                let start_ts = state.batch.histogram_start_ts.get(at).copied().unwrap_or(0);
                again.push_histogram_started(*ts, Arc::clone(histogram), start_ts);
            }
            for exemplar in &state.batch.exemplars[from.exemplars.start as usize..from.exemplars.end as usize] {
                again.push_exemplar(exemplar.clone());
            }
        }
        let report = self.append.append(&again, &AppendOptions::default())?;
        self.settle(body, state, &report, Some(&kept), tally);
        Ok(())
    }
}

/// Unpacks snappy into `buffer`; gives the length.
fn unpack(buffer: &mut Vec<u8>, body: &[u8]) -> Result<usize, WriteResponse> {
    if body.len() > WRITE_BODY_BYTES_MAX {
        return Err(WriteResponse::refusal(413, format!("body is larger than {WRITE_BODY_BYTES_MAX} bytes")));
    }
    let len = snap::raw::decompress_len(body).map_err(|error| WriteResponse::refusal(400, error.to_string()))?;
    if len > WRITE_DECODED_BYTES_MAX {
        return Err(WriteResponse::refusal(413, format!("decompressed body would be larger than {WRITE_DECODED_BYTES_MAX} bytes")));
    }
    // A short body cannot unpack to much, as a snappy copy of three bytes yields 64: refuse before memory is taken.
    if len / 32 > body.len() {
        return Err(WriteResponse::refusal(400, "snappy: corrupt input, the length does not fit the body".to_owned()));
    }
    if buffer.len() < len {
        buffer.resize(len, 0);
    }
    snap::raw::Decoder::new().decompress(body, &mut buffer[..len]).map_err(|error| WriteResponse::refusal(400, error.to_string()))
}

#[cfg(test)]
mod tests;
