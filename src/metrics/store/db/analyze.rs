//! What a data folder holds: its blocks and its log, counted without opening a store. Nothing is locked, written or
//! mended, so that a server may run on the folder meanwhile.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::blocks::replaced;
use super::recover::read_log;
use super::{BLOCKS_DIR, WAL_DIR};
use crate::base::time::TimeRange;
use crate::metrics::model::storage::Counted;
use crate::metrics::store::block::{Block, BlockError, BlockId};
use crate::metrics::store::head::{Head, Index, SHARDS, Top};
use crate::metrics::store::wal;
use crate::series::labels::{Labels, METRIC_NAME};
use crate::series::matcher::Matcher;

/// A server that tidies its log while it is read is read again, so often.
const ATTEMPTS: usize = 5;
/// Blocks of two hours; only series that came out of order are cut by it.
const BLOCK_RANGE_MS: i64 = 2 * 3_600_000;
/// How full chunks are is shown by these numbers of samples.
const FILL_BOUNDS: [u64; 7] = [10, 60, 120, 240, 480, 1920, u64::MAX];

/// What of the folder is to be analysed.
#[derive(Debug, Clone, Default)]
pub struct AnalyzeOptions {
    /// Entries of each list.
    pub top: usize,
    /// Only this block, by its name; the log and the other blocks are left out.
    pub block: Option<String>,
    /// Only series that one of these selectors picks; all without any.
    pub any_of: Vec<Vec<Matcher>>,
}

/// Why a folder could not be analysed.
#[derive(Debug, thiserror::Error)]
pub enum AnalyzeError {
    /// There is neither a log nor a folder of blocks.
    #[error("{} holds no metrics: there is neither {WAL_DIR}/ nor {BLOCKS_DIR}/ in it", .0.display())]
    NoData(PathBuf),
    /// No block has that name.
    #[error("there is no block {wanted}; there are: {}", if known.is_empty() { "none".to_owned() } else { known.join(", ") })]
    NoBlock {
        /// The name.
        wanted: String,
        /// Those there are, oldest first.
        known: Vec<String>,
    },
    /// The operating system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A block is damaged.
    #[error(transparent)]
    Block(#[from] BlockError),
}

/// What a data folder holds, every series counted once wherever it has samples.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Analysis {
    /// First sample (ms).
    pub min_time: Option<i64>,
    /// Last sample (ms).
    pub max_time: Option<i64>,
    /// Series.
    pub series: u64,
    /// Samples; one that two blocks have counts twice.
    pub samples: u64,
    /// Names of labels.
    pub label_names: u64,
    /// Distinct pairs of label name and value.
    pub label_pairs: u64,
    /// Labels of all series together.
    pub label_entries: u64,
    /// The largest contributors.
    pub lists: Lists,
    /// The blocks, oldest first.
    pub blocks: Vec<BlockAnalysis>,
    /// What no block has yet.
    pub log: Option<LogAnalysis>,
    /// What could not be read, in words.
    pub unreadable: Vec<String>,
}

/// The largest contributors; each list is sorted, largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lists {
    /// Metrics by series.
    pub series_by_metric: Vec<Counted>,
    /// Metrics by samples.
    pub samples_by_metric: Vec<Counted>,
    /// Label names by distinct values.
    pub values_by_label: Vec<Counted>,
    /// Label names by bytes of values, summed over series.
    pub bytes_by_label: Vec<Counted>,
    /// Label pairs by series.
    pub series_by_pair: Vec<Counted>,
    /// Label names by churn: the parts of the time analysed in which each of their series had no samples, summed.
    pub churn_by_label: Vec<Counted>,
    /// Label pairs by churn.
    pub churn_by_pair: Vec<Counted>,
}

/// One block.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockAnalysis {
    /// Its name.
    pub ulid: String,
    /// First sample (ms).
    pub min_time: i64,
    /// Last sample (ms).
    pub max_time: i64,
    /// How often its samples were compacted.
    pub level: u32,
    /// Series that were picked.
    pub series: u64,
    /// Their samples.
    pub samples: u64,
    /// Their chunks.
    pub chunks: u64,
    /// Size of the whole block.
    pub bytes: u64,
    /// Bytes for each sample of the whole block.
    pub bytes_per_sample: f64,
    /// How many chunks have how many samples.
    pub chunk_fill: Vec<Fill>,
}

/// Chunks with at most so many samples, and more than the entry before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fill {
    /// At most so many; none = no limit.
    pub samples_max: Option<u64>,
    /// Number of chunks.
    pub chunks: u64,
}

/// The log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogAnalysis {
    /// First sample (ms).
    pub min_time: Option<i64>,
    /// Last sample (ms).
    pub max_time: Option<i64>,
    /// Series that were picked; some may have no samples any more.
    pub series: u64,
    /// Their samples.
    pub samples: u64,
    /// Their chunks in memory, once it is read.
    pub chunks: u64,
    /// Size of all its files.
    pub bytes: u64,
    /// Files of records.
    pub segments: u64,
}

