//! Go's own functions of templates.

use std::cmp::Ordering;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Limits;
use super::markup;
use super::printf::printf;
use super::value::Value;

/// Their names, sorted. `and` and `or` are the runner's, as they do not look at all of their arguments.
const NAMES: [&str; 19] = [
    "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print", "printf", "println", "slice",
    "urlquery",
];

/// What `urlquery` leaves as it is, besides letters and digits.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b' ');

/// Whether there is such a function.
pub(super) fn exists(name: &str) -> bool {
    NAMES.binary_search(&name).is_ok()
}

/// Calls one; none if there is no such.
pub(super) fn call<'a>(name: &str, args: &[Value<'a>], limits: Limits) -> Option<Result<Value<'a>, String>> {
    if !exists(name) {
        return None;
    }
    Some(match name {
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" => compare(name, args),
        "not" => one(name, args).map(|value| Value::Bool(!value.is_true())),
        "index" => index(args),
        "len" => one(name, args).and_then(length).map(|count| Value::Int(count as i64)),
        "slice" => slice(args),
        "call" => Err("there are no functions among the values".to_owned()),
        _ => prints(name, args, limits),
    })
}

fn one<'v, 'a>(name: &str, args: &'v [Value<'a>]) -> Result<&'v Value<'a>, String> {
    match args {
        [value] => Ok(value),
        _ => Err(format!("wrong number of args for {name}: want 1 got {}", args.len())),
    }
}

fn order(name: &str, first: &Value<'_>, second: &Value<'_>) -> Result<Option<Ordering>, String> {
    let equality = matches!(name, "eq" | "ne");
    let text = |value: &Value<'_>| matches!(value, Value::Text(_) | Value::Markup(_));
    match (first, second) {
        (Value::Int(a), Value::Int(b))
        | (Value::Span(a), Value::Span(b))
        | (Value::Span(a), Value::Int(b))
        | (Value::Int(a), Value::Span(b)) => Ok(Some(a.cmp(b))),
        (Value::Float(a), Value::Float(b)) => Ok(a.partial_cmp(b)),
        (a, b) if text(a) && text(b) => Ok(Some(a.printed().cmp(&b.printed()))),
        (Value::Bool(a), Value::Bool(b)) if equality => Ok(Some(a.cmp(b))),
        (Value::Time(a), Value::Time(b)) if equality => Ok(Some(a.nanos.cmp(&b.nanos))),
        (Value::Nil, _) | (_, Value::Nil) if equality => {
            Ok(Some(if first.is_nil() && second.is_nil() { Ordering::Equal } else { Ordering::Less }))
        }
        (Value::Object(_) | Value::List(_) | Value::Map(_), _) => Err("invalid type for comparison".to_owned()),
        _ => Err("incompatible types for comparison".to_owned()),
    }
}

fn compare<'a>(name: &str, args: &[Value<'a>]) -> Result<Value<'a>, String> {
    let Some((first, rest)) = args.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        let wanted = if name == "eq" { "at least 1" } else { "2" };
        return Err(if name == "eq" && args.len() == 1 {
            "missing argument for comparison".to_owned()
        } else {
            format!("wrong number of args for {name}: want {wanted} got {}", args.len())
        });
    };
    if name == "eq" {
        for other in rest {
            if order(name, first, other)? == Some(Ordering::Equal) {
                return Ok(Value::Bool(true));
            }
        }
        return Ok(Value::Bool(false));
    }
    let [second] = rest else { return Err(format!("wrong number of args for {name}: want 2 got {}", args.len())) };
    let found = order(name, first, second)?;
    Ok(Value::Bool(match name {
        "ne" => found != Some(Ordering::Equal),
        "lt" => found == Some(Ordering::Less),
        "le" => matches!(found, Some(Ordering::Less | Ordering::Equal)),
        "gt" => found == Some(Ordering::Greater),
        _ => matches!(found, Some(Ordering::Greater | Ordering::Equal)),
    }))
}

