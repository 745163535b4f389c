//! Blocks written and read back, deleted from, damaged, and of the first format version.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::tombstones::Tombstones;
use super::*;
use crate::base::time::TimeRange;
use crate::series::histogram::{Histogram, Span};
use crate::series::labels::Labels;
use crate::series::matcher::{MatchOp, Matcher};
use crate::series::sample::{SampleBuf, stale_nan};

const T0: i64 = 1_760_000_000_000;
const STEP: i64 = 15_000;

fn id() -> BlockId {
    "01JZX3V9Q8B0C1D2E3F4G5H6J7".parse().expect("valid")
}

fn options() -> BlockOptions {
    BlockOptions { sync: false, ..BlockOptions::fresh(id()) }
}

fn histogram(n: u32) -> Arc<Histogram> {
    let n = f64::from(n);
    Arc::new(Histogram {
        schema: 2,
        count: 3.0 * n,
        sum: 1.5 * n,
        zero_threshold: 0.001,
        positive_spans: vec![Span { offset: -1, length: 2 }],
        positive_buckets: vec![n, 2.0 * n],
        ..Histogram::default()
    })
}

/// Series of every kind, in order: counters, gauges, stale ends, start times, native and classic histograms.
fn series(samples: i64) -> Vec<(Labels, SampleBuf)> {
    let mut all = Vec::new();
    for host in 0..4i64 {
        let instance = format!("host-{host}:9100");
        for (metric, kind) in [("a_total", 0), ("b_seconds", 1), ("c_histogram", 2), ("d_mixed", 3), ("e_constant", 4)] {
            let mut buf = SampleBuf::default();
            for i in 0..samples {
                let ts = T0 + host * 7 + i * STEP;
                match kind {
                    0 => {
                        buf.push_float(ts, (i * 100 + i * i % 7) as f64);
                        buf.float_start_ts.push(if host == 1 { T0 - 5 } else { 0 });
                    }
                    1 => buf.push_float(ts, if i == samples - 1 { stale_nan() } else { (i % 13) as f64 / 10.0 }),
                    2 => buf.push_histogram(ts, histogram(i as u32)),
                    3 if i < samples / 2 => buf.push_float(ts, -0.5),
                    3 => buf.push_histogram(ts, histogram(7)),
                    _ => buf.push_float(ts, 4096.0),
                }
            }
            if host != 1 {
                buf.float_start_ts.clear();
            }
            let region = if host % 2 == 0 { "eu" } else { "" };
            all.push((Labels::from_pairs([("__name__", metric), ("instance", &*instance), ("region", region)]), buf));
        }
        for (le, share) in [("+Inf", 1.0), ("0.5", 0.9), ("1", 0.99)] {
            let mut buf = SampleBuf::default();
            for i in 0..samples {
                let requests = (i * 300 + i * i % 97) as f64;
                buf.push_float(T0 + host * 7 + i * STEP, (requests * share).floor());
            }
            let labels = [("__name__", "f_bucket"), ("instance", &*instance), ("le", le)];
            all.push((Labels::from_pairs(labels), buf));
        }
    }
    all.sort_by(|left, right| left.0.cmp(&right.0));
    all
}

fn write(dir: &Path, options: BlockOptions, series: &[(Labels, SampleBuf)]) -> Block {
    let mut writer = BlockWriter::create(dir, options).expect("create");
    for (labels, samples) in series {
        writer.add_series(labels, samples).expect("add");
    }
    let meta = writer.finish().expect("finish");
    let block = Block::open(&dir.join(meta.id.to_string())).expect("open");
    assert_eq!(block.meta(), &meta);
    block
}

/// What is between `from` and `to`, the slow way.
fn within(buf: &SampleBuf, range: TimeRange) -> SampleBuf {
    let mut out = SampleBuf::default();
    for (at, ts) in buf.float_ts.iter().enumerate().filter(|(_, ts)| range.contains(**ts)) {
        out.push_float(*ts, buf.floats[at]);
        out.float_start_ts.extend(buf.float_start_ts.get(at));
    }
    for (ts, histogram) in buf.histogram_ts.iter().zip(&buf.histograms).filter(|(ts, _)| range.contains(**ts)) {
        out.push_histogram(*ts, Arc::clone(histogram));
    }
    out
}

fn assert_same(left: &SampleBuf, right: &SampleBuf) {
    let bits = |floats: &[f64]| floats.iter().map(|float| float.to_bits()).collect::<Vec<_>>();
    assert_eq!(left.float_ts, right.float_ts);
    assert_eq!(bits(&left.floats), bits(&right.floats));
    assert_eq!(left.float_start_ts, right.float_start_ts);
    assert_eq!(left.histogram_ts, right.histogram_ts);
    assert_eq!(left.histograms, right.histograms);
}

