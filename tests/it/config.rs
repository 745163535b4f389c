//! Configuration files, reload, checks.

use std::fs;
use std::process::Command;

use crate::support::Server;

fn pharos(args: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pharos")).args(args).env_clear().output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

#[test]
fn check_config_names_file_line_and_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prometheus.yml");
    fs::write(&path, "global:\n  scrape_interval: 15s\nscrape_configs:\n- job_name: a\n  static_configs: [{targets: ['x:1']}]\n").unwrap();
    let (good, text) = pharos(&["check", "config", path.to_str().unwrap()]);
    assert!(good && text.contains("SUCCESS"), "{text}");
    fs::write(&path, "global:\n  scrape_interval: 5x\n").unwrap();
    let (good, text) = pharos(&["check", "config", path.to_str().unwrap()]);
    assert!(!good && text.contains("prometheus.yml:2:20") && text.contains("5x"), "{text}");
    fs::write(&path, "scrape_configs:\n- job_name: a\n  consul_sd_configs: [{server: 'x:1'}]\n").unwrap();
    let (good, text) = pharos(&["check", "config", path.to_str().unwrap()]);
    assert!(good && text.contains("prometheus.yml:3"), "a key that is not acted on is a warning: {text}");
}

#[test]
fn a_bad_file_keeps_the_old_configuration_running() {
    let good = "global:\n  external_labels: {site: one}\n";
    let server = Server::with_config(good, &["--host-metrics=false"]);
    let file = server.folder().join("prometheus.yml");
    let yaml = |server: &Server| server.api("/api/v1/status/config")["yaml"].as_str().unwrap().to_owned();
    assert!(yaml(&server).contains("site: one"));
    fs::write(&file, "global:\n  external_labels: {site: two}\n").unwrap();
    assert_eq!(server.post("/-/reload", "text/plain", "").0, 200);
    assert!(yaml(&server).contains("site: two"));
    fs::write(&file, "global: [not, a, map]\n").unwrap();
    let (status, text) = server.post("/-/reload", "text/plain", "");
    assert!(status == 500 && text.contains("prometheus.yml:1"), "{status} {text}");
    assert!(yaml(&server).contains("site: two"));
    assert_eq!(server.api("/api/v1/status/runtimeinfo")["reloadConfigSuccess"], false);
    assert!(server.get("/metrics").1.contains("prometheus_config_last_reload_successful 0"));
    assert!(server.get("/").1.contains("prometheus.yml:1"), "the page says so");
    fs::write(&file, good).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(server.pid() as i32).unwrap(), rustix::process::Signal::HUP).unwrap();
    for _ in 0..1200 {
        if yaml(&server).contains("site: one") {
            return;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
    panic!("SIGHUP did not reload");
}

#[test]
fn secrets_are_never_shown() {
    let config =
        "scrape_configs:\n- job_name: a\n  basic_auth: {username: u, password: hunter2}\n  static_configs: [{targets: ['127.0.0.1:1']}]\n";
    let server = Server::with_config(config, &["--host-metrics=false"]);
    for path in ["/api/v1/status/config", "/status", "/targets", "/metrics", "/api/v1/targets"] {
        let (status, text) = server.get(path);
        assert!(status == 200 && !text.contains("hunter2"), "{path}: {status}");
    }
    assert!(server.api("/api/v1/status/config")["yaml"].as_str().unwrap().contains("<secret>"));
}

#[test]
fn an_open_server_is_refused_unless_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (good, text) = pharos(&["serve", "--auth=off", "--listen", "0.0.0.0:0", "--data-dir", folder.path().to_str().unwrap()]);
    assert!(!good && text.contains("loopback"), "{text}");
}

#[test]
fn everyday_flags_are_taken() {
    let server = Server::start(&["--auth", "off", "--host-metrics=false", "--retention-time", "1d"]);
    let flags = server.api("/api/v1/status/flags");
    assert_eq!((&flags["auth"], &flags["storage.tsdb.retention.time"]), (&"off".into(), &"1d".into()), "{flags}");
    let folder = tempfile::tempdir().unwrap();
    let (good, text) = pharos(&["serve", "--auth", "off", "--listen", "0.0.0.0:0", "--data-dir", folder.path().to_str().unwrap()]);
    assert!(!good && text.contains("--auth on"), "{text}");
}

#[test]
fn help_teaches_and_completions_are_printed() {
    for (args, words) in [
        (&["--help"][..], "serve"),
        (&["serve", "--help"], "--data-dir <DIR>"),
        (&["tsdb", "analyze", "--help"], "Examples:"),
        (&["query", "instant", "--help"], "PromQL"),
        (&["completions", "bash"], "_pharos"),
    ] {
        let (good, text) = pharos(args);
        assert!(good && text.contains(words), "{args:?}: {text}");
    }
}

