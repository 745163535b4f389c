//! The functions of templates: Go's own, those of Loki, and of the Sprig library what Loki takes from it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use parking_lot::Mutex;
use regex::Regex;

use super::eval::Run;
use super::number::{self, to_int};
use super::printf::printf;
use super::time::Moment;
use super::value::Value;
use super::{OUTPUT_BYTES_MAX, text};
use crate::base::limits::REGEX_BYTES_MAX;
use crate::logs::query::convert::{parse_bytes, parse_duration};
use crate::series::{go_regex, re2};

/// Every function, sorted.
const NAMES: [&str; 86] = [
    "Replace",
    "ToLower",
    "ToUpper",
    "Trim",
    "TrimLeft",
    "TrimPrefix",
    "TrimRight",
    "TrimSpace",
    "TrimSuffix",
    "__line__",
    "__timestamp__",
    "add",
    "addf",
    "alignLeft",
    "alignRight",
    "and",
    "b64dec",
    "b64enc",
    "bytes",
    "ceil",
    "contains",
    "count",
    "date",
    "default",
    "div",
    "divf",
    "duration",
    "duration_seconds",
    "eq",
    "float64",
    "floor",
    "fromJson",
    "ge",
    "gt",
    "hasPrefix",
    "hasSuffix",
    "html",
    "indent",
    "index",
    "int",
    "js",
    "le",
    "len",
    "lower",
    "lt",
    "max",
    "maxf",
    "min",
    "minf",
    "mod",
    "mul",
    "mulf",
    "ne",
    "nindent",
    "not",
    "now",
    "or",
    "print",
    "printf",
    "println",
    "regexReplaceAll",
    "regexReplaceAllLiteral",
    "repeat",
    "replace",
    "round",
    "slice",
    "sub",
    "subf",
    "substr",
    "title",
    "toDate",
    "toDateInZone",
    "toUTC",
    "trim",
    "trimAll",
    "trimPrefix",
    "trimSuffix",
    "trunc",
    "unixEpoch",
    "unixEpochMillis",
    "unixEpochNanos",
    "unixToTime",
    "upper",
    "urldecode",
    "urlencode",
    "urlquery",
];

/// Whether there is such a function.
pub(super) fn exists(name: &str) -> bool {
    NAMES.binary_search(&name).is_ok()
}

/// Regular expressions that a template used, so that each is compiled once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Regexes(Arc<Mutex<Vec<(String, Regex)>>>);

/// Expressions kept for a template.
const REGEXES_MAX: usize = 32;

impl Regexes {
    fn get(&self, pattern: &str) -> Result<Regex, String> {
        if let Some((_, regex)) = self.0.lock().iter().find(|(known, _)| known == pattern) {
            return Ok(regex.clone());
        }
        let invalid = |error: String| go_regex::message(pattern, &error);
        let translated = re2::translate(pattern).map_err(invalid)?;
        let built = regex::RegexBuilder::new(&translated).size_limit(REGEX_BYTES_MAX).nest_limit(200).build();
        let regex = built.map_err(|error| invalid(error.to_string().lines().last().unwrap_or_default().to_owned()))?;
        let mut known = self.0.lock();
        if known.len() >= REGEXES_MAX {
            known.remove(0);
        }
        known.push((pattern.to_owned(), regex.clone()));
        Ok(regex)
    }
}

/// Arguments as functions take them.
struct Args<'a, 'v>(&'v [Value<'a>]);

impl<'a, 'v> Args<'a, 'v> {
    fn count(&self, count: usize) -> Result<(), String> {
        if self.0.len() == count { Ok(()) } else { Err(format!("wrong number of args: want {count} got {}", self.0.len())) }
    }

    fn at(&self, index: usize) -> Result<&'v Value<'a>, String> {
        self.0.get(index).ok_or_else(|| format!("wrong number of args: want at least {} got {}", index + 1, self.0.len()))
    }

    fn text(&self, index: usize) -> Result<&'v str, String> {
        match self.at(index)? {
            Value::Text(text) => Ok(text),
            other => Err(format!("wrong type for value; expected string; got {}", other.type_name())),
        }
    }

    fn texts<const N: usize>(&self) -> Result<[&'v str; N], String> {
        self.count(N)?;
        let mut texts = [""; N];
        for (index, text) in texts.iter_mut().enumerate() {
            *text = self.text(index)?;
        }
        Ok(texts)
    }

    fn int(&self, index: usize) -> Result<i64, String> {
        match self.at(index)? {
            Value::Int(number) => Ok(*number),
            other => Err(format!("wrong type for value; expected int; got {}", other.type_name())),
        }
    }

    fn time(&self, index: usize) -> Result<Moment, String> {
        match self.at(index)? {
            Value::Time(moment) => Ok(moment.clone()),
            Value::Int(seconds) => Ok(Moment { nanos: i128::from(*seconds) * 1_000_000_000, east: 0 }),
            other => Err(format!("wrong type for value; expected time.Time; got {}", other.type_name())),
        }
    }
}