fn read(block: &Block, id: u32, range: TimeRange) -> SampleBuf {
    let mut out = SampleBuf::default();
    block.read(id, range, &mut Scratch::new(), &mut out).expect("read");
    out
}

#[test]
fn what_was_written_is_read() {
    let dir = tempfile::tempdir().expect("dir");
    let all = series(1500);
    for compression in [None, Some(1)] {
        let options = BlockOptions { compression, frame_bytes: 2048, ..options() };
        let block = write(dir.path(), options, &all);
        block.verify().expect("whole");
        assert_eq!(block.meta().series, 32);
        assert_eq!(block.meta().samples, 48_000);
        assert_eq!(block.meta().histograms, 4 * 1500 + 4 * 750);
        assert_eq!(block.meta().range(), TimeRange::new(T0, T0 + 21 + 1499 * STEP));
        let mut scratch = Scratch::new();
        for (id, (labels, samples)) in (0..).zip(&all) {
            assert_eq!(&block.labels(id).expect("labels"), labels);
            for range in [
                TimeRange::ALL,
                TimeRange::new(T0 + 700 * STEP, T0 + 720 * STEP + 3),
                TimeRange::new(T0 + 3, T0 + 3),
                TimeRange::new(T0 + 21 + 1499 * STEP, i64::MAX),
                TimeRange::new(0, 5),
                TimeRange::new(T0 + 99 * STEP + 50, T0 + 100 * STEP - 1),
            ] {
                let mut out = SampleBuf::default();
                block.read(id, range, &mut scratch, &mut out).expect("read");
                let expected = within(samples, range);
                assert_same(&out, &expected);
                assert!(expected.is_empty() || block.has_samples_in(id, range).expect("index"));
            }
            assert!(!block.has_samples_in(id, TimeRange::new(0, T0 - 1)).expect("index"));
        }
        assert!(block.labels(32).is_err());
        fs::remove_dir_all(block.dir()).expect("remove");
        assert_same(&read(&block, 3, TimeRange::ALL), &all[3].1);
    }
    assert_eq!(fs::read_dir(dir.path()).expect("dir").count(), 0, "no temporary folder is left");
}

#[test]
fn reads_append_and_keep_start_times_parallel() {
    let dir = tempfile::tempdir().expect("dir");
    let all = series(10);
    let block = write(dir.path(), options(), &all);
    let mut out = SampleBuf::default();
    for id in [0, 1, 2] {
        block.read(id, TimeRange::ALL, &mut Scratch::new(), &mut out).expect("read");
    }
    assert_eq!(out.float_ts.len(), 30);
    assert_eq!(out.float_start_ts, [[0; 10], [T0 - 5; 10], [0; 10]].concat());
}

#[test]
fn start_times_are_not_taken_for_times() {
    let dir = tempfile::tempdir().expect("dir");
    let one =
        |ts: i64, start: i64| SampleBuf { float_ts: vec![ts], floats: vec![1.0], float_start_ts: vec![start], ..SampleBuf::default() };
    let series = [(Labels::from_pairs([("n", "a")]), one(T0 + 5, T0)), (Labels::from_pairs([("n", "b")]), one(T0, T0))];
    let block = write(dir.path(), options(), &series);
    for (id, (_, samples)) in (0..).zip(&series) {
        assert_same(&read(&block, id, TimeRange::new(T0, T0 + 10)), samples);
    }
}

#[test]
fn names_values_and_matchers() {
    let dir = tempfile::tempdir().expect("dir");
    let all = series(3);
    let block = write(dir.path(), options(), &all);
    assert_eq!(block.label_names().expect("names"), ["__name__", "instance", "le", "region"]);
    assert_eq!(block.label_values("region").expect("values"), ["eu"]);
    assert_eq!(block.label_values("instance").expect("values").len(), 4);
    assert!(block.label_values("absent").expect("values").is_empty());
    for (name, op, value) in [
        ("__name__", MatchOp::Equal, "a_total"),
        ("__name__", MatchOp::Regex, "[ab]_.*"),
        ("instance", MatchOp::Regex, "host-1.*"),
        ("instance", MatchOp::NotRegex, "host-(1|2):9100"),
        ("region", MatchOp::Equal, ""),
        ("region", MatchOp::NotEqual, "eu"),
        ("region", MatchOp::Regex, ".+"),
        ("absent", MatchOp::Equal, "x"),
    ] {
        let matcher = Matcher::new(name, op, value).expect("valid");
        let expected: Vec<u32> = (0..32).filter(|id| matcher.matches_labels(&all[*id as usize].0)).collect();
        assert_eq!(block.matching(std::slice::from_ref(&matcher)).expect("index"), expected, "{matcher}");
        let both = [matcher.clone(), Matcher::equal("__name__", "a_total")];
        let expected: Vec<u32> = (0..32).filter(|id| both.iter().all(|m| m.matches_labels(&all[*id as usize].0))).collect();
        assert_eq!(block.matching(&both).expect("index"), expected, "{matcher}");
    }
}

