//! Pushes as clients send them, restarts, expiry and damage.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::base::clock::{Clock, ManualClock};
use crate::base::limits::BODY_BYTES_MAX;
use crate::metrics::ingest::exposition::protobuf::message;
use crate::metrics::ingest::recorder::Recorder;
use crate::series::ports::RefusedReason;

const NOW: i64 = 1_700_000_000_000;

struct Rig {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    store: Arc<Recorder>,
    gateway: Pushgateway,
}

fn open(folder: &std::path::Path, store: &Arc<Recorder>, clock: &Arc<ManualClock>) -> Pushgateway {
    let log = Box::new(log::FolderLog::open(folder).expect("folder"));
    Pushgateway::open(log, Arc::clone(store) as Arc<dyn Append>, Arc::clone(clock) as SharedClock, None).expect("opens")
}

fn rig() -> Rig {
    let folder = tempfile::tempdir().expect("folder");
    let (clock, store) = (ManualClock::at(NOW), Recorder::new());
    let gateway = open(folder.path(), &store, &clock);
    Rig { folder, clock, store, gateway }
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

/// What is newest in storage, without the series about pushes.
fn newest(store: &Recorder) -> Vec<String> {
    store.newest().into_iter().filter(|line| !line.starts_with("{__name__=\"push_")).collect()
}

#[test]
fn put_replaces_and_post_merges() {
    let Rig { gateway, store, folder: _folder, .. } = rig();
    // As the Python client writes it.
    let body = "# HELP job_last_success_unixtime Last time\n# TYPE job_last_success_unixtime gauge\njob_last_success_unixtime 1.5\n";
    assert_eq!(push(&gateway, "PUT", "/job/batch/instance/a", body), 200);
    assert_eq!(store.metadata("job_last_success_unixtime").map(|found| found.kind), Some(MetricType::Gauge));
    assert_eq!(push(&gateway, "POST", "/job/batch/instance/a", "x{job=\"other\",l=\"1\"} 2\n"), 200);
    assert_eq!(
        newest(&store),
        [
            "{__name__=\"job_last_success_unixtime\", instance=\"a\", job=\"batch\"} 1.5",
            "{__name__=\"x\", instance=\"a\", job=\"batch\", l=\"1\"} 2"
        ]
    );
    assert_eq!(push(&gateway, "PUT", "/job/batch/instance/a", "y 3\n"), 200);
    gateway.restate();
    assert_eq!(
        newest(&store),
        [
            "{__name__=\"job_last_success_unixtime\", instance=\"a\", job=\"batch\"} stale",
            "{__name__=\"x\", instance=\"a\", job=\"batch\", l=\"1\"} stale",
            "{__name__=\"y\", instance=\"a\", job=\"batch\"} 3"
        ]
    );
    assert_eq!(push(&gateway, "DELETE", "/job/batch/instance/a", ""), 202);
    assert!(store.newest().iter().all(|line| line.ends_with(" stale")), "{:?}", store.newest());
    let offered = store.offered();
    gateway.restate();
    assert_eq!(store.offered(), offered, "marked once");
    assert_eq!(push(&gateway, "DELETE", "/job/never", ""), 202);
    assert_eq!(push(&gateway, "GET", "/job/batch", ""), 405);
}

#[test]
fn a_refused_push_leaves_all_as_it_was() {
    let Rig { gateway, store, clock, folder } = rig();
    assert_eq!(push(&gateway, "PUT", "/job/a", "m 1\nold 1\n"), 200);
    let send = |path: &str| gateway.handle("PUT", path, PushHeaders::default(), b"m 2\nnew 2\n");
    let kept = ["{__name__=\"m\", job=\"a\"} 1", "{__name__=\"old\", job=\"a\"} 1"];
    let files = || std::fs::read_dir(folder.path()).expect("reads").count();
    // Nothing is taken now.
    store.unavailable.store(true, Ordering::SeqCst);
    for path in ["/job/a", "/job/b"] {
        let response = send(path);
        assert_eq!((response.status, response.body.as_str()), (503, "storage does not take writes now: no space left"));
    }
    store.unavailable.store(false, Ordering::SeqCst);
    store.refuse("new", Some(RefusedReason::ShortOfMemory));
    assert_eq!(send("/job/b").status, 503);
    assert_eq!((gateway.groups().len(), gateway.groups()[0].last_push_successful(), files()), (1, true, 1));
    // What the pusher must repair is remembered where there was a group.
    clock.advance(std::time::Duration::from_secs(10));
    store.refuse("new", Some(RefusedReason::InvalidLabels));
    for path in ["/job/a", "/job/b"] {
        let response = send(path);
        let said = format!("pushed metrics cannot be stored: {{__name__=\"new\", job=\"{}\"}}: invalid labels", &path[5..]);
        assert_eq!((response.status, response.body), (400, said));
    }
    assert_eq!((gateway.groups().len(), gateway.groups()[0].last_push_successful(), files()), (1, false, 1));
    gateway.restate();
    assert_eq!(newest(&store), kept);
    drop(gateway);
    let gateway = open(folder.path(), &store, &clock);
    gateway.restate();
    assert_eq!(newest(&store), kept, "after a restart too");
    store.refuse("new", None);
    assert_eq!(gateway.handle("PUT", "/job/a", PushHeaders::default(), b"m 2\nnew 2\n").status, 200);
    let expected = ["{__name__=\"m\", job=\"a\"} 2", "{__name__=\"new\", job=\"a\"} 2", "{__name__=\"old\", job=\"a\"} stale"];
    assert_eq!(newest(&store), expected);
}

#[test]
fn a_push_in_doubt_is_not_acknowledged_and_the_group_before_is_stated_again() {
    let Rig { gateway, store, folder: _folder, .. } = rig();
    assert_eq!(push(&gateway, "PUT", "/job/a", "m 1\nold 1\n"), 200);
    store.log_fails.store(true, Ordering::SeqCst);
    assert_eq!(push(&gateway, "PUT", "/job/a", "m 2\nnew 2\n"), 503);
    store.log_fails.store(false, Ordering::SeqCst);
    gateway.restate();
    let expected = ["{__name__=\"m\", job=\"a\"} 1", "{__name__=\"new\", job=\"a\"} stale", "{__name__=\"old\", job=\"a\"} 1"];
    assert_eq!(newest(&store), expected);
    // A deletion stands although its marks must wait.
    store.unavailable.store(true, Ordering::SeqCst);
    assert_eq!(push(&gateway, "DELETE", "/job/a", ""), 202);
    gateway.restate();
    store.unavailable.store(false, Ordering::SeqCst);
    gateway.restate();
    assert!(store.newest().iter().all(|line| line.ends_with(" stale")), "{:?}", store.newest());
}

/// A disk that is full at a step.
struct FullDisk(log::FolderLog, &'static str);

impl GroupLog for FullDisk {
    fn load(&self) -> io::Result<Vec<Vec<u8>>> {
        self.0.load()
    }

    fn prepare(&self, key: &str, bytes: &[u8]) -> io::Result<()> {
        if self.1 == "prepare" { Err(io::ErrorKind::StorageFull.into()) } else { self.0.prepare(key, bytes) }
    }

    fn commit(&self, key: &str) -> io::Result<()> {
        if self.1 == "commit" { Err(io::ErrorKind::StorageFull.into()) } else { self.0.commit(key) }
    }

    fn discard(&self, key: &str) {
        self.0.discard(key);
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }
}

#[test]
fn a_disk_that_is_full_at_any_step_keeps_what_was() {
    for step in ["prepare", "commit"] {
        let Rig { gateway, store, clock, folder } = rig();
        assert_eq!(push(&gateway, "PUT", "/job/a", "m 1\n"), 200);
        drop(gateway);
        let log = Box::new(FullDisk(log::FolderLog::open(folder.path()).expect("folder"), step));
        let gateway = Pushgateway::open(log, Arc::clone(&store) as _, Arc::clone(&clock) as SharedClock, None).expect("opens");
        for (method, path) in [("PUT", "/job/a"), ("POST", "/job/b"), ("DELETE", "/job/a")] {
            assert_eq!(push(&gateway, method, path, "m 2\nnew 2\n"), 503, "{step} {method} {path}");
        }
        assert_eq!((gateway.groups().len(), std::fs::read_dir(folder.path()).expect("reads").count()), (1, 1));
        gateway.restate();
        let shown: Vec<_> = newest(&store).into_iter().filter(|line| !line.ends_with(" stale")).collect();
        assert_eq!(shown, ["{__name__=\"m\", job=\"a\"} 1"], "{step}");
    }
}

#[test]
fn a_push_appends_its_own_group_only() {
    let Rig { gateway, store, folder: _folder, .. } = rig();
    let mut offered = Vec::new();
    for group in 0..200 {
        let before = store.offered();
        assert_eq!(push(&gateway, "PUT", &format!("/job/g{group}"), "a 1\nb 2\n"), 200);
        offered.push(store.offered() - before);
    }
    // Its own and the two about pushes.
    assert_eq!(offered, vec![4; 200]);
    let before = store.offered();
    gateway.restate();
    assert_eq!(store.offered() - before, 800, "the round has all");
}

/// `cargo test --lib cost_of_a_push -- --ignored --nocapture` shows it.
#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stdout, reason = "a measurement prints")]
fn cost_of_a_push() {
    for groups in [10, 1_000, 5_000] {
        let folder = tempfile::tempdir().expect("folder");
        let (log, clock) = (log::FolderLog::open(folder.path()).expect("folder"), Arc::new(crate::base::clock::SystemClock::new()));
        let gateway = Pushgateway::open(Box::new(log), Recorder::new() as _, Arc::clone(&clock) as SharedClock, None).expect("opens");
        (0..groups).for_each(|group| assert_eq!(push(&gateway, "PUT", &format!("/job/g{group}"), "a 1\nb 2\n"), 200));
        let began = clock.monotonic();
        (0..200).for_each(|_| assert_eq!(push(&gateway, "PUT", "/job/g0", "a 1\nb 2\n"), 200));
        let took = clock.monotonic() - began;
        println!("{groups} groups: {:?} a push", took / 200);
    }
}

#[test]
fn refusals_are_remembered_as_failures() {
    let Rig { gateway, clock, store, folder: _folder } = rig();
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
    assert_eq!(newest(&store), ["{__name__=\"m\", job=\"a\"} 1"]);
    // The same series from two groups.
    assert_eq!(push(&gateway, "PUT", "/job/a", "# TYPE z gauge\nz{instance=\"i\"} 1\n"), 200);
    assert_eq!(push(&gateway, "PUT", "/job/a/instance/i", "# TYPE z gauge\nz 1\n"), 400);
}

#[test]
fn groups_survive_and_damage_is_left_out() {
    let Rig { gateway, clock, store, folder } = rig();
    let body = "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\n";
    assert_eq!(push(&gateway, "PUT", "/job/a", body), 200);
    assert_eq!(push(&gateway, "PUT", "/job/b", "m NaN\n"), 200);
    let before = (gateway.groups().len(), newest(&store));
    drop(gateway);
    std::fs::write(folder.path().join("half.tmp"), b"x").expect("write");
    std::fs::write(folder.path().join("0.group"), b"damaged").expect("write");
    let store = Recorder::new();
    let gateway = open(folder.path(), &store, &clock);
    gateway.restate();
    assert_eq!((gateway.groups().len(), newest(&store)), before);
    assert!(!folder.path().join("half.tmp").exists());
    assert_eq!(gateway.wipe().status, 202);
    assert_eq!(open(folder.path(), &store, &clock).groups(), []);
}

#[test]
fn time_to_live() {
    let Rig { gateway, store, clock, folder: _folder } = rig();
    let headers = PushHeaders { ttl: "1m", ..PushHeaders::default() };
    assert_eq!(gateway.handle("PUT", "/job/a", headers, b"m 1\n").status, 200);
    assert_eq!(gateway.handle("PUT", "/job/b", PushHeaders { ttl: "soon", ..headers }, b"m 1\n").status, 400);
    clock.advance(std::time::Duration::from_secs(60));
    gateway.restate();
    assert_eq!(newest(&store), ["{__name__=\"m\", job=\"a\"} 1"]);
    clock.advance(std::time::Duration::from_millis(1));
    gateway.restate();
    assert_eq!(newest(&store), ["{__name__=\"m\", job=\"a\"} stale"]);
    assert_eq!(gateway.groups(), []);
}

#[test]
fn packed_bodies_and_bombs() {
    let Rig { gateway, store, folder: _folder, .. } = rig();
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
    assert_eq!(newest(&store), ["{__name__=\"m\", job=\"a\"} 2"]);
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
    let Rig { gateway, store, folder: _folder, .. } = rig();
    let histogram = message::Histogram { sample_count: 3, zero_count: 3, zero_threshold: 0.1, ..Default::default() };
    let metric = message::Metric { histogram: Some(histogram), ..Default::default() };
    let family = message::MetricFamily { name: "h".into(), r#type: 4, metric: vec![metric], ..Default::default() };
    let content_type = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    let headers = PushHeaders { content_type, ..PushHeaders::default() };
    assert_eq!(gateway.handle("POST", "/job/a", headers, &family.encode_length_delimited_to_vec()).status, 200);
    assert_eq!(newest(&store), ["{__name__=\"h\", job=\"a\"} histogram 3"]);
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
