//! Functions over texts that both rules and messages have.

use std::borrow::Cow;

use crate::base::template::{Value, title};
use crate::series::re2;

/// Bytes that a compiled expression may take.
const REGEX_BYTES_MAX: usize = crate::base::limits::REGEX_BYTES_MAX;

fn regex(pattern: &str) -> Result<regex::Regex, String> {
    let invalid = |error: String| format!("error parsing regexp: {error}");
    let translated = re2::translate(pattern).map_err(invalid)?;
    let built = regex::RegexBuilder::new(&translated).size_limit(REGEX_BYTES_MAX).nest_limit(200).build();
    built.map_err(|error| invalid(error.to_string().lines().last().unwrap_or_default().to_owned()))
}

fn given<'v, const N: usize>(name: &str, args: &'v [Value<'_>]) -> Result<[Cow<'v, str>; N], String> {
    if args.len() != N {
        return Err(format!("wrong number of args for {name}: want {N} got {}", args.len()));
    }
    let mut texts: Vec<Cow<'v, str>> = Vec::with_capacity(N);
    for arg in args {
        match arg {
            Value::Text(text) | Value::Markup(text) => texts.push(Cow::Borrowed(text)),
            // Go takes the zero value for what is missing.
            Value::Nil => texts.push(Cow::Borrowed("")),
            other => return Err(format!("wrong type for value; expected string; got {}", other.type_name())),
        }
    }
    <[Cow<'v, str>; N]>::try_from(texts).map_err(|_| format!("wrong number of args for {name}"))
}

/// One character for one, as Go has it: `ß` stays.
fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    upper.next().filter(|_| upper.next().is_none()).unwrap_or(c)
}

fn lower(c: char) -> char {
    let mut lower = c.to_lowercase();
    lower.next().filter(|_| lower.next().is_none()).unwrap_or(c)
}

/// Calls a function; none if there is no such.
pub fn call<'a>(name: &str, args: &[Value<'a>]) -> Option<Result<Value<'a>, String>> {
    Some(match name {
        "toUpper" => given(name, args).map(|[text]| Value::text(text.chars().map(upper).collect())),
        "toLower" => given(name, args).map(|[text]| Value::text(text.chars().map(lower).collect())),
        "title" => given(name, args).map(|[text]| Value::text(title(&text))),
        "trimSpace" => given(name, args).map(|[text]| Value::text(text.trim().to_owned())),
        "safeHtml" => given(name, args).map(|[text]| Value::Markup(Cow::Owned(text.into_owned()))),
        "match" => given(name, args).and_then(|[pattern, text]| regex(&pattern).map(|regex| Value::Bool(regex.is_match(&text)))),
        "reReplaceAll" => given(name, args)
            .and_then(|[pattern, with, text]| regex(&pattern).map(|regex| Value::text(regex.replace_all(&text, &*with).into_owned()))),
        _ => return None,
    })
}
