//! Windows over midnights, months and changes of the clock; they hold exactly what the calendar says.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::alerts::model::interval::Location;
use crate::alerts::model::interval::text::{Part, read_times};
use crate::base::time::{format_rfc3339, parse_rfc3339};

fn at(text: &str) -> i64 {
    parse_rfc3339(text).expect("a time")
}

/// `times; weekdays; days of the month; months; place`, each a list; nothing for what is not said.
fn interval(text: &str) -> Interval {
    let parts: Vec<&str> = text.split(';').map(str::trim).collect();
    let words = |at: usize| parts.get(at).copied().filter(|part| !part.is_empty()).map(|part| part.split(' '));
    let ranges = |at: usize, part: Part| words(at).map(|all| all.map(|text| part.read(text).expect("a range")).collect());
    let times = words(0).map(|all| {
        all.map(|text| text.split_once('-').expect("from and to")).map(|(start, end)| read_times(start, end).expect("times")).collect()
    });
    Interval {
        times,
        weekdays: ranges(1, Part::Weekdays),
        days_of_month: ranges(2, Part::DaysOfMonth),
        months: ranges(3, Part::Months),
        years: None,
        location: parts.get(4).filter(|place| !place.is_empty()).map(|place| Location::parse(place).expect("a place")),
    }
}

#[test]
fn windows_of_the_calendar() {
    const NIGHT: &str = "22:00-24:00 00:00-06:00;;;;Europe/Berlin";
    for (what, intervals, instant, expected) in [
        ("inside", &["09:00-17:00"][..], "2026-11-23T12:00:30Z", Some(("2026-11-23T09:00:00Z", "2026-11-23T17:00:00Z"))),
        ("its first instant", &["09:00-17:00"], "2026-11-23T09:00:00Z", Some(("2026-11-23T09:00:00Z", "2026-11-23T17:00:00Z"))),
        ("its end is outside", &["09:00-17:00"], "2026-11-23T17:00:00Z", Some(("2026-11-24T09:00:00Z", "2026-11-24T17:00:00Z"))),
        ("the last millisecond", &["09:00-17:00"], "2026-11-23T16:59:59.999Z", Some(("2026-11-23T09:00:00Z", "2026-11-23T17:00:00Z"))),
        ("over midnight", &[NIGHT], "2026-11-23T23:30:00Z", Some(("2026-11-23T21:00:00Z", "2026-11-24T05:00:00Z"))),
        (
            "two that overlap",
            &["09:00-12:00", "11:00-14:00"],
            "2026-11-23T13:00:00Z",
            Some(("2026-11-23T09:00:00Z", "2026-11-23T14:00:00Z")),
        ),
        ("two that touch", &["09:00-12:00", "12:00-14:00"], "2026-11-23T09:00:00Z", Some(("2026-11-23T09:00:00Z", "2026-11-23T14:00:00Z"))),
        ("more than a day away", &["09:00-17:00;monday"], "2026-11-24T09:00:00Z", None),
        ("just a day away", &["09:00-17:00;monday"], "2026-11-22T09:00:00Z", Some(("2026-11-23T09:00:00Z", "2026-11-23T17:00:00Z"))),
        ("a weekend", &[";saturday", ";sunday"], "2026-11-22T12:00:00Z", Some(("2026-11-21T00:00:00Z", "2026-11-23T00:00:00Z"))),
        ("over the end of a month", &[";;-2:-1", ";;1"], "2026-11-30T12:00:00Z", Some(("2026-11-29T00:00:00Z", "2026-12-02T00:00:00Z"))),
        ("a whole month", &[";;;december"], "2026-12-24T18:00:00Z", Some(("2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"))),
        // Spring: at 02:00 the clock goes on to 03:00.
        ("shorter by an hour", &[NIGHT], "2026-03-29T00:30:00Z", Some(("2026-03-28T21:00:00Z", "2026-03-29T04:00:00Z"))),
        ("times that are left out", &["02:00-03:00;;;;Europe/Berlin"], "2026-03-28T12:00:00Z", None),
        (
            "begins with the change",
            &["02:30-04:00;;;;Europe/Berlin"],
            "2026-03-29T00:30:00Z",
            Some(("2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z")),
        ),
        // Autumn: at 03:00 the clock goes back to 02:00.
        ("longer by an hour", &[NIGHT], "2026-10-25T00:30:00Z", Some(("2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z"))),
        (
            "the hour that comes twice",
            &["02:00-03:00;;;;Europe/Berlin"],
            "2026-10-25T00:10:00Z",
            Some(("2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z")),
        ),
        (
            "the half hour that comes twice",
            &["02:00-02:30;;;;Europe/Berlin"],
            "2026-10-25T00:40:00Z",
            Some(("2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z")),
        ),
        (
            "half an hour of summer",
            &["01:00-03:00;;;;Australia/Lord_Howe"],
            "2026-10-03T15:00:00Z",
            Some(("2026-10-03T14:30:00Z", "2026-10-03T16:00:00Z")),
        ),
        ("nothing", &[], "2026-11-23T12:00:00Z", None),
    ] {
        let intervals: Vec<Interval> = intervals.iter().map(|text| interval(text)).collect();
        let window = Window::at(&intervals, at(instant)).map(|window| (format_rfc3339(window.starts_at), format_rfc3339(window.ends_at)));
        assert_eq!(window.as_ref().map(|(start, end)| (start.as_str(), end.as_str())), expected, "{what}");
    }
}

