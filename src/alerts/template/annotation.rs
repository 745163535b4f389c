//! Templates in labels and annotations of rules, as Prometheus has them (source: its template reference).

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{humanize, text};
use crate::base::template::{Entries, Functions, Limits, Moment, Object, Run, Set, Value, query_text};
use crate::base::time::Duration;
use crate::series::labels::Labels;

/// What a template may do for one text.
const LIMITS: Limits = Limits { steps: 100_000, made_bytes: 8 * 1024 * 1024, output_bytes: 1024 * 1024 };
/// What upstream puts before every text, so that `$labels` and `$value` exist.
const VARIABLES: &str = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}";

/// Functions besides Go's own, sorted.
const NAMES: [&str; 31] = [
    "args",
    "externalURL",
    "first",
    "graphLink",
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "label",
    "match",
    "now",
    "parseDuration",
    "pathPrefix",
    "query",
    "reReplaceAll",
    "safeHtml",
    "sortByLabel",
    "stripDomain",
    "stripPort",
    "strvalue",
    "tableLink",
    "title",
    "tmpl",
    "toDuration",
    "toLower",
    "toTime",
    "toUpper",
    "trimSpace",
    "urlQueryEscape",
    "value",
];

fn knows(name: &str) -> bool {
    NAMES.binary_search(&name).is_ok()
}

/// Reads a text of the rule `rule`, or says what is wrong with it as Prometheus does.
pub fn check(rule: &str, written: &str) -> Result<(), String> {
    Annotations::read(rule, written).map(|_| ())
}

/// Asks a query for `query "..."` in a template: at this instant, in words if it fails.
pub type Ask<'q> = dyn Fn(&str) -> Result<Vec<(Labels, f64)>, String> + 'q;

/// What a text is made of.
pub struct Scene<'q> {
    /// Labels of the series.
    pub labels: &'q Labels,
    /// Labels that all of this server have.
    pub external_labels: &'q Labels,
    /// Where people find this server.
    pub external_url: &'q str,
    /// What the expression gave.
    pub value: f64,
    /// The instant, in milliseconds since the Unix epoch.
    pub now: i64,
    /// Asks queries.
    pub ask: &'q Ask<'q>,
}

/// A text, ready to be made.
#[derive(Debug, Clone)]
pub struct Annotations {
    name: String,
    set: Set,
    /// Set if there is nothing to do.
    plain: Option<String>,
}

impl Annotations {
    /// Reads a text of the rule `rule`.
    pub fn read(rule: &str, written: &str) -> Result<Self, String> {
        let name = format!("__alert_{rule}");
        let mut set = Set::default();
        if !written.contains("{{") {
            return Ok(Self { name, set, plain: Some(written.to_owned()) });
        }
        set.add(&name, &format!("{VARIABLES}{written}"), &knows)?;
        Ok(Self { name, set, plain: None })
    }

    /// Makes the text; what goes wrong becomes the text, as upstream does.
    pub fn make(&self, scene: &Scene<'_>) -> String {
        if let Some(plain) = &self.plain {
            return plain.clone();
        }
        let mut out = String::new();
        match self.set.text(&self.name, &scene.dot(), &Own { scene }, LIMITS, &mut out) {
            Ok(()) => out,
            Err(error) => format!("<error expanding template: error executing template {}: {error}>", self.name),
        }
    }
}

impl Scene<'_> {
    fn dot<'a>(&self) -> Value<'a> {
        let mut fields = BTreeMap::new();
        fields.insert("Labels".to_owned(), Value::object(Pairs(self.labels.clone())));
        fields.insert("ExternalLabels".to_owned(), Value::object(Pairs(self.external_labels.clone())));
        fields.insert("ExternalURL".to_owned(), Value::text(self.external_url.to_owned()));
        fields.insert("Value".to_owned(), Value::Float(self.value));
        Value::object(Dot(fields))
    }
}

/// `.`: fields that exist or not, unlike keys of a map.
#[derive(Debug)]
struct Dot<'a>(BTreeMap<String, Value<'a>>);

impl<'a> Object<'a> for Dot<'a> {
    fn type_name(&self) -> &'static str {
        "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }"
    }

    fn field(&self, name: &str) -> Option<Value<'a>> {
        self.0.get(name).cloned()
    }
}

/// Labels as a map, in which what is missing is empty.
#[derive(Debug)]
struct Pairs(Labels);

