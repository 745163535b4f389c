//! `sampling`: keeps a share of the lines, chosen by their text and time, so that the same lines are kept when read again.

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use super::metrics::{Dropped, Family};
use super::{Entry, Moment, Stage};

/// The stage.
#[derive(Debug, Clone)]
pub(super) struct Sampling {
    /// The share that is kept, 0 to 1.
    pub(super) rate: f64,
    pub(super) dropped: Dropped,
}

impl Sampling {
    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        let mut hash = Xxh3::new();
        hash.update(entry.text.as_bytes());
        hash.update(&entry.from.to_le_bytes());
        hash.update(&entry.ts.unwrap_or(0).to_le_bytes());
        let is_kept = (hash.digest() as f64) < self.rate * u64::MAX as f64;
        if !is_kept {
            self.dropped.inc();
        }
        is_kept
    }
}

impl Stage for Sampling {
    fn run(&mut self, mut entry: Entry, moment: &Moment) -> Option<Entry> {
        self.apply(&mut entry, moment).then_some(entry)
    }

    fn families(&self, out: &mut Vec<Arc<Family>>) {
        out.push(Arc::clone(&self.dropped.family));
    }

    fn fresh(&self) -> Box<dyn Stage> {
        Box::new(self.clone())
    }
}
