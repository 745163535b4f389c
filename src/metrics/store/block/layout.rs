//! The container: header, sections with checksums, footer.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::{BlockError, FORMAT_VERSION};
use crate::base::bytes::{Cursor, has_crc32};

const MAGIC: &[u8; 8] = b"PHAROSTS";
const END_MAGIC: &[u8; 8] = b"STSORAHP";
pub(super) const HEADER_BYTES: usize = 16;
const ENTRY_BYTES: usize = 24;
const TRAILER_BYTES: usize = 20;
/// Number of sections, and the highest code.
pub(super) const SECTIONS: usize = 10;

/// The sections by code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Data = 1,
    Frames = 2,
    Timestamps = 3,
    Names = 4,
    FirstValues = 5,
    Values = 6,
    Postings = 7,
    Shapes = 8,
    Series = 9,
    Meta = 10,
}

impl Section {
    pub(super) const ALL: [Self; SECTIONS] = [
        Self::Data,
        Self::Frames,
        Self::Timestamps,
        Self::Names,
        Self::FirstValues,
        Self::Values,
        Self::Postings,
        Self::Shapes,
        Self::Series,
        Self::Meta,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Frames => "frames",
            Self::Timestamps => "timestamps",
            Self::Names => "names",
            Self::FirstValues => "first values",
            Self::Values => "values",
            Self::Postings => "postings",
            Self::Shapes => "shapes",
            Self::Series => "series",
            Self::Meta => "meta",
        }
    }
}

/// Where a section lies and what its checksum is.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub(super) bytes: Range<usize>,
    pub(super) crc: u32,
}

/// All sections, by code less one.
pub(super) type Places = [Place; SECTIONS];

/// Writes the file front to back, section by section.
pub(super) struct FileWriter {
    out: BufWriter<File>,
    path: PathBuf,
    written: u64,
    section_start: u64,
    crc: crc32fast::Hasher,
    footer: Vec<u8>,
}

