//! The endpoints over a routing in memory. What is expected was recorded from Alertmanager 0.25, with what later
//! versions changed: `mutedBy`, any names of labels, 404 for ending a silence that is not there.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use parking_lot::Mutex;

use super::*;
use crate::alerts::calm::{Calm, CalmRule, Deed, Handling, Named, Note};
use crate::alerts::config::{self, RoutingConfig};
use crate::alerts::dispatch::{AlertView, ChannelState, DispatchError, GroupView, InForce, Marks, Storing, Telling};
use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::model::silence::Silence;
use crate::alerts::route::tree::RouteTree;
use crate::base::clock::ManualClock;
use crate::platform::config::diagnostic::Report;
use crate::series::labels::Labels;
use crate::series::ports::Hush;

/// 2026-11-21T22:48:29.781Z.
const NOW: i64 = 1_795_301_309_781;
const ID: &str = "4d1a5c5f-0a5f-4a0f-9b36-aaaaaaaaaaaa";

/// A routing that keeps what it is given, and groups everything by receiver.
struct Memory {
    in_force: Arc<InForce>,
    alerts: Mutex<Vec<AlertView>>,
    silences: Mutex<Vec<Silence>>,
    muted_by: Vec<String>,
}

impl Memory {
    fn new() -> Self {
        let text = "route:\n  receiver: default\n  routes:\n  - {matchers: ['test=1'], receiver: b, continue: true}\n  - {matchers: ['test=1'], receiver: a}\n\
                    receivers: [{name: default}, {name: b}, {name: a}]\n";
        let mut report = Report::new("am.yml".as_ref());
        let config: RoutingConfig = config::read(text, &mut report);
        assert!(!report.has_errors(), "{report:?}");
        let tree = Arc::new(RouteTree::new(&config.route));
        let in_force = InForce { config, printed: "global: {}\n".to_owned(), tree, path: String::new() };
        Self { in_force: Arc::new(in_force), alerts: Mutex::default(), silences: Mutex::default(), muted_by: Vec::new() }
    }

    fn mark(&self, name: &str, marks: Marks) {
        let mut alerts = self.alerts.lock();
        alerts.iter_mut().find(|view| view.alert.name() == name).unwrap().marks = marks;
    }
}

impl Routing for Memory {
    fn post<'a>(&'a self, alerts: Vec<RoutedAlert>) -> Storing<'a, ()> {
        let views = alerts.into_iter().map(|alert| {
            let receivers = self.in_force.tree.matching(&alert.labels).iter().map(|route| Arc::clone(&route.receiver)).collect();
            AlertView { alert, marks: Marks::default(), receivers, handling: Handling::default() }
        });
        self.alerts.lock().extend(views);
        Box::pin(async { Ok(()) })
    }

    fn alerts(&self) -> Vec<AlertView> {
        self.alerts.lock().clone()
    }

    fn groups(&self) -> Vec<GroupView> {
        let mut groups: BTreeMap<Arc<str>, Vec<AlertView>> = BTreeMap::new();
        for view in self.alerts.lock().iter() {
            for receiver in &view.receivers {
                groups.entry(Arc::clone(receiver)).or_default().push(view.clone());
            }
        }
        let group = |(receiver, alerts)| {
            let (labels, muted_by) = (Labels::from_pairs([("team", "x")]), self.muted_by.clone());
            GroupView { labels, receiver, key: "{}".into(), route: 0, due_at: 0, muted_by, alerts }
        };
        groups.into_iter().map(group).collect()
    }

    fn silences(&self) -> Vec<Silence> {
        self.silences.lock().clone()
    }

    fn put_silence<'a>(&'a self, mut silence: Silence) -> Storing<'a, String> {
        let mut all = self.silences.lock();
        let result = if silence.id.is_empty() {
            silence.id = format!("{}{}", &ID[..35], all.len());
            all.push(silence.clone());
            Ok(silence.id)
        } else if let Some(old) = all.iter_mut().find(|old| old.id == silence.id) {
            *old = silence.clone();
            Ok(silence.id)
        } else {
            Err(DispatchError::NoSilence(silence.id))
        };
        Box::pin(async { result })
    }

    fn expire_silence<'a>(&'a self, id: &'a str) -> Storing<'a, ()> {
        let mut all = self.silences.lock();
        let found = all.iter_mut().find(|silence| silence.id == id).map(|silence| silence.ends_at = NOW);
        Box::pin(async move { found.ok_or_else(|| DispatchError::NoSilence(id.to_owned())) })
    }

    fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.in_force)
    }

    fn tellings<'a>(&'a self, _limit: usize) -> Storing<'a, Vec<Telling>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn calm(&self) -> Arc<Calm> {
        Arc::default()
    }

    fn put_calm<'a>(&'a self, _id: Option<&'a str>, rule: CalmRule, _by: &'a str) -> Storing<'a, (Named, Option<Named>)> {
        Box::pin(async move { Err(DispatchError::TooMany(format!("no {}", rule.kind().as_str()))) })
    }

    fn delete_calm<'a>(&'a self, id: &'a str) -> Storing<'a, Named> {
        Box::pin(async move { Err(DispatchError::NoRule(id.to_owned())) })
    }

    fn handle<'a>(&'a self, fingerprint: u64, _deed: Deed, _by: &'a str) -> Storing<'a, Handling> {
        Box::pin(async move { Err(DispatchError::NoAlert(fingerprint)) })
    }

    fn notes(&self, _fingerprints: Vec<u64>, _from: i64) -> Storing<'_, Vec<Note>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn channels(&self) -> BTreeMap<(Arc<str>, String), ChannelState> {
        BTreeMap::new()
    }

    fn send_test<'a>(&'a self, _receiver: &'a str, _channel: &'a str) -> Storing<'a, Result<String, String>> {
        Box::pin(async { Ok(Err("no".to_owned())) })
    }
}

