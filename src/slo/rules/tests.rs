//! What declarations become as rules.

use super::*;
use crate::base::time::parse_rfc3339;
use crate::slo::config::read_one;

fn made(text: &str) -> Vec<Group> {
    groups(&read_one(text).unwrap(), parse_rfc3339("2026-11-20T12:00:00Z").unwrap())
}

fn expr<'g>(groups: &'g [Group], metric: &str, window: Option<&str>) -> &'g str {
    let is = |rule: &&Rule| rule.name == metric && rule.labels.get("window").map(String::as_str) == window;
    &groups.iter().flat_map(|group| &group.rules).find(is).unwrap_or_else(|| panic!("{metric} {window:?}")).expr
}

const RATIO: &str = "{name: Shop, objective: 99.9, labels: {team: web}, ratio: {bad: 'http_total{code=~\"5..\"}', total: http_total}}";

#[test]
fn counters_are_counted_by_their_own_increase_while_windows_are_short() {
    let groups = made(RATIO);
    assert_eq!(expr(&groups, EVENTS, Some("1h")), "sum (increase(http_total[1h]))");
    assert_eq!(
        expr(&groups, BAD, Some("1h")),
        "(sum (increase(http_total{code=~\"5..\"}[1h]))) or 0 * sum (slo:events:count{slo=\"Shop\",window=\"1h\"})"
    );
    assert_eq!(
        expr(&groups, BURN, Some("1h")),
        "slo:bad_events:count{slo=\"Shop\",window=\"1h\"} / (slo:events:count{slo=\"Shop\",window=\"1h\"} > 0) / 0.001"
    );
    assert_eq!(expr(&groups, EVENTS, Some("1d")), "sum_over_time(slo:events:count{slo=\"Shop\",window=\"5m\"}[1d:5m])");
    assert_eq!(expr(&groups, EVENTS, Some("30d")), "sum_over_time(slo:events:count{slo=\"Shop\",window=\"5m\"}[30d:5m])");
    assert_eq!(expr(&groups, BUDGET_LEFT, None), "1 - max without (window) (slo:burn_rate:ratio{slo=\"Shop\",window=\"30d\"})");
    assert_eq!(expr(&groups, OBJECTIVE, None), "vector(0.999)");
}

#[test]
fn alerts_burn_in_two_windows() {
    let groups = made(RATIO);
    let alerts: Vec<&Rule> = groups.iter().flat_map(|group| &group.rules).filter(|rule| rule.alert.is_some()).collect();
    let told: Vec<(&str, &str)> = alerts.iter().map(|rule| (rule.name.as_str(), rule.labels["severity"].as_str())).collect();
    let expected =
        [("ErrorBudgetBurn", "critical"), ("ErrorBudgetBurn", "warning"), ("ErrorBudgetUnknown", "warning"), ("ErrorBudgetLow", "warning")];
    assert_eq!(told, expected);
    assert_eq!(alerts[0].labels["team"], "web");
    for window in ["5m", "1h", "30m", "6h"] {
        assert!(alerts[0].expr.contains(&format!("window=\"{window}\"")), "{window}: {}", alerts[0].expr);
    }
    assert!(alerts[0].expr.contains("> 14.4)") && alerts[0].expr.contains("> 6)") && !alerts[0].expr.contains(">="));
    let few = made("{name: a, objective: 99, min_events: 50, ratio: {bad: b, total: t}, alerts: {budget_low: 0, ticket: {off: true}}}");
    let alerts: Vec<&Rule> = few.iter().flat_map(|group| &group.rules).filter(|rule| rule.alert.is_some()).collect();
    assert_eq!(alerts.len(), 1);
    assert!(alerts[0].expr.contains("max without (window) (slo:events:count{slo=\"a\",window=\"1h\"} >= 50)"), "{}", alerts[0].expr);
    let off = made("{name: a, objective: 99, ratio: {bad: b, total: t}, alerts: {off: true}}");
    assert!(off.iter().flat_map(|group| &group.rules).all(|rule| rule.alert.is_none()));
}

