//! Times of the calendar as people say them: `Saturdays, 02:00–04:00 Europe/Berlin`.

use std::sync::LazyLock;

use super::fields::Fields;
use crate::alerts::model::interval::text::{Part, read_minute, write_minute};
use crate::alerts::model::interval::{Interval, Location, Range, TimeRange};
use crate::base::time::parse_rfc3339;
use crate::ui::lang::{Lang, Words, key};

/// Minutes of a day.
const DAY: u32 = 1440;

/// Days of the week with their value in forms, from Monday on: short, and in the plural.
pub const WEEKDAYS: [(i64, &str, &str); 7] = [
    (1, key("Mon"), key("Mondays")),
    (2, key("Tue"), key("Tuesdays")),
    (3, key("Wed"), key("Wednesdays")),
    (4, key("Thu"), key("Thursdays")),
    (5, key("Fri"), key("Fridays")),
    (6, key("Sat"), key("Saturdays")),
    (0, key("Sun"), key("Sundays")),
];

/// `HH:MM` of a minute of the day.
pub fn clock(minute: u32) -> String {
    write_minute(minute)
}

/// Times that a form of one line can say: days, from when to when, whose clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// Days of the week on which it begins, Sunday is 0; none for every day.
    pub weekdays: Vec<i64>,
    /// First minute of the day; all day if it is [`Self::to`].
    pub from: u32,
    /// Minute after the last; before `from` it is one of the next day.
    pub to: u32,
    /// Days of the month as ranges; none for all.
    pub days: Vec<(i64, i64)>,
    /// Months as ranges; none for all.
    pub months: Vec<(i64, i64)>,
    /// Whose clock counts.
    pub location: Location,
}

fn pairs(ranges: Option<&Vec<Range>>) -> Vec<(i64, i64)> {
    ranges.into_iter().flatten().map(|range| (range.begin, range.end)).collect()
}

fn ranges(pairs: &[(i64, i64)]) -> Option<Vec<Range>> {
    (!pairs.is_empty()).then(|| pairs.iter().map(|&(begin, end)| Range { begin, end }).collect())
}

fn each(ranges: Option<&Vec<Range>>) -> Vec<i64> {
    let mut days: Vec<i64> = ranges.into_iter().flatten().flat_map(|range| range.begin.max(0)..=range.end.min(6)).collect();
    days.sort_unstable();
    days.dedup();
    days
}

impl Plain {
    /// What intervals say, if a form can.
    pub fn of(intervals: &[Interval]) -> Option<Self> {
        let one = |interval: &Interval| -> Option<Self> {
            let (from, to) = match interval.times.as_deref() {
                None => (0, 0),
                Some([only]) => (only.start, only.end),
                Some(_) => return None,
            };
            let has_nothing = [&interval.weekdays, &interval.days_of_month, &interval.months].into_iter().flatten().any(Vec::is_empty);
            if interval.years.is_some() || has_nothing {
                return None;
            }
            let mut weekdays = each(interval.weekdays.as_ref());
            if weekdays.len() == 7 {
                weekdays.clear();
            }
            let location = interval.location.unwrap_or(Location::Utc);
            Some(Self {
                weekdays,
                from,
                to,
                days: pairs(interval.days_of_month.as_ref()),
                months: pairs(interval.months.as_ref()),
                location,
            })
        };
        match intervals {
            [only] => one(only),
            // The evening, and the morning after it.
            [evening, morning] => {
                let (evening, morning) = (one(evening)?, one(morning)?);
                let joined = Self { to: morning.to, ..evening.clone() };
                (evening.to == DAY && morning.from == 0 && joined.to < joined.from && joined.intervals() == intervals).then_some(joined)
            }
            _ => None,
        }
    }

    /// The same as intervals; over midnight it takes two.
    pub fn intervals(&self) -> Vec<Interval> {
        let interval = |weekdays: &[i64], times: Option<(u32, u32)>| Interval {
            times: times.map(|(start, end)| vec![TimeRange { start, end }]),
            weekdays: ranges(&weekdays.iter().map(|day| (*day, *day)).collect::<Vec<_>>()),
            days_of_month: ranges(&self.days),
            months: ranges(&self.months),
            years: None,
            location: Some(self.location),
        };
        if self.from == self.to || (self.from == 0 && self.to == DAY) {
            return vec![interval(&self.weekdays, None)];
        }
        if self.from < self.to {
            return vec![interval(&self.weekdays, Some((self.from, self.to)))];
        }
        let evening = interval(&self.weekdays, Some((self.from, DAY)));
        if self.to == 0 {
            return vec![evening];
        }
        let mut after: Vec<i64> = self.weekdays.iter().map(|day| (day + 1) % 7).collect();
        after.sort_unstable();
        vec![evening, interval(&after, Some((0, self.to)))]
    }

