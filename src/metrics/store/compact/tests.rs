//! Merging of disjoint, overlapping, deleted-from and damaged blocks, and what is merged when.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;

use super::super::block::BLOCK_FILE;
use super::*;
use crate::base::cancel::Stop;
use crate::series::histogram::Histogram;

const HOUR: i64 = 3_600_000;

fn id(n: u8) -> BlockId {
    format!("01JZX3V9Q8B0C1D2E3F4G5H6{n:02}").parse().expect("valid")
}

fn options(n: u8) -> BlockOptions {
    // Chunks of few samples: whole ones are copied, half ones are joined.
    BlockOptions {
        sync: false,
        chunk_samples: 8,
        chunk_range_ms: 10_000,
        frame_bytes: 500,
        ..BlockOptions::compacted(id(n), 0, Vec::new())
    }
}

/// What a block should hold: labels' value, then time, then a float or a histogram.
type Model = BTreeMap<String, BTreeMap<i64, (f64, bool, i64)>>;

fn write(dir: &Path, n: u8, model: &Model) -> Arc<Block> {
    let mut writer = BlockWriter::create(dir, options(n)).expect("create");
    for (value, samples) in model {
        let mut buf = SampleBuf::default();
        for (ts, (value, is_histogram, start)) in samples {
            if *is_histogram {
                buf.push_histogram(*ts, Arc::new(Histogram { sum: *value, count: 1.0, ..Histogram::default() }));
            } else {
                buf.push_float(*ts, *value);
                buf.float_start_ts.push(*start);
            }
        }
        if buf.float_start_ts.iter().all(|start| *start == 0) {
            buf.float_start_ts.clear();
        }
        writer.add_series(&Labels::from_pairs([("n", value)]), &buf).expect("add");
    }
    let meta = writer.finish().expect("finish");
    Arc::new(Block::open(&dir.join(meta.id.to_string())).expect("open"))
}

fn read(block: &Block) -> Model {
    let mut model = Model::new();
    for id in 0..block.series_count() {
        let mut buf = SampleBuf::default();
        block.read(id, TimeRange::ALL, &mut Scratch::new(), &mut buf).expect("read");
        let mut samples = BTreeMap::new();
        for (at, ts) in buf.float_ts.iter().enumerate() {
            samples.insert(*ts, (buf.floats[at], false, buf.float_start_ts.get(at).copied().unwrap_or(0)));
        }
        for (ts, histogram) in buf.histogram_ts.iter().zip(&buf.histograms) {
            assert_eq!(samples.insert(*ts, (histogram.sum, true, 0)), None, "one sample at a time");
        }
        model.insert(block.labels(id).expect("labels").get("n").expect("label").to_owned(), samples);
    }
    model
}

fn series(values: &[&str], from: i64, to: i64, add: f64) -> Model {
    values
        .iter()
        .map(|value| (value.to_string(), (from..to).map(|i| (i * 1000, (i as f64 + add, i % 10 == 3, i % 2))).map(fix).collect()))
        .collect()
}

/// Histograms have no start time.
fn fix((ts, (value, is_histogram, start)): (i64, (f64, bool, i64))) -> (i64, (f64, bool, i64)) {
    (ts, (value, is_histogram, if is_histogram { 0 } else { start }))
}

fn joined(models: &[&Model]) -> Model {
    let mut all = Model::new();
    for model in models {
        for (value, samples) in *model {
            all.entry(value.clone()).or_default().extend(samples.iter().map(|(ts, sample)| (*ts, *sample)));
        }
    }
    all
}

#[test]
fn blocks_are_joined_and_the_later_one_wins() {
    let dir = tempfile::tempdir().expect("dir");
    let models = [series(&["a", "b"], 0, 100, 0.0), series(&["b", "c"], 100, 200, 0.5), series(&["a", "c", "d"], 50, 150, 0.25)];
    let blocks: Vec<_> = (1..).zip(&models).map(|(n, model)| write(dir.path(), n, model)).collect();
    let merged = merge(&blocks, dir.path(), options(9), &Cancel::new()).expect("merge");
    assert_eq!(merged.damaged_series, 0);
    let meta = merged.meta.expect("not empty");
    assert_eq!((meta.level, meta.sources), (1, vec![id(1), id(2), id(3)]));
    let block = Block::open(&dir.path().join(meta.id.to_string())).expect("open");
    block.verify().expect("whole");
    assert_eq!(read(&block), joined(&[&models[0], &models[1], &models[2]]));

    let again = merge(&[Arc::new(block), Arc::clone(&blocks[0])], dir.path(), options(10), &Cancel::new()).expect("merge");
    let meta = again.meta.expect("not empty");
    assert_eq!((meta.level, meta.sources), (2, vec![id(1), id(2), id(3)]));
}

