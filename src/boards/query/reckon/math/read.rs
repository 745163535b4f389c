//! Texts of reckonings, read into terms.

use crate::base::limits::QUERY_BYTES_MAX;

/// How deep terms may stand in each other.
const DEPTH_MAX: usize = 60;

/// What joins two terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Rest,
    Power,
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    And,
    Or,
}

/// What changes a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Abs,
    Log,
    Round,
    Ceil,
    Floor,
    IsNull,
    IsNan,
    IsInf,
    IsNumber,
    Minus,
    Not,
}

/// A part of a reckoning.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    /// A number; none is `null()`.
    Number(Option<f64>),
    /// The answer of a query.
    Letter(String),
    Call(Call, Box<Term>),
    Binary(Binary, Box<Term>, Box<Term>),
}

impl Term {
    /// The letters in it, each once.
    pub(super) fn letters(&self, found: &mut Vec<String>) {
        match self {
            Self::Number(_) => {}
            Self::Letter(letter) if found.contains(letter) => {}
            Self::Letter(letter) => found.push(letter.clone()),
            Self::Call(_, inner) => inner.letters(found),
            Self::Binary(_, left, right) => {
                left.letters(found);
                right.letters(found);
            }
        }
    }
}

/// Signs by how tightly they join, the loosest first; of each kind longer signs come first.
const LEVELS: [&[(&str, Binary)]; 6] = [
    &[("||", Binary::Or)],
    &[("&&", Binary::And)],
    &[
        ("==", Binary::Equal),
        ("!=", Binary::NotEqual),
        (">=", Binary::GreaterEqual),
        ("<=", Binary::LessEqual),
        (">", Binary::Greater),
        ("<", Binary::Less),
    ],
    &[("+", Binary::Add), ("-", Binary::Subtract)],
    &[("*", Binary::Multiply), ("/", Binary::Divide), ("%", Binary::Rest)],
    &[],
];

