//! Shortening the log: one file with what is still needed of segments that are in blocks or chunk files otherwise, and
//! those chunk files.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::frame::MAGIC;
use super::record::{Flushed, Kind, put_flushed};
use super::segments::{self, checkpoint_path, chunks_path};
use crate::base::bytes::put_uvarint;
use crate::platform::disk;
use crate::platform::disk::log::{Packer, segment_path};

/// Content of one record.
const RECORD_BYTES: usize = 1 << 20;

/// A checkpoint being written.
pub struct Checkpoint {
    packer: Packer,
    file: BufWriter<File>,
    path: PathBuf,
    number: u64,
    kind: Kind,
    content: Vec<u8>,
    frame: Vec<u8>,
    chunk_files: Vec<u64>,
}

impl Checkpoint {
    /// Begins the checkpoint that replaces all segments before `number`, together with these chunk files.
    pub fn create(dir: &Path, number: u64, flushed: &[Flushed], chunk_files: &[u64]) -> io::Result<Self> {
        let path = disk::temporary_beside(&checkpoint_path(dir, number));
        let mut file = BufWriter::new(File::create(&path)?);
        file.write_all(&MAGIC)?;
        let mut checkpoint = Self {
            packer: Packer::default(),
            file,
            path,
            number,
            kind: Kind::Flushed,
            content: Vec::new(),
            frame: Vec::new(),
            chunk_files: chunk_files.to_vec(),
        };
        for mark in flushed {
            checkpoint.put(Kind::Flushed, |out| put_flushed(out, *mark))?;
        }
        for file in chunk_files {
            checkpoint.put(Kind::Files, |out| put_uvarint(out, *file))?;
        }
        Ok(checkpoint)
    }

    /// Adds an entry of a record.
    pub fn put(&mut self, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        if kind != self.kind || self.content.len() >= RECORD_BYTES {
            self.finish_record()?;
            self.kind = kind;
        }
        write(&mut self.content);
        Ok(())
    }

    fn finish_record(&mut self) -> io::Result<()> {
        if self.content.is_empty() {
            return Ok(());
        }
        self.frame.clear();
        self.packer.put_frame(&mut self.frame, self.kind, &self.content);
        self.content.clear();
        self.file.write_all(&self.frame)
    }
}

/// Makes a checkpoint take effect and removes what it replaces. Answers its size in bytes.
pub fn install(mut checkpoint: Checkpoint, dir: &Path) -> io::Result<u64> {
    let number = checkpoint.number;
    checkpoint.finish_record()?;
    let file = checkpoint.file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    let bytes = file.metadata()?.len();
    fs::rename(&checkpoint.path, checkpoint_path(dir, number))?;
    disk::sync_dir(dir)?;
    let listing = segments::list(dir)?;
    for old in listing.checkpoints.into_iter().filter(|old| *old < number) {
        fs::remove_file(checkpoint_path(dir, old))?;
    }
    for old in listing.segments.into_iter().filter(|old| *old < number) {
        fs::remove_file(segment_path(dir, old))?;
    }
    for old in listing.chunk_files.into_iter().filter(|old| !checkpoint.chunk_files.contains(old)) {
        fs::remove_file(chunks_path(dir, old))?;
    }
    Ok(bytes)
}

/// A chunk file being written. It counts when a checkpoint names it.
pub struct ChunkFile {
    packer: Packer,
    file: BufWriter<File>,
    place: Place,
    frame: Vec<u8>,
}

/// Where a file is written and where it is put. What is not put there is removed.
struct Place {
    path: PathBuf,
    target: PathBuf,
    is_there: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_there {
            // What stays is removed by the next start.
            drop(fs::remove_file(&self.path));
        }
    }
}

impl ChunkFile {
    /// Begins the chunk file that goes with the checkpoint of this number.
    pub fn create(dir: &Path, number: u64) -> io::Result<Self> {
        let target = chunks_path(dir, number);
        let place = Place { path: disk::temporary_beside(&target), target, is_there: false };
        let mut file = BufWriter::new(File::create(&place.path)?);
        file.write_all(&MAGIC)?;
        Ok(Self { packer: Packer::default(), file, place, frame: Vec::new() })
    }

    /// Adds a record; none if it is empty.
    pub fn put(&mut self, kind: Kind, content: &[u8]) -> io::Result<()> {
        if content.is_empty() {
            return Ok(());
        }
        self.frame.clear();
        self.packer.put_frame(&mut self.frame, kind, content);
        self.file.write_all(&self.frame)
    }

    /// Puts the whole file in its place and on the disk. Answers its size in bytes.
    pub fn finish(mut self) -> io::Result<u64> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        fs::rename(&self.place.path, &self.place.target)?;
        self.place.is_there = true;
        disk::sync_dir(self.place.target.parent().unwrap_or(Path::new(".")))?;
        Ok(bytes)
    }
}
