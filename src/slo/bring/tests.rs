//! Files of other programs, of the shapes that their own examples have.

use super::*;
use crate::slo::model::period::window;

fn pairs_of(slo: &Slo) -> Vec<String> {
    let one = |pair: &crate::slo::model::burn::Pair| {
        format!("{} {} {} {} {}", pair.urgency.as_str(), pair.rate, window(pair.long), window(pair.short), pair.hold)
    };
    slo.pairs().iter().map(one).collect()
}

const SLOTH: &str = "\
# Two documents, as Sloth's own example of several has them.
version: prometheus/v1
service: cart
labels: {owner: shop, tier: 2}
slos:
  - name: availability
    objective: 99.9
    description: Orders go through
    labels: {category: availability}
    sli:
      events:
        error_query: sum(rate(http_request_duration_seconds_count{job=\"cart\",code=~\"(5..|429)\"}[{{.window}}]))
        total_query: sum(rate(http_request_duration_seconds_count{job=\"cart\"}[{{.window}}]))
    alerting:
      name: CartErrors
      labels: {category: availability}
      annotations: {summary: Carts fail, runbook: 'https://wiki.example/cart'}
      page_alert:
        labels: {severity: sms, routing_key: shop}
      ticket_alert:
        disable: true
  - name: satisfaction
    objective: 95
    sli:
      raw:
        error_ratio_query: 1 - avg_over_time(satisfaction_ratio[{{.window}}])
  - name: plugged
    objective: 95
    sli: {plugin: {id: some_plugin}}
---
apiVersion: sloth.slok.dev/v1
kind: PrometheusServiceLevel
metadata: {name: search, namespace: monitoring}
spec:
  service: search
  slos:
    - name: availability
      objective: 99
      sli:
        events:
          errorQuery: sum(rate(search_errors_total[{{.window}}]))
          totalQuery: sum(rate(search_total[{{.window}}]))
      alerting:
        pageAlert: {disable: true}
";

#[test]
fn sloths_files_are_read() {
    let brought = read(SLOTH).unwrap();
    let names: Vec<&str> = brought.slos.iter().map(|slo| slo.name.as_str()).collect();
    assert_eq!(
        (brought.sources.as_slice(), names.as_slice()),
        (&["Sloth"][..], &["cart-availability", "cart-satisfaction", "search-availability"][..])
    );
    let cart = &brought.slos[0];
    let labels: Vec<String> = cart.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(labels, ["category=availability", "owner=shop", "service=cart", "tier=2"]);
    // The rates and windows that Sloth generates for 30 days.
    assert_eq!(pairs_of(cart), ["page 14.4 1h 5m 0s", "page 6 6h 30m 0s", "ticket 3 1d 2h 0s", "ticket 1 3d 6h 0s"]);
    let alerts = cart.alerts();
    assert_eq!((alerts.name.as_str(), alerts.budget_low.0, cart.absent()), ("CartErrors", 0.0, None));
    assert_eq!(alerts.page.unwrap().labels["severity"], "sms");
    assert!(alerts.ticket.unwrap().off && brought.slos[2].alerts().page.unwrap().off);
    assert_eq!(brought.notes.len(), 2, "{:?}", brought.notes);
    assert!(brought.notes[1].starts_with("cart-plugged: it is left out: its indicator is made by the plugin"), "{:?}", brought.notes);
}

#[test]
fn pyrras_files_are_read() {
    let text = "\
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata:
  name: api-errors
  namespace: monitoring
  labels: {pyrra.dev/team: shop, role: alert-rules}
spec:
  target: '99.5'
  window: 4w
  indicator:
    ratio:
      errors: {metric: 'http_requests_total{job=\"api\",code=~\"5..\"}'}
      total: {metric: 'http_requests_total{job=\"api\"}'}
      grouping: [handler]
  alerting: {severities: {fastBurn: sms, absent: mail}}
---
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: api-fast}
spec:
  target: '90'
  window: 1w
  indicator:
    latency:
      success: {metric: 'http_seconds_bucket{le=\"0.1\"}'}
      total: {metric: http_seconds_count}
  alerting: {absent: false, name: TooSlow}
---
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: api-native}
spec:
  target: '90'
  window: 2w
  indicator:
    latencyNative:
      latency: 200ms
      total: {metric: 'http_seconds{code=\"ok\"}'}
  alerting: {disabled: true}
---
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: probes}
spec:
  target: '99'
  window: 7d
  indicator:
    bool_gauge: {metric: probe_success, grouping: [target]}
---
apiVersion: v1
kind: ConfigMap
";
    let brought = read(text).unwrap();
    assert_eq!((brought.sources.as_slice(), brought.slos.len()), (&["Pyrra"][..], 4));
    let [errors, fast, native, probes] = brought.slos.as_slice() else { panic!("{brought:?}") };
    // The windows that Pyrra generates for 4 weeks and for one.
    assert_eq!(pairs_of(errors), ["page 14 1h 5m 2m", "page 7 6h 30m 15m", "ticket 2 1d 2h 1h", "ticket 1 4d 6h 3h"]);
    assert_eq!(pairs_of(fast), ["page 14 15m 1m 1m", "page 7 1h30m 8m 4m", "ticket 2 6h 30m 15m", "ticket 1 1d 1h30m 45m"]);
    assert_eq!(errors.labels.get("team").map(String::as_str), Some("shop"));
    assert_eq!((errors.group_by.as_slice(), errors.pairs()[0].severity.as_str()), (&["handler".to_owned()][..], "sms"));
    assert_eq!((fast.alerts().name.as_str(), fast.ratio.as_ref().unwrap().good.as_str()), ("TooSlow", "http_seconds_bucket{le=\"0.1\"}"));
    let latency = native.latency.as_ref().unwrap();
    assert!(latency.native && native.alerts().off && (latency.under.0 - 0.2).abs() < 1e-9);
    assert_eq!(probes.ratio.as_ref().unwrap().good, "sum_over_time(probe_success[{{window}}])");
    // The alert of counters that are missing, after as long as all of them would have to fail.
    let absent = |slo: &Slo| slo.absent().map(|told| (told.name, told.hold.to_string(), told.labels["severity"].clone()));
    let named = |hold: &str, severity: &str| Some(("SLOMetricAbsent".to_owned(), hold.to_owned(), severity.to_owned()));
    assert_eq!(absent(errors), named("6m", "mail"), "14 × 0.5 % of an hour, and 2 minutes");
    assert_eq!((absent(fast), absent(native), absent(probes)), (None, None, named("3m", "critical")));
    assert_eq!(brought.notes, ["1 documents of the file are no SLOs and are left out"]);
}

#[test]
fn openslos_files_are_read() {
    let text = "\
apiVersion: openslo/v1
kind: DataSource
metadata: {name: metrics}
spec: {type: Prometheus}
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: errors}
spec:
  ratioMetric:
    counter: true
    bad: {metricSource: {metricSourceRef: metrics, spec: {query: 'sum(http_requests_total{code=~\"5..\"})'}}}
    total: {metricSource: {metricSourceRef: metrics, spec: {query: http_requests_total}}}
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: fast}
spec: {severity: page, condition: {kind: burnrate, op: gte, threshold: 10, lookbackWindow: 1h, alertAfter: 5m}}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: front}
spec:
  service: shop
  description: The front page
  indicatorRef: errors
  timeWindow: [{duration: 1M, calendar: {startTime: 2026-01-01 00:00:00, timeZone: Europe/Berlin}}]
  budgetingMethod: Occurrences
  objectives: [{displayName: Inside, target: 0.9995}, {displayName: Contract, targetPercent: 99}]
  alertPolicies:
    - kind: AlertPolicy
      spec: {conditions: [{conditionRef: fast}], notificationTargets: [{targetRef: mail}]}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: rated}
