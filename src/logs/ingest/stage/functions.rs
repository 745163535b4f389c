//! The functions of Promtail's templates beyond Go's own: its own ones, and those of the Sprig library that concern texts and numbers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::template::OUTPUT_BYTES_MAX;
use crate::base::template::{Functions, Run, Value};

/// Longest text that `repeat`, `indent` and the like may make, in bytes.
const TEXT_BYTES_MAX: usize = OUTPUT_BYTES_MAX;
/// What a function makes of its arguments.
type Call = for<'a> fn(&[Value<'a>]) -> Result<Value<'a>, String>;

fn find(name: &str) -> Option<Call> {
    let mut all = OWN.iter().chain(&TEXTS).chain(&TESTS).chain(&NUMBERS).chain(&CODES);
    all.find(|(known, _)| *known == name).map(|(_, call)| *call)
}

/// Whether there is such a function.
pub(super) fn exists(name: &str) -> bool {
    find(name).is_some()
}

/// Every function by name.
pub(super) struct Own;

impl<'a> Functions<'a> for Own {
    fn call(&self, _: &mut Run<'a, '_>, name: &str, args: Vec<Value<'a>>) -> Option<Result<Value<'a>, String>> {
        find(name).map(|call| call(&args))
    }
}

/// Promtail's own.
static OWN: [(&str, Call); 13] = [
    ("ToLower", |args| text(&string(args, 0)?.to_lowercase())),
    ("ToUpper", |args| text(&string(args, 0)?.to_uppercase())),
    ("Replace", |args| {
        let (from, old, new) = (string(args, 0)?, string(args, 1)?, string(args, 2)?);
        match usize::try_from(int(args, 3)?) {
            Ok(count) => text(&from.replacen(&old, &new, count)),
            Err(_) => text(&from.replace(&old, &new)),
        }
    }),
    ("Trim", |args| text(string(args, 0)?.trim_matches(chars(args, 1)?.as_slice()))),
    ("TrimLeft", |args| text(string(args, 0)?.trim_start_matches(chars(args, 1)?.as_slice()))),
    ("TrimRight", |args| text(string(args, 0)?.trim_end_matches(chars(args, 1)?.as_slice()))),
    ("TrimPrefix", |args| {
        let (whole, prefix) = (string(args, 0)?, string(args, 1)?);
        text(whole.strip_prefix(prefix.as_str()).unwrap_or(&whole))
    }),
    ("TrimSuffix", |args| {
        let (whole, suffix) = (string(args, 0)?, string(args, 1)?);
        text(whole.strip_suffix(suffix.as_str()).unwrap_or(&whole))
    }),
    ("TrimSpace", |args| text(string(args, 0)?.trim())),
    ("regexReplaceAll", |args| {
        let regex = super::selector::regex(&string(args, 0)?)?;
        text(&regex.replace_all(&string(args, 1)?, string(args, 2)?.as_str()))
    }),
    ("regexReplaceAllLiteral", |args| {
        let regex = super::selector::regex(&string(args, 0)?)?;
        text(&regex.replace_all(&string(args, 1)?, regex::NoExpand(&string(args, 2)?)))
    }),
    ("Hash", |args| text(&hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA3_256, salted(args)?.as_bytes()).as_ref()))),
    ("Sha2Hash", |args| text(&hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, salted(args)?.as_bytes()).as_ref()))),
];

