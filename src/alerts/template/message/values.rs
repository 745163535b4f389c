//! What templates of messages see: a group, its alerts, their labels; with the methods of upstream's types.

use serde::Serializer;

use super::{AlertData, MessageData};
use crate::base::template::{Entries, Moment, Object, Value};

/// A time, or Go's zero time.
fn moment(at: Option<i64>) -> Moment {
    at.map_or_else(Moment::zero, |at| Moment::utc(at.saturating_mul(1_000_000)))
}

/// A time as Go writes it in JSON: `2026-01-02T03:04:05.678Z`.
fn time_text(at: Option<i64>) -> String {
    let mut out = String::new();
    moment(at).format("2006-01-02T15:04:05.999999999Z07:00", &mut out);
    out
}

pub(super) fn time_json<S: Serializer>(at: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time_text(*at))
}

fn list<'a>(items: impl Iterator<Item = Value<'a>>) -> Entries<'a> {
    items.enumerate().map(|(index, item)| (Value::Int(index as i64), item)).collect()
}

fn print_struct(fields: &[Value<'_>], out: &mut String) {
    out.push('{');
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        field.print(out);
    }
    out.push('}');
}

/// `.`: the group.
#[derive(Debug)]
pub(super) struct Data<'a>(pub &'a MessageData);

impl<'a> Object<'a> for Data<'a> {
    fn type_name(&self) -> &'static str {
        "*template.Data"
    }

    fn field(&self, name: &str) -> Option<Value<'a>> {
        let data = self.0;
        Some(match name {
            "Receiver" => Value::borrowed(&data.receiver),
            "Status" => Value::borrowed(data.status),
            "Alerts" => Value::object(Alerts { alerts: data.alerts.iter().collect(), is_all: true }),
            "NotificationReason" => Value::borrowed(data.reason),
            "GroupLabels" => Kv::of(&data.group_labels),
            "CommonLabels" => Kv::of(&data.common_labels),
            "CommonAnnotations" => Kv::of(&data.common_annotations),
            "RouteLabels" => Kv::of(&data.route_labels),
            "ExternalURL" => Value::borrowed(&data.external_url),
            _ => return None,
        })
    }

    fn print(&self, out: &mut String) {
        let names = ["Receiver", "Status", "Alerts", "GroupLabels", "CommonLabels", "CommonAnnotations", "ExternalURL"];
        let fields: Vec<Value<'a>> = names.iter().filter_map(|name| self.field(name)).collect();
        print_struct(&fields, out);
    }
}

/// Alerts in order.
#[derive(Debug)]
pub(super) struct Alerts<'a> {
    alerts: Vec<&'a AlertData>,
    /// Whether they can be asked for those that fire.
    is_all: bool,
}

impl<'a> Object<'a> for Alerts<'a> {
    fn type_name(&self) -> &'static str {
        if self.is_all { "template.Alerts" } else { "[]template.Alert" }
    }

    fn field(&self, name: &str) -> Option<Value<'a>> {
        let status = match name {
            "Firing" if self.is_all => "firing",
            "Resolved" if self.is_all => "resolved",
            _ => return None,
        };
        let alerts = self.alerts.iter().copied().filter(|alert| alert.status == status).collect();
        Some(Value::object(Self { alerts, is_all: false }))
    }

    fn entries(&self) -> Option<Entries<'a>> {
        Some(list(self.alerts.iter().map(|alert| Value::object(Alert(alert)))))
    }

    fn print(&self, out: &mut String) {
        print_list(&self.entries().unwrap_or_default(), out);
    }
}

/// `[a b]`, also if there is nothing.
fn print_list(entries: &Entries<'_>, out: &mut String) {
    out.push('[');
    for (index, (_, item)) in entries.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        item.print(out);
    }
    out.push(']');
}

/// One alert.
#[derive(Debug)]
struct Alert<'a>(&'a AlertData);

impl<'a> Object<'a> for Alert<'a> {
    fn type_name(&self) -> &'static str {
        "template.Alert"
    }

    fn field(&self, name: &str) -> Option<Value<'a>> {
        let alert = self.0;
        Some(match name {
            "Status" => Value::borrowed(alert.status),
            "Labels" => Kv::of(&alert.labels),
            "Annotations" => Kv::of(&alert.annotations),
            "StartsAt" => Value::Time(moment(alert.starts_at)),
            "EndsAt" => Value::Time(moment(alert.ends_at)),
            "GeneratorURL" => Value::borrowed(&alert.generator_url),
            "Fingerprint" => Value::borrowed(&alert.fingerprint),
            _ => return None,
        })
    }

    fn print(&self, out: &mut String) {
        let names = ["Status", "Labels", "Annotations", "StartsAt", "EndsAt", "GeneratorURL", "Fingerprint"];
        let fields: Vec<Value<'a>> = names.iter().filter_map(|name| self.field(name)).collect();
        print_struct(&fields, out);
    }
}

