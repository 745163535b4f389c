//! Variables of dashboards over made-up series.

use serde_json::json;

use super::*;
use crate::boards::query::fakes::{World, read_selector};
use crate::series::value::{InstantSample, Point, Value};

const RANGE: TimeRange = TimeRange::new(0, 3_600_000);

fn world() -> World {
    World::of(&["up job=api instance=a:1", "up job=api instance=b:1", "up job=db instance=c:1", "node_load1 job=node instance=n:1"])
}

fn found(list: serde_json::Value, url: &str) -> Resolved {
    let (board, _) = Board::read(&json!({"title": "t", "uid": "u", "templating": {"list": list}})).unwrap();
    let world = world();
    let cancel = Cancel::new();
    let ports =
        Ports { select: &world, evaluate: &world, logs: &world, read: &read_selector, scrape: 15_000, user: "", zone: "", cancel: &cancel };
    resolve(&board, &Choices::from_query(url), RANGE, &ports)
}

fn values(resolved: &Resolved, name: &str) -> Vec<String> {
    resolved.values_of(name).into_iter().map(|(_, value)| value).collect()
}

#[test]
fn variables_are_found_in_order_each_with_those_before() {
    let list = json!([
        {"type": "datasource", "name": "ds", "query": "prometheus", "current": {"value": "default"}},
        {"type": "query", "name": "job", "query": "label_values(up, job)", "datasource": {"type": "prometheus", "uid": "${ds}"}, "multi": true, "includeAll": true, "current": {"value": ["$__all"]}},
        {"type": "query", "name": "node", "query": {"query": "label_values(up{job=~\"$job\"}, instance)", "refId": "x"}, "sort": 2, "datasource": "$ds"},
        {"type": "query", "name": "host", "query": "label_values(up{instance=\"$node\"}, instance)", "regex": "/(\\w+):.*/"},
    ]);
    let all = found(list.clone(), "");
    assert_eq!(values(&all, "ds"), ["metrics"]);
    assert_eq!((values(&all, "job"), all.find("job").unwrap().is_all), (vec!["api".to_owned(), "db".to_owned()], true));
    assert_eq!((values(&all, "node"), values(&all, "host")), (vec!["c:1".to_owned()], vec!["c".to_owned()]));
    let chosen = found(list.clone(), "var-job=api&var-node=c:1");
    assert_eq!(
        (values(&chosen, "job"), values(&chosen, "node")),
        (vec!["api".to_owned()], vec!["b:1".to_owned()]),
        "what is not offered falls away"
    );
    assert_eq!(values(&found(list, "var-job=api&var-node=a:1"), "host"), ["a"]);
}

#[test]
fn every_kind_of_variable_offers_what_it_should() {
    let resolved = found(
        json!([
            {"type": "custom", "name": "c", "query": "a, B : b", "current": {"value": "b"}},
            {"type": "constant", "name": "k", "query": "fixed"},
            {"type": "textbox", "name": "t", "query": "typed"},
            {"type": "interval", "name": "i", "query": "1m,5m", "auto": true, "auto_count": 10, "auto_min": "10s", "current": {"value": "$__auto_interval_i"}},
            {"type": "query", "name": "names", "query": "label_names()"},
            {"type": "query", "name": "metrics", "query": "metrics(load)"},
            {"type": "query", "name": "loki", "query": {"type": 1, "label": "instance", "stream": "{job=\"db\"}"}, "datasource": {"type": "loki", "uid": "x"}},
            {"type": "query", "name": "broken", "query": "label_values(up{x}, y)"},
            {"type": "query", "name": "other", "query": "show tables", "datasource": {"type": "mysql", "uid": "x"}},
            {"type": "query", "name": "old", "query": "gone", "refresh": 0, "options": [{"text": "All", "value": "$__all"}, {"text": "x", "value": "y"}]},
            {"type": "adhoc", "name": "f", "filters": [{"key": "job", "operator": "=", "value": "api"}, {"key": "a", "operator": "<", "value": "1"}]},
            {"type": "switch", "name": "s", "current": {"value": "true"}, "options": [{"text": "On", "value": "true"}, {"text": "Off", "value": "false"}]},
        ]),
        "var-k=other&var-t=given",
    );
    for (name, expected) in [
        ("c", "b"),
        ("k", "fixed"),
        ("t", "given"),
        ("i", "5m"),
        ("names", "__name__"),
        ("metrics", "node_load1"),
        ("loki", "c:1"),
        ("old", "y"),
        ("f", "job|=|api"),
        ("s", "true"),
        ("broken", ""),
    ] {
        assert_eq!(values(&resolved, name).join(","), expected, "{name}");
    }
    assert!(resolved.find("broken").unwrap().error.as_ref().unwrap().contains("is no matcher"));
    assert!(resolved.find("other").unwrap().error.as_ref().unwrap().contains("of the kind \"mysql\""));
    assert_eq!(resolved.conditions().len(), 1);
    assert_eq!(resolved.find("i").unwrap().choices.len(), 3);
    assert!(resolved.find("f").unwrap().choices.iter().any(|one| one.value == "job"));
}

