//! What parses and what does not, exact messages, hostile input, and round trips through the printer.

mod bad;
mod good;

use std::path::PathBuf;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::ast::Query;
use super::super::check::evaluable;
use super::super::print::{pretty, pretty_within};
use super::{Dialect, parse, parse_selector};
use crate::base::limits::{LOGQL_BYTES_MAX, LOGQL_DEPTH_MAX, LOGQL_STAGES_MAX};

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
#[expect(clippy::print_stdout, reason = "says that the test is skipped")]
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
            (Err(_), false) => {}
            (Ok(_), false) => wrong.push(format!("{text}\n  should not parse: {}", listed.error.as_deref().unwrap_or(""))),
            (Err(error), true) => wrong.push(format!("{text}\n  {error}")),
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(list.queries.len() > 1_000);
}

#[test]
fn good_queries_parse_and_print() {
    for (text, printed) in good::GOOD {
        let query = parse(text, Dialect::Loki).unwrap_or_else(|error| panic!("{text}: {error}"));
        let printed = printed.unwrap_or(text);
        assert_eq!(query.to_string(), printed, "{text}");
        for again in [printed.to_owned(), pretty(&query), pretty_within(&query, 10)] {
            let parsed = parse(&again, Dialect::Loki).unwrap_or_else(|error| panic!("{again}: {error}"));
            assert_eq!(shape(&parsed), shape(&query), "{text}\n{again}");
        }
    }
}

#[test]
fn bad_queries_are_refused_where_they_are_wrong() {
    for (text, line, column, message) in bad::BAD {
        let error = parse(text, Dialect::Loki).expect_err(text);
        assert_eq!((error.line, error.column), (*line, *column), "{text}: {error}");
        assert!(error.message.starts_with(message), "{text}: {error}");
    }
    let error = parse("{a=\"b\"}\n\t| jsn", Dialect::Loki).unwrap_err();
    assert_eq!(error.to_string(), "parse error at line 2, col 7: syntax error: unexpected $end");
    assert_eq!(error.caret("{a=\"b\"}\n\t| jsn"), "\t| jsn\n\t     ^");
}

