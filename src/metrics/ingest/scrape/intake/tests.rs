//! Bodies taken in one after the other: what is stored, refused, limited and marked stale.

use super::*;
use crate::base::time::Duration;
use crate::metrics::ingest::recorder::Recorder;
use crate::metrics::ingest::scrape::target::{discovered_labels, populate};
use crate::metrics::model::config::{RelabelAction, RelabelConfig, RelabelRegex, ScrapeConfig};
use crate::series::labels::Labels;
use crate::series::sample::MetricType;

const TEXT: &str = "text/plain; version=0.0.4";
const START: i64 = 1_700_000_000_000;

struct Bench {
    store: Arc<Recorder>,
    intake: Intake,
    scratch: Scratch,
    ts: i64,
}

impl Bench {
    fn new(config: ScrapeConfig) -> Self {
        let store = Recorder::new();
        let own = Labels::from_pairs([("__address__", "h:1")]);
        let discovered = discovered_labels(&own, &Labels::empty(), &config);
        let before = discovered.build();
        let target = Arc::new(Target::new(populate(discovered, &config).unwrap().unwrap(), before, &config));
        let job = Arc::new(JobSettings::of(&config, false));
        let intake = Intake::new(target, job, store.clone(), Arc::default());
        Self { store, intake, scratch: Scratch::default(), ts: START }
    }

    fn plain() -> Self {
        Self::new(config())
    }

    /// Scrapes `body` ten seconds later; answers with the counts reported and the failure.
    fn scrape(&mut self, body: &str) -> (usize, usize, usize, Option<String>) {
        self.scrape_as(Ok(Fetched { content_type: TEXT, body: body.as_bytes() }))
    }

    fn scrape_as(&mut self, fetched: Result<Fetched<'_>, Failure>) -> (usize, usize, usize, Option<String>) {
        self.ts += 10_000;
        let (report, failure) = self.intake.take(fetched, self.ts, self.ts, &mut self.scratch, || 0.5);
        assert_eq!(report.up, failure.is_none());
        (report.scraped, report.kept, report.series_added, failure.map(|failure| failure.to_string()))
    }

    fn stats(&self) -> super::super::counters::ScrapeStats {
        self.intake.counters.snapshot()
    }
}

fn config() -> ScrapeConfig {
    ScrapeConfig { job_name: "j".into(), scrape_timeout: Duration::from_secs(10), ..ScrapeConfig::default() }
}

