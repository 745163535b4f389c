//! Values written and read back, re-stated, pushed; and a year of many KPIs.

use std::io::Write as _;

use super::*;
use crate::base::clock::{Clock, SystemClock};
use crate::base::period::{Grain, Period};
use crate::business::model::share::Share;
use crate::business::model::value::{Origin, Segment, Standing};

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let db = Arc::new(Db::open(&folder.path().join("test.db")).unwrap());
    (folder, Store::new(db))
}

fn kpi(name: &str) -> StoredKpi {
    let (definition, password, file) = (String::new(), String::new(), String::new());
    StoredKpi { id: 0, name: name.to_owned(), definition, password, file, made_at: 1, changed_at: 1 }
}

fn plan(value: &str) -> Segment {
    Segment { label: "plan".to_owned(), value: value.to_owned() }
}

fn writing(id: KpiId, period: &str, standing: Standing, found: &[(Segment, Option<f64>)]) -> Writing {
    Writing {
        kpi: id,
        period: Period::parse(period).unwrap(),
        standing,
        origin: Origin::Collected,
        at: 5,
        found: found.iter().map(|(segment, value)| Found { segment: segment.clone(), value: *value, complete: 1.0 }).collect(),
        whole_labels: vec!["plan".to_owned()],
    }
}

#[tokio::test]
async fn kpis_have_names_of_their_own() {
    let (_folder, store) = store();
    let ids = store.put_kpis(vec![kpi("Orders"), kpi("Visits")]).await.unwrap();
    assert!(matches!(store.put_kpis(vec![kpi("new"), kpi("orders")]).await, Err(NotStored::Taken(name)) if name == "orders"));
    let swapped = [("Visits", ids[0]), ("Sales", ids[1])].map(|(name, id)| StoredKpi { id, ..kpi(name) });
    assert!(matches!(store.put_kpis(vec![StoredKpi { id: 99, ..kpi("x") }]).await, Err(NotStored::Unknown)));
    store.put_kpis(swapped.into_iter().rev().collect()).await.unwrap();
    assert_eq!(store.kpis().unwrap().iter().map(|kpi| kpi.name.as_str()).collect::<Vec<_>>(), ["Sales", "Visits"]);
    store.write(vec![writing(ids[0], "2026-11-01", Standing::Ended, &[(Segment::all(), Some(1.0))])]).await.unwrap();
    assert!(store.delete_kpi(ids[0]).await.unwrap() && !store.delete_kpi(ids[0]).await.unwrap());
    let day = Period::parse("2026-11-01").unwrap();
    assert!(store.values(ids[0], day, day).unwrap().is_empty());
    // A KPI that went away meanwhile is no error.
    store.write(vec![writing(ids[0], "2026-11-01", Standing::Ended, &[(plan("a"), Some(1.0))])]).await.unwrap();
}

#[tokio::test]
async fn what_is_restated_remembers_what_it_was() {
    let (_folder, store) = store();
    let id = store.put_kpis(vec![kpi("Orders")]).await.unwrap()[0];
    let day = Period::parse("2026-11-01").unwrap();
    let all = Segment::all();
    let mut seen = Vec::new();
    for (standing, value) in [
        (Standing::Running, Some(5.0)),
        (Standing::Ended, Some(9.0)),
        (Standing::Ended, Some(9.0)),
        (Standing::Ended, Some(11.0)),
        (Standing::Settled, Some(12.0)),
        (Standing::Settled, Some(9.0)),
    ] {
        store.write(vec![writing(id, "2026-11-01", standing, &[(all.clone(), value)])]).await.unwrap();
        let found = store.values(id, day, day).unwrap().remove(0);
        seen.push((found.value, found.first));
    }
    let expected = [(5.0, None), (9.0, None), (9.0, None), (11.0, Some(9.0)), (12.0, Some(9.0)), (9.0, None)];
    assert_eq!(seen, expected, "while it ran it was no statement, and what is as it was is none either");
    store.write(vec![writing(id, "2026-11-02", Standing::Ended, &[(all.clone(), None)])]).await.unwrap();
    assert!(store.values(id, day.next(), day.next()).unwrap().is_empty(), "nothing is no value");
    assert_eq!(store.lasting(id, day).unwrap()[&day.next().number()].standing, Standing::Ended, "but it was asked for");
}

