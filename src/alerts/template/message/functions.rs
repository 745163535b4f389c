//! Functions of templates of messages, besides Go's own.

use base64::Engine;
use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::{OffsetName, Tz};

use super::json::push_json;
use super::values::texts;
use super::{MessageData, RouteLabel};
use crate::alerts::template::{humanize, text};
use crate::base::template::{Functions, Moment, Run, Value};

/// Their names, sorted.
const NAMES: [&str; 25] = [
    "append",
    "base64decode",
    "base64encode",
    "date",
    "dict",
    "humanizeDuration",
    "join",
    "list",
    "match",
    "mustToDate",
    "now",
    "reReplaceAll",
    "routeLabels",
    "safeHtml",
    "safeUrl",
    "since",
    "stringSlice",
    "title",
    "toDate",
    "toJson",
    "toLower",
    "toUpper",
    "trimSpace",
    "tz",
    "urlUnescape",
];

/// Whether there is such a function.
pub(super) fn knows(name: &str) -> bool {
    NAMES.binary_search(&name).is_ok()
}

/// The functions, for one text.
pub(super) struct Own<'s> {
    pub data: &'s MessageData,
    /// Gives texts of the route while they are being made; later they are all made.
    pub route_label: Option<RouteLabel<'s>>,
}

impl<'a> Functions<'a> for Own<'_> {
    fn call(&self, _run: &mut Run<'a, '_>, name: &str, args: Vec<Value<'a>>) -> Option<Result<Value<'a>, String>> {
        if !knows(name) {
            return None;
        }
        Some(match (name, args.as_slice()) {
            ("title", [text]) => plain(text).map(|text| Value::text(title(&text))),
            ("stringSlice" | "list", _) => Ok(Value::List(args)),
            ("dict", pairs) => dict(pairs),
            ("append", [Value::List(items), more @ ..]) => Ok(Value::List(items.iter().chain(more).cloned().collect())),
            ("join", [with, items]) => texts(items).map(|items| Value::text(items.join(&with.printed()))),
            ("now", []) => Ok(Value::Time(self.now())),
            ("since", [Value::Time(at)]) => Ok(Value::Span(span(self.now().nanos - at.nanos))),
            ("date", [layout, Value::Time(at)]) => plain(layout).map(|layout| {
                let mut out = String::new();
                at.format(&layout, &mut out);
                Value::text(out)
            }),
            ("tz", [zone, Value::Time(at)]) => plain(zone).and_then(|zone| in_zone(&zone, at)).map(Value::Time),
            ("toDate", [layout, text]) => Ok(Value::Time(Moment::parse(&layout.printed(), &text.printed()).unwrap_or_else(Moment::zero))),
            ("mustToDate", [layout, text]) => {
                let (layout, text) = (layout.printed(), text.printed());
                Moment::parse(&layout, &text).map(Value::Time).ok_or_else(|| format!("parsing time {text:?} as {layout:?}: cannot parse"))
            }
            ("humanizeDuration", [value]) => seconds(value).map(|value| Value::text(humanize::humanize_duration(value))),
            ("toJson", [value]) => {
                let mut out = String::new();
                push_json(value, &mut out).map(|()| Value::text(out))
            }
            ("safeUrl", [text]) => plain(text).map(Value::text),
            ("urlUnescape", [text]) => plain(text).and_then(|text| unescape(&text)).map(Value::text),
            ("base64encode", [text]) => plain(text).map(|text| Value::text(base64::engine::general_purpose::URL_SAFE.encode(text))),
            ("base64decode", [text]) => plain(text).and_then(|text| {
                let bytes = base64::engine::general_purpose::URL_SAFE.decode(text);
                let bytes = bytes.map_err(|error| format!("illegal base64 data: {error}"))?;
                Ok(Value::text(String::from_utf8_lossy(&bytes).into_owned()))
            }),
            ("routeLabels", [name]) => plain(name).and_then(|name| match self.route_label {
                Some(make) => make(&name).map(Value::text),
                None => Ok(Value::text(self.data.route_labels.get(&name).cloned().unwrap_or_default())),
            }),
            (name, args) => text::call(name, args).unwrap_or_else(|| wrong(name, args)),
        })
    }
}

