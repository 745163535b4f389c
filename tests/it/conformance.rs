//! Real dashboards of others: how they are read, and that every query in them answers on a server that has what they ask
//! for. What comes of each file stands in `tests/data/boards/conformance.txt`, so that a loss shows;
//! `PHAROS_TEST_WRITE=1` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::support::{Server, client, shared, skip};
use crate::wire;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/boards/conformance.txt");
/// What stands for the value of every label that a variable or an exclusion leaves open.
const ANY: &str = "x";

/// The folder of dashboards; none, with a line that says so, where it is not there.
pub(crate) fn folder() -> Option<PathBuf> {
    let found = shared("conformance/grafana");
    if found.is_none() {
        skip("the dashboards of others (conformance/grafana) are not there");
    }
    found
}

/// Dashboards by the names of their files.
fn files(folder: &Path) -> BTreeMap<String, Value> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    names
        .filter(|path| path.extension().is_some_and(|kind| kind == "json") && path.file_stem().is_some_and(|name| name != "SOURCES"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect()
}

/// Every text under some names, wherever it stands.
fn texts<'a>(json: &'a Value, names: &[&str], found: &mut Vec<&'a str>) {
    match json {
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    Value::String(text) if names.contains(&name.as_str()) => found.push(text),
                    other => texts(other, names, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|one| texts(one, names, found)),
        _ => {}
    }
}

const fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
}

/// A value that fulfils a matcher as dashboards write them.
fn fitting(op: &str, value: &str) -> String {
    let first = value.split('|').next().unwrap_or_default().trim_matches(['^', '$', '(', ')']);
    if op.starts_with('!') || value.contains('$') || first.is_empty() || first.contains(['*', '+', '[']) {
        return ANY.to_owned();
    }
    if op == "=~" { first.replace('.', "0") } else { value.to_owned() }
}

/// The labels that the matchers of a selector ask for.
fn labels(matchers: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = matchers;
    while let Some(open) = rest.find('"') {
        let (head, tail) = rest.split_at(open);
        let Some(close) = tail[1..].find('"') else { break };
        let head = head.trim_start_matches(',').trim();
        let name = head.trim_end_matches(|c: char| !is_of_name(c));
        let op = head[name.len()..].trim();
        if !name.is_empty() && !op.is_empty() {
            found.insert(name.to_owned(), fitting(op, &tail[1..=close]));
        }
        rest = tail[close + 2..].trim_start();
    }
    found
}

/// What a file asks for: series by their labels, streams of logs by theirs.
#[derive(Default)]
struct Asked {
    series: BTreeSet<Vec<(String, String)>>,
    streams: BTreeSet<Vec<(String, String)>>,
}

impl Asked {
    /// Reads the selectors of a query; `more` is a label that they need besides.
    fn read(&mut self, query: &str, more: &str) {
        let mut at = 0;
        while let Some(open) = query[at..].find('{').map(|found| at + found) {
            let Some(close) = query[open..].find('}').map(|found| open + found) else { break };
            let name_at = query[..open].trim_end().rfind(|c| !is_of_name(c)).map_or(0, |before| before + 1);
            let name = query[name_at..open].trim();
            at = close + 1;
            if query[..open].ends_with('$') || query[..open].ends_with('{') {
                continue;
            }
            let mut all = labels(&query[open + 1..close]);
            if !more.is_empty() {
                all.entry(more.to_owned()).or_insert_with(|| ANY.to_owned());
            }
            if name.is_empty() {
                if !all.is_empty() {
                    self.streams.insert(all.into_iter().collect());
                }
            } else {
                self.series(name, all);
            }
        }
        // Metrics without matchers: words with an underscore that no brace or parenthesis follows.
        for (start, word) in words(query) {
            let after = query[start + word.len()..].trim_start();
            if word.contains('_')
                && !word.starts_with("__")
                && !query[..start].ends_with('$')
                && !after.starts_with(['(', '{', '=', '!', '}'])
            {
                let more = if more.is_empty() { BTreeMap::new() } else { BTreeMap::from([(more.to_owned(), ANY.to_owned())]) };
                self.series(word, more);
            }
        }
    }

    fn series(&mut self, name: &str, mut labels: BTreeMap<String, String>) {
        labels.insert("__name__".to_owned(), name.to_owned());
        for missing in ["job", "instance"] {
            labels.entry(missing.to_owned()).or_insert_with(|| ANY.to_owned());
        }
        for le in if name.ends_with("_bucket") { &["0.5", "+Inf"][..] } else { &[""] } {
            let mut one = labels.clone();
            if !le.is_empty() {
                one.insert("le".to_owned(), (*le).to_owned());
            }
            self.series.insert(one.into_iter().collect());
        }
    }

