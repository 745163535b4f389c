//! The index of words of a part: one tantivy segment whose documents are the blocks, in order.
//!
//! It has one field, `words`, of bytes: each distinct word of the block in lower case, besides `0x02, length, kind` for
//! each length and kind of tokens that are like identifiers and `0x03` if there are long ones. Nothing is stored, nothing but the
//! documents of a term is indexed. Its files lie in one file of the part, see [`pack`].

mod pack;
mod reader;
mod writer;

pub(super) use reader::{Place, WordsReader};
pub(super) use writer::{WordsSource, WordsWriter};

use tantivy::schema::{BytesOptions, Field, Schema};
use tantivy::store::Compressor;
use tantivy::{Index, IndexSettings};

use super::error::PartError;

/// Stands before length and kind in the terms for tokens that are like identifiers.
const ID_KIND: u8 = 2;
/// The term of blocks with long tokens.
const LONG: [u8; 1] = [3];

fn schema() -> (Schema, Field) {
    let mut builder = Schema::builder();
    let field = builder.add_bytes_field("words", BytesOptions::default().set_indexed());
    (builder.build(), field)
}

fn settings() -> IndexSettings {
    IndexSettings { docstore_compression: Compressor::None, docstore_compress_dedicated_thread: false, ..IndexSettings::default() }
}

/// Looks something up in the index of words. The library behind it panics at what cannot be; checksums let nothing such
/// through but what was written wrong, and that costs the part, not the process.
pub(super) fn guarded<T>(path: &std::path::Path, look: impl FnOnce() -> Result<T, PartError>) -> Result<T, PartError> {
    let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(look));
    looked.unwrap_or_else(|_| Err(index_error(path, &"it is not as it was written")))
}

fn index_error(path: &std::path::Path, error: &dyn std::fmt::Display) -> PartError {
    PartError::damaged(path, format!("the index of words cannot be used: {error}"))
}

/// The files of the only segment of an index, without those that were never written.
fn files_of(
    index: &Index,
    directory: &dyn tantivy::Directory,
) -> tantivy::Result<Vec<(std::path::PathBuf, tantivy::directory::OwnedBytes)>> {
    let mut files = Vec::new();
    let mut names: Vec<_> = index.load_metas()?.list_segment_files().into_iter().collect();
    names.push(std::path::PathBuf::from("meta.json"));
    names.sort();
    for name in names {
        if directory.exists(&name)? {
            let bytes = directory.open_read(&name)?.read_bytes()?;
            files.push((name, bytes));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::cancel::Cancel;
    use crate::logs::store::part::bits::Bits;
    use crate::logs::store::part::pages::{Pages, PagesWriter};
    use crate::logs::store::part::tokens::Tokenizer;

    #[test]
    fn a_library_that_panics_costs_the_part_only() {
        let path = std::path::Path::new("/x/index");
        let error = guarded::<()>(path, || panic!("mid > len")).expect_err("damage");
        assert!(error.to_string().contains("/x/index"), "{error}");
        assert_eq!(guarded(path, || Ok(3)).expect("looked"), 3);
    }

    #[test]
    fn an_index_that_was_written_wrong_is_refused_whatever_is_done_with_it() {
        let dir = tempfile::tempdir().expect("dir");
        let mut tokenizer = Tokenizer::new();
        let mut writer = WordsWriter::new(dir.path().join("good"));
        for block in 0..300 {
            writer.add(tokenizer.find(format!("all of {block} has word{}", block % 7).as_bytes()).expect("text")).expect("add");
        }
        let seal = writer.finish(Vec::new()).expect("finish");
        let whole = std::fs::read(dir.path().join("good")).expect("read")[..seal.bytes as usize].to_vec();
        let mut kept = Bits::all(300);
        kept.remove(7);
        let (mut merges, mut panics) = (0, 0);
        for at in (0..whole.len()).step_by(7) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x55;
            let path = dir.path().join("bad");
            let mut out = PagesWriter::create(path.clone()).expect("create");
            out.write(&bytes).expect("write");
            let seal = out.finish().expect("finish");
            let pages = Arc::new(Pages::open(path.clone(), seal).expect("its checksums fit"));
            let joined = dir.path().join("joined");
            match WordsWriter::new(joined.clone()).finish(vec![WordsSource { pages: Arc::clone(&pages), kept: kept.clone() }]) {
                Ok(_) => merges += 1,
                Err(error) => panics += usize::from(error.to_string().contains("not as it was written")),
            }
            drop(guarded(&path, || WordsReader::open(pages, 300)?.check(&Cancel::new())));
            std::fs::remove_file(path).expect("remove");
            drop(std::fs::remove_file(joined));
        }
        assert!(merges > 0 && panics > 0, "{merges} merges, {panics} panics");
    }
}
