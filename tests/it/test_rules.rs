//! `pharos test rules` beside promtool, on promtool's own files.

use std::path::Path;
use std::process::Command;

use crate::support::{shared, skip};

/// Exit code, what is said, and what is said about failures without the names of tests, which newer versions add.
fn run(program: &str, args: &[&str], folder: &Path) -> Option<(Option<i32>, String, String)> {
    let output = Command::new(program).args(args).current_dir(folder).output().ok()?;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let err: Vec<String> = text(output.stderr)
        .lines()
        .filter(|line| !line.starts_with("    name: ") && !line.starts_with("pharos: ") && !line.is_empty())
        .map(str::to_owned)
        .collect();
    Some((output.status.code(), text(output.stdout).replace("\n\n", "\n").trim().to_owned(), err.join("\n")))
}

/// Files that promtool 2.42 reads, and whether every word of it must be the same.
const FILES: [(&str, bool); 9] = [
    ("at-modifier-test.yml", true),
    ("negative-offset-test.yml", true),
    ("long-period.yml", true),
    ("failing.yml", true),
    ("rules_run.yml", true),
    // Which of two series stands first in the message is chance.
    ("bad-promql.yml", false),
    ("bad-rules-error-test.yml", false),
    // Places are told in our own way.
    ("bad-rules-syntax-test.yml", false),
    ("bad-input-series.yml", false),
];

#[test]
fn promtool_says_the_same() {
    let Some(folder) = shared("conformance/rules/promtool") else { return skip("the shared material is not there") };
    for (file, is_exact) in FILES {
        let Some(theirs) = run("promtool", &["test", "rules", file], &folder) else { return skip("promtool is not installed") };
        let own = run(env!("CARGO_BIN_EXE_pharos"), &["test", "rules", file], &folder).unwrap();
        assert_eq!(own.0, theirs.0, "{file}: {own:?}");
        if is_exact {
            assert_eq!(own, theirs, "{file}");
        } else {
            assert!(own.2.starts_with("  FAILED:\n"), "{file}: {own:?}");
        }
    }
}

#[test]
fn several_files_are_run_and_one_that_fails_is_enough() {
    let Some(folder) = shared("conformance/rules/promtool") else { return skip("the shared material is not there") };
    let own = |args: &[&str]| run(env!("CARGO_BIN_EXE_pharos"), &[&["test", "rules"], args].concat(), &folder).unwrap();
    let (code, out, _) = own(&["unittest.yml", "start-time-test.yml"]);
    assert_eq!((code, out.matches("SUCCESS").count()), (Some(0), 2), "{out}");
    let (code, out, err) = own(&["unittest.yml", "failing.yml"]);
    assert_eq!((code, out.matches("SUCCESS").count(), err.matches("FAILED").count()), (Some(1), 1, 1), "{out}{err}");
    assert_eq!(own(&["--run", "correct", "rules_run.yml"]).0, Some(0));
    assert_eq!(own(&["--run", "(", "rules_run.yml"]).0, Some(1));
    assert_eq!(own(&[]).0, Some(2));
}

/// Rules of every kind, over what [`hour`] makes up. The range is no multiple of the distance of samples: whether one at its
/// very beginning counts changed with version 3.
const RULES: &str = r#"
groups:
- name: made-up
  interval: 15s
  rules:
  - {record: 'instance:c:rate70s', expr: 'sum by (instance) (rate(c_total[70s]))', labels: {origin: rule}}
  - {alert: Plain, expr: m > 1}
  - {alert: Waits, expr: m > 1, for: 1m, annotations: {value: '{{ $value | humanize }} of {{ $labels.instance }}'}}
  - {alert: Keeps, expr: m > 2, for: 30s, keep_firing_for: 1m}
  - alert: Graded
    expr: m > 0
    for: 15s
    labels: {severity: '{{ if gt $value 2.0 }}critical{{ else }}warning{{ end }}'}
    annotations: {all: '{{ with query "sum(m)" }}{{ . | first | value }}{{ end }}', dc: '{{ $externalLabels.dc }}'}
  - {alert: Fast, expr: 'instance:c:rate70s > 0.3', keep_firing_for: 45s}
  - {alert: Absent, expr: 'absent(m{instance="a"})', for: 45s, labels: {instance: a}}
