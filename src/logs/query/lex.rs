//! Text to tokens, one at a time, as upstream's lexer tells them apart.
//!
//! Words mean something by what follows: `sum`, `ip` or `duration` are functions before a parenthesis (or `by (`), else
//! names; `json`, `by`, `or` and the like are never names. A number grows into a duration or a size where it can.

mod token;

use std::borrow::Cow;

use super::ast::{BinaryOp, Span};
use super::convert;
use crate::base::time::Duration;
use crate::series::literal;

pub use token::{Flag, Keyword, Kind, Token};

/// Text that is no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LexError {
    /// Where.
    pub span: Span,
    /// Why.
    pub message: String,
}

/// Whether a word is never a name (`by`, `json`, …).
pub fn is_keyword(word: &str) -> bool {
    token::keyword(&word.to_ascii_lowercase()).is_some()
}

type Lexed = Result<Kind, String>;

/// Reads tokens off a text.
#[derive(Debug, Clone)]
pub struct Lexer<'a> {
    text: &'a str,
    /// Where the token begins.
    start: usize,
    /// How far it was read.
    at: usize,
}

/// Nanoseconds of a millisecond.
const MS: i64 = 1_000_000;

impl<'a> Lexer<'a> {
    /// At the start of a text of less than 4 GiB.
    pub fn new(text: &'a str) -> Self {
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { text, start: at, at }
    }