#[test]
fn it_is_told_that_nothing_is_counted_where_that_is_unusual() {
    let told = |more: &str| {
        let groups = made(&format!("{{name: a, objective: 99, labels: {{team: web}}, {more}}}"));
        let found = groups.into_iter().flat_map(|group| group.rules).find(|rule| rule.expr.contains("absent("));
        found.map(|rule| (rule.name.clone(), rule.labels["severity"].clone(), rule.alert.as_ref().unwrap().hold.to_string(), rule))
    };
    let ratio = "ratio: {bad: b, total: t}";
    let (name, severity, hold, rule) = told(ratio).unwrap();
    assert_eq!((name.as_str(), severity.as_str(), hold.as_str()), ("ErrorBudgetUnknown", "warning", "15m"));
    assert_eq!(rule.expr, "max without (window) (absent(slo:events:count{slo=\"a\",window=\"5m\"}))");
    assert_eq!(rule.labels["team"], "web");
    // While something is excluded nothing is to be counted.
    let (.., rule) = told("check: Shop").unwrap();
    assert!(rule.expr.contains("unless on () count_over_time((pharos_check_maintenance{check=\"Shop\"} == 1)[5m:1m])"), "{}", rule.expr);
    let logs = "logs: {bad: '{app=\"x\"} |= \"no\"', total: '{app=\"x\"}'}";
    for quiet in [format!("{ratio}, min_events: 5"), logs.to_owned()] {
        assert_eq!(told(&quiet), None, "{quiet}");
        assert!(told(&format!("{quiet}, alerts: {{absent: {{}}}}")).is_some(), "{quiet}");
    }
    for off in ["alerts: {off: true}", "alerts: {absent: {off: true}}", "alerts: {off: true, absent: {for: 5m}}"] {
        assert_eq!(told(&format!("{ratio}, {off}")), None, "{off}");
    }
    let own = "alerts: {labels: {severity: sms, x: y}, absent: {name: Gone, for: 1h, labels: {severity: mail}, annotations: {runbook: r}}}";
    let (name, severity, hold, rule) = told(&format!("{ratio}, {own}")).unwrap();
    assert_eq!((name.as_str(), severity.as_str(), hold.as_str()), ("Gone", "mail", "1h"));
    assert_eq!((rule.labels["x"].as_str(), rule.alert.unwrap().annotations["runbook"].as_str()), ("y", "r"));
}

#[test]
fn each_indicator_is_counted_in_its_way() {
    let five = |text: &str, metric: &str| expr(&made(text), metric, Some("5m")).to_owned();
    let template = "{name: a, objective: 99, ratio: {bad: 'sum(rate(b[{{.window}}]))', total: 'sum(count_over_time(t[{{window}}]))'}}";
    assert_eq!(five(template, EVENTS), "sum (sum(count_over_time(t[5m])))");
    assert_eq!(five(template, BAD), "(sum ((sum(rate(b[5m]))) * 300)) or 0 * sum (slo:events:count{slo=\"a\",window=\"5m\"})");
    let good = "{name: a, objective: 99, group_by: [job, zone], ratio: {good: g, total: t}}";
    let all = "sum by (job, zone) (slo:events:count{slo=\"a\",window=\"5m\"})";
    assert_eq!(five(good, BAD), format!("clamp_min({all} - (sum by (job, zone) (increase(g[5m])) or 0 * {all}), 0)"));
    let latency = "{name: a, objective: 99, latency: {histogram: 'h_bucket{job=\"x\"}', under: 0.3}}";
    assert_eq!(five(latency, EVENTS), "sum (increase(h_count{job=\"x\"}[5m]))");
    assert!(five(latency, BAD).contains("sum (increase(h_bucket{job=\"x\",le=\"0.3\"}[5m]))"), "{}", five(latency, BAD));
    let whole = "{name: a, objective: 99, latency: {histogram: h, under: 1}}";
    assert!(five(whole, BAD).contains("h_bucket{le=~\"1(\\\\.0)?\"}"), "{}", five(whole, BAD));
    let native = "{name: a, objective: 99, latency: {histogram: h, under: 0.3, native: true}}";
    assert_eq!(five(native, EVENTS), "histogram_count(sum (increase(h[5m])))");
    let check = "{name: a, objective: 99, check: Shop}";
    let excluded = "unless on () count_over_time((pharos_check_maintenance{check=\"Shop\"} == 1)[5m:1m])";
    assert_eq!(five(check, EVENTS), format!("sum (count_over_time(pharos_check_up{{check=\"Shop\"}}[5m])) {excluded}"));
    assert_eq!(expr(&made(check), EVENTS, Some("1h")), "sum_over_time(slo:events:count{slo=\"a\",window=\"5m\"}[1h:1m]) / 5");
    let logs = made("{name: a, objective: 99, logs: {bad: '{app=\"x\"} |= \"no\"', total: '{app=\"x\"}'}}");
    assert!(logs[0].is_logs && !logs[1].is_logs);
    assert_eq!(logs[0].rules[0].expr, "sum (count_over_time({app=\"x\"}[5m]))");
    assert_eq!(logs[0].rules[1].expr, "sum (count_over_time({app=\"x\"} |= \"no\"[5m]))");
    assert_eq!(expr(&logs, EVENTS, Some("5m")), "sum (slo:log_lines:count{slo=\"a\",of=\"total\"})");
}