impl FileWriter {
    pub(super) fn create(path: PathBuf) -> Result<Self, BlockError> {
        let file = File::create(&path).map_err(BlockError::io("create", &path))?;
        let mut writer = Self {
            out: BufWriter::with_capacity(256 * 1024, file),
            path,
            written: 0,
            section_start: 0,
            crc: crc32fast::Hasher::new(),
            footer: Vec::new(),
        };
        writer.write(MAGIC)?;
        writer.write(&FORMAT_VERSION.to_le_bytes())?;
        writer.write(&[0; 4])?;
        writer.begin();
        Ok(writer)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes written to the file.
    pub(super) const fn written(&self) -> u64 {
        self.written
    }

    fn begin(&mut self) {
        self.section_start = self.written;
        self.crc = crc32fast::Hasher::new();
    }

    /// Bytes written to the current section.
    pub(super) const fn position(&self) -> u64 {
        self.written - self.section_start
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), BlockError> {
        self.out.write_all(bytes).map_err(BlockError::io("write", &self.path))?;
        self.crc.update(bytes);
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// What was written since the last section is this section.
    pub(super) fn end_section(&mut self, section: Section) {
        self.footer.extend_from_slice(&(section as u32).to_le_bytes());
        self.footer.extend_from_slice(&self.section_start.to_le_bytes());
        self.footer.extend_from_slice(&self.position().to_le_bytes());
        self.footer.extend_from_slice(&self.crc.clone().finalize().to_le_bytes());
        self.begin();
    }

    /// Writes a table of what `put` appends for each index.
    pub(super) fn write_table(
        &mut self,
        section: Section,
        count: usize,
        mut put: impl FnMut(usize, &mut Vec<u8>),
    ) -> Result<(), BlockError> {
        let mut offsets = Vec::with_capacity(4 * count + 8);
        let mut record = Vec::new();
        for index in 0..=count {
            let offset =
                u32::try_from(self.position()).map_err(|_| BlockError::TooLarge { path: self.path.clone(), what: section.name() })?;
            offsets.extend_from_slice(&offset.to_le_bytes());
            if index < count {
                record.clear();
                put(index, &mut record);
                self.write(&record)?;
            }
        }
        let count = u32::try_from(count).map_err(|_| BlockError::TooLarge { path: self.path.clone(), what: section.name() })?;
        offsets.extend_from_slice(&count.to_le_bytes());
        self.write(&offsets)?;
        self.end_section(section);
        Ok(())
    }

    /// Writes the footer, waits until everything is on disk, and returns the length of the file.
    pub(super) fn finish(mut self, sync: bool) -> Result<u64, BlockError> {
        let footer = std::mem::take(&mut self.footer);
        self.write(&footer)?;
        let mut trailer = Vec::with_capacity(TRAILER_BYTES);
        trailer.extend_from_slice(&(footer.len() as u32).to_le_bytes());
        trailer.extend_from_slice(&crc32fast::hash(&footer).to_le_bytes());
        trailer.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        trailer.extend_from_slice(END_MAGIC);
        self.write(&trailer)?;
        let file = self.out.into_inner().map_err(|error| BlockError::io("write", &self.path)(error.into_error()))?;
        if sync {
            file.sync_all().map_err(BlockError::io("sync", &self.path))?;
        }
        Ok(self.written)
    }
}

/// Finds the sections of a file; every place lies within it.
pub(super) fn find_sections(file: &[u8], path: &Path) -> Result<Places, BlockError> {
    let corrupt = |what| BlockError::Corrupt { path: path.to_owned(), section: "footer", what };
    let short = || corrupt("the file is cut off");
    let (head, _) = file.split_first_chunk::<HEADER_BYTES>().ok_or_else(short)?;
    if !head.starts_with(MAGIC) {
        return Err(corrupt("not a block file"));
    }
    let mut cursor = Cursor::new(&head[MAGIC.len()..]);
    let version = cursor.u32_le().map_err(|_| short())?;
    if version != FORMAT_VERSION {
        return Err(BlockError::Version { path: path.to_owned(), found: version });
    }
    if cursor.rest() != [0; 4] {
        return Err(corrupt("header is malformed"));
    }
    let (body, trailer) = file.split_last_chunk::<TRAILER_BYTES>().ok_or_else(short)?;
    if !trailer.ends_with(END_MAGIC) || body.len() < HEADER_BYTES {
        return Err(short());
    }
    let mut cursor = Cursor::new(trailer);
    let footer_len = cursor.u32_le().map_err(|_| short())? as usize;
    let footer_crc = cursor.u32_le().map_err(|_| short())?;
    if cursor.u32_le().map_err(|_| short())? != version {
        return Err(corrupt("two versions in one file"));
    }
    let footer_start = body
        .len()
        .checked_sub(footer_len)
        .filter(|start| *start >= HEADER_BYTES)
        .ok_or_else(|| corrupt("footer is longer than the file"))?;
    let footer = &body[footer_start..];
    if footer_len != SECTIONS * ENTRY_BYTES || !has_crc32(footer, footer_crc) {
        return Err(corrupt("checksum does not match"));
    }
    let mut places = Places::default();
    let mut cursor = Cursor::new(footer);
    for section in Section::ALL {
        let malformed = |_| corrupt("section table is malformed");
        if cursor.u32_le().map_err(malformed)? != section as u32 {
            return Err(corrupt("sections are out of order"));
        }
        let start = usize::try_from(cursor.u64_le().map_err(malformed)?).unwrap_or(usize::MAX);
        let len = usize::try_from(cursor.u64_le().map_err(malformed)?).unwrap_or(usize::MAX);
        let crc = cursor.u32_le().map_err(malformed)?;
        let end = start.checked_add(len).filter(|end| *end <= footer_start && start >= HEADER_BYTES);
        let end = end.ok_or_else(|| corrupt("section lies outside of the file"))?;
        places[section as usize - 1] = Place { bytes: start..end, crc };
    }
    Ok(places)
}

/// A table, read where it lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    offsets: &'a [[u8; 4]],
}

impl<'a> Table<'a> {
    /// Splits a section into strings and offsets; offsets are checked when used.
    pub(super) fn open(section: &'a [u8]) -> Option<Self> {
        let (body, count) = section.split_last_chunk::<4>()?;
        let offsets_len = (u32::from_le_bytes(*count) as usize).checked_add(1)?.checked_mul(4)?;
        let (bytes, offsets) = body.split_at(body.len().checked_sub(offsets_len)?);
        Some(Self { bytes, offsets: offsets.as_chunks().0 })
    }

    /// Number of strings.
    pub(super) const fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// A string; none when the index or its offsets are out of bounds.
    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<&'a [u8]> {
        let start = u32::from_le_bytes(*self.offsets.get(index)?) as usize;
        let end = u32::from_le_bytes(*self.offsets.get(index + 1)?) as usize;
        self.bytes.get(start..end)
    }
}
