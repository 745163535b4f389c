//! `| logfmt`: `key=value key="quoted value" flag` becomes labels; with expressions only the chosen keys.

use std::sync::Arc;

use super::json;
use super::row::{DUPLICATE, Origin, Row, push_name, push_text};
use crate::logs::query::ast::{Extraction, PathStep};

/// What is wrong with a line that is no logfmt; only with `--strict`.
pub(crate) const ERROR: &str = "LogfmtParserErr";

/// Extracts pairs.
#[derive(Debug, Clone)]
pub(crate) struct Logfmt {
    strict: bool,
    keep_empty: bool,
    /// Label and key of each expression; none for every pair.
    chosen: Vec<(Arc<str>, Arc<str>)>,
    name: String,
    value: String,
}

impl Logfmt {
    /// With these flags and expressions.
    pub(crate) fn new(strict: bool, keep_empty: bool, expressions: &[Extraction]) -> Self {
        let key = |one: &Extraction| match one.path.first() {
            Some(PathStep::Field(name)) => Arc::clone(name),
            _ => Arc::clone(&one.expression),
        };
        let chosen = expressions.iter().map(|one| (Arc::clone(&one.label), key(one))).collect();
        Self { strict, keep_empty, chosen, name: String::new(), value: String::new() }
    }

    /// Reads a line.
    pub(crate) fn run(&mut self, line: &[u8], row: &mut Row) {
        if row.is_complete() {
            return;
        }
        for (label, _) in &self.chosen {
            if !row.clashes(label) {
                row.set(Origin::Parsed, label, "");
            }
        }
        let mut wrong = None;
        for pair in (Pairs { line, at: 0 }) {
            let (key, value) = match pair {
                Ok(pair) => pair,
                Err(error) => {
                    wrong = Some(error);
                    if self.strict {
                        break;
                    }
                    continue;
                }
            };
            self.name.clear();
            push_name(&mut self.name, &String::from_utf8_lossy(key));
            if self.name.is_empty() {
                continue;
            }
            if self.chosen.is_empty() {
                if self.pair(value, row) {
                    break;
                }
            } else {
                self.choose(value, row);
            }
        }
        if self.strict
            && let Some(wrong) = wrong
        {
            row.set_parser_error(ERROR, &wrong.to_string());
        }
    }

    /// Offers a pair; true when nothing more is wanted.
    fn pair(&self, value: Text<'_>, row: &mut Row) -> bool {
        if value.bytes.is_empty() && !self.keep_empty {
            return false;
        }
        row.offer(&self.name, |out| value.push(out));
        row.is_complete()
    }

    fn choose(&mut self, value: Text<'_>, row: &mut Row) {
        self.value.clear();
        value.push(&mut self.value);
        let mut is_source = false;
        for (label, key) in &self.chosen {
            if **key == *self.name {
                is_source = true;
                set(row, label, &self.value);
            }
        }
        // A key that has the name of a label sets it too, as upstream.
        if !is_source && let Some((label, _)) = self.chosen.iter().find(|(label, _)| **label == *self.name) {
            set(row, label, &self.value);
        }
    }
}

fn set(row: &mut Row, label: &str, value: &str) {
    if row.clashes(label) {
        row.set(Origin::Parsed, &format!("{label}{DUPLICATE}"), value);
    } else {
        row.set(Origin::Parsed, label, value);
    }
}

/// A value between its quotes.
#[derive(Debug, Clone, Copy)]
struct Text<'a> {
    bytes: &'a [u8],
    escaped: bool,
}

impl Text<'_> {
    fn push(self, out: &mut String) {
        if self.escaped {
            push_text(out, &json::unescaped(self.bytes).unwrap_or_default());
        } else {
            super::row::push_bytes(out, self.bytes);
        }
    }
}

/// Why a line is no logfmt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("logfmt syntax error at pos {at} : {what}")]
struct Wrong {
    /// From 1.
    at: usize,
    what: String,
}

/// Walks the pairs of a line; what is wrong is reported and stepped over.
struct Pairs<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<(&'a [u8], Text<'a>), Wrong>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.line.get(self.at).is_some_and(|byte| *byte <= b' ') {
            self.at += 1;
        }
        (self.at < self.line.len()).then(|| self.pair())
    }
}

