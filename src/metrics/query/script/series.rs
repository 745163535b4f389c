//! Series as scripts write them: a label set, then values at equal distances.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::lex::{Kind, Lexer};
use super::super::parse::text;
use crate::series::histogram::{Histogram, ResetHint, Span};
use crate::series::labels::{Labels, LabelsBuilder, METRIC_NAME};
use crate::series::sample::stale_nan;

/// More values in one series are refused.
const VALUES_MAX: usize = 1_000_000;

/// What stands at one position of a sequence.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// Nothing (`_`).
    Omitted,
    /// A number; `stale` is the staleness marker.
    Float(f64),
    /// A histogram, and whether its reset hint was written.
    Histogram(Arc<Histogram>, bool),
}

/// Reads a label set and the values behind it.
pub fn parse_series(line: &str) -> Result<(Labels, Vec<Item>), String> {
    let (labels, rest) = parse_labels(line.trim())?;
    if !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return Err(format!("expected white space before {rest:?}"));
    }
    Ok((labels, parse_values(rest)?))
}

/// Reads `name{a="b"}`, `{"name", a="b"}` or `name`; what is left comes back too. Nothing at all is the empty set, as
/// rule tests write the labels of a scalar.
pub fn parse_labels(line: &str) -> Result<(Labels, &str), String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let name_len = line.find(|c: char| !is_name(c)).unwrap_or(line.len());
    let (name, rest) = line.split_at(name_len);
    if name.starts_with(|c: char| c.is_ascii_digit()) || (name.is_empty() && !rest.is_empty() && !rest.starts_with('{')) {
        return Err(format!("expected a series, got {line:?}"));
    }
    let mut labels = LabelsBuilder::new();
    let rest = if rest.starts_with('{') { parse_braces(rest, &mut labels)? } else { rest };
    if !name.is_empty() {
        labels.set(METRIC_NAME, name);
    }
    Ok((labels.build(), rest))
}

fn parse_braces<'a>(line: &'a str, labels: &mut LabelsBuilder) -> Result<&'a str, String> {
    let mut lexer = Lexer::new(line);
    let mut next = || lexer.next_token().map_err(|error| error.message);
    let text_of = |span: super::super::ast::Span| line.get(span.start as usize..span.end as usize).unwrap_or("");
    next()?;
    let mut token = next()?;
    loop {
        let name = match token.kind {
            Kind::RightBrace => break,
            Kind::Identifier => text_of(token.span).to_owned(),
            Kind::String => text::unquote(text_of(token.span)),
            _ => return Err(format!("unexpected {:?} in label set, expected identifier or \"}}\"", text_of(token.span))),
        };
        let quoted = token.kind == Kind::String;
        token = next()?;
        if token.kind == Kind::Equal {
            let value = next()?;
            if value.kind != Kind::String {
                return Err(format!("unexpected {:?} in label set, expected string", text_of(value.span)));
            }
            labels.set(&name, &text::unquote(text_of(value.span)));
            token = next()?;
        } else if quoted {
            labels.set(METRIC_NAME, &name);
        } else {
            return Err(format!("unexpected {:?} in label set, expected \"=\"", text_of(token.span)));
        }
        match token.kind {
            Kind::Comma => token = next()?,
            Kind::RightBrace => {}
            _ => return Err(format!("unexpected {:?} in label set, expected \",\" or \"}}\"", text_of(token.span))),
        }
    }
    Ok(line.get(token.span.end as usize..).unwrap_or(""))
}

/// Reads `1 2+3x4 _x5 stale {{sum:1}}`.
pub fn parse_values(text: &str) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        rest = if rest.starts_with("{{") {
            histograms(rest, &mut items)?
        } else {
            let end = rest.find([' ', '\t']).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            floats(word, &mut items).map_err(|why| format!("bad series value {word:?}: {why}"))?;
            behind
        };
        rest = rest.trim_start();
    }
    Ok(items)
}

/// `N` of `xN`, refused where it would pass the limit.
pub(super) fn repetitions(text: &str, already: usize) -> Result<usize, String> {
    let count: usize = text.parse().map_err(|_| format!("invalid repetition in series values: {text:?}"))?;
    if count.saturating_add(already) >= VALUES_MAX {
        return Err(format!("a series may have at most {VALUES_MAX} values"));
    }
    Ok(count)
}

