//! Words to a tree.

use super::Chosen;
use crate::logs::query::ast::{CompareOp, Span};
use crate::logs::query::check;
use crate::logs::query::lex::{Kind, Lexer};
use crate::logs::query::parse::ParseError;

/// Longest text, in bytes.
const BYTES_MAX: usize = 16 * 1024;
/// Most words and fields.
const TERMS_MAX: usize = 200;
/// Deepest parentheses.
const DEPTH_MAX: usize = 32;

/// What is searched for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Not(Box<Tree>),
    Word(Text),
    Field(Field),
}

/// A text, perhaps with gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    /// What stands between the stars; one part without stars. Empty parts at the ends are stars at the ends.
    pub(super) parts: Vec<String>,
}

impl Text {
    /// Whether it is only stars: anything.
    pub(super) fn is_anything(&self) -> bool {
        self.parts.len() > 1 && self.parts.iter().all(String::is_empty)
    }
}

/// A condition on a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    /// As a label: characters that labels cannot have are `_`.
    pub(super) name: String,
    pub(super) test: Test,
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// `:` upper or lower case, with stars.
    Is(Text),
    /// `=`
    Equal(String),
    /// `!=`
    NotEqual(String),
    /// `=~`
    Regex(String),
    /// `!~`
    NotRegex(String),
    /// `> 500`, `<= 1.5s`, as LogQL writes it.
    Compare(CompareOp, String),
}

type Read<T> = Result<T, ParseError>;

/// Reads words; nothing at all is an empty `All`.
pub(super) fn read(text: &str) -> Read<Tree> {
    let mut reader = Reader { text, at: 0, depth: 0, terms: 0 };
    if text.len() > BYTES_MAX {
        return reader.fail(0, format!("this is too long: {} bytes, at most {BYTES_MAX} are allowed", text.len()));
    }
    reader.skip_blank();
    if reader.rest().is_empty() {
        return Ok(Tree::All(Vec::new()));
    }
    let tree = reader.any()?;
    if reader.rest().is_empty() { Ok(tree) } else { reader.fail(reader.at, "this parenthesis closes nothing") }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    terms: usize,
}

