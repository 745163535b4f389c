//! Conditions on labels put into every selector of a query, in PromQL and in LogQL, without understanding the rest.

use super::choices::AdHoc;
use crate::base::quote::quote;

/// Words of PromQL behind which a list of labels stands.
const LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
/// Words of PromQL that are no metrics.
const WORDS: [&str; 9] = ["and", "or", "unless", "atan2", "bool", "offset", "inf", "nan", "default"];
/// Functions over groups, whose parentheses may stand behind a list of labels.
const GROUPING: [&str; 14] = [
    "sum",
    "avg",
    "min",
    "max",
    "count",
    "stddev",
    "stdvar",
    "group",
    "topk",
    "bottomk",
    "quantile",
    "count_values",
    "limitk",
    "limit_ratio",
];

/// A query that also asks for these conditions. What is no query comes out as no query.
pub(super) fn narrowed(query: &str, conditions: &[AdHoc], is_log_ql: bool) -> String {
    if conditions.is_empty() {
        return query.to_owned();
    }
    let added: Vec<String> = conditions.iter().map(|one| format!("{}{}{}", label(&one.key), one.op, quote(&one.value))).collect();
    Narrowing { query, at: 0, out: String::with_capacity(query.len() + 64), added: added.join(","), is_log_ql }.run()
}

/// A name as it is, or in quotes where it needs them.
fn label(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit());
    if is_plain { name.to_owned() } else { quote(name) }
}

struct Narrowing<'a> {
    query: &'a str,
    at: usize,
    out: String,
    added: String,
    is_log_ql: bool,
}

impl Narrowing<'_> {
    fn run(mut self) -> String {
        while let Some(c) = self.rest().chars().next() {
            match c {
                '"' | '\'' | '`' => self.copy(literal(self.rest())),
                '#' => self.copy(self.rest().find('\n').unwrap_or(self.rest().len())),
                '{' => self.selector(),
                '[' if !self.is_log_ql => self.copy(self.rest().find(']').map_or(self.rest().len(), |end| end + 1)),
                c if c.is_ascii_digit() => self.copy(word(self.rest())),
                c if !self.is_log_ql && (c.is_alphabetic() || c == '_' || c == ':') => self.name(),
                c => self.copy(c.len_utf8()),
            }
        }
        self.out
    }

    fn rest(&self) -> &str {
        &self.query[self.at..]
    }

    fn copy(&mut self, bytes: usize) {
        self.out.push_str(&self.query[self.at..self.at + bytes]);
        self.at += bytes;
    }

    /// Matchers in braces, to which the conditions are added.
    fn selector(&mut self) {
        let mut end = 1;
        let rest = self.rest();
        while let Some(c) = rest[end..].chars().next() {
            match c {
                '}' => break,
                '"' | '\'' | '`' => end += literal(&rest[end..]),
                c => end += c.len_utf8(),
            }
        }
        let (inner, is_closed) = (rest[1..end].trim_end().to_owned(), rest[end..].starts_with('}'));
        self.out.push('{');
        self.out.push_str(&inner);
        if !inner.trim().is_empty() && !inner.ends_with(',') {
            self.out.push(',');
        }
        self.out.push_str(&self.added);
        if is_closed {
            self.out.push('}');
        }
        self.at += end + usize::from(is_closed);
    }

    /// A word: a function, a list of labels, an operator, or a metric.
    fn name(&mut self) {
        let bytes = word(self.rest());
        let name = self.rest()[..bytes].to_ascii_lowercase();
        let after = self.rest()[bytes..].trim_start().to_owned();
        self.copy(bytes);
        let next_word = after[..word(&after)].to_ascii_lowercase();
        if LISTS.contains(&name.as_str()) && after.starts_with('(') {
            self.copy(self.rest().find(')').map_or(self.rest().len(), |end| end + 1));
        } else if after.starts_with(['(', '{']) || WORDS.contains(&name.as_str()) || LISTS.contains(&name.as_str()) {
            // A function, a selector that comes next, or an operator.
        } else if GROUPING.contains(&name.as_str()) && matches!(next_word.as_str(), "by" | "without") {
            // A function over groups.
        } else {
            let added = format!("{{{}}}", self.added);
            self.out.push_str(&added);
        }
    }
}

/// The length of a word, which may have colons.
fn word(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':' || c == '.')).unwrap_or(text.len())
}

/// The length of a literal with its quotes.
fn literal(text: &str) -> usize {
    let mut chars = text.char_indices();
    let Some((_, open)) = chars.next() else { return 0 };
    while let Some((at, c)) = chars.next() {
        if c == '\\' && open != '`' {
            chars.next();
        } else if c == open {
            return at + c.len_utf8();
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions() -> Vec<AdHoc> {
        vec![AdHoc::new("a", "=", "x\"y".into()).unwrap()]
    }

    #[test]
    fn every_selector_is_narrowed() {
        for (query, expected) in [
            ("up", "up{@}"),
            ("up{}", "up{@}"),
            ("up {b=\"}\"}", "up {b=\"}\",@}"),
            ("{b='c',}", "{b='c',@}"),
            (
                "sum by (up, b) (rate(x[5m])) / on(b) group_left() y offset 5m",
                "sum by (up, b) (rate(x{@}[5m])) / on(b) group_left() y{@} offset 5m",
            ),
            ("sum(x) by (b) > bool 1e3 and z unless 0x1F", "sum(x{@}) by (b) > bool 1e3 and z{@} unless 0x1F"),
            ("job:x:rate5m == Inf or sum without(b)(x[5m:1m] @ end())", "job:x:rate5m{@} == Inf or sum without(b)(x{@}[5m:1m] @ end())"),
            ("label_replace(x, \"a\", \"$1\", \"b\", \"y\") # x\n+ y", "label_replace(x{@}, \"a\", \"$1\", \"b\", \"y\") # x\n+ y{@}"),
            ("sum", "sum{@}"),
            ("", ""),
            ("{b=\"", "{b=\",@"),
        ] {
            let expected = expected.replace('@', "a=\"x\\\"y\"").replace("a=\"x\\\"y\" end()", "@ end()");
            assert_eq!(narrowed(query, &conditions(), false), expected, "{query}");
        }
        let lines = "sum(rate({job=\"a\"} |= \"{x}\" | json | b > 5 [5m])) by (job)";
        let expected = "sum(rate({job=\"a\",a=\"x\\\"y\"} |= \"{x}\" | json | b > 5 [5m])) by (job)";
        assert_eq!(narrowed(lines, &conditions(), true), expected);
        assert_eq!(narrowed("up", &[], false), "up");
        assert_eq!(narrowed("up", &[AdHoc::new("a b", "!~", "c".into()).unwrap()], false), "up{\"a b\"!~\"c\"}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_it(query in ".{0,80}", more in "[a-z{}()\\[\\]\"'`#\\\\ ,=5é]{0,60}") {
            for is_log_ql in [false, true] {
                proptest::prop_assert!(narrowed(&query, &conditions(), is_log_ql).len() >= query.len().min(1));
                let _more = narrowed(&more, &conditions(), is_log_ql);
            }
        }
    }
}
