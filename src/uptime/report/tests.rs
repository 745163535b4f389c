//! Figures of periods: months add up to the year, whatever happened and wherever the clock stands.

use proptest::prelude::*;

use super::period::{Period, parse, window};
use super::*;
use crate::base::location::Location;
use crate::uptime::model::figures::tally;
use crate::uptime::model::maintenance::{Maintenance, When};
use crate::uptime::model::outcome::Outcome;
use crate::uptime::model::recurrence::Recurrence;
use crate::uptime::model::track::{Span, State};
use crate::uptime::model::window::joined;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn incident(from: i64, until: Option<i64>) -> Incident {
    Incident { until, ..Incident::begun(from, from, &Outcome::default()) }
}

#[test]
fn the_worst_is_first_and_silence_is_no_success() {
    let given = |id: i64, up: i64, down: i64, incidents| Given {
        id,
        name: format!("c{id}"),
        tally: Tally { up, down, unknown: 5, outages: u32::from(down > 0), ..Tally::default() },
        incidents,
        ..Given::default()
    };
    let all = vec![given(1, 100, 0, vec![]), given(2, 0, 0, vec![]), given(3, 90, 10, vec![incident(40, Some(50))])];
    let report = build(all, Window::new(0, 105));
    assert_eq!(report.rows.iter().map(|row| (row.id, row.longest)).collect::<Vec<_>>(), [(3, 10), (1, 0), (2, 0)]);
    assert_eq!((report.total.up, report.total.down, report.total.unknown, report.total.outages), (190, 10, 15, 1));
    assert_eq!((report.incidents_len, report.incidents[0].name.as_str()), (1, "c3"));
    assert!(build(Vec::new(), Window::new(0, 1)).total.availability().is_none());
}

#[test]
fn the_longest_outage_is_within_the_period_and_outside_of_maintenance() {
    let range = Window::new(100, 200);
    assert_eq!(longest(&[incident(50, Some(130)), incident(150, Some(160))], &[], range), 30);
    assert_eq!(longest(&[incident(190, None)], &[], range), 10, "what goes on counts until now");
    assert_eq!(longest(&[incident(50, Some(130))], &[Window::new(90, 125)], range), 5);
    assert_eq!(longest(&[], &[], range), 0);
}

#[test]
fn percents_are_never_rounded_up() {
    for (share, text) in [
        (1.0, "100 %"),
        (0.999_999_9, "99.999 %"),
        (0.999_95, "99.995 %"),
        (0.999, "99.9 %"),
        (0.5, "50 %"),
        (0.123_456, "12.345 %"),
        (0.0, "0 %"),
        (2.0, "100 %"),
    ] {
        assert_eq!(percent(share), text, "{share}");
    }
}

/// Maintenance from the last evening of each month into the next counts in both, and once.
#[test]
fn maintenance_over_the_end_of_a_month() {
    let berlin = Location::parse("Europe/Berlin").unwrap();
    let starts = Box::new(Recurrence::parse("0 23 L * *", berlin).unwrap());
    let maintenance = Maintenance { when: When::Again { starts, lasts: 2 * HOUR }, in_force: Window::new(0, i64::MAX) };
    let of = |text: &str| {
        let window = window(parse(text).unwrap(), berlin).unwrap();
        tally(&[Span { from: 0, until: i64::MAX / 2, state: State::Up }], &maintenance.windows(window), window)
    };
    assert_eq!(of("2026-02").maintenance, 2 * HOUR, "an hour of January's and an hour of its own");
    assert_eq!(of("2026").maintenance, 24 * HOUR);
    assert_eq!(of("2026-03").up, 31 * DAY - HOUR - 2 * HOUR, "an hour is left out by the clock");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn months_and_quarters_add_up_to_the_year(
        zone in proptest::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo"]),
        year in 2015_i64..2031,
        spans in proptest::collection::vec((0_i64..20 * DAY, 1_i64..40 * DAY, 0_usize..4), 0..40),
        windows in proptest::collection::vec((0_i64..370 * DAY, 1_i64..30 * DAY), 0..8),
    ) {
        let location = Location::parse(zone).unwrap();
        let whole = window(parse(&year.to_string()).unwrap(), location).unwrap();
        let mut at = whole.from - 10 * DAY;
        let spans: Vec<Span> = spans.into_iter().map(|(gap, length, state)| {
            let from = at + gap;
            at = from + length;
            Span { from, until: at, state: State::ALL[state] }
        }).collect();
        let windows = joined(windows.into_iter().map(|(from, length)| Window::new(whole.from + from, whole.from + from + length)).collect());
        let of = |period: Period| tally(&spans, &windows, window(period, location).unwrap());
        let year_tally = Tally { outages: 0, ..tally(&spans, &windows, whole) };
        let sum = |texts: Vec<String>| {
            let mut sum = Tally::default();
            texts.iter().for_each(|text| sum.add_times(&of(parse(text).unwrap())));
            sum
        };
        prop_assert_eq!(sum((1..=12).map(|month| format!("{year}-{month:02}")).collect()), year_tally);
        prop_assert_eq!(sum((1..=4).map(|quarter| format!("{year}-Q{quarter}")).collect()), year_tally);
    }
}
