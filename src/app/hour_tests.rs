//! An hour of faults as Prometheus 2.42 and Alertmanager 0.25 went through it, played again in no time: from the samples
//! that they scraped, our rules and our routing must make the same alerts at the same instants and the same messages.
//!
//! `tests/data/alert_hour/record.py` recorded it in real time and says what happens in it: a target that flaps, alerts that
//! wait and that go on, two severities of which one inhibits the other, silences, times when nobody is told, a group that
//! grows and shrinks, receivers that fail, changed rules, series that vanish, a counter that begins anew, a restart.

mod house;
mod tape;

use std::collections::{BTreeMap, BTreeSet};

use house::House;
use tape::{Message, Tape, Told, is_of_rules};

use crate::series::labels::{Labels, METRIC_NAME};

const HOUR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/alert_hour/hour.json");

/// How far apart the same message may be, in seconds of the play: one evaluation.
const APART: f64 = 15.0;
/// The same while a receiver fails: tries come at random, and the group's interval is when it is tried for sure.
const APART_WHILE_REFUSED: f64 = 120.0;
/// The same after the restart: groups of alerts that were known before are due at once, upstream after their wait.
const APART_AFTER_RESTART: f64 = 60.0;

#[test]
fn an_hour_of_faults_gives_the_alerts_and_messages_of_prometheus_and_alertmanager() {
    let file = std::env::var("PHAROS_TEST_HOUR").unwrap_or_else(|_| HOUR.to_owned());
    let tape = Tape::read(&file);
    let mut house = House::new(&tape);
    house.play(&tape);
    let mut wrong = series_that_differ(&tape, &house);
    wrong.extend(messages_that_differ(&tape, &house.heard()));
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

/// What rules gave, to the instant and the digit.
fn series_that_differ(tape: &Tape, house: &House) -> Vec<String> {
    let theirs: BTreeMap<Labels, BTreeMap<i64, String>> = tape.series().filter(|(labels, _)| is_of_rules(labels)).collect();
    let ours: BTreeMap<Labels, BTreeMap<i64, String>> = house.series().into_iter().filter(|(labels, _)| is_of_rules(labels)).collect();
    assert!(theirs.len() > 20, "{} series of rules", theirs.len());
    let nearly = |all: Option<&BTreeMap<i64, String>>, at: i64| {
        // A rule that is gone ends its series at once, upstream at the next evaluation.
        let near = at - tape.evaluation_distance()..at + tape.evaluation_distance();
        all.is_some_and(|all| all.range(near).any(|(_, value)| value == "stale"))
    };
    let mut wrong = Vec::new();
    for labels in theirs.keys().chain(ours.keys()).collect::<BTreeSet<_>>() {
        let (theirs, ours) = (theirs.get(labels), ours.get(labels));
        let of = |all: Option<&BTreeMap<i64, String>>, at: i64| all.and_then(|all| all.get(&at)).cloned();
        let instants: BTreeSet<i64> =
            theirs.iter().chain(ours.iter()).flat_map(|all| all.keys()).copied().filter(|at| *at >= tape.zero_ms).collect();
        let is_same = |at: i64| match (of(theirs, at).as_deref(), of(ours, at).as_deref()) {
            (Some("stale"), None) => nearly(ours, at),
            (None, Some("stale")) => nearly(theirs, at),
            (theirs, ours) => theirs == ours,
        };
        let differ: Vec<i64> = instants.into_iter().filter(|at| !is_same(*at)).collect();
        for at in differ.iter().take(4) {
            let (theirs, ours) = (of(theirs, *at), of(ours, *at));
            wrong.push(format!("{labels} at {:.3}: theirs {theirs:?}, ours {ours:?}, one of {}", tape.play_time(*at), differ.len()));
        }
    }
    wrong
}

/// Messages of each group to each receiver, in order.
fn messages_that_differ(tape: &Tape, heard: &[Message]) -> Vec<String> {
    let mut wrong = Vec::new();
    let groups = |all: &[Message]| -> BTreeMap<(String, String), Vec<Message>> {
        let mut groups: BTreeMap<(String, String), Vec<Message>> = BTreeMap::new();
        for message in all {
            groups.entry((message.receiver.clone(), message.group.clone())).or_default().push(message.clone());
        }
        groups
    };
    let (theirs, ours) = (groups(&tape.messages), groups(heard));
    for key in theirs.keys().chain(ours.keys()).collect::<BTreeSet<_>>() {
        let (theirs, ours) = (theirs.get(key).map_or(&[][..], Vec::as_slice), ours.get(key).map_or(&[][..], Vec::as_slice));
        let texts = |all: &[Message]| all.iter().map(Message::text).collect::<Vec<_>>();
        if texts(theirs) != texts(ours) {
            wrong.push(format!("{key:?}:\n  theirs {}\n  ours   {}", texts(theirs).join("\n         "), texts(ours).join("\n         ")));
            continue;
        }
        for (their, our) in theirs.iter().zip(ours) {
            let apart = (their.at - our.at).abs();
            if apart > allowed(tape, their) {
                wrong.push(format!("{key:?} {}: theirs at {:.1}, ours at {:.1}", their.text(), their.at, our.at));
            }
            if !is_same(tape, their, our) {
                wrong.push(format!("{key:?} at {:.1}:\n  theirs {:?}\n  ours   {:?}", their.at, their.alerts, our.alerts));
            }
        }
    }
    wrong
}

/// Whether two messages say the same. What fired before the restart began then; upstream knows nothing of before.
fn is_same(tape: &Tape, their: &Message, our: &Message) -> bool {
    let is_after = tape.restart().is_some_and(|at| their.at > at);
    let pairs = their.alerts.iter().zip(&our.alerts);
    their.alerts.len() == our.alerts.len()
        && pairs.into_iter().all(|(their, our)| {
            let begins = if is_after && our.starts_at < their.starts_at { &their.starts_at } else { &our.starts_at };
            *their == Told { starts_at: begins.clone(), ..our.clone() }
        })
}

/// How far apart a message may be, in seconds of the play.
fn allowed(tape: &Tape, message: &Message) -> f64 {
    let is_refused = |begin: f64, end: f64| (begin..end + APART_WHILE_REFUSED).contains(&message.at);
    if tape.refusals.iter().any(|(who, begin, end, _)| *who == message.receiver && is_refused(*begin, *end)) {
        APART_WHILE_REFUSED
    } else if tape.restart().is_some_and(|at| message.at > at) {
        APART_AFTER_RESTART
    } else {
        APART
    }
}

#[test]
fn differences_are_seen() {
    let tape = Tape::read(HOUR);
    let house = House::new(&tape);
    assert!(series_that_differ(&tape, &house).len() > 20, "nothing was played");
    let mut messages = tape.messages.clone();
    assert_eq!(messages_that_differ(&tape, &messages), [] as [&str; 0]);
    messages[3].at += 16.0;
    messages[5].alerts[0].labels.insert(METRIC_NAME.to_owned(), "x".to_owned());
    assert_eq!(messages_that_differ(&tape, &messages).len(), 2);
    messages.swap(0, 40);
    messages.remove(20);
    assert!(messages_that_differ(&tape, &messages).len() > 2);
}
