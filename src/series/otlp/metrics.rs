//! Messages of `opentelemetry.proto.metrics.v1`.

use serde::{Deserialize, Deserializer};

use super::json::{choice, double, doubles, hex, maybe_double, maybe_number, number, numbers, or_default};
use super::value::{InstrumentationScope, KeyValue, Resource};
use super::weight::{ATTRIBUTE, RESOURCE, SCOPE, Shape};

/// Points count from the point before.
pub const DELTA: i32 = 1;
/// Points count from a start.
pub const CUMULATIVE: i32 = 2;
/// Flag of a point that says: nothing was recorded, the series ends here.
pub const NO_RECORDED_VALUE: u32 = 1;

const TEMPORALITIES: &[&str] =
    &["AGGREGATION_TEMPORALITY_UNSPECIFIED", "AGGREGATION_TEMPORALITY_DELTA", "AGGREGATION_TEMPORALITY_CUMULATIVE"];

fn temporality<'de, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
    choice(from, TEMPORALITIES)
}

/// A request.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExportMetricsRequest {
    /// Metrics by resource.
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default", alias = "resource_metrics")]
    pub resource_metrics: Vec<ResourceMetrics>,
}

/// Metrics of a resource.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResourceMetrics {
    /// The resource.
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    /// Metrics by scope.
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "or_default", alias = "scope_metrics")]
    pub scope_metrics: Vec<ScopeMetrics>,
    /// The schema of the resource's attributes.
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "or_default", alias = "schema_url")]
    pub schema_url: String,
}

/// Metrics of a scope.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ScopeMetrics {
    /// The scope.
    #[prost(message, optional, tag = "1")]
    pub scope: Option<InstrumentationScope>,
    /// The metrics.
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub metrics: Vec<Metric>,
    /// The schema of names and attributes.
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "or_default", alias = "schema_url")]
    pub schema_url: String,
}

/// A metric, of one of five kinds.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metric {
    /// Its name.
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// What it measures.
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub description: String,
    /// In what, as UCUM has it.
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "or_default")]
    pub unit: String,
    /// Values that go up and down.
    #[prost(message, optional, tag = "5")]
    pub gauge: Option<Gauge>,
    /// Values that are added up.
    #[prost(message, optional, tag = "7")]
    pub sum: Option<Sum>,
    /// Observations in buckets with given bounds.
    #[prost(message, optional, tag = "9")]
    pub histogram: Option<Histogram>,
    /// Observations in buckets with exponential bounds.
    #[prost(message, optional, tag = "10")]
    #[serde(alias = "exponential_histogram")]
    pub exponential_histogram: Option<ExponentialHistogram>,
    /// Quantiles.
    #[prost(message, optional, tag = "11")]
    pub summary: Option<Summary>,
}

/// Values that go up and down.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Gauge {
    /// The points.
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default", alias = "data_points")]
    pub data_points: Vec<NumberPoint>,
}

/// Values that are added up.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Sum {
    /// The points.
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default", alias = "data_points")]
    pub data_points: Vec<NumberPoint>,
    /// [`DELTA`] or [`CUMULATIVE`].
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "temporality", alias = "aggregation_temporality")]
    pub aggregation_temporality: i32,
    /// Whether nothing is ever taken away.
    #[prost(bool, tag = "3")]
    #[serde(deserialize_with = "or_default", alias = "is_monotonic")]
    pub is_monotonic: bool,
}

/// Observations in buckets with given bounds.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Histogram {
    /// The points.
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default", alias = "data_points")]
    pub data_points: Vec<HistogramPoint>,
    /// [`DELTA`] or [`CUMULATIVE`].
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "temporality", alias = "aggregation_temporality")]
    pub aggregation_temporality: i32,
}

/// Observations in buckets with exponential bounds.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExponentialHistogram {
    /// The points.
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default", alias = "data_points")]
    pub data_points: Vec<ExponentialPoint>,
    /// [`DELTA`] or [`CUMULATIVE`].
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "temporality", alias = "aggregation_temporality")]
    pub aggregation_temporality: i32,
}

