//! What the file `meta` says about the part; it is written last.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::error::PartError;
use super::pages::FileSeal;
use crate::base::bytes::{Cursor, Malformed, has_crc32};

const MAGIC: &[u8; 8] = b"PHARPART";
const VERSION: u32 = 1;
/// Files with pages, in the order of their seals.
const SEALED: usize = 6;
/// Bytes of `meta`.
const META_BYTES: usize = 8 + 4 + 8 * 8 + 3 * 4 + SEALED * 12 + 4;

/// Names of the files of a part.
pub(super) mod names {
    pub(in super::super) const META: &str = "meta";
    pub(in super::super) const TEXT: &str = "text";
    pub(in super::super) const HEADS: &str = "heads";
    pub(in super::super) const BLOCKS: &str = "blocks";
    pub(in super::super) const RUNS: &str = "runs";
    pub(in super::super) const STREAMS: &str = "streams";
    pub(in super::super) const BLOOM: &str = "bloom";
    pub(in super::super) const INDEX: &str = "index";
}

/// What a part holds and how large it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartInfo {
    /// Time of the oldest line (ns).
    pub min_ts: i64,
    /// Time of the newest line (ns), included.
    pub max_ts: i64,
    /// Lines.
    pub lines: u64,
    /// Bytes of their text.
    pub text_bytes: u64,
    /// Bytes of their fields, each distinct set of a block once.
    pub fields_bytes: u64,
    /// Streams.
    pub streams: u64,
    /// Blocks.
    pub blocks: u64,
    /// Bytes of all files.
    pub disk_bytes: u64,
    /// Bytes of the files, one by one.
    pub files: FileBytes,
    /// Bytes of text that blocks were to have.
    pub block_bytes: u32,
    /// Level of zstd.
    pub zstd_level: i32,
    /// Whether it was written by a dense merge.
    pub dense: bool,
}

/// Bytes of each file of a part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileBytes {
    /// Texts and fields.
    pub text: u64,
    /// Times and lengths.
    pub heads: u64,
    /// Where blocks lie.
    pub blocks: u64,
    /// Which lines of shared blocks are of which stream.
    pub runs: u64,
    /// Label sets.
    pub streams: u64,
    /// Filters for what is like an identifier.
    pub bloom: u64,
    /// The index of words.
    pub index: u64,
}

/// Seals of the files with pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seals {
    pub(super) heads: FileSeal,
    pub(super) blocks: FileSeal,
    pub(super) runs: FileSeal,
    pub(super) streams: FileSeal,
    pub(super) bloom: FileSeal,
    pub(super) index: FileSeal,
}

impl Seals {
    const fn list(&self) -> [FileSeal; SEALED] {
        [self.heads, self.blocks, self.runs, self.streams, self.bloom, self.index]
    }

    fn file_bytes(&self, text: u64) -> FileBytes {
        FileBytes {
            text,
            heads: self.heads.file_bytes(),
            blocks: self.blocks.file_bytes(),
            runs: self.runs.file_bytes(),
            streams: self.streams.file_bytes(),
            bloom: self.bloom.file_bytes(),
            index: self.index.file_bytes(),
        }
    }
}

/// Completes what the files say about their sizes.
pub(super) fn with_sizes(info: PartInfo, text_len: u64, seals: &Seals) -> PartInfo {
    let disk_bytes =
        seals.list().iter().fold(text_len, |sum, seal| sum.saturating_add(seal.file_bytes())).saturating_add(META_BYTES as u64);
    PartInfo { files: seals.file_bytes(text_len), disk_bytes, ..info }
}

/// Writes `meta`, durably.
pub(super) fn write(dir: &Path, info: &PartInfo, seals: &Seals) -> Result<(), PartError> {
    let path = dir.join(names::META);
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    let long = [
        info.min_ts as u64,
        info.max_ts as u64,
        info.lines,
        info.text_bytes,
        info.fields_bytes,
        info.streams,
        info.blocks,
        info.files.text,
    ];
    long.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
    bytes.extend_from_slice(&info.block_bytes.to_le_bytes());
    bytes.extend_from_slice(&info.zstd_level.to_le_bytes());
    bytes.extend_from_slice(&u32::from(info.dense).to_le_bytes());
    for seal in seals.list() {
        bytes.extend_from_slice(&seal.bytes.to_le_bytes());
        bytes.extend_from_slice(&seal.crc.to_le_bytes());
    }
    let crc = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    let mut file = File::create(&path).map_err(PartError::io("create", &path))?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(PartError::io("write", &path))
}

/// Reads `meta`.
pub(super) fn read(dir: &Path) -> Result<(PartInfo, Seals), PartError> {
    let path: PathBuf = dir.join(names::META);
    let found = fs::metadata(&path).map_err(PartError::io("open", &path))?.len();
    if found != META_BYTES as u64 && found > 1 << 20 {
        return Err(PartError::damaged(&path, format!("it has {found} bytes instead of {META_BYTES}")));
    }
    let bytes = fs::read(&path).map_err(PartError::io("read", &path))?;
    let Some(rest) = bytes.strip_prefix(MAGIC) else { return Err(PartError::damaged(&path, "it does not begin as it should")) };
    let malformed = |_: Malformed| PartError::damaged(&path, "it is cut off");
    let mut cursor = Cursor::new(rest);
    let version = cursor.u32_le().map_err(malformed)?;
    if version != VERSION {
        return Err(PartError::Version { path, found: version });
    }
    if bytes.len() != META_BYTES {
        return Err(PartError::damaged(&path, format!("it has {} bytes instead of {META_BYTES}", bytes.len())));
    }
    let (sealed, crc) = bytes.split_at(META_BYTES - 4);
    if !has_crc32(sealed, Cursor::new(crc).u32_le().map_err(malformed)?) {
        return Err(PartError::damaged(&path, "its checksum does not fit"));
    }
    read_body(&mut cursor).map_err(malformed)
}

fn read_body(cursor: &mut Cursor<'_>) -> Result<(PartInfo, Seals), Malformed> {
    let mut info = PartInfo {
        min_ts: cursor.u64_le()? as i64,
        max_ts: cursor.u64_le()? as i64,
        lines: cursor.u64_le()?,
        text_bytes: cursor.u64_le()?,
        fields_bytes: cursor.u64_le()?,
        streams: cursor.u64_le()?,
        blocks: cursor.u64_le()?,
        ..PartInfo::default()
    };
    let text_len = cursor.u64_le()?;
    info.block_bytes = cursor.u32_le()?;
    info.zstd_level = cursor.u32_le()? as i32;
    info.dense = cursor.u32_le()? & 1 == 1;
    let mut seal = || -> Result<FileSeal, Malformed> { Ok(FileSeal { bytes: cursor.u64_le()?, crc: cursor.u32_le()? }) };
    let seals = Seals { heads: seal()?, blocks: seal()?, runs: seal()?, streams: seal()?, bloom: seal()?, index: seal()? };
    Ok((with_sizes(info, text_len, &seals), seals))
}
