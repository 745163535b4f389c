//! Finds the blocks that have a word.

use std::sync::{Arc, OnceLock};

use memchr::memmem;
use tantivy::postings::TermInfo;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, Index, InvertedIndexReader, SegmentReader, TERMINATED, TantivyError};

use super::{ID_KIND, LONG, index_error, pack, schema};
use crate::base::cancel::Cancel;
use crate::logs::store::part::bits::Bits;
use crate::logs::store::part::error::PartError;
use crate::logs::store::part::pages::Pages;
use crate::logs::store::part::tokens::{fits_into_kind, id_kind};

/// A vocabulary of more bytes is not kept in memory but read each time.
const KEPT_BYTES_MAX: u64 = 8 << 20;
/// Words read between two looks at whether to stop.
const CHECK_EVERY: usize = 1024;
/// With more matching words there is no point in telling blocks apart.
const WORDS_MAX: usize = 2048;

/// Where in a word the wanted bytes may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Place {
    /// The word begins with them.
    Start,
    /// The word ends with them.
    End,
    /// Anywhere.
    Inside,
}

/// An open index.
pub(in super::super) struct WordsReader {
    pages: Arc<Pages>,
    blocks: usize,
    /// Nothing for a part without blocks.
    index: Option<Arc<InvertedIndexReader>>,
    /// All words, each between line breaks, if they are few enough.
    vocabulary: OnceLock<Option<Box<[u8]>>>,
}

impl WordsReader {
    pub(in super::super) fn open(pages: Arc<Pages>, blocks: usize) -> Result<Self, PartError> {
        let index = if blocks == 0 { None } else { Some(open(&pages, blocks).map_err(|error| index_error(pages.path(), &error))?) };
        Ok(Self { pages, blocks, index, vocabulary: OnceLock::new() })
    }

    /// Bytes on the heap, about.
    pub(in super::super) fn heap_bytes(&self) -> usize {
        // What tantivy holds of its dictionary is about the size of the file.
        self.vocabulary.get().and_then(Option::as_ref).map_or(0, |kept| kept.len()) + self.pages.len()
    }

    fn failed(&self, error: impl std::fmt::Display) -> PartError {
        index_error(self.pages.path(), &error)
    }

    /// Reads all of it: every word, and that it is in some of the blocks there are.
    pub(in super::super) fn check(&self, cancel: &Cancel) -> Result<(), PartError> {
        let Some(index) = &self.index else { return Ok(()) };
        let mut words = index.terms().stream().map_err(|error| self.failed(error))?;
        let mut seen = 0usize;
        while words.advance() {
            seen += 1;
            if seen.is_multiple_of(CHECK_EVERY) {
                cancel.check()?;
            }
            let found = index.read_postings_from_terminfo(words.value(), IndexRecordOption::Basic);
            let mut found = found.map_err(|error| self.failed(error))?;
            let mut block = found.doc();
            while block != TERMINATED {
                if block as usize >= self.blocks {
                    return Err(self.failed("a word is in a block that is not there"));
                }
                block = found.advance();
            }
        }
        Ok(())
    }

    /// Adds the blocks that have exactly this word.
    pub(in super::super) fn add_word(&self, word: &[u8], blocks: &mut Bits) -> Result<(), PartError> {
        let Some(index) = &self.index else { return Ok(()) };
        if let Some(info) = index.terms().get(word).map_err(|error| self.failed(error))? {
            self.add_term(index, &info, blocks)?;
        }
        Ok(())
    }

    fn add_term(&self, index: &InvertedIndexReader, info: &TermInfo, blocks: &mut Bits) -> Result<(), PartError> {
        let mut found = index.read_postings_from_terminfo(info, IndexRecordOption::Basic).map_err(|error| self.failed(error))?;
        let mut block = found.doc();
        while block != TERMINATED {
            blocks.insert(block as usize);
            block = found.advance();
        }
        Ok(())
    }

    /// Adds the blocks with tokens of the length and kind of one that is like an identifier.
    pub(in super::super) fn add_ids_like(&self, token: &[u8], blocks: &mut Bits) -> Result<(), PartError> {
        self.add_word(&[ID_KIND, token.len().min(255) as u8, id_kind(token)], blocks)
    }

