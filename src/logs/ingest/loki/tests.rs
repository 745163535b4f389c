//! Pushes as senders write them, and as nobody should.

use prost::Message;

use super::*;
use crate::logs::ingest::limits::{LineLimits, REQUEST_BYTES_MAX};
use crate::logs::ingest::receive::Door;
use crate::logs::ingest::receive::tests::receiver;

#[derive(Clone, PartialEq, Message)]
struct PushRequest {
    #[prost(message, repeated, tag = "1")]
    streams: Vec<StreamAdapter>,
}

#[derive(Clone, PartialEq, Message)]
struct StreamAdapter {
    #[prost(string, tag = "1")]
    labels: String,
    #[prost(message, repeated, tag = "2")]
    entries: Vec<EntryAdapter>,
    #[prost(uint64, tag = "3")]
    hash: u64,
}

#[derive(Clone, PartialEq, Message)]
struct EntryAdapter {
    #[prost(message, optional, tag = "1")]
    timestamp: Option<Timestamp>,
    #[prost(string, tag = "2")]
    line: String,
    #[prost(message, repeated, tag = "3")]
    structured_metadata: Vec<Pair>,
}

#[derive(Clone, PartialEq, Message)]
struct Timestamp {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Pair {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

fn entry(seconds: i64, nanos: i32, line: &str, fields: &[(&str, &str)]) -> EntryAdapter {
    let structured_metadata = fields.iter().map(|(name, value)| Pair { name: (*name).to_owned(), value: (*value).to_owned() }).collect();
    EntryAdapter { timestamp: Some(Timestamp { seconds, nanos }), line: line.to_owned(), structured_metadata }
}

fn packed(request: &PushRequest) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).unwrap()
}

type Line = crate::logs::ingest::receive::tests::KeptLine;

/// What is stored of a push, what is refused, or why all of it is.
fn pushed(form: Form, body: &[u8]) -> Result<(Vec<Line>, Option<String>), PushError> {
    let limits = LineLimits { finds_levels: false, service_labels: Vec::new(), ..LineLimits::default() };
    let (receiver, kept, _clock) = receiver(limits);
    let mut gather = receiver.gather();
    decode(form, body, &receiver, &mut gather, &mut Vec::new())?;
    let taken = receiver.take(Door::Loki, gather).unwrap();
    let lines = kept.lines.lock().clone();
    Ok((lines, taken.refused))
}

fn line(labels: &str, ts: i64, text: &str, fields: &str) -> Line {
    (labels.to_owned(), ts, text.to_owned(), fields.to_owned())
}

#[test]
fn protobuf_is_read() {
    let streams = vec![
        StreamAdapter {
            labels: "{app=\"a\", env=\"x\"}".to_owned(),
            entries: vec![entry(1_700_000_000, 5, "one", &[]), entry(1, 0, "two\nlines", &[("trace", "7"), ("b", "x")])],
            hash: 99,
        },
        StreamAdapter { labels: "{bad".to_owned(), entries: vec![entry(1, 0, "lost", &[])], hash: 0 },
        StreamAdapter { labels: "{app=\"b\"}".to_owned(), entries: vec![entry(3, 0, "", &[])], hash: 0 },
    ];
    let (lines, refused) = pushed(Form::Protobuf, &packed(&PushRequest { streams })).unwrap();
    let expected = [
        line("{app=\"a\", env=\"x\"}", 1_700_000_000_000_000_005, "one", "{}"),
        line("{app=\"a\", env=\"x\"}", 1_000_000_000, "two\nlines", "{b=\"x\", trace=\"7\"}"),
        line("{app=\"b\"}", 3_000_000_000, "", "{}"),
    ];
    assert_eq!(lines, expected);
    assert_eq!(refused.unwrap(), "Error parsing labels '{bad' with error: 1:5: parse error: unexpected end of the labels, expected '='");
}

#[test]
fn labels_may_stand_behind_entries() {
    let first = StreamAdapter { labels: String::new(), entries: vec![entry(1, 0, "x", &[])], hash: 0 }.encode_to_vec();
    let second = StreamAdapter { labels: "{app=\"a\"}".to_owned(), entries: Vec::new(), hash: 0 }.encode_to_vec();
    let stream = [first, second].concat();
    let mut request = vec![0x0a, u8::try_from(stream.len()).unwrap()];
    request.extend_from_slice(&stream);
    let (lines, _) = pushed(Form::Protobuf, &snap::raw::Encoder::new().compress_vec(&request).unwrap()).unwrap();
    assert_eq!(lines, [line("{app=\"a\"}", 1_000_000_000, "x", "{}")]);
}

