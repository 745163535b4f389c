//! The name of a series as it stands in a body, and its expansion to sorted packed labels.

use std::borrow::Cow;

use super::ParseError;
use super::token::{error_at, found_at, label_name_end, metric_name_end, parse_float, push_unescaped, quoted_end, skip_blanks};
use super::write::push_openmetrics_float;
use crate::series::labels::{BUCKET, Labels, METRIC_NAME, QUANTILE, check_packed, put_label};
use crate::series::sample::MetricType;

/// How the bytes of a [`Series`] are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesForm {
    /// Text format: blanks between parts, commas may be missing or trail.
    Text,
    /// OpenMetrics: no blanks, no trailing comma.
    OpenMetrics,
    /// Packed labels already (protobuf).
    Packed,
}

/// What a sample belongs to: raw bytes from the body, not expanded yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Series<'a> {
    /// The bytes that name the series, such as `name{a="b"}`. Equal bytes name equal series within one target and format.
    pub raw: &'a [u8],
    /// How to read them.
    pub form: SeriesForm,
    /// Kind of the metric family they stand in.
    pub kind: MetricType,
    /// The whole body, to find the line of an error.
    pub body: &'a [u8],
}

/// Memory reused from one expansion to the next.
#[derive(Debug, Default)]
pub struct LabelScratch {
    text: String,
    /// Ranges in `text`: name from, name to = value from, value to.
    pairs: Vec<(u32, u32, u32)>,
}

impl LabelScratch {
    /// Without memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn clear(&mut self) {
        self.text.clear();
        self.pairs.clear();
    }

    /// Adds one label, escapes resolved.
    fn add(&mut self, name: &str, value: &str) {
        let start = self.text.len() as u32;
        push_unescaped(name, true, &mut self.text);
        let middle = self.text.len() as u32;
        push_unescaped(value, true, &mut self.text);
        self.pairs.push((start, middle, self.text.len() as u32));
    }

    /// Sorts, refuses duplicates, drops empty values, appends the packed form.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        let text = self.text.as_str();
        let name = |pair: &(u32, u32, u32)| &text[pair.0 as usize..pair.1 as usize];
        self.pairs.sort_unstable_by(|a, b| name(a).cmp(name(b)));
        if let Some(twice) = self.pairs.windows(2).find(|two| name(&two[0]) == name(&two[1])) {
            return Err(format!("label name {:?} is not unique: invalid sample", name(&twice[0])));
        }
        for pair in &self.pairs {
            let value = &text[pair.1 as usize..pair.2 as usize];
            if !value.is_empty() {
                put_label(out, name(pair), value);
            }
        }
        Ok(())
    }
}

impl Series<'_> {
    /// Appends the sorted packed labels to `out`; on an error `out` is as before.
    ///
    /// `le` of histograms and `quantile` of summaries are brought to OpenMetrics' canonical form, as Prometheus 3 does.
    pub fn packed(&self, scratch: &mut LabelScratch, out: &mut Vec<u8>) -> Result<(), ParseError> {
        let before = out.len();
        let result = match self.form {
            SeriesForm::Packed => {
                check_packed(self.raw).map(|()| out.extend_from_slice(self.raw)).map_err(|_| (0, "malformed labels".to_owned()))
            }
            SeriesForm::Text | SeriesForm::OpenMetrics => self.expand(scratch, out),
        };
        result.map_err(|(at, message)| {
            out.truncate(before);
            let start = (self.raw.as_ptr() as usize).saturating_sub(self.body.as_ptr() as usize);
            error_at(self.body, start + at, message)
        })
    }

    /// The labels on their own.
    pub fn labels(&self) -> Result<Labels, ParseError> {
        let mut packed = Vec::new();
        self.packed(&mut LabelScratch::new(), &mut packed)?;
        Labels::from_packed(&packed).map_err(|error| ParseError { line: 0, message: error.to_string() })
    }

    fn expand(&self, scratch: &mut LabelScratch, out: &mut Vec<u8>) -> Result<(), (usize, String)> {
        scratch.clear();
        let text = std::str::from_utf8(self.raw).map_err(|error| {
            let bytes = String::from_utf8_lossy(self.raw);
            (error.valid_up_to(), format!("invalid UTF-8 label value or name in {}", crate::series::labels::quote(&bytes)))
        })?;
        let mut name_end = metric_name_end(self.raw, 0);
        let mut named = name_end > 0;
        if named {
            scratch.add(METRIC_NAME, &text[..name_end]);
        }
        if matches!(self.form, SeriesForm::Text) {
            name_end = skip_blanks(self.raw, name_end);
        }
        if name_end < self.raw.len() {
            named |= read_label_set(text, name_end, self.form, self.kind, named, scratch)?;
        }
        if !named {
            return Err((0, format!("metric name not set while parsing: {text:?}")));
        }
        scratch.finish(out).map_err(|message| (0, message))
    }
}

