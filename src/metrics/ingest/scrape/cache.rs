//! Recognises the series of one target by the bytes that name them, so that a series seen before is never rebuilt.
//!
//! A body mostly lists the series of the body before it, in the same order. So the n-th line is first compared
//! with the n-th line of the last scrape, and hashed only if that fails. The bytes of all names lie in one arena.
//!
//! A series is *live* while its last stored sample came without a timestamp of its own; a live series that is not
//! seen again gets a staleness marker. Iterations that fail must call [`SeriesCache::abandon`]: then every live
//! series ends, and what was noted since [`SeriesCache::begin`] counts no more.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;
use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_64;

use crate::series::batch::SeriesRef;

/// Unused arena bytes that are put up with.
const GARBAGE_BYTES_MAX: usize = 1024 * 1024;
/// Entries of failed scrapes that are put up with, beyond twice those of the last good one; as upstream.
const FAILED_ENTRIES_SPARE: usize = 1000;

/// A series that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    /// As storage numbers it.
    pub series: SeriesRef,
    /// Its last sample was a histogram.
    pub histogram: bool,
}

/// Position of an entry.
pub(super) type EntryId = u32;

/// What is known of a series.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// As storage numbers it; none while it is not stored.
    pub series: SeriesRef,
    raw_at: u32,
    raw_len: u32,
    /// Iteration it was last found in.
    seen: u32,
    /// Iteration it was last found in without a timestamp of its own.
    tracked: u32,
    /// Where it stood in the last body it was found in.
    position: u32,
    live: bool,
    /// Relabelling drops it.
    pub dropped: bool,
    /// Storage forgot it; it is to be sent again with its labels.
    pub lost: bool,
    /// Its last sample was a histogram.
    pub histogram: bool,
    in_use: bool,
}

/// The series of one target.
#[derive(Debug, Default)]
pub(super) struct SeriesCache {
    entries: Vec<Entry>,
    free: Vec<EntryId>,
    index: HashTable<EntryId>,
    arena: Vec<u8>,
    garbage: usize,
    /// Entries in the order of the last good body, and of the current one.
    order: Vec<EntryId>,
    next_order: Vec<EntryId>,
    /// Where in `order` the next line is expected.
    cursor: usize,
    iteration: u32,
    live: usize,
    /// Live ones found in this iteration.
    live_found: usize,
    /// Entries after the last good scrape.
    settled: usize,
}

impl SeriesCache {
    /// Starts a scrape.
    pub fn begin(&mut self) {
        self.iteration = self.iteration.wrapping_add(1).max(1);
        self.rewind();
        self.next_order.clear();
        self.live_found = 0;
    }

    /// Goes back to the first line, to walk the same body again.
    pub fn rewind(&mut self) {
        self.cursor = 0;
    }

    /// The running number of the scrape.
    pub fn iteration(&self) -> u32 {
        self.iteration
    }

    /// Entries held.
    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Finds a series by the bytes that name it.
    #[inline]
    pub fn find(&mut self, raw: &[u8]) -> Option<EntryId> {
        if let Some(&guess) = self.order.get(self.cursor) {
            let entry = &self.entries[guess as usize];
            if name_in(&self.arena, entry) == raw {
                self.cursor += 1;
                return Some(guess);
            }
        }
        let (entries, arena) = (&self.entries, &self.arena);
        let found = *self.index.find(xxh3_64(raw), |&id| name_in(arena, &entries[id as usize]) == raw)?;
        self.cursor = self.entries[found as usize].position as usize + 1;
        Some(found)
    }

    /// An entry.
    #[inline]
    pub fn entry(&mut self, id: EntryId) -> &mut Entry {
        &mut self.entries[id as usize]
    }

    /// Adds a series that [`find`](Self::find) does not know.
    pub fn insert(&mut self, raw: &[u8], dropped: bool) -> EntryId {
        if self.arena.len() + raw.len() > u32::MAX as usize {
            self.compact();
        }
        let (entries, arena) = (&mut self.entries, &mut self.arena);
        let hash = xxh3_64(raw);
        let slot = self.index.entry(
            hash,
            |&id| name_in(arena, &entries[id as usize]) == raw,
            |&id| xxh3_64(name_in(arena, &entries[id as usize])),
        );
        let vacant = match slot {
            Slot::Occupied(occupied) => return *occupied.get(),
            Slot::Vacant(vacant) => vacant,
        };
        let id = self.free.pop().unwrap_or(entries.len() as EntryId);
        vacant.insert(id);
        let entry = Entry {
            series: SeriesRef::NONE,
            raw_at: arena.len() as u32,
            raw_len: raw.len() as u32,
            seen: 0,
            tracked: 0,
            position: 0,
            live: false,
            dropped,
            lost: false,
            histogram: false,
            in_use: true,
        };
        arena.extend_from_slice(raw);
        if id as usize == entries.len() {
            entries.push(entry);
        } else {
            entries[id as usize] = entry;
        }
        id
    }

