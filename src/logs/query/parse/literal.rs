//! What stands within strings and numbers: paths, patterns, addresses, templates, numbers.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::{Parsed, Parser, Token};
use crate::logs::query::ast::{BinaryOp, IpPattern, PathStep, Pattern, PatternPart};
use crate::logs::query::convert;
use crate::logs::query::lex::Kind;

impl Parser<'_> {
    /// A number with or without a sign.
    pub(super) fn signed_number(&mut self) -> Parsed<f64> {
        let negative = self.accept(Kind::Op(BinaryOp::Sub))?;
        if !negative {
            self.accept(Kind::Op(BinaryOp::Add))?;
        }
        let token = self.expect(Kind::Number, &["NUMBER"])?;
        let value = self.number_value(token, "literal")?;
        Ok(if negative { -value } else { value })
    }

    /// The value of a number; `what` is for the message.
    pub(super) fn number_value(&self, token: Token, what: &str) -> Parsed<f64> {
        let written = self.written(token);
        let digits = if written.contains('_') { written.replace('_', "") } else { written.to_owned() };
        convert::parse_float(&digits).or_else(|reason| self.fail(token.span, format!("unable to parse {what} as a float: {reason}")))
    }
}

/// `a.b[0]["c d"]` of `json`, or why it is no path.
pub fn json_path(text: &str) -> Result<Vec<PathStep>, String> {
    let mut path = Vec::new();
    let mut rest = skip_blank(text);
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (step, after) = bracketed(skip_blank(inside))?;
            path.push(step);
            rest = skip_blank(after).strip_prefix(']').ok_or("unexpected end, expecting ]")?;
        } else {
            let field = match rest.strip_prefix('.') {
                Some(_) if path.is_empty() => return Err("unexpected .".to_owned()),
                Some(after) => skip_blank(after),
                None if path.is_empty() => rest,
                None => return Err(format!("unexpected {}", first_char(rest))),
            };
            let (name, after) = field_name(field)?;
            path.push(PathStep::Field(name.into()));
            rest = after;
        }
        rest = skip_blank(rest);
    }
    if path.is_empty() { Err("it is empty".to_owned()) } else { Ok(path) }
}

fn bracketed(inside: &str) -> Result<(PathStep, &str), String> {
    if let Some(quoted) = inside.strip_prefix('"') {
        let end = quoted.find('"').ok_or("key is not terminated")?;
        return Ok((PathStep::Field(quoted.get(..end).unwrap_or("").into()), quoted.get(end + 1..).unwrap_or("")));
    }
    let after = inside.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = inside.get(..inside.len() - after.len()).unwrap_or("");
    if digits.is_empty() {
        return Err(format!("unexpected {}, expecting a key in quotes or an index", first_char(inside)));
    }
    let index = digits.parse::<u64>().ok().filter(|&index| i64::try_from(index).is_ok());
    Ok((PathStep::Index(index.ok_or("index is too large")?), after))
}

fn field_name(text: &str) -> Result<(&str, &str), String> {
    if !text.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic()) {
        return Err(format!("unexpected {}", first_char(text)));
    }
    let after = text.trim_start_matches(|c: char| c == '_' || c.is_ascii_alphanumeric());
    Ok(text.split_at(text.len() - after.len()))
}

/// The key of `logfmt`, bare or in quotes, or why it is none. Upstream cannot name keys with dots and the like; any text is a
/// key here.
pub fn logfmt_path(text: &str) -> Result<Vec<PathStep>, String> {
    let text = text.trim_matches([' ', '\t', '\n']);
    let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    if key.is_empty() { Err("it is empty".to_owned()) } else { Ok(vec![PathStep::Field(key.into())]) }
}

fn skip_blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n'])
}

fn first_char(text: &str) -> String {
    text.chars().next().map_or_else(|| "end".to_owned(), |c| format!("'{c}'"))
}

/// Splits `<ip> - <_> "<method> …"`.
fn pattern_parts(text: &str) -> Vec<PatternPart> {
    let mut parts = Vec::new();
    let (mut rest, mut literal) = (text, String::new());
    while let Some(c) = rest.chars().next() {
        if let Some((name, after)) = capture(rest) {
            if !literal.is_empty() {
                parts.push(PatternPart::Literal(std::mem::take(&mut literal).into()));
            }
            parts.push(if name == "_" { PatternPart::Skip } else { PatternPart::Capture(name.into()) });
            rest = after;
        } else {
            literal.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or("");
        }
    }
    if !literal.is_empty() {
        parts.push(PatternPart::Literal(literal.into()));
    }
    parts
}

/// The name of a `<capture>` that begins here, and what follows.
fn capture(text: &str) -> Option<(&str, &str)> {
    let (name, after) = field_name(text.strip_prefix('<')?).ok()?;
    Some((name, after.strip_prefix('>')?))
}

