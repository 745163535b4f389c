//! Numbers from lines: one pass over all chunks, for all steps of a query at once.
//!
//! Lines are counted in integers for each series and step; unwrapped values are collected, and computed in the order of
//! time when all are there. So the answer does not hang on which thread met which chunk.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::keys::{Kept, Keys};
use super::repeats::{Extent, Repeats};
use super::samples::Sample;
use super::search::Searches;
use super::window::{Counter, Windows};
use super::{Context, select_error, stage_error, stopped, together};
use crate::logs::model::needs::Needs;
use crate::logs::model::read::{LineBuf, LineChunk, LineSelection, Stream, Want};
use crate::logs::query::ast::{Conversion, LogExpr, StageKind, Unwrap};
use crate::logs::query::convert::{parse_bytes, parse_duration, parse_float};
use crate::logs::query::stage::label_filter;
use crate::logs::query::stage::pipeline::Pipeline;
use crate::logs::query::stage::row::PRESERVE_ERROR;
use crate::logs::query::stage::wanted;
use crate::series::labels::{Labels, quote};
use crate::series::ports::EvaluateError;

/// What is set when an unwrapped label is no number.
const ERROR: &str = "SampleExtractionErr";

/// What is extracted.
pub(crate) struct Extract<'a> {
    pub(crate) log: &'a LogExpr,
    pub(crate) needs: &'a Needs,
    pub(crate) unwrap: Option<&'a Unwrap>,
    pub(crate) windows: Windows,
    pub(crate) kept: Kept,
    /// Whether only the number of values counts, not what they are.
    pub(crate) counts_only: bool,
}

/// What was extracted.
#[derive(Debug, Default)]
pub(crate) struct Extracted {
    pub(crate) labels: Vec<Labels>,
    /// For each series, where lines are counted.
    pub(crate) counters: Vec<Counter>,
    /// By series and time, where values are collected.
    pub(crate) samples: Vec<Sample>,
}

/// What one thread extracted.
#[derive(Default)]
struct Part {
    keys: Keys,
    counters: Vec<Counter>,
    samples: Vec<Sample>,
    /// Values of lines that were met twice.
    repeated: Vec<Sample>,
    extents: Vec<Extent>,
    /// The earliest line whose error ends the query.
    failed: Option<(i64, Labels)>,
}

