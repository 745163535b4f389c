//! What parses and what does not, exact messages, hostile input, and round trips through the printer.

mod bad;
mod good;

use std::fmt::Write;

use proptest::prelude::*;

use super::super::ast::{DurationExpr, Expr, ExprKind, ValueType};
use super::super::check::value_type;
use super::super::print::{pretty, pretty_within};
use super::{ParseOptions, parse, parse_selector};
use crate::base::limits::{QUERY_BYTES_MAX, QUERY_DEPTH_MAX, QUERY_OPERATORS_MAX};

fn all(text: &str) -> Result<Expr, String> {
    parse(text, &ParseOptions::ALL).map_err(|errors| errors.to_string())
}

/// The tree without places, with matchers in a fixed order: what printing keeps.
fn shape(expr: &Expr) -> String {
    let mut expr = expr.clone();
    let mut pending = vec![&mut expr];
    while let Some(expr) = pending.pop() {
        expr.span = Default::default();
        let sort = |matchers: &mut Vec<crate::series::matcher::Matcher>| matchers.sort_by_key(|matcher| matcher.to_string());
        match &mut expr.kind {
            ExprKind::Number(_) | ExprKind::String(_) => {}
            ExprKind::Selector(selector) => sort(&mut selector.matchers),
            ExprKind::Range(range) => {
                range.selector_span = Default::default();
                sort(&mut range.selector.matchers);
            }
            ExprKind::Subquery(subquery) => pending.push(&mut subquery.expr),
            ExprKind::Unary { expr, .. } | ExprKind::Paren(expr) => pending.push(expr),
            ExprKind::Binary(binary) => pending.extend([&mut binary.left, &mut binary.right]),
            ExprKind::Aggregate(aggregate) => {
                pending.push(&mut aggregate.expr);
                pending.extend(aggregate.param.as_mut());
            }
            ExprKind::Call(call) => pending.extend(&mut call.args),
        }
    }
    format!("{expr:?}")
}

