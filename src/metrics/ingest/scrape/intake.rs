//! Takes one body of one target into storage: parse, recognise, append, end what is gone, report.
//!
//! Order within one scrape: first the samples in one batch, then staleness markers, then the report. A scrape
//! that fails (unreadable body, a limit) stores none of its samples; it ends every series and reports `up 0`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustc_hash::FxHashSet;

use super::cache::SeriesCache;
use super::counters::{ScrapeCounters, add};
use super::job::JobSettings;
use super::limits::AHEAD_MS_MAX;
use super::mutate::{Mutated, mutate};
use super::refusals::{Change, Refusals};
use super::report::{Report, ReportSeries};
use super::scratch::{Fresh, Payload, Scratch, push, push_zero};
use super::target::Target;
use crate::metrics::ingest::exposition::content_type::{Format, detect};
use crate::metrics::ingest::exposition::{Event, ParseOptions, ParsedExemplar, Parser, Series};
use crate::series::batch::SeriesRef;
use crate::series::histogram::Histogram;
use crate::series::ports::{Append, AppendError, AppendOptions, AppendReport, RefusedReason};
use crate::series::sample::stale_nan;

/// Samples can be lost with the machine: the next scrape brings new ones.
const SAMPLES: AppendOptions = AppendOptions { no_sync: true, in_order_only: false, all_or_nothing: false };
/// A marker must never land behind samples of a loop that took over.
const MARKERS: AppendOptions = AppendOptions { no_sync: true, in_order_only: true, all_or_nothing: false };

/// A body that was fetched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fetched<'a> {
    pub content_type: &'a str,
    pub body: &'a [u8],
}

/// Why there is nothing to store.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Failure {
    /// The body has the size allowed, or more.
    BodyTooLarge,
    /// Anything else, in words.
    Other(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::BodyTooLarge => "body size limit exceeded",
            Self::Other(text) => text,
        })
    }
}

/// Counts of one scrape.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Totals {
    scraped: usize,
    kept: usize,
    added: usize,
    appended: u64,
    duplicates: usize,
    out_of_bounds: usize,
    sample_limit: bool,
    bucket_limit: bool,
}

/// Everything one target needs to be stored, over all its scrapes.
pub(super) struct Intake {
    pub target: Arc<Target>,
    pub job: Arc<JobSettings>,
    options: ParseOptions,
    cache: SeriesCache,
    report: ReportSeries,
    append: Arc<dyn Append>,
    counters: Arc<ScrapeCounters>,
    /// When the last good scrape was (ms): a counter that started later has started anew.
    last_ts: i64,
    refusals: Refusals,
}

impl Intake {
    pub fn new(target: Arc<Target>, job: Arc<JobSettings>, append: Arc<dyn Append>, counters: Arc<ScrapeCounters>) -> Self {
        let report = ReportSeries::new(&target.labels, job.extra_metrics);
        Self {
            options: job.parse_options(&target),
            target,
            job,
            cache: SeriesCache::default(),
            report,
            append,
            counters,
            last_ts: i64::MAX,
            refusals: Refusals::default(),
        }
    }

    /// Takes over the memory of a loop whose job changed only in ways that leave its series as they are.
    pub fn reconfigure(self, target: Arc<Target>, job: Arc<JobSettings>) -> Self {
        Self { options: job.parse_options(&target), target, job, ..self }
    }

