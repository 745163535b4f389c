//! Deleted ranges of a block's series, in a file beside the block.

use std::fs;
use std::io;
use std::path::Path;

use rustc_hash::FxHashMap;

use super::file::replace;
use super::{BlockError, FORMAT_VERSION};
use crate::base::bytes::{Cursor, Malformed, has_crc32, put_uvarint, put_varint};
use crate::base::time::TimeRange;
use crate::metrics::store::samples::forget_hint;
use crate::series::sample::SampleBuf;

const MAGIC: &[u8; 8] = b"PHAROSTM";
const HEAD_BYTES: usize = 16;

/// Deleted ranges by series id; of each series ascending and apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tombstones {
    ranges: FxHashMap<u32, Vec<TimeRange>>,
}

impl Tombstones {
    /// Reads the file, or none if it does not exist.
    pub(super) fn load(path: &Path) -> Result<Self, BlockError> {
        let content = match fs::read(path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(BlockError::io("read", path)(error)),
        };
        let corrupt = |what| BlockError::Corrupt { path: path.to_owned(), section: "tombstones", what };
        let mut cursor = Cursor::new(&content);
        let cut_off = |_: Malformed| corrupt("the file is cut off");
        if cursor.take(MAGIC.len()).map_err(cut_off)? != MAGIC {
            return Err(corrupt("not a tombstones file"));
        }
        let version = cursor.u32_le().map_err(cut_off)?;
        if version != FORMAT_VERSION {
            return Err(BlockError::Version { path: path.to_owned(), found: version });
        }
        let crc = cursor.u32_le().map_err(cut_off)?;
        if !has_crc32(&content[HEAD_BYTES..], crc) {
            return Err(corrupt("checksum does not match"));
        }
        let mut ranges = FxHashMap::default();
        let mut id = 0u64;
        while !cursor.is_empty() {
            id = id.saturating_add(cursor.uvarint().map_err(cut_off)?);
            let id = u32::try_from(id).map_err(|_| corrupt("series id out of range"))?;
            let mut of_series = Vec::new();
            for _ in 0..cursor.len().map_err(cut_off)? {
                let start = cursor.varint().map_err(cut_off)?;
                let len = cursor.uvarint().map_err(cut_off)?;
                of_series.push(TimeRange::new(start, start.saturating_add_unsigned(len)));
            }
            ranges.insert(id, of_series);
        }
        Ok(Self { ranges })
    }

    /// Writes the file; it is replaced whole.
    pub(super) fn save(&self, path: &Path) -> Result<(), BlockError> {
        let mut ids: Vec<_> = self.ranges.keys().copied().collect();
        ids.sort_unstable();
        let mut content = MAGIC.to_vec();
        content.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        content.extend_from_slice(&[0; 4]);
        let mut before = 0;
        for id in ids {
            let ranges = self.of(id);
            put_uvarint(&mut content, u64::from(id - before));
            put_uvarint(&mut content, ranges.len() as u64);
            for range in ranges {
                put_varint(&mut content, range.start);
                put_uvarint(&mut content, range.end.abs_diff(range.start));
            }
            before = id;
        }
        let crc = crc32fast::hash(&content[HEAD_BYTES..]);
        content[HEAD_BYTES - 4..HEAD_BYTES].copy_from_slice(&crc.to_le_bytes());
        replace(path, &content)
    }

    /// Deletes a range of a series, joined with what is deleted already.
    pub fn add(&mut self, id: u32, range: TimeRange) {
        let ranges = self.ranges.entry(id).or_default();
        let mut joined = range;
        ranges.retain(|old| {
            let touches = old.start <= joined.end.saturating_add(1) && joined.start <= old.end.saturating_add(1);
            if touches {
                joined = TimeRange::new(joined.start.min(old.start), joined.end.max(old.end));
            }
            !touches
        });
        let at = ranges.partition_point(|old| old.start < joined.start);
        ranges.insert(at, joined);
    }

    /// Deleted ranges of a series, ascending.
    pub fn of(&self, id: u32) -> &[TimeRange] {
        self.ranges.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Whether nothing is deleted.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Number of series with deleted ranges.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }
}

/// Removes deleted samples from those behind the first `floats` floats and `histograms` histograms.
pub(super) fn remove_deleted(deleted: &[TimeRange], floats: usize, histograms: usize, out: &mut SampleBuf) {
    if deleted.is_empty() {
        return;
    }
    let is_deleted = |ts: i64| {
        let at = deleted.partition_point(|range| range.end < ts);
        deleted.get(at).is_some_and(|range| range.contains(ts))
    };
    let mut kept = floats;
    for at in floats..out.float_ts.len() {
        if !is_deleted(out.float_ts[at]) {
            out.float_ts[kept] = out.float_ts[at];
            out.floats[kept] = out.floats[at];
            if let Some(start) = out.float_start_ts.get(at).copied() {
                out.float_start_ts[kept] = start;
            }
            kept += 1;
        }
    }
    out.float_ts.truncate(kept);
    out.floats.truncate(kept);
    out.float_start_ts.truncate(kept);
    let (mut kept, mut gap) = (histograms, false);
    for at in histograms..out.histogram_ts.len() {
        if is_deleted(out.histogram_ts[at]) {
            gap = true;
            continue;
        }
        if std::mem::take(&mut gap) {
            forget_hint(&mut out.histograms[at]);
        }
        out.histogram_ts[kept] = out.histogram_ts[at];
        out.histograms.swap(kept, at);
        if let Some(start) = out.histogram_start_ts.get(at).copied() {
            out.histogram_start_ts[kept] = start;
        }
        kept += 1;
    }
    out.histogram_ts.truncate(kept);
    out.histograms.truncate(kept);
    out.histogram_start_ts.truncate(kept);
}
