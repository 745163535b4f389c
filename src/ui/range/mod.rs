//! The time range of a page: from the URL, to milliseconds, in words.

mod relative;

use chrono_tz::Tz;
use relative::End;

use crate::base::time::{TimeRange, parse_rfc3339, parse_timestamp};
use crate::ui::lang::{Lang, key};

/// Ranges on offer: text of `from`, and words.
pub const CHOICES: [(&str, &str); 13] = [
    ("now-5m", key("Last 5 minutes")),
    ("now-15m", key("Last 15 minutes")),
    ("now-30m", key("Last 30 minutes")),
    ("now-1h", key("Last hour")),
    ("now-3h", key("Last 3 hours")),
    ("now-6h", key("Last 6 hours")),
    ("now-12h", key("Last 12 hours")),
    ("now-24h", key("Last 24 hours")),
    ("now-2d", key("Last 2 days")),
    ("now-7d", key("Last 7 days")),
    ("now-30d", key("Last 30 days")),
    ("now-90d", key("Last 90 days")),
    ("now-1y", key("Last year")),
];
/// Days, weeks and months on offer: text of `from` and `to`, and words.
pub const CALENDAR: [(&str, &str); 8] = [
    ("now/d", key("Today")),
    ("now-1d/d", key("Yesterday")),
    ("now/w", key("This week")),
    ("now-1w/w", key("Previous week")),
    ("now/M", key("This month")),
    ("now-1M/M", key("Previous month")),
    ("now/y", key("This year")),
    ("now-1y/y", key("Previous year")),
];
/// Intervals of refreshing on offer; the first is none.
pub const REFRESH: [(&str, &str); 6] =
    [("off", key("Off")), ("5s", key("5 s")), ("10s", key("10 s")), ("30s", key("30 s")), ("1m", key("1 min")), ("5m", key("5 min"))];

/// A range as written in the URL: `now-6h` to `now`, Unix seconds, or dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRange {
    /// Start.
    pub from: String,
    /// End.
    pub to: String,
}

impl PageRange {
    /// From a query string, with what the page shows when nothing is said.
    pub fn from_query(query: &str, default_from: &str) -> Self {
        let value = |name: &str| {
            form_urlencoded::parse(query.as_bytes())
                .find(|(key, value)| key == name && !value.is_empty())
                .map(|(_, value)| value.into_owned())
        };
        Self { from: value("from").unwrap_or_else(|| default_from.to_owned()), to: value("to").unwrap_or_else(|| "now".to_owned()) }
    }

    /// The range in milliseconds, or what is wrong with it in words. Days are those of UTC.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn resolve(&self, now_ms: i64) -> Result<TimeRange, String> {
        self.resolve_in(now_ms, "")
    }

    /// The same with the days of a zone, by its name; UTC where there is no such zone.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn resolve_in(&self, now_ms: i64, zone: &str) -> Result<TimeRange, String> {
        let zone = zone.parse().unwrap_or(Tz::UTC);
        let start = at(&self.from, now_ms, End::Start, zone)
            .ok_or_else(|| format!("\"{}\" is not a time: write now-6h, a date such as 2026-11-20 14:00, or Unix seconds", self.from))?;
        let end = at(&self.to, now_ms, End::Last, zone)
            .ok_or_else(|| format!("\"{}\" is not a time: write now, a date such as 2026-11-20 14:00, or Unix seconds", self.to))?;
        if start >= end {
            return Err("the start of the range must be before its end".to_owned());
        }
        Ok(TimeRange::new(start, end))
    }

    /// In words: `Last 6 hours`, or both ends in UTC.
    pub fn label(&self, now_ms: i64, lang: Lang) -> String {
        if self.to == "now"
            && let Some((_, words)) = CHOICES.iter().find(|(from, _)| *from == self.from)
        {
            return lang.t(words).to_owned();
        }
        if self.to == self.from
            && let Some((_, words)) = CALENDAR.iter().find(|(text, _)| *text == self.from)
        {
            return lang.t(words).to_owned();
        }
        match (at(&self.from, now_ms, End::Start, Tz::UTC), at(&self.to, now_ms, End::Last, Tz::UTC)) {
            (Some(from), Some(to)) if !self.from.starts_with("now") => {
                format!("{} – {} UTC", crate::ui::format::date_time(from, lang), crate::ui::format::date_time(to, lang))
            }
            _ => format!("{} – {}", self.from, self.to),
        }
    }
}

