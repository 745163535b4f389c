//! Messages to Webex.

use crate::alerts::config::channel::{Channel, inherit_http};
use crate::alerts::config::global::Global;
use crate::alerts::config::http::HttpClient;
use crate::platform::config::keys::keys;
use crate::platform::config::section::Section;
use crate::platform::config::value::HttpUrl;

keys! {
    /// A message to Webex.
    Webex, "webex_configs", check = check_webex;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect; must say who we are.
    http_config: Option<Box<HttpClient>>,
    /// Webex' address.
    api_url: Option<HttpUrl>,
    /// Template.
    message: String = "{{ template \"webex.default.message\" . }}",
    /// The room.
    room_id: String,
}

fn check_webex(webex: &mut Webex, section: &mut Section<'_, '_>) {
    if webex.room_id.is_empty() {
        section.report.error(section.at, "missing room_id on webex_config");
    }
    if webex.http_config.as_ref().is_none_or(|http| http.authorization.is_none()) {
        section.report.error(section.at, "missing webex_configs.http_config.authorization");
    }
}

impl Channel for Webex {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        inherit_http(&mut self.http_config, global);
        if self.api_url.is_none() {
            self.api_url.clone_from(&global.webex_api_url);
        }
        Ok(())
    }
}
