//! The OpenMetrics text format 1.0: one space between parts, exemplars, units, `_created`, and `# EOF` at the end.

use std::borrow::Cow;

use memchr::memmem;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

use super::series::{LabelScratch, Series, SeriesForm, exemplar_labels};
use super::token::{
    braces_end, error_at, found_at, metric_name_end, parse_float, parse_seconds, quote_bytes, quoted_end, starts_metric_name, unescape,
};
use super::{Event, ParseError, ParsedExemplar, Sample};
use crate::series::labels::{BUCKET, LabelsIter, METRIC_NAME, QUANTILE, put_label};
use crate::series::sample::MetricType;

const CREATED: &str = "_created";

/// Walks a body in the OpenMetrics format.
#[derive(Debug)]
pub struct OpenMetricsParser<'a> {
    body: &'a [u8],
    at: usize,
    kind: MetricType,
    family: Cow<'a, str>,
    created: Option<CreatedTimes>,
    /// Whether the body is a piece of a longer one, and so need not end with `# EOF`.
    is_piece: bool,
    ended: bool,
}

/// What a parser carries over from one piece of a body to the next.
#[derive(Debug, Clone, Default)]
pub struct Carry {
    kind: MetricType,
    family: String,
}

/// Start times of the family at hand, by the hash of the labels that name a metric point.
#[derive(Debug, Default)]
struct CreatedTimes {
    by_point: FxHashMap<u64, i64>,
    scratch: LabelScratch,
    packed: Vec<u8>,
    point: Vec<u8>,
}

impl CreatedTimes {
    /// The metric's name and the hash of its labels but for name, `le` and `quantile`.
    fn point_of(&mut self, series: &Series<'_>) -> Result<(&str, u64), ParseError> {
        self.packed.clear();
        self.point.clear();
        series.packed(&mut self.scratch, &mut self.packed)?;
        let mut metric = "";
        for (name, value) in LabelsIter::over_checked(&self.packed) {
            match name {
                METRIC_NAME => metric = value,
                BUCKET | QUANTILE => {}
                _ => put_label(&mut self.point, name, value),
            }
        }
        Ok((metric, xxh3_64(&self.point)))
    }
}

impl<'a> OpenMetricsParser<'a> {
    /// At the start of `body`. With `created_as_start`, `_created` series of counters, histograms and summaries are
    /// not samples but the start times of the samples beside them.
    pub fn new(body: &'a [u8], created_as_start: bool) -> Self {
        let created = created_as_start.then(CreatedTimes::default);
        Self { body, at: 0, kind: MetricType::Unknown, family: Cow::Borrowed(""), created, is_piece: false, ended: false }
    }

    /// At the start of a piece of a longer body; pieces are cut after line breaks.
    pub fn resume(piece: &'a [u8], carry: Carry) -> Self {
        let family = Cow::Owned(carry.family);
        Self { body: piece, at: 0, kind: carry.kind, family, created: None, is_piece: true, ended: false }
    }

    /// What the next piece needs to know.
    pub fn carry(&self) -> Carry {
        Carry { kind: self.kind, family: self.family.clone().into_owned() }
    }