#[test]
fn our_own_dialect_takes_more() {
    for (text, printed) in [
        ("{}", "{}"),
        (r#"{a!="b"}"#, r#"{a!="b"}"#),
        (r#"{} | auto | level="error""#, r#"{} | auto | level="error""#),
        (r#"rate({} | auto [5m])"#, "rate({} | auto[5m])"),
        (r#"{} | auto |= "x""#, r#"{} | auto |= "x""#),
        // Still a label.
        (r#"{} | auto = "x" | auto != "y""#, r#"{} | auto="x" | auto!="y""#),
    ] {
        assert_eq!(parse(text, Dialect::Pharos).map(|query| query.to_string()).as_deref(), Ok(printed), "{text}");
        assert!(parse(text, Dialect::Loki).is_err(), "{text}");
    }
    assert_eq!(parse_selector(r#"{a="b", c!="d"}"#).map(|matchers| matchers.len()), Ok(2));
    assert_eq!(parse_selector("{}").map(|matchers| matchers.len()), Ok(0));
    assert!(parse_selector(r#"{a="b"} |= "x""#).is_err());
}

#[test]
fn what_only_evaluation_finds_out_is_found() {
    for (text, message) in [
        (r#"{a="b"} |~ "(""#, "error parsing regexp: missing closing ): `(`"),
        (r#"rate({a="b"} | json !~ "x{2,1}" [1m])"#, "error parsing regexp: "),
        (r#"{a="b"} | regexp "(?P<x""#, "error parsing regexp: "),
        (r#"{a="b"} |~ ip("1.2.3.4")"#, "ip: invalid operation"),
        (r#"{a="b"} | line_format "{{ nothing .x }}""#, "invalid template: "),
        (r#"{a="b"} | label_format c=d,e="{{ if }}""#, "invalid template: "),
    ] {
        let query = parse(text, Dialect::Loki).unwrap_or_else(|error| panic!("{text}: {error}"));
        let error = evaluable(&query, text).expect_err(text);
        assert!(error.message.starts_with(message), "{text}: {error}");
    }
    let fine = r#"{a="b"} |~ "x" != ip("1.2.3.4") | regexp "(?P<x>y)""#;
    assert_eq!(evaluable(&parse(fine, Dialect::Loki).unwrap(), fine), Ok(()));
}

#[test]
fn size_depth_and_number_of_stages_are_bounded() {
    let refused = |text: String, message: &str| {
        let error = parse(&text, Dialect::Loki).expect_err(message);
        assert!(error.message.contains(message), "{error}");
    };
    refused("x".repeat(LOGQL_BYTES_MAX), "input size too long");
    refused("(".repeat(100_000), "nested too deeply");
    refused(format!("rate({}", "(".repeat(100_000)), "nested too deeply");
    refused(format!("{{a=\"b\"}} | {}", "(".repeat(100_000)), "nested too deeply");
    refused(format!("{{a=\"b\"}} | x=1{}", ",x=1".repeat(20_000)), "nested too deeply");
    refused(format!("{{a=\"b\"}}{}", " | json".repeat(LOGQL_STAGES_MAX + 1)), "pipeline is too long");
    refused(format!("{{a=\"b\"}} != \"x\"{}", " or \"x\"".repeat(10_000)), "pipeline is too long");
    refused(format!("vector(1){}", " + vector(1)".repeat(LOGQL_DEPTH_MAX)), "nested too deeply");
    refused(format!("{}vector(1)", "vector(1) ^ ".repeat(LOGQL_DEPTH_MAX)), "nested too deeply");
    refused("sum(".repeat(20_000), "nested too deeply");

    for text in [
        format!("vector(1){}", " + vector(1)".repeat(LOGQL_DEPTH_MAX - 1)),
        format!("{{a=\"b\"}} | x=1{}", " or x=1".repeat(5_000)),
        format!("{{a=\"b\"}} | x=1{}", " and x=1".repeat(60)),
        format!("{{a=\"b\"}} |= \"x\"{}", " or \"x\"".repeat(LOGQL_STAGES_MAX - 1)),
        format!("1{}", " + 1".repeat(10_000)),
    ] {
        let query = parse(&text, Dialect::Loki).unwrap_or_else(|error| panic!("{error}"));
        let again = parse(&query.to_string(), Dialect::Loki).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(shape(&again), shape(&query));
    }
}

#[test]
fn torn_queries_parse_or_are_refused() {
    for (text, _) in good::GOOD {
        for (at, c) in text.char_indices() {
            let (before, behind) = (&text[..at], &text[at + c.len_utf8()..]);
            for torn in [before.to_owned(), behind.to_owned(), format!("{before}{behind}"), format!("{before}{c}{c}{behind}")] {
                match parse(&torn, Dialect::Pharos) {
                    Ok(query) => {
                        let printed = query.to_string();
                        let again = parse(&printed, Dialect::Pharos).map(|query| query.to_string());
                        assert_eq!(again, Ok(printed), "{torn}");
                    }
                    Err(error) => assert!(error.span.start as usize <= torn.len(), "{torn}: {error}"),
                }
            }
        }
    }
}

/// Tokens in no order.
fn soup() -> impl Strategy<Value = String> {
    const TOKENS: &[&str] = &[
        "{",
        "}",
        "{a=\"b\"}",
        "(",
        ")",
        "[5m]",
        "[",
        "]",
        ",",
        "|",
        "|=",
        "!=",
        "|~",
        "!~",
        "|>",
        "!>",
        "=",
        "==",
        "=~",
        ">",
        ">=",
        "<",
        "<=",
        "+",
        "-",
        "*",
        "/",
        "%",
        "^",
        "and",
        "or",
        "unless",
        "bool",
        "on",
        "ignoring",
        "group_left",
        "by",
        "without",
        "offset",
        "5m",
        "-5m",
        "5KB",
        "1",
        "0x1p3",
        "1e",
        ".5",
        "-0",
        "a",
        "b",
        "auto",
        "\"x\"",
        "`y`",
        "\"(\"",
        "\"\\",
        "json",
        "logfmt",
        "--strict",
        "--x",
        "unpack",
        "regexp",
        "pattern",
        "\"<a> <_>\"",
        "line_format",
        "\"{{.a}}\"",
        "label_format",
        "drop",
        "keep",
        "decolorize",
        "unwrap",
        "bytes(",
        "ip(",
        "\"1.2.3.4\"",
        "rate(",
        "sum(",
        "topk(",
        "quantile_over_time(",
        "label_replace(",
        "vector(",
        "#",
        "//",
        "/*",
        "\n",
        "é",
        "'",
        ";",
        "$",
        "\u{0}",
        "\u{feff}",
    ];
    let token = prop_oneof![6 => proptest::sample::select(TOKENS).prop_map(str::to_owned), 1 => ".{0,3}"];
    proptest::collection::vec(token, 0..40).prop_map(|tokens| tokens.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_is_too_odd(text in soup()) {
        for dialect in [Dialect::Loki, Dialect::Pharos] {
            match parse(&text, dialect) {
                Ok(query) => {
                    for printed in [query.to_string(), pretty(&query)] {
                        let again = parse(&printed, dialect);
                        prop_assert_eq!(again.as_ref().map(shape), Ok(shape(&query)), "{}\n{}", text, printed);
                    }
                }
                Err(error) => {
                    prop_assert!(error.span.start as usize <= text.len() && error.span.start <= error.span.end);
                    error.caret(&text);
                }
            }
        }
    }
}
