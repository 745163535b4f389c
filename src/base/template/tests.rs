//! Templates: what they give, and how they say what is wrong.

use super::*;

const LIMITS: Limits = Limits { steps: 10_000, made_bytes: 1 << 20, output_bytes: 1 << 16 };

struct Own;

impl<'a> Functions<'a> for Own {
    fn call(&self, run: &mut Run<'a, '_>, name: &str, args: Vec<Value<'a>>) -> Option<Result<Value<'a>, String>> {
        match (name, args.as_slice()) {
            ("upper", [value]) => Some(Ok(Value::text(value.printed().to_uppercase()))),
            ("tmpl", [name, dot]) => Some(run.render(&name.printed(), dot).map(|text| Value::Markup(text.into()))),
            ("fails", _) => Some(Err("it failed".to_owned())),
            _ => None,
        }
    }
}

fn knows(name: &str) -> bool {
    matches!(name, "upper" | "tmpl" | "fails")
}

#[derive(Debug)]
struct Alert {
    labels: Vec<(&'static str, &'static str)>,
}

impl<'a> Object<'a> for Alert {
    fn type_name(&self) -> &'static str {
        "template.Alert"
    }

    fn field(&self, name: &str) -> Option<Value<'a>> {
        match name {
            "Labels" => Some(Value::object(Pairs(self.labels.clone()))),
            "Value" => Some(Value::Float(0.5)),
            "At" => Some(Value::Time(Moment::utc(1_767_323_045_678_000_000))),
            "For" => Some(Value::Span(3_723_500_000_000)),
            "Bad" => Some(Value::borrowed("<a href='x'>&")),
            "Url" => Some(Value::borrowed("http://h/?a=b c&d=\"e\"")),
            "Script" => Some(Value::borrowed("javascript:alert(1)")),
            "Empty" => Some(Value::List(Vec::new())),
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
struct Pairs(Vec<(&'static str, &'static str)>);

impl<'a> Object<'a> for Pairs {
    fn type_name(&self) -> &'static str {
        "template.KV"
    }

    fn field(&self, name: &str) -> Option<Value<'a>> {
        let found = self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        Some(Value::borrowed(found))
    }

    fn method(&self, name: &str, args: &[Value<'a>]) -> Option<Result<Value<'a>, String>> {
        let removed = args.first().map(Value::printed).unwrap_or_default();
        (name == "Remove").then(|| Ok(Value::object(Pairs(self.0.iter().copied().filter(|(name, _)| *name != removed).collect()))))
    }

    fn entries(&self) -> Option<Entries<'a>> {
        Some(self.0.iter().map(|(name, value)| (Value::borrowed(name), Value::borrowed(value))).collect())
    }

    fn missing(&self) -> Value<'a> {
        Value::borrowed("")
    }
}

fn run(text: &str, is_html: bool) -> Result<String, String> {
    let mut set = Set::default();
    set.add("t", text, &knows)?;
    let dot = Value::object(Alert { labels: vec![("a", "1"), ("b", "two words")] });
    let mut out = String::new();
    let ran = if is_html { set.html("t", &dot, &Own, LIMITS, &mut out) } else { set.text("t", &dot, &Own, LIMITS, &mut out) };
    ran.map(|()| out).map_err(|error| error.to_string())
}

