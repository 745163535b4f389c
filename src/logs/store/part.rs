//! A stand-in for parts until the real ones are merged: one compressed file with everything in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::bytes::{Cursor, Malformed, put_uvarint, put_varint};
use crate::base::cancel::{Cancel, Stop};
use crate::logs::model::read::{LineBuf, LineChunk, LineSelection, NO_FIELDS, SelectLinesError, Stream, StreamQuery, StreamVolume, Want};
use crate::series::labels::Labels;

#[derive(Debug, Clone, Copy)]
pub struct PartOptions {
    pub block_bytes: usize,
    pub zstd_level: i32,
}

impl PartOptions {
    pub const FRESH: Self = Self { block_bytes: 128 << 10, zstd_level: 1 };
}

#[derive(Debug, Clone, Copy)]
pub struct MergeOptions {
    pub part: PartOptions,
}

impl MergeOptions {
    pub const FAST: Self = Self { part: PartOptions::FRESH };
    pub const DENSE: Self = Self { part: PartOptions::FRESH };
}

#[derive(Debug, Clone, Copy)]
pub struct PartLine<'a> {
    pub ts: i64,
    pub text: &'a [u8],
    pub fields: &'a [u8],
}

#[derive(Debug, Clone, Copy, Default)]
pub struct PartInfo {
    pub min_ts: i64,
    pub max_ts: i64,
    pub lines: u64,
    pub text_bytes: u64,
    pub disk_bytes: u64,
    pub streams: u64,
    pub blocks: u64,
}

pub type KeepLine<'a> = Box<dyn Fn(i64, &[u8], &[u8]) -> bool + 'a>;

pub enum Keep<'a> {
    All,
    Nothing,
    Lines(KeepLine<'a>),
}

#[derive(Debug, thiserror::Error)]
pub enum PartError {
    #[error("cannot {action} {}: {source}", .path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("{} is damaged: {what}", .path.display())]
    Damaged { path: PathBuf, what: String },
    #[error("stopped")]
    Stopped(Stop),
}

impl From<Stop> for PartError {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

impl From<PartError> for SelectLinesError {
    fn from(error: PartError) -> Self {
        match error {
            PartError::Stopped(stop) => Self::Stopped(stop),
            other => Self::Storage(Arc::from(other.to_string())),
        }
    }
}

type Line = (i64, Vec<u8>, Vec<u8>);

pub struct PartWriter {
    path: PathBuf,
    content: Vec<u8>,
    info: PartInfo,
    last: Vec<u8>,
}

impl PartWriter {
    pub fn create(dir: &Path, _options: PartOptions) -> Result<Self, PartError> {
        fs::create_dir_all(dir).map_err(|source| PartError::Io { action: "create", path: dir.to_owned(), source })?;
        let info = PartInfo { min_ts: i64::MAX, max_ts: i64::MIN, ..PartInfo::default() };
        Ok(Self { path: dir.join("lines"), content: Vec::new(), info, last: Vec::new() })
    }

