//! Answers that are kept never differ from computed ones, whatever happens to the store in between.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use crate::base::cancel::Cancel;
use crate::base::clock::ManualClock;
use crate::base::time::TimeRange;
use crate::metrics::query::engine::{Engine, Options, Reuse, ReuseCounts};
use crate::metrics::query::parse::ParseOptions;
use crate::metrics::store::db::{Store, StoreSettings};
use crate::series::batch::WriteBatch;
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;
use crate::series::ports::{Append, AppendOptions, EvaluateError, Question, Select, When};
use crate::series::sample::stale_nan;

const MINUTE: i64 = 60_000;
/// On a boundary of the block range.
const T0: i64 = 1_760_400_000_000;

/// One of each kind that is kept, or has to be left out.
const QUERIES: &[&str] = &[
    "a_total",
    "sum(a_total)",
    "rate(a_total[5m])",
    "sum by (job) (rate(a_total[5m]))",
    "avg_over_time(b[10m])",
    "sum_over_time(b[50m])",
    "a_total offset 3m",
    "b offset -3m",
    "b smoothed",
    "rate(a_total[5m] smoothed)",
    "rate(a_total[5m] anchored)",
    "max_over_time(sum(rate(a_total[3m]))[10m:1m])",
    "max_over_time(b[10m:90s] offset 2m)",
    "b @ end()",
    "sum(b) + scalar(sum(b @ start()))",
    "b @ 1760403600",
    "timestamp(b)",
    "absent(c)",
    "topk(1, b)",
    "b > 3 or a_total",
    "count({job=~\".+\"})",
    "count by (__name__) ({job=~\".+\"} unless c)",
    "rate(b[5m])",
    "rate({__name__=~\"a_total|b\"}[5m])",
    "max_over_time((b or c)[5m:1m])",
    "label_replace(b, \"job\", \"x\", \"job\", \"j[12]\")",
    "b * on (job) group_left c",
    "stddev(b)",
    "time() - start()",
    "time() + b",
    "scalar(c)",
    "quantile_over_time(0.5, b[7m])",
    "sort_desc(b)",
    "predict_linear(b[5m], 60)",
    "changes(b[10m]) + resets(a_total[10m])",
];

#[derive(Debug, Clone)]
enum Step {
    /// Samples of a series: how many minutes on the first one is, values.
    Append(u8, u8, Vec<u8>),
    /// A sample so many minutes before the newest.
    Late(u8, i64, u8),
    /// Series, minutes before the newest, minutes long.
    Delete(u8, i64, i64),
    Flush,
    Maintain,
    Merge,
    /// Which query; minutes from the newest sample to the end, minutes long, step in seconds; how much may be used.
    Ask(usize, i64, i64, i64, bool),
    /// The last question again, moved by so many steps.
    Again(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ask =
        (0..QUERIES.len(), -20i64..70, prop_oneof![Just(0i64), 1i64..60], prop::sample::select(vec![15i64, 60, 90, 300]), any::<bool>());
    let step = prop_oneof![
        6 => (0u8..6, 0u8..3, prop::collection::vec(0u8..8, 1..6)).prop_map(|(series, gap, values)| Step::Append(series, gap, values)),
        3 => (0u8..6, 1i64..70, 0u8..8).prop_map(|(series, back, value)| Step::Late(series, back, value)),
        1 => (0u8..6, -5i64..100, 1i64..50).prop_map(|(series, back, len)| Step::Delete(series, back, len)),
        1 => Just(Step::Flush),
        1 => Just(Step::Maintain),
        1 => Just(Step::Merge),
        6 => ask.prop_map(|(query, back, len, step, statistics)| Step::Ask(query, back, len, step, statistics)),
        9 => (-3i64..6).prop_map(Step::Again),
    ];
    prop::collection::vec(step, 20..120)
}

fn labels(series: u8) -> Labels {
    let (name, job) = [("a_total", "j1"), ("a_total", "j2"), ("b", "j1"), ("b", "j2"), ("c", "j1"), ("c", "j3")][series as usize];
    Labels::from_pairs([("__name__", name), ("job", job)])
}

struct World {
    _dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    store: Arc<Store>,
    engine: Engine,
    newest: i64,
    asked: Option<(usize, When, bool)>,
}

impl World {
    fn new(answers_bytes_max: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(T0);
        let settings = StoreSettings {
            background: false,
            reserve_bytes: 0,
            retention_ms: 180 * MINUTE,
            block_range_ms: 30 * MINUTE,
            block_range_ms_max: 120 * MINUTE,
            ..StoreSettings::new(dir.path())
        };
        let store = Arc::new(Store::open(settings, Arc::clone(&clock) as _).unwrap());
        let options = Options { parse: ParseOptions::ALL, answers_bytes_max, ..Options::default() };
        let engine = Engine::new(Arc::clone(&store) as Arc<dyn Select>, options);
        Self { _dir: dir, clock, store, engine, newest: T0, asked: None }
    }

