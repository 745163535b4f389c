//! Names of the log's files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::platform::disk::log::segment_path;
use crate::platform::disk::log::segments::segment_number as number;

/// What stands before the number in a checkpoint's name.
const CHECKPOINT: &str = "checkpoint-";
/// And in a chunk file's.
const CHUNKS: &str = "chunks-";

/// The files in a log's folder.
#[derive(Debug, Default)]
pub struct Listing {
    /// Numbers of segments, ascending.
    pub segments: Vec<u64>,
    /// Numbers of checkpoints, ascending; more than one after a crash.
    pub checkpoints: Vec<u64>,
    /// Numbers of chunk files, ascending.
    pub chunk_files: Vec<u64>,
    /// What a crash left of files that were being written.
    pub unfinished: Vec<PathBuf>,
}

/// Path of a checkpoint.
pub fn checkpoint_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{CHECKPOINT}{number:08}"))
}

/// Path of a chunk file.
pub fn chunks_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{CHUNKS}{number:08}"))
}

/// Everything of the log that was written before segment `number` was begun: segments, checkpoints and chunk files.
pub fn files_before(dir: &Path, number: u64) -> io::Result<Vec<PathBuf>> {
    let listing = list(dir)?;
    let segments = listing.segments.into_iter().filter(|segment| *segment < number).map(|segment| segment_path(dir, segment));
    let checkpoints = listing.checkpoints.into_iter().map(|checkpoint| checkpoint_path(dir, checkpoint));
    let chunk_files = listing.chunk_files.into_iter().map(|file| chunks_path(dir, file));
    Ok(segments.chain(checkpoints).chain(chunk_files).collect())
}

/// Lists the folder; files of other names are ignored.
pub fn list(dir: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if (name.starts_with(CHECKPOINT) || name.starts_with(CHUNKS)) && name.ends_with(".tmp") {
            listing.unfinished.push(entry.path());
        } else if let Some(number) = name.strip_prefix(CHECKPOINT).and_then(number) {
            listing.checkpoints.push(number);
        } else if let Some(number) = name.strip_prefix(CHUNKS).and_then(number) {
            listing.chunk_files.push(number);
        } else if let Some(number) = number(name) {
            listing.segments.push(number);
        }
    }
    listing.segments.sort_unstable();
    listing.checkpoints.sort_unstable();
    listing.chunk_files.sort_unstable();
    Ok(listing)
}
