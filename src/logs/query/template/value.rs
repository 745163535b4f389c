//! Values of templates.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::time::Moment;
use crate::base::float;

/// A value. Texts are borrowed from the line, its labels or the template where they can be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    Time(Moment),
    List(Vec<Value<'a>>),
    Map(BTreeMap<String, Value<'a>>),
    /// All labels of the line.
    Labels,
}

impl<'a> Value<'a> {
    /// A text that was made.
    pub(super) const fn text(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }

    /// What Go calls its type, for messages.
    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::Time(_) => "time.Time",
            Self::List(_) => "[]interface {}",
            Self::Map(_) => "map[string]interface {}",
            Self::Labels => "map[string]string",
        }
    }

    /// Whether `if` takes it as true.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(entries) => !entries.is_empty(),
            Self::Time(_) | Self::Labels => true,
        }
    }

    /// As `{{…}}` and `%v` print it.
    pub(super) fn print(&self, out: &mut String) {
        match self {
            Self::Nil => out.push_str("<no value>"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Int(value) => out.push_str(itoa::Buffer::new().format(*value)),
            Self::Float(value) => float::push_general(out, *value),
            Self::Text(text) => out.push_str(text),
            Self::Time(moment) => moment.print(out),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(' ');
                    }
                    item.print_inner(out);
                }
                out.push(']');
            }
            Self::Map(entries) => {
                out.push_str("map[");
                for (index, (key, item)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(' ');
                    }
                    out.push_str(key);
                    out.push(':');
                    item.print_inner(out);
                }
                out.push(']');
            }
            Self::Labels => out.push_str("map[]"),
        }
    }

    fn print_inner(&self, out: &mut String) {
        if *self == Self::Nil { out.push_str("<nil>") } else { self.print(out) }
    }

    /// Bytes of text in it, for the budget.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Text(Cow::Owned(text)) => text.len(),
            Self::List(items) => items.iter().map(|item| item.weight() + 32).sum(),
            Self::Map(entries) => entries.iter().map(|(key, item)| key.len() + item.weight() + 64).sum(),
            _ => 0,
        }
    }

    /// From JSON.
    pub(super) fn from_json(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Nil,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(value) => Self::Float(value.as_f64().unwrap_or(f64::NAN)),
            serde_json::Value::String(text) => Self::text(text),
            serde_json::Value::Array(items) => Self::List(items.into_iter().map(Self::from_json).collect()),
            serde_json::Value::Object(entries) => Self::Map(entries.into_iter().map(|(key, item)| (key, Self::from_json(item))).collect()),
        }
    }
}
