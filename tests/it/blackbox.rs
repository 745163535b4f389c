//! `/probe` beside Debian's blackbox_exporter: the same modules and targets, the same metrics and verdicts.

#[path = "blackbox/scene.rs"]
mod scene;

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};

use self::scene::Scene;
use crate::support::{Server, client, free_port, skip};

/// Debian's exporter; killed when dropped.
struct Exporter {
    process: Child,
    address: String,
}

impl Exporter {
    fn start(config: &std::path::Path) -> Option<Self> {
        let address = format!("127.0.0.1:{}", free_port());
        let process = Command::new("prometheus-blackbox-exporter")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let exporter = Self { process, address };
        for _ in 0..1200 {
            if client().get(format!("http://{}/-/healthy", exporter.address)).send().is_ok_and(|answer| answer.status().is_success()) {
                return Some(exporter);
            }
            std::thread::park_timeout(std::time::Duration::from_millis(100));
        }
        panic!("blackbox_exporter did not start");
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _gone = self.process.kill().is_err();
        let _gone = self.process.wait().is_err();
    }
}

/// Metrics that Debian's 0.23 does not know yet, each with the version that brought it.
const NEWER: [(&str, &str); 3] =
    [("probe_timeout_seconds", "the one after 0.28"), ("probe_tls_cipher_info", "0.26"), ("probe_failed_due_to_bytes", "0.28")];
/// Labels that it does not know yet, with the version that brought them.
const NEWER_LABELS: [(&str, &str, &str); 1] = [("probe_ssl_last_chain_info", "serialnumber", "0.26")];
/// Metrics that only older versions show, with the prober and the reason.
const OLDER: [(&str, &str, &str); 2] = [
    // 0.26 shows what is known of TLS only where TLS was agreed on.
    ("grpc", "probe_ssl_earliest_cert_expiry", "0.26"),
    // After 0.28 the search for lines begins, and is shown, only when there is a connection.
    ("tcp", "probe_failed_due_to_regex", "the one after 0.28"),
];
/// Metrics whose values are times of this very probe, or otherwise differ from one probe to the next.
const TIMES: [&str; 6] = [
    "probe_duration_seconds",
    "probe_dns_lookup_time_seconds",
    "probe_http_duration_seconds",
    "probe_dns_duration_seconds",
    "probe_icmp_duration_seconds",
    "probe_grpc_duration_seconds",
];

type Samples = BTreeMap<String, f64>;

/// Samples by name and labels, without what only one of both can know.
fn samples(text: &str) -> Samples {
    let mut found = Samples::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        if NEWER.iter().any(|(newer, _)| *newer == name) {
            continue;
        }
        let mut series = series.to_owned();
        for (_, label, _) in NEWER_LABELS.iter().filter(|(of, _, _)| *of == name) {
            if let Some(at) = series.find(&format!("{label}=\"")) {
                let end = at + label.len() + 2 + series[at + label.len() + 2..].find('"').unwrap() + 2;
                series.replace_range(at..end, "");
            }
        }
        found.insert(series, value.parse().unwrap());
    }
    found
}

/// Helps and types by name.
fn heads(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with('#')) {
        let name = line.split(' ').nth(2).unwrap();
        if !NEWER.iter().any(|(newer, _)| *newer == name) {
            found.entry(name).or_default().push(line);
        }
    }
    found
}

fn ask(address: &str, module: &str, target: &str) -> (u16, String) {
    let target: String = form_urlencoded::byte_serialize(target.as_bytes()).collect();
    let answer = client()
        .get(format!("http://{address}/probe?module={module}&target={target}"))
        .header("X-Prometheus-Scrape-Timeout-Seconds", "15")
        .send()
        .unwrap();
    (answer.status().as_u16(), answer.text().unwrap())
}

/// What differs between two answers to the same question.
fn differences(prober: &str, theirs: &str, ours: &str) -> Vec<String> {
    let (expected, found) = (samples(theirs), samples(ours));
    let mut wrong = Vec::new();
    for (series, value) in &expected {
        let is_time = TIMES.iter().any(|name| series.split('{').next() == Some(*name));
        match found.get(series) {
            None if *value == 0.0 && OLDER.iter().any(|(of, name, _)| *of == prober && *name == series.as_str()) => {}
            None => wrong.push(format!("without {series} {value}")),
            Some(ours) if !is_time && ours != value => wrong.push(format!("{series}: {ours}, upstream {value}")),
            Some(ours) if is_time && !(0.0..30.0).contains(ours) => wrong.push(format!("{series}: {ours} seconds")),
            Some(_) => {}
        }
    }
    wrong.extend(found.keys().filter(|series| !expected.contains_key(*series)).map(|series| format!("with {series}")));
    let (theirs, ours) = (heads(theirs), heads(ours));
    for (name, head) in &theirs {
        if let Some(own) = ours.get(name).filter(|own| *own != head) {
            wrong.push(format!("{own:?}, upstream {head:?}"));
        }
    }
    wrong
}

