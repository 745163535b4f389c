//! Tests of the evaluator. Upstream's scripts run as `tests/corpus.rs`.

mod windows {
    //! The inner loops against the window-by-window meaning of the functions.

    use proptest::prelude::*;

    use crate::metrics::query::annotations::Annotations;
    use crate::metrics::query::ast::{Extension, Span};
    use crate::metrics::query::eval::kernel::{Times, windows};
    use crate::metrics::query::eval::matrix::{absent, is_absent};
    use crate::metrics::query::functions::Function;
    use crate::metrics::query::functions::window::{Task, Window, evaluate};
    use crate::series::value::Point;

    const FUNCTIONS: [Function; 14] = [
        Function::Rate,
        Function::Increase,
        Function::Delta,
        Function::Irate,
        Function::Idelta,
        Function::CountOverTime,
        Function::PresentOverTime,
        Function::FirstOverTime,
        Function::LastOverTime,
        Function::Changes,
        Function::Resets,
        Function::MaxOverTime,
        Function::MinOverTime,
        Function::SumOverTime,
    ];

    fn reference(function: Function, ts: &[i64], floats: &[f64], times: &Times, range: i64) -> Vec<f64> {
        let one = |step: usize| {
            let end = times.at(step);
            let from = ts.partition_point(|&at| at <= end - range);
            let to = ts.partition_point(|&at| at <= end);
            if from == to {
                return absent();
            }
            let task = Task { function, range, extension: Extension::None, name: "", span: Span::default(), params: [0.0; 2] };
            let window = Window {
                ts: &ts[from..to],
                floats: &floats[from..to],
                starts: &[],
                histogram_ts: &[],
                histograms: &[],
                histogram_starts: &[],
                start: end - range,
                end,
                at: end,
            };
            match evaluate(&task, &window, &mut Annotations::default()) {
                Ok(Some(Point::Float(value))) => value,
                _ => absent(),
            }
        };
        (0..times.count).map(one).collect()
    }

    fn agree(a: f64, b: f64) -> bool {
        is_absent(a) == is_absent(b) && (a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(1e-300))
    }

    /// Values of one sign: relative precision says nothing about sums that cancel out.
    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            8 => 0.0..1e6f64,
            2 => (0u32..4).prop_map(f64::from),
            1 => Just(f64::NAN),
            1 => Just(f64::INFINITY),
            1 => Just(1e308),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn equal_the_reference(
            gaps in proptest::collection::vec(1i64..40_000, 0..400),
            values in proptest::collection::vec(value(), 400),
            tame in any::<bool>(),
            interval in prop_oneof![Just(0i64), 1i64..200_000],
            count in 1usize..80,
            start in -100_000i64..2_000_000,
            range in 1i64..3_000_000,
        ) {
            let ts: Vec<i64> = gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) }).collect();
            let floats: Vec<f64> = values[..ts.len()].iter().map(|&v| if tame && (v.is_nan() || v >= 1e300) { 7.5 } else { v }).collect();
            let times = Times { start, interval, count };
            for function in FUNCTIONS.into_iter().chain([Function::AvgOverTime]) {
                let mut out = vec![absent(); count];
                if windows(function, &ts, &floats, &times, range, &mut out).is_none() {
                    continue;
                }
                let expected = reference(function, &ts, &floats, &times, range);
                for (step, (got, want)) in out.iter().zip(&expected).enumerate() {
                    prop_assert!(agree(*got, *want), "{} step {step}: {got} instead of {want}", function.as_str());
                }
            }
        }
    }
}

mod engine {
    //! What holds for every query: the same answer on any number of threads, an end when told, limits.

    use std::sync::Arc;

    use crate::base::cancel::{Cancel, Stop};
    use crate::metrics::query::engine::{Engine, Options};
    use crate::metrics::query::script::memory::MemorySelect;
    use crate::series::batch::WriteBatch;
    use crate::series::labels::Labels;
    use crate::series::ports::{Answer, Append, AppendOptions, Evaluate, EvaluateError, Question, When};
    use crate::series::value::{Point, Value};

