//! Scripts are read and judged as upstream does.

use std::sync::Arc;

use super::command::{Action, Expected, parse_script};
use super::compare::{almost_equal, histograms_equal};
use super::memory::MemorySelect;
use super::run::{Bench, run};
use super::series::{Item, buckets, parse_series, parse_values};
use crate::base::cancel::Cancel;
use crate::base::time::TimeRange;
use crate::metrics::query::engine::{Engine, Options};
use crate::metrics::query::parse::{ParseOptions, parse};
use crate::series::batch::WriteBatch;
use crate::series::histogram::{Histogram, ResetHint, Span};
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;
use crate::series::ports::{
    Answer, Append, AppendOptions, EvalStats, Evaluate, EvaluateError, IndexQuery, Question, Select, Selection, When,
};
use crate::series::sample::{SampleBuf, is_stale};
use crate::series::value::{InstantSample, Point, RangeSeries, Value};

fn floats(text: &str) -> Vec<Option<f64>> {
    let items = parse_values(text).unwrap();
    items.iter().map(|item| if let Item::Float(value) = item { Some(*value) } else { None }).collect()
}

#[test]
fn sequences_of_floats() {
    for (text, values) in [
        ("", vec![]),
        ("1 2", vec![Some(1.0), Some(2.0)]),
        ("_ 1 _x2 -1.5e-3", vec![None, Some(1.0), None, None, Some(-1.5e-3)]),
        ("1x2", vec![Some(1.0); 3]),
        ("1+2x3", vec![Some(1.0), Some(3.0), Some(5.0), Some(7.0)]),
        ("-1-2x1", vec![Some(-1.0), Some(-3.0)]),
        ("1e3+1x1", vec![Some(1000.0), Some(1001.0)]),
        ("0x3", vec![Some(0.0); 4]),
        ("Inf -Inf +inf", vec![Some(f64::INFINITY), Some(f64::NEG_INFINITY), Some(f64::INFINITY)]),
    ] {
        assert_eq!(floats(text), values, "{text}");
    }
    assert!(matches!(parse_values("stale").unwrap()[..], [Item::Float(value)] if is_stale(value)));
    for bad in ["a", "1+2", "1x", "x3", "_3", "1x1000000", "{{", "{{schema}}", "{{schema:1 schema:1}}", "{{wat:1}}", "{{sum:1}}y", "1-"] {
        assert!(parse_values(bad).is_err(), "{bad}");
    }
}

#[test]
fn sequences_of_histograms() {
    let items = parse_values(
        "{{}} {{schema:1 sum:5 count:7 z_bucket:1 z_bucket_w:0.5 buckets:[1 2 3] offset:-1 n_buckets:[4] n_offset:2 counter_reset_hint:gauge}}+{{schema:2 count:1 buckets:[1]}}x2",
    )
    .unwrap();
    assert_eq!(items.len(), 4);
    assert_eq!(items[0], Item::Histogram(Arc::new(Histogram::default()), false));
    let Item::Histogram(first, _) = &items[1] else { panic!("a histogram") };
    assert_eq!((first.schema, first.sum, first.count, first.zero_count, first.zero_threshold), (1, 5.0, 7.0, 1.0, 0.5));
    assert_eq!((&first.positive_spans[..], &first.positive_buckets[..]), (&[Span { offset: -1, length: 3 }][..], &[1.0, 2.0, 3.0][..]));
    assert_eq!((&first.negative_spans[..], first.reset_hint), (&[Span { offset: 2, length: 1 }][..], ResetHint::Gauge));
    let Item::Histogram(last, _) = &items[3] else { panic!("a histogram") };
    // Bucket 0 of schema 2 is bucket 0 of schema 1.
    assert_eq!(buckets(&last.positive_spans, &last.positive_buckets).into_iter().collect::<Vec<_>>(), [(-1, 1.0), (0, 4.0), (1, 3.0)]);
    assert_eq!(last.count, 9.0);
    assert!(parse_values("{{schema:2}}+{{schema:1}}x1").is_err());
}

