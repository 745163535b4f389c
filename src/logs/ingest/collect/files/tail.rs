//! One file being read: from bytes to lines, through the job's stages, cut where nothing is half done.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use memchr::memchr;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::FileJob;
use super::carry::{Carried, Carries};
use super::positions::{Record, Slice};
use super::source::{HEAD_BYTES, Print, Source, Stat, TAIL_BYTES};
use crate::logs::ingest::stage::{Entry, Flush, Moment, Pipeline, SharedLabels};
use crate::logs::model::batch::LineBatch;
use crate::series::labels::{Labels, LabelsBuilder};

/// Bytes read at once.
const READ_BYTES: usize = 256 << 10;
/// Longest line; a longer one comes in pieces.
pub(super) const LINE_BYTES_MAX: usize = 256 << 10;
/// The field of a piece that goes on in the next one.
pub(super) const CONTINUES: &str = "continues";
/// Longest time that stages may keep a file from being read, in nanoseconds.
const WAIT_NS_MAX: i64 = 3_600_000_000_000;
/// Bytes that may be held back by stages before they are let go.
const HELD_BYTES_MAX: u64 = 4 << 20;
/// Most lines of one time that are remembered from one slice to the next.
const SAME_TIME_MAX: usize = 64;

/// What looking at a file showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looked {
    /// Nothing new.
    Idle,
    /// Something was read; there may be more.
    Read,
    /// What was read before is no longer there: the file was cut off or written over.
    Replaced,
}

/// A file being read.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) id: u64,
    pub(super) source: Source,
    /// The name under which it was first seen.
    pub(super) path: PathBuf,
    pub(super) stat: Stat,
    labels: SharedLabels,
    pipeline: Pipeline,
    encoding: &'static Encoding,
    /// Everything before it is stored.
    stored: u64,
    /// Everything before it went into the stages.
    split: u64,
    /// Bytes from `split` on: the beginning of a line.
    rest: Vec<u8>,
    /// First bytes of the file, as they were read.
    head: Vec<u8>,
    /// First bytes of the file when it was opened.
    pub(super) begins: Vec<u8>,
    /// The bytes up to the end of `rest`, from a little before `stored` on, as they were read.
    window: Vec<u8>,
    /// What came out of the stages and is not stored.
    ready: Vec<Entry>,
    last_ts: i64,
    same_time: Vec<(u64, u32)>,
    /// Whether its end has come, so that an unfinished line is a line.
    pub(super) is_ending: bool,
    /// Since when nothing new was there and no pattern finds it, in milliseconds of the clock.
    pub(super) quiet_since_ms: Option<i64>,
    /// The file that had its name before, which is to be read to its end first.
    pub(super) after: Option<u64>,
}

impl Tail {
    /// Goes on where the record ends.
    pub(super) fn new(record: &Record, mut source: Source, stat: Stat, labels: &Labels, job: &FileJob) -> io::Result<Self> {
        let at = record.print.at;
        let most = |max: usize| usize::try_from(at).unwrap_or(usize::MAX).min(max);
        let (mut head, mut window) = (vec![0; most(HEAD_BYTES)], vec![0; most(TAIL_BYTES)]);
        source.read_at(0, &mut head)?;
        source.read_at(at - window.len() as u64, &mut window)?;
        let mut tail = Self {
            id: record.id,
            source,
            path: record.path.clone(),
            // Not looked at yet.
            stat: Stat { len: u64::MAX, ..stat },
            labels: labels.to_builder().into(),
            pipeline: job.pipeline.clone(),
            encoding: job.encoding,
            stored: at,
            split: at,
            rest: Vec::new(),
            head,
            begins: Vec::new(),
            window,
            ready: Vec::new(),
            last_ts: record.last_ts,
            same_time: record.same_time.clone(),
            is_ending: false,
            quiet_since_ms: None,
            after: None,
        };
        tail.go_on_with(&record.carried);
        Ok(tail)
    }