impl<'a> Object<'a> for Pairs {
    fn type_name(&self) -> &'static str {
        "map[string]string"
    }

    fn field(&self, name: &str) -> Option<Value<'a>> {
        Some(Value::text(self.0.get(name).unwrap_or_default().to_owned()))
    }

    fn entries(&self) -> Option<Entries<'a>> {
        Some(self.0.iter().map(|(name, value)| (Value::text(name.to_owned()), Value::text(value.to_owned()))).collect())
    }

    fn missing(&self) -> Value<'a> {
        Value::borrowed("")
    }
}

/// A series that `query` gave.
#[derive(Debug)]
struct Sample {
    labels: Labels,
    value: f64,
}

impl<'a> Object<'a> for Sample {
    fn type_name(&self) -> &'static str {
        "*template.sample"
    }

    fn field(&self, name: &str) -> Option<Value<'a>> {
        match name {
            "Labels" => Some(Value::object(Pairs(self.labels.clone()))),
            "Value" => Some(Value::Float(self.value)),
            _ => None,
        }
    }
}

struct Own<'s, 'q> {
    scene: &'s Scene<'q>,
}

impl<'a> Functions<'a> for Own<'_, '_> {
    fn call(&self, run: &mut Run<'a, '_>, name: &str, args: Vec<Value<'a>>) -> Option<Result<Value<'a>, String>> {
        if !knows(name) {
            return None;
        }
        if let Some(called) = text::call(name, &args) {
            return Some(called);
        }
        Some(match name {
            "query" => self.query(&args),
            "first" | "label" | "value" | "strvalue" | "sortByLabel" => series(name, &args),
            "tmpl" => match args.as_slice() {
                [name, dot] => run.render(&name.printed(), dot).map(|text| Value::Markup(Cow::Owned(text))),
                _ => wrong_count(name, 2, args.len()),
            },
            "args" => {
                let named = args.into_iter().enumerate().map(|(index, value)| (format!("arg{index}"), value));
                Ok(Value::Map(named.collect()))
            }
            "externalURL" => Ok(Value::text(self.scene.external_url.to_owned())),
            "pathPrefix" => Ok(Value::text(path_of(self.scene.external_url))),
            "now" => Ok(Value::Float(self.scene.now as f64 / 1000.0)),
            _ => match args.as_slice() {
                [value] => one(name, value),
                _ => wrong_count(name, 1, args.len()),
            },
        })
    }
}

fn wrong_count<'a>(name: &str, wanted: usize, got: usize) -> Result<Value<'a>, String> {
    Err(format!("wrong number of args for {name}: want {wanted} got {got}"))
}

fn path_of(url: &str) -> String {
    let behind = url.split_once("://").map_or(url, |(_, behind)| behind);
    behind.find('/').and_then(|at| behind.get(at..)).unwrap_or_default().trim_end_matches('/').to_owned()
}

impl Own<'_, '_> {
    fn query<'a>(&self, args: &[Value<'a>]) -> Result<Value<'a>, String> {
        let [query] = args else { return wrong_count("query", 1, args.len()) };
        let found = (self.scene.ask)(&query.printed())?;
        Ok(Value::List(found.into_iter().map(|(labels, value)| Value::object(Sample { labels, value })).collect()))
    }
}

fn label_of(sample: &Value<'_>, name: &str) -> Result<String, String> {
    let labels = match sample {
        Value::Object(object) => object.field("Labels"),
        _ => None,
    };
    match labels {
        Some(Value::Object(labels)) => Ok(labels.field(name).map(|value| value.printed()).unwrap_or_default()),
        _ => Err(format!("wrong type for value; expected *template.sample; got {}", sample.type_name())),
    }
}

