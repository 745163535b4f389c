//! Packets as clients send them, and the series that they become.

use std::sync::Arc;

use super::listen::flush;
use super::*;
use crate::base::clock::ManualClock;
use crate::metrics::ingest::recorder::Recorder;

const NOW: i64 = 1_700_000_000_000;

struct House {
    statsd: Statsd,
    recorder: Arc<Recorder>,
    clock: Arc<ManualClock>,
}

impl House {
    fn new(series_max: usize) -> Self {
        let clock = ManualClock::at(NOW);
        let statsd = Statsd::new(Arc::clone(&clock) as _, Duration::from_secs(600), series_max);
        Self { statsd, recorder: Recorder::new(), clock }
    }

    fn send(&self, packet: &str) {
        self.statsd.take(packet.as_bytes(), Protocol::Udp);
    }

    fn flush(&self, after: u64) {
        self.clock.advance(Duration::from_secs(after));
        flush(&self.statsd, &*self.recorder);
    }

    fn dump(&self, metric: &str) -> Vec<String> {
        let shown = |(labels, values): (String, Vec<(i64, String)>)| {
            let values: Vec<String> = values.into_iter().map(|(ts, value)| format!("{value}@{}", (ts - NOW) / 1000)).collect();
            format!("{labels} {}", values.join(" "))
        };
        self.recorder.dump(metric).into_iter().map(shown).collect()
    }

    fn errors(&self) -> Vec<String> {
        let mut page = Page::default();
        self.statsd.report(&mut page);
        let text = page.finish();
        text.lines().filter(|line| line.starts_with("pharos_statsd_errors_total") && !line.ends_with(" 0")).map(str::to_owned).collect()
    }
}

