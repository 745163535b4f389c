//! Data for the rendering tests of pages.

use super::cardinality::{CardinalityInput, Growth, Limit};
use super::catalogue::CatalogueInput;
use super::home::{Disk, HomeInput, Host, Ingest, Job, Problem};
use super::pushed::{Group, PushedInput};
use super::status::{Block, Config, Quarantined, Remark, Setting, StatusInput, Storage};
use super::targets::{self, Dropped, Health, Step, Target, TargetsInput};
use crate::metrics::model::catalogue::Metric;
use crate::series::labels::Labels;
use crate::series::ports::ChecksInAll;
use crate::series::sample::MetricType;
use crate::ui::lang::Words;
use crate::ui::shell::Counts;

/// What a hostile target might send.
pub(super) const HOSTILE: &str = "\"'><img src=x onerror=alert(1)><script>alert(1)</script>{{7*7}}\u{202e}";

/// Fails when a page carries markup that came from data, or is not whole.
pub(super) fn check(html: &str) {
    assert!(!html.contains("<img") && !html.contains("<script>"), "data became markup");
    assert!(
        html.trim_start().starts_with("<!doctype html>") && html.trim_end().ends_with("</html>") || html.contains("</html>"),
        "the page is whole"
    );
    assert!(!html.contains("could not be made"));
}

/// A busy host.
pub(super) fn home() -> HomeInput {
    let wave = |base: f64, swing: f64| {
        (0..60).map(|at| base + swing * (f64::from(at) / 7.0).sin() + swing * 0.3 * (f64::from(at * 37 % 11) / 11.0)).collect::<Vec<_>>()
    };
    let disk = |mount: &str, used: f64, size: f64| Disk { mount: mount.to_owned(), used: used * 1073741824.0, size: size * 1073741824.0 };
    let host = Host {
        name: "host-2".to_owned(),
        selector: "job=\"host\"".to_owned(),
        cpu: Some(0.423),
        cpu_recent: wave(0.4, 0.1),
        cpu_minutes: vec![0.42; 5],
        cores: 16,
        memory_used: Some(19.8 * 1073741824.0),
        memory_total: 34.0 * 1073741824.0,
        memory_recent: wave(19.0, 0.8),
        disks: vec![disk("/", 49.0, 80.0), disk("/var/lib/pharos", 415.0, 500.0), disk("/backup", 700.0, 2048.0)],
        net_in: Some(40_055_603.0),
        net_out: Some(25_795_000.0),
        net_recent: wave(38.0, 12.0),
        load: Some([3.18, 3.41, 2.97]),
        load_recent: wave(3.0, 1.0),
        uptime_s: Some(42.3 * 86_400.0),
    };
    let problems = vec![
        Problem::disk_nearly_full(&host.disks[1]).expect("full enough"),
        Problem::target_down("api", "10.0.3.7:9100", "dial tcp 10.0.3.7:9100: connect: connection refused", Some(1_763_713_640_000)),
        Problem::high_cardinality("http_requests_total", 212_400, "38% more than yesterday"),
    ];
    let job = |name: &str, up, down, unknown| Job { name: name.to_owned(), up, down, unknown };
    HomeInput {
        checks: ChecksInAll::default(),
        host: Some(host),
        host_metrics: true,
        ingest: Ingest { samples_per_second: 18_420.0, recent: wave(18_000.0, 600.0), series: 276_480, stored_bytes: 12_884_901_888 },
        jobs: vec![job("pharos", 1, 0, 0), job("host", 1, 0, 0), job("api", 23, 1, 0), job("postgres", 4, 0, 0), job("batch", 0, 0, 2)],
        problems,
        alerts: Counts::default(),
    }
}