#[test]
fn gives_what_go_gives() {
    for (text, expected) in [
        ("plain", "plain"),
        ("{{.Labels.a}}-{{.Labels.none}}-{{.Value}}", "1--0.5"),
        ("{{.Labels}}", "map[a:1 b:two words]"),
        ("{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}", "a=1;b=two words;"),
        ("{{range .Empty}}x{{else}}none{{end}}", "none"),
        ("{{with .Labels.none}}x{{else with .Labels.a}}[{{.}}]{{end}}", "[1]"),
        ("{{if eq .Labels.a \"0\" \"1\"}}y{{else if true}}z{{else}}n{{end}}", "y"),
        ("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"),
        ("{{define \"d\"}}<{{.}}>{{end}}{{template \"d\" .Labels.a}}{{template \"d\"}}", "<1><<no value>>"),
        ("{{block \"b\" .Value}}v={{.}}{{end}}", "v=0.5"),
        ("a  {{- 1 -}}  b {{/* no */}}c{{- /* no */ -}} d", "a1b cd"),
        ("{{printf \"%.2f|%5d|%-4s|%q|%v\" 1.5 42 \"ab\" \"c\" true}}", "1.50|   42|ab  |\"c\"|true"),
        (
            "{{.Labels.Remove \"a\"}} {{index .Labels \"b\"}} [{{index .Labels \"none\"}}] {{len .Labels}}",
            "map[b:two words] two words [] 2",
        ),
        ("{{(.Labels.Remove \"a\").b | upper | printf \"%s!\"}}", "TWO WORDS!"),
        ("{{.At.Format \"2006-01-02 15:04:05\"}} {{.At.Unix}} {{.For}}", "2026-01-02 03:04:05 1767323045 1h2m3.5s"),
        ("{{tmpl \"d\" .Labels.b}}{{define \"d\"}}({{.}}){{end}}", "(two words)"),
        ("{{0x10}} {{1_000}} {{'a'}} {{1e3}} {{-1.5}} {{`r\\n`}} {{\"\\u00e9\\n\"}}", "16 1000 97 1000 -1.5 r\\n é\n"),
        ("{{range 3}}{{if eq . 1}}{{continue}}{{end}}{{.}}{{if eq . 2}}{{break}}{{end}}{{end}}", "02"),
        ("{{and 0 1}} {{or 0 \"x\"}} {{not 0}} {{lt 1 2}} {{ge 2.5 2.5}} {{ne \"a\" \"b\"}}", "0 x true true true true"),
        ("{{print 1 2 \"x\" 3}} {{println}}{{slice \"abcd\" 1 3}} {{html \"<\"}} {{urlquery \"a b\"}}", "1 2x3 \nbc &lt; a+b"),
    ] {
        assert_eq!(run(text, false).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn says_what_go_says() {
    for (text, expected) in [
        ("{{foo}}", "template: t:1: function \"foo\" not defined"),
        ("a\n{{.a", "template: t:2: unclosed action"),
        ("{{\n.a", "template: t:2: unclosed action started at t:1"),
        ("{{.a}", "template: t:1: bad character U+007D '}'"),
        ("{{ $x }}", "template: t:1: undefined variable \"$x\""),
        ("{{if .Value}}", "template: t:1: unexpected EOF"),
        ("x{{end}}y", "template: t:1: unexpected {{end}}"),
        ("{{else}}", "template: t:1: unexpected {{else}}"),
        ("{{}}", "template: t:1: missing value for command"),
        ("{{if}}x{{end}}", "template: t:1: missing value for if"),
        ("{{.Value | 3}}", "template: t:1: non executable command in pipeline stage 2"),
        ("{{\"abc}}", "template: t:1: unterminated quoted string"),
        ("{{(1}}", "template: t:1: unclosed left paren"),
        ("{{1)}}", "template: t:1: unexpected right paren U+0029 ')'"),
        ("{{break}}", "template: t:1: {{break}} outside {{range}}"),
        ("{{3k}}", "template: t:1: bad number syntax: \"3k\""),
        ("{{/* x }}", "template: t:1: unclosed comment"),
        ("{{template 3}}", "template: t:1: unexpected \"3\" in template clause"),
        ("{{define \"a\"}}1{{end}}{{define \"a\"}}2{{end}}", "template: t: multiple definition of template \"a\""),
        ("{{.Missing}}", "template: t:1:2: executing \"t\" at <.Missing>: can't evaluate field Missing in type template.Alert"),
        ("a\n  {{.Labels.a.b}}", "template: t:2:11: executing \"t\" at <.Labels.a.b>: can't evaluate field b in type string"),
        ("{{fails 1}}", "template: t:1:2: executing \"t\" at <fails>: error calling fails: it failed"),
        ("{{template \"no\" .}}", "template: t:1:11: executing \"t\" at <{{template \"no\" .}}>: template \"no\" not defined"),
        (
            "{{define \"d\"}}{{.x}}{{end}}{{template \"d\" .}}",
            "template: t:1:16: executing \"d\" at <.x>: can't evaluate field x in type template.Alert",
        ),
        ("{{1 2}}", "template: t:1:2: executing \"t\" at <1>: can't give argument to non-function 1"),
        ("{{index .Empty 3}}", "template: t:1:2: executing \"t\" at <index>: error calling index: index out of range: 3"),
        ("{{eq 1 \"a\"}}", "template: t:1:2: executing \"t\" at <eq>: error calling eq: incompatible types for comparison"),
    ] {
        assert_eq!(run(text, false).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn is_bounded() {
    for text in [
        "{{define \"d\"}}{{template \"d\" .}}{{end}}{{template \"d\" .}}",
        "{{range 1000}}{{range 1000}}{{end}}{{end}}",
        "{{range 1000}}{{printf \"%200s\" \"x\"}}{{end}}",
        "{{$x := \"aaaaaaaaaaaaaaaa\"}}{{range 100}}{{$x = print $x $x}}{{end}}",
        "{{printf \"%999999999d\" 1}}",
    ] {
        assert!(run(text, false).is_err(), "{text}");
    }
    assert!(run(&"{{if 1}}".repeat(10_000), false).is_err());
    assert!(run(&format!("{{{{{}}}}}", "(".repeat(10_000)), false).is_err());
}

#[test]
fn html_is_escaped_for_its_place() {
    for (text, expected) in [
        ("<p>{{.Bad}}</p>", "<p>&lt;a href=&#39;x&#39;&gt;&amp;</p>"),
        ("<p title=\"{{.Bad}}\">", "<p title=\"&lt;a href=&#39;x&#39;&gt;&amp;\">"),
        ("<a href=\"{{.Url}}\">x</a>", "<a href=\"http://h/?a=b%20c&amp;d=%22e%22\">x</a>"),
        ("<a href='{{.Script}}'>", "<a href='#ZgotmplZ'>"),
        ("<a href=\"/x?q={{.Url}}\">", "<a href=\"/x?q=http%3a%2f%2fh%2f%3fa%3db%20c%26d%3d%22e%22\">"),
        ("a <!-- no {{.Bad}} --> b < c", "a  b &lt; c"),
        ("<script>var x = {{.Bad}};</script>", "<script>var x = \"\\u003ca href='x'\\u003e\\u0026\";</script>"),
        ("<p style=\"color: {{.Bad}}\">{{.Value}}", "<p style=\"color: ZgotmplZ\">0.5"),
        ("<!DOCTYPE html><b class={{.Labels.b}}>", "<!DOCTYPE html><b class=two&#32;words>"),
        ("<p {{.Labels.a}}=\"x\">{{tmpl \"d\" .}}{{define \"d\"}}<i>{{end}}", "<p 1=\"x\"><i>"),
    ] {
        assert_eq!(run(text, true).as_deref(), Ok(expected), "{text}");
    }
}
