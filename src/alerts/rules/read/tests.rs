//! Rule files: what is read of them, and what is said of wrong ones.

use std::path::Path;

use super::*;

fn load(text: &str) -> (Vec<Group>, Vec<String>) {
    let check = |_: Language, expr: &str| {
        expr.contains("bad").then(|| EvaluateError::Invalid { message: "1:5: parse error: no such thing".to_owned(), span: Some((4, 7)) })
    };
    let options = Options { check: &check, language: Language::PromQl, ignore_unknown: false };
    let mut report = Report::new(Path::new("r.yml"));
    let groups = read("r.yml", text, &options, &mut report);
    match report.finish() {
        Ok(_) => (groups, Vec::new()),
        Err(errors) => (groups, errors.into_iter().map(|error| error.to_string()).collect()),
    }
}

#[test]
fn reads_every_key() {
    let (groups, errors) = load(concat!(
        "groups:\n- name: g\n  interval: 30s\n  query_offset: 1m\n  limit: 5\n  labels: {team: a, x: '1'}\n  rules:\n",
        "  - record: job:up:sum\n    expr: sum(up)\n    labels: {x: '2'}\n",
        "  - alert: Down\n    expr: up == 0\n    for: 5m\n    keep_firing_for: 2m\n    annotations: {summary: '{{ $labels.job }} is down'}\n",
        "- name: l\n  type: logs\n  rules: []\n",
    ));
    assert_eq!(errors, [""; 0]);
    assert_eq!((groups[0].interval.map(crate::base::time::Duration::ms), groups[0].limit), (Some(30_000), 5));
    assert_eq!(groups[1].language, Language::LogQl);
    let rules = &groups[0].rules;
    assert_eq!(rules[0].labels, [("team".to_owned(), "a".to_owned()), ("x".to_owned(), "2".to_owned())]);
    assert_eq!(rules[0].kind, Kind::Recording);
    let Kind::Alerting(alerting) = &rules[1].kind else { panic!("{rules:?}") };
    assert_eq!((alerting.hold.ms(), alerting.keep_firing.ms(), rules[1].place.line), (300_000, 120_000, 11));
}

#[test]
fn says_what_is_wrong_and_where() {
    let rule = |text: &str| format!("groups:\n- name: g\n  rules:\n  - {text}\n");
    for (text, expected) in [
        (rule("{record: r, expr: 1, for: 1m}"), "r.yml:4:31: group \"g\", rule 1, \"r\": invalid field 'for' in recording rule"),
        (rule("{record: r, alert: a, expr: 1}"), "r.yml:4:24: group \"g\", rule 1, \"r\": only one of 'record' and 'alert' must be set"),
        (rule("{expr: 1}"), "r.yml:4:5: group \"g\", rule 1, \"\": one of 'record' or 'alert' must be set"),
        (rule("{alert: a}"), "r.yml:4:5: group \"g\", rule 1, \"a\": field 'expr' must be set in rule"),
        (
            rule("{alert: a, expr: 1 + bad}"),
            "r.yml:4:26: group \"g\", rule 1, \"a\": could not parse expression: 1:5: parse error: no such thing",
        ),
        (rule("{alert: a, expr: 1, annotation: {b: c}}"), "r.yml:4:25: annotation: unknown key, did you mean annotations?"),
        (rule("{record: a, expr: 1, labels: {__name__: b}}"), "r.yml:4:45: group \"g\", rule 1, \"a\": invalid label name: __name__"),
        (
            rule("{record: 'a{b=\"c\"}', expr: 1}"),
            "r.yml:4:14: group \"g\", rule 1, \"a{b=\\\"c\\\"}\": braces present in the recording rule name; should it be in expr?: a{b=\"c\"}",
        ),
        (
            rule("{alert: a, expr: 1, labels: {b: '{{ $nope }}'}}"),
            "r.yml:4:37: group \"g\", rule 1, \"a\": label \"b\": template: __alert_a:1: undefined variable \"$nope\"",
        ),
        (
            rule("{alert: a, expr: 1, annotations: {b: '{{ nope }}'}}"),
            "r.yml:4:42: group \"g\", rule 1, \"a\": annotation \"b\": template: __alert_a:1: function \"nope\" not defined",
        ),
        ("groups:\n- name: g\n- name: g\n".to_owned(), "r.yml:3:9: groupname: \"g\" is repeated in the same file, first in line 2"),
        ("groups:\n- rules: []\n".to_owned(), "r.yml:2:3: Groupname must not be empty"),
    ] {
        assert_eq!(load(&text).1, [expected], "{text}");
    }
}