    /// Fills in the form.
    pub fn write(&self, fields: &mut Fields) {
        let mut lines = vec![("zone".to_owned(), self.location.as_str().to_owned())];
        if self.from != self.to {
            lines.push(("from".to_owned(), clock(self.from)));
            lines.push(("to".to_owned(), clock(self.to % DAY)));
        }
        let joined = |part: Part, pairs: &[(i64, i64)]| {
            pairs.iter().map(|&(begin, end)| part.write(Range { begin, end })).collect::<Vec<_>>().join(", ")
        };
        lines.push(("days".to_owned(), joined(Part::DaysOfMonth, &self.days)));
        lines.push(("months".to_owned(), joined(Part::Months, &self.months)));
        lines.extend(self.weekdays.iter().map(|day| ("weekday".to_owned(), day.to_string())));
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(lines).finish();
        fields.extend(Fields::from_form(form.as_bytes()));
    }

    /// Reads the form; the name of a field that is wrong with why.
    pub fn read(fields: &Fields) -> Result<Self, Vec<(&'static str, Words)>> {
        let mut wrong = Vec::new();
        let mut minute = |name: &'static str| match fields.get(name) {
            "" => 0,
            text => read_minute(text.get(..5).unwrap_or(text)).unwrap_or_else(|| {
                wrong.push((name, Words::new("“{}” is not a time of day such as 09:00.", [text.to_owned()])));
                0
            }),
        };
        let (from, to) = (minute("from"), minute("to"));
        let mut list = |name: &'static str, part: Part| {
            let mut found = Vec::new();
            for text in fields.get(name).split([',', ' ']).map(str::trim).filter(|text| !text.is_empty()) {
                match part.read(text) {
                    Ok(range) => found.push((range.begin, range.end)),
                    Err(why) => wrong.push((name, Words::plain(why))),
                }
            }
            found
        };
        let (days, months) = (list("days", Part::DaysOfMonth), list("months", Part::Months));
        if to != 0 && to < from && !(days.is_empty() && months.is_empty()) {
            wrong.push(("to", key("Times over midnight go with days of the week only.").into()));
        }
        let mut weekdays: Vec<i64> = fields.all("weekday").filter_map(|day| day.parse().ok()).filter(|day| (0..7).contains(day)).collect();
        weekdays.sort_unstable();
        weekdays.dedup();
        if weekdays.len() == 7 {
            weekdays.clear();
        }
        match read_zone(fields.get("zone")) {
            Ok(location) if wrong.is_empty() => Ok(Self { weekdays, from, to, days, months, location }),
            Ok(_) => Err(wrong),
            Err(why) => {
                wrong.push(("zone", why));
                Err(wrong)
            }
        }
    }

    /// In words, without the place.
    fn words(&self, lang: Lang) -> String {
        let comma = lang.comma();
        let join = |parts: Vec<String>| parts.join(comma);
        let mut parts = Vec::new();
        if !self.weekdays.is_empty() {
            parts.push(days_words(&self.weekdays, lang));
        } else if self.days.is_empty() {
            parts.push(lang.t("Every day").to_owned());
        }
        if !self.days.is_empty() {
            let range = |&(begin, end): &(i64, i64)| if begin == end { begin.to_string() } else { format!("{begin}–{end}") };
            parts.push(lang.fill("on the days {} of the month", &[&join(self.days.iter().map(range).collect())]));
        }
        if !self.months.is_empty() {
            let month = |month: i64| month_words(month, lang);
            let range = |&(begin, end): &(i64, i64)| if begin == end { month(begin) } else { format!("{}–{}", month(begin), month(end)) };
            parts.push(lang.fill("in {}", &[&join(self.months.iter().map(range).collect())]));
        }
        if self.from != self.to {
            parts.push(format!("{}–{}", clock(self.from), if self.to == 0 { clock(DAY) } else { clock(self.to) }));
        }
        join(parts)
    }
}

fn month_words(month: i64, lang: Lang) -> String {
    // The twentieth of each month of a year, as dates are written.
    let date = crate::ui::format::date(parse_rfc3339(&format!("2026-{month:02}-20T00:00:00Z")).unwrap_or(0), lang);
    date.split(' ').nth(1).unwrap_or("").to_owned()
}

fn days_words(days: &[i64], lang: Lang) -> String {
    if days == [1, 2, 3, 4, 5] {
        return lang.t("Monday to Friday").to_owned();
    }
    if days == [0, 6] {
        return lang.t("Weekends").to_owned();
    }
    let names = WEEKDAYS
        .iter()
        .filter(|(day, _, _)| days.contains(day))
        .map(|(_, short, plural)| lang.t(if days.len() > 3 { short } else { plural }));
    names.collect::<Vec<_>>().join(lang.comma())
}

/// Every time zone there is, by name.
pub fn zones() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(Location::names);
    &NAMES
}