    /// Adds the blocks with longer tokens like identifiers that these bytes could be a piece of.
    pub(in super::super) fn add_ids_around(&self, piece: &[u8], blocks: &mut Bits) -> Result<(), PartError> {
        let Some(index) = &self.index else { return Ok(()) };
        let longer = [ID_KIND, (piece.len() + 1).min(255) as u8];
        let terms = index.terms().range().ge(longer).lt(LONG).into_stream();
        let mut terms = terms.map_err(|error| self.failed(error))?;
        while terms.advance() {
            if let [_, _, kind] = *terms.key()
                && fits_into_kind(piece, kind)
            {
                let info = terms.value().clone();
                self.add_term(index, &info, blocks)?;
            }
        }
        Ok(())
    }

    /// Adds the blocks with long tokens.
    pub(in super::super) fn add_long(&self, blocks: &mut Bits) -> Result<(), PartError> {
        self.add_word(&LONG, blocks)
    }

    /// Adds the blocks with words that have `wanted` (lower case) at that place. False if it is not worth while to look
    /// because very many words have it; then the set is of no use.
    pub(in super::super) fn add_words_with(&self, wanted: &[u8], place: Place, blocks: &mut Bits) -> Result<bool, PartError> {
        let Some(index) = &self.index else { return Ok(true) };
        let mut found = 0;
        match self.vocabulary(index)? {
            Some(vocabulary) => {
                let mut pattern = Vec::with_capacity(wanted.len() + 1);
                if place == Place::Start {
                    pattern.push(b'\n');
                }
                pattern.extend_from_slice(wanted);
                if place == Place::End {
                    pattern.push(b'\n');
                }
                let finder = memmem::Finder::new(&pattern);
                let mut from = 0;
                while let Some(at) = vocabulary.get(from..).and_then(|rest| finder.find(rest)) {
                    // The bytes wanted begin behind the line break, if there is one in the pattern.
                    let inside = from + at + usize::from(place == Place::Start);
                    let start = memchr::memrchr(b'\n', &vocabulary[..inside]).map_or(0, |at| at + 1);
                    let end = memchr::memchr(b'\n', &vocabulary[inside..]).map_or(vocabulary.len(), |at| inside + at);
                    self.add_word(&vocabulary[start..end], blocks)?;
                    found += 1;
                    if found > WORDS_MAX {
                        return Ok(false);
                    }
                    from = end;
                }
            }
            None => {
                let finder = memmem::Finder::new(wanted);
                let mut words = index.terms().stream().map_err(|error| self.failed(error))?;
                while words.advance() {
                    let word = words.key();
                    let has = match place {
                        Place::Start => word.starts_with(wanted),
                        Place::End => word.ends_with(wanted),
                        Place::Inside => finder.find(word).is_some(),
                    };
                    if has {
                        let info = words.value().clone();
                        self.add_term(index, &info, blocks)?;
                        found += 1;
                        if found > WORDS_MAX {
                            return Ok(false);
                        }
                    }
                }
            }
        }
        Ok(true)
    }

    fn vocabulary(&self, index: &InvertedIndexReader) -> Result<Option<&[u8]>, PartError> {
        if let Some(known) = self.vocabulary.get() {
            return Ok(known.as_deref());
        }
        let mut all = vec![b'\n'];
        let mut words = index.terms().stream().map_err(|error| self.failed(error))?;
        while words.advance() {
            let word = words.key();
            if matches!(word.first(), Some(&ID_KIND)) || word == LONG {
                continue;
            }
            all.extend_from_slice(word);
            all.push(b'\n');
            if all.len() as u64 > KEPT_BYTES_MAX {
                return Ok(self.vocabulary.get_or_init(|| None).as_deref());
            }
        }
        Ok(self.vocabulary.get_or_init(|| Some(all.into_boxed_slice())).as_deref())
    }

    /// A set for this part's blocks.
    pub(in super::super) fn none(&self) -> Bits {
        Bits::none(self.blocks)
    }
}

fn open(pages: &Arc<Pages>, blocks: usize) -> tantivy::Result<Arc<InvertedIndexReader>> {
    let wrong = |what: &str| TantivyError::InternalError(what.to_owned());
    let packed = pack::Packed::open(Arc::clone(pages)).map_err(|error| wrong(&error.to_string()))?;
    let index = Index::open(packed)?;
    let (_, field) = schema();
    let segments = index.searchable_segments()?;
    let [segment] = &*segments else { return Err(wrong("it has not exactly one segment")) };
    let reader = SegmentReader::open(segment)?;
    if reader.max_doc() as usize != blocks {
        return Err(wrong("it has not as many documents as there are blocks"));
    }
    reader.inverted_index(field)
}