/// Calls a function.
pub(super) fn call<'a>(run: &Run<'a>, name: &str, args: Vec<Value<'a>>) -> Result<Value<'a>, String> {
    let list = Args(&args);
    match name {
        "__line__" => Ok(Value::Text(String::from_utf8_lossy(run.data.line))),
        "__timestamp__" => Ok(Value::Time(Moment::utc(run.data.ts))),
        "now" => Ok(Value::Time(Moment::utc(run.data.now))),
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" => compare(name, &list),
        "not" => Ok(Value::Bool(!list.at(0)?.is_true())),
        "index" => index(run, &list),
        "len" | "slice" => sizes(run, name, &list),
        "add" | "sub" | "mul" | "div" | "mod" | "max" | "min" => number::whole(name, &args).map(Value::Int),
        "addf" | "subf" | "mulf" | "divf" | "maxf" | "minf" => number::float(name, &args).map(Value::Float),
        "int" | "float64" | "ceil" | "floor" | "round" | "bytes" | "duration" | "duration_seconds" => numbers(name, &list),
        "date" | "toDate" | "toDateInZone" | "toUTC" | "unixToTime" | "unixEpoch" | "unixEpochMillis" | "unixEpochNanos" => {
            times(name, &list)
        }
        "print" | "println" | "printf" | "html" | "js" | "urlquery" => prints(name, &list),
        "contains" | "hasPrefix" | "hasSuffix" => {
            let [part, text] = list.texts()?;
            Ok(Value::Bool(match name {
                "contains" => text.contains(part),
                "hasPrefix" => text.starts_with(part),
                _ => text.ends_with(part),
            }))
        }
        "count" => {
            let [pattern, text] = list.texts()?;
            Ok(Value::Int(run.regexes.get(pattern)?.find_iter(text).count() as i64))
        }
        "fromJson" => {
            let [json] = list.texts()?;
            Ok(serde_json::from_str(json).map_or(Value::Nil, Value::from_json))
        }
        "default" => {
            let given = args.get(1).cloned().unwrap_or(Value::Nil);
            if given.is_true() { Ok(given) } else { list.at(0).cloned() }
        }
        "regexReplaceAll" | "regexReplaceAllLiteral" => {
            let [pattern, text, with] = list.texts()?;
            regex_replace(&run.regexes.get(pattern)?, text, with, name == "regexReplaceAll").map(Value::text)
        }
        _ => strings(name, &list).map(Value::text),
    }
}

fn strings(name: &str, args: &Args<'_, '_>) -> Result<String, String> {
    let cut = |set: &str| {
        let set: Vec<char> = set.chars().collect();
        move |c: char| set.contains(&c)
    };
    match name {
        "ToLower" | "lower" => args.texts().map(|[text]| text.to_lowercase()),
        "ToUpper" | "upper" => args.texts().map(|[text]| text.to_uppercase()),
        "title" => args.texts().map(|[text]| text::title(text)),
        "TrimSpace" | "trim" => args.texts().map(|[text]| text.trim().to_owned()),
        "Trim" => args.texts().map(|[text, set]| text.trim_matches(cut(set)).to_owned()),
        "trimAll" => args.texts().map(|[set, text]| text.trim_matches(cut(set)).to_owned()),
        "TrimLeft" => args.texts().map(|[text, set]| text.trim_start_matches(cut(set)).to_owned()),
        "TrimRight" => args.texts().map(|[text, set]| text.trim_end_matches(cut(set)).to_owned()),
        "TrimPrefix" => args.texts().map(|[text, part]| text.strip_prefix(part).unwrap_or(text).to_owned()),
        "trimPrefix" => args.texts().map(|[part, text]| text.strip_prefix(part).unwrap_or(text).to_owned()),
        "TrimSuffix" => args.texts().map(|[text, part]| text.strip_suffix(part).unwrap_or(text).to_owned()),
        "trimSuffix" => args.texts().map(|[part, text]| text.strip_suffix(part).unwrap_or(text).to_owned()),
        "Replace" => {
            args.count(4)?;
            text::replace(args.text(0)?, args.text(1)?, args.text(2)?, args.int(3)?)
        }
        "replace" => args.texts().and_then(|[old, new, text]| text::replace(text, old, new, -1)),
        "trunc" => Ok(text::trunc(args.int(0)?, args.text(1)?)),
        "substr" => Ok(text::substr(args.int(0)?, args.int(1)?, args.text(2)?)),
        "alignLeft" => text::align(args.int(0)?, args.text(1)?, true),
        "alignRight" => text::align(args.int(0)?, args.text(1)?, false),
        "indent" => text::indent(args.int(0)?, args.text(1)?),
        "nindent" => Ok(format!("\n{}", text::indent(args.int(0)?, args.text(1)?)?)),
        "repeat" => text::repeat(args.int(0)?, args.text(1)?),
        "urlencode" => args.texts().map(|[text]| text::urlencode(text)),
        "urldecode" => args.texts().and_then(|[text]| text::urldecode(text)),
        "b64enc" => args.texts().map(|[text]| text::b64enc(text)),
        "b64dec" => args.texts().map(|[text]| text::b64dec(text)),
        _ => Err(format!("function {name:?} not defined")),
    }
}

