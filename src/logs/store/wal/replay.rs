//! Reading the log back: frame by frame, past damage, with the memory that its reader allows.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::FORMAT;
use super::record::{LINES, read_lines};
use crate::logs::store::lines::{Lines, Seed};
use crate::platform::disk;
use crate::platform::disk::log::segments::segment_numbers;
use crate::platform::disk::log::{Found, Frames, SegmentInfo, Unpacker, segment_path};

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

/// A part of the log that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Which file.
    pub file: PathBuf,
    /// Where in it, in bytes.
    pub offset: u64,
    /// What was found and done, in words.
    pub what: String,
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
    let mut reader = Reader { dir, seed, sink, replayed: &mut replayed, unpacker: Unpacker::default() };
    for (at, number) in live.iter().enumerate() {
        let skip = if *number == from.segment { from.offset } else { 0 };
        let read = reader.segment(*number, skip, at + 1 == live.len())?;
        progress.done_bytes.fetch_add(read, Ordering::Relaxed);
        reader.replayed.next = reader.replayed.next.max(number + 1);
    }
    progress.done.store(true, Ordering::Relaxed);
    Ok(replayed)
}

struct Reader<'a> {
    dir: &'a Path,
    seed: Seed,
    sink: &'a mut dyn Sink,
    replayed: &'a mut Replayed,
    unpacker: Unpacker,
}

impl Reader<'_> {
    /// Reads a segment; frames before `skip` are in parts. Answers how long it was.
    fn segment(&mut self, number: u64, skip: u64, is_last: bool) -> io::Result<u64> {
        let path = segment_path(self.dir, number);
        let bytes = fs::read(&path)?;
        let Some(mut frames) = Frames::new(&bytes, FORMAT) else {
            if is_last && bytes.len() <= FORMAT.magic.len() {
                // Created, and then the process ended.
                fs::remove_file(&path)?;
            } else {
                self.set_aside(&path, &bytes, 0, "not a log file of a known version")?;
            }
            return Ok(bytes.len() as u64);
        };
        let mut good_len = bytes.len();
        let mut max_ts = i64::MIN;
        loop {
            let at = frames.offset();
            match frames.next_frame() {
                Found::Frame(frame) if (at as u64) < skip || frame.kind != LINES => {}
                Found::Frame(frame) => {
                    self.replayed.records += 1;
                    let content = frame.content(&mut self.unpacker);
                    let Some(lines) = content.as_ref().and_then(|content| read_lines(content, self.seed).ok()) else {
                        self.set_aside(&path, &bytes[at..frames.offset()], at, "a record holds something else than it claims")?;
                        continue;
                    };
                    max_ts = lines.lines.iter().fold(max_ts, |max, line| max.max(line.ts));
                    self.sink.lines(&lines, WalPlace { segment: number, offset: frames.offset() as u64 })?;
                }
                Found::End => break,
                Found::Damaged { skippable: true } => {
                    let what = "a record does not fit its checksum; the ones after it were read";
                    self.set_aside(&path, &bytes[at..frames.offset()], at, what)?;
                }
                Found::Damaged { skippable: false } => {
                    good_len = at;
                    break;
                }
            }
        }
        if good_len < bytes.len() {
            if !is_last {
                self.set_aside(&path, &bytes[good_len..], good_len, "the rest of the segment is not readable")?;
            }
            let file = File::options().write(true).open(&path)?;
            file.set_len(good_len as u64)?;
            file.sync_all()?;
        }
        self.replayed.segments.push(SegmentInfo { number, bytes: good_len as u64, max_ts });
        Ok(bytes.len() as u64)
    }

    fn set_aside(&mut self, path: &Path, bytes: &[u8], at: usize, what: &str) -> io::Result<()> {
        let folder = self.dir.join("quarantine");
        fs::create_dir_all(&folder)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        disk::replace_file(&folder.join(format!("{name}-{at}")), bytes)?;
        self.replayed.damage.push(Damage { file: path.to_owned(), offset: at as u64, what: what.to_owned() });
        Ok(())
    }
}
