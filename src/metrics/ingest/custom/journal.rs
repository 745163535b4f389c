//! Totals on disk: every change appends the new total of its series; now and then the file is written anew.
//!
//! A record is `length (4 bytes, little endian), CRC-32 (4 bytes), protobuf message`. Of several records of a series
//! the last one counts. A torn end, as a crash leaves it, is cut off.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use prost::Message;

use super::series::{Family, SeriesState};
use crate::base::bytes::has_crc32;
use crate::series::labels::Labels;
use crate::series::sample::MetricType;

/// The file is written anew when it holds this many records, and four times as many as there are series.
const RECORDS_MIN: usize = 100_000;

/// The new total of a series.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Record {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    kind: String,
    #[prost(string, tag = "3")]
    help: String,
    #[prost(string, tag = "4")]
    unit: String,
    #[prost(bytes = "vec", tag = "5")]
    labels: Vec<u8>,
    #[prost(double, tag = "6")]
    value: f64,
    #[prost(double, tag = "7")]
    count: f64,
    #[prost(double, repeated, tag = "8")]
    keys: Vec<f64>,
    #[prost(double, repeated, tag = "9")]
    values: Vec<f64>,
}

impl Record {
    pub(super) fn of(name: &str, family: &Family, labels: &Labels, series: &SeriesState) -> Self {
        let (value, count, keys, values) = match series {
            SeriesState::Counter(value) | SeriesState::Gauge(value) => (*value, 0.0, Vec::new(), Vec::new()),
            SeriesState::Histogram { counts, sum, count } => (*sum, *count, family.bounds.clone(), counts.clone()),
            SeriesState::Summary { quantiles, sum, count } => {
                let (keys, values) = quantiles.iter().copied().unzip();
                (*sum, *count, keys, values)
            }
        };
        let text = |text: &str| text.to_owned();
        let (name, kind, help, unit) = (text(name), text(family.kind.as_str()), text(&family.help), text(&family.unit));
        Self { name, kind, help, unit, labels: labels.packed().to_vec(), value, count, keys, values }
    }

    /// Name, family without series, labels, totals; none when the record makes no sense.
    pub(super) fn into_parts(self) -> Option<(String, Family, Labels, SeriesState)> {
        let kind = MetricType::parse(&self.kind)?;
        let labels = Labels::from_packed(&self.labels).ok()?;
        if self.keys.len() != self.values.len() {
            return None;
        }
        let is_histogram = kind == MetricType::Histogram;
        let series = match kind {
            MetricType::Counter => SeriesState::Counter(self.value),
            MetricType::Gauge => SeriesState::Gauge(self.value),
            MetricType::Histogram => SeriesState::Histogram { counts: self.values, sum: self.value, count: self.count },
            MetricType::Summary => {
                let quantiles = self.keys.iter().copied().zip(self.values).collect();
                SeriesState::Summary { quantiles, sum: self.value, count: self.count }
            }
            _ => return None,
        };
        let mut family = Family::new(kind, if is_histogram { self.keys } else { Vec::new() });
        (family.help, family.unit) = (self.help, self.unit);
        Some((self.name, family, labels, series))
    }
}

/// The file.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    records: usize,
    /// Length up to which the file counts.
    len: u64,
    /// Whether there may be something behind it.
    is_torn: bool,
}

/// A state of the journal to go back to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    records: usize,
    len: u64,
}

