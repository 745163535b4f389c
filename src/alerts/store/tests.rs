//! What is stored comes back as it was, after a crash too.

use super::*;
use crate::alerts::model::State;
use crate::alerts::model::matcher::{Matchers, Syntax, parse_matchers};
use crate::alerts::model::routed::fingerprint;
use crate::series::labels::Labels;

fn alert(name: &str) -> RoutedAlert {
    RoutedAlert {
        labels: Labels::from_pairs([("alertname", name), ("päth", "a\"b\n")]),
        annotations: vec![("a".into(), "1".into()), ("b".into(), "ü\u{0}".into())],
        starts_at: -5,
        ends_at: Some(i64::MAX),
        updated_at: 7,
        is_timeout: true,
        generator_url: "http://x/?a=b&c".into(),
    }
}

fn silence(id: &str) -> Silence {
    let matchers = Matchers::in_order(parse_matchers("z=y,a=b,c=~\"d|e\",f!=\"\",\"g h\"!~\"i\"", Syntax::Both).expect("reads").value);
    let (created_by, comment, annotations) = ("ann".into(), "why".into(), vec![("k".into(), "v".into())]);
    Silence { id: id.into(), matchers, starts_at: 1, ends_at: 2, updated_at: 3, created_by, comment, annotations }
}

fn key(channel: &str) -> LogKey {
    LogKey { receiver: "r".into(), channel: channel.into(), group_key: "{}:{a=\"b\"}".into() }
}

fn telling(at: i64) -> Telling {
    Telling {
        at,
        receiver: "r".into(),
        channel: "slack[0]".into(),
        reason: "first notification".into(),
        counts: (2, 1),
        group_key: "{}:{}".into(),
        error: (at % 2 == 1).then(|| "no".to_owned()),
        tries: 3,
    }
}

fn change(at: i64, name: &str) -> AlertChange {
    AlertChange { at, labels: Labels::from_pairs([("alertname", name)]), from: None, to: Some(State::Firing), source: "f;g".into() }
}

fn reopened(folder: &std::path::Path) -> Store {
    Store::new(Arc::new(Db::open(&folder.join("pharos.db")).expect("opens")))
}

#[test]
fn everything_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let logged = Logged { entry: Entry { at: 5, firing: [0, u64::MAX].into(), resolved: [1 << 63].into() }, expires_at: 9 };
    let mut changes = Changes::default();
    for name in ["a", "b"] {
        changes.alerts.insert(alert(name).fingerprint(), Some(alert(name)));
        changes.silences.insert(name.to_owned(), Some(silence(name)));
        changes.log.insert(key(name), Some(logged.clone()));
    }
    changes.tellings = vec![telling(1), telling(2)];
    changes.history = vec![change(1, "a"), change(2, "b"), change(3, "a")];
    reopened(folder.path()).write(Arc::new(changes)).expect("stored");
    let removals = Changes {
        alerts: [(alert("a").fingerprint(), None)].into(),
        silences: [("a".to_owned(), None)].into(),
        log: [(key("a"), None)].into(),
        ..Changes::default()
    };
    reopened(folder.path()).write(Arc::new(removals)).expect("stored");
    let store = reopened(folder.path());
    let kept = store.load().expect("loads");
    assert_eq!((kept.alerts, kept.silences, kept.log, kept.odd), (vec![alert("b")], vec![silence("b")], vec![(key("b"), logged)], vec![]));
    assert_eq!(store.tellings(10).expect("tellings"), [telling(2), telling(1)]);
    assert_eq!(store.tellings(1).expect("tellings"), [telling(2)]);
    let of_a = Asked { from: 0, to: 10, fingerprint: Some(fingerprint(&change(0, "a").labels)), limit: 10 };
    assert_eq!(store.changes(&of_a).expect("changes"), [change(3, "a"), change(1, "a")]);
    assert_eq!(store.changes(&Asked { from: 2, to: 2, fingerprint: None, limit: 10 }).expect("changes"), [change(2, "b")]);
}

#[test]
fn history_is_bounded_and_odd_rows_are_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = reopened(folder.path());
    let changes =
        Changes { tellings: (0..10).map(telling).collect(), history: (0..10).map(|at| change(at, "a")).collect(), ..Changes::default() };
    store.write(Arc::new(changes)).expect("stored");
    store.prune(3).expect("pruned");
    assert_eq!(store.tellings(100).expect("tellings").len(), 7);
    store.db.write_blocking(|tx| history::prune(tx, 0, 2)).expect("pruned");
    assert_eq!(store.tellings(100).expect("tellings").iter().map(|telling| telling.at).collect::<Vec<_>>(), [9, 8]);
    store
        .db
        .write_blocking(|tx| {
            tx.execute("INSERT INTO alerts VALUES (1, 'no JSON', '{}', 1, 2, 3, 0, '')", [])?;
            tx.execute("INSERT INTO silences VALUES ('s', '[[\"a\",\"=~\",\"(\"]]', 1, 2, 3, '', '', '{}')", [])?;
            tx.execute("INSERT INTO notifications VALUES ('r', 'c', 'g', 1, '[7]', '[]', 2)", [])
        })
        .expect("stored");
    let kept = store.load().expect("loads");
    assert_eq!((kept.alerts.len(), kept.silences.len(), kept.log.len(), kept.odd.len()), (0, 0, 0, 3), "{:?}", kept.odd);
}

#[test]
fn what_could_not_be_stored_waits_and_what_came_since_counts() {
    let name = alert("a").fingerprint();
    let mut newer = Changes { alerts: [(name, None)].into(), tellings: vec![telling(3)], ..Changes::default() };
    let older =
        Changes { alerts: [(name, Some(alert("a"))), (1, None)].into(), tellings: vec![telling(1), telling(2)], ..Changes::default() };
    newer.put_back(older);
    assert_eq!(newer.alerts, [(name, None), (1, None)].into());
    assert_eq!(newer.tellings.iter().map(|telling| telling.at).collect::<Vec<_>>(), [1, 2, 3]);
    newer.put_back(Changes { tellings: (0..200_000).map(telling).collect(), ..Changes::default() });
    assert_eq!((newer.tellings.len(), newer.tellings.last().map(|telling| telling.at)), (100_000, Some(3)));
}