#[test]
fn results_of_queries_are_choices() {
    let mut world = world();
    world.answer = |question| {
        assert!(matches!(question.when, crate::series::ports::When::Instant(3_600_000)));
        let labels = crate::series::labels::Labels::from_pairs([("__name__", "up"), ("job", "a")]);
        Ok(Value::Vector(vec![InstantSample { labels, ts: 5, value: Point::Float(2.5) }]))
    };
    let (board, _) =
        Board::read(&json!({"title": "t", "templating": {"list": [{"type": "query", "name": "q", "query": "query_result(topk(1, up))"}]}}))
            .unwrap();
    let cancel = Cancel::new();
    let ports =
        Ports { select: &world, evaluate: &world, logs: &world, read: &read_selector, scrape: 15_000, user: "", zone: "", cancel: &cancel };
    let resolved = resolve(&board, &Choices::default(), RANGE, &ports);
    assert_eq!(values(&resolved, "q"), ["up{job=\"a\"} 2.5 5"]);
}

fn bounded(list: serde_json::Value, url: &str, names: &[&str]) -> Resolved {
    let (board, _) = Board::read(&json!({"title": "t", "uid": "u", "templating": {"list": list}})).unwrap();
    let (world, cancel) = (world(), Cancel::new());
    let ports =
        Ports { select: &world, evaluate: &world, logs: &world, read: &read_selector, scrape: 15_000, user: "", zone: "", cancel: &cancel };
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    resolve(&board, &Choices::from_query(url).bounded(&names), RANGE, &ports)
}

#[test]
fn who_may_only_choose_writes_nothing_into_queries() {
    let list = json!([
        {"type": "query", "name": "job", "query": "label_values(up, job)", "multi": true, "includeAll": true, "current": {"value": ["api"]}},
        {"type": "textbox", "name": "text", "query": "own"},
        {"type": "adhoc", "name": "filters", "filters": [{"key": "job", "operator": "=", "value": "api"}]},
        {"type": "interval", "name": "step", "query": "1m,10m", "auto": true, "current": {"value": "10m"}},
        {"type": "custom", "name": "n", "query": "1,2", "current": {"value": "2"}},
        {"type": "query", "name": "gone", "query": "label_values(nothing_there, job)"},
    ]);
    let names = ["job", "text", "filters", "step", "n", "gone"];
    for attack in ["x\"} or up{a=\"", ".*", "a|b", "api|db", ".+", "", "1) or vector(1", "job|=~|.*", "$job", "${__user}"] {
        let value = crate::ui::links::encode(attack);
        let url: Vec<String> = names.iter().map(|name| format!("var-{name}={value}")).collect();
        let found = bounded(list.clone(), &url.join("&"), &names);
        assert_eq!(values(&found, "job"), ["api"], "{attack}");
        assert_eq!((values(&found, "text"), values(&found, "n")), (vec!["own".to_owned()], vec!["2".to_owned()]), "{attack}");
        assert_eq!((values(&found, "filters"), values(&found, "step")), (vec!["job|=|api".to_owned()], vec!["10m".to_owned()]), "{attack}");
        assert!(values(&found, "gone").is_empty(), "{attack}");
    }
    let found = bounded(list.clone(), "var-job=db&var-job=nothing&var-n=1&var-step=auto", &names);
    assert_eq!((values(&found, "job"), values(&found, "n")), (vec!["db".to_owned()], vec!["1".to_owned()]));
    assert_ne!(values(&found, "step"), ["10m"]);
    assert!(bounded(list, "var-job=$__all", &names).find("job").unwrap().is_all);
}
