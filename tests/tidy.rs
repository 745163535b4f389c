//! Holds the house rules that a compiler does not: floors, rooms, doors, headers, forgotten files.
//!
//! The map is the header of `src/lib.rs`. Paths are read as text (`crate::a::b`, `super::`), outside of test code.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Who may import whom, from the ground up.
const FLOORS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("series", &["base"]),
    ("platform", &["base"]),
    ("access", &["base", "platform"]),
    ("ui", &["base", "series", "platform", "access"]),
    ("metrics", &["base", "series", "platform", "access", "ui"]),
    ("logs", &["base", "series", "platform", "access", "ui"]),
    ("uptime", &["base", "series", "platform", "access", "ui"]),
    ("business", &["base", "series", "platform", "access", "ui"]),
    ("slo", &["base", "series", "platform", "access", "ui"]),
    ("alerts", &["base", "series", "platform", "access", "ui"]),
    ("boards", &["base", "series", "platform", "access", "ui"]),
    ("admin", &["base", "series", "platform", "access", "ui"]),
    ("docs", &["base", "platform", "access", "ui"]),
    (
        "app",
        &[
            "base", "series", "platform", "access", "ui", "metrics", "logs", "uptime", "slo", "business", "alerts", "boards", "admin",
            "docs",
        ],
    ),
];

/// Wings, whose rooms follow [`ROOMS`].
const WINGS: &[&str] = &["metrics", "logs", "uptime", "slo", "business", "alerts", "boards", "admin"];

/// Who may import whom inside a wing.
const ROOMS: &[(&str, &[&str])] = &[
    ("model", &[]),
    // The notification log, which is stored, is the engine's.
    ("store", &["model", "route", "calm"]),
    ("data", &["model"]),
    ("ready", &["model", "config"]),
    ("ask", &["model", "config"]),
    ("collect", &["model", "config", "store", "ask"]),
    ("outlook", &["model", "config", "store", "ask", "collect"]),
    ("digest", &["model", "config", "store", "collect"]),
    ("draw", &["model", "data"]),
    ("query", &["model", "data"]),
    ("serve", &["model", "data", "query", "draw"]),
    ("ingest", &["model", "store"]),
    ("probe", &["model", "config"]),
    ("watch", &["model", "config", "probe", "store", "rules", "bring"]),
    ("bring", &["model", "config"]),
    ("report", &["model", "config", "watch"]),
    ("status", &["model", "config", "store", "watch"]),
    ("template", &["model"]),
    ("rules", &["model", "template", "config"]),
    ("packs", &["model", "rules"]),
    ("config", &["model"]),
    ("route", &["model"]),
    ("calm", &["model"]),
    ("notify", &["model", "template", "config"]),
    ("dispatch", &["model", "store", "config", "route", "calm", "notify"]),
    ("evaluate", &["model", "template"]),
    ("replay", &["model", "evaluate"]),
    (
        "api",
        &[
            "model", "ingest", "probe", "watch", "bring", "report", "status", "query", "serve", "evaluate", "rules", "replay", "dispatch",
            "config", "route", "calm", "store", "ask", "collect", "outlook", "ready", "digest",
        ],
    ),
    (
        "pages",
        &[
            "model", "watch", "bring", "report", "status", "query", "draw", "evaluate", "rules", "replay", "dispatch", "config", "route",
            "calm", "collect", "outlook", "ready",
        ],
    ),
    (
        "facade",
        &[
            "model", "store", "ingest", "data", "ready", "query", "draw", "serve", "template", "rules", "config", "route", "calm",
            "notify", "dispatch", "probe", "watch", "bring", "report", "status", "evaluate", "replay", "api", "pages", "ask", "collect",
            "outlook", "digest",
        ],
    ),
    ("fuzzing", &["model", "store", "ingest", "query", "api", "pages", "bring", "config"]),
];

/// Engine rooms stay pure: of ours they see only these.
const ENGINES: &[&str] = &["metrics/store", "metrics/query", "logs/store", "logs/query", "alerts/route"];
const ENGINE_IMPORTS: &[&str] = &["base", "series", "metrics", "logs", "alerts", "platform::disk"];

