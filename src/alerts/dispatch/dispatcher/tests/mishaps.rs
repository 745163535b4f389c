//! Receivers that are slow, refuse or are down; a server that is killed; a disk that fails.

use super::*;

/// Two groups of one receiver, and a receiver of its own for `other`.
const TWO: &str = "route: {receiver: r, group_by: [alertname], routes: [{receiver: s, matchers: [alertname=other]}]}\n\
                   receivers: [{name: r, webhook_configs: [{url: http://x}]}, {name: s, webhook_configs: [{url: http://y}]}]\n";
const DOWN: Mood = Mood::Refuses { may_retry: true, after: None };

#[test]
fn a_message_is_tried_until_it_is_taken() {
    let mut house = House::new(ONE);
    house.mood("r", DOWN);
    house.post(&[("a", "1", Some(10_000))]);
    house.pass(45);
    // 30 s, and from then on after half a second, half as much again each time, give or take a half.
    assert!((4..=12).contains(&house.tries("r")), "{}", house.tries("r"));
    house.mood("r", Mood::Takes);
    house.pass(20);
    assert_eq!(house.heard().len(), 1, "{:?}", house.heard());
    house.pass(200);
    assert_eq!(house.heard().len(), 1, "{:?}", house.heard());
    house.crash();
    house.pass(600);
    assert_eq!(house.heard().len(), 1, "{:?}", house.heard());
}

#[test]
fn a_refusal_for_good_is_tried_again_at_the_next_interval() {
    let house = House::new(ONE);
    house.mood("r", Mood::Refuses { may_retry: false, after: None });
    house.post(&[("a", "1", Some(10_000))]);
    house.pass(320);
    assert_eq!(house.tries("r"), 1);
    house.pass(20);
    assert_eq!(house.tries("r"), 2);
    let tellings = house.on(async |dispatcher| dispatcher.tellings(10).await).unwrap();
    assert_eq!(tellings.iter().map(|telling| telling.error.as_deref()).collect::<Vec<_>>(), [Some("refused"), Some("refused")]);
    house.mood("r", Mood::Takes);
    house.pass(300);
    assert_eq!(house.heard(), ["630 r: 1"]);
}

#[test]
fn who_asks_to_wait_is_waited_for() {
    let house = House::new(ONE);
    house.mood("r", Mood::Refuses { may_retry: true, after: Some(Duration::from_secs(100)) });
    house.post(&[("a", "1", Some(10_000))]);
    house.pass(129);
    assert_eq!(house.tries("r"), 1);
    house.pass(2);
    assert_eq!(house.tries("r"), 2);
    // A wait beyond the interval is left to the next time that the group is due.
    house.pass(150);
    assert_eq!(house.tries("r"), 3);
    house.pass(45);
    assert_eq!(house.tries("r"), 3);
}

#[test]
fn a_slow_receiver_holds_up_nobody() {
    let house = House::new(TWO);
    house.mood("r", Mood::Hangs);
    let names: Vec<String> = (0..50).map(|at| format!("a{at}")).collect();
    for name in &names {
        house.post(&[(name, name, Some(10_000))]);
    }
    house.post(&[("other", "o", Some(10_000))]);
    house.pass(31);
    assert_eq!(house.heard(), ["30 s: o"]);
    assert_eq!(house.tries("r"), 16, "so many at once");
    house.mood("r", Mood::Slow(Duration::from_secs(2)));
    house.pass(240);
    assert_eq!(house.heard().len(), 51, "each once");
}

#[test]
fn one_message_at_a_time_for_each_group_and_in_order() {
    // The interval is shorter than the receiver is slow.
    let house = House::new(
        "route: {receiver: r, group_wait: 1s, group_interval: 2s}\nreceivers: [{name: r, webhook_configs: [{url: http://x}]}]\n",
    );
    house.mood("r", Mood::Slow(Duration::from_secs(5)));
    for at in 0..10 {
        house.post(&[("a", &at.to_string(), Some(10_000))]);
        house.pass(1);
    }
    house.pass(30);
    assert_eq!(house.heard(), ["6 r: 0 1", "11 r: 0 1 2 3 4 5 6", "16 r: 0 1 2 3 4 5 6 7 8 9"]);
}

