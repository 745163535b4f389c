//! Events in messages of the forward protocol: Message, Forward, PackedForward, CompressedPackedForward.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use super::msgpack::{Failed, Reader, Value};
use crate::logs::ingest::stage::Entry;

/// Most bytes that one message may unpack to.
const UNPACKED_BYTES_MAX: usize = 64 << 20;
/// Keys whose value is the line.
const LINE_KEYS: [&str; 4] = ["log", "message", "msg", "MESSAGE"];
/// Most values of a record that become fields.
const FIELDS_MAX: usize = 64;

/// A message, read.
#[derive(Debug, Default, PartialEq)]
pub struct Forwarded {
    /// Its events.
    pub entries: Vec<Entry>,
    /// What the sender wants back, once they are stored.
    pub chunk: Option<Vec<u8>>,
    /// Events that could not be read.
    pub malformed: u64,
}

/// Reads a whole message.
///
/// # Errors
/// A word about what is wrong; the connection is of no use any more.
pub fn read(value: &Value<'_>) -> Result<Forwarded, &'static str> {
    let Value::List(items) = value else { return Err("a message is a list") };
    let Some(Value::Bytes(tag)) = items.first() else { return Err("a message begins with its tag") };
    let tag = String::from_utf8_lossy(tag);
    let mut forwarded = Forwarded::default();
    let option = match items.get(1) {
        Some(Value::List(events)) => {
            for event in events {
                take_event(event, &tag, &mut forwarded);
            }
            items.get(2)
        }
        Some(Value::Bytes(packed)) => {
            let is_compressed = items.get(2).and_then(|option| option.get("compressed")) == Some(&Value::Bytes(b"gzip"));
            let unpacked;
            let packed = if is_compressed {
                unpacked = unpack(packed)?;
                &unpacked
            } else {
                *packed
            };
            packed_events(packed, &tag, &mut forwarded);
            items.get(2)
        }
        Some(time) => {
            let Some(record) = items.get(2) else { return Err("a message has a time and a record") };
            match entry(time, record, &tag) {
                Some(entry) => forwarded.entries.push(entry),
                None => forwarded.malformed += 1,
            }
            items.get(3)
        }
        None => return Err("a message has events"),
    };
    if let Some(Value::Bytes(chunk)) = option.and_then(|option| option.get("chunk")) {
        forwarded.chunk = Some(chunk.to_vec());
    }
    Ok(forwarded)
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::new();
    let read = MultiGzDecoder::new(packed).take(UNPACKED_BYTES_MAX as u64 + 1).read_to_end(&mut out);
    match read {
        Ok(read) if read > UNPACKED_BYTES_MAX => Err("the events unpack to too many bytes"),
        Ok(_) => Ok(out),
        Err(_) => Err("the events are no gzip"),
    }
}

fn packed_events(packed: &[u8], tag: &str, forwarded: &mut Forwarded) {
    let mut reader = Reader::new(packed);
    while !reader.is_empty() {
        match reader.value() {
            Ok(event) => take_event(&event, tag, forwarded),
            // What follows cannot be told from it.
            Err(Failed::Incomplete | Failed::Malformed) => {
                forwarded.malformed += 1;
                return;
            }
        }
    }
}

fn take_event(event: &Value<'_>, tag: &str, forwarded: &mut Forwarded) {
    let entry = match event {
        Value::List(pair) => match pair.as_slice() {
            [time, record, ..] => entry(time, record, tag),
            _ => None,
        },
        _ => None,
    };
    match entry {
        Some(entry) => forwarded.entries.push(entry),
        None => forwarded.malformed += 1,
    }
}

/// An event: its record's line, with the other values as fields.
fn entry(time: &Value<'_>, record: &Value<'_>, tag: &str) -> Option<Entry> {
    let Value::Map(pairs) = record else { return None };
    let mut entry = Entry { ts: time_of(time)?, ..Entry::default() };
    entry.labels.set("job", "fluent");
    entry.labels.set("tag", tag);
    let line = LINE_KEYS.iter().find_map(|key| match record.get(key) {
        Some(Value::Bytes(_)) => Some(*key),
        _ => None,
    });
    entry.text = match line {
        Some(key) => record.get(key).map(Value::to_text).unwrap_or_default(),
        // A record without a line is one as JSON.
        None => return (!pairs.is_empty()).then(|| Entry { text: record.to_json().to_string(), ..entry }),
    };
    entry.text.truncate(entry.text.trim_end_matches(['\n', '\r']).len());
    for (key, value) in pairs.iter().take(FIELDS_MAX) {
        let key = key.to_text();
        if Some(key.as_str()) == line {
            continue;
        }
        // What Docker's driver sends.
        match key.as_str() {
            "container_name" => entry.labels.set("container", value.to_text().trim_start_matches('/')),
            "source" => entry.labels.set("stream", &value.to_text()),
            _ => entry.fields.set(&name_of(&key), &value.to_text()),
        };
    }
    Some(entry)
}

/// A name that queries can use without quotes.
fn name_of(key: &str) -> String {
    let name: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// Seconds, or `EventTime` with nanoseconds. `None` if it is no time; 0 stands for the time of coming.
fn time_of(time: &Value<'_>) -> Option<Option<i64>> {
    let ns = match time {
        Value::Int(seconds) => seconds.checked_mul(1_000_000_000)?,
        Value::Float(seconds) if seconds.is_finite() && seconds.abs() < 9e9 => (seconds * 1e9) as i64,
        Value::Ext(0, bytes) => {
            let (seconds, nanos) = bytes.split_at_checked(4)?;
            let number = |bytes: &[u8]| Some(i64::from(u32::from_be_bytes(bytes.try_into().ok()?)));
            number(seconds)? * 1_000_000_000 + number(nanos)?
        }
        // Fluent Bit sends the time with metadata beside it.
        Value::List(items) => return time_of(items.first().filter(|item| !matches!(item, Value::List(_)))?),
        Value::Nil => 0,
        _ => return None,
    };
    Some((ns != 0).then_some(ns))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn bytes(text: &str) -> Value<'_> {
        Value::Bytes(text.as_bytes())
    }

    fn shown(forwarded: &Forwarded) -> Vec<String> {
        let entries = forwarded.entries.iter();
        entries.map(|e| format!("{:?} {} {} {}", e.ts, e.text, e.labels.build(), e.fields.build())).collect()
    }

    #[test]
    fn every_mode_is_read() {
        // [1714979289, {"log": "x\n"}] and [EventTime, {"message": "y", "a.b": 1}]
        let mut packed = vec![0x92, 0xce, 0x66, 0x38, 0x81, 0xd9, 0x81, 0xa3, b'l', b'o', b'g', 0xa2, b'x', b'\n'];
        packed.extend([0x92, 0xd7, 0x00, 0x66, 0x38, 0x81, 0xd9, 0, 0, 0, 7, 0x82, 0xa7]);
        packed.extend(b"message");
        packed.extend([0xa1, b'y', 0xa3, b'a', b'.', b'b', 0x01]);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&packed).unwrap();
        let gzip = gzip.finish().unwrap();
        let expected = [
            "Some(1714979289000000000) x {job=\"fluent\", tag=\"t\"} {}",
            "Some(1714979289000000007) y {job=\"fluent\", tag=\"t\"} {a_b=\"1\"}",
        ];
        let option = |compressed: bool| {
            let mut pairs = vec![(bytes("chunk"), bytes("c1"))];
            if compressed {
                pairs.push((bytes("compressed"), bytes("gzip")));
            }
            Value::Map(pairs)
        };
        for message in [
            Value::List(vec![bytes("t"), Value::Bytes(&packed), option(false)]),
            Value::List(vec![bytes("t"), Value::Bytes(&gzip), option(true)]),
        ] {
            let forwarded = read(&message).unwrap();
            assert_eq!(shown(&forwarded), expected);
            assert_eq!((forwarded.chunk.as_deref(), forwarded.malformed), (Some(&b"c1"[..]), 0));
        }
        let record = Value::Map(vec![
            (bytes("log"), bytes("hi")),
            (bytes("container_name"), bytes("/web")),
            (bytes("source"), bytes("stderr")),
            (bytes("container_id"), bytes("abc")),
        ]);
        let docker = Value::List(vec![bytes("d"), Value::Int(1), record.clone()]);
        assert_eq!(
            shown(&read(&docker).unwrap()),
            ["Some(1000000000) hi {container=\"web\", job=\"fluent\", stream=\"stderr\", tag=\"d\"} {container_id=\"abc\"}"]
        );
        let structured = Value::Map(vec![(bytes("status"), Value::Int(5)), (bytes("log"), Value::Int(1))]);
        let forward = Value::List(vec![
            bytes("f"),
            Value::List(vec![
                Value::List(vec![Value::List(vec![Value::Int(2), Value::Map(Vec::new())]), structured]),
                Value::List(vec![Value::Int(2)]),
                Value::List(vec![Value::Bool(true), record]),
            ]),
        ]);
        let forwarded = read(&forward).unwrap();
        assert_eq!(
            (shown(&forwarded), forwarded.malformed),
            (vec!["Some(2000000000) {\"log\":1,\"status\":5} {job=\"fluent\", tag=\"f\"} {}".to_owned()], 2)
        );
        for bad in [Value::Nil, Value::List(Vec::new()), Value::List(vec![bytes("t")]), Value::List(vec![bytes("t"), Value::Int(1)])] {
            assert!(read(&bad).is_err());
        }
    }
}
