//! When a letter goes out, and what it is about.

use crate::base::period::{Calendar, Grain, Period};
use crate::business::config::digest::{Digest, Every};

/// How long after its time a letter is still sent, in milliseconds: a day and a half.
pub const CATCH_UP_MS: i64 = 36 * 3_600_000;

/// A time at which a letter goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// What it is about: the period before the one in which it goes out.
    pub about: Period,
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// It is to be sent.
    Now(Slot),
    /// It was to be sent so long ago that it is not sent any more.
    Missed(Slot),
}

/// When it goes out within a period.
fn slot(digest: &Digest, calendar: Calendar, within: Period) -> Option<Slot> {
    let window = calendar.window(within)?;
    let (first, next) = (calendar.location.day(window.start)?, calendar.location.day(window.end)?);
    let day = match digest.every {
        Every::Week => first + (digest.weekday.number() - i64::from(calendar.week_start)).rem_euclid(7),
        Every::Month => (first + i64::try_from(digest.day).ok()? - 1).min(next - 1),
    };
    let minute = u16::try_from(digest.hour * 60).ok()?;
    Some(Slot { about: within.before(), at: calendar.location.instant(day, minute)? })
}

/// The newest time at which it was to go out, and the next one.
fn around(digest: &Digest, calendar: Calendar, now: i64) -> Option<(Slot, Slot)> {
    let current = calendar.period(digest.every.grain(), now)?;
    let this = slot(digest, calendar, current)?;
    if this.at <= now {
        Some((this, slot(digest, calendar, current.next())?))
    } else {
        Some((slot(digest, calendar, current.before())?, this))
    }
}

/// When it goes out next.
pub fn next(digest: &Digest, calendar: Calendar, now: i64) -> Option<Slot> {
    around(digest, calendar, now).map(|(_, next)| next)
}

/// What is to be done with a letter at an instant (milliseconds since the Unix epoch), where it goes out as it does `since`
/// then, and `settled` names the period about which nothing is to be sent any more.
pub fn due(digest: &Digest, calendar: Calendar, (since, settled): (i64, &str), now: i64) -> Due {
    let Some((slot, _)) = around(digest, calendar, now) else { return Due::Nothing };
    let is_settled = |settled: Period| settled.grain() == slot.about.grain() && settled >= slot.about;
    if slot.at < since || Period::parse(settled).is_some_and(is_settled) {
        return Due::Nothing;
    }
    if now - slot.at > CATCH_UP_MS { Due::Missed(slot) } else { Due::Now(slot) }
}

