//! What a backup says about itself: the first and the last file of the archive.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// Name of the first file.
pub(super) const MANIFEST: &str = "manifest.json";
/// Name of the last one.
pub(super) const CHECKSUMS: &str = "checksums.json";
/// Version of the archive that is written; older ones are read.
pub const FORMAT_VERSION: u32 = 1;
/// What the field `format` says.
pub(super) const FORMAT: &str = "pharos backup";
/// Longest of the two that is read, in bytes: a million files.
pub(super) const BYTES_MAX: u64 = 256 << 20;
/// Longest path inside, as ustar can write it.
const PATH_BYTES_MAX: usize = 250;
/// Deepest path inside.
const DEPTH_MAX: usize = 16;

/// The first file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// `pharos backup`.
    pub format: String,
    /// Version of the archive.
    pub format_version: u32,
    /// Version of the server that made it.
    pub pharos_version: String,
    /// When it was made (ms): everything acknowledged before is in it.
    pub created_ms: i64,
    /// What took part, as `database`.
    pub parts: Vec<String>,
    /// The files, in their order.
    pub files: Vec<FileEntry>,
}

/// A file in the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Where it stands in the data folder, with slashes.
    pub path: String,
    /// Its size.
    pub bytes: u64,
}

/// The last file: a checksum for each file, in the same order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checksums {
    pub(super) files: Vec<Checksum>,
}

/// A file's checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checksum {
    pub(super) path: String,
    /// In hexadecimal.
    pub(super) sha256: String,
}

impl Manifest {
    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).fold(0, u64::saturating_add)
    }
}

/// Why a path must not be followed, if it must not: it could leave the folder, or means different things to different
/// systems.
pub(super) fn unsafe_path(path: &str) -> Option<&'static str> {
    if path.is_empty() || path.len() > PATH_BYTES_MAX || path.split('/').count() > DEPTH_MAX {
        return Some("it is empty, too long or too deep");
    }
    if path.starts_with('/') || Path::new(path).is_absolute() {
        return Some("it is absolute");
    }
    if path.split('/').any(|part| part == "..") {
        return Some("it leads out of the folder");
    }
    if path.split('/').any(|part| part.is_empty() || part == ".") || path.chars().any(|c| c == '\\' || c == ':' || c.is_control()) {
        return Some("it has characters that no file of pharos has");
    }
    None
}
