//! What parses and what does not, exact messages, hostile input, and round trips through the printer.

use std::path::PathBuf;
use std::sync::LazyLock;

use super::super::ast::Query;
use super::super::print::pretty;
use super::{Dialect, parse};

static PLACE: LazyLock<regex::Regex> = LazyLock::new(|| regex::Regex::new(r"Span \{ start: \d+, end: \d+ \}").unwrap());

/// The tree without places: what printing keeps.
fn shape(query: &Query) -> String {
    let debug = format!("{query:?}");
    PLACE.replace_all(&debug, "_").into_owned()
}

/// The shared test material: beside the project, or where `PHAROS_TEST_SHARED` says.
fn shared(path: &str) -> Option<PathBuf> {
    let beside = || Some(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.join("shared"));
    let full = std::env::var_os("PHAROS_TEST_SHARED").map(PathBuf::from).or_else(beside)?.join(path);
    full.exists().then_some(full)
}

#[derive(serde::Deserialize)]
struct Listed {
    query: Option<String>,
    valid: bool,
    kind: Option<String>,
    error: Option<String>,
}

#[derive(serde::Deserialize)]
struct List {
    queries: Vec<Listed>,
}

#[test]
fn verdicts_are_those_of_the_conformance_list() {
    let Some(path) = shared("conformance/logql/queries.json") else {
        assert!(std::env::var_os("PHAROS_TEST_FULL").is_none(), "the shared test material is missing, and PHAROS_TEST_FULL is set");
        println!("skipped: the shared test material is missing");
        return;
    };
    let list: List = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for listed in &list.queries {
        // What is no UTF-8 never reaches the parser.
        let Some(text) = &listed.query else {
            assert!(!listed.valid);
            continue;
        };
        match (parse(text, Dialect::Loki), listed.valid) {
            (Ok(query), true) => {
                let kind = if query.is_metric() { "metric" } else { "log" };
                // The list takes all that does not begin with a brace for a metric query, comments too.
                if listed.kind.as_deref().is_some_and(|listed| listed != kind) && !text.starts_with('#') {
                    wrong.push(format!("{text}\n  is no {kind} query"));
                }
                for printed in [query.to_string(), pretty(&query)] {
                    match parse(&printed, Dialect::Loki) {
                        Ok(again) if shape(&again) == shape(&query) => {}
                        Ok(again) => wrong.push(format!("{text}\n  prints as {printed}\n  and that as {again}")),
                        Err(error) => wrong.push(format!("{text}\n  prints as {printed}\n  {error}")),
                    }
                }
            }
            (Err(error), false) => {
                if std::env::var_os("PHAROS_TEST_SHOW").is_some() {
                    println!("{text}\n  {}\n  {error}", listed.error.as_deref().unwrap_or(""));
                }
            }
            (Ok(_), false) => wrong.push(format!("{text}\n  should not parse: {}", listed.error.as_deref().unwrap_or(""))),
            (Err(error), true) => wrong.push(format!("{text}\n  {error}")),
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(list.queries.len() > 1_000);
}
