//! What a query's author should know about its result: warnings and infos, worded as Prometheus words them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::base::time::format_rfc3339;
use crate::metrics::query::ast::Span;
use crate::series::labels::quote;

/// Which operation on histograms an annotation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// Aggregation over series or time.
    Aggregate,
}

impl Operation {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "addition",
            Self::Subtract => "subtraction",
            Self::Aggregate => "aggregation",
        }
    }
}

/// One annotation. Strings are metric names unless said otherwise.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Note<'a> {
    InvalidQuantile(f64),
    InvalidRatio { ratio: f64, capped: f64 },
    BadBucketLabel { name: &'a str, value: &'a str },
    MixedFloatsHistograms(&'a str),
    MixedInAggregation,
    MixedClassicNative(&'a str),
    NotACounter(&'a str),
    NotAGauge(&'a str),
    MixedSchemas(&'a str),
    IncompatibleLayout(&'static str),
    SortInRange,
    PossibleNonCounter(&'a str),
    PossibleNonCounterType { name: &'a str, kind: &'a str },
    ForcedMonotonicity { name: &'a str, at: i64, lowest: f64, highest: f64, max_diff: f64 },
    IncompatibleTypes { left: &'static str, op: &'static str, right: &'static str },
    HistogramIgnored(&'static str),
    HistogramIgnoredInRange(&'a str),
    QuantileNan(&'a str),
    QuantileSkewed(&'a str),
    FractionNan(&'a str),
    ResetCollision(Operation),
    BoundsReconciled(Operation),
    StartTimeOverlap(&'a str),
}

impl Note<'_> {
    const fn is_info(&self) -> bool {
        matches!(
            self,
            Self::PossibleNonCounter(_)
                | Self::PossibleNonCounterType { .. }
                | Self::ForcedMonotonicity { .. }
                | Self::IncompatibleTypes { .. }
                | Self::HistogramIgnored(_)
                | Self::HistogramIgnoredInRange(_)
                | Self::QuantileNan(_)
                | Self::QuantileSkewed(_)
                | Self::FractionNan(_)
                | Self::BoundsReconciled(_)
        )
    }

    fn text(&self) -> String {
        let named = |text: &str, name: &str| {
            if name.is_empty() { text.to_owned() } else { format!("{text} for metric name {}", quote(name)) }
        };
        match *self {
            Self::InvalidQuantile(q) => format!("quantile value should be between 0 and 1, got {}", go_float(q)),
            Self::InvalidRatio { ratio, capped } => {
                format!("ratio value should be between -1 and 1, got {}, capping to {}", go_float(ratio), go_float(capped))
            }
            Self::BadBucketLabel { name, value } => {
                named(&format!("bucket label \"le\" is missing or has a malformed value of {}", quote(value)), name)
            }
            Self::MixedFloatsHistograms(name) => {
                format!("encountered a mix of histograms and floats for metric name {}", quote(name))
            }
            Self::MixedInAggregation => "encountered a mix of histograms and floats for aggregation".to_owned(),
            Self::MixedClassicNative(name) => named("vector contains a mix of classic and native histograms", name),
            Self::NotACounter(name) => format!("this native histogram metric is not a counter: {}", quote(name)),
            Self::NotAGauge(name) => format!("this native histogram metric is not a gauge: {}", quote(name)),
            Self::MixedSchemas(name) => {
                let text = "vector contains a mix of histograms with exponential and custom buckets schemas for metric name";
                format!("{text} {}", quote(name))
            }
            Self::IncompatibleLayout(op) => format!("incompatible bucket layout encountered for binary operator {op}"),
            Self::SortInRange => "sort is ineffective for range queries since results are always ordered by labels".to_owned(),
            Self::PossibleNonCounter(name) => {
                format!("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {}", quote(name))
            }
            Self::PossibleNonCounterType { name, kind } => format!(
                "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got {}: {}",
                quote(kind),
                quote(name)
            ),
            Self::ForcedMonotonicity { name, .. } => {
                let page = "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile";
                named(&format!("input to histogram_quantile needed to be fixed for monotonicity (see {page})"), name)
            }
            Self::IncompatibleTypes { left, op, right } => {
                format!("incompatible sample types encountered for binary operator {}: {left} {op} {right}", quote(op))
            }
            Self::HistogramIgnored(aggregation) => format!("ignored histogram in {aggregation} aggregation"),
            Self::HistogramIgnoredInRange(name) => {
                format!("ignored histograms in a range containing both floats and histograms for metric name {}", quote(name))
            }
            Self::QuantileNan(name) => named("input to histogram_quantile has NaN observations, result is NaN", name),
            Self::QuantileSkewed(name) => named("input to histogram_quantile has NaN observations, result is skewed higher", name),
            Self::FractionNan(name) => {
                named("input to histogram_fraction has NaN observations, which are excluded from all fractions", name)
            }
            Self::ResetCollision(operation) => format!("conflicting counter resets during histogram {}", operation.as_str()),
            Self::BoundsReconciled(operation) => format!("mismatched custom buckets were reconciled during {}", operation.as_str()),
            Self::StartTimeOverlap(name) => {
                format!("sample has start time that overlaps with previous sample timestamp for metric {}", quote(name))
            }
        }
    }
}

/// What grows when the same annotation comes again.
#[derive(Debug, Clone)]
enum Detail {
    None,
    Monotonicity { first: i64, last: i64, lowest: f64, highest: f64, max_diff: f64, count: u64 },
    Overlap { count: u64 },
}

#[derive(Debug, Clone)]
struct Entry {
    span: Span,
    is_info: bool,
    detail: Detail,
}

/// The annotations of a query; equal texts are kept once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Annotations(BTreeMap<String, Entry>);

impl Annotations {
    /// Adds one about the part of the query at `span`.
    pub(crate) fn add(&mut self, span: Span, note: &Note<'_>) {
        let detail = match *note {
            Note::ForcedMonotonicity { at, lowest, highest, max_diff, .. } => {
                Detail::Monotonicity { first: at, last: at, lowest, highest, max_diff, count: 1 }
            }
            Note::StartTimeOverlap(_) => Detail::Overlap { count: 1 },
            _ => Detail::None,
        };
        self.insert(note.text(), Entry { span, is_info: note.is_info(), detail });
    }

    /// Adds all of another set.
    pub(crate) fn merge(&mut self, other: Self) {
        for (text, entry) in other.0 {
            self.insert(text, entry);
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn insert(&mut self, text: String, mut entry: Entry) {
        if let Some(before) = self.0.get(&text) {
            match (&mut entry.detail, &before.detail) {
                (
                    Detail::Monotonicity { first, last, lowest, highest, max_diff, count },
                    Detail::Monotonicity { first: f, last: l, lowest: lo, highest: hi, max_diff: diff, count: more },
                ) => {
                    *first = (*first).min(*f);
                    *last = (*last).max(*l);
                    *lowest = lowest.min(*lo);
                    *highest = highest.max(*hi);
                    *max_diff = max_diff.max(*diff);
                    *count += more;
                }
                (Detail::Overlap { count }, Detail::Overlap { count: more }) => *count += more,
                _ => {}
            }
        }
        self.0.insert(text, entry);
    }

    /// Warnings and infos as the API shows them, with positions in `query`.
    pub(crate) fn into_texts(self, query: &str) -> (Vec<String>, Vec<String>) {
        let (mut warnings, mut infos) = (Vec::new(), Vec::new());
        for (text, entry) in self.0 {
            let kind = if entry.is_info { "PromQL info" } else { "PromQL warning" };
            let extra: Cow<'_, str> = match entry.detail {
                Detail::Monotonicity { first, last, lowest, highest, max_diff, count } => {
                    let second = |ms: i64| format_rfc3339(ms.div_euclid(1000) * 1000);
                    let (lowest, highest, diff) = (go_float(lowest), go_float(highest), go_float_digits(max_diff, 2));
                    let (first, last) = (second(first), second(last));
                    format!(", from buckets {lowest} to {highest}, with a max diff of {diff}, over {count} samples from {first} to {last}")
                        .into()
                }
                Detail::Overlap { count } if count > 1 => format!(" ({count} occurrences)").into(),
                _ => "".into(),
            };
            let full = format!("{kind}: {text}{extra} ({})", position(query, entry.span));
            if entry.is_info { infos.push(full) } else { warnings.push(full) }
        }
        (warnings, infos)
    }
}

/// `line:column` of the start of a span, both from 1.
pub(crate) fn position(query: &str, span: Span) -> String {
    let Some(before) = query.as_bytes().get(..span.start as usize) else {
        return "invalid position".to_owned();
    };
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
    format!("{line}:{column}")
}

/// As Go's `%g`: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
pub(crate) fn go_float(value: f64) -> String {
    go_general(value, None)
}

/// As Go's `%.{digits}g`.
pub(crate) fn go_float_digits(value: f64, digits: usize) -> String {
    go_general(value, Some(digits.max(1)))
}

fn go_general(value: f64, digits: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    let scientific = match digits {
        None => format!("{value:e}"),
        Some(digits) => format!("{value:.*e}", digits - 1),
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mantissa = if digits.is_some() && mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    let significant = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let limit = match digits {
        None => 6,
        Some(digits) if digits > significant && significant as i32 > exponent => significant as i32,
        Some(digits) => digits as i32,
    };
    if exponent < -4 || exponent >= limit {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    // Digits and exponent are known; reparsing the rounded value prints it without an exponent.
    scientific.parse::<f64>().map_or_else(|_| scientific.clone(), |rounded| format!("{rounded}"))
}
