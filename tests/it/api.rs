//! The Prometheus HTTP API: parameters, shapes, error types and codes.

use serde_json::{Value as Json, json};

use crate::support::{Server, client};
use crate::wire;

/// Five minutes of three series, ending at 1 700 000 300 s.
fn filled() -> Server {
    let server = Server::quiet();
    let counter = |job: &str, step: f64| {
        let samples: Vec<(i64, f64)> = (0..21).map(|at| (1_700_000_000_000 + at * 15_000, at as f64 * step)).collect();
        wire::series(&[("__name__", "requests_total"), ("job", job), ("odd", "a\"b\\c\n<é>")], &samples)
    };
    let gauge = wire::series(&[("__name__", "temperature"), ("room", "1")], &[(1_700_000_300_000, 21.5)]);
    let (status, text) = wire::send(&server.url("/api/v1/write"), wire::body(vec![counter("a", 15.0), counter("b", 30.0), gauge]));
    assert_eq!(status, 204, "{text}");
    server
}

fn error(server: &Server, path: &str) -> (u16, String, String) {
    let (status, text) = server.get(path);
    let answer: Json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"));
    assert_eq!(answer["status"], "error", "{path}: {text}");
    (status, answer["errorType"].as_str().unwrap().to_owned(), answer["error"].as_str().unwrap().to_owned())
}

#[test]
fn instant_and_range_queries_answer_in_upstreams_shape() {
    let server = filled();
    // Rounded as upstream's order of operations rounds.
    assert_eq!(
        server.query("sum(rate(requests_total[1m]))", 1_700_000_300.0),
        json!([{ "metric": {}, "value": [1_700_000_300, "2.9999999999999996"] }])
    );
    assert_eq!(
        server.query("temperature", 1_700_000_300.5),
        json!([{ "metric": { "__name__": "temperature", "room": "1" }, "value": [1_700_000_300.5, "21.5"] }])
    );
    assert_eq!(server.query("requests_total{job=\"a\"}", 1_700_000_300.0)[0]["metric"]["odd"], "a\"b\\c\n<é>");
    let data = server.api("/api/v1/query?query=scalar(temperature)&time=1700000300");
    assert_eq!(data, json!({ "resultType": "scalar", "result": [1_700_000_300, "21.5"] }));
    // Numbers far from one have an exponent in vectors and none in scalars.
    for (expr, vector, scalar) in
        [("1e-7", "1e-07", "0.0000001"), ("1e21", "1e+21", "1000000000000000000000"), ("0.000001", "0.000001", "0.000001")]
    {
        assert_eq!(server.query(&format!("vector({expr})"), 1.0)[0]["value"][1], vector);
        assert_eq!(server.query(expr, 1.0)[1], scalar);
    }
    let data = server.api("/api/v1/query?query=%22x%22&time=1700000300");
    assert_eq!(data, json!({ "resultType": "string", "result": [1_700_000_300, "x"] }));
    let data = server.api("/api/v1/query_range?query=requests_total%7Bjob%3D%22a%22%7D&start=1700000000&end=1700000030&step=15s");
    assert_eq!(data["resultType"], "matrix");
    assert_eq!(data["result"][0]["values"], json!([[1_700_000_000, "0"], [1_700_000_015, "15"], [1_700_000_030, "30"]]));
    let data = server.api("/api/v1/query?query=temperature&time=1700000300&stats=all");
    assert_eq!(data["stats"]["samples"]["totalQueryableSamples"], 1);
}

#[test]
fn post_forms_work_as_get() {
    let server = filled();
    let (status, text) = server.post("/api/v1/query", "application/x-www-form-urlencoded", "query=temperature&time=1700000300");
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("21.5"), "{text}");
}

