//! Messages of `opentelemetry.proto.logs.v1`.

use serde::{Deserialize, Deserializer};

use super::json::{choice, hex, number, or_default};
use super::value::{AnyValue, InstrumentationScope, KeyValue, Resource};
use super::weight::{ANY_VALUE, ATTRIBUTE, RESOURCE, SCOPE, Shape};

/// Names of the severities, by number.
const SEVERITIES: &[&str] = &[
    "SEVERITY_NUMBER_UNSPECIFIED",
    "SEVERITY_NUMBER_TRACE",
    "SEVERITY_NUMBER_TRACE2",
    "SEVERITY_NUMBER_TRACE3",
    "SEVERITY_NUMBER_TRACE4",
    "SEVERITY_NUMBER_DEBUG",
    "SEVERITY_NUMBER_DEBUG2",
    "SEVERITY_NUMBER_DEBUG3",
    "SEVERITY_NUMBER_DEBUG4",
    "SEVERITY_NUMBER_INFO",
    "SEVERITY_NUMBER_INFO2",
    "SEVERITY_NUMBER_INFO3",
    "SEVERITY_NUMBER_INFO4",
    "SEVERITY_NUMBER_WARN",
    "SEVERITY_NUMBER_WARN2",
    "SEVERITY_NUMBER_WARN3",
    "SEVERITY_NUMBER_WARN4",
    "SEVERITY_NUMBER_ERROR",
    "SEVERITY_NUMBER_ERROR2",
    "SEVERITY_NUMBER_ERROR3",
    "SEVERITY_NUMBER_ERROR4",
    "SEVERITY_NUMBER_FATAL",
    "SEVERITY_NUMBER_FATAL2",
    "SEVERITY_NUMBER_FATAL3",
    "SEVERITY_NUMBER_FATAL4",
];

fn severity<'de, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
    choice(from, SEVERITIES)
}

/// A request.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExportLogsRequest {
    /// Records by resource.
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default", alias = "resource_logs")]
    pub resource_logs: Vec<ResourceLogs>,
}

/// Records of a resource.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResourceLogs {
    /// The resource.
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    /// Records by scope.
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "or_default", alias = "scope_logs")]
    pub scope_logs: Vec<ScopeLogs>,
}

/// Records of a scope.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ScopeLogs {
    /// The scope.
    #[prost(message, optional, tag = "1")]
    pub scope: Option<InstrumentationScope>,
    /// The records.
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "or_default", alias = "log_records")]
    pub log_records: Vec<LogRecord>,
}

/// A record.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LogRecord {
    /// When it happened (ns since the Unix epoch), 0 = unknown.
    #[prost(fixed64, tag = "1")]
    #[serde(deserialize_with = "number", alias = "time_unix_nano")]
    pub time_unix_nano: u64,
    /// When it was seen (ns since the Unix epoch), 0 = unknown.
    #[prost(fixed64, tag = "11")]
    #[serde(deserialize_with = "number", alias = "observed_time_unix_nano")]
    pub observed_time_unix_nano: u64,
    /// 1 to 24, 0 = unknown.
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "severity", alias = "severity_number")]
    pub severity_number: i32,
    /// The severity as its source writes it.
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "or_default", alias = "severity_text")]
    pub severity_text: String,
    /// What it says.
    #[prost(message, optional, tag = "5")]
    pub body: Option<AnyValue>,
    /// What else is known of it.
    #[prost(message, repeated, tag = "6")]
    #[serde(deserialize_with = "or_default")]
    pub attributes: Vec<KeyValue>,
    /// Attributes that were left out.
    #[prost(uint32, tag = "7")]
    #[serde(deserialize_with = "number", alias = "dropped_attributes_count")]
    pub dropped_attributes_count: u32,
    /// Flags of the trace.
    #[prost(fixed32, tag = "8")]
    #[serde(deserialize_with = "number")]
    pub flags: u32,
    /// The trace.
    #[prost(bytes = "vec", tag = "9")]
    #[serde(deserialize_with = "hex", alias = "trace_id")]
    pub trace_id: Vec<u8>,
    /// The span.
    #[prost(bytes = "vec", tag = "10")]
    #[serde(deserialize_with = "hex", alias = "span_id")]
    pub span_id: Vec<u8>,
    /// What kind of event it is.
    #[prost(string, tag = "12")]
    #[serde(deserialize_with = "or_default", alias = "event_name")]
    pub event_name: String,
}

/// What was not taken of a request.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ExportLogsResponse {
    /// Absent when all was taken.
    #[prost(message, optional, tag = "1")]
    pub partial_success: Option<LogsPartialSuccess>,
}

/// What was not taken, and why.
#[derive(Clone, PartialEq, prost::Message)]
pub struct LogsPartialSuccess {
    /// Records that were refused.
    #[prost(int64, tag = "1")]
    pub rejected_log_records: i64,
    /// Why, or a warning.
    #[prost(string, tag = "2")]
    pub error_message: String,
}

static RECORD: Shape = Shape::of::<LogRecord>(&[(5, &ANY_VALUE), (6, &ATTRIBUTE)]);
static SCOPE_LOGS: Shape = Shape::of::<ScopeLogs>(&[(1, &SCOPE), (2, &RECORD)]);
static RESOURCE_LOGS: Shape = Shape::of::<ResourceLogs>(&[(1, &RESOURCE), (2, &SCOPE_LOGS)]);
static REQUEST: Shape = Shape::of::<ExportLogsRequest>(&[(1, &RESOURCE_LOGS)]);

impl super::Request for ExportLogsRequest {
    const SHAPE: &'static Shape = &REQUEST;
}
