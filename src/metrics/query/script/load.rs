//! The `load` command: series into a batch, with native histograms made of classic ones where asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::series::{Item, parse_labels, parse_series, repetitions};
use crate::base::time::Duration;
use crate::series::batch::WriteBatch;
use crate::series::histogram::{CUSTOM_BUCKETS_SCHEMA, Histogram, Span};
use crate::series::labels::{BUCKET, Labels, METRIC_NAME};

/// Series with values at equal distances from time zero on.
#[derive(Debug, Clone, Default)]
pub struct Load {
    /// Distance of the values in milliseconds.
    pub step_ms: i64,
    /// Whether classic histograms are loaded as native ones with custom buckets, too.
    pub with_nhcb: bool,
    /// The series.
    pub series: Vec<LoadSeries>,
}

/// One series of a [`Load`].
#[derive(Debug, Clone)]
pub struct LoadSeries {
    /// Its labels.
    pub labels: Labels,
    /// Its values; position i stands for `i * step`.
    pub values: Vec<Item>,
    /// Start timestamps relative to the sample at the same position, in milliseconds; empty when none was written.
    pub starts: Vec<Option<i64>>,
}

impl Load {
    /// Reads one line of the block: a series, or the start timestamps of the series in the next line.
    pub(super) fn line(&mut self, line: &str, pending: &mut Option<(Labels, Vec<Option<i64>>)>) -> Result<(), String> {
        if let Some((head, offsets)) = line.split_once([' ', '\t'])
            && let Some(head) = head.strip_suffix("@st")
        {
            if pending.is_some() {
                return Err("@st line has no following sample line".to_owned());
            }
            let (labels, _) = parse_labels(head)?;
            *pending = Some((labels, start_offsets(offsets)?));
            return Ok(());
        }
        let (labels, values) = parse_series(line)?;
        let starts = match pending.take() {
            None => Vec::new(),
            Some((of, _)) if of != labels => return Err("@st metric does not match the following sample line metric".to_owned()),
            Some((_, starts)) if starts.len() != values.len() => {
                return Err(format!("@st line has {} values but sample line has {}", starts.len(), values.len()));
            }
            Some((_, starts)) => starts,
        };
        // Of two lines for one series the second one counts.
        self.series.retain(|series| series.labels != labels);
        self.series.push(LoadSeries { labels, values, starts });
        Ok(())
    }

    /// All samples, ready to be stored; fails where a classic histogram contradicts itself.
    pub fn batch(&self) -> Result<WriteBatch, String> {
        let mut batch = WriteBatch::new();
        for series in &self.series {
            batch.open_series(&series.labels);
            for (index, item) in series.values.iter().enumerate() {
                let ts = self.time_of(index);
                let start = series.starts.get(index).copied().flatten().map_or(0, |offset| ts + offset);
                match item {
                    Item::Omitted => {}
                    Item::Float(value) => batch.push_float_started(ts, *value, start),
                    Item::Histogram(histogram, _) => batch.push_histogram_started(ts, Arc::clone(histogram), start),
                }
            }
        }
        if self.with_nhcb {
            self.add_nhcb(&mut batch)?;
        }
        Ok(batch)
    }

    fn time_of(&self, index: usize) -> i64 {
        i64::try_from(index).unwrap_or(i64::MAX).saturating_mul(self.step_ms)
    }

