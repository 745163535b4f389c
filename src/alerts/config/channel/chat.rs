//! Chats: Slack, Discord, Teams, Mattermost, Rocket.Chat, Webex, Telegram, WeChat.

use super::{Channel, at_most_one, exactly_one, inherit_http};
use crate::alerts::config::global::{Global, SLACK_POST_MESSAGE};
use crate::alerts::config::http::{Authorization, HttpClient};
use crate::base::secret::Secret;
use crate::platform::config::keys::keys;
use crate::platform::config::section::Section;
use crate::platform::config::value::{FilePath, GoDuration, HttpUrl, SecretUrl};
use crate::platform::config::yaml::Node;
use crate::series::labels::quote;

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
    /// A field of an attachment.
    ChatField, "fields", check = check_field;
    /// Template.
    title: String,
    /// Template.
    value: String,
    /// Whether it stands beside others.
    short: Option<bool>,
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

fn check_field(field: &mut ChatField, section: &mut Section<'_, '_>) {
    for (key, value) in [("title", &field.title), ("value", &field.value)] {
        if value.is_empty() {
            section.report.error(section.at, format!("missing {key} in field configuration"));
        }
    }
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

keys! {
    /// A message to Discord.
    Discord, "discord_configs", check = check_discord;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// The webhook.
    webhook_url: SecretUrl,
    /// A file that holds it.
    webhook_url_file: FilePath,
    /// Template of the text above the embed.
    content: String,
    /// Template.
    title: String = "{{ template \"discord.default.title\" . }}",
    /// Template.
    message: String = "{{ template \"discord.default.message\" . }}",
    /// The sender's name.
    username: String,
    /// The sender's picture.
    avatar_url: String,
}

fn check_discord(discord: &mut Discord, section: &mut Section<'_, '_>) {
    exactly_one(section, "webhook_url", discord.webhook_url.0.expose(), &discord.webhook_url_file.0);
}

impl Channel for Discord {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        inherit_http(&mut self.http_config, global);
        Ok(())
    }
}

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

keys! {
    /// A message to Mattermost.
    Mattermost, "mattermost_configs", check = check_mattermost;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// The webhook.
    webhook_url: SecretUrl,
    /// A file that holds it.
    webhook_url_file: FilePath,
    /// Template of the channel.
    channel: String,
    /// Template of the sender.
    username: String = "{{ template \"mattermost.default.username\" . }}",
    /// Template.
    text: String = "{{ template \"mattermost.default.text\" . }}",
    /// Template.
    fallback: String = "{{ template \"mattermost.default.fallback\" . }}",
    /// Template.
    color: String = "{{ template \"mattermost.default.color\" . }}",
    /// Template.
    pretext: String,
    /// Template.
    author_name: String,
    /// Template.
    author_link: String,
    /// Template.
    author_icon: String,
    /// Template.
    title: String = "{{ template \"mattermost.default.title\" . }}",
    /// Template.
    title_link: String = "{{ template \"mattermost.default.titlelink\" . }}",
    /// Fields of the attachment.
    fields: Vec<ChatField>,
    /// Template.
    thumb_url: String,
    /// Template.
    footer: String,
    /// Template.
    footer_icon: String,
    /// Template.
    image_url: String,
    /// Template.
    icon_url: String,
    /// Template.
    icon_emoji: String,
    /// Attachments instead of the one made of the keys above.
    attachments: Vec<MattermostAttachment>,
    /// Kind of the post.
    kind as "type": String,
    /// Further properties.
    props: Option<Box<MattermostProps>>,
    /// How much it matters.
    priority: Option<Box<MattermostPriority>>,
}

keys! {
    /// An attachment of a message to Mattermost; every text is a template.
    MattermostAttachment, "attachments";
    /// Text where attachments are not shown.
    fallback: String,
    /// Colour.
    color: String,
    /// Text above.
    pretext: String,
    /// Text.
    text: String,
    /// Author.
    author_name: String,
    /// Author's page.
    author_link: String,
    /// Author's picture.
    author_icon: String,
    /// Title.
    title: String,
    /// Link of the title.
    title_link: String,
    /// Fields.
    fields: Vec<ChatField>,
    /// Small picture.
    thumb_url: String,
    /// Text below.
    footer: String,
    /// Its picture.
    footer_icon: String,
    /// Picture.
    image_url: String,
}

keys! {
    /// Further properties of a post.
    MattermostProps, "props";
    /// Text beside the channel.
    card: String,
}

keys! {
    /// How much a post matters.
    MattermostPriority, "priority";
    /// The level.
    priority: String,
    /// Whether readers shall say that they read it.
    requested_ack: bool,
    /// Whether they are asked again and again.
    persistent_notifications: bool,
}

fn check_mattermost(mattermost: &mut Mattermost, section: &mut Section<'_, '_>) {
    at_most_one(section, "webhook_url", mattermost.webhook_url.0.expose(), &mattermost.webhook_url_file.0);
}

