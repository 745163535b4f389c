//! How severe a line is: from labels and fields that say it, from a level key of JSON or logfmt, else from the first word
//! that is a level. One set of rules for lines that come in and for those that were found.
//!
//! Runs on every line that comes in, so it looks at the beginning of a line only and allocates nothing.

use memchr::{memchr, memchr2};

/// Bytes of a line that are searched for a level key.
const KEYED_BYTES_MAX: usize = 4096;
/// Bytes of a line that are searched for a word such as `ERROR`.
const WORDS_BYTES_MAX: usize = 256;
/// Longest word that can be a level.
const WORD_BYTES_MAX: usize = 11;

/// How severe a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineLevel {
    /// Nothing was found.
    #[default]
    Unknown,
    /// Finer than debugging.
    Trace,
    /// For developers.
    Debug,
    /// Ordinary.
    Info,
    /// Worth a look.
    Warn,
    /// Something failed.
    Error,
    /// Something important failed.
    Critical,
    /// The program ends.
    Fatal,
}

impl LineLevel {
    /// All.
    pub const ALL: [Self; 8] = [Self::Unknown, Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Critical, Self::Fatal];

    /// Its word, as Loki's `detected_level` has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Fatal => "fatal",
        }
    }

    /// From one of the words that programs use, in upper or lower case.
    pub fn from_word(word: &[u8]) -> Option<Self> {
        if word.len() > WORD_BYTES_MAX || word.is_empty() {
            return None;
        }
        let mut lower = [0u8; WORD_BYTES_MAX];
        for (to, byte) in lower.iter_mut().zip(word) {
            *to = byte.to_ascii_lowercase();
        }
        Some(match &lower[..word.len()] {
            b"trace" | b"trc" | b"verbose" | b"finest" => Self::Trace,
            b"debug" | b"dbg" | b"debu" => Self::Debug,
            b"info" | b"inf" | b"information" | b"notice" => Self::Info,
            b"warn" | b"warning" | b"wrn" => Self::Warn,
            b"error" | b"err" | b"eror" | b"severe" => Self::Error,
            b"critical" | b"crit" | b"alert" | b"crt" => Self::Critical,
            b"fatal" | b"panic" | b"emerg" | b"emergency" | b"ftl" => Self::Fatal,
            _ => return None,
        })
    }

    /// From the value of a key: a word, or a number as pino and bunyan (10 to 60) write them.
    pub fn from_value(value: &[u8]) -> Option<Self> {
        Self::from_word(value).or(match value {
            b"10" => Some(Self::Trace),
            b"20" => Some(Self::Debug),
            b"30" => Some(Self::Info),
            b"40" => Some(Self::Warn),
            b"50" => Some(Self::Error),
            b"60" => Some(Self::Fatal),
            _ => None,
        })
    }

    /// From labels or fields: the best name that has a level, the last of equal ones, else OpenTelemetry's number.
    pub fn of_fields<'f>(fields: impl Iterator<Item = (&'f [u8], &'f [u8])>) -> Option<Self> {
        let mut best = Best::default();
        let mut number = None;
        for (name, value) in fields {
            if let Some(rank) = level_rank(name) {
                best.offer(rank, true, || Self::from_value(value));
            } else if name == SEVERITY_NUMBER {
                number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            }
        }
        let by_number = || number.map(Self::from_otel_number).filter(|level| *level != Self::Unknown);
        best.level.or_else(by_number)
    }

    /// From a number of OpenTelemetry's scale, 1 to 24.
    pub fn from_otel_number(number: i64) -> Self {
        match number {
            1..=4 => Self::Trace,
            5..=8 => Self::Debug,
            9..=12 => Self::Info,
            13..=16 => Self::Warn,
            17..=20 => Self::Error,
            21..=24 => Self::Fatal,
            _ => Self::Unknown,
        }
    }

    /// From a line.
    pub fn of_line(line: &[u8]) -> Self {
        let start = line.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(line.len());
        let line = &line[start..];
        let keyed = &line[..line.len().min(KEYED_BYTES_MAX)];
        let by_key = if keyed.first() == Some(&b'{') { json_level(keyed) } else { logfmt_level(keyed) };
        by_key.or_else(|| first_word(&line[..line.len().min(WORDS_BYTES_MAX)])).unwrap_or_default()
    }
}

