//! Which series of the head have which labels, and how many: the inverted index and the counts that come for free.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::metrics::model::storage::Counted;
use crate::series::labels::{Labels, METRIC_NAME};

type Map<V> = HashMap<Box<str>, V, FxBuildHasher>;

/// Labels to ascending series ids.
#[derive(Debug, Default)]
pub struct Index {
    all: Vec<u32>,
    names: Map<Values>,
    pairs: usize,
    version: u64,
}

/// The values of one label.
#[derive(Debug, Default)]
struct Values {
    ids: Map<Vec<u32>>,
    /// Length of the value, summed over series.
    bytes: u64,
}

/// The largest contributors, as `/api/v1/status/tsdb` shows them; each list is sorted, largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cardinality {
    /// Series by metric name.
    pub series_by_metric: Vec<Counted>,
    /// Distinct values by label name.
    pub values_by_label: Vec<Counted>,
    /// Bytes of values by label name, summed over series.
    pub bytes_by_label: Vec<Counted>,
    /// Series by `name=value`.
    pub series_by_pair: Vec<Counted>,
}

impl Cardinality {
    /// The first `top` of each list.
    pub fn cut(&self, top: usize) -> Self {
        let cut = |list: &[Counted]| list[..top.min(list.len())].to_vec();
        Self {
            series_by_metric: cut(&self.series_by_metric),
            values_by_label: cut(&self.values_by_label),
            bytes_by_label: cut(&self.bytes_by_label),
            series_by_pair: cut(&self.series_by_pair),
        }
    }
}

impl Index {
    /// Every series.
    pub fn all(&self) -> &[u32] {
        &self.all
    }

    /// Grows with every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Distinct pairs of name and value.
    pub fn pair_count(&self) -> usize {
        self.pairs
    }

    /// Enters a series; `id` is greater than all before, except when the log is read back.
    pub fn insert(&mut self, id: u32, labels: &Labels) {
        self.version += 1;
        insert_sorted(&mut self.all, id);
        for (name, value) in labels {
            let values = match self.names.get_mut(name) {
                Some(values) => values,
                None => self.names.entry(name.into()).or_default(),
            };
            values.bytes += value.len() as u64;
            match values.ids.get_mut(value) {
                Some(ids) => insert_sorted(ids, id),
                None => {
                    self.pairs += 1;
                    // Most values that belong to one series stay that way.
                    values.ids.insert(value.into(), vec![id]);
                }
            }
        }
    }

    /// Removes series; `gone` is ascending.
    pub fn remove(&mut self, gone: &[(u32, Labels)]) {
        self.version += 1;
        let is_gone = |id: &u32| gone.binary_search_by_key(id, |(id, _)| *id).is_ok();
        self.all.retain(|id| !is_gone(id));
        // Lists are long and shared by many of the gone series: filter each list once.
        let mut touched: hashbrown::HashSet<(&str, &str), FxBuildHasher> = hashbrown::HashSet::default();
        for (_, labels) in gone {
            for (name, value) in labels {
                if let Some(values) = self.names.get_mut(name) {
                    values.bytes -= value.len() as u64;
                }
                touched.insert((name, value));
            }
        }
        for (name, value) in touched {
            let Some(values) = self.names.get_mut(name) else { continue };
            let Some(ids) = values.ids.get_mut(value) else { continue };
            ids.retain(|id| !is_gone(id));
            if ids.is_empty() {
                values.ids.remove(value);
                self.pairs -= 1;
                if values.ids.is_empty() {
                    self.names.remove(name);
                }
            }
        }
    }

    /// Series with this label.
    pub fn ids(&self, name: &str, value: &str) -> &[u32] {
        self.names.get(name).and_then(|values| values.ids.get(value)).map_or(&[], Vec::as_slice)
    }