#[test]
fn whole_chunks_are_copied() {
    let dir = tempfile::tempdir().expect("dir");
    let part = |from: i64, n: u8| {
        let mut writer = BlockWriter::create(dir.path(), options(n)).expect("create");
        for (le, share) in [("+Inf", 1.0), ("0.5", 0.25), ("1", 0.5), ("5", 0.9)] {
            let mut buf = SampleBuf::default();
            for i in from..from + 80 {
                buf.push_float(i * 1000, ((i * 1000 + i * i % 700) as f64 * share).floor());
                buf.float_start_ts.push(1 + from);
            }
            buf.push_histogram((from + 80) * 1000, Arc::new(Histogram { count: from as f64, ..Histogram::default() }));
            writer.add_series(&Labels::from_pairs([("le", le), ("n", "x")]), &buf).expect("add");
        }
        let meta = writer.finish().expect("finish");
        Arc::new(Block::open(&dir.path().join(meta.id.to_string())).expect("open"))
    };
    let blocks = [part(100, 1), part(0, 2), part(200, 3)];
    let decoded_chunks = {
        let mut copier = Copier::default();
        let mut writer = BlockWriter::create(dir.path(), options(8)).expect("create");
        let copied = (0..4u32).filter(|id| {
            let sources = [(1, &*blocks[1], *id), (0, &*blocks[0], *id), (2, &*blocks[2], *id)];
            writer.copy_series(&blocks[0].labels(*id).expect("labels"), &sources, &mut copier, &mut Scratch::new()).expect("copy")
        });
        4 - copied.count()
    };
    assert_eq!(decoded_chunks, 0);
    let merged = merge(&blocks, dir.path(), options(9), &Cancel::new()).expect("merge").meta.expect("not empty");
    assert_eq!(merged.range(), TimeRange::new(0, 280_000));
    assert_eq!((merged.samples, merged.histograms), (4 * 243, 12));
    let merged = Block::open(&dir.path().join(merged.id.to_string())).expect("open");
    merged.verify().expect("whole");
    assert_eq!(merged.meta().chunks, blocks.iter().map(|block| block.meta().chunks).sum::<u64>());
    for id in 0..4 {
        let (mut found, mut expected) = (SampleBuf::default(), SampleBuf::default());
        merged.read(id, TimeRange::ALL, &mut Scratch::new(), &mut found).expect("read");
        for block in [&blocks[1], &blocks[0], &blocks[2]] {
            block.read(id, TimeRange::ALL, &mut Scratch::new(), &mut expected).expect("read");
        }
        assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    }
}

#[test]
fn deleted_samples_are_gone_for_good() {
    let dir = tempfile::tempdir().expect("dir");
    let block = write(dir.path(), 1, &series(&["a", "b"], 0, 100, 0.0));
    block.add_tombstones(&[0], TimeRange::ALL).expect("delete");
    block.add_tombstones(&[1], TimeRange::new(0, 49_999)).expect("delete");
    let merged = merge(&[Arc::clone(&block)], dir.path(), options(2), &Cancel::new()).expect("merge");
    let merged = Block::open(&dir.path().join(merged.meta.expect("not empty").id.to_string())).expect("open");
    assert_eq!(read(&merged), series(&["b"], 50, 100, 0.0));
    block.add_tombstones(&[1], TimeRange::ALL).expect("delete");
    let nothing = merge(&[block], dir.path(), options(3), &Cancel::new()).expect("merge");
    assert!(nothing.meta.is_none() && !dir.path().join(id(3).to_string()).exists());
}

#[test]
fn damage_costs_only_the_series_it_hits() {
    let dir = tempfile::tempdir().expect("dir");
    let values: Vec<String> = (0..50).map(|i| format!("{i:02}")).collect();
    let mut model = Model::new();
    for (n, value) in values.iter().enumerate() {
        model.insert(value.clone(), (0..600).map(|i| (i * 1000, ((i * i * (n as i64 + 3) % 10_007) as f64, false, 0))).collect());
    }
    let block = write(dir.path(), 1, &model);
    let path = block.dir().join(BLOCK_FILE);
    let mut bytes = fs::read(&path).expect("read");
    // Somewhere in the first third, which is samples.
    let at = bytes.len() / 3;
    bytes[at] ^= 0x10;
    fs::remove_file(&path).expect("remove");
    fs::write(&path, bytes).expect("write");
    let damaged = Arc::new(Block::open(block.dir()).expect("open"));
    let merged = merge(&[damaged], dir.path(), options(2), &Cancel::new()).expect("merge");
    assert!(merged.damaged_series > 0 && merged.damaged_series < 40, "{}", merged.damaged_series);
    assert!(matches!(merged.first_damage, Some(BlockError::Corrupt { .. })));
    let rest = Block::open(&dir.path().join(merged.meta.expect("not empty").id.to_string())).expect("open");
    let rest = read(&rest);
    assert!(rest.len() as u64 >= 50 - merged.damaged_series);
    for (value, samples) in rest {
        assert!(samples.iter().all(|(ts, sample)| model[&value][ts] == *sample));
    }
}

