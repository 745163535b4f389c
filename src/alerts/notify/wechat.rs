//! WeChat Work: a token for a secret, then a message. Source: WeChat Work's server reference.

use std::time::Duration;

use ::http::Method;
use serde::Serialize;

use super::http::{Outgoing, form};
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::{Receipt, Refusal, channel};
use crate::alerts::config::channel::chat;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::{MessageData, Text};
use crate::base::clock::SharedClock;
use crate::base::secret::Secret;
use crate::platform::config::value::HttpUrl;

/// How long a token is used.
const TOKEN_AGE_MAX: Duration = Duration::from_secs(2 * 3600);
/// What WeChat says of a token that is too old, or that it does not know.
const TOKEN_OVER: [i64; 3] = [40_014, 41_001, 42_001];

/// WeChat.
pub(super) struct WeChat {
    base: Base,
    url: HttpUrl,
    secret: Source,
    corp_id: Text,
    to_user: Text,
    to_party: Text,
    to_tag: Text,
    agent_id: Text,
    message: Text,
    is_markdown: bool,
    clock: SharedClock,
    /// The token, for which secret it is, and since when.
    token: tokio::sync::Mutex<Option<(Secret, Secret, Duration)>>,
}

#[derive(Serialize)]
struct Body {
    text: Content,
    #[serde(rename = "touser", skip_serializing_if = "String::is_empty")]
    to_user: String,
    #[serde(rename = "toparty", skip_serializing_if = "String::is_empty")]
    to_party: String,
    #[serde(rename = "totag", skip_serializing_if = "String::is_empty")]
    to_tag: String,
    #[serde(rename = "agentid", skip_serializing_if = "String::is_empty")]
    agent_id: String,
    safe: &'static str,
    msgtype: &'static str,
    markdown: Content,
}

#[derive(Serialize, Default)]
struct Content {
    content: String,
}

impl WeChat {
    /// Reads its texts.
    pub fn open(config: &chat::WeChat, opening: &mut Opening<'_>) -> Option<Self> {
        Some(Self {
            base: opening.base(config.http_config.as_deref(), Default::default())?,
            url: config.api_url.clone()?,
            secret: Source::of(&config.api_secret, &config.api_secret_file),
            corp_id: opening.text("corp_id", &config.corp_id),
            to_user: opening.text("to_user", &config.to_user),
            to_party: opening.text("to_party", &config.to_party),
            to_tag: opening.text("to_tag", &config.to_tag),
            agent_id: opening.text("agent_id", &config.agent_id),
            message: opening.text("message", &config.message),
            is_markdown: config.message_type == "markdown",
            clock: opening.clock(),
            token: tokio::sync::Mutex::default(),
        })
    }

    fn body(&self, data: &MessageData) -> Result<Body, String> {
        let content = Content { content: self.message.make(data)? };
        let (text, markdown) = if self.is_markdown { (Content::default(), content) } else { (content, Content::default()) };
        Ok(Body {
            text,
            to_user: self.to_user.make(data)?,
            to_party: self.to_party.make(data)?,
            to_tag: self.to_tag.make(data)?,
            agent_id: self.agent_id.make(data)?,
            safe: "0",
            msgtype: if self.is_markdown { "markdown" } else { "text" },
            markdown,
        })
    }

    /// The token, fetched anew where there is none or it is too old.
    async fn token(&self, data: &MessageData) -> Result<Secret, Refusal> {
        let secret = self.secret.read("api_secret").await?;
        let now = self.clock.monotonic();
        let mut cached = self.token.lock().await;
        if let Some((token, of, since)) = &*cached
            && *of == secret
            && now.saturating_sub(*since) <= TOKEN_AGE_MAX
        {
            return Ok(token.clone());
        }
        let corp_id = self.corp_id.make(data)?;
        let query = form([("corpsecret", secret.expose().to_owned()), ("corpid", corp_id.clone())]);
        let url = format!("{}gettoken?{query}", self.url.expose());
        let answer = self.base.http.send(Outgoing::new(Method::GET, &url), &Mask::of([&secret])).await?.check()?;
        let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let token = json.get("access_token").and_then(serde_json::Value::as_str).filter(|token| !token.is_empty());
        let token = Secret::new(token.ok_or_else(|| Refusal::for_good(format!("invalid APISecret for CorpID: {corp_id}")))?);
        *cached = Some((token.clone(), secret, now));
        Ok(token)
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let body = self.body(&data)?;
        let token = self.token(&data).await?;
        let url = format!("{}message/send?{}", self.url.expose(), form([("access_token", token.expose().to_owned())]));
        let answer = self.base.http.send(Outgoing::json(&url, &body), &Mask::of([&token])).await?.check()?;
        let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let code = json.get("errcode").and_then(serde_json::Value::as_i64).unwrap_or(0);
        if code == 0 {
            return Ok(answer.receipt());
        }
        let said = json.get("errmsg").and_then(serde_json::Value::as_str).unwrap_or_default();
        let is_over = TOKEN_OVER.contains(&code);
        if is_over {
            *self.token.lock().await = None;
        }
        Err(Refusal { reason: format!("wechat: {said} ({code})"), may_retry: is_over, after: None })
    }
}

channel!(WeChat);