/// A moment in milliseconds: `now`, `now-6h`, `now/d`, Unix seconds (or milliseconds, by size), RFC 3339, or a date in UTC.
pub fn moment(text: &str, now_ms: i64) -> Option<i64> {
    at(text, now_ms, End::Start, Tz::UTC)
}

/// The same as one end of a range, with the days of a zone.
fn at(text: &str, now_ms: i64, end: End, zone: Tz) -> Option<i64> {
    let text = text.trim();
    if text.starts_with("now") {
        return relative::moment(text, now_ms, end, zone);
    }
    if text.len() >= 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    match text {
        "today" => return relative::moment("now/d", now_ms, End::Start, zone),
        "yesterday" => return relative::moment("now-1d/d", now_ms, End::Start, zone),
        _ => {}
    }
    parse_timestamp(text).or_else(|| match text.len() {
        10 => parse_rfc3339(&format!("{text}T00:00:00Z")),
        16 => parse_rfc3339(&format!("{}:00Z", text.replace(' ', "T"))),
        19 => parse_rfc3339(&format!("{}Z", text.replace(' ', "T"))),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_763_714_000_000;

    #[test]
    fn moments_resolve() {
        for (text, at) in [
            ("now", Some(NOW)),
            ("now-6h", Some(NOW - 21_600_000)),
            ("now - 90m", Some(NOW - 5_400_000)),
            ("now+1h", Some(NOW + 3_600_000)),
            ("1763714000", Some(NOW)),
            ("1763714000000", Some(NOW)),
            ("2025-11-21T08:33:20Z", Some(NOW)),
            ("2025-11-21 08:33:20", Some(NOW)),
            ("2025-11-21 08:33", Some(NOW - 20_000)),
            ("2025-11-21", Some(NOW - 30_800_000)),
            ("today", Some(NOW - 30_800_000)),
            ("then", None),
            ("", None),
            ("now-", None),
            ("nowish", None),
            ("99999999999999999999", None),
            ("ééééé", None),
        ] {
            assert_eq!(moment(text, NOW), at, "{text}");
        }
    }

    #[test]
    fn ranges_come_from_the_url() {
        let range = PageRange::from_query("from=now-6h&x=1", "now-1h");
        assert_eq!((range.from.as_str(), range.to.as_str()), ("now-6h", "now"));
        assert_eq!(range.label(NOW, Lang::En), "Last 6 hours");
        assert_eq!(range.resolve(NOW), Ok(TimeRange::new(NOW - 21_600_000, NOW)));
        assert_eq!(PageRange::from_query("", "now-1h").label(NOW, Lang::En), "Last hour");
        let fixed = PageRange::from_query("from=1763700000&to=1763703600", "now-1h");
        assert_eq!(fixed.label(NOW, Lang::En), "21 Nov 2025 04:40 – 21 Nov 2025 05:40 UTC");
        let yesterday = PageRange::from_query("from=now-1d/d&to=now-1d/d", "now-1h");
        assert_eq!(yesterday.label(NOW, Lang::En), "Yesterday");
        assert_eq!(yesterday.resolve(NOW), Ok(TimeRange::new(NOW - 117_200_000, NOW - 30_800_001)));
        assert_eq!(yesterday.resolve_in(NOW, "Asia/Tokyo"), Ok(TimeRange::new(NOW - 63_200_000 - 86_400_000, NOW - 63_200_001)));
        assert!(PageRange::from_query("from=now&to=now-1h", "now-1h").resolve(NOW).is_err());
        assert!(PageRange::from_query("from=soon", "now-1h").resolve(NOW).unwrap_err().contains("soon"));
    }
}
