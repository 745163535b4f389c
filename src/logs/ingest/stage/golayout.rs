//! Times written as a layout says in which the moment `Mon Jan 2 15:04:05 MST 2006` is written, as in Go.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A layout, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    LongMonth,
    ShortMonth,
    NumMonth {
        zero: bool,
    },
    LongDay,
    ShortDay,
    Day {
        zero: bool,
        blank: bool,
    },
    YearDay,
    Hour,
    Hour12 {
        zero: bool,
    },
    Minute {
        zero: bool,
    },
    Second {
        zero: bool,
    },
    LongYear,
    ShortYear,
    Half,
    Zone,
    /// Hours, minutes, seconds east of Greenwich; `z` takes `Z` too.
    Offset {
        z: bool,
        colon: bool,
        parts: u8,
    },
    /// A dot or a comma and exactly so many digits, or any number for none.
    Fraction {
        digits: usize,
    },
}

/// The words of layouts, longest first where one begins another.
fn word(text: &str) -> Option<(Part, usize)> {
    let is_letter_after = |len: usize| text[len..].starts_with(|c: char| c.is_ascii_lowercase());
    let fixed: &[(&str, Part)] = &[
        ("January", Part::LongMonth),
        ("Jan", Part::ShortMonth),
        ("Monday", Part::LongDay),
        ("Mon", Part::ShortDay),
        ("MST", Part::Zone),
        ("2006", Part::LongYear),
        ("__2", Part::YearDay),
        ("002", Part::YearDay),
        ("01", Part::NumMonth { zero: true }),
        ("02", Part::Day { zero: true, blank: false }),
        ("03", Part::Hour12 { zero: true }),
        ("04", Part::Minute { zero: true }),
        ("05", Part::Second { zero: true }),
        ("06", Part::ShortYear),
        ("15", Part::Hour),
        ("_2", Part::Day { zero: false, blank: true }),
        ("PM", Part::Half),
        ("pm", Part::Half),
        ("-07:00:00", Part::Offset { z: false, colon: true, parts: 3 }),
        ("-07:00", Part::Offset { z: false, colon: true, parts: 2 }),
        ("-070000", Part::Offset { z: false, colon: false, parts: 3 }),
        ("-0700", Part::Offset { z: false, colon: false, parts: 2 }),
        ("-07", Part::Offset { z: false, colon: false, parts: 1 }),
        ("Z07:00:00", Part::Offset { z: true, colon: true, parts: 3 }),
        ("Z07:00", Part::Offset { z: true, colon: true, parts: 2 }),
        ("Z070000", Part::Offset { z: true, colon: false, parts: 3 }),
        ("Z0700", Part::Offset { z: true, colon: false, parts: 2 }),
        ("Z07", Part::Offset { z: true, colon: false, parts: 1 }),
        ("1", Part::NumMonth { zero: false }),
        ("2", Part::Day { zero: false, blank: false }),
        ("3", Part::Hour12 { zero: false }),
        ("4", Part::Minute { zero: false }),
        ("5", Part::Second { zero: false }),
    ];
    let found = fixed.iter().find(|(name, part)| {
        // As in Go, "Month" is no "Mon", but "January" is none of "Jan".
        text.starts_with(name) && !(matches!(part, Part::ShortMonth | Part::ShortDay) && is_letter_after(name.len()))
    });
    if let Some((name, part)) = found {
        return Some((part.clone(), name.len()));
    }
    let digits = text.strip_prefix(['.', ','])?;
    let digit = digits.chars().next().filter(|c| matches!(c, '0' | '9'))?;
    let len = digits.len() - digits.trim_start_matches(digit).len();
    let ends = !digits[len..].starts_with(|c: char| c.is_ascii_digit());
    ends.then_some((Part::Fraction { digits: if digit == '0' { len } else { 0 } }, len + 1))
}

