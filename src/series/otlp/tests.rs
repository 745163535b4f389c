//! Messages from protobuf and JSON, and what is hostile about them.

use prost::Message;

use super::logs::ExportLogsRequest;
use super::metrics::{CUMULATIVE, DELTA, ExportMetricsRequest};
use super::text::{hex_id, text_of};
use super::value::{AnyValue, ArrayValue, KeyValue, KeyValueList, Value, attribute};
use super::*;

const PLENTY: usize = 1 << 30;

fn metrics(json: &str) -> ExportMetricsRequest {
    read(Encoding::Json, json.as_bytes(), PLENTY).unwrap_or_else(|error| panic!("{error}: {json}"))
}

fn logs(json: &str) -> ExportLogsRequest {
    read(Encoding::Json, json.as_bytes(), PLENTY).unwrap_or_else(|error| panic!("{error}: {json}"))
}

fn value(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn in_metric(metric: &str) -> String {
    format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{metric}]}}]}}]}}"#)
}

#[test]
fn numbers_come_as_numbers_or_texts() {
    let request = metrics(&in_metric(
        r#"{"name":"m","sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_CUMULATIVE","isMonotonic":true,"dataPoints":[
            {"timeUnixNano":"1700000000000000001","startTimeUnixNano":5,"asInt":"-7","attributes":null,"exemplars":null,"flags":"1"},
            {"timeUnixNano":1700000000000000001,"asDouble":"7.5","unknown":{"deep":[1,{}]}},
            {"asDouble":"NaN"},{"asDouble":"-Infinity"},{"asDouble":3},{"asInt":4.0},{"asInt":null}]}}"#,
    ));
    let sum = request.resource_metrics[0].scope_metrics[0].metrics[0].sum.clone().unwrap();
    assert_eq!((sum.aggregation_temporality, sum.is_monotonic), (CUMULATIVE, true));
    let points = &sum.data_points;
    assert_eq!((points[0].time_unix_nano, points[0].start_time_unix_nano), (1_700_000_000_000_000_001, 5));
    assert_eq!((points[0].as_int, points[0].flags, points[1].as_double), (Some(-7), 1, Some(7.5)));
    assert!(points[2].value().is_nan() && points[3].value() == f64::NEG_INFINITY);
    assert_eq!([points[4].value(), points[5].value(), points[6].value()], [3.0, 4.0, 0.0]);
}

#[test]
fn enumerations_come_as_numbers_or_names() {
    for (text, expected) in
        [("1", DELTA), ("\"AGGREGATION_TEMPORALITY_DELTA\"", DELTA), ("\"2\"", CUMULATIVE), ("\"NEW_ONE\"", 0), ("null", 0)]
    {
        let request = metrics(&in_metric(&format!(r#"{{"histogram":{{"aggregationTemporality":{text},"dataPoints":[]}}}}"#)));
        let histogram = request.resource_metrics[0].scope_metrics[0].metrics[0].histogram.clone().unwrap();
        assert_eq!(histogram.aggregation_temporality, expected, "{text}");
    }
    let records = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":"SEVERITY_NUMBER_INFO2"},{"severityNumber":17}]}]}]}"#;
    let records = logs(records).resource_logs[0].scope_logs[0].log_records.clone();
    assert_eq!([records[0].severity_number, records[1].severity_number], [10, 17]);
}

#[test]
fn histograms_in_json_lose_nothing() {
    let request = metrics(&in_metric(
        r#"{"histogram":{"dataPoints":[{"count":"3","sum":1.5,"bucketCounts":["1",2,"0"],"explicitBounds":[0.5,"Infinity"],"min":0,"max":1,
            "exemplars":[{"traceId":"0AF7651916CD43DD8448EB211C80319C","spanId":"","asInt":"2","filteredAttributes":[]}]}]},
           "exponentialHistogram":{"dataPoints":[{"scale":-1,"zeroCount":"2","positive":{"offset":"-3","bucketCounts":[1,"2"]},"negative":null,"zeroThreshold":0.25}]}}"#,
    ));
    let metric = &request.resource_metrics[0].scope_metrics[0].metrics[0];
    let point = &metric.histogram.as_ref().unwrap().data_points[0];
    assert_eq!((point.count, point.sum, point.bucket_counts.as_slice()), (3, Some(1.5), [1, 2, 0].as_slice()));
    assert_eq!(point.explicit_bounds, [0.5, f64::INFINITY]);
    assert_eq!(hex_id(&point.exemplars[0].trace_id), "0af7651916cd43dd8448eb211c80319c");
    let point = &metric.exponential_histogram.as_ref().unwrap().data_points[0];
    let positive = point.positive.as_ref().unwrap();
    assert_eq!((point.scale, point.zero_count, positive.offset, positive.bucket_counts.as_slice()), (-1, 2, -3, [1, 2].as_slice()));
    assert_eq!((point.zero_threshold, &point.negative), (0.25, &None));
}

