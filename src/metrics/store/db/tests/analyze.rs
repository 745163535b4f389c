//! Analysing a folder from outside, with a store at work on it and without.

use std::collections::BTreeMap;

use super::*;
use crate::metrics::store::db::{AnalyzeError, AnalyzeOptions, analyze};

fn options(block: Option<&str>, any_of: Vec<Vec<Matcher>>) -> AnalyzeOptions {
    AnalyzeOptions { top: 2, block: block.map(str::to_owned), any_of }
}

/// Every file below a folder, with its content.
fn files(dir: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(dir).expect("list") {
        let path = entry.expect("entry").path();
        if path.is_dir() { all.extend(files(&path)) } else { drop(all.insert(path.clone(), std::fs::read(&path).expect("read"))) }
    }
    all
}

#[test]
fn counts_log_and_blocks_and_changes_nothing() {
    let dir = tempfile::tempdir().expect("dir");
    let store = Store::open(StoreSettings { out_of_order_ms: 10 * HOUR, ..settings(dir.path()) }, clock()).expect("open");
    // Two hours of `a` and `b` go to a block; `a` goes on in the log, `c` is only there.
    let samples = every_quarter_minute(T0, 4 * 60 * 4);
    append(&store, "b", &samples[..480]);
    append(&store, "a", &samples);
    append(&store, "c", &[(T0 + 4 * HOUR, 1.0)]);
    store.maintain().expect("maintain");
    // Torn at the end, as by a crash.
    let is_segment = |path: &std::path::PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().parse::<u64>().is_ok());
    let newest = files(&dir.path().join("wal")).into_keys().filter(is_segment).max().expect("segment");
    let mut torn = std::fs::read(&newest).expect("read");
    torn.extend([9, 0, 0, 0, 1]);
    std::fs::write(&newest, torn).expect("write");
    std::fs::write(dir.path().join("wal/checkpoint-00000009.tmp"), b"left over").expect("write");

    let before = files(dir.path());
    let all = analyze(dir.path(), &options(None, Vec::new())).expect("analyze");
    assert!(files(dir.path()) == before, "a folder that is analysed must stay as it is");
    assert_eq!((all.series, all.samples, all.label_names, all.label_pairs, all.label_entries), (3, 960 + 480 + 1, 2, 4, 6));
    assert_eq!((all.min_time, all.max_time, all.unreadable.len()), (Some(T0), Some(T0 + 4 * HOUR), 0));
    let lists = serde_json::to_value(&all.lists).expect("json");
    assert_eq!(lists["samplesByMetric"], serde_json::json!([{"name": "a", "count": 960}, {"name": "b", "count": 480}]));
    assert_eq!(lists["seriesByPair"][0], serde_json::json!({"name": "job=test", "count": 3}));
    // `b` misses half of the time, `c` nearly all of it.
    assert_eq!(lists["churnByLabel"], serde_json::json!([{"name": "__name__", "count": 1}, {"name": "job", "count": 1}]));
    let [block] = &all.blocks[..] else { panic!("{:?}", all.blocks) };
    assert_eq!((block.series, block.samples, block.chunks), (2, 960, 2));
    assert_eq!(block.chunk_fill.iter().find(|fill| fill.samples_max == Some(480)).map(|fill| fill.chunks), Some(2));
    assert!(block.bytes_per_sample > 0.0 && block.bytes as f64 / 960.0 == block.bytes_per_sample);
    let log = all.log.as_ref().expect("log");
    // `b` has no samples left, but its record stands in the segment that `c` is in.
    assert_eq!((log.series, log.samples, log.min_time), (3, 481, Some(T0 + 2 * HOUR)));

    let picked = vec![vec![Matcher::new("__name__", MatchOp::Equal, "b").expect("matcher")]];
    let only_b = analyze(dir.path(), &options(None, picked)).expect("analyze");
    assert_eq!((only_b.series, only_b.samples, only_b.blocks[0].series), (1, 480, 1));
    let one = analyze(dir.path(), &options(Some(&block.ulid), Vec::new())).expect("analyze");
    assert_eq!((one.series, one.samples, one.log), (2, 960, None));
    let refused = analyze(dir.path(), &options(Some("x"), Vec::new())).expect_err("no such block");
    assert_eq!(refused.to_string(), format!("there is no block x; there are: {}", block.ulid));
    let empty = tempfile::tempdir().expect("dir");
    assert!(matches!(analyze(empty.path(), &AnalyzeOptions::default()), Err(AnalyzeError::NoData(_))));
}

#[test]
fn damage_is_named_and_left_where_it_is() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    append(&store, "a", &every_quarter_minute(T0, 10));
    store.flush_now().expect("flush");
    append(&store, "b", &[(T0 + HOUR, 1.0)]);
    drop(store);
    let block = files(&dir.path().join("blocks")).into_keys().next().expect("block");
    std::fs::write(&block, b"PHAROSTS nonsense").expect("write");
    let before = files(dir.path());
    let analysis = analyze(dir.path(), &options(None, Vec::new())).expect("analyze");
    assert!(files(dir.path()) == before);
    assert_eq!((analysis.series, analysis.unreadable.len()), (1, 1));
    assert!(analysis.unreadable[0].contains("block"), "{:?}", analysis.unreadable);
}
