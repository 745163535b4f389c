//! Routing at work, played with virtual time: the loop is the real one, only nobody waits for the clock. A life of the
//! server is a runtime of its own; a crash drops it, and the next one opens what was stored.

mod calm;
mod calmly;
mod caps;
mod escalations;
mod flaps;
mod house;
mod hushes;
mod mishaps;
mod property;
mod recurring;
mod rotas;
mod speed;

use std::time::Duration;

use house::{House, Mood};

use super::*;
use crate::alerts::dispatch::DispatchError;
use crate::alerts::model::State;
use crate::alerts::model::matcher::{Matchers, Syntax, parse_matchers};

const ONE: &str =
    "route: {receiver: r, group_by: [alertname], repeat_interval: 1h}\nreceivers: [{name: r, webhook_configs: [{url: http://x}]}]\n";

#[test]
fn told_after_the_wait_then_changes_at_the_interval_and_repeated() {
    let house = House::new(ONE);
    house.post(&[("a", "1", None)]);
    house.pass(20);
    house.post(&[("a", "2", None)]);
    house.pass(60);
    house.post(&[("a", "3", None), ("a", "1", Some(0))]);
    for _ in 0..80 {
        house.pass(60);
        house.post(&[("a", "2", None), ("a", "3", None)]);
    }
    assert_eq!(house.heard(), ["30 r: 1 2", "330 r: 1(over) 2 3", "4230 r: 2 3"]);
}

#[test]
fn the_end_comes_by_itself_when_nobody_speaks_of_an_alert() {
    let house = House::new(&format!("global: {{resolve_timeout: 10m}}\n{ONE}"));
    house.post(&[("a", "1", None)]);
    house.pass(599);
    assert_eq!(house.views(), ["1"]);
    house.pass(2);
    assert_eq!(house.views(), [] as [&str; 0]);
    house.pass(3600);
    assert_eq!(house.heard(), ["30 r: 1", "630 r: 1(over)"]);
    assert_eq!(house.rows("alerts"), 0, "told and forgotten");
}

#[test]
fn ends_are_told_to_those_who_want_to_know() {
    let house = House::new(
        "route: {receiver: r}\nreceivers: [{name: r, webhook_configs: [{url: http://x, send_resolved: false}, {url: http://y}]}]\n",
    );
    house.post(&[("a", "1", None)]);
    house.pass(60);
    house.post(&[("a", "1", Some(0))]);
    house.pass(600);
    assert_eq!(house.heard(), ["30 r: 1", "30 r[1]: 1", "330 r[1]: 1(over)"]);
}

#[test]
fn inhibited_silenced_and_muted_alerts_are_kept_back() {
    let house = House::new(
        "route: {receiver: r, group_by: [...], routes: [{receiver: r, matchers: [alertname=night], mute_time_intervals: [always]}]}\n\
         inhibit_rules: [{source_matchers: [alertname=big], target_matchers: [alertname=small]}]\n\
         time_intervals: [{name: always, time_intervals: [{}]}]\n\
         receivers: [{name: r, webhook_configs: [{url: http://x}]}]\n",
    );
    let id = house.silence("", "alertname=quiet", 0, 400).unwrap();
    house.post(&[("big", "b", None), ("small", "s", None), ("quiet", "q", None), ("night", "n", None)]);
    house.pass(60);
    assert_eq!(house.heard(), ["30 r: b"]);
    let marks: Vec<(String, usize, usize, usize)> = house
        .alerts()
        .into_iter()
        .map(|view| (view.alert.name().to_owned(), view.marks.inhibited_by.len(), view.marks.silenced_by.len(), view.marks.muted_by.len()))
        .collect();
    for expected in [("big", 0, 0, 0), ("small", 1, 0, 0), ("quiet", 0, 1, 0), ("night", 0, 0, 1)] {
        assert!(marks.contains(&(expected.0.to_owned(), expected.1, expected.2, expected.3)), "{marks:?}");
    }
    assert!(house.alerts().iter().all(|view| view.marks.is_processed));
    // A silence that ends early and an alert that inhibits no longer: both are told at the next interval.
    house.on(async |dispatcher| dispatcher.expire_silence(&id).await).unwrap();
    house.post(&[("big", "b", Some(0)), ("small", "s", None), ("quiet", "q", None)]);
    house.pass(300);
    assert_eq!(house.sorted(), ["30 r: b", "330 r: b(over)", "330 r: q", "330 r: s"]);
}

