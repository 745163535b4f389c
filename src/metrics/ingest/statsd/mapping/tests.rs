//! Files as statsd_exporter's documentation describes them, and what names become by them.

use std::path::Path;

use super::*;

fn mapping(text: &str) -> Mapping {
    read::read_text(text, Path::new("m.yml")).map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap().0
}

/// Name and labels, or that it is dropped, or that nothing matches.
fn shown(mapping: &Mapping, name: &str, sort: Sort) -> String {
    match mapping.find(name, sort) {
        None => "-".to_owned(),
        Some(found) if found.drops => "drop".to_owned(),
        Some(found) => {
            let labels: Vec<String> = found.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{}{{{}}}", found.name, labels.join(","))
        }
    }
}

#[test]
fn names_become_names_and_labels() {
    let found = mapping(
        r#"
mappings:
- match: "shop.worker.*.*.*"
  name: "worker_events_total"
  labels: {worker: "$1", action: "$2", outcome: "$3", job: "shop"}
- match: "*.login.*.*"
  name: "logins_total"
  labels: {provider: "$2", outcome: "$3", job: "${1}_web"}
- match: "any.*.*.counter"
  name: "${2}_total"
  labels: {provider: "$1"}
- match: 'reg\.(\w+)\.(\w+)--(\w+)'
  match_type: regex
  name: "${2}_total"
  labels: {first: "$1", third: "x-$3-$4"}
- match: "typed.*"
  match_metric_type: counter
  name: typed_total
- match: "typed.*"
  match_metric_type: timer
  name: typed_seconds
- match: "shop.late.a.b.c"
  name: never_reached
- match: '^reg\..*'
  match_type: regex
  action: drop
  name: dropped
"#,
    );
    assert_eq!(found.len(), 8);
    for (name, sort, expected) in [
        ("shop.worker.Mail.send.ok", Sort::Counter, "worker_events_total{action=send,job=shop,outcome=ok,worker=Mail}"),
        ("blog.login.mail.failed", Sort::Counter, "logins_total{job=blog_web,outcome=failed,provider=mail}"),
        ("shop.web-server.a.b", Sort::Gauge, "-"),
        ("any.x.y.counter", Sort::Counter, "y_total{provider=x}"),
        ("reg.a.b--c", Sort::Counter, "b_total{first=a,third=x-c-}"),
        ("reg.a", Sort::Counter, "drop"),
        ("typed.a", Sort::Counter, "typed_total{}"),
        ("typed.a", Sort::Observer, "typed_seconds{}"),
        ("typed.a", Sort::Gauge, "-"),
        ("shop.worker.a.b.c.d", Sort::Counter, "-"),
    ] {
        assert_eq!(shown(&found, name, sort), expected, "{name}");
        assert_eq!(shown(&found, name, sort), expected, "{name}, remembered");
    }
}

#[test]
fn the_first_of_the_file_counts_unless_order_is_off() {
    let rules = "mappings:\n- {match: '*.b.*', name: one}\n- {match: a.*.c, name: two}\n- {match: a.b.c, name: three}\n\
                 - {match: '.', match_type: regex, name: last}\n- {match: z.b.c, name: glob_after_regex}\n";
    let ordered = mapping(rules);
    let unordered = mapping(&format!("defaults: {{glob_disable_ordering: true}}\n{rules}"));
    for (name, first, particular) in [
        ("a.b.c", "one{}", "three{}"),
        ("a.x.c", "two{}", "two{}"),
        ("a.b.x", "one{}", "one{}"),
        ("q", "last{}", "last{}"),
        ("z.b.c", "one{}", "glob_after_regex{}"),
    ] {
        assert_eq!((shown(&ordered, name, Sort::Gauge), shown(&unordered, name, Sort::Gauge)), (first.to_owned(), particular.to_owned()));
    }
}