impl Own<'_> {
    fn now(&self) -> Moment {
        Moment::utc(self.data.at.saturating_mul(1_000_000))
    }
}

/// What is wrong with arguments that no function takes.
fn wrong<'a>(name: &str, args: &[Value<'_>]) -> Result<Value<'a>, String> {
    let wanted = match name {
        "now" => 0,
        "join" | "date" | "tz" | "toDate" | "mustToDate" => 2,
        _ => 1,
    };
    if args.len() != wanted {
        return Err(format!("wrong number of args for {name}: want {wanted} got {}", args.len()));
    }
    let (expected, got) = match name {
        "append" => ("[]interface {}", args.first()),
        "date" | "tz" | "since" => ("time.Time", args.last()),
        _ => ("string", args.last()),
    };
    Err(format!("wrong type for value; expected {expected}; got {}", got.map_or("nil", Value::type_name)))
}

fn plain(value: &Value<'_>) -> Result<String, String> {
    match value {
        Value::Text(text) | Value::Markup(text) => Ok(text.clone().into_owned()),
        Value::Nil => Ok(String::new()),
        other => Err(format!("wrong type for value; expected string; got {}", other.type_name())),
    }
}

fn dict<'a>(pairs: &[Value<'a>]) -> Result<Value<'a>, String> {
    if !pairs.len().is_multiple_of(2) {
        return Err("dict requires an even number of arguments".to_owned());
    }
    let pair = |pair: &[Value<'a>]| match pair {
        [Value::Text(name), value] => Ok((name.clone().into_owned(), value.clone())),
        _ => Err("dict keys must be strings".to_owned()),
    };
    Ok(Value::Map(pairs.chunks(2).map(pair).collect::<Result<_, _>>()?))
}

fn span(nanos: i128) -> i64 {
    nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

fn seconds(value: &Value<'_>) -> Result<f64, String> {
    match value {
        Value::Float(value) => Ok(*value),
        Value::Int(value) => Ok(*value as f64),
        Value::Span(nanos) => Ok(*nanos as f64 / 1e9),
        Value::Text(text) => {
            text.parse().map_err(|_| format!("strconv.ParseFloat: parsing {}: invalid syntax", crate::base::quote::quote(text)))
        }
        other => Err(format!("can't convert {} to float", other.type_name())),
    }
}

/// The same point in time as people in a zone see it.
fn in_zone(name: &str, at: &Moment) -> Result<Moment, String> {
    if name.is_empty() || name == "UTC" {
        return Ok(at.utc_of());
    }
    let zone: Tz = name.parse().map_err(|_| format!("unknown time zone {name}"))?;
    let seconds = at.nanos.div_euclid(1_000_000_000) as i64;
    let utc = DateTime::from_timestamp(seconds, 0).ok_or_else(|| "the time is out of range".to_owned())?.naive_utc();
    let offset = zone.offset_from_utc_datetime(&utc);
    Ok(Moment { nanos: at.nanos, east: offset.fix().local_minus_utc(), zone: offset.abbreviation().map(Box::from) })
}

/// What a text of a query stands for.
fn unescape(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                let is_hex = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                let code = u8::from_str_radix(&digits, 16).ok().filter(|_| is_hex);
                bytes.push(code.ok_or_else(|| format!("invalid URL escape \"%{digits}\""))?);
            }
            byte => bytes.push(byte),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Upper case for the first letter of each word, lower case for the others.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_word = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_alphanumeric() || c == '_' {
            if in_word {
                out.extend(c.to_lowercase());
            } else {
                out.extend(c.to_uppercase());
            }
            in_word = in_word || c.is_alphabetic();
        } else {
            // These do not end a word between two letters.
            let joins = matches!(c, '\'' | '.' | ':' | '\u{2019}' | '\u{b7}');
            in_word = in_word && joins && chars.peek().is_some_and(|next| next.is_alphabetic());
            out.push(c);
        }
    }
    out
}
