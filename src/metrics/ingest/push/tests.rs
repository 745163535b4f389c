//! Pushes as clients send them, restarts, expiry and damage.

use std::io::Write;
use std::sync::Arc;

use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::base::clock::ManualClock;
use crate::base::limits::BODY_BYTES_MAX;
use crate::metrics::ingest::exposition::protobuf::message;
use crate::series::sample::is_stale;

const NOW: i64 = 1_700_000_000_000;

struct Rig {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    gateway: Pushgateway,
}

fn open(folder: &std::path::Path, clock: &Arc<ManualClock>) -> Pushgateway {
    let log = Box::new(log::FolderLog::open(folder).expect("folder"));
    Pushgateway::open(log, Arc::clone(clock) as SharedClock, None).expect("opens")
}

fn rig() -> Rig {
    let folder = tempfile::tempdir().expect("folder");
    let clock = ManualClock::at(NOW);
    let gateway = open(folder.path(), &clock);
    Rig { folder, clock, gateway }
}

fn push(gateway: &Pushgateway, method: &str, path: &str, body: &str) -> u16 {
    gateway
        .handle(
            method,
            path,
            PushHeaders { content_type: "text/plain; version=0.0.4; charset=utf-8", ..PushHeaders::default() },
            body.as_bytes(),
        )
        .status
}

