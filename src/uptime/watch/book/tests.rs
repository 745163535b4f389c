//! Books of checks over a simulated year: restarts, kills, gaps, maintenance, and outages that are known in advance.

use std::time::Duration;

use super::*;
use crate::base::location::Location;
use crate::uptime::model::beat::HOUR;
use crate::uptime::model::figures::{Tally, tally};
use crate::uptime::model::maintenance::{Maintenance, When};
use crate::uptime::model::outcome::{Failure, FailureKind};
use crate::uptime::model::recurrence::Recurrence;
use crate::uptime::model::window::{Window, joined};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 24 * HOUR;
const EVERY: i64 = 30 * SECOND;
const POLICY: Policy = Policy { patience: Patience { retries: 2, recoveries: 0 }, is_upside_down: false, grace: 6 * SECOND };

fn good(ms: u64) -> Outcome {
    Outcome { took: Duration::from_millis(ms), ..Outcome::default() }
}

fn bad(text: &str) -> Outcome {
    Outcome {
        failure: Some(Failure { kind: FailureKind::Status, text: text.to_owned() }),
        excerpt: "oops".to_owned(),
        ..Outcome::default()
    }
}

/// What the store would hold.
#[derive(Default)]
struct Shelf {
    spans: std::collections::BTreeMap<i64, Span>,
    hours: std::collections::BTreeMap<i64, Hour>,
    incidents: std::collections::BTreeMap<i64, Incident>,
}

impl Shelf {
    fn keep(&mut self, changes: Changes) {
        self.spans.extend(changes.spans.into_iter().map(|span| (span.from, span)));
        self.hours.extend(changes.hours.into_iter().map(|hour| (hour.hour, hour)));
        self.incidents.extend(changes.incidents.into_iter().map(|incident| (incident.from, incident)));
    }

    fn kept(&self) -> Kept {
        Kept {
            span: self.spans.values().last().copied(),
            hour: self.hours.values().last().cloned(),
            incident: self.incidents.values().find(|incident| incident.until.is_none()).cloned(),
        }
    }
}

#[test]
fn an_incident_has_a_beginning_a_cause_and_an_end() {
    let mut book = Book::open(Kept::default(), 0, POLICY.grace);
    book.record(0, 30, good(5), &POLICY);
    assert_eq!(book.record(30, 60, bad("503 in 1.2 s"), &POLICY), Some(Turn::InDoubt { since: 30 }));
    book.record(60, 90, bad("later"), &POLICY);
    assert_eq!((book.incident(), book.in_doubt_since()), (None, Some(30)));
    book.record(90, 120, bad("last"), &POLICY);
    let incident = book.incident().unwrap().clone();
    assert_eq!((incident.from, incident.confirmed_at, incident.until), (30, 90, None));
    assert_eq!((incident.cause.as_str(), incident.excerpt.as_str()), ("503 in 1.2 s", "oops"));
    book.record(120, 150, good(5), &POLICY);
    let written = book.take_changes().incidents;
    assert_eq!(written.last().unwrap().until, Some(120));
    assert_eq!(book.incident(), None);
    assert_eq!(book.take_changes(), Changes::default(), "nothing twice");
}

#[test]
fn an_incident_goes_on_over_a_restart() {
    let mut shelf = Shelf::default();
    let mut book = Book::open(Kept::default(), 0, POLICY.grace);
    (0..4).for_each(|n| {
        book.record(n * EVERY, (n + 1) * EVERY, bad("x"), &POLICY);
    });
    shelf.keep(book.take_changes());
    let mut book = Book::open(shelf.kept(), HOUR, POLICY.grace);
    (0..4).for_each(|n| {
        book.record(HOUR + n * EVERY, HOUR + (n + 1) * EVERY, bad("y"), &POLICY);
    });
    assert_eq!(book.incident().unwrap().cause, "x");
    book.record(2 * HOUR, 2 * HOUR + EVERY, good(1), &POLICY);
    shelf.keep(book.take_changes());
    assert_eq!(shelf.incidents.len(), 1);
    assert_eq!(shelf.incidents[&0].until, Some(2 * HOUR));
}

#[test]
fn upside_down_an_answer_is_the_incident() {
    let policy = Policy { is_upside_down: true, patience: Patience { retries: 0, recoveries: 0 }, ..POLICY };
    let mut book = Book::open(Kept::default(), 0, POLICY.grace);
    book.record(0, 30, bad("refused"), &policy);
    assert_eq!(book.state(), State::Up);
    book.record(30, 60, good(1), &policy);
    assert_eq!((book.state(), book.incident().unwrap().cause.as_str()), (State::Down, "it answers, and should not"));
}

#[test]
fn a_pause_ends_an_incident() {
    let mut book = Book::open(Kept::default(), 0, POLICY.grace);
    (0..4).for_each(|n| {
        book.record(n * EVERY, (n + 1) * EVERY, bad("x"), &POLICY);
    });
    book.pause(5 * EVERY);
    assert_eq!((book.state(), book.incident()), (State::Paused, None));
    assert_eq!(book.take_changes().incidents.last().unwrap().until, Some(5 * EVERY));
}

