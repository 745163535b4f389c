//! What the API, the pages and `app` ask of storage beyond samples, as plain values.

use crate::base::time::TimeRange;
use crate::series::matcher::Matcher;
use crate::series::sample::Metadata;

/// Runs and describes storage. The calls that change something block on disk.
pub trait Storage: Send + Sync {
    /// What the newest series are made of; the `top` largest of each kind.
    fn cardinality(&self, top: usize) -> Cardinality;
    /// Which metrics gained series, the `top` that gained the most; none while there is nothing to compare with.
    fn growth(&self, top: usize) -> Option<Growth>;
    /// How storage is doing.
    fn status(&self) -> StorageStatus;
    /// Why writes are refused now, if they are; costs next to nothing.
    fn write_refusal(&self) -> Option<String>;
    /// Metric families with what they say of themselves: those named `metric`, or all, at most `limit` (0 = all).
    fn metadata(&self, metric: Option<&str>, limit: usize) -> Vec<(String, Vec<Metadata>)>;
    /// Series of the head with this metric name.
    fn series_of_metric(&self, name: &str) -> u64;
    /// Deletes the samples of matching series within `range`; gives the number of series touched.
    fn delete(&self, matchers: &[Matcher], range: TimeRange) -> Result<usize, StorageError>;
    /// Removes deleted samples from disk.
    fn clean_tombstones(&self) -> Result<(), StorageError>;
    /// Writes the head out and merges blocks as far as they may be merged.
    fn compact(&self) -> Result<(), StorageError>;
    /// Writes a copy that can be opened on its own below the data folder; gives its name.
    fn snapshot(&self, with_head: bool) -> Result<String, StorageError>;
}

/// Why storage did not do it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StorageError(pub String);

/// A name and how many.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Counted {
    /// A metric, label, or `label=value`.
    pub name: String,
    /// Series, values or bytes.
    pub count: u64,
}

/// What series are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cardinality {
    /// Series in the head.
    pub series: u64,
    /// Different label pairs.
    pub label_pairs: u64,
    /// Chunks in the head.
    pub chunks: u64,
    /// Oldest and newest sample in the head (ms), when there is any.
    pub range: Option<TimeRange>,
    /// Series per metric name.
    pub series_by_metric: Vec<Counted>,
    /// Values per label name.
    pub values_by_label: Vec<Counted>,
    /// Bytes of the values per label name.
    pub bytes_by_label: Vec<Counted>,
    /// Series per label pair.
    pub series_by_pair: Vec<Counted>,
}

/// A metric that gained series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grown {
    /// Its name.
    pub metric: String,
    /// Series then.
    pub before: u64,
    /// Series now.
    pub now: u64,
}

/// Which metrics gained series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// Over how long (ms).
    pub over_ms: i64,
    /// The metrics, those that gained the most first.
    pub metrics: Vec<Grown>,
}

/// A block on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockStatus {
    /// Its name.
    pub id: String,
    /// What it covers (ms).
    pub range: TimeRange,
    /// Series in it.
    pub series: u64,
    /// Samples in it.
    pub samples: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// How often it was merged.
    pub level: u32,
}

/// How storage is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StorageStatus {
    /// Blocks, oldest first.
    pub blocks: Vec<BlockStatus>,
    /// Blocks and log segments that could not be read and were set aside: name and reason.
    pub quarantined: Vec<(String, String)>,
    /// Bytes of the log.
    pub wal_bytes: u64,
    /// Log segments, first and last number.
    pub wal_segments: (u64, u64),
    /// Why writes are refused now, if they are.
    pub write_refusal: Option<String>,
    /// What failed last in the background (flush, merge), if it has not succeeded since.
    pub background_error: Option<String>,
    /// Samples are kept this long (ms); none = for ever.
    pub retention_ms: Option<i64>,
    /// Blocks and log may take this many bytes; none = any.
    pub retention_bytes: Option<u64>,
    /// Late samples are taken this long (ms).
    pub out_of_order_ms: i64,
    /// Limit of series in the head; none = any.
    pub series_max: Option<u64>,
    /// Limit of series of one job; none = any.
    pub series_per_job_max: Option<u64>,
    /// Samples refused by these limits since the start.
    pub refused_series_limit: u64,
    /// Bytes free on the disk of the data folder.
    pub disk_free_bytes: Option<u64>,
    /// Bytes of that disk.
    pub disk_bytes: Option<u64>,
}