/// Texts by name, sorted by name. What is missing is empty.
#[derive(Debug)]
struct Kv<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Kv<'a> {
    fn of(map: &'a std::collections::BTreeMap<String, String>) -> Value<'a> {
        Value::object(Self(map.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()))
    }

    /// Sorted by name, the name of the alert before all others.
    fn sorted(&self) -> Pairs<'a> {
        let mut pairs = self.0.clone();
        pairs.sort_by_key(|(name, _)| (*name != "alertname", *name));
        Pairs(pairs)
    }
}

impl<'a> Object<'a> for Kv<'a> {
    fn type_name(&self) -> &'static str {
        "template.KV"
    }

    fn field(&self, name: &str) -> Option<Value<'a>> {
        match name {
            "SortedPairs" => Some(Value::object(self.sorted())),
            "Names" | "Values" => self.sorted().field(name),
            "String" => Some(Value::text(self.sorted().text())),
            // A method that wants arguments.
            "Remove" => None,
            name => Some(Value::borrowed(self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value))),
        }
    }

    fn method(&self, name: &str, args: &[Value<'a>]) -> Option<Result<Value<'a>, String>> {
        if name != "Remove" {
            return None;
        }
        let [names] = args else { return Some(Err(format!("wrong number of args for Remove: want 1 got {}", args.len()))) };
        Some(texts(names).map(|names| {
            let kept = self.0.iter().filter(|(known, _)| !names.iter().any(|name| name == known)).copied();
            Value::object(Self(kept.collect()))
        }))
    }

    fn entries(&self) -> Option<Entries<'a>> {
        Some(self.0.iter().map(|(name, value)| (Value::borrowed(name), Value::borrowed(value))).collect())
    }

    fn missing(&self) -> Value<'a> {
        Value::borrowed("")
    }

    fn print(&self, out: &mut String) {
        out.push_str(&self.sorted().text());
    }
}

/// Names and texts in order.
#[derive(Debug)]
struct Pairs<'a>(Vec<(&'a str, &'a str)>);

impl Pairs<'_> {
    fn text(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
    }
}

impl<'a> Object<'a> for Pairs<'a> {
    fn type_name(&self) -> &'static str {
        "template.Pairs"
    }

    fn field(&self, name: &str) -> Option<Value<'a>> {
        match name {
            "Names" => Some(Value::object(Strings(self.0.iter().map(|(name, _)| *name).collect()))),
            "Values" => Some(Value::object(Strings(self.0.iter().map(|(_, value)| *value).collect()))),
            "String" => Some(Value::text(self.text())),
            _ => None,
        }
    }

    fn entries(&self) -> Option<Entries<'a>> {
        Some(list(self.0.iter().map(|(name, value)| Value::object(Pair { name, value }))))
    }

    fn print(&self, out: &mut String) {
        out.push_str(&self.text());
    }
}

/// A name and a text.
#[derive(Debug)]
struct Pair<'a> {
    name: &'a str,
    value: &'a str,
}

impl<'a> Object<'a> for Pair<'a> {
    fn type_name(&self) -> &'static str {
        "template.Pair"
    }

    fn field(&self, name: &str) -> Option<Value<'a>> {
        match name {
            "Name" => Some(Value::borrowed(self.name)),
            "Value" => Some(Value::borrowed(self.value)),
            _ => None,
        }
    }

    fn print(&self, out: &mut String) {
        print_struct(&[Value::borrowed(self.name), Value::borrowed(self.value)], out);
    }
}

/// Texts in order.
#[derive(Debug)]
struct Strings<'a>(Vec<&'a str>);

impl<'a> Object<'a> for Strings<'a> {
    fn type_name(&self) -> &'static str {
        "template.Strings"
    }

    fn field(&self, _name: &str) -> Option<Value<'a>> {
        None
    }

    fn method(&self, name: &str, args: &[Value<'a>]) -> Option<Result<Value<'a>, String>> {
        match (name, args) {
            ("Join", [with]) => Some(Ok(Value::text(self.0.join(&with.printed())))),
            ("Join", _) => Some(Err(format!("wrong number of args for Join: want 1 got {}", args.len()))),
            _ => None,
        }
    }

    fn entries(&self) -> Option<Entries<'a>> {
        Some(list(self.0.iter().map(|text| Value::borrowed(text))))
    }

    fn print(&self, out: &mut String) {
        print_list(&self.entries().unwrap_or_default(), out);
    }
}

/// A list of texts as Rust's.
pub(super) fn texts(value: &Value<'_>) -> Result<Vec<String>, String> {
    let wrong = || format!("wrong type for value; expected []string; got {}", value.type_name());
    let text = |item: &Value<'_>| match item {
        Value::Text(text) => Ok(text.clone().into_owned()),
        _ => Err(wrong()),
    };
    match value {
        Value::List(items) => items.iter().map(text).collect(),
        Value::Object(object) => match object.entries() {
            Some(entries) if object.type_name() != "template.KV" => entries.iter().map(|(_, item)| text(item)).collect(),
            _ => Err(wrong()),
        },
        Value::Nil => Ok(Vec::new()),
        _ => Err(wrong()),
    }
}
