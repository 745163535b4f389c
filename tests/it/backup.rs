//! Backups: what is restored is what was there, whatever was being written; what is no backup is refused.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use pharos::base::clock::{Clock, SystemClock};
use serde_json::Value as Json;

use crate::support::{Server, client};
use crate::wire;

/// Series of each writer.
const SERIES: usize = 400;
/// Writers at once.
const WRITERS: usize = 3;
/// Rounds in one request.
const ROUNDS: i64 = 10;
/// Between two rounds (ms).
const STEP_MS: i64 = 100;
/// Before the newest sample of now, but within the window for late ones (ms).
const BACK_MS: i64 = 40 * 60_000;
/// Of somebody who signs in before and after.
const PASSWORD: &str = "correct horse battery";
const QUIET: [&str; 2] = ["--own-metrics=false", "--host-metrics=false"];

fn pharos(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pharos")).args(args).env_clear().output().unwrap()
}

/// Standard output of a command that must succeed.
fn succeeds(args: &[&str]) -> String {
    let output = pharos(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Standard error of a command that must fail.
fn fails(args: &[&str]) -> String {
    let output = pharos(args);
    assert!(!output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn now_ms() -> i64 {
    SystemClock::new().now_ms()
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn submit(server: &Server, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    server.post(path, "application/x-www-form-urlencoded", body)
}

/// The status of signing in, without going where it leads.
fn sign_in(server: &Server) -> u16 {
    let stays = reqwest::blocking::Client::builder().redirect(reqwest::redirect::Policy::none());
    let stays = stays.timeout(Duration::from_secs(120)).build().unwrap();
    let body = form_urlencoded::Serializer::new(String::new()).append_pair("name", "ann").append_pair("password", PASSWORD).finish();
    let form = stays.post(server.url("/login")).header("content-type", "application/x-www-form-urlencoded");
    form.body(body).send().unwrap().status().as_u16()
}

/// Writes rounds until told to stop; counts those acknowledged.
fn write_on(url: &str, writer: usize, start: i64, acknowledged: &AtomicI64, stop: &AtomicBool) {
    let writer = writer.to_string();
    while !stop.load(Ordering::SeqCst) {
        let round = acknowledged.load(Ordering::SeqCst);
        let all = (0..SERIES).map(|at| {
            let samples: Vec<(i64, f64)> =
                (round..round + ROUNDS).map(|round| (start + round * STEP_MS, (at as i64 * round) as f64)).collect();
            let mut series = wire::series(&[("__name__", "load"), ("writer", &writer), ("series", &at.to_string())], &samples);
            if at == 0 {
                let labels = vec![wire::Label { name: "trace_id".into(), value: round.to_string() }];
                series.exemplars.push(wire::Exemplar { labels, value: 1.0, timestamp: start + round * STEP_MS });
            }
            series
        });
        let (status, said) = wire::send(url, wire::body(all.collect()));
        assert_eq!(status, 204, "{said}");
        acknowledged.fetch_add(ROUNDS, Ordering::SeqCst);
    }
}

/// Things that are no load: a pushed group with metadata, a custom metric, histograms, somebody who signs in, a token.
/// Gives the token.
fn furnish(server: &Server, start: i64) -> String {
    let put = client().put(server.url("/metrics/job/batch/instance/db-1"));
    let pushed = put.body("# HELP backup_size_bytes Size of it.\n# TYPE backup_size_bytes gauge\nbackup_size_bytes 12e9\n").send().unwrap();
    assert_eq!(pushed.status(), 200);
    let custom = r#"{"name": "orders_total", "type": "counter", "value": 3, "labels": {"shop": "a"}}"#;
    let (status, said) = server.post("/api/v1/metrics/custom", "application/json", custom);
    assert!((200..300).contains(&status), "{status} {said}");
    let mut series = wire::series(&[("__name__", "sizes")], &[]);
    series.histograms = (1..50).map(|n| wire::histogram(start + n * STEP_MS, n)).collect();
    let mut gone = wire::series(&[("__name__", "gone")], &[(start, 1.0), (start + 1000, 2.0)]);
    gone.samples.push(wire::Sample { value: 3.0, timestamp: start + 2000 });
    assert_eq!(wire::send(&server.url("/api/v1/write"), wire::body(vec![series, gone])).0, 204);
    let deleted =
        server.post(&format!("/api/v1/admin/tsdb/delete_series?match[]=gone&end={}", (start + 1000) as f64 / 1e3), "text/plain", "");
    assert_eq!(deleted.0, 204, "{}", deleted.1);
    let person = [("name", "ann"), ("email", ""), ("role", "admin"), ("password", PASSWORD)];
    let (status, page) = submit(server, "/settings/people", &person);
    assert!(page.contains("ann"), "{status} {page}");
    let (_, page) = submit(server, "/settings/tokens", &[("name", "test"), ("days", ""), ("rate", ""), ("scope", "admin")]);
    let at = page.find("pht_").expect("the token is shown");
    page[at..].split('<').next().unwrap().trim().to_owned()
}

/// Every answer about what was there at two moments: of the load, and of everything else.
fn answers(server: &Server, token: &str, load_ms: i64, rest_ms: i64) -> Vec<(String, Json)> {
    let (load, rest) = (load_ms as f64 / 1e3, rest_ms as f64 / 1e3);
    let mut paths = Vec::new();
    for query in [
        "load[2h]",
        "count_over_time(load[2h])",
        "sum by (writer) (rate(load[10s]))",
        "count({__name__=~\"load|sizes|gone\"})",
        "sizes[2h]",
        "histogram_quantile(0.9, rate(sizes[1h]))",
        "gone[2h]",
        "topk(3, load)",
    ] {
        paths.push(format!("/api/v1/query?query={}&time={load}", encoded(query)));
    }
    for query in ["sum by (writer) (load)", "max(rate(load[5s]))", "histogram_count(sizes)"] {
        paths.push(format!("/api/v1/query_range?query={}&start={}&end={load}&step=1", encoded(query), load - 60.0));
    }
    let others = "{__name__=~\".+\",__name__!~\"load|sizes|gone\"}";
    paths.push(format!("/api/v1/query?query={}&time={rest}", encoded(&format!("{others}[2h]"))));
    paths.push(format!("/api/v1/query_range?query={}&start={}&end={rest}&step=5", encoded(others), rest - 600.0));
    paths.push(format!("/api/v1/query_exemplars?query=load&start=0&end={load}"));
    paths.push(format!("/api/v1/series?match[]={}&start=0&end={load}", encoded("{__name__=~\"load|sizes|gone\"}")));
    paths.extend(["/api/v1/metadata", "/api/v1/pushed", "/api/v1/label/__name__/values", "/api/v1/label/writer/values"].map(str::to_owned));
    let ask = |path: String| {
        let answer = client().get(server.url(&path)).bearer_auth(token).send().unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let answer: Json = answer.json().unwrap();
        (path, answer["data"].clone())
    };
    paths.into_iter().map(ask).collect()
}

fn assert_same(found: &[(String, Json)], expected: &[(String, Json)]) {
    for ((path, expected), (_, found)) in expected.iter().zip(found) {
        let cut = |json: &Json| json.to_string().chars().take(2000).collect::<String>();
        assert!(expected == found, "{path}\nexpected {}\nfound    {}", cut(expected), cut(found));
        assert!(!matches!(expected, Json::Null) && expected["result"].as_array().is_none_or(|all| !all.is_empty()), "{path} says nothing");
    }
    assert_eq!(found.len(), expected.len());
}

/// The moment that `pharos backup` names (ms).
fn moment_of(said: &str) -> i64 {
    let time = said.trim().rsplit_once("as of ").unwrap().1;
    chrono::DateTime::parse_from_rfc3339(time).unwrap().timestamp_millis()
}

fn backup_under_load(server: &Server, start: i64, file: &Path) -> (i64, i64) {
    let acknowledged: Vec<Arc<AtomicI64>> = (0..WRITERS).map(|_| Arc::default()).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = acknowledged
        .iter()
        .enumerate()
        .map(|(writer, acknowledged)| {
            let (url, acknowledged, stop) = (server.url("/api/v1/write"), Arc::clone(acknowledged), Arc::clone(&stop));
            std::thread::spawn(move || write_on(&url, writer, start, &acknowledged, &stop))
        })
        .collect();
    let rounds = |at_least: i64| {
        while acknowledged.iter().any(|one| one.load(Ordering::SeqCst) < at_least) {
            std::thread::park_timeout(Duration::from_millis(10));
        }
        acknowledged.iter().map(|one| one.load(Ordering::SeqCst)).min().unwrap()
    };
    let all = || acknowledged.iter().map(|one| one.load(Ordering::SeqCst)).sum::<i64>() * SERIES as i64;
    let before = rounds(50);
    let (clock, samples) = (SystemClock::new(), all());
    let said = succeeds(&["backup", "--url", &server.url(""), text(file)]);
    let (took, samples) = (clock.monotonic(), all() - samples);
    // Writing went on all the time, and goes on.
    rounds(before + 2 * ROUNDS);
    stop.store(true, Ordering::SeqCst);
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    println!("backup under load: {took:?}, {:.0} samples/s meanwhile, {said}", samples as f64 / took.as_secs_f64());
    (start + (before - 1) * STEP_MS, moment_of(&said))
}

#[test]
fn a_backup_under_load_restores_to_the_same_answers() {
    // Nobody has to sign in although there is somebody, as the load comes without a token.
    let server = Server::start(&[&QUIET[..], &["--enable-admin-api", "--auth", "off"]].concat());
    let start = now_ms() - BACK_MS;
    let token = furnish(&server, start);
    // Pushed groups and custom metrics become samples at the next tick.
    server.await_query("backup_size_bytes", |found| !found[0].is_null());
    let rest_ms = now_ms();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pharos.tar.zst");
    let (load_ms, moment_ms) = backup_under_load(&server, start, &file);
    assert!(moment_ms >= rest_ms, "{moment_ms} {rest_ms}");
    let expected = answers(&server, "none needed", load_ms, rest_ms);
    drop(server);

    let data = folder.path().join("elsewhere/data");
    let said = succeeds(&["restore", text(&file), "--data-dir", text(&data)]);
    assert!(said.contains("made by pharos "), "{said}");
    let mut restored = Server::on(&data, &[&QUIET[..], &["--auth", "on"]].concat());
    assert_same(&answers(&restored, &token, load_ms, rest_ms), &expected);
    assert_eq!(restored.get("/api/v1/query?query=up").0, 401, "users came along, and strangers stay out");
    assert_eq!(sign_in(&restored), 303, "with the password of before");
    // What is running cannot be replaced, nor what has data.
    let refused = fails(&["restore", text(&file), "--data-dir", text(&data), "--force"]);
    assert!(refused.contains("a server runs on "), "{refused}");
    let refused = fails(&["backup", "--data-dir", text(&data), text(&folder.path().join("x.tar.zst"))]);
    assert!(refused.contains("is in use; give --url"), "{refused}");
    let no_token = fails(&["backup", "--url", &restored.url(""), text(&folder.path().join("x.tar.zst"))]);
    assert!(no_token.contains("401 Unauthorized"), "{no_token}");
    assert!(!folder.path().join("x.tar.zst").exists() && !folder.path().join("x.tar.zst.partial").exists());
    // Through a crash, and once more as a backup of a stopped server.
    restored.kill_and_restart();
    drop(restored);
    let again = folder.path().join("again.tar.zst");
    succeeds(&["backup", "--data-dir", text(&data), text(&again)]);
    let refused = fails(&["restore", text(&again), "--data-dir", text(&data)]);
    assert!(refused.contains("is not empty") && refused.contains("--force"), "{refused}");
    let said = succeeds(&["restore", text(&again), "--data-dir", text(&data), "--force"]);
    assert!(said.contains("what was there before is in "), "{said}");
    let restored = Server::on(&data, &[&QUIET[..], &["--auth", "on"]].concat());
    assert_same(&answers(&restored, &token, load_ms, rest_ms), &expected);
}

/// A small backup.
fn small() -> (tempfile::TempDir, PathBuf) {
    let server = Server::quiet();
    assert_eq!(wire::send(&server.url("/api/v1/write"), wire::body(vec![wire::series(&[("__name__", "a")], &[(1000, 1.0)])])).0, 204);
    let folder = tempfile::tempdir().unwrap();
    let said = succeeds(&["backup", "--url", &server.url(""), text(folder.path())]);
    let file = PathBuf::from(said.split(": ").next().unwrap());
    assert!(file.file_name().unwrap().to_str().unwrap().starts_with("pharos-20"), "{said}");
    (folder, file)
}

#[test]
fn what_is_no_whole_backup_changes_nothing() {
    let (folder, file) = small();
    let whole = std::fs::read(&file).unwrap();
    let data = folder.path().join("data");
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for (bytes, said) in
        [(&whole[..whole.len() - 1], "cut off"), (&whole[..whole.len() / 2], "cut off"), (&flipped, "damaged"), (b"x", "no backup")]
    {
        let broken = folder.path().join("broken.tar.zst");
        std::fs::write(&broken, bytes).unwrap();
        let refused = fails(&["restore", text(&broken), "--data-dir", text(&data)]);
        assert!(refused.contains(said), "{refused}");
        let left: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["lock"], "{refused}");
    }
    let refused = fails(&["backup", "--url", "http://127.0.0.1:1", text(&file)]);
    assert!(refused.contains("is there already"), "{refused}");
    // A restore that was killed keeps servers away until it is done again.
    std::fs::create_dir(data.join("restoring")).unwrap();
    let refused = fails(&["serve", "--listen", "127.0.0.1:0", "--data-dir", text(&data)]);
    assert!(refused.contains("did not come to its end; run `pharos restore` again"), "{refused}");
    succeeds(&["restore", text(&file), "--data-dir", text(&data)]);
    let server = Server::on(&data, &QUIET);
    assert_eq!(server.query("a", 1.0)[0]["value"][1], "1");
}

#[test]
fn the_page_makes_lists_and_hands_out_backups() {
    let server = Server::quiet();
    let (_, page) = server.get("/settings/backup");
    assert!(page.contains("No backups yet") && page.contains("no schedule"), "{page}");
    let (status, page) = submit(&server, "/settings/backup", &[]);
    assert!(status == 200 && page.contains("The backup was made.") && page.contains("1 backup"), "{status} {page}");
    let at = page.find("/settings/backup/pharos-").expect("a link");
    let href = page[at..].split('"').next().unwrap();
    let answer = client().get(server.url(href)).send().unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()), (200, "application/zstd"));
    assert!(answer.headers()["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"pharos-20"));
    let bytes = answer.bytes().unwrap();
    let file = server.folder().join("downloaded.tar.zst");
    std::fs::write(&file, &bytes).unwrap();
    succeeds(&["restore", text(&file), "--data-dir", text(&server.folder().join("elsewhere"))]);
    for (odd, status) in [
        ("/settings/backup/..%2Fpharos.db", 400),
        ("/settings/backup/nothing.tar.zst", 404),
        ("/settings/backup/pharos.db", 404),
        ("/settings/backup/%2Fetc%2Fpasswd", 404),
    ] {
        assert_eq!(server.get(odd).0, status, "{odd}");
    }
    let (status, made) = server.post("/api/v1/backup?to=folder", "text/plain", "");
    assert!(status == 200 && made.contains("\"name\":\"pharos-20"), "{status} {made}");
    assert_eq!(server.post("/api/v1/backup?to=mars", "text/plain", "").0, 400);
    assert_eq!(server.get("/api/v1/backup").0, 405);
    let (_, audit) = server.get("/settings/audit?action=backup");
    assert!(audit.contains("backup.create") && audit.contains("backup.download"), "{audit}");
    let (_, own) = server.get("/metrics");
    assert!(
        own.contains("pharos_backups_total{result=\"success\"} 2\n") && own.contains("pharos_backup_last_success_timestamp_seconds"),
        "{own}"
    );
}

#[test]
fn a_backup_goes_where_it_is_wanted() {
    let (folder, file) = small();
    let data = folder.path().join("data");
    succeeds(&["restore", text(&file), "--data-dir", text(&data)]);
    let with = |args: &[&str], env: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pharos"));
        command.args(args).env_clear().envs(env.iter().copied()).current_dir(folder.path()).output().unwrap()
    };
    // What the environment says of a server does not stand against a folder that is named.
    let url = [("PHAROS_URL", "http://127.0.0.1:1")];
    let offline = with(&["backup", "--data-dir", text(&data), "offline.tar.zst"], &url);
    assert!(offline.status.success(), "{}", String::from_utf8_lossy(&offline.stderr));
    let both = fails(&["backup", "--url", "http://127.0.0.1:1", "--data-dir", text(&data), "x"]);
    assert!(both.contains("--url and --data-dir cannot be used together"), "{both}");
    // To another program, of a folder and of a server.
    let server = Server::on(&folder.path().join("other"), &QUIET);
    for from in [["--data-dir", text(&data)], ["--url", &server.url("")]] {
        let piped = with(&["backup", from[0], from[1], "-"], &[]);
        let said = String::from_utf8_lossy(&piped.stderr);
        assert!(piped.status.success() && said.contains("standard output: ") && said.contains(" packed, as of "), "{said}");
        assert!(!folder.path().join("-").exists());
        let whole = folder.path().join("piped.tar.zst");
        std::fs::write(&whole, &piped.stdout).unwrap();
        succeeds(&["restore", text(&whole), "--data-dir", text(&folder.path().join(format!("from{}", from[0])))]);
    }
    let nobody = with(&["backup", "--url", "http://127.0.0.1:1", "-"], &[]);
    assert!(!nobody.status.success() && nobody.stdout.is_empty(), "{}", String::from_utf8_lossy(&nobody.stderr));
    // What a killed one left goes with the next one, and with the start of the server whose folder it is.
    let left = "pharos-20200101T000000Z.tar.zst.partial";
    let put = folder.path().join("put");
    std::fs::create_dir(&put).unwrap();
    std::fs::write(put.join(left), "half").unwrap();
    std::fs::write(put.join("film.partial"), "of somebody else").unwrap();
    succeeds(&["backup", "--url", &server.url(""), text(&put)]);
    assert!(!put.join(left).exists() && put.join("film.partial").exists());
    drop(server);
    let own = folder.path().join("other/backups");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join(left), "half").unwrap();
    let _server = Server::on(&folder.path().join("other"), &QUIET);
    assert!(!own.join(left).exists());
}

#[test]
fn the_schedule_keeps_the_newest() {
    let server = Server::start(&[&QUIET[..], &["--backup.schedule", "* * * * * *", "--backup.keep=2"]].concat());
    let made = |server: &Server| -> f64 {
        let (_, own) = server.get("/metrics");
        own.lines().find_map(|line| line.strip_prefix("pharos_backups_total{result=\"success\"} ")).unwrap().parse().unwrap()
    };
    for _ in 0..1200 {
        if made(&server) >= 3.0 {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
    assert!(made(&server) >= 3.0, "the schedule makes backups");
    let (_, page) = server.get("/settings/backup");
    assert!(!page.contains("no schedule"), "{page}");
    let (_, audit) = server.get("/settings/audit?action=backup");
    assert!(audit.contains("the schedule"), "{audit}");
    let files = || {
        let names = std::fs::read_dir(server.data.join("backups")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".tar.zst")).count()
    };
    // One more is there between the end of a backup and the removal of the oldest.
    assert!((2..=3).contains(&files()), "{}", files());
    let refused =
        fails(&["serve", "--listen", "127.0.0.1:0", "--backup.schedule", "nightly", "--data-dir", text(&server.folder().join("x"))]);
    assert!(refused.contains("--backup.schedule: read \"nightly\", expected a schedule of five fields"), "{refused}");
}

#[test]
fn an_old_database_comes_forward_and_a_later_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let path = data.join("pharos.db");
    let first = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/01-platform-instance/up.sql")).unwrap();
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(&first).unwrap();
    old.execute_batch("INSERT INTO instance (name, value) VALUES ('id', 'first'); PRAGMA user_version = 1;").unwrap();
    old.close().unwrap();
    drop(Server::on(&data, &QUIET));
    let value = |path: &Path| -> (i64, String) {
        let db = rusqlite::Connection::open(path).unwrap();
        let version = db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        (version, db.query_row("SELECT value FROM instance WHERE name = 'id'", [], |row| row.get(0)).unwrap())
    };
    let (version, kept) = value(&path);
    assert!(version >= 2 && kept == "first", "{version} {kept}");
    assert_eq!(value(&data.join(format!("pharos.db.before-{version}"))), (1, "first".to_owned()));
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 9999).unwrap();
    let refused = fails(&["serve", "--listen", "127.0.0.1:0", "--data-dir", text(&data)]);
    assert!(refused.contains("was written by a later version of pharos"), "{refused}");
}