    /// Stores one scrape; `elapsed_secs` is asked when everything else is done. Tells what went wrong with the scrape.
    pub fn take(
        &mut self,
        fetched: Result<Fetched<'_>, Failure>,
        ts: i64,
        now_ms: i64,
        scratch: &mut Scratch,
        elapsed_secs: impl FnOnce() -> f64,
    ) -> (Report, Option<Failure>) {
        let body_bytes = match &fetched {
            Ok(fetched) => i64::try_from(fetched.body.len()).unwrap_or(i64::MAX),
            Err(Failure::BodyTooLarge) => -1,
            Err(Failure::Other(_)) => 0,
        };
        let mut totals = Totals::default();
        scratch.ended.clear();
        self.cache.begin();
        let result = fetched.and_then(|fetched| self.absorb(fetched, ts, now_ms, scratch, &mut totals));
        let failure = match result {
            Ok(()) => None,
            Err(failure) => {
                self.cache.abandon(&mut scratch.ended);
                Some(failure)
            }
        };
        self.count(&totals, failure.as_ref());
        self.end_series(ts, scratch);
        let report = Report {
            up: failure.is_none(),
            duration_secs: elapsed_secs(),
            scraped: totals.scraped,
            kept: totals.kept,
            series_added: totals.added,
            timeout_secs: self.target.timeout.secs_f64(),
            sample_limit: self.job.limits.samples,
            body_bytes,
        };
        self.send_report(&report, ts, scratch);
        (report, failure)
    }

    /// Ends all series, those of the report too: the target is gone.
    pub fn end_of_run(&mut self, ts: i64, scratch: &mut Scratch) {
        scratch.ended.clear();
        self.cache.begin();
        self.cache.abandon(&mut scratch.ended);
        self.end_series(ts, scratch);
        scratch.batch.clear();
        self.report.push_stale(ts, &mut scratch.batch);
        if !scratch.batch.series.is_empty() {
            self.log_failed(self.append.append(&scratch.batch, &MARKERS));
        }
    }

    /// Parses and stores a body. An error means that none of it is stored.
    fn absorb(&mut self, fetched: Fetched<'_>, ts: i64, now_ms: i64, scratch: &mut Scratch, totals: &mut Totals) -> Result<(), Failure> {
        if fetched.body.is_empty() {
            // As upstream: nothing exposed is no error, whatever the content type says.
            self.cache.abandon(&mut scratch.ended);
            return Ok(());
        }
        let detected = detect(fetched.content_type, self.job.fallback).map_err(Failure::Other)?;
        if let Some(warning) = detected.warning {
            tracing::debug!(target_url = %self.target.url, warning, "content type of the scrape is not usable");
        }
        scratch.batch.clear();
        scratch.zeros.clear();
        scratch.ids.clear();
        scratch.fresh.clear();
        let read = self.collect(detected.format, fetched.body, ts, now_ms, scratch, totals);
        // A limit is the better news than what comes after it, but broken text comes first, as upstream.
        read.map_err(Failure::Other)?;
        if totals.sample_limit {
            return Err(Failure::Other("sample limit exceeded".to_owned()));
        }
        if totals.bucket_limit {
            return Err(Failure::Other("histogram bucket limit exceeded".to_owned()));
        }
        self.target.metadata.push_unsent(&mut scratch.batch.metadata);
        if !scratch.zeros.series.is_empty() {
            // Those that start before samples which are there already are refused one by one, which is right.
            self.log_failed(self.append.append(&scratch.zeros, &MARKERS));
        }
        self.last_ts = ts;
        match self.append.append(&scratch.batch, &SAMPLES) {
            Ok(answer) => {
                self.target.metadata.sent(self.cache.iteration());
                let lost = self.learn(&answer, scratch, totals);
                if lost {
                    self.resend(detected.format, fetched.body, ts, now_ms, scratch)?;
                }
                self.cache.finish(&mut scratch.ended);
            }
            // The scrape itself was good. Nothing ends: the next one will be stored, or not, as a whole.
            Err(error) => self.note_failed(&error),
        }
        Ok(())
    }