/// Sprig's, about texts. What is worked on comes last, so that it can be piped.
static TEXTS: [(&str, Call); 26] = [
    ("lower", |args| text(&string(args, 0)?.to_lowercase())),
    ("upper", |args| text(&string(args, 0)?.to_uppercase())),
    ("title", |args| text(&titled(&string(args, 0)?))),
    ("untitle", |args| {
        let whole = string(args, 0)?;
        let mut chars = whole.chars();
        text(&chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect()))
    }),
    ("trim", |args| text(string(args, 0)?.trim())),
    ("trimAll", |args| text(string(args, 1)?.trim_matches(chars(args, 0)?.as_slice()))),
    ("trimPrefix", |args| {
        let (prefix, whole) = (string(args, 0)?, string(args, 1)?);
        text(whole.strip_prefix(prefix.as_str()).unwrap_or(&whole))
    }),
    ("trimSuffix", |args| {
        let (suffix, whole) = (string(args, 0)?, string(args, 1)?);
        text(whole.strip_suffix(suffix.as_str()).unwrap_or(&whole))
    }),
    ("replace", |args| text(&string(args, 2)?.replace(&string(args, 0)?, &string(args, 1)?))),
    ("nospace", |args| text(&string(args, 0)?.split_whitespace().collect::<String>())),
    ("trunc", |args| {
        let (count, whole) = (int(args, 0)?, string(args, 1)?);
        let all: Vec<char> = whole.chars().collect();
        let most = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(all.len());
        let kept = if count < 0 { &all[all.len() - most..] } else { &all[..most] };
        text(&kept.iter().collect::<String>())
    }),
    ("substr", |args| {
        let (start, end, whole) = (int(args, 0)?, int(args, 1)?, string(args, 2)?);
        let all: Vec<char> = whole.chars().collect();
        let start = usize::try_from(start).unwrap_or(0).min(all.len());
        let end = usize::try_from(end).map_or(all.len(), |end| end.clamp(start, all.len()));
        text(&all[start..end].iter().collect::<String>())
    }),
    ("repeat", |args| {
        let (count, whole) = (usize::try_from(int(args, 0)?).unwrap_or(0), string(args, 1)?);
        if count.saturating_mul(whole.len()) > TEXT_BYTES_MAX {
            return Err(format!("more than {TEXT_BYTES_MAX} bytes"));
        }
        text(&whole.repeat(count))
    }),
    ("indent", |args| indented(args).and_then(|indented| text(&indented))),
    ("nindent", |args| indented(args).and_then(|indented| text(&format!("\n{indented}")))),
    ("quote", |args| text(&args.iter().map(|arg| format!("{:?}", arg.printed())).collect::<Vec<_>>().join(" "))),
    ("squote", |args| text(&args.iter().map(|arg| format!("'{}'", arg.printed())).collect::<Vec<_>>().join(" "))),
    ("cat", |args| text(&args.iter().map(Value::printed).collect::<Vec<_>>().join(" "))),
    ("snakecase", |args| text(&cased(&string(args, 0)?, '_'))),
    ("kebabcase", |args| text(&cased(&string(args, 0)?, '-'))),
    ("camelcase", |args| text(&cased(&string(args, 0)?, ' ').split(' ').map(titled).collect::<String>())),
    ("join", |args| {
        let by = string(args, 0)?;
        match args.get(1) {
            Some(Value::List(items)) => text(&items.iter().map(Value::printed).collect::<Vec<_>>().join(&by)),
            Some(other) => text(&other.printed()),
            None => Err("argument 2 is missing".to_owned()),
        }
    }),
    ("splitList", |args| {
        let (by, whole) = (string(args, 0)?, string(args, 1)?);
        Ok(Value::List(whole.split(by.as_str()).map(|part| Value::text(part.to_owned())).collect()))
    }),
    ("regexFind", |args| {
        let regex = super::selector::regex(&string(args, 0)?)?;
        text(regex.find(&string(args, 1)?).map_or("", |found| found.as_str()))
    }),
    ("toString", |args| text(&string(args, 0)?)),
    ("abbrev", |args| {
        let (most, whole) = (usize::try_from(int(args, 0)?).unwrap_or(0), string(args, 1)?);
        if most < 4 || whole.chars().count() <= most {
            return text(&whole);
        }
        text(&(whole.chars().take(most - 3).collect::<String>() + "..."))
    }),
];

/// Sprig's, that ask and choose.
static TESTS: [(&str, Call); 8] = [
    ("contains", |args| Ok(Value::Bool(string(args, 1)?.contains(&string(args, 0)?)))),
    ("hasPrefix", |args| Ok(Value::Bool(string(args, 1)?.starts_with(&string(args, 0)?)))),
    ("hasSuffix", |args| Ok(Value::Bool(string(args, 1)?.ends_with(&string(args, 0)?)))),
    ("regexMatch", |args| Ok(Value::Bool(super::selector::regex(&string(args, 0)?)?.is_match(&string(args, 1)?)))),
    ("default", |args| Ok(value(args, 1).ok().filter(|found| found.is_true()).map_or_else(|| value(args, 0), Ok)?.clone())),
    ("empty", |args| Ok(Value::Bool(!value(args, 0)?.is_true()))),
    ("coalesce", |args| Ok(args.iter().find(|arg| arg.is_true()).cloned().unwrap_or(Value::Nil))),
    ("ternary", |args| Ok(if value(args, 2)?.is_true() { value(args, 0)? } else { value(args, 1)? }.clone())),
];