impl Layout {
    /// Reads a layout, or one of Go's names for one (`RFC3339`, `ANSIC`, ...).
    pub(super) fn new(text: &str) -> Self {
        let text = named(text);
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            match word(rest) {
                Some((part, len)) => {
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(part);
                    rest = &rest[len..];
                }
                None => {
                    literal.push(c);
                    rest = &rest[c.len_utf8()..];
                }
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Self(parts)
    }

    /// Whether anything of it says a time.
    pub(super) fn says_something(&self) -> bool {
        self.0.iter().any(|part| !matches!(part, Part::Literal(_)))
    }

    /// Reads a time, in nanoseconds since the Unix epoch. What it does not say about the zone, `zone` says; a missing
    /// year is the one that brings it nearest to `now_ns`.
    pub(super) fn parse(&self, text: &str, zone: Tz, now_ns: i64) -> Option<i64> {
        let mut found = Found::default();
        let mut rest = text;
        for (at, part) in self.0.iter().enumerate() {
            rest = found.take(part, rest, self.0.get(at + 1))?;
        }
        rest.trim().is_empty().then(|| found.time(zone, now_ns))?
    }
}

/// Go's names for layouts.
fn named(text: &str) -> &str {
    match text {
        "ANSIC" => "Mon Jan _2 15:04:05 2006",
        "UnixDate" => "Mon Jan _2 15:04:05 MST 2006",
        "RubyDate" => "Mon Jan 02 15:04:05 -0700 2006",
        "RFC822" => "02 Jan 06 15:04 MST",
        "RFC822Z" => "02 Jan 06 15:04 -0700",
        "RFC850" => "Monday, 02-Jan-06 15:04:05 MST",
        "RFC1123" => "Mon, 02 Jan 2006 15:04:05 MST",
        "RFC1123Z" => "Mon, 02 Jan 2006 15:04:05 -0700",
        "RFC3339" => "2006-01-02T15:04:05Z07:00",
        "RFC3339Nano" => "2006-01-02T15:04:05.999999999Z07:00",
        other => other,
    }
}

#[derive(Debug, Default)]
struct Found {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    year_day: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    afternoon: Option<bool>,
    offset_s: Option<i32>,
    zone: Option<Tz>,
}

/// Between `min` and `max` digits, and what follows them.
fn number(text: &str, min: usize, max: usize) -> Option<(u32, &str)> {
    let len = text.bytes().take(max).take_while(u8::is_ascii_digit).count();
    if len < min { None } else { Some((text[..len].parse().ok()?, &text[len..])) }
}

/// The place of the name that the text begins with, in upper or lower case, and what follows it.
fn name<'t>(text: &'t str, names: &[&str], letters: Option<usize>) -> Option<(u32, &'t str)> {
    names.iter().zip(0..).find_map(|(name, at)| {
        let len = letters.unwrap_or(name.len());
        let head = text.get(..len)?;
        head.eq_ignore_ascii_case(&name[..len]).then(|| (at, &text[len..]))
    })
}