/// Reads whose clock counts.
pub fn read_zone(text: &str) -> Result<Location, Words> {
    Location::parse(text).ok_or_else(|| Words::new("“{}” is not a time zone such as Europe/Berlin or UTC.", [text.to_owned()]))
}

/// Intervals in words, and whose clock counts; of several the first, and how many more there are.
pub fn words(intervals: &[Interval], lang: Lang) -> (String, &'static str) {
    let zone = intervals.first().and_then(|interval| interval.location).unwrap_or(Location::Utc).as_str();
    if let Some(plain) = Plain::of(intervals) {
        return (plain.words(lang), zone);
    }
    let said = |interval: &Interval| {
        let parts = [&interval.weekdays, &interval.days_of_month, &interval.months, &interval.years];
        let times = interval.times.iter().flatten().map(|range| format!("{}–{}", clock(range.start), clock(range.end)));
        let rest = Part::ALL.into_iter().zip(parts).flat_map(|(part, ranges)| ranges.iter().flatten().map(move |range| part.write(*range)));
        let place = interval.location.filter(|location| location.as_str() != zone).map(|location| location.as_str().to_owned());
        rest.chain(times).chain(place).collect::<Vec<_>>().join(" ")
    };
    (intervals.iter().map(said).collect::<Vec<_>>().join(" · "), zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::model::interval::text::{read_day, write_day};

    fn form(query: &str) -> Result<Plain, String> {
        Plain::read(&Fields::from_form(query.as_bytes()))
            .map_err(|wrong| wrong.iter().map(|(field, words)| format!("{field}: {}", words.text(Lang::En))).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn forms_become_intervals_and_words_and_come_back() {
        for (query, intervals, said) in [
            ("weekday=6&from=02:00&to=04:00&zone=Europe/Berlin", 1, "Saturdays, 02:00–04:00"),
            ("weekday=6&weekday=0&from=22:00&to=06:00", 2, "Weekends, 22:00–06:00"),
            ("from=22:00&to=06:00", 2, "Every day, 22:00–06:00"),
            ("from=22:00&to=00:00", 1, "Every day, 22:00–24:00"),
            ("weekday=1&weekday=2&weekday=3&weekday=4&weekday=5", 1, "Monday to Friday"),
            ("", 1, "Every day"),
            (
                "days=1:3,-1&months=january:march,12&from=01:00&to=02:00",
                1,
                "on the days 1–3, -1 of the month, in Jan–Mar, Dec, 01:00–02:00",
            ),
            ("weekday=1&weekday=3&weekday=4&weekday=6", 1, "Mon, Wed, Thu, Sat"),
            ("weekday=0&weekday=1&weekday=2&weekday=3&weekday=4&weekday=5&weekday=6&weekday=9", 1, "Every day"),
        ] {
            let plain = form(query).expect(query);
            let made = plain.intervals();
            assert_eq!(made.len(), intervals, "{query}");
            assert_eq!(words(&made, Lang::En).0, said, "{query}");
            let again = Plain::of(&made).expect(query);
            assert_eq!(again.intervals(), made, "{query}");
            let mut fields = Fields::default();
            again.write(&mut fields);
            assert_eq!(Plain::read(&fields).expect(query).intervals(), made, "{query}");
        }
    }

    #[test]
    fn what_is_wrong_names_its_field() {
        for (query, part) in [
            ("from=25:00", "from: “25:00”"),
            ("to=é1:00", "to: "),
            ("zone=Mars/Olympus", "zone: "),
            ("days=40", "days: 40 is not a valid day"),
            ("months=may:april", "months: end month"),
            ("from=22:00&to=06:00&days=1", "to: Times over midnight"),
        ] {
            let error = form(query).expect_err(query);
            assert!(error.contains(part), "{query}: {error}");
        }
    }

    #[test]
    fn what_a_form_cannot_say_is_said_all_the_same() {
        let two =
            Interval { times: Some(vec![TimeRange { start: 0, end: 60 }, TimeRange { start: 120, end: 180 }]), ..Interval::default() };
        assert_eq!(Plain::of(std::slice::from_ref(&two)), None);
        assert_eq!(words(&[two], Lang::En), ("00:00–01:00 02:00–03:00".to_owned(), "UTC"));
        let years = Interval { years: ranges(&[(2026, 2027)]), ..Interval::default() };
        assert_eq!(words(&[years, Interval::default()], Lang::En).0, "2026:2027 · ");
        assert_eq!(Plain::of(&[]), None);
        for (text, day) in [("1970-01-02", Some(1)), ("2026-11-20", Some(20_777)), ("2026-13-20", None), ("x", None), ("", None)] {
            assert_eq!(read_day(text), day, "{text}");
        }
        assert_eq!(write_day(20_777), "2026-11-20");
    }
}