/// Sprig's, about numbers.
static NUMBERS: [(&str, Call); 13] = [
    ("int", |args| Ok(Value::Int(int(args, 0)?))),
    ("int64", |args| Ok(Value::Int(int(args, 0)?))),
    ("float64", |args| Ok(Value::Float(float(args, 0)?))),
    ("add", |args| whole(args, |a, b| Ok(a.wrapping_add(b)))),
    ("sub", |args| whole(args, |a, b| Ok(a.wrapping_sub(b)))),
    ("mul", |args| whole(args, |a, b| Ok(a.wrapping_mul(b)))),
    ("div", |args| whole(args, |a, b| a.checked_div(b).ok_or_else(|| "division by zero".to_owned()))),
    ("mod", |args| whole(args, |a, b| a.checked_rem(b).ok_or_else(|| "division by zero".to_owned()))),
    ("max", |args| whole(args, |a, b| Ok(a.max(b)))),
    ("min", |args| whole(args, |a, b| Ok(a.min(b)))),
    ("floor", |args| Ok(Value::Float(float(args, 0)?.floor()))),
    ("ceil", |args| Ok(Value::Float(float(args, 0)?.ceil()))),
    ("round", |args| {
        let scale = 10_f64.powi(int(args, 1).unwrap_or(0).clamp(0, 15) as i32);
        Ok(Value::Float((float(args, 0)? * scale).round() / scale))
    }),
];

/// Sprig's, that write texts in other ways.
static CODES: [(&str, Call); 4] = [
    ("b64enc", |args| text(&STANDARD.encode(string(args, 0)?))),
    ("b64dec", |args| match STANDARD.decode(string(args, 0)?) {
        Ok(bytes) => text(&String::from_utf8_lossy(&bytes)),
        Err(error) => text(&error.to_string()),
    }),
    ("sha256sum", |args| text(&hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, string(args, 0)?.as_bytes()).as_ref()))),
    ("toJson", |args| text(&serde_json::Value::from(string(args, 0)?).to_string())),
];

fn text<'a>(text: &str) -> Result<Value<'a>, String> {
    if text.len() > TEXT_BYTES_MAX { Err(format!("more than {TEXT_BYTES_MAX} bytes")) } else { Ok(Value::text(text.to_owned())) }
}

fn value<'v, 'a>(args: &'v [Value<'a>], at: usize) -> Result<&'v Value<'a>, String> {
    args.get(at).ok_or_else(|| format!("argument {} is missing", at + 1))
}

