//! Which series a label set is, by a hash of its bytes.

use std::hash::{BuildHasher, Hasher, RandomState};

use hashbrown::HashMap;
use parking_lot::Mutex;
use xxhash_rust::xxh3::xxh3_128_with_secret;

use crate::series::batch::SeriesRef;

const SHARDS: usize = 64;

/// Maps 128-bit hashes of label bytes to references, in two generations a shard, so that it stays bounded and forgets
/// what is not used.
pub(super) struct SeriesCache {
    shards: Box<[Mutex<Shard>]>,
    per_generation: usize,
    /// Unguessable, so that nobody can make two label sets collide.
    secret: [u8; 192],
}

#[derive(Default)]
struct Shard {
    young: HashMap<u128, SeriesRef, Folded>,
    old: HashMap<u128, SeriesRef, Folded>,
}

impl SeriesCache {
    /// Keeps at least `series_max` entries before any is forgotten.
    pub(super) fn new(series_max: usize) -> Self {
        let mut secret = [0u8; 192];
        let random = RandomState::new();
        for (index, chunk) in secret.chunks_exact_mut(8).enumerate() {
            chunk.copy_from_slice(&random.hash_one(index).to_le_bytes());
        }
        let shards = (0..SHARDS).map(|_| Mutex::new(Shard::default())).collect();
        Self { shards, per_generation: (series_max / SHARDS).max(16) * 5 / 4, secret }
    }

    /// The key of some label bytes.
    #[inline]
    pub(super) fn key(&self, bytes: &[u8]) -> u128 {
        xxh3_128_with_secret(bytes, &self.secret)
    }

    /// The series, when known.
    #[inline]
    pub(super) fn get(&self, key: u128) -> Option<SeriesRef> {
        let mut shard = self.shard(key).lock();
        if let Some(series) = shard.young.get(&key) {
            return Some(*series);
        }
        let series = shard.old.remove(&key)?;
        self.put(&mut shard, key, series);
        Some(series)
    }

    /// Remembers a series.
    pub(super) fn insert(&self, key: u128, series: SeriesRef) {
        self.put(&mut self.shard(key).lock(), key, series);
    }

    /// Forgets a series.
    pub(super) fn forget(&self, key: u128) {
        let mut shard = self.shard(key).lock();
        shard.young.remove(&key);
        shard.old.remove(&key);
    }

    fn put(&self, shard: &mut Shard, key: u128, series: SeriesRef) {
        if shard.young.len() >= self.per_generation {
            shard.old = std::mem::take(&mut shard.young);
        }
        shard.young.insert(key, series);
    }

    #[inline]
    fn shard(&self, key: u128) -> &Mutex<Shard> {
        &self.shards[(key >> 64) as usize % SHARDS]
    }
}

/// The key is a hash already.
#[derive(Default, Clone, Copy)]
struct Folded;

impl BuildHasher for Folded {
    type Hasher = FoldedHasher;

    fn build_hasher(&self) -> FoldedHasher {
        FoldedHasher(0)
    }
}

struct FoldedHasher(u64);

impl Hasher for FoldedHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    #[inline]
    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_bounded_and_keeps_what_is_used() {
        let cache = SeriesCache::new(64 * 16);
        let key = |number: u64| cache.key(&number.to_le_bytes());
        cache.insert(key(0), SeriesRef(1));
        for number in 1..100_000 {
            cache.insert(key(number), SeriesRef(number + 1));
            assert_eq!(cache.get(key(0)), Some(SeriesRef(1)));
        }
        let len = |shard: &Shard| shard.young.len() + shard.old.len();
        let held: usize = cache.shards.iter().map(|shard| len(&shard.lock())).sum();
        assert!(held <= 64 * 40, "{held}");
        cache.forget(key(0));
        assert_eq!(cache.get(key(0)), None);
    }
}
