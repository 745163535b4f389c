//! `level`: finds out how severe a line is and sets a label to it. Not one of Promtail's.

use super::logfmt::Pairs;
use super::{Entry, Moment, plain_stage};

/// Keys that say it.
const KEYS: [&str; 7] = ["level", "lvl", "severity", "loglevel", "log_level", "levelname", "log.level"];
/// Words that say it, upper case.
const WORDS: [(&str, &str); 21] = [
    ("TRACE", "trace"),
    ("TRC", "trace"),
    ("DEBUG", "debug"),
    ("DBG", "debug"),
    ("INFO", "info"),
    ("INF", "info"),
    ("INFORMATION", "info"),
    ("NOTICE", "info"),
    ("WARN", "warn"),
    ("WARNING", "warn"),
    ("WRN", "warn"),
    ("ERROR", "error"),
    ("ERR", "error"),
    ("SEVERE", "error"),
    ("CRITICAL", "critical"),
    ("CRIT", "critical"),
    ("ALERT", "critical"),
    ("FATAL", "fatal"),
    ("PANIC", "fatal"),
    ("EMERG", "fatal"),
    ("EMERGENCY", "fatal"),
];
/// How far into a line words are looked for.
const HEAD_BYTES: usize = 256;

/// The stage.
#[derive(Debug, Clone)]
pub(super) struct Level {
    /// The label that is set.
    pub(super) label: String,
    /// A value found before that says it; `None` to look at the line.
    pub(super) source: Option<String>,
}

impl Level {
    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        let found = match &self.source {
            Some(name) => entry.value(name).and_then(of_word),
            None => detect(&entry.text),
        };
        if let Some(level) = found {
            entry.labels.set(&self.label, level);
            entry.extract("level", level);
        }
        true
    }
}

plain_stage!(Level);

/// One of the levels for a word, in upper or lower case.
pub(super) fn of_word(word: &str) -> Option<&'static str> {
    let word = word.trim();
    WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, level)| *level)
}

/// How severe a line is, by a key of JSON or logfmt, or else by the first word near its beginning that says so.
pub(super) fn detect(line: &str) -> Option<&'static str> {
    let head = head(line, HEAD_BYTES * 16);
    if head.trim_start().starts_with('{') {
        let found = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(line).ok().and_then(|map| {
            KEYS.iter().find_map(|key| map.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?.1.as_str().and_then(of_word))
        });
        if found.is_some() {
            return found;
        }
    } else if head.contains('=') {
        let said = Pairs(head).find(|(key, _)| KEYS.iter().any(|known| known.eq_ignore_ascii_case(key)));
        if let Some(level) = said.and_then(|(_, value)| of_word(&value)) {
            return Some(level);
        }
    }
    let head = self::head(line, HEAD_BYTES);
    head.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| (3..=11).contains(&word.len())).find_map(|word| {
        // "error" in the middle of a sentence says little; ERROR, [error] and error: say what they are.
        let is_loud = word.bytes().all(|byte| byte.is_ascii_uppercase());
        let at = word.as_ptr() as usize - head.as_ptr() as usize;
        let before = head[..at].chars().next_back();
        let after = head[at + word.len()..].chars().next();
        let is_marked = matches!((before, after), (Some('['), Some(']')) | (_, Some(':')) | (Some('<'), Some('>')) | (Some('|'), _));
        (is_loud || is_marked).then(|| of_word(word))?
    })
}

fn head(line: &str, bytes: usize) -> &str {
    let mut end = bytes.min(line.len());
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    &line[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_found() {
        for (line, level) in [
            ("", None),
            ("2024-05-01 12:00:00 ERROR boom", Some("error")),
            ("[warning] slow", Some("warn")),
            ("an error occurred in the middle", None),
            ("error: it broke", Some("error")),
            ("level=info msg=\"no error\"", Some("info")),
            ("ts=1 lvl=dbug", None),
            (r#"{"msg":"ERROR in text","level":"debug"}"#, Some("debug")),
            (r#"{"severity":"CRITICAL"}"#, Some("critical")),
            ("I0501 12:00:00 glog", None),
            ("TERRORISM", None),
            ("é PANIC é", Some("fatal")),
        ] {
            assert_eq!(detect(line), level, "{line}");
        }
    }
}
