//! Points in time in templates, written and read by Go's layouts (`2006-01-02 15:04:05`).

use crate::base::time::{civil_from_days, days_from_civil, days_in_month};

/// A point in time, shown at a distance from UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Nanoseconds since the Unix epoch. Wide enough for the year 1, which is what cannot be read.
    pub nanos: i128,
    /// Seconds east of UTC.
    pub east: i32,
    /// What the zone is called; the distance stands for it where it has no name.
    pub zone: Option<Box<str>>,
}

const SECOND: i128 = 1_000_000_000;
const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Parts of layouts, longest first where one begins another.
const PARTS: [(&str, Part); 36] = [
    ("January", Part::MonthName),
    ("Jan", Part::MonthShort),
    ("Monday", Part::DayName),
    ("Mon", Part::DayShort),
    ("MST", Part::Zone),
    ("2006", Part::Year),
    ("-07:00:00", Part::Offset(true, true, false)),
    ("-070000", Part::Offset(false, true, false)),
    ("-07:00", Part::Offset(true, false, false)),
    ("-0700", Part::Offset(false, false, false)),
    ("-07", Part::OffsetHours),
    ("Z07:00:00", Part::Offset(true, true, true)),
    ("Z070000", Part::Offset(false, true, true)),
    ("Z07:00", Part::Offset(true, false, true)),
    ("Z0700", Part::Offset(false, false, true)),
    ("002", Part::DayOfYear),
    ("01", Part::Month2),
    ("02", Part::Day2),
    ("03", Part::Hour12Two),
    ("04", Part::Minute2),
    ("05", Part::Second2),
    ("06", Part::Year2),
    ("15", Part::Hour2),
    ("PM", Part::Half),
    ("pm", Part::HalfLower),
    ("_2", Part::DaySpace),
    ("1", Part::Month),
    ("2", Part::Day),
    ("3", Part::Hour12),
    ("4", Part::Minute),
    ("5", Part::Second),
    (".000000000", Part::Fraction(9, true)),
    (".000000", Part::Fraction(6, true)),
    (".000", Part::Fraction(3, true)),
    (".999999999", Part::Fraction(9, false)),
    (".999", Part::Fraction(3, false)),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    MonthName,
    MonthShort,
    DayName,
    DayShort,
    Zone,
    Year,
    Year2,
    /// Colons, seconds, `Z` for UTC.
    Offset(bool, bool, bool),
    OffsetHours,
    DayOfYear,
    Month2,
    Month,
    Day2,
    Day,
    DaySpace,
    Hour2,
    Hour12Two,
    Hour12,
    Minute2,
    Minute,
    Second2,
    Second,
    Half,
    HalfLower,
    /// Digits, and whether zeros at the end stay.
    Fraction(usize, bool),
}

