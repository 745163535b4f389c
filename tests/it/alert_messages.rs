//! Messages about alerts: while the receiver is away and the server is killed none is lost and none comes twice; and over a
//! play of faults they are those of Prometheus and Alertmanager.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pharos::base::clock::{Clock, SystemClock};
use serde_json::{Value as Json, json};

use crate::support::{Server, client, free_port, skip};

/// Takes messages, unless it is down, and offers metrics.
#[derive(Default)]
struct Stage {
    is_down: AtomicBool,
    refused: AtomicUsize,
    messages: Mutex<Vec<(String, Json)>>,
    metrics: Mutex<String>,
}

impl Stage {
    /// Begins to listen; gives its address too.
    fn open() -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let stage = Arc::new(Self::default());
        let playing = Arc::clone(&stage);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let playing = Arc::clone(&playing);
                std::thread::spawn(move || playing.answer(stream));
            }
        });
        (stage, address)
    }

    /// Answers one request. Who asks may be killed meanwhile.
    fn answer(&self, stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let mut first = String::new();
        reader.read_line(&mut first).ok()?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let mut words = first.split(' ');
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let (status, text) = if method == "GET" {
            ("200 OK", self.metrics.lock().unwrap().clone())
        } else if self.is_down.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            ("503 Service Unavailable", String::new())
        } else {
            self.messages.lock().unwrap().push((path, serde_json::from_slice(&body).unwrap()));
            ("200 OK", String::new())
        };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            text.len()
        );
        reader.get_mut().write_all((head + &text).as_bytes()).ok()
    }

    /// What came at a path: each as `status alertname=status ...`.
    fn heard(&self, path: &str) -> Vec<String> {
        let messages = self.messages.lock().unwrap();
        let text = |message: &Json| {
            let alerts = message["alerts"].as_array().unwrap().iter();
            let alerts: Vec<String> = alerts
                .map(|alert| format!("{}={}", alert["labels"]["alertname"].as_str().unwrap(), alert["status"].as_str().unwrap()))
                .collect();
            alerts.join(" ")
        };
        messages.iter().filter(|(at, _)| at == path).map(|(_, message)| text(message)).collect()
    }
}

fn pause(seconds: u64) {
    let (clock, end) = (SystemClock::new(), Duration::from_secs(seconds));
    // Parking may end early.
    while clock.monotonic() < end {
        std::thread::park_timeout(end.saturating_sub(clock.monotonic()));
    }
}

/// Until what was told is written down too: a crash in between tells it once more, as it must.
fn settle(server: &Server, stage: &Stage) {
    until("what was told is written down", || {
        let (_, page) = server.get("/alerts/history?view=tellings");
        let rows: Vec<&str> = page.split("<tr class=\"hi\">").skip(1).filter_map(|row| row.split("</tr>").next()).collect();
        let taken = rows.iter().filter(|row| row.contains("class=\"dot ok\"")).count();
        // A page has the newest hundred.
        taken >= stage.heard("/hook").len() || rows.len() >= 100
    });
    pause(2);
}

/// Asks until it is so; fails after two minutes.
fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..2400 {
        if is_so() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    panic!("never: {what}");
}

/// Rules whose alerts fire all the time, or never.
fn rules(alerts: &[(&str, bool)]) -> String {
    let rule = |(name, fires): &(&str, bool)| format!("  - {{alert: {name}, expr: 'vector({}) > 0'}}\n", u8::from(*fires));
    format!("groups:\n- name: g\n  interval: 1s\n  rules:\n{}", alerts.iter().map(rule).collect::<String>())
}