#[test]
fn what_lasts_longer_is_cut_in_the_same_places_always() {
    let always = [Interval::default()];
    let mut now = at("2026-11-23T12:34:56Z");
    let first = Window::at(&always, now).expect("on");
    assert!(first.contains(now) && first.ends_at - first.starts_at == WINDOW_MAX && first.starts_at % WINDOW_MAX == 0);
    for _ in 0..5 {
        let window = Window::at(&always, now).expect("on");
        assert!(window.contains(now));
        for inside in [window.starts_at, window.starts_at + 1, window.ends_at - 1] {
            assert_eq!(Window::at(&always, inside), Some(window));
        }
        now = window.ends_at;
    }
    // A summer: neither its beginning nor its end is cut off.
    let summer = [interval(";;;june:august;Europe/Berlin")];
    let mut now = at("2026-05-31T12:00:00Z");
    let mut windows = Vec::new();
    while let Some(window) = Window::at(&summer, now) {
        assert!(windows.last().is_none_or(|last: &Window| last.ends_at == window.starts_at), "{window:?}");
        windows.push(window);
        now = window.ends_at;
    }
    let (first, last) = (windows.first().expect("one"), windows.last().expect("one"));
    assert_eq!(
        (format_rfc3339(first.starts_at).as_str(), format_rfc3339(last.ends_at).as_str()),
        ("2026-05-31T22:00:00Z", "2026-08-31T22:00:00Z")
    );
}

#[test]
fn instants_that_no_calendar_has() {
    for now in [i64::MIN, i64::MIN + WINDOW_MAX, -8_334_601_228_800_000, 8_210_266_876_799_999, i64::MAX] {
        let _ = Window::at(&[Interval::default(), interval("09:00-17:00;;;;Asia/Tokyo")], now);
    }
}

fn any_interval() -> impl Strategy<Value = Interval> {
    let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
    let time = (0_u32..1440, 1_u32..900).prop_map(move |(start, length)| format!("{}-{}", clock(start), clock((start + length).min(1440))));
    let days = prop::sample::select(vec!["", "monday", "saturday", "monday:friday", "sunday tuesday:wednesday"]);
    let of_month = prop::sample::select(vec!["", "", "", "-1", "1:10", "28:31 1"]);
    let months = prop::sample::select(vec!["", "", "", "march:october"]);
    let place = prop::sample::select(vec!["", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia"]);
    (prop::option::of(vec(time, 1..4)), days, of_month, months, place).prop_map(|(times, days, of_month, months, place)| {
        interval(&format!("{};{days};{of_month};{months};{place}", times.unwrap_or_default().join(" ")))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn windows_hold_exactly_what_the_calendar_says(
        intervals in vec(any_interval(), 1..4),
        // Around changes of the clock in spring and autumn, and anywhere.
        base in prop::sample::select(vec!["2026-03-28T00:00:00Z", "2026-10-24T00:00:00Z", "2026-11-01T00:00:00Z", "2026-10-03T00:00:00Z", "2027-02-27T00:00:00Z"]),
        shift in 0_i64..40 * 24 * 60,
    ) {
        let start = at(base) + shift * MINUTE;
        let mut now = start;
        while now < start + 2 * LOOK_AHEAD {
            let is_inside = |at: i64| intervals.iter().any(|interval| interval.contains(at));
            let window = Window::at(&intervals, now);
            prop_assert_eq!(window.is_some_and(|window| window.contains(now)), is_inside(now), "{}", format_rfc3339(now));
            let Some(window) = window else {
                prop_assert!((0..=24 * 60).all(|minute| !is_inside(now + minute * MINUTE)), "{}", format_rfc3339(now));
                now += 3 * 60 * MINUTE;
                continue;
            };
            prop_assert!(window.ends_at > window.starts_at && window.ends_at - window.starts_at <= WINDOW_MAX);
            let mut minute = now;
            while minute < window.ends_at.min(now + 2 * LOOK_AHEAD) {
                prop_assert_eq!(is_inside(minute), window.contains(minute), "{}", format_rfc3339(minute));
                minute += MINUTE;
            }
            prop_assert_eq!(Window::at(&intervals, window.starts_at), Some(window));
            prop_assert_eq!(Window::at(&intervals, window.ends_at - 1), Some(window));
            let is_cut = |edge: i64| edge.rem_euclid(WINDOW_MAX) == 0;
            prop_assert!(!is_inside(window.starts_at - 1) || is_cut(window.starts_at));
            prop_assert!(!is_inside(window.ends_at) || is_cut(window.ends_at));
            now = window.ends_at.max(now + MINUTE);
        }
    }
}