    /// Notes that a series is in this body. `false` when it was there before.
    #[inline]
    pub fn see(&mut self, id: EntryId) -> bool {
        let entry = &mut self.entries[id as usize];
        if entry.seen == self.iteration {
            return false;
        }
        entry.seen = self.iteration;
        entry.position = self.next_order.len() as u32;
        self.next_order.push(id);
        true
    }

    /// Notes that the series goes stale when it is missing next time. `true` when it was not live before.
    #[inline]
    pub fn track(&mut self, id: EntryId) -> bool {
        let entry = &mut self.entries[id as usize];
        if entry.tracked != self.iteration {
            entry.tracked = self.iteration;
            self.live_found += usize::from(entry.live);
        }
        !entry.live
    }

    /// Notes that a tracked series is in storage now.
    pub fn set_live(&mut self, id: EntryId) {
        let entry = &mut self.entries[id as usize];
        if entry.tracked == self.iteration && !entry.live && entry.series.is_some() {
            entry.live = true;
            self.live += 1;
            self.live_found += 1;
        }
    }

    /// Ends a good scrape: collects the series that ended, forgets those that are not in the body.
    pub fn finish(&mut self, ended: &mut Vec<Ended>) {
        if self.live_found < self.live {
            self.collect_ended(ended);
        }
        if self.next_order.len() < self.len() {
            for id in 0..self.entries.len() as EntryId {
                let entry = &self.entries[id as usize];
                if entry.in_use && entry.seen != self.iteration {
                    self.remove(id);
                }
            }
            if self.garbage > GARBAGE_BYTES_MAX.max(self.arena.len() / 2) {
                self.compact();
            }
        }
        std::mem::swap(&mut self.order, &mut self.next_order);
        self.settled = self.len();
    }

    /// Ends a scrape that brought nothing: every live series ends.
    pub fn abandon(&mut self, ended: &mut Vec<Ended>) {
        for entry in &mut self.entries {
            if entry.in_use && entry.live {
                entry.live = false;
                ended.push(Ended { series: entry.series, histogram: entry.histogram });
            }
        }
        self.live = 0;
        // A target that fails with other series each time would fill the memory.
        if self.len() > self.settled * 2 + FAILED_ENTRIES_SPARE {
            *self = Self { iteration: self.iteration, settled: self.settled, ..Self::default() };
        }
    }

    fn collect_ended(&mut self, ended: &mut Vec<Ended>) {
        // Two spellings may name one series: it has not ended while one of them is there.
        let present: FxHashSet<SeriesRef> =
            self.entries.iter().filter(|entry| entry.in_use && entry.tracked == self.iteration).map(|entry| entry.series).collect();
        for entry in &mut self.entries {
            if entry.in_use && entry.live && entry.tracked != self.iteration {
                entry.live = false;
                self.live -= 1;
                if !present.contains(&entry.series) {
                    ended.push(Ended { series: entry.series, histogram: entry.histogram });
                }
            }
        }
    }

    fn remove(&mut self, id: EntryId) {
        let (entries, arena) = (&self.entries, &self.arena);
        let hash = xxh3_64(name_in(arena, &entries[id as usize]));
        if let Ok(found) = self.index.find_entry(hash, |&other| other == id) {
            found.remove();
        }
        let entry = &mut self.entries[id as usize];
        self.live -= usize::from(entry.live);
        self.garbage += entry.raw_len as usize;
        entry.in_use = false;
        entry.live = false;
        entry.raw_len = 0;
        self.free.push(id);
    }

    /// Rewrites the arena without what nobody uses.
    fn compact(&mut self) {
        let mut arena = Vec::with_capacity(self.arena.len() - self.garbage);
        for entry in self.entries.iter_mut().filter(|entry| entry.in_use) {
            let at = arena.len() as u32;
            arena.extend_from_slice(name_in(&self.arena, entry));
            entry.raw_at = at;
        }
        self.arena = arena;
        self.garbage = 0;
    }
}