#[test]
fn the_writer_insists_on_order() {
    let dir = tempfile::tempdir().expect("dir");
    let all = series(3);
    let mut writer = BlockWriter::create(dir.path(), options()).expect("create");
    writer.add_series(&all[1].0, &all[1].1).expect("add");
    let unordered = |result| matches!(result, Err(BlockError::Unordered { .. }));
    assert!(unordered(writer.add_series(&all[0].0, &all[0].1)));
    assert!(unordered(writer.add_series(&all[1].0, &all[1].1)));
    let mut twice = SampleBuf::default();
    twice.push_float(5, 1.0);
    twice.push_float(5, 2.0);
    assert!(unordered(writer.add_series(&all[2].0, &twice)));
    writer.add_series(&all[2].0, &SampleBuf::default()).expect("a series without samples is left out");
    drop(writer);
    assert_eq!(fs::read_dir(dir.path()).expect("dir").count(), 0, "an unfinished block leaves nothing");
}

#[test]
fn equal_columns_and_chunks_are_stored_once() {
    let dir = tempfile::tempdir().expect("dir");
    let mut buf = SampleBuf::default();
    (0..480).for_each(|i| buf.push_float(T0 + i * STEP + i % 3, (i * i % 1009) as f64));
    let size = |count: usize, id: &str| {
        let series: Vec<_> = (0..count).map(|i| (Labels::from_pairs([("n", format!("{i:04}"))]), buf.clone())).collect();
        write(dir.path(), BlockOptions { id: id.parse().expect("valid"), ..options() }, &series).meta().bytes
    };
    let (one, many) = (size(1, "01JZX3V9Q8B0C1D2E3F4G5H6J8"), size(101, "01JZX3V9Q8B0C1D2E3F4G5H6J9"));
    assert!((many - one) / 100 < 40, "{one} bytes with one series, {many} with 101");
}

#[test]
fn buckets_are_stored_relative_to_the_first() {
    let dir = tempfile::tempdir().expect("dir");
    let buckets = |second: &str| {
        let mut at = 0u64;
        let (mut all, mut high) = (SampleBuf::default(), SampleBuf::default());
        for i in 0..480u64 {
            at += 200 + i * i % 251;
            all.push_float(T0 + i as i64 * STEP, at as f64);
            high.push_float(T0 + i as i64 * STEP, (at - at / 64) as f64);
        }
        [(Labels::from_pairs([(second, "+Inf")]), all), (Labels::from_pairs([(second, "5")]), high)]
    };
    let other = write(dir.path(), options(), &buckets("other")).meta().bytes;
    fs::remove_dir_all(dir.path().join(id().to_string())).expect("remove");
    let series = buckets("le");
    let block = write(dir.path(), options(), &series);
    assert!(other - block.meta().bytes > 250, "{other} as any series, {} as buckets", block.meta().bytes);
    for (id, (_, samples)) in (0..).zip(&series) {
        assert_same(&read(&block, id, TimeRange::ALL), samples);
    }
}