    /// Whether everything that was read is stored.
    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty() && self.stored == self.split && self.ready.is_empty() && self.pipeline.held_from().is_none()
    }

    /// Whether nothing of it was read.
    pub(super) const fn is_unread(&self) -> bool {
        self.split == 0 && self.rest.is_empty()
    }

    /// Whether its stages join lines that were cut.
    pub(super) fn joins(&self) -> bool {
        self.pipeline.joins()
    }

    /// Labels of its lines.
    pub(super) fn labels(&self) -> &LabelsBuilder {
        &self.labels
    }

    /// Whether it was read to the end that it has now.
    pub(super) fn is_at_end(&self) -> bool {
        self.source.stat().is_ok_and(|stat| stat == self.stat)
    }

    /// Gives away the beginnings of lines that were cut, if those are all that its stages hold, and they fit. `None` if there are
    /// none, or the last line has no end yet.
    pub(super) fn take_open(&mut self, fit: impl Fn(&[Carried]) -> bool) -> Option<Vec<Carried>> {
        if !self.rest.is_empty() || self.pipeline.held_from().is_none() {
            return None;
        }
        let open = self.pipeline.take_open();
        let carried: Vec<Carried> = open.iter().map(|(stage, entry)| Carried::of(*stage, entry.clone())).collect();
        if self.pipeline.held_from().is_some() || carried.is_empty() || !fit(&carried) {
            self.reopen(open);
            return None;
        }
        Some(carried)
    }

    /// Goes on with lines that began in another file. Nothing was read of this one yet.
    pub(super) fn go_on_with(&mut self, carried: &[Carried]) {
        self.reopen(carried.iter().map(|one| (one.stage, one.entry())).collect());
    }

    fn reopen(&mut self, open: Vec<(usize, Entry)>) {
        for (stage, entry) in open {
            // What no stage joins is a line.
            self.ready.extend(self.pipeline.reopen(stage, entry));
        }
    }

    /// How much of the file is not stored yet.
    pub(super) fn behind(&self) -> u64 {
        if self.source.is_packed() || !self.has_looked() { 0 } else { self.stat.len.saturating_sub(self.stored) }
    }

    /// Bytes read so far.
    fn read_to(&self) -> u64 {
        self.split + self.rest.len() as u64
    }

    /// Reads what is new, up to a limit, and sends its lines through the stages.
    pub(super) fn look(&mut self, now_ns: i64) -> io::Result<Looked> {
        let stat = self.source.stat()?;
        if stat == self.stat {
            return Ok(self.idle(now_ns));
        }
        let from = self.read_to();
        // A little more than there is, so that the end is seen.
        let left = if self.source.is_packed() { u64::MAX } else { stat.len.saturating_sub(from).saturating_add(1) };
        let mut buf = vec![0; usize::try_from(left).unwrap_or(READ_BYTES).min(READ_BYTES)];
        let read = self.source.read_at(from, &mut buf)?;
        // Looked at afterwards: what was written over while it was read is not what it seems.
        if !self.source.is_packed() && !self.is_intact()? {
            return Ok(Looked::Replaced);
        }
        if read < buf.len() {
            self.stat = stat;
        }
        buf.truncate(read);
        if read == 0 {
            return Ok(self.idle(now_ns));
        }
        self.remember(&buf);
        self.rest.extend_from_slice(&buf);
        self.split_lines(now_ns, false);
        Ok(Looked::Read)
    }

    /// Whether a stage wants the file to be read on later.
    pub(super) fn waits(&self, now_ns: i64) -> bool {
        // A clock that was set back does not hold it up.
        self.pipeline.waits_until().is_some_and(|until| now_ns < until && until.saturating_sub(now_ns) < WAIT_NS_MAX)
    }

    /// Whether the first bytes of another file may be those of this one.
    pub(super) fn may_begin_like(&self, head: &[u8]) -> bool {
        let own = if self.head.len() >= self.begins.len() { &self.head } else { &self.begins };
        let len = head.len().min(own.len());
        head[..len] == own[..len]
    }

    /// Nothing new: stages may let go what has waited long enough.
    fn idle(&mut self, now_ns: i64) -> Looked {
        let moment = self.moment(now_ns);
        if self.is_ending {
            self.split_lines(now_ns, true);
            self.pipeline.flush(Flush::All, &moment, &mut self.ready);
        } else if self.pipeline.held_from().is_some() {
            let before = self.ready.len();
            self.pipeline.flush(Flush::Due, &moment, &mut self.ready);
            if self.ready.len() > before {
                // All of it, so that the same bytes give the same lines when they are read again.
                self.pipeline.flush(Flush::All, &moment, &mut self.ready);
            }
        }
        Looked::Idle
    }

    /// The file is not what it was: what was read of it is all there is.
    pub(super) fn let_go(&mut self, now_ns: i64) {
        self.end_lines(now_ns);
        let moment = self.moment(now_ns);
        self.pipeline.flush(Flush::All, &moment, &mut self.ready);
    }

    /// The same for its last line only.
    pub(super) fn end_lines(&mut self, now_ns: i64) {
        self.split_lines(now_ns, true);
    }

    /// Whether it was read to where it ended when it was looked at.
    pub(super) const fn has_looked(&self) -> bool {
        self.stat.len != u64::MAX
    }

    /// Goes on in another file with the same content, such as the copy that was made before this one was cut off.
    pub(super) fn move_to(&mut self, source: Source, stat: Stat) {
        self.source = source;
        self.stat = Stat { len: u64::MAX, ..stat };
    }

    /// By what everything that was read is known.
    pub(super) fn is_continued_by(&self, other: &mut Source) -> bool {
        let print = Print::of(self.read_to(), &self.head, self.tail());
        other.is(&print)
    }

    /// Whether another file holds what is in this one, or was when it was read, or the beginning of it.
    pub(super) fn begins_like(&mut self, other: &mut Source) -> bool {
        let is_intact = matches!(self.is_intact(), Ok(true));
        let mut own = self.head.clone();
        if is_intact {
            own = vec![0; HEAD_BYTES];
            let Ok(read) = self.source.read_at(0, &mut own) else { return false };
            own.truncate(read);
        }
        let mut head = vec![0; own.len()];
        let Ok(read) = other.read_at(0, &mut head) else { return false };
        if (read as u64) < super::KNOWN_BYTES_MIN || head[..read] != own[..read] {
            return false;
        }
        if !is_intact || other.is_packed() {
            return true;
        }
        // Both are there whole: as far as the shorter one goes they must be the same.
        let (Ok(theirs), Ok(ours)) = (other.stat(), self.source.stat()) else { return false };
        let len = theirs.len.min(ours.len);
        matches!((other.print(len), self.source.print(len)), (Ok(Some(theirs)), Ok(Some(ours))) if theirs == ours)
    }

    /// Bytes that were read of it: too few say nothing about whether another file is the same.
    pub(super) fn is_known_well(&self) -> bool {
        self.read_to() >= super::KNOWN_BYTES_MIN
    }

    fn is_intact(&mut self) -> io::Result<bool> {
        let print = Print::of(self.read_to(), &self.head, self.tail());
        Ok(self.source.print(print.at)? == Some(print))
    }

    /// The bytes before the end of what was read.
    fn tail(&self) -> &[u8] {
        &self.window[self.window.len().saturating_sub(TAIL_BYTES)..]
    }

    fn remember(&mut self, new: &[u8]) {
        let missing = HEAD_BYTES - self.head.len();
        self.head.extend_from_slice(&new[..missing.min(new.len())]);
        self.window.extend_from_slice(new);
    }

    /// By what a position is known that lies in what was read and is not stored; forgets what lies before it.
    fn print_at(&mut self, at: u64) -> Print {
        let behind = usize::try_from(self.read_to() - at).unwrap_or(usize::MAX);
        let end = self.window.len().saturating_sub(behind);
        let start = end.saturating_sub(TAIL_BYTES);
        let head = self.head.len().min(usize::try_from(at).unwrap_or(usize::MAX));
        let print = Print::of(at, &self.head[..head], &self.window[start..end]);
        self.window.drain(..start);
        print
    }

    const fn moment(&self, now_ns: i64) -> Moment {
        Moment { now_ns, last_ts: self.last_ts }
    }

    /// Sends whole lines through the stages; at the end of the file also the last one.
    fn split_lines(&mut self, now_ns: i64, at_end: bool) {
        let moment = self.moment(now_ns);
        let rest = std::mem::take(&mut self.rest);
        let mut at = 0;
        while at < rest.len() {
            let left = &rest[at..];
            let window = &left[..left.len().min(LINE_BYTES_MAX + 1)];
            let (text, used, continues) = match line_end(window, self.encoding) {
                Some((end, used)) => (&left[..end], used, false),
                None if left.len() > LINE_BYTES_MAX => (&left[..cut(left, self.encoding)], cut(left, self.encoding), true),
                None if at_end => (left, left.len(), false),
                None => break,
            };
            let from = self.split;
            self.split += used as u64;
            at += used;
            let mut fields = LabelsBuilder::new();
            if continues {
                fields.set(CONTINUES, "true");
            }
            let text = text_of(text, from == 0, self.encoding);
            let entry = Entry { labels: self.labels.clone(), text, fields, from, until: self.split, ..Entry::default() };
            self.pipeline.push(entry, &moment, &mut self.ready);
        }
        self.rest = rest[at..].to_vec();
    }

    /// Where everything before is whole lines, all of which came out of the stages.
    fn clean_cut(&self) -> u64 {
        let mut cut = self.pipeline.held_from().unwrap_or(self.split).min(self.split);
        loop {
            let crossing = self.ready.iter().filter(|entry| entry.from < cut && cut < entry.until).map(|entry| entry.from).min();
            match crossing {
                Some(from) => cut = from,
                None => return cut,
            }
        }
    }

    /// Puts what is ready into the batch. `None` if there is nothing new to store.
    ///
    /// `base` is the time from which on lines without one of their own are counted; it is moved on.
    pub(super) fn take_slice(&mut self, batch: &mut LineBatch, base: &mut i64) -> Option<Slice> {
        let mut to = self.clean_cut();
        if self.split - to > HELD_BYTES_MAX {
            let moment = self.moment(*base);
            self.pipeline.flush(Flush::All, &moment, &mut self.ready);
            to = self.split;
        }
        // What came from the file before and does not go on lies before the first byte.
        if to == self.stored && !self.ready.iter().any(|entry| entry.until <= to) {
            return None;
        }
        Some(self.slice_to(to, batch, base))
    }

    fn slice_to(&mut self, to: u64, batch: &mut LineBatch, base: &mut i64) -> Slice {
        let print = self.print_at(to);
        let (now, later): (Vec<Entry>, Vec<Entry>) = std::mem::take(&mut self.ready).into_iter().partition(|entry| entry.until <= to);
        self.ready = later;
        let first = *base;
        let mut times = Times::new(self.last_ts, &self.same_time);
        write(now, batch, base, &mut times);
        self.stored = to;
        (self.last_ts, self.same_time) = times.carry();
        Slice { id: self.id, to: print, base: first, last_ts: self.last_ts, same_time: self.same_time.clone(), carries: None }
    }

    /// Takes the last slice of a file, whose open lines go on in another one.
    pub(super) fn take_last_slice(&mut self, batch: &mut LineBatch, base: &mut i64, carries: Carries) -> Slice {
        Slice { carries: Some(carries), ..self.slice_to(self.split, batch, base) }
    }

    /// Reads a slice again that may have been stored or not, exactly as it was read before.
    pub(super) fn replay(&mut self, slice: &Slice, batch: &mut LineBatch) -> io::Result<()> {
        let moment = self.moment(slice.base);
        let len = usize::try_from(slice.to.at.saturating_sub(self.stored)).unwrap_or(usize::MAX).min(super::SLICE_BYTES_MAX);
        let mut bytes = vec![0; len];
        let read = self.source.read_at(self.stored, &mut bytes)?;
        bytes.truncate(read);
        self.remember(&bytes);
        self.rest = bytes;
        self.split_lines(slice.base, true);
        if slice.carries.is_some() {
            let _they_go_on_elsewhere = self.pipeline.take_open();
        }
        self.pipeline.flush(Flush::All, &moment, &mut self.ready);
        let mut times = Times::new(self.last_ts, &self.same_time);
        let mut base = slice.base;
        write(std::mem::take(&mut self.ready), batch, &mut base, &mut times);
        self.stored = self.split;
        (self.last_ts, self.same_time) = times.carry();
        Ok(())
    }
}

