//! Microsoft Teams through Office connectors: a message card. Source: Microsoft's reference of actionable message cards.

use serde::Serialize;

use super::http::Outgoing;
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::{Receipt, Refusal, channel};
use crate::alerts::config::channel::chat;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::Text;

const RED: &str = "8C1A1A";
const GREEN: &str = "2DC72D";

/// Teams through a connector.
pub(super) struct MsTeams {
    base: Base,
    url: Source,
    title: Text,
    summary: Text,
    text: Text,
}

#[derive(Serialize)]
struct Card {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    title: String,
    summary: String,
    text: String,
    #[serde(rename = "themeColor")]
    color: &'static str,
}

impl MsTeams {
    /// Reads its texts.
    pub fn open(config: &chat::MsTeams, opening: &mut Opening<'_>) -> Option<Self> {
        Some(Self {
            base: opening.base(config.http_config.as_deref(), Default::default())?,
            url: Source::of(&config.webhook_url.0, &config.webhook_url_file),
            title: opening.text("title", &config.title),
            summary: opening.text("summary", &config.summary),
            text: opening.text("text", &config.text),
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let card = Card {
            context: "http://schema.org/extensions",
            kind: "MessageCard",
            title: self.title.make(&data)?,
            summary: self.summary.make(&data)?,
            text: self.text.make(&data)?,
            color: if data.fires() { RED } else { GREEN },
        };
        let url = self.url.read("webhook_url").await?;
        let answer = self.base.http.send(Outgoing::json(url.expose(), &card), &Mask::of_urls([&url])).await?;
        Ok(answer.check()?.receipt())
    }
}

channel!(MsTeams);
