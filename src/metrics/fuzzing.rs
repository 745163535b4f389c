//! Doors for the fuzz targets in `tests/fuzz/`; compiled only there. Each takes bytes as a hostile client or a damaged
//! disk would hand them over, and panics where a promise of the parser behind it does not hold.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::base::cancel::Cancel;
use crate::base::clock::ManualClock;
use crate::base::time::TimeRange;
use crate::metrics::ingest::backfill::openmetrics::import;
use crate::metrics::ingest::custom::CustomMetrics;
use crate::metrics::ingest::discovery::group;
use crate::metrics::ingest::exposition::content_type::Format;
use crate::metrics::ingest::exposition::lint::lint;
use crate::metrics::ingest::exposition::{Event, LabelScratch, ParseOptions, Parser, Series};
use crate::metrics::ingest::otlp::{NotExported, OtlpMetrics, Settings};
use crate::metrics::ingest::push::group::Group;
use crate::metrics::ingest::push::log::GroupLog;
use crate::metrics::ingest::push::{PushHeaders, Pushgateway, view};
use crate::metrics::ingest::remote_write::RemoteWrite;
use crate::metrics::ingest::statsd::{Protocol, Statsd};
use crate::metrics::model::config::{OtlpConfig, OtlpTranslation, read_text};
use crate::metrics::query::parse::{self, parse, parse_selector};
use crate::metrics::query::print::pretty;
use crate::metrics::store::block::{BLOCK_FILE, Block, Scratch, TOMBSTONES_FILE};
use crate::metrics::store::db::{Store, StoreSettings};
use crate::platform::config::yaml;
use crate::series::batch::WriteBatch;
use crate::series::histogram::{Histogram, ResetHint};
use crate::series::labels::{Labels, check_packed};
use crate::series::matcher::{MatchOp, Matcher};
use crate::series::otlp::Encoding;
use crate::series::ports::{Append, AppendError, AppendOptions, AppendReport, Select, Selection};
use crate::series::sample::SampleBuf;

/// What every clock here shows.
const NOW: i64 = 1_760_400_000_000;

/// A folder of this process, empty each time.
struct Folder(PathBuf);

impl Folder {
    fn empty(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pharos-fuzz-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).expect("a folder for files");
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The first byte as a choice, and the rest.
fn choice(data: &[u8]) -> (u8, &[u8]) {
    data.split_first().map_or((0, data), |(first, rest)| (*first, rest))
}

fn options(choice: u8) -> ParseOptions {
    ParseOptions {
        created_as_start: choice & 1 != 0,
        classic_to_nhcb: choice & 2 != 0,
        keep_classic: choice & 4 != 0,
        ignore_native: choice & 8 != 0,
    }
}

/// Walks a body; labels that a series gives must be well formed.
fn walk(format: Format, options: ParseOptions, body: &[u8]) {
    let mut scratch = LabelScratch::new();
    let mut packed = Vec::new();
    let mut expand = |series: &Series<'_>| {
        packed.clear();
        match series.packed(&mut scratch, &mut packed) {
            Ok(()) => check_packed(&packed).expect("packed labels are well formed"),
            Err(error) => assert!(packed.is_empty() && !error.message.is_empty()),
        }
    };
    let mut parser = Parser::new(format, body, options);
    loop {
        match parser.next_event() {
            Ok(Some(Event::Sample(sample))) => expand(&sample.series),
            Ok(Some(Event::Histogram(sample))) => expand(&sample.series),
            Ok(Some(_)) => {}
            Ok(None) => return,
            Err(error) => {
                let lines = 1 + body.iter().filter(|byte| **byte == b'\n').count();
                assert!(format == Format::Protobuf || error.line <= lines, "{error}");
                return;
            }
        }
    }
}

/// Text format, with and without classic histograms put together; the linter.
pub fn exposition_text(data: &[u8]) {
    let (choice, body) = choice(data);
    walk(Format::Text, options(choice), body);
    drop(lint(body));
}

/// OpenMetrics, as a scrape and as an import.
pub fn exposition_openmetrics(data: &[u8]) {
    let (choice, body) = choice(data);
    walk(Format::OpenMetrics, options(choice), body);
    if choice & 16 != 0 {
        let store = LazyStore::default();
        drop(import(&mut &*body, &store, &Cancel::new(), &mut |_| {}));
    }
}