#[test]
fn silences_are_made_changed_ended_and_forgotten() {
    let mut house = House::new(ONE);
    let id = house.silence("", "a=b", 0, 3600).unwrap();
    assert_eq!(id.len(), 36);
    assert_eq!(house.silence(&id, "a=b", 0, 7200), Ok(id.clone()), "the same alerts for longer");
    let other = house.silence(&id, "a=c", 0, 7200).unwrap();
    assert_ne!(other, id, "other alerts make another one");
    let ends = |house: &House| -> Vec<(String, i64)> {
        house.dispatcher().silences().into_iter().map(|silence| (silence.id, (silence.ends_at - house.start) / 1000)).collect()
    };
    let mut expected = vec![(id.clone(), 0), (other.clone(), 7200)];
    expected.sort();
    assert_eq!(ends(&house), expected);
    assert!(matches!(house.silence("nobody", "a=b", 0, 1), Err(DispatchError::NoSilence(_))));
    assert!(matches!(house.silence("", "a=~\".*\"", 0, 1), Err(DispatchError::Silence(_))));
    assert!(matches!(house.silence("", "a=b", -20, -10), Err(DispatchError::Silence(_))));
    house.crash();
    assert_eq!(ends(&house), expected, "acknowledged is stored");
    house.on(async |dispatcher| dispatcher.expire_silence(&other).await).unwrap();
    house.on(async |dispatcher| dispatcher.expire_silence(&other).await).unwrap();
    house.pass(121 * 3600);
    assert_eq!((ends(&house).len(), house.rows("silences")), (0, 0));
}

#[test]
fn other_routes_while_alerts_fire() {
    let mut house = House::new(ONE);
    house.post(&[("a", "1", None), ("b", "2", None)]);
    house.pass(40);
    house.reload(
        "route: {receiver: r, group_by: [alertname], routes: [{receiver: s, matchers: [alertname=b]}]}\n\
         receivers: [{name: r, webhook_configs: [{url: http://x}]}, {name: s, webhook_configs: [{url: http://y}]}]\n",
    );
    house.pass(60);
    assert_eq!(house.sorted(), ["30 r: 1", "30 r: 2", "40 s: 2"]);
    house.post(&[("a", "1", Some(0)), ("b", "2", Some(0))]);
    house.pass(600);
    assert_eq!(house.sorted()[3..], ["330 r: 1(over)", "340 s: 2(over)"]);
}

#[test]
fn history_knows_changes_of_others_and_tellings() {
    let house = House::new(ONE);
    house.post(&[("a", "1", None)]);
    house.pass(60);
    house.post(&[("a", "1", None)]);
    house.post(&[("a", "1", Some(0))]);
    house.pass(600);
    let tellings = house.on(async |dispatcher| dispatcher.tellings(10).await).unwrap();
    let told: Vec<_> = tellings.iter().map(|telling| (telling.reason.as_str(), telling.counts, &*telling.channel, telling.tries)).collect();
    assert_eq!(told, [("all alerts resolved", (0, 1), "webhook[0]", 1), ("first notification", (1, 0), "webhook[0]", 1)]);
    let asked = Asked { from: 0, to: i64::MAX, fingerprint: None, is_of_others: false, limit: 10 };
    let changes = house.on(async |dispatcher| Routing::changes(dispatcher, asked).await).unwrap();
    let changes: Vec<_> = changes.iter().map(|change| (change.from, change.to)).collect();
    assert_eq!(changes, [(Some(State::Firing), Some(State::Inactive)), (None, Some(State::Firing))]);
}

#[test]
fn a_test_goes_past_groups_and_says_what_came_back() {
    let house = House::new(ONE);
    assert_eq!(house.on(async |dispatcher| dispatcher.send_test("r", "webhook[0]").await).unwrap(), Ok("taken".to_owned()));
    let unknown = house.on(async |dispatcher| dispatcher.send_test("r", "slack[0]").await).unwrap();
    assert_eq!(unknown, Err("the receiver \"r\" has no channel \"slack[0]\"; it has webhook[0]".to_owned()));
    house.mood("r", Mood::Refuses { may_retry: true, after: None });
    assert_eq!(house.on(async |dispatcher| dispatcher.send_test("r", "webhook[0]").await).unwrap(), Err("refused".to_owned()));
    let channels = house.dispatcher().channels();
    let state = &channels[&("r".into(), "webhook[0]".to_owned())];
    assert_eq!((state.counts, state.last_error.as_deref()), ((1, 1), Some("refused")));
    assert_eq!(house.heard(), ["0 r: "]);
}

#[test]
fn numbers_bear_upstreams_names() {
    let house = House::new(ONE);
    house.post(&[("a", "1", None)]);
    house.pass(60);
    let mut page = crate::platform::telemetry::metrics::Page::default();
    crate::platform::telemetry::metrics::Report::report(&*house.dispatcher(), &mut page);
    let text = page.finish();
    for line in [
        "alertmanager_alerts{state=\"active\"} 1\n",
        "alertmanager_alerts_received_total{status=\"firing\",version=\"v2\"} 1\n",
        "alertmanager_notifications_total{integration=\"webhook\"} 1\n",
        "alertmanager_notification_requests_failed_total{integration=\"webhook\"} 0\n",
        "alertmanager_notification_latency_seconds_count{integration=\"webhook\"} 1\n",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}

#[test]
fn an_end_that_moves_on_is_not_written_each_time() {
    let house = House::new(ONE);
    let end = Some(240);
    house.post(&[("a", "1", end)]);
    for _ in 0..20 {
        house.pass(2);
        house.post(&[("a", "1", end)]);
    }
    house.pass(1);
    assert_eq!(house.stored_end("a", "1"), 240);
    // One that may be silent for long is written again when half of that is over.
    house.post(&[("b", "1", Some(3600))]);
    house.pass(1900);
    house.post(&[("b", "1", Some(3600))]);
    assert_eq!(house.stored_end("b", "1"), 41 + 1900 + 3600);
}