fn regex_replace(regex: &Regex, text: &str, with: &str, expands: bool) -> Result<String, String> {
    let mut out = String::new();
    let mut from = 0;
    for found in regex.captures_iter(text) {
        let Some(all) = found.get(0) else { continue };
        out.push_str(text.get(from..all.start()).unwrap_or_default());
        if expands {
            found.expand(with, &mut out)
        } else {
            out.push_str(with)
        }
        from = all.end();
        if out.len() > OUTPUT_BYTES_MAX {
            return Err(format!("the text would have more than {OUTPUT_BYTES_MAX} bytes"));
        }
    }
    out.push_str(text.get(from..).unwrap_or_default());
    Ok(out)
}

fn numbers<'a>(name: &str, args: &Args<'_, '_>) -> Result<Value<'a>, String> {
    Ok(match name {
        "int" => Value::Int(to_int(args.at(0)?)),
        "float64" => Value::Float(number::to_float(args.at(0)?)),
        "ceil" => Value::Float(number::to_float(args.at(0)?).ceil()),
        "floor" => Value::Float(number::to_float(args.at(0)?).floor()),
        "round" => Value::Float(number::round(args.0)?),
        "bytes" => Value::Float(parse_bytes(args.text(0)?)? as f64),
        _ => Value::Float(parse_duration(args.text(0)?)? as f64 / 1e9),
    })
}

fn times<'a>(name: &str, args: &Args<'_, '_>) -> Result<Value<'a>, String> {
    let seconds = |nanos: i128| (nanos.div_euclid(1_000_000_000)).to_string();
    Ok(match name {
        "date" => {
            args.count(2)?;
            let mut out = String::new();
            args.time(1)?.format(args.text(0)?, &mut out);
            Value::text(out)
        }
        "toDate" => args.texts().map(|[layout, text]| Value::Time(Moment::parse(layout, text).unwrap_or_else(Moment::zero)))?,
        // Zones other than UTC are not known here, and count as UTC, as one that does not exist does upstream.
        "toDateInZone" => args.texts().map(|[layout, _, text]| Value::Time(Moment::parse(layout, text).unwrap_or_else(Moment::zero)))?,
        "toUTC" => Value::Time(Moment { east: 0, ..args.time(0)? }),
        "unixToTime" => {
            let [text] = args.texts()?;
            let number: i64 = text.parse().map_err(|_| format!("unable to parse time '{text}'"))?;
            let scale = match text.len() {
                5 => 86_400_000_000_000,
                10 => 1_000_000_000,
                13 => 1_000_000,
                16 => 1_000,
                19 => 1,
                _ => return Err(format!("unable to parse time '{text}'")),
            };
            Value::Time(Moment { nanos: i128::from(number) * scale, east: 0 })
        }
        "unixEpoch" => Value::text(seconds(args.time(0)?.nanos)),
        "unixEpochMillis" => Value::text(args.time(0)?.nanos.div_euclid(1_000_000).to_string()),
        _ => Value::text(args.time(0)?.nanos.to_string()),
    })
}

fn prints<'a>(name: &str, args: &Args<'_, '_>) -> Result<Value<'a>, String> {
    if name == "printf" {
        return Ok(Value::text(printf(args.text(0)?, args.0.get(1..).unwrap_or_default())?));
    }
    let mut out = String::new();
    for (index, value) in args.0.iter().enumerate() {
        let is_text = |value: &Value<'_>| matches!(value, Value::Text(_));
        let spaced = name == "println" || index > 0 && !is_text(value) && !is_text(&args.0[index - 1]);
        if index > 0 && spaced {
            out.push(' ');
        }
        value.print(&mut out);
        if out.len() > OUTPUT_BYTES_MAX {
            return Err(format!("the text would have more than {OUTPUT_BYTES_MAX} bytes"));
        }
    }
    Ok(Value::text(match name {
        "println" => out + "\n",
        "html" => gotmpl::html_escape(&out),
        "js" => gotmpl::js_escape(&out),
        "urlquery" => text::urlencode(&out),
        _ => out,
    }))
}

