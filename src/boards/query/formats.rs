//! How chosen values are written where a variable stands: `${name:csv}` and its kin.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::dates;

/// What a URI component leaves as it is.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// What a whole URI leaves as it is.
const URI: &AsciiSet = &STRICT
    .remove(b';')
    .remove(b'/')
    .remove(b'?')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'$')
    .remove(b',')
    .remove(b'#');

/// What is chosen in a variable, for one place of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Chosen {
    /// As queries see them.
    pub(super) values: Vec<String>,
    /// As people see them.
    pub(super) texts: Vec<String>,
    /// Whether there may be several, so that even one is written as a list.
    pub(super) is_list: bool,
}

/// Writes what is chosen in a form (`csv`, `customqueryparam:name`); none for a form that is not known.
pub(super) fn shown(form: &str, name: &str, chosen: &Chosen) -> Option<String> {
    let (form, argument) = form.split_once(':').unwrap_or((form, ""));
    let values = chosen.values.as_slice();
    let all = |one: &dyn Fn(&str) -> String, between: &str| values.iter().map(|value| one(value)).collect::<Vec<_>>().join(between);
    let as_is = |value: &str| value.to_owned();
    Some(match form {
        "csv" | "raw" => values.join(","),
        "pipe" => values.join("|"),
        "glob" => glob(values),
        "regex" => grouped(values.iter().map(|value| escape_regex(value)).collect()),
        "lucene" if values.len() == 1 && !chosen.is_list => escape_lucene(&values[0]),
        "lucene" if values.is_empty() => "__empty__".to_owned(),
        "lucene" => format!("({})", all(&|value| format!("\"{}\"", escape_lucene(value)), " OR ")),
        "json" if chosen.is_list || values.len() != 1 => json(&values),
        "json" => json(&values[0]),
        "doublequote" => all(&|value| format!("\"{}\"", value.replace('"', "\\\"")), ","),
        "singlequote" => all(&|value| format!("'{}'", value.replace('\'', "\\'")), ","),
        "sqlstring" => all(&|value| format!("'{}'", value.replace('\'', "''")), ","),
        "percentencode" => utf8_percent_encode(&glob(values), STRICT).to_string(),
        "uriencode" => utf8_percent_encode(&glob(values), URI).to_string(),
        "queryparam" => all(&|value| pair(&format!("var-{name}"), value), "&"),
        "customqueryparam" => {
            let (given, prefix) = argument.split_once(':').unwrap_or((argument, ""));
            let given = if given.is_empty() { name } else { given };
            all(&|value| pair(given, &format!("{prefix}{value}")), "&")
        }
        "text" => chosen.texts.join(" + "),
        "html" => escape_html(&all(&as_is, ", ")),
        // All but the first are written with the name in front: `a,name=b,name=c`.
        "distributed" => values
            .iter()
            .enumerate()
            .map(|(at, value)| if at == 0 { value.clone() } else { format!("{name}={value}") })
            .collect::<Vec<_>>()
            .join(","),
        _ => return None,
    })
}