/// Delimited protobuf.
pub fn exposition_protobuf(data: &[u8]) {
    let (choice, body) = choice(data);
    walk(Format::Protobuf, options(choice), body);
}

/// A store that is made when the first batch comes, so that what is refused before costs nothing.
#[derive(Default)]
struct LazyStore(OnceLock<(Store, Folder)>);

impl LazyStore {
    fn store(&self) -> &Store {
        let (store, _) = self.0.get_or_init(|| {
            let folder = Folder::empty("store");
            (open_store(folder.path()), folder)
        });
        store
    }
}

impl Append for LazyStore {
    fn append(&self, batch: &WriteBatch, options: &AppendOptions) -> Result<AppendReport, AppendError> {
        if batch.series.is_empty() && batch.metadata.is_empty() {
            return Ok(AppendReport::default());
        }
        self.store().append(batch, options)
    }
}

fn open_store(dir: &Path) -> Store {
    let settings = StoreSettings { background: false, reserve_bytes: 0, ..StoreSettings::new(dir) };
    Store::open(settings, ManualClock::at(NOW)).expect("a store opens whatever it finds")
}

/// All that is stored; what is in memory can be read.
fn read_all(store: &Store) -> Vec<(Labels, SampleBuf)> {
    let everything = [Matcher::new("__name__", MatchOp::Regex, ".*").expect("valid")];
    let selection = Selection { matchers: &everything, range: TimeRange::ALL, series_max: usize::MAX };
    let found = store.select(&selection, &Cancel::new()).expect("select");
    assert!(found.windows(2).all(|two| two[0].labels() < two[1].labels()), "sorted and unique");
    let mut all = Vec::new();
    for series in found {
        let mut samples = SampleBuf::default();
        series.read(TimeRange::ALL, &mut samples).expect("read");
        assert!(samples.float_ts.is_sorted_by(|a, b| a < b), "floats ascend");
        assert!(samples.histogram_ts.is_sorted_by(|a, b| a < b), "histograms ascend");
        if !samples.is_empty() {
            all.push((series.labels().clone(), samples));
        }
    }
    all
}

/// Reads, moves everything to blocks, reads again: nothing may change.
fn flush_and_compare(store: &Store) {
    let before = read_all(store);
    if store.flush_now().is_err() {
        return;
    }
    let after = read_all(store);
    assert_eq!(before.len(), after.len(), "series after a flush");
    for ((labels, before), (labels_after, after)) in before.iter().zip(&after) {
        assert_eq!(labels, labels_after);
        assert_eq!(before.float_ts, after.float_ts, "{labels}");
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&before.floats), bits(&after.floats), "{labels}");
        assert_eq!(before.histogram_ts, after.histogram_ts, "{labels}");
        assert_eq!(told(before), told(after), "{labels}");
    }
}

/// Histograms as text, as NaN is like itself there. That one goes on from the one before is said by storage where it
/// knows; a block does not know of the first one of a chunk.
fn told(samples: &SampleBuf) -> String {
    let knows_less = |histogram: &Arc<Histogram>| match histogram.reset_hint {
        ResetHint::NotReset => Histogram { reset_hint: ResetHint::Unknown, ..Histogram::clone(histogram) },
        _ => Histogram::clone(histogram),
    };
    format!("{:?}", samples.histograms.iter().map(knows_less).collect::<Vec<_>>())
}

/// A write request: 1.0 or 2.0, packed here unless the choice says that the bytes are packed already.
pub fn remote_write(data: &[u8]) {
    let (choice, body) = choice(data);
    let store = Arc::new(LazyStore::default());
    let remote_write = RemoteWrite::new(Arc::clone(&store) as Arc<dyn Append>, ManualClock::at(NOW), 16);
    let content_type = match choice & 1 {
        0 => "application/x-protobuf",
        _ => "application/x-protobuf;proto=io.prometheus.write.v2.Request",
    };
    let packed = if choice & 2 == 0 { snap::raw::Encoder::new().compress_vec(body).expect("short") } else { body.to_vec() };
    // The second time every series is known.
    for _ in 0..2 {
        let response = remote_write.write(content_type, "snappy", "", &packed);
        assert!(matches!(response.status, 200..=204 | 400 | 413), "{} {}", response.status, response.body);
    }
    if let Some((store, _)) = store.0.get() {
        flush_and_compare(store);
    }
}