#[test]
fn stores_samples_and_reports() {
    let mut bench = Bench::plain();
    assert_eq!(bench.scrape("# TYPE m counter\n# HELP m Helps.\nm{a=\"b\"} 1\nn 2\n"), (2, 2, 2, None));
    assert_eq!(bench.scrape("m{a=\"b\"} 3\nn 4\n"), (2, 2, 0, None));
    let m = bench.store.series(r#"{__name__="m", a="b", instance="h:1", job="j"}"#).unwrap();
    assert_eq!(m.floats, [(START + 10_000, 1.0), (START + 20_000, 3.0)]);
    for (metric, values) in [
        ("up", ["1", "1"]),
        ("scrape_duration_seconds", ["0.5", "0.5"]),
        ("scrape_samples_scraped", ["2", "2"]),
        ("scrape_samples_post_metric_relabeling", ["2", "2"]),
        ("scrape_series_added", ["2", "0"]),
    ] {
        assert_eq!(bench.store.values(metric), values, "{metric}");
    }
    assert_eq!(bench.store.dump("up")[0].0, r#"{instance="h:1", job="j"}"#);
    assert!(bench.store.dump("scrape_timeout_seconds").is_empty());
    let metadata = bench.store.metadata("m").unwrap();
    assert_eq!((metadata.kind, metadata.help.as_str()), (MetricType::Counter, "Helps."));
    assert_eq!(bench.intake.target.metadata.list(Some("m"))[0].1, metadata);
}

#[test]
fn known_series_bring_no_labels() {
    let mut bench = Bench::plain();
    let body: String = (0..100).map(|n| format!("m{{n=\"{n}\"}} {n}\n")).collect();
    bench.scrape(&body);
    let after_first = bench.store.label_sets_read();
    assert_eq!(after_first, 105);
    // Values, order and comments change; names do not.
    bench.scrape(&body.replace("} ", "} 1"));
    let reversed: Vec<&str> = body.lines().rev().collect();
    bench.scrape(&format!("# comment\n{}\n", reversed.join("\n")));
    assert_eq!(bench.store.label_sets_read(), after_first);
    assert_eq!(bench.store.series(r#"{__name__="m", instance="h:1", job="j", n="7"}"#).unwrap().floats.len(), 3);
}

#[test]
fn extra_metrics() {
    let mut bench = Bench::new(ScrapeConfig { extra_scrape_metrics: true, sample_limit: 7, ..config() });
    bench.scrape("m 1\n");
    bench.scrape_as(Err(Failure::BodyTooLarge));
    bench.scrape_as(Err(Failure::Other("refused".into())));
    assert_eq!(bench.store.values("scrape_timeout_seconds"), ["10", "10", "10"]);
    assert_eq!(bench.store.values("scrape_sample_limit"), ["7", "7", "7"]);
    assert_eq!(bench.store.values("scrape_body_size_bytes"), ["4", "-1", "0"]);
    assert_eq!(bench.stats().exceeded_body_size_limit, 1);
}

#[test]
fn series_that_vanish_go_stale_once() {
    let mut bench = Bench::plain();
    for body in ["a 1\nb 1\n", "b 2\n", "b 3\n", "a 4\nb 4\n"] {
        bench.scrape(body);
    }
    assert_eq!(bench.store.values("a"), ["1", "stale", "4"]);
    assert_eq!(bench.store.values("b"), ["1", "2", "3", "4"]);
    let stale_at = bench.store.dump("a")[0].1[1].0;
    assert_eq!(stale_at, START + 20_000);
}

#[test]
fn failures_end_every_series() {
    type Step = fn(&mut Bench) -> (usize, usize, usize, Option<String>);
    let ways: [(Step, &str); 5] = [
        (|bench| bench.scrape_as(Err(Failure::Other("down".into()))), "down"),
        (|bench| bench.scrape_as(Err(Failure::BodyTooLarge)), "body size limit exceeded"),
        (|bench| bench.scrape("a 2\nb 2\n{{{\n"), "line 3"),
        (
            |bench| bench.scrape_as(Ok(Fetched { content_type: "", body: b"a 2\n" })),
            "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target",
        ),
        (|bench| bench.scrape("a 2\nb{x=\"1\"} 2\nb{x=\"2\"} 2\nc 2\n"), "sample limit exceeded"),
    ];
    for (fail, error) in ways {
        let mut bench = Bench::new(ScrapeConfig { sample_limit: 3, ..config() });
        bench.scrape("a 1\nb 1\n");
        let failure = fail(&mut bench).3.unwrap();
        assert!(failure.contains(error), "{failure} is not {error}");
        fail(&mut bench);
        bench.scrape("a 3\nb 3\n");
        assert_eq!(bench.store.values("a"), ["1", "stale", "3"], "{error}");
        assert_eq!(bench.store.values("b").last().unwrap(), "3");
        assert_eq!(bench.store.values("up"), ["1", "0", "0", "1"]);
    }
}

#[test]
fn an_empty_body_is_a_good_scrape_without_series() {
    let mut bench = Bench::plain();
    bench.scrape("a 1\n");
    assert_eq!(bench.scrape_as(Ok(Fetched { content_type: "nonsense", body: b"" })).3, None);
    assert_eq!(bench.store.values("a"), ["1", "stale"]);
    assert_eq!(bench.store.values("up"), ["1", "1"]);
}

#[test]
fn the_sample_limit_counts_what_relabelling_keeps() {
    let drop = RelabelConfig {
        source_labels: vec!["__name__".into()],
        regex: RelabelRegex::new("drop.*").unwrap(),
        action: RelabelAction::Drop,
        ..RelabelConfig::default()
    };
    let mut bench = Bench::new(ScrapeConfig { sample_limit: 2, metric_relabel_configs: vec![drop], ..config() });
    assert_eq!(bench.scrape("a 1\ndrop1 1\ndrop2 1\nb 1\n"), (4, 2, 2, None));
    let (scraped, kept, added, failure) = bench.scrape("a 1\ndrop1 1\nb 1\nc 1\nd 1\n");
    assert_eq!((scraped, kept, added, failure.as_deref()), (5, 4, 0, Some("sample limit exceeded")));
    assert!(bench.store.dump("c").is_empty() && bench.store.dump("drop1").is_empty());
    assert_eq!(bench.stats().exceeded_sample_limit, 1);
    // Dropped series are remembered: only the report and the kept ones were ever expanded to labels.
    assert_eq!(bench.store.label_sets_read(), 7);
}

#[test]
fn label_limits_fail_the_scrape() {
    let mut bench = Bench::new(ScrapeConfig { label_limit: 4, ..config() });
    assert_eq!(bench.scrape("a{x=\"1\"} 1\n").3, None);
    let failure = bench.scrape("a{x=\"1\"} 1\nm{x=\"1\",y=\"2\"} 1\n").3.unwrap();
    assert_eq!(failure, "label_limit exceeded (metric: m, number of labels: 5, limit: 4)");
    assert_eq!(bench.store.values("a"), ["1", "stale"]);
    assert_eq!(bench.stats().exceeded_label_limits, 1);
}

#[test]
fn duplicates_are_counted_and_the_first_stays() {
    let mut bench = Bench::plain();
    assert_eq!(bench.scrape("a 1\na 2\nb 1\n"), (3, 3, 2, None));
    assert_eq!(bench.store.values("a"), ["1"]);
    // Another spelling of the same series is only seen by storage.
    assert_eq!(bench.scrape("c{x=\"1\",y=\"2\"} 1\nc{y=\"2\",x=\"1\"} 2\n").2, 1);
    assert_eq!(bench.stats().duplicate_timestamp, 2);
    bench.scrape("c{y=\"2\",x=\"1\"} 3\n");
    bench.scrape("c{y=\"2\",x=\"1\"} 4\n");
    assert_eq!(bench.store.values("c"), ["1", "3", "4"]);
    bench.scrape("x 1\n");
    assert_eq!(bench.store.values("c"), ["1", "3", "4", "stale"]);
}

#[test]
fn explicit_timestamps() {
    let body = |value: i64, ts: i64| format!("a {value} {ts}\n");
    let mut bench = Bench::plain();
    bench.scrape(&body(1, START + 1));
    bench.scrape(&body(2, START + 2));
    bench.scrape(&body(3, START + 1));
    bench.scrape(&body(4, START + 3_600_000));
    bench.scrape("b 1\n");
    // Neither stale, nor out of order, nor from the future.
    assert_eq!(bench.store.values("a"), ["1", "2"]);
    assert_eq!((bench.stats().out_of_order, bench.stats().out_of_bounds), (1, 1));

    let mut tracked = Bench::new(ScrapeConfig { track_timestamps_staleness: true, ..config() });
    tracked.scrape(&body(1, START + 10_000));
    tracked.scrape("b 1\n");
    assert_eq!(tracked.store.values("a"), ["1", "stale"]);

    let mut ignored = Bench::new(ScrapeConfig { honor_timestamps: false, ..config() });
    ignored.scrape(&body(1, 5));
    assert_eq!(ignored.store.dump("a")[0].1, [(START + 10_000, "1".to_owned())]);
    ignored.scrape("b 1\n");
    assert_eq!(ignored.store.values("a"), ["1", "stale"]);
}

#[test]
fn several_timestamps_of_one_series_in_one_body() {
    let mut bench = Bench::plain();
    let body = format!("a 1 {}\na 2 {}\n", START + 1, START + 2);
    assert_eq!(bench.scrape(&body), (2, 2, 1, None));
    assert_eq!(bench.store.values("a"), ["1", "2"]);
}

#[test]
fn forgotten_references_are_repaired_in_the_same_scrape() {
    let mut bench = Bench::plain();
    bench.scrape("a 1\nb{x=\"y\"} 1\n");
    bench.store.forget_refs();
    assert_eq!(bench.scrape("a 2\nb{x=\"y\"} 2\nc 2\n"), (3, 3, 1, None));
    assert_eq!(
        (bench.store.values("a"), bench.store.values("b"), bench.store.values("c")),
        (vec!["2".into()], vec!["2".into()], vec!["2".into()])
    );
    assert_eq!(bench.store.values("up"), ["1"]);
    bench.scrape("b{x=\"y\"} 3\nc 3\n");
    assert_eq!(bench.store.values("a"), ["2", "stale"]);
    assert_eq!(bench.store.values("b"), ["2", "3"]);
}

#[test]
fn a_full_disk_ends_nothing() {
    let mut bench = Bench::plain();
    bench.scrape("a 1\nb 1\n");
    bench.store.unavailable.store(true, Ordering::SeqCst);
    assert_eq!(bench.scrape("a 2\nb 2\nc 2\n").3, None);
    bench.store.unavailable.store(false, Ordering::SeqCst);
    bench.scrape("a 3\nc 3\n");
    assert_eq!(bench.store.values("a"), ["1", "3"]);
    assert_eq!(bench.store.values("b"), ["1", "stale"]);
    assert_eq!(bench.store.values("c"), ["3"]);
    assert!(bench.stats().storage_failed > 0);
}

#[test]
fn the_end_of_the_run_ends_all() {
    let mut bench = Bench::plain();
    bench.scrape("a 1\n");
    bench.intake.end_of_run(bench.ts + 5, &mut bench.scratch);
    for metric in ["a", "up", "scrape_duration_seconds", "scrape_series_added"] {
        assert_eq!(bench.store.values(metric).last().unwrap(), "stale", "{metric}");
    }
    // Before the first scrape there is nothing to end.
    let mut unused = Bench::plain();
    unused.intake.end_of_run(START, &mut Scratch::default());
    assert!(unused.store.dump("up").is_empty());
}

#[test]
fn openmetrics_with_exemplars_and_units() {
    let body = "# TYPE req_seconds histogram\n# UNIT req_seconds seconds\nreq_seconds_bucket{le=\"1\"} 3 # {trace_id=\"t\"} 0.5 1700000000.1\n\
                req_seconds_bucket{le=\"+Inf\"} 4\nreq_seconds_count 4\nreq_seconds_sum 9\n# EOF\n";
    let mut bench = Bench::plain();
    let fetched = Fetched { content_type: "application/openmetrics-text; version=1.0.0", body: body.as_bytes() };
    assert_eq!(bench.scrape_as(Ok(fetched)), (4, 4, 4, None));
    let bucket = bench.store.series(r#"{__name__="req_seconds_bucket", instance="h:1", job="j", le="1.0"}"#).unwrap();
    assert_eq!(bucket.exemplars.len(), 1);
    assert_eq!((bucket.exemplars[0].ts, bucket.exemplars[0].labels.get("trace_id")), (START + 100, Some("t")));
    assert_eq!(bench.store.metadata("req_seconds").unwrap().unit, "seconds");
}

#[test]
fn classic_histograms_become_native_ones_and_go_stale_as_such() {
    let mut bench = Bench::new(ScrapeConfig { convert_classic_histograms_to_nhcb: true, ..config() });
    bench.scrape("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n");
    assert_eq!(bench.store.values("h"), ["count 2"]);
    bench.scrape("a 1\n");
    assert_eq!(bench.store.values("h"), ["count 2", "stale"]);
}
