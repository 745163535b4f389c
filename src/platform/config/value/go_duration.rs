//! Lengths of time as Go writes them.

use std::fmt;

use super::Value;
use crate::base::quote::quote;
use crate::platform::config::section::Section;
use crate::platform::config::shape::Shape;
use crate::platform::config::yaml::MapWriter;

/// A length of time as Go writes it: `1m30s`, `1.5h`, `500ms`. Milliseconds; finer parts are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GoDuration(pub i64);

impl GoDuration {
    fn parse(text: &str) -> Option<Self> {
        const UNITS: [(&str, f64); 7] = [("ns", 1e-6), ("us", 1e-3), ("µs", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 6e4), ("h", 3.6e6)];
        if text == "0" {
            return Some(Self(0));
        }
        let mut rest = text.strip_prefix('+').unwrap_or(text);
        let mut total = 0.0;
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len()));
            let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len()));
            let (_, size) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
            total += number.parse::<f64>().ok()? * size;
            rest = after;
        }
        (total <= i64::MAX as f64 / 1e6).then_some(Self(total as i64))
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0;
        if ms < 1000 {
            return if ms == 0 { f.write_str("0s") } else { write!(f, "{ms}ms") };
        }
        let (hours, minutes) = (ms / 3_600_000, ms / 60_000 % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if hours > 0 || minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        write!(f, "{}s", (ms % 60_000) as f64 / 1000.0)
    }
}

impl Value for GoDuration {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        let text = section.text(key)?;
        let read = Self::parse(&text);
        if read.is_none() {
            let at = section.value_place(key);
            section.report.error(at, format!("{key}: read {}, expected a duration such as 1m30s or 1.5h", quote(&text)));
        }
        read
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        if self.0 != 0 {
            out.bare(key, self);
        }
    }

    fn shape() -> Shape {
        Shape::Duration
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_go() {
        for (text, expected) in [
            ("0", Some("0s")),
            ("1m", Some("1m0s")),
            ("1.5h", Some("1h30m0s")),
            ("1h1ms", Some("1h0m0.001s")),
            ("250ms", Some("250ms")),
            ("", None),
            ("+", None),
            ("+2s", Some("2s")),
            ("1", None),
            ("1d", None),
            ("-1s", None),
            ("..s", None),
        ] {
            assert_eq!(GoDuration::parse(text).map(|read| read.to_string()).as_deref(), expected, "{text}");
        }
    }
}