fn compare<'a>(name: &str, args: &Args<'_, '_>) -> Result<Value<'a>, String> {
    let first = args.at(0)?;
    let order = |other: &Value<'_>| -> Result<Option<Ordering>, String> {
        match (first, other) {
            (Value::Int(a), Value::Int(b)) => Ok(Some(a.cmp(b))),
            (Value::Float(a), Value::Float(b)) => Ok(a.partial_cmp(b)),
            (Value::Text(a), Value::Text(b)) => Ok(Some(a.cmp(b))),
            (Value::Bool(a), Value::Bool(b)) if matches!(name, "eq" | "ne") => Ok(Some(a.cmp(b))),
            (Value::Time(a), Value::Time(b)) if matches!(name, "eq" | "ne") => Ok(Some(a.nanos.cmp(&b.nanos))),
            (Value::Nil, _) | (_, Value::Nil) if matches!(name, "eq" | "ne") => {
                Ok(Some(if first == other { Ordering::Equal } else { Ordering::Less }))
            }
            _ => Err("incompatible types for comparison".to_owned()),
        }
    };
    if name == "eq" {
        args.at(1)?;
        for other in args.0.get(1..).unwrap_or_default() {
            if order(other)? == Some(Ordering::Equal) {
                return Ok(Value::Bool(true));
            }
        }
        return Ok(Value::Bool(false));
    }
    args.count(2)?;
    let found = order(args.at(1)?)?;
    Ok(Value::Bool(match name {
        "ne" => found != Some(Ordering::Equal),
        "lt" => found == Some(Ordering::Less),
        "le" => matches!(found, Some(Ordering::Less | Ordering::Equal)),
        "gt" => found == Some(Ordering::Greater),
        _ => matches!(found, Some(Ordering::Greater | Ordering::Equal)),
    }))
}

fn index<'a>(run: &Run<'a>, args: &Args<'a, '_>) -> Result<Value<'a>, String> {
    let mut value = args.at(0)?.clone();
    for key in args.0.get(1..).unwrap_or_default() {
        value = match (value, key) {
            (Value::Labels, Value::Text(name)) => Value::Text(Cow::Borrowed(run.data.row.text_of(name))),
            (Value::Map(mut entries), Value::Text(name)) => entries.remove(&**name).unwrap_or(Value::Nil),
            (Value::List(mut items), Value::Int(at)) => {
                let place = usize::try_from(*at).ok().filter(|at| *at < items.len());
                items.swap_remove(place.ok_or_else(|| format!("index out of range: {at}"))?)
            }
            (Value::Text(text), Value::Int(at)) => {
                let byte = usize::try_from(*at).ok().and_then(|at| text.as_bytes().get(at).copied());
                Value::Int(i64::from(byte.ok_or_else(|| format!("index out of range: {at}"))?))
            }
            (other, _) => return Err(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(value)
}

fn sizes<'a>(run: &Run<'a>, name: &str, args: &Args<'a, '_>) -> Result<Value<'a>, String> {
    if name == "len" {
        return Ok(Value::Int(match args.at(0)? {
            Value::Text(text) => text.len() as i64,
            Value::List(items) => items.len() as i64,
            Value::Map(entries) => entries.len() as i64,
            Value::Labels => {
                let mut count = 0;
                run.data.row.each(|_, _, _| count += 1);
                count
            }
            other => return Err(format!("len of type {}", other.type_name())),
        }));
    }
    let bound = |index: usize, length: usize| match args.0.get(index) {
        Some(_) => {
            let at = args.int(index)?;
            usize::try_from(at).ok().filter(|at| *at <= length).ok_or_else(|| format!("index out of range: {at}"))
        }
        None => Ok(if index == 1 { 0 } else { length }),
    };
    match args.at(0)? {
        Value::Text(text) => {
            let (start, end) = (bound(1, text.len())?, bound(2, text.len())?);
            Ok(Value::text(text.get(start..end).ok_or_else(|| format!("invalid slice index: {start} > {end}"))?.to_owned()))
        }
        Value::List(items) => {
            let (start, end) = (bound(1, items.len())?, bound(2, items.len())?);
            Ok(Value::List(items.get(start..end).ok_or_else(|| format!("invalid slice index: {start} > {end}"))?.to_vec()))
        }
        other => Err(format!("can't slice item of type {}", other.type_name())),
    }
}
