//! A JSON object as a line: which of its fields is the text, which the time, which name the stream; the rest are fields of
//! the line.
//!
//! Objects inside objects are flattened with dots, `{"host": {"name": "a"}}` to `host.name`; lists stay JSON.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::gather::{Gather, TooMuch};
use super::limits::or_none;
use super::receive::Receiver;
use super::refusal::{Reason, shortened};
use super::when::parse_time;

/// Objects inside objects that are flattened; deeper ones stay JSON.
const DEPTH_MAX: usize = 8;
/// Fields of one object that are read; with more it is kept as it is.
const PAIRS_MAX: usize = 2000;

/// Where in objects to find what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Fields that hold the text, the best first. None: the whole object is the text.
    pub message: Vec<String>,
    /// Fields that hold the time, the best first.
    pub time: Vec<String>,
    /// Fields that become labels of the stream.
    pub stream: Vec<String>,
    /// Labels that every stream gets.
    pub fixed: Vec<(String, String)>,
}

/// Reads objects. Reused.
#[derive(Debug, Default)]
pub struct Documents {
    text: String,
    pairs: Vec<Pair>,
    key: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Pair {
    name: Range<usize>,
    value: Range<usize>,
}

impl Documents {
    /// Adds an object to `gather`. What is wrong with it is among the refusals; `extra` is one more label.
    pub fn put(
        &mut self,
        raw: &str,
        mapping: &Mapping,
        extra: Option<(&str, &str)>,
        receiver: &Receiver,
        gather: &mut Gather,
    ) -> Result<(), TooMuch> {
        self.text.clear();
        self.pairs.clear();
        let mut flat = Flat { text: &mut self.text, pairs: &mut self.pairs, path: String::new(), depth: 0 };
        let mut from = serde_json::Deserializer::from_str(raw);
        if let Err(error) = from.deserialize_map(&mut flat).and_then(|()| from.end()) {
            gather.refuse(Reason::Malformed, 1, || format!("not a JSON object: {error}; it begins with {:?}", beginning(raw)));
            return Ok(());
        }
        let ts = match self.find(&mapping.time) {
            None => receiver.next_ns(),
            Some(at) => match parse_time(self.value(at)) {
                Some(ts) => ts,
                None => {
                    let (name, value) = (shortened(self.name(at)), beginning(self.value(at)));
                    gather.refuse(Reason::Malformed, 1, || {
                        format!("the field {name:?} holds {value:?}, which is no time; RFC 3339 or a number of seconds to nanoseconds is expected")
                    });
                    return Ok(());
                }
            },
        };
        let message = self.find(&mapping.message);
        if !self.begin(mapping, extra, receiver, gather)? {
            return Ok(());
        }
        let limits = &receiver.limits;
        let time = self.find(&mapping.time);
        let is_field = |at: &usize| Some(*at) != message && Some(*at) != time && !mapping.stream.iter().any(|name| name == self.name(*at));
        let fields = || (0..self.pairs.len()).filter(is_field);
        let bytes: usize = fields().map(|at| self.name(at).len() + self.value(at).len()).sum();
        let fits = limits.takes_fields && fields().count() <= or_none(limits.fields_max) && bytes <= or_none(limits.field_bytes_max);
        // What has no text of its own, or too much besides, stays as it is: nothing of it is lost.
        let Some(message) = message.filter(|_| fits) else { return gather.line(ts, raw.as_bytes(), limits) };
        fields().for_each(|at| gather.field(self.name(at), self.value(at)));
        gather.line(ts, self.value(message).as_bytes(), limits)
    }

    /// Begins the stream of the object that was read.
    fn begin(&mut self, mapping: &Mapping, extra: Option<(&str, &str)>, receiver: &Receiver, gather: &mut Gather) -> Result<bool, TooMuch> {
        let fixed = mapping.fixed.iter().map(|(name, value)| (Cow::Borrowed(name.as_str()), value.as_str()));
        let extra = extra.into_iter().map(|(name, value)| (Cow::Borrowed(name), value));
        let mut key = std::mem::take(&mut self.key);
        let mut pairs: Vec<(Cow<'_, str>, &str)> = fixed.chain(extra).collect();
        for wanted in &mapping.stream {
            let Some(at) = (0..self.pairs.len()).find(|at| self.name(*at) == wanted) else { continue };
            let name = label_name(wanted);
            if !self.value(at).is_empty() && !pairs.iter().any(|(known, _)| *known == name) {
                pairs.push((name, self.value(at)));
            }
        }
        if pairs.is_empty() {
            pairs.push((Cow::Borrowed("source"), "http"));
        }
        key.clear();
        key.push(0);
        for part in pairs.iter().flat_map(|(name, value)| [&**name, *value]) {
            key.extend_from_slice(&(part.len() as u64).to_le_bytes());
            key.extend_from_slice(part.as_bytes());
        }
        let stream = receiver.streams.of_pairs(&key, pairs.iter().map(|(name, value)| (&**name, *value)), &receiver.limits);
        self.key = key;
        match stream {
            Ok(stream) => gather.begin(&stream).map(|()| true),
            Err(why) => {
                gather.refuse(Reason::InvalidLabels, 1, || why);
                Ok(false)
            }
        }
    }

    /// The first of some fields that is there and holds something.
    fn find(&self, names: &[String]) -> Option<usize> {
        names.iter().find_map(|name| (0..self.pairs.len()).find(|at| self.name(*at) == name && !self.value(*at).is_empty()))
    }

    fn name(&self, at: usize) -> &str {
        self.pairs.get(at).and_then(|pair| self.text.get(pair.name.clone())).unwrap_or_default()
    }

    fn value(&self, at: usize) -> &str {
        self.pairs.get(at).and_then(|pair| self.text.get(pair.value.clone())).unwrap_or_default()
    }
}

/// A field's name as the name of a label.
pub(super) fn label_name(name: &str) -> Cow<'_, str> {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.bytes().all(is_fine) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        return Cow::Borrowed(name);
    }
    let before = if name.starts_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
    Cow::Owned(before.chars().chain(name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })).collect())
}

