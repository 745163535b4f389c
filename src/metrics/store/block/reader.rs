//! An open block.

use std::cmp::Ordering;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use memmap2::{Mmap, UncheckedAdvice};
use parking_lot::{Mutex, RwLock};

use super::chunks::{COLUMN_ENTRY_BYTES, ChunkEntry, ChunkList, Chunks, FRAME_ENTRY_BYTES};
use super::index::{Damage, Index};
use super::layout::{Places, Section, find_sections};
use super::tombstones::{Tombstones, remove_deleted};
use super::{BLOCK_FILE, BlockError, BlockMeta, Scratch, TOMBSTONES_FILE};
use crate::base::bytes::has_crc32;
use crate::base::time::TimeRange;
use crate::metrics::store::codec::Corrupt;
use crate::metrics::store::postings::{Postings, PostingsSource, matching};
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;
use crate::series::sample::SampleBuf;

/// Sections up to this size have their checksum compared on opening. Data does not: damage there costs single chunks.
const CHECKED_ON_OPEN: usize = 256 * 1024;
/// Whoever reads a whole block lets go of its pages after so many bytes.
const RELEASE_EVERY: usize = 4 * 1024 * 1024;
/// Longest description of a block; it grows with its sources.
const META_BYTES_MAX: usize = 64 * 1024 * 1024;

/// An open block. Reading needs no locks and may go on while the folder is being removed.
pub struct Block {
    dir: PathBuf,
    path: PathBuf,
    file: Mmap,
    places: Places,
    meta: BlockMeta,
    /// Process-wide number, so that readers tell frames of different blocks apart.
    key: u64,
    /// A bit for each frame whose checksum matched.
    verified: Box<[AtomicU64]>,
    tombstones: RwLock<Arc<Tombstones>>,
    /// Held while the file of tombstones is replaced.
    deleting: Mutex<()>,
}

static NEXT_KEY: AtomicU64 = AtomicU64::new(0);

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Block").field("dir", &self.dir).field("meta", &self.meta).finish_non_exhaustive()
    }
}