#[test]
fn metrics_become_what_statsd_exporter_shows() {
    let house = House::new(100);
    house.send("api.requests:1|c|#method:get,job:shop\napi.requests:2|c|@0.5|#method:get,job:shop\n\nqueue-size:10|g");
    house.send("queue-size:-3|g\nqueue-size:+1|g");
    house.flush(10);
    house.send("api.requests:1|c|#method:get,job:shop");
    house.flush(10);
    assert_eq!(house.dump("api_requests"), [r#"{job="shop", method="get"} 5@10 6@20"#]);
    assert_eq!(house.dump("queue_size"), [r#"{job="statsd"} 8@10 8@20"#]);
    assert_eq!(house.recorder.metadata("api_requests").map(|found| found.kind), Some(crate::series::sample::MetricType::Counter));
    assert_eq!(house.recorder.series(r#"{__name__="api_requests", job="shop", method="get"}"#).unwrap().start_ts, [NOW, NOW]);
    assert!(house.errors().is_empty(), "{:?}", house.errors());
}

#[test]
fn timers_are_classic_and_native_histograms_in_seconds() {
    let house = House::new(100);
    house.send("latency:320|ms\nlatency:7|ms|@0.1\nlatency:20000|ms");
    house.flush(1);
    let buckets = house.dump("latency_bucket");
    for (le, count) in [("+Inf", 12), ("0.005", 0), ("0.01", 10), ("0.25", 10), ("0.5", 11), ("1.0", 11), ("10.0", 11)] {
        let expected = format!("{{job=\"statsd\", le=\"{le}\"}} {count}@1");
        assert!(buckets.contains(&expected), "{expected} {buckets:?}");
    }
    assert_eq!((buckets.len(), house.recorder.values("latency_count")), (12, vec!["12".to_owned()]));
    assert!((house.recorder.values("latency_sum")[0].parse::<f64>().unwrap() - 20.39).abs() < 1e-9);
    let native = &house.recorder.series(r#"{__name__="latency", job="statsd"}"#).unwrap().histograms[0].1;
    assert_eq!((native.schema, native.count, native.positive_buckets.iter().sum::<f64>()), (8, 12.0, 12.0));
}

#[test]
fn sets_count_members_between_flushes() {
    let house = House::new(100);
    house.send("users:ann|s\nusers:bob|s\nusers:ann|s");
    house.flush(10);
    house.send("users:ann|s");
    house.flush(10);
    house.flush(10);
    assert_eq!(house.dump("users"), [r#"{job="statsd"} 2@10 1@20 0@30"#]);
}

#[test]
fn idle_metrics_end() {
    let house = House::new(1);
    house.send("old:1|c");
    house.flush(10);
    house.send("new:1|c");
    house.flush(590);
    assert_eq!(house.dump("old"), [r#"{job="statsd"} 1@10 stale@600"#]);
    assert_eq!(house.errors(), ["pharos_statsd_errors_total{reason=\"too_many_series\"} 1"]);
    house.send("new:1|c\nold:1|c");
    house.flush(10);
    assert_eq!(house.dump("new"), [r#"{job="statsd"} 1@610"#], "there is room again");
}

#[test]
fn a_name_has_one_type() {
    let house = House::new(100);
    house.send("a:1|c\na:1|g\na:5|ms");
    house.statsd.take(b"\xff:1|c", Protocol::Tcp);
    house.send("_e{5,4}:title|text\n_sc|check|0");
    house.send(&format!("{}:1|c\nb:1|c|#__name__:x", "x".repeat(2000)));
    house.flush(1);
    assert_eq!(house.dump("a"), [r#"{job="statsd"} 1@1"#]);
    assert_eq!(
        house.errors(),
        [
            "pharos_statsd_errors_total{reason=\"malformed_line\"} 2",
            "pharos_statsd_errors_total{reason=\"malformed_tag\"} 1",
            "pharos_statsd_errors_total{reason=\"conflicting_type\"} 2"
        ]
    );
}

#[test]
fn a_mapping_file_names_and_shapes_metrics() {
    let house = House::new(100);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mapping.yml");
    let rules = "defaults: {ttl: 30s}\nmappings:\n\
        - {match: 'web.*.time', name: web_seconds, observer_type: summary, labels: {host: $1, job: web}, \
           quantiles: [{quantile: 0.5}, {quantile: 1}], ttl: 1h}\n\
        - {match: 'web.*.size', name: web_bytes, observer_type: histogram, buckets: [100], scale: 10, help: Sizes.}\n\
        - {match: 'web.*.hits', name: web_hits_total, labels: {host: $1, kind: mapped}, honor_labels: true}\n\
        - {match: 'noise.*', action: drop, name: x}\n";
    std::fs::write(&path, rules).unwrap();
    house.statsd.map_by(mapping::read(path.to_str().unwrap()).unwrap().0);
    house.send("web.a.time:100|ms:300|ms:200|ms\nweb.a.size:5|h:50|h\nweb.a.hits:2|c|#kind:own\nnoise.b:1|c\nother:250|ms");
    house.flush(10);
    assert_eq!(
        house.dump("web_seconds"),
        [r#"{host="a", job="web", quantile="0.5"} 0.2@10"#, r#"{host="a", job="web", quantile="1.0"} 0.3@10"#]
    );
    assert_eq!(
        (house.recorder.values("web_seconds_count"), house.recorder.values("web_bytes_sum")),
        (vec!["3".into()], vec!["550".into()])
    );
    assert_eq!(
        house.dump("web_bytes_bucket"),
        [r#"{job="statsd", le="+Inf"} 2@10"#, r#"{job="statsd", le="100.0"} 1@10"#],
        "the first is 50 after scaling"
    );
    assert_eq!(house.dump("web_hits_total"), [r#"{host="a", job="statsd", kind="own"} 2@10"#]);
    assert_eq!(house.recorder.metadata("web_bytes").map(|found| found.help), Some("Sizes.".to_owned()));
    assert!(house.dump("noise_b").is_empty() && house.dump("x").is_empty());
    assert_eq!(house.dump("other").len(), 3, "the usual quantiles");
    house.flush(25);
    assert_eq!(house.dump("web_hits_total"), [r#"{host="a", job="statsd", kind="own"} 2@10 stale@35"#]);
    assert_eq!(house.dump("web_seconds")[0], r#"{host="a", job="web", quantile="0.5"} 0.2@10 0.2@35"#);
    let mut page = Page::default();
    house.statsd.report(&mut page);
    let text = page.finish();
    assert!(text.contains("pharos_statsd_dropped_total 1") && text.contains("pharos_statsd_mappings 4"), "{text}");
    assert!(house.errors().is_empty());
}
