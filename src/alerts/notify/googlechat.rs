//! Google Chat: a space's webhook, the messages of a group in one thread. Source: Google's guide to Chat webhooks.

use serde_json::json;
use url::Url;

use super::http::Outgoing;
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::{Receipt, Refusal, channel, key_hash, truncate};
use crate::alerts::config::channel::own;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::Text;
use crate::base::secret::Secret;
use crate::platform::config::value::GoDuration;

/// Google's limit of a text.
const TEXT_CHARS_MAX: usize = 4096;

/// Google Chat.
pub(super) struct GoogleChat {
    base: Base,
    url: Source,
    text: Text,
    threads: bool,
}

impl GoogleChat {
    /// Reads its texts.
    pub fn open(config: &own::GoogleChat, opening: &mut Opening<'_>) -> Option<Self> {
        Some(Self {
            base: opening.base(config.http_config.as_deref(), GoDuration::default())?,
            url: Source::of(&config.webhook_url.0, &config.webhook_url_file),
            text: opening.text("text", &config.text),
            threads: config.threads,
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let mut body = json!({"text": truncate::to_chars(self.text.make(&data)?, TEXT_CHARS_MAX)});
        let written = self.url.read("webhook_url").await?;
        let mut url = Url::parse(written.expose()).map_err(|error| Refusal::for_good(format!("unusable webhook_url: {error}")))?;
        if self.threads {
            if let Some(body) = body.as_object_mut() {
                body.insert("thread".to_owned(), json!({"threadKey": key_hash(message)}));
            }
            url.query_pairs_mut().append_pair("messageReplyOption", "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD");
        }
        let mask = Mask::of_urls([&written, &Secret::new(url.as_str())]);
        let answer = self.base.http.send(Outgoing::json(url.as_str(), &body), &mask).await?;
        Ok(answer.check()?.receipt())
    }
}

channel!(GoogleChat);