/// Functions over what `query` gave.
fn series<'a>(name: &str, args: &[Value<'a>]) -> Result<Value<'a>, String> {
    match (name, args) {
        ("first", [Value::List(samples)]) => samples.first().cloned().ok_or_else(|| "first() called on vector with no elements".to_owned()),
        ("label", [label, sample]) => label_of(sample, &label.printed()).map(Value::text),
        ("strvalue", [sample]) => label_of(sample, "__value__").map(Value::text),
        ("value", [Value::Object(sample)]) => {
            sample.field("Value").ok_or_else(|| format!("wrong type for value; expected *template.sample; got {}", sample.type_name()))
        }
        ("sortByLabel", [label, Value::List(samples)]) => {
            let label = label.printed();
            let mut keyed =
                samples.iter().map(|sample| label_of(sample, &label).map(|key| (key, sample.clone()))).collect::<Result<Vec<_>, _>>()?;
            keyed.sort_by(|(one, _), (other, _)| one.cmp(other));
            Ok(Value::List(keyed.into_iter().map(|(_, sample)| sample).collect()))
        }
        (_, args) => {
            let wanted = if matches!(name, "label" | "sortByLabel") { 2 } else { 1 };
            match args.last() {
                Some(other) if args.len() == wanted => {
                    Err(format!("wrong type for value; expected template.queryResult; got {}", other.type_name()))
                }
                _ => wrong_count(name, wanted, args.len()),
            }
        }
    }
}

/// As a number: numbers, texts of numbers, spans of time in seconds.
fn number(value: &Value<'_>) -> Result<f64, String> {
    match value {
        Value::Float(value) => Ok(*value),
        Value::Int(value) => Ok(*value as f64),
        Value::Span(nanos) => Ok(*nanos as f64 / 1e9),
        Value::Text(text) => text.parse().map_err(|_| format!("strconv.ParseFloat: parsing {:?}: invalid syntax", &**text)),
        other => Err(format!("can't convert {} to float", other.type_name())),
    }
}

/// A point in time from seconds since the Unix epoch.
fn moment(seconds: f64) -> Result<Option<Moment>, String> {
    if !seconds.is_finite() {
        return Ok(None);
    }
    let nanos = seconds * 1e9;
    if nanos > i64::MAX as f64 || nanos < i64::MIN as f64 {
        return Err(format!("{seconds} cannot be represented as a nanoseconds timestamp since it overflows int64"));
    }
    Ok(Some(Moment::utc(nanos as i64)))
}

/// Functions of one value.
fn one<'a>(name: &str, value: &Value<'a>) -> Result<Value<'a>, String> {
    Ok(match name {
        "humanize" => Value::text(humanize::humanize(number(value)?)),
        "humanize1024" => Value::text(humanize::humanize_1024(number(value)?)),
        "humanizeDuration" => Value::text(humanize::humanize_duration(number(value)?)),
        "humanizePercentage" => Value::text(humanize::humanize_percentage(number(value)?)),
        "humanizeTimestamp" => {
            let seconds = number(value)?;
            Value::text(moment(seconds)?.map_or_else(|| crate::base::float::significant(seconds, 4), |at| Value::Time(at).printed()))
        }
        "toTime" => moment(number(value)?)?.map_or(Value::Nil, Value::Time),
        "toDuration" => Value::Span((number(value)? * 1e9) as i64),
        "parseDuration" => Value::Float(Duration::parse(&value.printed()).map_err(|error| error.to_string())?.secs_f64()),
        "stripPort" => Value::text(strip_port(&value.printed())),
        "stripDomain" => Value::text(strip_domain(&value.printed())),
        "graphLink" => Value::text(format!("/graph?g0.expr={}&g0.tab=0", query_text(&value.printed()))),
        "tableLink" => Value::text(format!("/graph?g0.expr={}&g0.tab=1", query_text(&value.printed()))),
        _ => Value::text(query_text(&value.printed())),
    })
}

fn strip_port(host: &str) -> String {
    if let Some(rest) = host.strip_prefix('[') {
        return match rest.split_once("]:") {
            Some((inner, port)) if !port.contains(':') => inner.to_owned(),
            _ => host.to_owned(),
        };
    }
    match host.split_once(':') {
        Some((name, port)) if !port.contains(':') => name.to_owned(),
        _ => host.to_owned(),
    }
}