/// Quantiles.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Summary {
    /// The points.
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default", alias = "data_points")]
    pub data_points: Vec<SummaryPoint>,
}

/// A number at a time.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NumberPoint {
    /// What distinguishes the series.
    #[prost(message, repeated, tag = "7")]
    #[serde(deserialize_with = "or_default")]
    pub attributes: Vec<KeyValue>,
    /// When counting began (ns since the Unix epoch), 0 = unknown.
    #[prost(fixed64, tag = "2")]
    #[serde(deserialize_with = "number", alias = "start_time_unix_nano")]
    pub start_time_unix_nano: u64,
    /// When (ns since the Unix epoch).
    #[prost(fixed64, tag = "3")]
    #[serde(deserialize_with = "number", alias = "time_unix_nano")]
    pub time_unix_nano: u64,
    /// The value, or
    #[prost(double, optional, tag = "4")]
    #[serde(deserialize_with = "maybe_double", alias = "as_double")]
    pub as_double: Option<f64>,
    /// the value as a whole number.
    #[prost(sfixed64, optional, tag = "6")]
    #[serde(deserialize_with = "maybe_number", alias = "as_int")]
    pub as_int: Option<i64>,
    /// Traces behind it.
    #[prost(message, repeated, tag = "5")]
    #[serde(deserialize_with = "or_default")]
    pub exemplars: Vec<Exemplar>,
    /// [`NO_RECORDED_VALUE`] or nothing.
    #[prost(uint32, tag = "8")]
    #[serde(deserialize_with = "number")]
    pub flags: u32,
}

impl NumberPoint {
    /// The value; 0 if there is none.
    pub fn value(&self) -> f64 {
        self.as_double.or_else(|| self.as_int.map(|value| value as f64)).unwrap_or_default()
    }
}

/// A histogram at a time.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HistogramPoint {
    /// What distinguishes the series.
    #[prost(message, repeated, tag = "9")]
    #[serde(deserialize_with = "or_default")]
    pub attributes: Vec<KeyValue>,
    /// When counting began (ns since the Unix epoch), 0 = unknown.
    #[prost(fixed64, tag = "2")]
    #[serde(deserialize_with = "number", alias = "start_time_unix_nano")]
    pub start_time_unix_nano: u64,
    /// When (ns since the Unix epoch).
    #[prost(fixed64, tag = "3")]
    #[serde(deserialize_with = "number", alias = "time_unix_nano")]
    pub time_unix_nano: u64,
    /// Observations.
    #[prost(fixed64, tag = "4")]
    #[serde(deserialize_with = "number")]
    pub count: u64,
    /// Their sum, if all are positive.
    #[prost(double, optional, tag = "5")]
    #[serde(deserialize_with = "maybe_double")]
    pub sum: Option<f64>,
    /// Observations of each bucket, one more than there are bounds; or none.
    #[prost(fixed64, repeated, tag = "6")]
    #[serde(deserialize_with = "numbers", alias = "bucket_counts")]
    pub bucket_counts: Vec<u64>,
    /// Upper bounds of the buckets, which belong to them.
    #[prost(double, repeated, tag = "7")]
    #[serde(deserialize_with = "doubles", alias = "explicit_bounds")]
    pub explicit_bounds: Vec<f64>,
    /// Traces behind it.
    #[prost(message, repeated, tag = "8")]
    #[serde(deserialize_with = "or_default")]
    pub exemplars: Vec<Exemplar>,
    /// [`NO_RECORDED_VALUE`] or nothing.
    #[prost(uint32, tag = "10")]
    #[serde(deserialize_with = "number")]
    pub flags: u32,
}

