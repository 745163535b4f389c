//! Answers of queries, written piece by piece: lines by stream, or numbers.

use super::json_text::{put_float, put_int, put_line, put_packed, put_seconds, put_text, put_texts};
use super::stats_json::{QueryStats, put_stats};
use crate::series::value::{Point, Value};

/// How lines are to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Encoding {
    /// Whether labels of the stream, fields and what parsers found are told apart.
    pub(super) categorized: bool,
    /// Whether streams are written as the API under `/api/prom` has them.
    pub(super) is_old: bool,
}

impl Encoding {
    /// The header by which clients ask for it.
    pub(super) const HEADER: &'static str = "x-loki-response-encoding-flags";
    const CATEGORIZE: &'static str = "categorize-labels";

    /// From the header's text.
    pub(super) fn of(header: &str) -> Self {
        Self { categorized: header.split(',').any(|flag| flag.trim() == Self::CATEGORIZE), is_old: false }
    }
}

/// The beginning of an answer, up to the result.
pub(super) fn put_head(out: &mut Vec<u8>, kind: &str, encoding: Encoding, warnings: &[String]) {
    out.extend_from_slice(b"{\"status\":\"success\"");
    if !warnings.is_empty() {
        out.extend_from_slice(b",\"warnings\":");
        put_texts(out, warnings.iter().map(String::as_str));
    }
    out.extend_from_slice(b",\"data\":{\"resultType\":");
    put_text(out, kind);
    if encoding.categorized {
        put_flags(out);
    }
    out.extend_from_slice(b",\"result\":");
}

/// The flags of an answer with categories.
pub(super) fn put_flags(out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"encodingFlags\":[\"");
    out.extend_from_slice(Encoding::CATEGORIZE.as_bytes());
    out.extend_from_slice(b"\"]");
}

/// The end of an answer, from behind the result.
pub(super) fn put_tail(out: &mut Vec<u8>, stats: &QueryStats) {
    out.extend_from_slice(b",\"stats\":");
    put_stats(out, stats);
    out.extend_from_slice(b"}}\n");
}

/// A line with what is known of it, labels packed.
#[derive(Debug, Clone, Copy)]
pub(super) struct LineOut<'a> {
    pub(super) ts: i64,
    pub(super) text: &'a [u8],
    /// Fields that the line was sent with.
    pub(super) fields: &'a [u8],
    /// What parsers of the query found.
    pub(super) parsed: &'a [u8],
}

/// A stream with its lines; `fields` and `parsed` are written only when categories are asked for.
pub(super) fn put_stream<'a>(out: &mut Vec<u8>, labels: &[u8], lines: impl Iterator<Item = LineOut<'a>>, encoding: Encoding) {
    out.extend_from_slice(b"{\"stream\":");
    put_packed(out, labels);
    out.extend_from_slice(b",\"values\":[");
    for (at, line) in lines.enumerate() {
        out.extend_from_slice(if at > 0 { b",[\"" } else { b"[\"" });
        put_int(out, line.ts);
        out.extend_from_slice(b"\",");
        put_line(out, line.text);
        if encoding.categorized {
            out.extend_from_slice(b",{");
            if !line.fields.is_empty() {
                out.extend_from_slice(b"\"structuredMetadata\":");
                put_packed(out, line.fields);
            }
            if !line.parsed.is_empty() {
                out.extend_from_slice(if line.fields.is_empty() { b"\"parsed\":" } else { b",\"parsed\":" });
                put_packed(out, line.parsed);
            }
            out.push(b'}');
        }
        out.push(b']');
    }
    out.extend_from_slice(b"]}");
}

