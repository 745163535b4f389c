//! How far each file has been read, so that a new start goes on there, and no line comes twice or not at all.
//!
//! A journal: before lines are stored it says which bytes they are and which times they get ([`Event::Begin`]), and
//! afterwards that they are ([`Event::Done`]). After a kill in between, the same bytes are read again and get the same times, so
//! that the store knows them for repetitions. Every line of the journal has a checksum; a torn one is the end.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::carry::{Carried, Carries};
use super::source::{Inode, Print};

/// Size from which on the journal is written anew.
const REWRITE_BYTES: u64 = 1 << 20;
/// A journal larger than this is not ours.
const JOURNAL_BYTES_MAX: u64 = 256 << 20;
/// Most files remembered.
const RECORDS_MAX: usize = 20_000;
/// How long a file is remembered that is not seen any more, in milliseconds.
const REMEMBERED_MS: i64 = 30 * 86_400_000;

/// A file and how far it has been read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) id: u64,
    /// The job that reads it.
    pub(super) job: String,
    /// The name under which it was first seen, which is its label.
    pub(super) path: PathBuf,
    pub(super) inode: Inode,
    /// Everything before it is stored, and by what that is known.
    pub(super) print: Print,
    /// Time of the line stored last; `i64::MIN` for none.
    pub(super) last_ts: i64,
    /// Lines stored last that have the same time as it, by hash, and how often.
    #[serde(default)]
    pub(super) same_time: Vec<(u64, u32)>,
    /// When it was seen last, in milliseconds since the Unix epoch.
    pub(super) seen_ms: i64,
    /// Beginnings of lines that were cut, from the file before it; none as soon as anything of it is stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) carried: Vec<Carried>,
}

/// Bytes of a file that are about to be stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slice {
    pub(super) id: u64,
    /// Where they end, and by what that place is known.
    pub(super) to: Print,
    /// The time from which on lines without one of their own are counted.
    pub(super) base: i64,
    /// What [`Record`] says afterwards.
    pub(super) last_ts: i64,
    #[serde(default)]
    pub(super) same_time: Vec<(u64, u32)>,
    /// What of them is not stored, as it goes on in another file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) carries: Option<Carries>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    Put(Record),
    Begin(Vec<Slice>),
    Done,
    Forget(Vec<u64>),
}

/// The journal and what it says.
#[derive(Debug)]
pub(super) struct Positions {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// How many it had when it was written anew.
    least_bytes: u64,
    records: BTreeMap<u64, Record>,
    /// What was begun and is not known to be stored.
    begun: Vec<Slice>,
    next_id: u64,
    /// Whether the last line may be half written.
    is_torn: bool,
}