/// An exponential histogram at a time.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExponentialPoint {
    /// What distinguishes the series.
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub attributes: Vec<KeyValue>,
    /// When counting began (ns since the Unix epoch), 0 = unknown.
    #[prost(fixed64, tag = "2")]
    #[serde(deserialize_with = "number", alias = "start_time_unix_nano")]
    pub start_time_unix_nano: u64,
    /// When (ns since the Unix epoch).
    #[prost(fixed64, tag = "3")]
    #[serde(deserialize_with = "number", alias = "time_unix_nano")]
    pub time_unix_nano: u64,
    /// Observations.
    #[prost(fixed64, tag = "4")]
    #[serde(deserialize_with = "number")]
    pub count: u64,
    /// Their sum.
    #[prost(double, optional, tag = "5")]
    #[serde(deserialize_with = "maybe_double")]
    pub sum: Option<f64>,
    /// The base of the bounds is 2 to the power of 2 to the power of minus this.
    #[prost(sint32, tag = "6")]
    #[serde(deserialize_with = "number")]
    pub scale: i32,
    /// Observations so near to zero that they have no bucket.
    #[prost(fixed64, tag = "7")]
    #[serde(deserialize_with = "number", alias = "zero_count")]
    pub zero_count: u64,
    /// Buckets above zero.
    #[prost(message, optional, tag = "8")]
    pub positive: Option<Buckets>,
    /// Buckets below zero.
    #[prost(message, optional, tag = "9")]
    pub negative: Option<Buckets>,
    /// [`NO_RECORDED_VALUE`] or nothing.
    #[prost(uint32, tag = "10")]
    #[serde(deserialize_with = "number")]
    pub flags: u32,
    /// Traces behind it.
    #[prost(message, repeated, tag = "11")]
    #[serde(deserialize_with = "or_default")]
    pub exemplars: Vec<Exemplar>,
    /// How near to zero that is.
    #[prost(double, tag = "14")]
    #[serde(deserialize_with = "double", alias = "zero_threshold")]
    pub zero_threshold: f64,
}

/// Consecutive buckets of an exponential histogram.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Buckets {
    /// Index of the first one.
    #[prost(sint32, tag = "1")]
    #[serde(deserialize_with = "number")]
    pub offset: i32,
    /// Observations of each.
    #[prost(uint64, repeated, tag = "2")]
    #[serde(deserialize_with = "numbers", alias = "bucket_counts")]
    pub bucket_counts: Vec<u64>,
}

/// Quantiles at a time.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SummaryPoint {
    /// What distinguishes the series.
    #[prost(message, repeated, tag = "7")]
    #[serde(deserialize_with = "or_default")]
    pub attributes: Vec<KeyValue>,
    /// When counting began (ns since the Unix epoch), 0 = unknown.
    #[prost(fixed64, tag = "2")]
    #[serde(deserialize_with = "number", alias = "start_time_unix_nano")]
    pub start_time_unix_nano: u64,
    /// When (ns since the Unix epoch).
    #[prost(fixed64, tag = "3")]
    #[serde(deserialize_with = "number", alias = "time_unix_nano")]
    pub time_unix_nano: u64,
    /// Observations.
    #[prost(fixed64, tag = "4")]
    #[serde(deserialize_with = "number")]
    pub count: u64,
    /// Their sum.
    #[prost(double, tag = "5")]
    #[serde(deserialize_with = "double")]
    pub sum: f64,
    /// The quantiles.
    #[prost(message, repeated, tag = "6")]
    #[serde(deserialize_with = "or_default", alias = "quantile_values")]
    pub quantile_values: Vec<Quantile>,
    /// [`NO_RECORDED_VALUE`] or nothing.
    #[prost(uint32, tag = "8")]
    #[serde(deserialize_with = "number")]
    pub flags: u32,
}

/// A quantile.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub struct Quantile {
    /// Between 0 and 1.
    #[prost(double, tag = "1")]
    #[serde(deserialize_with = "double")]
    pub quantile: f64,
    /// Its value.
    #[prost(double, tag = "2")]
    #[serde(deserialize_with = "double")]
    pub value: f64,
}