#[test]
fn the_command_line_asks_a_server() {
    let server = Server::quiet();
    let url = server.url("");
    let (good, text) = pharos(&["query", "instant", "--url", &url, "--time", "10", "1 + 1"]);
    assert!(good && text.contains("scalar: 2 @[10]"), "{text}");
    let (good, text) = pharos(&["query", "instant", "--url", &url, "sum("]);
    assert!(!good && text.contains("parse error"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let metrics = folder.path().join("metrics.txt");
    fs::write(&metrics, "a_total 1\n").unwrap();
    let (_, text) = pharos(&["check", "metrics", metrics.to_str().unwrap()]);
    assert!(text.contains("a_total"), "{text}");
}

#[test]
fn openmetrics_files_are_imported() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("old.om"));
    fs::write(&file, "# TYPE old gauge\nold{a=\"1\"} 1 1600000000\nold{a=\"1\"} 2 1600000060\n# EOF\n").unwrap();
    let (good, text) = pharos(&["import", "openmetrics", "--data-dir", data.to_str().unwrap(), file.to_str().unwrap()]);
    assert!(good && text.contains('2'), "{text}");
    // Once more changes nothing on disk: the same blocks with the same samples.
    let analyzed = || {
        let (good, text) = pharos(&["tsdb", "analyze", "--data-dir", data.to_str().unwrap(), "--json"]);
        assert!(good, "{text}");
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    let before = analyzed();
    let (good, text) = pharos(&["import", "openmetrics", "--data-dir", data.to_str().unwrap(), file.to_str().unwrap()]);
    assert!(good && text.contains("0 samples") && text.contains("2 were there already"), "{text}");
    let after = analyzed();
    assert_eq!((&after["blocks"], &after["samples"]), (&before["blocks"], &serde_json::json!(2)));
    let server = Server::on(&data, &["--host-metrics=false", "--retention-time", "100y"]);
    assert_eq!(server.query("old", 1_600_000_060.0)[0]["value"][1], "2");
    // A folder that a server works on can be analysed too: its log holds what pharos says of itself.
    let (good, text) = pharos(&["tsdb", "analyze", "--data-dir", data.to_str().unwrap(), "--match", "old"]);
    assert!(good && text.contains("Samples:        2\n") && text.contains("         1  old\n"), "{text}");
    let block = after["blocks"][0]["ulid"].as_str().unwrap();
    let (good, text) = pharos(&["tsdb", "analyze", "--data-dir", data.to_str().unwrap(), "--block", block]);
    assert!(good && text.contains(block) && text.contains("up to 10: 100 %") && !text.contains("Log,"), "{text}");
    let (good, text) = pharos(&["tsdb", "analyze", "--data-dir", data.to_str().unwrap(), "--block", "x"]);
    assert!(!good && text.contains("there is no block x") && text.contains(block), "{text}");
    let (good, text) = pharos(&["tsdb", "analyze", "--data-dir", "/proc/none"]);
    assert!(!good && text.contains("/proc/none holds no metrics"), "{text}");
    let (good, text) = pharos(&["tsdb", "analyze", "--data-dir", data.to_str().unwrap(), "--match", "{"]);
    assert!(!good && text.contains("parse error"), "{text}");
    let (good, text) = pharos(&["tsdb", "analyze", "--url", &server.url(""), "--json"]);
    assert!(good && serde_json::from_str::<serde_json::Value>(&text).unwrap()["head"]["headStats"]["numSeries"].is_number(), "{text}");
}

#[test]
fn what_is_not_understood_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let (good, text) = pharos(&["--listen", "127.0.0.1:0", "--data-dir", data, "--host.collectors", "cpu,bogus"]);
    assert!(!good && text.contains("unknown collector \"bogus\"") && text.contains("meminfo"), "{text}");
    let (good, text) = pharos(&["serve", "--listen", "127.0.0.1:0", "--data-dir", "/proc/none"]);
    assert!(!good && text.contains("data folder /proc/none") && text.matches("os error").count() == 1, "{text}");
    let server = Server::start(&["--host-metrics=false", "--enable-feature", "foo"]);
    let status = server.get("/status").1;
    assert!(status.contains("unknown feature") && status.contains("foo"), "the Status page says so");
    let targets = server.api("/api/v1/targets");
    let global = targets["activeTargets"][0]["globalUrl"].as_str().unwrap();
    assert_eq!(global, server.url("/metrics"));
    // A name that a page elsewhere points here is not ours. Whoever comes by another name than this machine's signs in.
    let client = reqwest::blocking::Client::new();
    let status = |host: &str| client.get(server.url("/api/v1/labels")).header("host", host).send().unwrap().status().as_u16();
    assert_eq!((status("evil.example:9090"), status("localhost:1"), status("pharos:9090")), (403, 200, 401));
}