#[test]
fn a_part_of_the_calendar_begins_somewhere() {
    let groups = made("{name: a, objective: 99, calendar: month, time_zone: Europe/Berlin, ratio: {bad: b, total: t}}");
    let from = parse_rfc3339("2026-10-31T23:00:00Z").unwrap() / 1000;
    let base = "slo:events:count{slo=\"a\",window=\"5m\"}";
    assert_eq!(expr(&groups, EVENTS, Some("month")), format!("sum_over_time(({base} and on () (vector(time()) > {from}))[31d:5m])"));
    let burn = "max without (window) (slo:burn_rate:ratio{slo=\"a\",window=\"month\"})";
    assert_eq!(expr(&groups, BUDGET_LEFT, None), format!("1 - {burn} * scalar(clamp(vector((time() - {from}) / 2592000), 0, 1))"));
}

#[test]
fn figures_before_there_are_rules_are_asked_of_the_counters() {
    let slo = read_one(RATIO).unwrap();
    let (total, bad) = question(&slo, slo_window()).unwrap();
    assert_eq!(total, "sum (increase(http_total[30d]))");
    assert_eq!(bad, "(sum (increase(http_total{code=~\"5..\"}[30d]))) or 0 * (sum (increase(http_total[30d])))");
}

fn slo_window() -> Duration {
    Duration::from_secs(30 * 86_400)
}

#[test]
fn the_file_is_one_that_prometheus_takes() {
    let text = print(&made(RATIO));
    assert!(text.starts_with("groups:\n- name: Shop\n  interval: 30s\n  rules:\n  - record: slo:events:count\n"), "{text}");
    assert!(text.contains("  - alert: ErrorBudgetBurn\n    expr: |-\n      (\n        max without (window)"), "{text}");
    // Not everybody has it; those who do see what it says.
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (index, text) in [
        RATIO,
        "{name: a, objective: 99, group_by: [job], min_events: 5, calendar: week, ratio: {good: 'g{a=\"b\"}', total: t}}",
        "{name: a, objective: 99, latency: {histogram: h, under: 0.3, native: true}}",
        "{name: a, objective: 99, latency: {histogram: h, under: 2}, window: 7d}",
        "{name: a, objective: 99, check: Shop, exclude: 'night == 1', alerts: {absent: {for: 0s}}}",
        "{name: a, objective: 99, ratio: {bad: 'sum_over_time((count(x < 1))[{{.window}}:]) OR on() vector(0)', total: 'sum(rate(t[{{.window}}]))'}}",
    ].iter().enumerate() {
        let file = folder.path().join(format!("{index}.yml"));
        std::fs::write(&file, print(&made(text))).unwrap();
        files.push(file);
    }
    let Ok(output) = std::process::Command::new("promtool").args(["check", "rules", "--lint=none"]).args(&files).output() else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
