//! Lines of one stream on their way into the new part.

use std::ops::Range;

use crate::logs::store::part::error::PartError;
use crate::logs::store::part::writer::{PartLine, PartWriter};
use crate::series::labels::Labels;

/// Lines with the same time that a repetition is looked for among, at most.
const REPETITIONS_MAX: usize = 4096;

struct Line {
    ts: i64,
    text: Range<usize>,
    fields: Range<usize>,
    from: usize,
}

/// Collects lines until there are enough for a few blocks.
pub(super) struct Batch {
    bytes: Vec<u8>,
    lines: Vec<Line>,
    bytes_max: usize,
}

impl Batch {
    pub(super) const fn new(bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), lines: Vec::new(), bytes_max }
    }

    /// Whether it should be written before a line of this time comes.
    pub(super) fn is_full(&self, ts: i64) -> bool {
        // Repetitions are found among lines of one time, which stay together.
        let enough = self.bytes.len() >= self.bytes_max || self.lines.len() >= 1 << 17;
        enough && self.lines.last().is_some_and(|last| last.ts != ts || self.bytes.len() >= 4 * self.bytes_max)
    }

    /// Adds a line, unless it is there from another place already.
    pub(super) fn push(&mut self, ts: i64, text: &[u8], fields: &[u8], from: usize) {
        let same = self.lines.iter().rev().take(REPETITIONS_MAX).take_while(|line| line.ts == ts).any(|line| {
            line.from != from
                && line.text.len() == text.len()
                && self.bytes[line.text.clone()] == *text
                && self.bytes[line.fields.clone()] == *fields
        });
        if same {
            return;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        let end = self.bytes.len();
        self.bytes.extend_from_slice(fields);
        self.lines.push(Line { ts, text: start..end, fields: end..self.bytes.len(), from });
    }

    /// Writes what there is.
    pub(super) fn write(&mut self, labels: &Labels, writer: &mut PartWriter) -> Result<(), PartError> {
        let lines: Vec<PartLine<'_>> = self
            .lines
            .iter()
            .map(|line| PartLine { ts: line.ts, text: &self.bytes[line.text.clone()], fields: &self.bytes[line.fields.clone()] })
            .collect();
        writer.push_run(labels, &lines)?;
        self.bytes.clear();
        self.lines.clear();
        Ok(())
    }
}
