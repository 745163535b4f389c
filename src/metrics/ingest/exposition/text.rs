//! The Prometheus text format 0.0.4, with the quoted names of 1.0.0.

use std::borrow::Cow;

use super::series::{Series, SeriesForm};
use super::token::{
    braces_end, error_at, found_at, metric_name_end, parse_float, parse_integer, quote_bytes, quoted_end, skip_blanks, starts_metric_name,
    unescape, unescape_help,
};
use super::{Event, ParseError, Sample};
use crate::series::sample::MetricType;

/// Walks a body in the text format. Accepts what Prometheus 3 accepts, and negative timestamps.
#[derive(Debug, Clone)]
pub struct TextParser<'a> {
    body: &'a [u8],
    at: usize,
    kind: MetricType,
    /// Name of the family that `kind` speaks of.
    family: &'a [u8],
}

impl<'a> TextParser<'a> {
    /// At the start of `body`.
    pub fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0, kind: MetricType::Unknown, family: &[] }
    }

    /// The next event, or none at the end.
    #[inline]
    pub fn next_event(&mut self) -> Result<Option<Event<'a>>, ParseError> {
        loop {
            self.at = skip_blanks(self.body, self.at);
            match self.body.get(self.at) {
                None => return Ok(None),
                Some(b'\n') => self.at += 1,
                Some(b'#') => {
                    if let Some(event) = self.comment()? {
                        return Ok(Some(event));
                    }
                }
                Some(&byte) if starts_metric_name(byte) || byte == b'{' => return self.sample().map(|sample| Some(Event::Sample(sample))),
                Some(_) => return Err(self.error(self.at, format!("expected a valid start token, got {}", found_at(self.body, self.at)))),
            }
        }
    }

    #[inline]
    fn sample(&mut self) -> Result<Sample<'a>, ParseError> {
        let body = self.body;
        let start = self.at;
        let name_end = metric_name_end(body, start);
        let brace = skip_blanks(body, name_end);
        let end = if body.get(brace) == Some(&b'{') {
            braces_end(body, brace).ok_or_else(|| self.error(start, "label set does not end".to_owned()))?
        } else {
            name_end
        };
        let raw = &body[start..end];
        let value_at = skip_blanks(body, end);
        let value_end = token_end(body, value_at);
        if value_end == value_at || body[value_at] == b'{' {
            return Err(self.error(value_at, format!("expected value after metric, got {}", found_at(body, value_at))));
        }
        let number = &body[value_at..value_end];
        let value = parse_float(number).ok_or_else(|| self.error(value_at, format!("cannot read the value {}", quote_bytes(number))))?;
        let mut at = skip_blanks(body, value_end);
        let mut ts = None;
        if !matches!(body.get(at), None | Some(b'\n')) {
            let ts_end = token_end(body, at);
            let text = &body[at..ts_end];
            let time = parse_integer(text)
                .ok_or_else(|| self.error(at, format!("expected timestamp or new record, got {}", quote_bytes(text))))?;
            ts = Some(time);
            at = skip_blanks(body, ts_end);
            if !matches!(body.get(at), None | Some(b'\n')) {
                return Err(self.error(at, format!("expected next entry after timestamp, got {}", found_at(body, at))));
            }
        }
        self.at = at + 1;
        let kind = if self.kind == MetricType::Unknown || !raw.starts_with(self.family) && raw[0] != b'{' {
            MetricType::Unknown
        } else {
            self.kind
        };
        Ok(Sample { series: Series { raw, form: SeriesForm::Text, kind, body }, value, ts, start_ts: 0, exemplar: None })
    }

    /// A line that begins with `#`: metadata, or nothing.
    fn comment(&mut self) -> Result<Option<Event<'a>>, ParseError> {
        let start = self.at;
        let line_end = memchr::memchr(b'\n', &self.body[start..]).map_or(self.body.len(), |at| start + at);
        let line = &self.body[..line_end];
        self.at = line_end + 1;
        let word_at = skip_blanks(line, start + 1);
        let is_type = match line.get(word_at..word_at + 5) {
            _ if word_at == start + 1 => return Ok(None),
            Some(word) if word.starts_with(b"TYPE") && matches!(word[4], b' ' | b'\t') => true,
            Some(word) if word.starts_with(b"HELP") && matches!(word[4], b' ' | b'\t') => false,
            _ => return Ok(None),
        };
        let name_at = skip_blanks(line, word_at + 5);
        if name_at == line.len() {
            return Ok(None);
        }
        let (family, name_end) = self.family_name(line, name_at)?;
        // One character parts name and text, whatever it is; as upstream.
        let rest = std::str::from_utf8(line.get(name_end + 1..).unwrap_or_default())
            .map_err(|_| self.error(start, format!("help text {} is not a valid utf8 string", quote_bytes(&line[name_end..]))))?;
        if !is_type {
            return Ok(Some(Event::Help { family, text: unescape_help(rest) }));
        }
        let kind = match rest {
            "counter" => MetricType::Counter,
            "gauge" => MetricType::Gauge,
            "histogram" => MetricType::Histogram,
            "summary" => MetricType::Summary,
            "untyped" => MetricType::Unknown,
            other => return Err(self.error(start, format!("invalid metric type {other:?}"))),
        };
        self.kind = kind;
        self.family = if line[name_at] == b'"' { &line[name_at + 1..name_end - 1] } else { &line[name_at..name_end] };
        Ok(Some(Event::Type { family, kind }))
    }

    fn family_name(&self, line: &'a [u8], at: usize) -> Result<(Cow<'a, str>, usize), ParseError> {
        let expected = || self.error(at, format!("expected metric name, got {}", found_at(line, at)));
        if line.get(at) == Some(&b'"') {
            let end = quoted_end(line, at).ok_or_else(expected)?;
            let name = std::str::from_utf8(&line[at + 1..end - 1]).map_err(|_| expected())?;
            return Ok((unescape(name), end));
        }
        let end = metric_name_end(line, at);
        match std::str::from_utf8(&line[at..end]) {
            Ok(name) if end > at => Ok((Cow::Borrowed(name), end)),
            _ => Err(expected()),
        }
    }

    #[cold]
    fn error(&self, at: usize, message: String) -> ParseError {
        error_at(self.body, at, message)
    }
}

#[inline]
fn token_end(body: &[u8], mut at: usize) -> usize {
    while !matches!(body.get(at), None | Some(b' ' | b'\t' | b'\n')) {
        at += 1;
    }
    at
}
