//! Templates: what they give, what they refuse.

use super::*;
use crate::series::labels::Labels;

const TS: i64 = 1_767_323_045_678_000_000;

fn render(template: &str) -> Result<String, String> {
    let mut row = Row::default();
    row.set_stream(&Labels::from_pairs([("app", "api"), ("n", "7"), ("json", r#"{"a":[1,2.5,"x"],"b":{"c":"d"}}"#), ("took", "1.5s")]));
    row.begin(b"");
    let mut out = String::new();
    let template = Template::new(template)?;
    template.run(Data { row: &row, line: b"the line", ts: TS, now: TS + 1_000_000_000, cancel: &Cancel::new() }, &mut out)?;
    Ok(out)
}

#[test]
fn labels_and_control_flow() {
    for (template, expected) in [
        ("plain", "plain"),
        ("{{.app}}-{{.n}}{{.missing}}|{{__line__}}", "api-7|the line"),
        ("{{if .missing}}a{{else if eq .app \"api\"}}b{{end}}", "b"),
        ("{{with .app}}[{{.}}]{{else}}none{{end}}", "[api]"),
        ("{{range $i, $x := (fromJson .json).a}}{{$i}}={{$x}} {{end}}", "0=1 1=2.5 2=x "),
        ("{{range $k, $v := .}}{{$k}},{{end}}", "app,json,n,took,"),
        ("{{range 3}}{{if eq . 1}}{{continue}}{{end}}{{.}}{{end}}", "02"),
        ("{{(fromJson .json).b.c}} {{index (fromJson .json).a 2}} {{(fromJson .json).none}}", "d x <no value>"),
        ("{{$x := .app}}{{$x = upper $x}}{{$x}}", "API"),
        ("{{and .app .n}} {{or .missing \"d\"}} {{not .missing}}", "7 d true"),
        ("{{- .app -}} x", "apix"),
        ("{{index . \"app\"}} {{len .app}} {{slice .app 1 2}}", "api 3 p"),
        ("{{.missing | default \"none\" | upper}}", "NONE"),
    ] {
        assert_eq!(render(template).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn texts_and_labels_alone_are_bounded_too() {
    let template = Template::new("{{__line__}}{{.app}}{{__line__}}").unwrap();
    assert!(template.simple.is_some());
    let mut row = Row::default();
    row.set_stream(&Labels::from_pairs([("app", "api")]));
    row.begin(b"");
    let line = vec![b'x'; OUTPUT_BYTES_MAX / 2];
    let said = template.run(Data { row: &row, line: &line, ts: TS, now: TS, cancel: &Cancel::new() }, &mut String::new());
    assert_eq!(said, Err(format!("the text would have more than {OUTPUT_BYTES_MAX} bytes")));
}

#[test]
fn texts() {
    for (template, expected) in [
        ("{{ToUpper .app}} {{.app | ToLower | title}}", "API Api"),
        ("{{Replace \"aaa\" \"a\" \"b\" 2}} {{replace \"a\" \"bb\" \"aca\"}}", "bba bbcbb"),
        ("{{Trim \"xxaxx\" \"x\"}} {{trimAll \"x\" \"xbx\"}} {{TrimLeft \"xax\" \"x\"}} {{TrimRight \"xax\" \"x\"}}", "a b ax xa"),
        (
            "{{TrimPrefix \"pre-a\" \"pre-\"}} {{trimPrefix \"pre-\" \"pre-b\"}} {{TrimSuffix \"a.x\" \".x\"}} {{trimSuffix \".x\" \"b.x\"}}",
            "a b a b",
        ),
        ("[{{TrimSpace \" a \"}}] [{{trim \" b \"}}]", "[a] [b]"),
        ("{{trunc 2 \"hello\"}} {{trunc -2 \"hello\"}} {{substr 1 3 \"hello\"}} {{substr 2 -1 \"hello\"}}", "he lo el llo"),
        ("{{alignLeft 5 \"ab\"}}|{{alignRight 5 \"ab\"}}|{{alignLeft 1 \"ab\"}}|{{alignRight 1 \"ab\"}}", "ab   |   ab|a|b"),
        ("{{indent 2 \"a\\nb\"}}{{nindent 1 \"c\"}}", "  a\n  b\n c"),
        ("{{repeat 3 \"ab\"}} {{contains \"pi\" .app}} {{hasPrefix \"ap\" .app}} {{hasSuffix \"x\" .app}}", "ababab true true false"),
        ("{{regexReplaceAll \"(a)(p)\" .app \"${2}$1\"}} {{regexReplaceAllLiteral \"a\" .app \"$1\"}}", "pai $1pi"),
        ("{{count \"[ai]\" .app}}", "2"),
        ("{{urlencode \"a b&c/ü\"}} {{urldecode \"a+b%26\"}}", "a+b%26c%2F%C3%BC a b&"),
        ("{{b64enc \"hello\"}} {{b64dec \"aGVsbG8\"}}", "aGVsbG8= hello"),
        ("{{html \"<a>\"}} {{urlquery \"a b\"}} {{print 1 2 \"x\" 3}}", "&lt;a&gt; a+b 1 2x3"),
    ] {
        assert_eq!(render(template).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn numbers() {
    for (template, expected) in [
        ("{{add 1 2 3}} {{sub 5 2}} {{mul 2 3 4}} {{div 7 2}} {{mod 7 3}} {{max 1 3 2}} {{min 3 1}}", "6 3 24 3 1 3 1"),
        ("{{addf 0.1 0.2}} {{subf 1 0.5}} {{mulf 2 1.5}} {{divf 1 4}} {{maxf 1 2.5}} {{minf 1 2.5}}", "0.3 0.5 3 0.25 2.5 1"),
        ("{{add .n 1}} {{int \"12\"}} {{int 3.9}} {{float64 \"1.5\"}} {{int \"x\"}}", "8 12 3 1.5 0"),
        ("{{ceil 1.2}} {{floor 1.8}} {{round 123.5555 3}} {{round 2.5 0}}", "2 1 123.556 3"),
        ("{{duration .took}} {{duration_seconds \"2m\"}} {{bytes \"2KB\"}}", "1.5 120 2000"),
        ("{{if gt (int .n) 5}}big{{end}} {{eq .n \"1\" \"7\"}} {{ne 1 2}} {{le 1.5 1.5}}", "big true true true"),
        ("{{1000000.0}} {{0.00001}} {{1e21}}", "1e+06 1e-05 1e+21"),
    ] {
        assert_eq!(render(template).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn printf_as_go() {
    for (template, expected) in [
        (r#"{{printf "%s|%5s|%-5s|%q" .app .app .app .app}}"#, r#"api|  api|api  |"api""#),
        (r#"{{printf "%d|%05d|%+d|%x|%o|%b|%c" 42 42 42 255 8 5 65}}"#, "42|00042|+42|ff|10|101|A"),
        (
            r#"{{printf "%f|%.2f|%8.1f|%e|%g|%.3g" 1.5 2.345 3.14 1500.0 0.00001 1234.5}}"#,
            "1.500000|2.35|     3.1|1.500000e+03|1e-05|1.23e+03",
        ),
        (r#"{{printf "%v %v %v %t%%" 1 2.5 "x" true}}"#, "1 2.5 x true%"),
        (r#"{{printf "%d %s" "x"}}"#, "%!d(string=x) %!s(MISSING)"),
        (r#"{{printf "a" 1 "b"}}"#, "a%!(EXTRA int=1, string=b)"),
        (r#"{{printf "%*d|%.2s" 4 7 "hello"}}"#, "   7|he"),
        (r#"{{printf "%-15.15s|" "hello world, how are you"}}"#, "hello world, ho|"),
    ] {
        assert_eq!(render(template).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn times() {
    for (template, expected) in [
        ("{{__timestamp__}}", "2026-01-02 03:04:05.678 +0000 UTC"),
        (r#"{{__timestamp__ | date "2006-01-02T15:04:05.00Z07:00"}}"#, "2026-01-02T03:04:05.67Z"),
        (r#"{{__timestamp__ | date "Mon Jan _2 3:04PM 06 MST -0700 002"}}"#, "Fri Jan  2 3:04AM 26 UTC +0000 002"),
        (r#"{{date "2006" now}} {{__timestamp__ | unixEpoch}} {{unixEpochMillis __timestamp__}}"#, "2026 1767323045 1767323045678"),
        (r#"{{toDate "2006-01-02 15:04:05 -0700" "2021-03-04 05:06:07 +0200" | unixEpoch}}"#, "1614827167"),
        (r#"{{toDateInZone "02/Jan/2006:15:04:05" "UTC" "04/Mar/2021:05:06:07" | date "2006-01-02 15:04:05"}}"#, "2021-03-04 05:06:07"),
        (r#"{{unixToTime "1673798889902" | date "15:04:05.000"}}"#, "16:08:09.902"),
        (r#"{{toDate "2006-01-02" "nonsense" | date "2006-01-02"}}"#, "0001-01-01"),
        (r#"{{toDate "2006-01-02T15:04:05Z07:00" "2021-03-04T05:06:07.25Z" | unixEpochNanos}}"#, "1614834367250000000"),
    ] {
        assert_eq!(render(template).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    for (template, message) in [
        ("{{", "unclosed action"),
        ("{{nosuchfunc}}", "function \"nosuchfunc\" not defined"),
        ("{{div 1 0}}", "error calling div: integer divide by zero"),
        ("{{.app.x}}", "can't evaluate field x in type string"),
        ("{{ToUpper 1}}", "wrong type for value; expected string; got int"),
        ("{{eq 1 \"1\"}}", "incompatible types for comparison"),
        ("{{define \"a\"}}{{end}}", "named templates"),
        ("{{template \"a\"}}", "named templates"),
        ("{{regexReplaceAll \"(\" .app \"\"}}", "error parsing regexp"),
        ("{{.app 1}}", "app is not a method but has arguments"),
    ] {
        assert!(render(template).is_err_and(|error| error.contains(message)), "{template}: {:?}", render(template));
    }
}

#[test]
fn executions_have_a_budget() {
    for template in [
        "{{repeat 2000000 \"x\"}}",
        "{{range 100000}}{{range 100000}}{{end}}{{end}}",
        "{{range 100000}}{{printf \"%100s\" .app}}{{end}}",
        "{{printf \"%1000000s%1000000s\" .app .app}}",
        "{{$x := repeat 500000 .app}}{{range 100}}{{$x = print $x $x}}{{end}}",
        "{{indent 1000000 \"a\\nb\"}}",
        "{{Replace (repeat 100000 \"a\") \"\" (repeat 1000 \"b\") -1}}",
        "{{regexReplaceAll \"\" (repeat 100000 \"a\") (repeat 1000 \"b\")}}",
    ] {
        assert!(render(template).is_err(), "{template}");
    }
    let deep = format!("{}x{}", "{{if .app}}".repeat(200), "{{end}}".repeat(200));
    assert!(render(&deep).is_err());
}

#[test]
fn labels_that_are_looked_at() {
    let labels = |text: &str| Template::new(text).unwrap().labels().map(|set| set.iter().cloned().collect::<Vec<_>>());
    assert_eq!(labels("{{.a}} {{if .b}}{{upper .c}}{{end}}"), Some(vec!["a".into(), "b".into(), "c".into()]));
    assert_eq!(labels("{{range $k, $v := .}}{{$k}}{{end}}"), None);
}
