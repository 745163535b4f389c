//! Which group a series belongs to.

use std::sync::Arc;

use crate::metrics::query::eval::matrix::is_metadata_label;
use crate::metrics::query::eval::plan::Aggregate;
use crate::series::labels::{Labels, METRIC_NAME, put_label};

/// `by (…)` or `without (…)`.
#[derive(Clone, Copy)]
pub(super) struct Grouping<'a> {
    labels: &'a [Arc<str>],
    without: bool,
    /// The metric's name (and type, and unit) is gone already, though the labels still show it.
    nameless: bool,
}

impl<'a> Grouping<'a> {
    /// Of an aggregation.
    pub(super) fn new(aggregate: &'a Aggregate, nameless: bool) -> Self {
        Self { labels: &aggregate.grouping, without: aggregate.without, nameless }
    }

    fn keeps(&self, name: &str) -> bool {
        if self.nameless && is_metadata_label(name) {
            return false;
        }
        let listed = self.labels.iter().any(|label| &**label == name);
        if self.without { !listed && name != METRIC_NAME } else { listed }
    }

    /// A hash of the labels that the group has.
    pub(super) fn key(&self, labels: &Labels, packed: &mut Vec<u8>) -> u128 {
        if !self.without && self.labels.is_empty() {
            return 0;
        }
        packed.clear();
        for (name, value) in labels.iter().filter(|(name, _)| self.keeps(name)) {
            put_label(packed, name, value);
        }
        xxhash_rust::xxh3::xxh3_128(packed)
    }

    /// The labels of the group of a series.
    pub(super) fn labels(&self, labels: &Labels) -> Labels {
        labels.without(|name| !self.keeps(name))
    }
}
