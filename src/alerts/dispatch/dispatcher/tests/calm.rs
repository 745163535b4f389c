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