impl Positions {
    /// Reads the journal, or begins one.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut text = Vec::new();
        match File::open(path) {
            Ok(file) => {
                file.take(JOURNAL_BYTES_MAX).read_to_end(&mut text)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut read = Replay { records: BTreeMap::new(), begun: Vec::new() };
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let Some(event) = event_of(line) else { break };
            read.apply(event);
        }
        let next_id = read.records.keys().next_back().map_or(1, |id| id + 1);
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        let mut positions = Self {
            path: path.to_owned(),
            file,
            bytes: 0,
            least_bytes: 0,
            records: read.records,
            begun: read.begun,
            next_id,
            is_torn: false,
        };
        // What follows a torn line would never be read.
        positions.rewrite()?;
        Ok(positions)
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    pub(super) fn get(&self, id: u64) -> Option<&Record> {
        self.records.get(&id)
    }

    /// What was begun and is not known to be stored.
    pub(super) fn begun(&self) -> &[Slice] {
        &self.begun
    }

    /// A file that is new here.
    pub(super) fn add(&mut self, job: &str, path: &Path, inode: Inode, now_ms: i64) -> io::Result<u64> {
        let id = self.next_id;
        self.next_id += 1;
        let record = Record {
            id,
            job: job.to_owned(),
            path: path.to_owned(),
            inode,
            print: Print::of(0, &[], &[]),
            last_ts: i64::MIN,
            same_time: Vec::new(),
            seen_ms: now_ms,
            carried: Vec::new(),
        };
        self.put(record)?;
        Ok(id)
    }

    /// Remembers a file anew.
    pub(super) fn put(&mut self, record: Record) -> io::Result<()> {
        self.write(&Event::Put(record.clone()))?;
        self.records.insert(record.id, record);
        Ok(())
    }

    /// Says what is about to be stored.
    pub(super) fn begin(&mut self, slices: Vec<Slice>) -> io::Result<()> {
        let event = Event::Begin(slices);
        self.write(&event)?;
        if let Event::Begin(slices) = event {
            self.begun = slices;
        }
        Ok(())
    }

    /// Says that it is stored.
    pub(super) fn done(&mut self) -> io::Result<()> {
        self.write(&Event::Done)?;
        for slice in std::mem::take(&mut self.begun) {
            apply_slice(&mut self.records, slice);
        }
        if self.bytes > REWRITE_BYTES.max(self.least_bytes.saturating_mul(2)) { self.rewrite() } else { Ok(()) }
    }

    /// Notes which files are there still, and forgets those not seen for long.
    pub(super) fn seen(&mut self, ids: &[u64], now_ms: i64) -> io::Result<()> {
        for id in ids {
            if let Some(record) = self.records.get_mut(id) {
                record.seen_ms = now_ms;
            }
        }
        let mut gone: Vec<u64> =
            self.records.values().filter(|record| now_ms.saturating_sub(record.seen_ms) > REMEMBERED_MS).map(|record| record.id).collect();
        let too_many = self.records.len().saturating_sub(gone.len()).saturating_sub(RECORDS_MAX);
        if too_many > 0 {
            let mut oldest: Vec<(i64, u64)> = self.records.values().map(|record| (record.seen_ms, record.id)).collect();
            oldest.sort_unstable();
            gone.extend(oldest.into_iter().take(too_many).map(|(_, id)| id));
        }
        if gone.is_empty() {
            return Ok(());
        }
        for id in &gone {
            self.records.remove(id);
        }
        self.write(&Event::Forget(gone))
    }

    fn write(&mut self, event: &Event) -> io::Result<()> {
        if self.is_torn {
            self.rewrite()?;
        }
        let line = line_of(event)?;
        if let Err(error) = self.file.write_all(&line) {
            // What follows half a line would never be read.
            self.is_torn = true;
            return Err(error);
        }
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// Writes the journal anew, with what counts only, in place of the old one.
    fn rewrite(&mut self) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut text = Vec::new();
        for record in self.records.values() {
            text.extend(line_of(&Event::Put(record.clone()))?);
        }
        if !self.begun.is_empty() {
            text.extend(line_of(&Event::Begin(self.begun.clone()))?);
        }
        // It may hold pieces of lines.
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(&new, &self.path)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.bytes = text.len() as u64;
        self.least_bytes = self.bytes;
        self.is_torn = false;
        Ok(())
    }
}

struct Replay {
    records: BTreeMap<u64, Record>,
    begun: Vec<Slice>,
}

impl Replay {
    fn apply(&mut self, event: Event) {
        match event {
            Event::Put(record) => {
                self.records.insert(record.id, record);
            }
            Event::Begin(slices) => self.begun = slices,
            Event::Done => {
                for slice in std::mem::take(&mut self.begun) {
                    apply_slice(&mut self.records, slice);
                }
            }
            Event::Forget(ids) => {
                for id in ids {
                    self.records.remove(&id);
                }
            }
        }
    }
}

fn apply_slice(records: &mut BTreeMap<u64, Record>, slice: Slice) {
    if let Some(record) = records.get_mut(&slice.id) {
        record.print = slice.to;
        record.last_ts = slice.last_ts;
        record.same_time = slice.same_time;
        record.carried.clear();
    }
    if let Some(Carries { to, lines }) = slice.carries
        && let Some(record) = records.get_mut(&to)
    {
        record.carried = lines;
    }
}

fn line_of(event: &Event) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(event).map_err(io::Error::other)?;
    let mut line = format!("{:08x} ", crc32fast::hash(&json)).into_bytes();
    line.extend(json);
    line.push(b'\n');
    Ok(line)
}

fn event_of(line: &[u8]) -> Option<Event> {
    let json = line.strip_suffix(b"\n")?.get(9..)?;
    let sum = u32::from_str_radix(std::str::from_utf8(line.get(..8)?).ok()?, 16).ok()?;
    (crc32fast::hash(json) == sum).then(|| serde_json::from_slice(json).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_is_known_after_a_new_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("positions");
        let inode = Inode { dev: 1, ino: 2 };
        let slice = |id, at| Slice { id, to: Print::at(at), base: 7, last_ts: 9, same_time: vec![(1, 2)], carries: None };
        {
            let mut positions = Positions::open(&path).unwrap();
            let id = positions.add("job", Path::new("/a"), inode, 0).unwrap();
            assert_eq!(id, 1);
            positions.begin(vec![slice(1, 10)]).unwrap();
            positions.done().unwrap();
            positions.begin(vec![slice(1, 20)]).unwrap();
        }
        // Torn in the middle of a line.
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"0000 half").unwrap();
        let mut positions = Positions::open(&path).unwrap();
        assert_eq!((positions.get(1).unwrap().print.at, positions.begun()), (10, &[slice(1, 20)][..]));
        assert_eq!(positions.add("job", Path::new("/b"), inode, 5).unwrap(), 2);
        positions.done().unwrap();
        positions.seen(&[2], REMEMBERED_MS + 1).unwrap();
        let positions = Positions::open(&path).unwrap();
        assert_eq!(positions.records().map(|record| record.id).collect::<Vec<_>>(), [2]);
        assert_eq!(positions.begun(), &[]);
    }

    #[test]
    fn a_long_journal_is_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("positions");
        let mut positions = Positions::open(&path).unwrap();
        let id = positions.add("job", Path::new("/a"), Inode { dev: 1, ino: 2 }, 0).unwrap();
        for at in 0..12_000 {
            positions.begin(vec![Slice { id, to: Print::at(at), base: 7, last_ts: 9, same_time: Vec::new(), carries: None }]).unwrap();
            positions.done().unwrap();
        }
        assert!(std::fs::metadata(&path).unwrap().len() < REWRITE_BYTES + 1000);
        assert_eq!(Positions::open(&path).unwrap().get(id).unwrap().print.at, 11_999);
    }
}
