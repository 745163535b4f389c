//! The times of notifications, played with a clock of our own: groups, the log, and what is sent when.

use super::*;
use crate::alerts::model::matcher::{Matchers, Syntax, parse_matchers};
use crate::alerts::model::routing::{GroupBy, RouteConfig};
use crate::alerts::route::log::{Entry, plan};
use crate::base::time::Duration;

const WAIT: i64 = 30_000;
const INTERVAL: i64 = 300_000;

fn route(receiver: &str, conditions: &str) -> RouteConfig {
    let matchers = Matchers::new(parse_matchers(conditions, Syntax::Both).expect("reads").value);
    RouteConfig { receiver: receiver.to_owned(), matchers, ..RouteConfig::default() }
}

/// Waits 30 s, tells of changes every 5 min, repeats after an hour.
fn root() -> RouteConfig {
    RouteConfig {
        group_by: Some(GroupBy::Labels(vec!["alertname".to_owned()])),
        repeat_interval: Some(Duration::from_secs(3600)),
        ..route("r", "")
    }
}

fn alert(name: &str, instance: &str, starts_at: i64, ends_at: Option<i64>, updated_at: i64) -> RoutedAlert {
    let labels = Labels::from_pairs([("alertname", name), ("instance", instance)]);
    RoutedAlert { labels, annotations: vec![], starts_at, ends_at, updated_at, is_timeout: false, generator_url: String::new(), hush: None }
}

/// Plays alerts (when, and what) until `end`; gives what one channel hears: when, and `instance` or `instance(over)`.
fn play(config: &RouteConfig, alerts: &[(i64, RoutedAlert)], send_resolved: bool, end: i64) -> Vec<(i64, String)> {
    let mut groups = Groups::new(Arc::new(RouteTree::new(config)));
    let mut log: HashMap<Arc<str>, Entry> = HashMap::new();
    let mut heard = Vec::new();
    let mut coming = alerts.iter().peekable();
    loop {
        let due = groups.next_due().filter(|due| *due <= end);
        match (coming.peek(), due) {
            (Some((at, _)), due) if due.is_none_or(|due| *at <= due) => {
                if let Some((at, alert)) = coming.next() {
                    groups.insert(alert, *at);
                }
            }
            (_, Some(now)) => {
                for flush in groups.due(now) {
                    let repeat = groups.tree().get(flush.id.route).expect("a route").repeat_interval;
                    if let Some(plan) = plan(log.get(&flush.key), &flush.alerts, &[], (send_resolved, repeat), now) {
                        let text = |alert: &RoutedAlert| {
                            let over = if alert.is_resolved_at(now) { "(over)" } else { "" };
                            format!("{}{over}", alert.labels.get("instance").unwrap_or(""))
                        };
                        if !plan.alerts.is_empty() {
                            heard.push((now, plan.alerts.iter().map(text).collect::<Vec<_>>().join(" ")));
                        }
                        log.insert(flush.key.clone(), plan.entry);
                    }
                    groups.settle(&flush);
                }
            }
            _ => return heard,
        }
    }
}

#[test]
fn first_after_the_wait_then_changes_at_the_interval() {
    let first = WAIT;
    for (what, alerts, send_resolved, expected) in [
        ("one", vec![(0, alert("a", "1", 0, None, 0))], true, vec![(first, "1")]),
        (
            "two within the wait are one message",
            vec![(0, alert("a", "1", 0, None, 0)), (20_000, alert("a", "2", 20_000, None, 1))],
            true,
            vec![(first, "1 2")],
        ),
        (
            "a new one waits for the interval",
            vec![(0, alert("a", "1", 0, None, 0)), (40_000, alert("a", "2", 40_000, None, 1))],
            true,
            vec![(first, "1"), (first + INTERVAL, "1 2")],
        ),
        (
            "one is over",
            vec![(0, alert("a", "1", 0, None, 0)), (0, alert("a", "2", 0, None, 0)), (60_000, alert("a", "1", 0, Some(60_000), 60_000))],
            true,
            vec![(first, "1 2"), (first + INTERVAL, "1(over) 2")],
        ),
        (
            "all are over, told once",
            vec![(0, alert("a", "1", 0, None, 0)), (60_000, alert("a", "1", 0, Some(60_000), 60_000))],
            true,
            vec![(first, "1"), (first + INTERVAL, "1(over)")],
        ),
        (
            "an end that nobody wants",
            vec![(0, alert("a", "1", 0, None, 0)), (60_000, alert("a", "1", 0, Some(60_000), 60_000))],
            false,
            vec![(first, "1")],
        ),
        (
            "over before the first message",
            vec![(0, alert("a", "1", 0, None, 0)), (10_000, alert("a", "1", 0, Some(10_000), 10_000))],
            true,
            vec![],
        ),
        (
            "back after the end is a first message of a new group",
            vec![
                (0, alert("a", "1", 0, None, 0)),
                (60_000, alert("a", "1", 0, Some(60_000), 60_000)),
                (400_000, alert("a", "1", 400_000, None, 400_000)),
            ],
            true,
            vec![(first, "1"), (first + INTERVAL, "1(over)"), (400_000 + WAIT, "1")],
        ),
        ("older than the wait", vec![(100_000, alert("a", "1", 0, None, 0))], true, vec![(100_000, "1")]),
        (
            "two groups in order of their times",
            vec![(5_000, alert("b", "b", 5_000, None, 0)), (6_000, alert("a", "a", 6_000, None, 0))],
            true,
            vec![(35_000, "b"), (36_000, "a")],
        ),
    ] {
        let expected: Vec<(i64, String)> = expected.into_iter().map(|(at, text)| (at, text.to_owned())).collect();
        assert_eq!(play(&root(), &alerts, send_resolved, 3_000_000), expected, "{what}");
    }
}

