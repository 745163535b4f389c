//! Both syntaxes of matchers, and which one counts.

use super::*;

fn text(input: &str, syntax: Syntax) -> String {
    match parse_matchers(input, syntax) {
        Ok(parsed) => parsed.value.iter().map(ToString::to_string).collect::<Vec<_>>().join(" & "),
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn classic_syntax() {
    for (input, expected) in [
        ("{foo=\"bar\"}", "foo=\"bar\""),
        ("foo=~bar.*", "foo=~\"bar.*\""),
        ("{ foo = bar , baz!=\"a,b\" }", "foo=\"bar\" & baz!=\"a,b\""),
        ("", ""),
        ("foo=", "foo=\"\""),
        ("foo=\"bar\\nbaz\\\\ \\\"q\\\"\"", "foo=\"bar\\nbaz\\\\ \\\"q\\\"\""),
        ("foo=b\\x", "foo=\"b\\\\x\""),
        ("foo=\"bar", "error: matcher value contains unescaped double quote: \"bar"),
        ("foo=ba\"r", "error: matcher value contains unescaped double quote: ba\"r"),
        ("1foo=bar", "error: bad matcher format: 1foo=bar"),
        ("foo", "error: bad matcher format: foo"),
        ("foo=a,,b=c", "error: bad matcher format: "),
    ] {
        assert_eq!(text(input, Syntax::Classic), expected, "{input}");
    }
}

#[test]
fn newer_syntax() {
    for (input, expected) in [
        ("{foo=bar}", "foo=\"bar\""),
        ("foo=bar,", "foo=\"bar\""),
        ("\"a b\"=~\"c|d\"", "\"a b\"=~\"c|d\""),
        ("foo=\"🙂\"", "foo=\"🙂\""),
        ("{}", ""),
        ("", ""),
        ("Σ!~x", "Σ!~\"x\""),
        ("{foo=bar", "error: column 8: expected close brace"),
        ("foo=bar}", "error: column 7: expected opening brace"),
        ("{foo=bar}}", "error: column 9: expected end of input"),
        ("foo=", "error: column 4: expected label value"),
        ("=bar", "error: column 0: expected label name"),
        ("foo bar", "error: column 4: expected an operator such as '=', '!=', '=~' or '!~'"),
        ("foo=bar baz=x", "error: column 8: expected a comma or close brace"),
        ("foo=\"bar", "error: column 4: missing end \""),
        ("foo='bar'", "error: column 4: ': invalid input"),
        ("foo=\"\\q\"", "error: column 4: \"\\q\": invalid input"),
    ] {
        assert_eq!(text(input, Syntax::Utf8), expected, "{input}");
    }
}

#[test]
fn the_classic_reading_counts_where_both_differ() {
    let both = |input: &str| parse_matchers(input, Syntax::Both).expect("reads");
    assert_eq!(both("foo=bar").warning, None);
    // `~x` cannot stand without quotes in the newer syntax.
    let fallback = both("foo==~x");
    assert_eq!((&*fallback.value[0].value, fallback.warning.is_some()), ("=~x", true));
    // `\x61` is `a` in the newer syntax only.
    let differs = both("foo=\"\\x61\"");
    assert_eq!(&*differs.value[0].value, "\\x61");
    assert!(differs.warning.expect("warns").contains("differently"));
    assert_eq!(&*both("\"a.b\"=c").value[0].name, "a.b");
    assert!(parse_matcher("{a=b}", Syntax::Both).is_err());
    assert!(parse_matchers(&"a".repeat(MATCHERS_BYTES_MAX + 1), Syntax::Both).is_err());
}

#[test]
fn regexes_are_anchored_and_stop_at_line_breaks() {
    let matcher = Matcher::new("a", MatchOp::Regex, "x.*|y{2}").expect("compiles");
    assert!(matcher.matches("xab") && matcher.matches("yy") && !matcher.matches("ax") && !matcher.matches("x\ny"));
    let error = Matcher::new("a", MatchOp::Regex, "(").expect_err("refused");
    assert!(error.to_string().starts_with("invalid regular expression \"(\": "), "{error}");
}

#[test]
fn sorted_and_printed_as_keys() {
    let matchers = Matchers::new(parse_matchers("b=\"1\",a!=\"2\",a=\"2\"", Syntax::Both).expect("reads").value);
    assert_eq!(matchers.to_string(), "{a=\"2\",a!=\"2\",b=\"1\"}");
}
