//! Files of promtool's own tests, and what is ours.

use super::*;

fn args(file: PathBuf) -> TestRulesArgs {
    TestRulesArgs { files: vec![file], run: Vec::new(), diff: false, debug: false, ignore_unknown_fields: false }
}

/// Whether all pass; what was said, and what failed.
fn played(args: &TestRulesArgs) -> (bool, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let is_good = run(args, &mut out, &mut err).is_ok();
    (is_good, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

/// What comes of tests and rules in a folder of their own.
fn told(rules: &str, tests: &str, change: impl FnOnce(&mut TestRulesArgs)) -> (bool, String, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yml"), rules).unwrap();
    let file = folder.path().join("tests.yml");
    std::fs::write(&file, tests).unwrap();
    let mut args = args(file);
    change(&mut args);
    played(&args)
}

/// Every unit test of upstream's testdata passes or fails as Prometheus' own tests say it must.
#[test]
fn promtools_own_files_pass_and_fail_as_they_should() {
    let shared = std::env::var("PHAROS_TEST_SHARED").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    let folder = Path::new(&shared).join("conformance/rules");
    let Ok(index) = std::fs::read_to_string(folder.join("SOURCES.json")) else {
        assert!(std::env::var_os("PHAROS_TEST_FULL").is_none(), "{} is missing", folder.display());
        return;
    };
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    let mut count = 0;
    for entry in index.as_array().unwrap().iter().filter(|entry| entry["kind"] == "unit-test") {
        count += 1;
        let file = folder.join(entry["file"].as_str().unwrap());
        let (is_good, out, err) = played(&args(file));
        assert_eq!(is_good, entry["expect"] == "pass", "{}: {out}{err}", entry["file"]);
    }
    assert!(count >= 14, "{count} files");
    let promtool = folder.join("promtool");
    let with = |name: &str, change: &dyn Fn(&mut TestRulesArgs)| {
        let mut args = args(promtool.join(name));
        change(&mut args);
        played(&args)
    };
    assert!(with("rules_run.yml", &|args| args.run = vec!["^correct".to_owned()]).0, "one test of the file is right");
    assert!(!with("rules_run.yml", &|args| args.run = vec!["x".to_owned(), "wrong".to_owned()]).0);
    assert!(with("rules_run_fuzzy.yml", &|args| args.run = vec!["correct".to_owned()]).0);
    assert!(with("rules_run_extrafields.yml", &|args| args.ignore_unknown_fields = true).0);
    let (_, _, err) = with("failing.yml", &|_| {});
    let expected = "    name: Failing alert test,\n    alertname: AlwaysFiring, time: 5m, \n        exp:[], \n        got:[\n            0:\n              \
                    Labels:{alertname=\"AlwaysFiring\"}\n              Annotations:{}\n            ]\n";
    assert!(err.contains(expected), "{err}");
}

const RULES: &str = "
groups:
- name: g
  rules:
  - record: doubled
    expr: 2 * value
  - alert: High
    expr: doubled > 6
    for: 2m
    keep_firing_for: 3m
    labels: {severity: page}
    annotations: {summary: '{{ $labels.instance }} at {{ $value }} of {{ $externalLabels.region }}'}
- name: logs
  type: logs
  rules:
  - alert: Refused
    expr: sum by (host) (count_over_time({app=\"sshd\"} |= \"Failed password\" [5m])) > 3
    annotations: {summary: '{{ $labels.host }}'}
";

const TESTS: &str = "
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
- name: numbers
  interval: 1m
  external_labels: {region: eu}
  input_series:
  - {series: 'value{instance=\"a\"}', values: '1 2 3 4x3 1x9'}
  alert_rule_test:
  - {eval_time: 4m, alertname: High, exp_alerts: []}
  - &firing
    eval_time: 5m
    alertname: High
    exp_alerts:
    - exp_labels: {severity: page, instance: a}
      exp_annotations: {summary: a at 8 of eu}
  - {<<: *firing, eval_time: 9m30s}
  - {eval_time: 10m, alertname: High}
  promql_expr_test:
  - {expr: doubled, eval_time: 3m, exp_samples: [{labels: 'doubled{instance=\"a\"}', value: 8}]}
  - {expr: 'count(ALERTS{alertstate=\"pending\"})', eval_time: 3m, exp_samples: [{value: 1}]}
- name: lines
  input_lines:
  - {stream: '{app=\"sshd\", host=\"h\"}', line: 'Failed password for root', at: 1m, every: 10s, times: 4}
  alert_rule_test:
  - {eval_time: 1m, alertname: Refused}
  - {eval_time: 2m, alertname: Refused, exp_alerts: [{exp_labels: {host: h}, exp_annotations: {summary: h}}]}
  - {eval_time: 8m, alertname: Refused}
";

#[test]
fn rules_over_numbers_and_lines_are_played() {
    // Merge keys are no part of the format; the value is written out.
    let tests = TESTS.replace("- &firing\n    eval", "- eval").replace(
        "{<<: *firing, eval_time: 9m30s}",
        "{eval_time: 9m30s, alertname: High, exp_alerts: [{exp_labels: {severity: page, instance: a}, exp_annotations: {summary: a at 8 of eu}}]}",
    );
    let (is_good, out, err) = told(RULES, &tests, |_| {});
    assert!(is_good, "{out}{err}");
    assert!(out.ends_with("  SUCCESS\n\n"), "{out}");
    let (is_good, out, err) = told(RULES, &tests.replace("at 8 of eu", "at 9 of eu").replace("eval_time: 8m", "eval_time: 3m"), |_| {});
    assert!(!is_good, "{out}");
    assert_eq!(err.matches("alertname: High").count(), 2, "{err}");
    assert_eq!(err.matches("alertname: Refused").count(), 1, "{err}");
    let (_, _, err) = told(RULES, &tests.replace("value: 8}", "value: 9}"), |args| args.diff = true);
    let expected = "    name: numbers,\n    expr: \"doubled\", time: 3m,\n        diff:\n        + {__name__=\"doubled\", instance=\"a\"} 8E+00\n        \
                    - {__name__=\"doubled\", instance=\"a\"} 9E+00\n";
    assert!(err.contains(expected), "{err}");
    let (_, out, _) = told(RULES, &tests, |args| args.debug = true);
    for line in ["DEBUG: Starting test lines\n", "at 10m0s:\n", "\n{__name__=\"doubled\", instance=\"a\"} =>\n2 @[0]\n4 @[60000]\n"] {
        assert!(out.contains(line), "{line}: {out}");
    }
}

#[test]
fn groups_are_evaluated_in_the_order_that_is_asked_for() {
    let rules = "groups:\n- {name: b, rules: [{record: y, expr: x + 1}]}\n- {name: a, rules: [{record: x, expr: vector(1)}]}\n";
    let tests = |order: &str| {
        format!(
            "rule_files: [rules.yml]\ngroup_eval_order: {order}\ntests:\n- promql_expr_test: [{{expr: y, eval_time: 0, exp_samples: [{{labels: y, value: 2}}]}}]\n"
        )
    };
    assert!(told(rules, &tests("[a, b]"), |_| {}).0);
    assert!(!told(rules, &tests("[b, a]"), |_| {}).0);
    let (_, _, err) = told(rules, &tests("[a, a]"), |_| {});
    assert!(err.contains("tests.yml:2:") && err.contains("group name repeated in evaluation order: a"), "{err}");
}

#[test]
fn what_cannot_be_read_is_named_with_its_place() {
    for (tests, expected) in [
        ("tests:\n- nane: x\n", "tests.yml:2:3: nane: unknown key, did you mean name?"),
        ("tests:\n- input_series: [{series: 'x{', values: '1'}]\n", "tests.yml:2:27: input_series \"x{ 1\": "),
        (
            "tests:\n- promql_expr_test: [{expr: x, exp_samples: [{labels: 'a b'}]}]\n",
            "labels \"a b\": unexpected \" b\" behind the labels",
        ),
        ("tests:\n- promql_expr_test: [{expr: x, exp_samples: [{histogram: '1'}]}]\n", "histogram \"1\": expected exactly one histogram"),
        ("tests:\n- alert_rule_test: [{eval_time: 1m}]\n", "misses required attribute alertname at eval_time 1m"),
        ("tests:\n- start_timestamp: yesterday\n", "start_timestamp: read \"yesterday\", expected RFC 3339 or seconds"),
        ("tests:\n- input_lines: [{stream: '{}', line: x}]\n", "stream: at least one label is needed"),
        ("tests:\n- input_lines: [{stream: '{a=\"b\"}', line: x, times: 1000000}]\n", "times: 1000000 lines, more than 100000"),
        ("evaluation_interval: 1ms\ntests:\n- alert_rule_test: [{eval_time: 1y, alertname: x}]\n", "evaluations, more than 10000000"),
    ] {
        let (is_good, out, err) = told(RULES, tests, |_| {});
        assert!(!is_good && err.starts_with("  FAILED:\n") && err.contains(expected), "{tests}: {out}{err}");
    }
    let (is_good, out, _) = told(RULES, "rule_files: [none.yml]\ntests: []\n", |_| {});
    assert!(is_good && out.contains("  WARNING: no file match pattern "), "{out}");
    let (_, _, err) = played(&args("/does/not/exist.yml".into()));
    assert!(err.contains("/does/not/exist.yml: "), "{err}");
}

/// Every pack's own test passes with the usual thresholds, and would see an alert that does not fire.
#[test]
fn ready_rules_do_what_they_are_for() {
    for pack in crate::alerts::packs::ALL {
        let folder = tempfile::tempdir().unwrap();
        let rules = pack.filled(&Default::default());
        std::fs::write(folder.path().join(format!("{}.yml", pack.name)), &rules).unwrap();
        let file = folder.path().join("tests.yml");
        std::fs::write(&file, pack.test).unwrap();
        let (is_good, out, err) = played(&args(file));
        assert!(is_good && !out.contains("WARNING"), "{}: {out}{err}", pack.name);
        for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
            assert!(pack.test.contains(&format!("alertname=\"{alert}\"")), "{}: no test has {alert}", pack.name);
        }
    }
}

/// The rules of the documents stand in the packs as they were written.
#[test]
fn packs_hold_the_rules_of_the_documents() {
    let shared = std::env::var("PHAROS_TEST_SHARED").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    let folder = Path::new(&shared).join("mission/fixtures");
    if !folder.exists() {
        assert!(std::env::var_os("PHAROS_TEST_FULL").is_none(), "{} is missing", folder.display());
        return;
    }
    let check = |language, query: &str| read_query(language, query).err();
    let names: Vec<String> = crate::alerts::packs::ALL.iter().map(|pack| pack.name.to_owned()).collect();
    let ready = crate::alerts::packs::groups(&names, &Default::default(), &check).unwrap();
    let files = [
        "rules/api_rules.yml",
        "rules/database_rules.yml",
        "rules/node_exporter_rules.yml",
        "recording-rules.yml",
        "error-budget-rule.yml",
    ];
    let files: Vec<String> = files.iter().map(|file| folder.join(file).display().to_string()).collect();
    let (groups, _) = load(&files, read_query, false).unwrap();
    assert_eq!(groups.len(), 6);
    for group in groups {
        let own = ready.iter().find(|own| own.name == group.name).unwrap_or_else(|| panic!("no group {}", group.name));
        assert_eq!(own.interval, group.interval);
        let shown = |rules: &[crate::alerts::model::Rule]| {
            rules.iter().map(|rule| crate::alerts::model::Rule { place: Default::default(), ..rule.clone() }).collect::<Vec<_>>()
        };
        assert_eq!(shown(&own.rules), shown(&group.rules), "{}", group.name);
    }
}
