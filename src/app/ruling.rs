//! Rules between the configuration and the hall of alerts: which files, what they may ask, and what all of them share.

use crate::alerts::{Group, Language, Setting, load};
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

/// Reads the rule files that a configuration names. Blocking.
pub(super) fn read_rules(config: &Config) -> Result<(Vec<Group>, Vec<Diagnostic>), Vec<Diagnostic>> {
    load(&config.rule_files, read_query)
}

/// What all groups share.
pub(super) fn setting(config: &Config, settings: &Settings) -> Setting {
    Setting {
        interval: config.global.evaluation_interval,
        query_offset: config.global.rule_query_offset,
        resend: settings.alerts.resend_delay,
        external_labels: config.global.external_labels.clone(),
        external_url: settings.server.external_url.trim_end_matches('/').to_owned(),
    }
}
