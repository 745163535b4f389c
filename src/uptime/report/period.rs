//! Periods of the calendar: a month, a quarter, a year, by the clock of a place.

use std::fmt;

use crate::base::location::Location;
use crate::base::time::{civil_from_days, days_from_civil};
use crate::uptime::model::window::Window;

/// Years that are taken.
const YEARS: std::ops::RangeInclusive<i64> = 1970..=9_998;

/// A period of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    year: i64,
    /// The first month, 1 to 12.
    month: i64,
    months: i64,
}

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A month.
    Month,
    /// Three months.
    Quarter,
    /// A year.
    Year,
}

impl Period {
    /// The first month that there is, for clocks that are nowhere.
    pub const EPOCH: Self = Self { year: 1970, month: 1, months: 1 };

    /// A month of a year, 1 to 12.
    pub fn month(year: i64, month: i64) -> Option<Self> {
        (YEARS.contains(&year) && (1..=12).contains(&month)).then_some(Self { year, month, months: 1 })
    }

    /// Reads `2026-10`, `2026-Q4`, `2026`.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten();
        let (year, rest) = text.split_once('-').map_or((text, ""), |(year, rest)| (year, rest));
        let year = number(year).filter(|year| YEARS.contains(year))?;
        if rest.is_empty() {
            return (!text.contains('-')).then_some(Self { year, month: 1, months: 12 });
        }
        if let Some(quarter) = rest.strip_prefix(['q', 'Q']) {
            let quarter = number(quarter).filter(|quarter| (1..=4).contains(quarter))?;
            return Some(Self { year, month: quarter * 3 - 2, months: 3 });
        }
        Self::month(year, number(rest)?)
    }

    /// The month of an instant (milliseconds since the Unix epoch) there.
    pub fn of(at: i64, location: Location) -> Option<Self> {
        let (year, month, _) = civil_from_days(location.day(at)?);
        Self::month(year, month)
    }

    /// How long it is.
    pub const fn kind(self) -> Kind {
        match self.months {
            1 => Kind::Month,
            3 => Kind::Quarter,
            _ => Kind::Year,
        }
    }

    /// One of another length that begins with its first month or holds it.
    pub const fn as_kind(self, kind: Kind) -> Self {
        match kind {
            Kind::Month => Self { months: 1, ..self },
            Kind::Quarter => Self { month: (self.month - 1) / 3 * 3 + 1, months: 3, ..self },
            Kind::Year => Self { month: 1, months: 12, ..self },
        }
    }

    /// The one after it.
    pub const fn next(self) -> Self {
        self.shifted(self.months)
    }

    /// The one before it.
    pub const fn before(self) -> Self {
        self.shifted(-self.months)
    }

    const fn shifted(self, by: i64) -> Self {
        let months = self.year * 12 + self.month - 1 + by;
        Self { year: months.div_euclid(12), month: months.rem_euclid(12) + 1, months: self.months }
    }

    /// From its first instant there until the first of the next.
    pub fn window(self, location: Location) -> Option<Window> {
        let begin = |period: Self| location.instant(days_from_civil(period.year, period.month, 1), 0);
        Some(Window::new(begin(self)?, begin(self.next())?))
    }

    /// The year.
    pub const fn year(self) -> i64 {
        self.year
    }

    /// The first month, 1 to 12.
    pub const fn first_month(self) -> i64 {
        self.month
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            Kind::Month => write!(f, "{:04}-{:02}", self.year, self.month),
            Kind::Quarter => write!(f, "{:04}-Q{}", self.year, (self.month + 2) / 3),
            Kind::Year => write!(f, "{:04}", self.year),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn periods_read_back_as_they_are_written() {
        for text in ["2026-01", "2026-12", "2026-Q1", "2026-Q4", "2026", "1970-01"] {
            assert_eq!(Period::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "-", "2026-", "2026-00", "2026-13", "2026-Q5", "2026-Q0", "+2026", "2026-+1", "99999", "1969", "2026-1-1", "é"] {
            assert_eq!(Period::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_clock_of_the_place_counts() {
        let hours = |text: &str, zone: &str| Period::parse(text).unwrap().window(Location::parse(zone).unwrap()).unwrap().length() / HOUR;
        assert_eq!((hours("2026-03", "Europe/Berlin"), hours("2026-03", "UTC")), (31 * 24 - 1, 31 * 24));
        assert_eq!((hours("2026-10", "Europe/Berlin"), hours("2026-11", "Europe/Berlin")), (31 * 24 + 1, 30 * 24));
        assert_eq!((hours("2024-02", "UTC"), hours("2026-02", "UTC"), hours("2024", "UTC")), (29 * 24, 28 * 24, 366 * 24));
        // Kiritimati is 14 hours ahead of UTC.
        let at = Period::parse("2026-11").unwrap().window(Location::Utc).unwrap().from - HOUR;
        assert_eq!(Period::of(at, Location::Utc).unwrap().to_string(), "2026-10");
        assert_eq!(Period::of(at, Location::parse("Pacific/Kiritimati").unwrap()).unwrap().to_string(), "2026-11");
    }

    #[test]
    fn one_follows_the_other_without_a_gap() {
        for (zone, kind) in [("Europe/Berlin", Kind::Month), ("America/Sao_Paulo", Kind::Quarter), ("Asia/Kathmandu", Kind::Year)] {
            let location = Location::parse(zone).unwrap();
            let mut period = Period::parse("2015-01").unwrap().as_kind(kind);
            for _ in 0..60 {
                let (window, next) = (period.window(location).unwrap(), period.next());
                assert_eq!(window.until, next.window(location).unwrap().from, "{period} {zone}");
                assert_eq!(next.before(), period);
                period = next;
            }
        }
        let whole = Period::parse("2026").unwrap();
        assert_eq!(
            (whole.as_kind(Kind::Month).to_string(), whole.as_kind(Kind::Quarter).to_string()),
            ("2026-01".into(), "2026-Q1".into())
        );
    }
}
