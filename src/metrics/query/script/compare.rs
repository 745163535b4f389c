//! Whether an answer is what a script expects, with upstream's tolerance.

use std::fmt::Write;

use super::command::{Eval, Expected, Notes};
use super::series::{Item, buckets};
use crate::base::float::general;
use crate::series::histogram::Histogram;
use crate::series::labels::Labels;
use crate::series::ports::When;
use crate::series::sample::is_stale;
use crate::series::value::{InstantSample, Point, RangeSeries, Value};

/// Numbers may differ by this part of the sum of their magnitudes.
const EPSILON: f64 = 1e-6;

/// Whether two numbers are equal but for rounding; NaN equals NaN, and the staleness marker only itself.
pub fn almost_equal(a: f64, b: f64) -> bool {
    if is_stale(a) || is_stale(b) {
        return is_stale(a) && is_stale(b);
    }
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < EPSILON * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < EPSILON
}

/// Whether two histograms are equal but for rounding and empty buckets; their reset hints count only when `hinted`.
pub fn histograms_equal(expected: &Histogram, got: &Histogram, hinted: bool) -> bool {
    let same_buckets = |(a_spans, a), (b_spans, b)| {
        let (a, b) = (buckets(a_spans, a), buckets(b_spans, b));
        a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.0 == b.0 && almost_equal(*a.1, *b.1))
    };
    expected.schema == got.schema
        && almost_equal(expected.count, got.count)
        && almost_equal(expected.sum, got.sum)
        && (!expected.has_custom_buckets() || expected.custom_bounds == got.custom_bounds)
        && expected.zero_threshold == got.zero_threshold
        && almost_equal(expected.zero_count, got.zero_count)
        && same_buckets((&expected.negative_spans, &expected.negative_buckets), (&got.negative_spans, &got.negative_buckets))
        && same_buckets((&expected.positive_spans, &expected.positive_buckets), (&got.positive_spans, &got.positive_buckets))
        && (!hinted || expected.reset_hint == got.reset_hint)
}

/// Holds a value against the expectation of `eval`.
pub fn check_value(eval: &Eval, value: &Value) -> Result<(), String> {
    match (value, &eval.expected) {
        (Value::Scalar(_, got), Expected::Scalar(expected)) if almost_equal(*expected, *got) => Ok(()),
        (Value::Scalar(_, got), Expected::Scalar(expected)) => {
            Err(format!("expected scalar {} but got {}", general(*expected), general(*got)))
        }
        (Value::String(_, got), Expected::String(expected)) if got == expected => Ok(()),
        (Value::String(_, got), Expected::String(expected)) => Err(format!("expected string {expected:?} but got {got:?}")),
        (Value::Vector(got), Expected::Series(expected)) => check_vector(expected, got, eval.ordered),
        (Value::Matrix(got), Expected::Series(expected)) => {
            let When::Range { start, end, step } = eval.when else {
                return Err("an instant query answered with a range vector that was not expected".to_owned());
            };
            check_matrix(expected, got, (start, end, step))
        }
        (Value::Matrix(got), Expected::RangeVector { start, end, step, series }) => check_matrix(series, got, (*start, *end, *step)),
        // A string query without expectation compares with the empty string upstream.
        (got, expected) => {
            let wanted = match expected {
                Expected::Scalar(_) => "scalar",
                Expected::String(_) => "string",
                Expected::Series(_) => "vector or matrix",
                Expected::RangeVector { .. } => "matrix",
            };
            Err(format!("expected {wanted} result, but got {}", describe(got)))
        }
    }
}

/// Holds the instant vector of an instant query against the expectation.
pub fn check_vector(expected: &[(Labels, Vec<Item>)], got: &[InstantSample], ordered: bool) -> Result<(), String> {
    for (position, sample) in got.iter().enumerate() {
        let Some(at) = expected.iter().position(|(labels, _)| *labels == sample.labels) else {
            return Err(format!("unexpected metric {} in result, has value {}", sample.labels, point(&sample.value)));
        };
        if ordered && at != position {
            return Err(format!("expected metric {} at position {} but was at {}", sample.labels, at + 1, position + 1));
        }
        let wanted = expected[at].1.first().unwrap_or(&Item::Omitted);
        if !point_fits(wanted, &sample.value) {
            return Err(format!("expected {} for {} but got {}", item(wanted), sample.labels, point(&sample.value)));
        }
    }
    match expected.iter().find(|(labels, _)| !got.iter().any(|sample| sample.labels == *labels)) {
        Some((labels, values)) => Err(format!("expected metric {labels} with {} not found", items(values))),
        None => Ok(()),
    }
}

fn point_fits(wanted: &Item, got: &Point) -> bool {
    match (wanted, got) {
        (Item::Float(wanted), Point::Float(got)) => almost_equal(*wanted, *got),
        (Item::Histogram(wanted, hinted), Point::Histogram(got)) => histograms_equal(wanted, got, *hinted),
        _ => false,
    }
}