    /// Everything that a dashboard asks for.
    fn of(board: &Value) -> Self {
        let (mut asked, mut found) = (Self::default(), Vec::new());
        texts(board, &["expr", "query", "definition"], &mut found);
        for text in found {
            let more = text.strip_prefix("label_values(").and_then(|inner| inner.trim_end().strip_suffix(')')?.rsplit_once(','));
            match more {
                Some((query, label)) => asked.read(query, label.trim()),
                None => asked.read(text, ""),
            }
        }
        asked
    }
}

/// Words of a query, and where each stands; texts in quotes are none.
fn words(query: &str) -> Vec<(usize, &str)> {
    let (mut found, mut start, mut quoted) = (Vec::new(), None, false);
    for (at, c) in query.char_indices().chain([(query.len(), ' ')]) {
        if c == '"' {
            quoted = !quoted;
        }
        if is_of_name(c) && !quoted {
            start = start.or(Some(at));
        } else if let Some(from) = start.take() {
            found.push((from, &query[from..at]));
        }
    }
    found
}

/// Gives a server half an hour of what the dashboards ask for.
pub(crate) fn fill(server: &Server, folder: &Path) {
    #[expect(clippy::disallowed_methods, reason = "the server runs on the machine's clock, so its data must end there")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64 / 15_000 * 15_000;
    let (mut series, mut streams) = (BTreeSet::new(), BTreeSet::new());
    for board in files(folder).values() {
        let asked = Asked::of(board);
        series.extend(asked.series);
        streams.extend(asked.streams);
    }
    let all = series.iter().enumerate().map(|(at, labels)| {
        let samples: Vec<(i64, f64)> =
            (0..=120).map(|step| (now - (120 - step) * 15_000, (step * (at as i64 % 7 + 1)) as f64 + 1.0)).collect();
        let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        wire::series(&labels, &samples)
    });
    let (status, text) = wire::send(&server.url("/api/v1/write"), wire::body(all.collect()));
    assert_eq!(status, 204, "{text}");
    let levels = ["debug", "info", "warn", "error"];
    let line = |at: i64| {
        json!([(i128::from(now - at * 5_000) * 1_000_000).to_string(), format!("level={} msg=\"line {at}\"", levels[at as usize % 4])])
    };
    let streams: Vec<Value> = streams
        .iter()
        .map(
            |labels| json!({"stream": labels.iter().cloned().collect::<BTreeMap<_, _>>(), "values": (0..60).map(line).collect::<Vec<_>>()}),
        )
        .collect();
    let sent = client().post(server.url("/loki/api/v1/push")).json(&json!({ "streams": streams })).send().unwrap();
    assert_eq!(sent.status(), 204, "{}", sent.text().unwrap());
}

/// Brings a dashboard in; its uid, and the report in one line.
fn bring(server: &Server, board: &Value) -> (String, String, Vec<String>) {
    let body = json!({"dashboard": board, "overwrite": true}).to_string();
    let (status, text) = server.post("/api/dashboards/import", "application/json", body);
    assert_eq!(status, 200, "{text}");
    let told: Value = serde_json::from_str(&text).unwrap();
    let findings = told["report"]["findings"].as_array().unwrap();
    let of = |level: &str| findings.iter().filter(|one| one["level"] == level).count();
    let report = &told["report"];
    let line = format!(
        "{} of {} panels whole; {} adapted, {} left out, {} broken",
        report["whole"],
        report["panels"],
        of("adapted"),
        of("ignored"),
        of("broken")
    );
    let words = findings.iter().map(|one| format!("{} ({})", one["text"].as_str().unwrap(), one["level"].as_str().unwrap())).collect();
    (told["uid"].as_str().unwrap().to_owned(), line, words)
}

/// The numbers of all panels of a dashboard, as it draws them.
fn keys(server: &Server, uid: &str) -> Vec<String> {
    let open: Vec<String> = (1..2_000).map(|id| id.to_string()).collect();
    let (status, page) = server.get(&format!("/d/{uid}/x?from=now-15m&to=now&open={}", open.join(",")));
    assert_eq!(status, 200);
    keys_of(&page)
}

