//! The pages in a real browser: `web/test/browser/*.mjs` drive the installed Chromium against the real binary.
//!
//! Node.js, Chromium and the packages of `web/` (`npm ci`) are needed; where one is missing the tests are skipped with
//! a line, except under `PHAROS_TEST_FULL`. `PHAROS_TEST_CHROMIUM` names another browser, `PHAROS_TEST_SHOTS` a folder
//! for pictures of every page.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::{Server, client, skip};
use crate::{conformance, kpis, wire};

/// Where Linux distributions put it.
const BROWSERS: [&str; 4] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome-stable", "/usr/bin/google-chrome"];

fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("PHAROS_TEST_CHROMIUM").map(PathBuf::from);
    named.into_iter().chain(BROWSERS.map(PathBuf::from)).find(|path| path.exists())
}

/// One browser at a time: two on a small machine make each other slow, and what a page does late counts against it.
static ALONE: Mutex<()> = Mutex::new(());

/// Waits until it is this test's turn, which can take a quarter of an hour. Servers are started and filled after that:
/// what they hold must be fresh, and they cost the others nothing meanwhile.
fn turn() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs one file of browser tests; its words are shown when something is wrong.
fn drive(name: &str, server: &Server) {
    drive_with(name, server, &[]);
}

/// The same with further arguments.
fn drive_with(name: &str, server: &Server, args: &[&Path]) {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    let Some(browser) = browser() else { return skip("Chromium is not installed") };
    if Command::new("node").arg("--version").stdout(Stdio::null()).status().is_err() {
        return skip("Node.js is not installed");
    }
    if !web.join("node_modules/playwright-core").exists() || !web.join("node_modules/axe-core").exists() {
        return skip("the test packages of web/ are not installed (npm ci)");
    }
    let output = Command::new("node")
        .arg(web.join("test/browser").join(format!("{name}.mjs")))
        .arg(server.url(""))
        .args(args)
        .env("PHAROS_TEST_CHROMIUM", browser)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        // Past the test runner's capture: long runs are often read by what stands around the failed test's name.
        let mut terminal = std::io::stderr();
        for line in said.lines().filter(|line| line.starts_with("FAIL")) {
            writeln!(terminal, "{name}: {line}").unwrap();
        }
    }
    assert!(output.status.success(), "browser tests of {name}:\n{said}");
    println!("{said}");
}

/// Now, as the server under test sees it.
#[expect(clippy::disallowed_methods, reason = "the server runs on the machine's clock, so its data must end there")]
fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// Almost an hour of requests by route and code, at 15 s, ending now; the same on every run but for the time.
fn push_requests(server: &Server) {
    let now = now_ms() / 15_000 * 15_000;
    let mut all = Vec::new();
    for (at, route) in ["/api/v1/events", "/api/v1/session", "/api/v1/products", "/graphql"].into_iter().enumerate() {
        for (code, share) in [("200", 40.0), ("500", 1.0)] {
            let mut total = 0.0;
            let samples: Vec<(i64, f64)> = (0..=225)
                .map(|step| {
                    total += share * (4 - at) as f64 * (1.5 + (f64::from(step as i32) / 23.0 + at as f64).sin());
                    (now - (225 - step) * 15_000, total)
                })
                .collect();
            all.push(wire::series(&[("__name__", "http_requests_total"), ("job", "api"), ("route", route), ("code", code)], &samples));
        }
    }
    let (status, text) = wire::send(&server.url("/api/v1/write"), wire::body(all));
    assert_eq!(status, 204, "{text}");
}