    /// Names of labels, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(|name| &**name)
    }

    /// How many values a label has.
    pub fn value_count(&self, name: &str) -> usize {
        self.names.get(name).map_or(0, |values| values.ids.len())
    }

    /// Values of a label with their series, in no order.
    pub fn values(&self, name: &str) -> impl Iterator<Item = (&str, &[u32])> {
        self.names.get(name).into_iter().flat_map(|values| values.ids.iter().map(|(value, ids)| (&**value, ids.as_slice())))
    }

    /// The `top` largest contributors of each kind.
    pub fn cardinality(&self, top: usize) -> Cardinality {
        let (mut metrics, mut values, mut bytes, mut pairs) = (Top::new(top), Top::new(top), Top::new(top), Top::new(top));
        for (name, found) in &self.names {
            values.offer(found.ids.len() as u64, || name.to_string());
            bytes.offer(found.bytes, || name.to_string());
            for (value, ids) in &found.ids {
                if **name == *METRIC_NAME {
                    metrics.offer(ids.len() as u64, || value.to_string());
                }
                pairs.offer(ids.len() as u64, || format!("{name}={value}"));
            }
        }
        Cardinality {
            series_by_metric: metrics.done(),
            values_by_label: values.done(),
            bytes_by_label: bytes.done(),
            series_by_pair: pairs.done(),
        }
    }
}

fn insert_sorted(ids: &mut Vec<u32>, id: u32) {
    match ids.last() {
        Some(&last) if last >= id => {
            if let Err(at) = ids.binary_search(&id) {
                ids.insert(at, id);
            }
        }
        _ => {
            if ids.len() == ids.capacity() && ids.len() >= 8 {
                // A quarter instead of double: these lists are a good part of a large head.
                ids.reserve_exact(ids.len() / 4);
            }
            ids.push(id);
        }
    }
}

/// The largest few of many.
#[derive(Debug)]
pub struct Top {
    keep: usize,
    smallest: u64,
    found: Vec<Counted>,
}

impl Top {
    /// Will keep so many.
    pub fn new(keep: usize) -> Self {
        Self { keep, smallest: 0, found: Vec::new() }
    }

    /// Takes one in, if it may be among the largest.
    pub fn offer(&mut self, count: u64, name: impl FnOnce() -> String) {
        // Equal counts are kept until sorting decides by name, so that the answer does not depend on hash order.
        if self.keep == 0 || count < self.smallest {
            return;
        }
        self.found.push(Counted { name: name(), count });
        if self.found.len() >= self.keep.saturating_mul(4).max(64) {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        self.found.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        self.found.truncate(self.keep);
        if self.found.len() == self.keep {
            self.smallest = self.found.last().map_or(0, |last| last.count);
        }
    }

    /// The largest, in order; of equal ones the first by name.
    pub fn done(mut self) -> Vec<Counted> {
        self.shrink();
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_follow_insertions_and_removals() {
        let mut index = Index::default();
        let labels = |name: &str, host: &str| Labels::from_pairs([(METRIC_NAME, name), ("host", host)]);
        for (id, (name, host)) in [("up", "a"), ("up", "b"), ("load", "a")].into_iter().enumerate() {
            index.insert(id as u32 + 1, &labels(name, host));
        }
        assert_eq!((index.ids("host", "a"), index.pair_count(), index.all()), (&[1, 3][..], 4, &[1, 2, 3][..]));
        let top = index.cardinality(1);
        assert_eq!(top.series_by_metric, [Counted { name: "up".into(), count: 2 }]);
        assert_eq!(top.series_by_pair, [Counted { name: "__name__=up".into(), count: 2 }]);
        assert_eq!(top.values_by_label, [Counted { name: "__name__".into(), count: 2 }]);
        assert_eq!(top.bytes_by_label, [Counted { name: "__name__".into(), count: 8 }]);
        index.remove(&[(2, labels("up", "b")), (3, labels("load", "a"))]);
        assert_eq!((index.ids("host", "a"), index.ids("host", "b"), index.pair_count()), (&[1][..], &[][..], 2));
        assert_eq!(index.value_count(METRIC_NAME), 1);
        index.remove(&[(1, labels("up", "a"))]);
        assert_eq!((index.names().count(), index.pair_count()), (0, 0));
    }
}
