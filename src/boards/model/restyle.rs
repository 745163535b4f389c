//! A JSON value written in the way of a text that it is a change of: order of fields, indent, and how numbers are
//! written stay, so that a difference of the two shows what changed and nothing else.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// What names an element of a list, so that it is found again where others came before it.
const NAMES: [&str; 5] = ["id", "refId", "name", "uid", "key"];
/// Fields of the whole that are the keeper's, and stay as the text has them.
const KEPT: [&str; 3] = ["id", "uid", "version"];
/// The indent of a text that has none.
const INDENT: &str = "  ";

/// The fields of an object in their order, as they are written.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields<'de>, M::Error> {
                let mut fields: Vec<(String, &'de RawValue)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    // Of a name that stands twice the last one counts.
                    fields.retain(|(known, _)| *known != name);
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Reading)
    }
}

/// Writes `now` in the way of `text`. Where the text is no JSON object, as usual.
///
/// # Errors
/// The value cannot be written as JSON.
pub fn restyle(text: &str, now: &Value) -> Result<String, serde_json::Error> {
    let trimmed = text.trim_start_matches('\u{feff}');
    let mut now = now.clone();
    if let (Some(object), Ok(Value::Object(was))) = (now.as_object_mut(), serde_json::from_str(trimmed)) {
        for name in KEPT {
            match was.get(name) {
                Some(kept) => drop(object.insert(name.to_owned(), kept.clone())),
                None => drop(object.remove(name)),
            }
        }
    }
    let mut out = String::new();
    let writer = Writer { indent: indent(trimmed) };
    writer.value(&mut out, Some(trimmed.trim()), &now, 0)?;
    let end = trimmed.len() - trimmed.trim_end().len();
    out.push_str(&trimmed[trimmed.len() - end..]);
    Ok(out)
}

/// The white space before the first field.
fn indent(text: &str) -> &str {
    let Some(first) = text.lines().skip(1).find(|line| !line.trim().is_empty()) else { return INDENT };
    let found = &first[..first.len() - first.trim_start().len()];
    if found.is_empty() || found.len() > 8 { INDENT } else { found }
}

struct Writer<'a> {
    indent: &'a str,
}

impl Writer<'_> {
    fn line(&self, out: &mut String, depth: usize) {
        out.push('\n');
        (0..depth).for_each(|_| out.push_str(self.indent));
    }

    /// `was` is how the value stands in the text, where it does.
    fn value(&self, out: &mut String, was: Option<&str>, now: &Value, depth: usize) -> Result<(), serde_json::Error> {
        if let Some(was) = was
            && serde_json::from_str::<Value>(was).is_ok_and(|was| was == *now)
        {
            out.push_str(was);
            return Ok(());
        }
        match now {
            Value::Object(now) if !now.is_empty() => {
                let fields = was.and_then(|was| serde_json::from_str::<Fields<'_>>(was).ok()).map_or_else(Vec::new, |fields| fields.0);
                let known = fields.iter().filter_map(|(name, raw)| Some((name, Some(raw.get()), now.get(name)?)));
                let new =
                    now.iter().filter(|(name, _)| !fields.iter().any(|(known, _)| known == *name)).map(|(name, value)| (name, None, value));
                out.push('{');
                for (at, (name, raw, value)) in known.chain(new).enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    self.line(out, depth + 1);
                    out.push_str(&serde_json::to_string(name)?);
                    out.push_str(": ");
                    self.value(out, raw, value, depth + 1)?;
                }
                self.line(out, depth);
                out.push('}');
            }
            Value::Array(now) if !now.is_empty() => {
                let raws: Vec<&RawValue> = was.and_then(|was| serde_json::from_str(was).ok()).unwrap_or_default();
                let values: Vec<Value> = raws.iter().map(|raw| serde_json::from_str(raw.get()).unwrap_or_default()).collect();
                out.push('[');
                for (at, value) in now.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    self.line(out, depth + 1);
                    let raw = same(&values, value, at).and_then(|at| raws.get(at)).map(|raw| raw.get());
                    self.value(out, raw, value, depth + 1)?;
                }
                self.line(out, depth);
                out.push(']');
            }
            other => out.push_str(&serde_json::to_string(other)?),
        }
        Ok(())
    }
}

/// Which of the old elements a new one is: the one with its name, or the one that stands where it does.
fn same(old: &[Value], new: &Value, at: usize) -> Option<usize> {
    let name = NAMES.iter().find_map(|name| Some((*name, new.get(name).filter(|value| !value.is_null())?)));
    match name {
        Some((name, value)) => old.iter().position(|one| one.get(name) == Some(value)),
        None => old.iter().position(|one| one == new).or((at < old.len()).then_some(at)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::boards::model::diff::patch;

    #[test]
    fn only_what_changed_is_written_anew() {
        let text = "{\n    \"title\": \"A\",\n    \"panels\": [\n        {\"id\": 2, \"w\": 1.50},\n        {\"id\": 1, \"targets\": [ ]}\n    ],\n    \"a\": 1e3\n}\n";
        let mut now: Value = serde_json::from_str(text).unwrap();
        (now["id"], now["version"], now["uid"]) = (7.into(), 3.into(), "u".into());
        assert_eq!(restyle(text, &now).unwrap(), text, "what the keeper adds is not there");
        now["title"] = "B".into();
        let found = restyle(text, &now).unwrap();
        assert_eq!(found, text.replace("\"A\"", "\"B\""));
        assert_eq!(patch(text, &found, "x").lines().filter(|line| line.starts_with(['+', '-'])).count(), 4);
        now["panels"][1]["new"] = json!({"x": [1]});
        now["panels"].as_array_mut().unwrap().insert(0, json!({"id": 3}));
        let found = restyle(text, &now).unwrap();
        assert!(found.contains("        {\"id\": 2, \"w\": 1.50},\n") && found.contains("\"a\": 1e3\n}\n"), "{found}");
        let mut read: Value = serde_json::from_str(&found).unwrap();
        (read["id"], read["version"], read["uid"]) = (7.into(), 3.into(), "u".into());
        assert_eq!(read, now);
    }

    #[test]
    fn what_is_no_json_is_written_as_usual() {
        assert_eq!(restyle("", &json!({"a": [1, {}]})).unwrap(), "{\n  \"a\": [\n    1,\n    {}\n  ]\n}");
        assert_eq!(restyle("{\"a\":1,\"a\":2}", &json!({"a": 2, "b": null})).unwrap(), "{\n  \"a\": 2,\n  \"b\": null\n}");
    }

    proptest::proptest! {
        #[test]
        fn it_is_the_same_value_whatever_the_text(a in value(), b in value(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&json!({"x": a, "uid": "k"})) } else { serde_json::to_string(&json!({"x": a, "uid": "k"})) };
            let now = json!({"x": b, "uid": "k"});
            let found: Value = serde_json::from_str(&restyle(&text.unwrap(), &now).unwrap()).unwrap();
            assert_eq!(found, now);
        }
    }

    fn value() -> impl proptest::strategy::Strategy<Value = Value> {
        use proptest::prelude::*;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z\"\\\\é]{0,3}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[a-c]|id|name", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }
}