#[test]
fn probes_find_what_blackbox_exporter_finds() {
    let scene = Scene::open();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("blackbox.yml");
    std::fs::write(&config, scene.modules(folder.path())).unwrap();
    let Some(exporter) = Exporter::start(&config) else { return skip("prometheus-blackbox-exporter is not installed") };
    let server = Server::start(&["--host-metrics=false", &format!("--blackbox.config.file={}", config.display())]);
    let cases = scene.cases();
    assert!(cases.len() >= 30, "{} scenarios", cases.len());
    let mut wrong = Vec::new();
    for (module, target, is_good) in &cases {
        let (their_status, theirs) = ask(&exporter.address, module, target);
        let (status, ours) = ask(&server.address, module, target);
        let case = format!("{module} {target}");
        let verdict = |text: &str| text.lines().find_map(|line| line.strip_prefix("probe_success ")).map(str::to_owned);
        let expected = Some(if *is_good { "1" } else { "0" }.to_owned());
        if (status, verdict(&ours)) != (200, expected.clone()) || (their_status, verdict(&theirs)) != (200, expected) {
            wrong.push(format!("{case}: {status} {:?}, upstream {their_status} {:?}", verdict(&ours), verdict(&theirs)));
        }
        wrong.extend(differences(scene::prober(module), &theirs, &ours).into_iter().map(|what| format!("{case}: {what}")));
    }
    assert!(wrong.is_empty(), "{} differences in {} scenarios:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    println!("{} scenarios are the same", cases.len());
}

#[test]
fn requests_that_make_no_sense_are_refused_as_upstream() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("blackbox.yml");
    std::fs::write(&config, "modules: {http_2xx: {prober: http}, hosted: {prober: http, http: {headers: {Host: a}}}}\n").unwrap();
    let Some(exporter) = Exporter::start(&config) else { return skip("prometheus-blackbox-exporter is not installed") };
    let server = Server::start(&["--host-metrics=false", &format!("--blackbox.config.file={}", config.display())]);
    for (query, patience) in [
        ("", ""),
        ("target=", ""),
        ("target=x&module=nobody", ""),
        ("module=no%22body", ""),
        ("target=x", "soon"),
        ("target=x&module=hosted&hostname=b", ""),
    ] {
        let ask = |address: &str| {
            let request = client().get(format!("http://{address}/probe?{query}"));
            let answer = request.header("X-Prometheus-Scrape-Timeout-Seconds", patience).send().unwrap();
            (answer.status().as_u16(), answer.text().unwrap())
        };
        assert_eq!(ask(&server.address), ask(&exporter.address), "{query} {patience}");
    }
    let metrics = server.get("/metrics").1;
    assert!(metrics.contains("\nblackbox_module_unknown_total 2\n"), "{metrics}");
    assert!(metrics.contains("\nblackbox_exporter_config_last_reload_successful 1\n"));
}

#[test]
fn a_scrape_job_probes_by_pharos_itself() {
    let web = scene::web();
    // No test is given a port so low.
    let nobody = 1;
    let server = Server::with_config("", &["--host-metrics=false", "--enable-lifecycle"]);
    let config = format!(
        "scrape_configs:\n- job_name: blackbox\n  metrics_path: /probe\n  scrape_interval: 1s\n  params: {{module: [http_2xx]}}\n  static_configs:\n  \
         - targets: ['http://{web}/', 'http://127.0.0.1:{nobody}/']\n  relabel_configs:\n  - {{source_labels: [__address__], target_label: __param_target}}\n  \
         - {{source_labels: [__param_target], target_label: instance}}\n  - {{target_label: __address__, replacement: '{}'}}\n",
        server.address
    );
    std::fs::write(server.folder().join("prometheus.yml"), config).unwrap();
    assert_eq!(server.post("/-/reload", "text/plain", "").0, 200);
    server.await_query(&format!("probe_success{{instance=\"http://{web}/\"}}"), |found| found[0]["value"][1] == "1");
    server.await_query(&format!("probe_success{{instance=\"http://127.0.0.1:{nobody}/\"}}"), |found| found[0]["value"][1] == "0");
    server.await_query("sum(up{job=\"blackbox\"})", |found| found[0]["value"][1] == "2");
}

#[test]
fn debugging_tells_why_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("blackbox.yml");
    let text = "modules:\n  mine:\n    prober: http\n    http: {basic_auth: {username: ann, password: s3cret}, headers: {X-Api-Key: k3y}, fail_if_not_ssl: true}\n";
    std::fs::write(&config, text).unwrap();
    let web = scene::web();
    let server = Server::start(&["--host-metrics=false", &format!("--blackbox.config.file={}", config.display())]);
    let (status, text) = server.get(&format!("/probe?module=mine&target={web}&debug=true"));
    assert_eq!(status, 200);
    for part in ["Logs for the probe:", "the answer did not come over TLS", "\nprobe_success 0\n", "prober: http", "username: ann"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    assert!(!text.contains("s3cret") && !text.contains("k3y"), "{text}");
}

#[test]
fn modules_follow_a_reload_or_stay_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("blackbox.yml");
    std::fs::write(&config, "modules: {one: {prober: tcp}}\n").unwrap();
    let server = Server::start(&["--host-metrics=false", "--enable-lifecycle", &format!("--blackbox.config.file={}", config.display())]);
    let web = scene::web();
    let probe = |module: &str| server.get(&format!("/probe?module={module}&target={web}")).0;
    assert_eq!((probe("one"), probe("two")), (200, 400));
    std::fs::write(&config, "modules: {two: {prober: tcp}}\n").unwrap();
    assert_eq!(server.post("/-/reload", "text/plain", "").0, 200);
    assert_eq!((probe("one"), probe("two")), (400, 200));
    std::fs::write(&config, "modules: {three: {prober: udp}}\n").unwrap();
    let (status, why) = server.post("/-/reload", "text/plain", "");
    assert!(status == 500 && why.contains("blackbox.yml:1:27: prober \"udp\" is not valid"), "{status} {why}");
    assert_eq!((probe("two"), probe("three")), (200, 400));
}