fn state_of(memory: Memory) -> (Arc<V2State>, Arc<Memory>) {
    let memory = Arc::new(memory);
    let routing: Arc<dyn Routing> = Arc::clone(&memory) as _;
    (Arc::new(V2State { routing, clock: ManualClock::at(NOW), started_at: NOW - 1_783 }), memory)
}

async fn text(answer: Result<Response, answer::Refusal>) -> (u16, String) {
    let answer = answer.into_response();
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

fn asked(query: &str) -> Request<Body> {
    Request::get(format!("/x?{query}")).body(Body::empty()).unwrap()
}

fn posted(body: &str) -> Request<Body> {
    Request::post("/x").header("content-type", "application/json").body(Body::from(body.to_owned())).unwrap()
}

const DOWN: &str = r#"[{"labels":{"alertname":"Down","a":"","test":"1"},"annotations":{"s":"<x> & y"},"startsAt":"2026-01-01T00:00:00.5+02:00","generatorURL":"http://x/y?a=b"},
    {"labels":{"alertname":"Up","job":"z"},"startsAt":"0001-01-01T00:00:00.000Z","endsAt":"0001-01-01T00:00:00.000Z","unknown":1}]"#;

#[tokio::test]
async fn alerts_are_shown_to_the_byte() {
    let (state, memory) = state_of(Memory::new());
    assert_eq!(text(alerts::alerts(State(Arc::clone(&state)), asked("")).await).await, (200, "[]\n".to_owned()));
    assert_eq!(text(alerts::post(State(Arc::clone(&state)), posted(DOWN)).await).await, (200, String::new()));
    let all = async |query: &str| text(alerts::alerts(State(Arc::clone(&state)), asked(query)).await).await;
    let down = r#"{"annotations":{"s":"\u003cx\u003e \u0026 y"},"endsAt":"2026-11-21T22:53:29.781Z","fingerprint":"b7b81a39bb4b0321","receivers":[{"name":"b"},{"name":"a"}],"startsAt":"2025-12-31T22:00:00.500Z","status":{"inhibitedBy":[],"mutedBy":[],"silencedBy":[],"state":"active"},"updatedAt":"2026-11-21T22:48:29.781Z","generatorURL":"http://x/y?a=b","labels":{"alertname":"Down","test":"1"}}"#;
    let up = r#"{"annotations":{},"endsAt":"2026-11-21T22:53:29.781Z","fingerprint":"fbf4c4b1d1e1d7a6","receivers":[{"name":"default"}],"startsAt":"2026-11-21T22:48:29.781Z","status":{"inhibitedBy":[],"mutedBy":[],"silencedBy":[],"state":"active"},"updatedAt":"2026-11-21T22:48:29.781Z","labels":{"alertname":"Up","job":"z"}}"#;
    let fingerprint = format!("{:016x}", memory.alerts.lock()[1].alert.fingerprint());
    let up = up.replace("fbf4c4b1d1e1d7a6", &fingerprint);
    let both = if fingerprint.as_str() < "b7b8" { format!("[{up},{down}]\n") } else { format!("[{down},{up}]\n") };
    assert_eq!(all("").await, (200, both));
    memory.mark("Up", Marks { silenced_by: vec![ID.to_owned()], inhibited_by: vec![255], ..Marks::default() });
    let only_down = format!("[{down}]\n");
    for (query, expected) in [
        ("silenced=false", only_down.as_str()),
        ("silenced=true&silenced=no", &only_down),
        ("inhibited=0", &only_down),
        ("filter=test%3D1&filter=alertname%3D~%22D.*%22", &only_down),
        ("receiver=a", &only_down),
        ("receiver=a|c", &only_down),
        ("receiver=&filter=job%3D%22%22", &only_down),
        ("active=false&silenced=false", "[]\n"),
        ("receiver=aa", "[]\n"),
        ("filter=test%21%3D1&filter=job%3Dy", "[]\n"),
    ] {
        assert_eq!(all(query).await, (200, expected.to_owned()), "{query}");
    }
    let (_, suppressed) = all("active=x").await;
    assert!(
        suppressed.contains(&format!(
            r#""status":{{"inhibitedBy":["00000000000000ff"],"mutedBy":[],"silencedBy":["{ID}"],"state":"suppressed"}}"#
        )),
        "{suppressed}"
    );
    memory.mark("Up", Marks { hush: Some(Hush::Maintenance("Move".to_owned())), ..Marks::default() });
    let (_, hushed) = all("active=false").await;
    let kept = r#""status":{"inhibitedBy":[],"mutedBy":["maintenance: Move"],"silencedBy":[],"state":"suppressed"}"#;
    assert!(hushed.contains(kept) && !hushed.contains("Down"), "{hushed}");
    assert_eq!(all("muted=false").await, (200, only_down));
    for (query, expected) in [
        ("filter=a", "\"bad matcher format: a\"\n"),
        ("filter=", "\"bad matcher format: \"\n"),
        ("filter=%7Ba%3Db%7D", "\"unexpected open or close brace: {a=b}\"\n"),
    ] {
        assert_eq!(all(query).await, (400, expected.to_owned()), "{query}");
    }
    let (status, words) = all("receiver=(").await;
    assert_eq!(status, 400);
    assert!(words.starts_with("\"failed to parse receiver param: error parsing regexp: ") && words.ends_with("`^(?:()$`\"\n"), "{words}");
    let html = Request::get("/x").header("accept", "text/html").body(Body::empty()).unwrap();
    let refused = r#"{"code":406,"message":"unsupported media type requested, only [application/json] are available"}"#;
    assert_eq!(text(alerts::alerts(State(Arc::clone(&state)), html).await).await, (406, refused.to_owned()));
}