#[test]
fn what_exists_is_listed() {
    let server = filled();
    assert_eq!(server.api("/api/v1/labels"), json!(["__name__", "job", "odd", "room"]));
    assert_eq!(server.api("/api/v1/label/job/values"), json!(["a", "b"]));
    assert_eq!(server.api("/api/v1/label/__name__/values?match[]=%7Bjob%3D%22a%22%7D"), json!(["requests_total"]));
    assert_eq!(server.api("/api/v1/label/job/values?limit=1"), json!(["a"]));
    let series = server.api("/api/v1/series?match[]=temperature");
    assert_eq!(series, json!([{ "__name__": "temperature", "room": "1" }]));
    assert_eq!(server.api("/api/v1/series?match[]=temperature&start=0&end=1"), json!([]));
    assert_eq!(server.api("/api/v1/label/nothing/values"), json!([]));
    for path in ["labels?", "label/job/values?", "series?match[]=temperature&"] {
        assert_eq!(server.api(&format!("/api/v1/{path}start=1700000300&end=1700000000")), json!([]), "{path}");
    }
    assert_eq!(server.get("/api/v1/query_exemplars?query=1").0, 204);
    assert_eq!(server.api("/api/v1/metadata?limit=0"), json!({}));
}

#[test]
fn errors_have_upstreams_types_codes_and_words() {
    let server = filled();
    for (path, status, kind, words) in [
        ("/api/v1/query?query=sum(", 400, "bad_data", "invalid parameter \"query\": 1:5: parse error"),
        (
            "/api/v1/query?query=up&time=x",
            400,
            "bad_data",
            "invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" to a valid timestamp",
        ),
        ("/api/v1/query?query=up&timeout=x", 400, "bad_data", "invalid parameter \"timeout\""),
        (
            "/api/v1/query_range?query=up&start=0&end=1",
            400,
            "bad_data",
            "invalid parameter \"step\": cannot parse \"\" to a valid duration",
        ),
        (
            "/api/v1/query_range?query=up&start=1&end=0&step=1",
            400,
            "bad_data",
            "invalid parameter \"end\": end timestamp must not be before start time",
        ),
        (
            "/api/v1/query?query=up&limit=x&time=x",
            400,
            "bad_data",
            "invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax",
        ),
        ("/api/v1/query?query=up&timeout=0", 503, "timeout", "query timed out in query execution"),
        ("/api/v1/query?query=(&timeout=0", 400, "bad_data", "parse error"),
        (
            "/api/v1/query?query=up&lookback_delta=x",
            400,
            "bad_data",
            "error parsing lookback delta duration: cannot parse \"x\" to a valid duration",
        ),
        ("/api/v1/query?query=up%7Ba%3D~%22x(%22%7D", 400, "bad_data", "1:4: parse error: error parsing regexp: missing closing ): `x(`"),
        ("/api/v1/labels?match[]=%7B", 400, "bad_data", "1:2: parse error: unexpected end of input inside braces"),
        ("/api/v1/label/%FF/values", 400, "bad_data", "invalid label name"),
        ("/api/v1/query_exemplars?query=(", 400, "bad_data", "1:2: parse error: unclosed left parenthesis"),
        ("/api/v1/query_exemplars?query=up&start=5&end=1", 400, "bad_data", "end timestamp must not be before start timestamp"),
        ("/api/v1/rules?type=x", 400, "bad_data", "invalid parameter \"type\": not supported value \"x\""),
        ("/api/v1/rules?group_limit=0", 400, "bad_data", "invalid parameter \"group_limit\": group_limit needs to be greater than 0"),
        ("/api/v1/rules?group_next_token=a", 400, "bad_data", "group_limit needs to be present"),
        ("/api/v1/rules?exclude_alerts=x", 400, "bad_data", "invalid parameter \"exclude_alerts\""),
        ("/api/v1/status/tsdb?limit=0", 400, "bad_data", "limit must be a positive number"),
        ("/api/v1/status/tsdb?limit=10001", 400, "bad_data", "limit must not exceed 10000"),
        ("/api/v1/scrape_pools/config", 400, "bad_data", "no scrapePool parameter provided"),
        ("/api/v1/scrape_pools/config?scrapePool=x", 400, "bad_data", "error retrieving scrape config"),
        ("/api/v1/targets/relabel_steps?scrapePool=x", 400, "bad_data", "no labels parameter provided"),
        ("/api/v1/status/self_metrics?metric_name_pattern=(", 400, "bad_data", "invalid metric_name_pattern"),
        ("/api/v1/nothing", 404, "not_found", "404 page not found"),
        ("/api/v1/query_range?query=up&start=0&end=1&step=0", 400, "bad_data", "zero or negative query resolution step widths"),
        (
            "/api/v1/query_range?query=up&start=0&end=100000&step=1",
            400,
            "bad_data",
            "exceeded maximum resolution of 11,000 points per timeseries",
        ),
        ("/api/v1/series", 400, "bad_data", "no match[] parameter provided"),
        ("/api/v1/series?match[]=%7B", 400, "bad_data", "invalid parameter \"match[]\""),
        (
            "/api/v1/query?query=requests_total%20%2B%20on()%20requests_total&time=1700000300",
            422,
            "execution",
            "found duplicate series for the match group",
        ),
    ] {
        let (found_status, found_kind, found_words) = error(&server, path);
        assert_eq!((found_status, found_kind.as_str()), (status, kind), "{path}: {found_words}");
        assert!(found_words.contains(words), "{path}: {found_words}");
    }
}