/// Three targets of one job, one of them down, and one of another.
pub(super) fn targets() -> TargetsInput {
    let target = |job: &str, host: &str, health: Health, error: &str| {
        let address = format!("{host}:9100");
        let discovered = Labels::from_pairs([
            ("__address__", address.as_str()),
            ("__metrics_path__", "/metrics"),
            ("__scheme__", "http"),
            ("__meta_filepath", "/etc/pharos/targets/api.yml"),
            ("job", job),
        ]);
        let with_env = discovered.to_builder().set("env", "prod").build();
        let labels = Labels::from_pairs([("env", "prod"), ("instance", &address), ("job", job)]);
        Target {
            job: job.to_owned(),
            url: format!("http://{address}/metrics"),
            health,
            error: error.to_owned(),
            last_scrape_ms: Some(1_763_713_993_000),
            duration_s: Some(if health == Health::Down { 9.4 } else { 0.0123 }),
            interval_ms: 15_000,
            timeout_ms: 10_000,
            samples: (health == Health::Up).then_some(1204),
            labels: labels.clone(),
            discovered,
            steps: vec![
                Step {
                    rule: "replace source=[__meta_filepath] regex=.*/(api).yml target=env replacement=prod".into(),
                    after: Some(with_env.clone()),
                },
                Step { rule: "keep source=[env] regex=prod|stage".into(), after: Some(with_env) },
                Step { rule: "labeldrop regex=__meta_.*".into(), after: Some(labels) },
            ],
        }
    };
    let refused = "Get \"http://10.0.3.7:9100/metrics\": dial tcp 10.0.3.7:9100: connect: connection refused";
    let dropped = Labels::from_pairs([("__address__", "10.0.3.99:9100"), ("job", "api")]);
    TargetsInput {
        targets: vec![
            target("host", "127.0.0.1", Health::Up, ""),
            target("api", "10.0.3.5", Health::Up, ""),
            target("api", "10.0.3.7", Health::Down, refused),
            target("api", "10.0.3.6", Health::Up, ""),
            target("pharos", "localhost", Health::Unknown, ""),
        ],
        dropped: vec![Dropped {
            job: "api".into(),
            discovered: dropped,
            steps: vec![Step { rule: "keep source=[env] regex=prod|stage".into(), after: None }],
        }],
        dropped_total: 1,
        filter: targets::Filter::default(),
    }
}

/// Metrics of every type.
pub(super) fn catalogue() -> CatalogueInput {
    use MetricType::{Counter, Gauge, Histogram, Summary, Unknown};
    let metric = |name: &str, kind, unit: &str, help: &str, series, labels: &[&str]| Metric {
        name: name.into(),
        kind,
        unit: unit.into(),
        help: help.into(),
        series,
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        native: name == "http_request_duration_seconds",
        ..Metric::default()
    };
    CatalogueInput {
        metrics: vec![
            metric(
                "go_gc_duration_seconds",
                Summary,
                "seconds",
                "A summary of the wall-time pause (stop-the-world) duration in garbage collection cycles.",
                24,
                &["instance", "job", "quantile"],
            ),
            metric("go_goroutines", Gauge, "", "Number of goroutines that currently exist.", 24, &["instance", "job"]),
            metric(
                "http_request_duration_seconds",
                Histogram,
                "seconds",
                "How long requests take, by route.",
                480,
                &["code", "instance", "job", "method", "route"],
            ),
            metric(
                "http_requests_total",
                Counter,
                "",
                "Requests by route, method and status code since the process started.",
                212_400,
                &["code", "env", "instance", "job", "method", "pod", "region", "route", "version", "zone"],
            ),
            metric(
                "node_cpu_seconds_total",
                Counter,
                "seconds",
                "Seconds the CPUs spent in each mode.",
                128,
                &["cpu", "instance", "job", "mode"],
            ),
            metric(
                "node_filesystem_avail_bytes",
                Gauge,
                "bytes",
                "Filesystem space available to non-root users in bytes.",
                12,
                &["device", "fstype", "instance", "job", "mountpoint"],
            ),
            metric(
                "node_memory_MemAvailable_bytes",
                Gauge,
                "bytes",
                "Memory information field MemAvailable_bytes.",
                1,
                &["instance", "job"],
            ),
            metric("pg_stat_database_xact_commit", Unknown, "", "", 42, &["datname", "instance", "job"]),
            metric("up", Gauge, "", "Whether the last scrape of the target was good.", 32, &["instance", "job"]),
        ],
        ..CatalogueInput::default()
    }
}

/// One metric that is far too large.
pub(super) fn cardinality() -> CardinalityInput {
    let list = |rows: &[(&str, u64)]| rows.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect::<Vec<_>>();
    CardinalityInput {
        series: 276_480,
        pairs: 41_207,
        names: 84,
        metrics: 1_312,
        top_metrics: list(&[
            ("http_requests_total", 212_400),
            ("http_request_duration_seconds_bucket", 28_800),
            ("container_network_receive_bytes_total", 6_120),
            ("node_cpu_seconds_total", 2_048),
            ("pg_stat_user_tables_seq_scan", 1_904),
            ("go_memstats_alloc_bytes", 24),
        ]),
        top_labels: list(&[("request_id", 18_204), ("pod", 1_204), ("route", 182), ("instance", 96), ("le", 24), ("code", 12)]),
        top_label_bytes: list(&[("request_id", 655_344), ("pod", 48_160), ("route", 4_914), ("instance", 2_112)]),
        top_pairs: vec![
            ("job".into(), "api".into(), 241_204),
            ("env".into(), "prod".into(), 198_112),
            ("code".into(), "200".into(), 44_102),
            ("le".into(), "+Inf".into(), 1_204),
        ],
        growth: Some(vec![
            Growth { metric: "http_requests_total".into(), hour_ago: Some(212_000), day_ago: Some(153_900), now: 212_400 },
            Growth { metric: "checkout_attempts_total".into(), hour_ago: Some(0), day_ago: None, now: 1_840 },
        ]),
        limits: vec![
            Limit { name: "sample_limit".into(), value: "10,000".into(), scope: "job api".into(), used: Some(0.97), refused: 0 },
            Limit { name: "label_value_length_limit".into(), value: "200".into(), scope: "job api".into(), used: None, refused: 4_120 },
            Limit {
                name: "series in the head".into(),
                value: "2,000,000".into(),
                scope: "everywhere".into(),
                used: Some(0.138),
                refused: 0,
            },
        ],
    }
}

