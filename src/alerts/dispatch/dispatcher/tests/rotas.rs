//! Who is on call is told besides the receiver in whose place they are.

use super::*;
use crate::alerts::calm::{Member, Override, Rota};
use crate::alerts::model::interval::Location;

/// A team, and two people who take turns.
const TEAM: &str = "route: {receiver: team, group_by: [alertname], repeat_interval: 100h}\n\
                    receivers: [{name: team, webhook_configs: [{url: http://x}]}, {name: ann, webhook_configs: [{url: http://y}]}, \
                    {name: bob, webhook_configs: [{url: http://z}]}, {name: quiet}]\n";

fn rota(receiver: &str, people: &[&str]) -> Rota {
    Rota {
        title: "first line".to_owned(),
        receiver: receiver.to_owned(),
        location: Location::Utc,
        members: people.iter().map(|person| Member { person: (*person).to_owned(), receiver: (*person).to_owned() }).collect(),
        // The day on which everything begins, at 22:13:20.
        first_day: 19_675,
        hand_over: 22 * 60 + 30,
        turn_days: 1,
        overrides: Vec::new(),
    }
}

#[test]
fn after_a_hand_over_whoever_is_on_call_now_hears_what_fires_and_both_that_it_is_over() {
    let mut house = House::new(TEAM);
    house.calm(&[CalmRule::Rota(Rota { first_day: 19_674, ..rota("team", &["ann", "bob"]) })]);
    house.post(&[("a", "1", Some(10_000))]);
    house.pass(60);
    assert_eq!(house.sorted(), ["30 ann: 1", "30 team: 1"]);
    house.pass(1200);
    // At 1000 s it is 22:30; the group is due every 300 s.
    assert_eq!(house.sorted()[2..], ["1230 bob: 1"]);
    house.crash();
    house.post(&[("a", "1", Some(0))]);
    house.pass(300);
    assert_eq!(house.sorted()[3..], ["1260 ann: 1(over)", "1260 bob: 1(over)", "1260 team: 1(over)"]);
    let view = house.on(async |dispatcher| dispatcher.groups());
    assert!(view.is_empty(), "told and forgotten: {view:?}");
}

#[test]
fn who_is_on_call_twice_is_told_once_and_unknown_receivers_are_nobody() {
    let house = House::new(TEAM);
    let mut stood_in = Rota { first_day: 19_674, ..rota("team", &["nobody", "quiet"]) };
    stood_in.overrides.push(Override {
        member: Member { person: "Bob".to_owned(), receiver: "bob".to_owned() },
        starts_at: 0,
        ends_at: house.start + 100_000,
    });
    house.calm(&[
        CalmRule::Rota(stood_in),
        CalmRule::Rota(Rota { first_day: 19_674, ..rota("team", &["bob"]) }),
        CalmRule::Rota(Rota { first_day: 19_674, ..rota("team", &["team"]) }),
        // A rota whose people are on call for those on call, in a circle.
        CalmRule::Rota(Rota { first_day: 19_674, ..rota("bob", &["ann"]) }),
        CalmRule::Rota(Rota { first_day: 19_674, ..rota("ann", &["team"]) }),
        CalmRule::Rota(rota("team", &["later"])),
        CalmRule::Rota(Rota { members: Vec::new(), ..rota("team", &[]) }),
    ]);
    house.post(&[("a", "1", Some(10_000))]);
    house.pass(700);
    assert_eq!(house.sorted(), ["30 ann: 1", "30 bob: 1", "30 team: 1"]);
    assert_eq!(house.alerts()[0].receivers, ["team".into()], "the tree's");
}
