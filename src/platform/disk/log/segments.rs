//! Names of a log's segments.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A finished segment, or another file of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its number.
    pub number: u64,
    /// Its size.
    pub bytes: u64,
    /// Newest time in it, `i64::MIN` without.
    pub max_ts: i64,
}

/// Path of a segment.
pub fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:08}"))
}

/// The number that a name stands for, if it is a segment's.
pub fn segment_number(name: &str) -> Option<u64> {
    (name.len() >= 8 && name.bytes().all(|byte| byte.is_ascii_digit())).then(|| name.parse().ok())?
}

/// Numbers of the segments in a folder, ascending; files of other names are ignored.
pub fn segment_numbers(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        numbers.extend(entry?.file_name().to_str().and_then(segment_number));
    }
    numbers.sort_unstable();
    Ok(numbers)
}
