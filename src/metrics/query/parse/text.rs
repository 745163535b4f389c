//! How numbers are read, and how tokens are named in messages (as Go prints them). Strings and durations are those of
//! [`crate::series::literal`].

use super::super::lex::Kind;
use crate::series::labels::quote;
pub use crate::series::literal::{duration, go_rune, go_unicode, holds_raw_bytes, quote_literal, unquote, without_raw_bytes};

/// A token as messages name it.
pub fn describe(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Eof => "end of input".to_owned(),
        Kind::Identifier => format!("identifier {}", quote(text)),
        Kind::MetricIdentifier => format!("metric identifier {}", quote(text)),
        Kind::Number => format!("number {}", shortened(text)),
        Kind::Duration => format!("duration {}", shortened(text)),
        Kind::String => format!("string {}", shortened(text)),
        Kind::Op(_) | Kind::At | Kind::EqualRegex | Kind::NotEqualRegex => format!("<op:{text}>"),
        Kind::Aggregate => format!("<aggr:{text}>"),
        Kind::Keyword(_) => format!("<{text}>"),
        Kind::Comma
        | Kind::Colon
        | Kind::LeftParen
        | Kind::RightParen
        | Kind::LeftBrace
        | Kind::RightBrace
        | Kind::LeftBracket
        | Kind::RightBracket
        | Kind::Equal
        | Kind::Preprocessor(_) => shortened(text),
    }
}

fn shortened(text: &str) -> String {
    if text.len() <= 10 {
        return quote(text);
    }
    let head: String = text.chars().take(10).collect();
    format!("{}...", quote(&head))
}

/// Reads a number as Go does: `0x` hexadecimal, a leading `0` octal where possible, `_` between digits.
pub fn number(text: &str) -> Result<f64, String> {
    let invalid = |why: &str| format!("error parsing number: strconv.ParseFloat: parsing {}: {why}", quote(text));
    if text.eq_ignore_ascii_case("inf") {
        return Ok(f64::INFINITY);
    }
    if text.eq_ignore_ascii_case("nan") {
        return Ok(f64::from_bits(crate::series::sample::NORMAL_NAN_BITS));
    }
    if !underscores_separate_digits(text) {
        return Err(invalid("invalid syntax"));
    }
    let digits: String = text.chars().filter(|&c| c != '_').collect();
    let integer = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => i64::from_str_radix(&digits[2..], 16).ok(),
        [b'0', _, ..] => i64::from_str_radix(&digits[1..], 8).ok(),
        _ => digits.parse::<i64>().ok(),
    };
    if let Some(integer) = integer {
        return Ok(integer as f64);
    }
    match digits.parse::<f64>() {
        Ok(value) if value.is_infinite() => Err(invalid("value out of range")),
        Ok(value) if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') => Ok(value),
        _ => Err(invalid("invalid syntax")),
    }
}

/// `_` must stand between digits; one may stand behind `0x`, and behind the `0` of an octal number.
fn underscores_separate_digits(text: &str) -> bool {
    let (hex, rest) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let is_digit = |c: char| if hex { c.is_ascii_hexdigit() } else { c.is_ascii_digit() };
    let mut last = if hex { '0' } else { '!' };
    for c in rest.chars() {
        let class = if is_digit(c) {
            '0'
        } else if c == '_' {
            '_'
        } else {
            '!'
        };
        if (class == '_' && last != '0') || (class == '!' && last == '_') {
            return false;
        }
        last = class;
    }
    last != '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_go_reads_them() {
        for (text, value) in [
            ("1", 1.0),
            ("0x1f", 31.0),
            ("0X_1F", 31.0),
            ("010", 8.0),
            ("08", 8.0),
            ("0.5", 0.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("1_000_000", 1e6),
            ("1_0.2_5", 10.25),
            ("9223372036854775808", 9_223_372_036_854_775_808.0),
            ("iNf", f64::INFINITY),
        ] {
            assert_eq!(number(text), Ok(value), "{text}");
        }
        assert!(number("NaN").is_ok_and(f64::is_nan));
        assert_eq!(number("1e999").unwrap_err(), "error parsing number: strconv.ParseFloat: parsing \"1e999\": value out of range");
        assert_eq!(number("0x").unwrap_err(), "error parsing number: strconv.ParseFloat: parsing \"0x\": invalid syntax");
        assert!(number("0xffffffffffffffffff").is_err());
    }
}