/// The field that holds OpenTelemetry's number.
const SEVERITY_NUMBER: &[u8] = b"severity_number";

/// How well the name of a label, a field or a key says that it is the level, 0 being best, in upper or lower case; `None` if
/// it says something else.
fn level_rank(name: &[u8]) -> Option<usize> {
    const NAMES: [&[u8]; 11] = [
        b"level",
        b"log.level",
        b"log_level",
        b"loglevel",
        b"severity",
        b"severitytext",
        b"lvl",
        b"severity_text",
        b"levelname",
        b"level_name",
        b"detected_level",
    ];
    if !(3..=14).contains(&name.len()) {
        return None;
    }
    NAMES.iter().position(|known| name.eq_ignore_ascii_case(known))
}

/// The best level seen so far.
#[derive(Default)]
struct Best {
    rank: Option<usize>,
    level: Option<LineLevel>,
}

impl Best {
    /// Takes a level under a name of this rank if it is one, and better. Tells whether there can be none better.
    fn offer(&mut self, rank: usize, beats_equal: bool, level: impl FnOnce() -> Option<LineLevel>) -> bool {
        let is_better = self.rank.is_none_or(|best| rank < best || (beats_equal && rank == best));
        if is_better && let Some(level) = level() {
            (self.rank, self.level) = (Some(rank), Some(level));
        }
        self.rank == Some(0)
    }
}

/// The level that a key of the outermost object has.
fn json_level(line: &[u8]) -> Option<LineLevel> {
    let mut best = Best::default();
    let found = json_levels(line, &mut best);
    debug_assert!(found.is_none() || best.rank == Some(0), "only the best name ends the search");
    best.level
}