#[test]
fn good_expressions_parse_and_print() {
    for (text, printed) in good::GOOD {
        let expr = all(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(expr.to_string(), *printed, "{text}");
        let again = all(printed).unwrap_or_else(|error| panic!("{printed}: {error}"));
        // A name written as a matcher of the braces prints as one, and nothing else may change. `fill_left(NaN)` is no equal of itself.
        if !printed.contains("__name__") && !text.contains("__name__") {
            assert_eq!(shape(&expr), shape(&again), "{text}");
        }
        let split = pretty_within(&expr, 10);
        assert_eq!(all(&split).map(|expr| expr.to_string()).as_deref(), Ok(*printed), "{split}");
    }
}

#[test]
fn bad_expressions_are_refused_in_upstreams_words() {
    for (text, message) in bad::BAD {
        assert_eq!(all(text).map(|expr| expr.to_string()), Err((*message).to_owned()), "{text}");
    }
}

#[test]
fn errors_tell_their_place_and_what_was_expected() {
    let errors = parse("up{a=}", &ParseOptions::ALL).unwrap_err();
    let first = errors.first();
    assert_eq!((first.span.start, first.span.end, first.position, first.expected), (5, 6, Some((1, 6)), Some("string")));
    let errors = parse("rate(a) +\n rate(b)", &ParseOptions::ALL).unwrap_err();
    let places: Vec<_> = errors.all().iter().map(|error| error.position).collect();
    assert_eq!(places, [Some((1, 6)), Some((2, 7))], "type errors are all collected");
    let errors = parse("1 + nope() + 2 + other(", &ParseOptions::ALL).unwrap_err();
    assert_eq!(errors.all().len(), 2, "an unknown function does not end parsing, a broken parenthesis does");
}

#[test]
fn spans_cover_what_was_written() {
    let text = "sum by (a) (rate(x{b=\"c\"}[5m] offset 1m)) / 2";
    let ExprKind::Binary(binary) = all(text).unwrap().kind else { panic!("a binary expression") };
    let of = |expr: &Expr| text[expr.span.start as usize..expr.span.end as usize].to_owned();
    assert_eq!(of(&binary.left), "sum by (a) (rate(x{b=\"c\"}[5m] offset 1m))");
    let ExprKind::Aggregate(aggregate) = &binary.left.kind else { panic!("an aggregation") };
    assert_eq!(of(&aggregate.expr), "rate(x{b=\"c\"}[5m] offset 1m)");
    let ExprKind::Call(call) = &aggregate.expr.kind else { panic!("a call") };
    assert_eq!(of(&call.args[0]), "x{b=\"c\"}[5m] offset 1m");
    let ExprKind::Range(range) = &call.args[0].kind else { panic!("a range") };
    assert_eq!(&text[range.selector_span.start as usize..range.selector_span.end as usize], "x{b=\"c\"}");
    assert_eq!(range.range, DurationExpr::Fixed(300_000));
}

#[test]
fn experimental_parts_are_off_by_default() {
    for (text, message) in [
        ("sort_by_label(up)", "1:1: parse error: function \"sort_by_label\" is not enabled"),
        ("1 + end()", "1:5: parse error: function \"end\" is not enabled"),
        (
            "limitk(1, up)",
            "1:1: parse error: limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
        ),
        ("up[5m*2]", "1:4: parse error: experimental duration expression is not enabled"),
        ("up[(5m)]", "1:5: parse error: experimental duration expression is not enabled"),
        ("up offset -step()", "1:12: parse error: experimental duration expression is not enabled"),
        ("rate(up[5m] anchored)", "1:6: parse error: anchored modifier is experimental and not enabled"),
        ("up smoothed", "1:1: parse error: smoothed modifier is experimental and not enabled"),
        ("a + fill(1) b", "1:1: parse error: binop fill modifiers are experimental and not enabled"),
    ] {
        let result = parse(text, &ParseOptions::default()).map(|expr| expr.to_string());
        assert_eq!(result.map_err(|errors| errors.to_string()), Err(message.to_owned()), "{text}");
        assert!(all(text).is_ok(), "{text}");
    }
    for stable in ["up[5m] offset -1m", "up[90]", "up offset 90", "up @ end()", "1_000", "{\"a.b\"}", "a </ 1", "anchored + smoothed"] {
        assert!(parse(stable, &ParseOptions::default()).is_ok(), "{stable}");
    }
}

#[test]
fn selectors_alone() {
    for (text, count) in [("up", 1), ("up{a=\"b\"}", 2), ("{}", 0), ("{a=~\".*\"}", 1), ("sum", 1), ("{\"x\",b!=\"c\"}", 2)] {
        assert_eq!(parse_selector(text).map(|matchers| matchers.len()).ok(), Some(count), "{text}");
    }
    for (text, message) in [
        ("", "unknown position: parse error: unexpected end of input"),
        ("up[5m]", "1:3: parse error: unexpected \"[\""),
        ("up offset 5m", "1:4: parse error: unexpected <offset>"),
        ("rate(up)", "1:5: parse error: unexpected \"(\""),
        ("1", "1:1: parse error: unexpected number \"1\""),
    ] {
        assert_eq!(parse_selector(text).map_err(|errors| errors.to_string()).err().as_deref(), Some(message), "{text}");
    }
}

#[test]
fn hostile_nesting_and_length_are_refused() {
    let many = 100_000;
    let deep = |open: &str, middle: &str, close: &str| format!("{}{middle}{}", open.repeat(many), close.repeat(many));
    for text in [
        deep("(", "1", ")"),
        deep("(", "", ""),
        deep("-", "up", ""),
        deep("sum(", "up", ""),
        deep("1^", "1", ""),
        deep("1+", "1", ""),
        deep("a or ", "a", ""),
        deep("", "up", "[1m:]"),
        format!("up[{}", deep("(", "1", ")")),
        format!("up[{}", deep("-", "step()", "]")),
        format!("up[1{}]", "+1".repeat(many)),
        format!("up offset {}", deep("-", "1", "")),
        deep("up{", "", ""),
    ] {
        let error = all(&text).unwrap_err();
        let refused = ["nested too deeply", "too many operators"].iter().any(|reason| error.contains(reason));
        assert!(refused || error.contains("too long") || error.contains("unexpected left brace"), "{error}");
    }
    let long = format!("\"{}\"", "x".repeat(QUERY_BYTES_MAX));
    assert_eq!(all(&long).unwrap_err(), "1:1: parse error: query is too long: 262146 bytes, at most 262144 are allowed");
    let fits = |count: usize| all(&format!("{}1{}", "(".repeat(count), ")".repeat(count)));
    assert!(fits(QUERY_DEPTH_MAX - 1).is_ok());
    assert!(fits(QUERY_DEPTH_MAX).is_err());
    // The highest tree there is can be printed, compared and dropped.
    let highest = fits(QUERY_DEPTH_MAX - 1).unwrap();
    // 206 of the 255 pairs of parentheses hold more than fits a line.
    assert_eq!(pretty(&highest).lines().count(), 2 * 206 + 1);
}

#[test]
fn long_chains_are_no_nesting() {
    let chain = |op: &str, count: usize| format!("up{}", format!(" {op} up").repeat(count));
    for op in ["+", "or", "/ on (job)", "> bool"] {
        let text = chain(op, QUERY_OPERATORS_MAX);
        let expr = all(&text).unwrap_or_else(|error| panic!("{op}: {error}"));
        assert_eq!((expr.height(), expr.depth()), (2, QUERY_OPERATORS_MAX + 1));
        assert_eq!(expr.to_string(), text);
        assert_eq!(value_type(&expr), ValueType::Vector);
        assert!(all(&chain(op, QUERY_OPERATORS_MAX + 1)).unwrap_err().contains("too many operators, at most 5000 are allowed"));
    }
    // Mixed with what binds stronger, and with nesting.
    let mixed = format!("1{}", " + (2 - 3) * -up ^ 2".repeat(1_000));
    assert_eq!(all(&mixed).unwrap().to_string(), mixed);
    let mixed = format!("1{}", " + (2 - 3) * -up ^ 2".repeat(100));
    let expr = all(&mixed).unwrap();
    assert_eq!(all(&pretty(&expr)).map(|again| again.to_string()).as_deref(), Ok(mixed.as_str()));
    // An error far inside is found first.
    let wrong = format!("\"a\" + nope(){}", " + up".repeat(2_000));
    assert!(all(&wrong).unwrap_err().contains("unknown function"), "{}", all(&wrong).unwrap_err());
    let wrong = format!("up + \"a\"{}", " + \"b\"".repeat(300));
    assert!(all(&wrong).unwrap_err().starts_with("1:6: parse error: binary expression must contain only scalar"));
}

#[test]
fn wide_input_is_fine() {
    let mut arguments = String::from("label_join(up, \"a\", \",\"");
    for index in 0..10_000 {
        write!(arguments, ", \"l{index}\"").unwrap();
    }
    arguments.push(')');
    assert!(all(&arguments).is_ok());
    let matchers: Vec<String> = (0..10_000).map(|index| format!("l{index}=\"v\"")).collect();
    assert!(all(&format!("{{{}}}", matchers.join(","))).is_ok());
    assert!(all(&format!("up{}", " ".repeat(200_000))).is_ok());
    assert!(all(&"#\n".repeat(100_000)).is_err());
    let wrong = format!("label_join(up, \"a\", \"b\"{})", ",nope()".repeat(30_000));
    assert_eq!(parse(&wrong, &ParseOptions::ALL).map_err(|errors| errors.all().len()), Err(100), "not all errors are collected");
    let labels = "a,".repeat(50_000);
    assert!(all(&format!("x * on({labels}) group_left({labels}) y")).is_err());
}

/// Pieces that expressions are made of, whole and broken ones.
const PIECES: [&str; 64] = [
    "up",
    "foo:bar",
    "sum",
    "topk",
    "rate",
    "info",
    "time",
    "(",
    ")",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "[5m]",
    "[1h:]",
    "{a=\"b\"}",
    ",",
    "=",
    "!=",
    "=~",
    "!~",
    "==",
    "<",
    "</",
    ">/",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "atan2",
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
    "@",
    "start",
    "end",
    "step",
    "range",
    "max_of",
    "()",
    "(a)",
    "fill",
    "fill_left(1)",
    "anchored",
    "smoothed",
    "1",
    "5m",
    "0x1f",
    "Inf",
    "\"s\"",
    "`r`",
    ":",
];

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("up".to_owned()),
        Just("a:b{c=\"d\",e=~\"f.*\"}".to_owned()),
        Just("{\"x.y\",z!=\"\\n\"}".to_owned()),
        Just("vector(1.5e-7)".to_owned()),
        Just("x offset -5m @ 1.5".to_owned()),
        Just("x @ end() smoothed".to_owned()),
        Just("rate(x[5m*2] anchored)".to_owned()),
        Just("(x offset (step()+1))".to_owned()),
    ];
    leaf.prop_recursive(6, 40, 3, |inner| {
        let op = prop::sample::select(vec![
            "+",
            "-",
            "*",
            "/",
            "%",
            "^",
            "atan2",
            "==",
            "!= bool",
            "> bool on(a)",
            "and",
            "or on()",
            "unless ignoring(a,b)",
            "* on(a) group_left(b)",
            "/ ignoring(c) group_right()",
            "+ fill(0)",
            "- on(a) fill_right(-1)",
        ]);
        let call = prop::sample::select(vec![
            ("(", ")"),
            ("-", ""),
            ("+(", ")"),
            ("sum(", ")"),
            ("sum by(a,\"b.c\") (", ")"),
            ("topk without()(3,", ")"),
            ("abs(", ")"),
            ("rate((", ")[5m:1m])"),
            ("max_over_time(abs(", ")[1h:] offset 5m)"),
            ("count_values(\"v\",", ")"),
            ("round(", ",2)"),
        ]);
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(left, op, right)| format!("{left} {op} {right}")),
            (call, inner).prop_map(|((open, close), inner)| format!("{open}{inner}{close}")),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "\\PC{0,60}") {
        let _answer = all(&text);
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _answer = all(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_pieces_are_answered(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..24), glue in prop::sample::select(&["", " "][..])) {
        if let Ok(expr) = all(&pieces.join(glue)) {
            let printed = expr.to_string();
            prop_assert_eq!(all(&printed).map(|again| again.to_string()), Ok(printed));
        }
    }

    #[test]
    fn printing_keeps_the_tree(text in expression()) {
        let expr = all(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let printed = expr.to_string();
        let again = all(&printed).unwrap_or_else(|error| panic!("{printed}: {error}"));
        prop_assert_eq!(shape(&expr), shape(&again));
        prop_assert_eq!(all(&pretty(&expr)).map(|again| again.to_string()), Ok(printed));
    }
}