impl Found {
    fn take<'t>(&mut self, part: &Part, text: &'t str, next: Option<&Part>) -> Option<&'t str> {
        let one_or_two = |zero: bool| number(text, if zero { 2 } else { 1 }, 2);
        let rest;
        match part {
            Part::Literal(literal) => rest = skip(literal, text)?,
            Part::LongMonth => (self.month, rest) = name(text, &MONTHS, None).map(|(at, rest)| (Some(at + 1), rest))?,
            Part::ShortMonth => (self.month, rest) = name(text, &MONTHS, Some(3)).map(|(at, rest)| (Some(at + 1), rest))?,
            Part::LongDay => (_, rest) = name(text, &DAYS, None)?,
            Part::ShortDay => (_, rest) = name(text, &DAYS, Some(3))?,
            Part::NumMonth { zero } => (self.month, rest) = one_or_two(*zero).map(|(n, rest)| (Some(n), rest))?,
            Part::Day { zero, blank } => {
                let text = if *blank { text.trim_start_matches(' ') } else { text };
                (self.day, rest) = number(text, if *zero { 2 } else { 1 }, 2).map(|(n, rest)| (Some(n), rest))?;
            }
            Part::YearDay => (self.year_day, rest) = number(text.trim_start_matches(' '), 1, 3).map(|(n, rest)| (Some(n), rest))?,
            Part::Hour => (self.hour, rest) = number(text, 2, 2)?,
            Part::Hour12 { zero } => (self.hour, rest) = one_or_two(*zero)?,
            Part::Minute { zero } => (self.minute, rest) = one_or_two(*zero)?,
            Part::Second { zero } => {
                let (second, after) = one_or_two(*zero)?;
                self.second = second;
                // As in Go, a fraction may follow although the layout has none.
                let is_fraction = after.starts_with(['.', ',']) && after[1..].starts_with(|c: char| c.is_ascii_digit());
                rest = if is_fraction && !matches!(next, Some(Part::Fraction { .. })) { self.fraction(after, 0)? } else { after };
            }
            Part::LongYear => (self.year, rest) = number(text, 4, 4).map(|(n, rest)| (i32::try_from(n).ok(), rest))?,
            Part::ShortYear => {
                let (year, after) = number(text, 2, 2)?;
                self.year = i32::try_from(if year >= 69 { 1900 + year } else { 2000 + year }).ok();
                rest = after;
            }
            Part::Half => {
                let half = text.get(..2)?;
                self.afternoon =
                    Some(if half.eq_ignore_ascii_case("pm") { true } else { half.eq_ignore_ascii_case("am").then_some(false)? });
                rest = &text[2..];
            }
            Part::Zone => rest = self.zone_name(text)?,
            Part::Offset { z, colon, parts } => rest = self.offset(text, *z, *colon, *parts)?,
            Part::Fraction { digits } => {
                rest = if *digits == 0 && !text.starts_with(['.', ',']) { text } else { self.fraction(text, *digits)? };
            }
        }
        Some(rest)
    }

    fn fraction<'t>(&mut self, text: &'t str, digits: usize) -> Option<&'t str> {
        let after = text.strip_prefix(['.', ','])?;
        let len = after.bytes().take_while(u8::is_ascii_digit).count();
        if len == 0 || (digits != 0 && len != digits) {
            return None;
        }
        let kept = &after[..len.min(9)];
        let scale = 10_u32.pow(u32::try_from(9 - kept.len()).ok()?);
        self.nanos = kept.parse::<u32>().ok()? * scale;
        Some(&after[len..])
    }

    fn offset<'t>(&mut self, text: &'t str, z: bool, colon: bool, parts: u8) -> Option<&'t str> {
        if z && let Some(after) = text.strip_prefix('Z') {
            self.offset_s = Some(0);
            return Some(after);
        }
        let (sign, mut rest) = match text.as_bytes().first()? {
            b'+' => (1, &text[1..]),
            b'-' => (-1, &text[1..]),
            _ => return None,
        };
        let mut seconds = 0_i32;
        for (at, unit) in [3600, 60, 1].into_iter().take(usize::from(parts)).enumerate() {
            if at > 0 && colon {
                rest = rest.strip_prefix(':')?;
            }
            let (n, after) = number(rest, 2, 2)?;
            seconds += i32::try_from(n).ok()? * unit;
            rest = after;
        }
        self.offset_s = Some(sign * seconds);
        Some(rest)
    }

    /// `UTC`, `CET`, `GMT+3`, `+03`.
    fn zone_name<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let letters = text.bytes().take_while(u8::is_ascii_uppercase).count();
        let (zone, rest) = text.split_at(letters);
        match (zone, letters) {
            ("UTC" | "GMT", _) => {
                let signed = rest.strip_prefix(['+', '-']).and_then(|after| number(after, 1, 2));
                let Some((hours, after)) = signed else {
                    self.offset_s = Some(0);
                    return Some(rest);
                };
                let sign = if rest.starts_with('-') { -1 } else { 1 };
                self.offset_s = Some(sign * i32::try_from(hours).ok()? * 3600);
                Some(after)
            }
            (_, 3..=5) => {
                // Go does not know what most of these mean and takes them for UTC; where the name is one of the database's, it means that.
                self.zone = zone.parse().ok();
                if self.zone.is_none() {
                    self.offset_s = Some(0);
                }
                Some(rest)
            }
            (_, 0) => self.offset(text, false, false, 1),
            _ => None,
        }
    }

    fn time(&self, zone: Tz, now_ns: i64) -> Option<i64> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let zone = self.zone.unwrap_or(zone);
        let at = |year: i32| -> Option<i64> {
            let date = match self.year_day {
                Some(day) => NaiveDate::from_yo_opt(year, day)?,
                None => NaiveDate::from_ymd_opt(year, self.month.unwrap_or(1), self.day.unwrap_or(1))?,
            };
            let local = date.and_hms_nano_opt(hour, self.minute, self.second.min(59), self.nanos)?;
            let utc = match self.offset_s {
                Some(offset) => FixedOffset::east_opt(offset)?.from_local_datetime(&local).single()?.with_timezone(&Utc),
                // In the hour that comes twice the first one, in the hour that is left out the moment it is left out.
                None => match zone.from_local_datetime(&local).earliest() {
                    Some(time) => time.with_timezone(&Utc),
                    None => zone.from_local_datetime(&(local + chrono::TimeDelta::hours(1))).earliest()?.with_timezone(&Utc),
                },
            };
            utc.timestamp_nanos_opt()
        };
        if let Some(year) = self.year {
            return at(year);
        }
        let this_year = DateTime::from_timestamp_nanos(now_ns).with_timezone(&zone).year();
        let candidates = [this_year, this_year - 1, this_year + 1];
        candidates.into_iter().filter_map(at).min_by_key(|ts| ts.abs_diff(now_ns))
    }
}