impl Channel for Mattermost {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        inherit_http(&mut self.http_config, global);
        if self.webhook_url.is_empty() && self.webhook_url_file.is_empty() {
            self.webhook_url = global.mattermost_webhook_url.clone();
            self.webhook_url_file = global.mattermost_webhook_url_file.clone();
        }
        let is_missing = self.webhook_url.is_empty() && self.webhook_url_file.is_empty();
        if is_missing { Err("missing webhook_url or webhook_url_file on mattermost_config") } else { Ok(()) }
    }
}

keys! {
    /// A message to Rocket.Chat.
    RocketChat, "rocketchat_configs", check = check_rocketchat;
    /// Whether the end of alerts is told.
    send_resolved: bool,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// The server.
    api_url: Option<HttpUrl>,
    /// The user of the token.
    token_id: Secret,
    /// A file that holds it.
    token_id_file: FilePath,
    /// The token.
    token: Secret,
    /// A file that holds it.
    token_file: FilePath,
    /// Template of the channel.
    channel: String,
    /// Template of the colour.
    color: String = "{{ if eq .Status \"firing\" }}red{{ else }}green{{ end }}",
    /// Template.
    title: String = "{{ template \"rocketchat.default.title\" . }}",
    /// Template.
    title_link: String = "{{ template \"rocketchat.default.titlelink\" . }}",
    /// Template.
    text: String = "{{ template \"rocketchat.default.text\" . }}",
    /// Fields of the attachment.
    fields: Vec<RocketChatField>,
    /// Whether fields are short unless they say otherwise.
    short_fields: bool,
    /// Template.
    emoji: String = "{{ template \"rocketchat.default.emoji\" . }}",
    /// Template.
    icon_url: String = "{{ template \"rocketchat.default.iconurl\" . }}",
    /// Template.
    image_url: String,
    /// Template.
    thumb_url: String,
    /// Whether names become links.
    link_names: bool,
    /// Buttons, as the file has them.
    actions: Option<Node>,
}

keys! {
    /// A field of an attachment.
    RocketChatField, "fields";
    /// Template.
    title: String,
    /// Template.
    value: String,
    /// Whether it stands beside others.
    short: Option<bool>,
}

fn check_rocketchat(chat: &mut RocketChat, section: &mut Section<'_, '_>) {
    at_most_one(section, "token", chat.token.expose(), &chat.token_file.0);
    at_most_one(section, "token_id", chat.token_id.expose(), &chat.token_id_file.0);
}

impl Channel for RocketChat {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        inherit_http(&mut self.http_config, global);
        if self.api_url.is_none() {
            self.api_url.clone_from(&global.rocketchat_api_url);
        }
        if self.token_id.is_empty() && self.token_id_file.is_empty() {
            self.token_id = global.rocketchat_token_id.clone();
            self.token_id_file = global.rocketchat_token_id_file.clone();
        }
        if self.token.is_empty() && self.token_file.is_empty() {
            self.token = global.rocketchat_token.clone();
            self.token_file = global.rocketchat_token_file.clone();
        }
        if self.token_id.is_empty() && self.token_id_file.is_empty() {
            return Err("no global Rocketchat TokenID set either inline or in a file");
        }
        let is_missing = self.token.is_empty() && self.token_file.is_empty();
        if is_missing { Err("no global Rocketchat Token set either inline or in a file") } else { Ok(()) }
    }
}

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

keys! {
    /// A message to Telegram.
    Telegram, "telegram_configs", check = check_telegram;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// Telegram's address.
    api_url: Option<HttpUrl>,
    /// Token of the bot.
    bot_token: Secret,
    /// A file that holds it.
    bot_token_file: FilePath,
    /// The chat; 0 is none.
    chat_id: i64,
    /// A file that holds it.
    chat_id_file: FilePath,
    /// The topic of the chat; 0 is none.
    message_thread_id: i64,
    /// Template.
    message: String = "{{ template \"telegram.default.message\" . }}",
    /// Whether phones stay silent.
    disable_notifications: bool,
    /// `HTML`, `Markdown`, `MarkdownV2` or empty.
    parse_mode: String = "HTML",
}

fn check_telegram(telegram: &mut Telegram, section: &mut Section<'_, '_>) {
    at_most_one(section, "bot_token", telegram.bot_token.expose(), &telegram.bot_token_file.0);
    match (telegram.chat_id, telegram.chat_id_file.is_empty()) {
        (0, true) => section.report.error(section.at, "missing chat_id or chat_id_file on telegram_config"),
        (id, false) if id != 0 => section.report.error(section.at, "at most one of chat_id & chat_id_file must be configured"),
        _ => {}
    }
    if !matches!(&*telegram.parse_mode, "" | "Markdown" | "MarkdownV2" | "HTML") {
        let at = section.value_place("parse_mode");
        section.report.error(at, "unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or empty string");
    }
}

impl Channel for Telegram {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        inherit_http(&mut self.http_config, global);
        if self.api_url.is_none() {
            self.api_url.clone_from(&global.telegram_api_url);
        }
        if self.bot_token.is_empty() && self.bot_token_file.is_empty() {
            self.bot_token = global.telegram_bot_token.clone();
            self.bot_token_file = global.telegram_bot_token_file.clone();
        }
        let is_missing = self.bot_token.is_empty() && self.bot_token_file.is_empty();
        if is_missing { Err("missing bot_token or bot_token_file on telegram_config") } else { Ok(()) }
    }
}

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
