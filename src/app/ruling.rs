//! Rules between the configuration and the hall of alerts: which files, what they may ask, and what all of them share.

use std::sync::Arc;

use super::configuration::Alerting;
use crate::alerts::{Following, Group, Language, Setting, load, packs};
use crate::metrics::config::Config;
use crate::platform::config::diagnostic::Diagnostic;
use crate::platform::config::settings::Settings;
use crate::series::ports::{EvaluateError, Shape};

/// Reads a query of a rule.
pub(super) fn read_query(language: Language, query: &str) -> Result<Shape, EvaluateError> {
    match language {
        Language::PromQl => crate::metrics::read_query(query),
        Language::LogQl => crate::logs::read_query(query),
    }
}

/// Reads the rule files that a configuration names, and the packs that the settings name. Blocking.
pub(super) fn read_rules(config: &Config, settings: &Settings) -> Result<(Vec<Group>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let ready = packs::read_thresholds(&settings.alerts.thresholds).and_then(|thresholds| {
        let check = |language: Language, query: &str| read_query(language, query).err();
        packs::groups(&settings.alerts.packs, &thresholds, &check)
    });
    match (read_rule_files(&config.rule_files), ready) {
        (Ok((mut groups, warnings)), Ok(ready)) => {
            groups.extend(ready);
            Ok((groups, warnings))
        }
        (files, ready) => Err(files.err().into_iter().chain(ready.err()).flatten().collect()),
    }
}

/// Reads rule files: paths, or globs in the last part. Blocking.
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