#[test]
fn deleted_ranges_are_left_out_and_survive() {
    let dir = tempfile::tempdir().expect("dir");
    let all = series(100);
    let block = write(dir.path(), options(), &all);
    let deleted = TimeRange::new(T0 + 10 * STEP, T0 + 60 * STEP);
    block.add_tombstones(&[0, 3, 10, 15, 99], deleted).expect("delete");
    block.add_tombstones(&[0], TimeRange::new(T0 + 61 * STEP, T0 + 70 * STEP)).expect("delete");
    let again = Block::open(block.dir()).expect("open");
    for block in [&block, &again] {
        assert_eq!(block.tombstones().len(), 4);
        for (id, (_, samples)) in (0..).zip(&all) {
            let mut expected = within(samples, TimeRange::new(i64::MIN, T0 + 10 * STEP - 1));
            let end = if id == 0 { 70 } else { 60 };
            let rest = within(samples, TimeRange::new(T0 + end * STEP + 1, i64::MAX));
            expected.float_ts.extend(rest.float_ts);
            expected.floats.extend(rest.floats);
            expected.float_start_ts.extend(rest.float_start_ts);
            expected.histogram_ts.extend(rest.histogram_ts);
            expected.histograms.extend(rest.histograms);
            let is_deleted = [0, 3, 10, 15].contains(&id);
            assert_same(&read(block, id, TimeRange::ALL), if is_deleted { &expected } else { samples });
            assert_eq!(block.has_samples_in(id, TimeRange::new(T0 + 11 * STEP, T0 + 12 * STEP)).expect("index"), !is_deleted);
        }
    }
}

#[test]
fn deleted_ranges_join() {
    let mut tombstones = Tombstones::default();
    for (start, end) in [(10, 20), (40, 50), (21, 30), (60, 60), (5, 12), (45, 58)] {
        tombstones.add(1, TimeRange::new(start, end));
    }
    assert_eq!(tombstones.of(1), [TimeRange::new(5, 30), TimeRange::new(40, 58), TimeRange::new(60, 60)]);
    tombstones.add(1, TimeRange::ALL);
    assert_eq!(tombstones.of(1), [TimeRange::ALL]);
}

/// Uses everything a block offers; errors are fine, panics are not.
fn use_all(dir: &Path) -> Result<(), BlockError> {
    let block = Block::open(dir)?;
    let mut scratch = Scratch::new();
    let mut result = block.verify();
    for id in 0..block.series_count().min(100) {
        let mut out = SampleBuf::default();
        for part in [
            block.labels(id).map(drop),
            block.read(id, TimeRange::ALL, &mut scratch, &mut out),
            block.has_samples_in(id, TimeRange::ALL).map(drop),
        ] {
            result = result.and(part);
        }
        assert_eq!(out.float_ts.len(), out.floats.len());
        assert_eq!(out.histogram_ts.len(), out.histograms.len());
        assert!(out.float_start_ts.is_empty() || out.float_start_ts.len() == out.floats.len());
    }
    for (op, value) in [(MatchOp::Equal, "host-1:9100"), (MatchOp::Regex, "host-[12].*"), (MatchOp::NotRegex, "h.*")] {
        result = result.and(block.matching(&[Matcher::new("instance", op, value).expect("valid")]).map(drop));
    }
    result.and(block.label_names().map(drop)).and(block.label_values("instance").map(drop))
}

#[test]
fn every_flipped_byte_is_noticed() {
    let dir = tempfile::tempdir().expect("dir");
    for compression in [None, Some(1)] {
        let all = series(20);
        let block = write(dir.path(), BlockOptions { compression, ..options() }, &all);
        block.add_tombstones(&[1, 2], TimeRange::new(T0, T0 + STEP)).expect("delete");
        use_all(block.dir()).expect("whole");
        for file in [BLOCK_FILE, TOMBSTONES_FILE] {
            let path = block.dir().join(file);
            let whole = fs::read(&path).expect("read");
            for at in 0..whole.len() {
                let mut damaged = whole.clone();
                damaged[at] ^= 1 << (at % 8);
                // A new file: the old one is mapped.
                fs::remove_file(&path).expect("remove");
                fs::write(&path, &damaged).expect("write");
                assert!(use_all(block.dir()).is_err(), "byte {at} of {file}");
            }
            fs::remove_file(&path).expect("remove");
            fs::write(&path, &whole).expect("write");
        }
        fs::remove_dir_all(block.dir()).expect("remove");
    }
}