#[test]
fn label_sets() {
    for (line, shown) in [
        (r"up 1", r#"{__name__="up"}"#),
        (r#"a:b{c="d",e='f',} 1"#, r#"{__name__="a:b", c="d", e="f"}"#),
        (r#"{"x.y", "b.c"="d"} 1"#, r#"{__name__="x.y", "b.c"="d"}"#),
        (r"{} 1", "{}"),
        ("", "{}"),
    ] {
        assert_eq!(parse_series(line).unwrap().0.to_string(), shown, "{line}");
    }
    for bad in ["1 2", "a{b} 1", "a{b=c} 1", "a{b=\"c\" d=\"e\"} 1", "a{b=\"c\"", "a{}1", "-", "{\"a\":1}"] {
        assert!(parse_series(bad).is_err(), "{bad}");
    }
}

#[test]
fn floats_compare_with_tolerance() {
    for (a, b, equal) in [
        (1.0, 1.0 + 1e-7, true),
        (1.0, 1.0 + 1e-5, false),
        (f64::NAN, f64::NAN, true),
        (0.0, 1e-300, false),
        (f64::INFINITY, f64::INFINITY, true),
        (f64::MAX, f64::MAX * (1.0 - 1e-9), true),
        (crate::series::sample::stale_nan(), f64::NAN, false),
    ] {
        assert_eq!(almost_equal(a, b), equal, "{a} {b}");
    }
}

#[test]
fn histograms_compare_without_empty_buckets() {
    let of = |text: &str| match &parse_values(text).unwrap()[0] {
        Item::Histogram(histogram, _) => Histogram::clone(histogram),
        other => panic!("{other:?}"),
    };
    let a = of("{{count:3 sum:1 buckets:[1 0 2]}}");
    assert!(histograms_equal(&a, &of("{{count:3 sum:1 buckets:[0 1 0 2 0] offset:-1}}"), true));
    assert!(!histograms_equal(&a, &of("{{count:3 sum:1 buckets:[1 2]}}"), true));
    assert!(!histograms_equal(&a, &of("{{count:3 sum:1 buckets:[1 0 2] counter_reset_hint:gauge}}"), true));
    assert!(histograms_equal(&a, &of("{{count:3 sum:1 buckets:[1 0 2] counter_reset_hint:gauge}}"), false));
}

#[test]
fn scripts_read_into_commands() {
    let script = "
clear
load 5m
  up{job=\"a\"}@st -1mx1
  up{job=\"a\"} 1 2
  # a comment ends the block

eval instant at 10m sum(up)
  expect no_warn
  expect info regex: some.*thing
  {} 2

eval range from 0 to 10m step 5m up
  {__name__=\"up\", job=\"a\"} 1 2 _

eval instant at 1m 1 + 1
  2

eval_fail instant at 0 nope(
  expected_fail_message 1:2: parse error: x

eval instant at 0 \"x\"
  expect string `x`
";
    let commands = parse_script(script).unwrap();
    let lines: Vec<usize> = commands.iter().map(|command| command.line).collect();
    assert_eq!(lines, [2, 3, 8, 13, 16, 19, 22]);
    let Action::Load(load) = &commands[1].action else { panic!("a load") };
    assert_eq!(load.series[0].starts, [Some(-60_000), Some(-60_000)]);
    let batch = load.batch().unwrap();
    assert_eq!(batch.floats.iter().map(|sample| (sample.ts, sample.start_ts)).collect::<Vec<_>>(), [(0, -60_000), (300_000, 240_000)]);
    let Action::Eval(eval) = &commands[4].action else { panic!("an eval") };
    assert!(matches!(eval.expected, Expected::Scalar(2.0)));
    for (bad, line) in [
        ("what", 1),
        ("load x", 1),
        ("load 1m\n a@st 1m\n", 2),
        ("load 1m\n a@st 1m\n a 1 2", 3),
        ("load 1m\n a 1 1y", 2),
        ("eval instant at x 1", 1),
        ("eval range from 5m to 1m step 1m 1", 1),
        ("eval instant at 0 a\n a 1 2", 2),
        ("eval instant at 0 a\n expect what", 2),
        ("eval instant at 0 a\n expect warn\n expect no_warn", 3),
    ] {
        assert_eq!(parse_script(bad).err().map(|error| error.line), Some(line), "{bad}");
    }
}

#[test]
fn classic_histograms_become_native() {
    let script = "load_with_nhcb 1m\n h_bucket{le=\"1\",a=\"b\"} 2 3\n h_bucket{le=\"+Inf\",a=\"b\"} 5 6\n h_count{a=\"b\"} 5 6\n h_sum{a=\"b\"} 9 9\n";
    let commands = parse_script(script).unwrap();
    let Action::Load(load) = &commands[0].action else { panic!("a load") };
    let batch = load.batch().unwrap();
    assert_eq!(batch.histograms.len(), 2);
    let (ts, histogram) = &batch.histograms[1];
    assert_eq!((*ts, &histogram.custom_bounds[..], &histogram.positive_buckets[..]), (60_000, &[1.0][..], &[3.0, 3.0][..]));
    let Some(series) = batch.series.last() else { panic!("a series") };
    assert_eq!(Labels::from_packed(batch.labels_of(series)).unwrap().to_string(), r#"{__name__="h", a="b"}"#);
}

#[test]
fn every_script_of_the_corpus_is_understood() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/promql");
    let mut evaluations = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "test") {
            continue;
        }
        let commands = parse_script(&std::fs::read_to_string(&path).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for command in &commands {
            match &command.action {
                Action::Load(load) => drop(load.batch().unwrap_or_else(|error| panic!("{}:{}: {error}", path.display(), command.line))),
                Action::Eval(eval) => {
                    evaluations += 1;
                    let parsed = parse(&eval.query, &ParseOptions::ALL);
                    let printed = parsed.unwrap_or_else(|error| panic!("{}:{}: {error}", path.display(), command.line)).to_string();
                    assert_eq!(parse(&printed, &ParseOptions::ALL).map(|again| again.to_string()), Ok(printed), "{}", eval.query);
                }
                Action::Clear => {}
            }
        }
    }
    assert_eq!(evaluations, 1995);
}

#[test]
fn memory_stores_and_selects() {
    let memory = MemorySelect::new();
    let load = |script: &str| {
        let commands = parse_script(script).unwrap();
        let Action::Load(load) = &commands[0].action else { panic!("a load") };
        memory.append(&load.batch().unwrap(), &AppendOptions::default()).unwrap()
    };
    let report = load("load 1m\n b{x=\"1\"}@st _ -1s _\n b{x=\"1\"} 1 2 3\n a{x=\"1\"} 1 {{sum:1}} 3\n a{x=\"2\"} 1");
    assert_eq!((report.stored, report.refused.len()), (7, 0));
    assert_eq!(load("load 1m\n b{x=\"1\"} 9").refused.len(), 1, "samples come in order");
    let selection = Selection { matchers: &[Matcher::equal("x", "1")], range: TimeRange::ALL, series_max: 10 };
    let found = memory.select(&selection, &Cancel::new()).unwrap();
    let names: Vec<&str> = found.iter().map(|series| series.labels().metric_name()).collect();
    assert_eq!(names, ["a", "b"]);
    let mut samples = SampleBuf::default();
    found[1].read(TimeRange::new(60_000, 120_000), &mut samples).unwrap();
    assert_eq!((samples.float_ts, samples.floats, samples.float_start_ts), (vec![60_000, 120_000], vec![2.0, 3.0], vec![59_000, 0]));
    let mut samples = SampleBuf::default();
    found[0].read(TimeRange::ALL, &mut samples).unwrap();
    assert_eq!((samples.float_ts, samples.histogram_ts), (vec![0, 120_000], vec![60_000]));
    assert!(memory.select(&Selection { series_max: 1, ..selection }, &Cancel::new()).is_err());
    let query = IndexQuery { any_of: &[], range: TimeRange::ALL, limit: 0 };
    assert_eq!(memory.label_values("x", &query, &Cancel::new()).unwrap(), ["1", "2"]);
    assert_eq!(memory.label_names(&query, &Cancel::new()).unwrap(), ["__name__", "x"]);
    memory.clear();
    assert!(memory.series(&query, &Cancel::new()).unwrap().is_empty());
}

/// Knows one answer, whatever is asked: `up{a="b"} 1`, with a warning.
#[derive(Default)]
struct Parrot {
    asked: Vec<(String, When)>,
}

impl Bench for Parrot {
    fn clear(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn append(&mut self, _batch: &WriteBatch) -> Result<(), String> {
        Err("full".to_owned())
    }

    fn evaluate(&mut self, question: &Question<'_>) -> Result<Answer, EvaluateError> {
        self.asked.push((question.query.to_owned(), question.when));
        if question.query.starts_with("bad") {
            return Err(EvaluateError::Execution("bad thing".to_owned()));
        }
        let labels = Labels::from_pairs([("__name__", "up"), ("a", "b")]);
        let value = match question.when {
            When::Instant(ts) => Value::Vector(vec![InstantSample { labels, ts, value: Point::Float(1.0) }]),
            When::Range { start, step, .. } => Value::Matrix(vec![RangeSeries {
                labels,
                floats: (0..3).map(|i| (start + i * step, 1.0)).collect(),
                histograms: Vec::new(),
            }]),
        };
        Ok(Answer { value, warnings: vec!["careful (1:1)".to_owned()], infos: Vec::new(), stats: EvalStats::default() })
    }
}

#[test]
fn a_run_judges_every_evaluation() {
    for (script, verdict) in [
        ("eval instant at 5m up\n up{a=\"b\"} 1", Ok(())),
        ("eval instant at 5m up\n expect warn msg: careful (1:1)\n up{a=\"b\"} 1", Ok(())),
        ("eval instant at 5m up\n expect warn regex: ^care\n expect no_info\n up{a=\"b\"} 1", Ok(())),
        ("eval_warn instant at 5m up\n up{a=\"b\"} 1.0000001", Ok(())),
        ("eval_ordered instant at 5m up\n up{a=\"b\"} 1", Ok(())),
        ("eval range from 0 to 2m step 1m up\n up{a=\"b\"} 1x2", Ok(())),
        ("eval instant at 0 bad\n expect fail", Ok(())),
        ("eval instant at 0 bad\n expect fail msg: bad thing", Ok(())),
        ("eval_fail instant at 0 bad\n expected_fail_regexp thing$", Ok(())),
        ("load 1m\n a 1", Err("full")),
        ("eval instant at 0 bad", Err("error evaluating query: bad thing")),
        ("eval instant at 0 bad\n expect fail msg: other", Err("expected error")),
        ("eval instant at 0 up\n expect fail", Err("expected error but got none")),
        ("eval instant at 0 up\n up{a=\"b\"} 2", Err("expected 2 for")),
        ("eval instant at 0 up\n up{a=\"c\"} 1", Err("unexpected metric")),
        ("eval instant at 0 up", Err("unexpected metric")),
        ("eval instant at 0 up\n up{a=\"b\"} 1\n up{a=\"c\"} 1", Err("not found")),
        ("eval_ordered instant at 0 up\n up{a=\"c\"} 1\n up{a=\"b\"} 1", Err("at position 2 but was at 1")),
        ("eval instant at 0 up\n up{a=\"b\"} {{sum:1}}", Err("expected {{")),
        ("eval instant at 0 up\n 1", Err("expected scalar result")),
        ("eval instant at 0 up\n expect string \"a\"", Err("expected string result")),
        ("eval instant at 0 up\n expect no_warn\n up{a=\"b\"} 1", Err("unexpected warn annotations")),
        ("eval_info instant at 0 up\n up{a=\"b\"} 1", Err("expected info annotations")),
        ("eval instant at 0 up\n expect warn msg: careful\n up{a=\"b\"} 1", Err("was not found")),
        ("eval instant at 0 up\n expect range vector from 0 to 1m step 1m\n up{a=\"b\"} 1", Err("expected matrix result")),
        ("eval range from 0 to 2m step 1m up\n up{a=\"b\"} 1x1", Err("more points")),
        ("eval range from 0 to 2m step 1m up\n up{a=\"b\"} 1x3", Err("cannot return this many")),
        ("eval range from 0 to 2m step 1m up\n up{a=\"b\"} 1 _ 1", Err("expected 1 at 120000")),
    ] {
        let outcomes = run(&parse_script(script).unwrap(), &mut Parrot::default());
        assert_eq!(outcomes.len(), 1, "{script}");
        match (&outcomes[0].result, verdict) {
            (Ok(()), Ok(())) => {}
            (Err(got), Err(wanted)) => assert!(got.contains(wanted), "{script}: {got}"),
            (got, wanted) => panic!("{script}: got {got:?}, wanted {wanted:?}"),
        }
    }
}

#[test]
fn instant_queries_are_asked_in_all_ways() {
    let asked = |script: &str| {
        let mut parrot = Parrot::default();
        let outcomes = run(&parse_script(script).unwrap(), &mut parrot);
        assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()), "{outcomes:?}");
        parrot.asked
    };
    let all = asked("eval instant at 100s sum(rate(up[5m])) + sum(sum_over_time(up[5m:]))\n up{a=\"b\"} 1");
    assert_eq!(all.len(), 12, "as it is and pinned at five times, each also as a range");
    assert_eq!(all[1].1, When::Range { start: 40_000, end: 160_000, step: 60_000 });
    assert_eq!(all[2].0, "sum(rate(up[5m] @ 100.000)) + sum(sum_over_time(up[5m:] @ 100.000))");
    let times: Vec<When> = all.iter().skip(2).step_by(2).map(|asked| asked.1).collect();
    assert_eq!(times, [-1_000_000, 0, 20_000, 100_000, 1_000_000].map(When::Instant));
    assert_eq!(asked("eval instant at 0 timestamp(up)\n up{a=\"b\"} 1").len(), 2, "depends on time");
    assert_eq!(asked("eval instant at 0 up + step()\n up{a=\"b\"} 1").len(), 1, "depends on the range");
}

#[test]
fn the_deepest_queries_are_evaluated_on_an_ordinary_stack() {
    let memory = Arc::new(MemorySelect::new());
    // So many series that they are shared out to threads.
    let series: String = (0..200).map(|index| format!(" up{{i=\"{index}\"}} 1+1x10\n")).collect();
    let commands = parse_script(&format!("load 1m\n{series}")).unwrap();
    let Action::Load(load) = &commands[0].action else { panic!("a load") };
    memory.append(&load.batch().unwrap(), &AppendOptions::default()).unwrap();
    let engine = Engine::new(memory, Options { threads: 3, parse: ParseOptions::ALL, ..Options::default() });
    let nested = |count: usize, open: &str, middle: &str, close: &str| format!("{}{middle}{}", open.repeat(count), close.repeat(count));
    for query in [
        nested(250, "(", "up", ")"),
        nested(250, "-", "up", ""),
        nested(250, "abs(", "up", ")"),
        nested(250, "sum(", "up", ")"),
        nested(250, "up + ", "up", ""),
        nested(250, "up or ", "up", ""),
        nested(250, "up ^ ", "up", ""),
        nested(250, "1 + ", "1", ""),
        nested(120, "max_over_time(", "up", "[2m:1m])"),
        nested(120, "scalar(vector(", "1", "))"),
        format!("up[{}1]", "1 + ".repeat(250)),
    ] {
        let question = Question { query: &query, when: When::Instant(300_000), cancel: Cancel::new() };
        let answer = engine.evaluate(&question);
        assert!(answer.is_ok(), "{query}: {:?}", answer.err());
    }
}
