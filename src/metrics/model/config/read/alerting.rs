//! `alerting`.

use super::super::{AlertingConfig, AlertmanagerConfig, support};
use super::Context;
use super::relabel::Rules;
use super::{discovery, refuse_null, relabel};
use crate::platform::config::diagnostic::Report;
use crate::platform::config::http_client;
use crate::platform::config::section::Section;
use crate::platform::config::yaml::Node;

pub(super) fn read(node: &Node, context: &Context<'_>, report: &mut Report) -> AlertingConfig {
    let mut alerting = AlertingConfig::default();
    let Some(mut section) = Section::open(node, "alerting", report) else { return alerting };
    let rules = Rules::new(context, context.global.metric_name_validation_scheme);
    alerting.alert_relabel_configs = relabel::read(&mut section, "alert_relabel_configs", &rules, "empty or null alert relabeling rule");
    for node in section.list("alertmanagers") {
        if refuse_null(node, "empty or null section in alertmanagers", section.report) {
            continue;
        }
        alerting.alertmanagers.extend(alertmanager(node, context, section.report));
    }
    section.finish();
    alerting
}

fn alertmanager(node: &Node, context: &Context<'_>, report: &mut Report) -> Option<AlertmanagerConfig> {
    let mut section = Section::open(node, "alertmanagers", report)?;
    let rules = Rules::new(context, context.global.metric_name_validation_scheme);
    let mut found = AlertmanagerConfig { discovery: discovery::read(&mut section), ..AlertmanagerConfig::default() };
    found.http = http_client::read(&mut section, found.http);
    found.sigv4 = section.node("sigv4").cloned();
    if let Some(scheme) = section.choice("scheme", &[("http", "http"), ("https", "https")]) {
        found.scheme = scheme.to_owned();
    }
    found.path_prefix = section.text_or_empty("path_prefix");
    found.timeout = section.duration("timeout").unwrap_or(found.timeout);
    section.choice("api_version", &[("v2", "v2")]);
    found.relabel_configs = relabel::read(&mut section, "relabel_configs", &rules, "empty or null Alertmanager target relabeling rule");
    found.alert_relabel_configs =
        relabel::read(&mut section, "alert_relabel_configs", &rules, "empty or null Alertmanager alert relabeling rule");
    let signs_in = found.http.basic_auth.is_some() || found.http.authorization.is_some() || found.http.oauth2.is_some();
    if signs_in && found.sigv4.is_some() {
        let at = section.place("sigv4");
        section.report.error(at, "at most one of basic_auth, authorization, oauth2, & sigv4 must be configured");
    }
    discovery::check_static_targets(&mut section, !found.relabel_configs.is_empty());
    support::warn(&mut section, "alertmanagers");
    section.finish();
    Some(found)
}