    fn append(&mut self, series: u8, samples: &[(i64, u8)]) {
        let mut batch = WriteBatch::new();
        batch.open_series(&labels(series));
        for &(time, value) in samples {
            batch.push_float(time, if value == 7 { stale_nan() } else { f64::from(value) });
            self.newest = self.newest.max(time);
        }
        let behind = self.newest - crate::base::clock::Clock::now_ms(&*self.clock);
        self.clock.advance(Duration::from_millis(u64::try_from(behind).unwrap_or(0)));
        self.store.append(&batch, &AppendOptions::default()).unwrap();
    }

    fn ask(&mut self, query: usize, when: When, statistics: bool) -> Result<(), String> {
        self.asked = Some((query, when, statistics));
        let question = Question { query: QUERIES[query], when, cancel: Cancel::new() };
        let ask = |reuse| {
            let options = Options { reuse, ..self.engine.options().clone() };
            shown(self.engine.evaluate_with(&question, &options), statistics)
        };
        let computed = ask(Reuse::Nothing);
        let reuse = if statistics { Reuse::Windows } else { Reuse::Steps };
        for _ in 0..2 {
            let kept = ask(reuse);
            if kept != computed {
                return Err(format!("{} {when:?}:\n kept {kept}\n computed {computed}", QUERIES[query]));
            }
        }
        Ok(())
    }

    fn again(&mut self, steps: i64) -> Result<(), String> {
        let Some((query, when, statistics)) = self.asked else { return Ok(()) };
        let when = match when {
            When::Instant(at) => When::Instant(at + steps * MINUTE),
            When::Range { start, end, step } => When::Range { start: start + steps * step, end: end + steps * step, step },
        };
        self.ask(query, when, statistics)
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Append(series, gap, values) => {
                let first = self.newest + i64::from(*gap) * MINUTE;
                let samples: Vec<(i64, u8)> = values.iter().zip(1..).map(|(value, at)| (first + at * 20_000, *value)).collect();
                self.append(*series, &samples);
            }
            Step::Late(series, back, value) => self.append(*series, &[(self.newest - back * MINUTE + 7, *value)]),
            Step::Delete(series, back, len) => {
                let from = self.newest - back * MINUTE;
                let matchers: Vec<Matcher> = labels(*series).iter().map(|(name, value)| Matcher::equal(name, value)).collect();
                self.store.delete(&[matchers], TimeRange::new(from, from + len * MINUTE)).unwrap();
            }
            Step::Flush => self.store.flush_now().unwrap(),
            Step::Maintain => self.store.maintain().unwrap(),
            Step::Merge => self.store.force_merge(&Cancel::new()).unwrap(),
            Step::Ask(query, back, len, step, statistics) => {
                let (end, step) = (self.newest - back * MINUTE, step * 1000);
                let start = (end - len * MINUTE).div_euclid(step) * step;
                let when = if *len == 0 { When::Instant(end) } else { When::Range { start, end, step } };
                self.ask(*query, when, *statistics)?;
            }
            Step::Again(steps) => self.again(*steps)?,
        }
        Ok(())
    }

    fn counts(&self) -> ReuseCounts {
        self.engine.reuse_counts()
    }
}

