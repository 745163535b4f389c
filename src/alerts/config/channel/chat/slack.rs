//! Messages to Slack.

use super::ChatField;
use crate::alerts::config::channel::{Channel, at_most_one, inherit_http};
use crate::alerts::config::global::{Global, SLACK_POST_MESSAGE};
use crate::alerts::config::http::{Authorization, HttpClient};
use crate::base::secret::Secret;
use crate::platform::config::keys::keys;
use crate::platform::config::section::Section;
use crate::platform::config::value::{FilePath, GoDuration, HttpUrl, SecretUrl};

keys! {
    /// A message to Slack, through a webhook or as an app.
    Slack, "slack_configs", check = check_slack;
    /// Whether the end of alerts is told.
    send_resolved: bool,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// The webhook.
    api_url: SecretUrl,
    /// A file that holds it.
    api_url_file: FilePath,
    /// Token of an app.
    app_token: Secret,
    /// A file that holds it.
    app_token_file: FilePath,
    /// Where apps send to.
    app_url: Option<HttpUrl> => Some(HttpUrl::known(SLACK_POST_MESSAGE)),
    /// Template of the channel.
    channel: String,
    /// Template of the sender.
    username: String = "{{ template \"slack.default.username\" . }}",
    /// Template of the colour.
    color: String = "{{ if eq .Status \"firing\" }}danger{{ else }}good{{ end }}",
    /// Template.
    title: String = "{{ template \"slack.default.title\" . }}",
    /// Template.
    title_link: String = "{{ template \"slack.default.titlelink\" . }}",
    /// Template.
    pretext: String = "{{ template \"slack.default.pretext\" . }}",
    /// Template.
    text: String = "{{ template \"slack.default.text\" . }}",
    /// Template of the text outside of the attachment.
    message_text: String,
    /// Fields of the attachment.
    fields: Vec<ChatField>,
    /// Whether fields are short unless they say otherwise.
    short_fields: bool,
    /// Template.
    footer: String = "{{ template \"slack.default.footer\" . }}",
    /// Template.
    fallback: String = "{{ template \"slack.default.fallback\" . }}",
    /// Template.
    callback_id: String = "{{ template \"slack.default.callbackid\" . }}",
    /// Template.
    icon_emoji: String = "{{ template \"slack.default.iconemoji\" . }}",
    /// Template.
    icon_url: String = "{{ template \"slack.default.iconurl\" . }}",
    /// Template.
    image_url: String,
    /// Template.
    thumb_url: String,
    /// Whether names become links.
    link_names: bool,
    /// Which parts are marked up; none is those upstream marks up.
    mrkdwn_in: Vec<String>,
    /// Buttons.
    actions: Vec<SlackAction>,
    /// Whether the first message of a group is changed instead of new ones being sent.
    update_message: bool => false,
    /// How long Slack may take; 0 is as long as the group's interval.
    timeout: GoDuration,
}

keys! {
    /// A button of a message to Slack.
    SlackAction, "actions", check = check_action;
    /// The kind.
    kind as "type": String,
    /// Template.
    text: String,
    /// Template of the link.
    url: String,
    /// The style.
    style: String,
    /// Template of the name.
    name: String,
    /// Template of the value.
    value: String,
    /// Asks again.
    confirm: Option<Box<SlackConfirmation>>,
}

keys! {
    /// Asks whether a button was meant.
    SlackConfirmation, "confirm", check = check_confirmation;
    /// Template.
    text: String,
    /// Template.
    title: String,
    /// Template.
    ok_text: String,
    /// Template.
    dismiss_text: String,
}

fn check_action(action: &mut SlackAction, section: &mut Section<'_, '_>) {
    for (key, value) in [("type", &action.kind), ("text", &action.text)] {
        if value.is_empty() {
            section.report.error(section.at, format!("missing {key} in Slack action configuration"));
        }
    }
    if !action.url.is_empty() {
        // A link needs nothing else.
        action.name.clear();
        action.value.clear();
        action.confirm = None;
    } else if action.name.is_empty() {
        section.report.error(section.at, "missing name or url in Slack action configuration");
    }
}

fn check_confirmation(confirmation: &mut SlackConfirmation, section: &mut Section<'_, '_>) {
    if confirmation.text.is_empty() {
        section.report.error(section.at, "missing text in Slack confirmation configuration");
    }
}

fn check_slack(slack: &mut Slack, section: &mut Section<'_, '_>) {
    at_most_one(section, "api_url", slack.api_url.0.expose(), &slack.api_url_file.0);
    at_most_one(section, "app_token", slack.app_token.expose(), &slack.app_token_file.0);
    let has_url = !slack.api_url.is_empty() || !slack.api_url_file.is_empty();
    if has_url && (!slack.app_token.is_empty() || !slack.app_token_file.is_empty()) {
        section.report.error(section.at, "at most one of api_url/api_url_file & app_token/app_token_file must be configured");
    }
    if slack.update_message && slack.api_url.0.expose() != SLACK_POST_MESSAGE {
        let at = section.place("update_message");
        section.report.error(at, format!("update_message can only be used with bot tokens. api_url must be set to {SLACK_POST_MESSAGE}"));
    }
}

impl Channel for Slack {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        if self.app_url.is_none() {
            self.app_url.clone_from(&global.slack_app_url);
        }
        let has_authorization = self.http_config.as_ref().is_some_and(|http| http.authorization.is_some());
        if self.app_token.is_empty() && self.app_token_file.is_empty() && !has_authorization && self.api_url.is_empty() {
            self.app_token = global.slack_app_token.clone();
            self.app_token_file = global.slack_app_token_file.clone();
        }
        if self.api_url.is_empty() && self.api_url_file.is_empty() {
            self.api_url = global.slack_api_url.clone();
            self.api_url_file = global.slack_api_url_file.clone();
        }
        let has_token = !self.app_token.is_empty() || !self.app_token_file.is_empty();
        if self.api_url.is_empty() && self.api_url_file.is_empty() && !has_token {
            return Err("no Slack API URL nor App token set either inline or in a file");
        }
        inherit_http(&mut self.http_config, global);
        if !has_token {
            return Ok(());
        }
        let Some(http) = &mut self.http_config else { return Ok(()) };
        if http.authorization.is_some() {
            return Err("http authorization can't be set when using Slack App tokens");
        }
        let (credentials, credentials_file) = (self.app_token.clone(), self.app_token_file.clone());
        http.authorization = Some(Box::new(Authorization { credentials, credentials_file, ..Authorization::default() }));
        let Some(url) = &self.app_url else { return Err("no global Slack App URL set") };
        self.api_url = SecretUrl(Secret::new(url.expose()));
        Ok(())
    }
}