/// `a.b.c:80` becomes `a:80`; addresses stay.
fn strip_domain(host: &str) -> String {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') => (name, Some(port)),
        _ => (host, None),
    };
    if name.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') {
        return host.to_owned();
    }
    let first = name.split('.').next().unwrap_or_default();
    port.map_or_else(|| first.to_owned(), |port| format!("{first}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(written: &str) -> String {
        let ask = |query: &str| match query {
            "none" => Ok(Vec::new()),
            "bad" => Err("it failed".to_owned()),
            _ => Ok(vec![
                (Labels::from_pairs([("__name__", "m"), ("instance", "b")]), 2.0),
                (Labels::from_pairs([("__name__", "m"), ("instance", "a")]), 1.0),
            ]),
        };
        let scene = Scene {
            labels: &Labels::from_pairs([("instance", "web-1.example.org:9100"), ("job", "node")]),
            external_labels: &Labels::from_pairs([("cluster", "eu")]),
            external_url: "https://mon.example.org/pharos",
            value: 0.123_456,
            now: 1_767_323_045_678,
            ask: &ask,
        };
        match Annotations::read("A", written) {
            Ok(annotations) => annotations.make(&scene),
            Err(error) => error,
        }
    }

    #[test]
    fn gives_what_prometheus_gives() {
        for (written, expected) in [
            ("plain", "plain"),
            ("{{ $labels.instance }} of {{ .Labels.job }}{{ $labels.none }} at {{ $value }}", "web-1.example.org:9100 of node at 0.123456"),
            (
                "{{ $value | humanizePercentage }} {{ humanize 1234567.0 }} {{ humanize 0.0000123 }} {{ humanize1024 1048576.0 }}",
                "12.35% 1.235M 12.3u 1Mi",
            ),
            (
                "{{ humanizeDuration 0.0123 }} {{ humanizeDuration 59.5 }} {{ humanizeDuration 3661 }} {{ humanizeDuration \"90061\" }}",
                "12.3ms 59.5s 1h 1m 1s 1d 1h 1m 1s",
            ),
            ("{{ humanizeTimestamp 1435065584.128 }}", "2015-06-23 13:19:44.128 +0000 UTC"),
            ("{{ with query \"m\" }}{{ . | first | value }}-{{ . | first | label \"instance\" }}{{ end }}", "2-b"),
            ("{{ range query \"m\" | sortByLabel \"instance\" }}{{ .Labels.instance }}={{ .Value }};{{ end }}", "a=1;b=2;"),
            (
                "{{ $labels.instance | stripPort | stripDomain }} {{ stripDomain \"10.0.0.1:80\" }} {{ stripPort \"[::1]:80\" }}",
                "web-1 10.0.0.1:80 ::1",
            ),
            (
                "{{ externalURL }} {{ pathPrefix }} {{ $externalLabels.cluster }} {{ $externalURL }}",
                "https://mon.example.org/pharos /pharos eu https://mon.example.org/pharos",
            ),
            (
                "{{ reReplaceAll \"(.*):.*\" \"$1\" $labels.instance }} {{ match \"^web\" $labels.instance }} {{ title \"a b\" }}",
                "web-1.example.org true A B",
            ),
            ("{{ graphLink \"up == 0\" }}", "/graph?g0.expr=up+%3D%3D+0&g0.tab=0"),
            ("{{ parseDuration \"1h30m\" }} {{ toDuration 90 }} {{ (toTime 0).Format \"2006\" }}", "5400 1m30s 1970"),
            ("{{ define \"x\" }}<{{ .arg0 }}>{{ end }}{{ tmpl \"x\" (args 1 2) }}", "<1>"),
            ("{{ printf \"%.2f\" $value }} {{ urlQueryEscape \"a b\" }} {{ toUpper \"a\" }}", "0.12 a+b A"),
        ] {
            assert_eq!(make(written), expected, "{written}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (written, expected) in [
            ("{{ $label.x }}", "template: __alert_A:1: undefined variable \"$label\""),
            ("{{ nope }}", "template: __alert_A:1: function \"nope\" not defined"),
            ("{{ $labels.x", "template: __alert_A:1: unclosed action"),
        ] {
            assert_eq!(make(written), expected, "{written}");
        }
        let prefix = VARIABLES.len();
        for (written, at, expected) in [
            (
                "{{ query \"none\" | first }}",
                18,
                "executing \"__alert_A\" at <first>: error calling first: first() called on vector with no elements",
            ),
            ("{{ query \"bad\" }}", 3, "executing \"__alert_A\" at <query>: error calling query: it failed"),
            (
                "{{ humanize \"x\" }}",
                3,
                "executing \"__alert_A\" at <humanize>: error calling humanize: strconv.ParseFloat: parsing \"x\": invalid syntax",
            ),
        ] {
            let expected = format!(
                "<error expanding template: error executing template __alert_A: template: __alert_A:1:{}: {expected}>",
                prefix + at
            );
            assert_eq!(make(written), expected, "{written}");
        }
    }

    #[test]
    fn names_are_sorted() {
        assert!(NAMES.is_sorted());
    }
}