#[test]
fn unchanged_groups_are_repeated() {
    let heard = play(&root(), &[(0, alert("a", "1", 0, None, 0))], true, 3 * 3_600_000);
    // A repeat comes with the first interval after the repeat interval, as upstream.
    let step = 3_600_000 + INTERVAL;
    assert_eq!(heard, [WAIT, WAIT + step, WAIT + 2 * step].map(|at| (at, "1".to_owned())));
}

#[test]
fn each_route_has_its_own_group() {
    let routes = vec![
        RouteConfig { goes_on: true, ..route("first", "alertname=a") },
        RouteConfig { group_by: Some(GroupBy::All), group_wait: Some(Duration::from_secs(1)), ..route("second", "alertname=a") },
    ];
    let mut groups = Groups::new(Arc::new(RouteTree::new(&RouteConfig { routes, ..root() })));
    groups.insert(&alert("a", "1", 0, None, 0), 0);
    groups.insert(&alert("a", "2", 0, None, 0), 0);
    let keys = |flushes: &[Flush]| flushes.iter().map(|flush| flush.key.to_string()).collect::<Vec<_>>();
    assert_eq!(groups.iter().count(), 3);
    let own = [r#"{}/{alertname="a"}:{alertname="a", instance="1"}"#, r#"{}/{alertname="a"}:{alertname="a", instance="2"}"#];
    let mut second = keys(&groups.due(1_000));
    second.sort();
    assert_eq!(second, own);
    assert_eq!(keys(&groups.due(WAIT)), [r#"{}/{alertname="a"}:{alertname="a"}"#]);
    assert_eq!((groups.due(WAIT).len(), groups.next_due()), (0, Some(1_000 + INTERVAL)));
}

#[test]
fn what_came_while_a_message_was_on_its_way_stays() {
    let mut groups = Groups::new(Arc::new(RouteTree::new(&root())));
    groups.insert(&alert("a", "1", 0, Some(10), 10), 0);
    let flush = groups.due(WAIT).remove(0);
    groups.insert(&alert("a", "1", 20_000, None, 31_000), 31_000);
    groups.settle(&flush);
    assert_eq!(groups.iter().count(), 1);
    // What ended while a message was on its way is told at the next interval.
    let flush = groups.due(WAIT + INTERVAL).remove(0);
    groups.insert(&alert("a", "1", 20_000, Some(INTERVAL), 40_000), 40_000);
    groups.settle(&flush);
    let flush = groups.due(WAIT + 2 * INTERVAL).remove(0);
    assert_eq!(groups.iter().count(), 1);
    groups.settle(&flush);
    assert_eq!(groups.iter().count(), 0);
}

#[test]
fn bounded_and_late() {
    let mut groups = Groups::new(Arc::new(RouteTree::new(&root())));
    groups.groups_max = 2;
    for name in ["a", "b", "c"] {
        groups.insert(&alert(name, "1", 0, None, 0), 0);
    }
    assert_eq!((groups.iter().count(), groups.refused()), (2, 1));
    // Much too late: one message for all that was missed.
    assert_eq!(groups.due(WAIT + 10 * INTERVAL).len(), 2);
    assert_eq!(groups.next_due(), Some(WAIT + 11 * INTERVAL));
}

#[test]
fn other_routes_keep_the_times_of_groups_that_stay() {
    let mut groups = Groups::new(Arc::new(RouteTree::new(&root())));
    groups.insert(&alert("a", "1", 0, None, 0), 0);
    groups.insert(&alert("b", "1", 0, None, 0), 0);
    assert_eq!(groups.due(WAIT).len(), 2);
    let moved = RouteConfig { routes: vec![route("other", "alertname=b")], ..root() };
    groups.retarget(Arc::new(RouteTree::new(&moved)), 40_000);
    let dues: Vec<(&str, i64)> = groups.iter().map(|(_, group)| (group.labels.get("alertname").unwrap_or(""), group.due_at)).collect();
    assert_eq!(dues, [("a", WAIT + INTERVAL), ("b", 40_000)]);
}

#[test]
fn the_order_of_messages_is_upstreams() {
    let labels = |pairs: &[(&str, &str)]| RoutedAlert { labels: Labels::from_pairs(pairs.iter().copied()), ..alert("", "", 0, None, 0) };
    let expected = vec![
        labels(&[("job", "a"), ("instance", "1")]),
        labels(&[("job", "a"), ("instance", "2")]),
        labels(&[("job", "a"), ("x", "1")]),
        labels(&[("job", "b"), ("instance", "1")]),
        labels(&[("instance", "1")]),
        labels(&[("x", "1")]),
        labels(&[("b", "1"), ("c", "1")]),
        labels(&[("a", "1"), ("c", "1")]),
        labels(&[("a", "1"), ("c", "2")]),
    ];
    let mut alerts: Vec<RoutedAlert> = expected.iter().rev().cloned().collect();
    sort(&mut alerts);
    assert_eq!(alerts, expected);
}