    /// 1,000 series with a counter each, every 15 s for an hour.
    fn storage() -> Arc<MemorySelect> {
        let mut batch = WriteBatch::new();
        for series in 0..1000u32 {
            let (instance, job) = (format!("host-{:03}", series / 4), format!("job-{}", series % 7));
            batch.open_series(&Labels::from_pairs([
                ("__name__", "requests_total"),
                ("instance", &instance),
                ("job", &job),
                ("n", &(series % 4).to_string()),
            ]));
            for sample in 0..240i64 {
                batch.push_float(sample * 15_000, f64::from(series) * 0.1 + (sample * i64::from(series % 13)) as f64 * 0.7);
            }
        }
        let storage = Arc::new(MemorySelect::new());
        storage.append(&batch, &AppendOptions::default()).expect("stored");
        storage
    }

    fn ask(storage: &Arc<MemorySelect>, options: Options, query: &str, cancel: Cancel) -> Result<Answer, EvaluateError> {
        let engine = Engine::new(Arc::clone(storage) as _, options);
        engine.evaluate(&Question { query, when: When::Range { start: 0, end: 3_600_000, step: 60_000 }, cancel })
    }

    #[test]
    fn answers_do_not_depend_on_threads() {
        let storage = storage();
        for query in [
            "sum by (job) (rate(requests_total[5m]))",
            "avg without (instance, n) (requests_total)",
            "stddev by (instance) (requests_total)",
            "topk(3, sum by (instance) (rate(requests_total[5m])))",
            "quantile by (job) (0.9, requests_total)",
            "rate(requests_total[5m]) / on (instance, n) group_left requests_total",
            "count(requests_total) by (job) > 100",
        ] {
            let answers = [1, 2, 5].map(|threads| ask(&storage, Options { threads, ..Options::default() }, query, Cancel::new()));
            let [first, rest @ ..] = answers.map(|answer| answer.expect(query));
            assert!(matches!(&first.value, Value::Matrix(series) if !series.is_empty()), "{query}");
            for other in rest {
                // As text, so that NaN equals NaN.
                assert_eq!(format!("{:?}", first.value), format!("{:?}", other.value), "{query}");
            }
        }
    }

    #[test]
    fn a_raised_flag_ends_the_evaluation() {
        let storage = storage();
        for (why, is_timeout) in [(Stop::TimedOut, true), (Stop::Cancelled, false)] {
            let cancel = Cancel::new();
            cancel.raise(why);
            let error = ask(&storage, Options::default(), "sum(rate(requests_total[5m]))", cancel).expect_err("stopped");
            assert_eq!(matches!(error, EvaluateError::TimedOut), is_timeout);
            assert_eq!(matches!(error, EvaluateError::Cancelled), !is_timeout);
        }
    }

    #[test]
    fn samples_are_limited_and_given_back() {
        let storage = storage();
        let options = Options { max_samples: 10_000, ..Options::default() };
        let error = ask(&storage, options.clone(), "requests_total", Cancel::new()).expect_err("too many");
        assert_eq!(error.to_string(), "query processing would load too many samples into memory in query execution");
        // An aggregation holds one row a group, whatever it reads.
        let answer = ask(&storage, options, "sum by (job) (rate(requests_total[5m]))", Cancel::new()).expect("few enough");
        assert!(answer.stats.samples_peak <= 10_000);
        assert_eq!(answer.stats.series, 1000);
    }

    #[test]
    fn samples_are_counted_per_step_when_asked() {
        let storage = storage();
        let options = Options { per_step_stats: true, ..Options::default() };
        let answer = ask(&storage, options, "sum(rate(requests_total{job=\"job-1\"}[5m]))", Cancel::new()).expect("answer");
        assert_eq!(answer.stats.samples_per_step.iter().map(|(_, samples)| samples).sum::<u64>(), answer.stats.samples_total);
        assert_eq!(answer.stats.samples_per_step.len(), 61);
        let plain = ask(&storage, Options::default(), "sum(rate(requests_total{job=\"job-1\"}[5m]))", Cancel::new()).expect("answer");
        assert_eq!(plain.stats.samples_total, answer.stats.samples_total);
    }