#[test]
fn a_restart_tells_nothing_twice_and_loses_nothing() {
    let mut house = House::new(ONE);
    house.post(&[("a", "1", Some(240)), ("b", "2", Some(240))]);
    house.pass(10);
    house.crash();
    house.pass(35);
    // The wait begins anew for what was not told yet.
    assert_eq!(house.sorted(), ["40 r: 1", "40 r: 2"]);
    house.crash();
    house.pass(100);
    assert_eq!(house.heard().len(), 2);
    house.post(&[("a", "1", Some(240)), ("b", "2", Some(0))]);
    house.crash();
    house.pass(1);
    // What ended is told after the restart, though nobody speaks of it any more; what fires is not told again.
    assert_eq!(house.sorted()[2..], ["145 r: 2(over)"]);
    // While the server was down nobody could say that an alert goes on: it counts as on for as long as before.
    house.crash_for(3600);
    house.pass(200);
    assert_eq!(house.views(), ["1"]);
    house.pass(300);
    assert_eq!(house.views(), [] as [&str; 0]);
    // The hour of repetition was over meanwhile.
    assert_eq!(house.heard()[3..], ["3746 r: 1", "4046 r: 1(over)"]);
}

#[test]
fn a_crash_between_telling_and_writing_tells_once_more() {
    let mut house = House::new(ONE);
    house.mood("r", Mood::TakesAndHangs);
    house.post(&[("a", "1", Some(10_000))]);
    house.pass(31);
    house.mood("r", Mood::Takes);
    house.crash();
    house.pass(600);
    assert_eq!(house.heard(), ["30 r: 1", "31 r: 1"]);
}

#[test]
fn a_receiver_that_is_down_while_the_server_is_killed_hears_everything_in_order() {
    let mut house = House::new(ONE);
    let on = Some(10_000);
    house.post(&[("a", "1", on)]);
    house.pass(40);
    assert_eq!(house.heard(), ["30 r: 1"]);
    house.mood("r", DOWN);
    house.post(&[("a", "2", on), ("b", "3", on)]);
    // Fires and ends while nobody can be told: as with Alertmanager nobody hears of it who did not hear of it before.
    house.post(&[("c", "4", on)]);
    house.pass(120);
    house.post(&[("c", "4", Some(0))]);
    house.crash();
    house.pass(240);
    house.post(&[("a", "1", Some(0))]);
    house.crash_for(60);
    house.pass(180);
    house.mood("r", Mood::Takes);
    house.pass(400);
    house.post(&[("a", "2", Some(0)), ("b", "3", Some(0))]);
    house.pass(700);
    let heard: Vec<String> = house.heard().into_iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect();
    let of = |instances: &[char]| -> Vec<&String> { heard.iter().filter(|line| line.contains(instances)).collect() };
    assert_eq!(of(&['1', '2']), ["r: 1", "r: 1(over) 2", "r: 2(over)"]);
    assert_eq!(of(&['3']), ["r: 3", "r: 3(over)"]);
    assert_eq!(of(&['4']), [] as [&str; 0]);
}

#[test]
fn another_configuration_overtakes_what_is_tried_in_vain() {
    let mut house = House::new(ONE);
    house.mood("r", Mood::Refuses { may_retry: true, after: Some(Duration::from_secs(200)) });
    house.post(&[("a", "1", Some(10_000))]);
    house.pass(60);
    house.mood("r", Mood::Takes);
    house.reload(ONE);
    house.pass(2);
    assert_eq!(house.heard(), ["60 r: 1"]);
    house.pass(900);
    assert_eq!(house.heard().len(), 1);
}

#[test]
fn a_disk_that_fails_keeps_nobody_from_being_told() {
    let mut house = House::new(ONE);
    house.sql("ALTER TABLE alerts RENAME TO elsewhere");
    let refused = house.try_post(&[("a", "1", Some(10_000))]);
    assert!(matches!(refused, Err(DispatchError::Store(_))), "{refused:?}");
    house.pass(40);
    assert_eq!(house.heard(), ["30 r: 1"]);
    // What could not be stored is stored as soon as it can be.
    house.sql("ALTER TABLE elsewhere RENAME TO alerts");
    house.post(&[("b", "2", Some(10_000))]);
    house.crash();
    assert_eq!(house.views().len(), 2);
    house.pass(100);
    assert_eq!(house.heard().len(), 2);
}

#[test]
fn stopping_ends_what_is_under_way() {
    let house = House::new(TWO);
    house.mood("r", DOWN);
    house.mood("s", Mood::Slow(Duration::from_secs(1)));
    house.post(&[("a", "1", Some(10_000)), ("other", "2", Some(10_000))]);
    house.pass_ms(30_100);
    let before = house.now();
    house.on(async |dispatcher| dispatcher.stop().await);
    assert!(house.now() - before < 2_100, "{}", house.now() - before);
    assert_eq!(house.heard(), ["31 s: 2"]);
}
