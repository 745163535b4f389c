//! What is read, what is refused and where, and that printing and reading agree.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Node {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).root
}

fn map(pairs: &[(&str, Node)]) -> Node {
    Node::new(Kind::Map(pairs.iter().map(|(key, node)| (Key { at: Position::default(), text: (*key).into() }, node.clone())).collect()))
}

#[test]
fn documents_become_trees() {
    let (one, two) = (Node::bare(1), Node::bare(2));
    for (text, expected) in [
        ("", Node::new(Kind::Null)),
        ("# only a comment\n", Node::new(Kind::Null)),
        ("---\n", Node::new(Kind::Null)),
        ("a: 1\nb: '2'\n", map(&[("a", one.clone()), ("b", Node::text("2"))])),
        (
            "a:\nb: ~\nc: null\nd: \"\"",
            map(&[("a", Node::new(Kind::Null)), ("b", Node::new(Kind::Null)), ("c", Node::new(Kind::Null)), ("d", Node::text(""))]),
        ),
        ("a: !!str 1\nb: !!int '2'", map(&[("a", Node::text("1")), ("b", two.clone())])),
        (
            "x: &x {a: 1, b: 1}\ny: {<<: *x, b: 2}",
            map(&[("x", map(&[("a", one.clone()), ("b", one.clone())])), ("y", map(&[("b", two.clone()), ("a", one.clone())]))]),
        ),
        (
            "x: &x {a: 1}\nz: &z {a: 2, b: 2}\ny: {<<: [*x, *z]}",
            map(&[
                ("x", map(&[("a", one.clone())])),
                ("z", map(&[("a", two.clone()), ("b", two.clone())])),
                ("y", map(&[("a", one.clone()), ("b", two.clone())])),
            ]),
        ),
        ("a: |\n  x\n  y\n", map(&[("a", Node::text("x\ny\n"))])),
        ("1: x\nyes: y\nnull: z", map(&[("1", Node::bare("x")), ("yes", Node::bare("y")), ("null", Node::bare("z"))])),
        ("\u{feff}a: 1", map(&[("a", one.clone())])),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
    assert_eq!(read("a: b\nc: d").get("c").map(|node| node.at), Some(Position { line: 2, column: 4 }));
    assert_eq!(parse("a: 1\n---\nb: 2\n").expect("valid").second, Some(Position { line: 2, column: 1 }));
}

#[test]
fn bad_documents_are_refused_with_their_place() {
    let bomb = format!(
        "a0: &a0 [x,x,x,x,x,x,x,x,x]\n{}",
        (1..12).map(|i| format!("a{i}: &a{i} [{0},{0},{0},{0},{0},{0},{0},{0},{0}]\n", format!("*a{}", i - 1))).collect::<String>()
    );
    for (text, at, message) in [
        ("a: 1\nb: 2\na: 3\n", (3, 1), "key \"a\" is set twice, first in line 1"),
        ("a: {x: 1, x: 2}", (1, 11), "key \"x\" is set twice, first in line 1"),
        ("a: *nope", (1, 4), "not valid YAML: "),
        ("a: [1, 2", (1, 4), "not valid YAML: "),
        ("a: 1\n\tb: 2", (1, 4), "not valid YAML: "),
        ("a: b: c", (1, 5), "not valid YAML: "),
        ("[a]: 1", (1, 1), "a key must be text, not a list or map"),
        ("a: &a [*a]", (1, 8), "an anchor must not contain itself"),
        ("a: {<<: 1}", (1, 5), "<< takes a map or a list of maps"),
        ("a: !!binary aGk=", (1, 13), "values tagged !!binary are not supported"),
        (&bomb, (6, 34), "aliases make the document too large"),
    ] {
        let error = parse(text).expect_err(text);
        assert!(error.message.starts_with(message), "{text:.80}: {error}");
        assert_eq!((error.at.line, error.at.column), at, "{text:.80}: {error}");
    }
    for deep in [
        "[".repeat(100_000),
        "- ".repeat(10_000),
        (0..500).map(|i| format!("{}a:\n", " ".repeat(i))).collect::<String>(),
        "{a: ".repeat(65),
    ] {
        assert!(parse(&deep).is_err(), "{deep:.40}");
    }
    let chained = (1..80).map(|i| format!("- &a{i} [*a{}]\n", i - 1)).collect::<String>();
    assert!(parse(&format!("- &a0 x\n{chained}")).expect_err("too deep").message.starts_with("nested deeper"));
}

/// Found by fuzzing: what is plain between brackets or as a whole document is not so behind a key.
#[test]
fn plain_texts_that_are_marks_elsewhere_read_back() {
    for text in ["a: [?]", "[?, x]", "...", "\t... ..", "...\t\tt # x", "a: [...]", "[---]"] {
        let Ok(document) = parse(text) else { continue };
        let printed = print(&document.root);
        let again = parse(&printed).unwrap_or_else(|error| panic!("{text:?}: {error:?} in {printed:?}"));
        assert_eq!(print(&again.root), printed, "{text:?}");
    }
    assert_eq!(print(&read("a: [?]")), "a:\n- '?'\n");
}

#[test]
fn prints_as_upstream_lays_out() {
    let text = "a: 1\nlist:\n- x\n- 'y: z'\n- b: 1\n  c: 2\n- []\nempty: {}\nnone: null\nquoted: \"10\"\nstar: '*:9090'\nlines: |\n  one\n    two\nnested:\n  map:\n    x: \"yes\"\n";
    assert_eq!(print(&read(text)), text);
    for (text, printed) in [
        ("", "\"\""),
        ("plain text", "plain text"),
        ("12:30", "\"12:30\""),
        ("2020-01-01", "\"2020-01-01\""),
        ("null", "\"null\""),
        ("a: b", "'a: b'"),
        ("it's #1", "it's #1".replace("it's #1", "'it''s #1'").as_str()),
        ("-", "'-'"),
        ("-x", "-x"),
        ("a\tb", "\"a\\tb\""),
        ("http://x:80/a?b=c", "http://x:80/a?b=c"),
        (" x", "' x'"),
        ("{a}", "'{a}'"),
        ("a{b},c", "a{b},c"),
        ("<<", "\"<<\""),
        ("0x1f", "\"0x1f\""),
        ("@x", "'@x'"),
    ] {
        assert_eq!(quoted(text), printed);
    }
    assert_eq!(print(&flow_list(["a", "b c", "d,e", "1"])), "[a, b c, 'd,e', \"1\"]\n");
}

/// What was read prints so that it reads as the same again.
fn assert_prints_back(text: &str) {
    let Ok(document) = parse(text) else { return };
    let printed = print(&document.root);
    match parse(&printed) {
        Ok(back) => assert_eq!(back.root, document.root, "{text:?} became {printed:?}"),
        Err(error) => panic!("{error}: {text:?} became {printed:?}"),
    }
}

#[test]
fn plain_text_over_several_lines_is_not_folded_twice() {
    let text = "a: one\n\n  two\nb:\n- three\n\n\n  four\n";
    assert_eq!(print(&read(text)), "a: |-\n  one\n  two\nb:\n- |-\n  three\n\n  four\n");
    for text in [text, "one\n\ntwo", "a: one\n  two", "[a\n\n b, c]", "- - a\n\n    b", "o}\n\n?  q", "a: v\n\n\n  a\u{feff}b"] {
        assert_prints_back(text);
    }
}

fn any_node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        Just(Node::new(Kind::Null)),
        ".{0,12}".prop_map(Node::text),
        "[a-z :#'\"\\n-]{0,10}".prop_map(Node::text),
        any::<i32>().prop_map(Node::bare),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| Node::new(Kind::List(items))),
            proptest::collection::btree_map(".{0,6}", inner, 0..4).prop_map(|pairs| Node::new(Kind::Map(
                pairs.into_iter().map(|(key, node)| (Key { at: Position::default(), text: key.into() }, node)).collect()
            ))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(node in any_node()) {
        let text = print(&node);
        let back = parse(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(back.root, node, "{}", text);
    }

    #[test]
    fn never_panics(text in "(?s)[a-c0-9 :\\-\\[\\]{}&*!|>'\"%#,?\n\t~<]{0,80}") {
        assert_prints_back(&text);
    }

    #[test]
    fn never_panics_on_any_text(text in ".{0,60}") {
        assert_prints_back(&text);
    }
}
