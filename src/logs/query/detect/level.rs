//! The level of a line: from a label or field that says so, from the line as JSON or logfmt, from words in it.

use std::borrow::Cow;

use crate::logs::query::stage::json::{Kind, Members};
use crate::logs::query::stage::logfmt::each_pair;
use crate::series::labels::{Labels, LabelsIter};

/// The label that has the level.
pub const LEVEL: &str = "detected_level";
/// The level of a line that says nothing.
pub const UNKNOWN: &str = "unknown";

/// Labels, fields and keys that say the level, the most telling first.
const NAMES: [&str; 14] = [
    "level",
    "LEVEL",
    "Level",
    "log.level",
    "severity",
    "SEVERITY",
    "Severity",
    "SeverityText",
    "lvl",
    "LVL",
    "Lvl",
    "severity_text",
    "Severity_Text",
    "SEVERITY_TEXT",
];
/// Words for levels.
const WORDS: [(&str, &str); 15] = [
    ("trace", "trace"),
    ("trc", "trace"),
    ("debug", "debug"),
    ("dbg", "debug"),
    ("info", "info"),
    ("inf", "info"),
    ("information", "info"),
    ("warn", "warn"),
    ("wrn", "warn"),
    ("warning", "warn"),
    ("error", "error"),
    ("err", "error"),
    ("critical", "critical"),
    ("fatal", "fatal"),
    ("unknown", UNKNOWN),
];
/// Words that are looked for in lines; the first one in the line counts.
const IN_LINES: [(&str, &str); 9] = [
    ("trace", "trace"),
    ("debug", "debug"),
    ("fatal", "fatal"),
    ("critical", "critical"),
    ("error", "error"),
    ("err", "error"),
    ("warning", "warn"),
    ("warn", "warn"),
    ("info", "info"),
];
/// Levels of objects that are looked into.
const DEPTH_MAX: usize = 2;

/// The level of a line: one of `trace`, `debug`, `info`, `warn`, `error`, `critical`, `fatal`, `unknown`, or what a label or
/// field says in other words. `fields` are packed and checked.
pub fn level_of<'a>(stream: &'a Labels, fields: &'a [u8], line: &[u8]) -> Cow<'a, str> {
    let of_field = |wanted: &str| LabelsIter::over_checked(fields).find(|(name, _)| *name == wanted).map(|(_, value)| value);
    if let Some(level) = of_field(LEVEL) {
        return normalized(level);
    }
    if let Some(level) = NAMES.iter().find_map(|name| stream.get(name)) {
        return normalized(level);
    }
    if let Some(level) = NAMES.iter().find_map(|name| of_field(name)) {
        return normalized(level);
    }
    if let Some(number) = of_field("severity_number") {
        return Cow::Borrowed(of_severity(number));
    }
    Cow::Borrowed(of_line(line))
}

/// A level by its usual name; other words stay.
fn normalized(level: &str) -> Cow<'_, str> {
    known(level.as_bytes()).map_or(Cow::Borrowed(level), Cow::Borrowed)
}

fn known(word: &[u8]) -> Option<&'static str> {
    WORDS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes())).map(|(_, level)| *level)
}

/// By OpenTelemetry's numbers.
fn of_severity(number: &str) -> &'static str {
    match number.parse::<i64>() {
        Err(_) => "info",
        Ok(1..=4) => "trace",
        Ok(5..=8) => "debug",
        Ok(9..=12) => "info",
        Ok(13..=16) => "warn",
        Ok(17..=20) => "error",
        Ok(21..=24) => "fatal",
        Ok(_) => UNKNOWN,
    }
}

/// The level that a line's text says.
pub fn of_line(line: &[u8]) -> &'static str {
    let trimmed = line.trim_ascii();
    let said = if trimmed.first() == Some(&b'{') && trimmed.last() == Some(&b'}') {
        of_json(trimmed, &mut 0, 0)
    } else if memchr::memchr(b'=', line).is_some() {
        of_logfmt(line)
    } else {
        None
    };
    said.and_then(known).unwrap_or_else(|| of_words(line))
}