#[test]
fn nothing_is_lost_or_told_twice_while_the_receiver_is_down_and_the_server_killed() {
    let (stage, address) = Stage::open();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("prometheus.yml", "rule_files: [rules.yml]\n");
    write("rules.yml", &rules(&[("A", true)]));
    write(
        "alertmanager.yml",
        &format!(
            "route: {{receiver: r, group_by: [alertname], group_wait: 1s, group_interval: 1s}}\nreceivers: [{{name: r, webhook_configs: [{{url: 'http://{address}/hook'}}]}}]\n"
        ),
    );
    stage.is_down.store(true, Ordering::SeqCst);
    let config = folder.path().join("prometheus.yml");
    let args = ["--config", config.to_str().unwrap(), "--host-metrics=false", "--own-metrics=false", "--enable-lifecycle"];
    let mut server = Server::on(&folder.path().join("data"), &args);
    until("the first is tried", || stage.refused.load(Ordering::SeqCst) > 0);
    write("rules.yml", &rules(&[("A", true), ("B", true)]));
    server.kill_and_restart();
    until("the second fires", || server.api("/api/v1/alerts")["alerts"].as_array().unwrap().len() == 2);
    pause(3);
    server.kill_and_restart();
    stage.is_down.store(false, Ordering::SeqCst);
    let sorted = || {
        let mut heard = stage.heard("/hook");
        heard.sort();
        heard
    };
    until("both arrive", || stage.heard("/hook").len() >= 2);
    settle(&server, &stage);
    server.kill_and_restart();
    until("they fire again", || server.api("/api/v1/alerts")["alerts"].as_array().unwrap().len() == 2);
    pause(5);
    assert_eq!(sorted(), ["A=firing", "B=firing"]);
    write("rules.yml", &rules(&[("A", false), ("B", true)]));
    let (status, text) = server.post("/-/reload", "text/plain", "");
    assert_eq!(status, 200, "{text}");
    until("the end arrives", || stage.heard("/hook").len() >= 3);
    settle(&server, &stage);
    server.kill_and_restart();
    pause(5);
    assert_eq!(sorted(), ["A=firing", "A=resolved", "B=firing"]);
}

/// What was said of each fault, in order.
fn told_of(stage: &Stage) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, message) in stage.messages.lock().unwrap().iter() {
        for alert in message["alerts"].as_array().unwrap() {
            let text = |value: &Json| value.as_str().unwrap().to_owned();
            told.entry(text(&alert["labels"]["n"])).or_default().push(text(&alert["status"]));
        }
    }
    told
}

/// As long as PHAROS_TEST_OUTAGE says, in seconds; ten minutes are the promise, and forty seconds go through the same.
#[test]
fn after_an_outage_with_two_kills_everything_arrives_in_order() {
    let outage: u64 = std::env::var("PHAROS_TEST_OUTAGE").map_or(40, |seconds| seconds.parse().unwrap());
    let (stage, address) = Stage::open();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "prometheus.yml",
        &format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [rules.yml]\n\
             scrape_configs: [{{job_name: play, static_configs: [{{targets: ['{address}']}}]}}]\n"
        ),
    );
    // A scrape that comes too late on a busy machine ends no alert.
    write("rules.yml", "groups: [{name: g, rules: [{alert: Fault, expr: 'last_over_time(fault[5m]) > 0'}]}]\n");
    let interval = (outage / 40).max(1);
    write(
        "alertmanager.yml",
        &format!(
            "route: {{receiver: r, group_by: [n], group_wait: 1s, group_interval: {interval}s}}\n\
             receivers: [{{name: r, webhook_configs: [{{url: 'http://{address}/hook'}}]}}]\n"
        ),
    );
    let on = |faults: &[u32]| {
        let page = (0..=5).map(|n| format!("fault{{n=\"{n}\"}} {}\n", u8::from(faults.contains(&n)))).collect::<String>();
        *stage.metrics.lock().unwrap() = page;
    };
    on(&[0]);
    let config = folder.path().join("prometheus.yml");
    let args = ["--config", config.to_str().unwrap(), "--host-metrics=false", "--own-metrics=false"];
    let mut server = Server::on(&folder.path().join("data"), &args);
    until("the first is told", || stage.heard("/hook").len() == 1);
    stage.is_down.store(true, Ordering::SeqCst);
    // Percent of the outage: who fires from then on, and whether the server is killed.
    for (begin, end, faults, is_killed) in [
        (0, 10, &[0, 1][..], false),
        (10, 30, &[0, 1, 2], false),
        (30, 45, &[0, 1, 2], true),
        (45, 60, &[1, 2, 3], false),
        (60, 75, &[1, 2, 3], true),
        (75, 90, &[1, 2, 3, 4], false),
        (90, 100, &[1, 2, 3, 4, 5], false),
    ] {
        on(faults);
        if is_killed {
            server.kill_and_restart();
        }
        let before = stage.refused.load(Ordering::SeqCst);
        pause(outage * (end - begin) / 100);
        until("it is tried all the time", || stage.refused.load(Ordering::SeqCst) > before);
    }
    assert_eq!(stage.heard("/hook").len(), 1, "nothing was taken");
    stage.is_down.store(false, Ordering::SeqCst);
    let all_told = |expected: &[(&str, &[&str])]| {
        let told = told_of(&stage);
        told.len() == expected.len() && expected.iter().all(|(n, statuses)| told.get(*n).is_some_and(|told| told == statuses))
    };
    let (fires, ended) = (&["firing"][..], &["firing", "resolved"][..]);
    let after_outage = [("0", ended), ("1", fires), ("2", fires), ("3", fires), ("4", fires), ("5", fires)];
    patiently("everything of the outage arrives", 180 + 2 * interval, || all_told(&after_outage), &stage);
    on(&[]);
    let in_the_end = ["0", "1", "2", "3", "4", "5"].map(|n| (n, ended));
    patiently("the ends arrive", 120 + 2 * interval, || all_told(&in_the_end), &stage);
    settle(&server, &stage);
    server.kill_and_restart();
    pause(5 + interval);
    assert!(all_told(&in_the_end), "nothing comes twice: {:?}", told_of(&stage));
    println!("{outage} s, {} tries refused, {} messages", stage.refused.load(Ordering::SeqCst), stage.heard("/hook").len());
}

