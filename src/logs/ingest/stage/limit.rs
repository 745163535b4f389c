//! `limit`: at most so many lines a second, for all sources of the job together or for each value of a label.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::metrics::{Dropped, Family};
use super::{Entry, Moment, Stage};

/// Most values of the label that have a limit of their own.
pub(super) const VALUES_MAX: usize = 10_000;

/// The stage.
#[derive(Debug, Clone)]
pub(super) struct Limit {
    /// Lines a second.
    pub(super) rate: f64,
    /// Lines at once.
    pub(super) burst: f64,
    /// Whether lines beyond are dropped. Otherwise the source waits before it reads on.
    pub(super) drops: bool,
    pub(super) by_label: Option<String>,
    pub(super) values_max: usize,
    pub(super) buckets: Arc<Mutex<HashMap<String, Bucket>>>,
    pub(super) dropped: Dropped,
}

/// What is left of a burst, and when that was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    left: f64,
    at_ns: i64,
}

impl Limit {
    fn apply(&mut self, entry: &mut Entry, moment: &Moment) -> bool {
        let key = match &self.by_label {
            None => "",
            Some(label) => match entry.value(label) {
                Some(value) => value,
                None => return true,
            },
        };
        let mut buckets = self.buckets.lock();
        let key = if self.drops { key } else { "" };
        if buckets.len() >= self.values_max && !buckets.contains_key(key) {
            // Values come and go; those that have not been seen lately have their burst again anyway.
            buckets.clear();
        }
        let bucket = buckets.entry(key.to_owned()).or_insert(Bucket { left: self.burst, at_ns: moment.now_ns });
        let passed_s = moment.now_ns.saturating_sub(bucket.at_ns).max(0) as f64 / 1e9;
        bucket.left = (bucket.left + passed_s * self.rate).min(self.burst);
        bucket.at_ns = bucket.at_ns.max(moment.now_ns);
        if bucket.left < 1.0 && self.drops {
            self.dropped.inc();
            return false;
        }
        // A source that waits has read some lines too many, for which it waits longer.
        bucket.left -= 1.0;
        true
    }
}

impl Stage for Limit {
    fn run(&mut self, mut entry: Entry, moment: &Moment) -> Option<Entry> {
        self.apply(&mut entry, moment).then_some(entry)
    }

    fn waits_until(&self) -> Option<i64> {
        if self.drops {
            return None;
        }
        let buckets = self.buckets.lock();
        let bucket = buckets.get("").filter(|bucket| bucket.left < 0.0)?;
        Some(bucket.at_ns.saturating_add((-bucket.left / self.rate * 1e9) as i64))
    }

    fn families(&self, out: &mut Vec<Arc<Family>>) {
        out.push(Arc::clone(&self.dropped.family));
    }

    fn fresh(&self) -> Box<dyn Stage> {
        Box::new(self.clone())
    }
}
