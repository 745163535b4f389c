//! Ready rules: Prometheus takes what we print, and the real server evaluates them.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

use crate::support::{Server, skip};

const PACKS: [&str; 8] = ["node", "api", "database", "cache", "containers", "uptime", "security", "pharos"];

fn printed(pack: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pharos")).args(["alerts", "packs", pack]).output().unwrap();
    assert!(output.status.success(), "{pack}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn promtool_takes_the_rules_and_their_tests() {
    if Command::new("promtool").arg("--version").output().is_err() {
        return skip("promtool is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    // Rules over logs are ours.
    for pack in PACKS.iter().filter(|pack| **pack != "security") {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/alerts/packs/tests").join(format!("{pack}.yml"));
        fs::write(folder.path().join(format!("{pack}.yml")), printed(pack)).unwrap();
        fs::copy(tests, folder.path().join("tests.yml")).unwrap();
        for args in [vec!["check", "rules"], vec!["test", "rules"]] {
            let file = if args[0] == "check" { format!("{pack}.yml") } else { "tests.yml".to_owned() };
            let output = Command::new("promtool").args(&args).arg(file).current_dir(folder.path()).output().unwrap();
            assert!(output.status.success(), "promtool {args:?} {pack}: {output:?}");
        }
    }
}

#[test]
fn a_server_evaluates_the_packs_it_is_told_to() {
    let all = format!("--alerts.packs={}", PACKS.join(","));
    let server =
        Server::with_config("global: {evaluation_interval: 1s}\n", &[&all, "--alerts.thresholds=uptime_site_for=7m,node_cpu_percent=77"]);
    let mut last = Json::Null;
    for _ in 0..1200 {
        last = server.api("/api/v1/rules");
        let groups = last["groups"].as_array().unwrap().clone();
        let rules: Vec<&Json> = groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
        assert!(rules.len() > 70, "{}", rules.len());
        // Groups with intervals of their own are evaluated later.
        let known: Vec<&&Json> = rules.iter().filter(|rule| rule["health"] != "unknown").collect();
        if known.len() + 6 >= rules.len() {
            let failed: Vec<&&&Json> = known.iter().filter(|rule| rule["health"] != "ok").collect();
            assert!(failed.is_empty(), "{failed:#?}");
            assert!(groups.iter().any(|group| group["file"] == "pack node" && group["name"] == "node_alerts"));
            let with = |name: &str| rules.iter().find(|rule| rule["name"] == name).unwrap();
            assert_eq!(with("SiteDown")["duration"], 420);
            assert!(with("HighCPULoad")["query"].as_str().unwrap().ends_with("> 77"));
            return;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    }
    panic!("not all rules were evaluated: {last:#}");
}
