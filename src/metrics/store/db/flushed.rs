//! Late samples against blocks: what was flushed is known, so that a sample is taken once and one time has one value.

use std::cell::RefCell;

use super::Core;
use crate::base::time::TimeRange;
use crate::metrics::store::block::{Block, Scratch};
use crate::metrics::store::head::{Flushed, Value};
use crate::metrics::store::samples::{self, Mark};
use crate::series::labels::Labels;
use crate::series::sample::SampleBuf;

/// Who sends late samples of a series sends several, ascending: so much is read at once, in milliseconds.
const LOOK_AHEAD_MS: i64 = 30 * 60_000;

/// Asks the blocks of a store. One for each batch; costs nothing until a late sample comes.
pub struct FlushedSamples<'c> {
    core: &'c Core,
    held: RefCell<Held>,
}

/// What was read last.
#[derive(Default)]
struct Held {
    of: Option<Of>,
    samples: SampleBuf,
    more: SampleBuf,
    scratch: Scratch,
}

/// What the samples held are.
#[derive(PartialEq)]
struct Of {
    labels: Labels,
    /// Truncations of the head before: after the next one blocks have more.
    epoch: u64,
    range: TimeRange,
}

impl<'c> FlushedSamples<'c> {
    /// Nothing read yet.
    pub fn new(core: &'c Core) -> Self {
        Self { core, held: RefCell::default() }
    }
}

impl Flushed for FlushedSamples<'_> {
    fn find(&self, labels: &Labels, ts: i64) -> Option<Value> {
        let mut held = self.held.borrow_mut();
        let epoch = self.core.head.epoch();
        if !held.of.as_ref().is_some_and(|of| of.epoch == epoch && of.range.contains(ts) && of.labels == *labels) {
            let range = TimeRange::new(ts, ts.saturating_add(LOOK_AHEAD_MS));
            held.samples.clear();
            // In the order in which they were written: the later block counts.
            for block in self.core.blocks.within(range) {
                held.add(&block, labels, range);
            }
            held.of = Some(Of { labels: labels.clone(), epoch, range });
        }
        Value::at(ts, &held.samples)
    }
}

impl Held {
    /// Adds what a block has. What cannot be read is not known, and keeps no sample out.
    fn add(&mut self, block: &Block, labels: &Labels, range: TimeRange) {
        let Ok(Some(id)) = block.find(labels) else { return };
        self.more.clear();
        // On an error as far as it can be read.
        let _damaged = block.read(id, range, &mut self.scratch, &mut self.more).is_err();
        self.more.float_start_ts.clear();
        self.more.histogram_start_ts.clear();
        samples::merge_newer(&mut self.samples, Mark::end_of(&SampleBuf::default()), &self.more);
    }
}
