//! Periods of the calendar: an hour, a day, a week, a month, a quarter, a year, by the clock of a place.
//!
//! A period is a grain and a number, so that one follows the other without a gap whatever clocks do; a [`Calendar`] says
//! when it is. Hours are those of UTC, since clocks that are set back show one twice. A week has the number of the ISO week
//! that holds its Thursday, whatever day it begins with.

use std::fmt;
use std::ops::Range;

use super::location::Location;
use super::time::{civil_from_days, days_from_civil};

const HOUR_MS: i64 = 3_600_000;
/// Years that are taken.
const YEARS: std::ops::RangeInclusive<i64> = 1970..=9_998;
/// 1970-01-01 was a Thursday: that many days after a Monday.
const EPOCH_WEEKDAY: i64 = 3;

/// How long a period is, from short to long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grain {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// Seven days.
    Week,
    /// A month.
    Month,
    /// Three months.
    Quarter,
    /// A year.
    Year,
}

impl Grain {
    /// Every one, from short to long.
    pub const ALL: [Self; 6] = [Self::Hour, Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// From its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grain| grain.as_str() == word)
    }

    /// Whether every period of this grain is made of whole periods of the other.
    pub fn holds(self, other: Self) -> bool {
        // Hours are UTC's, and so begin within a day of any place but need not begin with it.
        other <= self && !(other == Self::Week && self > Self::Week)
    }
}

/// A period of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    grain: Grain,
    /// Hours or days since 1970, weeks since the one that holds 1970-01-01, months or quarters since year 0, years.
    number: i64,
}

impl Period {
    /// The first month that there is, for clocks that are nowhere.
    pub const EPOCH: Self = Self { grain: Grain::Month, number: 1970 * 12 };

    /// By its number: hours or days since 1970, weeks since the one that holds 1970-01-01, months or quarters since year
    /// 0, years. `None` outside of the years that are taken.
    pub fn new(grain: Grain, number: i64) -> Option<Self> {
        let days = |years: i64| days_from_civil(years, 1, 1);
        let (first, last) = (*YEARS.start(), *YEARS.end() + 1);
        let within = match grain {
            Grain::Hour => days(first) * 24..days(last) * 24,
            Grain::Day => days(first)..days(last),
            Grain::Week => 0..days(last).div_euclid(7),
            Grain::Month => first * 12..last * 12,
            Grain::Quarter => first * 4..last * 4,
            Grain::Year => first..last,
        };
        within.contains(&number).then_some(Self { grain, number })
    }

    /// A month of a year, 1 to 12.
    pub fn month(year: i64, month: i64) -> Option<Self> {
        ((1..=12).contains(&month) && YEARS.contains(&year)).then(|| Self { grain: Grain::Month, number: year * 12 + month - 1 })
    }

