//! `sampling`: keeps a share of the lines, chosen by their text and time, so that the same lines are kept when read again.

use xxhash_rust::xxh3::Xxh3;

use super::{Entry, Moment, plain_stage};

/// The stage.
#[derive(Debug, Clone)]
pub(super) struct Sampling {
    /// The share that is kept, 0 to 1.
    pub(super) rate: f64,
}

impl Sampling {
    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        let mut hash = Xxh3::new();
        hash.update(entry.text.as_bytes());
        hash.update(&entry.from.to_le_bytes());
        hash.update(&entry.ts.unwrap_or(0).to_le_bytes());
        (hash.digest() as f64) < self.rate * u64::MAX as f64
    }
}

plain_stage!(Sampling);