/// What a tick writes, without the series about pushes.
fn tick(gateway: &Pushgateway, now: i64) -> Vec<String> {
    let mut batch = WriteBatch::new();
    gateway.collect(now, &mut batch);
    let mut lines: Vec<_> = batch
        .series
        .iter()
        .filter_map(|series| {
            let labels = Labels::from_packed(batch.labels_of(series)).expect("labels");
            let value = match batch.floats.get(series.floats.start as usize).filter(|_| !series.floats.is_empty()) {
                Some(sample) if is_stale(sample.value) => "stale".to_owned(),
                Some(sample) => sample.value.to_string(),
                None => format!("histogram {}", batch.histograms[series.histograms.start as usize].1.count),
            };
            (!labels.metric_name().starts_with("push_")).then(|| format!("{labels} {value}"))
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn put_replaces_and_post_merges() {
    let Rig { gateway, folder: _folder, .. } = rig();
    // As the Python client writes it.
    let body = "# HELP job_last_success_unixtime Last time\n# TYPE job_last_success_unixtime gauge\njob_last_success_unixtime 1.5\n";
    assert_eq!(push(&gateway, "PUT", "/job/batch/instance/a", body), 200);
    assert_eq!(push(&gateway, "POST", "/job/batch/instance/a", "x{job=\"other\",l=\"1\"} 2\n"), 200);
    assert_eq!(
        tick(&gateway, 1),
        [
            "{__name__=\"job_last_success_unixtime\", instance=\"a\", job=\"batch\"} 1.5",
            "{__name__=\"x\", instance=\"a\", job=\"batch\", l=\"1\"} 2"
        ]
    );
    assert_eq!(push(&gateway, "PUT", "/job/batch/instance/a", "y 3\n"), 200);
    assert_eq!(
        tick(&gateway, 2),
        [
            "{__name__=\"job_last_success_unixtime\", instance=\"a\", job=\"batch\"} stale",
            "{__name__=\"x\", instance=\"a\", job=\"batch\", l=\"1\"} stale",
            "{__name__=\"y\", instance=\"a\", job=\"batch\"} 3"
        ]
    );
    assert_eq!(push(&gateway, "DELETE", "/job/batch/instance/a", ""), 202);
    assert_eq!(tick(&gateway, 3), ["{__name__=\"y\", instance=\"a\", job=\"batch\"} stale"]);
    assert_eq!(tick(&gateway, 4), Vec::<String>::new());
    assert_eq!(push(&gateway, "DELETE", "/job/never", ""), 202);
    assert_eq!(push(&gateway, "GET", "/job/batch", ""), 405);
}

#[test]
fn refusals_are_remembered_as_failures() {
    let Rig { gateway, clock, folder: _folder } = rig();
    assert_eq!(push(&gateway, "PUT", "/job/a", "# TYPE m counter\nm 1\n"), 200);
    clock.advance(std::time::Duration::from_secs(10));
    for (path, body) in [
        ("/job/b", "# TYPE m gauge\nm 1\n"),
        ("/job/a", "m 1 1700000000000\n"),
        ("/job/a", "m 1\nm 2\n"),
        ("/job/a", "m{job=\"x\"} 1\nm{job=\"y\"} 2\n"),
        ("/job/a", "m{ 1\n"),
        ("/job/a", "m 1"),
        ("/job/", "m 1\n"),
    ] {
        let status = push(&gateway, "PUT", path, body);
        assert_eq!(status, 400, "{path} {body}");
    }
    let groups = gateway.groups();
    assert_eq!(groups.iter().map(|group| group.last_push_successful()).collect::<Vec<_>>(), [false, false]);
    assert_eq!((groups[0].push_time_ms, groups[0].push_failure_ms), (NOW, NOW + 10_000));
    assert_eq!(tick(&gateway, 1), ["{__name__=\"m\", job=\"a\"} 1"]);
    // The same series from two groups.
    assert_eq!(push(&gateway, "PUT", "/job/a", "# TYPE z gauge\nz{instance=\"i\"} 1\n"), 200);
    assert_eq!(push(&gateway, "PUT", "/job/a/instance/i", "# TYPE z gauge\nz 1\n"), 400);
}

#[test]
fn groups_survive_and_damage_is_left_out() {
    let Rig { gateway, clock, folder } = rig();
    let body = "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\n";
    assert_eq!(push(&gateway, "PUT", "/job/a", body), 200);
    assert_eq!(push(&gateway, "PUT", "/job/b", "m NaN\n"), 200);
    let before = (gateway.groups().len(), tick(&gateway, 1));
    drop(gateway);
    std::fs::write(folder.path().join("half.tmp"), b"x").expect("write");
    std::fs::write(folder.path().join("0.group"), b"damaged").expect("write");
    let gateway = open(folder.path(), &clock);
    assert_eq!((gateway.groups().len(), tick(&gateway, 1)), before);
    assert!(!folder.path().join("half.tmp").exists());
    assert_eq!(gateway.wipe().status, 202);
    assert_eq!(open(folder.path(), &clock).groups(), []);
}

#[test]
fn time_to_live() {
    let Rig { gateway, folder: _folder, .. } = rig();
    let headers = PushHeaders { ttl: "1m", ..PushHeaders::default() };
    assert_eq!(gateway.handle("PUT", "/job/a", headers, b"m 1\n").status, 200);
    assert_eq!(gateway.handle("PUT", "/job/b", PushHeaders { ttl: "soon", ..headers }, b"m 1\n").status, 400);
    assert_eq!(tick(&gateway, NOW + 60_000), ["{__name__=\"m\", job=\"a\"} 1"]);
    assert_eq!(tick(&gateway, NOW + 60_001), ["{__name__=\"m\", job=\"a\"} stale"]);
    assert_eq!(gateway.groups(), []);
}

#[test]
fn packed_bodies_and_bombs() {
    let Rig { gateway, folder: _folder, .. } = rig();
    let gzip = |body: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).expect("gzip");
        encoder.finish().expect("gzip")
    };
    let send = |encoding, body: &[u8]| {
        gateway.handle("PUT", "/job/a", PushHeaders { content_encoding: encoding, ..PushHeaders::default() }, body).status
    };
    assert_eq!(send("gzip", &gzip(b"m 1\n")), 200);
    let mut framed = snap::write::FrameEncoder::new(Vec::new());
    framed.write_all(b"m 2\n").expect("snappy");
    assert_eq!(send("snappy", &framed.into_inner().expect("snappy")), 200);
    assert_eq!(tick(&gateway, 1), ["{__name__=\"m\", job=\"a\"} 2"]);
    assert_eq!(send("br", b"m 1\n"), 400);
    assert_eq!(send("gzip", b"m 1\n"), 400);
    assert_eq!(send("gzip", &gzip(&vec![b'\n'; body::UNPACKED_BYTES_MAX + 1])), 413);
    assert_eq!(send("", &vec![b'\n'; BODY_BYTES_MAX + 1]), 413);
    let families: String = (0..70_000).map(|at| format!("# TYPE a{at} gauge\n")).collect();
    assert_eq!(send("gzip", &gzip(families.as_bytes())), 413);
}

#[test]
fn groups_agree_on_the_kind_of_a_family() {
    let Rig { gateway, folder: _folder, .. } = rig();
    let body = |kind: &str| format!("# TYPE a {kind}\na{{b=\"c\"}} 1\n");
    let push = |path: &str, kind: &str| push(&gateway, "PUT", path, &body(kind));
    assert_eq!(push("/job/one", "gauge"), 200);
    assert_eq!(push("/job/one", "counter"), 200, "a group may change its own mind");
    assert_eq!(push("/job/two", "gauge"), 400);
    assert_eq!(push("/job/two", "counter"), 200);
    assert_eq!(push("/job/one", "gauge"), 400);
    assert_eq!(gateway.handle("DELETE", "/job/two", PushHeaders::default(), b"").status, 202);
    assert_eq!(push("/job/one", "gauge"), 200);
}

#[test]
fn a_long_grouping_key_counts_with_every_series() {
    let rig = rig();
    let path = format!("/job/a/long/{}", "x".repeat(60_000));
    let body = |series: usize| (0..series).map(|at| format!("a{{b=\"{at}\"}} 1\n")).collect::<String>();
    assert_eq!(push(&rig.gateway, "PUT", &path, &body(10)), 200);
    assert_eq!(push(&rig.gateway, "PUT", &path, &body(500)), 413);
}

#[test]
fn protobuf_with_native_histogram() {
    let Rig { gateway, folder: _folder, .. } = rig();
    let histogram = message::Histogram { sample_count: 3, zero_count: 3, zero_threshold: 0.1, ..Default::default() };
    let metric = message::Metric { histogram: Some(histogram), ..Default::default() };
    let family = message::MetricFamily { name: "h".into(), r#type: 4, metric: vec![metric], ..Default::default() };
    let content_type = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    let headers = PushHeaders { content_type, ..PushHeaders::default() };
    assert_eq!(gateway.handle("POST", "/job/a", headers, &family.encode_length_delimited_to_vec()).status, 200);
    assert_eq!(tick(&gateway, 1), ["{__name__=\"h\", job=\"a\"} histogram 3"]);
}

#[test]
fn json_of_the_api() {
    let Rig { gateway, folder: _folder, .. } = rig();
    let body = "# HELP h H\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\n\
                # TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 2\ns_count 3\n# TYPE g gauge\ng{le=\"x\"} 7\n";
    assert_eq!(push(&gateway, "PUT", "/job/a", body), 200);
    let json = view::metrics_json(&gateway.groups());
    let group = &json["data"][0];
    assert_eq!(json["status"], "success");
    assert_eq!(group["labels"], serde_json::json!({"job": "a"}));
    assert_eq!(group["last_push_successful"], true);
    assert_eq!(group["h"]["type"], "HISTOGRAM");
    assert_eq!(
        group["h"]["metrics"],
        serde_json::json!([{"labels": {"job": "a", "instance": ""}, "buckets": {"1.0": "2", "+Inf": "3"}, "sum": "4", "count": "3"}])
    );
    assert_eq!(group["s"]["metrics"][0]["quantiles"], serde_json::json!({"0.5": "1"}));
    assert_eq!(group["g"]["metrics"], serde_json::json!([{"labels": {"job": "a", "instance": "", "le": "x"}, "value": "7"}]));
    assert_eq!(group["push_time_seconds"]["type"], "GAUGE");
}

proptest! {
    #[test]
    fn damaged_files_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), fix in any::<bool>()) {
        if fix && bytes.len() >= 4 {
            let crc = crc32fast::hash(&bytes[4..]).to_le_bytes();
            bytes[..4].copy_from_slice(&crc);
        }
        let _group = Group::decode(&bytes);
    }

    #[test]
    fn bodies_never_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        for (kind, encoding) in [("", ""), ("application/vnd.google.protobuf", ""), ("", "gzip"), ("", "snappy")] {
            let _pushed = body::read(kind, encoding, &body, &Labels::from_pairs([("job", "a")]));
        }
    }
}