/// What is chosen as a date (`date`, `date:YYYY`) in a zone; none for another form.
pub(super) fn date(form: &str, chosen: &Chosen, zone: &str) -> Option<String> {
    let (form, argument) = form.split_once(':').unwrap_or((form, ""));
    let at = chosen.values.first().and_then(|value| value.trim().parse::<f64>().ok()).filter(|at| at.is_finite());
    (form == "date").then(|| at.map_or_else(|| "NaN".to_owned(), |at| dates::date(at as i64, argument, zone)))
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn pair(name: &str, value: &str) -> String {
    format!("{}={}", utf8_percent_encode(name, STRICT), utf8_percent_encode(value, STRICT))
}

/// `{a,b}`, or one value alone.
pub(super) fn glob(values: &[String]) -> String {
    match values {
        [one] => one.clone(),
        [] => String::new(),
        many => format!("{{{}}}", many.join(",")),
    }
}

/// `(a|b)`, or one value alone.
pub(super) fn grouped(mut values: Vec<String>) -> String {
    if values.len() == 1 { values.remove(0) } else { format!("({})", values.join("|")) }
}

/// A text in which no character means anything to a regular expression.
fn escape_regex(text: &str) -> String {
    escaped(text, "\\^$*+?.()|[]{}/", "\\")
}

fn escape_lucene(text: &str) -> String {
    escaped(text, "+-=&|><!(){}[]^\"~*?:\\/ ", "\\")
}

/// The same inside of a quoted text of a query, where a backslash is written twice.
pub(super) fn escape_quoted_regex(text: &str) -> String {
    escaped(&text.replace('\\', "\\\\\\\\"), "$^*{}[]'+?.()|", "\\\\").replace('"', "\\\"")
}

/// The same inside of backticks, where nothing is escaped.
pub(super) fn escape_raw_regex(text: &str) -> String {
    escaped(text, "\\$^*{}[]+?.()|", "\\")
}

fn escaped(text: &str, special: &str, by: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(c) {
            out.push_str(by);
        }
        out.push(c);
    }
    out
}

pub(super) fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(values: &[&str], is_list: bool) -> Chosen {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        Chosen { texts: values.iter().map(|value| value.to_uppercase()).collect(), values, is_list }
    }

    #[test]
    fn values_are_written_in_every_form() {
        let (one, many) = (chosen(&["a.b"], false), chosen(&["a.b", "c'\"d"], true));
        for (form, single, several) in [
            ("csv", "a.b", "a.b,c'\"d"),
            ("raw", "a.b", "a.b,c'\"d"),
            ("pipe", "a.b", "a.b|c'\"d"),
            ("glob", "a.b", "{a.b,c'\"d}"),
            ("regex", "a\\.b", "(a\\.b|c'\"d)"),
            ("lucene", "a.b", "(\"a.b\" OR \"c'\\\"d\")"),
            ("json", "\"a.b\"", "[\"a.b\",\"c'\\\"d\"]"),
            ("doublequote", "\"a.b\"", "\"a.b\",\"c'\\\"d\""),
            ("singlequote", "'a.b'", "'a.b','c\\'\"d'"),
            ("sqlstring", "'a.b'", "'a.b','c''\"d'"),
            ("percentencode", "a.b", "%7Ba.b%2Cc%27%22d%7D"),
            ("uriencode", "a.b", "%7Ba.b,c%27%22d%7D"),
            ("queryparam", "var-x=a.b", "var-x=a.b&var-x=c%27%22d"),
            ("customqueryparam:y", "y=a.b", "y=a.b&y=c%27%22d"),
            ("customqueryparam:y:p-", "y=p-a.b", "y=p-a.b&y=p-c%27%22d"),
            ("text", "A.B", "A.B + C'\"D"),
            ("html", "a.b", "a.b, c&#39;&quot;d"),
            ("distributed", "a.b", "a.b,x=c'\"d"),
        ] {
            assert_eq!(shown(form, "x", &one).as_deref(), Some(single), "{form}");
            assert_eq!(shown(form, "x", &many).as_deref(), Some(several), "{form}");
        }
        assert_eq!(shown("nonsense", "x", &one), None);
        assert_eq!(shown("json", "x", &chosen(&["a"], true)).as_deref(), Some("[\"a\"]"));
        assert_eq!(shown("lucene", "x", &chosen(&[], true)).as_deref(), Some("__empty__"));
        assert_eq!(date("date:YYYY HH", &chosen(&["1763714000123"], false), "Asia/Tokyo").as_deref(), Some("2025 17"));
        assert_eq!(date("date", &chosen(&["soon"], false), "").as_deref(), Some("NaN"));
        assert_eq!(date("csv", &one, ""), None);
    }

    #[test]
    fn regular_expressions_inside_quotes_have_two_backslashes() {
        assert_eq!(escape_quoted_regex("a.b\\c\"d"), "a\\\\.b\\\\\\\\c\\\"d");
        assert_eq!(escape_raw_regex("a.b\\c"), "a\\.b\\\\c");
    }
}