/// The labels of an exemplar: `{trace_id="abc"}` from brace to brace.
pub(super) fn exemplar_labels(braces: &[u8]) -> Result<Labels, String> {
    let text = std::str::from_utf8(braces).map_err(|_| "invalid UTF-8 in exemplar labels".to_owned())?;
    let mut scratch = LabelScratch::new();
    // An exemplar has no name of its own: pretend that it was set, so that a bare string is refused.
    read_label_set(text, 0, SeriesForm::OpenMetrics, MetricType::Unknown, true, &mut scratch).map_err(|(_, message)| message)?;
    let mut packed = Vec::with_capacity(braces.len());
    scratch.finish(&mut packed)?;
    Labels::from_packed(&packed).map_err(|error| error.to_string())
}

/// The family that a sample's name belongs to: parts of histograms and summaries go under one name.
pub fn family_of(name: &str, kind_of: impl Fn(&str) -> Option<MetricType>) -> &str {
    for suffix in ["_bucket", "_count", "_sum"] {
        let Some(stem) = name.strip_suffix(suffix) else { continue };
        match kind_of(stem) {
            Some(MetricType::Histogram | MetricType::GaugeHistogram) => return stem,
            Some(MetricType::Summary) if suffix != "_bucket" => return stem,
            _ => {}
        }
    }
    name
}

/// Reads `{…}` that begins at `at` and must end with the text. Tells whether a quoted metric name was among it.
fn read_label_set(
    text: &str,
    at: usize,
    form: SeriesForm,
    kind: MetricType,
    mut named: bool,
    scratch: &mut LabelScratch,
) -> Result<bool, (usize, String)> {
    let bytes = text.as_bytes();
    let loose = form == SeriesForm::Text;
    let blanks = |at: usize| if loose { skip_blanks(bytes, at) } else { at };
    let mut found_name = false;
    let mut after_comma = false;
    let mut at = blanks(at + 1);
    loop {
        if bytes.get(at) == Some(&b'}') {
            if after_comma && !loose {
                return Err((at, "expected label name, got \"}\"".to_owned()));
            }
            return if at + 1 == bytes.len() { Ok(found_name) } else { Err((at, "unexpected brace".to_owned())) };
        }
        let (name, after_name, quoted) = read_name(text, at)?;
        at = blanks(after_name);
        match bytes.get(at) {
            Some(b',' | b'}') if quoted => {
                if named {
                    return Err((at, format!("metric name already set while parsing: {text:?}")));
                }
                if name.is_empty() {
                    return Err((at, "metric name is empty".to_owned()));
                }
                (named, found_name) = (true, true);
                scratch.add(METRIC_NAME, name);
            }
            Some(b'=') => {
                let value_at = blanks(at + 1);
                let end = Some(value_at)
                    .filter(|at| bytes.get(*at) == Some(&b'"'))
                    .and_then(|at| quoted_end(bytes, at))
                    .ok_or_else(|| (value_at, format!("expected label value, got {}", found_at(bytes, value_at))))?;
                let value = &text[value_at + 1..end - 1];
                if !loose && value.contains('\n') {
                    return Err((value_at, "expected label value, got a line break within".to_owned()));
                }
                if name.is_empty() {
                    return Err((at, "label name is empty".to_owned()));
                }
                scratch.add(name, &canonical(kind, name, value));
                at = blanks(end);
            }
            _ => return Err((at, format!("expected equal, got {}", found_at(bytes, at)))),
        }
        after_comma = bytes.get(at) == Some(&b',');
        if after_comma {
            at = blanks(at + 1);
        } else if !loose && bytes.get(at) != Some(&b'}') {
            return Err((at, format!("expected comma or brace close, got {}", found_at(bytes, at))));
        }
    }
}

/// A plain or quoted name at `at`: the name without quotes, where it ends, whether it was quoted.
fn read_name(text: &str, at: usize) -> Result<(&str, usize, bool), (usize, String)> {
    let bytes = text.as_bytes();
    if bytes.get(at) == Some(&b'"') {
        let end = quoted_end(bytes, at).ok_or_else(|| (at, "quoted name does not end".to_owned()))?;
        return Ok((&text[at + 1..end - 1], end, true));
    }
    let end = label_name_end(bytes, at);
    if end == at {
        return Err((at, format!("expected label name, got {}", found_at(bytes, at))));
    }
    Ok((&text[at..end], end, false))
}

/// `le="1"` and `le="1.0"` are the same bucket.
fn canonical<'a>(kind: MetricType, name: &str, value: &'a str) -> Cow<'a, str> {
    let is_number = (kind == MetricType::Histogram && name == BUCKET) || (kind == MetricType::Summary && name == QUANTILE);
    if !is_number {
        return Cow::Borrowed(value);
    }
    match parse_float(value.as_bytes()) {
        Some(number) => {
            let mut text = String::new();
            push_openmetrics_float(&mut text, number);
            Cow::Owned(text)
        }
        None => Cow::Borrowed(value),
    }
}