/// Crates that may be named only behind their door.
const DOORS: &[(&str, &[&str])] = &[
    (
        "axum",
        &[
            "platform/http",
            "access",
            "ui",
            "metrics/api",
            "metrics/facade",
            "logs/api",
            "logs/facade",
            "uptime/api",
            "uptime/facade",
            "business/api",
            "business/facade",
            "slo/api",
            "slo/facade",
            "alerts/api",
            "alerts/facade",
            "boards/api",
            "boards/facade",
            "admin/facade",
            "docs",
            "app",
        ],
    ),
    (
        "askama",
        &[
            "ui",
            "metrics/pages",
            "logs/pages",
            "alerts/pages",
            "boards/pages",
            "boards/draw",
            "uptime/pages",
            "business/pages",
            "slo/pages",
            "admin/pages",
            "docs",
        ],
    ),
    ("pulldown_cmark", &["docs/markdown", "boards/draw"]),
    // The wing of logs has one table of its own: saved searches; that of metrics has descriptions.
    (
        "rusqlite",
        &[
            "platform/db",
            "access/store",
            "logs/facade",
            "metrics/facade/described",
            "alerts/store",
            "boards/store",
            "uptime/store",
            "slo/store",
            "business/store",
        ],
    ),
    ("rusqlite_migration", &["platform/db"]),
    ("reqwest", &["platform/http"]),
    ("anyhow", &["app", "main.rs"]),
    ("rust_embed", &["ui"]),
    ("jsonwebtoken", &["access/oidc"]),
    ("clap", &["app", "main.rs", "platform/config", "platform/telemetry"]),
    ("memmap2", &["metrics/store", "logs/store"]),
    ("tantivy", &["logs/store"]),
    ("tar", &["platform/backup"]),
    ("tokio_cron_scheduler", &["platform/backup"]),
    ("governor", &["platform/http"]),
    ("rcgen", &["platform/http"]),
    ("rustls", &["platform/http"]),
    ("tokio_rustls", &["platform/http"]),
    ("x509_parser", &["platform/http"]),
    ("hyper", &["platform/http", "uptime/probe"]),
    ("tokio_postgres", &["uptime/probe", "business/ask"]),
    ("tokio_tungstenite", &["uptime/probe"]),
    ("socket2", &["uptime/probe"]),
    ("resvg", &["business/digest"]),
    ("pdf_writer", &["platform/pdf"]),
    ("rustybuzz", &["platform/pdf"]),
    ("unicode_bidi", &["platform/pdf"]),
    ("hickory_proto", &["uptime/config", "uptime/probe"]),
];

/// Names of junk drawers.
const BANNED_STEMS: &[&str] = &["util", "utils", "common", "helpers", "misc", "types", "shared"];

struct Source {
    /// Relative to `src`, with slashes.
    path: String,
    text: String,
    /// Text without comments and without everything from the first inline test module on.
    code: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files_under(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten() {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                open.push(path);
            } else if wanted(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    files_under(&src, &|path| path.extension().is_some_and(|end| end == "rs"))
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a readable file");
            let without_tests = match text.find("#[cfg(test)]\nmod ") {
                Some(at) => &text[..at],
                None => &text,
            };
            let code: String = without_tests
                .lines()
                .map(|line| if line.trim_start().starts_with("//") { "" } else { line })
                .collect::<Vec<_>>()
                .join("\n");
            let path = path.strip_prefix(&src).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            Source { path, text, code }
        })
        .collect()
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.ends_with("_tests.rs")
}

/// Module path of a file: `metrics/store/head/mod.rs` is `[metrics, store, head]`.
fn module_of(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib" || last == "main") {
        parts.pop();
    }
    parts
}