impl Extract<'_> {
    /// Reads all lines.
    pub(crate) fn run(&self, ctx: &Context<'_>) -> Result<Extracted, EvaluateError> {
        let selection = LineSelection { matchers: &self.log.selector.matchers, span: self.windows.span(), needs: self.needs };
        let chunks = ctx.select.select(&selection, ctx.cancel).map_err(select_error)?;
        let (next, is_failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        // A stage that cannot run is an error even where there is no line.
        Worker::new(self, ctx)?;
        let work = || {
            let mut worker = Worker::new(self, ctx)?;
            let mut buf = LineBuf::default();
            while !is_failed.load(Ordering::Relaxed) {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(chunk) = chunks.get(index) else { break };
                worker.chunk(index, &**chunk, &mut buf)?;
                if worker.part.failed.is_some() {
                    is_failed.store(true, Ordering::Relaxed);
                }
            }
            Ok(worker.part)
        };
        let mut parts = together(ctx.threads.min(chunks.len()), &work)?;
        let failed = parts.iter_mut().filter_map(|part| part.failed.take()).min_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        if let Some((_, labels)) = failed {
            return Err(pipeline_error(&labels));
        }
        let extents = parts.iter_mut().flat_map(|part| std::mem::take(&mut part.extents)).collect();
        if let Some(mut repeats) = Repeats::among(extents) {
            parts.push(self.take_back(ctx, &chunks, &mut repeats)?);
        }
        self.merge(ctx, parts)
    }

    /// Takes back what lines counted that are there more than once.
    fn take_back(&self, ctx: &Context<'_>, chunks: &[Box<dyn LineChunk>], repeats: &mut Repeats) -> Result<Part, EvaluateError> {
        let mut worker = Worker::new(self, ctx)?;
        let mut buf = LineBuf::default();
        let mut again = Vec::new();
        for index in repeats.chunks() {
            ctx.cancel.check().map_err(stopped)?;
            chunks[index].read(Want::Times, &mut buf).map_err(select_error)?;
            let kept: usize = buf.runs.iter().map(|(stream, lines)| repeats.suspect(index, stream, &buf, lines.clone())).sum();
            ctx.budget.charge(kept * 40)?;
        }
        for index in repeats.suspects() {
            ctx.cancel.check().map_err(stopped)?;
            chunks[index].read(Want::Text, &mut buf).map_err(select_error)?;
            let runs = buf.runs.clone();
            for (stream, lines) in runs {
                again.clear();
                repeats.find(&stream, &buf, lines, &mut again);
                ctx.budget.charge(again.len() * 32)?;
                if !again.is_empty() {
                    worker.pipeline.set_stream(&stream.labels);
                    for &line in &again {
                        worker.line(&buf, line as usize, -1)?;
                        ctx.cancel.check().map_err(stopped)?;
                    }
                }
            }
        }
        Ok(worker.part)
    }

    fn merge(&self, ctx: &Context<'_>, parts: Vec<Part>) -> Result<Extracted, EvaluateError> {
        let mut keys = Keys::default();
        let mut all = Extracted::default();
        let mut repeated = Vec::new();
        for part in parts {
            let ids: Vec<u32> = part.keys.labels.iter().map(|labels| keys.of_labels(labels.clone())).collect();
            all.counters.resize_with(keys.labels.len(), Counter::default);
            for (counter, id) in part.counters.into_iter().zip(&ids) {
                all.counters[*id as usize].merge(counter);
            }
            let renamed = |sample: &Sample| Sample { series: ids[sample.series as usize], ..*sample };
            ctx.budget.charge(part.samples.len() * size_of::<Sample>())?;
            all.samples.extend(part.samples.iter().map(renamed));
            repeated.extend(part.repeated.iter().map(renamed));
            ctx.budget.release(part.samples.len() * size_of::<Sample>());
        }
        all.labels = keys.labels;
        all.samples.sort_unstable_by(Sample::order);
        if !repeated.is_empty() {
            repeated.sort_unstable_by(Sample::order);
            let mut gone = repeated.into_iter().peekable();
            all.samples.retain(|sample| gone.next_if(|next| next.order(sample).is_eq()).is_none());
        }
        Ok(all)
    }

    /// What has to be read of a chunk.
    fn want(&self, chunk: &dyn LineChunk) -> Want {
        let looks_at_text = |kind: &StageKind| !matches!(kind, StageKind::LabelFilter(_) | StageKind::Drop(_) | StageKind::Keep(_));
        if self.log.stages.iter().any(|stage| looks_at_text(&stage.kind)) {
            return Want::Text;
        }
        let is_plain = self.log.stages.is_empty() && self.unwrap.is_none();
        match chunk.stream() {
            Some(stream) if is_plain && self.kept.ignores_fields(&stream.labels) => Want::Times,
            _ if is_plain && self.kept == Kept::Nothing => Want::Times,
            _ => Want::Fields,
        }
    }
}

/// The error for a series that has one, as upstream words it.
fn pipeline_error(labels: &Labels) -> EvaluateError {
    let error = labels.get(crate::logs::query::stage::row::ERROR).unwrap_or_default();
    EvaluateError::Execution(format!(
        "pipeline error: '{error}' for series: '{labels}'.\n\
         Use a label filter to intentionally skip this error. (e.g | __error__!={}).\n\
         To skip all potential errors you can match empty errors.(e.g __error__=\"\")\n\
         The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__=\"\" )\n",
        quote(error)
    ))
}

/// What a thread works with.
struct Worker<'a> {
    extract: &'a Extract<'a>,
    ctx: &'a Context<'a>,
    pipeline: Pipeline,
    search: Searches,
    /// Whether lines of the chunk at hand have fields that filters look at.
    looks_at_fields: bool,
    part: Part,
    found: Vec<u32>,
    /// The series of each field set of the run at hand, where nothing else tells lines apart.
    by_fields: Vec<Option<u32>>,
}

impl<'a> Worker<'a> {
    fn new(extract: &'a Extract<'a>, ctx: &'a Context<'a>) -> Result<Self, EvaluateError> {
        let wanted = wanted::of_metric(&extract.log.stages, extract.unwrap, extract.kept.names());
        let pipeline = Pipeline::with_wanted(&extract.log.stages, wanted, ctx.now).map_err(stage_error)?.stopped_by(ctx.cancel);
        let search = Searches::new(extract.log);
        Ok(Self { extract, ctx, pipeline, search, looks_at_fields: true, part: Part::default(), found: Vec::new(), by_fields: Vec::new() })
    }