/// Analyses the folder of a store.
pub fn analyze(dir: &Path, options: &AnalyzeOptions) -> Result<Analysis, AnalyzeError> {
    let (blocks_dir, wal_dir) = (dir.join(BLOCKS_DIR), dir.join(WAL_DIR));
    if !blocks_dir.is_dir() && !wal_dir.is_dir() {
        return Err(AnalyzeError::NoData(dir.to_owned()));
    }
    let mut analysis = Analysis::default();
    let mut census = Census { any_of: &options.any_of, ..Census::default() };
    // The log first: what a server moves to a block meanwhile is then counted twice rather than not at all.
    let head = if options.block.is_none() && wal_dir.is_dir() { Some(read_head(&wal_dir, &mut analysis.unreadable)?) } else { None };
    let blocks = open_blocks(&blocks_dir, &mut analysis.unreadable)?;
    let wanted = |block: &Block| options.block.as_ref().is_none_or(|wanted| block.meta().id.to_string() == *wanted);
    if let Some(wanted) = options.block.as_ref().filter(|_| !blocks.iter().any(wanted)) {
        let known = blocks.iter().map(|block| block.meta().id.to_string()).collect();
        return Err(AnalyzeError::NoBlock { wanted: wanted.clone(), known });
    }
    for block in blocks.iter().filter(|block| wanted(block)) {
        analysis.blocks.push(census.count_block(block)?);
    }
    if let Some((head, bytes, segments)) = head {
        analysis.log = Some(census.count_head(&head, bytes, segments));
    }
    census.finish(options.top, &mut analysis);
    Ok(analysis)
}

/// The head that a start would have, the bytes of the log, and the number of its segments.
fn read_head(wal_dir: &Path, unreadable: &mut Vec<String>) -> Result<(Head, u64, u64), AnalyzeError> {
    let mut attempt = 1;
    let (head, recovered) = loop {
        match read_log(wal_dir, BLOCK_RANGE_MS, wal::Damaged::Leave) {
            Ok(read) => break read,
            // Gone between listing and reading: the server has put it into a block.
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempt < ATTEMPTS => attempt += 1,
            Err(source) => return Err(AnalyzeError::Io { path: wal_dir.to_owned(), source }),
        }
    };
    unreadable
        .extend(recovered.damage.iter().map(|damage| format!("{} at byte {}: {}", damage.file.display(), damage.offset, damage.what)));
    Ok((head, crate::platform::disk::dir_bytes(wal_dir), recovered.segments.len() as u64))
}

/// The blocks that a start would use, oldest first.
fn open_blocks(dir: &Path, unreadable: &mut Vec<String>) -> Result<Vec<Block>, AnalyzeError> {
    let io = |source| AnalyzeError::Io { path: dir.to_owned(), source };
    let mut blocks = Vec::new();
    for entry in if dir.is_dir() { Some(fs::read_dir(dir).map_err(io)?) } else { None }.into_iter().flatten() {
        let path = entry.map_err(io)?.path();
        if path.file_name().and_then(|name| name.to_str()).is_none_or(|name| name.parse::<BlockId>().is_err()) {
            continue;
        }
        match Block::open(&path) {
            Ok(block) => blocks.push(block),
            // Merged or retired meanwhile.
            Err(_) if !path.is_dir() => {}
            Err(error) => unreadable.push(error.to_string()),
        }
    }
    let replaced = replaced(&blocks);
    let mut kept: Vec<Block> = blocks.into_iter().zip(replaced).filter_map(|(block, replaced)| (!replaced).then_some(block)).collect();
    kept.sort_by_key(|block| (block.meta().min_ts, block.meta().max_ts, block.meta().id));
    Ok(kept)
}

/// Every series once.
#[derive(Default)]
struct Census<'a> {
    any_of: &'a [Vec<Matcher>],
    index: Index,
    /// By the hash of labels.
    ids: HashMap<u64, u32, rustc_hash::FxBuildHasher>,
    /// By id, the first one has none.
    found: Vec<Found>,
    label_entries: u64,
}

/// Of a series.
#[derive(Clone, Copy)]
struct Found {
    range: TimeRange,
    samples: u64,
}

