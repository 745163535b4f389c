//! The user's own files load unmodified, and every query in them answers on matching data.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::Server;
use crate::wire;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/config").join(name)
}

#[test]
fn prometheus_files_load() {
    for name in ["prometheus.yml", "prometheus.taskmanager.yml"] {
        let text = fs::read_to_string(data(name)).unwrap();
        let server = Server::with_config(&text, &["--host-metrics=false"]);
        assert_eq!(server.api("/api/v1/status/runtimeinfo")["reloadConfigSuccess"], true, "{name}");
        assert!(!server.api("/api/v1/targets")["activeTargets"].as_array().unwrap().is_empty(), "{name}");
    }
}

const END: i64 = 1_700_000_000_000;

/// Metrics that the queries name, with the labels they use. Half an hour at 15 s.
fn fill(server: &Server, names: &[String]) {
    let mut all = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let samples: Vec<(i64, f64)> =
            (0..=120).map(|step| (END - (120 - step) * 15_000, (step * (at as i64 % 7 + 1)) as f64 + 1.0)).collect();
        for (status, org, mode, le) in [("200", "1", "idle", "0.5"), ("500", "2", "user", "+Inf")] {
            let labels = [
                ("__name__", name.as_str()),
                ("instance", "a:1"),
                ("job", "api"),
                ("status", status),
                ("status_code", status),
                ("org_id", org),
                ("organization_id", org),
                ("mode", mode),
                ("le", le),
                ("method", "GET"),
                ("endpoint", "/x"),
                ("mountpoint", "/"),
                ("fstype", "ext4"),
                ("device", "eth0"),
                ("state", "active"),
                ("datname", "app"),
                ("dbinstance_identifier", "taskmanager-prod"),
            ];
            all.push(wire::series(&labels, &samples));
        }
    }
    let (status, text) = wire::send(&server.url("/api/v1/write"), wire::body(all));
    assert_eq!(status, 204, "{text}");
}

/// Names in a query that are metrics: followed by `{`, `[`, or standing alone, and no word of the language.
fn metric_names(query: &str) -> Vec<String> {
    let words: Vec<&str> =
        query.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).filter(|word| word.contains('_')).collect();
    let functions = [
        "histogram_quantile",
        "avg_over_time",
        "max_over_time",
        "sum_over_time",
        "count_over_time",
        "group_left",
        "predict_linear",
        "label_replace",
    ];
    words
        .into_iter()
        .filter(|word| !functions.contains(word) && !word.starts_with(|c: char| c.is_ascii_digit()))
        .map(str::to_owned)
        .collect()
}

/// The queries of a file: paragraphs without their comments. A paragraph that is no query is one query a line.
fn queries_of(server: &Server, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for paragraph in text.split("\n\n") {
        let lines: Vec<&str> = paragraph.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).collect();
        let whole = lines.join("\n");
        let encoded: String = form_urlencoded::byte_serialize(whole.as_bytes()).collect();
        if server.get(&format!("/api/v1/parse_query?query={encoded}")).0 == 200 {
            found.push(whole);
        } else {
            found.extend(lines.into_iter().map(str::to_owned));
        }
    }
    found
}

#[test]
fn every_query_of_the_documents_answers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/queries");
    let server = Server::quiet();
    let mut queries = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        queries.extend(queries_of(&server, &fs::read_to_string(&path).unwrap()).into_iter().map(|query| (file.clone(), query)));
    }
    assert!(queries.len() >= 18, "{}", queries.len());
    let mut names: Vec<String> = queries.iter().flat_map(|(_, query)| metric_names(query)).collect();
    names.sort();
    names.dedup();
    fill(&server, &names);
    let mut empty = Vec::new();
    for (file, query) in &queries {
        let found = server.query(query, END as f64 / 1e3);
        if found.as_array().is_none_or(Vec::is_empty) {
            empty.push(format!("{file}: {query}"));
        }
    }
    assert!(empty.is_empty(), "no answer:\n{}", empty.join("\n"));
}
