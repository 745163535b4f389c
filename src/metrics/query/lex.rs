//! Splits the text of a query into tokens that know where they stand.
//!
//! What a character means depends on where it stands: words inside `{…}` are never keywords, and inside `[…]`
//! only durations and their arithmetic are allowed. The messages are upstream's, for clients that show them.

mod token;

use super::ast::Span;
use super::parse::text::{go_rune, go_unicode};
use token::duration_word;

pub use token::{Keyword, Kind, LexError, Op, Preprocessor, Token, keyword};

const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

const fn is_alpha(c: char) -> bool {
    c == '_' || c.is_ascii_alphabetic()
}

const fn is_alphanumeric(c: char) -> bool {
    is_alpha(c) || c.is_ascii_digit()
}

/// What a character that cannot be read (the end of the text) shows as.
const END: char = '\u{fffd}';

/// Reads one token after the other.
#[derive(Debug)]
pub struct Lexer<'a> {
    text: &'a str,
    at: usize,
    start: usize,
    paren_depth: usize,
    in_braces: bool,
    in_brackets: bool,
    /// Inside of brackets and before the first number: only what a duration is made of may follow.
    in_duration: bool,
    got_colon: bool,
    got_duration: bool,
}

type Lexed = Result<Kind, String>;

impl<'a> Lexer<'a> {
    /// At the start of `text`.
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            start: 0,
            paren_depth: 0,
            in_braces: false,
            in_brackets: false,
            in_duration: false,
            got_colon: false,
            got_duration: false,
        }
    }

    /// The next token, [`Kind::Eof`] at the end and ever after.
    pub fn next_token(&mut self) -> Result<Token, LexError> {
        self.skip_blank();
        self.start = self.at;
        let lexed = if self.in_braces {
            self.inside_braces()
        } else if self.in_duration {
            self.inside_duration()
        } else {
            self.statement()
        };
        match lexed {
            Ok(kind) => Ok(Token { kind, span: Span { start: self.start as u32, end: self.at as u32 } }),
            Err(message) => Err(LexError { span: Span { start: self.start as u32, end: self.text.len() as u32 }, message }),
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn accept(&mut self, want: impl Fn(char) -> bool) -> bool {
        match self.peek() {
            Some(c) if want(c) => {
                self.at += c.len_utf8();
                true
            }
            _ => false,
        }
    }

    fn accept_run(&mut self, want: impl Fn(char) -> bool) {
        while self.accept(&want) {}
    }

    fn word(&self) -> &'a str {
        self.text.get(self.start..self.at).unwrap_or("")
    }

    /// White space, and comments where they may stand.
    fn skip_blank(&mut self) {
        loop {
            self.accept_run(is_space);
            if self.in_duration || self.peek() != Some('#') {
                return;
            }
            self.accept_run(|c| c != '\n' && c != '\r');
        }
    }

    fn statement(&mut self) -> Lexed {
        let Some(c) = self.bump() else { return self.end() };
        Ok(match c {
            ',' => Kind::Comma,
            '*' => Kind::Op(Op::Mul),
            '/' => Kind::Op(Op::Div),
            '%' => Kind::Op(Op::Mod),
            '+' => Kind::Op(Op::Add),
            '-' => Kind::Op(Op::Sub),
            '^' => Kind::Op(Op::Pow),
            '=' if self.accept(|c| c == '=') => Kind::Op(Op::Eq),
            '=' if self.peek() == Some('~') => return Err("unexpected character after '=': '~'".to_owned()),
            '=' => Kind::Equal,
            '!' if self.accept(|c| c == '=') => Kind::Op(Op::Ne),
            '!' => return Err(format!("unexpected character after '!': {}", go_rune(self.peek().unwrap_or(END)))),
            '<' if self.accept(|c| c == '=') => Kind::Op(Op::Le),
            '<' if self.accept(|c| c == '/') => Kind::Op(Op::TrimUpper),
            '<' => Kind::Op(Op::Lt),
            '>' if self.accept(|c| c == '=') => Kind::Op(Op::Ge),
            '>' if self.accept(|c| c == '/') => Kind::Op(Op::TrimLower),
            '>' => Kind::Op(Op::Gt),
            '0'..='9' => return self.number_or_duration(),
            '.' if self.peek().is_some_and(|c| c.is_ascii_digit()) => return self.number_or_duration(),
            '"' | '\'' => return self.quoted(c),
            '`' => return self.raw_quoted(),
            '(' => self.open_paren(),
            ')' => return self.close_paren(),
            '{' => {
                self.in_braces = true;
                Kind::LeftBrace
            }
            '[' => return self.open_bracket(),
            ']' if self.in_brackets => {
                self.in_brackets = false;
                Kind::RightBracket
            }
            ']' => return Err("unexpected right bracket ']'".to_owned()),
            '@' => Kind::At,
            c if is_alpha(c) || c == ':' => return if self.in_brackets { self.word_in_brackets(c) } else { Ok(self.name_or_keyword()) },
            c => return Err(format!("unexpected character: {}", go_rune(c))),
        })
    }

    fn end(&self) -> Lexed {
        if self.paren_depth != 0 {
            Err("unclosed left parenthesis".to_owned())
        } else if self.in_brackets {
            Err("unclosed left bracket".to_owned())
        } else {
            Ok(Kind::Eof)
        }
    }

    fn open_paren(&mut self) -> Kind {
        self.paren_depth += 1;
        Kind::LeftParen
    }

    fn close_paren(&mut self) -> Lexed {
        if self.paren_depth == 0 {
            // Upstream complains behind the parenthesis.
            self.start = self.at;
            return Err("unexpected right parenthesis ')'".to_owned());
        }
        self.paren_depth -= 1;
        Ok(Kind::RightParen)
    }

    fn open_bracket(&mut self) -> Lexed {
        if self.in_brackets {
            return Err("unexpected left bracket '['".to_owned());
        }
        self.in_brackets = true;
        self.in_duration = true;
        self.got_colon = false;
        self.got_duration = false;
        Ok(Kind::LeftBracket)
    }

    /// After the first number inside of brackets.
    fn word_in_brackets(&mut self, first: char) -> Lexed {
        if first == ':' {
            if self.got_colon {
                return Err("unexpected colon ':'".to_owned());
            }
            self.got_colon = true;
            return Ok(Kind::Colon);
        }
        self.scan_duration_word().ok_or_else(|| format!("unexpected character: {}, expected ':'", go_rune(first)))
    }

    fn scan_duration_word(&mut self) -> Option<Kind> {
        let first = self.word().chars().next()?.to_ascii_lowercase();
        if !matches!(first, 's' | 'r' | 'm') {
            return None;
        }
        self.accept_run(is_alpha);
        duration_word(self.word().to_ascii_lowercase().as_bytes()).map(Kind::Preprocessor)
    }

    fn inside_duration(&mut self) -> Lexed {
        let Some(c) = self.bump() else { return Err("unexpected end of input in duration expression".to_owned()) };
        Ok(match c {
            ']' => {
                self.in_brackets = false;
                self.in_duration = false;
                Kind::RightBracket
            }
            ':' if !self.got_duration => return Err("unexpected colon before duration in duration expression".to_owned()),
            ':' if self.got_colon => return Err("unexpected repeated colon in duration expression".to_owned()),
            ':' => {
                self.got_colon = true;
                Kind::Colon
            }
            '(' => self.open_paren(),
            ')' => return self.close_paren(),
            '+' => Kind::Op(Op::Add),
            '-' => Kind::Op(Op::Sub),
            '*' => Kind::Op(Op::Mul),
            '/' => Kind::Op(Op::Div),
            '%' => Kind::Op(Op::Mod),
            '^' => Kind::Op(Op::Pow),
            ',' => Kind::Comma,
            '0'..='9' => return self.first_number(),
            '.' if self.peek().is_some_and(|c| c.is_ascii_digit()) => return self.first_number(),
            c => match self.scan_duration_word() {
                Some(kind) => {
                    self.got_duration = true;
                    kind
                }
                None => return Err(format!("unexpected character in duration expression: {}", go_rune(c))),
            },
        })
    }

    fn first_number(&mut self) -> Lexed {
        self.in_duration = false;
        self.got_duration = true;
        self.number_or_duration()
    }

    fn inside_braces(&mut self) -> Lexed {
        let Some(c) = self.bump() else { return Err("unexpected end of input inside braces".to_owned()) };
        Ok(match c {
            c if is_alpha(c) => {
                self.accept_run(is_alphanumeric);
                Kind::Identifier
            }
            ',' => Kind::Comma,
            '"' | '\'' => return self.quoted(c),
            '`' => return self.raw_quoted(),
            '=' if self.accept(|c| c == '~') => Kind::EqualRegex,
            '=' => Kind::Equal,
            '!' => match self.bump() {
                Some('~') => Kind::NotEqualRegex,
                Some('=') => Kind::Op(Op::Ne),
                other => return Err(format!("unexpected character after '!' inside braces: {}", go_rune(other.unwrap_or(END)))),
            },
            '{' => return Err("unexpected left brace '{'".to_owned()),
            '}' => {
                self.in_braces = false;
                Kind::RightBrace
            }
            c => return Err(format!("unexpected character inside braces: {}", go_rune(c))),
        })
    }

    fn name_or_keyword(&mut self) -> Kind {
        self.accept_run(|c| is_alphanumeric(c) || c == ':');
        let word = self.word();
        match keyword(word) {
            // Names long before they became keywords, so they are keywords only with a parenthesis behind.
            Some(Kind::Keyword(Keyword::Fill | Keyword::FillLeft | Keyword::FillRight))
                if !self.rest().trim_start_matches(is_space).starts_with('(') =>
            {
                Kind::Identifier
            }
            Some(kind) => kind,
            None if word.contains(':') => Kind::MetricIdentifier,
            None => Kind::Identifier,
        }
    }

    fn number_or_duration(&mut self) -> Lexed {
        self.at = self.start;
        if self.scan_number() {
            return Ok(Kind::Number);
        }
        if self.scan_duration_rest() {
            return Ok(Kind::Duration);
        }
        Err(format!("bad number or duration syntax: {}", crate::series::labels::quote(self.word())))
    }

    /// Reads what may be a number; false where the text goes on as no number can, with `at` behind the offence.
    fn scan_number(&mut self) -> bool {
        let hex = self.accept(|c| c == '0') && self.accept(|c| matches!(c, 'x' | 'X'));
        if hex {
            self.accept(|c| c == '_');
        }
        let is_digit = |c: char| if hex { c.is_ascii_hexdigit() } else { c.is_ascii_digit() };
        let (mut got_dot, mut got_exponent) = (false, false);
        self.accept(|c| c == '.');
        self.accept(is_digit);
        while let Some(c) = self.peek().filter(|&c| is_digit(c) || matches!(c, '.' | '_' | 'e' | 'E')) {
            match c {
                '.' => {
                    self.at += 1;
                    if got_dot || self.accept(|c| matches!(c, '_' | '.')) || hex {
                        return false;
                    }
                    got_dot = true;
                }
                'e' | 'E' => {
                    self.at += 1;
                    if got_exponent {
                        return false;
                    }
                    got_exponent = true;
                    self.accept(|c| matches!(c, '+' | '-'));
                    if self.accept(|c| matches!(c, '.' | '_' | 'e' | 'E')) || self.peek().is_none() {
                        return false;
                    }
                }
                '_' => {
                    self.at += 1;
                    if self.accept(|c| matches!(c, '.' | '_' | 'e' | 'E')) || self.peek().is_none() {
                        return false;
                    }
                }
                _ => self.accept_run(is_digit),
            }
        }
        !self.peek().is_some_and(is_alphanumeric)
    }

    /// Reads on behind digits: units, and more digits with units.
    fn scan_duration_rest(&mut self) -> bool {
        if !self.accept(|c| matches!(c, 's' | 'm' | 'h' | 'd' | 'w' | 'y')) {
            return false;
        }
        // Nonsense such as `hs` is refused when the duration is read.
        self.accept(|c| c == 's');
        while self.accept(|c| c.is_ascii_digit()) {
            self.accept_run(|c| c.is_ascii_digit());
            if !self.accept(|c| matches!(c, 's' | 'm' | 'h' | 'd' | 'w')) {
                return false;
            }
            self.accept(|c| c == 's');
        }
        // Upstream's message includes the character that does not fit.
        !self.accept(is_alphanumeric)
    }

    fn raw_quoted(&mut self) -> Lexed {
        loop {
            match self.bump() {
                None => return Err("unterminated raw string".to_owned()),
                Some('`') => return Ok(Kind::String),
                Some(END) => return Err("invalid UTF-8 rune".to_owned()),
                Some(_) => {}
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Lexed {
        loop {
            match self.bump() {
                None | Some('\n') => return Err("unterminated quoted string".to_owned()),
                Some('\\') => self.escape(quote)?,
                Some(END) => return Err("invalid UTF-8 rune".to_owned()),
                Some(c) if c == quote => return Ok(Kind::String),
                Some(_) => {}
            }
        }
    }

    /// Behind a backslash.
    fn escape(&mut self, quote: char) -> Result<(), String> {
        let (count, base, max) = match self.peek() {
            None => return Err("escape sequence not terminated".to_owned()),
            Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\') => {
                self.at += 1;
                return Ok(());
            }
            Some(c) if c == quote => {
                self.at += 1;
                return Ok(());
            }
            Some('0'..='7') => (3, 8, 255),
            Some('x') => (2, 16, 255),
            Some('u') => (4, 16, 0x0010_ffff),
            Some('U') => (8, 16, 0x0010_ffff),
            Some(c) => return Err(format!("unknown escape sequence {}", go_unicode(c))),
        };
        if base == 16 {
            self.at += 1;
        }
        let mut value: u32 = 0;
        for _ in 0..count {
            let Some(c) = self.bump() else { return Err("escape sequence not terminated".to_owned()) };
            let Some(digit) = c.to_digit(base) else {
                return Err(format!("illegal character {} in escape sequence", go_unicode(c)));
            };
            value = value.wrapping_mul(base).wrapping_add(digit);
        }
        if value > max || (0xd800..0xe000).contains(&value) {
            return Err("escape sequence is an invalid Unicode code point".to_owned());
        }
        Ok(())
    }
}