    /// Reads `2026-11-22T14`, `2026-11-22`, `2026-W47`, `2026-11`, `2026-Q4`, `2026`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |text: &str, count: usize| {
            (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse::<i64>().ok()).flatten()
        };
        let year = digits(text.get(..4)?, 4).filter(|year| YEARS.contains(year))?;
        let Some(rest) = text[4..].strip_prefix('-') else {
            return text[4..].is_empty().then_some(Self { grain: Grain::Year, number: year });
        };
        if let Some(quarter) = rest.strip_prefix(['Q', 'q']) {
            let quarter = digits(quarter, 1).filter(|quarter| (1..=4).contains(quarter))?;
            return Some(Self { grain: Grain::Quarter, number: year * 4 + quarter - 1 });
        }
        if let Some(week) = rest.strip_prefix(['W', 'w']) {
            let found = Self { grain: Grain::Week, number: iso_week_one(year) + digits(week, 2)? - 1 };
            return (found.to_string().eq_ignore_ascii_case(text)).then_some(found);
        }
        let month = Self::month(year, digits(rest.get(..2)?, 2)?)?;
        let Some(rest) = rest[2..].strip_prefix('-') else { return rest[2..].is_empty().then_some(month) };
        let first = month.first_day();
        let day = first + digits(rest.get(..2)?, 2)? - 1;
        let day = (first..month.next().first_day()).contains(&day).then_some(day)?;
        match rest[2..].strip_prefix('T') {
            None => rest[2..].is_empty().then_some(Self { grain: Grain::Day, number: day }),
            Some(hour) => {
                let hour = digits(hour, 2).filter(|hour| *hour < 24)?;
                Some(Self { grain: Grain::Hour, number: day * 24 + hour })
            }
        }
    }

    /// How long it is.
    pub const fn grain(self) -> Grain {
        self.grain
    }

    /// Its number, as [`Period::new`] takes it.
    pub const fn number(self) -> i64 {
        self.number
    }

    /// The one after it.
    pub const fn next(self) -> Self {
        self.shifted(1)
    }

    /// The one before it.
    pub const fn before(self) -> Self {
        self.shifted(-1)
    }

    /// So many later, or earlier.
    pub const fn shifted(self, by: i64) -> Self {
        Self { grain: self.grain, number: self.number.saturating_add(by) }
    }

    /// The one a year ago that it is compared with: of months and longer the same of the year before; of weeks and
    /// shorter 52 weeks earlier, so that weekdays meet weekdays.
    pub const fn year_before(self) -> Self {
        self.shifted(match self.grain {
            Grain::Hour => -364 * 24,
            Grain::Day => -364,
            Grain::Week => -52,
            Grain::Month => -12,
            Grain::Quarter => -4,
            Grain::Year => -1,
        })
    }

    /// One of another length that begins with its first month or holds it; days, weeks and hours have none.
    pub const fn as_grain(self, grain: Grain) -> Self {
        let month = match self.grain {
            Grain::Month => self.number,
            Grain::Quarter => self.number * 3,
            Grain::Year => self.number * 12,
            _ => return self,
        };
        let number = match grain {
            Grain::Month => month,
            Grain::Quarter => month.div_euclid(3),
            Grain::Year => month.div_euclid(12),
            _ => return self,
        };
        Self { grain, number }
    }

    /// The year of its first day; of a week that of its Thursday.
    pub const fn year(self) -> i64 {
        match self.grain {
            Grain::Month => self.number.div_euclid(12),
            Grain::Quarter => self.number.div_euclid(4),
            Grain::Year => self.number,
            Grain::Hour => civil_from_days(self.number.div_euclid(24)).0,
            Grain::Day => civil_from_days(self.number).0,
            Grain::Week => civil_from_days(self.number * 7).0,
        }
    }

    /// The month of its first day, 1 to 12.
    pub const fn first_month(self) -> i64 {
        match self.grain {
            Grain::Month => self.number.rem_euclid(12) + 1,
            Grain::Quarter => self.number.rem_euclid(4) * 3 + 1,
            _ => civil_from_days(self.first_day()).1,
        }
    }

    /// Its first day in days since 1970-01-01; of weeks that begin on Monday.
    const fn first_day(self) -> i64 {
        match self.grain {
            Grain::Hour => self.number.div_euclid(24),
            Grain::Day => self.number,
            Grain::Week => self.number * 7 - EPOCH_WEEKDAY,
            Grain::Month => days_from_civil(self.number.div_euclid(12), self.number.rem_euclid(12) + 1, 1),
            Grain::Quarter => days_from_civil(self.number.div_euclid(4), self.number.rem_euclid(4) * 3 + 1, 1),
            Grain::Year => days_from_civil(self.number, 1, 1),
        }
    }
}

/// The number of the first ISO week of a year: the one with its first Thursday.
const fn iso_week_one(year: i64) -> i64 {
    // Weeks are counted by their Thursdays, and 1970-01-01 was one.
    (days_from_civil(year, 1, 1) + 6).div_euclid(7)
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let year = self.year();
        let (_, month, day) = civil_from_days(self.first_day());
        match self.grain {
            Grain::Hour => write!(f, "{year:04}-{month:02}-{day:02}T{:02}", self.number.rem_euclid(24)),
            Grain::Day => write!(f, "{year:04}-{month:02}-{day:02}"),
            Grain::Week => write!(f, "{year:04}-W{:02}", self.number - iso_week_one(year) + 1),
            Grain::Month => write!(f, "{year:04}-{month:02}"),
            Grain::Quarter => write!(f, "{year:04}-Q{}", self.number.rem_euclid(4) + 1),
            Grain::Year => write!(f, "{year:04}"),
        }
    }
}

