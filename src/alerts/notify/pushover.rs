//! Pushover: messages to phones. Source: Pushover's API.

use ::http::Method;

use super::http::{Outgoing, form};
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::{Receipt, Refusal, channel, truncate};
use crate::alerts::config::channel::pager;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::{MessageData, Text};
use crate::base::secret::Secret;

/// Where messages go.
const URL: &str = "https://api.pushover.net/1/messages.json";
/// Pushover's limits, in characters.
const TITLE_CHARS_MAX: usize = 250;
const MESSAGE_CHARS_MAX: usize = 1024;
const URL_CHARS_MAX: usize = 512;

/// Pushover.
pub(super) struct Pushover {
    base: Base,
    pub(super) url: String,
    user_key: Source,
    token: Source,
    title: Text,
    message: Text,
    link: Text,
    link_title: Text,
    device: Text,
    sound: Text,
    priority: Text,
    retry: i64,
    expire: i64,
    ttl: i64,
    html: bool,
    monospace: bool,
}

impl Pushover {
    /// Reads its texts.
    pub fn open(config: &pager::Pushover, opening: &mut Opening<'_>) -> Option<Self> {
        Some(Self {
            base: opening.base(config.http_config.as_deref(), Default::default())?,
            url: URL.to_owned(),
            user_key: Source::of(&config.user_key, &config.user_key_file),
            token: Source::of(&config.token, &config.token_file),
            title: opening.text("title", &config.title),
            message: opening.text("message", &config.message),
            link: opening.text("url", &config.url),
            link_title: opening.text("url_title", &config.url_title),
            device: opening.text("device", &config.device),
            sound: opening.text("sound", &config.sound),
            priority: opening.text("priority", &config.priority),
            retry: config.retry.0 / 1000,
            expire: config.expire.0 / 1000,
            ttl: config.ttl.0 / 1000,
            html: config.html,
            monospace: config.monospace,
        })
    }

    fn pairs(&self, data: &MessageData, token: &Secret, user: &Secret) -> Result<Vec<(&'static str, String)>, Refusal> {
        let text = if self.html { self.message.make_html(data)? } else { self.message.make(data)? };
        let text = truncate::to_chars(text, MESSAGE_CHARS_MAX);
        // Pushover refuses messages without text.
        let text = match text.trim() {
            "" => "(no details)",
            text => text,
        };
        let mut pairs = vec![
            ("token", self.base.text("token", token.expose())?.make(data)?),
            ("user", self.base.text("user_key", user.expose())?.make(data)?),
            ("title", truncate::to_chars(self.title.make(data)?, TITLE_CHARS_MAX)),
            ("message", text.to_owned()),
            ("url", truncate::to_chars(self.link.make(data)?, URL_CHARS_MAX)),
            ("url_title", self.link_title.make(data)?),
            ("priority", self.priority.make(data)?),
            ("retry", self.retry.to_string()),
            ("expire", self.expire.to_string()),
            ("device", self.device.make(data)?),
            ("sound", self.sound.make(data)?),
        ];
        for (key, is_set) in [("html", self.html), ("monospace", self.monospace)] {
            if is_set {
                pairs.push((key, "1".to_owned()));
            }
        }
        if self.ttl > 0 {
            pairs.push(("ttl", self.ttl.to_string()));
        }
        Ok(pairs)
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let token = self.token.read("token").await?;
        let user = self.user_key.read("user_key").await?;
        let url = format!("{}?{}", self.url, form(self.pairs(&data, &token, &user)?));
        let outgoing = Outgoing::new(Method::POST, &url).with_body("text/plain", Vec::new());
        let answer = self.base.http.send(outgoing, &Mask::of([&token, &user])).await?;
        Ok(answer.check()?.receipt())
    }
}

channel!(Pushover);
