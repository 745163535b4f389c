//! One event of the forward protocol: its time, and its record as a line with fields.

use super::msgpack::Value;
use crate::logs::ingest::stage::Entry;

/// Keys whose value is the line.
const LINE_KEYS: [&str; 4] = ["log", "message", "msg", "MESSAGE"];
/// Most values of a record that become fields.
const FIELDS_MAX: usize = 64;

/// The entry of an event, which is a list of time and record; `None` if it is none.
pub(super) fn of_pair(event: &Value<'_>, tag: &str) -> Option<Entry> {
    match event {
        Value::List(pair) => match pair.as_slice() {
            [time, record, ..] => entry(time, record, tag),
            _ => None,
        },
        _ => None,
    }
}

/// An event: its record's line, with the other values as fields.
pub(super) fn entry(time: &Value<'_>, record: &Value<'_>, tag: &str) -> Option<Entry> {
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
