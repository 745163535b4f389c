//! Random lives of a store against a sorted map.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::series::histogram::Histogram;
use crate::series::sample::stale_nan;

#[derive(Debug, Clone)]
enum Step {
    /// Samples of some series: series, minutes from the newest sample, value (some are histograms, some markers).
    Append(Vec<(u8, i16, u8)>),
    Maintain,
    FlushAll,
    Merge,
    Reopen,
    Crash,
    Delete {
        series: u8,
        from: i16,
        to: i16,
    },
    CleanTombstones,
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Float(u64),
    Histogram(Option<u64>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let samples = prop::collection::vec((0u8..5, -70i16..20, 0u8..12), 1..20);
    let step = prop_oneof![
        12 => samples.prop_map(Step::Append),
        3 => Just(Step::Maintain),
        1 => Just(Step::FlushAll),
        1 => Just(Step::Merge),
        1 => Just(Step::Reopen),
        2 => Just(Step::Crash),
        1 => (0u8..5, -300i16..10, 0i16..200).prop_map(|(series, from, len)| Step::Delete { series, from, to: from + len }),
        1 => Just(Step::CleanTombstones),
    ];
    prop::collection::vec(step, 1..60)
}

fn histogram(count: u8) -> Arc<Histogram> {
    Arc::new(Histogram { count: f64::from(count), zero_count: f64::from(count), sum: 1.0, ..Histogram::default() })
}

/// Markers of staleness are equal whatever their kind.
fn same(a: &Value, b: &Value) -> bool {
    let stale = |value: &Value| matches!(value, Value::Histogram(None)) || *value == Value::Float(stale_nan().to_bits());
    a == b || (stale(a) && stale(b))
}

struct World {
    dir: tempfile::TempDir,
    store: Option<Store>,
    model: BTreeMap<(u8, i64), Value>,
    newest: i64,
    open: fn(&Path) -> Store,
}

impl World {
    fn store(&self) -> &Store {
        self.store.as_ref().expect("open")
    }

    fn append(&mut self, samples: &[(u8, i16, u8)]) {
        let newest = self.newest;
        let mut batch = WriteBatch::new();
        let mut expected = Vec::new();
        for &(series, minutes, value) in samples {
            let ts = newest + i64::from(minutes) * MINUTE;
            batch.open_series(&labels(&format!("s{series}")));
            let value = match value {
                0 | 1 => {
                    batch.push_histogram(ts, histogram(value));
                    Value::Histogram(Some(f64::from(value).to_bits()))
                }
                2 => {
                    batch.push_float(ts, stale_nan());
                    Value::Float(stale_nan().to_bits())
                }
                value => {
                    batch.push_float(ts, f64::from(value) / 4.0);
                    Value::Float((f64::from(value) / 4.0).to_bits())
                }
            };
            expected.push((series, ts, value));
        }
        let report = self.store().append(&batch, &AppendOptions::default()).expect("append");
        let refused: BTreeMap<usize, RefusedReason> = report.refused.iter().map(|refused| (refused.series_index, refused.reason)).collect();
        for (index, (series, ts, value)) in expected.into_iter().enumerate() {
            match refused.get(&index) {
                None => {
                    self.newest = self.newest.max(ts);
                    // In memory or in blocks: one time has one value.
                    let before = self.model.entry((series, ts)).or_insert_with(|| value.clone());
                    assert!(same(before, &value), "{before:?} was overwritten by {value:?}");
                }
                Some(RefusedReason::TooOld) => assert!(ts < newest - HOUR, "refused within the window"),
                Some(RefusedReason::DuplicateTimestamp) => {
                    assert!(self.model.get(&(series, ts)).is_some_and(|there| !same(there, &value)));
                }
                Some(other) => panic!("refused: {other}"),
            }
        }
    }

