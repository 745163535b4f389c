//! Batches of panels over made-up answers.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use serde_json::json;

use super::*;
use crate::base::clock::{Clock, ManualClock};
use crate::base::time::TimeRange;
use crate::boards::model::{About, Folder, FolderSaving, Keeping, Library, NotSaved, Saving, Search, Stored, Version};
use crate::boards::query::fakes::{World, read_selector};
use crate::series::labels::Labels;
use crate::series::ports::{self, AlertNow, Happening, Line, Question, SearchWanted, When};
use crate::series::sample::Exemplar;
use crate::series::value::{RangeSeries, Value as Answer};

const NOW: i64 = 1_763_714_002_000;
static ASKED: AtomicUsize = AtomicUsize::new(0);

struct Nothing;

impl ports::Search for Nothing {
    fn search(&self, wanted: &SearchWanted<'_>) -> Result<Vec<Line>, EvaluateError> {
        let labels = Labels::from_pairs([("app", "shop")]);
        let at_ns = (wanted.range.start + 120_000) * 1_000_000;
        Ok(vec![Line { at_ns, text: format!("{} in words\n", wanted.query), level: String::new(), labels }])
    }

    fn is_metric(&self, query: &str) -> bool {
        !query.starts_with('{')
    }
}

impl AlertsNow for Nothing {
    fn now(&self, _: usize) -> Vec<AlertNow> {
        Vec::new()
    }
}

impl Happenings for Nothing {
    fn within(&self, range: TimeRange, _: usize) -> Result<Vec<Happening>, String> {
        let at = range.start + 60_000;
        Ok(vec![Happening { at, until: at, text: "deployed".into(), tags: vec!["deploy".into()], by: String::new(), path: String::new() }])
    }
}

/// One dashboard.
struct Shelf(Value);

fn about() -> About {
    About { uid: "u".to_owned(), version: 1, ..About::default() }
}

impl Library for Shelf {
    fn board(&self, _: String) -> Keeping<'_, Option<Stored>> {
        Box::pin(async { Ok(Some(Stored { about: about(), json: self.0.clone() })) })
    }

    fn find_boards(&self, search: Search) -> Keeping<'_, Vec<About>> {
        Box::pin(async move { Ok(if search.uids == ["u"] { vec![about()] } else { Vec::new() }) })
    }

    fn save(&self, _: Saving) -> Keeping<'_, Result<About, NotSaved>> {
        Box::pin(async { Err("not kept here".to_owned()) })
    }

    fn delete_board(&self, _: String) -> Keeping<'_, Option<About>> {
        Box::pin(async { Err("not kept here".to_owned()) })
    }

    fn board_tags(&self) -> Keeping<'_, Vec<(String, i64)>> {
        Box::pin(async { Err("not kept here".to_owned()) })
    }

    fn versions(&self, _: String, _: i64, _: usize) -> Keeping<'_, Vec<Version>> {
        Box::pin(async { Err("not kept here".to_owned()) })
    }

    fn version(&self, _: String, _: i64) -> Keeping<'_, Option<(Version, Value)>> {
        Box::pin(async { Err("not kept here".to_owned()) })
    }

    fn folders(&self) -> Keeping<'_, Vec<Folder>> {
        Box::pin(async { Err("not kept here".to_owned()) })
    }

    fn save_folder(&self, _: FolderSaving) -> Keeping<'_, Result<Folder, NotSaved>> {
        Box::pin(async { Err("not kept here".to_owned()) })
    }

    fn delete_folder(&self, _: String, _: bool) -> Keeping<'_, Result<Folder, NotSaved>> {
        Box::pin(async { Err("not kept here".to_owned()) })
    }

    fn star(&self, _: i64, _: String, _: bool) -> Keeping<'_, bool> {
        Box::pin(async { Err("not kept here".to_owned()) })
    }

    fn stars(&self, _: i64) -> Keeping<'_, Vec<String>> {
        Box::pin(async { Err("not kept here".to_owned()) })
    }
}

fn answer(question: &Question<'_>) -> Result<Answer, EvaluateError> {
    // Tests run beside each other; this is the query of one of them.
    if question.query.contains("job=\"db\"") {
        ASKED.fetch_add(1, Ordering::Relaxed);
    }
    if question.query.contains("bad(") {
        return Err(EvaluateError::Invalid { message: "1:1: unknown function".into(), span: Some((0, 3)) });
    }
    let When::Range { start, end, step } = question.when else { return Ok(Answer::Vector(Vec::new())) };
    if question.query.starts_with("node_gone") {
        return Ok(Answer::Matrix(Vec::new()));
    }
    let floats = (0..=(end - start) / step).map(|n| (start + n * step, n as f64)).collect();
    let labels = Labels::from_pairs([("query", question.query)]);
    Ok(Answer::Matrix(vec![RangeSeries { labels, floats, histograms: Vec::new() }]))
}