fn beginning(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Flattens an object.
struct Flat<'f> {
    text: &'f mut String,
    pairs: &'f mut Vec<Pair>,
    path: String,
    depth: usize,
}

impl Flat<'_> {
    fn push(&mut self, value: &str) {
        if self.pairs.len() >= PAIRS_MAX {
            return;
        }
        let start = self.text.len();
        self.text.push_str(&self.path);
        let middle = self.text.len();
        self.text.push_str(value);
        self.pairs.push(Pair { name: start..middle, value: middle..self.text.len() });
    }

    fn value(&mut self, raw: &str) -> Result<(), serde_json::Error> {
        match raw.as_bytes().first() {
            Some(b'"') => {
                let inside = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
                if memchr::memchr(b'\\', inside.as_bytes()).is_none() {
                    self.push(inside);
                } else {
                    self.push(&serde_json::from_str::<String>(raw)?);
                }
            }
            Some(b'{') if self.depth < DEPTH_MAX => {
                self.depth += 1;
                serde_json::Deserializer::from_str(raw).deserialize_map(&mut *self)?;
                self.depth -= 1;
            }
            Some(b'n') | None => {}
            Some(_) => self.push(raw),
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for &mut Flat<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let outer = self.path.len();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let raw: &RawValue = map.next_value()?;
            self.path.truncate(outer);
            if outer > 0 {
                self.path.push('.');
            }
            self.path.push_str(&name);
            self.value(raw.get()).map_err(serde::de::Error::custom)?;
        }
        self.path.truncate(outer);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::ingest::limits::LineLimits;
    use crate::logs::ingest::receive::Door;
    use crate::logs::ingest::receive::tests::{KeptLine, receiver};

    fn mapping() -> Mapping {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Mapping { message: list(&["message", "msg"]), time: list(&["ts"]), stream: list(&["host.name"]), fixed: Vec::new() }
    }

    fn put(raw: &str, mapping: &Mapping) -> (Vec<KeptLine>, Option<String>) {
        let limits = LineLimits { finds_levels: false, service_labels: Vec::new(), fields_max: 5, ..LineLimits::default() };
        let (receiver, kept, _clock) = receiver(limits);
        let mut gather = receiver.gather();
        Documents::default().put(raw, mapping, None, &receiver, &mut gather).unwrap();
        let taken = receiver.take(Door::JsonLines, gather).unwrap();
        let lines = kept.lines.lock().clone();
        (lines, taken.refused)
    }

    #[test]
    fn fields_find_their_place() {
        let raw = r#"{"ts":1700000000,"host":{"name":"a","n":1.50},"msg":"he\"llo","list":[1, 2],"no":null,"b":true}"#;
        let (lines, refused) = put(raw, &mapping());
        let expected = ("{host_name=\"a\"}", 1_700_000_000_000_000_000, "he\"llo", "{b=\"true\", host_n=\"1.50\", list=\"[1, 2]\"}");
        let seen: Vec<_> = lines.iter().map(|(a, b, c, d)| (a.as_str(), *b, c.as_str(), d.as_str())).collect();
        assert_eq!((seen, refused), (vec![expected], None));
        let (lines, _) = put(r#"{"a":1}"#, &mapping());
        assert_eq!((lines[0].0.as_str(), lines[0].2.as_str(), lines[0].3.as_str()), ("{source=\"http\"}", r#"{"a":1}"#, "{}"));
        let many = r#"{"msg":"x","a":1,"b":1,"c":1,"d":1,"e":1,"f":1}"#;
        assert_eq!(put(many, &mapping()).0[0].2, many, "with too many fields it stays as it is");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for (raw, part) in [
            ("[1]", "not a JSON object: invalid type: sequence"),
            ("{\"a\":", "not a JSON object: EOF"),
            ("{} x", "not a JSON object: trailing characters"),
            ("{\"ts\":\"noon\",\"msg\":\"x\"}", "the field \"ts\" holds \"noon\", which is no time"),
        ] {
            let (lines, refused) = put(raw, &mapping());
            assert!(lines.is_empty() && refused.as_deref().is_some_and(|why| why.contains(part)), "{raw}: {refused:?}");
        }
        let deep = format!("{}1{}", "{\"a\":".repeat(100), "}".repeat(100));
        assert_eq!(put(&deep, &mapping()).0.len(), 1);
        let too_deep = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        assert!(put(&too_deep, &mapping()).1.is_some());
    }
}