/// The numbers of the panels on a page.
fn keys_of(page: &str) -> Vec<String> {
    let tiles = page.split("data-key=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    // Keys of panels are numbers; what keyboards press has such an attribute too.
    tiles.filter(|key| key.starts_with(|c: char| c.is_ascii_digit())).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What every panel of a dashboard shows, counted; each with an error or a warning has a line.
fn shown(server: &Server, uid: &str) -> String {
    let keys = keys(server, uid);
    let (mut drawn, mut empty, mut said) = (0, 0, String::new());
    for keys in keys.chunks(100) {
        let panels: Vec<Value> = keys.iter().map(|key| json!({"key": key, "w": 600, "h": 240})).collect();
        let body = json!({"from": "now-15m", "to": "now", "panels": panels}).to_string();
        let (status, text) = server.post(&format!("/ui/boards/{uid}/panels"), "application/json", body);
        assert_eq!(status, 200, "{text}");
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines.sort_by_key(|line| line["key"].as_str().map(str::to_owned));
        for line in lines.iter().filter(|line| line["key"].is_string()) {
            match line["kind"].as_str() {
                Some("empty") => {
                    empty += 1;
                    writeln!(said, "  without data: {} {}: {}", line["key"], line["title"], line["text"]).unwrap();
                }
                Some(_) => drawn += 1,
                None => writeln!(said, "  error of {} {}: {}", line["key"], line["title"], line["error"]["text"]).unwrap(),
            }
            for note in line["notes"].as_array().into_iter().flatten() {
                writeln!(said, "  warning of {} {}: {note}", line["key"], line["title"]).unwrap();
            }
        }
    }
    assert_eq!(
        drawn + empty + said.lines().filter(|line| line.starts_with("  error")).count(),
        keys.len(),
        "{uid}: panels without an answer"
    );
    format!("{drawn} drawn, {empty} without data\n{said}")
}

#[test]
fn dashboards_of_others_are_read_and_answer() {
    let Some(folder) = folder() else { return };
    let server = Server::quiet();
    fill(&server, &folder);
    let mut found = String::new();
    for (name, board) in files(&folder) {
        let (uid, report, words) = bring(&server, &board);
        write!(found, "{name}: {report}; {}", shown(&server, &uid)).unwrap();
        for one in words {
            writeln!(found, "  finding: {one}").unwrap();
        }
    }
    if std::env::var_os("PHAROS_TEST_WRITE").is_some() {
        fs::create_dir_all(Path::new(GOLDEN).parent().unwrap()).unwrap();
        fs::write(GOLDEN, &found).unwrap();
    }
    let expected = fs::read_to_string(GOLDEN).unwrap();
    assert_eq!(found, expected, "what dashboards show has changed; if it is for the better: PHAROS_TEST_WRITE=1");
    assert!(!found.contains("  error of") && !found.contains("  warning of"), "{found}");
}

/// Numbers that look like chance and are the same on every run (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % most as u64).unwrap()
    }
}

/// Where everything in a JSON stands, as pointers.
fn places(json: &Value, at: &str, found: &mut Vec<String>) {
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    let inner: Vec<(String, &Value)> = match json {
        Value::Object(object) => object.iter().map(|(name, value)| (escaped(name), value)).collect(),
        Value::Array(all) => all.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (name, value) in inner {
        let place = format!("{at}/{name}");
        places(value, &place, found);
        found.push(place);
    }
}

/// A dashboard with something odd in a few places.
fn mangled(board: &Value, chance: &mut Chance) -> Value {
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(18_446_744_073_709_551_615_u64),
        json!(""),
        json!("<script>alert(1)</script> ${x:raw} $__interval [[y]]"),
        json!("((((("),
        json!([]),
        json!([[], {}, null, "a"]),
        json!({}),
        json!({"type": 7, "value": [null], "options": "x", "id": {"a": 1}}),
    ];
    let (mut board, mut all) = (board.clone(), Vec::new());
    places(&board, "", &mut all);
    for _ in 0..=chance.below(8) {
        // A place may be gone with one above it.
        if let Some(place) = board.pointer_mut(&all[chance.below(all.len())]) {
            *place = odd[chance.below(odd.len())].clone();
        }
    }
    board
}

#[test]
fn what_is_odd_in_a_dashboard_breaks_no_page() {
    let Some(folder) = folder() else { return };
    let server = Server::quiet();
    let mut chance = Chance(42);
    for (name, board) in files(&folder) {
        for round in 0..12 {
            let odd = mangled(&board, &mut chance);
            let what = format!("{name}, round {round}");
            let (status, page) = server.post("/ui/boards/new/draft?from=now-15m&to=now", "application/json", odd.to_string());
            assert!(status == 200 || status == 400, "{what}: {status} {page}");
            if status == 400 {
                continue;
            }
            assert!(!page.contains("<script>alert"), "{what}");
            for keys in keys_of(&page).chunks(100) {
                let panels: Vec<Value> = keys.iter().map(|key| json!({"key": key, "w": 600, "h": 240})).collect();
                let body = json!({"from": "now-15m", "to": "now", "draft": odd, "panels": panels}).to_string();
                let (status, text) = server.post("/ui/boards/new/panels", "application/json", body);
                assert_eq!(status, 200, "{what}: {text}");
                let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
                assert_eq!(lines.len(), keys.len() + 1, "{what}");
                for line in lines.iter().filter(|line| line["key"].is_string()) {
                    let words = line["error"]["text"].as_str().unwrap_or_default();
                    assert!(line["kind"].is_string() || !words.is_empty(), "{what}: {line}");
                    assert!(!words.contains("could not be made") && !line["html"].to_string().contains("<script>alert"), "{what}: {line}");
                }
            }
        }
    }
}
