//! Pushes of Loki, declared here on their own so that a mistake in the server's reading shows; and a WebSocket to read tails by.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use prost::Message;
use serde_json::Value as Json;

use crate::support::Server;

/// Lines of then are taken, and kept.
pub(crate) const KEEPING: [&str; 4] =
    ["--host-metrics=false", "--own-metrics=false", "--logs.reject-old-samples=false", "--logs.retention-time=0s"];
/// A time in nanoseconds.
pub(crate) const T0: i64 = 1_700_000_000_000_000_000;
pub(crate) const SECOND: i64 = 1_000_000_000;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PushRequest {
    #[prost(message, repeated, tag = "1")]
    pub(crate) streams: Vec<StreamAdapter>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StreamAdapter {
    #[prost(string, tag = "1")]
    pub(crate) labels: String,
    #[prost(message, repeated, tag = "2")]
    pub(crate) entries: Vec<EntryAdapter>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct EntryAdapter {
    #[prost(message, optional, tag = "1")]
    pub(crate) timestamp: Option<Timestamp>,
    #[prost(string, tag = "2")]
    pub(crate) line: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) structured_metadata: Vec<LabelPair>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub(crate) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(crate) nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct LabelPair {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

/// Names and values.
pub(crate) type Pairs<'a> = &'a [(&'a str, &'a str)];
/// A line: time in ns, text, fields.
pub(crate) type SentLine<'a> = (i64, &'a str, Pairs<'a>);

/// A stream with lines.
pub(crate) fn stream(labels: &str, lines: &[SentLine<'_>]) -> StreamAdapter {
    let entries = lines
        .iter()
        .map(|(ts, line, fields)| EntryAdapter {
            timestamp: Some(Timestamp { seconds: ts.div_euclid(SECOND), nanos: i32::try_from(ts.rem_euclid(SECOND)).unwrap() }),
            line: (*line).to_owned(),
            structured_metadata: fields.iter().map(|(name, value)| LabelPair { name: (*name).into(), value: (*value).into() }).collect(),
        })
        .collect();
    StreamAdapter { labels: labels.to_owned(), entries }
}

/// As it stands on the wire.
pub(crate) fn packed(streams: Vec<StreamAdapter>) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(&PushRequest { streams }.encode_to_vec()).unwrap()
}

/// Pushes; status and answer.
pub(crate) fn push(server: &Server, streams: Vec<StreamAdapter>) -> (u16, String) {
    server.post("/loki/api/v1/push", "application/x-protobuf", packed(streams))
}

/// A call of Loki's API that must succeed.
pub(crate) fn loki(server: &Server, path: &str, params: &[(&str, &str)]) -> Json {
    let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    let (status, text) = server.get(&format!("/loki/api/v1/{path}?{query}"));
    assert_eq!(status, 200, "{path} {params:?}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
}

/// Lines that a query finds, oldest first: time and text.
pub(crate) fn lines(server: &Server, query: &str) -> Vec<(i64, String)> {
    let (start, end) = ((T0 - 3600 * SECOND).to_string(), (T0 + 3600 * SECOND).to_string());
    let params = [("query", query), ("start", &start), ("end", &end), ("limit", "5000"), ("direction", "forward")];
    let answer = loki(server, "query_range", &params);
    assert_eq!(answer["data"]["resultType"], "streams", "{answer}");
    let mut found: Vec<(i64, String)> = answer["data"]["result"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|stream| stream["values"].as_array().unwrap())
        .map(|line| (line[0].as_str().unwrap().parse().unwrap(), line[1].as_str().unwrap().to_owned()))
        .collect();
    found.sort();
    found
}

/// A WebSocket, as far as reading text needs it.
pub(crate) struct Socket(TcpStream);

impl Socket {
    pub(crate) fn open(server: &Server, path: &str) -> Self {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            server.address
        )
        .unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        Self(stream)
    }

    /// The next text; none when the server closes.
    pub(crate) fn next(&mut self) -> Option<Json> {
        loop {
            let mut head = [0; 2];
            self.0.read_exact(&mut head).ok()?;
            let len = match head[1] & 0x7f {
                126 => {
                    let mut bytes = [0; 2];
                    self.0.read_exact(&mut bytes).unwrap();
                    usize::from(u16::from_be_bytes(bytes))
                }
                127 => {
                    let mut bytes = [0; 8];
                    self.0.read_exact(&mut bytes).unwrap();
                    usize::try_from(u64::from_be_bytes(bytes)).unwrap()
                }
                len => usize::from(len),
            };
            let mut payload = vec![0; len];
            self.0.read_exact(&mut payload).unwrap();
            match head[0] & 0x0f {
                1 => return Some(serde_json::from_slice(&payload).unwrap()),
                8 => return None,
                _ => {}
            }
        }
    }
}
