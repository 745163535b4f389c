//! Queries of declarations: a selector of counters, or an expression that says `{{window}}` where its range stands.

use crate::base::time::Duration;
use crate::series::labels::is_legacy_metric_name;
use crate::slo::model::period::window;

/// What stands for the range in messages and in what we print.
pub const PLACE: &str = "{{window}}";

/// Whether a query says where its range stands, as `{{window}}` or as Sloth's `{{.window}}`.
pub fn is_template(query: &str) -> bool {
    places(query).next().is_some()
}

/// A template for a range.
pub fn fill(query: &str, range: Duration) -> String {
    let (mut out, mut done) = (String::with_capacity(query.len()), 0);
    for (from, until) in places(query) {
        out.push_str(&query[done..from]);
        out.push_str(&window(range));
        done = until;
    }
    out.push_str(&query[done..]);
    out.trim().to_owned()
}

/// Where placeholders stand, bytes from and to.
fn places(query: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(found) = query[at..].find("{{") {
            let from = at + found;
            let end = query[from..].find("}}")?;
            let word = query[from + 2..from + end].trim();
            at = from + 2;
            if word.strip_prefix('.').unwrap_or(word).trim() == "window" {
                at = from + end + 2;
                return Some((from, at));
            }
        }
        None
    })
}

/// Whether a template gives numbers by the second, so that they become numbers of events by the length of its range.
pub fn is_per_second(template: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    template.match_indices("rate").any(|(at, word)| {
        let before = template[..at].chars().next_back();
        let after = template[at + word.len()..].trim_start();
        !before.is_some_and(is_word) && after.starts_with('(')
    })
}

/// The parts of a selector: the metric's name (empty if none) and what stands between its braces (empty if nothing).
pub fn selector(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let Some(open) = text.find('{') else { return is_legacy_metric_name(text).then_some((text, "")) };
    let (name, rest) = (text[..open].trim_end(), &text[open + 1..]);
    if !name.is_empty() && !is_legacy_metric_name(name) {
        return None;
    }
    let end = closing(rest)?;
    let inner = rest[..end].trim();
    (rest[end + 1..].trim().is_empty() && !(name.is_empty() && inner.is_empty())).then_some((name, inner.trim_end_matches(',').trim_end()))
}

/// Where the brace stands that closes what was opened before the text; braces within quotes do not count.
fn closing(text: &str) -> Option<usize> {
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in text.char_indices() {
        match quote {
            Some('`') => quote = if c == '`' { None } else { quote },
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) => quote = if c == open { None } else { quote },
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            None if c == '}' => return Some(at),
            None if c == '{' => return None,
            None => {}
        }
    }
    None
}

/// A selector of its parts, with more matchers.
pub fn select(name: &str, inner: &str, more: &str) -> String {
    let joined = [inner, more].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(",");
    if joined.is_empty() { name.to_owned() } else { format!("{name}{{{joined}}}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_say_where_their_range_stands() {
        let minutes = Duration::from_secs(300);
        for (query, expected) in [
            ("rate(a[{{.window}}])", "rate(a[5m])"),
            ("rate(a[{{ window }}]) + rate(b[{{ .window }}:])", "rate(a[5m]) + rate(b[5m:])"),
            ("{{window}}{{window}}\n", "5m5m"),
        ] {
            assert!(is_template(query));
            assert_eq!(fill(query, minutes), expected);
        }
        for query in ["rate(a[5m])", "a{b=\"{{other}}\"}", "{{", "a{{b}", "}}window{{"] {
            assert!(!is_template(query), "{query}");
        }
        assert!(is_per_second("sum(rate(a[1m]))") && is_per_second("rate (a[1m])"));
        assert!(!is_per_second("increase(rated[1m])") && !is_per_second("irate(a[1m])") && !is_per_second("rate_total"));
        assert!(!is_per_second("sum(job:rate(5m))"));
    }

    #[test]
    fn selectors_are_told_from_expressions() {
        for (text, expected) in [
            ("http_requests_total", Some(("http_requests_total", ""))),
            (" a:b { job = \"x\", } ", Some(("a:b", "job = \"x\""))),
            ("{__name__=~\"a|b\"}", Some(("", "__name__=~\"a|b\""))),
            ("a{b=\"}\",c='\\'}'}", Some(("a", "b=\"}\",c='\\'}'"))),
            ("a{b=~`\\}`}", Some(("a", "b=~`\\}`"))),
            ("", None),
            ("{}", None),
            ("sum(a)", None),
            ("sum(a{b=\"c\"})", None),
            ("a{b=\"c\"} + d{e=\"f\"}", None),
            ("a{b=\"c\"}[5m]", None),
            ("rate(a[5m])", None),
            ("a{b=\"c\"", None),
        ] {
            assert_eq!(selector(text), expected, "{text}");
        }
        assert_eq!(select("a", "b=\"c\"", "le=\"1\""), "a{b=\"c\",le=\"1\"}");
        assert_eq!(select("a", "", ""), "a");
    }
}