/// Three groups, one with a refused push.
pub(super) fn pushed() -> PushedInput {
    let now = 1_763_714_000_000;
    let group = |job: &str, instance: &str, age_ms: i64| Group {
        id: format!("{job}/{instance}"),
        labels: Labels::from_pairs([("job", job), ("instance", instance)]),
        metrics: 12,
        series: 48,
        pushed_ms: Some(now - age_ms),
        failed: None,
    };
    let mut etl = group("etl", "loader-3", 5_400_000);
    etl.failed = Some((now - 60_000, Words::plain("pushed metrics are inconsistent: rows_total is a counter here and a gauge there")));
    PushedInput {
        groups: vec![group("backup", "db-1", 3 * 86_400_000), etl, group("nightly-report", "", 3_600_000)],
        filter: String::new(),
        push_url: "http://127.0.0.1:9090/metrics/job/backup".into(),
    }
}

/// A server with three days of blocks.
pub(super) fn status() -> StatusInput {
    let now = 1_763_714_000_000i64;
    let hour = 3_600_000;
    let block = |hours_ago: i64, hours: i64, level| Block {
        ulid: format!("01JD{hours_ago:022}"),
        min_ms: now - hours_ago * hour,
        max_ms: now - (hours_ago - hours) * hour,
        series: 268_204,
        samples: 128_204_118 * hours as u64 / 2,
        bytes: 186_646_528 * hours as u64 / 2,
        level,
    };
    let setting = |name: &str, value: &str, source: &str, help: &str| Setting {
        name: name.into(),
        value: value.into(),
        source: source.into(),
        help: help.into(),
    };
    let yaml = "# pharos.yml\nglobal:\n  scrape_interval: 15s\n  external_labels:\n    region: eu-1\n\nscrape_configs:\n  - job_name: api\n    sample_limit: 10000\n    file_sd_configs:\n      - files: [\"targets/api.yml\"]\n    basic_auth:\n      username: pharos\n      password: <secret>  # from the vault\n    relabel_configs:\n      - source_labels: [env]\n        regex: \"prod|stage\"\n        action: keep\n";
    StatusInput {
        version: "0.1.0".into(),
        facts: vec![("Listens on", Words::plain("127.0.0.1:9090")), ("Data folder", Words::plain("/var/lib/pharos"))],
        started_ms: now - 4 * 86_400_000,
        storage: Storage {
            head_series: 276_480,
            head_chunks: 552_960,
            head_range: Some((now - 2 * hour, now)),
            wal_bytes: 402_653_184,
            wal_segments: 3,
            blocks: vec![
                block(68, 18, 3),
                block(50, 18, 3),
                block(32, 18, 3),
                block(14, 6, 2),
                block(8, 2, 1),
                block(6, 2, 1),
                block(4, 2, 1),
            ],
            quarantined: vec![Quarantined { name: "quarantined/01JCZZZZ".into(), reason: "checksum of the index does not match".into() }],
            disk: Some((91_268_055_040, 536_870_912_000)),
            retention_time: Some("15d".into()),
            retention_bytes: 21_474_836_480,
        },
        config: Config {
            path: Words::plain("/etc/pharos/pharos.yml"),
            yaml: yaml.into(),
            loaded_ms: Some(now - 900_000),
            error: None,
            warnings: vec![Remark { line: Some(3), message: "scrape_interval is shorter than the timeout of job api.".into() }],
        },
        settings: vec![
            setting("--config.file", "/etc/pharos/pharos.yml", "flag", "File with scrape jobs and remote write."),
            setting("--storage.tsdb.retention.time", "15d", "environment", "How long samples are kept."),
            setting("--web.listen-address", "127.0.0.1:9090", "default", "Address and port to listen on."),
            setting("--query.max-samples", "50000000", "default", "Samples one query may hold in memory."),
        ],
    }
}
