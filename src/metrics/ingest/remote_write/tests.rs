//! Requests of both versions against a storage that remembers what it was given.

use std::collections::HashMap;
use std::fmt::Write;

use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::base::clock::ManualClock;
use crate::base::limits::{LABEL_SET_BYTES_MAX, WRITE_MEMORY_BYTES_MAX};
use crate::series::batch::SeriesRef;
use crate::series::labels::Labels;
use crate::series::ports::Refused;

const NOW: i64 = 1_700_000_000_000;

/// Numbers series, refuses what the test says, and keeps a log of batches.
#[derive(Default)]
struct Storage {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    refs: HashMap<Vec<u8>, u64>,
    log: Vec<String>,
    metadata: Vec<String>,
    /// References given out before are unknown from now on.
    forgotten: u64,
    unavailable: bool,
    out_of_order_below: i64,
    by_ref: usize,
}

impl Append for Storage {
    fn append(&self, batch: &WriteBatch, _options: &AppendOptions) -> Result<AppendReport, AppendError> {
        let mut inner = self.inner.lock();
        if inner.unavailable {
            return Err(AppendError::Unavailable("disk is full".into()));
        }
        let mut report = AppendReport::default();
        for (family, metadata) in &batch.metadata {
            inner.metadata.push(format!("{family} {} {} {}", metadata.kind.as_str(), metadata.help, metadata.unit));
        }
        for (index, series) in batch.series.iter().enumerate() {
            let samples = series.floats.len() + series.histograms.len();
            let refused = |reason| Refused { series_index: index, samples, reason, first_ts: 0 };
            let number = if series.series.is_some() {
                inner.by_ref += 1;
                if series.series.0 <= inner.forgotten {
                    report.refs.push(SeriesRef::NONE);
                    report.refused.push(refused(RefusedReason::UnknownRef));
                    continue;
                }
                series.series.0
            } else {
                let packed = batch.labels_of(series);
                Labels::from_packed(packed).expect("sorted, unique, not empty");
                let next = inner.forgotten + inner.refs.len() as u64 + 1;
                *inner.refs.entry(packed.to_vec()).or_insert(next)
            };
            report.refs.push(SeriesRef(number));
            let mut bad = 0;
            for sample in &batch.floats[series.floats.start as usize..series.floats.end as usize] {
                if sample.ts < inner.out_of_order_below {
                    bad += 1;
                    continue;
                }
                report.stored += 1;
                inner.log.push(format!("{number} {} @{} since {}", sample.value, sample.ts, sample.start_ts));
            }
            if bad > 0 {
                report.refused.push(Refused { series_index: index, samples: bad, reason: RefusedReason::OutOfOrder, first_ts: 0 });
            }
            for at in series.histograms.start as usize..series.histograms.end as usize {
                report.stored += 1;
                let (ts, h) = &batch.histograms[at];
                let start = batch.histogram_start_ts.get(at).copied().unwrap_or(0);
                let since = if start == 0 { String::new() } else { format!(" since {start}") };
                inner.log.push(format!("{number} h{} {} {:?} {:?} @{ts}{since}", h.schema, h.count, h.positive_buckets, h.custom_bounds));
            }
            for exemplar in &batch.exemplars[series.exemplars.start as usize..series.exemplars.end as usize] {
                report.exemplars_stored += 1;
                inner.log.push(format!("{number} exemplar {} {} @{}", exemplar.labels, exemplar.value, exemplar.ts));
            }
        }
        Ok(report)
    }
}

fn service() -> (Arc<Storage>, RemoteWrite) {
    let storage = Arc::new(Storage::default());
    (Arc::clone(&storage), RemoteWrite::new(storage, ManualClock::at(NOW), 10_000))
}

fn snappy(body: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(body).expect("compress")
}

