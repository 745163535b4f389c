//! Silences that come again: exactly inside their windows, once each, whatever happens to the server.

use proptest::prelude::*;

use super::calm::put;
use super::house::House;
use super::*;
use crate::alerts::calm::CalmKind;
use crate::alerts::model::silence::SilenceState;

const EACH: &str =
    "route: {receiver: r, group_by: [...], group_interval: 1m}\nreceivers: [{name: r, webhook_configs: [{url: http://x}]}]\n";

/// A rule for alerts of the name `b`; everything begins on a Tuesday at 22:13:20.
fn rule(intervals: &str) -> String {
    format!("{{\"title\":\"Backups\",\"matchers\":[\"alertname=b\"],\"intervals\":{intervals}}}")
}

const NIGHT: &str = "[{\"times\":[{\"start_time\":\"22:30\",\"end_time\":\"23:00\"}]}]";

/// Silences: begin and end in seconds since the start, and how they stand.
fn silences(house: &House) -> Vec<(i64, i64, SilenceState)> {
    let now = house.now();
    let mut all: Vec<_> = house.on(async |dispatcher| dispatcher.silences());
    all.sort_by_key(|silence| (silence.starts_at, silence.ends_at));
    all.iter().map(|one| ((one.starts_at - house.start) / 1000, (one.ends_at - house.start) / 1000, one.state(now))).collect()
}

fn is_silenced(house: &House) -> bool {
    house.alerts().iter().any(|view| view.alert.name() == "b" && !view.marks.silenced_by.is_empty())
}

#[test]
fn made_ahead_once_and_again_the_next_day() {
    use SilenceState::{Active, Expired, Pending};
    let mut house = House::new(EACH);
    put(&house, None, CalmKind::RecurringSilence, &rule(NIGHT)).unwrap();
    house.post(&[("b", "1", Some(400_000))]);
    house.pass(60);
    assert_eq!((silences(&house), house.heard()), (vec![(1000, 2800, Pending)], vec!["30 r: 1".to_owned()]));
    house.crash();
    house.pass(1000);
    assert_eq!((silences(&house), is_silenced(&house)), (vec![(1000, 2800, Active)], true));
    house.post(&[("b", "2", Some(400_000))]);
    house.crash_for(600);
    house.pass(600);
    assert_eq!(house.heard().len(), 1, "{:?}", house.heard());
    house.pass(700);
    assert_eq!((silences(&house), is_silenced(&house)), (vec![(1000, 2800, Expired)], false));
    assert!(house.heard().iter().any(|heard| heard.ends_with("r: 2")), "{:?}", house.heard());
    house.pass(86_400 - 3600 - 1900);
    let day = 86_400;
    assert_eq!(silences(&house), [(1000, 2800, Expired), (1000 + day, 2800 + day, Pending)]);
    let made = house.on(async |dispatcher| dispatcher.silences()).pop().unwrap();
    assert_eq!((made.comment.as_str(), made.created_by.as_str(), made.annotations.len()), ("Backups", "ann", 3));
}

#[test]
fn one_that_a_person_ends_stays_over_for_its_window() {
    use SilenceState::{Active, Expired};
    let mut house = House::new(EACH);
    // The whole of November, which is thirty days.
    put(&house, None, CalmKind::RecurringSilence, &rule("[{\"months\":[\"november\"]}]")).unwrap();
    house.pass(1);
    let id = house.on(async |dispatcher| dispatcher.silences()).pop().unwrap().id;
    let end = 86_400 * 16 + 6_400;
    assert_eq!(silences(&house), [(0, end, Active)]);
    // Made longer by hand, it is still the one of its window.
    house.silence(&id, "alertname=b", -1, 3600 * 24 * 17).unwrap_or_default();
    house.pass(60);
    house.on(async |dispatcher| dispatcher.expire_silence(&id).await).unwrap();
    for _ in 0..3 {
        house.pass(50 * 3600);
        house.crash();
        house.pass(60);
        let all = silences(&house);
        assert!(all.iter().all(|one| one.2 == Expired) && all.len() <= 2 && !all.is_empty(), "{all:?}");
    }
}