fn server() -> (Arc<Server>, Arc<ManualClock>) {
    let mut world = World::of(&["up job=api", "up job=db"]);
    world.answer = answer;
    let labels = Labels::from_pairs([("trace_id", "4bf9")]);
    world.exemplars = vec![Exemplar { labels, value: 2.0, ts: NOW - 600_000, is_timed: true }];
    let world = Arc::new(world);
    let clock = ManualClock::at(NOW);
    let board = json!({"title": "T", "uid": "u", "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [{"type": "query", "name": "job", "query": "label_values(up, job)", "current": {"value": "db"}}]},
        "annotations": {"list": [{"name": "Deploys", "enable": true, "iconColor": "red", "datasource": {"type": "grafana", "uid": "-- Grafana --"}, "target": {"type": "tags", "tags": ["deploy"]}},
            {"name": "Lines", "enable": false, "datasource": {"type": "loki", "uid": "x"}, "target": {"expr": "{job=\"$job\"}"}, "titleFormat": "{{app}}", "tagKeys": "app", "filter": {"exclude": true, "ids": [4]}},
            {"name": "Count", "enable": false, "datasource": {"type": "loki", "uid": "x"}, "target": {"expr": "count_over_time($job)", "interval": "60s"}, "filter": {"ids": [4]}}]},
        "panels": [
            {"id": 1, "type": "timeseries", "title": "Up of $job", "gridPos": {"x": 0, "y": 0, "w": 6, "h": 4}, "targets": [{"refId": "A", "expr": "up{job=\"$job\"}"}]},
            {"id": 2, "type": "timeseries", "title": "Bad", "gridPos": {"x": 6, "y": 0, "w": 6, "h": 4}, "targets": [{"refId": "B", "expr": "é + bad(x)"}, {"refId": "A", "expr": "bad(x)", "hide": true}]},
            {"id": 3, "type": "timeseries", "title": "Gone", "timeShift": "1d", "gridPos": {"x": 0, "y": 4, "w": 6, "h": 4}, "targets": [{"refId": "A", "expr": "node_gone"}], "pharos": {"howToSend": "Send it."}},
            {"id": 4, "type": "timeseries", "title": "None", "gridPos": {"x": 6, "y": 4, "w": 6, "h": 4}}]});
    let read: ReadQuery = Arc::new(|text| {
        let invalid = |message| EvaluateError::Invalid { message, span: None };
        Ok(Shape { text: text.to_owned(), selectors: vec![read_selector(text).map_err(invalid)?], compared: None })
    });
    let ports = Ports {
        select: world.clone(),
        engines: Engines { metrics: world.clone(), logs: world.clone(), search: Arc::new(Nothing) },
        log_labels: world,
        read,
        alerts: Arc::new(Nothing),
        happenings: Arc::new(Nothing),
        scrape: Arc::new(|| 15_000),
        library: Arc::new(Shelf(board)),
        clock: clock.clone() as Arc<dyn Clock>,
    };
    (Server::new(ports, 2), clock)
}

async fn lines(server: &Arc<Server>, body: Value) -> Vec<Value> {
    lines_for(server, body, Reader::default()).await
}

async fn lines_for(server: &Arc<Server>, body: Value, reader: Reader) -> Vec<Value> {
    let batch = Batch::read(body.to_string().as_bytes()).unwrap();
    let found: Vec<String> = server.batch("u", batch, reader).await.unwrap().collect().await;
    found.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn of<'a>(lines: &'a [Value], key: &str) -> &'a Value {
    lines.iter().find(|line| line["key"] == key).unwrap()
}

#[tokio::test]
async fn panels_are_answered_and_what_is_the_same_is_made_once() {
    let (server, clock) = server();
    let all = json!({"panels": [{"key": "1", "w": 600, "h": 200}, {"key": "2"}, {"key": "3"}, {"key": "4"}, {"key": "nine"}]});
    let first = lines(&server, all.clone()).await;
    assert_eq!((first.len(), &first[5]), (6, &json!({"done": true})));
    let one = of(&first, "1");
    assert_eq!(
        (&one["title"], &one["kind"], &one["data"]["series"][0]["name"]),
        (&json!("Up of db"), &json!("time"), &json!("{query=\"up{job=\\\"db\\\"}\"}"))
    );
    assert_eq!(
        (&one["data"]["n"], &one["data"]["marks"][0]["text"], &one["data"]["marks"][0]["colour"]),
        (&json!(241), &json!("deployed"), &json!("crit"))
    );
    let bad = of(&first, "2");
    assert_eq!(bad["error"], json!({"text": "1:1: unknown function", "ref": "B", "start": 0, "end": 2}));
    let gone = of(&first, "3");
    assert_eq!((&gone["kind"], &gone["note"]), (&json!("empty"), &json!("1 d earlier")));
    assert_eq!(gone["text"], "No data: nothing called node_gone was received in this time. Send it.");
    assert_eq!(of(&first, "4")["text"], "This panel has no query.");
    assert_eq!(of(&first, "nine")["error"]["text"], "this panel is not in the dashboard");

    let count = ASKED.load(Ordering::Relaxed);
    clock.advance(std::time::Duration::from_secs(1));
    let etag = one["etag"].clone();
    let again = lines(&server, json!({"panels": [{"key": "1", "w": 580, "have": etag}, {"key": "2"}]})).await;
    assert_eq!(of(&again, "1"), &json!({"key": "1", "etag": etag, "same": true}));
    assert_eq!(ASKED.load(Ordering::Relaxed), count, "a second later it is not asked again");
    lines(&server, json!({"refresh": true, "panels": [{"key": "1", "w": 580}]})).await;
    assert_eq!(ASKED.load(Ordering::Relaxed), count + 1, "unless somebody says so");
    let other = lines(&server, json!({"vars": "var-job=api", "panels": [{"key": "1"}]})).await;
    assert_eq!(of(&other, "1")["title"], "Up of api");
    clock.advance(std::time::Duration::from_secs(60));
    let later = lines(&server, json!({"panels": [{"key": "1", "w": 600}]})).await;
    assert_ne!(of(&later, "1")["data"]["start"], one["data"]["start"]);
}

