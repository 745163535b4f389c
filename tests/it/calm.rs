//! Calm alerting at the real server: rules of every kind, people who take care, silences that come again, dependencies.

use std::process::Command;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use pharos::base::clock::{Clock, SystemClock};
use serde_json::{Value as Json, json};

use crate::channels::recorder;
use crate::support::{Server, skip, until};

const JSON: &str = "application/json";

/// A server whose routing file stands in a folder of its own.
struct House {
    folder: tempfile::TempDir,
    server: Server,
}

/// Two receivers at an address; each alert is a group of its own, looked at every second and repeated every sixth: what was
/// told is remembered for twice the time of `repeat_interval`, as in Alertmanager, and the end of an alert must fall inside,
/// on a busy machine too.
fn routing(base: &str) -> String {
    format!(
        "route: {{receiver: ops, group_by: [...], group_wait: 1s, group_interval: 1s, repeat_interval: 5s}}\n\
         receivers:\n- {{name: ops, webhook_configs: [{{url: '{base}/ops'}}]}}\n- {{name: eve, webhook_configs: [{{url: '{base}/eve'}}]}}\n"
    )
}

impl House {
    fn new(base: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("alertmanager.yml");
        std::fs::write(&file, routing(base)).unwrap();
        let args = [
            "--host-metrics=false",
            "--own-metrics=false",
            "--enable-lifecycle",
            &format!("--alertmanager.config.file={}", file.display()),
        ];
        let server = Server::on(&folder.path().join("data"), &args);
        Self { folder, server }
    }

