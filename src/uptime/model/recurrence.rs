//! What comes again and again: cron expressions of five fields, by the clock of a place.

use std::fmt;

use chrono::{DateTime, Local, TimeZone, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use crate::base::location::Location;

/// Characters of an expression at most.
const TEXT_MAX: usize = 128;

/// Instants that come again: `30 2 * * SUN` by the clock of a place. A time that the clock leaves out in spring is when
/// it goes on; one that it shows twice in autumn comes once.
#[derive(Clone)]
pub struct Recurrence {
    text: String,
    cron: Cron,
    location: Location,
}

/// Why an expression was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecurrence {
    /// Not a cron expression.
    #[error("{text:?} is no cron expression of five fields (minute hour day month weekday): {why}")]
    NotCron {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// A day that no month has.
    #[error("{0:?} never comes")]
    Never(String),
}

impl Recurrence {
    /// Reads an expression. `L`, `#` and `W` mean the last day, the n-th weekday and the nearest working day; `@daily`
    /// and the like are known.
    pub fn parse(text: &str, location: Location) -> Result<Self, InvalidRecurrence> {
        let text = text.trim();
        let refused = |why: String| InvalidRecurrence::NotCron { text: text.chars().take(TEXT_MAX).collect(), why };
        if text.len() > TEXT_MAX {
            return Err(refused(format!("longer than {TEXT_MAX} characters")));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|why| refused(why.to_string()))?;
        let found = Self { text: text.to_owned(), cron, location };
        // Any time will do to find out; leap days come in every eight years.
        found.next_after(0).map(|_| found).ok_or_else(|| InvalidRecurrence::Never(text.to_owned()))
    }

    /// The first instant after `at`; both in milliseconds since the Unix epoch. None where the calendar ends.
    pub fn next_after(&self, at: i64) -> Option<i64> {
        // Of what is given the parts of a second would be kept.
        let utc = DateTime::<Utc>::from_timestamp_millis(at.div_euclid(1000) * 1000)?;
        match self.location {
            Location::Utc => self.next_in(&utc),
            Location::Local => self.next_in(&utc.with_timezone(&Local)),
            Location::Zone(zone) => self.next_in(&utc.with_timezone(&zone)),
        }
    }

    fn next_in<Z: TimeZone>(&self, at: &DateTime<Z>) -> Option<i64> {
        self.cron.find_next_occurrence(at, false).ok().map(|next| next.timestamp_millis())
    }

    /// The expression.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whose clock counts.
    pub const fn location(&self) -> Location {
        self.location
    }
}

impl fmt::Debug for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recurrence({:?}, {})", self.text, self.location.as_str())
    }
}

impl PartialEq for Recurrence {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.location == other.location
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::{format_rfc3339, parse_rfc3339};

    fn next(text: &str, zone: &str, at: &str, count: usize) -> Vec<String> {
        let recurrence = Recurrence::parse(text, Location::parse(zone).unwrap()).unwrap();
        let mut at = parse_rfc3339(at).unwrap();
        (0..count)
            .map(|_| {
                at = recurrence.next_after(at).unwrap();
                format_rfc3339(at)
            })
            .collect()
    }

    #[test]
    fn the_clock_of_the_place_counts() {
        let berlin = next("0 9 * * MON", "Europe/Berlin", "2026-03-23T08:00:00Z", 2);
        assert_eq!(berlin, ["2026-03-30T07:00:00Z", "2026-04-06T07:00:00Z"]);
        assert_eq!(next("0 0 L * *", "UTC", "2024-02-01T00:00:00Z", 2), ["2024-02-29T00:00:00Z", "2024-03-31T00:00:00Z"]);
    }

    #[test]
    fn an_hour_left_out_is_made_up_and_one_shown_twice_comes_once() {
        let spring = next("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2);
        assert_eq!(spring, ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
        let autumn = next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2);
        assert_eq!(autumn, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in ["", "x", "* * * *", "0 0 0 * * *", "61 * * * *", &"1,".repeat(100)] {
            assert!(matches!(Recurrence::parse(text, Location::Utc), Err(InvalidRecurrence::NotCron { .. })), "{text}");
        }
        assert_eq!(Recurrence::parse("0 0 31 2 *", Location::Utc), Err(InvalidRecurrence::Never("0 0 31 2 *".to_owned())));
    }
}
