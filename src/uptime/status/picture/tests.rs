//! Tests of what pages show.

use super::super::page::read_one;
use super::super::post::{Stage, Update};
use super::*;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

pub(crate) fn component(check: i64, condition: Condition) -> Component {
    Component { check, name: format!("c{check}"), description: String::new(), condition, days: Vec::new(), latency: None, pace: Vec::new() }
}

pub(crate) fn post(id: i64, severity: Severity, checks: &[i64], at: i64, resolved: Option<i64>) -> Post {
    let update =
        |at, stage| Update { id: at, at, stage, text: "It is looked into.".to_owned(), made_by: "ann".to_owned(), edited_at: None };
    let mut updates = vec![update(at, Stage::Investigating)];
    updates.extend(resolved.map(|at| update(at, Stage::Resolved)));
    Post {
        id,
        page: 1,
        title: "Trouble".to_owned(),
        severity,
        checks: checks.to_vec(),
        of: None,
        made_at: at,
        made_by: "ann".to_owned(),
        updates,
    }
}

pub(crate) fn seen(name: &str, state: State, now: i64) -> Seen {
    let count = days(Location::Utc, now).len();
    let tally = Tally { up: DAY, ..Tally::default() };
    Seen {
        name: name.to_owned(),
        labels: BTreeMap::from([("team".to_owned(), "web".to_owned())]),
        state,
        is_maintained: false,
        days: vec![tally; count],
        latency: Some(Duration::from_millis(120)),
        pace: vec![None, Some(Duration::from_millis(100)), Some(Duration::from_millis(140))],
        outages: Vec::new(),
    }
}

#[test]
fn days_follow_the_clock_of_the_place() {
    // Clocks in Berlin went back on 25 October 2026.
    let now = crate::base::time::parse_rfc3339("2026-11-01T10:00:00Z").unwrap();
    let days = days(Location::parse("Europe/Berlin").unwrap(), now);
    assert_eq!(days.len(), 90);
    assert_eq!(days.last().unwrap().1.until, now);
    assert!(days.windows(2).all(|pair| pair[0].1.until == pair[1].1.from && pair[0].0 + 1 == pair[1].0));
    let long: Vec<i64> = days.iter().map(|(_, window)| window.length()).filter(|length| *length > DAY).collect();
    assert_eq!(long, [25 * HOUR]);
    assert_eq!(crate::base::time::format_rfc3339(days[0].1.from), "2026-08-03T22:00:00Z");
}

#[test]
fn sections_have_what_is_named_then_what_has_the_labels() {
    let now = 200 * DAY + HOUR;
    let all = BTreeMap::from([(1, seen("b", State::Up, now)), (2, seen("a", State::Down, now)), (3, seen("c", State::Up, now))]);
    let page = Arc::new(
        read_one("{title: T, sections: [{checks: ['3', '9']}, {labels: {team: web}, components: [{check: '2', name: Shop}]}]}").unwrap(),
    );
    assert_eq!(shown_checks(&page, &all), [3, 2, 1]);
    let picture = Picture::new(&page, &all, &[], &[], now);
    let names: Vec<Vec<&str>> =
        picture.sections.iter().map(|section| section.components.iter().map(|one| one.name.as_str()).collect()).collect();
    assert_eq!(names, [vec!["c"], vec!["Shop", "b", "c"]]);
    assert_eq!(picture.components().count(), 3, "each once");
    assert_eq!(
        picture.sentence,
        Sentence::Are(Condition::Down, super::super::sentence::Whom::Some(vec!["Shop".to_owned()]), super::super::sentence::Rest::Works)
    );
    assert_eq!(picture.components().next().unwrap().latency, None, "it is not said unless the page wants to");
}

#[test]
fn what_people_tell_colours_components_and_days() {
    let now = 200 * DAY + 10 * HOUR;
    let all = BTreeMap::from([(1, seen("a", State::Up, now)), (2, seen("b", State::Up, now))]);
    let page = Arc::new(read_one("{title: T, sections: [{checks: ['1', '2']}]}").unwrap());
    let posts =
        [post(1, Severity::Degraded, &[1], now - 2 * HOUR, None), post(2, Severity::Outage, &[2], now - DAY, Some(now - DAY + HOUR))];
    let picture = Picture::new(&page, &all, &posts, &[], now);
    let components = &picture.sections[0].components;
    assert_eq!([components[0].condition, components[1].condition], [Condition::Degraded, Condition::Up]);
    assert_eq!((components[0].days[89].troubled, components[1].days[88].troubled, components[1].days[89].troubled), (2 * HOUR, HOUR, 0));
    assert_eq!((picture.active.len(), picture.past.len(), picture.past[0].0), (1, 1, 199));
}

#[test]
fn outages_that_nobody_told_of_are_in_the_past() {
    let now = 200 * DAY + 10 * HOUR;
    let mut one = seen("a", State::Up, now);
    one.outages = vec![
        (now - HOUR, None),
        (now - 3 * HOUR, Some(now - 2 * HOUR)),
        (now - 2 * DAY, Some(now - 2 * DAY + HOUR)),
        (now - 30 * DAY, Some(now - 29 * DAY)),
    ];
    let all = BTreeMap::from([(1, one)]);
    let page = Arc::new(read_one("{title: T, sections: [{checks: ['1']}]}").unwrap());
    let mut told = post(1, Severity::Outage, &[1], now - 2 * DAY + HOUR / 2, Some(now - 2 * DAY + HOUR));
    told.of = Some(now - 2 * DAY);
    let picture = Picture::new(&page, &all, &[told], &[], now);
    let found: Vec<bool> =
        picture.past.iter().flat_map(|(_, entries)| entries).map(|entry| matches!(entry, Entry::Outage { .. })).collect();
    assert_eq!(found, [true, false]);
}

#[test]
fn a_month_has_what_began_in_it() {
    let now = 200 * DAY + 10 * HOUR;
    let mut one = seen("a", State::Up, now);
    one.outages = vec![(now - HOUR, None), (now - 40 * DAY, Some(now - 40 * DAY + HOUR)), (now - 90 * DAY, Some(now - 89 * DAY))];
    let all = BTreeMap::from([(1, one)]);
    let page = Arc::new(read_one("{title: T, sections: [{checks: ['1']}]}").unwrap());
    let posts = [post(1, Severity::Notice, &[], now - 45 * DAY, None), post(2, Severity::Notice, &[], now - 9 * DAY, Some(now - DAY))];
    let within = |from, until| Picture::of_window(&page, &all, &posts, Window::new(now - from * DAY, now - until * DAY), now).past;
    let count = |from, until| within(from, until).into_iter().map(|(_, entries)| entries.len()).sum::<usize>();
    assert_eq!([count(60, 30), count(30, 0), count(120, 80), count(80, 60)], [2, 1, 1, 0]);
    let many: Vec<Post> = (0..600).map(|id| post(id, Severity::Notice, &[], now - id * HOUR, Some(now))).collect();
    let picture = Picture::of_window(&page, &all, &many, Window::new(now - 60 * DAY, now), now);
    assert!(picture.is_cut && picture.past.iter().map(|(_, entries)| entries.len()).sum::<usize>() == ENTRIES_MAX);
}