    /// What an address answers: the status, and the data or the error.
    fn ask(&self, method: &str, path: &str, body: &Json) -> (u16, Json) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, text) = self.server.send(method, path, JSON, &body);
        let answer: Json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{method} {path}: {status} {error}: {text}"));
        let data = if status == 200 { answer["data"].clone() } else { answer["error"].clone() };
        (status, data)
    }

    /// The same where it must be a success.
    fn do_it(&self, method: &str, path: &str, body: &Json) -> Json {
        let (status, data) = self.ask(method, path, body);
        assert_eq!(status, 200, "{method} {path}: {data}");
        data
    }

    fn refused(&self, method: &str, path: &str, body: &Json) -> (u16, String) {
        let (status, error) = self.ask(method, path, body);
        (status, error.as_str().unwrap_or_default().to_owned())
    }

    /// An alert fires for an hour, or is over; gives its fingerprint if it fires.
    fn alert(&self, name: &str, fires: bool) -> String {
        let now = SystemClock::new().now_ms() / 1000;
        let end = if fires { now + 3600 } else { now };
        let end = chrono::DateTime::from_timestamp(end, 0).unwrap().to_rfc3339();
        let body = json!([{ "labels": { "alertname": name, "site": "a \"b\"" }, "endsAt": end }]);
        let (status, text) = self.server.post("/api/v2/alerts", JSON, body.to_string());
        assert_eq!(status, 200, "{text}");
        let found = self.v2("alerts").into_iter().find(|alert| alert["labels"]["alertname"] == name);
        found.map_or_else(String::new, |alert| alert["fingerprint"].as_str().unwrap().to_owned())
    }

    fn v2(&self, what: &str) -> Vec<Json> {
        let (status, text) = self.server.get(&format!("/api/v2/{what}"));
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    fn v2_alert(&self, name: &str) -> Json {
        self.v2("alerts").into_iter().find(|alert| alert["labels"]["alertname"] == name).unwrap_or_default()
    }

    /// Actions in the audit log, newest first.
    fn audited(&self) -> Vec<String> {
        let (status, text) = self.server.get("/api/v1/audit?limit=100");
        assert_eq!(status, 200, "{text}");
        let quoted = text.split("\"action\":\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        quoted.collect()
    }
}

fn rules() -> [(&'static str, Json); 6] {
    let night = json!({ "times": [{ "start_time": "22:00", "end_time": "24:00" }], "location": "Europe/Berlin" });
    let eve = json!({ "person": "Eve", "receiver": "eve" });
    [
        ("recurring-silences", json!({ "title": "Backups", "matchers": ["alertname=\"Disk\""], "intervals": [night] })),
        ("dependencies", json!({ "title": "Net", "source": ["alertname=\"Link\""], "target": ["team=\"net\""], "equal": ["site"] })),
        ("escalations", json!({ "title": "Up", "matchers": [], "steps": [{ "after": "15m", "receiver": "eve" }] })),
        (
            "rotas",
            json!({
                "title": "Ops", "receiver": "ops", "timezone": "UTC", "members": [eve], "firstDay": "2026-01-05",
                "handOver": "09:00", "turnDays": 7, "overrides": [],
            }),
        ),
        ("caps", json!({ "receiver": "ops", "messages": 1000, "within": "1h" })),
        ("flapping", json!({ "title": "Flap", "matchers": [], "changes": 5, "within": "30m", "quiet": "10m" })),
    ]
}

#[test]
fn rules_of_every_kind_are_made_changed_and_forgotten() {
    let mut house = House::new("http://127.0.0.1:1");
    let mut made = Vec::new();
    for (kind, rule) in rules() {
        let one = house.do_it("POST", &format!("/api/v1/calm/{kind}"), &rule);
        assert_eq!((&one["kind"], &one["rule"]), (&json!(kind), &rule));
        assert!(one["missingReceivers"].is_null(), "{one}");
        made.push((kind, rule, one["id"].as_str().unwrap().to_owned()));
    }
    let (kind, mut rule, id) = made[0].clone();
    rule["title"] = json!("Backups at night");
    let path = format!("/api/v1/calm/{kind}/{id}");
    assert_eq!(house.do_it("PUT", &path, &rule)["rule"], rule);
    made[0].1 = rule;
    house.server.kill_and_restart();
    assert_eq!(house.server.api("/api/v1/calm").as_array().unwrap().len(), 6);
    for (kind, rule, id) in &made {
        let those = house.server.api(&format!("/api/v1/calm/{kind}"));
        assert_eq!((those.as_array().unwrap().len(), &those[0]["id"], &those[0]["rule"]), (1, &json!(id), rule), "{kind}");
        assert_eq!(house.server.api(&format!("/api/v1/calm/{kind}/{id}")), those[0]);
    }
    // A receiver goes: its rules stay, and say so.
    let file = house.folder.path().join("alertmanager.yml");
    std::fs::write(&file, "route: {receiver: ops}\nreceivers: [{name: ops}]\n").unwrap();
    assert_eq!(house.server.post("/-/reload", "text/plain", "").0, 200);
    let rota = house.server.api("/api/v1/calm/rotas");
    assert_eq!(rota[0]["missingReceivers"], json!(["eve"]));
    let wrong = house.refused("PUT", &format!("/api/v1/calm/rotas/{}", made[3].2), &made[3].1);
    assert_eq!(wrong, (400, "the routing configuration has no receiver \"eve\"; it has \"ops\"".to_owned()));
    for (kind, _, id) in &made {
        let path = format!("/api/v1/calm/{kind}/{id}");
        house.do_it("DELETE", &path, &Json::Null);
        assert_eq!(house.refused("DELETE", &path, &Json::Null), (404, format!("calm rule {id} not found")));
        assert_eq!(house.refused("GET", &path, &Json::Null).0, 404);
    }
    assert_eq!(house.server.api("/api/v1/calm"), json!([]));
    let audited = house.audited();
    for (action, count) in [("calm.create", 6), ("calm.change", 1), ("calm.delete", 6)] {
        assert_eq!(audited.iter().filter(|one| *one == action).count(), count, "{action}: {audited:?}");
    }
}

#[test]
fn what_is_wrong_with_a_rule_is_said_with_its_place() {
    let house = House::new("http://127.0.0.1:1");
    for (kind, rule, expected) in [
        ("caps", json!({ "receiver": "ops", "messages": 0, "within": "1h" }), "messages: 0 must be a whole number from 1 to 10000"),
        ("caps", json!({ "receiver": "nobody", "messages": 1, "within": "1h" }), "no receiver \"nobody\"; it has \"ops\", \"eve\""),
        ("escalations", json!({ "title": "t", "steps": [{ "after": "x", "receiver": "eve" }] }), "steps[0].after: \"x\" is not a duration"),
        ("rotas", json!({ "tittle": "t" }), "tittle: is not a field here; allowed are title, receiver, timezone"),
        (
            "recurring-silences",
            json!({ "title": "t", "matchers": ["a=~\".*\""], "intervals": [{ "months": ["may"] }] }),
            "matchers: at least one matcher must not",
        ),
        (
            "recurring-silences",
            json!({ "title": "t", "matchers": ["a=b"], "intervals": [{ "months": ["mai"] }] }),
            "intervals[0].months[0]: mai is not a valid month",
        ),
    ] {
        let (status, error) = house.refused("POST", &format!("/api/v1/calm/{kind}"), &rule);
        assert!(status == 400 && error.contains(expected), "{status} {error}");
    }
    let (status, error) = house.refused("GET", "/api/v1/calm/naps", &Json::Null);
    assert!(status == 404 && error.contains("there are recurring-silences, dependencies, "), "{status} {error}");
    let (status, _) = house.server.send("POST", "/api/v1/calm/caps", JSON, &"x".repeat(300_000));
    assert_eq!(status, 413);
    assert_eq!(house.server.send("POST", "/api/v1/calm/caps", JSON, "{").0, 400);
}

#[test]
fn who_is_on_call_now_and_next() {
    let house = House::new("http://127.0.0.1:1");
    let people = json!([{ "person": "Eve", "receiver": "eve" }, { "person": "Bob", "receiver": "ops" }]);
    let stand_in = json!([{ "person": "Ann", "receiver": "eve", "startsAt": "2026-11-25T00:00:00Z", "endsAt": "2026-11-26T00:00:00Z" }]);
    let rota = json!({
        "title": "Ops", "receiver": "ops", "timezone": "Europe/Berlin", "members": people, "firstDay": "2026-11-23",
        "handOver": "09:00", "turnDays": 7, "overrides": stand_in,
    });
    house.do_it("POST", "/api/v1/calm/rotas", &rota);
    let turn = |person: &str, receiver: &str, from: &str, to: &str, stands_in: bool| json!({ "person": person, "receiver": receiver, "startsAt": from, "endsAt": to, "override": stands_in });
    for (at, now, next) in [
        ("2026-11-22T00:00:00Z", Json::Null, turn("Eve", "eve", "2026-11-23T08:00:00Z", "2026-11-25T00:00:00Z", false)),
        (
            "2026-11-24T00:00:00Z",
            turn("Eve", "eve", "2026-11-23T08:00:00Z", "2026-11-25T00:00:00Z", false),
            turn("Ann", "eve", "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z", true),
        ),
        (
            "2026-11-29T00:00:00Z",
            turn("Eve", "eve", "2026-11-26T00:00:00Z", "2026-11-30T08:00:00Z", false),
            turn("Bob", "ops", "2026-11-30T08:00:00Z", "2026-12-07T08:00:00Z", false),
        ),
    ] {
        let answer = house.server.api(&format!("/api/v1/oncall?at={at}"));
        let rota = &answer["rotas"][0];
        assert_eq!((&answer["at"], &rota["title"], &rota["now"], &rota["next"]), (&json!(at), &json!("Ops"), &now, &next), "{at}");
    }
    assert_eq!(house.server.api("/api/v1/oncall")["rotas"].as_array().unwrap().len(), 1);
    assert_eq!(house.refused("GET", "/api/v1/oncall?at=soon", &Json::Null).0, 400);
}

/// The messages that come within so many seconds.
fn within(received: &Receiver<(String, String)>, seconds: u64) -> impl Iterator<Item = (String, String)> {
    let clock = SystemClock::new();
    let end = clock.monotonic() + Duration::from_secs(seconds);
    std::iter::from_fn(move || received.recv_timeout(end.saturating_sub(clock.monotonic())).ok())
}

/// How many they are.
fn count(received: &Receiver<(String, String)>, seconds: u64) -> usize {
    within(received, seconds).count()
}

/// Waits until so many came.
fn await_messages(received: &Receiver<(String, String)>, count: usize, what: &str) {
    for _ in 0..count {
        received.recv_timeout(Duration::from_secs(120)).expect(what);
    }
}

#[test]
fn people_take_care_of_an_alert_until_it_is_over() {
    let (base, received) = recorder();
    let mut house = House::new(&base);
    let alert = house.alert("Disk", true);
    await_messages(&received, 2, "it is repeated");
    let at = |what: &str| format!("/api/v1/alerts/{alert}/{what}");
    let handling = house.do_it("POST", &at("acknowledgement"), &Json::Null);
    assert!(handling["acknowledged"]["by"].is_string() && handling["assignee"].is_null(), "{handling}");
    house.do_it("PUT", &at("assignee"), &json!({ "person": "Eve" }));
    house.do_it("POST", &at("comments"), &json!({ "text": "It is full.\nI make room." }));
    let _under_way = count(&received, 3);
    house.server.kill_and_restart();
    house.alert("Disk", true);
    assert_eq!(count(&received, 8), 0, "nobody is reminded");
    let notes = house.do_it("GET", &at("notes"), &Json::Null);
    assert_eq!((&notes["handling"]["acknowledged"], &notes["handling"]["assignee"]), (&handling["acknowledged"], &json!("Eve")));
    let said: Vec<&Json> = notes["notes"].as_array().unwrap().iter().map(|note| &note["deed"]).collect();
    assert_eq!(said, ["comment", "assign", "acknowledge"]);
    assert_eq!(notes["notes"][0]["text"], "It is full.\nI make room.");
    house.do_it("DELETE", &at("acknowledgement"), &Json::Null);
    await_messages(&received, 2, "it is repeated again");
    house.do_it("POST", &at("acknowledgement"), &Json::Null);
    house.alert("Disk", false);
    let gone = house.refused("POST", &at("acknowledgement"), &Json::Null);
    assert_eq!(gone, (404, format!("no alert that fires has the fingerprint {alert}")));
    let is_end = |(_, body): &(String, String)| serde_json::from_str::<Json>(body).unwrap()["status"] == "resolved";
    assert!(within(&received, 120).any(|message| is_end(&message)), "its end is told");
    // It fires again: nobody takes care of it.
    house.alert("Disk", true);
    let notes = house.do_it("GET", &at("notes"), &Json::Null);
    assert_eq!((&notes["handling"]["acknowledged"], notes["notes"].as_array().unwrap().len()), (&Json::Null, 5));
    for (method, path, body) in [
        ("PUT", at("assignee"), json!({ "person": " " })),
        ("PUT", at("assignee"), json!({ "who": "x" })),
        ("POST", at("comments"), json!({ "text": "x".repeat(4_001) })),
        ("POST", at("snooze"), json!({ "for": "31d" })),
        ("POST", at("snooze"), json!({})),
        ("POST", "/api/v1/alerts/xyz/acknowledgement".to_owned(), Json::Null),
        ("GET", at("notes?start=x"), Json::Null),
    ] {
        let (status, error) = house.refused(method, &path, &body);
        assert!(status == 400 && !error.is_empty(), "{method} {path} {body}: {status} {error}");
    }
    let audited = house.audited();
    for action in ["alert.acknowledge", "alert.release", "alert.assign", "alert.comment"] {
        assert!(audited.iter().any(|one| one == action), "{action}: {audited:?}");
    }
}

#[test]
fn snoozes_and_silences_that_come_again_are_ordinary_silences() {
    let mut house = House::new("http://127.0.0.1:1");
    let alert = house.alert("Disk", true);
    house.alert("Backup", true);
    let snoozed = house.do_it("POST", &format!("/api/v1/alerts/{alert}/snooze"), &json!({ "for": "4h" }));
    let always = json!({ "title": "Always", "matchers": ["alertname=Backup"], "intervals": [{ "times": [{ "start_time": "00:00", "end_time": "24:00" }] }] });
    let rule = house.do_it("POST", "/api/v1/calm/recurring-silences", &always);
    let id = rule["id"].as_str().unwrap();
    let state = |house: &House, name: &str| house.v2_alert(name)["status"]["state"].clone();
    until(|| (state(&house, "Backup") == "suppressed").then_some(()));
    assert_eq!(house.v2_alert("Disk")["status"]["silencedBy"], json!([snoozed["silenceID"]]));
    // What lasts for ever is cut once a month, and the next one is made an hour before it begins.
    let is_made = |one: &Json| one["comment"] == "Always" && one["status"]["state"] != "pending";
    let made = |house: &House| -> Vec<Json> { house.v2("silences").into_iter().filter(is_made).collect() };
    assert_eq!(made(&house).len(), 1);
    let silence = house.v2("silences").into_iter().find(|one| one["id"] == snoozed["silenceID"]).unwrap();
    assert!(silence["comment"].as_str().unwrap().starts_with("Snoozed by "), "{silence}");
    assert_eq!(
        (silence["matchers"].as_array().unwrap().len(), &silence["endsAt"].as_str().unwrap()[..16]),
        (2, &snoozed["endsAt"].as_str().unwrap()[..16])
    );
    // Neither a kill nor waiting makes a second one.
    house.server.kill_and_restart();
    house.alert("Backup", true);
    std::thread::park_timeout(Duration::from_secs(3));
    assert_eq!((made(&house).len(), state(&house, "Backup")), (1, json!("suppressed")));
    match Command::new("amtool")
        .arg(format!("--alertmanager.url={}", house.server.url("/alertmanager")))
        .args(["silence", "query"])
        .output()
    {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(text.contains("Always") && text.contains("Snoozed by"), "{text}");
        }
        Err(_) => skip("amtool is not installed"),
    }
    // Ended by hand it stays over; a rule that is gone takes its silence along.
    let ended = made(&house)[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(house.server.send("DELETE", &format!("/api/v2/silence/{ended}"), JSON, "").0, 200);
    std::thread::park_timeout(Duration::from_secs(3));
    assert_eq!((made(&house).len(), state(&house, "Backup")), (1, json!("active")));
    house.do_it("PUT", &format!("/api/v1/calm/recurring-silences/{id}"), &always);
    until(|| (state(&house, "Backup") == "suppressed").then_some(()));
    house.do_it("DELETE", &format!("/api/v1/calm/recurring-silences/{id}"), &Json::Null);
    assert_eq!(state(&house, "Backup"), "active");
}

#[test]
fn an_alert_keeps_back_those_that_depend_on_it() {
    let (base, received) = recorder();
    let house = House::new(&base);
    let rule = json!({ "title": "d", "source": ["alertname=Link"], "target": ["alertname=Host"], "equal": ["site"] });
    let made = house.do_it("POST", "/api/v1/calm/dependencies", &rule);
    let link = house.alert("Link", true);
    house.alert("Host", true);
    let status = house.v2_alert("Host")["status"].clone();
    assert_eq!((&status["state"], &status["inhibitedBy"]), (&json!("suppressed"), &json!([link])));
    let name = |(_, body): (String, String)| -> String {
        let message: Json = serde_json::from_str(&body).unwrap();
        message["commonLabels"]["alertname"].as_str().unwrap().to_owned()
    };
    assert_eq!(name(received.recv_timeout(Duration::from_secs(120)).unwrap()), "Link");
    let more: Vec<String> = within(&received, 4).map(name).collect();
    assert!(more.iter().all(|name| name == "Link"), "{more:?}");
    house.do_it("DELETE", &format!("/api/v1/calm/dependencies/{}", made["id"].as_str().unwrap()), &Json::Null);
    until(|| received.recv_timeout(Duration::from_millis(500)).ok().filter(|(_, body)| body.contains("\"Host\"")));
}