#[test]
fn json_is_read_in_both_forms_and_any_order() {
    for body in [
        r#"{"streams":[{"stream":{"app":"a"},"values":[["1","one"],["2","t\"w\u00e9",{"trace":"7"}]]}]}"#,
        r#"{"extra":[1],"streams":[{"values":[["1","one"],["2","t\"wé",{"trace":"7"}]],"x":{},"stream":{"app":"a"}}]}"#,
        r#"{"streams":[{"labels":"{app=\"a\"}","entries":[{"ts":"1970-01-01T00:00:00.000000001Z","line":"one"},
            {"line":"t\"wé","structuredMetadata":{"trace":"7"},"ts":"1970-01-01T00:00:00.000000002Z"}]}]}"#,
    ] {
        let (lines, refused) = pushed(Form::Json, body.as_bytes()).unwrap();
        assert_eq!(lines, [line("{app=\"a\"}", 1, "one", "{}"), line("{app=\"a\"}", 2, "t\"wé", "{trace=\"7\"}")], "{body}");
        assert_eq!(refused, None);
    }
}

#[test]
fn what_is_no_push_is_refused_in_words() {
    let json = |body: &str| pushed(Form::Json, body.as_bytes()).unwrap_err().to_string();
    for (body, part) in [
        ("", "EOF while parsing"),
        ("[]", "expected an object with \"streams\""),
        ("{\"streams\":[{\"stream\":{\"a\":1},\"values\":[]}]}", "expected a text at line 1 column"),
        ("{\"streams\":[{\"stream\":{\"a\":\"b\"},\"values\":[[\"x\",\"l\"]]}]}", "\"x\" is no number of nanoseconds"),
        ("{\"streams\":[{\"stream\":{\"a\":\"b\"},\"values\":[[\"1\"]]}]}", "a line without a text"),
        ("{\"streams\":[{\"stream\":{\"a\":\"b\"},\"values\":[[\"1\",\"x\",[]]]}]}", "expected structured metadata: an object of texts"),
        ("{\"streams\":[{\"stream\":{\"a\":\"b\"},\"values\":[[\"1\",\"x\"]]}]} {}", "trailing characters"),
        ("{}", NO_STREAMS),
        ("{\"streams\":[]}", NO_STREAMS),
    ] {
        assert!(json(body).contains(part), "{body}: {}", json(body));
    }
    let (lines, refused) =
        pushed(Form::Json, br#"{"streams":[{"values":[["1","x"]]},{"stream":{"a":"b"},"values":[["1","x"]]}]}"#).unwrap();
    assert_eq!((lines.len(), refused.as_deref()), (1, Some("error at least one label pair is required per stream")));
    for body in [&b"\xff\xff\xff\xff\x0f"[..], b"nonsense", b"\x05\x10\x0a\xff\xff\xff\xff"] {
        assert!(pushed(Form::Protobuf, body).is_err());
    }
    assert_eq!(pushed(Form::Protobuf, &packed(&PushRequest { streams: Vec::new() })), Err(PushError::NoStreams));
    let bomb = snap::raw::Encoder::new().compress_vec(&vec![0; REQUEST_BYTES_MAX + 1]).unwrap();
    assert_eq!(pushed(Form::Protobuf, &bomb), Err(PushError::TooLarge(REQUEST_BYTES_MAX)));
    assert_eq!(Form::of("", b" {"), Form::Json);
    assert_eq!(Form::of("Application/JSON; charset=utf-8", b""), Form::Json);
    assert_eq!(Form::of("application/x-protobuf", b"{"), Form::Protobuf);
}

#[test]
fn a_line_too_many_refuses_all() {
    // An entry without anything is two bytes on the wire.
    let mut stream = StreamAdapter { labels: "{app=\"a\"}".to_owned(), entries: Vec::new(), hash: 0 }.encode_to_vec();
    stream.extend([0x12, 0].repeat(crate::logs::ingest::gather::LINES_MAX + 1));
    let mut request = vec![0x0a];
    crate::base::bytes::put_uvarint(&mut request, stream.len() as u64);
    request.extend_from_slice(&stream);
    let body = snap::raw::Encoder::new().compress_vec(&request).unwrap();
    assert_eq!(pushed(Form::Protobuf, &body), Err(PushError::TooMuch(TooMuch::Lines)));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_survived(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300), text in ".{0,200}") {
        let _refused = pushed(Form::Protobuf, &body);
        let _refused = pushed(Form::Protobuf, &snap::raw::Encoder::new().compress_vec(&body).unwrap());
        let _refused = pushed(Form::Json, text.as_bytes());
    }
}

