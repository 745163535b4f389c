//! Messages to Microsoft Teams, through a connector of Office or a flow.

use crate::alerts::config::channel::{Channel, exactly_one, inherit_http};
use crate::alerts::config::global::Global;
use crate::alerts::config::http::HttpClient;
use crate::platform::config::keys::keys;
use crate::platform::config::section::Section;
use crate::platform::config::value::{FilePath, SecretUrl};

keys! {
    /// A message to Microsoft Teams through an Office connector.
    MsTeams, "msteams_configs", check = check_msteams;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// The webhook.
    webhook_url: SecretUrl,
    /// A file that holds it.
    webhook_url_file: FilePath,
    /// Template.
    title: String = "{{ template \"msteams.default.title\" . }}",
    /// Template.
    summary: String = "{{ template \"msteams.default.summary\" . }}",
    /// Template.
    text: String = "{{ template \"msteams.default.text\" . }}",
}

fn check_msteams(teams: &mut MsTeams, section: &mut Section<'_, '_>) {
    exactly_one(section, "webhook_url", teams.webhook_url.0.expose(), &teams.webhook_url_file.0);
}

impl Channel for MsTeams {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        inherit_http(&mut self.http_config, global);
        Ok(())
    }
}

keys! {
    /// A message to Microsoft Teams through a flow.
    MsTeamsV2, "msteamsv2_configs", check = check_msteamsv2;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect; a proxy is taken from `global` also where the rest is set here.
    http_config: Option<Box<HttpClient>>,
    /// The webhook.
    webhook_url: SecretUrl,
    /// A file that holds it.
    webhook_url_file: FilePath,
    /// Template.
    title: String = "{{ template \"msteamsv2.default.title\" . }}",
    /// Template.
    text: String = "{{ template \"msteamsv2.default.text\" . }}",
}

fn check_msteamsv2(teams: &mut MsTeamsV2, section: &mut Section<'_, '_>) {
    exactly_one(section, "webhook_url", teams.webhook_url.0.expose(), &teams.webhook_url_file.0);
}

impl Channel for MsTeamsV2 {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        match &mut self.http_config {
            Some(http) if http.proxy_url.0.is_empty() => http.proxy_url = global.http().proxy_url,
            Some(_) => {}
            none => inherit_http(none, global),
        }
        Ok(())
    }
}
