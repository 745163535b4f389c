//! What is written down is read back, and what is old goes.

use std::time::Duration;

use super::*;
use crate::uptime::model::beat::{Beats, HOUR, Hour};
use crate::uptime::model::incident::{Incident, IncidentOf};
use crate::uptime::model::outcome::Outcome;
use crate::uptime::model::track::{Span, State};
use crate::uptime::model::window::Window;

const DAY: i64 = 24 * HOUR;

fn open() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&folder.path().join("db")).unwrap();
    (folder, Store::new(Arc::new(db)))
}

fn named(name: &str) -> Stored {
    Stored { id: 0, name: name.to_owned(), definition: "name: x".to_owned(), file: String::new(), made_at: 1, changed_at: 2 }
}

fn hour(hour: i64, count: u64) -> Hour {
    let mut beats = Beats::default();
    (0..count).for_each(|_| beats.add(hour * HOUR, true, &Outcome { took: Duration::from_millis(10), ..Outcome::default() }));
    beats.take_hours().pop().unwrap()
}

#[tokio::test]
async fn checks_are_kept_by_name() {
    let (_folder, store) = open();
    let ids = store.put_checks(vec![named("b"), named("a")]).await.unwrap();
    let names: Vec<String> = store.checks().unwrap().into_iter().map(|check| check.name).collect();
    assert_eq!(names, ["a", "b"]);
    let twice = store.put_checks(vec![named("c"), named("a")]).await.unwrap_err();
    assert_eq!(twice.to_string(), "there is a check named \"a\" already");
    assert_eq!(store.checks().unwrap().len(), 2, "all or none");
    store.put_checks(vec![Stored { id: ids[0], ..named("z") }]).await.unwrap();
    assert!(matches!(store.put_checks(vec![Stored { id: 99, ..named("y") }]).await, Err(NotStored::Unknown)));
    assert_eq!(store.delete_checks(vec![ids[1], 77]).await.unwrap(), 1);
    assert_eq!(store.checks().unwrap().iter().map(|check| (check.id, check.name.as_str())).collect::<Vec<_>>(), [(ids[0], "z")]);
}

#[tokio::test]
async fn books_go_on_from_what_was_written() {
    let (_folder, store) = open();
    let check = store.put_checks(vec![named("a")]).await.unwrap()[0];
    let up = Span { from: 0, until: 100, state: State::Up };
    let down = Span { from: 100, until: 150, state: State::Down };
    let first = Outcome { excerpt: "<html>".to_owned(), ..Outcome::default() };
    let incident = Incident::begun(100, 120, &first);
    let written = Written { spans: vec![up, down], hours: vec![hour(0, 3)], incidents: vec![incident.clone()] };
    store.write(vec![(check, written), (99, Written { spans: vec![up], ..Written::default() })]).await.unwrap();
    let longer = Span { until: 400, ..down };
    store.write(vec![(check, Written { spans: vec![longer], hours: vec![hour(0, 5)], ..Written::default() })]).await.unwrap();

    let newest = store.newest().unwrap();
    assert_eq!(newest.len(), 1);
    assert_eq!(newest[&check], Written { spans: vec![longer], hours: vec![hour(0, 5)], incidents: vec![incident.clone()] });
    assert_eq!(store.spans(check, Window::new(0, 1000)).unwrap(), [up, longer]);
    assert_eq!(store.spans(check, Window::new(100, 1000)).unwrap(), [longer], "what only touches is left out");
    assert_eq!(store.spans(check, Window::new(400, 1000)).unwrap(), []);
    assert_eq!(store.spans(check, Window::new(150, 160)).unwrap(), [longer]);
    let ended = Incident { until: Some(400), ..incident };
    store.write(vec![(check, Written { incidents: vec![ended.clone()], ..Written::default() })]).await.unwrap();
    assert_eq!(store.newest().unwrap()[&check].incidents, []);
    let of = |range| store.incidents(Some(check), range, 10).unwrap();
    assert_eq!(of(Window::new(300, 1000)), [IncidentOf { check, incident: ended }]);
    assert_eq!(of(Window::new(401, 1000)), []);
    store.delete_checks(vec![check]).await.unwrap();
    assert_eq!(store.spans(check, Window::new(0, 1000)).unwrap(), []);
}

#[tokio::test]
async fn hours_become_days_and_old_ones_go() {
    let (_folder, store) = open();
    let check = store.put_checks(vec![named("a")]).await.unwrap()[0];
    let hours: Vec<Hour> = (0..24 * 150).step_by(6).map(|at| hour(at, 2)).collect();
    let old = Span { from: 0, until: DAY, state: State::Up };
    store.write(vec![(check, Written { hours, spans: vec![old], ..Written::default() })]).await.unwrap();
    let now = 149 * DAY + 5 * HOUR;
    assert_eq!(store.roll_up(now).await.unwrap(), 149, "today is not over");
    assert_eq!(store.roll_up(now).await.unwrap(), 0, "once");
    let days = store.days(check, 0, 1000).unwrap();
    assert_eq!((days.len(), days[0].count(), days[1].hour), (149, 8, 24));
    let left = store.hours(check, 0, i64::MAX).unwrap();
    assert_eq!((left.len(), left[0].hour), (101 * 4, 49 * 24));
    assert_eq!(store.spans(check, Window::new(0, now)).unwrap(), [old]);
    // Of days that were added up, hours are not needed any more; those of today count as well.
    let results = |from: i64, until: i64| store.results(check, Window::new(from, until)).unwrap().count();
    assert_eq!((results(0, 150 * DAY), results(0, DAY), results(149 * DAY, 150 * DAY)), (150 * 8, 8, 8));
    assert_eq!((results(100 * DAY + HOUR, 102 * DAY + HOUR), results(100 * DAY, 100 * DAY + 1)), (16, 2));
    assert_eq!((results(5, 5), results(DAY, 0)), (0, 0));
    store.roll_up(500 * DAY).await.unwrap();
    assert_eq!(store.spans(check, Window::new(0, now)).unwrap(), []);
}