#[test]
fn every_truncation_is_noticed() {
    let dir = tempfile::tempdir().expect("dir");
    let block = write(dir.path(), options(), &series(5));
    for file in [BLOCK_FILE] {
        let path = block.dir().join(file);
        let whole = fs::read(&path).expect("read");
        for len in 0..whole.len() {
            fs::remove_file(&path).expect("remove");
            fs::write(&path, &whole[..len]).expect("write");
            assert!(Block::open(block.dir()).is_err(), "{len} bytes of {file}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Damage behind valid checksums: someone who writes files on purpose.
    #[test]
    fn forged_blocks_never_panic(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), compressed in any::<bool>()) {
        let dir = tempfile::tempdir().expect("dir");
        let compression = compressed.then_some(1);
        let block = write(dir.path(), BlockOptions { compression, ..options() }, &series(20));
        let path = block.dir().join(BLOCK_FILE);
        let mut forged = fs::read(&path).expect("read");
        let footer = forged.len() - 20 - 240;
        for (at, value) in edits {
            let at = 16 + at.index(footer - 16);
            forged[at] = value;
        }
        for section in 0..10 {
            let entry = footer + section * 24;
            let number = |at: usize| u64::from_le_bytes(forged[at..at + 8].try_into().expect("8 bytes")) as usize;
            let (start, len) = (number(entry + 4), number(entry + 12));
            let crc = crc32fast::hash(&forged[start..start + len]);
            forged[entry + 20..entry + 24].copy_from_slice(&crc.to_le_bytes());
        }
        let crc = crc32fast::hash(&forged[footer..footer + 240]);
        let trailer = footer + 240;
        forged[trailer + 4..trailer + 8].copy_from_slice(&crc.to_le_bytes());
        fs::remove_file(&path).expect("remove");
        fs::write(&path, &forged).expect("write");
        let _may_fail = use_all(block.dir());
    }

    #[test]
    fn any_series_round_trip(
        series in prop::collection::btree_map("[a-c]{1,2}", prop::collection::btree_map(-100_000i64..100_000, (any::<f64>(), 0i64..3), 1..60), 0..12),
        chunk_samples in 1usize..40,
        range in (-120_000i64..120_000, 0i64..200_000),
    ) {
        let dir = tempfile::tempdir().expect("dir");
        let all: Vec<_> = series.into_iter().map(|(value, samples)| {
            let mut buf = SampleBuf::default();
            for (ts, (value, start)) in samples {
                buf.push_float(ts, value);
                buf.float_start_ts.push(start);
            }
            if buf.float_start_ts.iter().all(|start| *start == 0) {
                buf.float_start_ts.clear();
            }
            (Labels::from_pairs([("x", value)]), buf)
        }).collect();
        let block = write(dir.path(), BlockOptions { chunk_samples, chunk_range_ms: 10_000, frame_bytes: 300, compression: Some(1), ..options() }, &all);
        let range = TimeRange::new(range.0, range.0 + range.1);
        for (id, (labels, samples)) in (0..).zip(&all) {
            prop_assert_eq!(&block.labels(id).expect("labels"), labels);
            assert_same(&read(&block, id, TimeRange::ALL), samples);
            let mut expected = within(samples, range);
            let mut found = read(&block, id, range);
            // Start times are listed for the chunks that have some, whether or not the samples left have.
            for buf in [&mut expected, &mut found] {
                if buf.float_start_ts.iter().all(|start| *start == 0) {
                    buf.float_start_ts.clear();
                }
            }
            assert_same(&found, &expected);
        }
    }
}

/// The folder of blocks that earlier versions wrote.
fn compat() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat/blocks-v1")
}

#[test]
fn blocks_of_version_1_can_be_read() {
    for name in ["01JZX3V9Q8B0C1D2E3F4G5H6J7", "01JZX3V9Q8B0C1D2E3F4G5H6JA"] {
        let block = Block::open(&compat().join(name)).expect("open");
        block.verify().expect("whole");
        let all = series(300);
        assert_eq!(block.meta().version, 1);
        assert_eq!(block.meta().series, all.len() as u64);
        assert_eq!(block.tombstones().of(2), [TimeRange::new(T0, T0 + 9 * STEP + 14)]);
        for (id, (labels, samples)) in (0..).zip(&all) {
            assert_eq!(&block.labels(id).expect("labels"), labels);
            let from = if id == 2 { T0 + 9 * STEP + 15 } else { i64::MIN };
            assert_same(&read(&block, id, TimeRange::ALL), &within(samples, TimeRange::new(from, i64::MAX)));
        }
        assert_eq!(block.matching(&[Matcher::equal("region", "eu")]).expect("index").len(), 10);
    }
}

/// Writes the blocks that the test above reads. Not to be run again for version 1.
#[test]
#[ignore = "writes files that are kept under version control"]
fn write_blocks_of_this_version() {
    fs::create_dir_all(compat()).expect("folder");
    for (name, compression) in [("01JZX3V9Q8B0C1D2E3F4G5H6J7", None), ("01JZX3V9Q8B0C1D2E3F4G5H6JA", Some(1))] {
        let options = BlockOptions { id: name.parse().expect("valid"), compression, ..options() };
        let block = write(&compat(), options, &series(300));
        block.add_tombstones(&[2], TimeRange::new(T0, T0 + 9 * STEP + 14)).expect("delete");
    }
}
