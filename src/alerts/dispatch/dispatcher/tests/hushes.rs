//! Alerts of which their sender wants nobody told though they go on: planned maintenance, a parent that is down.

use super::house::House;
use super::*;
use crate::series::ports::Hush;

/// An alert that began so many seconds after the start is told: over now, or on for ten minutes more.
fn tell(house: &House, instance: &str, began: i64, is_over: bool, is_hushed: bool) {
    let mut alert = house.alert("a", instance, Some(if is_over { 0 } else { 600 }));
    alert.starts_at = house.start + began * 1000;
    alert.hush = is_hushed.then(|| Hush::Maintenance("Move".to_owned()));
    house.on(async |dispatcher| dispatcher.post(vec![alert]).await).unwrap();
}

/// It goes on for so many times five minutes.
fn go_on(house: &House, times: usize, is_hushed: bool) {
    for _ in 0..times {
        tell(house, "1", 0, false, is_hushed);
        house.pass(300);
    }
}

fn hushes(house: &House) -> Vec<Option<Hush>> {
    house.alerts().into_iter().map(|view| view.marks.hush).collect()
}

#[test]
fn nobody_is_told_meanwhile_and_the_alert_goes_on_as_it_was() {
    let house = House::new(ONE);
    tell(&house, "1", 0, false, false);
    house.pass(60);
    go_on(&house, 2, true);
    assert_eq!((house.heard(), hushes(&house)), (vec!["30 r: 1".to_owned()], vec![Some(Hush::Maintenance("Move".into()))]));
    go_on(&house, 12, false);
    assert_eq!(house.heard(), ["30 r: 1", "3690 r: 1"], "the reminder after the usual time, and none before");
    assert_eq!((hushes(&house), house.alerts()[0].alert.starts_at), (vec![None], house.start));
}

#[test]
fn after_long_maintenance_it_is_told_anew() {
    let house = House::new(ONE);
    tell(&house, "1", 0, false, false);
    house.pass(60);
    go_on(&house, 48, true);
    assert_eq!(house.heard(), ["30 r: 1"]);
    go_on(&house, 1, false);
    assert_eq!(house.heard(), ["30 r: 1", "14490 r: 1"]);
}

#[test]
fn what_began_meanwhile_is_told_afterwards_if_it_is_still_on() {
    let mut house = House::new(ONE);
    tell(&house, "1", 0, false, true);
    tell(&house, "2", 0, false, true);
    house.pass(100);
    house.crash();
    house.pass(400);
    tell(&house, "2", 0, true, true);
    house.pass(500);
    assert_eq!((house.heard(), house.views()), (Vec::new(), Vec::<String>::new()), "over, and nobody knew");
    tell(&house, "3", 900, false, true);
    house.pass(60);
    tell(&house, "3", 900, false, false);
    house.pass(60);
    assert_eq!(house.heard(), ["1090 r: 3"]);
}

#[test]
fn an_end_meanwhile_is_told_to_those_who_know_of_the_beginning() {
    let mut house = House::new(ONE);
    tell(&house, "1", 0, false, false);
    house.pass(60);
    tell(&house, "1", 0, false, true);
    tell(&house, "2", 40, false, true);
    house.crash();
    house.pass(40);
    tell(&house, "1", 0, true, true);
    tell(&house, "2", 40, true, true);
    house.pass(600);
    assert_eq!(house.heard(), ["30 r: 1", "360 r: 1(over)"]);
}