/// Waits for so many seconds at most.
fn patiently(what: &str, seconds: u64, is_so: impl Fn() -> bool, stage: &Stage) {
    for _ in 0..seconds * 10 {
        if is_so() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
    panic!("never: {what}: {:?}", told_of(stage));
}

/// A program of others; killed when dropped.
struct Peer(Child);

impl Peer {
    fn start(program: &str, args: &[String], ready: &str) -> Option<Self> {
        let peer = Self(Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?);
        until(program, || client().get(ready).send().is_ok_and(|answer| answer.status().is_success()));
        Some(peer)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _gone = self.0.kill().is_err();
        let _gone = self.0.wait().is_err();
    }
}

/// What of a message must be the same, whoever sends it.
fn essence(message: &Json) -> Json {
    let alerts: Vec<Json> = message["alerts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|alert| {
            let is_over = alert["endsAt"] != "0001-01-01T00:00:00Z";
            json!([alert["status"], alert["labels"], alert["annotations"], alert["generatorURL"], alert["fingerprint"], is_over])
        })
        .collect();
    let keys = ["status", "groupKey", "groupLabels", "commonLabels", "commonAnnotations", "receiver", "truncatedAlerts", "version"];
    let same: BTreeMap<&str, &Json> = keys.into_iter().map(|key| (key, &message[key])).collect();
    json!([same, alerts])
}

/// On a busy machine the two may stand on either side of a group's wait: then the play is given again.
#[test]
fn a_play_of_faults_gives_the_messages_of_prometheus_and_alertmanager() {
    for _ in 0..2 {
        let Err(differs) = play() else { return };
        println!("a play differs, which is repeated: {differs}");
    }
    let last = play();
    assert!(last.is_ok(), "{last:?}");
}

