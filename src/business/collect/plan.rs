//! Which periods of a KPI are asked for, which are made of others, and which are due.

use std::collections::HashMap;
use std::ops::Range;

use crate::base::period::{Calendar, Grain, Period};
use crate::business::config::kpi::{Kpi, Source};
use crate::business::model::kind::Longer;
use crate::business::model::value::Standing;
use crate::business::store::{HOURS_KEPT_DAYS, Lasting};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// How long after the end of a period it is asked for first: the last scrapes of it are on their way.
const GRACE_MS: i64 = 30_000;
/// So often a value that may still change is asked for again until it settles.
const AGAIN_TIMES: i64 = 8;

/// Whether somebody can be asked for the numbers of a KPI.
pub fn is_asked(kpi: &Kpi) -> bool {
    matches!(kpi.source(), Some(Source::Promql(_) | Source::Logql(_) | Source::Sql(_)))
}

/// Whether it is made of other KPIs.
pub fn is_derived(kpi: &Kpi) -> bool {
    kpi.source().is_some_and(|source| !source.parts().is_empty())
}

/// The grain of which longer ones are made.
pub fn base(kpi: &Kpi) -> Grain {
    // Of hours only the whole is kept, and they need not begin with the day: days are asked for by themselves.
    if is_asked(kpi) { kpi.collected.grain().max(Grain::Day) } else { kpi.collected.grain() }
}

/// The grains that are made of values of [`base`].
pub fn combined(kpi: &Kpi) -> Vec<Grain> {
    let base = base(kpi);
    if kpi.longer == Longer::Ask || is_derived(kpi) {
        return Vec::new();
    }
    Grain::ALL.into_iter().filter(|grain| *grain > base && grain.holds(base)).collect()
}

/// The grains of which each period is asked for.
pub fn asked(kpi: &Kpi) -> Vec<Grain> {
    if !is_asked(kpi) {
        return Vec::new();
    }
    let combined = combined(kpi);
    Grain::ALL.into_iter().filter(|grain| *grain >= kpi.collected.grain() && !combined.contains(grain)).collect()
}

/// The grains of which a KPI has values.
pub fn grains(kpi: &Kpi) -> Vec<Grain> {
    Grain::ALL.into_iter().filter(|grain| *grain >= kpi.collected.grain()).collect()
}

/// A period that is to be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Which.
    pub period: Period,
    /// From when until when, in milliseconds since the Unix epoch; of a period that goes on until now.
    pub within: Range<i64>,
    /// What it will be.
    pub standing: Standing,
}

/// A period as it is to be asked for now; none where it has not begun.
pub fn due_now(calendar: Calendar, period: Period, settles: i64, now: i64) -> Option<Due> {
    let window = calendar.window(period)?;
    let within = window.start..window.end.min(now);
    (!within.is_empty()).then(|| Due { period, within, standing: Standing::of(window.end, settles, now) })
}