/// Absolute module paths (first two parts) that code names through `crate::` or `super::`.
fn imports(source: &Source) -> Vec<Vec<String>> {
    let own = module_of(&source.path);
    let mut found = Vec::new();
    let code = &source.code;
    for (at, _) in code.match_indices("crate::") {
        found.extend(paths_at(&code[at + "crate::".len()..], &[]));
    }
    for (at, _) in code.match_indices("super::") {
        if code[..at].ends_with("super::") {
            continue;
        }
        let mut rest = &code[at..];
        let mut base = own.clone();
        while let Some(after) = rest.strip_prefix("super::") {
            base.pop();
            rest = after;
        }
        found.extend(paths_at(rest, &base));
    }
    found
}

/// The paths that begin here: `a::b`, or all of `{a::b, c}`.
fn paths_at(text: &str, base: &[String]) -> Vec<Vec<String>> {
    let one = |text: &str| -> Vec<String> {
        let mut path = base.to_vec();
        let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
        path.extend(text[..end].split("::").filter(|part| !part.is_empty()).take(3).map(str::to_owned));
        path
    };
    match text.strip_prefix('{') {
        Some(inner) => {
            let end = inner.find("};").unwrap_or(inner.len());
            inner[..end].split(',').map(str::trim).filter(|part| !part.is_empty()).map(one).collect()
        }
        None => vec![one(text)],
    }
}

