//! Words and the LogQL they become, mistakes with their places, and what no text may do.

use super::*;

fn vocabulary() -> Vocabulary<'static> {
    Vocabulary { is_on_every_stream: &|name| matches!(name, "job" | "env"), level: None }
}

#[test]
fn words_compile_to_logql() {
    for (text, logql) in [
        ("", "{}"),
        ("  ", "{}"),
        ("*", "{}"),
        // Words and phrases.
        ("refused", r#"{} |~ "(?i)refused""#),
        ("12:30:45", r#"{} |= "12:30:45""#),
        ("connection refused", r#"{} |~ "(?i)connection" |~ "(?i)refused""#),
        ("connection AND refused", r#"{} |~ "(?i)connection" |~ "(?i)refused""#),
        (r#""connection refused""#, r#"{} |~ "(?i)connection refused""#),
        (r#""a \"b\" \\d""#, r#"{} |~ "(?i)a \"b\" \\\\d""#),
        ("`a.b`", r#"{} |~ "(?i)a\\.b""#),
        ("f(x)", r#"{} |~ "(?i)f\\(x\\)""#),
        ("error:", r#"{} |~ "(?i)error:""#),
        ("error: refused", r#"{} |~ "(?i)error:" |~ "(?i)refused""#),
        ("http://a.b/c?d=e", r#"{} |~ "(?i)http://a\\.b/c\\?d=e""#),
        ("<html>", r#"{} |~ "(?i)<html>""#),
        ("a->b", r#"{} |~ "(?i)a->b""#),
        ("x<y", r#"{} |~ "(?i)x<y""#),
        // Stars.
        ("conn*", r#"{} |~ "(?i)\\bconn""#),
        ("*fused", r#"{} |~ "(?i)fused\\b""#),
        ("*nnec*", r#"{} |~ "(?i)nnec""#),
        ("a*z", r#"{} |~ "(?i)a\\S*z""#),
        ("10.0.*", r#"{} |~ "\\b10\\.0\\.""#),
        (r"2\*3", r#"{} |= "2*3""#),
        // Not.
        ("-debug", r#"{} !~ "(?i)debug""#),
        ("!debug NOT trace", r#"{} !~ "(?i)debug" !~ "(?i)trace""#),
        ("error -(debug OR 404)", r#"{} |~ "(?i)error" !~ "(?i)debug" != "404""#),
        ("--debug", r#"{} |~ "(?i)debug""#),
        ("a - b", r#"{} |~ "(?i)a" |= "-" |~ "(?i)b""#),
        // Or.
        ("error OR fatal", r#"{} |~ "(?i)error" or "(?i)fatal""#),
        ("500 OR 503", r#"{} |= "500" or "503""#),
        ("500 OR a.b", r#"{} |~ "500" or "(?i)a\\.b""#),
        ("a (b OR c) d", r#"{} |~ "(?i)a" |~ "(?i)b" or "(?i)c" |~ "(?i)d""#),
        // Fields.
        ("status:500", r#"{} | auto | status="500""#),
        ("user:Ann", r#"{} | auto | user=~"(?i)Ann""#),
        (r#"user:"Ann B""#, r#"{} | auto | user=~"(?i)Ann B""#),
        ("user=Ann user!=Bob", r#"{} | auto | user="Ann" | user!="Bob""#),
        ("user==Ann", r#"{} | auto | user="Ann""#),
        (r#"user=~"A.*" user!~B"#, r#"{} | auto | user=~"A.*" | user!~"B""#),
        ("path:/api/*", r#"{} | auto | path=~"(?i)/api/.*""#),
        ("user:*", r#"{} | auto | user!="""#),
        ("-user:*", r#"{} | auto | user="""#),
        ("-user:Ann", r#"{} | auto | user!~"(?i)Ann""#),
        // What is no number is not greater, and is no error that counts over lines would stop at.
        ("took>1s status>=500 size<5MB x<=-2.5", r#"{} | auto | took>1s | status>=500 | size<5MB | x<=-2.5 | __error__="""#),
        ("took:>1s", r#"{} | auto | took>1s | __error__="""#),
        ("job>5 env:prod", r#"{env=~"(?i)prod"} | job>5 | __error__="""#),
        (
            "-status>=500",
            r#"{} | auto | (status!~"[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?" or status<500) | drop __error__,__error_details__"#,
        ),
        (
            "took>1s OR size>2KB",
            "{} | auto | (took=~\"[-+]?(([0-9.]+(ns|us|µs|μs|ms|s|m|h))+|0)\" and took>1s) or (size=~\"[0-9.,]+ ?[a-zA-Z]*\" and size>2KB) | drop __error__,__error_details__",
        ),
        (r#"path:"a.b" took>1s"#, r#"{} | auto | path=~"(?i)a\\.b" | took>1s | __error__="""#),
        ("http.status-code:404", r#"{} | auto | http_status_code="404""#),
        ("status:(500 OR 503)", r#"{} | auto | status="500" or status="503""#),
        ("level:error", r#"{} | auto | level=~"(?i)err(or)?""#),
        ("level:(error OR WARN)", r#"{} | auto | level=~"(?i)err(or)?" or level=~"(?i)warn(ing)?""#),
        ("-(a:1 OR b:2)", r#"{} | auto | a!="1" | b!="2""#),
        ("-(a:1 b:2)", r#"{} | auto | a!="1" or b!="2""#),
        ("a:1 OR (b:2 c:3)", r#"{} | auto | a="1" or (b="2" and c="3")"#),
        // Words and fields, and labels of streams.
        ("refused status:500", r#"{} |~ "(?i)refused" | auto | status="500""#),
        ("job=api refused", r#"{job="api"} |~ "(?i)refused""#),
        ("job:api env!=dev", r#"{job=~"(?i)api", env!="dev"}"#),
        ("job=api OR status:500", r#"{} | auto | job="api" or status="500""#),
        ("job=api OR env=dev", r#"{} | job="api" or env="dev""#),
        ("job=api OR job=web.x", r#"{job=~"api|web\\.x"}"#),
        ("env:(dev OR prod)", r#"{env=~"(?i)dev|prod"}"#),
        ("env:(dev OR 7)", r#"{} | env=~"(?i)dev" or env="7""#),
        // What LogQL has no words for.
        ("by:Ann by:Bob", r#"{} | auto | label_format by_="{{.by}}" | by_=~"(?i)Ann" | by_=~"(?i)Bob" | drop by_"#),
        ("by:Ann", r#"{} | auto | label_format by_="{{.by}}" | by_=~"(?i)Ann" | drop by_"#),
        (
            "refused OR status:500",
            r#"{} | auto | label_format line_="{{__line__}}" | line_=~"(?s).*(?:(?i)refused).*" or status="500" | drop line_"#,
        ),
        ("-a OR -b", r#"{} | label_format line_="{{__line__}}" | line_!~"(?s).*(?:(?i)a).*" or line_!~"(?s).*(?:(?i)b).*" | drop line_"#),
    ] {
        let found = compile(text, &vocabulary()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(found.logql, logql, "{text}");
    }
}

#[test]
fn level_may_be_a_label_that_every_line_has() {
    let vocabulary = Vocabulary { level: Some("detected_level"), ..vocabulary() };
    for (text, logql) in [
        ("level:warn x", r#"{} |~ "(?i)x" | detected_level=~"(?i)warn(ing)?""#),
        // What a line came with is looked at before it is read.
        ("status:500 level:warn", r#"{} | detected_level=~"(?i)warn(ing)?" | auto | status="500""#),
        ("detected_level:warn", r#"{} | detected_level=~"(?i)warn""#),
    ] {
        assert_eq!(compile(text, &vocabulary).unwrap().logql, logql, "{text}");
    }
}

#[test]
fn wrong_words_are_refused_where_they_are_wrong() {
    for (text, column, message) in [
        (r#"a "b"#, 3, "this quote is not closed"),
        (r#"a """#, 3, "there is nothing between these quotes"),
        (r#"a:"b"#, 3, "this quote is not closed"),
        ("(a", 1, "this parenthesis is not closed"),
        ("a )", 3, "this parenthesis closes nothing"),
        ("a OR", 5, "a word or a field must stand here"),
        ("OR a", 1, "a word or a field must stand here"),
        ("a AND", 6, "a word or a field must stand here"),
        ("a NOT", 6, "a word or a field must stand here"),
        ("()", 2, "a word or a field must stand here"),
        ("a:(b c)", 6, "values in parentheses need OR between them"),
        ("a:(b OR", 3, "this parenthesis is not closed"),
        ("a:()", 4, "a value must stand here"),
        ("a=~(", 4, "error parsing regexp: missing closing ): `(`"),
    ] {
        let error = compile(text, &vocabulary()).expect_err(text);
        assert_eq!((error.column, error.message.as_str()), (column, message), "{text}");
    }
    let deep = format!("{}a", "(".repeat(10_000));
    assert!(compile(&deep, &vocabulary()).unwrap_err().message.starts_with("nested too deeply"));
    assert!(compile(&"-".repeat(10_000), &vocabulary()).is_err());
    assert!(compile(&"a ".repeat(5_000), &vocabulary()).unwrap_err().message.starts_with("too many words"));
    assert!(compile(&"a".repeat(50_000), &vocabulary()).unwrap_err().message.starts_with("this is too long"));
}

#[test]
fn logql_and_words_are_told_apart() {
    for (text, is_logql) in [
        ("{}", true),
        (r#"{app="a"} |= "x""#, true),
        ("  {", true),
        ("# comment\n{a=\"b\"}", true),
        (r#"rate({app="a"}[1m])"#, true),
        (r#"(sum by (a) (rate({app="a"}[1m])))"#, true),
        ("vector(1)", true),
        ("rate", false),
        ("rate (limit)", false),
        ("sum", false),
        ("(a OR b)", false),
        ("level:error", false),
        ("\"quoted", false),
        ("", false),
    ] {
        assert_eq!(language(text) == Language::Logql, is_logql, "{text}");
    }
    let found = recognise(r#"{} | auto | a="b""#, &vocabulary()).unwrap();
    assert_eq!((found.language, found.logql.as_str()), (Language::Logql, r#"{} | auto | a="b""#));
    assert_eq!(recognise("{a=", &vocabulary()).unwrap_err().column, 4);
}

#[test]
fn what_the_documentation_shows_works() {
    let page = include_str!("../../../../templates/docs/search-logs.md");
    let mut blocks = page.split("```");
    let (mut words, mut queries) = (0, 0);
    while let (Some(_), Some(block)) = (blocks.next(), blocks.next()) {
        let (kind, lines) = block.split_once('\n').unwrap();
        for line in lines.lines().filter(|_| matches!(kind, "text" | "logql") && !lines.starts_with("pharos:")) {
            let found = recognise(line, &vocabulary()).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(found.language == Language::Logql, kind == "logql", "{line}");
            if found.language == Language::Logql {
                queries += 1;
            } else {
                words += 1;
            }
        }
    }
    assert!(words > 15 && queries > 3, "{words} {queries}");
}

proptest::proptest! {
    #[test]
    fn no_text_is_too_odd(text in "([a-z*:=<>!~()\"`\\\\-]|OR|AND|NOT|level|[0-9]|ms| |\n|é){0,40}") {
        let found = recognise(&text, &vocabulary());
        if let Ok(found) = found {
            proptest::prop_assert_eq!(parse(&found.logql, Dialect::Pharos).map(|query| query.to_string()), Ok(found.query.to_string()));
        } else if language(&text) == Language::Words {
            proptest::prop_assert!(!found.unwrap_err().message.starts_with("this cannot be searched for"), "{}", text);
        }
    }
}
