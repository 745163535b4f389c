//! Messages to Discord.

use crate::alerts::config::channel::{Channel, exactly_one, inherit_http};
use crate::alerts::config::global::Global;
use crate::alerts::config::http::HttpClient;
use crate::platform::config::keys::keys;
use crate::platform::config::section::Section;
use crate::platform::config::value::{FilePath, SecretUrl};

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
