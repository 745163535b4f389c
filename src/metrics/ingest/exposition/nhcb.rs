//! Classic histograms put together into native ones with custom buckets (`convert_classic_histograms_to_nhcb`).

use std::sync::Arc;

use super::openmetrics::OpenMetricsParser;
use super::series::{LabelScratch, Series, SeriesForm};
use super::text::TextParser;
use super::token::parse_float;
use super::{Event, HistogramSample, ParseError, ParseOptions, ParsedExemplar, Parser, Sample};
use crate::base::limits::HISTOGRAM_BUCKETS_MAX;
use crate::series::histogram::{CUSTOM_BUCKETS_SCHEMA, Histogram, Span};
use crate::series::labels::{BUCKET, LabelsIter, METRIC_NAME, put_label};
use crate::series::sample::MetricType;

#[derive(Debug)]
enum Inner<'a> {
    Text(TextParser<'a>),
    OpenMetrics(OpenMetricsParser<'a>),
}

/// Wraps a text parser: classic series of one histogram come out as one native histogram.
#[derive(Debug)]
pub struct NhcbParser<'a> {
    inner: Inner<'a>,
    keep_classic: bool,
    /// An event that waits until the histogram before it is out.
    waiting: Option<Event<'a>>,
    open: Option<Classic>,
    /// Labels of the histogram given out last.
    out_labels: Vec<u8>,
    scratch: LabelScratch,
    packed: Vec<u8>,
    key: Vec<u8>,
    ended: bool,
}

/// The parts of a classic histogram seen so far.
#[derive(Debug, Default)]
struct Classic {
    key: Vec<u8>,
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
    ts: Option<i64>,
    start_ts: i64,
    exemplars: Vec<ParsedExemplar>,
}

/// Which part of a classic histogram a sample is.
enum Part {
    Bucket(f64),
    Sum,
    Count,
}

impl<'a> NhcbParser<'a> {
    /// Around one of the text formats; protobuf puts histograms together by itself.
    pub fn new(parser: Parser<'a>, options: ParseOptions) -> Self {
        let inner = match parser {
            Parser::Text(parser) => Inner::Text(parser),
            Parser::OpenMetrics(parser) => Inner::OpenMetrics(parser),
            Parser::Protobuf(_) | Parser::Nhcb(_) => Inner::Text(TextParser::new(&[])),
        };
        Self {
            inner,
            keep_classic: options.keep_classic,
            waiting: None,
            open: None,
            out_labels: Vec::new(),
            scratch: LabelScratch::new(),
            packed: Vec::new(),
            key: Vec::new(),
            ended: false,
        }
    }

    /// The next event, or none at the end.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, ParseError> {
        loop {
            let event = match self.waiting.take() {
                Some(event) => Some(event),
                None if self.ended => None,
                None => match &mut self.inner {
                    Inner::Text(parser) => parser.next_event()?,
                    Inner::OpenMetrics(parser) => parser.next_event()?,
                },
            };
            let Some(event) = event else {
                self.ended = true;
                return Ok(self.open.take().map(|classic| self.give(classic)));
            };
            let Event::Sample(sample) = &event else {
                if let Some(classic) = self.open.take() {
                    self.waiting = Some(event);
                    return Ok(Some(self.give(classic)));
                }
                return Ok(Some(event));
            };
            let part = self.part_of(sample)?;
            let same = part.is_some() && self.open.as_ref().is_some_and(|open| open.key == self.key);
            if !same && let Some(classic) = self.open.take() {
                self.waiting = Some(event);
                return Ok(Some(self.give(classic)));
            }
            let Some(part) = part else { return Ok(Some(event)) };
            let Event::Sample(sample) = event else { continue };
            let open = self.open.get_or_insert_with(|| Classic { key: self.key.clone(), ..Classic::default() });
            open.add(part, &sample)?;
            if self.keep_classic {
                return Ok(Some(Event::Sample(sample)));
            }
        }
    }

    /// Whether the sample belongs to a classic histogram; then `key` holds the labels of the whole.
    fn part_of(&mut self, sample: &Sample<'_>) -> Result<Option<Part>, ParseError> {
        if sample.series.kind != MetricType::Histogram {
            return Ok(None);
        }
        self.packed.clear();
        self.key.clear();
        sample.series.packed(&mut self.scratch, &mut self.packed)?;
        let mut part = None;
        let mut bound = None;
        for (name, value) in LabelsIter::over_checked(&self.packed) {
            if name == METRIC_NAME {
                let suffixes = [("_bucket", Part::Bucket(0.0)), ("_sum", Part::Sum), ("_count", Part::Count)];
                for (suffix, found) in suffixes {
                    if let Some(stem) = value.strip_suffix(suffix).filter(|stem| !stem.is_empty()) {
                        put_label(&mut self.key, name, stem);
                        part = Some(found);
                        break;
                    }
                }
            } else if name == BUCKET {
                bound = parse_float(value.as_bytes());
            } else {
                put_label(&mut self.key, name, value);
            }
        }
        Ok(match (part, bound) {
            (Some(Part::Bucket(_)), Some(bound)) => Some(Part::Bucket(bound)),
            (Some(Part::Bucket(_)), None) => None,
            (other, _) => other,
        })
    }

    fn give(&mut self, classic: Classic) -> Event<'_> {
        self.out_labels = classic.key;
        let count = classic.count.or_else(|| classic.buckets.last().map(|bucket| bucket.1)).unwrap_or_default();
        let histogram = Arc::new(custom_buckets(classic.buckets, count, classic.sum));
        let series = Series { raw: &self.out_labels, form: SeriesForm::Packed, kind: MetricType::Histogram, body: &[] };
        Event::Histogram(HistogramSample { series, histogram, ts: classic.ts, start_ts: classic.start_ts, exemplars: classic.exemplars })
    }
}

impl Classic {
    fn add(&mut self, part: Part, sample: &Sample<'_>) -> Result<(), ParseError> {
        match part {
            Part::Bucket(bound) => {
                if self.buckets.len() >= HISTOGRAM_BUCKETS_MAX {
                    return Err(ParseError { line: 0, message: format!("histogram has more than {HISTOGRAM_BUCKETS_MAX} buckets") });
                }
                self.buckets.push((bound, sample.value));
            }
            Part::Sum => self.sum = sample.value,
            Part::Count => self.count = Some(sample.value),
        }
        self.ts = sample.ts.or(self.ts);
        self.start_ts = if sample.start_ts == 0 { self.start_ts } else { sample.start_ts };
        self.exemplars.extend(sample.exemplar.clone());
        Ok(())
    }
}

/// A native histogram with custom buckets from cumulative counts by upper bound.
pub(super) fn custom_buckets(mut buckets: Vec<(f64, f64)>, count: f64, sum: f64) -> Histogram {
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    buckets.dedup_by(|a, b| a.0 == b.0);
    buckets.retain(|bucket| bucket.0.is_finite());
    let mut below = 0.0;
    let mut absolute = Vec::with_capacity(buckets.len() + 1);
    for (_, cumulative) in &buckets {
        absolute.push((cumulative - below).max(0.0));
        below = cumulative.max(below);
    }
    absolute.push((count - below).max(0.0));
    Histogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        count: count.max(below),
        sum,
        positive_spans: vec![Span { offset: 0, length: absolute.len() as u32 }],
        positive_buckets: absolute,
        custom_bounds: buckets.into_iter().map(|(bound, _)| bound).collect(),
        ..Histogram::default()
    }
}
