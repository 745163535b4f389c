//! Pushes in JSON, read as a stream of tokens straight into the batch. Both forms are taken on both paths:
//!
//! `{"streams": [{"stream": {"app": "a"}, "values": [["1700000000000000000", "line", {"trace": "7"}]]}]}` and, older,
//! `{"streams": [{"labels": "{app=\"a\"}", "entries": [{"ts": "2023-11-14T22:13:20Z", "line": "line"}]}]}`.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::gather::Gather;
use super::super::receive::Receiver;
use super::super::when::parse_time;
use super::PushError;
use crate::base::limits::{LABEL_SET_BYTES_MAX, LABELS_PER_SERIES_MAX};
use crate::logs::ingest::gather::TooMuch;
use crate::logs::ingest::refusal::Reason;

/// What is being read.
struct Work<'r> {
    receiver: &'r Receiver,
    gather: &'r mut Gather,
    streams: usize,
    /// Bytes that stand for a label set.
    key: Vec<u8>,
    /// Errors of serde are text; this one is passed beside them.
    too_much: Option<TooMuch>,
}

/// Reads a request; gives the number of streams in it.
pub(super) fn decode(body: &[u8], receiver: &Receiver, gather: &mut Gather) -> Result<usize, PushError> {
    let mut work = Work { receiver, gather, streams: 0, key: Vec::new(), too_much: None };
    let mut from = serde_json::Deserializer::from_slice(body);
    let read = Request(&mut work).deserialize(&mut from).and_then(|()| from.end());
    match (read, work.too_much) {
        (_, Some(too_much)) => Err(too_much.into()),
        (Err(error), None) => Err(PushError::Json(error.to_string())),
        (Ok(()), None) => Ok(work.streams),
    }
}

/// A text that is borrowed where it has no escapes.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// The whole request.
struct Request<'w, 'r>(&'w mut Work<'r>);

impl<'de> DeserializeSeed<'de> for Request<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Request<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with \"streams\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Text)? {
            if key == "streams" {
                map.next_value_seed(Streams(&mut *self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// The list of streams.
struct Streams<'w, 'r>(&'w mut Work<'r>);

impl<'de> DeserializeSeed<'de> for Streams<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Streams<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of streams")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Stream(&mut *self.0))?.is_some() {
            self.0.streams += 1;
        }
        Ok(())
    }
}

/// One stream.
struct Stream<'w, 'r>(&'w mut Work<'r>);

impl<'de> DeserializeSeed<'de> for Stream<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

/// Whether the labels of a stream were read, and what they said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begun {
    NotYet,
    Yes,
    /// They are none; its lines are left out.
    Refused,
}

impl<'de> Visitor<'de> for Stream<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stream: an object with \"stream\" and \"values\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let work = self.0;
        let mut begun = Begun::NotYet;
        // Lines that stand before the labels.
        let mut early: Vec<&'de RawValue> = Vec::new();
        while let Some(key) = map.next_key_seed(Text)? {
            match &*key {
                "stream" => {
                    let pairs = map.next_value_seed(Pairs)?;
                    begun = work.begin(&pairs)?;
                }
                "labels" => {
                    let text = map.next_value_seed(Text)?;
                    let is_one = work.gather.begin_text(text.as_bytes(), 0, &work.receiver.streams, &work.receiver.limits);
                    begun = is_one.map(|is| if is { Begun::Yes } else { Begun::Refused }).map_err(|error| work.give_up(error))?;
                }
                "values" | "entries" => match begun {
                    Begun::Yes => map.next_value_seed(Lines(&mut *work))?,
                    Begun::Refused => map.next_value::<IgnoredAny>().map(drop)?,
                    Begun::NotYet => early.push(map.next_value()?),
                },
                _ => map.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        if begun == Begun::NotYet {
            begun = work.begin(&[])?;
        }
        if begun == Begun::Yes {
            for lines in early {
                Lines(&mut *work).deserialize(lines).map_err(A::Error::custom)?;
            }
        }
        Ok(())
    }
}