/// A query: what parses, prints, and parses to the same again; a selector; a script.
pub fn promql(data: &[u8]) {
    let (choice, text) = choice(data);
    let Ok(text) = std::str::from_utf8(text) else { return };
    let options = if choice & 1 == 0 { parse::ParseOptions::ALL } else { parse::ParseOptions::default() };
    match parse(text, &options) {
        Err(errors) => assert!(!errors.first().message.is_empty()),
        Ok(tree) => {
            let printed = tree.to_string();
            for again in [&printed, &pretty(&tree)] {
                match parse(again, &options) {
                    Ok(tree) => assert_eq!(tree.to_string(), printed),
                    // Printing writes out what was short.
                    Err(error) => assert!(again.len() > text.len() && error.to_string().contains("too "), "{text} became {again}: {error}"),
                }
            }
        }
    }
    drop(parse_selector(text));
}

/// A log of a few files of one content: as it is, or with records framed here.
pub fn wal(data: &[u8]) {
    let (choice, bytes) = choice(data);
    let folder = Folder::empty("wal");
    let wal = folder.path().join("wal");
    fs::create_dir_all(&wal).expect("a folder");
    let version = if choice & 8 == 0 { 2 } else { 1 };
    let mut segment = [&b"PHARWAL"[..], &[version]].concat();
    let put_frame = |out: &mut Vec<u8>, kind: u8, content: &[u8]| {
        out.extend_from_slice(&(content.len() as u32 + 2).to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&[kind, 0]);
        out.extend_from_slice(content);
    };
    if choice & 1 == 0 {
        segment.extend_from_slice(bytes);
    } else {
        let mut rest = bytes;
        while let Some(([kind, low, high], after)) = rest.split_first_chunk::<3>() {
            let len = usize::from(u16::from_le_bytes([*low, *high])).min(after.len());
            let (content, after) = after.split_at(len);
            put_frame(&mut segment, *kind, content);
            rest = after;
        }
    }
    // A checkpoint and a segment behind it are read by other rules than a lone segment.
    let names: &[&str] = match choice >> 1 & 3 {
        0 => &["00000001"],
        1 => &["checkpoint-00000001", "00000001"],
        2 => &["00000001", "00000002"],
        _ => &["checkpoint-00000002", "chunks-00000001", "chunks-00000002", "00000002"],
    };
    for name in names {
        let mut file = segment.clone();
        if names.len() == 4 && name.starts_with("checkpoint") {
            // Kind 10 names the chunk files.
            put_frame(&mut file, 10, &[1, 2]);
        }
        fs::write(wal.join(name), &file).expect("write");
    }
    let store = open_store(folder.path());
    flush_and_compare(&store);
    store.close();
    drop(store);
    drop(read_all(&open_store(folder.path())));
}

/// A block, or the deleted ranges of one: opens or says why not, and so does everything in it.
pub fn block(data: &[u8]) {
    const WHOLE: &[u8] = include_bytes!("../../tests/compat/blocks-v1/01JZX3V9Q8B0C1D2E3F4G5H6J7/block");
    const SERIES_MAX: u32 = 200;
    let (choice, bytes) = choice(data);
    let folder = Folder::empty("block");
    let (block, tombstones) = if choice & 1 == 0 { (bytes, None) } else { (WHOLE, Some(bytes)) };
    fs::write(folder.path().join(BLOCK_FILE), block).expect("write");
    if let Some(tombstones) = tombstones {
        fs::write(folder.path().join(TOMBSTONES_FILE), tombstones).expect("write");
    }
    let Ok(block) = Block::open(folder.path()) else { return };
    drop(block.verify());
    for name in block.label_names().unwrap_or_default().iter().take(20) {
        drop(block.label_values(name));
        for (op, value) in [(MatchOp::Regex, "a.*|.*b"), (MatchOp::NotEqual, ""), (MatchOp::Regex, "b|c|"), (MatchOp::NotRegex, "a.+")] {
            drop(block.matching(&[Matcher::new(name, op, value).expect("valid")]));
        }
    }
    let mut scratch = Scratch::new();
    for id in 0..block.series_count().min(SERIES_MAX) {
        drop(block.labels(id));
        for range in [TimeRange::ALL, TimeRange::new(NOW - 1_000_000, NOW)] {
            let mut out = SampleBuf::default();
            drop(block.read(id, range, &mut scratch, &mut out));
            assert_eq!(out.float_ts.len(), out.floats.len());
            assert_eq!(out.histogram_ts.len(), out.histograms.len());
            drop(block.has_samples_in(id, range));
        }
    }
    if tombstones.is_some() {
        drop(block.add_tombstones(&[0, 1, 2], TimeRange::new(NOW - 1_000, NOW)));
    }
}

