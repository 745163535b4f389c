//! Values of templates.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use super::moment::Moment;
use crate::base::float;

/// A value. Texts are borrowed from the data or the template where they can be.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// `nil`, and what is missing.
    Nil,
    /// A truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any number.
    Float(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// A text that is markup already, and is put out as it is.
    Markup(Cow<'a, str>),
    /// A point in time.
    Time(Moment),
    /// A span of time in nanoseconds.
    Span(i64),
    /// Values in order.
    List(Vec<Value<'a>>),
    /// Values by name.
    Map(BTreeMap<String, Value<'a>>),
    /// Something with fields and methods of its own.
    Object(Rc<dyn Object<'a> + 'a>),
}

/// Keys and values, in order.
pub type Entries<'a> = Vec<(Value<'a>, Value<'a>)>;

/// Something with fields and methods, which templates see but cannot change.
pub trait Object<'a>: fmt::Debug {
    /// What Go calls its type, for messages.
    fn type_name(&self) -> &'static str;

    /// A field, a method without arguments, or the value of a key; none if there is no such.
    fn field(&self, name: &str) -> Option<Value<'a>>;

    /// Calls a method with arguments; none if there is no such.
    fn method(&self, name: &str, args: &[Value<'a>]) -> Option<Result<Value<'a>, String>> {
        let _ = (name, args);
        None
    }

    /// What `range`, `index` and `len` see; none if it cannot be walked.
    fn entries(&self) -> Option<Entries<'a>> {
        None
    }

    /// What `index` gives for a key that is not there.
    fn missing(&self) -> Value<'a> {
        Value::Nil
    }

    /// As `{{...}}` prints it.
    fn print(&self, out: &mut String) {
        print_entries(&self.entries().unwrap_or_default(), out);
    }
}

/// Prints a map, or a list if its keys are numbers.
fn print_entries(entries: &Entries<'_>, out: &mut String) {
    let is_list = matches!(entries.first(), Some((Value::Int(_), _)));
    out.push_str(if is_list { "[" } else { "map[" });
    for (index, (key, item)) in entries.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        if !is_list {
            key.print(out);
            out.push(':');
        }
        item.print_inner(out);
    }
    out.push(']');
}

impl<'a> Value<'a> {
    /// A text that was made.
    pub const fn text(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }

    /// A text that is there already.
    pub const fn borrowed(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// An object.
    pub fn object(object: impl Object<'a> + 'a) -> Self {
        Self::Object(Rc::new(object))
    }

    /// Whether it is nothing.
    pub const fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// What Go calls its type, for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::Markup(_) => "template.HTML",
            Self::Time(_) => "time.Time",
            Self::Span(_) => "time.Duration",
            Self::List(_) => "[]interface {}",
            Self::Map(_) => "map[string]interface {}",
            Self::Object(object) => object.type_name(),
        }
    }

    /// Whether `if` takes it as true.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) | Self::Span(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(text) | Self::Markup(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(entries) => !entries.is_empty(),
            Self::Time(_) => true,
            Self::Object(object) => object.entries().is_none_or(|entries| !entries.is_empty()),
        }
    }

    /// As `{{...}}` and `%v` print it.
    pub fn print(&self, out: &mut String) {
        match self {
            Self::Nil => out.push_str("<no value>"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Int(value) => out.push_str(itoa::Buffer::new().format(*value)),
            Self::Float(value) => float::push_general(out, *value),
            Self::Text(text) | Self::Markup(text) => out.push_str(text),
            Self::Time(moment) => moment.print(out),
            Self::Span(nanos) => out.push_str(&super::moment::span(*nanos)),
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
            Self::Object(object) => object.print(out),
        }
    }

    fn print_inner(&self, out: &mut String) {
        if self.is_nil() { out.push_str("<nil>") } else { self.print(out) }
    }

    /// [`Self::print`] into a new text.
    pub fn printed(&self) -> String {
        let mut out = String::new();
        self.print(&mut out);
        out
    }

    /// Bytes of text in it, for the budget.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Text(Cow::Owned(text)) | Self::Markup(Cow::Owned(text)) => text.len(),
            Self::List(items) => items.iter().map(|item| item.weight() + 32).sum(),
            Self::Map(entries) => entries.iter().map(|(key, item)| key.len() + item.weight() + 64).sum(),
            _ => 0,
        }
    }

    /// From JSON.
    pub fn from_json(json: serde_json::Value) -> Self {
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
