//! Turns over the changes of the clock, and with people who stand in.

use proptest::prelude::*;

use super::*;
use crate::alerts::model::interval::Location;
use crate::base::time::parse_rfc3339;

const HOUR: i64 = 3_600_000;

fn at(text: &str) -> i64 {
    parse_rfc3339(&format!("{text}Z")).expect("a time")
}

fn member(person: &str) -> Member {
    Member { person: person.to_owned(), receiver: format!("of {person}") }
}

fn rota(location: &str, first_day: &str, hand_over: u16, turn_days: u16, people: &[&str]) -> Rota {
    Rota {
        title: "first line".to_owned(),
        receiver: "team".to_owned(),
        location: Location::parse(location).expect("a place"),
        members: people.iter().map(|person| member(person)).collect(),
        first_day: i32::try_from(at(&format!("{first_day}T00:00:00")) / (24 * HOUR)).expect("a day"),
        hand_over,
        turn_days,
        overrides: Vec::new(),
    }
}

fn stands_in(person: &str, from: &str, to: &str) -> Override {
    Override { member: member(person), starts_at: at(from), ends_at: at(to) }
}

#[test]
fn whose_turn_it_is() {
    let week = rota("Europe/Berlin", "2024-03-25", 9 * 60, 7, &["ann", "bob", "eve"]);
    let day = rota("America/New_York", "2024-11-01", 120, 1, &["ann", "bob"]);
    let gap = rota("Europe/Berlin", "2024-03-30", 150, 1, &["ann", "bob"]);
    for (what, rota, instant, expected) in [
        ("before the first day", &week, "2024-03-25T07:59:59", None),
        ("the first turn begins", &week, "2024-03-25T08:00:00", Some(("ann", "2024-03-25T08:00:00", "2024-04-01T07:00:00"))),
        ("the clock went forward meanwhile", &week, "2024-04-01T06:59:59", Some(("ann", "2024-03-25T08:00:00", "2024-04-01T07:00:00"))),
        ("the second", &week, "2024-04-01T07:00:00", Some(("bob", "2024-04-01T07:00:00", "2024-04-08T07:00:00"))),
        ("the fourth is the first one's again", &week, "2024-04-15T12:00:00", Some(("ann", "2024-04-15T07:00:00", "2024-04-22T07:00:00"))),
        ("the clock goes back meanwhile", &week, "2024-10-25T00:00:00", Some(("ann", "2024-10-21T07:00:00", "2024-10-28T08:00:00"))),
        ("a day of 25 hours", &day, "2024-11-02T06:00:00", Some(("bob", "2024-11-02T06:00:00", "2024-11-03T07:00:00"))),
        ("the next again of 24", &day, "2024-11-03T07:00:00", Some(("ann", "2024-11-03T07:00:00", "2024-11-04T07:00:00"))),
        ("until the hour that is left out", &gap, "2024-03-31T00:59:59", Some(("ann", "2024-03-30T01:30:00", "2024-03-31T01:00:00"))),
        ("from the hour that is left out", &gap, "2024-03-31T01:00:00", Some(("bob", "2024-03-31T01:00:00", "2024-04-01T00:30:00"))),
    ] {
        let turn = rota.turn_at(at(instant));
        assert_eq!(
            turn.map(|turn| (&*turn.member.person, turn.starts_at, turn.ends_at)),
            expected.map(|(who, from, to)| (who, at(from), at(to))),
            "{what}"
        );
    }
    for instant in [i64::MIN, i64::MAX] {
        assert_eq!(week.turn_at(instant), None);
    }
    let nobody = Rota { members: Vec::new(), ..week.clone() };
    assert_eq!((nobody.turn_at(at("2024-05-01T00:00:00")), nobody.turns(0, i64::MAX)), (None, vec![]));
    assert!(Rota { turn_days: 0, first_day: i32::MAX, ..week.clone() }.turns(0, i64::MAX).is_empty());
    assert!(Rota { turn_days: u16::MAX, hand_over: u16::MAX, first_day: i32::MIN, ..week }.turns(i64::MIN, i64::MAX).len() <= TURNS_MAX);
}

#[test]
fn who_stands_in_cuts_turns() {
    let mut rota = rota("UTC", "2024-05-06", 0, 7, &["ann", "bob"]);
    rota.overrides = vec![
        stands_in("eve", "2024-05-07T00:00:00", "2024-05-14T00:00:00"),
        stands_in("joe", "2024-05-08T00:00:00", "2024-05-09T00:00:00"),
        stands_in("none", "2024-05-10T00:00:00", "2024-05-10T00:00:00"),
        stands_in("early", "2024-05-01T00:00:00", "2024-05-02T00:00:00"),
    ];
    let turns = rota.turns(at("2024-01-01T00:00:00"), at("2024-05-20T00:00:00"));
    let turns: Vec<_> = turns.iter().map(|turn| (&*turn.member.person, turn.starts_at, turn.ends_at, turn.is_override)).collect();
    let expected = [
        ("early", "2024-05-01", "2024-05-02", true),
        ("ann", "2024-05-06", "2024-05-07", false),
        ("eve", "2024-05-07", "2024-05-08", true),
        ("joe", "2024-05-08", "2024-05-09", true),
        ("eve", "2024-05-09", "2024-05-14", true),
        ("bob", "2024-05-14", "2024-05-20", false),
    ];
    let time = |day: &str| at(&format!("{day}T00:00:00"));
    assert_eq!(turns, expected.map(|(who, from, to, is_override)| (who, time(from), time(to), is_override)));
}

proptest! {
    #[test]
    fn turns_tile_a_range(
        place in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata"]),
        // From 1998 to 2027.
        (first_day, hand_over, turn_days) in (10_300_i32..21_000, 0_u16..1440, 1_u16..40),
        people in 1_usize..5,
        overrides in prop::collection::vec((-500_i64..4_000, -10_i64..300), 0..6),
        (begin, length) in (0_i64..4_000, 1_i64..3_000),
    ) {
        let names = ["ann", "bob", "eve", "joe", "sue"];
        let mut rota = rota(place, "1970-01-01", hand_over, turn_days, &names[..people]);
        rota.first_day = first_day;
        let origin = rota.hand_over_at(0).expect("a time");
        let stand_in = |(from, length): (i64, i64)| {
            let starts_at = origin + from * HOUR;
            Override { member: member("stand-in"), starts_at, ends_at: starts_at + length * HOUR }
        };
        rota.overrides = overrides.into_iter().map(stand_in).collect();
        let (from, to) = (origin + begin * HOUR, origin + (begin + length) * HOUR);
        let turns = rota.turns(from, to);
        prop_assert!(turns.first().is_some_and(|turn| turn.starts_at <= from) && turns.last().is_some_and(|turn| turn.ends_at >= to));
        for pair in turns.windows(2) {
            prop_assert_eq!(pair[0].ends_at, pair[1].starts_at);
        }
        for turn in &turns {
            prop_assert!(turn.starts_at < turn.ends_at);
            for instant in [turn.starts_at, (turn.starts_at + turn.ends_at) / 2, turn.ends_at - 1] {
                prop_assert_eq!(rota.turn_at(instant), Some(*turn));
            }
        }
    }
}