    /// Whether `# EOF` was read.
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    /// The next event, or none after `# EOF`.
    #[inline]
    pub fn next_event(&mut self) -> Result<Option<Event<'a>>, ParseError> {
        loop {
            match self.body.get(self.at) {
                None if self.is_piece => return Ok(None),
                None => return Err(self.error(self.at, "data does not end with # EOF".to_owned())),
                Some(b'#') => return self.comment(),
                Some(&byte) if starts_metric_name(byte) || byte == b'{' => {
                    let mut sample = self.sample()?;
                    if self.take_start(&mut sample)? {
                        return Ok(Some(Event::Sample(sample)));
                    }
                }
                Some(_) => return Err(self.error(self.at, format!("expected a valid start token, got {}", found_at(self.body, self.at)))),
            }
        }
    }

    #[inline]
    fn sample(&mut self) -> Result<Sample<'a>, ParseError> {
        let body = self.body;
        let start = self.at;
        let name_end = metric_name_end(body, start);
        let end = if body.get(name_end) == Some(&b'{') {
            braces_end(body, name_end).ok_or_else(|| self.error(start, "label set does not end".to_owned()))?
        } else {
            name_end
        };
        let raw = &body[start..end];
        let (number, mut at) = self.token(end, "value after metric")?;
        let value = self.float(number, end + 1)?;
        let mut ts = None;
        if body.get(at) == Some(&b' ') && !body[at..].starts_with(b" # {") {
            let (text, after) = self.token(at, "timestamp or # symbol")?;
            ts = Some(parse_seconds(text).ok_or_else(|| self.error(at, format!("invalid timestamp {}", quote_bytes(text))))?);
            at = after;
        }
        let mut exemplar = None;
        if body[at.min(body.len())..].starts_with(b" # {") {
            let (found, after) = self.exemplar(at + 3)?;
            self.check_exemplar_allowed(raw, at)?;
            exemplar = Some(found);
            at = after;
        }
        self.end_of_line(at)?;
        self.at = at + 1;
        let series = Series { raw, form: SeriesForm::OpenMetrics, kind: self.kind, body };
        Ok(Sample { series, value, ts, start_ts: 0, exemplar })
    }

    /// A space and what follows up to the next space or line break.
    #[inline]
    fn token(&self, at: usize, expected: &str) -> Result<(&'a [u8], usize), ParseError> {
        let body = self.body;
        let mut end = at + 1;
        while !matches!(body.get(end), None | Some(b' ' | b'\n')) {
            end += 1;
        }
        if body.get(at) != Some(&b' ') || end == at + 1 {
            return Err(self.error(at, format!("expected {expected}, got {}", found_at(body, at))));
        }
        Ok((&body[at + 1..end], end))
    }

    #[inline]
    fn float(&self, text: &[u8], at: usize) -> Result<f64, ParseError> {
        parse_float(text).ok_or_else(|| self.error(at, format!("cannot read the value {}", quote_bytes(text))))
    }

    fn end_of_line(&self, at: usize) -> Result<(), ParseError> {
        match self.body.get(at) {
            Some(b'\n') => Ok(()),
            None => Err(self.error(at, "data does not end with # EOF".to_owned())),
            Some(_) => Err(self.error(at, format!("expected next entry, got {}", found_at(self.body, at)))),
        }
    }

    /// `{…} value [timestamp]` from the brace at `at`.
    fn exemplar(&self, at: usize) -> Result<(ParsedExemplar, usize), ParseError> {
        let end = braces_end(self.body, at).ok_or_else(|| self.error(at, "exemplar labels do not end".to_owned()))?;
        let labels = exemplar_labels(&self.body[at..end]).map_err(|message| self.error(at, message))?;
        let (number, mut after) = self.token(end, "value after exemplar labels")?;
        let value = self.float(number, end + 1)?;
        let mut ts = None;
        if self.body.get(after) == Some(&b' ') {
            let (text, end) = self.token(after, "exemplar timestamp")?;
            let time = parse_seconds(text).ok_or_else(|| self.error(after, format!("invalid exemplar timestamp {}", quote_bytes(text))))?;
            (ts, after) = (Some(time), end);
        }
        Ok((ParsedExemplar { labels, value, ts }, after))
    }

    /// The specification gives exemplars to counters and buckets; values that describe a state or a sum have none.
    fn check_exemplar_allowed(&self, raw: &[u8], at: usize) -> Result<(), ParseError> {
        let name = &raw[..metric_name_end(raw, 0)];
        if name.ends_with(b"_bucket") || name.ends_with(b"_total") {
            return Ok(());
        }
        let refused = match self.kind {
            MetricType::Gauge | MetricType::Info | MetricType::StateSet => true,
            MetricType::Histogram | MetricType::GaugeHistogram => name.ends_with(b"_sum"),
            _ => false,
        };
        if refused || name.ends_with(CREATED.as_bytes()) {
            return Err(self.error(at, format!("metric name {} does not support exemplars", String::from_utf8_lossy(name))));
        }
        Ok(())
    }

    /// Metadata or the end mark.
    fn comment(&mut self) -> Result<Option<Event<'a>>, ParseError> {
        let start = self.at;
        let body = self.body;
        let rest = &body[start..];
        if let Some(after) = rest.strip_prefix(b"# EOF") {
            return match after {
                b"" | b"\n" => {
                    self.at = body.len();
                    (self.is_piece, self.ended) = (true, true);
                    Ok(None)
                }
                _ => Err(self.error(start, "unexpected data after # EOF".to_owned())),
            };
        }
        let word = rest.get(..7).filter(|word| matches!(*word, b"# TYPE " | b"# HELP " | b"# UNIT "));
        let word = word.ok_or_else(|| self.error(start, format!("expected a valid start token, got {}", found_at(body, start))))?;
        let word = std::str::from_utf8(&word[2..6]).unwrap_or_default();
        let (family, name_end) = self.family_name(start + 7, word)?;
        let line_end = memchr::memchr(b'\n', &body[name_end..]).map(|at| name_end + at);
        let line_end =
            line_end.filter(|_| body.get(name_end) == Some(&b' ')).ok_or_else(|| self.error(start, format!("expected text in {word}")))?;
        let text = std::str::from_utf8(&body[name_end + 1..line_end])
            .map_err(|_| self.error(start, format!("{word} text of {family} is not a valid utf8 string")))?;
        self.at = line_end + 1;
        match word {
            "TYPE" => {
                let kind = MetricType::parse(text).filter(|_| text != "untyped");
                self.kind = kind.ok_or_else(|| self.error(start, format!("invalid metric type {text:?}")))?;
                self.family = family.clone();
                self.find_created();
                Ok(Some(Event::Type { family, kind: self.kind }))
            }
            "HELP" => Ok(Some(Event::Help { family, text: unescape(text) })),
            _ => {
                if !text.is_empty() && !family.strip_suffix(text).is_some_and(|stem| stem.ends_with('_')) {
                    return Err(self.error(start, format!("unit {text:?} not a suffix of metric {family:?}")));
                }
                Ok(Some(Event::Unit { family, unit: Cow::Borrowed(text) }))
            }
        }
    }

    fn family_name(&self, at: usize, word: &str) -> Result<(Cow<'a, str>, usize), ParseError> {
        let body = self.body;
        let expected = || self.error(at, format!("expected metric name after {word}, got {}", found_at(body, at)));
        if body.get(at) == Some(&b'"') {
            let end = quoted_end(body, at).ok_or_else(expected)?;
            let name = std::str::from_utf8(&body[at + 1..end - 1]).map_err(|_| expected())?;
            return Ok((unescape(name), end));
        }
        let end = metric_name_end(body, at);
        match std::str::from_utf8(&body[at..end]) {
            Ok(name) if end > at => Ok((Cow::Borrowed(name), end)),
            _ => Err(expected()),
        }
    }

    /// Looks through the family that begins at `at` for `_created` samples.
    fn find_created(&mut self) {
        let Some(created) = &mut self.created else { return };
        created.by_point.clear();
        if !matches!(self.kind, MetricType::Counter | MetricType::Histogram | MetricType::Summary) {
            return;
        }
        let rest = &self.body[self.at..];
        let end = memmem::find(rest, b"\n# TYPE ").map_or(rest.len(), |at| at + 1);
        let mut last_line = usize::MAX;
        for hit in memmem::find_iter(&rest[..end], CREATED) {
            let line = memchr::memrchr(b'\n', &rest[..hit]).map_or(0, |at| at + 1);
            if line == last_line || rest[line] == b'#' {
                continue;
            }
            last_line = line;
            // The line alone: what does not end with it would be sought, and its number counted, through the whole body.
            let line_end = memchr::memchr(b'\n', &rest[hit..]).map_or(rest.len(), |at| hit + at + 1);
            let mut probe = Self::resume(&rest[line..line_end], Carry { kind: self.kind, family: String::new() });
            // What is malformed here is reported when the walk itself comes by.
            let Ok(sample) = probe.sample() else { continue };
            let Ok((metric, point)) = created.point_of(&sample.series) else { continue };
            let ms = sample.value * 1000.0;
            if metric.strip_suffix(CREATED) == Some(&*self.family) && ms.is_finite() && ms.abs() < 9.2e18 {
                created.by_point.insert(point, ms as i64);
            }
        }
    }

    /// Gives the sample its start time; false when it is itself a `_created` sample.
    fn take_start(&mut self, sample: &mut Sample<'_>) -> Result<bool, ParseError> {
        let Some(created) = self.created.as_mut().filter(|created| !created.by_point.is_empty()) else { return Ok(true) };
        let (metric, point) = created.point_of(&sample.series)?;
        let is_created = metric.strip_suffix(CREATED) == Some(&*self.family);
        let is_member = metric.starts_with(&*self.family);
        if let Some(start) = created.by_point.get(&point).filter(|_| is_member) {
            sample.start_ts = *start;
        }
        Ok(!is_created)
    }

    #[cold]
    fn error(&self, at: usize, message: String) -> ParseError {
        error_at(self.body, at, message)
    }
}