/// The next part of a layout: the literal before it, itself, and the rest.
fn next_part(layout: &str) -> Option<(&str, Part, &str)> {
    for (at, _) in layout.char_indices() {
        let rest = layout.get(at..)?;
        // Fractions of other lengths than the usual ones.
        if let Some(digits) = rest.strip_prefix(['.', ',']) {
            for digit in ['0', '9'] {
                let count = digits.len() - digits.trim_start_matches(digit).len();
                let ends = !digits.get(count..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
                if (1..=9).contains(&count) && ends {
                    return Some((layout.get(..at)?, Part::Fraction(count, digit == '0'), rest.get(1 + count..)?));
                }
            }
        }
        if let Some((text, part)) = PARTS.iter().find(|(text, part)| !matches!(part, Part::Fraction(..)) && rest.starts_with(text)) {
            return Some((layout.get(..at)?, *part, rest.get(text.len()..)?));
        }
    }
    None
}

/// A span of nanoseconds as Go prints it: `1h2m3.5s`, `1.5ms`, `0s`.
pub fn span(nanos: i64) -> String {
    let magnitude = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    let decimal = |value: u64, unit: u64| {
        let fraction = format!("{:0width$}", value % unit, width = unit.ilog10() as usize);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() { (value / unit).to_string() } else { format!("{}.{fraction}", value / unit) }
    };
    match magnitude {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{magnitude}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", decimal(magnitude, 1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", decimal(magnitude, 1_000_000)),
        _ => {
            let minutes = magnitude / 60_000_000_000;
            let seconds = decimal(magnitude % 60_000_000_000, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// A calendar's view of a moment.
struct Fields {
    year: i64,
    month: i64,
    day: i64,
    of_day: i64,
    nanos: i64,
    days: i64,
}

impl Moment {
    /// In UTC.
    pub const fn utc(nanos: i64) -> Self {
        Self { nanos: nanos as i128, east: 0, zone: None }
    }

    /// Go's zero time, the year 1.
    pub fn zero() -> Self {
        Self { nanos: i128::from(days_from_civil(1, 1, 1)) * 86_400 * SECOND, east: 0, zone: None }
    }

    /// The same point in UTC.
    pub const fn utc_of(&self) -> Self {
        Self { nanos: self.nanos, east: 0, zone: None }
    }

    /// The same point as the clock on the wall of this machine shows it.
    pub fn local(&self) -> Self {
        use chrono::{Offset, TimeZone};
        let seconds = i64::try_from(self.nanos.div_euclid(SECOND)).ok();
        let utc = seconds.and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0));
        let east = utc.map_or(0, |utc| chrono::Local.offset_from_utc_datetime(&utc.naive_utc()).fix().local_minus_utc());
        Self { nanos: self.nanos, east, zone: None }
    }

    /// So many nanoseconds later.
    pub fn later(&self, nanos: i64) -> Self {
        Self { nanos: self.nanos + i128::from(nanos), ..self.clone() }
    }

    fn fields(&self) -> Fields {
        let local = self.nanos + i128::from(self.east) * SECOND;
        let seconds = local.div_euclid(SECOND) as i64;
        let days = seconds.div_euclid(86_400);
        let (year, month, day) = civil_from_days(days);
        Fields { year, month, day, of_day: seconds.rem_euclid(86_400), nanos: local.rem_euclid(SECOND) as i64, days }
    }

    /// As Go prints a time: `2026-01-02 03:04:05.678 +0000 UTC`.
    pub fn print(&self, out: &mut String) {
        self.format("2006-01-02 15:04:05.999999999 -0700 MST", out);
    }

    /// By a layout.
    pub fn format(&self, layout: &str, out: &mut String) {
        let fields = self.fields();
        let mut rest = layout;
        while let Some((literal, part, behind)) = next_part(rest) {
            out.push_str(literal);
            self.part(part, &fields, out);
            rest = behind;
        }
        out.push_str(rest);
    }

    fn part(&self, part: Part, fields: &Fields, out: &mut String) {
        let (hour, minute, second) = (fields.of_day / 3600, fields.of_day / 60 % 60, fields.of_day % 60);
        let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
        let month = MONTHS[(fields.month - 1).clamp(0, 11) as usize];
        let weekday = DAYS[(fields.days + 4).rem_euclid(7) as usize];
        let text = match part {
            Part::MonthName => month.to_owned(),
            Part::MonthShort => month.get(..3).unwrap_or_default().to_owned(),
            Part::DayName => weekday.to_owned(),
            Part::DayShort => weekday.get(..3).unwrap_or_default().to_owned(),
            Part::Zone if self.zone.is_some() => self.zone.as_deref().unwrap_or_default().to_owned(),
            Part::Zone if self.east == 0 => "UTC".to_owned(),
            Part::Zone => self.offset(false, false),
            Part::Year => format!("{:04}", fields.year),
            Part::Year2 => format!("{:02}", fields.year.rem_euclid(100)),
            Part::Offset(_, _, true) if self.east == 0 => "Z".to_owned(),
            Part::Offset(colons, seconds, _) => self.offset(colons, seconds),
            Part::OffsetHours => self.offset(false, false).get(..3).unwrap_or_default().to_owned(),
            Part::DayOfYear => format!("{:03}", fields.days - days_from_civil(fields.year, 1, 1) + 1),
            Part::Month2 => format!("{:02}", fields.month),
            Part::Month => fields.month.to_string(),
            Part::Day2 => format!("{:02}", fields.day),
            Part::Day => fields.day.to_string(),
            Part::DaySpace => format!("{:2}", fields.day),
            Part::Hour2 => format!("{hour:02}"),
            Part::Hour12Two => format!("{hour12:02}"),
            Part::Hour12 => hour12.to_string(),
            Part::Minute2 => format!("{minute:02}"),
            Part::Minute => minute.to_string(),
            Part::Second2 => format!("{second:02}"),
            Part::Second => second.to_string(),
            Part::Half => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            Part::HalfLower => if hour < 12 { "am" } else { "pm" }.to_owned(),
            Part::Fraction(digits, keep) => {
                let all = format!("{:09}", fields.nanos);
                let cut = all.get(..digits).unwrap_or_default();
                let cut = if keep { cut } else { cut.trim_end_matches('0') };
                if cut.is_empty() { String::new() } else { format!(".{cut}") }
            }
        };
        out.push_str(&text);
    }

    fn offset(&self, colons: bool, seconds: bool) -> String {
        let (sign, east) = if self.east < 0 { ('-', -self.east) } else { ('+', self.east) };
        let colon = if colons { ":" } else { "" };
        let mut text = format!("{sign}{:02}{colon}{:02}", east / 3600, east / 60 % 60);
        if seconds {
            text.push_str(&format!("{colon}{:02}", east % 60));
        }
        text
    }

    /// Reads a text by a layout; none if it does not fit.
    pub fn parse(layout: &str, text: &str) -> Option<Self> {
        let mut read = Read { text, month: 1, day: 1, ..Read::default() };
        let mut rest = layout;
        while let Some((literal, part, behind)) = next_part(rest) {
            read.text = read.text.strip_prefix(literal)?;
            read.part(part)?;
            rest = behind;
            // A fraction behind seconds is read even where the layout has none.
            if matches!(part, Part::Second | Part::Second2)
                && read.text.starts_with(['.', ','])
                && read.text.as_bytes().get(1).is_some_and(u8::is_ascii_digit)
                && !matches!(next_part(rest), Some(("", Part::Fraction(..), _)))
            {
                read.fraction()?;
            }
        }
        (read.text == rest).then(|| read.moment())?
    }
}

/// What was read of a text so far.
#[derive(Default)]
struct Read<'a> {
    text: &'a str,
    year: i64,
    month: i64,
    day: i64,
    day_of_year: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: i64,
    afternoon: Option<bool>,
    east: i32,
}

impl Read<'_> {
    fn digits(&mut self, least: usize, most: usize) -> Option<i64> {
        let count = self.text.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count < least {
            return None;
        }
        let number = self.text.get(..count)?.parse().ok()?;
        self.text = self.text.get(count..)?;
        Some(number)
    }

    fn word<'w>(&mut self, words: impl Iterator<Item = &'w str>) -> Option<usize> {
        let (index, length) = words
            .enumerate()
            .filter(|(_, word)| self.text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
            .map(|(index, word)| (index, word.len()))
            .next()?;
        self.text = self.text.get(length..)?;
        Some(index)
    }

    fn fraction(&mut self) -> Option<()> {
        self.text = self.text.strip_prefix(['.', ','])?;
        let count = self.text.bytes().take_while(u8::is_ascii_digit).count();
        let digits = self.text.get(..count.min(9))?;
        self.nanos = if digits.is_empty() { 0 } else { format!("{digits:0<9}").parse().ok()? };
        self.text = self.text.get(count..)?;
        Some(())
    }

    fn part(&mut self, part: Part) -> Option<()> {
        match part {
            Part::MonthName => self.month = self.word(MONTHS.iter().copied())? as i64 + 1,
            Part::MonthShort => self.month = self.word(MONTHS.iter().map(|month| &month[..3]))? as i64 + 1,
            Part::DayName => self.word(DAYS.iter().copied()).map(|_| ())?,
            Part::DayShort => self.word(DAYS.iter().map(|day| &day[..3])).map(|_| ())?,
            Part::Zone => {
                let count = self.text.bytes().take_while(u8::is_ascii_alphabetic).count();
                if count < 3 {
                    return None;
                }
                self.text = self.text.get(count..)?;
            }
            Part::Year => self.year = self.digits(4, 4)?,
            Part::Year2 => {
                let year = self.digits(2, 2)?;
                self.year = if year >= 69 { 1900 + year } else { 2000 + year };
            }
            Part::Offset(_, _, true) if self.text.starts_with('Z') => self.text = &self.text[1..],
            Part::Offset(colons, seconds, _) => self.offset(colons, true, seconds)?,
            Part::OffsetHours => self.offset(false, false, false)?,
            Part::DayOfYear => self.day_of_year = Some(self.digits(3, 3)?),
            Part::Month2 => self.month = self.digits(2, 2)?,
            Part::Month => self.month = self.digits(1, 2)?,
            Part::Day2 => self.day = self.digits(2, 2)?,
            Part::Day | Part::DaySpace => {
                self.text = self.text.trim_start_matches(' ');
                self.day = self.digits(1, 2)?;
            }
            Part::Hour2 => self.hour = self.digits(2, 2)?,
            Part::Hour12Two => self.hour = self.digits(2, 2)?,
            Part::Hour12 => self.hour = self.digits(1, 2)?,
            Part::Minute2 => self.minute = self.digits(2, 2)?,
            Part::Minute => self.minute = self.digits(1, 2)?,
            Part::Second2 => self.second = self.digits(2, 2)?,
            Part::Second => self.second = self.digits(1, 2)?,
            Part::Half | Part::HalfLower => self.afternoon = Some(self.word(["AM", "PM"].into_iter())? == 1),
            Part::Fraction(_, keep) => {
                if keep || self.text.starts_with(['.', ',']) {
                    self.fraction()?;
                }
            }
        }
        Some(())
    }

    fn offset(&mut self, colons: bool, minutes: bool, seconds: bool) -> Option<()> {
        let sign = if self.text.starts_with('-') { -1 } else { 1 };
        self.text = self.text.strip_prefix(['+', '-'])?;
        let mut east = self.digits(2, 2)? * 3600;
        for (wanted, unit) in [(minutes, 60), (seconds, 1)] {
            if wanted {
                if colons {
                    self.text = self.text.strip_prefix(':')?;
                }
                east += self.digits(2, 2)? * unit;
            }
        }
        self.east = i32::try_from(sign * east).ok()?;
        Some(())
    }

    fn moment(&self) -> Option<Moment> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let fits = (1..=12).contains(&self.month)
            && (1..=days_in_month(self.year, self.month)).contains(&self.day)
            && hour < 24
            && self.minute < 60
            && self.second < 60;
        if !fits {
            return None;
        }
        let days = match self.day_of_year {
            Some(day) => days_from_civil(self.year, 1, 1) + day - 1,
            None => days_from_civil(self.year, self.month, self.day),
        };
        let seconds = days * 86_400 + hour * 3600 + self.minute * 60 + self.second - i64::from(self.east);
        Some(Moment { nanos: i128::from(seconds) * SECOND + i128::from(self.nanos), east: self.east, zone: None })
    }
}
