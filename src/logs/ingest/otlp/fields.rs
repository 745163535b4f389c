//! Fields of a line: attributes and what else a record says, under names that labels may have.

use std::borrow::Cow;
use std::rc::Rc;

use hashbrown::HashMap;

use crate::base::limits::LABEL_NAME_BYTES_MAX;
use crate::logs::ingest::gather::DETECTED_LEVEL;
use crate::logs::model::level::LineLevel;
use crate::series::otlp::logs::LogRecord;
use crate::series::otlp::names::{LabelRules, label_name};
use crate::series::otlp::text::{hex_id, text_of};
use crate::series::otlp::value::{KeyValue, Value};

const EVENT_NAME: &str = "event_name";
const SEVERITY_TEXT: &str = "severity_text";
/// Attributes of one line, with those of its resource and scope. Each key of a map is one, under a name that begins with
/// the map's, so without a limit a few bytes would become thousands.
const FIELDS_MAX: usize = 1024;

/// A field under construction.
pub(super) type Field<'a> = (Rc<str>, Cow<'a, str>);

/// Makes names, each once for a request.
#[derive(Default)]
pub(super) struct Names<'a> {
    known: HashMap<&'a str, Rc<str>>,
}

impl<'a> Names<'a> {
    fn of(&mut self, name: &'a str) -> Result<Rc<str>, String> {
        if let Some(known) = self.known.get(name) {
            return Ok(Rc::clone(known));
        }
        let made: Rc<str> = label_name(name, LabelRules::default()).map_err(|error| error.to_string())?.into();
        self.known.insert(name, Rc::clone(&made));
        Ok(made)
    }
}

/// Adds an attribute. Each key of a map becomes a field of its own, behind the map's name. What has no name that can be
/// is left out; the error says so.
pub(super) fn flatten<'a>(pair: &'a KeyValue, names: &mut Names<'a>, out: &mut Vec<Field<'a>>) -> Result<(), String> {
    let Some(value) = &pair.value else { return Ok(()) };
    check(pair.key.len(), out)?;
    let name = names.of(&pair.key)?;
    match &value.value {
        Some(Value::Map(map)) => map.values.iter().map(|inner| nested(&name, inner, out)).fold(Ok(()), Result::and),
        _ => {
            out.push((name, text_of(value)));
            Ok(())
        }
    }
}

/// The depth is bounded by the decoders.
fn nested<'a>(before: &str, pair: &'a KeyValue, out: &mut Vec<Field<'a>>) -> Result<(), String> {
    let Some(value) = &pair.value else { return Ok(()) };
    check(before.len() + pair.key.len() + 1, out)?;
    let name = label_name(&format!("{before}_{}", pair.key), LabelRules::default()).map_err(|error| error.to_string())?;
    match &value.value {
        Some(Value::Map(map)) => map.values.iter().map(|inner| nested(&name, inner, out)).fold(Ok(()), Result::and),
        _ => {
            out.push((name.into(), text_of(value)));
            Ok(())
        }
    }
}

/// Whether there is room for one more field with a name of so many bytes.
fn check(name_bytes: usize, out: &[Field<'_>]) -> Result<(), String> {
    if name_bytes > LABEL_NAME_BYTES_MAX {
        return Err(format!("an attribute has a name of more than {LABEL_NAME_BYTES_MAX} bytes"));
    }
    if out.len() >= FIELDS_MAX {
        return Err(format!("a line may have {FIELDS_MAX} attributes, with those of its resource and scope; the others are left out"));
    }
    Ok(())
}

/// Adds what a record says beside its body.
pub(super) fn record_fields<'a>(record: &'a LogRecord, names: &mut Names<'a>, out: &mut Vec<Field<'a>>) -> Result<(), String> {
    let mut flattened = Ok(());
    for pair in &record.attributes {
        flattened = flattened.and(flatten(pair, names, out));
    }
    if record.time_unix_nano != 0 && record.observed_time_unix_nano != 0 {
        out.push(("observed_timestamp".into(), Cow::Owned(record.observed_time_unix_nano.to_string())));
    }
    let numbers = [
        ("severity_number", i64::from(record.severity_number)),
        ("dropped_attributes_count", i64::from(record.dropped_attributes_count)),
        ("flags", i64::from(record.flags)),
    ];
    for (name, number) in numbers.into_iter().filter(|(_, number)| *number != 0) {
        out.push((name.into(), Cow::Owned(number.to_string())));
    }
    for (name, id) in [("trace_id", &record.trace_id), ("span_id", &record.span_id)] {
        let id = hex_id(id);
        if !id.is_empty() {
            out.push((name.into(), Cow::Owned(id)));
        }
    }
    for (name, text) in [(SEVERITY_TEXT, &record.severity_text), (EVENT_NAME, &record.event_name)] {
        if !text.is_empty() {
            out.push((name.into(), Cow::Borrowed(text)));
        }
    }
    flattened
}

/// The level of a line as a field, unless it has one: by what its fields say, else by the line.
pub(super) fn level_field<'a>(fields: &[Field<'a>], of_line: impl FnOnce() -> &'static str) -> Option<Field<'a>> {
    if fields.iter().any(|(name, _)| **name == *DETECTED_LEVEL) {
        return None;
    }
    let level = LineLevel::of_fields(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    Some((DETECTED_LEVEL.into(), Cow::Borrowed(level.map_or_else(of_line, LineLevel::as_str))))
}
