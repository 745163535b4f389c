//! Messages to Mattermost.

use super::ChatField;
use crate::alerts::config::channel::{Channel, at_most_one, inherit_http};
use crate::alerts::config::global::Global;
use crate::alerts::config::http::HttpClient;
use crate::platform::config::keys::keys;
use crate::platform::config::section::Section;
use crate::platform::config::value::{FilePath, SecretUrl};

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