/// The tree as it is after printing, which puts quotes around plain texts that could not stand without.
fn without_marks(node: &yaml::Node) -> yaml::Node {
    let kind = match &node.kind {
        yaml::Kind::Map(pairs) => yaml::Kind::Map(pairs.iter().map(|(key, value)| (key.clone(), without_marks(value))).collect()),
        yaml::Kind::List(items) => yaml::Kind::List(items.iter().map(without_marks).collect()),
        yaml::Kind::Scalar { text, plain } => yaml::Kind::Scalar { text: text.clone(), plain: *plain && !yaml::is_mark(text) },
        yaml::Kind::Null => yaml::Kind::Null,
    };
    yaml::Node { at: node.at, kind }
}

/// YAML, a configuration, and lists of targets.
pub fn config_yaml(data: &[u8]) {
    let (choice, bytes) = choice(data);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match choice & 3 {
        0 => drop(group::parse_yaml(bytes)),
        1 => drop(group::parse_json(bytes)),
        _ => {}
    }
    if let Ok(document) = yaml::parse(text) {
        let printed = yaml::print(&document.root);
        match yaml::parse(&printed) {
            Ok(again) => assert_eq!(without_marks(&again.root), without_marks(&document.root), "{printed:?}"),
            Err(error) => panic!("{error} in {printed:?}"),
        }
    }
    // Patterns of files would read this machine's.
    if text.contains("files") {
        return;
    }
    if let Ok(loaded) = read_text(text, Path::new("/nowhere/prometheus.yml"), &|_| None) {
        let printed = loaded.to_yaml();
        assert!(yaml::parse(&printed).is_ok(), "{printed}");
    }
}

/// Keeps groups in memory.
#[derive(Default)]
struct MemoryLog {
    kept: Mutex<HashMap<String, Vec<u8>>>,
    prepared: Mutex<HashMap<String, Vec<u8>>>,
}

impl GroupLog for MemoryLog {
    fn load(&self) -> io::Result<Vec<Vec<u8>>> {
        Ok(self.kept.lock().values().cloned().collect())
    }