#[tokio::test]
async fn groups_hold_what_is_wanted_and_say_what_keeps_them_back() {
    let (state, _) = state_of(Memory { muted_by: vec!["night".to_owned()], ..Memory::new() });
    let _ = alerts::post(State(Arc::clone(&state)), posted(DOWN)).await;
    let all = async |query: &str| text(alerts::groups(State(Arc::clone(&state)), asked(query)).await).await;
    let (status, shown) = all("filter=test%3D1").await;
    assert_eq!(status, 200);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let receivers: Vec<&str> = shown.as_array().unwrap().iter().map(|group| group["receiver"]["name"].as_str().unwrap()).collect();
    assert_eq!(receivers, ["a", "b"], "a group without alerts is none");
    assert_eq!(shown[0]["labels"], serde_json::json!({"team": "x"}));
    assert_eq!(shown[0]["alerts"][0]["receivers"], serde_json::json!([{"name": "a"}, {"name": "b"}]), "in order of names");
    assert_eq!(shown[0]["alerts"][0]["status"]["mutedBy"], serde_json::json!(["night"]));
    assert_eq!(shown[0]["alerts"][0]["status"]["state"], "suppressed");
    assert_eq!(all("muted=false").await.1, "[]\n");
    let (_, one) = all("receiver=def.*").await;
    assert!(
        one.starts_with(r#"[{"alerts":[{"#) && one.ends_with("\"labels\":{\"team\":\"x\"},\"receiver\":{\"name\":\"default\"}}]\n"),
        "{one}"
    );
    assert_eq!(serde_json::from_str::<serde_json::Value>(&one).unwrap().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn alerts_that_cannot_be_are_refused_and_the_others_taken() {
    let interface = |code: u32, message: &str| serde_json::json!({ "code": code, "message": message }).to_string();
    let words = |text: &str| format!("{}\n", serde_json::json!(text));
    for (body, status, expected) in [
        ("[]", 200, String::new()),
        ("null", 200, String::new()),
        (r#"[{"labels":{"a":"b"}}] x"#, 200, String::new()),
        ("", 422, interface(602, "alerts in body is required")),
        ("[{}]", 422, interface(602, "0.labels in body is required")),
        (r#"[{"labels":{"a":"b"}},{"labels":null}]"#, 422, interface(602, "1.labels in body is required")),
        (r#"[{"labels":{"a":"b"},"generatorURL":"::"}]"#, 422, interface(601, "0.generatorURL in body must be of type uri: \"::\"")),
        (r#"[{"labels":{"a":"b"},"generatorURL":"foo"}]"#, 422, interface(601, "0.generatorURL in body must be of type uri: \"foo\"")),
        (r#"[{"labels":{}}]"#, 400, words("at least one label pair required")),
        (r#"[{"labels":{"a":"","b":null}}]"#, 400, words("at least one label pair required")),
        (r#"[{"labels":{"":"b"}}]"#, 400, words("invalid label set: invalid name \"\"")),
        (r#"[{"labels":{"a":"b"},"annotations":{"":"2"}}]"#, 400, words("invalid annotations: invalid name \"\"")),
        (
            r#"[{"labels":{"a":"b"},"startsAt":"2026-01-01T00:00:00Z","endsAt":"2025-01-01T00:00:00Z"},{"labels":{"b":"c"}},{"labels":{}}]"#,
            400,
            words("start time must be before end time; at least one label pair required"),
        ),
    ] {
        let (state, memory) = state_of(Memory::new());
        assert_eq!(text(alerts::post(State(state), posted(body)).await).await, (status, expected), "{body}");
        let taken = memory.alerts.lock().len();
        assert_eq!(taken, usize::from(body.contains("] x") || body.contains(r#"{"b":"c"}"#)), "{body}");
    }
    for (body, cause) in [
        ("x", "expected value"),
        ("{}", "invalid type: map"),
        ("[null]", "invalid type: null"),
        (r#"[{"labels":{"a":1}}]"#, "invalid type: integer `1`, expected a string"),
        (r#"[{"labels":{"a":"b"},"startsAt":"x"}]"#, "\"x\" is no time"),
        (r#"[{"labels":{"a":"b"}},"#, "EOF"),
    ] {
        let (state, _) = state_of(Memory::new());
        let (status, said) = text(alerts::post(State(state), posted(body)).await).await;
        assert_eq!(status, 400, "{body}: {said}");
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let message = said["message"].as_str().unwrap();
        assert!(message.starts_with("parsing alerts body from \"\" failed, because ") && message.contains(cause), "{body}: {message}");
    }
    let (state, _) = state_of(Memory::new());
    let form = Request::post("/x").header("content-type", "application/x-www-form-urlencoded").body(Body::from("[]")).unwrap();
    let refused = interface(415, "unsupported media type \"application/x-www-form-urlencoded\", only [application/json] are allowed");
    assert_eq!(text(alerts::post(State(Arc::clone(&state)), form).await).await, (415, refused));
    let many = format!("[{}]", vec![r#"{"labels":{"a":"b"}}"#; 10_001].join(","));
    let (status, said) = text(alerts::post(State(state), posted(&many)).await).await;
    assert_eq!((status, said.as_str()), (400, "\"10001 alerts in one request, more than 10000\"\n"));
}

#[tokio::test]
async fn an_alert_without_an_end_ends_by_itself() {
    let (state, memory) = state_of(Memory::new());
    let body =
        r#"[{"labels":{"n":"1"}},{"labels":{"n":"2"},"endsAt":"2026-01-01T00:00:00Z"},{"labels":{"n":"3"},"startsAt":"","endsAt":""}]"#;
    let _ = alerts::post(State(state), posted(body)).await;
    let seen: Vec<_> = memory.alerts.lock().iter().map(|view| (view.alert.starts_at, view.alert.ends_at, view.alert.is_timeout)).collect();
    let past = 1_767_225_600_000;
    assert_eq!(seen, [(NOW, Some(NOW + 300_000), true), (past, Some(past), false), (0, Some(0), false)]);
}

fn silence_of(matchers: &str, more: &str) -> String {
    format!(
        r#"{{{more}"matchers":[{matchers}],"startsAt":"2026-11-21T22:00:00Z","endsAt":"2027-01-01T00:00:00Z","createdBy":"me","comment":"c"}}"#
    )
}

#[tokio::test]
async fn silences_are_made_changed_found_and_ended() {
    let (state, _) = state_of(Memory::new());
    let put = async |body: &str| silences::post(State(Arc::clone(&state)), posted(body)).await.into_response();
    let made =
        put(&silence_of(r#"{"name":"b","value":"q","isRegex":false},{"name":"a","value":"1.*","isRegex":true,"isEqual":false}"#, "")).await;
    assert!(made.extensions().get::<crate::access::Change>().is_some(), "it is written down");
    let id = format!("{}0", &ID[..35]);
    assert_eq!(text(Ok(made)).await, (200, format!("{{\"silenceID\":\"{id}\"}}\n")));
    let shown = format!(
        r#"{{"id":"{id}","status":{{"state":"active"}},"updatedAt":"2026-11-21T22:48:29.781Z","comment":"c","createdBy":"me","endsAt":"2027-01-01T00:00:00.000Z","matchers":[{{"isEqual":true,"isRegex":false,"name":"b","value":"q"}},{{"isEqual":false,"isRegex":true,"name":"a","value":"1.*"}}],"startsAt":"2026-11-21T22:00:00.000Z"}}"#
    );
    let get = async |id: &str| text(silences::silence(State(Arc::clone(&state)), Path(id.to_owned()), HeaderMap::new()).await).await;
    let expire = async |id: &str| silences::expire(State(Arc::clone(&state)), Path(id.to_owned()), HeaderMap::new()).await;
    let all = async |query: &str| text(silences::silences(State(Arc::clone(&state)), asked(query)).await).await;
    assert_eq!(get(&id).await, (200, format!("{shown}\n")));
    for (query, is_found) in [("", true), ("filter=b%3Dq", true), ("filter=b%3D~q", false), ("filter=b%3Dq&filter=c%3Dq", false)] {
        assert_eq!(all(query).await, (200, if is_found { format!("[{shown}]\n") } else { "[]\n".to_owned() }), "{query}");
    }
    let changed =
        put(&silence_of(r#"{"name":"b","value":"r","isRegex":false}"#, &format!(r#""id":"{id}","annotations":{{"x":"y"}},"#))).await;
    assert_eq!(changed.status(), 200);
    assert!(get(&id).await.1.contains(r#""updatedAt":"2026-11-21T22:48:29.781Z","annotations":{"x":"y"},"comment":"c""#));
    let ended = expire(&id).await.into_response();
    assert!(ended.extensions().get::<crate::access::Change>().is_some(), "it is written down");
    assert_eq!(text(Ok(ended)).await, (200, String::new()));
    assert!(get(&id).await.1.contains(r#""status":{"state":"expired"}"#));
    // Nobody has made these.
    assert_eq!(get(ID).await, (404, String::new()));
    assert_eq!(text(expire(ID).await).await, (404, String::new()));
    let strange = "{\"code\":601,\"message\":\"silenceID in path must be of type uuid: \\\"x\\\"\"}";
    assert_eq!(get("x").await, (422, strange.to_owned()));
    assert_eq!(text(expire("x").await).await, (422, strange.to_owned()));
    let unknown = put(&silence_of(r#"{"name":"b","value":"r","isRegex":false}"#, &format!(r#""id":"{ID}","#))).await;
    assert_eq!(text(Ok(unknown)).await, (404, "\"silence not found\"\n".to_owned()));
}

#[tokio::test]
async fn silences_are_listed_by_what_comes_next() {
    let (state, memory) = state_of(Memory::new());
    for (name, starts_at, ends_at) in
        [("d", NOW + 9, NOW + 20), ("e", 1, NOW - 9), ("b", 1, NOW + 30), ("c", NOW + 5, NOW + 90), ("f", 1, NOW - 20), ("a", 1, NOW + 10)]
    {
        let silence = Silence {
            id: name.to_owned(),
            matchers: Default::default(),
            starts_at,
            ends_at,
            updated_at: NOW,
            created_by: String::new(),
            comment: String::new(),
            annotations: Vec::new(),
        };
        memory.silences.lock().push(silence);
    }
    let (_, shown) = text(silences::silences(State(state), asked("")).await).await;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let order: String = shown.as_array().unwrap().iter().map(|silence| silence["id"].as_str().unwrap()).collect();
    assert_eq!(order, "abcdef");
}

#[tokio::test]
async fn silences_that_cannot_be_are_refused() {
    let (state, memory) = state_of(Memory::new());
    let interface = |code: u32, message: &str| (422, serde_json::json!({ "code": code, "message": message }).to_string());
    let words = |text: &str| (400, format!("{}\n", serde_json::json!(text)));
    let times = |starts_at: &str, ends_at: &str| {
        format!(
            r#"{{"matchers":[{{"name":"a","value":"b","isRegex":false}}],"startsAt":"{starts_at}","endsAt":"{ends_at}","createdBy":"","comment":""}}"#
        )
    };
    for (body, expected) in [
        (String::new(), interface(602, "silence in body is required")),
        ("{}".to_owned(), interface(602, "comment in body is required")),
        (r#"{"comment":""}"#.to_owned(), interface(602, "createdBy in body is required")),
        (silence_of("", ""), interface(612, "matchers in body should have at least 1 items")),
        (silence_of(r#"{"name":"a","value":"q"}"#, ""), interface(602, "matchers.0.isRegex in body is required")),
        (times("2027-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), words("Failed to create silence: start time must be before end time")),
        (times("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), words("Failed to create silence: end time can't be in the past")),
        (
            silence_of(r#"{"name":"a","value":"","isRegex":false}"#, ""),
            words("invalid silence: at least one matcher must not match the empty string"),
        ),
        (
            silence_of(r#"{"name":"","value":"x","isRegex":true}"#, ""),
            words("invalid silence: invalid label matcher 0: invalid label name \"\""),
        ),
    ] {
        assert_eq!(text(silences::post(State(Arc::clone(&state)), posted(&body)).await).await, expected, "{body}");
    }
    let (status, said) =
        text(silences::post(State(Arc::clone(&state)), posted(&silence_of(r#"{"name":"a","value":"(","isRegex":true}"#, ""))).await).await;
    assert_eq!(status, 400);
    assert!(said.starts_with("\"invalid silence: invalid label matcher 0: invalid regular expression \\\"(\\\": "), "{said}");
    let huge = silence_of(&format!(r#"{{"name":"a","value":"{}","isRegex":false}}"#, "x".repeat(200_000)), "");
    assert_eq!(text(silences::post(State(state), posted(&huge)).await).await.0, 413);
    assert!(memory.silences.lock().is_empty());
}

#[tokio::test]
async fn the_server_tells_of_itself() {
    let (state, _) = state_of(Memory::new());
    let shown = r#"{"cluster":{"peers":[],"status":"disabled"},"config":{"original":"global: {}\n"},"uptime":"2026-11-21T22:48:27.998Z","versionInfo":{"branch":"","buildDate":"","buildUser":"","goVersion":"","revision":"","version":"0.28.1"}}"#;
    assert_eq!(text(status::status(State(Arc::clone(&state)), HeaderMap::new()).await).await, (200, format!("{shown}\n")));
    let receivers = "[{\"name\":\"default\"},{\"name\":\"b\"},{\"name\":\"a\"}]\n";
    assert_eq!(text(status::receivers(State(state), HeaderMap::new()).await).await, (200, receivers.to_owned()));
}
