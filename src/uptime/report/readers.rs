//! When reports go out: on the first of the month by the clock of those who read them, again after a while where that
//! fails.

use super::period::{Kind, Period};
use crate::base::location::Location;
use crate::uptime::model::recurrence::Recurrence;

/// When a month is sent, as a cron expression: when its last results are certainly written down.
const SENT_AT: &str = "0 6 1 * *";
/// How long after a failure it is tried again, by how many there were; the last counts for all further ones.
const AGAIN_AFTER: [i64; 5] = [60_000, 300_000, 1_800_000, 7_200_000, 21_600_000];
/// Addresses of one report at most.
pub const ADDRESSES_MAX: usize = 50;
/// Characters of an address at most, as RFC 5321 has it.
const ADDRESS_CHARS_MAX: usize = 254;

/// Addresses of a text, one a line or with commas between.
///
/// # Errors
/// The first that is none; or the text where there is none, or too many.
pub fn addresses(text: &str) -> Result<Vec<String>, String> {
    let mut all: Vec<String> = text.split(['\n', ',', ';']).map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect();
    all.dedup();
    let is_odd = |one: &&String| {
        let (before, host) = one.rsplit_once('@').unwrap_or(("", ""));
        before.is_empty()
            || host.is_empty()
            || one.len() > ADDRESS_CHARS_MAX
            || !one.is_ascii()
            || one.contains(|c: char| c.is_whitespace() || c.is_control() || "<>\"()[]\\".contains(c))
    };
    match all.iter().find(is_odd) {
        Some(odd) => Err(odd.clone()),
        None if all.is_empty() || all.len() > ADDRESSES_MAX => Err(text.chars().take(80).collect()),
        None => Ok(all),
    }
}

/// The month that is to be sent at an instant: the newest that is over for long enough, unless it was sent, or was over
/// before anybody wanted it.
pub fn due(sent: &str, made_at: i64, location: Location, now: i64) -> Option<Period> {
    let current = Period::of(now, location)?;
    let begin = current.window(location)?.from;
    let at = Recurrence::parse(SENT_AT, location).ok()?.next_after(begin - 1)?;
    let month = if now >= at { current.before() } else { current.before().before() };
    let was_sent = Period::parse(sent).filter(|sent| sent.kind() == Kind::Month).is_some_and(|sent| sent >= month);
    (!was_sent && month.window(location)?.until > made_at).then_some(month)
}

/// Whether enough time has gone by since it failed so often.
pub fn may_try(tries: u32, tried_at: i64, now: i64) -> bool {
    let place = usize::try_from(tries).unwrap_or(usize::MAX).min(AGAIN_AFTER.len());
    let wait = place.checked_sub(1).and_then(|place| AGAIN_AFTER.get(place)).copied().unwrap_or(0);
    now.saturating_sub(tried_at) >= wait
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

    #[test]
    fn failures_are_tried_again_later_and_later() {
        assert!(may_try(0, 100, 100) && !may_try(1, 0, 59_999) && may_try(1, 0, 60_000));
        assert!(!may_try(99, 0, 21_599_999) && may_try(99, 0, 21_600_000));
    }

    #[test]
    fn addresses_are_read_and_odd_ones_named() {
        assert_eq!(addresses("a@x.example\r\n b@y.example, c@z.example").unwrap(), ["a@x.example", "b@y.example", "c@z.example"]);
        for odd in ["", "nobody", "@x", "a@", "a b@x", "a@x\u{0}", "<a@x>", &"a@x.example,".repeat(0), &format!("{}@x", "a".repeat(300))] {
            assert!(addresses(odd).is_err(), "{odd}");
        }
    }
}