    #[test]
    fn deep_nesting_does_not_exhaust_the_stack() {
        let storage = storage();
        for (open, inner, close) in [
            ("abs(", "requests_total", ")"),
            ("-(", "requests_total", ")"),
            ("sum by (job) (", "requests_total", ")"),
            ("1 + (", "requests_total", ")"),
            ("requests_total + (", "requests_total", ")"),
            ("1 + (", "1", ")"),
            ("max_over_time(", "requests_total", "[2m:1m])"),
            ("sort(", "requests_total", ")"),
        ] {
            let depth = if open.starts_with("max_over") { 20 } else { 100 };
            let query = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
            let engine = Engine::new(Arc::clone(&storage) as _, Options::default());
            let asked = engine.evaluate(&Question { query: &query, when: When::Instant(600_000), cancel: Cancel::new() });
            assert!(asked.is_ok(), "{open}: {asked:?}");
        }
    }

    #[test]
    fn long_chains_are_evaluated() {
        let storage = storage();
        let engine = Engine::new(Arc::clone(&storage) as _, Options::default());
        let ask = |query: &str| {
            let asked = engine.evaluate(&Question { query, when: When::Instant(600_000), cancel: Cancel::new() });
            asked.map(|answer| answer.value).unwrap_or_else(|error| panic!("{error}"))
        };
        let count = 2_000;
        let chain = |first: &str, link: &str| format!("{first}{}", link.repeat(count));
        assert_eq!(ask(&chain("1", " + 1")), Value::Scalar(600_000, count as f64 + 1.0));
        let one = "requests_total{instance=\"host-001\", n=\"0\"}";
        let sum = |value: &Value| match value {
            Value::Vector(samples) => {
                samples.iter().map(|sample| if let Point::Float(value) = sample.value { value } else { f64::NAN }).sum()
            }
            _ => f64::NAN,
        };
        let value: f64 = sum(&ask(one));
        assert!(value > 0.0);
        assert_eq!(sum(&ask(&chain(one, " + 1"))), value + count as f64);
        assert_eq!(sum(&ask(&chain("1", &format!(" + {one} - {one}")))), 1.0);
        assert_eq!(sum(&ask(&chain(one, &format!(" or {one}")))), value);
        // Whatever gives the same at every step is computed once, in a chain too.
        assert_eq!(sum(&ask(&format!("{} + {one}", chain("1", " * 1")))), value + 1.0);
        assert_eq!(sum(&ask(&format!("{} unless vector(1)", chain(one, &format!(" and {one} @ 600"))))), value);
    }

    #[test]
    fn absurd_ranges_are_refused() {
        let engine = Engine::new(storage(), Options::default());
        for query in ["requests_total", "1", "time()", "vector(1)"] {
            let when = When::Range { start: 0, end: i64::MAX, step: 1 };
            let error = engine.evaluate(&Question { query, when, cancel: Cancel::new() }).expect_err("too much");
            assert!(matches!(error, EvaluateError::Execution(_)), "{query}: {error}");
        }
        for query in ["max_over_time(requests_total[100y:1ms])", "requests_total offset 200y", "requests_total @ 9e15", "range()"] {
            let when = When::Instant(i64::MAX);
            let answer = engine.evaluate(&Question { query, when, cancel: Cancel::new() });
            assert!(answer.is_ok() || matches!(answer, Err(EvaluateError::Execution(_) | EvaluateError::Invalid { .. })), "{query}");
        }
    }

    #[test]
    fn invalid_text_says_where() {
        let storage = Arc::new(MemorySelect::new());
        let error = ask(&storage, Options::default(), "sum(", Cancel::new()).expect_err("invalid");
        assert!(matches!(error, EvaluateError::Invalid { .. }), "{error}");
    }
}