fn string(args: &[Value<'_>], at: usize) -> Result<String, String> {
    value(args, at).map(|value| if value.is_nil() { String::new() } else { value.printed() })
}

fn chars(args: &[Value<'_>], at: usize) -> Result<Vec<char>, String> {
    string(args, at).map(|text| text.chars().collect())
}

/// A whole number; as in Sprig, what is none counts as zero.
fn int(args: &[Value<'_>], at: usize) -> Result<i64, String> {
    Ok(match value(args, at)? {
        Value::Int(number) => *number,
        Value::Float(number) => *number as i64,
        other => other.printed().trim().parse().unwrap_or(0),
    })
}

fn float(args: &[Value<'_>], at: usize) -> Result<f64, String> {
    Ok(match value(args, at)? {
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        other => other.printed().trim().parse().unwrap_or(0.0),
    })
}

fn whole<'a>(args: &[Value<'a>], join: fn(i64, i64) -> Result<i64, String>) -> Result<Value<'a>, String> {
    let first = int(args, 0)?;
    (1..args.len()).try_fold(first, |sum, at| join(sum, int(args, at)?)).map(Value::Int)
}

fn salted(args: &[Value<'_>]) -> Result<String, String> {
    Ok(string(args, 0)? + &string(args, 1)?)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn indented(args: &[Value<'_>]) -> Result<String, String> {
    let (count, whole) = (usize::try_from(int(args, 0)?).unwrap_or(0), string(args, 1)?);
    if count.saturating_mul(whole.lines().count() + 1).saturating_add(whole.len()) > TEXT_BYTES_MAX {
        return Err(format!("more than {TEXT_BYTES_MAX} bytes"));
    }
    let blanks = " ".repeat(count);
    Ok(whole.split('\n').map(|line| format!("{blanks}{line}")).collect::<Vec<_>>().join("\n"))
}

/// The first letter of each word as a capital.
fn titled(whole: &str) -> String {
    let mut is_first = true;
    let mut out = String::with_capacity(whole.len());
    for c in whole.chars() {
        if is_first {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        is_first = c.is_whitespace();
    }
    out
}

/// Words in lower case, divided by `between`; a capital begins one.
fn cased(whole: &str, between: char) -> String {
    let mut out = String::with_capacity(whole.len());
    let mut was_small = false;
    for c in whole.chars() {
        if c.is_whitespace() || c == '_' || c == '-' {
            out.push(between);
        } else {
            if c.is_uppercase() && was_small {
                out.push(between);
            }
            out.extend(c.to_lowercase());
        }
        was_small = c.is_lowercase() || c.is_ascii_digit();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::Entry;
    use super::super::template::Text;

    #[test]
    fn functions_do_what_they_do_upstream() {
        for (template, expected) in [
            ("{{ Hash \"salt\" \"abc\" | len }}", "64"),
            ("{{ Hash \"\" \"abc\" }}", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
            ("{{ Sha2Hash \"a\" \"bc\" }}", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("{{ \"a b\" | upper | replace \" \" \"_\" }}", "A_B"),
            ("{{ Replace \"aaa\" \"a\" \"b\" 2 }}{{ Replace \"aaa\" \"a\" \"b\" -1 }}", "bbabbb"),
            ("{{ trunc 2 \"abc\" }}{{ trunc -2 \"abc\" }}{{ substr 1 -1 \"abc\" }}", "abbcbc"),
            ("{{ default \"x\" \"\" }}{{ default \"x\" \"y\" }}{{ coalesce \"\" \"z\" }}", "xyz"),
            ("{{ if hasPrefix \"a\" \"ab\" }}yes{{ end }}{{ if contains \"q\" \"ab\" }}no{{ end }}", "yes"),
            ("{{ add 1 2 3 }} {{ div 7 2 }} {{ mul \"3\" 4 }} {{ round 1.234 2 }}", "6 3 12 1.23"),
            ("{{ \"x\" | b64enc }}{{ b64dec \"eA==\" }}", "eA==x"),
            ("{{ regexReplaceAll \"(a+)\" \"caat\" \"<$1>\" }}{{ regexReplaceAllLiteral \"a+\" \"caat\" \"$1\" }}", "c<aa>tc$1t"),
            ("{{ snakecase \"HttpCode\" }} {{ camelcase \"http_code\" }} {{ title \"a bc\" }}", "http_code HttpCode A Bc"),
            ("{{ join \"-\" (splitList \",\" \"a,b\") }}", "a-b"),
            ("{{ ternary \"a\" \"b\" true }}{{ regexMatch \"^a\" \"ab\" }}", "atrue"),
        ] {
            let parsed = Text::read("t", template).unwrap_or_else(|error| panic!("{template}: {error}"));
            assert_eq!(parsed.render(&Entry::default(), "").unwrap(), expected, "{template}");
        }
        for (template, said) in [
            ("{{ div 1 0 }}", "division by zero"),
            ("{{ repeat 9999999 \"abc\" }}", "bytes"),
            ("{{ regexMatch \"(\" \"a\" }}", "regexMatch"),
            ("{{ lower }}", "missing"),
        ] {
            let parsed = Text::read("t", template).unwrap();
            assert!(parsed.render(&Entry::default(), "").unwrap_err().contains(said), "{template}");
        }
    }
}
