//! What nobody takes care of is told to others, step by step.

use super::*;
use crate::alerts::calm::{Escalation, Member, Rota, Step};
use crate::alerts::model::interval::Location;
use crate::base::time::Duration as Span;

const TEAM: &str = "route: {receiver: team, group_by: [alertname, instance], group_wait: 10s, repeat_interval: 2h,\n\
                    routes: [{receiver: team, matchers: [alertname=night], mute_time_intervals: [always]}]}\n\
                    time_intervals: [{name: always, time_intervals: [{}]}]\n\
                    receivers: [{name: team, webhook_configs: [{url: http://x}]}, {name: second, webhook_configs: [{url: http://y}]},\n\
                    {name: boss, webhook_configs: [{url: http://z}]}, {name: ann, webhook_configs: [{url: http://a}]}]\n";
const ON: Option<i64> = Some(1_000_000);

fn escalation(matchers: &str, steps: &[(i64, &str)]) -> CalmRule {
    let matchers = Matchers::new(parse_matchers(matchers, Syntax::Both).unwrap().value);
    let steps = steps.iter().map(|(after, receiver)| Step { after: Span::from_secs(*after), receiver: (*receiver).to_owned() });
    CalmRule::Escalation(Escalation { title: "nobody there".to_owned(), matchers, steps: steps.collect() })
}

fn deed(house: &House, name: &str, instance: &str, deed: Deed) {
    let fingerprint = house.alert(name, instance, None).fingerprint();
    house.on(async |dispatcher| dispatcher.handle(fingerprint, deed, "eve").await).unwrap();
}

/// What those heard who are not the team.
fn escalated(house: &House) -> Vec<String> {
    house.sorted().into_iter().filter(|line| !line.contains(" team: ")).collect()
}

#[test]
fn step_by_step_repeated_and_over() {
    let house = House::new(TEAM);
    house.calm(&[escalation("alertname=~\"a|b\"", &[(300, "second"), (900, "boss"), (900, "nobody")])]);
    house.post(&[("a", "1", ON), ("c", "9", ON)]);
    house.pass(100);
    house.post(&[("a", "2", ON), ("b", "3", ON)]);
    house.pass(250);
    assert_eq!(escalated(&house), ["300 second: 1"]);
    house.pass(700);
    // More of the same at the next half minute, another name on its own.
    assert_eq!(escalated(&house)[1..], ["400 second: 3", "420 second: 1 2", "900 boss: 1", "1000 boss: 3", "1020 boss: 1 2"]);
    let groups = house.on(async |dispatcher| dispatcher.groups());
    assert_eq!(groups.iter().filter(|group| group.key.starts_with("escalation:")).count(), 4 + 2, "those of nobody too");
    assert!(house.alerts().iter().all(|view| view.receivers.len() == 1));
    house.post(&[("a", "1", Some(0))]);
    house.pass(60);
    assert_eq!(escalated(&house)[6..], ["1050 boss: 1(over) 2", "1050 second: 1(over) 2"]);
    // After the two hours of the root.
    house.pass(7200);
    assert_eq!(escalated(&house).len(), 8 + 4, "{:?}", escalated(&house));
    house.post(&[("a", "2", Some(0)), ("b", "3", Some(0)), ("c", "9", Some(0))]);
    house.pass(400);
    assert_eq!(escalated(&house).len(), 12 + 4);
    assert_eq!(house.rows("alerts"), 0, "told and forgotten");
    let page = &mut crate::platform::telemetry::metrics::Page::default();
    crate::platform::telemetry::metrics::Report::report(&*house.dispatcher(), page);
    assert!(std::mem::take(page).finish().contains("pharos_alert_escalations_total 9\n"));
}