/// The newest period of a length that is over by the end of the one that a letter is about: a KPI that is collected each
/// month stands in a weekly letter with its last month.
pub fn over_by(calendar: Calendar, about: Period, grain: Grain) -> Option<Period> {
    if grain <= about.grain() {
        return Some(about);
    }
    let end = calendar.window(about)?.end;
    let holding = calendar.period(grain, end - 1)?;
    Some(if calendar.window(holding)?.end <= end { holding } else { holding.before() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::location::Location;
    use crate::base::time::parse_rfc3339;
    use crate::business::config::file::read_digest;

    fn at(text: &str) -> i64 {
        parse_rfc3339(text).unwrap()
    }

    fn berlin() -> Calendar {
        Calendar::of(Location::parse("Europe/Berlin").unwrap())
    }

    fn digest(more: &str) -> Digest {
        read_digest(&format!("{{name: a, to: [a@b.example], {more}}}")).unwrap()
    }

    fn told(digest: &Digest, calendar: Calendar, settled: &str, now: &str) -> String {
        match due(digest, calendar, (0, settled), at(now)) {
            Due::Nothing => "nothing".to_owned(),
            Due::Now(slot) => slot.about.to_string(),
            Due::Missed(slot) => format!("missed {}", slot.about),
        }
    }

    #[test]
    fn each_week_is_sent_on_its_day_by_the_clock_of_the_business() {
        let mondays = digest("hour: 8");
        // 2026-11-23 is a Monday; Berlin is an hour ahead.
        assert_eq!(told(&mondays, berlin(), "2026-W46", "2026-11-23T06:59:59Z"), "nothing");
        assert_eq!(told(&mondays, berlin(), "2026-W46", "2026-11-23T07:00:00Z"), "2026-W47");
        assert_eq!(told(&mondays, berlin(), "2026-W47", "2026-11-23T07:00:00Z"), "nothing");
        assert_eq!(
            told(&mondays, berlin(), "2026-W48", "2026-11-23T07:00:00Z"),
            "nothing",
            "of a clock that went back nothing is sent twice"
        );
        assert_eq!(told(&mondays, berlin(), "2026-W46", "2026-11-24T19:00:00Z"), "2026-W47", "a day and a half later it is caught up");
        assert_eq!(told(&mondays, berlin(), "2026-W46", "2026-11-24T19:00:01Z"), "missed 2026-W47");
        // Weeks that begin on Sunday, a letter on Fridays.
        let calendar = Calendar { week_start: 6, ..berlin() };
        let slot = next(&digest("weekday: friday, hour: 17"), calendar, at("2026-11-22T12:00:00Z")).unwrap();
        assert_eq!((slot.at, slot.about.to_string().as_str()), (at("2026-11-27T16:00:00Z"), "2026-W47"));
    }

    #[test]
    fn months_that_are_too_short_end_with_it() {
        let last = digest("every: month, day: 31, hour: 23");
        for (now, next_at, about) in [
            ("2026-02-01T00:00:00Z", "2026-02-28T22:00:00Z", "2026-01"),
            ("2028-02-01T00:00:00Z", "2028-02-29T22:00:00Z", "2028-01"),
            ("2026-04-30T20:59:59Z", "2026-04-30T21:00:00Z", "2026-03"),
            ("2026-04-30T21:00:00Z", "2026-05-31T21:00:00Z", "2026-04"),
            ("2026-12-31T22:00:00Z", "2027-01-31T22:00:00Z", "2026-12"),
        ] {
            let slot = next(&last, berlin(), at(now)).unwrap();
            assert_eq!((slot.at, slot.about.to_string().as_str()), (at(next_at), about), "{now}");
        }
        let first = digest("every: month, hour: 0");
        assert_eq!(told(&first, berlin(), "", "2026-10-31T23:00:00Z"), "2026-10", "Berlin's November has begun");
    }

    #[test]
    fn clocks_that_change_send_once() {
        // On 2026-03-29 Berlin's clock goes from 2 to 3; on 2026-10-25 it shows 2 twice.
        let sundays = digest("weekday: sunday, hour: 2");
        assert_eq!(told(&sundays, berlin(), "2026-W11", "2026-03-29T00:59:59Z"), "nothing");
        assert_eq!(told(&sundays, berlin(), "2026-W11", "2026-03-29T01:00:00Z"), "2026-W12");
        assert_eq!(told(&sundays, berlin(), "2026-W41", "2026-10-25T00:00:00Z"), "2026-W42", "the first of the two counts");
        assert_eq!(told(&sundays, berlin(), "2026-W42", "2026-10-25T01:00:00Z"), "nothing");
    }

    #[test]
    fn what_was_due_before_somebody_wanted_it_is_not_sent() {
        let mondays = digest("hour: 8");
        let now = at("2026-11-23T07:30:00Z");
        assert_eq!(due(&mondays, berlin(), (now, ""), now), Due::Nothing);
        assert!(matches!(due(&mondays, berlin(), (at("2026-11-23T07:00:00Z"), ""), now), Due::Now(_)));
    }

    #[test]
    fn longer_periods_stand_with_the_last_that_is_over() {
        let by = |about: &str, grain| over_by(berlin(), Period::parse(about).unwrap(), grain).unwrap().to_string();
        assert_eq!(by("2026-W47", Grain::Day), "2026-W47");
        assert_eq!(by("2026-W47", Grain::Month), "2026-10");
        assert_eq!(by("2026-11", Grain::Quarter), "2026-Q3");
        assert_eq!(by("2026-12", Grain::Quarter), "2026-Q4");
    }
}
