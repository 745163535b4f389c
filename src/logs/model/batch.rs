//! Lines on their way into the store: flat, reusable, nothing allocated per line.
//!
//! Every door fills one of these and hands it to [`AppendLines`](super::write::AppendLines) in one call.

use std::ops::Range;

use crate::series::labels::Labels;

/// One line of a batch. Positions are in bytes of the batch's own memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchLine {
    /// Nanoseconds since the Unix epoch.
    pub ts: i64,
    /// Its text in [`LineBatch::text`].
    pub text: Range<u32>,
    /// Its fields in [`LineBatch::fields`], packed as in [`crate::series::labels`]; empty for none.
    pub fields: Range<u32>,
}

/// A stream with its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchStream {
    /// Its labels.
    pub labels: Labels,
    /// Its lines in [`LineBatch::lines`], in the order in which they came.
    pub lines: Range<u32>,
}

/// Lines of some streams. A stream may be there more than once.
#[derive(Debug, Default)]
pub struct LineBatch {
    /// The texts, one after the other. Not necessarily UTF-8 when a door takes bytes; line breaks may be inside.
    pub text: Vec<u8>,
    /// The fields, one packed label set after the other.
    pub fields: Vec<u8>,
    /// The lines of all streams.
    pub lines: Vec<BatchLine>,
    /// The streams.
    pub streams: Vec<BatchStream>,
}

impl LineBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.fields.clear();
        self.lines.clear();
        self.streams.clear();
    }

    /// Begins a stream; the lines that follow are its.
    pub fn begin_stream(&mut self, labels: Labels) {
        let at = self.lines.len() as u32;
        self.streams.push(BatchStream { labels, lines: at..at });
    }

    /// Adds a line to the stream begun last; `fields` are packed. Without a stream nothing happens.
    pub fn push(&mut self, ts: i64, text: &[u8], fields: &[u8]) {
        let Some(stream) = self.streams.last_mut() else { return };
        let (text_at, fields_at) = (self.text.len() as u32, self.fields.len() as u32);
        self.text.extend_from_slice(text);
        self.fields.extend_from_slice(fields);
        self.lines.push(BatchLine { ts, text: text_at..self.text.len() as u32, fields: fields_at..self.fields.len() as u32 });
        stream.lines.end = self.lines.len() as u32;
    }

    /// The text of a line of this batch.
    pub fn text_of(&self, line: &BatchLine) -> &[u8] {
        self.text.get(line.text.start as usize..line.text.end as usize).unwrap_or_default()
    }

    /// The packed fields of a line of this batch.
    pub fn fields_of(&self, line: &BatchLine) -> &[u8] {
        self.fields.get(line.fields.start as usize..line.fields.end as usize).unwrap_or_default()
    }

    /// The lines of one of its streams.
    pub fn lines_of(&self, stream: &BatchStream) -> &[BatchLine] {
        self.lines.get(stream.lines.start as usize..stream.lines.end as usize).unwrap_or_default()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_as_they_went_in() {
        let mut batch = LineBatch::new();
        batch.push(1, b"lost, there is no stream", b"");
        batch.begin_stream(Labels::from_pairs([("job", "a")]));
        batch.push(1, b"one", b"");
        batch.begin_stream(Labels::from_pairs([("job", "b")]));
        batch.push(2, b"two\nlines", Labels::from_pairs([("trace", "7")]).packed());
        batch.push(3, b"", b"");
        let seen: Vec<_> = batch
            .streams
            .iter()
            .flat_map(|stream| batch.lines_of(stream).iter().map(|line| (stream.labels.get("job"), line.ts, batch.text_of(line))))
            .collect();
        assert_eq!(seen, [(Some("a"), 1, &b"one"[..]), (Some("b"), 2, b"two\nlines"), (Some("b"), 3, b"")]);
        assert_eq!(Labels::from_packed(batch.fields_of(&batch.lines[1])).unwrap().get("trace"), Some("7"));
        assert!(!batch.is_empty());
        batch.clear();
        assert!(batch.is_empty() && batch.streams.is_empty());
    }
}
