//! Webex: a message to a room. Source: Webex' reference of messages.

use serde::Serialize;

use super::http::Outgoing;
use super::opening::{Base, Opening};
use super::secret::Mask;
use super::{Receipt, Refusal, channel, truncate};
use crate::alerts::config::channel::chat;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::Text;
use crate::platform::config::value::HttpUrl;

/// Webex' limit of a message.
const MESSAGE_BYTES_MAX: usize = 7439;

/// Webex.
pub(super) struct Webex {
    base: Base,
    url: HttpUrl,
    message: Text,
    room: Text,
}

#[derive(Serialize)]
struct Body {
    markdown: String,
    #[serde(rename = "roomId", skip_serializing_if = "String::is_empty")]
    room: String,
}

impl Webex {
    /// Reads its texts.
    pub fn open(config: &chat::Webex, opening: &mut Opening<'_>) -> Option<Self> {
        Some(Self {
            base: opening.base(config.http_config.as_deref(), Default::default())?,
            url: config.api_url.clone()?,
            message: opening.text("message", &config.message),
            room: opening.text("room_id", &config.room_id),
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let body = Body { markdown: truncate::to_bytes(self.message.make(&data)?, MESSAGE_BYTES_MAX), room: self.room.make(&data)? };
        let answer = self.base.http.send(Outgoing::json(self.url.expose(), &body), &Mask::default()).await?;
        Ok(answer.check()?.receipt())
    }
}

channel!(Webex);