/// Operators behind a field's name, longer ones first.
const OPERATORS: [&str; 10] = [":", "=~", "!~", "!=", ">=", "<=", "==", "=", ">", "<"];

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn skip_blank(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn fail<T>(&self, at: usize, message: impl Into<String>) -> Read<T> {
        let span = Span { start: at as u32, end: self.at.max(at) as u32 };
        Err(ParseError::new(self.text, span, message.into()))
    }

    /// Takes `OR` and the like, which stand alone.
    fn keyword(&mut self, word: &str) -> bool {
        let found = self.rest().strip_prefix(word).is_some_and(ends_word);
        if found {
            self.at += word.len();
            self.skip_blank();
        }
        found
    }

    /// Terms with `OR` between.
    fn any(&mut self) -> Read<Tree> {
        let mut parts = vec![self.all()?];
        while self.keyword("OR") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Tree::Any(parts) })
    }

    /// Terms beside each other, perhaps with `AND` between.
    fn all(&mut self) -> Read<Tree> {
        let mut parts = Vec::new();
        loop {
            let start = self.at;
            let rest = self.rest();
            let is_or = rest.strip_prefix("OR").is_some_and(ends_word);
            if rest.is_empty() || rest.starts_with(')') || is_or {
                if parts.is_empty() {
                    return self.fail(start, "a word or a field must stand here");
                }
                break;
            }
            if !parts.is_empty() && self.keyword("AND") && self.rest().is_empty() {
                return self.fail(self.at, "a word or a field must stand here");
            }
            parts.push(self.term()?);
            self.skip_blank();
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Tree::All(parts) })
    }

    fn term(&mut self) -> Read<Tree> {
        let start = self.at;
        self.terms += 1;
        if self.terms > TERMS_MAX {
            return self.fail(start, format!("too many words, at most {TERMS_MAX} are allowed"));
        }
        let sign =
            ["-", "!"].iter().any(|sign| self.rest().strip_prefix(sign).is_some_and(|rest| rest.starts_with(|c: char| !c.is_whitespace())));
        if sign || self.keyword("NOT") {
            self.at += usize::from(sign);
            self.deeper(start)?;
            let inside = self.term()?;
            self.depth -= 1;
            return Ok(Tree::Not(Box::new(inside)));
        }
        match self.rest().chars().next() {
            Some('(') => self.group(),
            Some(quote @ ('"' | '`')) => Ok(Tree::Word(Text { parts: vec![self.quoted(quote)?] })),
            Some(_) => match self.field()? {
                Some(field) => Ok(field),
                None => {
                    let word = self.bare();
                    Ok(Tree::Word(with_stars(word)))
                }
            },
            None => self.fail(start, "a word or a field must stand here"),
        }
    }

    fn deeper(&mut self, at: usize) -> Read<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX { self.fail(at, format!("nested too deeply, at most {DEPTH_MAX} levels are allowed")) } else { Ok(()) }
    }

    fn group(&mut self) -> Read<Tree> {
        let start = self.at;
        self.deeper(start)?;
        self.at += 1;
        self.skip_blank();
        let inside = self.any()?;
        if !self.rest().starts_with(')') {
            return self.fail(start, "this parenthesis is not closed");
        }
        self.at += 1;
        self.depth -= 1;
        Ok(inside)
    }

    /// What stands in quotes; in double quotes, a backslash lets the next character stand for itself.
    fn quoted(&mut self, quote: char) -> Read<String> {
        let start = self.at;
        let mut content = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.at = start + at + c.len_utf8();
                    if content.is_empty() {
                        return self.fail(start, "there is nothing between these quotes");
                    }
                    return Ok(content);
                }
                '\\' if quote == '"' => match chars.next() {
                    Some((_, next @ ('"' | '\\'))) => content.push(next),
                    Some((_, next)) => content.extend(['\\', next]),
                    None => break,
                },
                c => content.push(c),
            }
        }
        self.fail(start, "this quote is not closed")
    }

    /// Up to a blank, or a parenthesis that it did not open.
    fn bare(&mut self) -> &'a str {
        let rest = self.rest();
        let mut open = 0_usize;
        let end = rest.find(|c: char| match c {
            '(' => {
                open += 1;
                false
            }
            ')' => match open.checked_sub(1) {
                Some(fewer) => {
                    open = fewer;
                    false
                }
                None => true,
            },
            c => c.is_whitespace(),
        });
        let word = rest.get(..end.unwrap_or(rest.len())).unwrap_or("");
        self.at += word.len();
        word
    }

    /// `name:value` and the like, if that is what stands here.
    fn field(&mut self) -> Read<Option<Tree>> {
        let rest = self.rest();
        let behind_name = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_.@/-".contains(c));
        let (name, behind_name) = rest.split_at(rest.len() - behind_name.len());
        let Some(op) = OPERATORS.iter().find(|op| behind_name.starts_with(**op)) else { return Ok(None) };
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '@')) && !name.ends_with(['-', '/', '.']);
        let value = behind_name.get(op.len()..).unwrap_or("");
        if !is_name || value.is_empty() || value.starts_with(|c: char| c.is_whitespace() || c == ')') {
            return Ok(None);
        }
        // Addresses of the web and folders are no fields.
        if *op == ":" && (value.starts_with("//") || value.starts_with('\\')) {
            return Ok(None);
        }
        let start = self.at;
        self.at += name.len() + op.len();
        match self.test(&label_of(name), op)? {
            Some(tree) => Ok(Some(tree)),
            None => {
                self.at = start;
                Ok(None)
            }
        }
    }

    fn test(&mut self, name: &str, op: &str) -> Read<Option<Tree>> {
        let of = |test| Some(Tree::Field(Field { name: name.to_owned(), test }));
        let inner = if op == ":" { [">=", "<=", ">", "<"].iter().find(|inner| self.rest().starts_with(**inner)) } else { None };
        if let Some(inner) = inner {
            self.at += inner.len();
            return self.comparison(name, inner);
        }
        let start = self.at;
        Ok(match op {
            ":" if self.rest().starts_with('(') => Some(self.values(name)?),
            ":" => of(Test::Is(self.value()?)),
            "=" | "==" => of(Test::Equal(self.exact()?)),
            "!=" => of(Test::NotEqual(self.exact()?)),
            "=~" | "!~" => {
                let pattern = self.exact()?;
                if let Err(reason) = check::regex(&pattern) {
                    return self.fail(start, reason);
                }
                of(if op == "=~" { Test::Regex(pattern) } else { Test::NotRegex(pattern) })
            }
            _ => return self.comparison(name, op),
        })
    }

    /// A comparison, if with a number, a duration or a size.
    fn comparison(&mut self, name: &str, op: &str) -> Read<Option<Tree>> {
        let op = match op {
            ">=" => CompareOp::Ge,
            "<=" => CompareOp::Le,
            ">" => CompareOp::Gt,
            _ => CompareOp::Lt,
        };
        let value = self.exact()?;
        let test = || Test::Compare(op, value.clone());
        Ok(is_quantity(&value).then(|| Tree::Field(Field { name: name.to_owned(), test: test() })))
    }

    fn exact(&mut self) -> Read<String> {
        match self.rest().chars().next() {
            Some(quote @ ('"' | '`')) => self.quoted(quote),
            _ => Ok(self.bare().to_owned()),
        }
    }

    fn value(&mut self) -> Read<Text> {
        match self.rest().chars().next() {
            Some(quote @ ('"' | '`')) => Ok(Text { parts: vec![self.quoted(quote)?] }),
            _ => Ok(with_stars(self.bare())),
        }
    }

    /// `(error OR warn)` behind a colon.
    fn values(&mut self, name: &str) -> Read<Tree> {
        let start = self.at;
        self.at += 1;
        self.skip_blank();
        let mut parts = Vec::new();
        loop {
            self.terms += 1;
            let rest = self.rest();
            if rest.is_empty() {
                return self.fail(start, "this parenthesis is not closed");
            }
            if rest.starts_with([')', '(']) || self.terms > TERMS_MAX {
                return self.fail(self.at, "a value must stand here");
            }
            parts.push(Tree::Field(Field { name: name.to_owned(), test: Test::Is(self.value()?) }));
            self.skip_blank();
            if self.rest().starts_with(')') {
                self.at += 1;
                return Ok(if parts.len() == 1 { parts.remove(0) } else { Tree::Any(parts) });
            }
            if !self.keyword("OR") && !self.rest().is_empty() {
                return self.fail(self.at, "values in parentheses need OR between them");
            }
        }
    }
}