/// An answer as text, which tells NaN from NaN and knows no rounding.
fn shown(answer: Result<crate::series::ports::Answer, EvaluateError>, statistics: bool) -> String {
    match answer {
        Ok(mut answer) => {
            // These count what the index found, which may be more than what has samples.
            (answer.stats.series, answer.stats.samples_peak) = (0, 0);
            let stats = if statistics { format!("{:?}", answer.stats) } else { String::new() };
            format!("{:?} {:?} {:?} {stats}", answer.value, answer.warnings, answer.infos)
        }
        Err(error) => format!("{error:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn never_differ_from_computed_ones(steps in steps(), bytes in prop::sample::select(vec![12_000usize, 4_000_000])) {
        let mut world = World::new(bytes);
        for step in &steps {
            if let Err(difference) = world.step(step) {
                return Err(TestCaseError::fail(difference));
            }
        }
        prop_assert!(world.counts().bytes <= bytes);
    }
}

fn range(from: i64, to: i64) -> When {
    When::Range { start: T0 + from * MINUTE, end: T0 + to * MINUTE, step: MINUTE }
}

/// Two hours of a sample each 20 s.
fn filled() -> World {
    let mut world = World::new(1_000_000);
    for series in 0..6 {
        let samples: Vec<(i64, u8)> = (0..360).map(|at| (T0 + at * 20_000, (at % 6) as u8)).collect();
        world.append(series, &samples);
    }
    world
}

#[test]
fn what_did_not_change_is_not_computed_again() {
    let mut world = filled();
    let query = QUERIES.iter().position(|query| query.starts_with("sum by (job)")).unwrap();
    let count = |world: &World| {
        let counts = world.counts();
        (counts.whole, counts.partial, counts.missed)
    };
    // Each question is asked twice.
    world.ask(query, range(30, 90), false).unwrap();
    assert_eq!(count(&world), (1, 0, 1));
    for by in [1, 1, -3, 20] {
        world.again(by).unwrap();
    }
    assert_eq!(count(&world), (5, 4, 1), "only new steps");
    world.again(-60).unwrap();
    assert_eq!(count(&world), (6, 4, 2), "too little in common");
    world.ask(query, range(-10, 30), false).unwrap();
    assert_eq!(count(&world), (8, 4, 2), "part of it");
    // New samples change nothing that was asked for.
    let newest = world.newest;
    world.append(0, &[(newest + 20_000, 1)]);
    world.ask(query, range(-10, 30), false).unwrap();
    assert_eq!(count(&world), (10, 4, 2));
    // One in the middle of a window leaves the steps before it.
    world.append(0, &[(T0 + 100 * MINUTE + 7, 1)]);
    world.ask(query, range(50, 110), false).unwrap();
    let before = count(&world);
    world.append(0, &[(T0 + 100 * MINUTE + 8, 2)]);
    world.again(0).unwrap();
    assert_eq!(count(&world), (before.0 + 1, before.1 + 1, before.2));
    // One at its beginning leaves nothing.
    world.append(0, &[(T0 + 62 * MINUTE + 7, 1)]);
    world.again(0).unwrap();
    assert_eq!(count(&world), (before.0 + 2, before.1 + 1, before.2 + 1));
}

#[test]
fn deletions_flushes_and_retention() {
    let mut world = filled();
    let count = |world: &World| world.counts().missed;
    world.ask(0, range(30, 90), false).unwrap();
    assert_eq!(count(&world), 1);
    world.step(&Step::Flush).unwrap();
    world.step(&Step::Merge).unwrap();
    world.again(0).unwrap();
    assert_eq!(count(&world), 1, "samples that move stay the same");
    world.step(&Step::Delete(5, 120, 1_000)).unwrap();
    world.again(0).unwrap();
    assert_eq!(count(&world), 2);
    world.clock.advance(Duration::from_secs(1_000 * 60));
    let newest = world.newest;
    world.append(0, &[(newest + 1_000 * MINUTE, 1)]);
    world.again(0).unwrap();
    assert_eq!(count(&world), 2);
    world.step(&Step::Maintain).unwrap();
    world.again(0).unwrap();
    assert_eq!(count(&world), 3, "the block is gone");
}

#[test]
fn many_who_ask_the_same_get_the_same() {
    let world = filled();
    let question = Question { query: "sum(rate(a_total[5m]))", when: range(10, 100), cancel: Cancel::new() };
    let options = Options { reuse: Reuse::Steps, ..world.engine.options().clone() };
    let ask = || shown(world.engine.evaluate_with(&question, &options), false);
    let expected = shown(world.engine.evaluate_with(&question, world.engine.options()), false);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        for one in all {
            assert_eq!(one.join().unwrap(), expected);
        }
    });
    let counts = world.counts();
    assert_eq!((counts.missed, counts.whole, counts.answers), (1, 7, 1));
}
