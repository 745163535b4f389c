//! The memory in which a door gathers the lines of one request: checked, with their level, and what was refused.

use std::sync::Arc;

use super::limits::{LineLimits, REQUEST_MEMORY_MAX, or_none};
use super::refusal::{Reason, Refusals, too_long};
use super::streams::{KnownStream, Streams};
use crate::logs::model::batch::LineBatch;
use crate::logs::model::level::LineLevel;
use crate::series::labels::{Labels, put_label};

/// The field that holds the level of a line.
pub const DETECTED_LEVEL: &str = "detected_level";
/// Lines of one request; each takes memory, however short it is.
pub const LINES_MAX: usize = 500_000;
/// Streams of one request.
pub const STREAMS_MAX: usize = 200_000;
/// Bytes of text, and of fields, of one request. Positions in a batch have 32 bits.
pub const TEXT_BYTES_MAX: usize = 1 << 30;
/// Fields of one line that are held; a line with more is refused, whatever the settings allow.
const FIELDS_HELD_MAX: usize = 10_000;
/// Bytes of them.
const FIELD_BYTES_HELD_MAX: usize = 4 << 20;
/// What a line takes beside its text and its fields, here and in storage until it is in a part.
const LINE_BYTES: usize = 160;
/// What a stream takes beside its labels.
const STREAM_BYTES: usize = 512;
/// Memory beyond this is given back after a request, in bytes.
const KEPT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A request that is too large to be taken at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    /// Too many lines.
    #[error("the request has more than {LINES_MAX} lines")]
    Lines,
    /// Too many streams.
    #[error("the request has more than {STREAMS_MAX} streams")]
    Streams,
    /// Too much text.
    #[error("the request has more than {TEXT_BYTES_MAX} bytes of text or fields")]
    Text,
    /// What it says would take too much memory, in bytes.
    #[error("what the request says would take more than {0} bytes of memory; send it in smaller ones")]
    Memory(usize),
}

/// The lines of one request. Reused.
#[derive(Debug)]
pub struct Gather {
    pub(super) batch: LineBatch,
    /// What was refused so far.
    pub refusals: Refusals,
    /// Lines seen, refused ones too.
    pub(super) seen: u64,
    /// Bytes of text of the lines seen.
    pub(super) seen_bytes: u64,
    /// The streams of the batch, by position.
    stream: Option<Arc<KnownStream>>,
    /// Fields of the next line.
    pending: Vec<u8>,
    spans: Vec<Span>,
    /// How many fields of it are not held because there are too many, and their bytes.
    beyond: (usize, usize),
    /// Memory that the request may take, and how much of it is left.
    memory_max: usize,
    memory_left: usize,
    packed: Vec<u8>,
    /// The packed field of each level.
    levels: Vec<Vec<u8>>,
}

/// A name and a value in the bytes of pending fields.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    middle: usize,
    end: usize,
}

impl Default for Gather {
    fn default() -> Self {
        let packed = |level: &LineLevel| {
            let mut bytes = Vec::new();
            put_label(&mut bytes, DETECTED_LEVEL, level.as_str());
            bytes
        };
        Self {
            batch: LineBatch::new(),
            refusals: Refusals::default(),
            seen: 0,
            seen_bytes: 0,
            stream: None,
            pending: Vec::new(),
            spans: Vec::new(),
            beyond: (0, 0),
            memory_max: REQUEST_MEMORY_MAX,
            memory_left: REQUEST_MEMORY_MAX,
            packed: Vec::new(),
            levels: LineLevel::ALL.iter().map(packed).collect(),
        }
    }
}

impl Gather {
    /// Forgets everything, keeps the memory unless it is much.
    pub(super) fn clear(&mut self) {
        if self.bytes() > KEPT_BYTES_MAX {
            *self = Self::default();
            return;
        }
        self.batch.clear();
        self.refusals.clear();
        (self.seen, self.seen_bytes) = (0, 0);
        self.stream = None;
        self.forget_fields();
    }

    /// What the request says may take so many bytes of memory from now on.
    pub(super) fn allow(&mut self, bytes: usize) {
        (self.memory_max, self.memory_left) = (bytes, bytes);
    }

