//! Messages to WeChat.

use crate::alerts::config::channel::{Channel, at_most_one, inherit_http};
use crate::alerts::config::global::Global;
use crate::alerts::config::http::HttpClient;
use crate::base::secret::Secret;
use crate::platform::config::keys::keys;
use crate::platform::config::section::Section;
use crate::platform::config::value::{FilePath, HttpUrl};
use crate::series::labels::quote;

keys! {
    /// A message to WeChat.
    WeChat, "wechat_configs", check = check_wechat;
    /// Whether the end of alerts is told.
    send_resolved: bool,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// The secret.
    api_secret: Secret,
    /// A file that holds it.
    api_secret_file: FilePath,
    /// The company.
    corp_id: String,
    /// Template.
    message: String = "{{ template \"wechat.default.message\" . }}",
    /// WeChat's address.
    api_url: Option<HttpUrl>,
    /// Template.
    to_user: String = "{{ template \"wechat.default.to_user\" . }}",
    /// Template.
    to_party: String = "{{ template \"wechat.default.to_party\" . }}",
    /// Template.
    to_tag: String = "{{ template \"wechat.default.to_tag\" . }}",
    /// Template.
    agent_id: String = "{{ template \"wechat.default.agent_id\" . }}",
    /// `text` or `markdown`.
    message_type: String,
}

fn check_wechat(wechat: &mut WeChat, section: &mut Section<'_, '_>) {
    if wechat.message_type.is_empty() {
        "text".clone_into(&mut wechat.message_type);
    }
    if !matches!(&*wechat.message_type, "text" | "markdown") {
        let at = section.value_place("message_type");
        let message = format!("weChat message type {} does not match valid options text and markdown", quote(&wechat.message_type));
        section.report.error(at, message);
    }
    at_most_one(section, "api_secret", wechat.api_secret.expose(), &wechat.api_secret_file.0);
}

impl Channel for WeChat {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        inherit_http(&mut self.http_config, global);
        if self.api_url.is_none() {
            self.api_url.clone_from(&global.wechat_api_url);
        }
        self.api_url = self.api_url.as_ref().map(HttpUrl::with_slash);
        if self.api_secret.is_empty() && self.api_secret_file.is_empty() {
            self.api_secret = global.wechat_api_secret.clone();
            self.api_secret_file = global.wechat_api_secret_file.clone();
        }
        if self.corp_id.is_empty() {
            self.corp_id.clone_from(&global.wechat_api_corp_id);
        }
        if self.api_secret.is_empty() && self.api_secret_file.is_empty() {
            return Err("no global Wechat Api Secret set either inline or in a file");
        }
        if self.corp_id.is_empty() { Err("no global Wechat CorpID set") } else { Ok(()) }
    }
}