/// Lines of a shop on two hosts, some of them errors.
fn push_lines(server: &Server) {
    let now_ns = i128::from(now_ms()) * 1_000_000;
    let line = |at: i128| {
        let text = match at % 5 {
            0 => format!(r#"{{"status":{},"route":"/orders/{at}","took_ms":{}}}"#, 500 - at % 2 * 300, at % 90),
            1 => format!("upstream timeout after {at}ms\n  at main (app.js:3)"),
            _ => format!("\u{1b}[32mGET\u{1b}[0m /cart 200 took_ms={}", at % 70),
        };
        let level = ["error", "warn", "info", "info", "debug"][usize::try_from(at % 5).unwrap()];
        serde_json::json!([(now_ns - at * 4_000_000_000).to_string(), text, { "detected_level": level, "trace_id": format!("{at:016x}") }])
    };
    let streams = ["a", "b"].map(|host| {
        let values: Vec<serde_json::Value> = (0..400).map(line).collect();
        serde_json::json!({ "stream": { "service_name": "shop", "host": host, "env": "prod" }, "values": values })
    });
    let sent = client().post(server.url("/loki/api/v1/push")).json(&serde_json::json!({ "streams": streams })).send().unwrap();
    assert_eq!(sent.status(), 204, "{}", sent.text().unwrap());
}

/// Visits of two pages, fast and slow.
fn push_vitals(server: &Server) {
    for visit in 0..20 {
        let page = if visit % 3 == 0 { "/checkout" } else { "/" };
        let measured = [("LCP", 900 + visit * 300), ("INP", 40 + visit * 20), ("CLS", 0), ("FCP", 700), ("TTFB", 2_000)];
        let body: Vec<serde_json::Value> = measured
            .iter()
            .map(|(name, value)| serde_json::json!({ "name": name, "value": value, "id": format!("{name}{visit}"), "page": page }))
            .collect();
        let sent =
            client().post(server.url("/api/metrics/web-vitals")).header("origin", "https://shop.example").json(&body).send().unwrap();
        assert_eq!(sent.status(), 200, "{}", sent.text().unwrap());
    }
}

/// A rule of every kind that keeps alerts calm, by the forms of the pages.
fn keep_calm(server: &Server) {
    for form in [
        "kind=rotas&title=First+line&receiver=everybody&person0=Ann&via0=pager&person1=Bob&via1=team&person2=Chiara+Montefiori&via2=team&first=2024-01-01&handover=09:00&days=7&zone=Europe/Berlin",
        "kind=escalations&title=Nobody+acknowledges&matchers=severity%3D%22critical%22&after0=15m&to0=team&after1=30m&to1=everybody",
        "kind=dependencies&title=Hosts&source=severity%3D%22critical%22&target=severity%3D~%22warning%7Cinfo%22&equal=job",
        "kind=flapping&title=Whatever+flaps&changes=4&within=30m&quiet=15m",
        "kind=caps&receiver=pager&messages=20&within=1h",
        "kind=recurring-silences&title=Backups&matchers=job%3D%22backup%22&weekday=6&from=22:00&to=04:00&zone=Europe/Berlin",
    ] {
        let (status, text) = server.post("/alerts/calm/save", "application/x-www-form-urlencoded", form.to_owned());
        assert_eq!(status, 200, "{form}: {text}");
    }
    let (_, page) = server.get("/alerts/oncall");
    let rota = page.split("kind=rotas&#38;id=").nth(1).unwrap().split('"').next().unwrap();
    let form = format!("rota={rota}&person=Bob&hours=30");
    let (status, text) = server.post("/alerts/oncall/take-over", "application/x-www-form-urlencoded", form);
    assert_eq!(status, 200, "{text}");
}

/// Checks of which one is up, one is down and one waits, by the forms of the pages.
fn watch_pages(server: &Server) {
    let up = format!("kind=http&name=Shop&interval=1s&labels=team:+web&http.url={}", server.url("/-/healthy"));
    for form in [
        up.as_str(),
        "kind=tcp&name=Database&interval=1s&retries=0&note=Call+Ann.&tcp.address=127.0.0.1:1",
        "kind=heartbeat&name=Backup&parent=Database&heartbeat.cron=0+3+*+*+*",
    ] {
        let (status, text) = server.post("/uptime/save", "application/x-www-form-urlencoded", form.to_owned());
        assert_eq!(status, 200, "{form}: {text}");
    }
}

/// Status pages of the checks, in two languages, with something told.
fn tell_customers(server: &Server) {
    let parts = "sections:\n- title: Shop\n  checks: [Shop, Database]\n  components: [{check: Database, name: Orders}]\n- title: Night\n  checks: [Backup]\n";
    for head in [
        "title: Example\nslug: example\nlisted: true\nshow_latency: true\n",
        "title: Example for Cairo\nslug: arabic\nlanguage: ar\ntime_zone: Africa/Cairo\n",
    ] {
        let (status, text) = server.post("/api/v1/status-pages", "application/yaml", format!("{head}{parts}"));
        assert_eq!(status, 200, "{text}");
    }
    for form in [
        "slug=example&do=tell&title=Orders+are+slow&severity=degraded&stage=identified&check=Database&text=Nothing+is+lost.",
        "slug=example&do=tell&title=We+moved&severity=notice&stage=resolved&text=",
    ] {
        let (status, text) = server.post("/uptime/status-pages/posts", "application/x-www-form-urlencoded", form.to_owned());
        assert_eq!(status, 200, "{form}: {text}");
    }
}

/// KPIs of a year, a funnel of them, people who come back, and a letter.
fn count_people(server: &Server) {
    let made = |path: &str, body: serde_json::Value| {
        let (status, text) = server.post(path, "application/json", body.to_string());
        assert_eq!(status, 200, "{path}: {text}");
    };
    let today = now_ms().div_euclid(86_400_000);
    for (name, group, many, more) in [
        ("Visits", "Shop", 900.0, serde_json::json!({})),
        ("Baskets", "Shop", 300.0, serde_json::json!({})),
        (
            "Paid orders",
            "Shop",
            90.0,
            serde_json::json!({ "owner": "Ada", "targets": [{ "by": "month", "value": 2_800 }, { "by": "week", "value": 650 }] }),
        ),
        (
            "Revenue",
            "Money",
            4_800.0,
            serde_json::json!({ "owner": "Grace", "unit": "currency", "currency": "EUR", "targets": [{ "by": "month", "value": 140_000 }] }),
        ),
    ] {
        let mut kpi = serde_json::json!({ "name": name, "group": group, "pushed": {} });
        kpi.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        made("/api/v1/kpis", kpi);
        let value = |back: i64| many * (1.0 + 0.2 * ((back % 7) as f64 / 7.0) - back as f64 / 1_500.0);
        let days: Vec<serde_json::Value> = (0..400)
            .map(|back| serde_json::json!({ "at": ((today - back) * 86_400 + 43_200).to_string(), "value": value(back).round() }))
            .collect();
        made(&format!("/api/v1/kpis/{}/values", name.replace(' ', "%20")), serde_json::json!(days));
    }
    made(
        "/api/v1/funnels",
        serde_json::json!({ "name": "Shop", "description": "From the front page to the till.", "steps": ["Visits", "Baskets", "Paid orders"] }),
    );
    let now = now_ms();
    let cohort = |month: i64, age: i64| {
        let labels = [("__name__", "users_active"), ("cohort", &format!("2026-{month:02}")), ("age", &age.to_string())]
            .map(|(name, value)| (name, value.to_owned()));
        let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
        wire::series(&labels, &[(now, (1_000.0 + 40.0 * month as f64) * 0.8_f64.powi(age as i32))])
    };
    let all = (1..=8).flat_map(|month| (0..=(8 - month)).map(move |age| (month, age))).map(|(month, age)| cohort(month, age)).collect();
    let (status, text) = wire::send(&server.url("/api/v1/write"), wire::body(all));
    assert_eq!(status, 204, "{text}");
    made("/api/v1/retentions", serde_json::json!({ "name": "Who stays", "promql": "users_active", "kpi": "Paid orders" }));
    made("/api/v1/digests", serde_json::json!({ "name": "Weekly", "to": ["ann@x.example"], "kpis": ["Paid orders"] }));
}

/// A server with this host's metrics, requests, a target that is down and a pushed group.
fn busy() -> Server {
    let web = concat!(env!("CARGO_MANIFEST_DIR"), "/web/test/browser");
    let down = "scrape_configs:\n  - job_name: gone\n    scrape_interval: 1s\n    scrape_timeout: 1s\n    static_configs:\n      - targets: ['127.0.0.1:1']\n";
    let config = format!("rule_files: ['{web}/rules.yml']\n{down}");
    // Rates need two rounds of the host's metrics, which may not take the half minute that is waited for them.
    let server = Server::with_config(&config, &[&format!("--alertmanager.config.file={web}/routing.yml"), "--host-interval=5s"]);
    push_requests(&server);
    push_lines(&server);
    push_vitals(&server);
    keep_calm(&server);
    watch_pages(&server);
    tell_customers(&server);
    kpis::orders(&server);
    count_people(&server);
    client()
        .put(server.url("/metrics/job/backup/instance/db-1"))
        .body("# HELP backup_size_bytes Size.\n# TYPE backup_size_bytes gauge\nbackup_size_bytes 12e9\n")
        .send()
        .unwrap();
    server.await_query("rate(node_cpu_seconds_total[1m])", |found| found.as_array().is_some_and(|list| !list.is_empty()));
    server
}

#[test]
fn every_page_is_whole_calm_and_readable() {
    let _turn = turn();
    drive("pages", &busy());
}

#[test]
fn people_get_where_they_want() {
    let _turn = turn();
    drive("flows", &busy());
}

#[test]
fn dashboards_are_drawn_and_brought_in() {
    let _turn = turn();
    let server = Server::start(&["--host-interval=1s"]);
    server.await_query("rate(node_cpu_seconds_total[1m])", |found| found.as_array().is_some_and(|list| !list.is_empty()));
    drive("boards", &server);
}

#[test]
fn dashboards_are_made_and_changed_in_place() {
    let _turn = turn();
    let server = Server::start(&["--host-interval=1s"]);
    server.await_query("rate(node_cpu_seconds_total[1m])", |found| found.as_array().is_some_and(|list| !list.is_empty()));
    drive("edit", &server);
    drive("edit_panel", &server);
    push_exemplars(&server);
    drive("made", &server);
}

/// Durations with an exemplar each minute, the last half hour.
fn push_exemplars(server: &Server) {
    let now = now_ms() / 15_000 * 15_000;
    let samples: Vec<(i64, f64)> = (0..120).map(|step| (now - (119 - step) * 15_000, 0.2 + (step % 9) as f64 / 40.0)).collect();
    let mut series = wire::series(&[("__name__", "checkout_seconds"), ("job", "shop")], &samples);
    let one = |n: i64| {
        let label = |name: &str, value: String| wire::Label { name: name.into(), value };
        let labels = vec![label("trace_id", format!("4bf92f3577b34da6{n:02}")), label("route", "/cart".into())];
        wire::Exemplar { labels, value: 0.15 + (n % 7) as f64 / 12.0, timestamp: now - (29 - n) * 60_000 }
    };
    series.exemplars = (0..30).map(one).collect();
    let (status, text) = wire::send(&server.url("/api/v1/write"), wire::body(vec![series]));
    assert_eq!(status, 204, "{text}");
}

#[test]
fn dashboards_of_others_are_drawn() {
    let Some(folder) = conformance::folder() else { return };
    let _turn = turn();
    let server = Server::start(&["--host-interval=1s"]);
    conformance::fill(&server, &folder);
    server.await_query("rate(node_cpu_seconds_total[1m])", |found| found.as_array().is_some_and(|list| !list.is_empty()));
    drive_with("conformance", &server, &[&folder]);
}

#[test]
fn lines_are_found() {
    let _turn = turn();
    drive("logs", &Server::start(&["--host-metrics=false", "--own-metrics=false"]));
}

#[test]
fn a_metric_is_sent_and_described() {
    let _turn = turn();
    drive("catalogue", &Server::quiet());
}

#[test]
fn visits_say_how_fast_pages_are() {
    let _turn = turn();
    drive("vitals", &Server::quiet());
}

#[test]
fn pages_are_watched() {
    let _turn = turn();
    drive("uptime", &Server::quiet());
}

#[test]
fn slos_are_defined_and_read() {
    let _turn = turn();
    let server = Server::quiet();
    push_requests(&server);
    drive("slos", &server);
}

#[test]
fn kpis_are_defined_and_read() {
    let _turn = turn();
    let server = Server::quiet();
    push_requests(&server);
    drive("kpis", &server);
}

#[test]
fn foreign_text_stays_text() {
    let _turn = turn();
    let rules = concat!("rule_files: ['", env!("CARGO_MANIFEST_DIR"), "/web/test/browser/hostile-rules.yml']\n");
    let server = Server::with_config(rules, &["--host-metrics=false", "--own-metrics=false"]);
    let now = now_ms();
    let long = format!("\"><img src=x onerror=alert(1)>{}", "x".repeat(10_000));
    let texts = [
        "<script>alert(2)</script>",
        "\"><img src=x onerror=alert(3)>",
        "\u{202e}</td><svg onload=alert(4)>\u{200f}",
        "'-alert(5)-'",
        "{{constructor.constructor('alert(6)')()}}",
        long.as_str(),
    ];
    let samples: Vec<(i64, f64)> = (0..60).map(|step| (now - (59 - step) * 15_000, f64::from(step as i32))).collect();
    let mut all: Vec<_> =
        texts.iter().map(|text| wire::series(&[("__name__", "hostile"), ("text", text), ("job", text)], &samples)).collect();
    all.extend(texts.iter().take(4).map(|text| wire::series(&[("__name__", text), (text, "1")], &samples)));
    all.extend(
        (0..40).map(|n| wire::series(&[("__name__", "hostile"), ("n", &n.to_string()), ("text", "<b onmouseover=alert(12)>")], &samples)),
    );
    let (status, text) = wire::send(&server.url("/api/v1/write"), wire::body(all));
    assert_eq!(status, 204, "{text}");
    let job: String = form_urlencoded::byte_serialize(texts[1].as_bytes()).collect::<String>().replace('+', "%20");
    let body = format!(
        "# HELP hostile_help {}\n# TYPE hostile_help gauge\nhostile_help{{a=\"<img src=x onerror=alert(13)>\"}} 1\n",
        texts[1].replace('\\', "\\\\")
    );
    let pushed = client().put(server.url(&format!("/metrics/job/{job}"))).body(body).send().unwrap();
    assert!(pushed.status().is_success(), "{}", pushed.status());
    let now_ns = i128::from(now) * 1_000_000;
    let lines = texts.map(|text| serde_json::json!([now_ns.to_string(), text, { "detected_level": texts[0], "field": text }]));
    let labels = serde_json::json!({ "job": texts[1], "service_name": texts[0] });
    let sent = client()
        .post(server.url("/loki/api/v1/push"))
        .json(&serde_json::json!({ "streams": [{ "stream": labels, "values": lines }] }))
        .send()
        .unwrap();
    assert_eq!(sent.status(), 204, "{}", sent.text().unwrap());
    drive("hostile", &server);
}

#[test]
fn people_sign_in_and_are_managed() {
    let _turn = turn();
    drive("admin", &Server::quiet());
}

#[test]
fn an_empty_server_says_what_to_do() {
    let _turn = turn();
    drive("empty", &Server::quiet());
}