#[test]
fn not_while_somebody_takes_care() {
    let house = House::new(TEAM);
    house.calm(&[escalation("", &[(300, "second"), (600, "boss")])]);
    house.post(&[("a", "1", ON), ("a", "2", ON), ("a", "3", ON)]);
    house.pass(200);
    deed(&house, "a", "2", Deed::Acknowledge);
    house.pass(200);
    assert_eq!(escalated(&house), ["300 second: 1 3"]);
    deed(&house, "a", "1", Deed::Acknowledge);
    house.pass(300);
    assert_eq!(escalated(&house)[1..], ["600 boss: 3"]);
    // Who was told hears of the end; who was not does not.
    house.post(&[("a", "1", Some(0)), ("a", "2", Some(0))]);
    house.pass(100);
    assert_eq!(escalated(&house)[2..], ["720 second: 1(over) 3"]);
    // Between the look and the telling is time as well.
    house.post(&[("b", "4", ON)]);
    house.pass(300);
    house.post(&[("b", "5", ON)]);
    deed(&house, "b", "5", Deed::Acknowledge);
    house.pass(1000);
    assert_eq!(escalated(&house)[3..], ["1100 second: 4", "1400 boss: 4"]);
    deed(&house, "b", "5", Deed::Release);
    house.pass(40);
    assert_eq!(escalated(&house)[5..], ["2120 boss: 4 5", "2120 second: 4 5"]);
}

#[test]
fn not_while_it_is_kept_back() {
    let house = House::new(TEAM);
    house.calm(&[escalation("", &[(300, "second")])]);
    let id = house.silence("", "alertname=quiet", 0, 10_000).unwrap();
    house.post(&[("quiet", "q", ON), ("night", "n", ON)]);
    house.pass(1000);
    assert_eq!(house.heard(), [] as [&str; 0]);
    house.on(async |dispatcher| dispatcher.expire_silence(&id).await).unwrap();
    house.pass(35);
    assert_eq!(escalated(&house), ["1020 second: q"]);
    assert!(house.alerts().iter().any(|view| view.alert.name() == "night" && view.marks.muted_by == ["always"]));
}

#[test]
fn over_lives_of_the_server_and_other_routes() {
    let mut house = House::new(TEAM);
    house.calm(&[escalation("", &[(300, "second"), (600, "boss")])]);
    house.post(&[("a", "1", ON), ("b", "2", ON)]);
    house.pass(310);
    assert_eq!(escalated(&house), ["300 second: 1", "300 second: 2"]);
    deed(&house, "b", "2", Deed::Acknowledge);
    house.crash_for(400);
    house.pass(100);
    assert_eq!(escalated(&house)[2..], ["710 boss: 1"], "not the first step again, and the second as soon as possible");
    house.reload(&TEAM.replace("group_wait: 10s", "group_wait: 11s"));
    house.pass(100);
    assert_eq!(escalated(&house).len(), 3);
    house.post(&[("a", "1", Some(0)), ("b", "2", Some(0))]);
    house.crash();
    house.pass(60);
    let heard: Vec<String> = escalated(&house)[3..].iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect();
    assert_eq!(heard, ["boss: 1(over)", "second: 1(over)", "second: 2(over)"]);
    house.pass(400);
    assert_eq!((house.rows("alerts"), escalated(&house).len()), (0, 6));
}

#[test]
fn another_rule_changes_nothing_of_what_was_told() {
    let house = House::new(TEAM);
    let rule = escalation("", &[(300, "second")]);
    house.calm(&[rule]);
    house.post(&[("a", "1", ON)]);
    house.pass(310);
    let kept = house.dispatcher().calm().rules[0].clone();
    let slower = escalation("", &[(600, "second"), (700, "boss")]);
    house.on(async |dispatcher| dispatcher.put_calm(Some(&kept.id), slower, "eve").await).unwrap();
    house.pass(500);
    assert_eq!(escalated(&house), ["300 second: 1", "700 boss: 1"]);
    house.on(async |dispatcher| dispatcher.delete_calm(&kept.id).await).unwrap();
    house.pass(100);
    assert_eq!(house.on(async |dispatcher| dispatcher.groups()).len(), 1);
}

#[test]
fn whoever_is_on_call_stands_in_for_a_step_as_well() {
    let house = House::new(TEAM);
    let members = vec![Member { person: "Ann".to_owned(), receiver: "ann".to_owned() }];
    let (title, receiver, location) = ("bosses".to_owned(), "boss".to_owned(), Location::Utc);
    let rota = Rota { title, receiver, location, members, first_day: 0, hand_over: 0, turn_days: 7, overrides: Vec::new() };
    house.calm(&[escalation("", &[(300, "boss")]), CalmRule::Rota(rota)]);
    house.post(&[("a", "1", ON)]);
    house.pass(400);
    assert_eq!(escalated(&house), ["300 ann: 1", "300 boss: 1"]);
}
