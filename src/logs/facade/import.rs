//! Lines from a file of another server, as logcli and `pharos logs query --output jsonl` write them: an object a line, with
//! `labels`, `line` and `timestamp`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::backup::FOLDER;
use crate::base::clock::SystemClock;
use crate::base::pressure::Pressure;
use crate::logs::ingest::gather::{DETECTED_LEVEL, Gather};
use crate::logs::ingest::limits::LineLimits;
use crate::logs::ingest::receive::{Door, NotTaken, Receiver};
use crate::logs::ingest::when::parse_time;
use crate::logs::store::{self, Store, StoreError, StoreSettings};
use crate::series::labels::LabelsBuilder;

/// Lines stored at once.
const BATCH_LINES: u64 = 20_000;
/// Bytes of text stored at once.
const BATCH_BYTES: u64 = 16 << 20;
/// Longest object that is read.
const OBJECT_BYTES_MAX: usize = 16 << 20;

/// How to import.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Labels that every line gets.
    pub labels: Vec<(String, String)>,
    /// Labels of the file that are fields of their line, because they differ from line to line.
    pub fields: Vec<String>,
}

/// What became of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Lines stored, those that were there already included.
    pub lines: u64,
    /// Lines refused.
    pub refused: u64,
    /// Why the first of them were.
    pub first_refused: Option<String>,
}

/// Why an import ended early.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Storage did not open or close.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file cannot be read.
    #[error("cannot read the file: {0}")]
    Read(#[from] std::io::Error),
    /// An object cannot be read.
    #[error("line {line}: {why}")]
    Object {
        /// Counted from 1.
        line: u64,
        /// In words.
        why: String,
    },
    /// Storage does not take lines.
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
}

#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow)]
    labels: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    /// Written by `pharos logs query`, not by logcli.
    #[serde(borrow, default)]
    fields: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(borrow)]
    line: Cow<'a, str>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
}