    /// The next token; [`Kind::Eof`] for ever at the end.
    pub fn next_token(&mut self) -> Result<Token, LexError> {
        let blank = self.skip_blank();
        self.start = if blank.is_ok() { self.at } else { self.start };
        let kind = blank.and_then(|()| self.token());
        let span = Span { start: self.start as u32, end: self.at.max(self.start) as u32 };
        kind.map(|kind| Token { kind, span }).map_err(|message| LexError { span, message })
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn accept(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    fn accept_run(&mut self, fits: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(fits).len();
    }

    fn word(&self) -> &'a str {
        self.text.get(self.start..self.at).unwrap_or("")
    }

    /// Blanks and comments: `#` and, as in Go, `//` and `/* */`.
    fn skip_blank(&mut self) -> Result<(), String> {
        loop {
            self.accept_run(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
            let rest = self.rest();
            if rest.starts_with('#') || rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.start = self.at;
                let Some(end) = rest.get(2..).and_then(|inside| inside.find("*/")) else {
                    self.at = self.text.len();
                    return Err("comment not terminated".to_owned());
                };
                self.at += end + 4;
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Lexed {
        let Some(c) = self.bump() else { return Ok(Kind::Eof) };
        Ok(match c {
            '(' => Kind::LeftParen,
            ')' => Kind::RightParen,
            '{' => Kind::LeftBrace,
            '}' => Kind::RightBrace,
            ',' => Kind::Comma,
            '=' if self.accept("=") => Kind::Op(BinaryOp::Eq),
            '=' if self.accept("~") => Kind::RegexEqual,
            '=' => Kind::Equal,
            '!' if self.accept("=") => Kind::Op(BinaryOp::Ne),
            '!' if self.accept("~") => Kind::NotRegex,
            '!' if self.accept(">") => Kind::NotPattern,
            '|' if self.accept("=") => Kind::PipeContains,
            '|' if self.accept("~") => Kind::PipeRegex,
            '|' if self.accept(">") => Kind::PipePattern,
            '|' => Kind::Pipe,
            '>' if self.accept("=") => Kind::Op(BinaryOp::Ge),
            '>' => Kind::Op(BinaryOp::Gt),
            '<' if self.accept("=") => Kind::Op(BinaryOp::Le),
            '<' => Kind::Op(BinaryOp::Lt),
            '+' => Kind::Op(BinaryOp::Add),
            '-' => self.minus(),
            '*' => Kind::Op(BinaryOp::Mul),
            '/' => Kind::Op(BinaryOp::Div),
            '%' => Kind::Op(BinaryOp::Mod),
            '^' => Kind::Op(BinaryOp::Pow),
            '"' => return self.quoted(),
            '`' => return self.raw_quoted(),
            '[' => return self.range(),
            '0'..='9' => self.number(c),
            '.' if self.peek().is_some_and(|c| c.is_ascii_digit()) => self.number(c),
            c if c == '_' || c.is_alphabetic() => self.name(),
            '\0' => return Err("invalid character NUL".to_owned()),
            c => Kind::Other(c),
        })
    }

    /// `--strict`, a duration below zero, or just a minus.
    fn minus(&mut self) -> Kind {
        if self.rest().starts_with('-') {
            let letters = self.rest().trim_start_matches(|c: char| c == '-' || c.is_alphabetic()).len();
            let flag = self.rest().get(..self.rest().len() - letters).unwrap_or("");
            if let Some(flag) = Flag::from_dashed(flag) {
                self.at += self.rest().len() - letters;
                return Kind::Flag(flag);
            }
        }
        self.grow_into_duration().unwrap_or(Kind::Op(BinaryOp::Sub))
    }

    fn number(&mut self, first: char) -> Kind {
        let digits = |c: char| c.is_ascii_digit() || c == '_';
        let marker = if first == '0' { self.peek().map(|c| c.to_ascii_lowercase()) } else { None };
        match marker {
            Some('x') => {
                self.at += 1;
                let hex = |c: char| c.is_ascii_hexdigit() || c == '_';
                self.accept_run(hex);
                if self.accept(".") {
                    self.accept_run(hex);
                }
                self.exponent('p');
            }
            Some('o') => {
                self.at += 1;
                self.accept_run(digits);
            }
            Some('b') if self.rest().chars().nth(1).is_some_and(|c| matches!(c, '0' | '1')) => {
                self.at += 1;
                self.accept_run(digits);
            }
            _ => {
                self.accept_run(digits);
                if first != '.' && self.accept(".") {
                    self.accept_run(digits);
                }
                self.exponent('e');
            }
        }
        self.grow_into_duration().or_else(|| self.grow_into_bytes()).unwrap_or(Kind::Number)
    }

    fn exponent(&mut self, letter: char) {
        if self.peek().is_some_and(|c| c.eq_ignore_ascii_case(&letter)) {
            self.at += 1;
            if !self.accept("+") {
                self.accept("-");
            }
            self.accept_run(|c| c.is_ascii_digit() || c == '_');
        }
    }

    fn grow_into_duration(&mut self) -> Option<Kind> {
        let end = self.grown(|c| c == '.' || c.is_numeric() || "nu\u{b5}mshdwy".contains(c))?;
        let text = self.text.get(self.start..end)?;
        let nanos = match Duration::parse(text) {
            Ok(duration) => duration.ms().checked_mul(MS)?,
            Err(_) => convert::parse_duration(text).ok()?,
        };
        self.at = end;
        Some(Kind::Duration(nanos))
    }

    fn grow_into_bytes(&mut self) -> Option<Kind> {
        let end = self.grown(|c| c == '.' || c.is_numeric() || "BikKMGTP".contains(c))?;
        let bytes = convert::parse_bytes(self.text.get(self.start..end)?).ok()?;
        self.at = end;
        Some(Kind::Bytes(bytes))
    }

    /// Where the token would end with what follows and fits; none if nothing does.
    fn grown(&self, fits: impl Fn(char) -> bool) -> Option<usize> {
        let rest = self.rest();
        let more = rest.len() - rest.trim_start_matches(fits).len();
        (more > 0).then_some(self.at + more)
    }

    fn name(&mut self) -> Kind {
        self.accept_run(|c| c == '_' || c.is_alphanumeric());
        let lower: Cow<'a, str> = match self.word() {
            word if word.bytes().any(|byte| byte.is_ascii_uppercase()) => word.to_ascii_lowercase().into(),
            word => word.into(),
        };
        match token::function(&lower) {
            Some(function) if self.is_called() => function,
            Some(_) => Kind::Identifier,
            None => token::keyword(&lower).unwrap_or(Kind::Identifier),
        }
    }

    /// Whether a parenthesis follows, or a grouping with one.
    fn is_called(&self) -> bool {
        let rest = self.rest().trim_start();
        let is_word = |word: &str| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        let behind = |word: &str| rest.get(word.len()..).is_some_and(|rest| rest.trim_start().starts_with('('));
        rest.starts_with('(') || ["by", "without"].iter().any(|word| is_word(word) && behind(word))
    }

    /// A range is one token, with its brackets.
    fn range(&mut self) -> Lexed {
        let Some(len) = self.rest().find(']') else {
            self.at = self.text.len();
            return Err("missing closing ']' in duration".to_owned());
        };
        let inside = self.rest().get(..len).unwrap_or("");
        self.at += len + 1;
        literal::duration(inside)?;
        let ms = Duration::parse(inside).map_err(|error| error.to_string())?.ms();
        ms.checked_mul(MS).map(Kind::Range).ok_or_else(|| "duration out of range".to_owned())
    }

    fn raw_quoted(&mut self) -> Lexed {
        match self.rest().find('`') {
            Some(len) => {
                self.at += len + 1;
                Ok(Kind::String)
            }
            None => {
                self.at = self.text.len();
                Err("literal not terminated".to_owned())
            }
        }
    }

    fn quoted(&mut self) -> Lexed {
        loop {
            match self.bump() {
                Some('"') => return Ok(Kind::String),
                None | Some('\n') => return Err("literal not terminated".to_owned()),
                Some('\\') => self.escape()?,
                Some(_) => {}
            }
        }
    }

    /// Behind a backslash.
    fn escape(&mut self) -> Result<(), String> {
        let (digits, base, max) = match self.bump() {
            Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' | '"') => return Ok(()),
            Some('0'..='7') => {
                self.at -= 1;
                (3, 8, 255)
            }
            Some('x') => (2, 16, 255),
            Some('u') => (4, 16, 0x0010_ffff),
            Some('U') => (8, 16, 0x0010_ffff),
            _ => return Err("invalid char escape".to_owned()),
        };
        let mut value: u32 = 0;
        for _ in 0..digits {
            let digit = self.peek().and_then(|c| c.to_digit(base)).ok_or("invalid char escape")?;
            self.at += 1;
            value = value.wrapping_mul(base).wrapping_add(digit);
        }
        if value > max || (0xd800..0xe000).contains(&value) {
            return Err("invalid syntax".to_owned());
        }
        Ok(())
    }
}