#[tokio::test]
async fn annotations_are_turned_by_the_url_and_stand_on_their_panels() {
    let (server, _clock) = server();
    let panels = json!([{"key": "1", "w": 600}]);
    let marks = |found: &[Value]| {
        let marks = of(found, "1")["data"]["marks"].as_array().cloned().unwrap_or_default();
        marks
            .iter()
            .map(|mark| format!("{} {} {}", mark["name"].as_str().unwrap(), mark["text"].as_str().unwrap(), mark["tags"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(marks(&lines(&server, json!({"panels": panels})).await), ["Deploys deployed [\"deploy\"]"]);
    let turned = lines(&server, json!({"panels": panels, "marks": "mark-Deploys=off&mark-Lines=on&mark-Count=on"})).await;
    assert_eq!(marks(&turned), ["Lines shop: {job=\"db\"} in words [\"shop\"]"], "those of other panels are not there");
}

#[tokio::test]
async fn drafts_are_shown_and_what_is_no_dashboard_is_refused() {
    let (server, _clock) = server();
    let draft =
        json!({"title": "D", "panels": [{"id": 7, "type": "timeseries", "title": "Draft", "targets": [{"refId": "A", "expr": "up"}]}]});
    let found = lines(&server, json!({"draft": draft, "from": "now-15m", "to": "now", "panels": [{"key": "7", "w": 400}]})).await;
    assert_eq!((&found[0]["title"], &found[0]["data"]["step"]), (&json!("Draft"), &json!(15)));
    let refused = |uid: &str, body: Value| {
        let (server, uid) = (Arc::clone(&server), uid.to_owned());
        async move {
            let batch = Batch::read(body.to_string().as_bytes()).unwrap();
            server.batch(&uid, batch, Reader::default()).await.err().unwrap()
        }
    };
    assert_eq!(refused("x", json!({"panels": []})).await, "there is no dashboard \"x\"");
    assert!(refused("u", json!({"panels": [], "from": "soon"})).await.contains("\"soon\" is not a time"));
    assert!(refused("u", json!({"panels": [], "draft": []})).await.contains("JSON object"));
}

#[tokio::test]
async fn exemplars_are_for_those_who_have_an_account() {
    let (server, _clock) = server();
    let draft = json!({"title": "D", "panels": [{"id": 7, "type": "timeseries", "targets": [{"refId": "A", "expr": "up{job=\"$job\"}", "exemplar": true}]}],
        "templating": {"list": [{"type": "custom", "name": "job", "query": "db"}]}});
    let body = json!({"draft": draft, "from": "now-15m", "to": "now", "panels": [{"key": "7", "w": 400}]});
    let shown = lines(&server, body.clone()).await;
    let found = &shown[0]["data"]["exemplars"];
    assert_eq!((&found[0]["q"], &found[0]["labels"]), (&json!("A"), &json!([["4bf9", "up", "db"]])), "{shown:?}");
    let outside = lines_for(&server, body, Reader { is_outside: true, ..Reader::default() }).await;
    assert!(outside[0]["data"]["series"].is_array() && outside[0]["data"].get("exemplars").is_none(), "{outside:?}");
}

#[tokio::test]
async fn ten_readers_cost_as_much_as_one() {
    let (server, _clock) = server();
    let body = json!({"panels": [{"key": "1", "w": 640, "h": 200}], "vars": "var-job=api", "from": "now-3h"});
    let all = futures_util::future::join_all((0..10).map(|_| lines(&server, body.clone()))).await;
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
    let (answers, _) = &*server.answers.slots.lock();
    assert_eq!(answers.len(), 1);
}