/// Reads lines into the data folder of a server that does not run. `progress` is told of bytes read and lines stored.
///
/// # Errors
/// What is wrong with the file and where, or with storage. What was read before is stored.
pub fn import_lines(
    data: &Path,
    from: &mut dyn BufRead,
    options: &ImportOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Imported, ImportError> {
    let folder = data.join(FOLDER);
    std::fs::create_dir_all(&folder)?;
    // Old lines are what an import is for: nothing is too late, and nothing is retired meanwhile.
    let limits = store::LineLimits { too_old: None, too_far_behind: None, ..store::LineLimits::default() };
    let clock = Arc::new(SystemClock::new());
    let store = Arc::new(Store::open(StoreSettings { limits, ..StoreSettings::new(folder) }, Arc::clone(&clock) as _)?);
    let line_limits = LineLimits { label_names_max: 100, service_labels: Vec::new(), ..LineLimits::default() };
    let receiver = Receiver::new(Arc::clone(&store) as _, clock, Pressure::new(), line_limits);
    let result = read(from, options, &receiver, progress);
    store.flush()?;
    store.close();
    result
}

fn read(
    from: &mut dyn BufRead,
    options: &ImportOptions,
    receiver: &Receiver,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Imported, ImportError> {
    let mut done = Imported::default();
    let (mut gather, mut text) = (receiver.gather(), Vec::new());
    let (mut number, mut bytes, mut waiting, mut waiting_bytes) = (0u64, 0u64, 0u64, 0u64);
    loop {
        text.clear();
        let len = std::io::Read::take(&mut *from, OBJECT_BYTES_MAX as u64).read_until(b'\n', &mut text)?;
        number += 1;
        bytes += len as u64;
        if len == OBJECT_BYTES_MAX {
            return Err(ImportError::Object { line: number, why: format!("longer than {OBJECT_BYTES_MAX} bytes") });
        }
        let is_end = len == 0;
        if !text.trim_ascii().is_empty() {
            add(&text, options, receiver, &mut gather).map_err(|why| ImportError::Object { line: number, why })?;
            waiting += 1;
            waiting_bytes += len as u64;
        }
        if waiting >= BATCH_LINES || waiting_bytes >= BATCH_BYTES || (is_end && waiting > 0) {
            let taken = take(receiver, std::mem::replace(&mut gather, receiver.gather()))?;
            done.lines += taken.lines;
            done.refused += waiting.saturating_sub(taken.lines);
            done.first_refused = done.first_refused.or(taken.refused);
            (waiting, waiting_bytes) = (0, 0);
            progress(bytes, done.lines);
        }
        if is_end {
            return Ok(done);
        }
    }
}

/// Storage writes parts as fast as it can; there is nobody else who could come again.
fn take(receiver: &Receiver, gather: Gather) -> Result<crate::logs::ingest::receive::Taken, NotTaken> {
    receiver.take(Door::Loki, gather)
}

fn add(text: &[u8], options: &ImportOptions, receiver: &Receiver, gather: &mut Gather) -> Result<(), String> {
    let object: Object<'_> = serde_json::from_slice(text)
        .map_err(|error| format!("{error}; an object with labels, line and timestamp is expected, as logcli -o jsonl writes it"))?;
    let ts = parse_time(&object.timestamp).ok_or_else(|| format!("{:?} is no time; RFC 3339 is expected", object.timestamp))?;
    let mut labels = LabelsBuilder::new();
    for (name, value) in &object.labels {
        if name == DETECTED_LEVEL || options.fields.iter().any(|field| field == name) {
            gather.field(name, value);
        } else {
            labels.set(name, value);
        }
    }
    object.fields.iter().for_each(|(name, value)| gather.field(name, value));
    for (name, value) in &options.labels {
        labels.set(name, value);
    }
    let labels = labels.build();
    match receiver.streams.of_pairs(labels.packed(), labels.iter(), &receiver.limits) {
        Ok(stream) => gather
            .begin(&stream)
            .and_then(|()| gather.line(ts, object.line.as_bytes(), &receiver.limits))
            .map_err(|error| error.to_string()),
        Err(why) => Err(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::cancel::Cancel;
    use crate::logs::model::read::Span;
    use crate::logs::query::ast::Query;
    use crate::logs::query::engine::{Direction, Engine, LogQuestion, Options};
    use crate::logs::query::parse::{Dialect, parse};

    #[test]
    fn lines_of_a_file_are_there_once() {
        let folder = tempfile::tempdir().unwrap();
        let text = concat!(
            "{\"labels\":{\"app\":\"a\",\"trace\":\"7\",\"detected_level\":\"warn\"},\"line\":\"one \\\"q\\\"\",\"timestamp\":\"2020-01-01T00:00:00.000000001Z\"}\n",
            "\n{\"labels\":{\"app\":\"b\"},\"fields\":{\"user\":\"9\",\"detected_level\":\"info\"},\"line\":\"two\",\"timestamp\":\"2020-01-01T00:00:00Z\"}\n",
        );
        let options = ImportOptions { labels: vec![("from".to_owned(), "old".to_owned())], fields: vec!["trace".to_owned()] };
        for _ in 0..2 {
            let done = import_lines(folder.path(), &mut text.as_bytes(), &options, &mut |_, _| {}).unwrap();
            assert_eq!(done, Imported { lines: 2, refused: 0, first_refused: None });
        }
        let store = Store::open(StoreSettings::new(folder.path().join(FOLDER)), Arc::new(SystemClock::new())).unwrap();
        let store = Arc::new(store);
        let engine = Engine::new(Arc::clone(&store) as _, Arc::new(SystemClock::new()), Options::default());
        let Ok(Query::Log(query)) = parse("{app=~\".+\"}", Dialect::Loki) else { panic!("no query") };
        let (direction, cancel) = (Direction::Forward, Cancel::new());
        let question = LogQuestion { query: &query, span: Span::ALL, direction, limit: 100, interval: 0, categorize: true, cancel };
        let streams = engine.lines(&question).unwrap().streams;
        let seen = streams.iter().flat_map(|stream| stream.entries.iter().map(|entry| (&stream.labels, entry)));
        let seen: Vec<_> =
            seen.map(|(labels, entry)| (labels.to_string(), entry.ts, entry.line.clone(), entry.categories.fields.to_string())).collect();
        let line = |labels: &str, ts: i64, text: &str, fields: &str| (labels.to_owned(), ts, text.to_owned(), fields.to_owned());
        let (ts, trace) = (1_577_836_800_000_000_000, "{detected_level=\"warn\", trace=\"7\"}");
        let expected = [
            line("{app=\"a\", from=\"old\"}", ts + 1, "one \"q\"", trace),
            line("{app=\"b\", from=\"old\"}", ts, "two", "{detected_level=\"info\", user=\"9\"}"),
        ];
        assert_eq!(seen, expected);
        let bad = import_lines(folder.path(), &mut "{}\n".as_bytes(), &options, &mut |_, _| {});
        store.close();
        assert!(bad.is_err());
    }
}
