//! Messages to Rocket.Chat.

use crate::alerts::config::channel::{Channel, at_most_one, inherit_http};
use crate::alerts::config::global::Global;
use crate::alerts::config::http::HttpClient;
use crate::base::secret::Secret;
use crate::platform::config::keys::keys;
use crate::platform::config::section::Section;
use crate::platform::config::value::{FilePath, HttpUrl};
use crate::platform::config::yaml::Node;

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
