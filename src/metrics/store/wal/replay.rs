//! Reading the log back: in parallel by group, with bounded memory, past damage.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::frame::{Found, Frame, Frames, MAGIC};
use super::record::{self, Flushed, GROUPS, Kind};
use super::segments::{self, SegmentInfo, checkpoint_path, segment_path};
use crate::base::bytes::Malformed;
use crate::base::time::TimeRange;
use crate::platform::disk;
use crate::series::labels::Labels;
use crate::series::sample::{Exemplar, Metadata};

/// Content of records unpacked at once, in bytes; one record more may come with it.
const WINDOW_BYTES: usize = 32 << 20;
/// More threads bring little: the disk and the groups (16) are the limit.
const THREADS_MAX: usize = 8;

/// Takes what the log holds. Groups come from several threads, but each group's records in order and from one thread.
pub trait Sink: Sync {
    /// New series.
    fn series(&self, series: Vec<(u32, Labels)>);
    /// One group of floats; samples before `from` are in blocks. Answers the newest time.
    fn floats(&self, group: usize, content: &[u8], from: i64) -> Result<i64, Malformed>;
    /// One group of histograms, likewise.
    fn histograms(&self, group: usize, content: &[u8], from: i64) -> Result<i64, Malformed>;
    /// An exemplar of a series.
    fn exemplar(&self, id: u32, exemplar: Exemplar);
    /// Samples of a series that were deleted.
    fn deleted(&self, id: u32, range: TimeRange);
    /// What a family says about itself.
    fn metadata(&self, name: &str, metadata: Metadata);
    /// From the sample at `ts` on, the series' start timestamp is `start`.
    fn start(&self, id: u32, ts: i64, start: i64);
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
pub struct Recovered {
    /// Segments there are.
    pub segments: Vec<SegmentInfo>,
    /// Number for the next segment.
    pub next: u64,
    /// What could not be read.
    pub damage: Vec<Damage>,
    /// Which samples are in blocks.
    pub flushed: Vec<Flushed>,
    /// Records read.
    pub records: u64,
}

/// How far reading back has come, for status pages.
#[derive(Debug, Default)]
pub struct Progress {
    /// First segment.
    pub first: AtomicU64,
    /// Last segment.
    pub last: AtomicU64,
    /// The one being read.
    pub current: AtomicU64,
}

/// Reads the whole log into `sink`. A torn end of the newest segment is cut off; anything else that is damaged is
/// copied to `quarantine/`, named in the answer, and passed over.
pub fn replay(dir: &Path, sink: &dyn Sink, progress: &Progress) -> io::Result<Recovered> {
    fs::create_dir_all(dir)?;
    let listing = segments::list(dir)?;
    let mut recovered = Recovered { next: 1, ..Recovered::default() };
    let checkpoint = listing.checkpoints.last().copied();
    // A crash between installing a checkpoint and removing what it replaces leaves both.
    for &old in listing.checkpoints.iter().filter(|number| Some(**number) != checkpoint) {
        fs::remove_file(checkpoint_path(dir, old))?;
    }
    let (old, live): (Vec<u64>, Vec<u64>) = listing.segments.iter().partition(|number| checkpoint.is_some_and(|first| **number < first));
    for number in old {
        fs::remove_file(segment_path(dir, number))?;
    }
    progress.first.store(live.first().copied().unwrap_or(0), Ordering::Relaxed);
    progress.last.store(live.last().copied().unwrap_or(0), Ordering::Relaxed);
    if let Some(number) = checkpoint {
        read_file(dir, &checkpoint_path(dir, number), number, false, sink, &mut recovered)?;
        recovered.next = number;
    }
    for (at, &number) in live.iter().enumerate() {
        progress.current.store(number, Ordering::Relaxed);
        let is_last = at + 1 == live.len();
        let info = read_file(dir, &segment_path(dir, number), number, is_last, sink, &mut recovered)?;
        recovered.segments.extend(info);
        recovered.next = number + 1;
    }
    Ok(recovered)
}

fn read_file(
    dir: &Path,
    path: &Path,
    number: u64,
    is_last: bool,
    sink: &dyn Sink,
    recovered: &mut Recovered,
) -> io::Result<Option<SegmentInfo>> {
    let bytes = fs::read(path)?;
    let Some(mut frames) = Frames::new(&bytes) else {
        if is_last && bytes.len() <= MAGIC.len() {
            // Created, and then the process ended.
            fs::remove_file(path)?;
            return Ok(None);
        }
        quarantine(dir, path, &bytes, 0, "not a log file of a known version".to_owned(), recovered)?;
        return Ok(None);
    };
    // Flush marks stand in the checkpoint, which is read first.
    let from = recovered.flushed.iter().filter(|mark| mark.segment > number).map(|mark| mark.boundary).max().unwrap_or(i64::MIN);
    let mut window = Window::new(sink, from);
    let mut good_len = bytes.len();
    loop {
        let at = frames.offset();
        match frames.next_frame() {
            Found::Frame(frame) => {
                recovered.records += 1;
                window.take(frame, recovered);
            }
            Found::End => break,
            Found::Damaged { skippable: true } => {
                let rest = &bytes[at..frames.offset()];
                quarantine(dir, path, rest, at, "a record does not fit its checksum; the ones after it were read".to_owned(), recovered)?;
            }
            Found::Damaged { skippable: false } => {
                good_len = at;
                break;
            }
        }
    }
    window.flush();
    let failed = window.failed.load(Ordering::Relaxed);
    if failed > 0 {
        let what = format!("{failed} records hold something else than they claim");
        recovered.damage.push(Damage { file: path.to_owned(), offset: 0, what });
    }
    if good_len < bytes.len() {
        if !is_last {
            let what = "the rest of the segment is not readable".to_owned();
            quarantine(dir, path, &bytes[good_len..], good_len, what, recovered)?;
        }
        let file = File::options().write(true).open(path)?;
        file.set_len(good_len as u64)?;
        file.sync_all()?;
    }
    Ok(Some(SegmentInfo { number, bytes: good_len as u64, max_ts: window.max_ts.load(Ordering::Relaxed) }))
}

fn quarantine(dir: &Path, path: &Path, bytes: &[u8], at: usize, what: String, recovered: &mut Recovered) -> io::Result<()> {
    let folder = dir.join("quarantine");
    fs::create_dir_all(&folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    disk::replace_file(&folder.join(format!("{name}-{at}")), bytes)?;
    recovered.damage.push(Damage { file: path.to_owned(), offset: at as u64, what });
    Ok(())
}

/// Records read together.
struct Window<'s, 'b> {
    sink: &'s dyn Sink,
    from: i64,
    frames: Vec<Frame<'b>>,
    bytes: usize,
    max_ts: AtomicI64,
    failed: AtomicU64,
}

impl<'s, 'b> Window<'s, 'b> {
    fn new(sink: &'s dyn Sink, from: i64) -> Self {
        Self { sink, from, frames: Vec::new(), bytes: 0, max_ts: AtomicI64::new(i64::MIN), failed: AtomicU64::new(0) }
    }

    fn take(&mut self, frame: Frame<'b>, recovered: &mut Recovered) {
        match frame.kind {
            // A later version's record: nothing this one could do with it.
            None => {}
            Some(Kind::Flushed) => {
                let content = frame.content().unwrap_or_default();
                self.note(record::read_flushed(&content, |mark| recovered.flushed.push(mark)));
            }
            // Deletions cut between what was there and what came later.
            Some(Kind::Deleted) => {
                self.flush();
                self.frames.push(frame);
                self.flush();
            }
            Some(_) => {
                self.bytes += frame.content_len();
                self.frames.push(frame);
                if self.bytes >= WINDOW_BYTES {
                    self.flush();
                }
            }
        }
    }

    fn note(&self, result: Result<(), Malformed>) {
        if result.is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Unpacks all records, then series, then samples by group, then the rest.
    fn flush(&mut self) {
        let frames = std::mem::take(&mut self.frames);
        self.bytes = 0;
        if frames.is_empty() {
            return;
        }
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(THREADS_MAX);
        let contents: Vec<Mutex<Option<Vec<u8>>>> = frames.iter().map(|_| Mutex::new(None)).collect();
        in_parallel(threads, |worker| {
            for (frame, content) in frames.iter().zip(&contents).skip(worker).step_by(threads) {
                *content.lock() = frame.content();
            }
        });
        let contents: Vec<Option<Vec<u8>>> = contents.into_iter().map(Mutex::into_inner).collect();
        let of_kind = |wanted: Kind| {
            let found = frames.iter().zip(&contents).filter(move |(frame, _)| frame.kind == Some(wanted));
            found.filter_map(|(_, content)| content.as_deref())
        };
        self.failed.fetch_add(contents.iter().filter(|content| content.is_none()).count() as u64, Ordering::Relaxed);

        let mut series = Vec::new();
        for content in of_kind(Kind::Series) {
            self.note(record::read_series(content, |id, labels| series.push((id, labels))));
        }
        if !series.is_empty() {
            self.sink.series(series);
        }
        let sampled: Vec<(Kind, &[u8])> = frames
            .iter()
            .zip(&contents)
            .filter_map(|(frame, content)| Some((frame.kind?, content.as_deref()?)))
            .filter(|(kind, _)| matches!(kind, Kind::Floats | Kind::Histograms))
            .collect();
        in_parallel(threads.min(GROUPS as usize), |worker| {
            for &(kind, content) in &sampled {
                self.note(self.take_groups(kind, content, |group| group % threads.min(GROUPS as usize) == worker));
            }
        });
        for content in of_kind(Kind::Starts) {
            self.note(record::read_times(content, |id, ts, start| self.sink.start(id, ts, start)));
        }
        for content in of_kind(Kind::Deleted) {
            self.note(record::read_times(content, |id, start, end| self.sink.deleted(id, TimeRange::new(start, end))));
        }
        for content in of_kind(Kind::Exemplars) {
            self.note(record::read_exemplars(content, |id, exemplar| self.sink.exemplar(id, exemplar)));
        }
        for content in of_kind(Kind::Metadata) {
            self.note(record::read_metadata(content, |name, metadata| self.sink.metadata(name, metadata)));
        }
    }

    fn take_groups(&self, kind: Kind, content: &[u8], mine: impl Fn(usize) -> bool) -> Result<(), Malformed> {
        for group in record::groups(content) {
            let (group, content) = group?;
            if mine(group) {
                let max = match kind {
                    Kind::Floats => self.sink.floats(group, content, self.from)?,
                    _ => self.sink.histograms(group, content, self.from)?,
                };
                self.max_ts.fetch_max(max, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

fn in_parallel(threads: usize, work: impl Fn(usize) + Sync) {
    if threads <= 1 {
        return work(0);
    }
    std::thread::scope(|scope| {
        for worker in 1..threads {
            let work = &work;
            scope.spawn(move || work(worker));
        }
        work(0);
    });
}