    /// Takes so many bytes of what the request may take.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), TooMuch> {
        self.memory_left = self.memory_left.checked_sub(bytes).ok_or(TooMuch::Memory(self.memory_max))?;
        Ok(())
    }

    /// Memory held, roughly.
    fn bytes(&self) -> usize {
        let batch = &self.batch;
        batch.text.capacity()
            + batch.fields.capacity()
            + batch.lines.capacity() * 24
            + batch.streams.capacity() * 24
            + self.pending.capacity()
    }

    /// The lines gathered.
    pub fn batch(&self) -> &LineBatch {
        &self.batch
    }

    /// Begins a stream, or goes on with it; the lines that follow are its.
    pub fn begin(&mut self, stream: &Arc<KnownStream>) -> Result<(), TooMuch> {
        if self.stream.as_ref().is_some_and(|open| Arc::ptr_eq(open, stream)) {
            return Ok(());
        }
        if self.batch.streams.len() >= STREAMS_MAX {
            return Err(TooMuch::Streams);
        }
        self.charge(stream.labels.packed().len() + STREAM_BYTES)?;
        self.batch.begin_stream(stream.labels.clone());
        self.stream = Some(Arc::clone(stream));
        Ok(())
    }

    /// Begins the stream of a text such as `{app="a"}`. Tells whether it is one; if not, why is among the refusals.
    pub fn begin_text(&mut self, text: &[u8], lines: usize, streams: &Streams, limits: &LineLimits) -> Result<bool, TooMuch> {
        match streams.of_text(text, limits) {
            Ok(stream) => self.begin(&stream).map(|()| true),
            Err(why) => {
                self.refuse(Reason::InvalidLabels, lines, || why);
                Ok(false)
            }
        }
    }

    /// Refuses lines that do not come to be part of the batch.
    pub fn refuse(&mut self, reason: Reason, lines: usize, why: impl FnOnce() -> String) {
        self.seen += lines as u64;
        self.refusals.add(reason, lines, why);
    }

    /// Adds a field to the next line. A name that queries could not name is made into one.
    pub fn field(&mut self, name: &str, value: &str) {
        if name.is_empty() || value.is_empty() {
            return;
        }
        let bytes = name.len() + value.len();
        if self.spans.len() >= FIELDS_HELD_MAX || self.pending.len() + bytes > FIELD_BYTES_HELD_MAX {
            self.beyond = (self.beyond.0 + 1, self.beyond.1 + bytes);
            return;
        }
        self.hold(name, value);
    }

    fn hold(&mut self, name: &str, value: &str) {
        let start = self.pending.len();
        put_name(&mut self.pending, name);
        let middle = self.pending.len();
        self.pending.extend_from_slice(value.as_bytes());
        self.spans.push(Span { start, middle, end: self.pending.len() });
    }

    /// Drops the fields of a line that does not come.
    pub fn forget_fields(&mut self) {
        self.pending.clear();
        self.spans.clear();
        self.beyond = (0, 0);
    }

    /// Adds a line (time in ns) with the fields pending to the stream begun last, or refuses it.
    pub fn line(&mut self, ts: i64, text: &[u8], limits: &LineLimits) -> Result<(), TooMuch> {
        if self.batch.lines.len() >= LINES_MAX {
            return Err(TooMuch::Lines);
        }
        if self.batch.text.len() + text.len() > TEXT_BYTES_MAX || self.batch.fields.len() + self.pending.len() > TEXT_BYTES_MAX {
            return Err(TooMuch::Text);
        }
        self.seen += 1;
        self.seen_bytes += text.len() as u64;
        let Some(stream) = &self.stream else { return Ok(()) };
        let mut text = text;
        let max = or_none(limits.line_bytes_max);
        if text.len() > max {
            if !limits.truncates {
                let bytes = text.len();
                self.refusals.add(Reason::LineTooLong, 1, || too_long(&stream.labels.to_string(), max, bytes));
                self.forget_fields();
                return Ok(());
            }
            text = cut(text, max);
        }
        let bytes = text.len() + self.pending.len() + LINE_BYTES;
        self.memory_left = self.memory_left.checked_sub(bytes).ok_or(TooMuch::Memory(self.memory_max))?;
        if self.spans.is_empty() && self.beyond.0 == 0 {
            let fields = if limits.finds_levels {
                let level = stream.level.unwrap_or_else(|| LineLevel::of_line(text));
                self.levels[level as usize].as_slice()
            } else {
                &[]
            };
            self.batch.push(ts, text, fields);
            return Ok(());
        }
        self.line_with_fields(ts, text, limits);
        Ok(())
    }

    fn line_with_fields(&mut self, ts: i64, text: &[u8], limits: &LineLimits) {
        let Some(stream) = &self.stream else { return };
        if let Err(why) = self.check_fields(&stream.labels, limits) {
            self.refusals.add(Reason::InvalidFields, 1, || why);
            self.forget_fields();
            return;
        }
        if limits.finds_levels {
            let pending = &self.pending;
            let of = |span: &Span| (&pending[span.start..span.middle], &pending[span.middle..span.end]);
            let is_there = self.spans.iter().any(|span| of(span).0 == DETECTED_LEVEL.as_bytes());
            if !is_there {
                let from_fields = || LineLevel::of_fields(self.spans.iter().map(of));
                let level = stream.level.or_else(from_fields).unwrap_or_else(|| LineLevel::of_line(text));
                self.hold(DETECTED_LEVEL, level.as_str());
            }
        }
        let pending = &self.pending;
        let by_name = |a: &Span, b: &Span| pending[a.start..a.middle].cmp(&pending[b.start..b.middle]);
        // Of the same name the last one stays, so the order among those is kept.
        self.spans.sort_by(by_name);
        self.packed.clear();
        for (at, span) in self.spans.iter().enumerate() {
            let is_last = self.spans.get(at + 1).is_none_or(|next| by_name(span, next).is_ne());
            if is_last {
                // Both came as text.
                let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
                put_label(&mut self.packed, text(&pending[span.start..span.middle]), text(&pending[span.middle..span.end]));
            }
        }
        self.batch.push(ts, text, &self.packed);
        self.forget_fields();
    }

    fn check_fields(&self, stream: &Labels, limits: &LineLimits) -> Result<(), String> {
        let (count, bytes) = (self.spans.len() + self.beyond.0, self.pending.len() + self.beyond.1);
        let (count_max, bytes_max) =
            (or_none(limits.fields_max).min(FIELDS_HELD_MAX), or_none(limits.field_bytes_max).min(FIELD_BYTES_HELD_MAX));
        if !limits.takes_fields {
            return Err(format!("stream '{stream}' includes structured metadata, but logs.allow_structured_metadata is off"));
        }
        if bytes > bytes_max {
            return Err(format!(
                "stream '{stream}' has structured metadata too large: '{bytes}' bytes, limit: '{bytes_max}' bytes. Please see \
                 logs.max_structured_metadata_size"
            ));
        }
        if count > count_max {
            return Err(format!(
                "stream '{stream}' has too many structured metadata labels: '{count}', limit: '{count_max}'. Please see \
                 logs.max_structured_metadata_entries_count"
            ));
        }
        Ok(())
    }
}

