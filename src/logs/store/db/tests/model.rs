//! Random work against a plain model: a list of lines, and deletions over it.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Parts are synced to the disk, which takes its time. `PROPTEST_CASES` asks for more where there is time.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12)
}

/// Something that happens.
#[derive(Debug, Clone)]
enum Op {
    /// Lines of a stream at hours; the text tells them apart.
    Append {
        stream: u8,
        lines: Vec<(u8, u8)>,
    },
    Flush,
    Maintain,
    /// The process is killed and starts again.
    Crash,
    Reopen,
    /// An hour passes.
    Wait,
    Delete {
        stream: u8,
        from: u8,
        hours: u8,
        word: Option<u8>,
    },
    CancelNewest,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => (0..3u8, prop::collection::vec((0..60u8, 0..6u8), 1..6)).prop_map(|(stream, lines)| Op::Append { stream, lines }),
        4 => Just(Op::Flush),
        2 => Just(Op::Maintain),
        2 => Just(Op::Crash),
        1 => Just(Op::Reopen),
        1 => Just(Op::Wait),
        1 => (0..3u8, 0..60u8, 1..40u8, prop::option::of(0..6u8)).prop_map(|(stream, from, hours, word)| Op::Delete { stream, from, hours, word }),
        1 => Just(Op::CancelNewest),
    ];
    prop::collection::vec(op, 1..50)
}

type Line = (String, i64, String);

/// What there should be.
#[derive(Default)]
struct Model {
    /// How often each line was sent since it was deleted for good.
    sent: BTreeMap<Line, usize>,
    /// Deletions that can be cancelled: number, hidden lines, and when they were asked for.
    deletes: Vec<(u64, BTreeMap<Line, usize>, i64)>,
}

fn hour(hours: u8) -> i64 {
    T0 - 2 * DAY_NS + i64::from(hours) * HOUR
}

fn name(stream: u8) -> String {
    format!("s{stream}")
}

struct Bench {
    dir: TempDir,
    clock: Arc<ManualClock>,
    store: Option<Store>,
    model: Model,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self { dir: tempfile::tempdir().unwrap(), clock: clock(), store: None, model: Model::default() };
        bench.open();
        bench
    }

    fn open(&mut self) {
        let limits = LineLimits { too_old: None, too_new: None, too_far_behind: None, ..LineLimits::default() };
        let settings =
            StoreSettings { limits, memory_bytes: 30 << 10, delete_after: Duration::from_secs(3 * 3600), ..settings(self.dir.path()) };
        self.store = Some(Store::open(settings, self.clock.clone()).unwrap());
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Append { stream, lines } => {
                let lines: Vec<(i64, String)> = lines.iter().map(|(hours, word)| (hour(*hours), format!("word{word}"))).collect();
                let borrowed: Vec<(i64, &str)> = lines.iter().map(|(ts, text)| (*ts, text.as_str())).collect();
                assert_eq!(put(self.store(), &name(*stream), &borrowed).taken, lines.len());
                for (ts, text) in lines {
                    *self.model.sent.entry((name(*stream), ts, text)).or_default() += 1;
                }
            }
            Op::Flush => self.store().flush().unwrap(),
            Op::Maintain => self.store().maintain().unwrap(),
            Op::Crash => {
                let crashed = copy(self.dir.path());
                self.store = None;
                self.dir = crashed;
                self.open();
            }
            Op::Reopen => {
                self.store().close();
                self.store = None;
                self.open();
            }
            Op::Wait => self.clock.advance(Duration::from_secs(3600)),
            Op::Delete { stream, from, hours, word } => {
                let span = Span { start: hour(*from), end: hour(*from) + i64::from(*hours) * HOUR };
                let query = word.map(|word| format!("word{word}"));
                let id = self.store().delete(vec![Matcher::equal("job", &name(*stream))], span, query.clone()).unwrap();
                let is_meant = |(job, ts, text): &Line| {
                    *job == name(*stream) && span.contains(*ts) && query.as_ref().is_none_or(|query| query == text)
                };
                let hidden: BTreeMap<Line, usize> =
                    self.model.sent.iter().filter(|(line, _)| is_meant(line)).map(|(line, count)| (line.clone(), *count)).collect();
                self.model.sent.retain(|line, _| !hidden.contains_key(line));
                self.model.deletes.push((id, hidden, crate::base::clock::Clock::now_ms(&*self.clock)));
            }
            Op::CancelNewest => {
                // Deletions hide what those before left; only the newest gives back just what it took.
                let Some((id, hidden, asked)) = self.model.deletes.pop() else { return };
                let is_due = crate::base::clock::Clock::now_ms(&*self.clock) - asked >= 3 * 3_600_000;
                if is_due {
                    // Maintenance may have done it or not; leave it.
                    return;
                }
                self.store().cancel_delete(id).unwrap();
                for (line, count) in hidden {
                    *self.model.sent.entry(line).or_default() += count;
                }
            }
        }
    }

    /// Every line is there, no more often than it was sent, and nothing else is.
    fn check(&self, after: &Op) {
        let mut seen: BTreeMap<Line, usize> = BTreeMap::new();
        lines(self.store()).into_iter().for_each(|line| *seen.entry(line).or_default() += 1);
        let expected: BTreeSet<&Line> = self.model.sent.keys().collect();
        assert_eq!(seen.keys().collect::<BTreeSet<_>>(), expected, "after {after:?}");
        for (line, count) in &seen {
            assert!(*count <= self.model.sent[line], "{line:?} is there {count} times after {after:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_the_model_does(ops in ops()) {
        let mut bench = Bench::new();
        for op in &ops {
            bench.apply(op);
            bench.check(op);
        }
        bench.store().flush().unwrap();
        bench.store().maintain().unwrap();
        bench.check(&Op::Maintain);
        assert!(bench.store().status().background_error.is_none() && bench.store().status().set_aside.is_empty());
    }
}
