//! Requests as they come, and the series that they become.

use std::sync::atomic::Ordering;
use std::time::Duration;

use prost::Message;
use serde_json::{Value as Json, json};

use super::*;
use crate::base::clock::ManualClock;
use crate::metrics::ingest::recorder::Recorder;
use crate::metrics::model::config::{OtlpConfig, OtlpTranslation};
use crate::series::histogram::Span;
use crate::series::otlp::metrics::{Buckets, ExponentialHistogram, ExponentialPoint, Metric, ResourceMetrics, ScopeMetrics};

const NOW: i64 = 1_700_000_000_000;
const NS: u64 = 1_700_000_000_000_000_000;
const PLENTY: usize = 64 << 20;

struct House {
    otlp: OtlpMetrics,
    recorder: Arc<Recorder>,
    clock: Arc<ManualClock>,
    config: OtlpConfig,
    labels_type_and_unit: bool,
}

impl House {
    fn new() -> Self {
        let (recorder, clock) = (Recorder::new(), ManualClock::at(NOW));
        let otlp = OtlpMetrics::new(Arc::clone(&recorder) as _, Arc::clone(&clock) as _);
        Self { otlp, recorder, clock, config: OtlpConfig::default(), labels_type_and_unit: false }
    }

    fn with(change: impl FnOnce(&mut OtlpConfig)) -> Self {
        let mut house = Self::new();
        change(&mut house.config);
        house
    }

    fn settings(&self) -> Settings {
        Settings::new(&self.config, self.labels_type_and_unit, 300_000)
    }

    fn send(&self, request: &Json) -> Result<Exported, NotExported> {
        self.otlp.export(Encoding::Json, request.to_string().as_bytes(), &self.settings(), PLENTY)
    }

    /// Sends metrics of a service.
    fn metrics(&self, metrics: Json) -> Result<Exported, NotExported> {
        self.send(&of(&[("service.name", "shop")], json!({}), metrics))
    }

    fn taken(&self, metrics: Json) -> Exported {
        let exported = self.metrics(metrics).unwrap();
        assert_eq!((exported.rejected, exported.message.as_str()), (0, ""));
        exported
    }

    /// Series of a metric with their values.
    fn dump(&self, metric: &str) -> Vec<String> {
        let shown = |(labels, values): (String, Vec<(i64, String)>)| {
            let values: Vec<String> = values.into_iter().map(|(ts, value)| format!("{value}@{}", ts - NOW)).collect();
            format!("{labels} {}", values.join(" "))
        };
        self.recorder.dump(metric).into_iter().map(shown).collect()
    }
}

fn attributes(pairs: &[(&str, &str)]) -> Json {
    pairs.iter().map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } })).collect()
}

fn of(resource: &[(&str, &str)], scope: Json, metrics: Json) -> Json {
    json!({ "resourceMetrics": [{
        "resource": { "attributes": attributes(resource) },
        "scopeMetrics": [{ "scope": scope, "metrics": metrics, "schemaUrl": "https://schema" }],
    }] })
}

fn point(value: f64, pairs: &[(&str, &str)]) -> Json {
    json!({ "timeUnixNano": NS.to_string(), "startTimeUnixNano": (NS - 5_000_000_000).to_string(), "asDouble": value, "attributes": attributes(pairs) })
}