#[tokio::test]
async fn segments_that_are_no_more_have_no_value() {
    let (_folder, store) = store();
    let id = store.put_kpis(vec![kpi("Orders")]).await.unwrap()[0];
    let day = Period::parse("2026-11-01").unwrap();
    let found = [(Segment::all(), Some(3.0)), (plan("a"), Some(1.0)), (plan("b"), Some(2.0))];
    store.write(vec![writing(id, "2026-11-01", Standing::Ended, &found)]).await.unwrap();
    store.write(vec![writing(id, "2026-11-01", Standing::Ended, &found[..2])]).await.unwrap();
    let there = store.by_segment(id, day).unwrap();
    assert_eq!(there.keys().map(|segment| segment.value.as_str()).collect::<Vec<_>>(), ["", "a"]);
    assert_eq!(store.segment_values(id, "plan", day, day).unwrap().len(), 1);
    let many: Vec<_> = (0..SEGMENTS_EVER_MAX + 50).map(|place| (plan(&format!("c{place}")), Some(1.0))).collect();
    store.write(vec![writing(id, "2026-11-03", Standing::Ended, &many)]).await.unwrap();
    let there = store.by_segment(id, Period::parse("2026-11-03").unwrap()).unwrap();
    assert!(i64::try_from(there.len()).unwrap() <= SEGMENTS_EVER_MAX + 1, "{}", there.len());
    store.forget_old(Period::parse("2040-01-01").unwrap().number() * 86_400_000).await.unwrap();
    assert!(store.by_segment(id, day).unwrap().is_empty());
}

#[tokio::test]
async fn numbers_that_are_sent_add_up_or_replace() {
    let (_folder, store) = store();
    let id = store.put_kpis(vec![kpi("Orders")]).await.unwrap()[0];
    let day = Period::parse("2026-11-01").unwrap();
    let push = |value| Push { segment: Segment::all(), period: day, standing: Standing::Running, value };
    let sent = |kpi, value, adds| Pushes { kpi, all: vec![push(value)], sent: 1, adds, at: 7, once: None };
    for (value, adds, expected) in [(2.0, true, 2.0), (3.0, true, 5.0), (1.5, false, 1.5)] {
        assert_eq!(store.push(sent(id, value, adds)).await.unwrap(), Pushed::Stored);
        let found = store.values(id, day, day).unwrap().remove(0);
        assert_eq!((found.value, found.origin, found.at), (expected, Origin::Pushed, 7));
    }
    assert_eq!(store.push(sent(99, 1.0, true)).await.unwrap(), Pushed::Gone);
    store.set_progress(vec![(id, day)]).await.unwrap();
    store.set_progress(vec![(id, day.next())]).await.unwrap();
    assert_eq!(store.progress().unwrap()[&(id, Grain::Day)], day.next());
}

