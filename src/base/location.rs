//! Whose clock counts: a place of the time zone database, UTC, or this machine's.

use chrono::{DateTime, Days, Local, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// Whose clock counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// UTC.
    Utc,
    /// The clock of this machine.
    Local,
    /// A place of the time zone database.
    Zone(Tz),
}

impl Location {
    /// Reads `Europe/Berlin`, `UTC`, `Local`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "" | "UTC" => Some(Self::Utc),
            "Local" => Some(Self::Local),
            name => name.parse().ok().map(Self::Zone),
        }
    }

    /// Names of places, UTC first.
    pub fn names() -> Vec<&'static str> {
        let places = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).filter(|name| name.contains('/') && !name.starts_with("Etc/"));
        std::iter::once("UTC").chain(places).collect()
    }

    /// As written in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utc => "UTC",
            Self::Local => "Local",
            Self::Zone(zone) => zone.name(),
        }
    }

    /// The day of an instant (milliseconds since the Unix epoch) there, in days since 1970-01-01.
    pub fn day(self, at: i64) -> Option<i64> {
        let utc = DateTime::<Utc>::from_timestamp_millis(at)?;
        let there = match self {
            Self::Utc => utc.naive_utc(),
            Self::Local => utc.with_timezone(&Local).naive_local(),
            Self::Zone(zone) => utc.with_timezone(&zone).naive_local(),
        };
        Some(there.date().signed_duration_since(NaiveDate::default()).num_days())
    }

    /// When the clock there shows so many minutes after midnight of a day (days since 1970-01-01), in milliseconds since
    /// the Unix epoch. Of two such instants the first counts; a time that the clock leaves out is the instant at which it
    /// goes on.
    pub fn instant(self, day: i64, minute: u16) -> Option<i64> {
        let days = Days::new(day.unsigned_abs());
        let epoch = NaiveDate::default();
        let date = if day < 0 { epoch.checked_sub_days(days) } else { epoch.checked_add_days(days) }?;
        let there = date.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::minutes(i64::from(minute)))?;
        match self {
            Self::Utc => Some(there.and_utc().timestamp_millis()),
            Self::Local => first_instant(&Local, there),
            Self::Zone(zone) => first_instant(&zone, there),
        }
    }
}

impl Location {
    /// How far its clock is ahead of UTC at an instant (milliseconds since the Unix epoch), in milliseconds.
    pub fn ahead(self, at: i64) -> Option<i64> {
        let utc = DateTime::<Utc>::from_timestamp_millis(at)?;
        let offset = match self {
            Self::Utc => return Some(0),
            Self::Local => utc.with_timezone(&Local).offset().fix(),
            Self::Zone(zone) => utc.with_timezone(&zone).offset().fix(),
        };
        Some(i64::from(offset.local_minus_utc()) * 1000)
    }
}

/// Clocks left out a whole day at most, when places went over to the other side of the date line.
const LEFT_OUT_MINUTES_MAX: i64 = 24 * 60;

fn first_instant<Z: TimeZone>(zone: &Z, there: NaiveDateTime) -> Option<i64> {
    (0..=LEFT_OUT_MINUTES_MAX).find_map(|minutes| {
        let there = there.checked_add_signed(TimeDelta::minutes(minutes))?;
        match zone.from_local_datetime(&there) {
            MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => Some(at.timestamp_millis()),
            MappedLocalTime::None => None,
        }
    })
}
