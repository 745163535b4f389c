//! Calm rules and who takes care, over lives of the server.

use super::house::House;
use super::*;
use crate::alerts::calm::{CalmKind, wire};

const TWO: &str = "route: {receiver: r, group_by: [alertname], repeat_interval: 1h}\n\
     receivers: [{name: r, webhook_configs: [{url: http://x}]}, {name: s, webhook_configs: [{url: http://y}]}]\n";

pub(super) fn put(house: &House, id: Option<&str>, kind: CalmKind, json: &str) -> Result<(Named, Option<Named>), DispatchError> {
    let rule = wire::read(kind, json).unwrap();
    house.on(async |dispatcher| dispatcher.put_calm(id, rule, "ann").await)
}

pub(super) fn titles(house: &House) -> Vec<String> {
    house.dispatcher().calm().rules.iter().map(|named| named.rule.title().to_owned()).collect()
}

#[test]
fn rules_are_made_changed_forgotten_and_survive() {
    let mut house = House::new(TWO);
    let cap = |receiver: &str, messages: u32| format!("{{\"receiver\":\"{receiver}\",\"messages\":{messages},\"within\":\"1h\"}}");
    let (named, before) = put(&house, None, CalmKind::Cap, &cap("r", 5)).unwrap();
    assert_eq!((named.changed_by.as_str(), named.changed_at, before), ("ann", house.start, None));
    let second = put(&house, None, CalmKind::Cap, &cap("r", 6)).unwrap_err();
    assert_eq!(second.to_string(), "there is a cap of the receiver \"r\" already; change that one");
    let (changed, before) = put(&house, Some(&named.id), CalmKind::Cap, &cap("s", 6)).unwrap();
    assert_eq!((&changed.id, before), (&named.id, Some(named.clone())));
    put(&house, None, CalmKind::Cap, &cap("r", 7)).unwrap();
    let unknown = put(&house, None, CalmKind::Cap, &cap("t", 1)).unwrap_err();
    assert_eq!(unknown, DispatchError::Calm("the routing configuration has no receiver \"t\"; it has \"r\", \"s\"".into()));
    let flap = "{\"title\":\"f\",\"changes\":3,\"within\":\"1h\",\"quiet\":\"10m\"}";
    assert_eq!(
        put(&house, Some(&named.id), CalmKind::Flapping, flap).unwrap_err(),
        DispatchError::NoRule(named.id.clone()),
        "another kind"
    );
    house.crash();
    assert_eq!(titles(&house), ["r", "s"]);
    // A receiver that is gone does not take the rule along.
    house.reload(ONE);
    assert_eq!(titles(&house), ["r", "s"]);
    house.crash();
    assert_eq!(titles(&house), ["r", "s"]);
    let gone = house.on(async |dispatcher| dispatcher.delete_calm(&named.id).await).unwrap();
    assert_eq!(gone, changed);
    assert!(house.on(async |dispatcher| dispatcher.delete_calm(&named.id).await).is_err());
    house.crash();
    assert_eq!((titles(&house), house.rows("calm_rules")), (vec!["r".to_owned()], 1));
}

#[test]
fn who_takes_care_survives_and_is_in_the_notes() {
    let mut house = House::new(ONE);
    house.post(&[("a", "1", None), ("b", "2", None)]);
    let (one, two) = (house.alert("a", "1", None).fingerprint(), house.alert("b", "2", None).fingerprint());
    let deed = |house: &House, name: u64, deed: Deed| house.on(async |dispatcher| dispatcher.handle(name, deed, "eve").await);
    deed(&house, one, Deed::Acknowledge).unwrap();
    house.pass(1);
    deed(&house, one, Deed::Assign(Some("bob".into()))).unwrap();
    deed(&house, two, Deed::Comment("hm".into())).unwrap();
    assert_eq!(deed(&house, 7, Deed::Acknowledge), Err(DispatchError::NoAlert(7)));
    house.crash();
    let views = house.alerts();
    let of = |name: u64| views.iter().find(|view| view.alert.fingerprint() == name).unwrap().handling.clone();
    assert_eq!(
        (of(one).acknowledged.map(|ack| (ack.by, ack.at)), of(one).assignee),
        (Some(("eve".into(), house.start)), Some("bob".into()))
    );
    assert_eq!(of(two), Handling::default());
    let notes = |names: Vec<u64>| house.on(async |dispatcher| dispatcher.notes(names, 0).await).unwrap();
    let deeds: Vec<Deed> = notes(vec![one]).into_iter().map(|note| note.deed).collect();
    assert_eq!(deeds, [Deed::Assign(Some("bob".into())), Deed::Acknowledge]);
    assert_eq!(notes(Vec::new()).len(), 3);
}

/// Somebody does something about the alert of this name and instance.
fn deed(house: &House, name: &str, instance: &str, deed: Deed) {
    let alert = house.alert(name, instance, None).fingerprint();
    house.on(async |dispatcher| dispatcher.handle(alert, deed, "eve").await).unwrap();
}

