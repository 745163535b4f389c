//! One of the parts that are merged, and how far it was read.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{Keep, SharedRun};
use crate::base::cancel::Cancel;
use crate::logs::model::read::{LineBuf, Want};
use crate::logs::store::part::bits::Bits;
use crate::logs::store::part::chunk::read_lines;
use crate::logs::store::part::error::PartError;
use crate::logs::store::part::reader::Part;
use crate::logs::store::part::streams::LabelsCursor;
use crate::series::labels::Labels;

/// A block of one stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own {
    stream: u32,
    pub(super) block: u32,
    min_ts: i64,
    bytes: u32,
    /// Its number in the new part, if it was copied.
    pub(super) copied: Option<usize>,
}

/// A part that is read stream by stream.
pub(super) struct Source<'a> {
    pub(super) part: &'a Arc<Part>,
    cursor: LabelsCursor<'a>,
    stream: usize,
    /// Of the stream it is at; nothing at the end.
    pub(super) labels: Option<Labels>,
    own: Vec<Own>,
    own_at: usize,
    shared: Vec<u32>,
    shared_at: usize,
    /// The runs of the shared block it is at.
    runs: Vec<SharedRun>,
    run_at: usize,
    /// Its lines, if `read` is that block.
    pub(super) buffer: LineBuf,
    read: Option<u32>,
}

impl<'a> Source<'a> {
    pub(super) fn new(part: &'a Arc<Part>, cancel: &Cancel) -> Result<Self, PartError> {
        let (mut own, mut shared) = (Vec::new(), Vec::new());
        for block in 0..part.block_count() {
            if block % 1024 == 0 {
                cancel.check()?;
            }
            let record = part.record(block)?;
            if record.runs == 1 {
                own.push(Own { stream: record.stream, block: block as u32, min_ts: record.min_ts, bytes: record.text_bytes, copied: None });
            } else {
                shared.push(block as u32);
            }
        }
        own.sort_unstable_by_key(|own| (own.stream, own.min_ts, own.block));
        let mut source = Self {
            part,
            cursor: part.streams_of().cursor(),
            stream: 0,
            labels: None,
            own,
            own_at: 0,
            shared,
            shared_at: 0,
            runs: Vec::new(),
            run_at: 0,
            buffer: LineBuf::default(),
            read: None,
        };
        source.load_labels()?;
        source.load_runs()?;
        Ok(source)
    }

    fn load_labels(&mut self) -> Result<(), PartError> {
        let more = self.stream < self.part.streams_of().len();
        self.labels = if more { Some(self.cursor.labels(self.stream)?) } else { None };
        Ok(())
    }

    fn load_runs(&mut self) -> Result<(), PartError> {
        self.runs.clear();
        self.run_at = 0;
        if let Some(&block) = self.shared.get(self.shared_at) {
            let record = self.part.record(block as usize)?;
            self.part.for_each_run(&record, |run, lines| self.runs.push((run, lines)))?;
        }
        Ok(())
    }

    /// Goes on to the next stream.
    pub(super) fn next_stream(&mut self) -> Result<(), PartError> {
        let behind = self.own.get(self.own_at).is_some_and(|own| own.stream as usize <= self.stream) || self.shared_is_current();
        if behind {
            return Err(PartError::damaged(self.part.dir(), "blocks are not in order of their streams"));
        }
        self.stream += 1;
        self.load_labels()
    }

    /// The blocks that only the current stream has.
    pub(super) fn take_own(&mut self) -> Vec<Own> {
        let rest = self.own.get(self.own_at..).unwrap_or_default();
        let found: Vec<Own> = rest.iter().take_while(|own| own.stream as usize == self.stream).copied().collect();
        self.own_at += found.len();
        found
    }

    /// Whether the shared block it is at goes on with lines of the current stream.
    pub(super) fn shared_is_current(&self) -> bool {
        self.runs.get(self.run_at).is_some_and(|(run, _)| run.stream as usize <= self.stream)
    }

    /// The lines of the current stream in the shared block it is at, read.
    pub(super) fn shared_lines(&mut self) -> Result<std::ops::Range<u32>, PartError> {
        let wrong = || PartError::damaged(self.part.dir(), "shared blocks are not in order of their streams");
        let Some((run, lines)) = self.runs.get(self.run_at) else { return Ok(0..0) };
        if run.stream as usize != self.stream {
            return Err(wrong());
        }
        let lines = lines.clone();
        let block = self.shared.get(self.shared_at).copied().ok_or_else(wrong)?;
        if self.read != Some(block) {
            self.read = None;
            let record = self.part.record(block as usize)?;
            read_lines(self.part, &record, Want::Text, &mut self.buffer)?;
            self.read = Some(block);
        }
        Ok(lines)
    }

    /// Leaves the run it is at; true if the stream goes on in the next block.
    pub(super) fn end_run(&mut self) -> Result<bool, PartError> {
        self.run_at += 1;
        if self.run_at < self.runs.len() {
            return Ok(false);
        }
        self.shared_at += 1;
        self.load_runs()?;
        Ok(self.shared_is_current())
    }

    /// The full blocks of streams that stay whole.
    pub(super) fn blocks_to_copy<'k>(&mut self, bytes_min: usize, keep: &dyn Fn(&Labels) -> Keep<'k>) -> Result<Bits, PartError> {
        let mut wanted = Bits::none(self.part.block_count());
        let mut cursor = self.part.streams_of().cursor();
        let mut last: Option<(u32, bool)> = None;
        for own in self.own.iter().filter(|own| own.bytes as usize >= bytes_min) {
            let whole = match last {
                Some((stream, whole)) if stream == own.stream => whole,
                _ => matches!(keep(&cursor.labels(own.stream as usize)?), Keep::All),
            };
            last = Some((own.stream, whole));
            if whole {
                wanted.insert(own.block as usize);
            }
        }
        Ok(wanted)
    }

    pub(super) fn note_copied(&mut self, copied: &FxHashMap<u32, usize>) {
        self.own.iter_mut().for_each(|own| own.copied = copied.get(&own.block).copied());
    }
}