#[test]
fn values_of_every_kind_are_read_and_written() {
    let record = r#"{"resource_logs":[{"resource":{"attributes":[{"key":"a","value":{"stringValue":"x"}},{"key":"b"},{"key":"c","value":null}]},
        "scopeLogs":[{"scope":null,"logRecords":[{"body":{"kvlistValue":{"values":[
            {"key":"z","value":{"boolValue":true}},
            {"key":"b","value":{"arrayValue":{"values":[{"intValue":"5"},{"doubleValue":0.5},{"doubleValue":"NaN"},{},{"bytesValue":"aGk"}]}}},
            {"key":"s","value":{"stringValue":"<q\"\n>"}}]}}}]}]}]}"#;
    let request = logs(record);
    let resource = request.resource_logs[0].resource.as_ref().unwrap();
    assert_eq!(text_of(attribute(&resource.attributes, "a").unwrap()), "x");
    assert_eq!(attribute(&resource.attributes, "b"), None);
    let body = request.resource_logs[0].scope_logs[0].log_records[0].body.as_ref().unwrap();
    assert_eq!(text_of(body), r#"{"b":[5,0.5,"NaN",null,"aGk="],"s":"<q\"\n>","z":true}"#);
    for (kind, text) in [
        (Value::Double(1e21), "1e+21"),
        (Value::Double(1.5e-7), "1.5e-7"),
        (Value::Double(100.0), "100"),
        (Value::Double(f64::NEG_INFINITY), "-Inf"),
        (Value::Int(i64::MIN), "-9223372036854775808"),
        (Value::Bytes(vec![0xff]), "/w=="),
        (Value::Bool(false), "false"),
        (Value::Array(ArrayValue::default()), "[]"),
    ] {
        assert_eq!(text_of(&value(kind)), text);
    }
    assert_eq!((text_of(&AnyValue::default()).as_ref(), hex_id(&[0; 16]).as_str()), ("", ""));
}

#[test]
fn protobuf_and_json_say_the_same() {
    let request = metrics(&in_metric(
        r#"{"name":"m","unit":"s","gauge":{"dataPoints":[{"timeUnixNano":"7","asDouble":1.25,"attributes":[{"key":"k","value":{"intValue":3}}]}]}}"#,
    ));
    assert_eq!(read::<ExportMetricsRequest>(Encoding::Protobuf, &request.encode_to_vec(), PLENTY), Ok(request));
}