/// What is due of one grain, the newest first and not more than `most`, and the first period that may still change.
pub fn due(
    (kpi, calendar, grain): (&Kpi, Calendar, Grain),
    next: Period,
    lasting: &HashMap<i64, Lasting>,
    now: i64,
    most: usize,
) -> (Vec<Due>, Period) {
    let (settles, mut found) = (kpi.settles.ms(), Vec::new());
    let Some(current) = calendar.period(grain, now) else { return (found, next) };
    // A clock that was ahead, and is set right.
    let next = next.min(current);
    let again = (settles / AGAIN_TIMES).clamp(HOUR_MS, DAY_MS);
    let is_old = |at: i64, every: i64| now - at >= every || at > now;
    if let Some(running) = due_now(calendar, current, settles, now)
        && lasting.get(&current.number()).is_none_or(|lasting| is_old(lasting.at, kpi.collected.refreshed_every()))
    {
        found.push(running);
    }
    let (mut period, mut first) = (current, current);
    while period > next {
        period = period.before();
        let Some(due) = due_now(calendar, period, settles, now) else { break };
        if grain == Grain::Hour && due.within.end < now - HOURS_KEPT_DAYS * DAY_MS {
            break;
        }
        let known = lasting.get(&period.number());
        if known.is_none_or(|known| known.standing != Standing::Settled) {
            first = period;
        }
        let is_due = match known {
            None => true,
            Some(Lasting { standing: Standing::Running, .. }) => now >= due.within.end + GRACE_MS,
            Some(Lasting { standing: Standing::Ended, at }) => due.standing == Standing::Settled || is_old(*at, again),
            Some(Lasting { standing: Standing::Settled, .. }) => false,
        };
        if is_due && found.len() < most && now >= due.within.end + GRACE_MS {
            found.push(due);
        }
    }
    (found, first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::location::Location;
    use crate::base::time::parse_rfc3339;
    use crate::business::config::kpi::read_one;

    fn kpi(text: &str) -> Kpi {
        read_one(text).unwrap()
    }

    fn words(grains: Vec<Grain>) -> String {
        grains.into_iter().map(Grain::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn longer_periods_are_made_of_shorter_ones_where_that_can_be() {
        let query = "promql: {query: a}";
        for (text, by_asking, by_combining) in [
            (format!("{{name: a, {query}}}"), "day", "week month quarter year"),
            (format!("{{name: a, collected: hourly, {query}}}"), "hour day", "week month quarter year"),
            (format!("{{name: a, longer: ask, {query}}}"), "day week month quarter year", ""),
            (format!("{{name: a, collected: weekly, {query}}}"), "week month quarter year", ""),
            (format!("{{name: a, collected: monthly, {query}}}"), "month", "quarter year"),
            ("{name: a, collected: hourly, pushed: {}}".to_owned(), "", "day week month quarter year"),
            ("{name: a, collected: weekly, pushed: {}}".to_owned(), "", ""),
            ("{name: a, sum: {of: [b]}}".to_owned(), "", ""),
        ] {
            let kpi = kpi(&text);
            assert_eq!((words(asked(&kpi)).as_str(), words(combined(&kpi)).as_str()), (by_asking, by_combining), "{text}");
        }
    }

    #[test]
    fn no_period_is_skipped_and_values_settle() {
        let kpi = kpi("{name: a, promql: {query: a}}");
        let calendar = Calendar::of(Location::parse("Europe/Berlin").unwrap());
        let of = |text: &str| (Period::parse(text).unwrap(), calendar.window(Period::parse(text).unwrap()).unwrap());
        let mut lasting = HashMap::new();
        let at = |text: &str| parse_rfc3339(text).unwrap();
        let all = |lasting: &HashMap<i64, Lasting>, now: i64| {
            let (due, next) = due((&kpi, calendar, Grain::Day), of("2026-03-27").0, lasting, now, 100);
            let told = due.iter().map(|due| format!("{} {}", due.period, due.standing.as_str())).collect::<Vec<_>>().join(", ");
            (told, next.to_string())
        };
        // A machine that slept for four days, over the change of clocks.
        let now = at("2026-03-30T22:10:00Z");
        let told = "2026-03-31 running, 2026-03-30 ended, 2026-03-29 ended, 2026-03-28 ended, 2026-03-27 settled";
        assert_eq!(all(&lasting, now), (told.to_owned(), "2026-03-27".to_owned()));
        let (day, window) = of("2026-03-29");
        assert_eq!(window.end - window.start, 23 * HOUR_MS);
        for (text, standing) in [
            ("2026-03-27", Standing::Settled),
            ("2026-03-28", Standing::Settled),
            ("2026-03-29", Standing::Ended),
            ("2026-03-30", Standing::Ended),
            ("2026-03-31", Standing::Running),
        ] {
            lasting.insert(of(text).0.number(), Lasting { standing, at: now });
        }
        assert_eq!(all(&lasting, now + 60_000), (String::new(), "2026-03-29".to_owned()));
        assert_eq!(all(&lasting, now + HOUR_MS).0, "2026-03-31 running");
        assert_eq!(all(&lasting, now + 6 * HOUR_MS).0, "2026-03-31 running, 2026-03-30 ended, 2026-03-29 ended");
        lasting.insert(day.number(), Lasting { standing: Standing::Ended, at: window.end + 48 * HOUR_MS });
        assert_eq!(all(&lasting, window.end + 48 * HOUR_MS).0.split(", ").last(), Some("2026-03-29 settled"), "a last time");
        // A clock that was a day ahead, and is set right.
        assert_eq!(all(&lasting, now - DAY_MS).0.split(", ").next(), Some("2026-03-30 running"));
        // The end of a day is asked for when its last scrapes are there.
        let end = of("2026-03-31").1.end;
        assert!(!all(&lasting, end + 1_000).0.contains("2026-03-31") && all(&lasting, end + 30_000).0.contains("2026-03-31 ended"));
    }
}
