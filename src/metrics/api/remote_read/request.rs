//! What a reader asks for: `prometheus.ReadRequest`, and which kind of answer it takes.

use prost::Message;

use crate::base::limits::{READ_BODY_BYTES_MAX, READ_QUERIES_MAX};
use crate::base::time::TimeRange;
use crate::series::matcher::{MatchOp, Matcher};

/// `ReadRequest`; the queries are decoded one by one, so that a short body cannot ask for much memory.
#[derive(Clone, PartialEq, Message)]
struct WireRequest {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    queries: Vec<bytes::Bytes>,
    #[prost(int32, repeated, tag = "2")]
    accepted: Vec<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct WireQuery {
    #[prost(int64, tag = "1")]
    start: i64,
    #[prost(int64, tag = "2")]
    end: i64,
    #[prost(message, repeated, tag = "3")]
    matchers: Vec<WireMatcher>,
    #[prost(message, optional, tag = "4")]
    hints: Option<WireHints>,
}

#[derive(Clone, PartialEq, Message)]
struct WireMatcher {
    #[prost(int32, tag = "1")]
    op: i32,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    value: String,
}

/// `ReadHints`; step, grouping and range only help storage that keeps several resolutions.
#[derive(Clone, PartialEq, Message)]
struct WireHints {
    #[prost(string, tag = "2")]
    func: String,
    #[prost(int64, tag = "3")]
    start: i64,
    #[prost(int64, tag = "4")]
    end: i64,
}

/// The two shapes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseType {
    /// One message with all samples.
    Samples,
    /// Frames of chunks.
    StreamedChunks,
}