fn check_matrix(expected: &[(Labels, Vec<Item>)], got: &[RangeSeries], times: (i64, i64, i64)) -> Result<(), String> {
    check_sorted(got)?;
    for series in got {
        let Some((_, values)) = expected.iter().find(|(labels, _)| *labels == series.labels) else {
            return Err(format!("unexpected metric {} in result, has {}", series.labels, points(series)));
        };
        check_series(values, series, times).map_err(|why| format!("{}: {why}, has {}", series.labels, points(series)))?;
    }
    match expected.iter().find(|(labels, _)| !got.iter().any(|series| series.labels == *labels)) {
        Some((labels, _)) => Err(format!("expected metric {labels} not found")),
        None => Ok(()),
    }
}

fn check_series(values: &[Item], got: &RangeSeries, (start, end, step): (i64, i64, i64)) -> Result<(), String> {
    let mut floats = got.floats.iter();
    let mut histograms = got.histograms.iter();
    for (index, wanted) in values.iter().enumerate() {
        let ts = start + step * i64::try_from(index).unwrap_or(i64::MAX);
        if ts > end {
            return Err(format!("expected {} points, but the time range cannot return this many", values.len()));
        }
        match wanted {
            Item::Omitted => {}
            Item::Float(value) => match floats.next() {
                Some((at, got)) if *at == ts && almost_equal(*value, *got) => {}
                other => return Err(format!("expected {} at {ts}, got {other:?}", general(*value))),
            },
            Item::Histogram(value, hinted) => match histograms.next() {
                Some((at, got)) if *at == ts && histograms_equal(value, got, *hinted) => {}
                Some((at, got)) => return Err(format!("expected {} at {ts}, got {} at {at}", histogram(value), histogram(got))),
                None => return Err(format!("expected {} at {ts}, got no histogram", histogram(value))),
            },
        }
    }
    match (floats.next(), histograms.next()) {
        (None, None) => Ok(()),
        _ => Err(format!("more points than the {} expected positions", values.len())),
    }
}

/// Whether series are sorted by labels.
pub fn check_sorted(series: &[RangeSeries]) -> Result<(), String> {
    match series.windows(2).find(|pair| pair[0].labels > pair[1].labels) {
        Some(pair) => Err(format!("series are not sorted: {} stands before {}", pair[0].labels, pair[1].labels)),
        None => Ok(()),
    }
}

/// Holds warnings or infos against the expectation; `kind` names them.
pub fn check_notes(notes: &Notes, got: &[String], kind: &str) -> Result<(), String> {
    if notes.none && !got.is_empty() {
        return Err(format!("unexpected {kind} annotations: {got:?}"));
    }
    if (notes.some || !notes.words.is_empty()) && got.is_empty() {
        return Err(format!("expected {kind} annotations but none were found"));
    }
    if notes.words.is_empty() {
        return Ok(());
    }
    if let Some(missing) = notes.words.iter().find(|words| !got.iter().any(|message| words.fit(message))) {
        return Err(format!("expected {kind} annotation {missing:?} was not found, found: {got:?}"));
    }
    match got.iter().find(|message| !notes.words.iter().any(|words| words.fit(message))) {
        Some(surplus) => Err(format!("unexpected {kind} annotation {surplus:?}")),
        None => Ok(()),
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Scalar(_, value) => format!("scalar {}", general(*value)),
        Value::String(_, text) => format!("string {text:?}"),
        Value::Vector(samples) => {
            let samples: Vec<String> = samples.iter().map(|sample| format!("{} {}", sample.labels, point(&sample.value))).collect();
            format!("vector [{}]", samples.join(", "))
        }
        Value::Matrix(series) => {
            let series: Vec<String> = series.iter().map(|series| format!("{} {}", series.labels, points(series))).collect();
            format!("matrix [{}]", series.join(", "))
        }
    }
}

fn points(series: &RangeSeries) -> String {
    let mut out = String::from("[");
    for (ts, value) in &series.floats {
        out.push_str(&format!(" {}@{ts}", general(*value)));
    }
    for (ts, value) in &series.histograms {
        out.push_str(&format!(" {}@{ts}", histogram(value)));
    }
    out + " ]"
}

fn point(point: &Point) -> String {
    match point {
        Point::Float(value) => general(*value),
        Point::Histogram(value) => histogram(value),
    }
}

fn item(item: &Item) -> String {
    match item {
        Item::Omitted => "_".to_owned(),
        Item::Float(value) => general(*value),
        Item::Histogram(value, _) => histogram(value),
    }
}

fn items(values: &[Item]) -> String {
    values.iter().map(item).collect::<Vec<_>>().join(" ")
}

/// A histogram in the notation of scripts, with its buckets by index.
pub fn histogram(histogram: &Histogram) -> String {
    let mut out = format!(
        "{{{{schema:{} count:{} sum:{} z_bucket:{} z_bucket_w:{} hint:{:?}",
        histogram.schema,
        general(histogram.count),
        general(histogram.sum),
        general(histogram.zero_count),
        general(histogram.zero_threshold),
        histogram.reset_hint
    );
    let sides = [
        ("buckets", &histogram.positive_spans, &histogram.positive_buckets),
        ("n_buckets", &histogram.negative_spans, &histogram.negative_buckets),
    ];
    let mut written = Ok(());
    for (name, spans, counts) in sides {
        written = written.and_then(|()| write!(out, " {name}:{:?}", buckets(spans, counts)));
    }
    if histogram.has_custom_buckets() {
        written = written.and_then(|()| write!(out, " custom_values:{:?}", histogram.custom_bounds));
    }
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
    out + "}}"
}