    /// Walks the body and fills the batch.
    fn collect(
        &mut self,
        format: Format,
        body: &[u8],
        ts: i64,
        now_ms: i64,
        scratch: &mut Scratch,
        totals: &mut Totals,
    ) -> Result<(), String> {
        let metadata = self.target.metadata.clone();
        let iteration = self.cache.iteration();
        let mut parser = Parser::new(format, body, self.options);
        loop {
            match parser.next_event().map_err(|error| error.to_string())? {
                None => return Ok(()),
                Some(Event::Sample(sample)) => {
                    let payload = Payload::Float { value: sample.value, start_ts: sample.start_ts };
                    let exemplars = sample.exemplar.as_slice();
                    self.sample(&sample.series, sample.ts, ts, now_ms, payload, exemplars, scratch, totals)?;
                }
                Some(Event::Histogram(sample)) => {
                    let payload = Payload::Histogram { histogram: sample.histogram, start_ts: sample.start_ts };
                    self.sample(&sample.series, sample.ts, ts, now_ms, payload, &sample.exemplars, scratch, totals)?;
                }
                Some(Event::Type { family, kind }) => metadata.set_kind(&family, kind, iteration),
                Some(Event::Help { family, text }) => metadata.set_help(&family, &text, iteration),
                Some(Event::Unit { family, unit }) => metadata.set_unit(&family, &unit, iteration),
            }
        }
    }