/// Numbers.
pub(super) fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Scalar(ts, number) => put_point(out, *ts, *number),
        Value::String(ts, text) => {
            out.push(b'[');
            put_seconds(out, *ts);
            out.push(b',');
            put_text(out, text);
            out.push(b']');
        }
        Value::Vector(samples) => {
            out.push(b'[');
            let floats = samples.iter().filter_map(|sample| match &sample.value {
                Point::Float(number) => Some((sample, *number)),
                Point::Histogram(_) => None,
            });
            for (at, (sample, number)) in floats.enumerate() {
                out.extend_from_slice(if at > 0 { b",{\"metric\":" } else { b"{\"metric\":" });
                put_packed(out, sample.labels.packed());
                out.extend_from_slice(b",\"value\":");
                put_point(out, sample.ts, number);
                out.push(b'}');
            }
            out.push(b']');
        }
        Value::Matrix(all) => {
            out.push(b'[');
            for (at, series) in all.iter().enumerate() {
                out.extend_from_slice(if at > 0 { b",{\"metric\":" } else { b"{\"metric\":" });
                put_packed(out, series.labels.packed());
                out.extend_from_slice(b",\"values\":[");
                for (at, (ts, number)) in series.floats.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    put_point(out, *ts, *number);
                }
                out.extend_from_slice(b"]}");
            }
            out.push(b']');
        }
    }
}

fn put_point(out: &mut Vec<u8>, ts: i64, number: f64) {
    out.push(b'[');
    put_seconds(out, ts);
    out.extend_from_slice(b",\"");
    put_float(out, number);
    out.extend_from_slice(b"\"]");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::labels::Labels;
    use crate::series::value::{InstantSample, RangeSeries};

    #[test]
    fn answers_are_to_the_byte_as_upstream_writes_them() {
        let labels = Labels::from_pairs([("app", "a")]);
        let fields = Labels::from_pairs([("trace", "7")]);
        let parsed = Labels::from_pairs([("code", "200")]);
        let lines = [
            LineOut { ts: 1_700_000_000_000_000_000, text: b"a<b", fields: fields.packed(), parsed: parsed.packed() },
            LineOut { ts: 2, text: b"", fields: b"", parsed: parsed.packed() },
            LineOut { ts: 3, text: b"x", fields: b"", parsed: b"" },
        ];
        let written = |encoding| {
            let mut out = Vec::new();
            put_head(&mut out, "streams", encoding, &[]);
            out.push(b'[');
            put_stream(&mut out, labels.packed(), lines.iter().copied(), encoding);
            out.push(b']');
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            written(Encoding::default()),
            "{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"result\":[{\"stream\":{\"app\":\"a\"},\"values\":[\
             [\"1700000000000000000\",\"a\\u003cb\"],[\"2\",\"\"],[\"3\",\"x\"]]}]"
        );
        assert_eq!(
            written(Encoding::of("other, categorize-labels")),
            "{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"encodingFlags\":[\"categorize-labels\"],\"result\":[\
             {\"stream\":{\"app\":\"a\"},\"values\":[[\"1700000000000000000\",\"a\\u003cb\",{\"structuredMetadata\":{\"trace\":\"7\"},\
             \"parsed\":{\"code\":\"200\"}}],[\"2\",\"\",{\"parsed\":{\"code\":\"200\"}}],[\"3\",\"x\",{}]]}]"
        );
    }

    #[test]
    fn numbers_are_written_as_upstream_writes_them() {
        let labels = Labels::from_pairs([("app", "a")]);
        let vector = Value::Vector(vec![InstantSample { labels: labels.clone(), ts: 1500, value: Point::Float(0.25) }]);
        let matrix = Value::Matrix(vec![RangeSeries { labels, floats: vec![(1000, 1.0), (2000, f64::NAN)], histograms: Vec::new() }]);
        for (value, text) in [
            (vector, "[{\"metric\":{\"app\":\"a\"},\"value\":[1.5,\"0.25\"]}]"),
            (matrix, "[{\"metric\":{\"app\":\"a\"},\"values\":[[1,\"1\"],[2,\"NaN\"]]}]"),
            (Value::Scalar(1000, 2.0), "[1,\"2\"]"),
            (Value::Vector(Vec::new()), "[]"),
        ] {
            let mut out = Vec::new();
            put_value(&mut out, &value);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