    fn chunk(&mut self, index: usize, chunk: &dyn LineChunk, buf: &mut LineBuf) -> Result<(), EvaluateError> {
        self.ctx.cancel.check().map_err(stopped)?;
        let want = self.extract.want(chunk);
        chunk.read(want, buf).map_err(select_error)?;
        self.looks_at_fields = self.search.looks_at_fields(buf);
        let runs = std::mem::take(&mut buf.runs);
        let mut lines_read = 0;
        for (stream, lines) in &runs {
            let lines = within(buf, lines, self.extract.windows.span());
            let (Some(&first), Some(&last)) = (buf.times.get(lines.start), buf.times.get(lines.end.wrapping_sub(1))) else { continue };
            if lines.is_empty() {
                continue;
            }
            lines_read += lines.len() as u64;
            self.part.extents.push(Extent { stream: stream.labels.stable_hash(), chunk: index as u32, first, last });
            self.run(want, stream, lines, buf)?;
        }
        let bytes = if want == Want::Text { buf.text.len() as u64 } else { chunk.bytes() as u64 };
        self.ctx.work.count(lines_read, bytes);
        buf.runs = runs;
        Ok(())
    }

    fn run(&mut self, want: Want, stream: &Stream, lines: Range<usize>, buf: &LineBuf) -> Result<(), EvaluateError> {
        let extract = self.extract;
        if extract.unwrap.is_none() && self.pipeline.is_empty() {
            if want == Want::Times || buf.fields.is_empty() {
                return self.count_run(stream, lines, buf);
            }
            return self.count_fields(stream, lines, buf);
        }
        self.pipeline.set_stream(&stream.labels);
        let mut found = std::mem::take(&mut self.found);
        if want == Want::Text {
            self.search.run(&stream.labels, self.looks_at_fields, buf, lines, &mut found);
        } else {
            found.clear();
            found.extend(lines.start as u32..lines.end as u32);
        }
        for &line in &found {
            self.line(buf, line as usize, 1)?;
            // A look costs nothing next to what a line may cost.
            self.ctx.cancel.check().map_err(stopped)?;
            if self.part.failed.is_some() {
                break;
            }
        }
        self.found = found;
        Ok(())
    }

    /// Counts the lines of a stream by the edges of windows.
    fn count_run(&mut self, stream: &Stream, lines: Range<usize>, buf: &LineBuf) -> Result<(), EvaluateError> {
        let series = self.series_of_stream(stream)?;
        let windows = &self.extract.windows;
        let times = buf.times.get(lines.clone()).unwrap_or_default();
        let (Some(&first), Some(&last)) = (times.first(), times.last()) else { return Ok(()) };
        let (from, upto) = windows.steps_between(first, last);
        let mut taken = 0;
        if upto - from > times.len() {
            for (line, ts) in lines.zip(times) {
                let (from, upto) = windows.steps_of(*ts);
                taken += self.part.counters[series].add(from, upto, 1, buf.line_bytes(line) as i64);
            }
            return self.ctx.budget.charge(taken);
        }
        let (mut low, mut high) = (0, 0);
        for step in from..upto {
            let upto = |edge: i64, at: usize| at + times.get(at..).unwrap_or_default().partition_point(|ts| *ts <= edge);
            high = upto(windows.end(step), high);
            low = upto(windows.start(step), low);
            if low < high {
                let edges = (buf.starts.get(lines.start + low), buf.starts.get(lines.start + high));
                let bytes = if let (Some(&start), Some(&end)) = edges { i64::from(end - start) - (high - low) as i64 } else { 0 };
                taken += self.part.counters[series].add(step, step + 1, (high - low) as i64, bytes);
            }
        }
        self.ctx.budget.charge(taken)
    }

    /// Counts the lines of a stream whose fields tell them apart.
    fn count_fields(&mut self, stream: &Stream, lines: Range<usize>, buf: &LineBuf) -> Result<(), EvaluateError> {
        self.pipeline.set_stream(&stream.labels);
        let mut by_fields = std::mem::take(&mut self.by_fields);
        by_fields.clear();
        by_fields.resize(buf.field_sets.len() + 1, None);
        let mut taken = 0;
        for line in lines {
            let set = (buf.fields.get(line).copied().unwrap_or(u32::MAX) as usize).min(buf.field_sets.len());
            let series = match by_fields[set] {
                Some(series) => series as usize,
                None => {
                    self.pipeline.process(0, b"", buf.fields_of(line));
                    let series = self.series_of_row()?;
                    by_fields[set] = Some(series as u32);
                    series
                }
            };
            let (from, upto) = self.extract.windows.steps_of(buf.times[line]);
            taken += self.part.counters[series].add(from, upto, 1, buf.line_bytes(line) as i64);
        }
        self.by_fields = by_fields;
        self.ctx.budget.charge(taken)
    }