fn check_neighbours(parts: &[PatternPart]) -> Result<(), String> {
    let written = |part: &PatternPart| match part {
        PatternPart::Literal(_) => None,
        PatternPart::Capture(name) => Some(format!("<{name}>")),
        PatternPart::Skip => Some("<_>".to_owned()),
    };
    for pair in parts.windows(2) {
        if let [Some(left), Some(right)] = [written(&pair[0]), written(&pair[1])] {
            return Err(format!("found consecutive capture '{left}{right}': invalid expression"));
        }
    }
    Ok(())
}

/// The pattern of `| pattern`, or why it is none.
pub fn parser_pattern(text: &str) -> Result<Pattern, String> {
    let parts = pattern_parts(text);
    let names: Vec<&Arc<str>> = parts
        .iter()
        .filter_map(|part| match part {
            PatternPart::Capture(name) => Some(name),
            _ => None,
        })
        .collect();
    if names.is_empty() {
        return Err("at least one capture is required".to_owned());
    }
    check_neighbours(&parts)?;
    let mut seen = HashSet::new();
    if let Some(name) = names.iter().find(|name| !seen.insert(**name)) {
        return Err(format!("duplicate capture name ({name}): invalid expression"));
    }
    Ok(Pattern { text: text.into(), parts })
}

/// The pattern of `|>` and `!>`, or why it is none.
pub fn line_pattern(text: &str) -> Result<Pattern, String> {
    let parts = pattern_parts(text);
    check_neighbours(&parts)?;
    for part in &parts {
        if let PatternPart::Capture(name) = part {
            return Err(format!("named captures are not allowed: found '<{name}>'"));
        }
    }
    Ok(Pattern { text: text.into(), parts })
}

/// One address, two with a dash between, or an address and a prefix length; else a pattern that is not valid.
pub fn ip_pattern(text: &str) -> IpPattern {
    let never: (IpAddr, IpAddr) = (Ipv4Addr::BROADCAST.into(), Ipv4Addr::UNSPECIFIED.into());
    let (first, last) = addresses(text).unwrap_or(never);
    IpPattern { text: text.into(), first, last }
}

fn addresses(text: &str) -> Option<(IpAddr, IpAddr)> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some((address, address));
    }
    if let Some((address, bits)) = text.rsplit_once('/') {
        let canonical = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit()) && (bits.len() == 1 || !bits.starts_with('0'));
        let bits: u32 = canonical.then(|| bits.parse().ok())??;
        return match address.parse().ok()? {
            IpAddr::V4(address) if bits <= 32 => {
                let (host, address) = (u32::MAX.checked_shr(bits).unwrap_or(0), u32::from(address));
                Some((Ipv4Addr::from(address & !host).into(), Ipv4Addr::from(address | host).into()))
            }
            IpAddr::V6(address) if bits <= 128 => {
                let (host, address) = (u128::MAX.checked_shr(bits).unwrap_or(0), u128::from(address));
                Some((Ipv6Addr::from(address & !host).into(), Ipv6Addr::from(address | host).into()))
            }
            _ => None,
        };
    }
    let (first, last) = text.split_once('-')?;
    let (first, last): (IpAddr, IpAddr) = (first.parse().ok()?, last.parse().ok()?);
    (first.is_ipv4() == last.is_ipv4() && first <= last).then_some((first, last))
}

/// Whether every action of a Go template (`{{ … }}`) is closed, with strings inside of it closed too. Says why not. What
/// an action says is for whoever evaluates to check.
pub fn check_template(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some((_, action)) = rest.split_once("{{") {
        let trimmed = action.trim_start_matches("- ").trim_start();
        rest = match trimmed.strip_prefix("/*") {
            Some(comment) => comment.split_once("*/").ok_or("unclosed comment")?.1.split_once("}}").ok_or("unclosed action")?.1,
            None => behind_action(action)?,
        };
    }
    Ok(())
}

/// What follows the `}}` of an action.
fn behind_action(action: &str) -> Result<&str, String> {
    let mut chars = action.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '}' if action.get(at..).is_some_and(|rest| rest.starts_with("}}")) => return Ok(action.get(at + 2..).unwrap_or("")),
            '`' => {
                chars.find(|&(_, c)| c == '`').ok_or("unterminated raw quoted string")?;
            }
            '"' | '\'' => loop {
                match chars.next() {
                    Some((_, '\\')) => {
                        chars.next();
                    }
                    Some((_, inside)) if inside == c => break,
                    Some((_, inside)) if inside != '\n' => {}
                    _ => return Err("unterminated quoted string".to_owned()),
                }
            },
            _ => {}
        }
    }
    Err("unclosed action".to_owned())
}