/// Whether somebody acknowledged it.
fn is_acknowledged(house: &House, name: &str, instance: &str) -> bool {
    let alert = house.alert(name, instance, None).fingerprint();
    let view = house.on(async |dispatcher| dispatcher.alert(alert));
    view.unwrap().handling.acknowledged.is_some()
}

const DAY: Option<i64> = Some(86_400);

#[test]
fn nobody_is_reminded_of_what_somebody_takes_care_of() {
    let mut house = House::new(ONE);
    house.post(&[("a", "1", DAY)]);
    house.pass(60);
    deed(&house, "a", "1", Deed::Acknowledge);
    house.pass(3 * 3600);
    house.crash();
    house.post(&[("a", "1", DAY)]);
    house.pass(3 * 3600);
    house.crash_for(6 * 3600);
    house.post(&[("a", "1", DAY)]);
    house.pass(600);
    assert_eq!(house.heard(), ["30 r: 1"], "not repeated, over a crash or long outage either");
    // New ones are told, and of those that nobody takes care of everybody is reminded.
    house.post(&[("a", "1", DAY), ("a", "2", DAY)]);
    house.pass(300);
    assert_eq!(house.heard().len(), 2, "{:?}", house.heard());
    assert!(house.heard()[1].ends_with(" r: 1 2"), "{:?}", house.heard());
    house.pass(2 * 3600);
    assert_eq!(house.heard().len(), 3, "{:?}", house.heard());
    deed(&house, "a", "2", Deed::Acknowledge);
    house.pass(3 * 3600);
    assert_eq!(house.heard().len(), 3, "{:?}", house.heard());
    // Ends are told.
    house.post(&[("a", "1", Some(0))]);
    house.pass(300);
    assert!(house.heard()[3].ends_with(" r: 1(over) 2"), "{:?}", house.heard());
    // Nobody takes care any more.
    deed(&house, "a", "2", Deed::Release);
    house.pass(3700);
    assert!(house.heard()[4].ends_with(" r: 2"), "{:?}", house.heard());
}

#[test]
fn an_alert_that_fires_again_has_to_be_acknowledged_again() {
    let mut house = House::new(ONE);
    // Its end is told, and it ends by itself because nobody speaks of it any more.
    for end in [Some(0), None] {
        house.post(&[("a", "1", Some(600))]);
        house.pass(60);
        deed(&house, "a", "1", Deed::Acknowledge);
        assert!(is_acknowledged(&house, "a", "1"));
        assert_eq!(house.rows("handlings"), 1);
        house.crash();
        assert!(is_acknowledged(&house, "a", "1"));
        if end.is_some() {
            house.post(&[("a", "1", end)]);
            house.pass(1);
        } else {
            house.pass(1200);
        }
        assert_eq!((house.views().len(), house.rows("handlings")), (0, 0));
        house.post(&[("a", "1", Some(600))]);
        assert!(!is_acknowledged(&house, "a", "1"));
        house.post(&[("a", "1", Some(0))]);
        house.pass(600);
    }
    assert_eq!(house.rows("alert_notes"), 2);
    // What nobody knows of any more is forgotten.
    house.sql("INSERT INTO handlings VALUES (7, 'ann', 1, NULL)");
    house.crash();
    house.pass(20);
    assert_eq!(house.rows("handlings"), 0);
}

#[test]
fn dependencies_keep_back_as_rules_of_inhibition_do() {
    let mut house = House::new("route: {receiver: r, group_by: [...]}\nreceivers: [{name: r, webhook_configs: [{url: http://x}]}]\n");
    let big = "{\"title\":\"d\",\"source\":[\"alertname=big\"],\"target\":[\"alertname=small\"]}";
    house.post(&[("big", "b", DAY)]);
    let (rule, _) = put(&house, None, CalmKind::Dependency, big).unwrap();
    house.post(&[("small", "s", DAY)]);
    let inhibited = |house: &House| house.alerts().iter().find(|view| view.alert.name() == "small").unwrap().marks.inhibited_by.len();
    assert_eq!(inhibited(&house), 1);
    house.pass(60);
    assert_eq!(house.heard(), ["30 r: b"]);
    house.crash();
    house.post(&[("big", "b", DAY), ("small", "s", DAY)]);
    assert_eq!(inhibited(&house), 1);
    house.reload("route: {receiver: r, group_by: [...]}\nreceivers: [{name: r, webhook_configs: [{url: http://y}]}]\n");
    assert_eq!(inhibited(&house), 1);
    house.pass(610);
    let other = "{\"title\":\"d\",\"source\":[\"alertname=big\"],\"target\":[\"alertname=tiny\"]}";
    put(&house, Some(&rule.id), CalmKind::Dependency, other).unwrap();
    assert_eq!(inhibited(&house), 0);
    put(&house, Some(&rule.id), CalmKind::Dependency, big).unwrap();
    assert_eq!((inhibited(&house), house.heard().len()), (1, 1), "{:?}", house.heard());
    house.on(async |dispatcher| dispatcher.delete_calm(&rule.id).await).unwrap();
    house.pass(300);
    assert_eq!(house.heard().len(), 2);
}