#[test]
fn numbers_become_gauges_and_counters() {
    let house = House::new();
    let exported = house.taken(json!([
        { "name": "cpu.load", "unit": "1", "description": "How busy.", "gauge": { "dataPoints": [point(0.5, &[("cpu.id", "0")]), point(0.25, &[("cpu.id", "1")])] } },
        { "name": "http.requests", "sum": { "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [{ "asInt": "7", "timeUnixNano": NS, "startTimeUnixNano": NS - 5_000_000_000 }] } },
        { "name": "queue.size", "unit": "{items}", "sum": { "aggregationTemporality": 2, "dataPoints": [point(-3.0, &[])] } },
    ]));
    assert_eq!((exported.samples, exported.points), (4, 4));
    assert_eq!(house.dump("cpu_load_ratio"), [r#"{cpu_id="0", job="shop"} 0.5@0"#, r#"{cpu_id="1", job="shop"} 0.25@0"#]);
    assert_eq!(house.dump("http_requests_total"), [r#"{job="shop"} 7@0"#]);
    assert_eq!(house.dump("queue_size"), [r#"{job="shop"} -3@0"#]);
    let starts = |name: &str| house.recorder.series(&format!("{{__name__=\"{name}\", job=\"shop\"}}")).unwrap().start_ts;
    assert_eq!((starts("http_requests_total"), starts("queue_size")), (vec![NOW - 5000], vec![NOW - 5000]));
    let metadata = |name: &str| house.recorder.metadata(name).map(|found| (found.kind.as_str(), found.help, found.unit)).unwrap();
    assert_eq!(metadata("cpu_load_ratio"), ("gauge", "How busy.".to_owned(), String::new()));
    assert_eq!((metadata("http_requests_total").0, metadata("queue_size").0), ("counter", "gauge"));
}

#[test]
fn labels_come_from_the_point_the_resource_and_the_scope() {
    let gauge = json!([{ "name": "g", "gauge": { "dataPoints": [point(1.0, &[("a.b", "1"), ("a_b", "2"), ("_x", "3"), ("empty", ""), ("__name__", "no"), ("job", "mine")])] } }]);
    let resource =
        [("service.name", "shop"), ("service.namespace", "eu"), ("service.instance.id", "i-1"), ("host.name", "h"), ("a.b", "of resource")];
    let scope = json!({ "name": "lib", "version": "2", "attributes": attributes(&[("k", "v")]) });
    let request = of(&resource, scope, gauge);
    for (change, expected) in [
        ((|_| {}) as fn(&mut OtlpConfig), r#"{a_b="1;2", instance="i-1", job="eu/shop", key_x="3"} 1@0"#),
        (
            |config| config.promote_resource_attributes = vec!["host.name".to_owned(), "a.b".to_owned(), "not.there".to_owned()],
            r#"{a_b="1;2", host_name="h", instance="i-1", job="eu/shop", key_x="3"} 1@0"#,
        ),
        (
            |config| {
                config.promote_all_resource_attributes = true;
                config.ignore_resource_attributes = vec!["host.name".to_owned()];
            },
            r#"{a_b="1;2", instance="i-1", job="eu/shop", key_x="3", service_instance_id="i-1", service_name="shop", service_namespace="eu"} 1@0"#,
        ),
        (
            |config| config.promote_scope_metadata = true,
            r#"{a_b="1;2", instance="i-1", job="eu/shop", key_x="3", otel_scope_k="v", otel_scope_name="lib", otel_scope_schema_url="https://schema", otel_scope_version="2"} 1@0"#,
        ),
        (
            |config| config.translation_strategy = OtlpTranslation::NoTranslation,
            r#"{_x="3", "a.b"="1", a_b="2", instance="i-1", job="eu/shop"} 1@0"#,
        ),
        (|config| config.label_name_underscore_sanitization = false, r#"{_x="3", a_b="1;2", instance="i-1", job="eu/shop"} 1@0"#),
    ] {
        let house = House::with(change);
        house.send(&request).unwrap();
        assert_eq!(house.dump("g"), [expected]);
    }
}

#[test]
fn target_info_describes_the_resource() {
    let points = json!([point(1.0, &[]), { "timeUnixNano": NS - 400_000_000_000, "asInt": 1 }]);
    let request = |pairs: &[(&str, &str)]| of(pairs, json!(null), json!([{ "name": "g", "gauge": { "dataPoints": points } }]));
    let resource = [("service.name", "shop"), ("service.instance.id", "i"), ("host.name", "h")];
    let house = House::new();
    house.send(&request(&resource)).unwrap();
    assert_eq!(house.dump("target_info"), [r#"{host_name="h", instance="i", job="shop"} 1@-400000 1@-250000 1@-100000 1@0"#]);
    assert_eq!(house.recorder.metadata("target_info").map(|found| found.help), Some("Target metadata".to_owned()));
    let house = House::with(|config| config.keep_identifying_resource_attributes = true);
    house.send(&request(&resource)).unwrap();
    assert!(
        house.dump("target_info")[0]
            .starts_with(r#"{host_name="h", instance="i", job="shop", service_instance_id="i", service_name="shop"} "#)
    );
    for lacking in [&[("service.name", "shop"), ("service.instance.id", "i")][..], &[("host.name", "h")], &[]] {
        let house = House::new();
        house.send(&request(lacking)).unwrap();
        assert_eq!((house.dump("target_info").len(), house.dump("g").len()), (0, 1), "{lacking:?}");
    }
}

#[test]
fn points_years_apart_do_not_become_millions_of_samples() {
    let house = House::new();
    let points = json!([point(1.0, &[]), { "timeUnixNano": 1_000_000, "asInt": 1 }, { "asInt": 1 }]);
    let request =
        of(&[("service.name", "shop"), ("host.name", "h")], json!(null), json!([{ "name": "g", "gauge": { "dataPoints": points } }]));
    house.send(&request).unwrap();
    let info = house.recorder.dump("target_info");
    assert_eq!((info[0].1.len(), info[0].1.last().map(|(ts, _)| *ts)), (1001, Some(NOW)));
}

fn histogram(more: Json) -> Json {
    let mut point = json!({ "timeUnixNano": NS, "startTimeUnixNano": NS - 5_000_000_000, "count": 6, "sum": 7.5, "bucketCounts": [1, 2, 0, 3], "explicitBounds": [0.5, 1, 2.5],
        "exemplars": [{ "asDouble": 9, "timeUnixNano": NS, "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331" },
                      { "asDouble": 0.75, "filteredAttributes": attributes(&[("user", "u1")]) }] });
    point.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!([{ "name": "latency", "unit": "s", "histogram": { "aggregationTemporality": 2, "dataPoints": [point] } }])
}

#[test]
fn histograms_become_classic_series() {
    let house = House::new();
    house.taken(histogram(json!({})));
    assert_eq!(
        house.dump("latency_seconds_bucket"),
        [r#"{job="shop", le="+Inf"} 6@0"#, r#"{job="shop", le="0.5"} 1@0"#, r#"{job="shop", le="1"} 3@0"#, r#"{job="shop", le="2.5"} 3@0"#]
    );
    assert_eq!(
        (house.recorder.values("latency_seconds_sum"), house.recorder.values("latency_seconds_count")),
        (vec!["7.5".to_owned()], vec!["6".to_owned()])
    );
    let exemplars =
        |le: &str| house.recorder.series(&format!("{{__name__=\"latency_seconds_bucket\", job=\"shop\", le=\"{le}\"}}")).unwrap().exemplars;
    let shown = |le: &str| {
        exemplars(le).iter().map(|exemplar| format!("{} {} {}", exemplar.labels, exemplar.value, exemplar.is_timed)).collect::<Vec<_>>()
    };
    assert_eq!(shown("1"), [r#"{user="u1"} 0.75 false"#]);
    assert_eq!(shown("+Inf"), [r#"{span_id="b7ad6b7169203331", trace_id="0af7651916cd43dd8448eb211c80319c"} 9 true"#]);
    assert!(shown("0.5").is_empty());
    assert_eq!(
        house.recorder.metadata("latency_seconds").map(|found| (found.kind.as_str(), found.unit)),
        Some(("histogram", "seconds".to_owned()))
    );
    let house = House::new();
    house.taken(histogram(json!({ "sum": null, "bucketCounts": [], "explicitBounds": [] })));
    assert_eq!(house.dump("latency_seconds_bucket"), [r#"{job="shop", le="+Inf"} 6@0"#]);
    assert!(house.dump("latency_seconds_sum").is_empty());
}

#[test]
fn histograms_become_native_ones_where_that_is_wanted() {
    let house = House::with(|config| config.convert_histograms_to_nhcb = true);
    house.taken(histogram(json!({})));
    let stored = house.recorder.series(r#"{__name__="latency_seconds", job="shop"}"#).unwrap();
    let native = &stored.histograms[0].1;
    assert_eq!((native.schema, native.count, native.sum), (-53, 6.0, 7.5));
    assert_eq!(
        (native.custom_bounds.as_slice(), native.positive_buckets.as_slice()),
        ([0.5, 1.0, 2.5].as_slice(), [1.0, 2.0, 0.0, 3.0].as_slice())
    );
    assert_eq!((native.positive_spans.as_slice(), stored.exemplars.len()), ([Span { offset: 0, length: 4 }].as_slice(), 2));
    house.taken(histogram(json!({ "timeUnixNano": NS + 1_000_000, "bucketCounts": [], "explicitBounds": [] })));
    let stored = house.recorder.series(r#"{__name__="latency_seconds", job="shop"}"#).unwrap();
    assert_eq!((stored.histograms[1].1.count, stored.histograms[1].1.positive_buckets.as_slice()), (6.0, [6.0].as_slice()));
}

#[test]
fn exponential_histograms_become_native_ones() {
    let house = House::new();
    house.taken(json!([{ "name": "size", "unit": "By", "exponentialHistogram": { "aggregationTemporality": 2, "dataPoints": [{
        "timeUnixNano": NS, "count": 10, "sum": 12, "scale": 9, "zeroCount": 1,
        "positive": { "offset": 0, "bucketCounts": [1, 2, 3] }, "negative": { "offset": -1, "bucketCounts": [3] } }] } }]));
    let stored = house.recorder.series(r#"{__name__="size_bytes", job="shop"}"#).unwrap();
    let native = &stored.histograms[0].1;
    assert_eq!((native.schema, native.count, native.zero_count, native.zero_threshold), (8, 10.0, 1.0, 1e-128));
    assert_eq!((native.positive_buckets.as_slice(), native.negative_buckets.as_slice()), ([3.0, 3.0].as_slice(), [3.0].as_slice()));
    assert_eq!((native.positive_spans[0].offset, native.negative_spans[0].offset), (1, 0));
}

#[test]
fn summaries_become_quantiles() {
    let house = House::new();
    house.taken(json!([{ "name": "wait", "summary": { "dataPoints": [{ "timeUnixNano": NS, "count": 4, "sum": 2,
        "quantileValues": [{ "quantile": 0.5, "value": 0.25 }, { "quantile": 0.99, "value": "NaN" }] }] } }]));
    assert_eq!(house.dump("wait"), [r#"{job="shop", quantile="0.5"} 0.25@0"#, r#"{job="shop", quantile="0.99"} NaN@0"#]);
    assert_eq!((house.recorder.values("wait_sum"), house.recorder.values("wait_count")), (vec!["2".to_owned()], vec!["4".to_owned()]));
}

#[test]
fn points_without_a_value_end_their_series() {
    let house = House::new();
    let ended = json!({ "timeUnixNano": NS, "flags": 1 });
    house.taken(json!([
        { "name": "g", "gauge": { "dataPoints": [ended] } },
        { "name": "s", "sum": { "aggregationTemporality": 2, "dataPoints": [ended] } },
        { "name": "e", "exponentialHistogram": { "aggregationTemporality": 2, "dataPoints": [ended] } },
        { "name": "q", "summary": { "dataPoints": [{ "timeUnixNano": NS, "flags": 1, "quantileValues": [{ "quantile": 0.5 }] }] } },
    ]));
    house.taken(histogram(json!({ "flags": 1 })));
    for name in ["g", "s", "e", "q", "q_sum", "q_count", "latency_seconds_count", "latency_seconds_sum"] {
        assert_eq!(house.recorder.values(name), ["stale"], "{name}");
    }
    assert!(house.dump("latency_seconds_bucket").iter().all(|series| series.ends_with(" stale@0")));
}

fn delta(ts: u64, value: f64) -> Json {
    let point = json!({ "timeUnixNano": ts, "startTimeUnixNano": ts - 1_000_000_000, "asDouble": value });
    json!([{ "name": "d", "sum": { "aggregationTemporality": "AGGREGATION_TEMPORALITY_DELTA", "isMonotonic": true, "dataPoints": [point] } }])
}

#[test]
fn deltas_become_totals() {
    let house = House::new();
    let second = 1_000_000_000;
    house.taken(delta(NS, 5.0));
    house.taken(delta(NS + second, 2.0));
    let again = house.metrics(delta(NS + second, 2.0)).unwrap();
    assert_eq!(again.rejected, 1);
    assert!(again.message.contains("not newer"), "{}", again.message);
    house.taken(delta(NS + 2 * second, 1.0));
    assert_eq!(house.dump("d_total"), [r#"{job="shop"} 5@0 7@1000 8@2000"#]);
    let stored = house.recorder.series(r#"{__name__="d_total", job="shop"}"#).unwrap();
    assert_eq!(stored.start_ts, [NOW - 1000; 3]);
    assert_eq!(house.otlp.delta_streams(), 1);
    // A stream without points for five minutes begins anew.
    house.clock.advance(Duration::from_secs(301));
    house.taken(delta(NS + 302 * second, 3.0));
    assert_eq!(house.recorder.dump("d_total")[0].1.last(), Some(&(NOW + 302_000, "3".to_owned())));
}

#[test]
fn deltas_that_storage_did_not_take_are_not_counted() {
    let house = House::new();
    house.taken(delta(NS, 5.0));
    house.recorder.unavailable.store(true, Ordering::Relaxed);
    assert!(matches!(house.metrics(delta(NS + 1_000_000_000, 2.0)), Err(NotExported::Later(_))));
    house.recorder.unavailable.store(false, Ordering::Relaxed);
    house.taken(delta(NS + 1_000_000_000, 2.0));
    assert_eq!(house.dump("d_total"), [r#"{job="shop"} 5@0 7@1000"#]);
}

#[test]
fn histograms_of_deltas_add_up() {
    let house = House::new();
    for (at, counts) in [(0u64, [1, 0, 2]), (1, [0, 5, 1])] {
        let ts = NS + at * 1_000_000_000;
        house.taken(json!([
            { "name": "h", "histogram": { "aggregationTemporality": 1, "dataPoints": [{ "timeUnixNano": ts, "count": counts.iter().sum::<i32>(), "sum": 1, "bucketCounts": counts, "explicitBounds": [1, 2] }] } },
            { "name": "x", "exponentialHistogram": { "aggregationTemporality": 1, "dataPoints": [{ "timeUnixNano": ts, "count": counts.iter().sum::<i32>(), "scale": 2 - at, "positive": { "bucketCounts": counts } }] } },
        ]));
    }
    assert_eq!(
        house.dump("h_bucket"),
        [r#"{job="shop", le="+Inf"} 3@0 9@1000"#, r#"{job="shop", le="1"} 1@0 1@1000"#, r#"{job="shop", le="2"} 1@0 6@1000"#]
    );
    assert_eq!(house.recorder.values("h_sum"), ["1", "2"]);
    assert_eq!(house.recorder.values("x"), ["count 3", "count 9"]);
    let native = &house.recorder.series(r#"{__name__="x", job="shop"}"#).unwrap().histograms[1].1;
    assert_eq!((native.schema, native.positive_buckets.as_slice()), (1, [1.0, 7.0, 1.0].as_slice()));
}

#[test]
fn types_and_units_are_labels_where_that_is_on() {
    let mut house = House::new();
    house.labels_type_and_unit = true;
    house.taken(json!([{ "name": "g", "unit": "s", "gauge": { "dataPoints": [point(1.0, &[])] } }]));
    assert_eq!(house.dump("g_seconds"), [r#"{__type__="gauge", __unit__="seconds", job="shop"} 1@0"#]);
}

#[test]
fn good_points_are_kept_and_bad_ones_named() {
    let house = House::new();
    let far = json!({ "timeUnixNano": NS + 3_600_000_000_000, "asInt": 1 });
    let exported = house
        .metrics(json!([
            { "name": "good", "gauge": { "dataPoints": [point(1.0, &[]), far] } },
            { "name": "@#", "gauge": { "dataPoints": [point(1.0, &[]), point(2.0, &[])] } },
            { "name": "odd", "sum": { "dataPoints": [point(1.0, &[])] } },
            { "name": "coarse", "exponentialHistogram": { "aggregationTemporality": 2, "dataPoints": [{ "timeUnixNano": NS, "scale": -5 }] } },
            { "name": "nameless", "gauge": { "dataPoints": [point(1.0, &[("", "x")])] } },
            { "name": "of no kind" },
        ]))
        .unwrap();
    assert_eq!((exported.points, exported.rejected, exported.samples), (7, 6, 1));
    for words in ["too far in the future", "nothing is left", "invalid temporality", "Scale must be >= -4, was -5", "empty name"] {
        assert!(exported.message.contains(words), "{words}: {}", exported.message);
    }
    assert_eq!(house.dump("good"), [r#"{job="shop"} 1@0"#]);
}

#[test]
fn a_request_of_which_nothing_is_good_is_invalid() {
    let house = House::new();
    let nothing = house.metrics(json!([{ "name": "@", "gauge": { "dataPoints": [point(1.0, &[])] } }]));
    assert!(matches!(nothing, Err(NotExported::Invalid(_))), "{nothing:?}");
    assert_eq!(house.send(&json!({})), Ok(Exported::default()));
    assert!(matches!(house.otlp.export(Encoding::Protobuf, b"\x0a\x05x", &house.settings(), PLENTY), Err(NotExported::Invalid(_))));
    house.recorder.unavailable.store(true, Ordering::Relaxed);
    assert!(matches!(house.metrics(delta(NS, 1.0)), Err(NotExported::Later(_))));
}

#[test]
fn what_storage_refuses_is_counted_by_points() {
    let house = House::new();
    house.taken(histogram(json!({})));
    // Another value at the same time, in one of six series.
    let exported = house.metrics(json!([
        histogram(json!({ "sum": 8 }))[0],
        { "name": "good", "gauge": { "dataPoints": [point(1.0, &[])] } },
    ]));
    let exported = exported.unwrap();
    assert_eq!((exported.points, exported.rejected), (2, 1));
    assert!(
        exported.message.contains("duplicate sample for timestamp for series {__name__=\"latency_seconds_sum\", job=\"shop\"}"),
        "{}",
        exported.message
    );
}

#[test]
fn a_short_request_cannot_take_much_memory() {
    let house = House::new();
    let long = "x".repeat(60_000);
    let bounds: Vec<f64> = (0..5_000).map(f64::from).collect();
    let counts = vec![1; 5_001];
    let request = json!([{ "name": "h", "histogram": { "aggregationTemporality": 2, "dataPoints": [
        { "timeUnixNano": NS, "count": 1, "bucketCounts": counts, "explicitBounds": bounds, "attributes": attributes(&[("long", &long)]) }] } }]);
    assert!(matches!(house.metrics(request), Err(NotExported::TooLarge(_))));
}

#[test]
fn any_offset_and_scale_are_survived() {
    let house = House::new();
    for scale in [i32::MIN, -4, 0, 8, 9, 40, i32::MAX] {
        for offset in [i32::MIN, -1, 0, i32::MAX - 3, i32::MAX] {
            for temporality in [1, 2] {
                let side = Some(Buckets { offset, bucket_counts: vec![1, 0, u64::MAX] });
                let point =
                    ExponentialPoint { scale, positive: side.clone(), negative: side, time_unix_nano: NS, ..ExponentialPoint::default() };
                let exponential_histogram = Some(ExponentialHistogram { data_points: vec![point], aggregation_temporality: temporality });
                let metric = Metric { name: "m".to_owned(), exponential_histogram, ..Metric::default() };
                let scope = ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() };
                let request = ExportMetricsRequest {
                    resource_metrics: vec![ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() }],
                };
                drop(house.otlp.export(Encoding::Protobuf, &request.encode_to_vec(), &house.settings(), PLENTY));
            }
        }
    }
}