/// Whose clock counts, and with which day weeks begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    /// Whose clock.
    pub location: Location,
    /// The first day of a week: 0 for Monday to 6 for Sunday.
    pub week_start: u8,
}

impl Calendar {
    /// Weeks that begin on Monday, by the clock of a place.
    pub const fn of(location: Location) -> Self {
        Self { location, week_start: 0 }
    }

    /// The period of an instant (milliseconds since the Unix epoch).
    pub fn period(self, grain: Grain, at: i64) -> Option<Period> {
        if grain == Grain::Hour {
            return Period::new(grain, at.div_euclid(HOUR_MS));
        }
        self.of_day(grain, self.location.day(at)?)
    }

    /// The period of that grain, a day or longer, that holds the beginning of another.
    pub fn holding(self, grain: Grain, period: Period) -> Option<Period> {
        match period.grain {
            Grain::Hour => self.period(grain, period.number * HOUR_MS),
            _ => self.of_day(grain, self.first_day(period)),
        }
    }

    fn of_day(self, grain: Grain, day: i64) -> Option<Period> {
        let (year, month, _) = civil_from_days(day);
        let number = match grain {
            Grain::Hour => return None,
            Grain::Day => day,
            Grain::Week => (day - self.week_first_day(0)).div_euclid(7),
            Grain::Month => year * 12 + month - 1,
            Grain::Quarter => year * 4 + (month - 1) / 3,
            Grain::Year => year,
        };
        Period::new(grain, number)
    }

    /// The first day of a week: of those that begin so late that the Thursday would be before, the one a week earlier.
    fn week_first_day(self, number: i64) -> i64 {
        let start = i64::from(self.week_start % 7);
        let thursday = number * 7;
        thursday - (EPOCH_WEEKDAY - start).rem_euclid(7)
    }

    fn first_day(self, period: Period) -> i64 {
        if period.grain == Grain::Week { self.week_first_day(period.number) } else { period.first_day() }
    }

    /// From its first instant until the first of the next, in milliseconds since the Unix epoch.
    pub fn window(self, period: Period) -> Option<Range<i64>> {
        if period.grain == Grain::Hour {
            let from = period.number.checked_mul(HOUR_MS)?;
            return Some(from..from + HOUR_MS);
        }
        let begin = |period: Period| self.location.instant(self.first_day(period), 0);
        Some(begin(period)?..begin(period.next())?)
    }