/// A field's name as parsers make it a label's.
fn label_of(name: &str) -> String {
    let mut label: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if label.starts_with(|c: char| c.is_ascii_digit()) {
        label.insert(0, '_');
    }
    label
}

/// The tree of values that were chosen.
pub(super) fn chosen(chosen: &[Chosen<'_>]) -> Tree {
    let mut parts = Vec::new();
    for Chosen { field, only, not } in chosen {
        let name = label_of(field);
        let of = |test| Tree::Field(Field { name: name.clone(), test });
        if !only.is_empty() {
            let mut values: Vec<Tree> = only.iter().map(|value| of(Test::Equal((*value).to_owned()))).collect();
            parts.push(if values.len() == 1 { values.remove(0) } else { Tree::Any(values) });
        }
        parts.extend(not.iter().map(|value| of(Test::NotEqual((*value).to_owned()))));
    }
    Tree::All(parts)
}

/// Whether `OR` and the like end where this follows.
fn ends_word(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || c == '(')
}

/// Cuts a word at its stars; a backslash before a star lets it stand for itself.
fn with_stars(word: &str) -> Text {
    let mut parts = vec![String::new()];
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        let last = parts.len() - 1;
        match c {
            '\\' if chars.peek() == Some(&'*') => parts[last].extend(chars.next()),
            '*' => parts.push(String::new()),
            c => parts[last].push(c),
        }
    }
    Text { parts }
}

/// Whether LogQL can compare with it: a number, a duration or a size, perhaps below zero.
fn is_quantity(text: &str) -> bool {
    let fits = |text: &str| {
        let mut lexer = Lexer::new(text);
        let mut next = || lexer.next_token().map_or(Kind::Other(' '), |token| token.kind);
        match next() {
            Kind::Duration(_) | Kind::Bytes(_) => next() == Kind::Eof,
            Kind::Number => next() == Kind::Eof && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'),
            _ => false,
        }
    };
    fits(text) || text.strip_prefix('-').is_some_and(fits)
}
