//! Cuts the text of a template into tokens, as Go's `text/template/parse` does (source: its documentation).

use super::ast::At;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// What is wrong is the token's text.
    Error,
    Bool,
    /// A punctuation mark of no other kind, such as a comma.
    Char,
    CharConstant,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawText,
    RightDelim,
    RightParen,
    Space,
    QuotedText,
    Text,
    Variable,
    Dot,
    Nil,
    Keyword(Keyword),
}

/// A word that begins or ends something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

const KEYWORDS: [(&str, Keyword); 10] = [
    ("block", Keyword::Block),
    ("break", Keyword::Break),
    ("continue", Keyword::Continue),
    ("define", Keyword::Define),
    ("else", Keyword::Else),
    ("end", Keyword::End),
    ("if", Keyword::If),
    ("range", Keyword::Range),
    ("template", Keyword::Template),
    ("with", Keyword::With),
];

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: At,
    pub(super) line: usize,
    pub(super) text: String,
}

impl Token {
    /// As Go shows it in errors.
    pub(super) fn shown(&self) -> String {
        match self.kind {
            Kind::Eof => "EOF".to_owned(),
            Kind::Error => self.text.clone(),
            Kind::Keyword(_) | Kind::Dot | Kind::Nil => format!("<{}>", self.text),
            _ if self.text.chars().count() > 10 => format!("{:?}...", self.text.chars().take(10).collect::<String>()),
            _ => format!("{:?}", self.text),
        }
    }
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";

struct Lexer<'a> {
    text: &'a str,
    at: At,
    line: usize,
    parens: usize,
    tokens: Vec<Token>,
}

/// Cuts a text. The last token is `Eof` or `Error`.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, line: 1, parens: 0, tokens: Vec::new() };
    if let Err(message) = lexer.run() {
        let (at, line) = (lexer.at, lexer.line);
        lexer.tokens.push(Token { kind: Kind::Error, at, line, text: message });
    }
    lexer.tokens
}