/// Plays faults to both; says what differs, if something does.
fn play() -> Result<(), String> {
    let (stage, address) = Stage::open();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    // Ten seconds as between two messages of a group: a scrape that comes too late ends no alert, and the end of what is gone
    // falls into the middle of an interval all the same.
    write(
        "rules.yml",
        "groups:\n- name: faults\n  interval: 1s\n  rules:\n  - alert: Fault\n    expr: last_over_time(fault[10s]) > 0\n    \
         labels: {severity: '{{ if gt $value 1.5 }}critical{{ else }}warning{{ end }}'}\n    \
         annotations: {summary: '{{ $labels.part }} is broken'}\n  - alert: Held\n    \
         expr: last_over_time(fault{part=\"a\"}[10s]) > 0\n    for: 4s\n",
    );
    let routing = |hook: &str| {
        format!(
            "route:\n  receiver: all\n  group_by: [alertname, job]\n  group_wait: 2s\n  group_interval: 10s\n  routes:\n  - matchers: [part=c]\n    receiver: firing_only\n\
             inhibit_rules:\n- source_matchers: [severity=critical]\n  target_matchers: [severity=warning]\n  equal: [job]\n\
             receivers:\n- name: all\n  webhook_configs: [{{url: 'http://{address}/{hook}'}}]\n\
             - name: firing_only\n  webhook_configs: [{{url: 'http://{address}/{hook}-only', send_resolved: false}}]\n"
        )
    };
    let scrape = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s, external_labels: {{dc: x}}}}\nrule_files: ['{}']\n\
         scrape_configs: [{{job_name: play, static_configs: [{{targets: ['{address}']}}]}}]\n",
        path("rules.yml")
    );
    let (their_alertmanager, their_prometheus) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
    write("theirs.yml", &routing("theirs"));
    write("ours.yml", &routing("ours"));
    write(
        "prometheus.yml",
        &format!("{scrape}alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{their_alertmanager}']}}]}}]}}\n"),
    );
    write("pharos.yml", &scrape);
    *stage.metrics.lock().unwrap() = "fault{part=\"a\"} 0\n".to_owned();
    let args = [
        format!("--config.file={}", path("theirs.yml")),
        format!("--storage.path={}", path("alertmanager")),
        format!("--web.listen-address={their_alertmanager}"),
        "--cluster.listen-address=".to_owned(),
    ];
    let Some(_alertmanager) = Peer::start("prometheus-alertmanager", &args, &format!("http://{their_alertmanager}/-/ready")) else {
        skip("prometheus-alertmanager is not installed");
        return Ok(());
    };
    let args = [
        format!("--config.file={}", path("prometheus.yml")),
        format!("--storage.tsdb.path={}", path("prometheus")),
        format!("--web.listen-address={their_prometheus}"),
        "--web.external-url=http://mon.example.org".to_owned(),
    ];
    let Some(_prometheus) = Peer::start("prometheus", &args, &format!("http://{their_prometheus}/-/ready")) else {
        skip("prometheus is not installed");
        return Ok(());
    };
    let (config, own_routing) = (path("pharos.yml"), path("ours.yml"));
    let args = [
        "--config",
        &config,
        "--alertmanager.config.file",
        &own_routing,
        "--host-metrics=false",
        "--own-metrics=false",
        "--external-url=http://mon.example.org",
        "--auth=off",
    ];
    let server = Server::on(&folder.path().join("data"), &args);
    until("the metric is there", || !server.api("/api/v1/query?query=fault")["result"].as_array().unwrap().is_empty());
    let ask = |path: &str| -> Json { client().get(format!("http://{their_prometheus}{path}")).send().unwrap().json().unwrap() };
    let is_there = |list: &Json| list.as_array().is_some_and(|list| !list.is_empty());
    until("it is there for them too", || is_there(&ask("/api/v1/query?query=fault")["data"]["result"]));
    // Prometheus looks for its Alertmanagers every five seconds, and what it says before it found one reaches nobody.
    until("they have found each other", || is_there(&ask("/api/v1/alertmanagers")["data"]["activeAlertmanagers"]));
    // A change comes when both have told of the one before it, and in the middle of the groups' intervals: a second more or
    // less of scraping moves none of them.
    for (faults, held, metrics) in [
        (1, 1, "fault{part=\"a\"} 1\n"),
        (2, 1, "fault{part=\"a\"} 1\nfault{part=\"b\"} 1\nfault{part=\"c\"} 1\n"),
        (3, 1, "fault{part=\"b\"} 1\n"),
        (4, 2, "fault{part=\"b\"} 1\nfault{part=\"d\"} 2\n"),
        (5, 2, "fault{part=\"a\"} 0\n"),
    ] {
        *stage.metrics.lock().unwrap() = metrics.to_owned();
        let count = |hook: &str, alert: &str| stage.heard(hook).iter().filter(|text| text.starts_with(alert)).count();
        until(&format!("both tell: {metrics}"), || {
            ["/ours", "/theirs"].iter().all(|hook| count(hook, "Fault") >= faults && count(hook, "Held") >= held)
        });
        // The second alert is told of four seconds after the first: half of the interval has gone by then.
        pause(if faults == 1 { 1 } else { 5 });
    }
    pause(8);
    compare(&stage)
}

/// Whether both sides said the same, group by group.
fn compare(stage: &Stage) -> Result<(), String> {
    let messages = stage.messages.lock().unwrap();
    for (ours, theirs) in [("/ours", "/theirs"), ("/ours-only", "/theirs-only")] {
        let mut groups: BTreeMap<String, (Vec<Json>, Vec<Json>)> = BTreeMap::new();
        for (at, message) in messages.iter() {
            let (our, their) = groups.entry(message["groupKey"].as_str().unwrap().to_owned()).or_default();
            if at == ours {
                our.push(essence(message));
            } else if at == theirs {
                their.push(essence(message));
            }
        }
        let count: usize = groups.values().map(|(_, theirs)| theirs.len()).sum();
        assert!(count >= 1, "{theirs} heard nothing: {messages:?}");
        for (key, (ours, theirs)) in groups {
            if ours != theirs {
                return Err(format!("{key}\n   ours: {ours:?}\n theirs: {theirs:?}"));
            }
        }
    }
    println!("{} messages on both sides", messages.len());
    Ok(())
}
