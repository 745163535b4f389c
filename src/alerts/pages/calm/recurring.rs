//! Silences that come again, as a list below the silences.

use super::turns::at;
use super::{form_of, when};
use crate::alerts::calm::{Calm, CalmKind};
use crate::alerts::model::interval::Interval;
use crate::alerts::pages::known::Known;
use crate::alerts::pages::silences::hits;
use crate::ui::format::Moment;
use crate::ui::shell::Shell;

/// A row of the list.
pub struct RecurringRow {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// What it hits.
    pub matchers: Vec<String>,
    /// When, in words.
    pub when: String,
    /// Whose clock counts.
    pub zone: &'static str,
    /// When it is silent next, or until when it is now.
    pub next: Option<Moment>,
    /// Whether it is silent right now.
    pub is_now: bool,
    /// Alerts of now that it would hit.
    pub hits: usize,
    /// The same in words.
    pub hits_words: String,
    /// Its form.
    pub href: String,
}

/// The list, in order of what people call them.
pub fn rows(calm: &Calm, alerts: &[Known], shell: &Shell) -> Vec<RecurringRow> {
    let lang = shell.lang();
    let row = |(named, rule): (&crate::alerts::calm::Named, &crate::alerts::calm::RecurringSilence)| {
        let is_now = rule.intervals.iter().any(|interval| interval.contains(shell.now_ms));
        let (when, zone) = when::words(&rule.intervals, lang);
        let hits = hits(&rule.matchers, alerts).count();
        let next = next(&rule.intervals, shell.now_ms, 1).first().copied();
        RecurringRow {
            id: named.id.clone(),
            title: rule.title.clone(),
            matchers: rule.matchers.iter().map(ToString::to_string).collect(),
            when,
            zone,
            next: next.map(|(from, to)| at(if is_now { to } else { from }, lang)),
            is_now,
            hits,
            hits_words: lang.n(hits as u64, "{} alert now", "{} alerts now"),
            href: form_of(CalmKind::RecurringSilence, &named.id),
        }
    };
    calm.recurring().map(row).collect()
}

/// How far ahead times are looked for: the last day of February comes once a year.
const LOOK_AHEAD: i64 = 400 * 86_400_000;

/// The next times of intervals from an instant on, each with its end; one that holds already begins now. At most so many,
/// and of about a year; without those that never end.
pub fn next(intervals: &[Interval], now: i64, most: usize) -> Vec<(i64, i64)> {
    let end = now.saturating_add(LOOK_AHEAD);
    let (mut at, mut open, mut found) = (now, None, Vec::new());
    while at < end && found.len() < most {
        match (intervals.iter().any(|interval| interval.contains(at)), open) {
            (true, None) => open = Some(at),
            (false, Some(begin)) => {
                found.push((begin, at));
                open = None;
            }
            _ => {}
        }
        let steady = intervals.iter().filter_map(|interval| interval.steady_until(at)).min();
        at = steady.unwrap_or(end).clamp(at + 1, end);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::pages::calm::fields::Fields;
    use crate::alerts::pages::calm::when::Plain;
    use crate::alerts::pages::sample;
    use crate::base::time::{format_rfc3339, parse_rfc3339};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    #[test]
    fn the_next_times() {
        // A Thursday.
        let now = parse_rfc3339("2026-03-26T12:00:00Z").expect("a time");
        for (query, expected) in [
            // The clock goes forward in the night to Sunday.
            (
                "weekday=6&weekday=0&from=22:00&to=06:00&zone=Europe/Berlin",
                vec![("2026-03-28T21:00:00Z", "2026-03-29T04:00:00Z"), ("2026-03-29T20:00:00Z", "2026-03-30T04:00:00Z")],
            ),
            (
                "from=11:00&to=13:00",
                vec![("2026-03-26T12:00:00Z", "2026-03-26T13:00:00Z"), ("2026-03-27T11:00:00Z", "2026-03-27T13:00:00Z")],
            ),
            ("days=-1&months=february&zone=America/New_York", vec![("2027-02-28T05:00:00Z", "2027-03-01T05:00:00Z")]),
            ("days=31&months=february", vec![]),
            ("", vec![]),
        ] {
            let intervals = Plain::read(&Fields::from_form(query.as_bytes())).expect(query).intervals();
            let found: Vec<_> = next(&intervals, now, 2).iter().map(|(from, to)| (format_rfc3339(*from), format_rfc3339(*to))).collect();
            let short = |text: &str| text.replace(".000Z", "Z");
            let found: Vec<_> = found.iter().map(|(from, to)| (short(from), short(to))).collect();
            let expected: Vec<_> = expected.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
            assert_eq!(found, expected, "{query}");
        }
    }

    #[test]
    fn each_has_its_row() {
        let shell = shell(Page::Alerts, "Silences", "/alerts/silences", "");
        let rows = rows(&sample::calm(), &sample::now().alerts, &shell);
        let seen: Vec<_> = rows.iter().map(|row| (row.title.as_str(), row.when.as_str(), row.zone, row.hits, row.is_now)).collect();
        assert_eq!(seen, [("backups", "Saturdays, 02:00–04:00", "Europe/Berlin", 2, false)]);
        assert!(rows[0].next.as_ref().is_some_and(|next| next.words == "Sat 22 Nov 01:00 UTC"), "in Berlin it is an hour later");
    }
}