spec:
  timeWindow: [{duration: 4w, isRolling: true}]
  budgetingMethod: Timeslices
  indicator:
    spec:
      ratioMetric:
        good: {metricSource: {type: prometheus, spec: {query: 'sum(rate(a_total{ok=\"1\"}[5m]))'}}}
        total: {metricSource: {type: prometheus, spec: {query: 'sum(rate(a_total[5m]))'}}}
  objectives: [{target: 0.99}]
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: elsewhere}
spec:
  timeWindow: [{duration: 4w, isRolling: true}]
  indicator:
    spec: {ratioMetric: {good: {metricSource: {type: Datadog, spec: {query: x}}}, total: {metricSource: {type: Datadog, spec: {query: x}}}}}
  objectives: [{target: 0.99}]
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: threshold}
spec:
  timeWindow: [{duration: 4w, isRolling: true}]
  indicator: {spec: {thresholdMetric: {metricSource: {type: Prometheus, spec: {query: x}}}}}
  objectives: [{op: lt, value: 500, target: 0.99}]
---
apiVersion: openslo/v1alpha
kind: SLO
metadata: {name: early}
spec:
  service: shop
  timeWindows: [{count: 28, unit: Day}]
  objectives:
    - ratioMetrics:
        good: {source: prometheus, queryType: promql, query: 'sum(rate(a_total{ok=\"1\"}[{{.window}}]))'}
        total: {source: prometheus, queryType: promql, query: 'sum(rate(a_total[{{.window}}]))'}
      target: 0.999
";
    let brought = read(text).unwrap();
    let names: Vec<&str> = brought.slos.iter().map(|slo| slo.name.as_str()).collect();
    assert_eq!(names, ["front-0", "front-1", "rated", "early"], "{:?}", brought.notes);
    let [front, contract, rated, early] = brought.slos.as_slice() else { panic!("{brought:?}") };
    assert_eq!((front.objective.0, contract.objective.0, early.objective.0), (99.95, 99.0, 99.9));
    assert_eq!((front.period().to_string(), front.time_zone.as_str()), ("month".to_owned(), "Europe/Berlin"));
    assert_eq!(front.ratio.as_ref().unwrap().bad, "http_requests_total{code=~\"5..\"}");
    assert_eq!(pairs_of(front), ["page 10 1h 1h 5m"]);
    assert_eq!(rated.ratio.as_ref().unwrap().good, "sum(rate(a_total{ok=\"1\"}[{{window}}]))");
    for expected in [
        "rated: it counts by Timeslices, and here it counts by events",
        "elsewhere: it is left out: good: it asks Datadog, and only PromQL is asked here",
        "threshold: it is left out: only ratios of events can be taken over (ratioMetric), no thresholds",
        "front-0: who is notified is not taken over: alerts go where their labels are routed",
    ] {
        assert!(brought.notes.iter().any(|note| note == expected), "{expected}: {:#?}", brought.notes);
    }
}

#[test]
fn our_own_files_are_read_and_others_are_refused() {
    let text = "slos: [{name: a, objective: 99, check: Shop}]";
    assert_eq!(read(text).unwrap().slos.len(), 1);
    for (text, expected) in [
        ("a: 1", "the file is none of those"),
        ("", "the file is none of those"),
        ("a: [", "the file cannot be read at line"),
        ("a: 1\n---\nb: {\n", "the file cannot be read at line 3"),
        ("slos: [{name: a}]", "slos:1:8: objective"),
    ] {
        let why = read(text).unwrap_err();
        assert!(why.starts_with(expected), "{text:?}: {why}");
    }
}
