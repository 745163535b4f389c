//! Reading the log back: frame by frame, past damage, with the memory that its reader allows.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::FORMAT;
use super::record::{LINES, read_lines};
use crate::logs::store::lines::{Lines, Seed};
use crate::platform::disk::log::segments::segment_numbers;
use crate::platform::disk::log::{Damage, Damaged, LogReader, SegmentInfo, Unpacker, segment_path};

/// A place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct WalPlace {
    /// The segment.
    pub segment: u64,
    /// Bytes of it.
    pub offset: u64,
}

/// Takes what the log holds.
pub trait Sink {
    /// Lines, in the order in which they were acknowledged. Everything before `next` was handed over then.
    ///
    /// # Errors
    /// When they cannot be kept; reading back ends with it.
    fn lines(&mut self, lines: &Lines<'_>, next: WalPlace) -> io::Result<()>;
}

/// What reading back brought.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Segments there are.
    pub segments: Vec<SegmentInfo>,
    /// Number for the next segment.
    pub next: u64,
    /// What could not be read.
    pub damage: Vec<Damage>,
    /// Records read.
    pub records: u64,
}

/// How far reading back has come, for whoever watches from another thread.
#[derive(Debug, Default)]
pub struct ReplayProgress {
    /// Bytes of all segments.
    pub total_bytes: AtomicU64,
    /// Bytes read.
    pub done_bytes: AtomicU64,
    /// Whether it is over.
    pub done: AtomicBool,
}

/// Reads everything from a place on into `sink`, and removes segments before it. A torn end of the newest segment is cut
/// off; anything else that is damaged is copied to `quarantine/`, named in the answer, and passed over.
pub fn replay(dir: &Path, from: WalPlace, seed: Seed, sink: &mut dyn Sink, progress: &ReplayProgress) -> io::Result<Replayed> {
    fs::create_dir_all(dir)?;
    let mut replayed = Replayed { next: from.segment.max(1), ..Replayed::default() };
    let (old, live): (Vec<u64>, Vec<u64>) = segment_numbers(dir)?.into_iter().partition(|number| *number < from.segment);
    for number in old {
        fs::remove_file(segment_path(dir, number))?;
    }
    let bytes: u64 = live.iter().filter_map(|number| fs::metadata(segment_path(dir, *number)).ok()).map(|meta| meta.len()).sum();
    progress.total_bytes.store(bytes, Ordering::Relaxed);
    let mut reader = LogReader::new(dir, FORMAT, Damaged::Mend);
    let mut unpacker = Unpacker::default();
    for (at, &number) in live.iter().enumerate() {
        let path = segment_path(dir, number);
        let bytes = fs::read(&path)?;
        // Frames before the place are in parts.
        let skip = if number == from.segment { from.offset } else { 0 };
        let mut max_ts = i64::MIN;
        let good_len = reader.walk(&path, &bytes, at + 1 == live.len(), |record| {
            if (record.place.start as u64) < skip || record.frame.kind != LINES {
                return Ok(None);
            }
            replayed.records += 1;
            let content = record.frame.content(&mut unpacker);
            let Some(lines) = content.as_ref().and_then(|content| read_lines(content, seed).ok()) else {
                return Ok(Some("a record holds something else than it claims"));
            };
            max_ts = lines.lines.iter().fold(max_ts, |max, line| max.max(line.ts));
            sink.lines(&lines, WalPlace { segment: number, offset: record.place.end as u64 })?;
            Ok(None)
        })?;
        replayed.segments.extend(good_len.map(|bytes| SegmentInfo { number, bytes, max_ts }));
        progress.done_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        replayed.next = replayed.next.max(number + 1);
    }
    replayed.damage = reader.damage;
    progress.done.store(true, Ordering::Relaxed);
    Ok(replayed)
}
