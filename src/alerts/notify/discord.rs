//! Discord: webhooks with one embed. Source: Discord's webhook reference.

use serde::Serialize;

use super::http::Outgoing;
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::{Receipt, Refusal, channel, truncate};
use crate::alerts::config::channel::chat;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::Text;

/// Discord's limits, in characters.
const CONTENT_CHARS_MAX: usize = 2000;
const TITLE_CHARS_MAX: usize = 256;
const DESCRIPTION_CHARS_MAX: usize = 4096;
const RED: u32 = 0x0099_2d22;
const GREEN: u32 = 0x002e_cc71;

/// Discord.
pub(super) struct Discord {
    base: Base,
    url: Source,
    content: Text,
    title: Text,
    message: Text,
    username: String,
    avatar_url: String,
}

#[derive(Serialize)]
struct Body<'b> {
    content: String,
    embeds: [Embed; 1],
    #[serde(skip_serializing_if = "str::is_empty")]
    username: &'b str,
    #[serde(skip_serializing_if = "str::is_empty")]
    avatar_url: &'b str,
}

#[derive(Serialize)]
struct Embed {
    title: String,
    description: String,
    color: u32,
}

impl Discord {
    /// Reads its texts.
    pub fn open(config: &chat::Discord, opening: &mut Opening<'_>) -> Option<Self> {
        Some(Self {
            base: opening.base(config.http_config.as_deref(), Default::default())?,
            url: Source::of(&config.webhook_url.0, &config.webhook_url_file),
            content: opening.text("content", &config.content),
            title: opening.text("title", &config.title),
            message: opening.text("message", &config.message),
            username: config.username.clone(),
            avatar_url: config.avatar_url.clone(),
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let body = Body {
            content: truncate::to_chars(self.content.make(&data)?, CONTENT_CHARS_MAX),
            embeds: [Embed {
                title: truncate::to_chars(self.title.make(&data)?, TITLE_CHARS_MAX),
                description: truncate::to_chars(self.message.make(&data)?, DESCRIPTION_CHARS_MAX),
                color: if data.fires() { RED } else { GREEN },
            }],
            username: &self.username,
            avatar_url: &self.avatar_url,
        };
        let url = self.url.read("webhook_url").await?;
        let answer = self.base.http.send(Outgoing::json(url.expose(), &body), &Mask::of_urls([&url])).await?;
        Ok(answer.check()?.receipt())
    }
}

channel!(Discord);
