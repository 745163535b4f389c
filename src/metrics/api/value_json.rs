//! Results as JSON, written straight into the stream: numbers as strings, times as seconds with up to three decimals.

use std::io::{self, Write};

use crate::base::float;
use crate::metrics::query::parse::text::without_raw_bytes;
use crate::platform::http::go_json::{write_json, write_plain};
use crate::series::histogram::Histogram;
use crate::series::labels::Labels;
use crate::series::ports::{Answer, EvalStats};
use crate::series::value::{Point, Value};

/// Writes the whole envelope of a query's answer.
pub(super) fn write_answer(out: &mut impl Write, answer: &Answer, stats: Option<&StatsJson>) -> io::Result<()> {
    out.write_all(br#"{"status":"success","data":{"resultType":""#)?;
    out.write_all(answer.value.type_name().as_bytes())?;
    out.write_all(br#"","result":"#)?;
    write_value(out, &answer.value)?;
    if let Some(stats) = stats {
        out.write_all(br#","stats":"#)?;
        stats.write(out)?;
    }
    out.write_all(b"}")?;
    for (key, notes) in [("warnings", &answer.warnings), ("infos", &answer.infos)] {
        if !notes.is_empty() {
            write!(out, ",\"{key}\":")?;
            write_json(&mut *out, notes)?;
        }
    }
    out.write_all(b"}")?;
    out.flush()
}

/// What `stats` adds.
#[derive(Debug)]
pub(super) struct StatsJson {
    pub(super) eval_ms: f64,
    pub(super) queue_ms: f64,
    pub(super) stats: EvalStats,
    pub(super) per_step: bool,
}

impl StatsJson {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let (eval, queue) = (self.eval_ms / 1e3, self.queue_ms / 1e3);
        write!(
            out,
            "{{\"timings\":{{\"evalTotalTime\":{},\"resultSortTime\":0,\"queryPreparationTime\":0,\"innerEvalTime\":{},\"execQueueTime\":{},\"execTotalTime\":{}}},\
             \"samples\":{{",
            eval,
            eval,
            queue,
            eval + queue,
        )?;
        if self.per_step && !self.stats.samples_per_step.is_empty() {
            out.write_all(br#""totalQueryableSamplesPerStep":["#)?;
            for (at, (ts, samples)) in self.stats.samples_per_step.iter().enumerate() {
                out.write_all(if at == 0 { b"[" } else { b",[" })?;
                write_short_time(out, *ts)?;
                write!(out, ",{samples}]")?;
            }
            out.write_all(b"],")?;
        }
        write!(out, "\"totalQueryableSamples\":{},\"peakSamples\":{}}}}}", self.stats.samples_total, self.stats.samples_peak)
    }
}

fn write_value(out: &mut impl Write, value: &Value) -> io::Result<()> {
    match value {
        Value::Scalar(ts, number) => {
            out.write_all(b"[")?;
            write_short_time(out, *ts)?;
            out.write_all(b",")?;
            write!(out, "\"{}\"", float::plain(*number))?;
            out.write_all(b"]")
        }
        Value::String(ts, text) => {
            out.write_all(b"[")?;
            write_short_time(out, *ts)?;
            out.write_all(b",")?;
            write_json(&mut *out, &without_raw_bytes(text))?;
            out.write_all(b"]")
        }
        Value::Vector(samples) => write_list(out, samples, |out, sample| {
            out.write_all(br#"{"metric":"#)?;
            write_labels(out, &sample.labels)?;
            match &sample.value {
                Point::Float(number) => {
                    out.write_all(br#","value":["#)?;
                    write_time(out, sample.ts)?;
                    out.write_all(b",")?;
                    write_number(out, *number)?;
                }
                Point::Histogram(histogram) => {
                    out.write_all(br#","histogram":["#)?;
                    write_time(out, sample.ts)?;
                    out.write_all(b",")?;
                    write_histogram(out, histogram)?;
                }
            }
            out.write_all(b"]}")
        }),
        Value::Matrix(all) => write_list(out, all, |out, series| {
            out.write_all(br#"{"metric":"#)?;
            write_labels(out, &series.labels)?;
            if !series.floats.is_empty() {
                out.write_all(br#","values":"#)?;
                write_list(out, &series.floats, |out, (ts, number)| {
                    out.write_all(b"[")?;
                    write_time(out, *ts)?;
                    out.write_all(b",")?;
                    write_number(out, *number)?;
                    out.write_all(b"]")
                })?;
            }
            if !series.histograms.is_empty() {
                out.write_all(br#","histograms":"#)?;
                write_list(out, &series.histograms, |out, (ts, histogram)| {
                    out.write_all(b"[")?;
                    write_time(out, *ts)?;
                    out.write_all(b",")?;
                    write_histogram(out, histogram)?;
                    out.write_all(b"]")
                })?;
            }
            out.write_all(b"}")
        }),
    }
}

fn write_list<W: Write, T>(out: &mut W, items: &[T], mut item: impl FnMut(&mut W, &T) -> io::Result<()>) -> io::Result<()> {
    out.write_all(b"[")?;
    for (at, each) in items.iter().enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        item(out, each)?;
    }
    out.write_all(b"]")
}

/// A label set as an object.
pub(super) fn write_labels(out: &mut impl Write, labels: &Labels) -> io::Result<()> {
    out.write_all(b"{")?;
    for (at, (name, value)) in labels.iter().enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        write_plain(out, name)?;
        out.write_all(b":")?;
        write_plain(out, value)?;
    }
    out.write_all(b"}")
}

/// Seconds, with the milliseconds only where there are any: `1700000000.5` stays `1700000000.500`, as upstream.
pub(super) fn write_time(out: &mut impl Write, ms: i64) -> io::Result<()> {
    let sign = if ms < 0 { "-" } else { "" };
    let (secs, millis) = (ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000);
    let mut digits = itoa::Buffer::new();
    out.write_all(sign.as_bytes())?;
    out.write_all(digits.format(secs).as_bytes())?;
    if millis > 0 { write!(out, ".{millis:03}") } else { Ok(()) }
}

/// The same without zeros at the end, `1700000000.5`: upstream prints the times of scalars, strings and statistics so.
fn write_short_time(out: &mut impl Write, ms: i64) -> io::Result<()> {
    let mut text = Vec::with_capacity(20);
    write_time(&mut text, ms)?;
    if ms % 1000 != 0 {
        text.truncate(text.iter().rposition(|byte| *byte != b'0').map_or(text.len(), |last| last + 1));
    }
    out.write_all(&text)
}

fn write_number(out: &mut impl Write, number: f64) -> io::Result<()> {
    // Whole numbers are most of all values, and integers print several times faster.
    if number.abs() < 9e15 && number == number.trunc() && (number != 0.0 || number.is_sign_positive()) {
        let mut digits = itoa::Buffer::new();
        out.write_all(b"\"")?;
        out.write_all(digits.format(number as i64).as_bytes())?;
        return out.write_all(b"\"");
    }
    write!(out, "\"{}\"", float::sample(number))
}

fn write_histogram(out: &mut impl Write, histogram: &Histogram) -> io::Result<()> {
    out.write_all(br#"{"count":"#)?;
    write_number(out, histogram.count)?;
    out.write_all(br#","sum":"#)?;
    write_number(out, histogram.sum)?;
    let filled: Vec<_> = histogram.ascending().into_iter().filter(|bucket| bucket.count != 0.0).collect();
    if !filled.is_empty() {
        out.write_all(br#","buckets":"#)?;
        write_list(out, &filled, |out, bucket| {
            let rule = match (bucket.lower_inclusive, bucket.upper_inclusive) {
                (false, true) => 0,
                (true, false) => 1,
                (false, false) => 2,
                (true, true) => 3,
            };
            write!(out, "[{rule},")?;
            write_number(out, bucket.lower)?;
            out.write_all(b",")?;
            write_number(out, bucket.upper)?;
            out.write_all(b",")?;
            write_number(out, bucket.count)?;
            out.write_all(b"]")
        })?;
    }
    out.write_all(b"}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::query::parse::text::unquote;

    fn number(value: f64) -> String {
        let mut out = Vec::new();
        write_number(&mut out, value).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn bytes_that_are_no_text_show_as_such() {
        let mut out = Vec::new();
        write_value(&mut out, &Value::String(1000, unquote(r#""a\xff\u00e9""#))).expect("memory");
        assert_eq!(String::from_utf8(out).expect("text"), "[1,\"a\u{fffd}\u{e9}\"]");
    }

    #[test]
    fn numbers_and_times_as_upstream() {
        for (value, text) in [
            (1.0, "\"1\""),
            (0.0, "\"0\""),
            (-0.0, "\"-0\""),
            (-3.0, "\"-3\""),
            (0.1, "\"0.1\""),
            (1e20, "\"100000000000000000000\""),
            (1e21, "\"1e+21\""),
            (1e-7, "\"1e-07\""),
            (f64::NAN, "\"NaN\""),
            (f64::NEG_INFINITY, "\"-Inf\""),
        ] {
            assert_eq!(number(value), text);
        }
        for (ms, text) in [(1_700_000_000_000, "1700000000"), (1_700_000_000_500, "1700000000.500"), (-1, "-0.001"), (1, "0.001")] {
            let mut out = Vec::new();
            write_time(&mut out, ms).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
        for (ms, text) in
            [(1_700_000_000_000, "1700000000"), (1_700_000_000_500, "1700000000.5"), (-10, "-0.01"), (1, "0.001"), (100_000, "100")]
        {
            let mut out = Vec::new();
            write_short_time(&mut out, ms).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
