//! Metrics by OpenTelemetry's protocol, as Prometheus' receiver takes them (`otlp` in the configuration).
//!
//! Reading order: [`settings`], [`name`] and [`attributes`] (names and labels), [`translate`] (points to samples) with
//! [`explicit`], [`exponential`], [`exemplar`] and [`target_info`], [`delta`] (points that count from the one before).
//! Good points are stored even when others of the request are not; the answer then says how many, and why.

mod attributes;
mod delta;
mod exemplar;
mod explicit;
pub(super) mod exponential;
mod name;
mod settings;
mod target_info;
mod translate;

use std::sync::Arc;

use hashbrown::HashSet;
use parking_lot::Mutex;

use self::delta::Deltas;
pub use self::settings::Settings;
use self::translate::{Inputs, NO_POINT, Translated, has_deltas, translate};
use crate::base::clock::SharedClock;
use crate::series::labels::Labels;
use crate::series::otlp::metrics::ExportMetricsRequest;
use crate::series::otlp::{Encoding, ReadError, read};
use crate::series::ports::{Append, AppendError, AppendOptions, AppendReport, RefusedReason};

/// Samples further ahead of the clock than this are refused, as upstream does (10 minutes).
const AHEAD_MS_MAX: i64 = 10 * 60 * 1000;
/// The sums of deltas take at most this part of what a request may take.
const DELTAS_PART: usize = 2;

/// Takes metrics of OpenTelemetry.
pub struct OtlpMetrics {
    append: Arc<dyn Append>,
    clock: SharedClock,
    deltas: Mutex<Deltas>,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exported {
    /// Samples taken.
    pub samples: u64,
    /// Points of the request.
    pub points: u64,
    /// Points that were refused.
    pub rejected: u64,
    /// Why, in words; empty if there is nothing to say.
    pub message: String,
}

/// Why nothing of a request was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotExported {
    /// It cannot be read, or nothing in it can be stored: sending it again would not help.
    #[error("{0}")]
    Invalid(String),
    /// It is too large.
    #[error("{0}")]
    TooLarge(String),
    /// Not now: it may be sent again.
    #[error("{0}")]
    Later(String),
}

impl From<ReadError> for NotExported {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Malformed(..) => Self::Invalid(error.to_string()),
            ReadError::TooLarge(_) => Self::TooLarge(error.to_string()),
        }
    }
}

impl OtlpMetrics {
    /// Writes to `append`.
    pub fn new(append: Arc<dyn Append>, clock: SharedClock) -> Self {
        Self { append, clock, deltas: Mutex::default() }
    }

    /// Takes a request, which may take so much memory. Blocks on disk.
    ///
    /// # Errors
    /// When nothing of it was taken.
    pub fn export(&self, encoding: Encoding, body: &[u8], settings: &Settings, memory_max: usize) -> Result<Exported, NotExported> {
        let request: ExportMetricsRequest = read(encoding, body, memory_max)?;
        // Held until storage has the totals, so that their order is that of the points.
        let mut deltas = has_deltas(&request).then(|| self.deltas.lock());
        let now = self.clock.monotonic();
        if let Some(deltas) = &mut deltas {
            deltas.begin(now, memory_max / DELTAS_PART);
        }
        let ahead_max = self.clock.now_ms().saturating_add(AHEAD_MS_MAX);
        let inputs = Inputs { settings, deltas: deltas.as_deref_mut(), now, ahead_max, memory_max };
        let stored = translate(&request, inputs)
            .map_err(|_| NotExported::TooLarge(ReadError::TooLarge(memory_max).to_string()))
            .and_then(|translated| self.store(translated, deltas.is_some()));
        match &mut deltas {
            Some(deltas) if stored.is_err() => deltas.roll_back(),
            Some(deltas) => deltas.settle(),
            None => {}
        }
        stored
    }

    /// How many streams of deltas are kept.
    pub fn delta_streams(&self) -> usize {
        self.deltas.lock().len()
    }

    fn store(&self, mut translated: Translated, has_deltas: bool) -> Result<Exported, NotExported> {
        let mut samples = 0;
        if !translated.batch.series.is_empty() {
            let report = match self.append.append(&translated.batch, &AppendOptions::default()) {
                Ok(report) | Err(AppendError::Refused(report)) => report,
                Err(error @ (AppendError::Unavailable(_) | AppendError::InDoubt(_) | AppendError::Closed)) => {
                    return Err(NotExported::Later(error.to_string()));
                }
            };
            samples = (report.stored + report.repeated) as u64;
            let is_short = report.refused.iter().any(|refused| refused.reason == RefusedReason::ShortOfMemory);
            // The client sends all of it again, and what was stored is recognised then. Totals of deltas go on by themselves.
            if is_short && !has_deltas {
                return Err(NotExported::Later(RefusedReason::ShortOfMemory.to_string()));
            }
            settle(&mut translated, &report);
        }
        let Translated { points, rejected, problems, .. } = translated;
        let message = problems.join("; ");
        if rejected > 0 && rejected == u64::from(points) && !has_deltas {
            return Err(NotExported::Invalid(message));
        }
        Ok(Exported { samples, points: points.into(), rejected, message })
    }
}

/// Counts the points of which storage refused something.
fn settle(translated: &mut Translated, report: &AppendReport) {
    let mut points = HashSet::new();
    for refused in &report.refused {
        let owner = translated.owners.get(refused.series_index).copied().unwrap_or(NO_POINT);
        if owner == NO_POINT {
            continue;
        }
        points.insert(owner);
        if let Some(series) = translated.batch.series.get(refused.series_index)
            && translated.has_room_for_problem()
        {
            let labels = Labels::from_packed(translated.batch.labels_of(series)).unwrap_or_default();
            translated.note(format!("{} for series {labels}", refused.reason));
        }
    }
    translated.rejected += points.len() as u64;
}

#[cfg(test)]
mod tests;
