//! What senders that are not HTTP hand over, and what operators write for collectors.

use std::path::Path;

use crate::logs::ingest::collect::config;
use crate::logs::ingest::fluent::message::Message;
use crate::logs::ingest::fluent::msgpack::{Failed, Reader};
use crate::logs::ingest::stage::{Entry, Flush, Moment, Pipeline};
use crate::logs::ingest::syslog::frame::Framer;
use crate::logs::ingest::syslog::message::{Naming, Zone};
use crate::series::labels::check_packed;

/// What every clock here shows.
const NOW_MS: i64 = 1_760_400_000_000;

fn check(entry: &Entry) {
    check_packed(entry.labels.build().packed()).expect("packed labels are well formed");
    check_packed(entry.fields.build().packed()).expect("packed fields are well formed");
}

/// The messages of a connection whose bytes come in pieces.
fn framed(bytes: &[u8], piece: usize, message_max: usize) -> Vec<Vec<u8>> {
    let mut framer = Framer::new(message_max);
    let mut messages = Vec::new();
    for piece in bytes.chunks(piece.max(1)) {
        framer.push(piece);
        while let Some(message) = framer.next_message() {
            messages.push(message.to_vec());
        }
    }
    messages.extend(framer.last_message().map(<[u8]>::to_vec));
    messages
}

/// A connection of syslog: the same messages however its bytes come, and each becomes a line or is dropped.
pub fn syslog(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    let message_max = if choice & 1 == 0 { 48 } else { 8192 };
    let messages = framed(bytes, bytes.len(), message_max);
    for piece in [1, 1 + usize::from(choice >> 4)] {
        assert_eq!(framed(bytes, piece, message_max), messages, "in pieces of {piece}");
    }
    let zone = if choice & 2 == 0 { Zone::Named(chrono_tz::Tz::UTC) } else { Zone::Named(chrono_tz::Tz::America__New_York) };
    let naming = Naming { keeps_time: true, keeps_whole: choice & 4 != 0, zone, ..Naming::default() };
    for message in &messages {
        assert!(message.len() <= message_max);
        let (entry, _) = naming.entry(message, "10.0.0.1", NOW_MS);
        check(&entry.expect("without rules nothing is dropped"));
    }
}

/// A connection of Fluent's forward protocol: values, and the events in them. A value cut short is not there yet.
pub fn fluent(data: &[u8]) {
    let mut reader = Reader::new(data);
    let mut from = 0;
    while !reader.is_empty() {
        let Ok(value) = reader.value() else { return };
        let whole = &data[from..reader.position()];
        for cut in (0..whole.len()).step_by(1 + whole.len() / 16) {
            assert_eq!(Reader::new(&whole[..cut]).value(), Err(Failed::Incomplete), "cut at {cut}");
        }
        from = reader.position();
        drop(value.to_text());
        match Message::open(whole.to_vec()) {
            Ok(message) => events(message),
            Err(why) => assert!(!why.is_empty()),
        }
    }
}

/// Every event of a message, which comes to an end.
fn events(mut message: Message) {
    for _ in 0..100_000 {
        let piece = message.next(100, 1 << 20);
        piece.entries.iter().for_each(check);
        if piece.is_last {
            return;
        }
    }
    panic!("a message does not come to its end");
}

/// Lines as collectors find them.
const FOUND: [&str; 8] = [
    r#"{"log":"level=info msg=\"a b\" took=1.5s\n","stream":"stdout","time":"2025-10-14T00:00:00.123456789Z"}"#,
    r#"{"level":"error","a":{"b":[1,2,{"c":null}]},"ts":1760400000.5}"#,
    "2025-10-14T00:00:00.5Z stderr F ts=2025-10-14T00:00:00Z level=warn user=me@example.org password=secret",
    "2025-10-14 00:00:00,123 ERROR [main] java.lang.IllegalStateException: x",
    "\tat org.example.Main(Main.java:1)",
    "10.0.0.1 - - [14/Oct/2025:00:00:00 +0000] \"GET / HTTP/1.1\" 200 12 4111 1111 1111 1111",
    "Größe \u{1b}[31m日本語\u{1b}[0m",
    "",
];

/// A configuration of collectors: it is refused with places, or lines go through its stages.
pub fn promtail(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let env = |name: &str| (name == "HOST").then(|| "h1".to_owned());
    let config = match config::read(text, Path::new("/nowhere/promtail.yml"), &env) {
        Ok((config, _)) => config,
        Err(errors) => {
            assert!(!errors.is_empty() && errors.iter().all(|error| !error.message.is_empty()));
            return;
        }
    };
    drop(config.summary());
    let files = config.files.iter().map(|job| &job.pipeline);
    let all = files.chain(config.docker.iter().map(|job| &job.pipeline)).chain(config.syslog.iter().map(|job| &job.pipeline));
    all.take(8).for_each(run);
    for target in config.files.iter().flat_map(|job| &job.targets).take(8) {
        for path in ["/var/log/syslog", "/var/log/a/b/c.log", "/x"] {
            let _matches = target.pattern.matches(Path::new(path));
        }
        check_packed(target.labels.packed()).expect("packed labels are well formed");
    }
}

fn run(pipeline: &Pipeline) {
    let mut pipeline = pipeline.clone();
    let mut out = Vec::new();
    for (number, text) in FOUND.iter().enumerate() {
        let moment = Moment { now_ns: NOW_MS * 1_000_000 + number as i64, last_ts: NOW_MS * 1_000_000 };
        let at = number as u64;
        let mut entry = Entry { text: (*text).to_owned(), from: at, until: at + 1, ..Entry::default() };
        entry.labels.set("job", "x");
        pipeline.push(entry, &moment, &mut out);
        pipeline.flush(if number + 1 == FOUND.len() { Flush::All } else { Flush::Due }, &moment, &mut out);
    }
    out.iter().for_each(check);
    assert!(pipeline.held_from().is_none() && out.len() <= FOUND.len(), "nothing is held for ever, nothing comes of nothing");
}
