//! `{app="x", level=~"warn|error"} |= "text"`: which lines a `match` stage is for.

use std::sync::Arc;

use regex::Regex;

use super::Entry;
use crate::series::matcher::{MatchOp, Matcher};
use crate::series::re2;

/// Most conditions of one selector.
const CONDITIONS_MAX: usize = 100;

/// Conditions on labels and on the line.
#[derive(Debug, Clone)]
pub(super) struct Selector {
    labels: Vec<Matcher>,
    filters: Vec<(Filter, bool)>,
}

#[derive(Debug, Clone)]
enum Filter {
    Text(String),
    Regex(Arc<Regex>),
}

impl Selector {
    /// Reads a selector with line filters.
    ///
    /// # Errors
    /// What is expected instead.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { rest: text.trim() };
        let mut labels = Vec::new();
        reader.expect("{", "a selector begins with {")?;
        while !reader.take("}") {
            if labels.len() >= CONDITIONS_MAX {
                return Err(format!("at most {CONDITIONS_MAX} conditions"));
            }
            if !labels.is_empty() {
                reader.expect(",", "conditions are divided by commas")?;
                if reader.take("}") {
                    break;
                }
            }
            let name = reader.name()?;
            let op = match () {
                () if reader.take("=~") => MatchOp::Regex,
                () if reader.take("!~") => MatchOp::NotRegex,
                () if reader.take("!=") => MatchOp::NotEqual,
                () if reader.take("=") => MatchOp::Equal,
                () => return Err(format!("after the label {name} one of = != =~ !~ is expected, found {:?}", reader.rest)),
            };
            let value = reader.string()?;
            labels.push(Matcher::new(name, op, &value).map_err(|error| error.to_string())?);
        }
        let mut filters = Vec::new();
        loop {
            let (is_regex, wanted) = match () {
                () if reader.take("|=") => (false, true),
                () if reader.take("!=") => (false, false),
                () if reader.take("|~") => (true, true),
                () if reader.take("!~") => (true, false),
                () if reader.rest.is_empty() => return Ok(Self { labels, filters }),
                () => return Err(format!("only line filters (|= != |~ !~) may follow the selector, found {:?}", reader.rest)),
            };
            if filters.len() >= CONDITIONS_MAX {
                return Err(format!("at most {CONDITIONS_MAX} line filters"));
            }
            let value = reader.string()?;
            let filter = if is_regex { Filter::Regex(regex(&value)?) } else { Filter::Text(value) };
            filters.push((filter, wanted));
        }
    }

    /// Whether a line is meant.
    pub(super) fn matches(&self, entry: &Entry) -> bool {
        self.labels.iter().all(|matcher| matcher.matches(entry.labels.get(&matcher.name).unwrap_or("")))
            && self.filters.iter().all(|(filter, wanted)| {
                let found = match filter {
                    Filter::Text(text) => memchr::memmem::find(entry.text.as_bytes(), text.as_bytes()).is_some(),
                    Filter::Regex(regex) => regex.is_match(&entry.text),
                };
                found == *wanted
            })
    }
}

/// A regular expression in RE2 syntax, found anywhere. Shared, since each copy would keep memory of its own for searching, and
/// there is one copy for each file.
///
/// # Errors
/// Why it is none.
pub(super) fn regex(text: &str) -> Result<Arc<Regex>, String> {
    let translated = re2::translate(text)?;
    regex::RegexBuilder::new(&translated).size_limit(crate::base::limits::REGEX_BYTES_MAX).nest_limit(200).build().map(Arc::new).map_err(
        |error| match error {
            regex::Error::CompiledTooBig(_) => "the expression is too large".to_owned(),
            other => other.to_string().lines().last().unwrap_or_default().trim().to_owned(),
        },
    )
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn take(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(after) => {
                self.rest = after.trim_start();
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str, why: &str) -> Result<(), String> {
        if self.take(token) { Ok(()) } else { Err(format!("{why}, found {:?}", self.rest)) }
    }

    fn name(&mut self) -> Result<&'t str, String> {
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let (name, after) = self.rest.split_at(end);
        if name.is_empty() {
            return Err(format!("the name of a label is expected, found {:?}", self.rest));
        }
        self.rest = after.trim_start();
        Ok(name)
    }

    fn string(&mut self) -> Result<String, String> {
        let refused = || format!("a text in quotes is expected, found {:?}", self.rest);
        if let Some(raw) = self.rest.strip_prefix('`') {
            let (text, after) = raw.split_once('`').ok_or_else(refused)?;
            self.rest = after.trim_start();
            return Ok(text.to_owned());
        }
        let inner = self.rest.strip_prefix('"').ok_or_else(refused)?;
        let mut out = String::new();
        let mut chars = inner.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = inner[at + 1..].trim_start();
                    return Ok(out);
                }
                '\\' => match chars.next().map(|(_, c)| c) {
                    Some('n') => out.push('\n'),
                    Some('t') => out.push('\t'),
                    Some('r') => out.push('\r'),
                    Some(c @ ('\\' | '"' | '\'')) => out.push(c),
                    _ => {
                        return Err(
                            "after a backslash one of \\ \" ' n t r is expected; regular expressions are easier in `backquotes`".to_owned()
                        );
                    }
                },
                c => out.push(c),
            }
        }
        Err(refused())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_match() {
        let mut entry = Entry { text: "GET /a 500".to_owned(), ..Entry::default() };
        entry.labels.set("app", "web");
        for (text, matched) in [
            ("{app=\"web\"}", Ok(true)),
            ("{}", Ok(true)),
            ("{app=~\"w.*\", zone=\"\"}", Ok(true)),
            ("{app!=\"web\"}", Ok(false)),
            ("{app=\"web\",} |= \"500\"", Ok(true)),
            ("{app=\"web\"} != \"500\"", Ok(false)),
            ("{app=\"web\"} |~ `5\\d\\d$` !~ \"POST\"", Ok(true)),
            ("{app=\"web\"} | json", Err("only line filters")),
            ("app=\"web\"", Err("begins with {")),
            ("{app=web}", Err("quotes")),
            ("{app~\"web\"}", Err("one of = != =~ !~")),
            ("{app=~\"(\"}", Err("")),
            ("{app=\"a\" b=\"c\"}", Err("commas")),
            ("{app=\"\\d\"}", Err("backquotes")),
            ("{app=\"a", Err("quotes")),
        ] {
            match (Selector::parse(text), matched) {
                (Ok(selector), Ok(matched)) => assert_eq!(selector.matches(&entry), matched, "{text}"),
                (Err(why), Err(part)) => assert!(why.contains(part), "{text}: {why}"),
                (other, _) => panic!("{text}: {other:?}"),
            }
        }
    }
}