/// Reads a text.
///
/// # Errors
/// What is wrong and where, in words.
pub(super) fn read(text: &str) -> Result<Term, String> {
    if text.len() > QUERY_BYTES_MAX {
        return Err(format!("the expression has {} bytes, at most {QUERY_BYTES_MAX} are allowed", text.len()));
    }
    if text.trim().is_empty() {
        return Err("there is nothing to reckon, such as $A * 100".to_owned());
    }
    let mut reader = Reader { text, at: 0 };
    let term = reader.level(0, 0)?;
    if reader.rest().is_empty() { Ok(term) } else { Err(reader.wrong("a sign such as + or the end")) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// What comes next, spaces left out.
    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed
    }

    fn wrong(&mut self, expected: &str) -> String {
        let found: String = self.rest().chars().take(20).collect();
        let place = self.text[..self.at].chars().count() + 1;
        if found.is_empty() {
            format!("the expression ends where {expected} should be")
        } else {
            format!("{place}: {expected} should be where \"{found}\" is")
        }
    }

    fn takes(&mut self, sign: &str) -> bool {
        let is = self.rest().starts_with(sign);
        if is {
            self.at += sign.len();
        }
        is
    }

    fn sign(&mut self, level: usize) -> Option<Binary> {
        let rest = self.rest();
        // Two stars are a power, which joins more tightly.
        let found = LEVELS[level].iter().find(|(sign, _)| rest.starts_with(sign) && !(*sign == "*" && rest.starts_with("**")))?;
        self.at += found.0.len();
        Some(found.1)
    }

    fn level(&mut self, level: usize, depth: usize) -> Result<Term, String> {
        if depth > DEPTH_MAX {
            return Err(format!("the expression is more than {DEPTH_MAX} levels deep"));
        }
        if LEVELS[level].is_empty() {
            return self.single(depth);
        }
        let mut left = self.level(level + 1, depth)?;
        let mut joined = 0;
        while let Some(binary) = self.sign(level) {
            let right = self.level(level + 1, depth)?;
            left = Term::Binary(binary, Box::new(left), Box::new(right));
            joined += 1;
            // Terms that stand on each other to the left are as deep as others.
            if joined > QUERY_BYTES_MAX / 64 {
                return Err("the expression joins too many terms".to_owned());
            }
        }
        Ok(left)
    }

    /// A term with its signs in front.
    fn single(&mut self, depth: usize) -> Result<Term, String> {
        if depth > DEPTH_MAX {
            return Err(format!("the expression is more than {DEPTH_MAX} levels deep"));
        }
        if self.takes("-") {
            return Ok(Term::Call(Call::Minus, Box::new(self.single(depth + 1)?)));
        }
        if self.takes("!") {
            return Ok(Term::Call(Call::Not, Box::new(self.single(depth + 1)?)));
        }
        let base = self.atom(depth)?;
        if self.takes("**") {
            return Ok(Term::Binary(Binary::Power, Box::new(base), Box::new(self.single(depth + 1)?)));
        }
        Ok(base)
    }

    fn atom(&mut self, depth: usize) -> Result<Term, String> {
        let rest = self.rest();
        if self.takes("(") {
            let inner = self.level(0, depth + 1)?;
            return if self.takes(")") { Ok(inner) } else { Err(self.wrong("a closing parenthesis")) };
        }
        if let Some(inner) = rest.strip_prefix("${") {
            let name = inner.split_once('}').map(|(name, _)| name).filter(|name| !name.trim().is_empty());
            let name = name.ok_or_else(|| self.wrong("a letter in braces"))?;
            self.at += name.len() + 3;
            return Ok(Term::Letter(name.trim().to_owned()));
        }
        if let Some(inner) = rest.strip_prefix('$') {
            let name = word(inner);
            if name.is_empty() {
                return Err(self.wrong("a letter"));
            }
            self.at += name.len() + 1;
            return Ok(Term::Letter(name.to_owned()));
        }
        match word(rest) {
            name if name.starts_with(|c: char| c.is_ascii_alphabetic()) => self.call(name, depth),
            _ => self.number(),
        }
    }

    fn call(&mut self, name: &str, depth: usize) -> Result<Term, String> {
        let constant = match name {
            "nan" => Some(Term::Number(Some(f64::NAN))),
            "inf" => Some(Term::Number(Some(f64::INFINITY))),
            "infn" => Some(Term::Number(Some(f64::NEG_INFINITY))),
            "null" => Some(Term::Number(None)),
            _ => None,
        };
        let call = match name {
            "abs" => Call::Abs,
            "log" => Call::Log,
            "round" => Call::Round,
            "ceil" => Call::Ceil,
            "floor" => Call::Floor,
            "is_null" => Call::IsNull,
            "is_nan" => Call::IsNan,
            "is_inf" => Call::IsInf,
            "is_number" => Call::IsNumber,
            _ if constant.is_some() => Call::Abs,
            _ => return Err(self.wrong("a number, a letter such as $A or a function such as abs()")),
        };
        self.at += name.len();
        if !self.takes("(") {
            return Err(self.wrong(&format!("the parenthesis of {name}()")));
        }
        let term = match constant {
            Some(constant) => constant,
            None => Term::Call(call, Box::new(self.level(0, depth + 1)?)),
        };
        if self.takes(")") { Ok(term) } else { Err(self.wrong("a closing parenthesis")) }
    }

    fn number(&mut self) -> Result<Term, String> {
        let rest = self.rest();
        if let Some(hex) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
            let digits = &hex[..hex.len() - hex.trim_start_matches(|c: char| c.is_ascii_hexdigit()).len()];
            let value = u64::from_str_radix(digits, 16).map_err(|_| self.wrong("a number"))?;
            self.at += digits.len() + 2;
            return Ok(Term::Number(Some(value as f64)));
        }
        let mut end = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let power = rest[end..].strip_prefix(['e', 'E']).map(|after| after.strip_prefix(['+', '-']).unwrap_or(after));
        if let Some(digits) = power.filter(|after| after.starts_with(|c: char| c.is_ascii_digit())) {
            end = rest.len() - digits.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        }
        let value = rest[..end].parse().map_err(|_| self.wrong("a number, a letter such as $A or a function such as abs()"))?;
        self.at += end;
        Ok(Term::Number(Some(value)))
    }
}

fn word(text: &str) -> &str {
    &text[..text.len() - text.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_with_their_places() {
        for (text, words) in [
            (" ", "nothing to reckon"),
            ("$A +", "ends where a number, a letter"),
            ("1 2", "3: a sign such as + or the end should be where \"2\" is"),
            ("(1", "a closing parenthesis"),
            ("$ + 1", "1: a letter should be"),
            ("${} + 1", "a letter in braces"),
            ("sin(1)", "1: a number, a letter such as $A or a function"),
            ("abs 1", "the parenthesis of abs()"),
            ("0xz", "a number"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
        assert!(read(&"(".repeat(500)).unwrap_err().contains("levels deep"));
        assert!(read(&"-".repeat(500)).unwrap_err().contains("levels deep"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_it(text in "[$AB{}()+*/%!<>=&|. 0-9a-fxé_-]{0,60}") {
            let _read_or_refused = read(&text);
        }
    }
}