/// A trace behind a value.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Exemplar {
    /// Attributes of the observation that are not the series'.
    #[prost(message, repeated, tag = "7")]
    #[serde(deserialize_with = "or_default", alias = "filtered_attributes")]
    pub filtered_attributes: Vec<KeyValue>,
    /// When (ns since the Unix epoch), 0 = unknown.
    #[prost(fixed64, tag = "2")]
    #[serde(deserialize_with = "number", alias = "time_unix_nano")]
    pub time_unix_nano: u64,
    /// The value, or
    #[prost(double, optional, tag = "3")]
    #[serde(deserialize_with = "maybe_double", alias = "as_double")]
    pub as_double: Option<f64>,
    /// the value as a whole number.
    #[prost(sfixed64, optional, tag = "6")]
    #[serde(deserialize_with = "maybe_number", alias = "as_int")]
    pub as_int: Option<i64>,
    /// The span.
    #[prost(bytes = "vec", tag = "4")]
    #[serde(deserialize_with = "hex", alias = "span_id")]
    pub span_id: Vec<u8>,
    /// The trace.
    #[prost(bytes = "vec", tag = "5")]
    #[serde(deserialize_with = "hex", alias = "trace_id")]
    pub trace_id: Vec<u8>,
}

/// What was not taken of a request.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ExportMetricsResponse {
    /// Absent when all was taken.
    #[prost(message, optional, tag = "1")]
    pub partial_success: Option<MetricsPartialSuccess>,
}

/// What was not taken, and why.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MetricsPartialSuccess {
    /// Points that were refused.
    #[prost(int64, tag = "1")]
    pub rejected_data_points: i64,
    /// Why, or a warning.
    #[prost(string, tag = "2")]
    pub error_message: String,
}

static EXEMPLAR: Shape = Shape::of::<Exemplar>(&[(7, &ATTRIBUTE)]);
static NUMBER_POINT: Shape = Shape::of::<NumberPoint>(&[(7, &ATTRIBUTE), (5, &EXEMPLAR)]);
static HISTOGRAM_POINT: Shape = Shape::of::<HistogramPoint>(&[(9, &ATTRIBUTE), (8, &EXEMPLAR)]);
static BUCKETS: Shape = Shape::of::<Buckets>(&[]).with_varints(2);
static EXPONENTIAL_POINT: Shape = Shape::of::<ExponentialPoint>(&[(1, &ATTRIBUTE), (8, &BUCKETS), (9, &BUCKETS), (11, &EXEMPLAR)]);
static QUANTILE: Shape = Shape::of::<Quantile>(&[]);
static SUMMARY_POINT: Shape = Shape::of::<SummaryPoint>(&[(7, &ATTRIBUTE), (6, &QUANTILE)]);
static NUMBERS: Shape = Shape::of::<Sum>(&[(1, &NUMBER_POINT)]);
static HISTOGRAMS: Shape = Shape::of::<Histogram>(&[(1, &HISTOGRAM_POINT)]);
static EXPONENTIALS: Shape = Shape::of::<ExponentialHistogram>(&[(1, &EXPONENTIAL_POINT)]);
static SUMMARIES: Shape = Shape::of::<Summary>(&[(1, &SUMMARY_POINT)]);
static METRIC: Shape = Shape::of::<Metric>(&[(5, &NUMBERS), (7, &NUMBERS), (9, &HISTOGRAMS), (10, &EXPONENTIALS), (11, &SUMMARIES)]);
static SCOPE_METRICS: Shape = Shape::of::<ScopeMetrics>(&[(1, &SCOPE), (2, &METRIC)]);
static RESOURCE_METRICS: Shape = Shape::of::<ResourceMetrics>(&[(1, &RESOURCE), (2, &SCOPE_METRICS)]);
static REQUEST: Shape = Shape::of::<ExportMetricsRequest>(&[(1, &RESOURCE_METRICS)]);

impl super::Request for ExportMetricsRequest {
    const SHAPE: &'static Shape = &REQUEST;
}
