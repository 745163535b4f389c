//! Receivers with a cap are told so many messages and no more; what waits is told as one.

use super::*;
use crate::alerts::calm::Cap;
use crate::base::time::Duration as Span;

const QUICK: &str = "route: {receiver: r, group_by: [alertname], group_wait: 1s, group_interval: 10s, repeat_interval: 100h,\n\
                     routes: [{receiver: s, matchers: [alertname=c], continue: true}, {matchers: [alertname=~.+]}]}\n\
                     receivers: [{name: r, webhook_configs: [{url: http://x}, {url: http://x2, send_resolved: false}]},\n\
                     {name: s, webhook_configs: [{url: http://y}]}]\n";

fn cap(receiver: &str, messages: u32, seconds: i64) -> CalmRule {
    CalmRule::Cap(Cap { receiver: receiver.to_owned(), messages, within: Span::from_secs(seconds) })
}

const ON: Option<i64> = Some(100_000);

fn tellings(house: &House) -> Vec<(String, String, usize, usize)> {
    let mut all = house.on(async |dispatcher| dispatcher.tellings(1_000).await).unwrap();
    all.reverse();
    let first = all.into_iter().filter(|telling| telling.channel == "webhook[0]");
    first.map(|telling| (telling.reason, telling.group_key.to_string(), telling.counts.0, telling.counts.1)).collect()
}

#[test]
fn what_is_more_is_told_as_one() {
    let house = House::new(QUICK);
    house.calm(&[cap("r", 2, 100)]);
    for name in ["e", "d", "c", "b", "a"] {
        house.post(&[(name, name, ON)]);
        house.pass(2);
    }
    house.post(&[("a", "a2", ON), ("b", "b", Some(0)), ("e", "e", Some(0))]);
    house.pass(85);
    // Two were told; the other receiver is told as always.
    assert_eq!(house.sorted(), ["1 r: e", "1 r[1]: e", "3 r: d", "3 r[1]: d", "5 s: c"]);
    house.pass(20);
    // The first was told at 1 s, so that there is room at 101 s: for what fires still, and for the end of what was told.
    assert_eq!(house.sorted()[5..], ["101 r: a a2 c e(over)", "101 r[1]: a a2 c"]);
    assert_eq!(tellings(&house)[3], ("digest".to_owned(), "digest:r".to_owned(), 3, 1));
    house.pass(400);
    assert_eq!(house.heard().len(), 7, "nothing twice");
    let groups = house.on(async |dispatcher| dispatcher.groups());
    assert_eq!(groups.iter().map(|group| group.alerts.len()).collect::<Vec<_>>(), [2, 1, 1, 1], "what is over is forgotten");
    let page = &mut crate::platform::telemetry::metrics::Page::default();
    crate::platform::telemetry::metrics::Report::report(&*house.dispatcher(), page);
    assert!(std::mem::take(page).finish().contains("pharos_alert_digests_total 1\n"));
}

#[test]
fn one_that_waits_alone_is_told_as_itself() {
    let house = House::new(QUICK);
    house.calm(&[cap("r", 1, 100)]);
    house.post(&[("a", "1", ON)]);
    house.pass(1);
    house.post(&[("b", "2", ON)]);
    house.pass(200);
    assert_eq!(house.sorted(), ["1 r: 1", "1 r[1]: 1", "101 r: 2", "101 r[1]: 2"]);
    assert_eq!(tellings(&house)[1].1, "{}/{alertname=~\".+\"}:{alertname=\"b\"}");
}

#[test]
fn what_nobody_took_leaves_room_and_tests_do_not() {
    let house = House::new(QUICK);
    house.calm(&[cap("r", 1, 100)]);
    house.mood("r", Mood::Refuses { may_retry: false, after: None });
    house.post(&[("a", "1", ON)]);
    house.pass(5);
    house.mood("r", Mood::Takes);
    house.pass(10);
    assert_eq!(house.sorted(), ["11 r: 1", "11 r[1]: 1"]);
    house.pass(200);
    assert_eq!(house.on(async |dispatcher| dispatcher.send_test("r", "webhook[0]").await).unwrap(), Ok("taken".to_owned()));
    house.post(&[("b", "2", ON)]);
    house.pass(99);
    assert_eq!(house.heard().len(), 3);
    house.pass(2);
    assert_eq!(house.heard().len(), 5);
}

#[test]
fn a_receiver_that_is_down_hears_what_waits_later() {
    let house = House::new(QUICK);
    house.calm(&[cap("r", 1, 100)]);
    house.post(&[("a", "1", ON)]);
    house.pass(5);
    house.post(&[("b", "2", ON), ("c", "3", ON)]);
    house.mood("r", Mood::Refuses { may_retry: true, after: None });
    house.pass(300);
    let before = house.heard().len();
    house.mood("r", Mood::Takes);
    house.pass(250);
    let heard: Vec<String> = house.heard()[before..].iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect();
    // Whatever was tried first, everything arrives once.
    for instance in ["2", "3"] {
        assert_eq!(heard.iter().filter(|line| line.starts_with("r: ") && line.contains(instance)).count(), 1, "{heard:?}");
    }
}

#[test]
fn a_restart_and_other_routes_lose_nothing_that_waits() {
    let mut house = House::new(QUICK);
    house.calm(&[cap("r", 1, 100)]);
    house.post(&[("a", "1", ON)]);
    house.pass(2);
    house.post(&[("b", "2", ON), ("c", "3", ON)]);
    house.pass(5);
    house.crash();
    house.pass(5);
    house.reload(&QUICK.replace("group_interval: 10s", "group_interval: 15s"));
    house.pass(85);
    assert_eq!(house.sorted().iter().filter(|line| line.contains(" r: ")).collect::<Vec<_>>(), ["1 r: 1"], "what was told counts");
    house.mood("r", Mood::TakesAndHangs);
    house.pass(10);
    house.mood("r", Mood::Takes);
    house.crash();
    house.pass(300);
    let heard: Vec<String> = house.sorted().into_iter().filter(|line| line.contains(" r: ")).collect();
    assert_eq!(heard[1], "101 r: 2 3");
    // Nobody knows that it was taken: once more, together or not.
    assert!(heard[2..].iter().any(|line| line.contains('2')) && heard[2..].iter().any(|line| line.contains('3')), "{heard:?}");
    assert!(heard.len() <= 4, "{heard:?}");
}

#[test]
fn without_the_cap_what_waits_is_told() {
    let house = House::new(QUICK);
    house.calm(&[cap("r", 1, 10_000)]);
    house.post(&[("a", "1", ON)]);
    house.pass(1);
    house.post(&[("b", "2", ON), ("d", "4", ON)]);
    house.pass(19);
    assert_eq!(house.heard().len(), 2);
    house.calm(&[]);
    house.pass(1);
    assert_eq!(house.sorted()[2..], ["20 r: 2", "20 r: 4", "20 r[1]: 2", "20 r[1]: 4"]);
    house.pass(100);
    assert_eq!(house.heard().len(), 6);
}