#[test]
fn decoding_is_measured() {
    if std::env::var_os("PHAROS_MEASURE").is_none() {
        return;
    }
    let entries: Vec<_> = (0..1000)
        .map(|number| {
            let text = format!("{{\"ts\":\"2026-11-21T16:00:00Z\",\"level\":\"info\",\"msg\":\"request {number} served\",\"path\":\"/api/v1/items/{number}\",\"duration_ms\":{},\"status\":200,\"trace_id\":\"{:032x}\"}}", number * 7 % 991, number * 7919);
            entry(1_700_000_000 + number, 0, &text, &[])
        })
        .collect();
    let streams = (0..20)
        .map(|number| StreamAdapter { labels: format!("{{app=\"a{number}\", env=\"x\"}}"), entries: entries.clone(), hash: 0 })
        .collect();
    let body = PushRequest { streams }.encode_to_vec();
    for finds_levels in [false, true] {
        let (receiver, _kept, _clock) = receiver(LineLimits { finds_levels, ..LineLimits::default() });
        let mut gather = receiver.gather();
        let clock = crate::base::clock::SystemClock::new();
        let mut best = f64::INFINITY;
        for _ in 0..20 {
            let began = crate::base::clock::Clock::monotonic(&clock);
            proto::decode(&body, &receiver, &mut gather).unwrap();
            best = best.min((crate::base::clock::Clock::monotonic(&clock) - began).as_secs_f64());
            assert_eq!(gather.batch().lines.len(), 20_000);
            gather.clear();
        }
        let speed = body.len() as f64 / best / f64::from(1 << 20);
        std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("levels {finds_levels}: {speed:.0} MiB/s\n")).unwrap();
    }
}

#[test]
fn label_pairs_are_not_kept_beyond_what_a_label_set_may_have() {
    use serde::de::DeserializeSeed;
    let wide: Vec<String> = (0..100_000).map(|number| format!("\"a{number}\":\"\"")).collect();
    let long = format!("\"a\":\"{}\"", "x".repeat(1 << 20));
    for (labels, kept) in [(wide.join(","), 513), (format!("{long},{long},{long}"), 1)] {
        let object = format!("{{{labels}}}");
        let pairs = json::Pairs.deserialize(&mut serde_json::Deserializer::from_str(&object)).unwrap();
        assert!(pairs.len() == kept && pairs.capacity() <= 1024, "{}", pairs.len());
        let body = format!(
            "{{\"streams\":[{{\"stream\":{object},\"values\":[[\"1\",\"x\"]]}},{{\"stream\":{{\"a\":\"b\"}},\"values\":[[\"1\",\"y\"]]}}]}}"
        );
        let (lines, refused) = pushed(Form::Json, body.as_bytes()).unwrap();
        assert_eq!(lines, [line("{a=\"b\"}", 1, "y", "{}")]);
        assert!(refused.unwrap().contains("may have 512 labels and 262144 bytes of labels at most"));
    }
}

#[test]
fn a_small_budget_takes_small_requests() {
    let (receiver, _kept, _clock) = receiver(LineLimits { request_bytes_max: 1000, request_memory_max: 10_000, ..LineLimits::default() });
    let push = |body: &[u8], form| decode(form, body, &receiver, &mut receiver.gather(), &mut Vec::new());
    let request = |lines: usize, len: usize| PushRequest {
        streams: vec![StreamAdapter { labels: "{a=\"b\"}".to_owned(), entries: vec![entry(1, 0, &"x".repeat(len), &[]); lines], hash: 0 }],
    };
    assert_eq!(push(&packed(&request(1, 900)), Form::Protobuf), Ok(()));
    assert_eq!(push(&packed(&request(1, 1000)), Form::Protobuf), Err(PushError::TooLarge(1000)));
    assert_eq!(push(&packed(&request(100, 0)), Form::Protobuf), Err(PushError::TooMuch(TooMuch::Memory(10_000))));
}
