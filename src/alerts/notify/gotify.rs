//! Gotify: messages of an application. Source: Gotify's REST reference and its message extras.

use ::http::header::HeaderName;
use serde_json::{Value as Json, json};

use super::http::Outgoing;
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::{Receipt, Refusal, channel, truncate};
use crate::alerts::config::channel::own;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::Text;
use crate::platform::config::value::{GoDuration, HttpUrl};

/// As much as phones show without effort.
const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// Gotify.
pub(super) struct Gotify {
    base: Base,
    url: String,
    token: Source,
    title: Text,
    message: Text,
    priority: Text,
    click: Text,
    markdown: bool,
}

impl Gotify {
    /// Reads its texts.
    pub fn open(config: &own::Gotify, opening: &mut Opening<'_>) -> Option<Self> {
        Some(Self {
            base: opening.base(config.http_config.as_deref(), GoDuration::default())?,
            url: format!("{}message", config.url.as_ref().map(HttpUrl::with_slash)?.expose()),
            token: Source::of(&config.token, &config.token_file),
            title: opening.text("title", &config.title),
            message: opening.text("message", &config.message),
            priority: opening.text("priority", &config.priority),
            click: opening.text("click", &config.click),
            markdown: config.markdown,
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let written = self.priority.make(&data)?;
        let priority = written.trim().parse::<u8>().ok().filter(|priority| *priority <= 10);
        let priority = priority.ok_or_else(|| format!("priority {written:?}, expected 0 to 10"))?;
        let mut extras = serde_json::Map::new();
        if self.markdown {
            extras.insert("client::display".to_owned(), json!({"contentType": "text/markdown"}));
        }
        let click = self.click.make(&data)?;
        if !click.is_empty() {
            extras.insert("client::notification".to_owned(), json!({"click": {"url": click}}));
        }
        let mut body = json!({
            "title": self.title.make(&data)?,
            "message": truncate::to_bytes(self.message.make(&data)?, MESSAGE_BYTES_MAX),
            "priority": priority,
        });
        if let (Some(body), false) = (body.as_object_mut(), extras.is_empty()) {
            body.insert("extras".to_owned(), Json::Object(extras));
        }
        let token = self.token.read("token").await?;
        let outgoing = Outgoing::json(&self.url, &body).header(HeaderName::from_static("x-gotify-key"), token.expose());
        let answer = self.base.http.send(outgoing, &Mask::of([&token])).await?;
        Ok(answer.check()?.receipt())
    }
}

channel!(Gotify);