fn fail_if_any(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn imports_go_down_the_floors() {
    let floors: BTreeMap<&str, &[&str]> = FLOORS.iter().copied().collect();
    let mut problems = Vec::new();
    for source in sources().iter().filter(|source| source.path.contains('/')) {
        let own = module_of(&source.path)[0].clone();
        let Some(allowed) = floors.get(own.as_str()) else {
            problems.push(format!("{}: module {own} stands on no floor; add it to FLOORS and to the map in lib.rs", source.path));
            continue;
        };
        for import in imports(source) {
            let Some(target) = import.first() else { continue };
            if *target != own && floors.contains_key(target.as_str()) && !allowed.contains(&target.as_str()) {
                problems.push(format!("{}: imports {} from {own}", source.path, import.join("::")));
            }
        }
    }
    fail_if_any(problems);
}

#[test]
fn rooms_of_a_wing_keep_their_order() {
    let rooms: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let mut problems = Vec::new();
    for source in sources() {
        let own = module_of(&source.path);
        let [wing, room, ..] = own.as_slice() else { continue };
        if !WINGS.contains(&wing.as_str()) {
            continue;
        }
        let Some(allowed) = rooms.get(room.as_str()) else {
            problems.push(format!("{}: {room} is no room of a wing", source.path));
            continue;
        };
        for import in imports(&source) {
            let [target_wing, target, ..] = import.as_slice() else { continue };
            if target_wing == wing && target != room && rooms.contains_key(target.as_str()) && !allowed.contains(&target.as_str()) {
                problems.push(format!("{}: room {room} imports {}", source.path, import.join("::")));
            }
        }
    }
    fail_if_any(problems);
}

#[test]
fn engine_rooms_stay_pure() {
    let mut problems = Vec::new();
    for source in sources().iter().filter(|source| ENGINES.iter().any(|engine| source.path.starts_with(engine))) {
        for import in imports(source) {
            let path = import.join("::");
            let known = FLOORS.iter().any(|(floor, _)| import.first().is_some_and(|first| first == floor));
            if known && !ENGINE_IMPORTS.iter().any(|allowed| path == *allowed || path.starts_with(&format!("{allowed}::"))) {
                problems.push(format!("{}: an engine room imports {path}", source.path));
            }
        }
    }
    fail_if_any(problems);
}

#[test]
fn dependencies_come_in_by_their_door() {
    let mut problems = Vec::new();
    for source in sources().iter().filter(|source| !is_test_file(&source.path)) {
        for (krate, doors) in DOORS {
            let named = source.code.contains(&format!("use {krate}::"))
                || source.code.contains(&format!(" {krate}::"))
                || source.code.contains(&format!("({krate}::"));
            if named && !doors.iter().any(|door| source.path.starts_with(door)) {
                problems.push(format!("{}: names {krate}, whose doors are {doors:?}", source.path));
            }
        }
    }
    fail_if_any(problems);
}

#[test]
fn every_file_says_what_it_is() {
    let problems = sources().iter().filter(|source| !source.text.starts_with("//! ")).map(|source| source.path.clone()).collect();
    fail_if_any(problems);
}

#[test]
fn there_are_no_junk_drawers() {
    let problems = sources()
        .iter()
        .filter(|source| module_of(&source.path).iter().any(|part| BANNED_STEMS.contains(&part.as_str())))
        .map(|source| source.path.clone())
        .collect();
    fail_if_any(problems);
}

#[test]
fn no_unfinished_marks() {
    let mut problems = Vec::new();
    for source in sources() {
        for (at, line) in source.text.lines().enumerate() {
            if ["TODO", "FIXME", "todo!(", "unimplemented!(", "XXX:"].iter().any(|mark| line.contains(mark)) {
                problems.push(format!("{}:{}: {}", source.path, at + 1, line.trim()));
            }
        }
    }
    fail_if_any(problems);
}

#[test]
fn every_source_file_is_declared() {
    let all = sources();
    let mut problems = Vec::new();
    for source in &all {
        let own = module_of(&source.path);
        let Some(name) = own.last() else { continue };
        let parent: Vec<&str> = own[..own.len() - 1].iter().map(String::as_str).collect();
        let declared = all.iter().any(|other| {
            module_of(&other.path).iter().map(String::as_str).eq(parent.iter().copied())
                && other.text.lines().any(|line| {
                    let line = line.trim_start();
                    let line =
                        line.strip_prefix("pub").map_or(line, |rest| rest.rsplit_once(") ").map_or(rest, |(_, rest)| rest).trim_start());
                    line.strip_prefix("mod ").is_some_and(|rest| rest.trim_end_matches(';').trim() == name)
                })
        });
        if !declared {
            problems.push(format!("{}: no `mod {name};` names it", source.path));
        }
    }
    fail_if_any(problems);
}

#[test]
fn every_template_is_used() {
    let templates = root().join("templates");
    let mut used: String = sources().iter().map(|source| source.text.clone()).collect();
    let files = files_under(&templates, &|path| path.extension().is_some_and(|end| end == "html"));
    for file in &files {
        used.push_str(&fs::read_to_string(file).unwrap());
    }
    let problems = files
        .iter()
        .map(|file| file.strip_prefix(&templates).unwrap().to_string_lossy().replace('\\', "/"))
        .filter(|name| !used.contains(&format!("\"{name}\"")))
        .collect();
    fail_if_any(problems);
}

#[test]
fn migrations_are_numbered_without_gaps() {
    let mut names: Vec<String> = fs::read_dir(root().join("migrations"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    for (at, name) in names.iter().enumerate() {
        let number: usize = name.split('-').next().unwrap().parse().unwrap();
        assert_eq!(number, at + 1, "{name}");
        assert!(root().join("migrations").join(name).join("up.sql").is_file(), "{name} has no up.sql");
    }
}

#[test]
fn nothing_names_a_machine_or_a_registry() {
    let mut problems = Vec::new();
    // In two parts each, so that this list is not what it looks for.
    let words = [["/wo", "rk/"], ["/ro", "ot/."], ["npmjs", ".org"], ["crates", ".io"], ["deb.", "debian.org"]].map(|parts| parts.concat());
    let kept = |path: &Path| {
        let text = path.to_string_lossy();
        !["/target/", "/node_modules/", "/.git/", "/web/dist/"].iter().any(|part| text.contains(part))
            && !text.ends_with("Cargo.lock")
            && !text.ends_with("tidy.rs")
    };
    for folder in ["src", "web", "templates", "migrations", "docker", "tests", ".ci"] {
        for file in files_under(&root().join(folder), &kept) {
            let Ok(text) = fs::read_to_string(&file) else { continue };
            for word in &words {
                if text.contains(word.as_str()) {
                    problems.push(format!("{}: {word}", file.display()));
                }
            }
        }
    }
    fail_if_any(problems);
}