#[tokio::test]
async fn what_comes_twice_under_one_key_counts_once() {
    let (folder, store) = store();
    let ids = store.put_kpis(vec![kpi("Orders"), kpi("Sales")]).await.unwrap();
    let day = Period::parse("2026-11-01").unwrap();
    let sent = |kpi, key: &str, at, digest| {
        let all = vec![Push { segment: Segment::all(), period: day, standing: Standing::Running, value: 2.0 }];
        Pushes { kpi, all, sent: 3, adds: true, at, once: Some(Once { key: key.to_owned(), digest: [digest; 32] }) }
    };
    let value = |store: &Store, id| store.values(id, day, day).unwrap()[0].value;
    assert_eq!(store.push(sent(ids[0], "a", 7, 1)).await.unwrap(), Pushed::Stored);
    let same = Repeated::Same { taken: 3, at: 7 };
    assert_eq!(store.push(sent(ids[0], "a", 9, 1)).await.unwrap(), Pushed::Repeated(same));
    assert_eq!(store.push(sent(ids[0], "a", 9, 2)).await.unwrap(), Pushed::Repeated(Repeated::Different));
    assert_eq!(store.push(sent(ids[1], "a", 9, 2)).await.unwrap(), Pushed::Stored, "keys of one KPI are not those of another");
    assert_eq!((value(&store, ids[0]), value(&store, ids[1])), (2.0, 2.0));
    // Those who come at the same time stand in a line.
    let both = futures_util::future::join_all((0..8).map(|_| store.push(sent(ids[0], "b", 10, 1)))).await;
    assert_eq!(both.iter().filter(|one| matches!(one, Ok(Pushed::Stored))).count(), 1, "{both:?}");
    assert_eq!(value(&store, ids[0]), 4.0);
    drop(store);
    let store = Store::new(Arc::new(Db::open(&folder.path().join("test.db")).unwrap()));
    assert_eq!(store.repeated(ids[0], &sent(ids[0], "a", 0, 1).once.unwrap()).unwrap(), Some(same), "it is there after a restart");
    // A day later the key is forgotten by the next that comes, and by the daily round.
    assert_eq!(store.push(sent(ids[0], "c", 7 + KEYS_KEPT_MS, 1)).await.unwrap(), Pushed::Stored);
    assert_eq!(store.push(sent(ids[0], "a", 7 + KEYS_KEPT_MS, 1)).await.unwrap(), Pushed::Repeated(same), "not before its time");
    assert_eq!(store.push(sent(ids[0], "d", 8 + KEYS_KEPT_MS, 1)).await.unwrap(), Pushed::Stored);
    assert_eq!(store.push(sent(ids[0], "a", 8 + KEYS_KEPT_MS, 1)).await.unwrap(), Pushed::Stored);
    store.forget_old(20 * KEYS_KEPT_MS).await.unwrap();
    let rows = |store: &Store| store.db.read(|db| db.query_row("SELECT count(*) FROM business_pushes", [], |row| row.get::<_, i64>(0)));
    assert_eq!(rows(&store).unwrap(), 0);
}

#[tokio::test]
async fn as_many_keys_are_remembered_as_may_be_and_none_is_forgotten_early() {
    let (_folder, store) = store();
    let id = store.put_kpis(vec![kpi("Orders")]).await.unwrap()[0];
    let sent = |key: &str, at| Pushes {
        kpi: id,
        all: Vec::new(),
        sent: 0,
        adds: true,
        at,
        once: Some(Once { key: key.to_owned(), digest: [0; 32] }),
    };
    assert_eq!(store.push(sent("first", 1)).await.unwrap(), Pushed::Stored);
    let last = "INSERT INTO business_pushes SELECT ?1, kpi_id, 'last', digest, taken, 2 FROM business_pushes";
    store.db.write(move |tx| tx.execute(last, [KEYS_MAX])).await.unwrap();
    assert_eq!(store.push(sent("new", KEYS_KEPT_MS)).await.unwrap(), Pushed::Full);
    assert!(matches!(store.push(sent("first", KEYS_KEPT_MS)).await.unwrap(), Pushed::Repeated(Repeated::Same { .. })));
    assert_eq!(store.push(sent("new", KEYS_KEPT_MS + 2)).await.unwrap(), Pushed::Stored, "the first is a day old");
    assert!(store.delete_kpi(id).await.unwrap());
    let left = store.db.read(|db| db.query_row("SELECT count(*) FROM business_pushes", [], |row| row.get::<_, i64>(0)));
    assert_eq!(left.unwrap(), 0, "keys go with their KPI");
}

