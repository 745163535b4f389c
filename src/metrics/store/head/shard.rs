//! A part of the table of series, and the counts over it that are kept as series change.

use std::ops::{Deref, DerefMut};

use super::chunk::PackScratch;
use super::series::Series;

/// A power of two; more shards, less waiting, more locks taken per batch.
pub const SHARDS: usize = 16;
/// Series in one page of a shard's table. A page goes when its last series goes.
const PAGE: usize = 256;

/// The shard of a series.
#[inline]
pub const fn shard_of(id: u32) -> usize {
    id as usize % SHARDS
}

/// What some series hold together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Series.
    pub series: usize,
    /// Chunks, open ones included.
    pub chunks: usize,
    /// Bytes of samples.
    pub sample_bytes: usize,
}

impl Held {
    fn of(series: &Series) -> Self {
        Self { series: 1, chunks: series.chunk_count(), sample_bytes: series.sample_bytes() }
    }

    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            series: self.series + other.series,
            chunks: self.chunks + other.chunks,
            sample_bytes: self.sample_bytes + other.sample_bytes,
        }
    }

    /// What is left without the other, which is a part of this.
    fn minus(self, other: Self) -> Self {
        Self {
            series: self.series - other.series,
            chunks: self.chunks - other.chunks,
            sample_bytes: self.sample_bytes - other.sample_bytes,
        }
    }
}

/// A part of the table of series.
#[derive(Debug, Default)]
pub struct Shard {
    pages: Vec<Option<Page>>,
    held: Held,
}

#[derive(Debug)]
struct Page {
    slots: Box<[Option<Box<Series>>]>,
    live: usize,
}

/// A series that may change; the counts of its shard follow when this is dropped.
#[derive(Debug)]
pub struct SeriesMut<'s> {
    series: &'s mut Series,
    held: &'s mut Held,
    before: Held,
}

impl<'s> SeriesMut<'s> {
    #[inline]
    fn new(series: &'s mut Series, held: &'s mut Held) -> Self {
        Self { before: Held::of(series), series, held }
    }
}

impl Deref for SeriesMut<'_> {
    type Target = Series;

    #[inline]
    fn deref(&self) -> &Series {
        self.series
    }
}

impl DerefMut for SeriesMut<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Series {
        self.series
    }
}

impl Drop for SeriesMut<'_> {
    #[inline]
    fn drop(&mut self) {
        *self.held = self.held.plus(Held::of(self.series)).minus(self.before);
    }
}

impl Shard {
    /// What its series hold.
    pub fn held(&self) -> Held {
        self.held
    }

    /// A series by id.
    #[inline]
    pub fn get(&self, id: u32) -> Option<&Series> {
        let slot = id as usize / SHARDS;
        self.pages.get(slot / PAGE)?.as_ref()?.slots[slot % PAGE].as_deref()
    }

    /// A series by id, to change.
    #[inline]
    pub fn get_mut(&mut self, id: u32) -> Option<SeriesMut<'_>> {
        let slot = id as usize / SHARDS;
        let series = self.pages.get_mut(slot / PAGE)?.as_mut()?.slots[slot % PAGE].as_deref_mut()?;
        Some(SeriesMut::new(series, &mut self.held))
    }

    /// Puts a series at an id that is free.
    pub fn insert(&mut self, id: u32, series: Series) {
        self.remove(id);
        let slot = id as usize / SHARDS;
        if self.pages.len() <= slot / PAGE {
            self.pages.resize_with(slot / PAGE + 1, || None);
        }
        let page = self.pages[slot / PAGE].get_or_insert_with(|| Page { slots: (0..PAGE).map(|_| None).collect(), live: 0 });
        self.held = self.held.plus(Held::of(&series));
        page.slots[slot % PAGE] = Some(Box::new(series));
        page.live += 1;
    }

    /// Takes a series out.
    pub fn remove(&mut self, id: u32) -> Option<Box<Series>> {
        let slot = id as usize / SHARDS;
        let entry = self.pages.get_mut(slot / PAGE)?;
        let page = entry.as_mut()?;
        let gone = page.slots[slot % PAGE].take()?;
        page.live -= 1;
        self.held = self.held.minus(Held::of(&gone));
        if page.live == 0 {
            *entry = None;
        }
        Some(gone)
    }

    /// Ids and series, ascending; `shard` is this shard's number.
    pub fn iter(&self, shard: usize) -> impl Iterator<Item = (u32, &Series)> {
        let pages = self.pages.iter().enumerate().filter_map(|(at, page)| Some((at, page.as_ref()?)));
        pages.flat_map(move |(at, page)| {
            let slots = page.slots.iter().enumerate();
            slots.filter_map(move |(slot, series)| Some((((at * PAGE + slot) * SHARDS + shard) as u32, series.as_deref()?)))
        })
    }

    /// Changes all series, by ascending id; `shard` is this shard's number.
    pub fn change_each(&mut self, shard: usize, mut change: impl FnMut(u32, &mut Series)) {
        for (at, page) in self.pages.iter_mut().enumerate().filter_map(|(at, page)| Some((at, page.as_mut()?))) {
            for (slot, series) in page.slots.iter_mut().enumerate().filter_map(|(slot, series)| Some((slot, series.as_deref_mut()?))) {
                change(((at * PAGE + slot) * SHARDS + shard) as u32, &mut SeriesMut::new(series, &mut self.held));
            }
        }
    }

    /// Changes all series.
    pub fn change_all(&mut self, mut change: impl FnMut(&mut Series)) {
        for series in self.pages.iter_mut().flatten().flat_map(|page| page.slots.iter_mut().flatten()) {
            change(&mut SeriesMut::new(series, &mut self.held));
        }
    }

    /// Number of pages, for [`Self::pack_page`].
    pub fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// Whether a page has chunks to pack.
    pub fn page_wants_packing(&self, page: usize) -> bool {
        let page = self.pages.get(page).and_then(Option::as_ref);
        page.is_some_and(|page| page.slots.iter().flatten().any(|series| series.wants_packing()))
    }

    /// Packs the closed chunks of a page.
    pub fn pack_page(&mut self, page: usize, scratch: &mut PackScratch) {
        let Some(page) = self.pages.get_mut(page).and_then(Option::as_mut) else { return };
        for series in page.slots.iter_mut().flatten().filter(|series| series.wants_packing()) {
            SeriesMut::new(series, &mut self.held).pack(scratch);
        }
    }

    /// What [`Self::held`] has to be.
    #[cfg(test)]
    pub fn recount(&self) -> Held {
        self.iter(0).fold(Held::default(), |sum, (_, series)| sum.plus(Held { sample_bytes: series.recounted_bytes(), ..Held::of(series) }))
    }
}
