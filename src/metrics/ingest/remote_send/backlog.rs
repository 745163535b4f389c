//! What an endpoint has not taken up yet: blocks of samples, bounded; the oldest go first when it is full.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::stats::{Counts, Kinds};
use crate::series::batch::{FloatSample, WriteBatch};
use crate::series::histogram::Histogram;
use crate::series::sample::Exemplar;

/// Most samples that wait in memory for one endpoint: about 64 MB of floats.
pub const BACKLOG_SAMPLES_MAX: usize = 2_000_000;

/// A float of a series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub series: u64,
    pub sample: FloatSample,
}

/// What one batch brought.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub floats: Vec<Record>,
    pub histograms: Vec<(u64, i64, Arc<Histogram>)>,
    /// Of `floats`, in their order.
    pub exemplars: Vec<(u64, Exemplar)>,
    /// Of `histograms`, in their order.
    pub histogram_exemplars: Vec<(u64, Exemplar)>,
}

impl Block {
    pub fn with_capacity(batch: &WriteBatch) -> Self {
        Self {
            floats: Vec::with_capacity(batch.floats.len()),
            histograms: Vec::with_capacity(batch.histograms.len()),
            exemplars: Vec::with_capacity(batch.exemplars.len()),
            histogram_exemplars: Vec::new(),
        }
    }

    fn kinds(&self) -> Kinds {
        let exemplars = self.exemplars.len() + self.histogram_exemplars.len();
        Kinds { samples: self.floats.len() as u64, histograms: self.histograms.len() as u64, exemplars: exemplars as u64 }
    }

    /// What it counts for: a histogram takes the room of many floats.
    fn weight(&self) -> usize {
        let exemplars = self.exemplars.len() + self.histogram_exemplars.len();
        self.floats.len() + exemplars * 4 + self.histograms.iter().map(|(_, _, h)| h.size_in_samples()).sum::<usize>()
    }

    fn newest(&self) -> i64 {
        let floats = self.floats.iter().map(|record| record.sample.ts);
        floats.chain(self.histograms.iter().map(|(_, ts, _)| *ts)).max().unwrap_or(0)
    }
}

/// Blocks in order of arrival.
#[derive(Debug)]
pub(super) struct Backlog {
    queue: Mutex<Queue>,
    arrived: Notify,
    samples_max: usize,
    /// Whether the endpoint takes histograms, and exemplars.
    wants: (bool, bool),
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Queue {
    blocks: VecDeque<(Arc<Block>, usize)>,
    weight: usize,
}

impl Backlog {
    pub fn new(samples_max: usize, wants: (bool, bool), counts: Arc<Counts>) -> Self {
        Self { queue: Mutex::default(), arrived: Notify::new(), samples_max, wants, counts }
    }

    /// What of a block concerns the endpoint.
    fn kinds(&self, block: &Block) -> Kinds {
        let (histograms, exemplars) = self.wants;
        let all = block.kinds();
        Kinds {
            samples: all.samples,
            histograms: if histograms { all.histograms } else { 0 },
            exemplars: if exemplars { all.exemplars } else { 0 },
        }
    }

    /// Adds a block; never waits for the endpoint.
    pub fn push(&self, block: Arc<Block>) {
        let weight = block.weight();
        if weight == 0 {
            return;
        }
        self.counts.arrived(self.kinds(&block), block.newest());
        let mut dropped = Kinds::default();
        let mut queue = self.queue.lock();
        queue.weight += weight;
        queue.blocks.push_back((block, weight));
        while queue.weight > self.samples_max && queue.blocks.len() > 1 {
            if let Some((oldest, weight)) = queue.blocks.pop_front() {
                queue.weight -= weight;
                dropped.add(self.kinds(&oldest));
            }
        }
        drop(queue);
        self.counts.overflowed(dropped);
        self.arrived.notify_one();
    }

    /// The oldest block, if there is one.
    pub fn take(&self) -> Option<Arc<Block>> {
        let mut queue = self.queue.lock();
        let (block, weight) = queue.blocks.pop_front()?;
        queue.weight -= weight;
        Some(block)
    }

    /// Waits until there is a block, or may be.
    pub async fn wait(&self) {
        self.arrived.notified().await;
    }
}
