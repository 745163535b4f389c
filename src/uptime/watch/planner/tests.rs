//! What is changed or ended leaves the past as it was, over restarts; and in maintenance nobody is told.

use super::*;
use crate::base::time::format_rfc3339;
use crate::platform::db::Db;
use crate::uptime::watch::announce::Announcer;
use crate::uptime::watch::watcher::View;

const HOUR: i64 = 3_600_000;
const NOW: i64 = 1_795_000_000_000 / HOUR * HOUR;

fn open() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&folder.path().join("db")).unwrap();
    (folder, Store::new(Arc::new(db)))
}

fn number_of(name: &str) -> Option<CheckId> {
    ["zero", "Shop", "Database"].iter().position(|known| *known == name).map(|place| place as CheckId)
}

fn once(title: &str, from: i64, until: i64) -> Described {
    let (from, until) = (format_rfc3339(from), format_rfc3339(until));
    Described { title: title.to_owned(), checks: vec!["Shop".to_owned()], from, until, ..Described::default() }
}

async fn put(planner: &Planner, id: Option<i64>, described: Described, now: i64) -> Result<i64, PlanError> {
    planner.put(id, (described, ""), "ann", number_of, now).await
}

fn windows(planner: &Planner, check: CheckId) -> Vec<(i64, i64)> {
    let all = planner.windows(check, &BTreeMap::new(), Window::new(NOW - 1000 * HOUR, NOW + 1000 * HOUR));
    all.iter().map(|window| ((window.from - NOW) / HOUR, (window.until - NOW) / HOUR)).collect()
}

#[tokio::test]
async fn the_past_stays_over_changes_and_restarts() {
    let (_folder, store) = open();
    let planner = Planner::open(store.clone()).unwrap();
    let id = put(&planner, None, once("Move", NOW + HOUR, NOW + 3 * HOUR), NOW).await.unwrap();
    // Not begun yet: changed in place. While it lasts a later end leaves the past alone, too.
    assert_eq!(put(&planner, Some(id), once("Move", NOW + HOUR, NOW + 4 * HOUR), NOW).await.unwrap(), id);
    assert_eq!(put(&planner, Some(id), once("Long move", NOW + HOUR, NOW + 5 * HOUR), NOW + 2 * HOUR).await.unwrap(), id);
    // Of another check from now on: until now it was of this one.
    let moved = Described { checks: vec!["Database".to_owned()], ..once("Move", NOW + HOUR, NOW + 5 * HOUR) };
    let other = put(&planner, Some(id), moved, NOW + 3 * HOUR).await.unwrap();
    assert_ne!(other, id);
    for planner in [planner, Planner::open(store.clone()).unwrap()] {
        assert_eq!((windows(&planner, 1), windows(&planner, 2)), (vec![(1, 3)], vec![(3, 5)]));
        assert_eq!(planner.all().iter().map(|planned| planned.made_by.as_str()).collect::<Vec<_>>(), ["ann", "ann"]);
    }
    let planner = Planner::open(store.clone()).unwrap();
    assert!(matches!(put(&planner, Some(id), once("x", NOW, NOW + 9 * HOUR), NOW + 3 * HOUR).await, Err(PlanError::Over)));
    assert!(planner.end(other, "", NOW + 4 * HOUR).await.unwrap(), "an hour of it stays");
    assert_eq!(windows(&planner, 2), [(3, 4)]);
    assert!(matches!(planner.end(other, "", NOW + 5 * HOUR).await, Err(PlanError::Over)));
    let later = put(&planner, None, once("Later", NOW + 50 * HOUR, NOW + 51 * HOUR), NOW).await.unwrap();
    assert!(!planner.end(later, "", NOW).await.unwrap(), "nothing of it stays");
    assert!(matches!(planner.end(later, "", NOW).await, Err(PlanError::Unknown)));
    planner.forget_old(NOW + (DAYS_KEPT + 1) * DAY).await.unwrap();
    assert!(Planner::open(store).unwrap().all().is_empty());
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let (_folder, store) = open();
    let planner = Planner::open(store).unwrap();
    assert!(matches!(put(&planner, None, once("x", NOW - 2 * HOUR, NOW - HOUR), NOW).await, Err(PlanError::Past)));
    let unknown = Described { checks: vec!["Nobody".to_owned()], ..once("x", NOW, NOW + HOUR) };
    assert_eq!(put(&planner, None, unknown, NOW).await.unwrap_err().to_string(), "checks: there is no check named \"Nobody\"");
    assert!(matches!(put(&planner, Some(9), once("x", NOW, NOW + HOUR), NOW).await, Err(PlanError::Unknown)));
    let id = planner.put(None, (once("x", NOW, NOW + HOUR), "checks.yml"), "checks.yml", number_of, NOW).await.unwrap();
    assert!(matches!(planner.end(id, "", NOW).await, Err(PlanError::InFile(file)) if file == "checks.yml"));
    assert_eq!((planner.of_file("checks.yml", NOW), planner.of_file("checks.yml", NOW + HOUR)), (vec![id], vec![]));
}

