//! The functions of templates besides Go's own: those of Loki, and of the Sprig library what Loki takes from it.

use std::sync::Arc;

use parking_lot::Mutex;
use regex::Regex;

use super::number::{self, to_int};
use super::{Data, OUTPUT_BYTES_MAX, text};
use crate::base::limits::REGEX_BYTES_MAX;
use crate::base::template::{Functions, Moment, Run, Value, query_text, title};
use crate::logs::query::convert::{parse_bytes, parse_duration};
use crate::series::{go_regex, re2};

/// Every function besides Go's own, sorted.
const NAMES: [&str; 68] = [
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
    "float64",
    "floor",
    "fromJson",
    "hasPrefix",
    "hasSuffix",
    "indent",
    "int",
    "lower",
    "max",
    "maxf",
    "min",
    "minf",
    "mod",
    "mul",
    "mulf",
    "nindent",
    "now",
    "regexReplaceAll",
    "regexReplaceAllLiteral",
    "repeat",
    "replace",
    "round",
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
            Value::Int(seconds) => Ok(Moment { nanos: i128::from(*seconds) * 1_000_000_000, east: 0, zone: None }),
            other => Err(format!("wrong type for value; expected time.Time; got {}", other.type_name())),
        }
    }
}

/// Loki's functions over a line.
pub(super) struct Loki<'a> {
    pub(super) data: Data<'a>,
    pub(super) regexes: &'a Regexes,
}

impl<'a> Functions<'a> for Loki<'a> {
    fn call(&self, _: &mut Run<'a, '_>, name: &str, args: Vec<Value<'a>>) -> Option<Result<Value<'a>, String>> {
        exists(name).then(|| call(self, name, &args))
    }

    fn go_on(&self) -> Result<(), String> {
        self.data.cancel.check().map_err(|_| "the query was stopped".to_owned())
    }
}

fn call<'a>(run: &Loki<'a>, name: &str, args: &[Value<'a>]) -> Result<Value<'a>, String> {
    let list = Args(args);
    match name {
        "__line__" => Ok(Value::Text(String::from_utf8_lossy(run.data.line))),
        "__timestamp__" => Ok(Value::Time(Moment::utc(run.data.ts))),
        "now" => Ok(Value::Time(Moment::utc(run.data.now))),
        "add" | "sub" | "mul" | "div" | "mod" | "max" | "min" => number::whole(name, args).map(Value::Int),
        "addf" | "subf" | "mulf" | "divf" | "maxf" | "minf" => number::float(name, args).map(Value::Float),
        "int" | "float64" | "ceil" | "floor" | "round" | "bytes" | "duration" | "duration_seconds" => numbers(name, &list),
        "date" | "toDate" | "toDateInZone" | "toUTC" | "unixToTime" | "unixEpoch" | "unixEpochMillis" | "unixEpochNanos" => {
            times(name, &list)
        }
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
        "title" => args.texts().map(|[text]| title(text)),
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
        "urlencode" => args.texts().map(|[text]| query_text(text)),
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
        "toUTC" => Value::Time(args.time(0)?.utc_of()),
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
            Value::Time(Moment { nanos: i128::from(number) * scale, east: 0, zone: None })
        }
        "unixEpoch" => Value::text(seconds(args.time(0)?.nanos)),
        "unixEpochMillis" => Value::text(args.time(0)?.nanos.div_euclid(1_000_000).to_string()),
        _ => Value::text(args.time(0)?.nanos.to_string()),
    })
}