/// Where a line ends, and where the next one begins.
fn line_end(bytes: &[u8], encoding: &'static Encoding) -> Option<(usize, usize)> {
    // A break has two bytes there; lines begin at even places.
    let other = match encoding {
        encoding if encoding == UTF_16LE => 1,
        encoding if encoding == UTF_16BE => -1,
        _ => return memchr(b'\n', bytes).map(|end| (end, end + 1)),
    };
    memchr::memchr_iter(b'\n', bytes).find_map(|at| {
        let begin = if other == 1 { at } else { at.checked_sub(1)? };
        let is_break = begin % 2 == 0 && bytes.get(at.checked_add_signed(other)?) == Some(&0);
        is_break.then_some((begin, begin + 2))
    })
}

/// The text of a line, without what marks the beginning of a file and the end of a line.
fn text_of(line: &[u8], is_first: bool, encoding: &'static Encoding) -> String {
    if encoding == UTF_8 {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = if is_first { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        return String::from_utf8_lossy(line).into_owned();
    }
    let (text, _) = encoding.decode_without_bom_handling(line);
    let text = text.strip_suffix('\r').unwrap_or(&text);
    if is_first { text.trim_start_matches('\u{feff}').to_owned() } else { text.to_owned() }
}

/// Where a line that is too long is cut: not within a character.
fn cut(line: &[u8], encoding: &'static Encoding) -> usize {
    if encoding != UTF_8 {
        return LINE_BYTES_MAX;
    }
    (LINE_BYTES_MAX - 3..=LINE_BYTES_MAX).rev().find(|at| line[*at] & 0xc0 != 0x80).unwrap_or(LINE_BYTES_MAX)
}

/// Keeps lines apart that say the same at the same time: the store would take them for repetitions.
struct Times {
    seen: HashMap<(i64, u64), u32>,
    last: i64,
}

impl Times {
    fn new(last: i64, same_time: &[(u64, u32)]) -> Self {
        Self { seen: same_time.iter().map(|(hash, count)| ((last, *hash), *count)).collect(), last }
    }

    /// The time of a line, moved by a nanosecond for each like it.
    fn apart(&mut self, ts: i64, hash: u64) -> i64 {
        let count = self.seen.entry((ts, hash)).or_default();
        let moved = ts.saturating_add(i64::from(*count));
        *count += 1;
        self.last = ts;
        moved
    }

    /// The last time, and the lines that have it.
    fn carry(self) -> (i64, Vec<(u64, u32)>) {
        let last = self.last;
        let mut same: Vec<(u64, u32)> =
            self.seen.into_iter().filter(|((ts, _), _)| *ts == last).map(|((_, hash), count)| (hash, count)).collect();
        same.sort_unstable();
        same.truncate(SAME_TIME_MAX);
        (last, same)
    }
}

/// A stream, the hash of its labels, and its entries with their times.
type Grouped = (Labels, u64, Vec<(i64, Entry)>);

/// Adds entries to a batch, stream by stream.
fn write(entries: Vec<Entry>, batch: &mut LineBatch, base: &mut i64, times: &mut Times) {
    let mut streams: Vec<Grouped> = Vec::new();
    let mut known: FxHashMap<Labels, usize> = FxHashMap::default();
    let mut last: Option<(SharedLabels, usize)> = None;
    // An empty line says nothing, except within others.
    for entry in entries.into_iter().filter(|entry| !entry.text.is_empty()) {
        let at = match &last {
            Some((labels, at)) if *labels == entry.labels => *at,
            _ => {
                let labels = entry.labels.build();
                let at = *known.entry(labels).or_insert_with_key(|labels| {
                    streams.push((labels.clone(), labels.stable_hash(), Vec::new()));
                    streams.len() - 1
                });
                last = Some((entry.labels.clone(), at));
                at
            }
        };
        let (_, hash, lines) = &mut streams[at];
        let ts = match entry.ts {
            Some(ts) => {
                let fields = if entry.fields.is_empty() { *hash } else { xxh3_64_with_seed(entry.fields.build().packed(), *hash) };
                times.apart(ts, xxh3_64_with_seed(entry.text.as_bytes(), fields))
            }
            None => {
                let ts = *base;
                *base += 1;
                times.last = ts;
                ts
            }
        };
        lines.push((ts, entry));
    }
    for (labels, _, lines) in streams {
        batch.begin_stream(labels);
        for (ts, entry) in lines {
            if entry.fields.is_empty() {
                batch.push(ts, entry.text.as_bytes(), &[]);
            } else {
                batch.push(ts, entry.text.as_bytes(), entry.fields.build().packed());
            }
        }
    }
}