#[tokio::test]
async fn names_may_change_and_checks_may_go() {
    let (_folder, store) = open();
    let planner = Planner::open(store.clone()).unwrap();
    let id = put(&planner, None, once("Move", NOW, NOW + HOUR), NOW).await.unwrap();
    let planner = Planner::open(store).unwrap();
    let described = |name: fn(CheckId) -> Option<String>| planner.described(id, name).unwrap().checks;
    assert_eq!(described(|id| (id == 1).then(|| "Shop 2".to_owned())), ["Shop 2"]);
    assert_eq!(described(|_| None), Vec::<String>::new());
    assert!(!planner.holds(2, &BTreeMap::new(), NOW), "that its checks are gone does not make it of all");
}

/// Told again and again every second, as the wing does, in injected time.
#[tokio::test]
async fn in_maintenance_nobody_is_told_and_afterwards_they_are() {
    let (_folder, store) = open();
    let planner = Planner::open(store).unwrap();
    let described = Described {
        title: "Nightly".to_owned(),
        starts: "0 * * * *".to_owned(),
        lasts: crate::base::time::Duration::from_secs(600),
        ..Described::default()
    };
    put(&planner, None, described, NOW).await.unwrap();
    let check = Arc::new(crate::uptime::config::file::read_one("{name: Shop, ping: {host: a}}", None).unwrap().check);
    let view = View {
        check,
        span: crate::uptime::model::track::Span { from: 0, until: 0, state: crate::uptime::model::track::State::Down },
        in_doubt_since: None,
        incident: Some(crate::uptime::model::incident::Incident::begun(NOW, NOW, &Default::default())),
        newest: None,
    };
    let views = BTreeMap::from([(1, view)]);
    let mut announcer = Announcer::default();
    let mut told = Vec::new();
    // From half past until half past the next hour; the maintenance is from the full hour until ten past.
    for second in 1800..5400 {
        let now = NOW + second * 1000;
        for alert in announcer.due(&views, |id| planner.held(id, &BTreeMap::new(), now), "", now) {
            assert!(alert.ends_at > now, "it goes on");
            told.push((second, alert.hush.map(|(hush, since)| (hush.to_string(), (since - NOW) / 1000))));
        }
    }
    let hushed: Vec<i64> = told.iter().filter(|(_, hush)| hush.is_some()).map(|(second, _)| *second).collect();
    assert_eq!(hushed, (0..10).map(|minute| 3600 + 60 * minute).collect::<Vec<_>>(), "from when it begins for as long as it lasts");
    assert_eq!(told.iter().find(|(second, _)| *second >= 3600).unwrap().1, Some(("maintenance: Nightly".to_owned(), 3600)));
    assert_eq!(told.iter().find(|(second, _)| *second >= 4200), Some(&(4200, None)), "told as soon as it ends");
    assert_eq!(told[0], (1800, None));
}
