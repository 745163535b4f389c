//! What a sender is told.

use super::negotiate::Message;
use super::work::State;
use crate::series::batch::WriteBatch;
use crate::series::ports::AppendError;

/// Seconds after which a sender may try again while storage takes no writes.
const RETRY_AFTER_SECS: &str = "5";

/// An answer to a remote write request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers beyond the usual ones.
    pub headers: Vec<(&'static str, String)>,
    /// Plain text; empty on success.
    pub body: String,
    /// Samples and histograms that were taken.
    pub samples: u64,
}

impl WriteResponse {
    pub(super) fn refusal(status: u16, body: String) -> Self {
        Self { status, headers: Vec::new(), body, samples: 0 }
    }
}

/// Nothing was stored: the sender keeps the batch and comes again.
pub(super) fn from_append_error(error: &AppendError) -> WriteResponse {
    let headers = vec![("Retry-After", RETRY_AFTER_SECS.to_owned())];
    WriteResponse { status: 503, headers, body: error.to_string(), samples: 0 }
}

/// What was written, for the headers of protocol 2.0.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    floats: usize,
    histograms: usize,
    pub(super) exemplars: usize,
}

impl Tally {
    /// All samples of a batch, until some are refused.
    pub(super) fn of(batch: &WriteBatch) -> Self {
        Self { floats: batch.floats.len(), histograms: batch.histograms.len(), exemplars: 0 }
    }

    /// Takes refused samples off again. In a series of both kinds floats are taken off first.
    pub(super) fn refuse(&mut self, batch: &WriteBatch, at: usize, samples: usize) {
        let floats = samples.min(batch.series.get(at).map_or(0, |series| series.floats.len()));
        self.floats = self.floats.saturating_sub(floats);
        self.histograms = self.histograms.saturating_sub(samples - floats);
    }

    pub(super) fn respond(self, message: Message, state: &State) -> WriteResponse {
        let samples = (self.floats + self.histograms) as u64;
        let mut response = WriteResponse { status: 204, headers: Vec::new(), body: String::new(), samples };
        if message == Message::V2 {
            response.headers = vec![
                ("X-Prometheus-Remote-Write-Samples-Written", self.floats.to_string()),
                ("X-Prometheus-Remote-Write-Histograms-Written", self.histograms.to_string()),
                ("X-Prometheus-Remote-Write-Exemplars-Written", self.exemplars.to_string()),
            ];
        }
        if state.is_short {
            // Not 400: the sender keeps the request and repeats it, and what was stored of it is recognised then.
            response.status = 503;
            response.headers.push(("Retry-After", RETRY_AFTER_SECS.to_owned()));
            response.body = "memory is nearly used up: new series are refused for now, the samples of others are stored".to_owned();
        } else if !state.problems.is_empty() {
            response.status = 400;
            response.body = state.problems.join("\n");
            if state.problems_left_out > 0 {
                response.body.push_str(&format!("\nand {} more", state.problems_left_out));
            }
        }
        response
    }
}
