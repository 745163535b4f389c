//! Doors for the fuzz targets in `tests/fuzz/`; compiled only there. Each takes bytes as a hostile client would hand them
//! over, and panics where a promise of the parser behind it does not hold. Here: pushes and the language of queries; in
//! [`disk`] what storage reads, in [`senders`] other doors and collectors, in [`queries`] words, templates, evaluation.

mod disk;
mod queries;
mod senders;

pub use disk::{logs_part, logs_wal};
pub use queries::{logql_eval, template, words};
pub use senders::{fluent, promtail, syslog};

use std::sync::Arc;

use crate::base::clock::ManualClock;
use crate::base::pressure::Pressure;
use crate::logs::ingest::document::Mapping;
use crate::logs::ingest::gather::Gather;
use crate::logs::ingest::limits::LineLimits;
use crate::logs::ingest::loki::{self, Form};
use crate::logs::ingest::receive::{Door, Receiver};
use crate::logs::ingest::{elastic, jsonline, plain};
use crate::logs::model::batch::LineBatch;
use crate::logs::model::write::{AppendLines, AppendLinesError, LineReport};
use crate::logs::query::check::evaluable;
use crate::logs::query::needs::needs;
use crate::logs::query::parse::{Dialect, parse, parse_selector};
use crate::logs::query::print::pretty;
use crate::logs::query::words::{Vocabulary, compile};
use crate::series::labels::check_packed;

/// Stores nothing, and checks what it is given.
struct Checking;

impl AppendLines for Checking {
    fn append(&self, batch: &LineBatch) -> Result<LineReport, AppendLinesError> {
        let mut seen = 0;
        for stream in &batch.streams {
            assert!(!stream.labels.is_empty() && stream.labels.len() <= 31, "{}", stream.labels);
            for line in batch.lines_of(stream) {
                seen += 1;
                assert!(batch.text_of(line).len() <= 1024 && check_packed(batch.fields_of(line)).is_ok());
            }
        }
        assert_eq!(seen, batch.lines.len());
        Ok(LineReport { taken: seen, refused: Vec::new() })
    }
}

/// A request to one of the doors of HTTP: whatever it is, what is stored of it keeps to the limits.
pub fn logs_push(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else { return };
    let limits = LineLimits { line_bytes_max: 1024, truncates: choice & 0x80 != 0, ..LineLimits::default() };
    let receiver = Receiver::new(Arc::new(Checking), ManualClock::at(1_760_400_000_000), Pressure::new(), limits);
    let list = |names: &str| names.split(',').map(str::to_owned).collect::<Vec<_>>();
    let mapping = Mapping {
        message: list(jsonline::MESSAGE_FIELDS),
        time: list(jsonline::TIME_FIELDS),
        stream: list(jsonline::STREAM_FIELDS),
        fixed: Vec::new(),
    };
    let mut gather: Gather = receiver.gather();
    let is_read = match choice & 7 {
        // Packed here, or hardly anything would come through.
        0 => {
            let packed = snap::raw::Encoder::new().compress_vec(body).unwrap_or_default();
            loki::decode(Form::Protobuf, &packed, &receiver, &mut gather, &mut Vec::new()).is_ok()
        }
        1 => loki::decode(Form::Protobuf, body, &receiver, &mut gather, &mut Vec::new()).is_ok(),
        2 => loki::decode(Form::Json, body, &receiver, &mut gather, &mut Vec::new()).is_ok(),
        3 => jsonline::decode(body, &mapping, &receiver, &mut gather).is_ok(),
        4 => plain::decode(body, plain::LABELS, &receiver, &mut gather).is_ok(),
        5 => plain::decode(b"x", &String::from_utf8_lossy(body), &receiver, &mut gather).is_ok(),
        _ => {
            if let Ok(bulk) = elastic::decode(body, Some("web"), &mapping, &receiver, &mut gather) {
                let answer =
                    bulk.store(&receiver, 0, gather, 0).map(|(answer, _)| serde_json::from_slice::<serde_json::Value>(&answer).is_ok());
                assert!(matches!(answer, Ok(true)), "an answer is JSON");
            }
            return;
        }
    };
    if is_read {
        let taken = receiver.take(Door::Loki, gather);
        assert!(taken.is_ok_and(|taken| taken.refused.is_none_or(|why| !why.is_empty())));
    }
}

/// A query: what parses, prints, and parses to the same again; a selector; words.
pub fn logql(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let dialect = if choice & 1 == 0 { Dialect::Loki } else { Dialect::Pharos };
    match parse(text, dialect) {
        Err(error) => assert!(!error.message.is_empty() && !error.caret(text).is_empty()),
        Ok(query) => {
            let printed = query.to_string();
            for again in [&printed, &pretty(&query)] {
                match parse(again, dialect) {
                    Ok(query) => assert_eq!(query.to_string(), printed),
                    // Printing writes out what was short.
                    Err(error) => assert!(again.len() > text.len() && error.message.contains("too "), "{text} became {again}: {error}"),
                }
            }
            drop(evaluable(&query, text));
            query.logs().into_iter().for_each(|log| drop(needs(log, &|name| name.len() & 1 == 0)));
        }
    }
    drop(parse_selector(text));
    if let Ok(found) = compile(text, &Vocabulary::default()) {
        assert_eq!(parse(&found.logql, Dialect::Pharos).as_ref(), Ok(&found.query), "{}", found.logql);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_damaged_is_read() {
        logs_part(&[12]);
        logs_part(&[13]);
        logs_wal(&[0]);
        logs_wal(&[1]);
        logs_wal(&[2]);
    }

    #[test]
    fn what_was_found_stays_mended() {
        // A record with a value that has no name.
        fluent(b"\x93\xa1t\x01\x82\xa0\xa1x\xa3log\xa1y");
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        #[test]
        fn any_damage_is_survived(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40)) {
            logs_part(&bytes);
            logs_wal(&bytes);
        }

        #[test]
        fn any_sender_and_any_question_is_heard(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), text in r#"[a-z{}()|=~".:* $]{0,40}"#) {
            for bytes in [&bytes[..], text.as_bytes()] {
                [syslog, fluent, promtail, words, template, logql_eval].iter().for_each(|target| target(bytes));
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_request_keeps_to_the_limits(choice in 0u8..8, body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            logs_push(&[&[choice][..], &body].concat());
        }

        #[test]
        fn any_text_keeps_to_the_limits(choice in 0u8..8, names in "[a-z@_.]{1,8}", text in ".{0,40}") {
            for body in [
                format!("{{\"streams\":[{{\"stream\":{{\"{names}\":\"x\"}},\"values\":[[\"1\",{text:?},{{\"{names}\":\"y\"}}]]}}]}}"),
                format!("{{\"{names}\":{text:?},\"msg\":\"x\"}}\n{{\"create\":{{}}}}\n{{\"{names}\":1}}\n"),
                format!("{{\"create\":{{\"_id\":{text:?}}}}}\n{{\"{names}\":{{\"{names}\":{text:?}}}}}\n"),
                format!("{{{names}=\"{text}\"}}"),
            ] {
                logs_push(&[&[choice][..], body.as_bytes()].concat());
            }
        }
    }
}
