//! Telegram: `sendMessage` of a bot. Source: Telegram's bot reference.

use std::collections::BTreeMap;
use std::time::Duration;

use super::http::Outgoing;
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::{Receipt, Refusal, channel, truncate};
use crate::alerts::config::channel::chat;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::Text;
use crate::base::secret::Secret;
use crate::platform::config::value::HttpUrl;

/// Telegram's limit of a message.
const MESSAGE_CHARS_MAX: usize = 4096;
/// What is sent instead of HTML that is too long, as it cannot be cut anywhere.
const TOO_LONG: &str = "Alertmanager notification could not be sent: message length exceeds Telegram limits.\n\t\t\tPlease check the template used for producing the message content.";

/// Telegram.
pub(super) struct Telegram {
    base: Base,
    url: HttpUrl,
    token: Source,
    chat: Source,
    thread: i64,
    message: Text,
    is_silent: bool,
    parse_mode: String,
}

impl Telegram {
    /// Reads its texts.
    pub fn open(config: &chat::Telegram, opening: &mut Opening<'_>) -> Option<Self> {
        Some(Self {
            base: opening.base(config.http_config.as_deref(), Default::default())?,
            url: config.api_url.clone()?,
            token: Source::of(&config.bot_token, &config.bot_token_file),
            chat: Source::of(&Secret::new(config.chat_id.to_string()), &config.chat_id_file),
            thread: config.message_thread_id,
            message: opening.text("message", &config.message),
            is_silent: config.disable_notifications,
            parse_mode: config.parse_mode.clone(),
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let text = if self.parse_mode == "HTML" {
            let text = self.message.make_html(&data)?;
            if text.chars().nth(MESSAGE_CHARS_MAX).is_some() { TOO_LONG.to_owned() } else { text }
        } else {
            truncate::to_chars(self.message.make(&data)?, MESSAGE_CHARS_MAX)
        };
        let token = self.token.read("bot_token").await?;
        let chat = self.chat.read("chat_id").await?;
        let chat: i64 = chat.expose().parse().map_err(|_| Refusal::for_now("could not parse chat_id from chat_id_file"))?;
        let mut body = BTreeMap::from([("chat_id", chat.to_string()), ("disable_web_page_preview", "true".to_owned()), ("text", text)]);
        if self.is_silent {
            body.insert("disable_notification", "true".to_owned());
        }
        if self.thread != 0 {
            body.insert("message_thread_id", self.thread.to_string());
        }
        if !self.parse_mode.is_empty() {
            body.insert("parse_mode", self.parse_mode.clone());
        }
        let url = format!("{}/bot{}/sendMessage", self.url.expose().trim_end_matches('/'), token.expose());
        // The part behind the bot's number is the secret one.
        let inner = Secret::new(token.expose().rsplit(':').next().unwrap_or_default());
        let answer = self.base.http.send(Outgoing::json(&url, &body), &Mask::of([&token, &inner])).await?;
        let json = answer.json().unwrap_or_default();
        let after = json.pointer("/parameters/retry_after").and_then(serde_json::Value::as_u64);
        let said = json.get("description").and_then(serde_json::Value::as_str).map(str::to_owned);
        let answer = answer.check_with(&[], said).map_err(|refusal| {
            let after = refusal.after.or_else(|| after.map(|seconds| Duration::from_secs(seconds.min(3600))).filter(|_| refusal.may_retry));
            Refusal { after, ..refusal.during("telegram") }
        })?;
        Ok(answer.receipt())
    }
}

channel!(Telegram);
