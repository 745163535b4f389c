//! `alerting`: which Alertmanagers hear of alerts.

use super::discovery::DiscoveryConfigs;
use crate::base::time::Duration;
use crate::platform::config::http_client::HttpClientConfig;
use crate::platform::config::yaml::Node;
use crate::series::relabel::RelabelConfig;

/// The section.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlertingConfig {
    /// What to do with the labels of alerts.
    pub alert_relabel_configs: Vec<RelabelConfig>,
    /// Where they go.
    pub alertmanagers: Vec<AlertmanagerConfig>,
}

/// A group of Alertmanagers.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertmanagerConfig {
    /// Where they are.
    pub discovery: DiscoveryConfigs,
    /// How to connect.
    pub http: HttpClientConfig,
    /// Signing for Amazon; not acted on yet, which is a warning.
    pub sigv4: Option<Node>,
    /// `http` or `https`.
    pub scheme: String,
    /// What stands before `/api/v2/alerts`.
    pub path_prefix: String,
    /// How long one request may take.
    pub timeout: Duration,
    /// `v2`.
    pub api_version: String,
    /// What to do with the labels of the Alertmanagers found.
    pub relabel_configs: Vec<RelabelConfig>,
    /// What to do with the labels of alerts before they go there.
    pub alert_relabel_configs: Vec<RelabelConfig>,
}

impl Default for AlertmanagerConfig {
    fn default() -> Self {
        Self {
            discovery: DiscoveryConfigs::default(),
            http: HttpClientConfig::default(),
            sigv4: None,
            scheme: "http".to_owned(),
            path_prefix: String::new(),
            timeout: Duration::from_secs(10),
            api_version: "v2".to_owned(),
            relabel_configs: Vec::new(),
            alert_relabel_configs: Vec::new(),
        }
    }
}