    /// Takes a line through the stages and counts it `sign` times.
    fn line(&mut self, buf: &LineBuf, line: usize, sign: i64) -> Result<(), EvaluateError> {
        let Some(&ts) = buf.times.get(line) else { return Ok(()) };
        let (from, upto) = self.extract.windows.steps_of(ts);
        if from == upto {
            return Ok(());
        }
        let Some(passed) = self.pipeline.process(ts, buf.line(line), buf.fields_of(line)) else { return Ok(()) };
        let bytes = if buf.text.is_empty() { buf.line_bytes(line) } else { passed.line.len() };
        let mut value = 1.0;
        if let Some(unwrap) = self.extract.unwrap {
            match unwrapped(unwrap, &mut self.pipeline) {
                Some(number) => value = number,
                None => return Ok(()),
            }
        }
        let row = self.pipeline.row_mut();
        if !row.error().is_empty() && row.get(PRESERVE_ERROR) != Some("true") {
            if self.part.failed.as_ref().is_none_or(|(earliest, _)| ts < *earliest) {
                self.part.failed = Some((ts, row.labels()));
            }
            return Ok(());
        }
        let series = self.series_of_row()?;
        if self.extract.unwrap.is_none() || self.extract.counts_only {
            let taken = self.part.counters[series].add(from, upto, sign, sign * bytes as i64);
            return if taken > 0 { self.ctx.budget.charge(taken) } else { Ok(()) };
        }
        let samples = if sign > 0 { &mut self.part.samples } else { &mut self.part.repeated };
        let before = samples.capacity();
        samples.push(Sample { series: series as u32, ts, value });
        let taken = (samples.capacity() - before) * size_of::<Sample>();
        if taken > 0 { self.ctx.budget.charge(taken) } else { Ok(()) }
    }

    fn series_of_stream(&mut self, stream: &Stream) -> Result<usize, EvaluateError> {
        let series = self.part.keys.of_labels(self.extract.kept.of(&stream.labels));
        self.known(series)
    }

    fn series_of_row(&mut self) -> Result<usize, EvaluateError> {
        let series = self.part.keys.of_row(self.pipeline.row_mut(), &self.extract.kept);
        self.known(series)
    }

    fn known(&mut self, series: u32) -> Result<usize, EvaluateError> {
        let series = series as usize;
        if series >= self.part.counters.len() {
            self.part.counters.resize_with(series + 1, Counter::default);
            let labels = self.part.keys.labels.get(series).map_or(0, |labels| labels.packed().len());
            self.ctx.budget.charge(2 * labels + 192)?;
        }
        Ok(series)
    }
}

/// The number that a line stands for; none if it does not have it, or a filter says no.
fn unwrapped(unwrap: &Unwrap, pipeline: &mut Pipeline) -> Option<f64> {
    let row = pipeline.row_mut();
    let text = row.get(&unwrap.label).filter(|text| !text.is_empty())?;
    let read = match unwrap.conversion {
        None => parse_float(text),
        Some(Conversion::Bytes) => parse_bytes(text).map(|bytes| bytes as f64),
        Some(Conversion::Duration | Conversion::DurationSeconds) => parse_duration(text).map(|nanos| nanos as f64 / 1e9),
    };
    let value = read.unwrap_or_else(|details| {
        row.set_error(ERROR, &details);
        0.0
    });
    label_filter::all_pass(&unwrap.filters, row).then_some(value)
}

/// The lines of a run within a span.
pub(crate) fn within(buf: &LineBuf, lines: &Range<u32>, span: crate::logs::model::read::Span) -> Range<usize> {
    let lines = lines.start as usize..(lines.end as usize).min(buf.times.len());
    let times = buf.times.get(lines.clone()).unwrap_or_default();
    let from = times.partition_point(|ts| *ts < span.start);
    let upto = times.partition_point(|ts| *ts < span.end);
    lines.start + from..lines.start + upto.max(from)
}