    fn prepare(&self, key: &str, bytes: &[u8]) -> io::Result<()> {
        let group = Group::decode(bytes).expect("a group reads back");
        assert_eq!(group.encode(), bytes);
        self.prepared.lock().insert(key.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn commit(&self, key: &str) -> io::Result<()> {
        let bytes = self.prepared.lock().remove(key).expect("prepared before");
        self.kept.lock().insert(key.to_owned(), bytes);
        Ok(())
    }

    fn discard(&self, key: &str) {
        self.prepared.lock().remove(key);
    }

    fn remove(&self, key: &str) -> io::Result<()> {
        self.kept.lock().remove(key);
        Ok(())
    }
}

/// Looks at batches, and gives them to storage if it is there.
struct Looked(Option<LazyStore>);

impl Append for Looked {
    fn append(&self, batch: &WriteBatch, options: &AppendOptions) -> Result<AppendReport, AppendError> {
        for series in &batch.series {
            check_packed(batch.labels_of(series)).expect("packed labels are well formed");
        }
        self.0.as_ref().map_or_else(|| Ok(AppendReport::default()), |store| store.append(batch, options))
    }
}

/// A push: a path to the first line break, then the body.
pub fn push(data: &[u8]) {
    let (choice, rest) = choice(data);
    if choice == 255 {
        drop(Group::decode(rest));
        return;
    }
    let split = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let Ok(path) = std::str::from_utf8(&rest[..split]) else { return };
    let body = rest.get(split + 1..).unwrap_or_default();
    let headers = PushHeaders {
        content_type: match choice & 1 {
            0 => "text/plain",
            _ => "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
        },
        content_encoding: ["", "gzip", "snappy", ""][usize::from(choice >> 1 & 3)],
        ttl: if choice & 8 == 0 { "" } else { "1h" },
    };
    let store = Arc::new(Looked((choice & 16 != 0).then(LazyStore::default)));
    let gateway = Pushgateway::open(Box::new(MemoryLog::default()), store, ManualClock::at(NOW), None).expect("opens");
    for (method, path) in [("PUT", path), ("POST", path), ("PUT", "/job/other"), ("DELETE", path)] {
        let response = gateway.handle(method, path, headers, body);
        assert!(matches!(response.status, 200 | 202 | 400 | 413), "{} {}", response.status, response.body);
        drop(view::metrics_json(&gateway.groups()).to_string());
        gateway.restate();
    }
}

/// Custom metrics as JSON, one or many; the journal they are kept in.
pub fn custom_json(data: &[u8]) {
    let (choice, body) = choice(data);
    let folder = Folder::empty("custom");
    let file = folder.path().join("journal");
    if choice & 1 != 0 {
        fs::write(&file, body).expect("write");
    }
    let store = Arc::new(Looked(None));
    let open = || CustomMetrics::open(&file, store.clone(), ManualClock::at(NOW)).expect("opens whatever it finds");
    let custom = open();
    if choice & 1 == 0 {
        drop(custom.record_one(body));
        drop(custom.record_batch(body));
    }
    let text = |custom: &CustomMetrics| {
        let text = |value: Result<String, serde_json::Error>| value.expect("prints");
        drop(text(serde_json::to_string(&custom.health())));
        text(serde_json::to_string(&custom.summary())) + &text(serde_json::to_string(&custom.dashboard()))
    };
    custom.restate();
    let before = text(&custom);
    drop(custom);
    assert_eq!(text(&open()), before, "after a restart");
}

/// Metrics of OpenTelemetry in protobuf or JSON, with every way of making names; what is stored reads back.
pub fn otlp(data: &[u8]) {
    let (choice, body) = choice(data);
    let store = Arc::new(LazyStore::default());
    let otlp = OtlpMetrics::new(Arc::clone(&store) as Arc<dyn Append>, ManualClock::at(NOW));
    let config = OtlpConfig {
        translation_strategy: OtlpTranslation::ALL[usize::from(choice >> 1 & 3)],
        promote_all_resource_attributes: choice & 8 != 0,
        convert_histograms_to_nhcb: choice & 16 != 0,
        promote_scope_metadata: choice & 32 != 0,
        ..OtlpConfig::default()
    };
    let settings = Settings::new(&config, choice & 64 != 0, 300_000);
    let encoding = if choice & 1 == 0 { Encoding::Protobuf } else { Encoding::Json };
    // The second time every delta comes again.
    for _ in 0..2 {
        match otlp.export(encoding, body, &settings, 64 << 20) {
            Ok(exported) => assert!(exported.rejected <= exported.points, "{exported:?}"),
            Err(NotExported::Invalid(why) | NotExported::TooLarge(why)) => assert!(!why.is_empty()),
            Err(NotExported::Later(why)) => panic!("{why}"),
        }
    }
    if let Some((store, _)) = store.0.get() {
        flush_and_compare(store);
    }
}

/// A packet of StatsD.
pub fn statsd(data: &[u8]) {
    let statsd = Statsd::new(ManualClock::at(NOW), std::time::Duration::ZERO, 100);
    statsd.take(data, Protocol::Udp);
    let (mut batch, store) = (WriteBatch::new(), LazyStore::default());
    statsd.collect(&mut batch);
    for series in &batch.series {
        check_packed(batch.labels_of(series)).expect("packed labels are well formed");
    }
    drop(store.append(&batch, &AppendOptions::default()));
}