#[test]
fn timers_are_kept_as_the_file_says() {
    let found = mapping(
        r"
defaults:
  observer_type: histogram
  buckets: [0.1, 1]
  ttl: 1m20s
mappings:
- {match: a.*, name: by_default}
- {match: b.*, name: own_bounds, histogram_options: {buckets: [5, 10, .inf]}}
- {match: c.*, name: old_bounds, timer_type: histogram, buckets: [7]}
- match: d.*
  name: summary
  timer_type: summary
  quantiles: [{quantile: 0.99, error: 0.001}, {quantile: 0.5, error: 0.05}]
  ttl: 1h
- match: e.*
  name: options
  observer_type: summary
  summary_options: {quantiles: [{quantile: 0.9}], max_age: 30s, age_buckets: 3, buf_cap: 1000}
  scale: 0.001
  help: Of e.
",
    );
    let of = |name: &str| found.find(name, Sort::Observer).unwrap();
    assert_eq!(of("a.x").observing, Observing::Histogram([0.1, 1.0].into()));
    assert_eq!(of("a.x").ttl, Duration::from_secs(80));
    assert_eq!(of("b.x").observing, Observing::Histogram([5.0, 10.0].into()));
    assert_eq!(of("c.x").observing, Observing::Histogram([7.0].into()));
    let Observing::Summary(shape) = &of("d.x").observing else { panic!() };
    assert_eq!(shape.objectives.iter().map(|one| (one.quantile, one.error)).collect::<Vec<_>>(), [(0.5, 0.05), (0.99, 0.001)]);
    assert_eq!((of("d.x").ttl, shape.max_age, shape.age_buckets), (Duration::from_secs(3600), Duration::from_secs(600), 5));
    let Observing::Summary(shape) = &of("e.x").observing else { panic!() };
    assert_eq!((shape.max_age, shape.age_buckets, shape.objectives.len()), (Duration::from_secs(30), 3, 1));
    assert_eq!((of("e.x").scale, of("e.x").help.as_str()), (0.001, "Of e."));
    assert!(matches!(mapping("mappings: []").otherwise().0, Observing::Summary(_)), "as statsd_exporter does");
    assert!(matches!(Mapping::default().otherwise().0, Observing::Histogram(_)), "without a file as ever");
}

#[test]
fn mistakes_are_placed() {
    for (text, said) in [
        ("mappings: [{match: a.b}]", "m.yml:1:12: name: required"),
        ("mappings: [{match: a.b, name: a-b}]", "m.yml:1:31: name: \"a-b\" is no name of a metric"),
        ("mappings: [{match: a.b, name: a, labels: {__x: y}}]", "is no name of a label"),
        ("mappings: [{match: a..b, name: a}]", "m.yml:1:20: match: \"a..b\" is no pattern"),
        ("mappings: [{match: 'a*.b', name: a}]", "is no pattern"),
        ("mappings: [{match: '(', match_type: regex, name: a}]", "is no regular expression"),
        ("mappings: [{match: a, match_type: fuzzy, name: a}]", "expected glob or regex"),
        ("mappings: [{match: a, name: a, action: keep}]", "expected map or drop"),
        ("mappings: [{match: a, name: a, match_metric_type: set}]", "expected counter, gauge, observer or timer"),
        ("mappings: [{match: a, name: a, observer_type: gauge}]", "expected histogram or summary"),
        ("mappings: [{match: a, name: a, ttl: soon}]", "ttl: read \"soon\", expected a duration"),
        ("mappings: [{match: a, name: a, buckets: [2, 1]}]", "each larger than the one before"),
        ("mappings: [{match: a, name: a, quantiles: [{quantile: 2}]}]", "a quantile from 0 to 1"),
        (
            "mappings: [{match: a, name: a, observer_type: summary, histogram_options: {}}]",
            "histogram_options: cannot stand beside a summary",
        ),
        (
            "mappings: [{match: a, name: a, observer_type: histogram, buckets: [1], histogram_options: {buckets: [2]}}]",
            "histogram_options: cannot stand beside buckets",
        ),
        ("mappings: [{match: a, name: a, colour: red}]", "m.yml:1:32: colour: unknown key"),
        ("defaults: {timertype: summary}", "timertype: unknown key, did you mean timer_type?"),
        ("mapping: []", "mapping: unknown key, did you mean mappings?"),
        ("mappings: 7", "expected a list"),
        ("mappings: [", "m.yml:"),
    ] {
        let errors: Vec<String> = read::read_text(text, Path::new("m.yml")).unwrap_err().iter().map(ToString::to_string).collect();
        assert!(errors.iter().any(|one| one.contains(said)), "{text}: {errors:?}");
    }
}
