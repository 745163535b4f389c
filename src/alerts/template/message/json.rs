//! Values of templates as JSON, to the byte as Go's `json.Marshal` writes them.

use crate::base::float;
use crate::base::template::Value;
use crate::platform::http::go_json::write_json;

/// Fields of structs with their names in JSON, in order.
const DATA: [(&str, &str); 7] = [
    ("Receiver", "receiver"),
    ("Status", "status"),
    ("Alerts", "alerts"),
    ("GroupLabels", "groupLabels"),
    ("CommonLabels", "commonLabels"),
    ("CommonAnnotations", "commonAnnotations"),
    ("ExternalURL", "externalURL"),
];
const ALERT: [(&str, &str); 7] = [
    ("Status", "status"),
    ("Labels", "labels"),
    ("Annotations", "annotations"),
    ("StartsAt", "startsAt"),
    ("EndsAt", "endsAt"),
    ("GeneratorURL", "generatorURL"),
    ("Fingerprint", "fingerprint"),
];
const PAIR: [(&str, &str); 2] = [("Name", "Name"), ("Value", "Value")];

fn push_text(text: &str, out: &mut String) {
    let mut bytes = Vec::with_capacity(text.len() + 2);
    // Writing to memory cannot fail.
    if write_json(&mut bytes, text).is_ok() {
        out.push_str(&String::from_utf8_lossy(&bytes));
    }
}

/// Appends a value.
///
/// # Errors
/// What JSON has no form for.
pub(super) fn push_json(value: &Value<'_>, out: &mut String) -> Result<(), String> {
    match value {
        Value::Nil => out.push_str("null"),
        Value::Bool(_) | Value::Int(_) => value.print(out),
        Value::Span(nanos) => Value::Int(*nanos).print(out),
        Value::Float(number) if number.is_finite() => {
            let magnitude = number.abs();
            let is_plain = magnitude == 0.0 || (1e-6..1e21).contains(&magnitude);
            out.push_str(&if is_plain {
                float::plain(*number)
            } else {
                format!("{number:e}").replace("e", if magnitude >= 1.0 { "e+" } else { "e" })
            });
        }
        Value::Float(number) => return Err(format!("json: unsupported value: {}", float::plain(*number))),
        Value::Text(text) | Value::Markup(text) => push_text(text, out),
        Value::Time(moment) => {
            let mut text = String::new();
            moment.format("2006-01-02T15:04:05.999999999Z07:00", &mut text);
            push_text(&text, out);
        }
        Value::List(items) => push_list(items.iter(), out)?,
        Value::Map(entries) => {
            let pairs = entries.iter().map(|(name, value)| (name.as_str(), value));
            push_map(pairs, out)?;
        }
        Value::Object(object) => {
            let fields: &[(&str, &str)] = match object.type_name() {
                "*template.Data" => &DATA,
                "template.Alert" => &ALERT,
                "template.Pair" => &PAIR,
                kind => {
                    let entries = object.entries().ok_or_else(|| format!("json: unsupported type: {kind}"))?;
                    if kind != "template.KV" {
                        return push_list(entries.iter().map(|(_, item)| item), out);
                    }
                    let pairs: Vec<(String, Value<'_>)> = entries.into_iter().map(|(name, value)| (name.printed(), value)).collect();
                    return push_map(pairs.iter().map(|(name, value)| (name.as_str(), value)), out);
                }
            };
            let pairs: Vec<(&str, Value<'_>)> =
                fields.iter().map(|(field, name)| (*name, object.field(field).unwrap_or(Value::Nil))).collect();
            push_map(pairs.iter().map(|(name, value)| (*name, value)), out)?;
        }
    }
    Ok(())
}

fn push_list<'v, 'a: 'v>(items: impl Iterator<Item = &'v Value<'a>>, out: &mut String) -> Result<(), String> {
    out.push('[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_json(item, out)?;
    }
    out.push(']');
    Ok(())
}

fn push_map<'v, 'a: 'v>(pairs: impl Iterator<Item = (&'v str, &'v Value<'a>)>, out: &mut String) -> Result<(), String> {
    out.push('{');
    for (index, (name, value)) in pairs.enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_text(name, out);
        out.push(':');
        push_json(value, out)?;
    }
    out.push('}');
    Ok(())
}
