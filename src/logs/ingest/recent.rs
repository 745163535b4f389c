//! What was seen of late, in two generations: the older one is forgotten as a whole when the younger one is full or old.

use std::hash::Hash;
use std::time::Duration;

use rustc_hash::FxHashMap;

/// Remembers values by keys.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    young: FxHashMap<K, V>,
    old: FxHashMap<K, V>,
    /// When the younger generation began.
    since: Duration,
    /// Keys of one generation.
    keys_max: usize,
    /// How long one generation lasts.
    age: Duration,
}

impl<K: Eq + Hash, V: Default> Recent<K, V> {
    /// The last `keys_max` keys at least, as far as they were asked for within `age`.
    pub(super) fn new(keys_max: usize, age: Duration) -> Self {
        Self { young: FxHashMap::default(), old: FxHashMap::default(), since: Duration::ZERO, keys_max, age }
    }

    /// The value of a key, which is now young again.
    pub(super) fn entry(&mut self, key: K, now: Duration) -> &mut V {
        let passed = now.saturating_sub(self.since);
        if self.young.len() >= self.keys_max || passed >= self.age {
            self.old = std::mem::take(&mut self.young);
            if passed >= self.age * 2 {
                self.old.clear();
            }
            self.since = now;
        }
        let before = self.old.remove(&key);
        self.young.entry(key).or_insert_with(|| before.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let s = Duration::from_secs;
        let mut recent = Recent::<u32, u32>::new(10, s(60));
        for key in 0..1_000 {
            *recent.entry(7, s(0)) += 1;
            *recent.entry(1_000 + key, s(0)) += 1;
            assert!(recent.young.len() <= 10 && recent.old.len() <= 10);
        }
        assert_eq!(*recent.entry(7, s(0)), 1_000);
        assert_eq!(*recent.entry(1_999, s(0)), 1, "the last one is still there");
        assert_eq!(*recent.entry(1_000, s(0)), 0, "the first one is not");
        assert_eq!(*recent.entry(7, s(61)), 1_000);
        assert_eq!(*recent.entry(7, s(300)), 0, "after a long pause nothing is known");
    }
}
