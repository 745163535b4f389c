//! When reports go out: on the first of the month by the clock of those who read them.

use super::period::{Grain, Period, month_of, parse, window};
use crate::base::location::Location;
use crate::uptime::model::recurrence::Recurrence;

/// When a month is sent, as a cron expression: when its last results are certainly written down.
const SENT_AT: &str = "0 6 1 * *";

/// The month that is to be sent at an instant: the newest that is over for long enough, unless it was sent, or was over
/// before anybody wanted it.
pub fn due(sent: &str, made_at: i64, location: Location, now: i64) -> Option<Period> {
    let current = month_of(now, location)?;
    let begin = window(current, location)?.from;
    let at = Recurrence::parse(SENT_AT, location).ok()?.next_after(begin - 1)?;
    let month = if now >= at { current.before() } else { current.before().before() };
    let was_sent = parse(sent).filter(|sent| sent.grain() == Grain::Month).is_some_and(|sent| sent >= month);
    (!was_sent && window(month, location)?.until > made_at).then_some(month)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::parse_rfc3339;

    #[test]
    fn each_month_is_due_once_from_the_first_on() {
        let berlin = Location::parse("Europe/Berlin").unwrap();
        let at = |text: &str| parse_rfc3339(text).unwrap();
        let made = at("2026-10-20T12:00:00Z");
        let month = |sent: &str, now: &str| due(sent, made, berlin, at(now)).map(|month| month.to_string());
        assert_eq!(month("", "2026-10-21T00:00:00Z"), None, "what was over before is not sent");
        assert_eq!(month("", "2026-11-01T04:59:59Z"), None, "in Berlin it is not six yet");
        assert_eq!(month("", "2026-11-01T05:00:00Z"), Some("2026-10".to_owned()));
        assert_eq!(month("2026-10", "2026-11-30T22:59:59Z"), None);
        assert_eq!(month("2026-10", "2026-12-01T05:00:00Z"), Some("2026-11".to_owned()));
        assert_eq!(month("2026-10", "2027-03-15T00:00:00Z"), Some("2027-02".to_owned()), "only the newest after a long pause");
        assert_eq!(month("2026-11", "2026-11-10T00:00:00Z"), None, "of a clock that went back nothing is sent twice");
    }
}