/// Text of the layout that must stand there; a blank stands for any number of them.
fn skip<'t>(literal: &str, text: &'t str) -> Option<&'t str> {
    let mut rest = text;
    for c in literal.chars() {
        if c == ' ' {
            if !rest.is_empty() && !rest.starts_with(' ') {
                return None;
            }
            rest = rest.trim_start_matches(' ');
        } else {
            rest = rest.strip_prefix(c)?;
        }
    }
    Some(rest)
}

/// A time in RFC 3339, in nanoseconds since the Unix epoch.
pub(super) fn rfc3339(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok()?.timestamp_nanos_opt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-05-06 07:08:09 UTC.
    const NOW: i64 = 1_714_979_289_000_000_000;

    #[test]
    fn times_are_read_as_go_reads_them() {
        for (layout, text, time) in [
            ("RFC3339", "2024-05-06T07:08:09Z", Some("2024-05-06T07:08:09Z")),
            ("RFC3339", "2024-05-06T07:08:09.123456789+02:00", Some("2024-05-06T05:08:09.123456789Z")),
            ("RFC3339Nano", "2024-05-06T07:08:09.5Z", Some("2024-05-06T07:08:09.5Z")),
            ("2006-01-02 15:04:05", "2024-05-06 07:08:09", Some("2024-05-06T07:08:09Z")),
            ("2006-01-02 15:04:05,000", "2024-05-06 07:08:09,250", Some("2024-05-06T07:08:09.250Z")),
            ("2006-01-02 15:04:05,000", "2024-05-06 07:08:09,25", None),
            ("02/Jan/2006:15:04:05 -0700", "06/May/2024:07:08:09 -0500", Some("2024-05-06T12:08:09Z")),
            ("Jan _2 15:04:05", "May  6 07:08:09", Some("2024-05-06T07:08:09Z")),
            ("Jan _2 15:04:05", "Dec 31 23:59:59", Some("2023-12-31T23:59:59Z")),
            ("ANSIC", "Mon May  6 07:08:09 2024", Some("2024-05-06T07:08:09Z")),
            ("RFC1123", "Mon, 06 May 2024 07:08:09 GMT", Some("2024-05-06T07:08:09Z")),
            ("1/2/06 3:04:05 PM", "5/6/24 7:08:09 am", Some("2024-05-06T07:08:09Z")),
            ("1/2/06 3:04:05 PM", "12/16/24 12:08:09 PM", Some("2024-12-16T12:08:09Z")),
            ("2006-002", "2024-127", Some("2024-05-06T00:00:00Z")),
            ("2006-01-02T15:04:05Z0700", "2024-05-06T07:08:09+0130", Some("2024-05-06T05:38:09Z")),
            ("2006-01-02", "2024-02-30", None),
            ("2006-01-02", "2024-02-03x", None),
            ("2006-01-02 15:04:05", "2024-05-06", None),
            ("15:04:05", "25:00:00", None),
            ("Monday January 2 2006 15h04", "Monday May 6 2024 07h08", Some("2024-05-06T07:08:00Z")),
            ("2006-01-02 15:04:05 MST", "2024-05-06 07:08:09 CET", Some("2024-05-06T05:08:09Z")),
        ] {
            let read = Layout::new(layout).parse(text, Tz::UTC, NOW);
            assert_eq!(read, time.map(|time| rfc3339(time).unwrap()), "{layout} {text}");
        }
        assert!(!Layout::new("yyyy-MM-dd").says_something());
    }

    #[test]
    fn zones_and_their_changes() {
        let layout = Layout::new("2006-01-02 15:04");
        let berlin: Tz = "Europe/Berlin".parse().unwrap();
        for (text, time) in [
            ("2024-07-01 12:00", "2024-07-01T10:00:00Z"),
            ("2024-01-01 12:00", "2024-01-01T11:00:00Z"),
            ("2024-10-27 02:30", "2024-10-27T00:30:00Z"),
            ("2024-03-31 02:30", "2024-03-31T01:30:00Z"),
        ] {
            assert_eq!(layout.parse(text, berlin, NOW), rfc3339(time), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(layout in "[0-9A-Za-z:._ ,-]{0,30}", text in "\\PC{0,30}") {
            let _either = Layout::new(&layout).parse(&text, Tz::UTC, NOW);
            let _same = Layout::new(&layout).parse(&layout, Tz::UTC, NOW);
        }
    }
}