- name: of-alerts
  interval: 15s
  rules:
  - {alert: Many, expr: 'count by (name) (label_replace(ALERTS{alertstate="firing",alertname!="Many"}, "name", "$1", "alertname", "(.*)")) > 1'}
  - {alert: Long, expr: 'time() - max by (instance) (ALERTS_FOR_STATE{alertname="Waits"}) > 120'}
"#;

/// An hour of series that rise, vanish, come back, end and begin anew, and what is asked at every evaluation.
fn hour(seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut chance = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut text =
        "rule_files: [rules.yml]\nevaluation_interval: 15s\ngroup_eval_order: [made-up, of-alerts]\ntests:\n- interval: 15s\n  external_labels: {dc: x}\n  input_series:\n"
            .to_owned();
    for (name, instance) in [("m", "a"), ("m", "b"), ("m", "c"), ("c_total", "a"), ("c_total", "b")] {
        let (mut values, mut count) = (Vec::new(), 0);
        while count < 241 {
            let length = 1 + chance(12);
            // A gap is shorter than what a query looks back on, the end of which changed with version 3 too.
            let is_gap = values.last().is_some_and(|last: &String| last.starts_with('_'));
            values.push(match (chance(8), name) {
                (0, _) if !is_gap => format!("_x{length}"),
                (1, _) => "stale".to_owned(),
                (_, "m") => format!("{}x{length}", chance(4)),
                // A counter begins anew now and then; far from zero, near which version 3 reckons otherwise.
                (grown, _) => format!("{}+{}x{length}", 1000 + chance(3) * 10, grown * chance(3)),
            });
            count += if values.last().is_some_and(|last| last == "stale") { 1 } else { length };
        }
        text += &format!("  - {{series: '{name}{{instance=\"{instance}\"}}', values: '{}'}}\n", values.join(" "));
    }
    text += "  promql_expr_test:\n";
    for evaluation in 0..=240 {
        for expr in ["ALERTS", "ALERTS_FOR_STATE", "instance:c:rate70s"] {
            text += &format!("  - {{expr: '{expr}', eval_time: {}s}}\n", evaluation * 15);
        }
    }
    text += "  alert_rule_test:\n";
    for evaluation in (0..=240).step_by(6) {
        for name in ["Plain", "Waits", "Keeps", "Graded", "Fast", "Absent", "Many", "Long"] {
            text += &format!("  - {{alertname: {name}, eval_time: {}s}}\n", evaluation * 15);
        }
    }
    text
}

#[test]
fn alerts_of_hours_that_are_made_up_are_those_of_prometheus_at_every_evaluation() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yml"), RULES).unwrap();
    for seed in 0..6 {
        std::fs::write(folder.path().join("test.yml"), hour(seed)).unwrap();
        let Some(theirs) = run("promtool", &["test", "rules", "test.yml"], folder.path()) else {
            return skip("promtool is not installed");
        };
        let own = run(env!("CARGO_BIN_EXE_pharos"), &["test", "rules", "test.yml"], folder.path()).unwrap();
        // Nothing is expected, so that everything there is is told as a mistake.
        let told = theirs.2.lines().count();
        assert!(told > 1000, "{told} lines: {theirs:?}");
        assert_eq!((own.0, &own.1), (theirs.0, &theirs.1), "{seed}");
        let differs = own.2.lines().zip(theirs.2.lines()).find(|(own, theirs)| own != theirs);
        assert!(own.2 == theirs.2, "of made-up hour {seed}: {differs:?}");
    }
}