fn of_json<'a>(line: &'a [u8], at: &mut usize, depth: usize) -> Option<&'a [u8]> {
    let mut members = Members::begin(line, at).ok()?;
    while let Some((key, _)) = members.key().ok()? {
        let (kind, range) = members.value().ok()?;
        let value = line.get(range.0..range.1)?;
        match kind {
            Kind::Text if NAMES.iter().any(|name| name.as_bytes() == key) => return Some(value),
            Kind::Object if depth + 1 < DEPTH_MAX => {
                if let Some(found) = of_json(value, &mut 0, depth + 1) {
                    return Some(found);
                }
            }
            _ => {}
        }
        members.end_of_member().ok()?;
    }
    None
}

fn of_logfmt(line: &[u8]) -> Option<&[u8]> {
    let mut best: Option<(usize, &[u8])> = None;
    each_pair(line, |key, value| {
        let rank = NAMES.iter().position(|name| key.eq_ignore_ascii_case(name.as_bytes()));
        if let Some(rank) = rank.filter(|rank| best.is_none_or(|(best, _)| *rank < best)) {
            best = Some((rank, value));
        }
    });
    best.map(|(_, value)| value)
}

/// The first word of the line that is a level.
fn of_words(line: &[u8]) -> &'static str {
    let lower = line.to_ascii_lowercase();
    let mut best = (lower.len(), UNKNOWN);
    for (word, level) in IN_LINES {
        if let Some(at) = word_at(&lower, word.as_bytes()).filter(|at| *at < best.0) {
            best = (at, level);
        }
    }
    best.1
}

/// Where a word stands by itself: what is before and behind it are marks that set words apart. A colon before it makes it
/// part of something (`misc:error`), one behind it does not (`error: …`).
fn word_at(text: &[u8], word: &[u8]) -> Option<usize> {
    let begins =
        |at: usize| at == 0 || matches!(text.get(at - 1), Some(b' ' | b'\t' | b'\n' | b'[' | b'(' | b'{' | b'"' | b'\'' | b'=' | b'|'));
    let ends = |at: usize| {
        let marks = b" \t\n[](){}:,!\"'=|";
        text.get(at).is_none_or(|byte| marks.contains(byte))
    };
    memchr::memmem::find_iter(text, word).find(|at| begins(*at) && ends(at + word.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_fields_go_first() {
        let level = |stream: &[(&str, &str)], fields: &[(&str, &str)], line: &str| {
            let (stream, fields) = (Labels::from_pairs(stream.iter().copied()), Labels::from_pairs(fields.iter().copied()));
            level_of(&stream, fields.packed(), line.as_bytes()).into_owned()
        };
        assert_eq!(level(&[("level", "WARNING")], &[], "error"), "warn");
        assert_eq!(level(&[("level", "info")], &[("detected_level", "ERR")], ""), "error");
        assert_eq!(level(&[], &[("severity", "notice")], "error"), "notice");
        assert_eq!(level(&[], &[("severity_number", "17")], ""), "error");
        assert_eq!(level(&[], &[], "level=debug"), "debug");
    }

    #[test]
    fn lines_say_their_level() {
        for (line, level) in [
            (r#"{"msg":"error","level":"info"}"#, "info"),
            (r#"{"a":{"severity":"Fatal"},"msg":"x"}"#, "fatal"),
            (r#"{"a":{"b":{"level":"fatal"}},"msg":"warn: x"}"#, "fatal"),
            (r#"{"a":{"b":{"lev":"x"}},"msg":"warn: x"}"#, "warn"),
            ("ts=1 LVL=WRN msg=\"error\"", "warn"),
            ("severity=info level=debug", "debug"),
            ("2026-01-01 ERROR something", "error"),
            ("[warning] x error", "warn"),
            ("terror informed misc:error x-error", UNKNOWN),
            ("an information", UNKNOWN),
            ("x=1 nothing", UNKNOWN),
            ("", UNKNOWN),
            ("a=b panic: ERR", "error"),
        ] {
            assert_eq!(of_line(line.as_bytes()), level, "{line}");
        }
    }
}