/// One word without histograms.
fn floats(word: &str, items: &mut Vec<Item>) -> Result<(), String> {
    if let Some(count) = word.strip_prefix('_') {
        let count = match count.strip_prefix('x') {
            Some(count) => repetitions(count, items.len())?,
            None if count.is_empty() => 1,
            None => return Err("expected \"_\" or \"_x<count>\"".to_owned()),
        };
        items.extend(std::iter::repeat_n(Item::Omitted, count));
        return Ok(());
    }
    let (mut value, mut rest) = match word.strip_prefix("stale") {
        Some(rest) => (stale_nan(), rest),
        None => signed_number(word)?,
    };
    let mut step = 0.0;
    let stepped = rest.starts_with(['+', '-']);
    if stepped {
        (step, rest) = signed_number(rest)?;
    }
    let count = match rest.strip_prefix('x') {
        Some(count) => repetitions(count, items.len())?,
        None if rest.is_empty() && !stepped => 0,
        None => return Err(format!("unexpected {rest:?}")),
    };
    // The value itself, then as many more.
    for _ in 0..=count {
        items.push(Item::Float(value));
        if stepped {
            value += step;
        }
    }
    Ok(())
}

/// A number with a sign perhaps, and what follows. Hexadecimals are not numbers here: `0x3` is `0` four times.
fn signed_number(text: &str) -> Result<(f64, &str), String> {
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => (-1.0, &text[1..]),
        Some(b'+') => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    let mut end = 0;
    let bytes = digits.as_bytes();
    if digits.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("nan")) {
        end = 3;
    } else {
        while let Some(&byte) = bytes.get(end) {
            let exponent_sign = matches!(byte, b'+' | b'-') && end > 0 && matches!(bytes[end - 1], b'e' | b'E');
            if !(byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'_') || exponent_sign) {
                break;
            }
            end += 1;
        }
    }
    let (number, rest) = digits.split_at(end);
    if number.is_empty() {
        return Err("expected a number or \"stale\"".to_owned());
    }
    Ok((sign * text::number(number)?, rest))
}

/// `{{…}}`, `{{…}}xN`, `{{…}}+{{…}}xN`; gives back what follows.
fn histograms<'a>(text: &'a str, items: &mut Vec<Item>) -> Result<&'a str, String> {
    let (first, mut hinted, rest) = histogram(text)?;
    let sign = match rest.as_bytes().first() {
        Some(b'+') => 1.0,
        Some(b'-') => -1.0,
        _ => 0.0,
    };
    let (step, rest) = if sign == 0.0 {
        (None, rest)
    } else {
        let (step, step_hinted, rest) = histogram(&rest[1..])?;
        hinted = step_hinted;
        (Some(step), rest)
    };
    let end = rest.find([' ', '\t']).unwrap_or(rest.len());
    let (count, rest) = rest.split_at(end);
    let count = match count.strip_prefix('x') {
        Some(count) => repetitions(count, items.len())?,
        None if count.is_empty() && step.is_none() => 0,
        None => return Err(format!("unexpected {count:?} behind a histogram")),
    };
    let mut current = first;
    for index in 0..=count {
        if let (Some(step), true) = (&step, index > 0) {
            current = combine(&current, step, sign)?;
        }
        items.push(Item::Histogram(Arc::new(current.clone()), hinted));
    }
    Ok(rest)
}

/// One `{{…}}`, whether its reset hint was written, and what follows.
fn histogram(text: &str) -> Result<(Histogram, bool, &str), String> {
    let inner = text.strip_prefix("{{").ok_or_else(|| format!("expected \"{{{{\", got {text:?}"))?;
    let end = inner.find("}}").ok_or("unclosed histogram, expected \"}}\"")?;
    let (mut body, rest) = (inner[..end].trim(), &inner[end + 2..]);
    let mut out = Histogram::default();
    let (mut offset, mut negative_offset, mut hinted) = (0, 0, false);
    let mut seen: Vec<&str> = Vec::new();
    while !body.is_empty() {
        let (key, behind) = body.split_once(':').ok_or_else(|| format!("missing `:` for histogram descriptor {body:?}"))?;
        if seen.contains(&key) {
            return Err(format!("duplicate key {key:?} in histogram"));
        }
        seen.push(key);
        let end = if behind.starts_with('[') {
            behind.find(']').map(|at| at + 1).ok_or("unclosed list of buckets")?
        } else {
            behind.find([' ', '\t']).unwrap_or(behind.len())
        };
        let (value, behind) = behind.split_at(end);
        match key {
            "schema" => out.schema = whole(value)?,
            "sum" => out.sum = lone_number(value)?,
            "count" => out.count = lone_number(value)?,
            "z_bucket" => out.zero_count = lone_number(value)?,
            "z_bucket_w" => out.zero_threshold = lone_number(value)?,
            "custom_values" => out.custom_bounds = list(value)?,
            "buckets" => out.positive_buckets = list(value)?,
            "n_buckets" => out.negative_buckets = list(value)?,
            "offset" => offset = whole(value)?,
            "n_offset" => negative_offset = whole(value)?,
            "counter_reset_hint" => {
                hinted = true;
                out.reset_hint = hint(value)?;
            }
            _ => return Err(format!("bad histogram descriptor found: {key:?}")),
        }
        body = behind.trim_start();
    }
    let spans = |offset: i32, buckets: &[f64]| match u32::try_from(buckets.len()) {
        Ok(length) if length > 0 => vec![Span { offset, length }],
        _ => Vec::new(),
    };
    out.positive_spans = spans(offset, &out.positive_buckets);
    out.negative_spans = spans(negative_offset, &out.negative_buckets);
    Ok((out, hinted, rest))
}

