//! Finding series of the head: by whole label set, and through the index as a source of postings.

use hashbrown::HashTable;
use parking_lot::{RwLock, RwLockReadGuard};

use super::{Head, Index, SHARDS, shard_of};
use crate::metrics::store::codec::Corrupt;
use crate::metrics::store::postings::{Postings, PostingsSource};
use crate::series::labels::Labels;

/// Label sets to ids, split by hash.
#[derive(Debug, Default)]
pub struct Names {
    parts: [RwLock<HashTable<Named>>; SHARDS],
}

#[derive(Debug)]
struct Named {
    labels: Labels,
    id: u32,
    /// Part of the hash, so that growing the table need not read the labels.
    hash: u32,
}

/// Spreads the kept part of the hash over the bits that the table looks at (low ones and the highest seven).
const fn table_hash(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn split(hash: u64) -> (usize, u32) {
    (hash as usize % SHARDS, (hash >> 32) as u32)
}

impl Names {
    /// The id of a packed label set.
    pub fn find(&self, packed: &[u8]) -> Option<u32> {
        let (part, hash) = split(xxhash_rust::xxh3::xxh3_64(packed));
        let table = self.parts[part].read();
        table.find(table_hash(hash), |named| named.hash == hash && named.labels.packed() == packed).map(|named| named.id)
    }

    /// Enters a set that is not there.
    pub fn insert(&self, id: u32, labels: Labels) {
        let (part, hash) = split(labels.stable_hash());
        self.parts[part].write().insert_unique(table_hash(hash), Named { labels, id, hash }, |named| table_hash(named.hash));
    }

    /// Removes a set.
    pub fn remove(&self, labels: &Labels) {
        let (part, hash) = split(labels.stable_hash());
        let mut table = self.parts[part].write();
        if let Ok(entry) = table.find_entry(table_hash(hash), |named| named.hash == hash && named.labels == *labels) {
            entry.remove();
        }
    }
}

/// The index, held for reading.
pub struct HeadIndex<'h> {
    head: &'h Head,
    index: RwLockReadGuard<'h, Index>,
}

impl<'h> HeadIndex<'h> {
    pub(super) fn new(head: &'h Head, index: RwLockReadGuard<'h, Index>) -> Self {
        Self { head, index }
    }
}

impl std::ops::Deref for HeadIndex<'_> {
    type Target = Index;

    fn deref(&self) -> &Index {
        &self.index
    }
}

impl PostingsSource for HeadIndex<'_> {
    fn all(&self) -> Result<Postings<'_>, Corrupt> {
        Ok(Postings::Slice(self.index.all()))
    }

    fn postings(&self, name: &str, value: &str) -> Result<Postings<'_>, Corrupt> {
        Ok(Postings::Slice(self.index.ids(name, value)))
    }

    fn value_count(&self, name: &str) -> usize {
        self.index.value_count(name)
    }

    fn postings_where<'a>(
        &'a self,
        name: &str,
        prefix: &str,
        keep: &mut dyn FnMut(&str) -> bool,
        lists: &mut Vec<Postings<'a>>,
    ) -> Result<(), Corrupt> {
        let kept = self.index.values(name).filter(|(value, _)| value.starts_with(prefix) && keep(value));
        lists.extend(kept.map(|(_, ids)| Postings::Slice(ids)));
        Ok(())
    }

    fn test_label(&self, id: u32, name: &str, test: &mut dyn FnMut(&str) -> bool) -> Result<bool, Corrupt> {
        let shard = self.head.shard(shard_of(id));
        Ok(shard.get(id).is_some_and(|series| test(series.labels().get(name).unwrap_or(""))))
    }
}