#[inline]
fn name_in<'a>(arena: &'a [u8], entry: &Entry) -> &'a [u8] {
    let start = entry.raw_at as usize;
    &arena[start..start + entry.raw_len as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks a body of names; a name ending in `@` has a timestamp of its own.
    fn scrape(cache: &mut SeriesCache, body: &[&str]) -> Vec<u64> {
        cache.begin();
        let mut fresh = Vec::new();
        for name in body {
            let raw = name.as_bytes();
            let id = cache.find(raw).unwrap_or_else(|| cache.insert(raw, false));
            if !cache.see(id) {
                continue;
            }
            if !name.ends_with('@') && cache.track(id) {
                fresh.push(id);
            }
            if !cache.entry(id).series.is_some() {
                cache.entry(id).series =
                    SeriesRef(name.trim_matches(['@', ' ']).bytes().map(u64::from).fold(0u64, |n, b| n.wrapping_mul(256).wrapping_add(b)));
            }
        }
        for id in fresh {
            cache.set_live(id);
        }
        let mut ended = Vec::new();
        cache.finish(&mut ended);
        let mut ended: Vec<u64> = ended.into_iter().map(|ended| ended.series.0).collect();
        ended.sort_unstable();
        ended
    }

    const A: u64 = b'a' as u64;
    const B: u64 = b'b' as u64;

    #[test]
    fn series_end_when_they_are_missing() {
        let mut cache = SeriesCache::default();
        for (body, ended) in [
            (&["a", "b", "c"][..], &[][..]),
            (&["a", "b", "c"], &[]),
            (&["c", "b"], &[A]),
            (&["c"], &[B]),
            (&["a", "b", "c"], &[]),
            (&[], &[A, B, B + 1]),
            (&[], &[]),
            (&["a@", "b"], &[]),
            (&["b@"], &[B]),
            (&["b"], &[]),
        ] {
            assert_eq!(scrape(&mut cache, body), ended, "{body:?}");
            assert_eq!(cache.len(), body.len());
        }
    }

    #[test]
    fn another_spelling_keeps_a_series_alive() {
        let mut cache = SeriesCache::default();
        scrape(&mut cache, &["a", "b"]);
        assert!(scrape(&mut cache, &["a ", "b"]).is_empty());
        assert_eq!(scrape(&mut cache, &["b"]), [A]);
    }

    #[test]
    fn failed_scrapes_end_everything_once() {
        let mut cache = SeriesCache::default();
        scrape(&mut cache, &["a", "b"]);
        for expected in [2, 0] {
            let mut ended = Vec::new();
            cache.begin();
            if let Some(id) = cache.find(b"a") {
                cache.see(id);
                cache.track(id);
            }
            cache.abandon(&mut ended);
            assert_eq!(ended.len(), expected);
        }
        assert!(scrape(&mut cache, &["a", "b"]).is_empty());
        assert_eq!(scrape(&mut cache, &["b"]), [A]);
    }

    #[test]
    fn churn_does_not_fill_the_memory() {
        let mut cache = SeriesCache::default();
        for round in 0..50 {
            let names: Vec<String> = (0..1000).map(|n| format!("some_metric_with_a_long_name{{round=\"{round}\",n=\"{n}\"}}")).collect();
            scrape(&mut cache, &names.iter().map(String::as_str).collect::<Vec<_>>());
        }
        assert_eq!(cache.len(), 1000);
        assert!(cache.entries.len() <= 2000 && cache.arena.len() < 3 * GARBAGE_BYTES_MAX, "{} {}", cache.entries.len(), cache.arena.len());
        for round in 0..10 {
            cache.begin();
            for n in 0..2000 {
                cache.insert(format!("failed{round}x{n}").as_bytes(), false);
            }
            cache.abandon(&mut Vec::new());
        }
        assert!(cache.len() <= 5000, "{}", cache.len());
    }

    proptest::proptest! {
        /// Whatever the bodies, a series ends exactly when it was there last time and is not now.
        #[test]
        fn behaves_as_a_set(bodies in proptest::collection::vec(proptest::collection::vec(0u8..12, 0..14), 1..20)) {
            let mut cache = SeriesCache::default();
            let mut before = std::collections::BTreeSet::new();
            for body in bodies {
                let names: Vec<String> = body.iter().map(|n| char::from(b'a' + n).to_string()).collect();
                let now: std::collections::BTreeSet<u64> = names.iter().map(|name| u64::from(name.as_bytes()[0])).collect();
                let ended = scrape(&mut cache, &names.iter().map(String::as_str).collect::<Vec<_>>());
                proptest::prop_assert_eq!(ended, before.difference(&now).copied().collect::<Vec<_>>());
                proptest::prop_assert_eq!(cache.len(), now.len());
                before = now;
            }
        }
    }
}