impl<'a> Pairs<'a> {
    fn rest(&self) -> &'a [u8] {
        self.line.get(self.at..).unwrap_or_default()
    }

    fn until(&self, stop: impl Fn(u8) -> bool) -> usize {
        self.rest().iter().position(|byte| stop(*byte)).map_or(self.line.len(), |length| self.at + length)
    }

    fn wrong(&self, what: &str) -> Wrong {
        Wrong { at: self.at + 1, what: what.to_owned() }
    }

    fn unexpected(&mut self) -> Wrong {
        let byte = char::from(self.line.get(self.at).copied().unwrap_or_default());
        let shown = if byte == '\'' { "'\\''".to_owned() } else { format!("'{byte}'") };
        let wrong = self.wrong(&format!("unexpected {shown}"));
        self.at = self.until(|byte| byte <= b' ');
        wrong
    }

    fn pair(&mut self) -> Result<(&'a [u8], Text<'a>), Wrong> {
        let begin = self.at;
        self.at = self.until(|byte| byte == b'=' || byte == b'"' || byte <= b' ');
        let key = self.line.get(begin..self.at).unwrap_or_default();
        let nothing = Text { bytes: b"", escaped: false };
        match self.line.get(self.at) {
            Some(b'"') => return Err(self.unexpected()),
            Some(b'=') if key.is_empty() => return Err(self.unexpected()),
            _ if std::str::from_utf8(key).is_err() => {
                let wrong = self.wrong("invalid key");
                self.at = self.until(|byte| byte <= b' ');
                return Err(wrong);
            }
            Some(b'=') => self.at += 1,
            _ => return Ok((key, nothing)),
        }
        match self.line.get(self.at) {
            None | Some(..=b' ') => Ok((key, nothing)),
            Some(b'"') => self.quoted().map(|value| (key, value)),
            Some(_) => {
                let begin = self.at;
                self.at = self.until(|byte| byte == b'=' || byte == b'"' || byte <= b' ');
                if matches!(self.line.get(self.at), Some(b'=' | b'"')) {
                    return Err(self.unexpected());
                }
                Ok((key, Text { bytes: self.line.get(begin..self.at).unwrap_or_default(), escaped: false }))
            }
        }
    }

    fn quoted(&mut self) -> Result<Text<'a>, Wrong> {
        let begin = self.at + 1;
        let Some((end, escaped)) = json::string_end(self.line, begin) else {
            self.at = self.line.len();
            return Err(self.wrong("unterminated quoted value"));
        };
        self.at = end + 1;
        let bytes = self.line.get(begin..end).unwrap_or_default();
        if escaped && json::unescaped(bytes).is_none() {
            return Err(self.wrong("invalid quoted value"));
        }
        Ok(Text { bytes, escaped })
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::Wanted;
    use super::*;
    use crate::series::labels::Labels;

    fn run(stage: &mut Logfmt, line: &str, wanted: Option<&[&str]>) -> String {
        let names = wanted.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let mut row = Row::new(Wanted { names, stops_early: true, keeps_errors: false });
        row.set_stream(&Labels::from_pairs([("app", "a")]));
        row.begin(b"");
        stage.run(line.as_bytes(), &mut row);
        row.labels_if(|origin, _| origin == Origin::Parsed).to_string()
    }

    #[test]
    fn pairs_become_labels() {
        let mut lenient = Logfmt::new(false, false, &[]);
        for (line, labels) in [
            (r#"level=info msg="a \"b\" c" flag empty= status=500"#, r#"{level="info", msg="a \"b\" c", status="500"}"#),
            ("a=1 a=2 app=x", r#"{a="1", app_extracted="x"}"#),
            (r#"=x ok=1 b"ad=2 c=3=4 d="open"#, r#"{ok="1"}"#),
            ("a.b=1 9=2 \u{e9}=3", r#"{_="3", _9="2", a_b="1"}"#),
            ("", "{}"),
            ("q=\"\\u0041\\n\"", "{q=\"A\\n\"}"),
        ] {
            assert_eq!(run(&mut lenient, line, None), labels, "{line}");
        }
        assert_eq!(run(&mut lenient, "a=1 b=2 c=3", Some(&["b"])), r#"{b="2"}"#);
        assert_eq!(run(&mut Logfmt::new(false, true, &[]), "flag e= x=1", None), r#"{e="", flag="", x="1"}"#);
    }

    #[test]
    fn strict_says_what_is_wrong() {
        let mut strict = Logfmt::new(true, false, &[]);
        for (line, details) in [
            ("a=1 b\"c=2", "logfmt syntax error at pos 6 : unexpected '\\\"'"),
            ("=1", "logfmt syntax error at pos 1 : unexpected '='"),
            ("a=\"x", "logfmt syntax error at pos 5 : unterminated quoted value"),
            ("a=\"\\x\"", "logfmt syntax error at pos 7 : invalid quoted value"),
            ("a=b=c d=1", "logfmt syntax error at pos 4 : unexpected '='"),
        ] {
            let labels = run(&mut strict, line, None);
            assert!(labels.contains(&format!(r#"__error__="LogfmtParserErr", __error_details__="{details}""#)), "{line}: {labels}");
            assert!(!labels.contains("d=\"1\""));
        }
    }

    #[test]
    fn expressions_choose() {
        let one =
            |label: &str, key: &str| Extraction { label: label.into(), expression: key.into(), path: vec![PathStep::Field(key.into())] };
        let mut stage = Logfmt::new(false, false, &[one("code", "status"), one("app", "svc"), one("none", "nothing")]);
        assert_eq!(run(&mut stage, "status=500 svc=x other=1", None), r#"{app_extracted="x", code="500", none=""}"#);
        assert_eq!(run(&mut stage, "code=1", None), r#"{code="1", none=""}"#);
    }
}
