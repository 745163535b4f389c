//! Writes the index of words, block by block.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::directory::{OwnedBytes, RamDirectory};
use tantivy::fastfield::AliveBitSet;
use tantivy::indexer::merge_filtered_segments;
use tantivy::schema::Field;
use tantivy::schema::document::{Document, ReferenceValue, ReferenceValueLeaf, Value};
use tantivy::{Index, Segment, SingleSegmentIndexWriter};

use super::{ID_KIND, LONG, files_of, guarded, index_error, pack, schema, settings};
use crate::logs::store::part::bits::Bits;
use crate::logs::store::part::error::PartError;
use crate::logs::store::part::pages::{FileSeal, Pages};
use crate::logs::store::part::tokens::Found;

/// What tantivy is told it may use; the writer for single segments only sizes its first table by it.
const BUDGET_BYTES: usize = 1 << 20;
/// With more than this in memory a segment is closed, and joined with the others at the end.
const OPEN_BYTES_MAX: usize = 24 << 20;

/// The words of one block, as tantivy takes them.
struct BlockWords {
    field: Field,
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Word<'a>(&'a [u8]);

impl<'a> Value<'a> for Word<'a> {
    type ArrayIter = std::iter::Empty<Self>;
    type ObjectIter = std::iter::Empty<(&'a str, Self)>;

    fn as_value(&self) -> ReferenceValue<'a, Self> {
        ReferenceValue::Leaf(ReferenceValueLeaf::Bytes(self.0))
    }
}

struct Words<'a> {
    of: &'a BlockWords,
    next: usize,
    from: usize,
}

impl<'a> Iterator for Words<'a> {
    type Item = (Field, Word<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let end = *self.of.ends.get(self.next)? as usize;
        let word = self.of.bytes.get(self.from..end)?;
        self.next += 1;
        self.from = end;
        Some((self.of.field, Word(word)))
    }
}

impl Document for BlockWords {
    type Value<'a> = Word<'a>;
    type FieldsValuesIter<'a> = Words<'a>;

    fn iter_fields_and_values(&self) -> Words<'_> {
        Words { of: self, next: 0, from: 0 }
    }
}

/// A finished index of which the blocks that are in `kept` go into another, in order.
pub(in super::super) struct WordsSource {
    pub(in super::super) pages: Arc<Pages>,
    pub(in super::super) kept: Bits,
}

/// A segment being written, in memory.
struct Open {
    writer: SingleSegmentIndexWriter<BlockWords>,
    directory: RamDirectory,
}

/// Collects the words of blocks.
pub(in super::super) struct WordsWriter {
    path: PathBuf,
    field: Field,
    open: Option<Open>,
    closed: Vec<(Index, RamDirectory)>,
    unused: Vec<u8>,
}

impl WordsWriter {
    pub(in super::super) fn new(path: PathBuf) -> Self {
        Self { path, field: schema().1, open: None, closed: Vec::new(), unused: Vec::new() }
    }

    /// Adds the next block.
    pub(in super::super) fn add(&mut self, found: &Found) -> Result<(), PartError> {
        let mut bytes = std::mem::take(&mut self.unused);
        bytes.clear();
        bytes.extend_from_slice(&found.words);
        let mut ends = found.ends.clone();
        let mut put = |term: &[u8]| {
            bytes.extend_from_slice(term);
            ends.push(bytes.len() as u32);
        };
        for (len, kind) in &found.id_kinds {
            put(&[ID_KIND, *len, *kind]);
        }
        if found.long {
            put(&LONG);
        }
        let block = BlockWords { field: self.field, bytes, ends };
        self.add_block(block).map_err(|error| index_error(&self.path, &error))
    }

    fn add_block(&mut self, block: BlockWords) -> tantivy::Result<()> {
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let directory = RamDirectory::create();
                let builder = Index::builder().schema(schema().0).settings(settings());
                let writer = builder.single_segment_index_writer(directory.clone(), BUDGET_BYTES)?;
                none.insert(Open { writer, directory })
            }
        };
        open.writer.add_document(block)?;
        if open.writer.mem_usage() > OPEN_BYTES_MAX {
            self.close()?;
        }
        Ok(())
    }

    fn close(&mut self) -> tantivy::Result<()> {
        if let Some(open) = self.open.take() {
            self.closed.push((open.writer.finalize()?, open.directory));
        }
        Ok(())
    }

    /// Writes everything into one file: first the blocks of the sources, then those added here.
    pub(in super::super) fn finish(mut self, sources: Vec<WordsSource>) -> Result<FileSeal, PartError> {
        let path = std::mem::take(&mut self.path);
        let files = guarded(&path, || self.join(sources, &path))?;
        pack::write(path, &files)
    }

    fn join(&mut self, sources: Vec<WordsSource>, path: &Path) -> Result<Vec<(PathBuf, OwnedBytes)>, PartError> {
        let failed = |error: tantivy::TantivyError| index_error(path, &error);
        self.close().map_err(failed)?;
        let mut segments: Vec<Segment> = Vec::new();
        let mut kept = Vec::new();
        for source in sources.iter().filter(|source| !source.kept.is_empty()) {
            let packed = pack::Packed::open(Arc::clone(&source.pages))?;
            let index = Index::open(packed).map_err(|error| index_error(source.pages.path(), &error))?;
            for segment in index.searchable_segments().map_err(|error| index_error(source.pages.path(), &error))? {
                kept.push(alive(&source.kept, segment.meta().max_doc()));
                segments.push(segment);
            }
        }
        if segments.is_empty() && self.closed.len() <= 1 {
            return match self.closed.pop() {
                Some((index, directory)) => files_of(&index, &directory).map_err(failed),
                None => Ok(Vec::new()),
            };
        }
        for (index, _) in &self.closed {
            for segment in index.searchable_segments().map_err(failed)? {
                kept.push(None);
                segments.push(segment);
            }
        }
        let directory = RamDirectory::create();
        let joined = merge_filtered_segments(&segments, settings(), kept, directory.clone()).map_err(failed)?;
        files_of(&joined, &directory).map_err(failed)
    }
}

/// The set in tantivy's form; nothing if all are in.
fn alive(kept: &Bits, docs: u32) -> Option<AliveBitSet> {
    if kept.count() == docs as usize {
        return None;
    }
    // Greatest value, then words of 64 bits.
    let mut bytes = docs.to_le_bytes().to_vec();
    let mut words = vec![0u64; (docs as usize).div_ceil(64)];
    for doc in kept.iter() {
        if let Some(word) = words.get_mut(doc / 64) {
            *word |= 1 << (doc % 64);
        }
    }
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    Some(AliveBitSet::open(OwnedBytes::new(bytes)))
}
