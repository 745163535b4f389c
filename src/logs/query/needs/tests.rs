//! What pipelines need, in few signs.

use super::*;
use crate::logs::query::ast::Query;
use crate::logs::query::parse::{Dialect, parse};

/// Needs in few signs: `"text"`, `~"text"` in any case, `!"text"` alone, `&`, `|`, `*` for anything.
fn show(needs: &Needs) -> String {
    let join = |parts: &[Needs], sign: &str| format!("({})", parts.iter().map(show).collect::<Vec<_>>().join(sign));
    match needs {
        Needs::Anything => "*".to_owned(),
        Needs::Nothing => "-".to_owned(),
        Needs::Text { bytes, any_case, alone } => {
            let (case, alone) = (if *any_case { "~" } else { "" }, if *alone { "!" } else { "" });
            format!("{case}{alone}{:?}", String::from_utf8_lossy(bytes))
        }
        Needs::All(parts) => join(parts, " & "),
        Needs::Any(parts) => join(parts, " | "),
        Needs::Unless { label, needs } => format!("{label}? {}", show(needs)),
    }
}

#[test]
fn needs_are_what_a_pipeline_tells() {
    for (pipeline, shown) in [
        ("", "*"),
        (r#"|= "a b""#, r#""a b""#),
        (r#"|= "one" or "two""#, r#"("one" | "two")"#),
        (r#"|= "one" or """#, "*"),
        (r#"|= "one" or ip("1.2.3.4")"#, "*"),
        (r#"!= "one" !~ "two" !> "<_>three""#, "*"),
        (r#"|= "one" |~ "two.*three""#, r#"("two" & "three" & "one")"#),
        (r#"|> "GET <_> 200""#, r#"("GET " & " 200")"#),
        // Stages that leave the line as it is do not matter, those that change it end what is known.
        (r#"| json | x > 5 | keep a |= "one""#, r#""one""#),
        (r#"|= "one" | line_format "x" |= "two""#, r#""one""#),
        (r#"| decolorize |= "two""#, "*"),
        (r#"| unpack |= "two""#, "*"),
        // Regular expressions.
        (r#"|~ "(?i)err""#, r#"~"err""#),
        (r#"|~ "ERR(or)?s+""#, r#""ERR""#),
        (r#"|~ "foo(bar)baz""#, r#""foobarbaz""#),
        (r#"|~ "^foo\\b:$""#, r#""foo:""#),
        (r#"|~ "foo|bar""#, r#"("foo" | "bar")"#),
        (r#"|~ "foo|b?""#, "*"),
        (r#"|~ "(ab)+c""#, r#""ab""#),
        (r#"|~ "5\\d\\d""#, "*"),
        (r#"|~ "(?i)disk""#, "(~\"disk\" | ~\"di\u{17f}k\" | ~\"dis\u{212a}\" | ~\"di\u{17f}\u{212a}\")"),
        (r#"|~ "(?i)sessions""#, r#"~"ion""#),
        (r#"|~ "(?i)\u00e9t\u00e9""#, "*"),
        (r#"|~ "(""#, "*"),
        // Labels out of the line; any letter may be escaped, most signs are, and spaces may be what was no text.
        (r#"| json | level="ERROR""#, r#"(!"ERROR" | "\\u00")"#),
        (r#"| logfmt | trace_id="abc-1" | level=~"warn|error""#, r#"((!"abc-1" | "\\u00") & (!"warn" | !"error" | "\\u00"))"#),
        (r#"| auto | path="/api/v1""#, r#"(("api" & "v1") | "\\u00")"#),
        (r#"| json | msg="two words""#, r#"(("two" & "words") | "\\u00")"#),
        (r#"| json | path="/""#, "*"),
        (r#"| pattern "<path> <_>" | path="/api""#, r#""/api""#),
        (r#"| regexp "(?P<msg>.*)" | msg="two words""#, r#"("two" & "words")"#),
        (r#"| json | level=~"(?i)error""#, "(~!\"error\" | \"\\\\u00\")"),
        (r#"| json | level="a" or level="b""#, r#"(!"a" | "\\u00" | !"b" | "\\u00")"#),
        (r#"| json | level="a" or status=500"#, "*"),
        (r#"| json | level="a" and status=500"#, r#"(!"a" | "\\u00")"#),
        // Labels that may come from elsewhere.
        (r#"| level="two words""#, r#"!"two words""#),
        (r#"| outside="x""#, r#"outside? !"x""#),
        (r#"| line_format "{{.a}}" | trace_id=~"4bf9.*""#, r#""4bf9""#),
        (r#"| label_format level=x | level="a" | x="b""#, r#"!"b""#),
        (r#"| json | pattern "<_>x<y>" | y="ab""#, r#"("ab" | "\\u00")"#),
        (r#"| json | outside="ERROR""#, r#"outside? (!"ERROR" | "\\u00")"#),
        (r#"| json | outside!="ERROR""#, "*"),
        (r#"| json | __error__="JSONParserErr""#, "*"),
        (r#"| json | label_format level="{{.x}}" | level="a""#, "*"),
        (r#"| line_format "{{.a}}" | json | level="ERROR""#, "*"),
        (r#"| json | level!="a" | level!~"b" | level="" | level=~"c?""#, "*"),
    ] {
        let text = format!("{{a=\"b\"}} {pipeline}");
        let Query::Log(log) = parse(&text, Dialect::Pharos).unwrap_or_else(|error| panic!("{text}: {error}")) else {
            panic!("{text} is a metric query")
        };
        assert_eq!(show(&needs(&log, &|name| name == "outside")), shown, "{pipeline}");
    }
}

#[test]
fn what_streams_may_say_is_told_apart() {
    let Ok(Query::Log(log)) = parse(r#"{a="b"} |= "x1" | json | level="ERROR""#, Dialect::Loki) else { panic!("it does not parse") };
    let needs = needs(&log, &|_| true);
    assert_eq!(show(&needs), r#"("x1" & level? (!"ERROR" | "\\u00"))"#);
    assert_eq!(show(&needs.settled(&|_| true)), r#""x1""#);
}
