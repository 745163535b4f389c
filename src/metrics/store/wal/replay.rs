//! Reading the log back: in parallel by group, with bounded memory, past damage.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::columns::column_groups;
use super::frame::FORMAT;
use super::record::{self, Flushed, GROUPS, Kind};
use super::segments::{self, Listing, checkpoint_path, chunks_path};
use crate::base::bytes::Malformed;
use crate::base::time::TimeRange;
use crate::platform::disk::log::{Damage, Damaged, Frame, LogReader, SegmentInfo, Unpacker, segment_path};
use crate::series::labels::Labels;
use crate::series::sample::{Exemplar, Metadata};

/// Content of records unpacked at once, in bytes; one record more may come with it.
const WINDOW_BYTES: usize = 32 << 20;
/// More threads bring little: the disk and the groups are the limit.
const THREADS_MAX: usize = 8;

/// What a [`Sink`] made of samples.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// Newest time among them, `i64::MIN` without.
    pub newest: i64,
    /// Records that hold something else than they claim.
    pub failed: u64,
}

/// Takes what the log holds. Groups come from several threads, but each group's records in order and from one thread
/// at a time.
pub trait Sink: Sync {
    /// New series.
    fn series(&self, series: Vec<(u32, Labels)>);
    /// One group's part of the records of samples that were read together, in order; samples before `from` are in
    /// blocks.
    fn samples(&self, group: usize, records: &[(Kind, &[u8])], from: i64) -> Taken;
    /// An exemplar of a series.
    fn exemplar(&self, id: u32, exemplar: Exemplar);
    /// Samples of a series that were deleted.
    fn deleted(&self, id: u32, range: TimeRange);
    /// What a family says about itself.
    fn metadata(&self, name: &str, metadata: Metadata);
    /// From the sample at `ts` on, the series' start timestamp is `start`.
    fn start(&self, id: u32, ts: i64, start: i64);
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
    /// Chunk files there are.
    pub chunk_files: Vec<SegmentInfo>,
    /// Whether damage is mended.
    mends: bool,
    /// Numbers of the chunk files that there should be.
    named: Vec<u64>,
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
/// copied to `quarantine/`, named in the answer, and passed over. All that only if damage is to be mended.
pub fn replay(dir: &Path, sink: &dyn Sink, progress: &Progress, damaged: Damaged) -> io::Result<Recovered> {
    let mends = damaged == Damaged::Mend;
    if mends {
        fs::create_dir_all(dir)?;
    }
    let listing = segments::list(dir)?;
    for unfinished in listing.unfinished.iter().filter(|_| mends) {
        fs::remove_file(unfinished)?;
    }
    let mut recovered = Recovered { next: 1, mends, ..Recovered::default() };
    let checkpoint = listing.checkpoints.last().copied();
    // A crash between installing a checkpoint and removing what it replaces leaves both.
    for &old in listing.checkpoints.iter().filter(|number| mends && Some(**number) != checkpoint) {
        fs::remove_file(checkpoint_path(dir, old))?;
    }
    let (old, live): (Vec<u64>, Vec<u64>) = listing.segments.iter().partition(|number| checkpoint.is_some_and(|first| **number < first));
    for number in old.into_iter().filter(|_| mends) {
        fs::remove_file(segment_path(dir, number))?;
    }
    progress.first.store(live.first().copied().unwrap_or(0), Ordering::Relaxed);
    progress.last.store(live.last().copied().unwrap_or(0), Ordering::Relaxed);
    if let Some(number) = checkpoint {
        read_file(dir, &checkpoint_path(dir, number), i64::MIN, false, sink, &mut recovered)?;
        recovered.next = number;
    }
    read_chunk_files(dir, &listing, sink, &mut recovered)?;
    for (at, &number) in live.iter().enumerate() {
        progress.current.store(number, Ordering::Relaxed);
        let is_last = at + 1 == live.len();
        // Flush marks stand in the checkpoint, which is read first.
        let from = from(&recovered.flushed, |mark| mark.segment > number);
        let read = read_file(dir, &segment_path(dir, number), from, is_last, sink, &mut recovered)?;
        recovered.segments.extend(read.map(|(bytes, max_ts)| SegmentInfo { number, bytes, max_ts }));
        recovered.next = recovered.next.max(number + 1);
    }
    Ok(recovered)
}

/// Reads the chunk files that the checkpoint names and removes others: those of a checkpoint that was never finished,
/// and those that a crash kept from being removed.
fn read_chunk_files(dir: &Path, listing: &Listing, sink: &dyn Sink, recovered: &mut Recovered) -> io::Result<()> {
    // A checkpoint that is damaged itself may have lost the names.
    let names_may_miss = !recovered.damage.is_empty();
    let checkpoint = recovered.next;
    for &number in &listing.chunk_files {
        let path = chunks_path(dir, number);
        let counts = recovered.named.contains(&number) || (names_may_miss && number <= checkpoint);
        if !counts {
            if recovered.mends {
                fs::remove_file(path)?;
            }
            continue;
        }
        // A flush that came after the file was written has the number of the file or a higher one.
        let from = from(&recovered.flushed, |mark| mark.segment >= number);
        let read = read_file(dir, &path, from, false, sink, recovered)?;
        recovered.chunk_files.extend(read.map(|(bytes, max_ts)| SegmentInfo { number, bytes, max_ts }));
    }
    let missing: Vec<u64> = recovered.named.iter().copied().filter(|number| !listing.chunk_files.contains(number)).collect();
    for number in missing {
        let what = "the file is missing".to_owned();
        recovered.damage.push(Damage { file: chunks_path(dir, number), offset: 0, what });
    }
    Ok(())
}

/// Samples before this are in blocks, going by the marks that apply.
fn from(marks: &[Flushed], applies: impl Fn(&Flushed) -> bool) -> i64 {
    marks.iter().filter(|mark| applies(mark)).map(|mark| mark.boundary).max().unwrap_or(i64::MIN)
}

/// Reads one file; samples before `from` are in blocks. Answers the length of the good part and the newest time.
fn read_file(
    dir: &Path,
    path: &Path,
    from: i64,
    is_last: bool,
    sink: &dyn Sink,
    recovered: &mut Recovered,
) -> io::Result<Option<(u64, i64)>> {
    let bytes = fs::read(path)?;
    let mut window = Window::new(sink, from);
    let damaged = if recovered.mends { Damaged::Mend } else { Damaged::Leave };
    let mut reader = LogReader::new(dir, FORMAT, damaged);
    let good_len = reader.walk(path, &bytes, is_last, |record| {
        recovered.records += 1;
        window.take(record.frame, recovered);
        Ok(None)
    })?;
    recovered.damage.append(&mut reader.damage);
    let Some(good_len) = good_len else { return Ok(None) };
    window.flush();
    let failed = window.failed.load(Ordering::Relaxed);
    if failed > 0 {
        let what = format!("{failed} records hold something else than they claim");
        recovered.damage.push(Damage { file: path.to_owned(), offset: 0, what });
    }
    Ok(Some((good_len, window.max_ts.load(Ordering::Relaxed))))
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
        match Kind::from_byte(frame.kind) {
            // A later version's record: nothing this one could do with it.
            None => {}
            Some(Kind::Flushed) => {
                let content = frame.content(&mut Unpacker::default()).unwrap_or_default();
                self.note(record::read_flushed(&content, |mark| recovered.flushed.push(mark)));
            }
            Some(Kind::Files) => {
                let content = frame.content(&mut Unpacker::default()).unwrap_or_default();
                self.note(record::read_files(&content, |number| recovered.named.push(number)));
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
        in_parallel(threads, frames.len(), Unpacker::default, |unpacker, at| *contents[at].lock() = frames[at].content(unpacker));
        let contents: Vec<Option<Vec<u8>>> = contents.into_iter().map(Mutex::into_inner).collect();
        let of_kind = |wanted: Kind| {
            let found = frames.iter().zip(&contents).filter(move |(frame, _)| Kind::from_byte(frame.kind) == Some(wanted));
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
        let mut grouped: [Vec<(Kind, &[u8])>; GROUPS as usize] = std::array::from_fn(|_| Vec::new());
        for (frame, content) in frames.iter().zip(&contents) {
            if let (Some(Kind::Columns), Some(content)) = (Kind::from_byte(frame.kind), content) {
                let groups = column_groups(content);
                self.note(groups.map(|groups| {
                    let known = groups.into_iter().filter(|group| *group < GROUPS as usize);
                    known.for_each(|group| grouped[group].push((Kind::Columns, content)));
                }));
                continue;
            }
            let (Some(kind @ (Kind::Floats | Kind::Histograms | Kind::Chunks)), Some(content)) = (Kind::from_byte(frame.kind), content)
            else {
                continue;
            };
            for group in record::groups(content) {
                self.note(group.map(|(group, content)| grouped[group].push((kind, content))));
            }
        }
        // A group at a time: its series stay in the processor's caches from record to record.
        in_parallel(
            threads,
            grouped.len(),
            || (),
            |(), group| {
                if !grouped[group].is_empty() {
                    let taken = self.sink.samples(group, &grouped[group], self.from);
                    self.max_ts.fetch_max(taken.newest, Ordering::Relaxed);
                    self.failed.fetch_add(taken.failed, Ordering::Relaxed);
                }
            },
        );
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
}

/// Does `work` for every number below `count`, on so many threads, each with a state of its own.
fn in_parallel<S>(threads: usize, count: usize, state: impl Fn() -> S + Sync, work: impl Fn(&mut S, usize) + Sync) {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut state = state();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return;
            }
            work(&mut state, at);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(count) {
            scope.spawn(run);
        }
        run();
    });
}