const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// A character as Go's `%#U` shows it.
fn code_point(c: char) -> String {
    format!("U+{:04X} '{c}'", c as u32)
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes so many bytes as a token.
    fn push(&mut self, kind: Kind, bytes: usize) {
        let text = self.rest().get(..bytes).unwrap_or_default().to_owned();
        let line = self.line;
        self.skip(bytes);
        self.tokens.push(Token { kind, at: self.at - text.len(), line, text });
    }

    fn skip(&mut self, bytes: usize) {
        let passed = self.rest().get(..bytes).unwrap_or_default();
        self.line += passed.matches('\n').count();
        self.at += passed.len();
    }

    fn run(&mut self) -> Result<(), String> {
        loop {
            let Some(length) = self.rest().find(LEFT) else {
                if !self.rest().is_empty() {
                    self.push(Kind::Text, self.rest().len());
                }
                self.push(Kind::Eof, 0);
                return Ok(());
            };
            self.text_before(length);
            self.left()?;
        }
    }

    /// The text before an action, without the white space that the action trims.
    fn text_before(&mut self, length: usize) {
        let text = self.rest().get(..length).unwrap_or_default();
        let trims = trims_left(self.rest().get(length + LEFT.len()..).unwrap_or_default());
        let kept = if trims { text.trim_end_matches(is_space) } else { text }.len();
        if kept > 0 {
            self.push(Kind::Text, kept);
        }
        self.skip(length - kept);
    }

    fn left(&mut self) -> Result<(), String> {
        let behind = self.rest().get(LEFT.len()..).unwrap_or_default();
        let marker = if trims_left(behind) { 2 } else { 0 };
        if behind.get(marker..).is_some_and(|rest| rest.starts_with("/*")) {
            return self.comment(LEFT.len() + marker);
        }
        self.push(Kind::LeftDelim, LEFT.len());
        self.skip(marker);
        self.parens = 0;
        self.action()
    }

    fn comment(&mut self, before: usize) -> Result<(), String> {
        let body = self.rest().get(before..).unwrap_or_default();
        let end = body.find("*/").ok_or("unclosed comment")? + 2;
        let behind = body.get(end..).unwrap_or_default();
        let trims = trims_right(behind);
        let close = if trims { 2 } else { 0 };
        if !behind.get(close..).is_some_and(|rest| rest.starts_with(RIGHT)) {
            return Err("comment ends before closing delimiter".to_owned());
        }
        self.skip(before + end + close + RIGHT.len());
        if trims {
            self.skip_space();
        }
        Ok(())
    }

    fn skip_space(&mut self) {
        let length = self.rest().len() - self.rest().trim_start_matches(is_space).len();
        self.skip(length);
    }

    fn action(&mut self) -> Result<(), String> {
        loop {
            let rest = self.rest();
            let marker = if trims_right(rest) { 2 } else { 0 };
            if rest.get(marker..).is_some_and(|rest| rest.starts_with(RIGHT)) {
                if self.parens > 0 {
                    return Err("unclosed left paren".to_owned());
                }
                self.skip(marker);
                self.push(Kind::RightDelim, RIGHT.len());
                if marker > 0 {
                    self.skip_space();
                }
                return Ok(());
            }
            let Some(c) = self.peek() else { return Err("unclosed action".to_owned()) };
            self.inside(c)?;
        }
    }

    fn inside(&mut self, c: char) -> Result<(), String> {
        let next = self.rest().chars().nth(1);
        match c {
            c if is_space(c) => self.space(),
            '=' => self.push(Kind::Assign, 1),
            ':' if next == Some('=') => self.push(Kind::Declare, 2),
            ':' => return Err("expected :=".to_owned()),
            '|' => self.push(Kind::Pipe, 1),
            '"' => self.quoted('"', "unterminated quoted string", Kind::QuotedText)?,
            '\'' => self.quoted('\'', "unterminated character constant", Kind::CharConstant)?,
            '`' => {
                let length = self.rest().get(1..).and_then(|rest| rest.find('`')).ok_or("unterminated raw quoted string")?;
                self.push(Kind::RawText, length + 2);
            }
            '$' => self.name(Kind::Variable)?,
            '.' if !next.is_some_and(|c| c.is_ascii_digit()) => self.name(Kind::Field)?,
            '(' => {
                self.parens += 1;
                self.push(Kind::LeftParen, 1);
            }
            ')' => {
                self.parens = self.parens.checked_sub(1).ok_or_else(|| format!("unexpected right paren {}", code_point(')')))?;
                self.push(Kind::RightParen, 1);
            }
            '.' | '+' | '-' | '0'..='9' => self.number()?,
            c if is_word(c) => self.word()?,
            c if c.is_ascii_graphic() => self.push(Kind::Char, 1),
            c => return Err(format!("unrecognized character in action: {}", code_point(c))),
        }
        Ok(())
    }

    /// White space, but for the one that belongs to a trim marker.
    fn space(&mut self) {
        let rest = self.rest();
        let mut length = rest.len() - rest.trim_start_matches(is_space).len();
        if rest.get(length - 1..).is_some_and(trims_right) {
            length -= 1;
        }
        self.push(Kind::Space, length);
    }

    fn quoted(&mut self, quote: char, unterminated: &str, kind: Kind) -> Result<(), String> {
        let mut escaped = false;
        for (index, c) in self.rest().char_indices().skip(1) {
            if escaped {
                if c == '\n' {
                    break;
                }
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == '\n' {
                break;
            } else if c == quote {
                self.push(kind, index + 1);
                return Ok(());
            }
        }
        Err(unterminated.to_owned())
    }

    /// Whether a name may end here.
    fn at_end_of_name(&self, length: usize) -> Result<(), String> {
        let rest = self.rest().get(length..).unwrap_or_default();
        match rest.chars().next() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(') => Ok(()),
            Some(c) if is_space(c) || rest.starts_with(RIGHT) => Ok(()),
            Some(c) => Err(format!("bad character {}", code_point(c))),
        }
    }

    /// `$x`, `.x`, `$` or `.`.
    fn name(&mut self, kind: Kind) -> Result<(), String> {
        let length = 1 + self.rest().chars().skip(1).take_while(|c| is_word(*c)).map(char::len_utf8).sum::<usize>();
        self.at_end_of_name(length)?;
        self.push(if length == 1 && kind == Kind::Field { Kind::Dot } else { kind }, length);
        Ok(())
    }

    fn word(&mut self) -> Result<(), String> {
        let length = self.rest().chars().take_while(|c| is_word(*c)).map(char::len_utf8).sum::<usize>();
        self.at_end_of_name(length)?;
        let word = self.rest().get(..length).unwrap_or_default();
        let kind = match word {
            "true" | "false" => Kind::Bool,
            "nil" => Kind::Nil,
            word => KEYWORDS.iter().find(|(known, _)| *known == word).map_or(Kind::Identifier, |(_, keyword)| Kind::Keyword(*keyword)),
        };
        self.push(kind, length);
        Ok(())
    }

    fn number(&mut self) -> Result<(), String> {
        let rest = self.rest();
        let mut before = ' ';
        let length: usize = rest
            .char_indices()
            .take_while(|(index, c)| {
                let sign = matches!(c, '+' | '-') && (*index == 0 || matches!(before, 'e' | 'E' | 'p' | 'P'));
                before = *c;
                sign || is_word(*c) || *c == '.'
            })
            .map(|(_, c)| c.len_utf8())
            .sum();
        if number(rest.get(..length).unwrap_or_default()).is_none() {
            return Err(format!("bad number syntax: {:?}", rest.get(..length).unwrap_or_default()));
        }
        self.push(Kind::Number, length);
        Ok(())
    }
}

fn trims_left(behind: &str) -> bool {
    let mut chars = behind.chars();
    chars.next() == Some('-') && chars.next().is_some_and(is_space)
}

fn trims_right(rest: &str) -> bool {
    let mut chars = rest.chars();
    chars.next().is_some_and(is_space) && chars.next() == Some('-') && rest.get(2..).is_some_and(|rest| rest.starts_with(RIGHT))
}

/// Reads a number as Go writes constants: decimal, `0x`, `0o`, `0b`, with `_` between digits, or a float.
pub(super) fn number(text: &str) -> Option<super::ast::Number> {
    use super::ast::Number;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    let plain = digits.replace('_', "");
    let lower = plain.to_ascii_lowercase();
    let (radix, body) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        _ if lower.len() > 1 && lower.starts_with('0') && lower.bytes().all(|digit| digit.is_ascii_digit()) => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if body.bytes().all(|digit| char::from(digit).is_digit(radix)) && !body.is_empty() {
        let magnitude = u64::from_str_radix(body, radix).ok()?;
        return match i64::try_from(magnitude) {
            Ok(value) => Some(Number::Int(if negative { -value } else { value })),
            Err(_) if negative => (magnitude == i64::MIN.unsigned_abs()).then_some(Number::Int(i64::MIN)),
            Err(_) => Some(Number::Big(magnitude)),
        };
    }
    let float: f64 = if radix == 16 { hex_float(body)? } else { plain.parse().ok().filter(|value: &f64| value.is_finite())? };
    let value = if negative { -float } else { float };
    Some(Number::Float(value))
}

/// `1.8p3` as hexadecimal.
fn hex_float(body: &str) -> Option<f64> {
    let (mantissa, exponent) = body.split_once('p')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let value = u64::from_str_radix(&digits, 16).ok()? as f64;
    let power = exponent.checked_sub(4 * i32::try_from(fraction.len()).ok()?)?;
    Some(value * 2_f64.powi(power)).filter(|value| value.is_finite())
}
