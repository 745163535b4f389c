//! The newer syntax of matchers: any UTF-8 in names and values, between quotes where it is needed.

use super::{MatchOp, Matcher, MatcherError, is_reserved};

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Op(MatchOp),
    /// A name or value, quotes resolved.
    Text(String),
}

/// `a=b, "c d"=~"e"`, with or without braces around, with or without a comma at the end.
pub(super) fn matchers(text: &str) -> Result<Vec<Matcher>, MatcherError> {
    let tokens = scan(text)?;
    let (has_open, rest) = match tokens.split_first() {
        Some(((_, Token::Open), rest)) => (true, rest),
        _ => (false, tokens.as_slice()),
    };
    let mut tokens = rest.iter();
    let mut matchers = Vec::new();
    let fail = |at: usize, what: &str| Err(MatcherError(format!("column {at}: {what}")));
    let end = text.chars().count();
    loop {
        // Here a matcher begins, or the end.
        let name = match tokens.next() {
            Some((_, Token::Text(name))) => name,
            Some((_, Token::Close)) if has_open => break,
            Some((at, Token::Close)) => return fail(*at, "expected opening brace"),
            Some((at, _)) => return fail(*at, "expected label name"),
            None if has_open => return fail(end, "expected close brace"),
            None => return Ok(matchers),
        };
        let op = match tokens.next() {
            Some((_, Token::Op(op))) => *op,
            other => return fail(other.map_or(end, |(at, _)| *at), "expected an operator such as '=', '!=', '=~' or '!~'"),
        };
        let value = match tokens.next() {
            Some((_, Token::Text(value))) => value,
            other => return fail(other.map_or(end, |(at, _)| *at), "expected label value"),
        };
        matchers.push(Matcher::new(name, op, value)?);
        match tokens.next() {
            Some((_, Token::Comma)) => {}
            Some((_, Token::Close)) if has_open => break,
            Some((at, Token::Close)) => return fail(*at, "expected opening brace"),
            Some((at, _)) => return fail(*at, "expected a comma or close brace"),
            None if has_open => return fail(end, "expected close brace"),
            None => return Ok(matchers),
        }
    }
    match tokens.next() {
        Some((at, _)) => fail(*at, "expected end of input"),
        None => Ok(matchers),
    }
}

/// Exactly one matcher, without braces.
pub(super) fn matcher(text: &str) -> Result<Matcher, MatcherError> {
    let mut found = matchers(text)?;
    match (found.pop(), found.len()) {
        (None, _) => Err(MatcherError("no matchers".to_owned())),
        (Some(only), 0) => Ok(only),
        (Some(_), more) => Err(MatcherError(format!("expected 1 matcher, found {}", more + 1))),
    }
}

/// The tokens, each with the column where it begins, from 0.
fn scan(text: &str) -> Result<Vec<(usize, Token)>, MatcherError> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = characters.get(at) {
        let begin = at;
        let next = characters.get(at + 1).copied();
        let token = match (c, next) {
            ('{', _) => Token::Open,
            ('}', _) => Token::Close,
            (',', _) => Token::Comma,
            ('=', Some('~')) => Token::Op(MatchOp::Regex),
            ('=', _) => Token::Op(MatchOp::Equal),
            ('!', Some('=')) => Token::Op(MatchOp::NotEqual),
            ('!', Some('~')) => Token::Op(MatchOp::NotRegex),
            ('"', _) => {
                let length = quoted_len(&characters[at..]).ok_or_else(|| MatcherError(format!("column {begin}: missing end \"")))?;
                let raw: String = characters[at..at + length].iter().collect();
                at += length;
                let invalid = || MatcherError(format!("column {begin}: {raw}: invalid input"));
                tokens.push((begin, Token::Text(unquote(&raw).ok_or_else(invalid)?)));
                continue;
            }
            (c, _) if c.is_whitespace() => {
                at += 1;
                continue;
            }
            (c, _) if is_reserved(c) => return Err(MatcherError(format!("column {begin}: {c}: invalid input"))),
            _ => {
                let length = characters[at..].iter().take_while(|c| !is_reserved(**c)).count();
                tokens.push((begin, Token::Text(characters[at..at + length].iter().collect())));
                at += length;
                continue;
            }
        };
        at += if matches!(token, Token::Op(MatchOp::Regex | MatchOp::NotEqual | MatchOp::NotRegex)) { 2 } else { 1 };
        tokens.push((begin, token));
    }
    Ok(tokens)
}

/// How many characters a text between quotes takes, quotes included.
fn quoted_len(characters: &[char]) -> Option<usize> {
    let mut is_escaped = false;
    for (at, c) in characters.iter().enumerate().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// What a Go text between double quotes means.
fn unquote(raw: &str) -> Option<String> {
    let body = raw.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(body.len());
    let mut characters = body.chars();
    while let Some(c) = characters.next() {
        if c == '\n' {
            return None;
        }
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let simple = match characters.next()? {
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 11,
            '\\' => b'\\',
            '"' => b'"',
            'x' => u8::try_from(digits(&mut characters, 2, 16)?).ok()?,
            'u' => {
                let c = char::from_u32(digits(&mut characters, 4, 16)?)?;
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            'U' => {
                let c = char::from_u32(digits(&mut characters, 8, 16)?)?;
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            first @ '0'..='7' => {
                let rest = digits(&mut characters, 2, 8)?;
                u8::try_from(first.to_digit(8)? * 64 + rest).ok()?
            }
            _ => return None,
        };
        bytes.push(simple);
    }
    String::from_utf8(bytes).ok()
}

fn digits(characters: &mut std::str::Chars<'_>, count: usize, radix: u32) -> Option<u32> {
    (0..count).try_fold(0, |value, _| Some(value * radix + characters.next()?.to_digit(radix)?))
}
