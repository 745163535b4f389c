//! Remote write 1.0 messages and what remote read shares with them, declared here on their own so that a mistake in the server's reading shows.

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub(crate) timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    pub(crate) labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) exemplars: Vec<Exemplar>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) histograms: Vec<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Exemplar {
    #[prost(message, repeated, tag = "1")]
    pub(crate) labels: Vec<Label>,
    #[prost(double, tag = "2")]
    pub(crate) value: f64,
    #[prost(int64, tag = "3")]
    pub(crate) timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Histogram {
    #[prost(uint64, optional, tag = "1")]
    pub(crate) count_int: Option<u64>,
    #[prost(double, optional, tag = "2")]
    pub(crate) count_float: Option<f64>,
    #[prost(double, tag = "3")]
    pub(crate) sum: f64,
    #[prost(sint32, tag = "4")]
    pub(crate) schema: i32,
    #[prost(double, tag = "5")]
    pub(crate) zero_threshold: f64,
    #[prost(uint64, optional, tag = "6")]
    pub(crate) zero_count_int: Option<u64>,
    #[prost(double, optional, tag = "7")]
    pub(crate) zero_count_float: Option<f64>,
    #[prost(message, repeated, tag = "8")]
    pub(crate) negative_spans: Vec<Span>,
    #[prost(sint64, repeated, tag = "9")]
    pub(crate) negative_deltas: Vec<i64>,
    #[prost(double, repeated, tag = "10")]
    pub(crate) negative_counts: Vec<f64>,
    #[prost(message, repeated, tag = "11")]
    pub(crate) positive_spans: Vec<Span>,
    #[prost(sint64, repeated, tag = "12")]
    pub(crate) positive_deltas: Vec<i64>,
    #[prost(double, repeated, tag = "13")]
    pub(crate) positive_counts: Vec<f64>,
    #[prost(int32, tag = "14")]
    pub(crate) reset_hint: i32,
    #[prost(int64, tag = "15")]
    pub(crate) timestamp: i64,
    #[prost(double, repeated, tag = "16")]
    pub(crate) custom_values: Vec<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Span {
    #[prost(sint32, tag = "1")]
    pub(crate) offset: i32,
    #[prost(uint32, tag = "2")]
    pub(crate) length: u32,
}

/// A histogram of whole counts: a zero bucket, two runs of positive buckets and one of negative ones, all growing with `n`.
pub(crate) fn histogram(timestamp: i64, n: i64) -> Histogram {
    let span = |offset, length| Span { offset, length };
    Histogram {
        count_int: Some((10 * n).cast_unsigned()),
        sum: 2.5 * n as f64,
        schema: 1,
        zero_threshold: 0.001,
        zero_count_int: Some(n.cast_unsigned()),
        positive_spans: vec![span(0, 2), span(3, 1)],
        // n, 2n, 4n
        positive_deltas: vec![n, n, 2 * n],
        negative_spans: vec![span(1, 1)],
        negative_deltas: vec![2 * n],
        timestamp,
        ..Histogram::default()
    }
}

/// The same with counts that are no whole numbers.
pub(crate) fn float_histogram(timestamp: i64, n: f64) -> Histogram {
    Histogram {
        count_int: None,
        count_float: Some(10.0 * n),
        zero_count_int: None,
        zero_count_float: Some(n),
        positive_deltas: Vec::new(),
        positive_counts: vec![n, 2.0 * n, 4.0 * n],
        negative_deltas: Vec::new(),
        negative_counts: vec![2.0 * n],
        sum: 2.5 * n,
        ..histogram(timestamp, 1)
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Label {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Sample {
    #[prost(double, tag = "1")]
    pub(crate) value: f64,
    #[prost(int64, tag = "2")]
    pub(crate) timestamp: i64,
}

/// One series: labels (any order) and samples (ms, value).
pub(crate) fn series(labels: &[(&str, &str)], samples: &[(i64, f64)]) -> TimeSeries {
    let mut labels: Vec<Label> = labels.iter().map(|(name, value)| Label { name: (*name).into(), value: (*value).into() }).collect();
    labels.sort_by(|a, b| a.name.cmp(&b.name));
    let samples = samples.iter().map(|&(timestamp, value)| Sample { value, timestamp }).collect();
    TimeSeries { labels, samples, exemplars: Vec::new(), histograms: Vec::new() }
}

/// The body of a request.
pub(crate) fn body(timeseries: Vec<TimeSeries>) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(&WriteRequest { timeseries }.encode_to_vec()).unwrap()
}

/// Sends to a server; gives status and text.
pub(crate) fn send(url: &str, body: Vec<u8>) -> (u16, String) {
    let response = crate::support::client()
        .post(url)
        .header("Content-Type", "application/x-protobuf")
        .header("Content-Encoding", "snappy")
        .header("X-Prometheus-Remote-Write-Version", "0.1.0")
        .body(body)
        .send()
        .unwrap();
    (response.status().as_u16(), response.text().unwrap())
}