#[test]
fn stops_when_told_and_leaves_nothing() {
    let dir = tempfile::tempdir().expect("dir");
    let block = write(dir.path(), 1, &series(&["a"], 0, 10, 0.0));
    let cancel = Cancel::new();
    cancel.raise(Stop::Cancelled);
    assert!(matches!(merge(&[block], dir.path(), options(2), &cancel), Err(BlockError::Stopped(Stop::Cancelled))));
    assert_eq!(fs::read_dir(dir.path()).expect("dir").count(), 1);
}

fn meta(n: usize, from: i64, to: i64) -> BlockMeta {
    BlockMeta {
        id: id(n as u8),
        version: 1,
        min_ts: from * HOUR,
        max_ts: to * HOUR - 1,
        series: 1,
        samples: 1,
        histograms: 0,
        chunks: 1,
        level: 0,
        sources: vec![id(n as u8)],
        bytes: 100,
    }
}

#[test]
fn plans_level_by_level() {
    let settings = PlanSettings::up_to(2 * HOUR, 72 * HOUR, 10_000);
    assert_eq!(settings.ranges_ms, [2 * HOUR, 8 * HOUR, 24 * HOUR, 72 * HOUR]);
    let plan_of =
        |ranges: &[(i64, i64)]| plan(&ranges.iter().enumerate().map(|(n, (from, to))| meta(n, *from, *to)).collect::<Vec<_>>(), &settings);
    let none: Vec<Vec<usize>> = Vec::new();
    assert_eq!(plan_of(&[]), none);
    assert_eq!(plan_of(&[(0, 2), (2, 4), (4, 6)]), none, "eight hours are not over");
    assert_eq!(plan_of(&[(0, 2), (2, 4), (4, 6), (6, 8)]), [[0, 1, 2, 3]]);
    assert_eq!(plan_of(&[(6, 8), (4, 6), (0, 2)]), [[0, 1, 2]], "in any order, with gaps");
    assert_eq!(plan_of(&[(0, 8), (8, 16), (16, 18), (18, 20), (20, 22), (22, 24)]), [[2, 3, 4, 5]], "one level at a time");
    assert_eq!(plan_of(&[(0, 8), (8, 16), (16, 24)]), [[0, 1, 2]]);
    assert_eq!(plan_of(&[(0, 24), (24, 48), (48, 72), (72, 96)]), [[0, 1, 2]]);
    assert_eq!(plan_of(&[(0, 72), (72, 144), (144, 216)]), none, "never beyond the longest range");
    assert_eq!(plan_of(&[(0, 2), (1, 2), (2, 4)]), [[0, 1]], "overlaps first");
    assert_eq!(plan_of(&[(0, 60), (50, 70), (65, 130)]), [[0, 1]], "overlaps within the longest range");
    assert_eq!(plan_of(&[(2, 4), (0, 2), (0, 3)]), [[0, 1, 2]], "a chain of overlaps, in the order written");
    assert_eq!(plan_of(&[(5, 4), (7, 6)]), none, "empty blocks");
    let small = PlanSettings { bytes_max: 250, ..settings.clone() };
    let metas: Vec<_> = (0..4).map(|n| meta(n, 2 * n as i64, 2 * n as i64 + 2)).collect();
    assert_eq!(plan(&metas, &small), none, "too large together");
}

fn any_model() -> impl Strategy<Value = Model> {
    let sample = (0i64..90, (0u8..20, any::<bool>(), 0i64..2))
        .prop_map(|(ts, (value, is_histogram, start))| fix((ts, (f64::from(value), is_histogram, start))));
    prop::collection::btree_map("[a-d]", prop::collection::vec(sample, 1..60).prop_map(|samples| samples.into_iter().collect()), 1..4)
}

fn shift(model: Model, by: i64) -> Model {
    model.into_iter().map(|(value, samples)| (value, samples.into_iter().map(|(ts, sample)| (ts + by, sample)).collect())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn merging_is_overwriting_in_order(models in prop::collection::vec(any_model(), 1..4), disjoint in any::<bool>()) {
        let dir = tempfile::tempdir().expect("dir");
        let models: Vec<Model> = (0..).zip(models).map(|(n, model)| if disjoint { shift(model, n * 90) } else { model }).collect();
        let blocks: Vec<_> = (1..).zip(&models).map(|(n, model)| write(dir.path(), n, model)).collect();
        let merged = merge(&blocks, dir.path(), options(9), &Cancel::new()).expect("merge");
        let block = Block::open(&dir.path().join(merged.meta.expect("not empty").id.to_string())).expect("open");
        prop_assert_eq!(read(&block), joined(&models.iter().collect::<Vec<_>>()));
    }
}
