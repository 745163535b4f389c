//! Numbers of rules for telemetry, under Prometheus' names.

use std::sync::atomic::Ordering;

use super::manager::Manager;
use crate::alerts::evaluate::{Groups, Running};
use crate::platform::telemetry::metrics::{Page, Report};

impl Report for Manager {
    fn report(&self, page: &mut Page) {
        let groups = self.groups();
        let mut each = |name: &str, kind: &str, help: &str, read: &dyn Fn(&Running) -> Option<f64>| {
            page.family(name, kind, help);
            for group in groups.iter() {
                if let Some(value) = read(group) {
                    let label = format!("{};{}", group.group.file, group.group.name);
                    page.sample(name, &[("rule_group", &label)], value);
                }
            }
        };
        let count = |value: &std::sync::atomic::AtomicU64| Some(value.load(Ordering::Relaxed) as f64);
        each("prometheus_rule_evaluations_total", "counter", "Rules evaluated.", &|group| count(&group.rules_evaluated));
        each("prometheus_rule_evaluation_failures_total", "counter", "Rules that could not be evaluated.", &|group| {
            count(&group.rules_failed)
        });
        each(
            "prometheus_rule_group_iterations_total",
            "counter",
            "Evaluations of a group that were due, missed ones included.",
            &|group| Some(group.evaluations.load(Ordering::Relaxed) as f64 + group.missed.load(Ordering::Relaxed) as f64),
        );
        each("prometheus_rule_group_iterations_missed_total", "counter", "Evaluations of a group that were left out.", &|group| {
            count(&group.missed)
        });
        each("prometheus_rule_group_interval_seconds", "gauge", "Distance between evaluations of a group.", &|group| {
            Some(group.interval().secs_f64())
        });
        each("prometheus_rule_group_rules", "gauge", "Rules of a group.", &|group| Some(group.rules.len() as f64));
        each("prometheus_rule_group_last_duration_seconds", "gauge", "How long the last evaluation of a group took.", &|group| {
            group.last().map(|last| last.took.as_secs_f64())
        });
        each("prometheus_rule_group_last_evaluation_timestamp_seconds", "gauge", "When a group was evaluated last.", &|group| {
            group.last().map(|last| last.at as f64 / 1e3)
        });
        each("prometheus_rule_group_last_evaluation_samples", "gauge", "Samples that the last evaluation of a group gave.", &|group| {
            Some(group.rules.iter().map(|rule| rule.health.lock().series).sum::<usize>() as f64)
        });
    }
}