impl Block {
    /// Opens the block in a folder. Checks that every section lies in the file and that the tables fit each other;
    /// checksums of samples are compared when they are read, all of them by [`Block::verify`].
    pub fn open(dir: &Path) -> Result<Self, BlockError> {
        let path = dir.join(BLOCK_FILE);
        let file = File::open(&path).map_err(BlockError::io("open", &path))?;
        #[expect(
            unsafe_code,
            reason = "blocks are never changed nor truncated once renamed into place; mapping them is what makes opening cheap"
        )]
        let file = unsafe { Mmap::map(&file) }.map_err(BlockError::io("map", &path))?;
        let places = find_sections(&file, &path)?;
        let damaged = |damage: Damage| BlockError::Corrupt { path: path.clone(), section: damage.section.name(), what: damage.what };

        for section in Section::ALL {
            let place = &places[section as usize - 1];
            let is_checked = section != Section::Data && place.bytes.len() <= CHECKED_ON_OPEN;
            if is_checked && !has_crc32(&file[place.bytes.clone()], place.crc) {
                return Err(damaged(Damage::new(section, "checksum does not match")));
            }
        }
        let index = Index::open(&file, &places).and_then(|index| index.check().map(|()| index)).map_err(damaged)?;
        let meta = read_meta(&file[places[Section::Meta as usize - 1].bytes.clone()], file.len()).map_err(damaged)?;
        if meta.series != u64::from(index.series_count()) {
            return Err(damaged(Damage::new(Section::Meta, "number of series does not fit")));
        }
        let frames = places[Section::Frames as usize - 1].bytes.len();
        if !frames.is_multiple_of(FRAME_ENTRY_BYTES) {
            return Err(damaged(Damage::new(Section::Frames, "length does not fit")));
        }
        if !places[Section::Timestamps as usize - 1].bytes.len().is_multiple_of(COLUMN_ENTRY_BYTES) {
            return Err(damaged(Damage::new(Section::Timestamps, "length does not fit")));
        }
        let verified = (0..(frames / FRAME_ENTRY_BYTES).div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let tombstones = Tombstones::load(&dir.join(TOMBSTONES_FILE))?;
        let block = Self {
            dir: dir.to_owned(),
            file,
            places,
            meta,
            key: NEXT_KEY.fetch_add(1, Relaxed),
            verified,
            tombstones: RwLock::new(Arc::new(tombstones)),
            deleting: Mutex::new(()),
            path,
        };
        block.release_pages();
        Ok(block)
    }

    /// Compares the checksum of every section. Reads the whole file.
    pub fn verify(&self) -> Result<(), BlockError> {
        for section in Section::ALL {
            let place = &self.places[section as usize - 1];
            let mut crc = crc32fast::Hasher::new();
            for part in self.file[place.bytes.clone()].chunks(RELEASE_EVERY) {
                crc.update(part);
                self.release_pages();
            }
            if !cfg!(fuzzing) && crc.finalize() != place.crc {
                return Err(self.damaged(Damage::new(section, "checksum does not match")));
            }
        }
        Ok(())
    }

    /// Lets go of the pages that were read so far: they stay in the cache of the system, but no longer count as memory of
    /// this process. Whoever reads them again maps them again. For those who read a whole block once.
    pub fn release_pages(&self) {
        #[expect(unsafe_code, reason = "the mapping is shared and read-only: dropped pages come back with the same bytes")]
        let advised = unsafe { self.file.unchecked_advise(UncheckedAdvice::DontNeed) };
        // Advice: where the system does not take it, the pages stay until it needs them.
        drop(advised);
    }

    /// What the block says about itself.
    pub fn meta(&self) -> &BlockMeta {
        &self.meta
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Number of series; their ids are all numbers below, in ascending order of labels.
    pub fn series_count(&self) -> u32 {
        self.index().map_or(0, |index| index.series_count())
    }

    /// Labels of a series.
    pub fn labels(&self, id: u32) -> Result<Labels, BlockError> {
        let mut packed = Vec::with_capacity(256);
        self.index().and_then(|index| index.labels_into(id, &mut packed)).map_err(|damage| self.damaged(damage))?;
        Labels::from_packed(&packed).map_err(|_| self.damaged(Damage::new(Section::Series, "labels are malformed")))
    }

    /// The series with exactly these labels.
    pub fn find(&self, labels: &Labels) -> Result<Option<u32>, BlockError> {
        let (mut low, mut high) = (0, self.series_count());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.labels(middle)?.cmp(labels) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(Some(middle)),
                Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    /// Names of all labels, ascending.
    pub fn label_names(&self) -> Result<Vec<String>, BlockError> {
        let names = || {
            let index = self.index()?;
            (0..index.name_count()).map(|at| text(index.name(at)?, Section::Names).map(str::to_owned)).collect::<Result<_, _>>()
        };
        names().map_err(|damage| self.damaged(damage))
    }

    /// Values of a label, ascending.
    pub fn label_values(&self, name: &str) -> Result<Vec<String>, BlockError> {
        let values = || {
            let index = self.index()?;
            let Some(name) = index.find_name(name) else { return Ok(Vec::new()) };
            index.values_of(name).map(|at| text(index.value(at)?, Section::Values).map(str::to_owned)).collect::<Result<_, _>>()
        };
        values().map_err(|damage| self.damaged(damage))
    }

    /// The series that pass all matchers, ascending by id and so by labels.
    pub fn matching(&self, matchers: &[Matcher]) -> Result<Vec<u32>, BlockError> {
        matching(self, matchers).map_err(|Corrupt { what }| self.damaged(Damage::new(Section::Postings, what)))
    }

    /// Appends the samples of a series within `range` (both ends included, deleted ones left out) to `out`.
    ///
    /// On an error `out` holds what could be read all the same.
    pub fn read(&self, id: u32, range: TimeRange, scratch: &mut Scratch, out: &mut SampleBuf) -> Result<(), BlockError> {
        let (floats, histograms) = (out.float_ts.len(), out.histogram_ts.len());
        let chunks = self.chunks();
        let mut read = |entry: Result<ChunkEntry, Damage>| {
            let entry = entry?;
            let column = chunks.column(entry.column)?;
            if column.range.overlaps(&range) { chunks.read(&entry, &column, range, scratch, out) } else { Ok(()) }
        };
        let mut result = Ok(());
        match self.chunk_entries(id) {
            Ok(list) => list.for_each(|entry| result = result.and(read(entry))),
            Err(damage) => result = Err(damage),
        }
        let result = result.map_err(|damage| self.damaged(damage));
        remove_deleted(self.tombstones().of(id), floats, histograms, out);
        result
    }

    /// Whether a series has a chunk that reaches into `range` and is not deleted there. Looks at no sample: a gap within a
    /// chunk goes unnoticed.
    pub fn has_samples_in(&self, id: u32, range: TimeRange) -> Result<bool, BlockError> {
        let tombstones = self.tombstones();
        let has = || {
            let chunks = self.chunks();
            for entry in self.chunk_entries(id)? {
                let has = chunks.column(entry?.column)?.range;
                let common = TimeRange::new(has.start.max(range.start), has.end.min(range.end));
                let is_deleted = tombstones.of(id).iter().any(|deleted| deleted.start <= common.start && common.end <= deleted.end);
                if common.start <= common.end && !is_deleted {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        has().map_err(|damage| self.damaged(damage))
    }

    /// From when to when the chunks of a series reach, and how many samples they have, deleted ones included.
    pub fn chunk_sizes(&self, id: u32) -> Result<Vec<(TimeRange, u64)>, BlockError> {
        let chunks = self.chunks();
        let size = |entry: Result<ChunkEntry, Damage>| chunks.column(entry?.column).map(|column| (column.range, column.count as u64));
        self.chunk_entries(id).and_then(|list| list.map(size).collect()).map_err(|damage| self.damaged(damage))
    }

    /// Deletes a range of some series. When this returns, the deletion is on disk and seen by reads that start afterwards.
    pub fn add_tombstones(&self, ids: &[u32], range: TimeRange) -> Result<(), BlockError> {
        let _one_at_a_time = self.deleting.lock();
        let mut tombstones = Tombstones::clone(&self.tombstones());
        for &id in ids.iter().filter(|id| **id < self.series_count()) {
            if self.has_samples_in(id, range)? {
                tombstones.add(id, range);
            }
        }
        if tombstones == *self.tombstones() {
            return Ok(());
        }
        tombstones.save(&self.dir.join(TOMBSTONES_FILE))?;
        *self.tombstones.write() = Arc::new(tombstones);
        Ok(())
    }

    /// What is deleted now.
    pub fn tombstones(&self) -> Arc<Tombstones> {
        Arc::clone(&self.tombstones.read())
    }

    fn index(&self) -> Result<Index<'_>, Damage> {
        Index::open(&self.file, &self.places)
    }

    /// The chunks that a series is made of.
    pub(super) fn chunk_entries(&self, id: u32) -> Result<ChunkList<'_>, Damage> {
        self.index().and_then(|index| index.chunk_list(id)).map(ChunkList::new)
    }

    pub(super) fn chunks(&self) -> Chunks<'_> {
        Chunks::open(&self.file, &self.places, self.key, &self.verified)
    }

    fn damaged(&self, damage: Damage) -> BlockError {
        BlockError::Corrupt { path: self.path.clone(), section: damage.section.name(), what: damage.what }
    }
}

impl PostingsSource for Block {
    fn all(&self) -> Result<Postings<'_>, Corrupt> {
        Ok(Postings::Range(0..self.series_count()))
    }

    fn postings(&self, name: &str, value: &str) -> Result<Postings<'_>, Corrupt> {
        let index = self.index().map_err(corrupt)?;
        let found = index.find_name(name).and_then(|name| index.find_value(name, value));
        found.map_or(Ok(Postings::EMPTY), |value| index.postings(value))
    }

    fn value_count(&self, name: &str) -> usize {
        self.index().ok().and_then(|index| index.find_name(name).map(|name| index.values_of(name).len())).unwrap_or(0)
    }

    fn postings_where<'a>(
        &'a self,
        name: &str,
        prefix: &str,
        keep: &mut dyn FnMut(&str) -> bool,
        lists: &mut Vec<Postings<'a>>,
    ) -> Result<(), Corrupt> {
        let index = self.index().map_err(corrupt)?;
        let Some(name) = index.find_name(name) else { return Ok(()) };
        for at in index.values_with_prefix(name, prefix) {
            let value = index.value(at).and_then(|value| text(value, Section::Values)).map_err(corrupt)?;
            if keep(value) {
                lists.push(index.postings(at)?);
            }
        }
        Ok(())
    }

    fn test_label(&self, id: u32, name: &str, test: &mut dyn FnMut(&str) -> bool) -> Result<bool, Corrupt> {
        let index = self.index().map_err(corrupt)?;
        let Some(name) = index.find_name(name) else { return Ok(test("")) };
        let value = index.value_of(id, name).map_err(corrupt)?.unwrap_or_default();
        Ok(test(text(value, Section::Values).map_err(corrupt)?))
    }
}

const fn corrupt(damage: Damage) -> Corrupt {
    Corrupt { what: damage.what }
}

fn text(bytes: &[u8], section: Section) -> Result<&str, Damage> {
    std::str::from_utf8(bytes).map_err(|_| Damage::new(section, "text is not UTF-8"))
}

fn read_meta(json: &[u8], file_len: usize) -> Result<BlockMeta, Damage> {
    if json.len() > META_BYTES_MAX {
        return Err(Damage::new(Section::Meta, "absurdly long"));
    }
    let mut meta: BlockMeta = serde_json::from_slice(json).map_err(|_| Damage::new(Section::Meta, "not the description of a block"))?;
    meta.bytes = file_len as u64;
    Ok(meta)
}