#[test]
fn a_change_by_hand_makes_no_second_one() {
    let house = House::new(EACH);
    put(&house, None, CalmKind::RecurringSilence, &rule(NIGHT)).unwrap();
    house.pass(1);
    let made = house.on(async |dispatcher| dispatcher.silences()).pop().unwrap();
    let longer = Silence { ends_at: made.ends_at + 3_600_000, annotations: Vec::new(), created_by: "bob".into(), ..made.clone() };
    assert_eq!(house.on(async |dispatcher| dispatcher.put_silence(longer).await), Ok(made.id));
    house.pass(4000);
    assert_eq!(silences(&house), [(1000, 2800 + 3600, SilenceState::Active)]);
}

#[test]
fn a_rule_that_changes_or_goes_ends_its_silence() {
    use SilenceState::{Active, Expired, Pending};
    let mut house = House::new(EACH);
    let (made, _) = put(&house, None, CalmKind::RecurringSilence, &rule(NIGHT)).unwrap();
    house.pass(1200);
    assert_eq!(silences(&house), [(1000, 2800, Active)]);
    let later = NIGHT.replace("22:30", "22:40");
    put(&house, Some(&made.id), CalmKind::RecurringSilence, &rule(&later)).unwrap();
    house.pass(1);
    assert_eq!(silences(&house), [(1000, 1200, Expired), (1600, 2800, Pending)]);
    house.crash();
    house.pass(10);
    house.on(async |dispatcher| dispatcher.delete_calm(&made.id).await).unwrap();
    house.pass(10);
    assert_eq!(silences(&house), [(1000, 1200, Expired), (1211, 1211, Expired)]);
    // Other rules leave it alone.
    put(&house, None, CalmKind::RecurringSilence, &rule(NIGHT)).unwrap();
    house.pass(1);
    put(&house, None, CalmKind::Cap, "{\"receiver\":\"r\",\"messages\":5,\"within\":\"1h\"}").unwrap();
    house.pass(1);
    assert_eq!(silences(&house)[2..], [(1221, 2800, Active)]);
}

#[test]
fn a_clock_that_jumps_does_no_harm() {
    let mut house = House::new(EACH);
    put(&house, None, CalmKind::RecurringSilence, &rule(NIGHT)).unwrap();
    house.post(&[("b", "1", Some(400_000))]);
    house.pass(1200);
    for jump in [600, -1200, 1800, -700, 86_400, -86_400, 3 * 86_400, -3 * 86_400] {
        house.crash_and_shift(jump);
        house.post(&[("b", "1", Some(400_000))]);
        house.pass(2);
        let at = (house.now() - house.start) / 1000 % 86_400;
        assert_eq!(is_silenced(&house), (1000..2800).contains(&at), "after {jump}: {at} {:?}", silences(&house));
        let mut windows: Vec<i64> = silences(&house).iter().map(|one| one.1).collect();
        let count = windows.len();
        windows.dedup();
        assert_eq!(windows.len(), count, "one each: {:?}", silences(&house));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3))]

    #[test]
    fn silenced_exactly_inside_the_windows(
        windows in proptest::collection::vec((0_u32..1440, 1_u32..400), 1..4),
        weekday in prop::option::of(prop::sample::select(vec!["tuesday:wednesday", "wednesday", "thursday:saturday"])),
        crash_at in 0_u64..2000,
    ) {
        let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
        let times: Vec<String> = windows.iter()
            .map(|(start, length)| format!("{{\"start_time\":\"{}\",\"end_time\":\"{}\"}}", clock(*start), clock((start + length).min(1440))))
            .collect();
        let days = weekday.map(|days| format!(",\"weekdays\":[\"{days}\"]")).unwrap_or_default();
        let text = rule(&format!("[{{\"times\":[{}],\"location\":\"Europe/Berlin\"{days}}}]", times.join(",")));
        let mut house = House::new(EACH);
        let (named, _) = put(&house, None, CalmKind::RecurringSilence, &text).unwrap();
        let CalmRule::RecurringSilence(kept) = named.rule else { panic!("another kind") };
        house.post(&[("b", "1", Some(400_000))]);
        house.pass(2);
        for minute in 0..2000 {
            if minute == crash_at {
                house.crash();
                house.post(&[("b", "1", Some(400_000))]);
            }
            let now = house.now();
            let is_inside = |at: i64| kept.intervals.iter().any(|interval| interval.contains(at));
            // A minute in which it begins or ends may be either.
            if is_inside(now - 2000) == is_inside(now) {
                prop_assert_eq!(is_silenced(&house), is_inside(now), "{} {:?}", minute, silences(&house));
            }
            house.pass(60);
        }
    }
}
