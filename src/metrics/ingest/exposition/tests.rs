//! Parsers against recorded verdicts, tables of facts, and arbitrary bytes.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use prost::Message;

use super::protobuf::message;
use super::*;

/// Walks a whole body, expanding every series.
fn walk(format: Format, body: &[u8], options: ParseOptions) -> Result<Vec<String>, ParseError> {
    let mut parser = Parser::new(format, body, options);
    let mut seen = Vec::new();
    while let Some(event) = parser.next_event()? {
        seen.push(match event {
            Event::Type { family, kind } => format!("type {family} {}", kind.as_str()),
            Event::Help { family, text } => format!("help {family} {text}"),
            Event::Unit { family, unit } => format!("unit {family} {unit}"),
            Event::Sample(sample) => {
                let mut line = format!("{} {}", sample.series.labels()?, sample.value);
                if let Some(ts) = sample.ts {
                    write!(line, " @{ts}").expect("string");
                }
                if sample.start_ts != 0 {
                    write!(line, " since {}", sample.start_ts).expect("string");
                }
                if let Some(exemplar) = sample.exemplar {
                    write!(line, " # {} {} {:?}", exemplar.labels, exemplar.value, exemplar.ts).expect("string");
                }
                line
            }
            Event::Histogram(sample) => {
                let h = &sample.histogram;
                format!(
                    "{} histogram {} count {} sum {} zero {} {:?} {:?} {:?} since {} exemplars {}",
                    sample.series.labels()?,
                    h.schema,
                    h.count,
                    h.sum,
                    h.zero_count,
                    h.positive_buckets,
                    h.negative_buckets,
                    h.custom_bounds,
                    sample.start_ts,
                    sample.exemplars.len()
                )
            }
        });
    }
    Ok(seen)
}

fn plain(format: Format, body: &str) -> Result<Vec<String>, ParseError> {
    walk(format, body.as_bytes(), ParseOptions::default())
}

/// Verdicts in a folder: `samples.json` says which file must parse and how many samples it holds.
fn check_folder(folder: &Path) {
    let list: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("samples.json")).expect("list")).expect("JSON");
    let mut wrong = Vec::new();
    let samples = list["samples"].as_array().expect("samples");
    for sample in samples {
        let file = sample["file"].as_str().expect("file");
        let body = std::fs::read(folder.join(file)).expect("sample file");
        let format = content_type::detect(sample["content_type"].as_str().expect("type"), None).expect("known type").format;
        let outcome = walk(format, &body, ParseOptions::default());
        let expect_ok = sample["expect"] == "ok" || sample["prometheus_2.42_scrape"] == "ok";
        match outcome {
            Ok(seen) => {
                let count = seen.iter().filter(|line| line.starts_with('{')).count() as u64;
                let expected = sample["samples_scraped"].as_u64();
                if !expect_ok || expected.is_some_and(|expected| expected != count) {
                    wrong.push(format!("{file}: parsed {count} samples, expected {expected:?} ok={expect_ok}"));
                }
            }
            Err(error) if expect_ok => wrong.push(format!("{file}: {error}")),
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), samples.len(), wrong.join("\n"));
}

