//! `timestamp`: the line's time is taken from what it says.

use chrono_tz::Tz;

use super::golayout::Layout;
use super::{Entry, Moment, plain_stage};

/// How a time is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Format {
    /// As a layout says; the first that fits counts.
    Layouts(Vec<Layout>),
    /// A number of this many nanoseconds since the Unix epoch.
    Unix(i64),
}

/// What becomes of a line whose time cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    /// It gets the time of the line before it and a nanosecond.
    Fudge,
    /// It keeps the time it has.
    Skip,
}

/// The stage.
#[derive(Debug, Clone)]
pub(super) struct Timestamp {
    /// The value that says it.
    pub(super) source: String,
    pub(super) format: Format,
    /// Where clocks show what it says, unless it says that too.
    pub(super) zone: Tz,
    pub(super) on_failure: OnFailure,
    /// The newest time that was read; `None` before the first.
    pub(super) last: Option<i64>,
}

impl Timestamp {
    fn apply(&mut self, entry: &mut Entry, moment: &Moment) -> bool {
        let read = entry.value(&self.source).and_then(|text| self.parse(text, moment.now_ns));
        match (read, self.on_failure) {
            (Some(ts), _) => {
                entry.ts = Some(ts);
                self.last = Some(ts);
            }
            (None, OnFailure::Fudge) => {
                // What an earlier run of this source ended with counts as the line before.
                let before = self.last.or((moment.last_ts != i64::MIN).then_some(moment.last_ts));
                if let Some(before) = before {
                    entry.ts = Some(before.saturating_add(1));
                    self.last = entry.ts;
                }
            }
            (None, OnFailure::Skip) => {}
        }
        true
    }

    fn parse(&self, text: &str, now_ns: i64) -> Option<i64> {
        match &self.format {
            Format::Layouts(layouts) => layouts.iter().find_map(|layout| layout.parse(text.trim(), self.zone, now_ns)),
            Format::Unix(unit) => unix(text.trim(), *unit),
        }
    }
}

plain_stage!(Timestamp);

/// A number of units of so many nanoseconds, with or without a fraction.
fn unix(text: &str, unit: i64) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let negative = whole.starts_with('-');
    let whole: i64 = whole.parse().ok()?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut nanos = 0_i64;
    let mut digit_ns = unit;
    for digit in fraction.bytes() {
        digit_ns /= 10;
        if digit_ns == 0 {
            break;
        }
        nanos += i64::from(digit - b'0') * digit_ns;
    }
    whole.checked_mul(unit)?.checked_add(if negative { -nanos } else { nanos })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_times_are_read() {
        for (text, unit, ns) in [
            ("1714979289", 1_000_000_000, Some(1_714_979_289_000_000_000)),
            ("1714979289.25", 1_000_000_000, Some(1_714_979_289_250_000_000)),
            ("1714979289.1234567891", 1_000_000_000, Some(1_714_979_289_123_456_789)),
            ("1714979289123", 1_000_000, Some(1_714_979_289_123_000_000)),
            ("1714979289123456", 1_000, Some(1_714_979_289_123_456_000)),
            ("1714979289123456789", 1, Some(1_714_979_289_123_456_789)),
            ("-1.5", 1_000_000_000, Some(-1_500_000_000)),
            ("9999999999999999999", 1, None),
            ("99999999999999", 1_000_000_000, None),
            ("", 1, None),
            ("1.x", 1, None),
        ] {
            assert_eq!(unix(text, unit), ns, "{text}");
        }
    }

    #[test]
    fn a_line_without_time_follows_the_one_before() {
        let mut stage =
            Timestamp { source: "t".to_owned(), format: Format::Unix(1), zone: Tz::UTC, on_failure: OnFailure::Fudge, last: None };
        let moment = Moment { now_ns: 50, last_ts: 7 };
        let mut ts = |text: &str| {
            let mut entry = Entry::default();
            entry.extract("t", text);
            stage.apply(&mut entry, &moment);
            entry.ts
        };
        assert_eq!([ts("no"), ts("20"), ts("no"), ts("no"), ts("30")], [Some(8), Some(20), Some(21), Some(22), Some(30)]);
    }
}
