//! Alerts that come and go are told once, and that they are over when they are quiet.

use super::*;
use crate::alerts::calm::Flapping;
use crate::base::time::Duration as Span;

const QUICK: &str = "global: {resolve_timeout: 20s}\n\
                     route: {receiver: r, group_by: [alertname], group_wait: 1s, group_interval: 5s, repeat_interval: 100h}\n\
                     receivers: [{name: r, webhook_configs: [{url: http://x}]}]\n";

fn damped(matchers: &str) -> CalmRule {
    let matchers = Matchers::new(parse_matchers(matchers, Syntax::Both).unwrap().value);
    let (within, quiet) = (Span::from_secs(600), Span::from_secs(120));
    CalmRule::Flapping(Flapping { title: "flaps".to_owned(), matchers, changes: 3, within, quiet })
}

/// On for ten seconds and off for ten, so many times.
fn flap(house: &House, times: usize) {
    for _ in 0..times {
        house.post(&[("a", "1", Some(10_000))]);
        house.pass(10);
        house.post(&[("a", "1", Some(0))]);
        house.pass(10);
    }
}

#[test]
fn an_end_is_told_when_it_is_quiet() {
    let house = House::new(QUICK);
    house.calm(&[damped("alertname=a")]);
    house.post(&[("b", "2", Some(10_000))]);
    flap(&house, 6);
    assert!(house.alerts().iter().any(|view| view.alert.name() == "a" && view.marks.is_flapping));
    assert_eq!(house.sorted(), ["1 r: 1", "1 r: 2", "11 r: 1(over)", "21 r: 1", "31 r: 1(over)", "41 r: 1"]);
    // It was over at 110 s.
    house.pass(109);
    assert_eq!(house.heard().len(), 6);
    house.pass(10);
    assert_eq!(house.sorted()[6..], ["231 r: 1(over)"]);
    let over = house.alerts();
    assert!(over.iter().all(|view| view.alert.name() == "b" && !view.marks.is_flapping), "{over:?}");
    // The history has each time, and from then on it counts anew.
    let asked = Asked { from: 0, to: i64::MAX, fingerprint: None, is_of_others: false, limit: 100 };
    assert_eq!(house.on(async |dispatcher| Routing::changes(dispatcher, asked).await).unwrap().len(), 13);
    house.pass(30);
    flap(&house, 1);
    assert_eq!(house.heard().len(), 9);
    house.pass(60);
    assert_eq!((house.rows("alerts"), house.alerts().len()), (1, 1), "what is over is forgotten");
}

#[test]
fn without_a_rule_that_it_passes_nothing_is_held_back() {
    let house = House::new(QUICK);
    house.calm(&[damped("alertname=b")]);
    flap(&house, 4);
    assert_eq!(house.heard().len(), 8);
    assert!(!house.alerts().iter().any(|view| view.marks.is_flapping));
}

#[test]
fn silence_of_the_sender_is_an_end_that_is_held_back_as_well() {
    let house = House::new(QUICK);
    house.calm(&[damped("")]);
    for _ in 0..4 {
        house.post(&[("a", "1", None)]);
        house.pass(30);
    }
    assert_eq!(house.heard(), ["1 r: 1", "21 r: 1(over)", "31 r: 1", "51 r: 1(over)", "61 r: 1"]);
    // The sender was last heard of at 90 s, so it was over at 110 s.
    house.pass(109);
    assert_eq!(house.heard().len(), 5);
    house.pass(6);
    assert_eq!(house.heard()[5..], ["231 r: 1(over)"]);
}

#[test]
fn a_restart_changes_nothing() {
    let mut house = House::new(QUICK);
    house.calm(&[damped("")]);
    flap(&house, 2);
    house.crash();
    house.post(&[("a", "1", Some(10_000))]);
    house.pass(10);
    assert_eq!(house.heard().len(), 5);
    house.post(&[("a", "1", Some(0))]);
    house.crash_for(20);
    house.pass(20);
    assert!(house.alerts()[0].marks.is_flapping);
    assert_eq!(house.heard().len(), 5);
    // It was over at 50 s, it is 90 s now.
    house.pass(78);
    assert_eq!(house.heard().len(), 5);
    house.pass(8);
    assert_eq!(house.heard().len(), 6);
    assert!(house.heard()[5].ends_with("r: 1(over)"));
}

#[test]
fn without_the_rule_an_end_that_is_held_back_is_told() {
    let house = House::new(QUICK);
    house.calm(&[damped("")]);
    flap(&house, 3);
    assert_eq!(house.heard().len(), 5);
    house.calm(&[]);
    house.pass(6);
    assert_eq!(house.heard()[5..], ["61 r: 1(over)"]);
    flap(&house, 3);
    assert_eq!(house.heard().len(), 12);
}