#[test]
fn verdicts_of_our_own_set_hold() {
    check_folder(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/exposition"));
}

#[test]
#[expect(clippy::print_stderr, reason = "says that the whole collection is not here")]
fn verdicts_of_the_whole_collection_hold() {
    let project = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let places = ["../shared", "../../shared"].map(|place| project.join(place).join("conformance/exposition"));
    match places.iter().find(|place| place.join("samples.json").exists()) {
        Some(folder) => check_folder(folder),
        None => eprintln!("skipped: no conformance collection beside the project"),
    }
}

#[test]
fn text_events() {
    let body = "# HELP a He\\\\lp\\n \"x\"\n# TYPE a histogram\na_bucket{le=\"1\",z=\"\"} 3 -5\na_bucket {\tb = \"q\\\"\\\\\\n\\x\" , } +Inf\n\
                {\"up.time\",\"l.x\"=\"ü\"} 1e3 # no\n";
    let error = plain(Format::Text, body).expect_err("a comment behind a value");
    assert_eq!(error.line, 5, "{error}");
    let seen = plain(Format::Text, &body.replace(" # no", "")).expect("parses");
    assert_eq!(
        seen,
        [
            "help a He\\lp\n \"x\"",
            "type a histogram",
            "{__name__=\"a_bucket\", le=\"1.0\"} 3 @-5",
            "{__name__=\"a_bucket\", b=\"q\\\"\\\\\\n\\\\x\"} inf",
            "{__name__=\"up.time\", \"l.x\"=\"ü\"} 1000",
        ]
    );
}

#[test]
fn text_errors_name_the_line() {
    for (body, line) in [
        ("a 1\nb\n", 2),
        ("a{b=\"c\" 1\n", 1),
        ("a{b=c} 1\n", 1),
        ("\n\na{1=\"c\"} 1\n", 3),
        ("a{\"x\"} 1\n", 1),
        ("{b=\"c\"} 1\n", 1),
        ("a{b=\"c\",b=\"d\"} 1\n", 1),
        ("# TYPE a bla\n", 1),
        ("a 1 2 3\n", 1),
        ("a 1 2.5\n", 1),
        ("a \u{e9}\n", 1),
        ("a{b=\"c\"\n} 1\n", 1),
    ] {
        let error = plain(Format::Text, body).expect_err(body);
        assert_eq!(error.line, line, "{body} {error}");
    }
    assert!(walk(Format::Text, b"a{b=\"\xff\"} 1\n", ParseOptions::default()).is_err());
}

#[test]
fn openmetrics_events() {
    let body = "# TYPE r_seconds histogram\n# UNIT r_seconds seconds\n# HELP r_seconds x \\\"y\\\"\n\
                r_seconds_bucket{le=\"1\"} 1 1.5 # {trace_id=\"t\"} 0.5 1.25\nr_seconds_count 1\nr_seconds_created 1.5\n\
                # TYPE c counter\nc_total{a=\"1\"} 1\nc_created{a=\"1\"} 2\nc_total{a=\"2\"} 1\n# EOF\n";
    let seen = plain(Format::OpenMetrics, body).expect("parses");
    assert_eq!(seen[1], "unit r_seconds seconds");
    assert_eq!(seen[2], "help r_seconds x \"y\"");
    assert_eq!(seen[3], "{__name__=\"r_seconds_bucket\", le=\"1.0\"} 1 @1500 # {trace_id=\"t\"} 0.5 Some(1250)");
    assert_eq!(seen.len(), 10);
    let options = ParseOptions { created_as_start: true, ..ParseOptions::default() };
    let seen = walk(Format::OpenMetrics, body.as_bytes(), options).expect("parses");
    assert_eq!(
        seen.iter().filter(|line| line.starts_with('{')).collect::<Vec<_>>(),
        [
            "{__name__=\"r_seconds_bucket\", le=\"1.0\"} 1 @1500 since 1500 # {trace_id=\"t\"} 0.5 Some(1250)",
            "{__name__=\"r_seconds_count\"} 1 since 1500",
            "{__name__=\"c_total\", a=\"1\"} 1 since 2000",
            "{__name__=\"c_total\", a=\"2\"} 1",
        ]
    );
}

#[test]
fn malformed_created_samples_take_linear_time() {
    let options = ParseOptions { created_as_start: true, ..ParseOptions::default() };
    // Were each of them sought or counted through the whole body, the test would not end.
    for line in ["a_created x\n", "a_created{b=\"\n", "a_created{\n"] {
        let body = format!("# TYPE a counter\n{}# EOF\n", line.repeat(100_000));
        let error = walk(Format::OpenMetrics, body.as_bytes(), options).expect_err("malformed");
        assert_eq!(error.line, 2, "{error}");
    }
}

#[test]
fn classic_histograms_become_native() {
    let body = "# TYPE h histogram\nh_bucket{a=\"1\",le=\"1\"} 2\nh_bucket{a=\"1\",le=\"2\"} 3\nh_bucket{a=\"1\",le=\"+Inf\"} 5\nh_sum{a=\"1\"} 9\n\
                h_count{a=\"1\"} 5\nh_bucket{a=\"2\",le=\"+Inf\"} 1\nh_sum{a=\"2\"} 1\nh_count{a=\"2\"} 1\n# TYPE g gauge\ng 1\n";
    let options = ParseOptions { classic_to_nhcb: true, ..ParseOptions::default() };
    let seen = walk(Format::Text, body.as_bytes(), options).expect("parses");
    assert_eq!(
        seen,
        [
            "type h histogram",
            "{__name__=\"h\", a=\"1\"} histogram -53 count 5 sum 9 zero 0 [2.0, 1.0, 2.0] [] [1.0, 2.0] since 0 exemplars 0",
            "{__name__=\"h\", a=\"2\"} histogram -53 count 1 sum 1 zero 0 [1.0] [] [] since 0 exemplars 0",
            "type g gauge",
            "{__name__=\"g\"} 1",
        ]
    );
    let options = ParseOptions { keep_classic: true, ..options };
    assert_eq!(walk(Format::Text, body.as_bytes(), options).expect("parses").len(), 5 + 8);
}

fn families() -> Vec<u8> {
    let label = |name: &str, value: &str| message::LabelPair { name: name.into(), value: value.into() };
    let native = message::Histogram {
        sample_count: 7,
        sample_sum: 1.5,
        schema: 3,
        zero_threshold: 0.1,
        zero_count: 1,
        positive_span: vec![message::BucketSpan { offset: 1, length: 2 }],
        positive_delta: vec![2, 2],
        bucket: vec![message::Bucket { cumulative_count: 7, upper_bound: 1.0, ..Default::default() }],
        created_timestamp: Some(message::Timestamp { seconds: 5, nanos: 1_000_000 }),
        ..Default::default()
    };
    let families = [
        message::MetricFamily {
            name: "c_total".into(),
            help: "Help.".into(),
            r#type: 0,
            metric: vec![message::Metric {
                label: vec![label("z", "1"), label("a", "2")],
                counter: Some(message::Counter { value: 3.0, ..Default::default() }),
                timestamp_ms: Some(9),
                ..Default::default()
            }],
            unit: String::new(),
        },
        message::MetricFamily {
            name: "h".into(),
            r#type: 4,
            metric: vec![message::Metric { histogram: Some(native), ..Default::default() }],
            ..Default::default()
        },
    ];
    families.iter().flat_map(message::MetricFamily::encode_length_delimited_to_vec).collect()
}

#[test]
fn protobuf_events() {
    let body = families();
    let native = "{__name__=\"h\"} histogram 3 count 7 sum 1.5 zero 1 [2.0, 4.0] [] [] since 5001 exemplars 0";
    let seen = walk(Format::Protobuf, &body, ParseOptions::default()).expect("parses");
    assert_eq!(
        seen,
        ["help c_total Help.", "type c_total counter", "{__name__=\"c_total\", a=\"2\", z=\"1\"} 3 @9", "type h histogram", native]
    );
    let classic = [
        "{__name__=\"h_count\"} 7 since 5001",
        "{__name__=\"h_sum\"} 1.5 since 5001",
        "{__name__=\"h_bucket\", le=\"1.0\"} 7 since 5001",
        "{__name__=\"h_bucket\", le=\"+Inf\"} 7 since 5001",
    ];
    let keep = walk(Format::Protobuf, &body, ParseOptions { keep_classic: true, ..ParseOptions::default() }).expect("parses");
    assert_eq!(keep[4..], [&[native][..], &classic[..]].concat());
    let ignore = ParseOptions { ignore_native: true, ..ParseOptions::default() };
    assert_eq!(walk(Format::Protobuf, &body, ignore).expect("parses")[4..], classic);
    let nhcb = walk(Format::Protobuf, &body, ParseOptions { classic_to_nhcb: true, ..ignore }).expect("parses");
    assert_eq!(nhcb[4], "{__name__=\"h\"} histogram -53 count 7 sum 1.5 zero 0 [7.0, 0.0] [] [1.0] since 5001 exemplars 0");
    assert!(walk(Format::Protobuf, &body[..body.len() - 1], ParseOptions::default()).is_err());
}

#[test]
fn a_small_protobuf_body_cannot_take_much_memory() {
    let histogram = |buckets| message::Histogram { bucket: vec![message::Bucket::default(); buckets], ..Default::default() };
    let body = |value: String, buckets| {
        let label = vec![message::LabelPair { name: "a".into(), value }];
        let metric = message::Metric { label, histogram: Some(histogram(buckets)), ..Default::default() };
        let family = message::MetricFamily { name: "h".into(), r#type: 4, metric: vec![metric], ..Default::default() };
        family.encode_length_delimited_to_vec()
    };
    let error = |body: Vec<u8>| walk(Format::Protobuf, &body, ParseOptions::default()).expect_err("too much").message;
    // Every bucket is a series with all labels.
    assert_eq!(error(body("x".repeat(1 << 20), 100_000)), "labels of all series of a metric of \"h\" are larger than 67108864 bytes");
    assert_eq!(error(body("x".repeat(5 << 20), 1)), "metric of \"h\" is larger than 4194304 bytes");
}

#[test]
fn a_family_may_name_itself_behind_its_metrics() {
    let metric = message::Metric { gauge: Some(message::Gauge { value: 1.0 }), ..Default::default() };
    let mut family = message::MetricFamily { metric: vec![metric], ..Default::default() }.encode_to_vec();
    family.extend(message::MetricFamily { name: "g".into(), r#type: 1, ..Default::default() }.encode_to_vec());
    let body = [vec![family.len() as u8], family].concat();
    let seen = walk(Format::Protobuf, &body, ParseOptions::default()).expect("parses");
    assert_eq!(seen, ["type g gauge", "{__name__=\"g\"} 1"]);
}

#[test]
fn what_is_written_reads_back() {
    let mut writer = write::TextWriter::new(content_type::ScrapeProtocol::OpenMetricsText100);
    writer.family("a.b_total", MetricType::Counter, "H\n\"e\\lp", "");
    writer.sample("a.b_total", [("x", "y\"\\\n"), ("é", "ü")], 1.5, Some(1_500_000_123), None);
    let body = writer.finish();
    let seen = plain(Format::OpenMetrics, &body).expect(&body);
    assert_eq!(
        seen,
        ["help a.b H\n\"e\\lp", "type a.b counter", "{__name__=\"a.b_total\", x=\"y\\\"\\\\\\n\", \"é\"=\"ü\"} 1.5 @1500000123"]
    );
}

/// CPU time of this thread, so that a busy machine does not count.
fn cpu_secs() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// How fast a known series goes by; run with `--ignored --nocapture` in a release build.
#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stderr, reason = "a measurement prints what it measured")]
fn text_speed() {
    let mut body = String::from("# TYPE node_cpu_seconds_total counter\n");
    for cpu in 0..20_000 {
        writeln!(body, "node_cpu_seconds_total{{cpu=\"{cpu}\",mode=\"user\",host=\"web-17.example.net\"}} {}.{}", cpu * 7, cpu % 100)
            .expect("string");
    }
    for (format, body) in [(Format::Text, body.clone()), (Format::OpenMetrics, body + "# EOF\n")] {
        let mut packed = Vec::new();
        let mut scratch = LabelScratch::new();
        for expand in [false, true] {
            let start = cpu_secs();
            let (mut count, mut sum) = (0u64, 0u128);
            for _ in 0..50 {
                let mut parser = Parser::new(format, body.as_bytes(), ParseOptions::default());
                while let Some(event) = parser.next_event().expect("parses") {
                    if let Event::Sample(sample) = event {
                        sum ^= xxhash_rust::xxh3::xxh3_128(sample.series.raw);
                        if expand {
                            packed.clear();
                            sample.series.packed(&mut scratch, &mut packed).expect("labels");
                        }
                        count += 1;
                    }
                }
            }
            let rate = count as f64 / (cpu_secs() - start) / 1e6;
            eprintln!("{format:?} expand={expand}: {rate:.2} M samples/s ({sum})");
        }
    }
}

fn texty() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just("a"),
        Just("{"),
        Just("}"),
        Just("\""),
        Just("\\"),
        Just("\n"),
        Just(" "),
        Just("="),
        Just(","),
        Just("#"),
        Just("# TYPE a histogram\n"),
        Just("# EOF\n"),
        Just("1"),
        Just("le=\"1\""),
        Just("_bucket"),
        Just("_created"),
        Just("é"),
        Just("\u{0}"),
        Just("# HELP "),
        Just(" # {"),
        Just("a_bucket{le=\"1\"} 1\n"),
        Just("-Inf")
    ];
    proptest::collection::vec(part, 0..40).prop_map(|parts| parts.concat().into_bytes())
}

proptest! {
    #[test]
    fn nothing_panics(bytes in prop_oneof![texty(), proptest::collection::vec(any::<u8>(), 0..200)], flags in 0u8..16) {
        let options = ParseOptions {
            created_as_start: flags & 1 != 0,
            classic_to_nhcb: flags & 2 != 0,
            keep_classic: flags & 4 != 0,
            ignore_native: flags & 8 != 0,
        };
        for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
            let _outcome = walk(format, &bytes, options);
        }
        let _problems = lint::lint(&bytes);
        let _detected = content_type::detect(&String::from_utf8_lossy(&bytes), None);
        let _negotiated = content_type::negotiate(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn torn_protobuf_never_panics(cut in 0usize..200, at in 0usize..200, byte in any::<u8>()) {
        let mut body = families();
        body.truncate(cut);
        if let Some(found) = body.get_mut(at) {
            *found = byte;
        }
        let _outcome = walk(Format::Protobuf, &body, ParseOptions { keep_classic: true, ..ParseOptions::default() });
    }
}