/// Offers all levels of the object; ends with `None` where it ends, or breaks off.
fn json_levels(line: &[u8], best: &mut Best) -> Option<()> {
    let mut at = 0;
    let mut depth = 0i32;
    while at < line.len() {
        match line[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b'"' => {
                let text = at + 1;
                let end = string_end(line, text)?;
                at = end + 1;
                if depth == 1
                    && let Some(rank) = level_rank(&line[text..end])
                {
                    let after = &line[at..];
                    let colon = after.iter().position(|byte| !byte.is_ascii_whitespace())?;
                    let level = || json_value(&after[colon + 1..]).and_then(LineLevel::from_value);
                    if after[colon] == b':' && best.offer(rank, false, level) {
                        return Some(());
                    }
                }
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the string that begins at `from` ends.
fn string_end(line: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let found = from + memchr2(b'"', b'\\', line.get(from..)?)?;
        if line[found] == b'"' {
            return Some(found);
        }
        from = found + 2;
    }
}

/// A string or a number that begins here.
fn json_value(text: &[u8]) -> Option<&[u8]> {
    let start = text.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let text = &text[start..];
    if text[0] == b'"' {
        return Some(&text[1..string_end(text, 1)?]);
    }
    let end = text.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(text.len());
    Some(&text[..end])
}

/// The level that a `key=value` has.
fn logfmt_level(line: &[u8]) -> Option<LineLevel> {
    let mut best = Best::default();
    let mut from = 0;
    while let Some(found) = memchr(b'=', &line[from..]) {
        let equals = from + found;
        from = equals + 1;
        let key = line[..equals].iter().rposition(|byte| byte.is_ascii_whitespace() || matches!(byte, b',' | b'{' | b'[' | b'('));
        let Some(rank) = level_rank(&line[key.map_or(0, |before| before + 1)..equals]) else { continue };
        let value = &line[from..];
        let value = value.strip_prefix(b"\"").unwrap_or(value);
        let end = value.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(value.len());
        if best.offer(rank, false, || LineLevel::from_value(&value[..end])) {
            break;
        }
    }
    best.level
}

/// The first word that is a level. A name before `=` or `":` says what follows, not how severe the line is.
fn first_word(line: &[u8]) -> Option<LineLevel> {
    let mut at = 0;
    while at < line.len() {
        if !line[at].is_ascii_alphabetic() {
            at += 1;
            continue;
        }
        let start = at;
        while at < line.len() && (line[at].is_ascii_alphanumeric() || line[at] == b'_') {
            at += 1;
        }
        let is_alone = start == 0 || !(line[start - 1].is_ascii_alphanumeric() || matches!(line[start - 1], b'_' | b'-' | b'.' | b'/'));
        let is_name = matches!(line.get(at), Some(b'=')) || matches!(line.get(at..at + 2), Some(b"\":"));
        let may_be = matches!(line[start].to_ascii_lowercase(), b't' | b'd' | b'i' | b'n' | b'w' | b'e' | b's' | b'c' | b'a' | b'f' | b'p');
        if may_be
            && is_alone
            && !is_name
            && let Some(level) = LineLevel::from_word(&line[start..at])
        {
            return Some(level);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_found_where_programs_write_them() {
        use LineLevel::{Critical, Debug, Error, Fatal, Info, Trace, Unknown, Warn};
        for (line, level) in [
            (r#"{"ts":1,"level":"warn","msg":"error while x"}"#, Warn),
            (r#"{"msg":"a \"level\":\"error\" inside","severity": "INFO"}"#, Info),
            (r#"{"nested":{"level":"error"},"lvl":"dbg"}"#, Debug),
            (r#"  {"level":50,"msg":"pino"}"#, Error),
            (r#"{"error":null,"status":200}"#, Unknown),
            (r#"{"msg":"ERROR in x"}"#, Error),
            (r#"{"level":"#, Unknown),
            (r#"{"a":{"severity":"Fatal"},"msg":"x"}"#, Fatal),
            (r#"{"severity":"info","level":"debug"}"#, Debug),
            (r#"{"severity":"info","level":"debug""#, Debug),
            (r#"{"severity":"info","level":{}}"#, Info),
            ("severity=info level=debug", Debug),
            ("severity=info level=debug level=error", Debug),
            ("SeverityText=Information x=error", Info),
            ("terror informed an-error x", Unknown),
            ("ts=1 LVL=WRN msg=\"error\"", Warn),
            ("ts=1 level=warning msg=\"all is error\"", Warn),
            ("level=\"error\" x=1", Error),
            ("time=1 lvl=eror", Error),
            ("2024-01-01 12:00:00 [ERROR] something", Error),
            ("2024-01-01 INFO  Error was handled", Info),
            ("E0101 panic: runtime error", Fatal),
            ("10.0.0.1 - - \"GET /errors HTTP/1.1\" 200", Unknown),
            ("terror=1 errors 5", Unknown),
            ("error_count 5 warn-rate", Warn),
            ("CRITICAL: disk", Critical),
            ("trace: x", Trace),
            ("", Unknown),
            ("{", Unknown),
            ("\u{e9}rror", Unknown),
        ] {
            assert_eq!(LineLevel::of_line(line.as_bytes()), level, "{line}");
        }
        for level in LineLevel::ALL {
            assert!(level == Unknown || LineLevel::from_word(level.as_str().to_ascii_uppercase().as_bytes()) == Some(level));
        }
        for (fields, level) in [
            (&[][..], None),
            (&[("app", "error")][..], None),
            (&[("severity", "ERROR"), ("level", "warn")], Some(Warn)),
            (&[("level", "warn"), ("level", "info")], Some(Info)),
            (&[("level", "odd"), ("severity_text", "Warning")], Some(Warn)),
            (&[("severity_number", "21"), ("severity_text", "Doom")], Some(Fatal)),
            (&[("severity_number", "99")], None),
            (&[("LVL", "30")], Some(Info)),
        ] {
            let pairs = fields.iter().map(|(name, value): &(&str, &str)| (name.as_bytes(), value.as_bytes()));
            assert_eq!(LineLevel::of_fields(pairs), level, "{fields:?}");
        }
        assert_eq!((LineLevel::from_otel_number(17), LineLevel::from_otel_number(99)), (Error, Unknown));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_survived(line in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600)) {
            let _level = LineLevel::of_line(&line);
        }
    }
}
