//! Rules between the configuration and the hall of alerts: which files, what they may ask, and what all of them share.

use std::sync::Arc;

use super::configuration::Alerting;
use crate::alerts::{Following, Group, Language, ReadQuery, Setting, load, packs};
use crate::metrics::config::Config;
use crate::metrics::{ParseOptions, parse_options};
use crate::platform::config::diagnostic::Diagnostic;
use crate::platform::config::settings::Settings;
use crate::series::ports::{EvaluateError, Shape};

/// Readers of queries by the experimental parts of PromQL that they allow, a bit for each, as [`reader`] counts them.
const READERS: [ReadQuery; 16] = [
    read::<0>, read::<1>, read::<2>, read::<3>, read::<4>, read::<5>, read::<6>, read::<7>, read::<8>, read::<9>, read::<10>, read::<11>,
    read::<12>, read::<13>, read::<14>, read::<15>,
];

/// Reads a query of a rule, without anything experimental.
pub(super) fn read_query(language: Language, query: &str) -> Result<Shape, EvaluateError> {
    read::<0>(language, query)
}

fn read<const PARTS: usize>(language: Language, query: &str) -> Result<Shape, EvaluateError> {
    let has = |bit: usize| PARTS >> bit & 1 == 1;
    let parse =
        ParseOptions { experimental_functions: has(0), duration_expressions: has(1), extended_range_selectors: has(2), binop_fill: has(3) };
    match language {
        Language::PromQl => crate::metrics::read_query(query, parse),
        Language::LogQl => crate::logs::read_query(query),
    }
}

/// Who reads the queries of rules: they may use what the settings allow queries.
pub(super) fn reader(settings: &Settings) -> ReadQuery {
    let ParseOptions { experimental_functions, duration_expressions, extended_range_selectors, binop_fill } = parse_options(settings);
    let parts = [experimental_functions, duration_expressions, extended_range_selectors, binop_fill];
    READERS[parts.iter().rev().fold(0, |sum, part| sum * 2 + usize::from(*part))]
}

/// Reads the rule files that a configuration names, and the packs that the settings name. Blocking.
pub(super) fn read_rules(config: &Config, settings: &Settings) -> Result<(Vec<Group>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let reader = reader(settings);
    let ready = packs::read_thresholds(&settings.alerts.thresholds).and_then(|thresholds| {
        let check = |language: Language, query: &str| reader(language, query).err();
        packs::groups(&settings.alerts.packs, &thresholds, &check)
    });
    match (load(&config.rule_files, reader, false), ready) {
        (Ok((mut groups, warnings)), Ok(ready)) => {
            groups.extend(ready);
            Ok((groups, warnings))
        }
        (files, ready) => Err(files.err().into_iter().chain(ready.err()).flatten().collect()),
    }
}

/// Reads rule files, without anything experimental: paths, or globs in the last part. Blocking.
pub(super) fn read_rule_files(patterns: &[String]) -> Result<(Vec<Group>, Vec<Diagnostic>), Vec<Diagnostic>> {
    load(patterns, read_query, false)
}

/// Everything of the hall that follows the configuration.
pub(super) fn following(config: &Config, settings: &Settings, alerting: &Alerting) -> Following {
    Following {
        groups: alerting.rules.clone(),
        setting: setting(config, settings),
        relabel: config.alerting.alert_relabel_configs.clone(),
        routing: Arc::clone(&alerting.routing),
    }
}

/// What all groups share.
fn setting(config: &Config, settings: &Settings) -> Setting {
    Setting {
        interval: config.global.evaluation_interval,
        query_offset: config.global.rule_query_offset,
        resend: settings.alerts.resend_delay,
        external_labels: config.global.external_labels.clone(),
        external_url: settings.server.external_url.trim_end_matches('/').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn rules_may_use_what_queries_may() {
        let features = [
            ("promql-experimental-functions", "sort_by_label(up, \"job\")"),
            ("promql-duration-expr", "rate(up[1m * 2])"),
            ("promql-extended-range-selectors", "rate(up[1m] anchored)"),
            ("promql-binop-fill-modifiers", "up + fill(0) up"),
        ];
        for (feature, _) in features {
            let mut settings = Settings::default();
            settings.feature.enable = vec![feature.to_owned()];
            let reader = reader(&settings);
            for (other, query) in features {
                let read = reader(Language::PromQl, query);
                assert_eq!(read.is_ok(), feature == other, "{feature}: {query}: {read:?}");
                assert!(read_query(Language::PromQl, query).is_err(), "{query}");
            }
        }
        let mut all = Settings::default();
        all.feature.enable = features.map(|(feature, _)| feature.to_owned()).to_vec();
        for (_, query) in features {
            assert!(reader(&all)(Language::PromQl, query).is_ok(), "{query}");
        }
    }

    /// Files of others, each with the verdict of Prometheus' own checker (or what upstream's tests expect).
    #[test]
    fn rules_of_others_are_judged_as_prometheus_does() {
        let shared = std::env::var("PHAROS_TEST_SHARED").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        let folder = Path::new(&shared).join("conformance/rules");
        let Ok(index) = std::fs::read_to_string(folder.join("SOURCES.json")) else {
            assert!(std::env::var_os("PHAROS_TEST_FULL").is_none(), "{} is missing", folder.display());
            return;
        };
        let index: serde_json::Value = serde_json::from_str(&index).unwrap();
        let mut wrong = Vec::new();
        let mut count = 0;
        for entry in index.as_array().unwrap() {
            let (Some(file), Some(expect @ ("ok" | "error"))) = (entry["file"].as_str(), entry["expect"].as_str()) else { continue };
            count += 1;
            match read_rule_files(&[folder.join(file).display().to_string()]) {
                Ok((groups, _)) => {
                    let rules: usize = groups.iter().map(|group| group.rules.len()).sum();
                    if expect != "ok" || entry["rules"].as_u64().is_some_and(|known| known != rules as u64) {
                        wrong.push(format!("{file}: taken with {rules} rules, expected {expect} with {}", entry["rules"]));
                    }
                }
                // Needs a feature that is off by default, upstream too.
                Err(errors) if file == "promtool/features.yml" => assert!(errors[0].message.ends_with("is not enabled"), "{}", errors[0]),
                Err(errors) if expect == "ok" => wrong.push(format!("{file}: {}", errors[0])),
                Err(_) => {}
            }
        }
        assert!(count > 50, "{count} files");
        assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    }
}