/// A year of probes every 30 s. Known: outages at certain minutes, blips that are none, nightly maintenance, times in which
/// nobody was there, restarts of a minute's end, and a kill that loses what was not written down.
#[test]
fn a_year_adds_up_to_what_is_known() {
    const YEAR: i64 = 365 * DAY;
    let outages: Vec<Window> = [(3, 7, 20), (40, 11, 95), (90, 1, 30), (200, 22, 4 * 60), (333, 15, 5)]
        .iter()
        .map(|(day, hour, minutes)| Window::new(day * DAY + hour * HOUR, day * DAY + hour * HOUR + minutes * MINUTE))
        .collect();
    let gaps = [Window::new(60 * DAY, 60 * DAY + 3 * HOUR), Window::new(250 * DAY + HOUR, 251 * DAY + 2 * HOUR)];
    let paused = Window::new(300 * DAY, 302 * DAY);
    let starts = Box::new(Recurrence::parse("0 1 * * *", Location::Utc).unwrap());
    let nightly = Maintenance { when: When::Again { starts, lasts: HOUR }, in_force: Window::new(80 * DAY, 100 * DAY) };
    let within = |windows: &[Window], at: i64| windows.iter().any(|window| window.contains(at));

    let mut shelf = Shelf::default();
    let mut book = Book::open(Kept::default(), 0, POLICY.grace);
    for at in (0..YEAR).step_by(usize::try_from(EVERY).unwrap()) {
        if at == paused.from {
            book.pause(at);
        } else if at == paused.until {
            book.resume(at);
        }
        if within(&gaps, at) || paused.contains(at) {
            continue;
        }
        // A blip every third day: two failures, and good again.
        let is_blip = (at / DAY) % 3 == 1 && (at % DAY) / EVERY < 2;
        let outcome = if within(&outages, at) || is_blip { bad("down") } else { good(20 + u64::try_from(at / EVERY % 80).unwrap()) };
        book.record(at, at + EVERY, outcome, &POLICY);
        if at / EVERY % 10 == 0 {
            shelf.keep(book.take_changes());
        }
        // A clean restart each week, a kill each month: what was not written down is told again by the next results.
        if at % (7 * DAY) == 5 * HOUR {
            shelf.keep(book.take_changes());
            book = Book::open(shelf.kept(), at, POLICY.grace);
        }
    }
    shelf.keep(book.take_changes());

    let spans: Vec<Span> = shelf.spans.values().copied().collect();
    let maintenance = nightly.windows(Window::new(0, YEAR));
    assert_eq!(maintenance.len(), 20);
    let expected = |range: Window| {
        let mut known = Tally::default();
        let all = |windows: &[Window]| joined(windows.to_vec()).iter().map(|window| window.common(range).length()).sum::<i64>();
        let less_maintenance = |windows: &[Window]| {
            let inside: i64 = windows.iter().flat_map(|a| maintenance.iter().map(|b| a.common(*b).common(range).length())).sum();
            all(windows) - inside
        };
        known.maintenance = all(&maintenance);
        known.down = less_maintenance(&outages);
        known.unknown = less_maintenance(&gaps);
        known.paused = less_maintenance(&[paused]);
        known.up = range.length() - known.maintenance - known.down - known.unknown - known.paused;
        known.outages = u32::try_from(outages.iter().filter(|outage| less_maintenance(&[**outage]) > 0).count()).unwrap();
        known
    };
    let end = YEAR;
    for days in [1, 7, 30, 90, 365] {
        let range = Window::new(end - days * DAY, end);
        assert_eq!(tally(&spans, &maintenance, range), expected(range), "{days} days");
    }
    // Every calendar month, and parts that begin in the middle of outages and gaps.
    let months = (0..12).map(|month| Window::new(month * 30 * DAY + 11 * HOUR, (month + 1) * 30 * DAY + 11 * HOUR));
    let cuts = outages.iter().chain(&gaps).map(|window| Window::new(window.from + 7 * SECOND, window.until + DAY));
    for range in months.chain(cuts) {
        assert_eq!(tally(&spans, &maintenance, range), expected(range), "{range:?}");
    }
    let probes: u64 = shelf.hours.values().map(Hour::count).sum();
    let left_out: i64 = gaps.iter().chain([&paused]).map(Window::length).sum();
    assert_eq!(i64::try_from(probes).unwrap(), (YEAR - left_out) / EVERY);
    assert_eq!(shelf.incidents.len(), outages.len());
    for (outage, incident) in outages.iter().zip(shelf.incidents.values()) {
        assert_eq!((incident.from, incident.until), (outage.from, Some(outage.until)));
    }
    let year = expected(Window::new(0, YEAR));
    assert!((year.availability().unwrap() - 0.99927).abs() < 0.0001, "{:?}", year.availability());
}