#[derive(Clone, PartialEq, prost::Message)]
struct Pair {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    ts: i64,
    #[prost(int64, tag = "3")]
    start: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SpanMessage {
    #[prost(sint32, tag = "1")]
    offset: i32,
    #[prost(uint32, tag = "2")]
    length: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct HistogramMessage {
    #[prost(uint64, tag = "1")]
    count_int: u64,
    #[prost(double, tag = "3")]
    sum: f64,
    #[prost(sint32, tag = "4")]
    schema: i32,
    #[prost(message, repeated, tag = "11")]
    positive_spans: Vec<SpanMessage>,
    #[prost(sint64, repeated, tag = "12")]
    positive_deltas: Vec<i64>,
    #[prost(int64, tag = "15")]
    ts: i64,
    #[prost(double, repeated, tag = "16")]
    custom: Vec<f64>,
    #[prost(int64, tag = "17")]
    start: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ExemplarMessage {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Pair>,
    #[prost(double, tag = "2")]
    value: f64,
    #[prost(int64, tag = "3")]
    ts: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Series {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Pair>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    exemplars: Vec<ExemplarMessage>,
    #[prost(message, repeated, tag = "4")]
    histograms: Vec<HistogramMessage>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct MetadataMessage {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(string, tag = "2")]
    family: String,
    #[prost(string, tag = "4")]
    help: String,
    #[prost(string, tag = "5")]
    unit: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    series: Vec<Series>,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<MetadataMessage>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Metadata2 {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(uint32, tag = "3")]
    help: u32,
    #[prost(uint32, tag = "4")]
    unit: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Exemplar2 {
    #[prost(uint32, repeated, tag = "1")]
    labels: Vec<u32>,
    #[prost(double, tag = "2")]
    value: f64,
    #[prost(int64, tag = "3")]
    ts: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Series2 {
    #[prost(uint32, repeated, tag = "1")]
    labels: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    histograms: Vec<HistogramMessage>,
    #[prost(message, repeated, tag = "4")]
    exemplars: Vec<Exemplar2>,
    #[prost(message, optional, tag = "5")]
    metadata: Option<Metadata2>,
    #[prost(int64, tag = "6")]
    created: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Request2 {
    #[prost(string, repeated, tag = "4")]
    symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    series: Vec<Series2>,
}

fn pairs(labels: &[(&str, &str)]) -> Vec<Pair> {
    labels.iter().map(|(name, value)| Pair { name: (*name).into(), value: (*value).into() }).collect()
}

fn series(labels: &[(&str, &str)], samples: &[(f64, i64)]) -> Series {
    let samples = samples.iter().map(|(value, ts)| Sample { value: *value, ts: *ts, start: 0 }).collect();
    Series { labels: pairs(labels), samples, ..Default::default() }
}

fn send(service: &RemoteWrite, series: Vec<Series>) -> WriteResponse {
    let body = Request { series, metadata: Vec::new() }.encode_to_vec();
    service.write("application/x-protobuf", "snappy", "0.1.0", &snappy(&body))
}

const V2: &str = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

#[test]
fn first_by_labels_then_by_reference() {
    let (storage, service) = service();
    let one = || {
        vec![
            series(&[("__name__", "up"), ("job", "a")], &[(1.0, NOW), (2.0, NOW + 1)]),
            series(&[("z", "1"), ("__name__", "x"), ("e", "")], &[(3.0, 5)]),
        ]
    };
    assert_eq!(send(&service, one()), WriteResponse { status: 204, headers: vec![], body: String::new(), samples: 3 });
    assert_eq!(storage.inner.lock().by_ref, 0);
    assert_eq!(send(&service, one()).status, 204);
    let inner = storage.inner.lock();
    assert_eq!(inner.by_ref, 2);
    let times = [NOW, NOW + 1];
    let once = [format!("1 1 @{} since 0", times[0]), format!("1 2 @{} since 0", times[1]), "2 3 @5 since 0".to_owned()];
    assert_eq!(inner.log, [once.clone(), once].concat());
}

#[test]
fn forgotten_references_are_sent_again_with_labels() {
    let (storage, service) = service();
    let one = || vec![series(&[("__name__", "up")], &[(1.0, 1)]), series(&[("__name__", "down")], &[(2.0, 1)])];
    send(&service, one());
    {
        let mut inner = storage.inner.lock();
        inner.forgotten = 2;
        inner.refs.clear();
        inner.log.clear();
    }
    assert_eq!(send(&service, one()).status, 204);
    assert_eq!(storage.inner.lock().log, ["3 1 @1 since 0", "4 2 @1 since 0"]);
    assert_eq!(send(&service, one()).status, 204);
    assert_eq!(storage.inner.lock().by_ref, 4);
}

#[test]
fn bad_series_are_named_and_good_ones_stored() {
    let (storage, service) = service();
    storage.inner.lock().out_of_order_below = 100;
    let response = send(
        &service,
        vec![
            series(&[("job", "a")], &[(1.0, 200)]),
            series(&[("__name__", "x"), ("a", "1"), ("a", "2")], &[(1.0, 200)]),
            series(&[("__name__", "good")], &[(1.0, 200)]),
            series(&[("__name__", "late"), ("a", "1")], &[(1.0, 50), (1.0, 300)]),
            series(&[("__name__", "ahead")], &[(1.0, NOW + AHEAD_MS_MAX + 1)]),
            series(&[("", "x"), ("__name__", "y")], &[(1.0, 200)]),
        ],
    );
    assert_eq!(response.status, 400);
    assert_eq!(
        response.body.lines().collect::<Vec<_>>(),
        [
            "invalid metric name or labels, got {job=\"a\"}",
            "invalid labels for series, labels {__name__=\"x\", a=\"1\", a=\"2\"}, duplicated label a",
            "out of bounds: timestamp is too far in the future for series {__name__=\"ahead\"}",
            "invalid metric name or labels, got {=\"x\", __name__=\"y\"}",
            "out of order sample for series {__name__=\"late\", a=\"1\"}",
        ]
    );
    assert_eq!(storage.inner.lock().log, ["1 1 @200 since 0", "2 1 @300 since 0"]);
}

#[test]
fn version_two_with_everything() {
    let (storage, service) = service();
    let symbols = ["", "__name__", "h_bucket", "le", "1", "Help.", "seconds", "trace_id", "t", "n"].map(str::to_owned).to_vec();
    let histogram = HistogramMessage {
        count_int: 3,
        sum: 1.0,
        schema: -53,
        positive_spans: vec![SpanMessage { offset: 0, length: 2 }],
        positive_deltas: vec![1, 1],
        ts: 7,
        custom: vec![0.5],
        start: 4,
    };
    let request = Request2 {
        symbols,
        series: vec![
            Series2 {
                labels: vec![1, 2, 3, 4],
                samples: vec![Sample { value: 1.0, ts: 9, start: 0 }, Sample { value: 2.0, ts: 10, start: 6 }],
                exemplars: vec![Exemplar2 { labels: vec![7, 8], value: 0.5, ts: 8 }],
                metadata: Some(Metadata2 { kind: 3, help: 5, unit: 6 }),
                created: 5,
                ..Default::default()
            },
            Series2 { labels: vec![1, 9], histograms: vec![histogram.clone()], ..Default::default() },
            Series2 {
                labels: vec![1, 9],
                histograms: vec![HistogramMessage { positive_deltas: vec![1], ..histogram }],
                ..Default::default()
            },
        ],
    };
    let response = service.write(V2, "snappy", "2.0.0", &snappy(&request.encode_to_vec()));
    assert_eq!(response.status, 400);
    assert_eq!(response.body, "histogram spans do not match the number of buckets for series {__name__=\"n\"}");
    let numbers: Vec<_> = response.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    assert_eq!(
        numbers,
        [
            "X-Prometheus-Remote-Write-Samples-Written: 2",
            "X-Prometheus-Remote-Write-Histograms-Written: 1",
            "X-Prometheus-Remote-Write-Exemplars-Written: 1"
        ]
    );
    let inner = storage.inner.lock();
    assert_eq!(
        inner.log,
        ["1 1 @9 since 5", "1 2 @10 since 6", "1 exemplar {trace_id=\"t\"} 0.5 @8", "2 h-53 3 [1.0, 2.0] [0.5] @7 since 4"]
    );
    assert_eq!(inner.metadata, ["h histogram Help. seconds"]);
}

#[test]
fn version_one_metadata_and_exemplars() {
    let (storage, service) = service();
    let mut one = series(&[("__name__", "c_total")], &[(1.0, 1)]);
    one.exemplars = vec![ExemplarMessage { labels: pairs(&[("trace_id", "t")]), value: 0.5, ts: 2 }];
    let metadata = vec![MetadataMessage { kind: 1, family: "c_total".into(), help: "Help.".into(), unit: String::new() }];
    let body = Request { series: vec![one], metadata }.encode_to_vec();
    assert_eq!(service.write("", "", "", &snappy(&body)).status, 204);
    let inner = storage.inner.lock();
    assert_eq!(inner.log, ["1 1 @1 since 0", "1 exemplar {trace_id=\"t\"} 0.5 @2"]);
    assert_eq!(inner.metadata, ["c_total counter Help. "]);
}

#[test]
fn labels_behind_samples_are_still_found() {
    let (storage, service) = service();
    // A series whose labels follow its samples, as protobuf allows.
    let samples = Series { samples: vec![Sample { value: 1.0, ts: 1, start: 0 }], ..Default::default() }.encode_to_vec();
    let labels = |name: &str| Series { labels: pairs(&[("__name__", name)]), ..Default::default() }.encode_to_vec();
    for name in ["a", "b", "a"] {
        let message = [samples.clone(), labels(name)].concat();
        let body = [&[0x0a, message.len() as u8][..], &message].concat();
        assert_eq!(service.write("", "", "", &snappy(&body)).status, 204);
    }
    assert_eq!(storage.inner.lock().log, ["1 1 @1 since 0", "2 1 @1 since 0", "1 1 @1 since 0"]);
}

#[test]
fn bad_requests_and_bombs() {
    let (storage, service) = service();
    assert_eq!(service.write("application/json", "", "", b"").status, 415);
    assert_eq!(service.write("", "gzip", "", b"").status, 415);
    assert_eq!(service.write("", "", "", b"not snappy").status, 400);
    assert_eq!(service.write("", "", "", &snappy(b"\xff\xff\xff")).status, 400);
    assert_eq!(service.write("", "", "", &snappy(b"")).status, 204);
    let mut bomb = Vec::new();
    crate::base::bytes::put_uvarint(&mut bomb, WRITE_DECODED_BYTES_MAX as u64 + 1);
    assert_eq!(service.write("", "", "", &bomb).status, 413);
    bomb.clear();
    crate::base::bytes::put_uvarint(&mut bomb, WRITE_DECODED_BYTES_MAX as u64 - 1);
    assert_eq!(service.write("", "", "", &bomb).status, 400);
    assert_eq!(service.write("", "", "", &vec![0; WRITE_BODY_BYTES_MAX + 1]).status, 413);
    storage.inner.lock().unavailable = true;
    let response = send(&service, vec![series(&[("__name__", "up")], &[(1.0, 1)])]);
    assert_eq!((response.status, response.headers), (503, vec![("Retry-After", "5".to_owned())]));
}

#[test]
fn many_bad_samples_of_one_series_take_linear_time() {
    let (storage, service) = service();
    let late: Vec<(f64, i64)> = (0..200_000).map(|at| (1.0, NOW + 24 * 3_600_000 + at)).collect();
    let response = send(&service, vec![series(&[("__name__", "up")], &late)]);
    // Were the name looked up for each of them, the test would not end.
    assert_eq!(response.status, 400);
    assert!(response.body.ends_with("\nand 199990 more"), "{}", response.body);
    assert!(storage.inner.lock().log.is_empty());
}

#[test]
fn a_long_symbol_named_by_many_series_is_refused_before_memory_is_taken() {
    let (_, service) = service();
    let series = |labels| Series2 { labels, samples: vec![Sample { value: 1.0, ts: NOW, start: 0 }], ..Default::default() };
    let long = "x".repeat(2 * LABEL_SET_BYTES_MAX);
    let mut request = Request2 { symbols: vec!["__name__".into(), "up".into(), long], series: vec![series(vec![0, 1, 0, 2]); 3] };
    let response = service.write(V2, "snappy", "", &snappy(&request.encode_to_vec()));
    assert_eq!(response.status, 400);
    assert!(response.body.starts_with("invalid labels for series, too many or too long"), "{}", response.body);
    request.series = vec![series(vec![0, 1, 0, 2]); WRITE_MEMORY_BYTES_MAX / LABEL_SET_BYTES_MAX];
    let response = service.write(V2, "snappy", "", &snappy(&request.encode_to_vec()));
    assert_eq!(
        (response.status, response.body),
        (413, format!("the request would take more than {WRITE_MEMORY_BYTES_MAX} bytes of memory"))
    );
}

#[test]
fn tiny_messages_are_counted_as_what_they_become() {
    let (_, service) = service();
    // Empty histograms: two bytes each here, hundreds in memory.
    let mut message = Series { labels: pairs(&[("__name__", "h")]), ..Default::default() }.encode_to_vec();
    message.extend([0x22, 0x00].repeat(2_000_000));
    let mut body = vec![0x0a];
    crate::base::bytes::put_uvarint(&mut body, message.len() as u64);
    body.extend(message);
    assert_eq!(service.write("", "", "", &snappy(&body)).status, 413);
}

#[test]
fn symbols_out_of_range_are_refused() {
    let (_, service) = service();
    for labels in [vec![0, 5], vec![0], vec![0, 1, 1]] {
        let request = Request2 { symbols: vec!["__name__".into(), "x".into()], series: vec![Series2 { labels, ..Default::default() }] };
        assert_eq!(service.write(V2, "snappy", "", &snappy(&request.encode_to_vec())).status, 400);
    }
}

/// CPU time of this thread, so that a busy machine does not count.
fn cpu_secs() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// How fast requests are decoded and recognised; run with `--ignored --nocapture` in a release build.
#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stderr, reason = "a measurement prints what it measured")]
fn decode_speed() {
    let make = series;
    for per_series in [20usize, 1] {
        let count = 10_000 / per_series;
        let bodies: Vec<_> = (0..100_000 / count)
            .map(|part| {
                let series = (0..count).map(|index| {
                    let (instance, mut name) = (format!("web-{:05}.example.net:9100", part * count + index), String::new());
                    write!(name, "http_requests_total_{}", index % 100).expect("string");
                    let labels = [
                        ("__name__", name.as_str()),
                        ("endpoint", "/api/v1/orders"),
                        ("instance", &instance),
                        ("job", "api"),
                        ("method", "GET"),
                        ("region", "eu-west-1"),
                        ("service", "orders"),
                        ("status", "200"),
                    ];
                    let samples: Vec<_> = (0..per_series).map(|at| (at as f64 * 1.5, NOW + at as i64 * 15_000 - 600_000)).collect();
                    make(&labels, &samples)
                });
                Request { series: series.collect(), metadata: Vec::new() }.encode_to_vec()
            })
            .collect();
        let cache = SeriesCache::new(200_000);
        let mut state = State::default();
        for body in &bodies {
            state.clear();
            v1::decode(body, &mut state, &cache, i64::MAX).expect("decodes");
            for (index, entry) in state.entries.iter().enumerate() {
                cache.insert(entry.key, SeriesRef(index as u64 + 1));
            }
        }
        let start = cpu_secs();
        let mut samples = 0;
        for _ in 0..20 {
            for body in &bodies {
                state.clear();
                v1::decode(body, &mut state, &cache, i64::MAX).expect("decodes");
                assert!(state.batch.label_bytes.is_empty());
                samples += state.batch.floats.len();
            }
        }
        let rate = samples as f64 / (cpu_secs() - start) / 1e6;
        eprintln!("{per_series} samples a series: {rate:.1} M samples/s decoded and recognised");
        let packed: Vec<_> = bodies.iter().map(|body| snappy(body)).collect();
        let mut buffer = Vec::new();
        let start = cpu_secs();
        for body in packed.iter().cycle().take(packed.len() * 5) {
            unpack(&mut buffer, body).expect("unpacks");
        }
        let rate = (packed.len() * 5 * 10_000) as f64 / (cpu_secs() - start) / 1e6;
        eprintln!("{per_series} samples a series: {rate:.1} M samples/s unpacked");
    }
}

proptest! {
    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), raw in any::<bool>()) {
        let (_, service) = service();
        for kind in ["", V2] {
            let _response = if raw { service.write(kind, "", "", &bytes) } else { service.write(kind, "", "", &snappy(&bytes)) };
        }
    }

    #[test]
    fn torn_requests_never_panic(at in 0usize..300, byte in any::<u8>(), cut in 0usize..300) {
        let (_, service) = service();
        let one = Request { series: vec![series(&[("__name__", "up"), ("a", "b")], &[(1.0, 1), (2.0, 2)])], metadata: vec![] }.encode_to_vec();
        let two = Request2 {
            symbols: vec![String::new(), "__name__".into(), "x".into()],
            series: vec![Series2 { labels: vec![1, 2], samples: vec![Sample { value: 1.0, ts: 1, start: 1 }], ..Default::default() }],
        }.encode_to_vec();
        for (kind, mut body) in [("", one), (V2, two)] {
            if let Some(found) = body.get_mut(at) {
                *found = byte;
            }
            body.truncate(cut);
            let _response = service.write(kind, "", "", &snappy(&body));
        }
    }
}
