//! `multiline`: lines that belong together become one, from a first line to the next.

use std::sync::Arc;

use regex::Regex;

use super::{Entry, Flush, Moment, Stage};

/// Most blocks open at once, one for each label set.
const BLOCKS_MAX: usize = 256;
/// Bytes of one block; a line that does not fit begins another.
const BLOCK_BYTES_MAX: usize = 256 << 10;

/// The stage.
#[derive(Debug)]
pub(super) struct Multiline {
    pub(super) first_line: Arc<Regex>,
    /// How long a block waits for more, in nanoseconds.
    pub(super) max_wait_ns: i64,
    /// Most lines of a block.
    pub(super) max_lines: usize,
    /// What was begun and is not finished; always empty before the first line.
    pub(super) open: Vec<Block>,
}

/// Lines that belong together.
#[derive(Debug)]
pub(super) struct Block {
    entry: Entry,
    lines: usize,
    touched_ns: i64,
}

impl Stage for Multiline {
    fn run(&mut self, entry: Entry, moment: &Moment) -> Option<Entry> {
        let known = self.open.iter().position(|block| block.entry.labels == entry.labels);
        if self.first_line.is_match(&entry.text) {
            let begun = Block { entry, lines: 1, touched_ns: moment.now_ns };
            return match known {
                Some(at) => Some(std::mem::replace(&mut self.open[at], begun).entry),
                None => {
                    self.open.push(begun);
                    // The one that waits longest makes room.
                    (self.open.len() > BLOCKS_MAX).then(|| self.open.remove(0).entry)
                }
            };
        }
        let Some(at) = known else { return Some(entry) };
        let block = &mut self.open[at];
        if block.entry.text.len() + 1 + entry.text.len() > BLOCK_BYTES_MAX {
            let begun = Block { entry, lines: 1, touched_ns: moment.now_ns };
            return Some(std::mem::replace(block, begun).entry);
        }
        block.entry.text.push('\n');
        block.entry.text.push_str(&entry.text);
        block.entry.extracted.extend(entry.extracted);
        block.entry.until = entry.until;
        block.lines += 1;
        block.touched_ns = moment.now_ns;
        (block.lines >= self.max_lines).then(|| self.open.remove(at).entry)
    }

    fn flush(&mut self, flush: Flush, moment: &Moment, out: &mut Vec<Entry>) {
        let is_due = |block: &Block| flush == Flush::All || moment.now_ns.saturating_sub(block.touched_ns) >= self.max_wait_ns;
        out.extend(self.open.extract_if(.., |block| is_due(block)).map(|block| block.entry));
    }

    fn held_from(&self) -> Option<u64> {
        self.open.iter().map(|block| block.entry.from).min()
    }

    fn fresh(&self) -> Box<dyn Stage> {
        Box::new(Self { first_line: self.first_line.clone(), open: Vec::new(), ..*self })
    }
}