    pub fn push_run(&mut self, labels: &Labels, lines: &[PartLine<'_>]) -> Result<(), PartError> {
        assert!(self.last.as_slice() <= labels.packed(), "streams in order");
        self.last = labels.packed().to_vec();
        put_uvarint(&mut self.content, labels.packed().len() as u64);
        self.content.extend_from_slice(labels.packed());
        put_uvarint(&mut self.content, lines.len() as u64);
        let mut before = i64::MIN;
        for line in lines {
            assert!(before <= line.ts, "lines in order");
            before = line.ts;
            put_varint(&mut self.content, line.ts);
            for bytes in [line.text, line.fields] {
                put_uvarint(&mut self.content, bytes.len() as u64);
                self.content.extend_from_slice(bytes);
            }
            self.info.min_ts = self.info.min_ts.min(line.ts);
            self.info.max_ts = self.info.max_ts.max(line.ts);
            self.info.lines += 1;
            self.info.text_bytes += line.text.len() as u64;
        }
        self.info.streams += 1;
        Ok(())
    }

    pub fn finish(mut self) -> Result<PartInfo, PartError> {
        let mut packed = crc32fast::hash(&self.content).to_le_bytes().to_vec();
        packed.extend(zstd::bulk::compress(&self.content, 1).unwrap_or_default());
        self.info.disk_bytes = packed.len() as u64;
        fs::write(&self.path, packed).map_err(|source| PartError::Io { action: "write", path: self.path.clone(), source })?;
        Ok(self.info)
    }
}

pub struct Part {
    info: PartInfo,
    streams: Vec<(Arc<Stream>, Vec<Line>)>,
}

impl Part {
    pub fn open(dir: &Path) -> Result<Arc<Self>, PartError> {
        let path = dir.join("lines");
        let bytes = fs::read(&path).map_err(|source| PartError::Io { action: "read", path: path.clone(), source })?;
        let damaged = |what: &str| PartError::Damaged { path: path.clone(), what: what.to_owned() };
        let (crc, packed) = bytes.split_first_chunk::<4>().ok_or_else(|| damaged("short"))?;
        let content = zstd::stream::decode_all(packed).map_err(|error| damaged(&error.to_string()))?;
        if crc32fast::hash(&content) != u32::from_le_bytes(*crc) {
            return Err(damaged("checksum"));
        }
        let streams = read(&content).map_err(|error| damaged(&error.to_string()))?;
        let mut info = PartInfo { min_ts: i64::MAX, max_ts: i64::MIN, disk_bytes: bytes.len() as u64, ..PartInfo::default() };
        for (_, lines) in &streams {
            info.streams += 1;
            for (ts, text, _) in lines {
                info.min_ts = info.min_ts.min(*ts);
                info.max_ts = info.max_ts.max(*ts);
                info.lines += 1;
                info.text_bytes += text.len() as u64;
            }
        }
        Ok(Arc::new(Self { info, streams }))
    }

    pub fn info(&self) -> &PartInfo {
        &self.info
    }

    pub fn select(self: &Arc<Self>, selection: &LineSelection<'_>, cancel: &Cancel) -> Result<Vec<Box<dyn LineChunk>>, SelectLinesError> {
        cancel.check()?;
        let mut chunks: Vec<Box<dyn LineChunk>> = Vec::new();
        for (at, (stream, lines)) in self.streams.iter().enumerate() {
            let overlaps = lines.iter().any(|(ts, ..)| selection.span.contains(*ts));
            if overlaps && selection.matchers.iter().all(|matcher| matcher.matches_labels(&stream.labels)) {
                chunks.push(Box::new(Chunk { part: Arc::clone(self), at }));
            }
        }
        Ok(chunks)
    }

    fn matching<'a>(&'a self, query: &'a StreamQuery<'_>) -> impl Iterator<Item = &'a (Arc<Stream>, Vec<Line>)> {
        self.streams.iter().filter(|(stream, lines)| {
            let any = query.any_of.iter().any(|all| all.iter().all(|matcher| matcher.matches_labels(&stream.labels)));
            (any || query.any_of.is_empty()) && lines.iter().any(|(ts, ..)| query.span.contains(*ts))
        })
    }

    pub fn streams(&self, query: &StreamQuery<'_>, _cancel: &Cancel) -> Result<Vec<Labels>, SelectLinesError> {
        Ok(self.matching(query).map(|(stream, _)| stream.labels.clone()).collect())
    }

    pub fn volume(&self, query: &StreamQuery<'_>, _cancel: &Cancel) -> Result<Vec<StreamVolume>, SelectLinesError> {
        let volume = |(stream, lines): &(Arc<Stream>, Vec<Line>)| StreamVolume {
            labels: stream.labels.clone(),
            chunks: 1,
            lines: lines.len() as u64,
            bytes: lines.iter().map(|(_, text, _)| text.len() as u64).sum(),
        };
        Ok(self.matching(query).map(volume).collect())
    }

    pub fn label_names(&self, query: &StreamQuery<'_>, _cancel: &Cancel) -> Result<Vec<String>, SelectLinesError> {
        let names = self.matching(query).flat_map(|(stream, _)| stream.labels.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>());
        Ok(names.collect::<std::collections::BTreeSet<_>>().into_iter().collect())
    }