    /// The periods of a finer grain that begin within a period, in order.
    pub fn parts(self, period: Period, grain: Grain) -> Vec<Period> {
        let Some(window) = self.window(period) else { return Vec::new() };
        let Some(first) = self.period(grain, window.start) else { return Vec::new() };
        let begins = |period: &Period| self.window(*period).map(|window| window.start);
        std::iter::successors(Some(first), |period| Some(period.next()))
            .skip_while(|part| begins(part).is_some_and(|at| at < window.start))
            .take_while(|part| begins(part).is_some_and(|at| at < window.end))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONES: [&str; 5] = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Kiritimati"];

    fn calendar(zone: &str) -> Calendar {
        Calendar::of(Location::parse(zone).unwrap())
    }

    #[test]
    fn periods_read_back_as_they_are_written() {
        for text in [
            "2026-01",
            "2026-12",
            "2026-Q1",
            "2026-Q4",
            "2026",
            "1970-01",
            "2026-W01",
            "2026-W53",
            "2024-02-29",
            "1970-01-01",
            "2026-11-22T00",
            "2026-11-22T23",
        ] {
            assert_eq!(Period::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "-",
            "2026-",
            "2026-00",
            "2026-13",
            "2026-Q5",
            "2026-Q0",
            "+2026",
            "2026-+1",
            "99999",
            "1969",
            "2026-1-1",
            "é",
            "2026-02-29",
            "2026-11-00",
            "2026-11-22T24",
            "2026-11-22T1",
            "2025-W53",
            "2026-W00",
            "2026-W54",
            "2026é",
            "2026-11-é2",
            "202é-11",
        ] {
            assert_eq!(Period::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_clock_of_the_place_counts() {
        let hours = |text: &str, zone: &str| {
            let window = calendar(zone).window(Period::parse(text).unwrap()).unwrap();
            (window.end - window.start) / HOUR_MS
        };
        assert_eq!((hours("2026-03", "Europe/Berlin"), hours("2026-03", "UTC")), (31 * 24 - 1, 31 * 24));
        assert_eq!((hours("2026-10", "Europe/Berlin"), hours("2026-11", "Europe/Berlin")), (31 * 24 + 1, 30 * 24));
        assert_eq!((hours("2024-02", "UTC"), hours("2026-02", "UTC"), hours("2024", "UTC")), (29 * 24, 28 * 24, 366 * 24));
        assert_eq!((hours("2026-03-29", "Europe/Berlin"), hours("2026-10-25", "Europe/Berlin")), (23, 25));
        // Kiritimati is 14 hours ahead of UTC.
        let at = calendar("UTC").window(Period::parse("2026-11").unwrap()).unwrap().start - HOUR_MS;
        let month = |zone| calendar(zone).period(Grain::Month, at).unwrap().to_string();
        assert_eq!((month("UTC").as_str(), month("Pacific/Kiritimati").as_str()), ("2026-10", "2026-11"));
    }

    #[test]
    fn one_follows_the_other_without_a_gap() {
        for zone in ZONES {
            for week_start in [0, 5, 6] {
                let calendar = Calendar { week_start, ..calendar(zone) };
                for grain in Grain::ALL {
                    let mut period = calendar.period(grain, 1_420_070_400_000).unwrap();
                    for _ in 0..1_000 {
                        let (window, next) = (calendar.window(period).unwrap(), period.next());
                        assert!(window.start < window.end, "{period} {zone}");
                        assert_eq!(window.end, calendar.window(next).unwrap().start, "{period} {zone}");
                        for at in [window.start, window.end - 1] {
                            assert_eq!(calendar.period(grain, at), Some(period), "{zone} {week_start}");
                        }
                        assert_eq!((next.before(), Period::parse(&period.to_string())), (period, Some(period)));
                        period = next;
                    }
                }
            }
        }
    }

    #[test]
    fn weeks_begin_when_they_should() {
        let first = |start, text| {
            let calendar = Calendar { location: Location::Utc, week_start: start };
            let day = calendar.window(Period::parse(text).unwrap()).unwrap().start;
            Calendar::of(Location::Utc).period(Grain::Day, day).unwrap().to_string()
        };
        // ISO 8601: the week of the year's first Thursday.
        assert_eq!(
            (first(0, "2026-W01"), first(0, "2026-W47"), first(0, "2021-W01")),
            ("2025-12-29".into(), "2026-11-16".into(), "2021-01-04".into())
        );
        assert_eq!((first(6, "2026-W47"), first(5, "2026-W47")), ("2026-11-15".into(), "2026-11-14".into()));
    }

    #[test]
    fn a_period_is_made_of_those_that_begin_in_it() {
        let berlin = calendar("Europe/Berlin");
        let count = |text: &str, grain| berlin.parts(Period::parse(text).unwrap(), grain).len();
        assert_eq!((count("2026-03-29", Grain::Hour), count("2026-10-25", Grain::Hour)), (23, 25));
        assert_eq!((count("2026-02", Grain::Day), count("2026", Grain::Month), count("2026-Q1", Grain::Day)), (28, 12, 90));
        assert_eq!(calendar("Asia/Kathmandu").parts(Period::parse("2026-11-22").unwrap(), Grain::Hour).len(), 24);
        let day = Period::parse("2026-11-01").unwrap();
        assert_eq!(berlin.holding(Grain::Month, day), Period::parse("2026-11"));
        assert_eq!(berlin.holding(Grain::Week, day), Period::parse("2026-W44"));
        assert!(Grain::Month.holds(Grain::Day) && !Grain::Month.holds(Grain::Week) && Grain::Week.holds(Grain::Day));
    }

    #[test]
    fn a_year_ago_weekdays_meet_weekdays() {
        let before = |text: &str| Period::parse(text).unwrap().year_before().to_string();
        assert_eq!(
            (before("2026-11-22"), before("2026-02"), before("2026-Q1"), before("2026")),
            ("2025-11-23".into(), "2025-02".into(), "2025-Q1".into(), "2025".into())
        );
        let whole = Period::parse("2026").unwrap();
        assert_eq!(
            (whole.as_grain(Grain::Month).to_string(), whole.as_grain(Grain::Quarter).to_string()),
            ("2026-01".into(), "2026-Q1".into())
        );
    }
}