    /// One sample of the body.
    #[inline]
    #[expect(
        clippy::too_many_arguments,
        reason = "the hottest call of ingestion; a struct of these would be built a hundred thousand times a scrape"
    )]
    fn sample(
        &mut self,
        series: &Series<'_>,
        own_ts: Option<i64>,
        ts: i64,
        now_ms: i64,
        payload: Payload,
        exemplars: &[ParsedExemplar],
        scratch: &mut Scratch,
        totals: &mut Totals,
    ) -> Result<(), String> {
        totals.scraped += 1;
        let own_ts = if self.job.honor_timestamps { own_ts } else { None };
        let found = self.cache.find(series.raw);
        if let Some(id) = found {
            let first = self.cache.see(id);
            if self.cache.entry(id).dropped {
                return Ok(());
            }
            if !first && own_ts.is_none() {
                totals.kept += 1;
                totals.duplicates += 1;
                return Ok(());
            }
        }
        let known = found.map_or(SeriesRef::NONE, |id| self.cache.entry(id).series);
        if !known.is_some() {
            scratch.exposed.clear();
            series.packed(&mut scratch.labels, &mut scratch.exposed).map_err(|error| error.to_string())?;
            match mutate(&scratch.exposed, &self.target.labels, &self.job, &mut scratch.packed) {
                Ok(Mutated::Keep) => {}
                Ok(Mutated::Drop) => {
                    let id = found.unwrap_or_else(|| self.cache.insert(series.raw, true));
                    self.cache.entry(id).dropped = true;
                    self.cache.see(id);
                    return Ok(());
                }
                Err(error) => {
                    add(&self.counters.exceeded_label_limits, usize::from(error.starts_with("label_")));
                    return Err(error);
                }
            }
        }
        totals.kept += 1;
        if !self.within_limits(totals) {
            return Ok(());
        }
        let at = own_ts.unwrap_or(ts);
        if at > now_ms.saturating_add(AHEAD_MS_MAX) {
            totals.out_of_bounds += 1;
            return Ok(());
        }
        let payload = match payload {
            Payload::Histogram { histogram, start_ts } => match self.job.limits.fit_histogram(histogram) {
                Ok(histogram) => Payload::Histogram { histogram, start_ts },
                Err(()) => {
                    totals.bucket_limit = true;
                    return Ok(());
                }
            },
            float => float,
        };
        let id = match found {
            Some(id) => id,
            None => {
                let id = self.cache.insert(series.raw, false);
                self.cache.see(id);
                id
            }
        };
        let tracked = own_ts.is_none() || self.job.track_timestamps_staleness;
        let not_live = tracked && self.cache.track(id);
        if not_live || !known.is_some() {
            scratch.fresh.push(Fresh { at: scratch.batch.series.len() as u32, new: found.is_none() });
            totals.added += usize::from(found.is_none());
        }
        self.cache.entry(id).histogram = matches!(payload, Payload::Histogram { .. });
        let start_ts = payload.start_ts();
        if self.options.created_as_start && start_ts != 0 && start_ts < at && (found.is_none() || start_ts > self.last_ts) {
            push_zero(known, &payload, scratch);
        }
        push(known, id, at, payload, exemplars, scratch);
        Ok(())
    }

    /// Counts a sample against `sample_limit`; beyond it the body is only read on to be counted.
    fn within_limits(&self, totals: &mut Totals) -> bool {
        totals.appended += 1;
        let limit = self.job.limits.samples;
        totals.sample_limit |= limit > 0 && totals.appended > limit;
        !totals.sample_limit && !totals.bucket_limit
    }

    /// Takes up what storage answered. `true`: it forgot series, which must be sent again with their labels.
    fn learn(&mut self, answer: &AppendReport, scratch: &Scratch, totals: &mut Totals) -> bool {
        add(&self.counters.samples_stored, answer.stored);
        let mut refused: FxHashSet<u32> = FxHashSet::default();
        let mut lost = false;
        for refusal in &answer.refused {
            let Some(&id) = scratch.ids.get(refusal.series_index) else { continue };
            if refusal.reason == RefusedReason::UnknownRef {
                let entry = self.cache.entry(id);
                (entry.series, entry.lost) = (SeriesRef::NONE, true);
                lost = true;
            } else {
                refused.insert(refusal.series_index as u32);
                self.count_refused(refusal.reason, refusal.samples);
                self.refusals.count(refusal.reason, refusal.samples);
            }
        }
        let sent = scratch.batch.series.iter().zip(&scratch.ids);
        for ((sent, &id), &series) in sent.zip(&answer.refs) {
            if series.is_some() && series != sent.series {
                self.cache.entry(id).series = series;
            }
        }
        for fresh in &scratch.fresh {
            if refused.contains(&fresh.at) {
                totals.added -= usize::from(fresh.new);
            } else if let Some(&id) = scratch.ids.get(fresh.at as usize) {
                self.cache.set_live(id);
            }
        }
        lost
    }

    /// Walks the body again and sends the series that storage forgot, now with their labels.
    fn resend(&mut self, format: Format, body: &[u8], ts: i64, now_ms: i64, scratch: &mut Scratch) -> Result<(), Failure> {
        scratch.batch.clear();
        scratch.ids.clear();
        scratch.fresh.clear();
        self.cache.rewind();
        let mut parser = Parser::new(format, body, self.options);
        loop {
            let (series, own_ts, payload, exemplars) = match parser.next_event().map_err(|error| Failure::Other(error.to_string()))? {
                None => break,
                Some(Event::Sample(sample)) => {
                    let payload = Payload::Float { value: sample.value, start_ts: sample.start_ts };
                    (sample.series, sample.ts, payload, sample.exemplar.into_iter().collect())
                }
                Some(Event::Histogram(sample)) => {
                    let payload = Payload::Histogram { histogram: sample.histogram, start_ts: sample.start_ts };
                    (sample.series, sample.ts, payload, sample.exemplars)
                }
                Some(_) => continue,
            };
            let Some(id) = self.cache.find(series.raw) else { continue };
            let at = own_ts.filter(|_| self.job.honor_timestamps).unwrap_or(ts);
            if !self.cache.entry(id).lost || at > now_ms.saturating_add(AHEAD_MS_MAX) {
                continue;
            }
            scratch.exposed.clear();
            series.packed(&mut scratch.labels, &mut scratch.exposed).map_err(|error| Failure::Other(error.to_string()))?;
            mutate(&scratch.exposed, &self.target.labels, &self.job, &mut scratch.packed).map_err(Failure::Other)?;
            let Payload::Histogram { histogram, start_ts } = payload else {
                scratch.fresh.push(Fresh { at: scratch.batch.series.len() as u32, new: false });
                push(SeriesRef::NONE, id, at, payload, &exemplars, scratch);
                continue;
            };
            if let Ok(histogram) = self.job.limits.fit_histogram(histogram) {
                scratch.fresh.push(Fresh { at: scratch.batch.series.len() as u32, new: false });
                push(SeriesRef::NONE, id, at, Payload::Histogram { histogram, start_ts }, &exemplars, scratch);
            }
        }
        for &id in &scratch.ids {
            self.cache.entry(id).lost = false;
        }
        match self.append.append(&scratch.batch, &SAMPLES) {
            Ok(answer) => {
                // Storage names what it has just been told; if it forgets again, the next scrape sends labels.
                self.learn(&answer, scratch, &mut Totals::default());
            }
            Err(error) => self.note_failed(&error),
        }
        Ok(())
    }

    /// Writes staleness markers of the series collected in `ended`.
    fn end_series(&mut self, ts: i64, scratch: &mut Scratch) {
        if scratch.ended.is_empty() {
            return;
        }
        scratch.batch.clear();
        let stale = Arc::new(Histogram::stale());
        for ended in scratch.ended.iter().filter(|ended| ended.series.is_some()) {
            scratch.batch.open_known(ended.series);
            if ended.histogram {
                scratch.batch.push_histogram(ts, stale.clone());
            } else {
                scratch.batch.push_float(ts, stale_nan());
            }
        }
        self.log_failed(self.append.append(&scratch.batch, &MARKERS));
    }

    fn send_report(&mut self, report: &Report, ts: i64, scratch: &mut Scratch) {
        // Twice at most: the second time with labels, if storage forgot the series.
        for _ in 0..2 {
            scratch.batch.clear();
            self.report.push(report, ts, &mut scratch.batch);
            match self.append.append(&scratch.batch, &SAMPLES) {
                Ok(answer) => {
                    if !self.report.learn(&answer) {
                        return;
                    }
                }
                Err(error) => return self.note_failed(&error),
            }
        }
    }

    fn count(&mut self, totals: &Totals, failure: Option<&Failure>) {
        match self.refusals.end_of_scrape() {
            Some(Change::Begins(why)) => tracing::warn!(target_url = %self.target.url, why, "storage refuses samples of this target"),
            Some(Change::Ends) => tracing::info!(target_url = %self.target.url, "storage takes all samples of this target again"),
            None => {}
        }
        let counters = &self.counters;
        add(&counters.scrapes, 1);
        add(&counters.scrapes_failed, usize::from(failure.is_some()));
        add(&counters.exceeded_sample_limit, usize::from(totals.sample_limit));
        add(&counters.exceeded_bucket_limit, usize::from(totals.bucket_limit));
        add(&counters.exceeded_body_size_limit, usize::from(failure == Some(&Failure::BodyTooLarge)));
        add(&counters.duplicate_timestamp, totals.duplicates);
        add(&counters.out_of_bounds, totals.out_of_bounds);
        if totals.duplicates + totals.out_of_bounds > 0 {
            let (duplicates, out_of_bounds) = (totals.duplicates, totals.out_of_bounds);
            tracing::debug!(target_url = %self.target.url, duplicates, out_of_bounds, "samples of the scrape were left out");
        }
    }

    fn count_refused(&self, reason: RefusedReason, samples: usize) {
        let counters = &self.counters;
        let counter = match reason {
            RefusedReason::OutOfOrder | RefusedReason::TooOld => &counters.out_of_order,
            RefusedReason::DuplicateTimestamp => &counters.duplicate_timestamp,
            RefusedReason::OutOfBounds => &counters.out_of_bounds,
            RefusedReason::UnknownRef
            | RefusedReason::InvalidLabels
            | RefusedReason::InvalidHistogram
            | RefusedReason::SeriesLimit
            | RefusedReason::ShortOfMemory => &counters.refused,
        };
        add(counter, samples);
    }

    fn log_failed(&self, result: Result<AppendReport, AppendError>) {
        // Markers that come too late are refused one by one, which is what they are meant to be.
        if let Err(error) = result {
            self.note_failed(&error);
        }
    }

    fn note_failed(&self, error: &AppendError) {
        self.counters.storage_failed.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(target_url = %self.target.url, %error, "storage did not take a scrape");
    }
}

#[cfg(test)]
mod tests;