fn hint(word: &str) -> Result<ResetHint, String> {
    Ok(match word {
        "unknown" => ResetHint::Unknown,
        "reset" => ResetHint::Reset,
        "not_reset" => ResetHint::NotReset,
        "gauge" => ResetHint::Gauge,
        _ => return Err(format!("error parsing counter_reset_hint: unknown value {word:?}")),
    })
}

fn whole(text: &str) -> Result<i32, String> {
    text.parse().map_err(|_| format!("expected a whole number, got {text:?}"))
}

fn lone_number(text: &str) -> Result<f64, String> {
    match signed_number(text)? {
        (value, "") => Ok(value),
        (_, rest) => Err(format!("unexpected {rest:?} behind a number")),
    }
}

fn list(text: &str) -> Result<Vec<f64>, String> {
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let inner = inner.ok_or_else(|| format!("expected a list such as [5 10 7], got {text:?}"))?;
    inner.split_whitespace().map(lone_number).collect()
}

/// Counts by index of bucket, empty ones left out.
pub fn buckets(spans: &[Span], counts: &[f64]) -> BTreeMap<i64, f64> {
    let mut out = BTreeMap::new();
    let mut counts = counts.iter();
    let mut index = 0i64;
    for span in spans {
        index += i64::from(span.offset);
        for count in counts.by_ref().take(span.length as usize) {
            if *count != 0.0 {
                out.insert(index, *count);
            }
            index += 1;
        }
    }
    out
}

fn from_buckets(buckets: &BTreeMap<i64, f64>) -> (Vec<Span>, Vec<f64>) {
    let (mut spans, mut counts): (Vec<Span>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut end = 0i64;
    for (&index, &count) in buckets {
        match spans.last_mut() {
            Some(span) if index == end => span.length += 1,
            _ => spans.push(Span { offset: i32::try_from(index - end).unwrap_or(i32::MAX), length: 1 }),
        }
        end = index + 1;
        counts.push(count);
    }
    (spans, counts)
}

/// `base + sign * step`, in the resolution of `base`, as a sequence grows.
fn combine(base: &Histogram, step: &Histogram, sign: f64) -> Result<Histogram, String> {
    if base.schema > step.schema {
        return Err(format!("error combining histograms: cannot merge from schema {} to {}", step.schema, base.schema));
    }
    if base.has_custom_buckets() != step.has_custom_buckets() || base.custom_bounds != step.custom_bounds {
        return Err("error combining histograms: custom bounds differ".to_owned());
    }
    if base.zero_threshold != step.zero_threshold && step.zero_count != 0.0 {
        return Err("error combining histograms: zero buckets differ".to_owned());
    }
    let coarser = u32::try_from(step.schema - base.schema).unwrap_or(0).min(31);
    let side = |spans: &[Span], counts: &[f64], step_spans: &[Span], step_counts: &[f64]| {
        let mut sum = buckets(spans, counts);
        for (index, count) in buckets(step_spans, step_counts) {
            // A bucket of a finer schema lies in the bucket whose upper bound is the next one of the coarser schema.
            let index = if coarser == 0 { index } else { ((index - 1) >> coarser) + 1 };
            *sum.entry(index).or_insert(0.0) += sign * count;
        }
        from_buckets(&sum)
    };
    let mut out = base.clone();
    (out.positive_spans, out.positive_buckets) =
        side(&base.positive_spans, &base.positive_buckets, &step.positive_spans, &step.positive_buckets);
    (out.negative_spans, out.negative_buckets) =
        side(&base.negative_spans, &base.negative_buckets, &step.negative_spans, &step.negative_buckets);
    out.count += sign * step.count;
    out.sum += sign * step.sum;
    out.zero_count += sign * step.zero_count;
    out.reset_hint = combined_hint(base.reset_hint, step.reset_hint);
    Ok(out)
}

/// A gauge stays a gauge; of two others that differ nothing is known.
fn combined_hint(base: ResetHint, step: ResetHint) -> ResetHint {
    if base == step {
        base
    } else if base == ResetHint::Gauge || step == ResetHint::Gauge {
        ResetHint::Gauge
    } else {
        ResetHint::Unknown
    }
}
