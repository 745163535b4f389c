//! ntfy: messages to a topic, published as JSON. Source: ntfy's documentation of publishing.

use ::http::header::AUTHORIZATION;
use serde::Serialize;

use super::http::Outgoing;
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::{Receipt, Refusal, channel, truncate};
use crate::alerts::config::channel::own;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::Text;
use crate::platform::config::value::{GoDuration, HttpUrl};

/// Longer messages become files.
const MESSAGE_BYTES_MAX: usize = 4096;
/// As long as phones show.
const TITLE_CHARS_MAX: usize = 250;

/// ntfy.
pub(super) struct Ntfy {
    base: Base,
    url: HttpUrl,
    token: Source,
    topic: Text,
    title: Text,
    message: Text,
    priority: Text,
    tags: Text,
    click: Text,
    icon: Text,
    markdown: bool,
}

#[derive(Serialize)]
struct Body {
    topic: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u8>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    click: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    icon: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    markdown: bool,
}

/// The number of a level, which may have a name.
fn priority_of(text: &str) -> Result<Option<u8>, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "1" | "min" => Ok(Some(1)),
        "2" | "low" => Ok(Some(2)),
        "3" | "default" => Ok(Some(3)),
        "4" | "high" => Ok(Some(4)),
        "5" | "max" | "urgent" => Ok(Some(5)),
        other => Err(format!("priority {other:?}, expected 1 to 5, or min, low, default, high, max")),
    }
}

impl Ntfy {
    /// Reads its texts.
    pub fn open(config: &own::Ntfy, opening: &mut Opening<'_>) -> Option<Self> {
        Some(Self {
            base: opening.base(config.http_config.as_deref(), GoDuration::default())?,
            url: config.url.clone()?,
            token: Source::of(&config.token, &config.token_file),
            topic: opening.text("topic", &config.topic),
            title: opening.text("title", &config.title),
            message: opening.text("message", &config.message),
            priority: opening.text("priority", &config.priority),
            tags: opening.text("tags", &config.tags),
            click: opening.text("click", &config.click),
            icon: opening.text("icon", &config.icon),
            markdown: config.markdown,
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let tags = self.tags.make(&data)?;
        let body = Body {
            topic: self.topic.make(&data)?,
            title: truncate::to_chars(self.title.make(&data)?, TITLE_CHARS_MAX),
            message: truncate::to_bytes(self.message.make(&data)?, MESSAGE_BYTES_MAX),
            priority: priority_of(&self.priority.make(&data)?)?,
            tags: tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect(),
            click: self.click.make(&data)?,
            icon: self.icon.make(&data)?,
            markdown: self.markdown,
        };
        let mut outgoing = Outgoing::json(self.url.expose(), &body);
        let token = self.token.read("token").await?;
        if !token.is_empty() {
            outgoing = outgoing.header(AUTHORIZATION, format!("Bearer {}", token.expose()));
        }
        let answer = self.base.http.send(outgoing, &Mask::of([&token])).await?;
        Ok(answer.check()?.receipt())
    }
}

channel!(Ntfy);
