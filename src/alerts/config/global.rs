//! `global`: what receivers use where they do not say otherwise.

use super::http::{HttpClient, TlsConfig, count};
use crate::base::secret::Secret;
use crate::base::time::Duration;
use crate::platform::config::keys::keys;
use crate::platform::config::section::Section;
use crate::platform::config::value::{FilePath, HostPort, HttpUrl, SecretUrl};

/// Rocket.Chat's own address.
const ROCKET_CHAT: &str = "https://open.rocket.chat/";
/// Where Slack takes messages of apps.
pub(super) const SLACK_POST_MESSAGE: &str = "https://slack.com/api/chat.postMessage";

/// A URL that upstream has by default.
fn url(text: &str) -> Option<HttpUrl> {
    Some(HttpUrl::known(text))
}

keys! {
    /// What receivers use where they do not say otherwise.
    Global, "global", check = check;
    /// How long an alert without an end goes on after it was heard of.
    resolve_timeout: Duration = Duration::from_secs(300),
    /// How to connect.
    http_config: Option<Box<HttpClient>> = Box::<HttpClient>::default(),
    /// Jira's address.
    jira_api_url: Option<HttpUrl>,
    /// Sender of mail.
    smtp_from: String,
    /// The name to greet mail servers with.
    smtp_hello: String = "localhost",
    /// The mail server.
    smtp_smarthost: HostPort,
    /// Name at the mail server.
    smtp_auth_username: String,
    /// Password at the mail server.
    smtp_auth_password: Secret,
    /// A file that holds it.
    smtp_auth_password_file: FilePath,
    /// Secret of CRAM-MD5.
    smtp_auth_secret: Secret,
    /// A file that holds it.
    smtp_auth_secret_file: FilePath,
    /// Identity of PLAIN.
    smtp_auth_identity: String,
    /// Whether mail goes only through TLS.
    smtp_require_tls: bool = true,
    /// Certificates towards the mail server.
    smtp_tls_config: Option<Box<TlsConfig>>,
    /// Whether TLS begins with the connection; by default only at port 465.
    smtp_force_implicit_tls: Option<bool>,
    /// Slack's incoming webhook.
    slack_api_url: SecretUrl,
    /// A file that holds it.
    slack_api_url_file: FilePath,
    /// Token of a Slack app.
    slack_app_token: Secret,
    /// A file that holds it.
    slack_app_token_file: FilePath,
    /// Where Slack takes messages of apps.
    slack_app_url: Option<HttpUrl> = url(SLACK_POST_MESSAGE) => url(SLACK_POST_MESSAGE),
    /// PagerDuty's address.
    pagerduty_url: Option<HttpUrl> = url("https://events.pagerduty.com/v2/enqueue"),
    /// Opsgenie's address.
    opsgenie_api_url: Option<HttpUrl> = url("https://api.opsgenie.com/"),
    /// Opsgenie's key.
    opsgenie_api_key: Secret,
    /// A file that holds it.
    opsgenie_api_key_file: FilePath,
    /// WeChat's address.
    wechat_api_url: Option<HttpUrl> = url("https://qyapi.weixin.qq.com/cgi-bin/"),
    /// WeChat's secret.
    wechat_api_secret: Secret,
    /// A file that holds it.
    wechat_api_secret_file: FilePath,
    /// WeChat's company.
    wechat_api_corp_id: String,
    /// VictorOps' address.
    victorops_api_url: Option<HttpUrl> = url("https://alert.victorops.com/integrations/generic/20131114/alert/"),
    /// VictorOps' key.
    victorops_api_key: Secret,
    /// A file that holds it.
    victorops_api_key_file: FilePath,
    /// Telegram's address.
    telegram_api_url: Option<HttpUrl> = url("https://api.telegram.org"),
    /// Token of a Telegram bot.
    telegram_bot_token: Secret,
    /// A file that holds it.
    telegram_bot_token_file: FilePath,
    /// Webex' address.
    webex_api_url: Option<HttpUrl> = url("https://webexapis.com/v1/messages"),
    /// Rocket.Chat's address.
    rocketchat_api_url: Option<HttpUrl> = url(ROCKET_CHAT) => url(ROCKET_CHAT),
    /// Rocket.Chat's token.
    rocketchat_token: Secret,
    /// A file that holds it.
    rocketchat_token_file: FilePath,
    /// The user of Rocket.Chat's token.
    rocketchat_token_id: Secret,
    /// A file that holds it.
    rocketchat_token_id_file: FilePath,
    /// Mattermost's incoming webhook.
    mattermost_webhook_url: SecretUrl,
    /// A file that holds it.
    mattermost_webhook_url_file: FilePath,
}

impl Global {
    /// How to connect where a channel does not say.
    pub(super) fn http(&self) -> HttpClient {
        self.http_config.as_deref().cloned().unwrap_or_default()
    }
}

fn check(global: &mut Global, section: &mut Section<'_, '_>) {
    let g = &*global;
    for (key, value, file) in [
        ("slack_app_token", g.slack_app_token.expose(), &g.slack_app_token_file),
        ("slack_api_url", g.slack_api_url.0.expose(), &g.slack_api_url_file),
        ("opsgenie_api_key", g.opsgenie_api_key.expose(), &g.opsgenie_api_key_file),
        ("victorops_api_key", g.victorops_api_key.expose(), &g.victorops_api_key_file),
        ("telegram_bot_token", g.telegram_bot_token.expose(), &g.telegram_bot_token_file),
        ("smtp_auth_password", g.smtp_auth_password.expose(), &g.smtp_auth_password_file),
        ("rocketchat_token", g.rocketchat_token.expose(), &g.rocketchat_token_file),
        ("rocketchat_token_id", g.rocketchat_token_id.expose(), &g.rocketchat_token_id_file),
        ("smtp_auth_secret", g.smtp_auth_secret.expose(), &g.smtp_auth_secret_file),
        ("wechat_api_secret", g.wechat_api_secret.expose(), &g.wechat_api_secret_file),
        ("mattermost_webhook_url", g.mattermost_webhook_url.0.expose(), &g.mattermost_webhook_url_file),
    ] {
        if count(&[value, &file.0]) > 1 {
            let at = section.place(key);
            section.report.error(at, format!("at most one of {key} & {key}_file must be configured"));
        }
    }
    let has_token = count(&[g.slack_app_token.expose(), &g.slack_app_token_file.0]) > 0;
    let has_url = count(&[g.slack_api_url.0.expose(), &g.slack_api_url_file.0]) > 0;
    // The address of apps as webhook is how bots were set up before tokens had their own key.
    let is_same = g.slack_app_url.as_ref().is_some_and(|url| url.expose() == g.slack_api_url.0.expose());
    if has_token && has_url && !is_same {
        let at = section.place("slack_app_token");
        let message = "at most one of slack_app_token/slack_app_token_file & slack_api_url/slack_api_url_file must be configured";
        section.report.error(at, message);
    }
}
