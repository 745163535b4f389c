//! What is stored comes back as it was, after a crash too.

use super::*;
use crate::alerts::calm::{Acknowledged, CalmKind, Deed, wire};
use crate::alerts::model::State;
use crate::alerts::model::matcher::{Matchers, Syntax, parse_matchers};
use crate::alerts::model::routed::fingerprint;
use crate::series::labels::Labels;
use crate::series::ports::Hush;

fn alert(name: &str) -> RoutedAlert {
    RoutedAlert {
        labels: Labels::from_pairs([("alertname", name), ("päth", "a\"b\n")]),
        annotations: vec![("a".into(), "1".into()), ("b".into(), "ü\u{0}".into())],
        starts_at: -5,
        ends_at: Some(i64::MAX),
        updated_at: 7,
        is_timeout: true,
        generator_url: "http://x/?a=b&c".into(),
        hush: Some(Hush::Maintenance("a: b".into())),
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
    let of_a = Asked { from: 0, to: 10, fingerprint: Some(fingerprint(&change(0, "a").labels)), is_of_others: false, limit: 10 };
    assert_eq!(store.changes(&of_a).expect("changes"), [change(3, "a"), change(1, "a")]);
    let at_2 = Asked { from: 2, to: 2, fingerprint: None, is_of_others: false, limit: 10 };
    assert_eq!(store.changes(&at_2).expect("changes"), [change(2, "b")]);
    let posted = AlertChange { source: "".into(), ..change(4, "b") };
    store.write(Arc::new(Changes { history: vec![posted.clone()], ..Changes::default() })).expect("stored");
    let of_others = Asked { from: 0, to: 10, fingerprint: None, is_of_others: true, limit: 10 };
    assert_eq!(store.changes(&of_others).expect("changes"), [posted]);
}

fn note(at: i64, name: &str, deed: Deed) -> Note {
    Note { at, labels: Labels::from_pairs([("alertname", name)]), by: "ann".into(), deed }
}

fn rule(id: &str, receiver: &str) -> Named {
    let rule = wire::read(CalmKind::Cap, &format!("{{\"receiver\":\"{receiver}\",\"messages\":5,\"within\":\"1h\"}}")).expect("reads");
    Named { id: id.into(), rule, changed_by: "ann".into(), changed_at: 7 }
}

#[test]
fn calm_rules_handlings_and_notes_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let of = |by: Option<&str>, assignee: Option<&str>| Handling {
        acknowledged: by.map(|by| Acknowledged { by: by.into(), at: 9 }),
        assignee: assignee.map(str::to_owned),
    };
    let deeds = [
        note(1, "a", Deed::Acknowledge),
        note(2, "b", Deed::Assign(Some("bob".into()))),
        note(3, "a", Deed::Comment("ü\n\"x\"".into())),
        note(3, "a", Deed::Assign(None)),
        note(4, "c", Deed::Release),
    ];
    let changes = Changes {
        calm: [("1".to_owned(), Some(rule("1", "r"))), ("2".to_owned(), Some(rule("2", "s")))].into(),
        handlings: [(u64::MAX, Some(of(Some("eve"), None))), (1, Some(of(None, Some("bob")))), (2, Some(of(Some("x"), Some("y"))))].into(),
        notes: deeds.to_vec(),
        ..Changes::default()
    };
    reopened(folder.path()).write(Arc::new(changes)).expect("stored");
    let later = Changes {
        calm: [("1".to_owned(), None), ("2".to_owned(), Some(rule("2", "t")))].into(),
        handlings: [(2, None)].into(),
        ..Changes::default()
    };
    reopened(folder.path()).write(Arc::new(later)).expect("stored");
    let store = reopened(folder.path());
    let kept = store.load().expect("loads");
    assert_eq!((kept.calm, kept.odd), (vec![rule("2", "t")], vec![]));
    assert_eq!(kept.handlings, [(1, of(None, Some("bob"))), (u64::MAX, of(Some("eve"), None))].into());
    let name = |name: &str| fingerprint(&Labels::from_pairs([("alertname", name)]));
    let read = |names: &[u64], from: i64| store.notes(names, from).expect("notes");
    let [one, two, three, four, five] = deeds;
    assert_eq!(read(&[], 0), [five.clone(), four.clone(), three.clone(), two.clone(), one.clone()]);
    assert_eq!(read(&[name("a")], 0), [four.clone(), three.clone(), one]);
    assert_eq!(read(&[name("a"), name("b")], 2), [four, three, two]);
    assert_eq!(read(&[7], 0), []);
    store.prune(4).expect("pruned");
    assert_eq!(read(&[], 0), [five]);
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
            tx.execute("INSERT INTO alerts VALUES (1, 'no JSON', '{}', 1, 2, 3, 0, '', NULL)", [])?;
            tx.execute(
                "INSERT INTO calm_rules VALUES ('1', 'caps', '{}', '', 1), ('2', 'naps', '{}', '', 1), ('3', 'caps', '', '', 1)",
                [],
            )?;
            tx.execute("INSERT INTO handlings VALUES (1, 'ann', NULL, NULL)", [])?;
            tx.execute("INSERT INTO alert_notes VALUES (1, 1, 1, '{}', '', 'sing', ''), (2, 1, 1, 'x', '', 'release', '')", [])?;
            tx.execute("INSERT INTO silences VALUES ('s', '[[\"a\",\"=~\",\"(\"]]', 1, 2, 3, '', '', '{}')", [])?;
            tx.execute("INSERT INTO notifications VALUES ('r', 'c', 'g', 1, '[7]', '[]', 2)", [])
        })
        .expect("stored");
    let kept = store.load().expect("loads");
    assert_eq!((kept.alerts.len(), kept.silences.len(), kept.log.len(), kept.odd.len()), (0, 0, 0, 6), "{:?}", kept.odd);
    assert!(kept.odd[3].contains("the calm rule 1 (caps) cannot be read: "), "{:?}", kept.odd);
    assert_eq!((kept.calm.len(), kept.handlings.get(&1)), (0, Some(&Handling::default())));
    assert_eq!(store.notes(&[], 0).expect("notes"), []);
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
