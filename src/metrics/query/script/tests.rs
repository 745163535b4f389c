//! Scripts are read and judged as upstream does.

use std::sync::Arc;

use super::command::{Action, Expected, parse_script};
use super::compare::{almost_equal, histograms_equal};
use super::series::{Item, buckets, parse_series, parse_values};
use crate::metrics::query::parse::{ParseOptions, parse};
use crate::series::histogram::{Histogram, ResetHint, Span};
use crate::series::sample::is_stale;

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
    assert_eq!(crate::series::labels::Labels::from_packed(batch.labels_of(series)).unwrap().to_string(), r#"{__name__="h", a="b"}"#);
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