/// One query of a request.
#[derive(Debug, Clone)]
pub(super) struct Query {
    /// All must match.
    pub(super) matchers: Vec<Matcher>,
    /// Samples wanted.
    pub(super) range: TimeRange,
    /// Only the label sets are wanted.
    pub(super) labels_only: bool,
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct ReadRequest {
    /// In order; the answers name them by position.
    pub(super) queries: Vec<Query>,
    /// What the reader gets.
    pub(super) response: ResponseType,
}

/// Unpacks and reads a body. `external` are the labels that this server adds to what leaves: a condition that one
/// of them has its value is met by every series that has no such label.
pub(super) fn decode(body: &[u8], external: &[(String, String)]) -> Result<ReadRequest, String> {
    let len = snap::raw::decompress_len(body).map_err(|error| error.to_string())?;
    if len > READ_BODY_BYTES_MAX {
        return Err(format!("snappy: decoded length {len} exceeds limit {READ_BODY_BYTES_MAX}"));
    }
    let bytes = snap::raw::Decoder::new().decompress_vec(body).map_err(|error| error.to_string())?;
    let wire = WireRequest::decode(bytes::Bytes::from(bytes)).map_err(|error| error.to_string())?;
    if wire.queries.len() > READ_QUERIES_MAX {
        return Err(format!("{} queries in one request, at most {READ_QUERIES_MAX} are taken", wire.queries.len()));
    }
    let queries = wire.queries.into_iter().map(|query| one(query, external)).collect::<Result<_, _>>()?;
    Ok(ReadRequest { queries, response: negotiate(&wire.accepted)? })
}

fn one(bytes: bytes::Bytes, external: &[(String, String)]) -> Result<Query, String> {
    let wire = WireQuery::decode(bytes).map_err(|error| error.to_string())?;
    let matchers = wire.matchers.iter().map(|found| matcher(found, external)).collect::<Result<_, _>>()?;
    let hints = wire.hints.unwrap_or_default();
    // What the reader will look at may be less than what its query spans.
    let has_range = hints.start < hints.end;
    let start = if has_range { wire.start.max(hints.start) } else { wire.start };
    let end = if has_range { wire.end.min(hints.end) } else { wire.end };
    // The word that stands for a look-up of series in place of a function.
    Ok(Query { matchers, range: TimeRange::new(start, end), labels_only: hints.func == "series" })
}

fn matcher(wire: &WireMatcher, external: &[(String, String)]) -> Result<Matcher, String> {
    let op = match wire.op {
        0 => MatchOp::Equal,
        1 => MatchOp::NotEqual,
        2 => MatchOp::Regex,
        3 => MatchOp::NotRegex,
        _ => return Err("invalid matcher type".to_owned()),
    };
    if op == MatchOp::Equal && external.iter().any(|(name, value)| *name == wire.name && *value == wire.value) {
        return Ok(Matcher::equal(&wire.name, ""));
    }
    Matcher::new(&wire.name, op, &wire.value).map_err(|error| error.to_string())
}

/// The first type that is known here; samples where nothing is said.
fn negotiate(accepted: &[i32]) -> Result<ResponseType, String> {
    if accepted.is_empty() {
        return Ok(ResponseType::Samples);
    }
    let known = accepted.iter().find_map(|number| match number {
        0 => Some(ResponseType::Samples),
        1 => Some(ResponseType::StreamedChunks),
        _ => None,
    });
    known.ok_or_else(|| {
        let shown: Vec<i32> = accepted.iter().copied().take(10).collect();
        format!("server does not support any of the requested response types: {shown:?}; supported: SAMPLES, STREAMED_XOR_CHUNKS")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(request: &WireRequest) -> Vec<u8> {
        snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).unwrap()
    }

    fn query(start: i64, end: i64, hints: Option<WireHints>, matchers: &[(i32, &str, &str)]) -> bytes::Bytes {
        let matchers =
            matchers.iter().map(|(op, name, value)| WireMatcher { op: *op, name: (*name).into(), value: (*value).into() }).collect();
        WireQuery { start, end, matchers, hints }.encode_to_vec().into()
    }

    #[test]
    fn queries_are_read_with_all_four_kinds_of_matchers() {
        let all = [(0, "a", "1"), (1, "b", "2"), (2, "c", "3.*"), (3, "d", "4"), (0, "site", "here")];
        let request = WireRequest { queries: vec![query(10, 20, None, &all)], accepted: vec![7, 1, 0] };
        let read = decode(&body(&request), &[("site".to_owned(), "here".to_owned())]).unwrap();
        assert_eq!(read.response, ResponseType::StreamedChunks);
        let shown: Vec<String> = read.queries[0].matchers.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["a=\"1\"", "b!=\"2\"", "c=~\"3.*\"", "d!~\"4\"", "site=\"\""]);
        assert_eq!((read.queries[0].range, read.queries[0].labels_only), (TimeRange::new(10, 20), false));
    }

    #[test]
    fn hints_narrow_and_name_look_ups_of_series() {
        let hints = |func: &str, start, end| Some(WireHints { func: func.into(), start, end });
        let queries = vec![query(0, 100, hints("rate", 50, 90), &[]), query(0, 100, hints("series", 0, 0), &[])];
        let read = decode(&body(&WireRequest { queries, accepted: vec![] }), &[]).unwrap();
        assert_eq!(read.response, ResponseType::Samples);
        assert_eq!((read.queries[0].range, read.queries[0].labels_only), (TimeRange::new(50, 90), false));
        assert_eq!((read.queries[1].range, read.queries[1].labels_only), (TimeRange::new(0, 100), true));
    }

    #[test]
    fn what_cannot_be_is_refused_in_words() {
        let refused = |request: &WireRequest| decode(&body(request), &[]).unwrap_err();
        let with = |matcher| WireRequest { queries: vec![query(0, 1, None, &[matcher])], accepted: vec![] };
        assert_eq!(refused(&with((9, "a", "b"))), "invalid matcher type");
        assert!(refused(&with((2, "a", "("))).contains("invalid regular expression"));
        assert!(refused(&WireRequest { queries: vec![], accepted: vec![5] }).contains("response types: [5]"));
        assert!(refused(&WireRequest { queries: vec![bytes::Bytes::new(); READ_QUERIES_MAX + 1], accepted: vec![] }).contains("queries"));
        assert!(decode(b"", &[]).is_err());
        assert!(decode(b"\xff\xff\xff\xff\x0f", &[]).unwrap_err().contains("exceeds limit"));
        assert!(decode(&snap::raw::Encoder::new().compress_vec(b"\x0a\xff").unwrap(), &[]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let packed = snap::raw::Encoder::new().compress_vec(&bytes).unwrap();
            let _read = decode(&packed, &[]);
            let _read = decode(&bytes, &[]);
        }
    }
}