fn index<'a>(args: &[Value<'a>]) -> Result<Value<'a>, String> {
    let (first, keys) = args.split_first().ok_or("wrong number of args for index: want at least 1 got 0")?;
    let mut value = first.clone();
    for key in keys {
        value = match (value, key) {
            (Value::Map(mut entries), Value::Text(name)) => entries.remove(&**name).unwrap_or(Value::Nil),
            (Value::List(mut items), Value::Int(at)) => {
                let place = place(*at, items.len())?;
                items.swap_remove(place)
            }
            (Value::Text(text), Value::Int(at)) => {
                let place = place(*at, text.len())?;
                Value::Int(i64::from(text.as_bytes().get(place).copied().unwrap_or_default()))
            }
            (Value::Object(object), key) => {
                let entries = object.entries().ok_or_else(|| format!("can't index item of type {}", object.type_name()))?;
                match key {
                    Value::Int(at) if matches!(entries.first(), Some((Value::Int(_), _)) | None) => {
                        let place = place(*at, entries.len())?;
                        entries.into_iter().nth(place).map_or(Value::Nil, |(_, value)| value)
                    }
                    Value::Text(name) => {
                        let found = entries.into_iter().find(|(known, _)| matches!(known, Value::Text(known) if known == name));
                        found.map_or_else(|| object.missing(), |(_, value)| value)
                    }
                    other => return Err(format!("value has type {}; should be string", other.type_name())),
                }
            }
            (Value::Nil, _) => return Err("index of untyped nil".to_owned()),
            (other, _) => return Err(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(value)
}

fn place(at: i64, length: usize) -> Result<usize, String> {
    usize::try_from(at).ok().filter(|at| *at < length).ok_or_else(|| format!("index out of range: {at}"))
}

fn length(value: &Value<'_>) -> Result<usize, String> {
    match value {
        Value::Text(text) | Value::Markup(text) => Ok(text.len()),
        Value::List(items) => Ok(items.len()),
        Value::Map(entries) => Ok(entries.len()),
        Value::Object(object) => object.entries().map(|entries| entries.len()).ok_or_else(|| format!("len of type {}", object.type_name())),
        Value::Nil => Err("len of nil pointer".to_owned()),
        other => Err(format!("len of type {}", other.type_name())),
    }
}

fn slice<'a>(args: &[Value<'a>]) -> Result<Value<'a>, String> {
    let bound = |index: usize, length: usize| match args.get(index) {
        Some(Value::Int(at)) => usize::try_from(*at).ok().filter(|at| *at <= length).ok_or_else(|| format!("index out of range: {at}")),
        Some(other) => Err(format!("cannot index slice/array with type {}", other.type_name())),
        None => Ok(if index == 1 { 0 } else { length }),
    };
    match args.first() {
        Some(Value::Text(text)) => {
            let (start, end) = (bound(1, text.len())?, bound(2, text.len())?);
            Ok(Value::text(text.get(start..end).ok_or_else(|| format!("invalid slice index: {start} > {end}"))?.to_owned()))
        }
        Some(Value::List(items)) => {
            let (start, end) = (bound(1, items.len())?, bound(2, items.len())?);
            Ok(Value::List(items.get(start..end).ok_or_else(|| format!("invalid slice index: {start} > {end}"))?.to_vec()))
        }
        Some(Value::Object(object)) => {
            let items: Vec<Value<'a>> = object
                .entries()
                .ok_or_else(|| format!("can't slice item of type {}", object.type_name()))?
                .into_iter()
                .map(|(_, item)| item)
                .collect();
            let (start, end) = (bound(1, items.len())?, bound(2, items.len())?);
            Ok(Value::List(items.get(start..end).ok_or_else(|| format!("invalid slice index: {start} > {end}"))?.to_vec()))
        }
        Some(other) => Err(format!("can't slice item of type {}", other.type_name())),
        None => Err("wrong number of args for slice: want at least 1 got 0".to_owned()),
    }
}

fn prints<'a>(name: &str, args: &[Value<'a>], limits: Limits) -> Result<Value<'a>, String> {
    if name == "printf" {
        let Some((Value::Text(format) | Value::Markup(format), rest)) = args.split_first() else {
            return Err(match args.first() {
                Some(other) => format!("wrong type for value; expected string; got {}", other.type_name()),
                None => "wrong number of args for printf: want at least 1 got 0".to_owned(),
            });
        };
        return Ok(Value::text(printf(format, rest, limits.output_bytes)?));
    }
    let mut out = String::new();
    let is_text = |value: &Value<'_>| matches!(value, Value::Text(_) | Value::Markup(_));
    let mut before: Option<&Value<'_>> = None;
    for value in args {
        let spaced = name == "println" || before.is_some_and(|before| !is_text(value) && !is_text(before));
        if before.is_some() && spaced {
            out.push(' ');
        }
        value.print(&mut out);
        before = Some(value);
        if out.len() > limits.output_bytes {
            return Err(format!("the text would have more than {} bytes", limits.output_bytes));
        }
    }
    Ok(Value::text(match name {
        "println" => out + "\n",
        "html" => markup::html_text(&out),
        "js" => markup::script_text(&out),
        "urlquery" => query_text(&out),
        _ => out,
    }))
}

/// As part of a query string: `+` for a space.
pub fn query_text(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string().replace(' ', "+")
}

/// Upper case for the first letter of each word.
pub fn title(text: &str) -> String {
    let mut in_word = false;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let is_part = c.is_alphanumeric() || c == '_' || c == '\'';
        if is_part && !in_word {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        in_word = is_part;
    }
    out
}