#[test]
fn what_cannot_be_read_is_named() {
    for (json, words) in [
        ("", "an object is expected"),
        ("[]", "an object is expected"),
        ("{", "EOF"),
        (r#"{"resourceMetrics":5}"#, "sequence"),
        (&in_metric(r#"{"gauge":{"dataPoints":[{"asInt":"x"}]}}"#), "\"x\" is not a whole number of 64 bits"),
        (&in_metric(r#"{"gauge":{"dataPoints":[{"timeUnixNano":-1}]}}"#), "not negative"),
        (&in_metric(r#"{"gauge":{"dataPoints":[{"exemplars":[{"traceId":"xyz"}]}]}}"#), "hexadecimal"),
        (&in_metric(r#"{"gauge":{"dataPoints":[{"asDouble":"one"}]}}"#), "\"one\" is not a number"),
    ] {
        let error = read::<ExportMetricsRequest>(Encoding::Json, json.as_bytes(), PLENTY).unwrap_err().to_string();
        assert!(error.starts_with("cannot read the request as JSON: ") && error.contains(words), "{json}: {error}");
    }
    let error = read::<ExportMetricsRequest>(Encoding::Protobuf, &[0xff; 20], PLENTY).unwrap_err();
    assert!(matches!(error, ReadError::Malformed("protobuf", _)), "{error}");
}

#[test]
fn a_few_bytes_cannot_take_much_memory() {
    // A metric with a million empty points, two bytes each.
    let points = [0x0a, 0x00].repeat(1_000_000);
    let wrapped = |field: u8, inner: Vec<u8>| {
        let mut out = vec![field << 3 | 2];
        prost::encoding::encode_varint(inner.len() as u64, &mut out);
        out.extend(inner);
        out
    };
    let bomb = wrapped(1, wrapped(2, wrapped(2, wrapped(5, points))));
    let refused = read::<ExportMetricsRequest>(Encoding::Protobuf, &bomb, 64 << 20);
    assert_eq!(refused, Err(ReadError::TooLarge(64 << 20)));
    let json = in_metric(&format!(r#"{{"gauge":{{"dataPoints":[{}]}}}}"#, ["{}"; 1_000_000].join(",")));
    assert_eq!(read::<ExportMetricsRequest>(Encoding::Json, json.as_bytes(), 64 << 20), Err(ReadError::TooLarge(64 << 20)));
    // Counts are shorter on the wire than in memory.
    let counts = wrapped(1, wrapped(2, wrapped(2, wrapped(10, wrapped(1, wrapped(8, wrapped(2, vec![1; 1_000_000])))))));
    assert_eq!(read::<ExportMetricsRequest>(Encoding::Protobuf, &counts, 7 << 20), Err(ReadError::TooLarge(7 << 20)));
    assert!(read::<ExportMetricsRequest>(Encoding::Protobuf, &counts, 9 << 20).is_ok());
}

#[test]
fn nesting_has_an_end() {
    let mut deep = value(Value::Bool(true));
    for _ in 0..200 {
        deep = value(Value::Array(ArrayValue { values: vec![deep] }));
    }
    let record = logs::LogRecord { body: Some(deep), ..Default::default() };
    let scope = logs::ScopeLogs { log_records: vec![record], ..Default::default() };
    let resource = logs::ResourceLogs { scope_logs: vec![scope], ..Default::default() };
    let bytes = ExportLogsRequest { resource_logs: vec![resource] }.encode_to_vec();
    assert!(matches!(read::<ExportLogsRequest>(Encoding::Protobuf, &bytes, PLENTY), Err(ReadError::Malformed(..))));
    let json = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{}{}}}]}}]}}]}}"#,
        r#"{"arrayValue":{"values":["#.repeat(200),
        "]}}".repeat(200)
    );
    assert!(matches!(read::<ExportLogsRequest>(Encoding::Json, json.as_bytes(), PLENTY), Err(ReadError::Malformed(..))));
}

#[test]
fn maps_with_equal_content_are_equal_texts() {
    let pair = |key: &str, number| KeyValue { key: key.to_owned(), value: Some(value(Value::Int(number))) };
    let map = |values| value(Value::Map(KeyValueList { values }));
    assert_eq!(text_of(&map(vec![pair("b", 1), pair("a", 2)])), text_of(&map(vec![pair("a", 2), pair("b", 1)])));
}
