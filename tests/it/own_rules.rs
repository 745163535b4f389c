//! Rules that people write: kept by the server, evaluated, replayed.

use serde_json::{Value as Json, json};

use crate::support::{Server, until};

const FILE: &str =
    "groups:\n- name: mine\n  interval: 1s\n  rules:\n  - alert: Always\n    expr: vector(1) > 0\n    labels: {severity: page}\n";

fn firing(server: &Server) -> usize {
    server.api("/api/v1/alerts")["alerts"].as_array().map_or(0, Vec::len)
}

#[test]
fn rules_are_kept_evaluated_and_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::on(&data, &[]);
    let (status, answer) = server.send("PUT", "/api/v1/rules/files/mine", "application/yaml", FILE);
    assert_eq!((status, answer.as_str()), (200, r#"{"status":"success","data":{"replaced":false}}"#));
    until(|| (firing(&server) == 1).then_some(()));
    let groups = server.api("/api/v1/rules");
    assert_eq!((&groups["groups"][0]["file"], &groups["groups"][0]["name"]), (&json!("pharos:mine"), &json!("mine")));
    // A wrong one changes nothing, and says what is wrong and where.
    let (status, answer) = server.send("PUT", "/api/v1/rules/files/mine", "application/yaml", &FILE.replace("> 0", ">"));
    assert_eq!(status, 400, "{answer}");
    assert!(answer.contains("pharos:mine:6:") && answer.contains("could not parse expression"), "{answer}");
    let (status, answer) = server.send("PUT", "/api/v1/rules/files/a%2Fb", "application/yaml", FILE);
    assert!(status == 400 && answer.contains("cannot name a file of rules"), "{status} {answer}");
    drop(server);
    // It is there after a restart, with who wrote it.
    let server = Server::on(&data, &[]);
    until(|| (firing(&server) == 1).then_some(()));
    let files = server.api("/api/v1/rules/files");
    assert_eq!((&files[0]["name"], &files[0]["text"], &files[0]["problems"]), (&json!("mine"), &json!(FILE), &json!([])));
    assert_eq!(server.get("/api/v1/rules/files/mine"), (200, FILE.to_owned()));
    assert_eq!(server.send("DELETE", "/api/v1/rules/files/mine", "text/plain", "").0, 200);
    until(|| (firing(&server) == 0).then_some(()));
    assert_eq!(server.send("DELETE", "/api/v1/rules/files/mine", "text/plain", "").0, 404);
    assert_eq!(server.get("/api/v1/rules/files/mine").0, 404);
}

#[test]
fn drafts_are_checked_and_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::on(&folder.path().join("data"), &[]);
    let checked =
        |text: &str| -> Json { serde_json::from_str(&server.post("/api/v1/rules/check", "application/yaml", text.to_owned()).1).unwrap() };
    assert_eq!(checked(FILE)["data"], json!({ "valid": true, "rules": 1, "errors": [], "warnings": [] }));
    let wrong = checked(&FILE.replace("severity", "__name__"));
    assert_eq!((&wrong["data"]["valid"], &wrong["data"]["errors"][0]["line"]), (&json!(false), &json!(7)));
    // A condition that holds in the second half of each minute.
    let rules = FILE.replace("interval: 1s", "interval: 15s").replace("vector(1) > 0", "vector(time() % 60) >= 30");
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("rules", &rules)
        .append_pair("start", "1700000040")
        .append_pair("end", "1700000280")
        .finish();
    let (status, answer) = server.post("/api/v1/rules/replay", "application/x-www-form-urlencoded", form);
    assert_eq!(status, 200, "{answer}");
    let replay = serde_json::from_str::<Json>(&answer).unwrap()["data"][0].clone();
    assert_eq!((&replay["alert"], &replay["evaluations"], &replay["fired"]), (&json!("Always"), &json!(17), &json!(4)));
    assert_eq!((&replay["firingSeconds"], &replay["flaps"]), (&json!(120.0), &json!(3)));
    assert_eq!(
        replay["episodes"][0],
        json!({
            "labels": { "alertname": "Always", "severity": "page" },
            "activeAt": "2023-11-14T22:14:30Z", "firedAt": "2023-11-14T22:14:30Z", "endedAt": "2023-11-14T22:15:00Z", "value": 30.0,
        })
    );
    for (start, end, status) in [("0", "1700000280", 422), ("5", "4", 400), ("x", "4", 400)] {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("rules", &rules)
            .append_pair("start", start)
            .append_pair("end", end)
            .finish();
        assert_eq!(server.post("/api/v1/rules/replay", "application/x-www-form-urlencoded", form).0, status, "{start} {end}");
    }
}
