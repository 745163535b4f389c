//! Mapped files whose bytes are checked page by page, the first time each page is looked at.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::Mmap;

use super::error::PartError;
use crate::base::bytes::has_crc32;

/// Bytes that share a checksum.
pub(super) const PAGE_BYTES: usize = 32 * 1024;

/// Length and checksum of a file, as the part's `meta` keeps them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FileSeal {
    /// Bytes of the content, without the checksums behind it.
    pub(super) bytes: u64,
    /// CRC-32 of the checksums of the pages, which stand behind the content, four bytes each.
    pub(super) crc: u32,
}

impl FileSeal {
    /// Bytes of the whole file.
    pub(super) const fn file_bytes(self) -> u64 {
        self.bytes.saturating_add(4 * self.bytes.div_ceil(PAGE_BYTES as u64))
    }
}

/// Writes a file front to back, with the checksums of its pages at the end.
pub(super) struct PagesWriter {
    out: BufWriter<File>,
    path: PathBuf,
    written: u64,
    page: crc32fast::Hasher,
    in_page: usize,
    crcs: Vec<u8>,
}

impl PagesWriter {
    pub(super) fn create(path: PathBuf) -> Result<Self, PartError> {
        let file = File::create(&path).map_err(PartError::io("create", &path))?;
        let out = BufWriter::with_capacity(64 * 1024, file);
        Ok(Self { out, path, written: 0, page: crc32fast::Hasher::new(), in_page: 0, crcs: Vec::new() })
    }

    /// Where the next byte goes.
    pub(super) const fn position(&self) -> u64 {
        self.written
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), PartError> {
        self.out.write_all(bytes).map_err(PartError::io("write", &self.path))?;
        self.written += bytes.len() as u64;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(PAGE_BYTES - self.in_page));
            self.page.update(now);
            self.in_page += now.len();
            rest = later;
            if self.in_page == PAGE_BYTES {
                self.end_page();
            }
        }
        Ok(())
    }

    fn end_page(&mut self) {
        let page = std::mem::replace(&mut self.page, crc32fast::Hasher::new());
        self.crcs.extend_from_slice(&page.finalize().to_le_bytes());
        self.in_page = 0;
    }

    /// Writes the checksums and waits until everything is on disk.
    pub(super) fn finish(mut self) -> Result<FileSeal, PartError> {
        if self.in_page > 0 {
            self.end_page();
        }
        let seal = FileSeal { bytes: self.written, crc: crc32fast::hash(&self.crcs) };
        let path = self.path;
        self.out.write_all(&self.crcs).map_err(PartError::io("write", &path))?;
        let file = self.out.into_inner().map_err(|error| PartError::io("write", &path)(error.into_error()))?;
        file.sync_all().map_err(PartError::io("sync", &path))?;
        Ok(seal)
    }
}

/// Such a file, mapped.
pub(super) struct Pages {
    map: Option<Mmap>,
    path: PathBuf,
    seal: FileSeal,
    /// One bit a page: it was found whole.
    checked: Box<[AtomicU64]>,
}

impl Pages {
    /// Maps a file; its length and the checksums of its pages are checked now, its pages later.
    pub(super) fn open(path: PathBuf, seal: FileSeal) -> Result<Self, PartError> {
        let file = File::open(&path).map_err(PartError::io("open", &path))?;
        let found = file.metadata().map_err(PartError::io("look at", &path))?.len();
        let expected = seal.file_bytes();
        if found != expected {
            return Err(PartError::damaged(&path, format!("it has {found} bytes instead of {expected}")));
        }
        let map = if found == 0 {
            None
        } else {
            #[expect(unsafe_code, reason = "the file is never changed after it was written; parts are removed whole, which a map survives")]
            Some(unsafe { Mmap::map(&file) }.map_err(PartError::io("map", &path))?)
        };
        let pages =
            Self { map, seal, checked: (0..seal.bytes.div_ceil(PAGE_BYTES as u64 * 64)).map(|_| AtomicU64::new(0)).collect(), path };
        if !has_crc32(pages.crcs(), seal.crc) {
            return Err(PartError::damaged(&pages.path, "the checksums of its pages do not fit the part"));
        }
        Ok(pages)
    }

    fn all(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }

    fn crcs(&self) -> &[u8] {
        self.all().get(self.seal.bytes as usize..).unwrap_or_default()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the content.
    pub(super) const fn len(&self) -> usize {
        self.seal.bytes as usize
    }

    /// Bytes whose pages were checked.
    pub(super) fn get(&self, range: Range<usize>) -> Result<&[u8], PartError> {
        let outside = || PartError::damaged(&self.path, "something lies outside of it");
        if range.end > self.len() {
            return Err(outside());
        }
        let bytes = self.all().get(range.clone()).ok_or_else(outside)?;
        if !bytes.is_empty() {
            for page in range.start / PAGE_BYTES..=(range.end - 1) / PAGE_BYTES {
                self.check_page(page)?;
            }
        }
        Ok(bytes)
    }

    fn check_page(&self, page: usize) -> Result<(), PartError> {
        let bit = 1u64 << (page % 64);
        let Some(word) = self.checked.get(page / 64) else { return Ok(()) };
        if word.load(Ordering::Relaxed) & bit != 0 {
            return Ok(());
        }
        let start = page * PAGE_BYTES;
        let bytes = self.all().get(start..(start + PAGE_BYTES).min(self.len())).unwrap_or_default();
        let crc = self.crcs().as_chunks::<4>().0.get(page).copied().map_or(0, u32::from_le_bytes);
        if !has_crc32(bytes, crc) {
            return Err(PartError::damaged(&self.path, format!("the checksum of page {page} does not fit")));
        }
        word.fetch_or(bit, Ordering::Relaxed);
        Ok(())
    }

    /// Checks every page again, whether it was found whole before or not.
    pub(super) fn check(&self) -> Result<(), PartError> {
        self.checked.iter().for_each(|word| word.store(0, Ordering::Relaxed));
        self.get(0..self.len()).map(drop)
    }
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages").field("path", &self.path).field("bytes", &self.seal.bytes).finish()
    }
}