    pub fn label_values(&self, name: &str, query: &StreamQuery<'_>, _cancel: &Cancel) -> Result<Vec<String>, SelectLinesError> {
        let values = self.matching(query).filter_map(|(stream, _)| stream.labels.get(name).map(str::to_owned));
        Ok(values.collect::<std::collections::BTreeSet<_>>().into_iter().collect())
    }

    pub fn forget(&self) {}

    pub fn check(&self, _cancel: &Cancel) -> Result<(), PartError> {
        Ok(())
    }
}

type Streams = Vec<(Arc<Stream>, Vec<Line>)>;

fn read(content: &[u8]) -> Result<Streams, Malformed> {
    let mut cursor = Cursor::new(content);
    let mut streams = Vec::new();
    while !cursor.is_empty() {
        let len = cursor.len()?;
        let labels = Labels::from_packed(cursor.take(len)?)?;
        let count = cursor.len()?;
        let mut lines = Vec::new();
        for _ in 0..count {
            let ts = cursor.varint()?;
            let len = cursor.len()?;
            let text = cursor.take(len)?.to_vec();
            let len = cursor.len()?;
            lines.push((ts, text, cursor.take(len)?.to_vec()));
        }
        streams.push((Arc::new(Stream { labels }), lines));
    }
    Ok(streams)
}

struct Chunk {
    part: Arc<Part>,
    at: usize,
}

impl LineChunk for Chunk {
    fn bounds(&self) -> (i64, i64) {
        let lines = &self.part.streams[self.at].1;
        (lines[0].0, lines[lines.len() - 1].0)
    }

    fn lines(&self) -> usize {
        self.part.streams[self.at].1.len()
    }

    fn bytes(&self) -> usize {
        self.part.streams[self.at].1.iter().map(|(_, text, _)| text.len()).sum()
    }

    fn stream(&self) -> Option<&Arc<Stream>> {
        Some(&self.part.streams[self.at].0)
    }

    fn read(&self, want: Want, into: &mut LineBuf) -> Result<(), SelectLinesError> {
        into.clear();
        let mut start = 0;
        for (ts, text, fields) in &self.part.streams[self.at].1 {
            into.times.push(*ts);
            into.starts.push(start);
            start += text.len() as u32 + 1;
            if want == Want::Text {
                into.text.extend_from_slice(text);
                into.text.push(b'\n');
            }
            if want != Want::Times {
                if fields.is_empty() {
                    into.fields.push(NO_FIELDS);
                } else {
                    let from = into.field_bytes.len() as u32;
                    into.field_bytes.extend_from_slice(fields);
                    into.field_sets.push(from..into.field_bytes.len() as u32);
                    into.fields.push(into.field_sets.len() as u32 - 1);
                }
            }
        }
        into.starts.push(start);
        into.runs.push((Arc::clone(&self.part.streams[self.at].0), 0..self.lines() as u32));
        Ok(())
    }
}

pub fn merge(
    parts: &[Arc<Part>],
    dir: &Path,
    options: &MergeOptions,
    keep: &dyn Fn(&Labels) -> Keep<'_>,
    cancel: &Cancel,
) -> Result<PartInfo, PartError> {
    let mut all: std::collections::BTreeMap<Vec<u8>, Vec<Line>> = std::collections::BTreeMap::new();
    for part in parts {
        cancel.check()?;
        for (stream, lines) in &part.streams {
            all.entry(stream.labels.packed().to_vec()).or_default().extend(lines.iter().cloned());
        }
    }
    let mut writer = PartWriter::create(dir, options.part)?;
    for (packed, mut lines) in all {
        let labels = Labels::from_packed(&packed).unwrap_or_default();
        match keep(&labels) {
            Keep::All => {}
            Keep::Nothing => continue,
            Keep::Lines(keep) => lines.retain(|(ts, text, fields)| keep(*ts, text, fields)),
        }
        lines.sort_by_key(|(ts, ..)| *ts);
        lines.dedup();
        let lines: Vec<PartLine<'_>> = lines.iter().map(|(ts, text, fields)| PartLine { ts: *ts, text, fields }).collect();
        if !lines.is_empty() {
            writer.push_run(&labels, &lines)?;
        }
    }
    writer.finish()
}
