//! Numbers and times in words for pages. `web/lib/format.ts` does the same for numbers; `web/test/units.json` holds both to it.

use crate::base::period::{Grain, Period};
use crate::base::time::{civil_from_days, days_from_civil, format_rfc3339};
use crate::ui::lang::{Lang, key};

pub use crate::ui::units::Unit;

/// A value with its unit, at most three significant digits.
pub fn number(value: f64, unit: Unit) -> String {
    unit.show(value, None)
}

/// A value and its unit apart (`38.2`, `MiB/s`), for tiles that set them in two sizes.
pub fn split(value: f64, unit: Unit) -> (String, String) {
    let text = number(value, unit);
    let (number, rest) = unit.split(&text);
    (number.to_owned(), rest.to_owned())
}

/// A count in full with thin groups: `1,204,118`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A moment: in words while it is young, its date when older than a day; and exactly, in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// `6 min ago`, `14 Nov 2026`.
    pub words: String,
    /// RFC 3339.
    pub exact: String,
    /// What scripts rewrite in the reader's zone: `date`, `datetime`, `clock`, or nothing (`ago`).
    pub form: &'static str,
}

/// A moment seen from now.
pub fn moment(at_ms: i64, now_ms: i64, lang: Lang) -> Moment {
    let age = now_ms.saturating_sub(at_ms);
    let exact = format_rfc3339(at_ms.div_euclid(1000).saturating_mul(1000));
    if age.unsigned_abs() < 86_400_000 {
        return Moment { words: ago(age, lang), exact, form: "ago" };
    }
    Moment { words: date(at_ms, lang), exact, form: "date" }
}

/// A moment by its date and time, in UTC until a script knows better.
pub fn exactly(at_ms: i64, lang: Lang) -> Moment {
    let exact = format_rfc3339(at_ms.div_euclid(1000).saturating_mul(1000));
    Moment { words: format!("{} UTC", date_time(at_ms, lang)), exact, form: "datetime" }
}

/// `6 min ago`, `in 5 s`, from an age in milliseconds below a day.
fn ago(age_ms: i64, lang: Lang) -> String {
    let seconds = age_ms.unsigned_abs() / 1000;
    let past = age_ms >= 0;
    match seconds {
        0 => lang.t("just now").to_owned(),
        1..60 if past => lang.n(seconds, "{} s ago", "{} s ago"),
        1..60 => lang.n(seconds, "in {} s", "in {} s"),
        60..3600 if past => lang.n(seconds / 60, "{} min ago", "{} min ago"),
        60..3600 => lang.n(seconds / 60, "in {} min", "in {} min"),
        _ if past => lang.n(seconds / 3600, "{} h ago", "{} h ago"),
        _ => lang.n(seconds / 3600, "in {} h", "in {} h"),
    }
}

/// `14 Nov 2026` in UTC.
pub fn date(at_ms: i64, lang: Lang) -> String {
    const MONTHS: [&str; 12] = [
        key("Jan"),
        key("Feb"),
        key("Mar"),
        key("Apr"),
        key("May"),
        key("Jun"),
        key("Jul"),
        key("Aug"),
        key("Sep"),
        key("Oct"),
        key("Nov"),
        key("Dec"),
    ];
    let (year, month, day) = civil_from_days(at_ms.div_euclid(86_400_000));
    let month = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or("");
    format!("{day} {} {year}", lang.t(month))
}

/// A period in words: `14 Nov 2026 09:00`, `14 Nov 2026`, `Week 47 of 2026`, `Nov 2026`, `Q4 2026`, `2026`.
pub fn period(period: Period, lang: Lang) -> String {
    let day = |number: i64| date(number * 86_400_000, lang);
    match period.grain() {
        Grain::Hour => date_time(period.number() * 3_600_000, lang),
        Grain::Day => day(period.number()),
        Grain::Week => {
            let text = period.to_string();
            let week = text.split_once("-W").map_or("", |(_, week)| week).trim_start_matches('0');
            lang.fill("Week {} of {}", &[&week, &period.year()])
        }
        Grain::Month => {
            let date = day(days_from_civil(period.year(), period.first_month(), 20));
            date.split_once(' ').map_or_else(|| period.to_string(), |(_, rest)| rest.to_owned())
        }
        Grain::Quarter => format!("Q{} {}", (period.first_month() + 2) / 3, period.year()),
        Grain::Year => period.year().to_string(),
    }
}

/// `14 Nov 2026 09:30` in UTC.
pub fn date_time(at_ms: i64, lang: Lang) -> String {
    let minutes = at_ms.div_euclid(60_000).rem_euclid(1440);
    format!("{} {:02}:{:02}", date(at_ms, lang), minutes / 60, minutes % 60)
}

/// Three significant digits, no trailing zeros; powers of ten beyond what is legible.
pub(super) fn digits(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e7).contains(&magnitude) {
        let text = format!("{value:.2e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", trimmed(mantissa));
    }
    let places = if magnitude >= 99.95 {
        0
    } else if magnitude >= 9.995 {
        1
    } else if magnitude >= 0.9995 {
        2
    } else {
        // From 1e-4 on, at most four zeros stand before the first digit.
        (2.0 - magnitude.log10().floor()).clamp(0.0, 7.0) as usize
    };
    trimmed(&format!("{value:.places$}")).to_owned()
}

pub(super) fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_split_and_counts_group() {
        assert_eq!(split(40_055_603.0, Unit::BytesPerSecond), ("38.2".to_owned(), "MiB/s".to_owned()));
        assert_eq!(split(0.423, Unit::Ratio), ("42.3".to_owned(), "%".to_owned()));
        assert_eq!(split(18_420.0, Unit::PerSecond), ("18.4k".to_owned(), "/s".to_owned()));
        assert_eq!(split(f64::NAN, Unit::Ratio), ("NaN".to_owned(), String::new()));
        assert_eq!(count(1_204_118), "1,204,118");
        assert_eq!(count(118), "118");
    }

    #[test]
    fn moments_are_words_then_dates() {
        let now = 1_763_714_000_000;
        assert_eq!(moment(now - 360_000, now, Lang::En).words, "6 min ago");
        assert_eq!(moment(now - 3 * 86_400_000, now, Lang::En).words, "18 Nov 2025");
        assert_eq!(date_time(0, Lang::En), "1 Jan 1970 00:00");
        for (text, expected) in [
            ("2026-11-22T14", "22 Nov 2026 14:00"),
            ("2026-11-22", "22 Nov 2026"),
            ("2026-W07", "Week 7 of 2026"),
            ("2026-10", "Oct 2026"),
            ("2026-Q4", "Q4 2026"),
            ("2026", "2026"),
        ] {
            assert_eq!(period(Period::parse(text).unwrap(), Lang::En), expected);
        }
        // Times at the edge of the range must not panic.
        let _edge = (moment(i64::MAX, i64::MIN, Lang::En), moment(i64::MIN, i64::MAX, Lang::Ar));
    }
}