#[test]
fn status_endpoints_have_what_clients_read() {
    let server = filled();
    assert_eq!(server.api("/api/v1/status/tsdb")["headStats"]["numSeries"], 3);
    assert_eq!(server.api("/api/v1/status/tsdb")["seriesCountByMetricName"][0], json!({ "name": "requests_total", "value": 2 }));
    assert!(server.api("/api/v1/status/buildinfo")["version"].as_str().unwrap().starts_with("3."));
    assert_eq!(server.api("/api/v1/status/runtimeinfo")["reloadConfigSuccess"], true);
    assert!(server.api("/api/v1/status/config")["yaml"].is_string());
    assert!(server.api("/api/v1/status/flags").as_object().unwrap().len() > 10);
    assert_eq!(server.api("/api/v1/status/walreplay")["state"], "done");
    assert_eq!(server.api("/api/v1/rules"), json!({ "groups": [] }));
    assert_eq!(server.api("/api/v1/alerts"), json!({ "alerts": [] }));
    assert!(server.api("/api/v1/targets")["activeTargets"].is_array());
    assert_eq!(server.api("/api/v1/format_query?query=sum%20by(job)(up)"), json!("sum by (job) (up)"));
    assert_eq!(server.api("/api/v1/parse_query?query=up")["type"], "vectorSelector");
    for path in ["/-/healthy", "/-/ready"] {
        assert_eq!(server.get(path).0, 200, "{path}");
    }
    assert_eq!(server.post("/-/healthy", "text/plain", ""), (405, "Method Not Allowed\n".to_owned()));
    assert_eq!(server.get("/-/reload"), (405, "Only POST or PUT requests allowed.\n".to_owned()));
    let (status, text) = server.get("/federate?match[]=temperature");
    assert_eq!((status, text.as_str().contains("temperature")), (200, false), "old samples are not federated: {text}");
}