impl Census<'_> {
    fn picks(&self, labels: &Labels) -> bool {
        self.any_of.is_empty() || self.any_of.iter().any(|matchers| matchers.iter().all(|matcher| matcher.matches_labels(labels)))
    }

    fn enter(&mut self, labels: &Labels, range: TimeRange, samples: u64) {
        let fresh = u32::try_from(self.ids.len() + 1).unwrap_or(u32::MAX);
        let id = *self.ids.entry(labels.stable_hash()).or_insert(fresh);
        if id == fresh {
            self.index.insert(id, labels);
            self.label_entries += labels.iter().count() as u64;
            self.found.push(Found { range, samples });
        } else if let Some(found) = self.found.get_mut(id as usize - 1) {
            found.range = TimeRange::new(found.range.start.min(range.start), found.range.end.max(range.end));
            found.samples += samples;
        }
    }

    fn count_block(&mut self, block: &Block) -> Result<BlockAnalysis, AnalyzeError> {
        let meta = block.meta();
        let mut fill = FILL_BOUNDS.map(|_| 0);
        let (mut series, mut samples, mut chunks) = (0, 0, 0);
        for id in 0..block.series_count() {
            let labels = block.labels(id)?;
            if !self.picks(&labels) {
                continue;
            }
            let (mut own, mut times): (u64, Option<TimeRange>) = (0, None);
            for (range, count) in block.chunk_sizes(id)? {
                own += count;
                chunks += 1;
                fill[FILL_BOUNDS.iter().position(|bound| count <= *bound).unwrap_or(0)] += 1;
                let all = times.get_or_insert(range);
                *all = TimeRange::new(all.start.min(range.start), all.end.max(range.end));
            }
            if let Some(range) = times {
                self.enter(&labels, range, own);
            }
            series += 1;
            samples += own;
        }
        block.release_pages();
        Ok(BlockAnalysis {
            ulid: meta.id.to_string(),
            min_time: meta.min_ts,
            max_time: meta.max_ts,
            level: meta.level,
            series,
            samples,
            chunks,
            bytes: meta.bytes,
            bytes_per_sample: if meta.samples > 0 { meta.bytes as f64 / meta.samples as f64 } else { 0.0 },
            chunk_fill: FILL_BOUNDS
                .iter()
                .zip(fill)
                .map(|(bound, chunks)| Fill { samples_max: (*bound != u64::MAX).then_some(*bound), chunks })
                .collect(),
        })
    }

    fn count_head(&mut self, head: &Head, bytes: u64, segments: u64) -> LogAnalysis {
        let mut log = LogAnalysis { min_time: None, max_time: None, series: 0, samples: 0, chunks: 0, bytes, segments };
        for number in 0..SHARDS {
            let shard = head.shard(number);
            for (_, series) in shard.iter(number) {
                if !self.picks(series.labels()) {
                    continue;
                }
                log.series += 1;
                let Some(range) = series.time_range() else { continue };
                let samples = series.sample_count();
                log.samples += samples;
                log.chunks += series.chunk_count() as u64;
                log.min_time = Some(log.min_time.map_or(range.start, |min| min.min(range.start)));
                log.max_time = log.max_time.max(Some(range.end));
                self.enter(series.labels(), range, samples);
            }
        }
        log
    }

    fn finish(self, top: usize, analysis: &mut Analysis) {
        let span = self.found.iter().map(|found| found.range).reduce(|a, b| TimeRange::new(a.start.min(b.start), a.end.max(b.end)));
        analysis.min_time = span.map(|span| span.start);
        analysis.max_time = span.map(|span| span.end);
        analysis.series = self.found.len() as u64;
        analysis.samples = self.found.iter().map(|found| found.samples).sum();
        analysis.label_names = self.index.names().count() as u64;
        analysis.label_pairs = self.index.pair_count() as u64;
        analysis.label_entries = self.label_entries;
        let of = |id: &u32| self.found.get(*id as usize - 1);
        let whole = span.map_or(0, |span| span.end.saturating_sub(span.start)).max(1) as f64;
        let covered = |found: &Found| found.range.end.saturating_sub(found.range.start) as f64 / whole;
        // Without a length of time nothing can come and go.
        let churn = |ids: &[u32]| ids.iter().filter_map(of).map(|found| 1.0 - covered(found)).sum::<f64>();
        let is_moment = span.is_none_or(|span| span.start == span.end);
        let (mut by_label, mut by_pair, mut by_samples) = (Top::new(top), Top::new(top), Top::new(top));
        for name in self.index.names() {
            let mut of_name = 0.0;
            for (value, ids) in self.index.values(name) {
                let of_pair = if is_moment { 0.0 } else { churn(ids) };
                of_name += of_pair;
                by_pair.offer(of_pair as u64, || format!("{name}={value}"));
                if name == METRIC_NAME {
                    by_samples.offer(ids.iter().filter_map(of).map(|found| found.samples).sum(), || value.to_owned());
                }
            }
            by_label.offer(of_name as u64, || name.to_owned());
        }
        let cardinality = self.index.cardinality(top);
        let moving = |top: Top| top.done().into_iter().filter(|one| one.count > 0).collect();
        analysis.lists = Lists {
            series_by_metric: cardinality.series_by_metric,
            samples_by_metric: by_samples.done(),
            values_by_label: cardinality.values_by_label,
            bytes_by_label: cardinality.bytes_by_label,
            series_by_pair: cardinality.series_by_pair,
            churn_by_label: moving(by_label),
            churn_by_pair: moving(by_pair),
        };
    }
}