/// The beginning of a text, without half a character at its end.
fn cut(text: &[u8], max: usize) -> &[u8] {
    let mut end = max.min(text.len());
    let is_inside = |at: usize| text.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    for _ in 0..3 {
        if end > 0 && is_inside(end) {
            end -= 1;
        }
    }
    &text[..end]
}

/// Writes a name as queries can name it: letters, digits and `_`, no digit first.
fn put_name(out: &mut Vec<u8>, name: &str) {
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        out.extend_from_slice(b"key_");
    }
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        out.extend_from_slice(name.as_bytes());
        return;
    }
    out.extend(name.chars().map(|c| if c.is_ascii_alphanumeric() { c as u8 } else { b'_' }));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text and the fields of a line.
    type Shown = (String, Vec<(String, String)>);

    fn gathered(limits: &LineLimits, fill: impl FnOnce(&mut Gather)) -> (Vec<Shown>, String) {
        let (mut gather, streams) = (Gather::default(), Streams::default());
        assert!(gather.begin_text(b"{app=\"a\"}", 1, &streams, limits).unwrap());
        fill(&mut gather);
        let lines = gather.batch.lines.iter().map(|line| {
            let fields = Labels::from_packed(gather.batch.fields_of(line)).unwrap();
            let fields = fields.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            (String::from_utf8_lossy(gather.batch.text_of(line)).into_owned(), fields)
        });
        (lines.collect(), gather.refusals.text())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn fields_are_named_sorted_and_levels_found() {
        let (lines, refused) = gathered(&LineLimits::default(), |gather| {
            gather.field("trace.id", "7");
            gather.field("a", "1");
            gather.field("0x", "z");
            gather.field("a", "2");
            gather.field("empty", "");
            gather.line(1, b"level=warn x", &LineLimits::default()).unwrap();
            gather.line(2, b"plain", &LineLimits::default()).unwrap();
            gather.field("severity", "ERROR");
            gather.line(3, b"info", &LineLimits::default()).unwrap();
            gather.field("severity_number", "21");
            gather.line(4, b"info", &LineLimits::default()).unwrap();
        });
        assert_eq!(refused, "");
        assert_eq!(lines[0].1, pairs(&[("a", "2"), ("detected_level", "warn"), ("key_0x", "z"), ("trace_id", "7")]));
        assert_eq!(lines[1].1, pairs(&[("detected_level", "unknown")]));
        assert_eq!(lines[2].1, pairs(&[("detected_level", "error"), ("severity", "ERROR")]));
        assert_eq!(lines[3].1, pairs(&[("detected_level", "fatal"), ("severity_number", "21")]));
    }

    #[test]
    fn what_a_request_says_is_bounded_before_it_is_held() {
        let unlimited = LineLimits { fields_max: 0, field_bytes_max: 0, ..LineLimits::default() };
        let (lines, refused) = gathered(&unlimited, |gather| {
            for _ in 0..1_000_000 {
                gather.field("a", "b");
            }
            assert!(gather.spans.capacity() <= 2 * FIELDS_HELD_MAX && gather.pending.capacity() <= 4 * FIELDS_HELD_MAX);
            gather.line(1, b"x", &unlimited).unwrap();
            gather.field("a", &"b".repeat(FIELD_BYTES_HELD_MAX));
            assert!(gather.pending.capacity() < FIELD_BYTES_HELD_MAX);
            gather.line(2, b"y", &unlimited).unwrap();
            (0..FIELDS_HELD_MAX).for_each(|number| gather.field(&format!("f{number}"), "b"));
            gather.line(3, b"z", &unlimited).unwrap();
        });
        assert_eq!(lines.len(), 1, "each line is judged by its own fields");
        assert_eq!(lines[0].1.len(), FIELDS_HELD_MAX + 1, "the level has a place besides");
        for part in ["labels: '1000000', limit: '10000'", "too large: '4194305' bytes, limit: '4194304' bytes"] {
            assert!(refused.contains(part), "{part}: {refused}");
        }
    }

    #[test]
    fn short_lines_and_streams_take_memory_too() {
        let (mut gather, streams, limits) = (Gather::default(), Streams::default(), LineLimits::default());
        gather.allow(100_000);
        let refused = (0..1000).find_map(|number| gather.begin_text(format!("{{a=\"{number}\"}}").as_bytes(), 1, &streams, &limits).err());
        assert_eq!(refused, Some(TooMuch::Memory(100_000)));
        assert!((100..200).contains(&gather.batch.streams.len()));
        gather.clear();
        gather.allow(100_000);
        gather.begin_text(b"{a=\"1\"}", 1, &streams, &limits).unwrap();
        let refused = (0..1000).find_map(|_| gather.line(1, b"", &limits).err()).unwrap();
        assert_eq!(refused.to_string(), "what the request says would take more than 100000 bytes of memory; send it in smaller ones");
        assert!((500..700).contains(&gather.batch.lines.len()));
    }

    #[test]
    fn limits_hold_and_good_lines_stay() {
        let mut limits = LineLimits { line_bytes_max: 4, fields_max: 1, field_bytes_max: 5, finds_levels: false, ..LineLimits::default() };
        let fill = |limits: LineLimits| {
            move |gather: &mut Gather| {
                gather.line(1, "abcé".as_bytes(), &limits).unwrap();
                gather.line(2, b"good", &limits).unwrap();
                gather.field("a", "1");
                gather.field("b", "1");
                gather.line(3, b"x", &limits).unwrap();
                gather.field("a", "123456");
                gather.line(3, b"x", &limits).unwrap();
                gather.line(4, b"", &limits).unwrap();
            }
        };
        let (lines, refused) = gathered(&limits, fill(limits.clone()));
        assert_eq!(lines.iter().map(|(text, fields)| (text.as_str(), fields.len())).collect::<Vec<_>>(), [("good", 0), ("", 0)]);
        for part in ["Max entry size '4' bytes exceeded", "too many structured metadata labels: '2', limit: '1'", "too large: '7' bytes"] {
            assert!(refused.contains(part), "{part}: {refused}");
        }
        limits.truncates = true;
        let (lines, _) = gathered(&limits, fill(limits.clone()));
        assert_eq!(lines[0].0, "abc", "no half character is left");
        limits.takes_fields = false;
        assert!(gathered(&limits, fill(limits.clone())).1.contains("logs.allow_structured_metadata is off"));
    }
}