    fn check(&self) {
        let mut found = BTreeMap::new();
        for (labels, buf) in read_all(self.store(), TimeRange::ALL) {
            let series: u8 = labels.metric_name()[1..].parse().expect("a number");
            assert!(buf.float_ts.windows(2).all(|pair| pair[0] < pair[1]), "ascending: {:?}", buf.float_ts);
            assert!(buf.histogram_ts.windows(2).all(|pair| pair[0] < pair[1]), "ascending: {:?}", buf.histogram_ts);
            for (ts, value) in buf.float_ts.iter().zip(&buf.floats) {
                assert_eq!(found.insert((series, *ts), Value::Float(value.to_bits())), None, "twice");
            }
            for (ts, histogram) in buf.histogram_ts.iter().zip(&buf.histograms) {
                let value = Value::Histogram((!histogram.is_stale()).then_some(histogram.count.to_bits()));
                assert_eq!(found.insert((series, *ts), value), None, "twice");
            }
        }
        for (key, value) in &self.model {
            assert!(found.get(key).is_some_and(|got| same(got, value)), "{key:?}: {value:?} is {:?}", found.get(key));
        }
        assert_eq!(found.len(), self.model.len(), "samples that nobody wrote");
        let head = &self.store().core().head;
        assert_eq!(head.held(), head.recount(), "counts that are kept");
        let index = head.reindex();
        assert_eq!(self.store().cardinality(100).top, index.cardinality(100), "counts that are kept");
        assert_eq!(head.index().pair_count(), index.pair_count());
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Append(samples) => self.append(samples),
            Step::Maintain => self.store().maintain().expect("maintain"),
            Step::FlushAll => self.store().flush_now().expect("flush"),
            Step::Merge => self.store().force_merge(&Cancel::new()).expect("merge"),
            Step::CleanTombstones => self.store().clean_tombstones(&Cancel::new()).expect("clean"),
            Step::Reopen => {
                self.store = None;
                self.store = Some((self.open)(self.dir.path()));
            }
            Step::Crash => {
                let copy = tempfile::tempdir().expect("dir");
                copy_dir(self.dir.path(), copy.path());
                self.store = None;
                self.dir = copy;
                self.store = Some((self.open)(self.dir.path()));
            }
            Step::Delete { series, from, to } => {
                let range = TimeRange::new(self.newest + i64::from(*from) * MINUTE, self.newest + i64::from(*to) * MINUTE);
                let matcher = Matcher::equal("__name__", &format!("s{series}"));
                self.store().delete(&[vec![matcher]], range).expect("delete");
                self.model.retain(|(of, ts), _| of != series || !range.contains(*ts));
            }
        }
    }
}

/// Few, as each writes files; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(32)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_taken_is_there_once(steps in steps()) {
        run(open, &steps);
    }

    #[test]
    fn what_was_taken_is_there_once_when_the_head_is_saved(steps in steps()) {
        run(open_saving, &steps);
    }
}

fn run(open: fn(&Path) -> Store, steps: &[Step]) {
    let dir = tempfile::tempdir().expect("dir");
    let store = Some(open(dir.path()));
    let mut world = World { dir, store, model: BTreeMap::new(), newest: T0, open };
    for step in steps {
        world.step(step);
        if !matches!(step, Step::Append(_)) {
            world.check();
        }
    }
    world.check();
}

#[test]
fn a_late_sample_left_alone_by_a_deletion_is_not_written_again() {
    let steps = [
        Step::Append(vec![(3, 9, 0), (3, -17, 0)]),
        Step::Append(vec![(0, 13, 0)]),
        Step::Delete { series: 3, from: -13, to: -13 },
        Step::Append(vec![(3, -39, 1)]),
        Step::Reopen,
    ];
    run(open, &steps);
    run(open_saving, &steps);
}

#[test]
fn a_late_sample_read_back_before_its_series_has_chunks_does_not_push_out_the_chunks_saved_later() {
    let steps = [
        Step::Append(vec![(0, 0, 0)]),
        Step::FlushAll,
        // Late, and saved before its series has anything in order.
        Step::Append(vec![(2, 0, 0), (3, 15, 0)]),
        Step::Maintain,
        // A closed chunk (the kind changes), saved in the next file.
        Step::Append(vec![(2, 0, 0), (2, 1, 3)]),
        Step::Maintain,
        Step::Reopen,
        Step::Append(vec![(0, 0, 0)]),
        Step::Maintain,
        Step::Reopen,
    ];
    run(open, &steps);
    run(open_saving, &steps);
}
