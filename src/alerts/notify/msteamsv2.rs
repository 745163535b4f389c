//! Microsoft Teams through flows: an adaptive card. Source: Microsoft's reference of the Teams connector.

use serde::Serialize;

use super::http::Outgoing;
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::{Receipt, Refusal, channel};
use crate::alerts::config::channel::chat;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::Text;

/// Teams through a flow.
pub(super) struct MsTeamsV2 {
    base: Base,
    url: Source,
    title: Text,
    text: Text,
}

#[derive(Serialize)]
struct Body {
    #[serde(rename = "type")]
    kind: &'static str,
    attachments: [Attachment; 1],
}

#[derive(Serialize)]
struct Attachment {
    #[serde(rename = "contentType")]
    content_type: &'static str,
    #[serde(rename = "contentUrl")]
    content_url: Option<String>,
    content: Card,
}

#[derive(Serialize)]
struct Card {
    #[serde(rename = "$schema")]
    schema: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    version: &'static str,
    body: [Block; 2],
    msteams: Width,
}

#[derive(Serialize, Default)]
struct Block {
    #[serde(rename = "type")]
    kind: &'static str,
    text: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    weight: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    size: &'static str,
    wrap: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    style: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    color: &'static str,
}

#[derive(Serialize)]
struct Width {
    width: &'static str,
}

impl MsTeamsV2 {
    /// Reads its texts.
    pub fn open(config: &chat::MsTeamsV2, opening: &mut Opening<'_>) -> Option<Self> {
        Some(Self {
            base: opening.base(config.http_config.as_deref(), Default::default())?,
            url: Source::of(&config.webhook_url.0, &config.webhook_url_file),
            title: opening.text("title", &config.title),
            text: opening.text("text", &config.text),
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let title = Block {
            kind: "TextBlock",
            text: self.title.make(&data)?,
            weight: "Bolder",
            size: "Medium",
            wrap: true,
            style: "heading",
            color: if data.fires() { "Attention" } else { "Good" },
        };
        let text = Block { kind: "TextBlock", text: self.text.make(&data)?, wrap: true, ..Block::default() };
        let card = Card {
            schema: "http://adaptivecards.io/schemas/adaptive-card.json",
            kind: "AdaptiveCard",
            version: "1.2",
            body: [title, text],
            msteams: Width { width: "full" },
        };
        let attachment = Attachment { content_type: "application/vnd.microsoft.card.adaptive", content_url: None, content: card };
        let body = Body { kind: "message", attachments: [attachment] };
        let url = self.url.read("webhook_url").await?;
        let answer = self.base.http.send(Outgoing::json(url.expose(), &body), &Mask::of_urls([&url])).await?;
        Ok(answer.check()?.receipt())
    }
}

channel!(MsTeamsV2);