/// What the front page reads of many KPIs, by a clock that tells how long it takes. Not part of the usual run:
/// `cargo test --release --lib a_year_of_many_kpis -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
async fn a_year_of_many_kpis_is_read_fast() {
    let clock = SystemClock::default();
    let say = |text: String| writeln!(std::io::stderr(), "{text}").unwrap();
    let (_folder, store) = store();
    let (kpis, segments, days) = if cfg!(debug_assertions) { (20, 10, 60) } else { (200, 50, 365) };
    let last = Period::parse("2026-11-01").unwrap();
    let names = (0..kpis).map(|place| kpi(&format!("KPI {place}"))).collect();
    let ids = store.put_kpis(names).await.unwrap();
    for id in &ids {
        let day = |back: i64| {
            let value = |segment: i64| (plan(&format!("p{segment}")), Some((segment + back) as f64));
            let all: Vec<_> = std::iter::once((Segment::all(), Some(back as f64))).chain((0..segments).map(value)).collect();
            Writing { whole_labels: Vec::new(), ..writing(*id, &last.shifted(-back).to_string(), Standing::Settled, &all) }
        };
        store.write((0..days).map(day).collect()).await.unwrap();
    }
    let wanted: Vec<TileWanted> = ids.iter().map(|id| TileWanted { kpi: *id, period: last, line: 30 }).collect();
    for what in ["cold", "warm"] {
        let started = clock.monotonic();
        let tiles = store.tiles(&wanted).unwrap();
        let took = clock.monotonic() - started;
        say(format!("front page of {kpis} KPIs with {segments} segments and {days} days, {what}: {took:?}"));
        assert!(tiles.iter().all(|tile| tile.line.len() == 30 && tile.now.len() == usize::try_from(segments).unwrap() + 1));
    }
    let started = clock.monotonic();
    let (from, whole) = (last.shifted(1 - days), store.values(ids[0], last.shifted(-400), last).unwrap());
    let split = store.segment_values(ids[0], "plan", from, last).unwrap();
    say(format!("page of one: {:?}", clock.monotonic() - started));
    assert_eq!((i64::try_from(whole.len()).unwrap(), i64::try_from(split.len()).unwrap()), (days, segments));
}

#[tokio::test]
async fn shares_end_are_switched_and_go_with_their_kpi() {
    let (_folder, store) = store();
    let ids = store.put_kpis(vec![kpi("Orders"), kpi("Sales")]).await.unwrap();
    let share = |kpi, token: &str, at, expires_at| Share {
        id: 0,
        kpi,
        token: token.to_owned(),
        title: "For the board".to_owned(),
        grain: Grain::Week,
        label: "plan".to_owned(),
        made_at: at,
        made_by: "ann".to_owned(),
        expires_at,
        is_on: true,
    };
    assert!(store.add_share(share(ids[0], "a", 1, 0)).await.unwrap());
    assert!(store.add_share(share(ids[0], "b", 2, 100)).await.unwrap());
    assert!(!store.add_share(share(99, "c", 2, 0)).await.unwrap(), "there is no such KPI");
    let kept = store.share("a").unwrap().unwrap();
    assert_eq!(kept, Share { id: kept.id, ..share(ids[0], "a", 1, 0) });
    assert!(store.share("b").unwrap().unwrap().has_ended(100) && !store.share("b").unwrap().unwrap().has_ended(99));
    assert_eq!(store.switch_share(ids[1], kept.id, false).await.unwrap(), None, "it is of another KPI");
    assert_eq!(store.switch_share(ids[0], kept.id, false).await.unwrap().map(|was| was.is_on), Some(true));
    assert!(!store.share("a").unwrap().unwrap().is_on);
    assert!(store.add_share(share(ids[1], "d", 100, 0)).await.unwrap());
    let tokens = |kpi| store.shares(kpi).unwrap().into_iter().map(|share| share.token).collect::<Vec<_>>();
    assert_eq!(tokens(ids[0]), ["a"], "what ended is forgotten when the next is made");
    for more in 1..shares::SHARES_OF_KPI_MAX {
        assert!(store.add_share(share(ids[0], &format!("more {more}"), 101, 0)).await.unwrap(), "{more}");
    }
    assert!(!store.add_share(share(ids[0], "too many", 102, 0)).await.unwrap());
    assert!(store.delete_share(ids[0], kept.id).await.unwrap().is_some() && store.share("a").unwrap().is_none());
    assert!(store.delete_kpi(ids[1]).await.unwrap() && store.share("d").unwrap().is_none());
}