    fn add_nhcb(&self, batch: &mut WriteBatch) -> Result<(), String> {
        let mut found: BTreeMap<Labels, BTreeMap<i64, Classic>> = BTreeMap::new();
        for series in &self.series {
            let name = series.labels.metric_name();
            let (base, part) = if let Some(base) = name.strip_suffix("_bucket") {
                let bound = series.labels.get(BUCKET).and_then(|bound| bound.parse::<f64>().ok());
                let Some(bound) = bound.filter(|bound| !bound.is_nan()) else { continue };
                (base, Part::Bucket(bound))
            } else if let Some(base) = name.strip_suffix("_count") {
                (base, Part::Count)
            } else if let Some(base) = name.strip_suffix("_sum") {
                (base, Part::Sum)
            } else {
                continue;
            };
            let labels = series.labels.to_builder().set(METRIC_NAME, base).remove(BUCKET).build();
            let by_time = found.entry(labels).or_default();
            for (index, item) in series.values.iter().enumerate() {
                if let Item::Float(value) = item {
                    by_time.entry(self.time_of(index)).or_default().set(part, *value);
                }
            }
        }
        for (labels, by_time) in found {
            batch.open_series(&labels);
            for (ts, classic) in by_time {
                batch.push_histogram(ts, Arc::new(classic.convert()?));
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Bucket(f64),
    Count,
    Sum,
}

/// The samples of a classic histogram at one time.
#[derive(Debug, Default)]
struct Classic {
    /// Upper bound and cumulative count, as they came.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

impl Classic {
    fn set(&mut self, part: Part, value: f64) {
        match part {
            Part::Bucket(bound) => self.buckets.push((bound, value)),
            Part::Count => self.count = Some(value),
            Part::Sum => self.sum = value,
        }
    }

    /// A native histogram with custom buckets.
    fn convert(mut self) -> Result<Histogram, String> {
        self.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.buckets.dedup_by(|a, b| a.0 == b.0);
        let count = self.count.or(self.buckets.last().map(|bucket| bucket.1)).unwrap_or(0.0);
        if self.buckets.last().is_none_or(|bucket| bucket.0 != f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        }
        let mut before = 0.0;
        let mut counts = Vec::with_capacity(self.buckets.len());
        for (bound, cumulative) in &self.buckets {
            if *cumulative < before || *cumulative < 0.0 {
                return Err(format!("count is not cumulative: {cumulative} < {before} at le={bound}"));
            }
            counts.push(cumulative - before);
            before = *cumulative;
        }
        if before != count {
            return Err(format!("count mismatch: count={count} != le=+Inf count={before}"));
        }
        let custom_bounds = self.buckets.iter().map(|bucket| bucket.0).filter(|bound| bound.is_finite()).collect();
        let length = u32::try_from(counts.len()).map_err(|_| "too many buckets".to_owned())?;
        Ok(Histogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count,
            sum: self.sum,
            positive_spans: vec![Span { offset: 0, length }],
            positive_buckets: counts,
            custom_bounds,
            ..Histogram::default()
        })
    }
}

/// `_ -30s -30sx3 -30s-1mx4 _x5`: offsets in milliseconds.
fn start_offsets(text: &str) -> Result<Vec<Option<i64>>, String> {
    let mut out = Vec::new();
    for word in text.split_whitespace() {
        start_offset(word, &mut out).map_err(|why| format!("invalid ST item {word:?}: {why}"))?;
    }
    Ok(out)
}

fn start_offset(word: &str, out: &mut Vec<Option<i64>>) -> Result<(), String> {
    if word == "_" {
        out.push(None);
        return Ok(());
    }
    if let Some(count) = word.strip_prefix("_x") {
        out.extend(std::iter::repeat_n(None, repetitions(count, out.len())?));
        return Ok(());
    }
    let (mut offset, rest) = signed_duration(word)?;
    let (step, rest) = if rest.starts_with(['+', '-']) { signed_duration(rest)? } else { (0, rest) };
    let count = match rest.strip_prefix('x') {
        Some(count) => repetitions(count, out.len())?,
        None if rest.is_empty() && step == 0 => 0,
        None => return Err("expected 'x<count>'".to_owned()),
    };
    for _ in 0..=count {
        out.push(Some(offset));
        offset += step;
    }
    Ok(())
}

fn signed_duration(text: &str) -> Result<(i64, &str), String> {
    let (sign, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (-1, &text[1..]),
        Some(b'+') => (1, &text[1..]),
        _ => (1, text),
    };
    let digits = unsigned.len() - unsigned.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let behind = &unsigned[digits..];
    let unit = behind.find(|c: char| !c.is_ascii_alphabetic() || c == 'x').unwrap_or(behind.len());
    let (duration, rest) = unsigned.split_at(digits + unit);
    Ok((sign * Duration::parse(duration).map_err(|error| error.to_string())?.ms(), rest))
}
