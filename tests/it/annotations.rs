//! Annotations over HTTP, as programs send them to Grafana and ask for them.

use serde_json::{Value, json};

use crate::support::{Server, ask};

fn server() -> Server {
    Server::quiet()
}

fn add(server: &Server, body: &Value) -> i64 {
    let (status, answer) = ask(server, "POST", "/api/annotations", Some(body));
    assert_eq!((status, answer["message"].as_str()), (200, Some("Annotation added")), "{answer}");
    answer["id"].as_i64().unwrap()
}

fn texts(server: &Server, query: &str) -> Vec<String> {
    let (status, all) = ask(server, "GET", &format!("/api/annotations{query}"), None);
    assert_eq!(status, 200, "{all}");
    all.as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn annotations_are_made_found_changed_and_removed_as_in_grafana() {
    let server = server();
    let a =
        add(&server, &json!({ "time": 1_000, "timeEnd": 5_000, "text": "a", "tags": ["deploy", "env:prod", "deploy"], "data": {"x": 1} }));
    let b = add(&server, &json!({ "time": 9_000, "text": "b <i>", "tags": ["env:dev"], "dashboardUID": "uid", "panelId": 2 }));
    let (_, found) = ask(&server, "GET", "/api/annotations?from=4000&to=6000", None);
    let one = &found[0];
    let expected = json!({
        "id": a, "alertId": 0, "alertName": "", "dashboardId": 0, "dashboardUID": null, "panelId": 0, "userId": 0, "newState": "",
        "prevState": "", "created": one["created"], "updated": one["updated"], "time": 1_000, "timeEnd": 5_000, "text": "a",
        "tags": ["deploy", "env:prod"], "login": "", "email": "", "avatarUrl": "", "data": {"x": 1}
    });
    assert_eq!(found, json!([expected]));
    for (query, wanted) in [
        ("", vec!["b <i>", "a"]),
        ("?tags=env", vec!["b <i>", "a"]),
        ("?tags=env:prod&tags=deploy", vec!["a"]),
        ("?tags=env:dev&tags=deploy", vec![]),
        ("?tags=env:dev&tags=deploy&matchAny=true", vec!["b <i>", "a"]),
        ("?dashboardUID=uid&panelId=2", vec!["b <i>"]),
        ("?dashboardUID=other", vec![]),
        ("?type=alert", vec![]),
        ("?type=annotation&limit=1", vec!["b <i>"]),
        ("?from=9000", vec!["b <i>", "a"]),
    ] {
        assert_eq!(texts(&server, query), wanted, "{query}");
    }
    let (_, tags) = ask(&server, "GET", "/api/annotations/tags?tag=ENV", None);
    assert_eq!(tags, json!({ "result": { "tags": [{ "tag": "env:dev", "count": 1 }, { "tag": "env:prod", "count": 1 }] } }));
    let path = format!("/api/annotations/{a}");
    assert_eq!(
        ask(&server, "PATCH", &path, Some(&json!({ "tags": ["x"], "text": "" }))),
        (200, json!({ "message": "Annotation patched" }))
    );
    assert_eq!(
        ask(&server, "PUT", &path, Some(&json!({ "text": "c", "timeEnd": 2_000 }))),
        (200, json!({ "message": "Annotation updated" }))
    );
    let (_, one) = ask(&server, "GET", &path, None);
    assert_eq!((one["text"].clone(), one["tags"].clone(), one["timeEnd"].clone()), (json!("c"), json!(["x"]), json!(2_000)));
    assert_eq!(ask(&server, "DELETE", &path, None), (200, json!({ "message": "Annotation deleted" })));
    assert_eq!(ask(&server, "GET", &path, None).1["message"], "Annotation not found");
    assert_eq!(
        ask(&server, "POST", "/api/annotations/mass-delete", Some(&json!({ "annotationId": b }))).1["message"],
        "Annotations deleted"
    );
    assert_eq!(texts(&server, ""), [] as [&str; 0]);
}

#[test]
fn events_of_graphite_are_taken() {
    let server = server();
    for body in
        [json!({ "what": "deploy", "tags": ["a", "b"], "when": 5, "data": "of 1.2" }), json!({ "what": "old", "tags": "a b", "when": 4 })]
    {
        let (status, answer) = ask(&server, "POST", "/api/annotations/graphite", Some(&body));
        assert_eq!((status, answer["message"].as_str()), (200, Some("Graphite annotation added")), "{answer}");
    }
    let (_, found) = ask(&server, "GET", "/api/annotations?tags=a&tags=b", None);
    assert_eq!((&found[0]["text"], &found[0]["time"], &found[1]["text"]), (&json!("deploy\nof 1.2"), &json!(5_000), &json!("old")));
}

#[test]
fn what_is_wrong_is_said() {
    let server = server();
    for (method, path, body, status, message, error) in [
        ("POST", "/api/annotations", json!({}), 400, "Failed to save annotation", "text field should not be empty"),
        ("POST", "/api/annotations", json!({ "text": "x".repeat(9_000) }), 400, "Failed to save annotation", "at most 8192"),
        ("POST", "/api/annotations", json!({ "text": "x", "tags": ["x".repeat(501)] }), 400, "Failed to save annotation", "at most 500"),
        ("POST", "/api/annotations", json!({ "text": "x", "time": "soon" }), 400, "bad request data", "expected i64"),
        ("POST", "/api/annotations", json!({ "text": "x".repeat(70_000) }), 413, "bad request data", "larger"),
        ("POST", "/api/annotations/graphite", json!({ "tags": "a" }), 400, "Failed to save Graphite annotation", "what field"),
        ("POST", "/api/annotations/graphite", json!({ "what": "x" }), 400, "Failed to save Graphite annotation", "unsupported tags"),
        ("POST", "/api/annotations/graphite", json!({ "what": "x", "tags": [1] }), 400, "Failed to save Graphite annotation", "a string"),
        ("PUT", "/api/annotations/abc", json!({ "text": "x" }), 400, "annotationId is invalid", "abc"),
        ("PATCH", "/api/annotations/77", json!({ "text": "x" }), 404, "Annotation not found", "77"),
        ("DELETE", "/api/annotations/77", json!({}), 404, "Annotation not found", "77"),
        ("POST", "/api/annotations/mass-delete", json!({ "panelId": 1 }), 400, "bad request data", "both required"),
        ("GET", "/api/annotations?from=soon", json!({}), 400, "Failed to get annotations", "from"),
        ("GET", "/api/annotations?limit=-1", json!({}), 400, "Failed to get annotations", "limit"),
    ] {
        let (got, answer) = ask(&server, method, path, Some(&body));
        assert_eq!((got, answer["message"].as_str()), (status, Some(message)), "{method} {path} {answer}");
        assert!(answer["error"].as_str().unwrap().contains(error), "{answer}");
    }
}