#[test]
fn other_endpoints_have_their_shapes() {
    let config = "scrape_configs: [{job_name: j, scrape_interval: 1h, basic_auth: {username: u, password: hidden}, \
                  static_configs: [{targets: ['127.0.0.1:1']}], \
                  relabel_configs: [{source_labels: [a], target_label: b}, {source_labels: [b], regex: drop, action: drop}, {action: labeldrop, regex: a}]}]\n";
    let server = Server::with_config(config, &["--host-metrics=false", "--own-metrics=false"]);
    let features = server.api("/api/v1/features");
    assert_eq!((&features["api"]["query_stats"], &features["promql_functions"]["rate"]), (&json!(true), &json!(true)));
    assert_eq!(features["promql_functions"]["mad_over_time"], json!(false));
    let yaml = server.api("/api/v1/scrape_pools/config?scrapePool=j")["yaml"].as_str().unwrap().to_owned();
    assert!(yaml.starts_with("job_name: j\n") && !yaml.contains("hidden"), "{yaml}");
    let steps = |labels: &str| {
        let labels: String = form_urlencoded::byte_serialize(labels.as_bytes()).collect();
        server.api(&format!("/api/v1/targets/relabel_steps?scrapePool=j&labels={labels}"))["steps"].clone()
    };
    let kept = steps("{\"a\":\"1\"}");
    assert_eq!(
        kept[0]["rule"],
        json!({ "sourceLabels": ["a"], "separator": ";", "regex": "(.*)", "targetLabel": "b", "replacement": "$1", "action": "replace" })
    );
    assert_eq!((&kept[0]["output"], &kept[2]["output"]), (&json!({ "a": "1", "b": "1" }), &json!({ "b": "1" })));
    let dropped = steps("{\"a\":\"drop\"}");
    assert_eq!(
        (&dropped[0]["keep"], &dropped[1]["keep"], &dropped[2]),
        (&json!(true), &json!(false), &json!({ "rule": dropped[2]["rule"], "output": {}, "keep": false }))
    );
    let metrics = server.api("/api/v1/status/self_metrics?metric_name_pattern=prometheus_config_last_reload_successful");
    assert_eq!(metrics.as_array().unwrap().len(), 1);
    assert_eq!((&metrics[0]["type"], &metrics[0]["metric"][0]["gauge"]["value"]), (&json!("GAUGE"), &json!(1.0)));
    assert!(!server.api("/api/v1/status/self_metrics").as_array().unwrap().is_empty());
    let status = server.api("/api/v1/status");
    assert!(status["build_information"]["version"].is_string() && status["flags"].is_object() && status["start_time"].is_string());
    let version: Json = serde_json::from_str(&server.get("/version").1).unwrap();
    assert!(version["version"].as_str().unwrap().starts_with("3."));
    assert_eq!(server.api("/api/v1/targets?state=xyz"), json!({ "activeTargets": [], "droppedTargets": [], "droppedTargetCounts": null }));
    let targets = server.api("/api/v1/targets?state=active&scrapePool=j");
    assert_eq!((targets["activeTargets"].as_array().unwrap().len(), &targets["droppedTargetCounts"]), (1, &json!(null)));
    assert_eq!(server.api("/api/v1/targets?state=any&scrapePool=other")["activeTargets"], json!([]));
    assert_eq!(server.api("/api/v1/notifications"), json!([]));
    for path in ["/-/healthy", "/-/ready", "/metrics", "/api/v1/query?query=1"] {
        let answer = client().head(server.url(path)).send().unwrap();
        assert_eq!((answer.status().as_u16(), answer.text().unwrap().as_str()), (200, ""), "{path}");
    }
}

#[test]
fn series_are_deleted_and_snapshots_taken() {
    let server = filled();
    let (status, text) = server.post("/api/v1/admin/tsdb/delete_series?match[]=temperature", "text/plain", "");
    assert_eq!(status, 204, "{text}");
    assert_eq!(server.query("temperature", 1_700_000_300.0), json!([]));
    assert_eq!(server.post("/api/v1/admin/tsdb/clean_tombstones", "text/plain", "").0, 204);
    let (status, text) = server.post("/api/v1/admin/tsdb/snapshot", "text/plain", "");
    assert_eq!(status, 200, "{text}");
    assert_eq!(server.query("count(requests_total)", 1_700_000_300.0)[0]["value"][1], "2");
    let plain = Server::start(&["--host-metrics=false"]);
    let (status, text) = plain.post("/api/v1/admin/tsdb/snapshot", "text/plain", "");
    assert_eq!(status, 503, "{text}");
}

#[test]
fn hostile_queries_are_refused_in_words() {
    let server = filled();
    let deep = format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000));
    let long = format!("{}1", "1+".repeat(200_000));
    for query in [deep, long, "x".repeat(1_000_000), "-".repeat(50_000) + "1"] {
        let form: String = form_urlencoded::Serializer::new(String::new()).append_pair("query", &query).finish();
        let (status, text) = server.post("/api/v1/query", "application/x-www-form-urlencoded", form);
        assert_eq!(status, 400, "{}", &text[..text.len().min(300)]);
        assert!(text.contains("bad_data") && text.len() < 10_000, "{}", &text[..text.len().min(300)]);
    }
    assert_eq!(server.get("/-/healthy").0, 200);
}
