//! Makes one part of several.
//!
//! A *fast* merge copies blocks that are full as they are, words included, and rewrites only what is small. A *dense*
//! merge rewrites everything. Both go through the streams in order and hold a few blocks of each part in memory, never
//! more. Exact repetitions (stream, time, text, fields) are dropped where lines are rewritten.

mod batch;
mod lines;
mod source;

use std::path::Path;
use std::sync::Arc;

use super::block::Run;
use super::error::PartError;
use super::meta::PartInfo;
use super::reader::Part;
use super::words::WordsSource;
use super::writer::{PartOptions, PartWriter, WholeBlock};
use crate::base::bytes::has_crc32;
use crate::base::cancel::Cancel;
use crate::series::labels::Labels;

use batch::Batch;
use lines::merge_lines;
use source::Source;

/// Whether a line (time in ns, text, packed fields) stays.
pub type KeepLine<'a> = Box<dyn Fn(i64, &[u8], &[u8]) -> bool + 'a>;

/// What of a stream stays.
pub enum Keep<'a> {
    /// Every line.
    All,
    /// No line.
    Nothing,
    /// The lines for which this holds.
    Lines(KeepLine<'a>),
}

/// How to merge.
#[derive(Debug, Clone, Copy)]
pub struct MergeOptions {
    /// How blocks are written.
    pub part: PartOptions,
    /// Whether blocks that are at least half as large as wanted are copied.
    pub copy_blocks: bool,
}

impl MergeOptions {
    /// Little work: what is full stays as it is.
    pub const FAST: Self = Self { part: PartOptions::FRESH, copy_blocks: true };
    /// Everything anew, as small as can be.
    pub const DENSE: Self = Self { part: PartOptions::DENSE, copy_blocks: false };
}

/// Makes one part of several, in an empty folder. Everything is on disk when this returns. `keep` is asked for each
/// stream, more than once maybe, with the same answer.
pub fn merge<'k>(
    parts: &[Arc<Part>],
    dir: &Path,
    options: &MergeOptions,
    keep: &dyn Fn(&Labels) -> Keep<'k>,
    cancel: &Cancel,
) -> Result<PartInfo, PartError> {
    let mut writer = PartWriter::create(dir, options.part)?;
    let mut sources = parts.iter().map(|part| Source::new(part, cancel)).collect::<Result<Vec<_>, _>>()?;
    let mut words = Vec::new();
    if options.copy_blocks {
        for source in &mut sources {
            words.push(copy_blocks(source, &mut writer, options, keep, cancel)?);
        }
    }
    let mut batch = Batch::new(4 * options.part.block_bytes);
    let mut buffers = Vec::new();
    while let Some(labels) = least_labels(&sources) {
        cancel.check()?;
        let kept = keep(&labels);
        let mut open = Vec::new();
        for (index, source) in sources.iter_mut().enumerate().filter(|(_, source)| source.labels.as_ref() == Some(&labels)) {
            for own in source.take_own() {
                match own.copied {
                    Some(block) => {
                        let stream = writer.stream_number(&labels)?;
                        writer.set_stream(block, stream);
                    }
                    None => open.push(lines::Lines::own(Arc::clone(source.part), own.block)?),
                }
            }
            if source.shared_is_current() {
                open.push(lines::Lines::shared(index, source)?);
            }
        }
        match &kept {
            Keep::Nothing => lines::skip(open, &mut sources)?,
            Keep::All => merge_lines(open, &mut sources, &labels, None, &mut batch, &mut buffers, &mut writer)?,
            Keep::Lines(keep) => merge_lines(open, &mut sources, &labels, Some(keep), &mut batch, &mut buffers, &mut writer)?,
        }
        sources.iter_mut().filter(|source| source.labels.as_ref() == Some(&labels)).try_for_each(Source::next_stream)?;
    }
    writer.finish_with(words)
}

/// The first stream that some part is at.
fn least_labels(sources: &[Source<'_>]) -> Option<Labels> {
    sources.iter().filter_map(|source| source.labels.as_ref()).min_by(|left, right| left.packed().cmp(right.packed())).cloned()
}

/// Copies the full blocks of a part whose streams stay whole; says which.
fn copy_blocks<'k>(
    source: &mut Source<'_>,
    writer: &mut PartWriter,
    options: &MergeOptions,
    keep: &dyn Fn(&Labels) -> Keep<'k>,
    cancel: &Cancel,
) -> Result<WordsSource, PartError> {
    let part = source.part;
    let wanted = source.blocks_to_copy(options.part.block_bytes / 2, keep)?;
    let mut bytes = Vec::new();
    let mut copied = rustc_hash::FxHashMap::default();
    for block in wanted.iter() {
        cancel.check()?;
        let record = part.record(block)?;
        let (text, fields) = (record.text_len as usize, record.fields_len as usize);
        part.read_text_file(record.text_at, text + fields, &mut bytes)?;
        if !has_crc32(&bytes[..text], record.text_crc) || (fields > 0 && !has_crc32(&bytes[text..], record.fields_crc)) {
            return Err(PartError::damaged(&part.text_path, format!("the checksum of block {block} does not fit")));
        }
        let (head, bloom) = (part.head_of(&record)?, part.bloom_of(&record)?);
        copied.insert(block as u32, writer.put_whole(&WholeBlock { record, head, text: &bytes, bloom })?);
    }
    source.note_copied(&copied);
    Ok(WordsSource { pages: Arc::clone(part.index_pages()), kept: wanted })
}

/// A run of a shared block with where its lines are.
type SharedRun = (Run, std::ops::Range<u32>);