impl Work<'_> {
    fn give_up<E: Error>(&mut self, error: TooMuch) -> E {
        self.too_much = Some(error);
        E::custom(error)
    }

    fn begin<E: Error>(&mut self, pairs: &[(Cow<'_, str>, Cow<'_, str>)]) -> Result<Begun, E> {
        self.key.clear();
        // Too many are refused for that, and not remembered: they need no bytes that stand for them.
        if !is_too_much(pairs.len(), pairs.iter().map(|(name, value)| name.len() + value.len()).sum()) {
            // No text of a label set begins so.
            self.key.push(0);
            for part in pairs.iter().flat_map(|(name, value)| [name, value]) {
                self.key.extend_from_slice(&(part.len() as u64).to_le_bytes());
                self.key.extend_from_slice(part.as_bytes());
            }
        }
        let pairs = pairs.iter().map(|(name, value)| (&**name, &**value));
        match self.receiver.streams.of_pairs(&self.key, pairs, &self.receiver.limits) {
            Ok(stream) => self.gather.begin(&stream).map(|()| Begun::Yes).map_err(|error| self.give_up(error)),
            Err(why) => {
                self.gather.refuse(Reason::InvalidLabels, 0, || why);
                Ok(Begun::Refused)
            }
        }
    }

    fn line<E: Error>(&mut self, ts: i64, line: &str) -> Result<(), E> {
        self.gather.line(ts, line.as_bytes(), &self.receiver.limits).map_err(|error| self.give_up(error))
    }
}

/// Whether so many pairs of so many bytes can be no label set.
const fn is_too_much(pairs: usize, bytes: usize) -> bool {
    pairs > LABELS_PER_SERIES_MAX || bytes > LABEL_SET_BYTES_MAX
}

/// Labels as an object: its pairs, but no more than it takes to see that there are too many.
pub(super) struct Pairs;

/// Names and values of labels.
pub(super) type LabelPairs<'de> = smallvec::SmallVec<[(Cow<'de, str>, Cow<'de, str>); 16]>;

impl<'de> DeserializeSeed<'de> for Pairs {
    type Value = LabelPairs<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Pairs {
    type Value = LabelPairs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("labels: an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut pairs, mut bytes) = (LabelPairs::new(), 0);
        while let Some(name) = map.next_key_seed(Text)? {
            let value = map.next_value_seed(Text)?;
            if !is_too_much(pairs.len(), bytes) {
                bytes += name.len() + value.len();
                pairs.push((name, value));
            }
        }
        Ok(pairs)
    }
}

/// The lines of a stream.
struct Lines<'w, 'r>(&'w mut Work<'r>);

impl<'de> DeserializeSeed<'de> for Lines<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Lines<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of lines")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Line(&mut *self.0))?.is_some() {}
        Ok(())
    }
}

/// One line, as a list or as an object.
struct Line<'w, 'r>(&'w mut Work<'r>);

impl<'de> DeserializeSeed<'de> for Line<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Line<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line: [\"<nanoseconds>\", \"<line>\"] or {\"ts\": …, \"line\": …}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let work = self.0;
        let missing = |what: &str| A::Error::custom(format_args!("a line without {what}; [\"<nanoseconds>\", \"<line>\"] is expected"));
        let ts = list.next_element_seed(Nanoseconds)?.ok_or_else(|| missing("a time"))?;
        let line = list.next_element_seed(Text)?.ok_or_else(|| missing("a text"))?;
        list.next_element_seed(Fields(&mut *work.gather))?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        work.line(ts, &line)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let work = self.0;
        let (mut ts, mut line) = (None, Cow::Borrowed(""));
        while let Some(key) = map.next_key_seed(Text)? {
            match &*key {
                "ts" | "timestamp" => {
                    let text = map.next_value_seed(Text)?;
                    let wrong = || {
                        A::Error::custom(format_args!("{:?} is no time; RFC 3339 is expected", text.chars().take(50).collect::<String>()))
                    };
                    ts = Some(parse_time(&text).ok_or_else(wrong)?);
                }
                "line" => line = map.next_value_seed(Text)?,
                "structuredMetadata" => map.next_value_seed(Fields(&mut *work.gather))?,
                _ => map.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        let ts = ts.ok_or_else(|| A::Error::custom("a line without \"ts\""))?;
        work.line(ts, &line)
    }
}

/// Nanoseconds, as text or number.
struct Nanoseconds;

impl<'de> DeserializeSeed<'de> for Nanoseconds {
    type Value = i64;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<i64, D::Error> {
        from.deserialize_any(self)
    }
}

impl Visitor<'_> for Nanoseconds {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nanoseconds since 1970 as text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<i64, E> {
        text.parse().map_err(|_| E::custom(format_args!("{:?} is no number of nanoseconds", text.chars().take(50).collect::<String>())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
        i64::try_from(number).map_err(|_| E::custom(format_args!("{number} nanoseconds are too many")))
    }
}

/// Structured metadata: an object of texts.
struct Fields<'g>(&'g mut Gather);

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("structured metadata: an object of texts")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Text)? {
            let value = map.next_value_seed(Text)?;
            self.0.field(&name, &value);
        }
        Ok(())
    }
}