impl Journal {
    /// Opens the file, or makes it; gives the records it holds in order.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Vec<Record>)> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let (records, len) = read_records(&bytes);
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        file.set_len(len as u64)?;
        file.seek(SeekFrom::End(0))?;
        Ok((Self { path: path.to_owned(), file, records: records.len(), len: len as u64, is_torn: false }, records))
    }

    /// Appends records. When this returns they survive a crash; on an error none of them counts.
    pub(super) fn append(&mut self, records: &[Record]) -> io::Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        if self.is_torn {
            self.cut()?;
        }
        let bytes = write_records(records);
        if let Err(error) = self.file.write_all(&bytes).and_then(|()| self.file.sync_data()) {
            // Whatever was half written must not stand before the next record.
            self.cut_or_later();
            return Err(error);
        }
        self.len += bytes.len() as u64;
        self.records += records.len();
        Ok(())
    }

    /// How it is now.
    pub(super) fn mark(&self) -> Mark {
        Mark { records: self.records, len: self.len }
    }

    /// Forgets what was appended since then. Where the disk fails at this too, it is tried again before the next record;
    /// only a crash before that would bring it back.
    pub(super) fn take_back(&mut self, mark: Mark) {
        (self.records, self.len) = (mark.records, mark.len);
        self.cut_or_later();
    }

    fn cut_or_later(&mut self) {
        self.is_torn = true;
        if let Err(error) = self.cut() {
            tracing::error!(%error, "what was refused cannot be taken out of the journal of custom metrics yet");
        }
    }

    /// Cuts off what does not count.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.len)?;
        self.file.seek(SeekFrom::Start(self.len))?;
        self.file.sync_data()?;
        self.is_torn = false;
        Ok(())
    }

    /// Whether most of the file is out of date.
    pub(super) fn is_due(&self, series: usize) -> bool {
        self.records >= RECORDS_MIN && self.records / 4 > series
    }

    /// Puts a new file with just these records in place of the old one.
    pub(super) fn rewrite(&mut self, records: &[Record]) -> io::Result<()> {
        let temporary = self.path.with_extension("tmp");
        let bytes = write_records(records);
        let mut file = File::create(&temporary)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, &self.path)?;
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        *self = Self { path: self.path.clone(), file, records: records.len(), len: bytes.len() as u64, is_torn: false };
        Ok(())
    }
}

fn write_records(records: &[Record]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        let body = record.encode_to_vec();
        bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
        bytes.extend_from_slice(&body);
    }
    bytes
}

/// Whole records from the start, and where they end.
fn read_records(bytes: &[u8]) -> (Vec<Record>, usize) {
    let mut records = Vec::new();
    let mut at = 0;
    while let Some((head, rest)) = bytes[at..].split_first_chunk::<8>() {
        let [a, b, c, d, crc @ ..] = *head;
        let Some(body) = rest.get(..u32::from_le_bytes([a, b, c, d]) as usize) else { break };
        if !has_crc32(body, u32::from_le_bytes(crc)) {
            break;
        }
        let Ok(record) = Record::decode(body) else { break };
        records.push(record);
        at += 8 + body.len();
    }
    (records, at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_torn_end_is_cut_and_rewriting_keeps_all() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("custom.journal");
        let family = Family::new(MetricType::Counter, Vec::new());
        let record = |value| Record::of("c", &family, &Labels::from_pairs([("a", "b")]), &SeriesState::Counter(value));
        let (mut journal, records) = Journal::open(&path).expect("opens");
        assert!(records.is_empty());
        journal.append(&[record(1.0), record(2.0)]).expect("appends");
        drop(journal);
        let whole = fs::read(&path).expect("reads");
        fs::write(&path, &whole[..whole.len() - 1]).expect("writes");
        let (mut journal, records) = Journal::open(&path).expect("opens");
        assert_eq!(records, [record(1.0)]);
        journal.append(&[record(3.0)]).expect("appends");
        journal.rewrite(&[record(3.0)]).expect("rewrites");
        journal.append(&[record(4.0)]).expect("appends");
        let mark = journal.mark();
        journal.append(&[record(5.0), record(6.0)]).expect("appends");
        journal.take_back(mark);
        assert_eq!(Journal::open(&path).expect("opens").1, [record(3.0), record(4.0)]);
        journal.append(&[record(7.0)]).expect("appends");
        assert_eq!(Journal::open(&path).expect("opens").1, [record(3.0), record(4.0), record(7.0)]);
    }

    proptest! {
        #[test]
        fn damage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for record in read_records(&bytes).0 {
                let _parts = record.into_parts();
            }
        }
    }
}
