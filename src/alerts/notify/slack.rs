//! Slack: through incoming webhooks, and as an app (`chat.postMessage`). Source: Slack's message attachments, and what
//! Alertmanager sends, to the byte.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;

use super::http::Outgoing;
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::{Receipt, Refusal, channel, truncate};
use crate::alerts::config::channel::chat;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::{MessageData, Text};

/// Slack's limit of titles.
const TITLE_CHARS_MAX: usize = 1024;
/// Groups whose message is remembered in order to be changed.
const SENT_MAX: usize = 10_000;

/// Slack.
pub(super) struct Slack {
    base: Base,
    url: Source,
    texts: Texts,
    fields: Vec<(Text, Text, bool)>,
    actions: Vec<Action>,
    link_names: bool,
    marked_up: Vec<String>,
    /// Where each group's message is, if it is to be changed.
    sent: Option<Mutex<HashMap<Arc<str>, Sent>>>,
}

/// Where a message is.
#[derive(Clone)]
struct Sent {
    channel: String,
    timestamp: String,
}

struct Texts {
    channel: Text,
    username: Text,
    icon_emoji: Text,
    icon_url: Text,
    message: Text,
    title: Text,
    title_link: Text,
    pretext: Text,
    text: Text,
    fallback: Text,
    callback_id: Text,
    image_url: Text,
    thumb_url: Text,
    footer: Text,
    color: Text,
}

struct Action {
    kind: Text,
    text: Text,
    url: Text,
    style: Text,
    name: Text,
    value: Text,
    confirm: Option<[Text; 4]>,
}

/// What Slack is sent.
#[derive(Serialize)]
struct Body {
    #[serde(skip_serializing_if = "String::is_empty")]
    channel: String,
    #[serde(rename = "ts", skip_serializing_if = "String::is_empty")]
    timestamp: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    icon_emoji: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    icon_url: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    link_names: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    attachments: [Attachment; 1],
}

#[derive(Serialize)]
struct Attachment {
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title_link: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pretext: String,
    text: String,
    fallback: String,
    callback_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<Button>,
    #[serde(skip_serializing_if = "String::is_empty")]
    image_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    thumb_url: String,
    footer: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    color: String,
    mrkdwn_in: Vec<String>,
}

#[derive(Serialize)]
struct Field {
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
    short: bool,
}

#[derive(Serialize)]
struct Button {
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    style: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<Confirmation>,
}

#[derive(Serialize)]
struct Confirmation {
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    ok_text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    dismiss_text: String,
}

impl Slack {
    /// Reads its texts.
    pub fn open(config: &chat::Slack, opening: &mut Opening<'_>) -> Option<Self> {
        let base = opening.base(config.http_config.as_deref(), config.timeout)?;
        let mut text = |key: &str, written: &str| opening.text(key, written);
        let texts = Texts {
            channel: text("channel", &config.channel),
            username: text("username", &config.username),
            icon_emoji: text("icon_emoji", &config.icon_emoji),
            icon_url: text("icon_url", &config.icon_url),
            message: text("message_text", &config.message_text),
            title: text("title", &config.title),
            title_link: text("title_link", &config.title_link),
            pretext: text("pretext", &config.pretext),
            text: text("text", &config.text),
            fallback: text("fallback", &config.fallback),
            callback_id: text("callback_id", &config.callback_id),
            image_url: text("image_url", &config.image_url),
            thumb_url: text("thumb_url", &config.thumb_url),
            footer: text("footer", &config.footer),
            color: text("color", &config.color),
        };
        let fields = config.fields.iter().map(|field| {
            let short = field.short.unwrap_or(config.short_fields);
            (text("fields.title", &field.title), text("fields.value", &field.value), short)
        });
        let fields = fields.collect();
        let actions = config.actions.iter().map(|action| Action {
            kind: text("actions.type", &action.kind),
            text: text("actions.text", &action.text),
            url: text("actions.url", &action.url),
            style: text("actions.style", &action.style),
            name: text("actions.name", &action.name),
            value: text("actions.value", &action.value),
            confirm: action.confirm.as_ref().map(|confirm| {
                [
                    text("actions.confirm.text", &confirm.text),
                    text("actions.confirm.title", &confirm.title),
                    text("actions.confirm.ok_text", &confirm.ok_text),
                    text("actions.confirm.dismiss_text", &confirm.dismiss_text),
                ]
            }),
        });
        let actions = actions.collect();
        let marked_up = if config.mrkdwn_in.is_empty() {
            ["fallback", "pretext", "text"].map(str::to_owned).to_vec()
        } else {
            config.mrkdwn_in.clone()
        };
        Some(Self {
            base,
            url: Source::of(&config.api_url.0, &config.api_url_file),
            texts,
            fields,
            actions,
            link_names: config.link_names,
            marked_up,
            sent: config.update_message.then(Mutex::default),
        })
    }

    fn body(&self, data: &MessageData) -> Result<Body, String> {
        let texts = &self.texts;
        let fields =
            self.fields.iter().map(|(title, value, short)| Ok(Field { title: title.make(data)?, value: value.make(data)?, short: *short }));
        let attachment = Attachment {
            title: truncate::to_chars(texts.title.make(data)?, TITLE_CHARS_MAX),
            title_link: texts.title_link.make(data)?,
            pretext: texts.pretext.make(data)?,
            text: texts.text.make(data)?,
            fallback: texts.fallback.make(data)?,
            callback_id: texts.callback_id.make(data)?,
            fields: fields.collect::<Result<_, String>>()?,
            actions: self.actions.iter().map(|action| action.make(data)).collect::<Result<_, _>>()?,
            image_url: texts.image_url.make(data)?,
            thumb_url: texts.thumb_url.make(data)?,
            footer: texts.footer.make(data)?,
            color: texts.color.make(data)?,
            mrkdwn_in: self.marked_up.clone(),
        };
        Ok(Body {
            channel: texts.channel.make(data)?,
            timestamp: String::new(),
            username: texts.username.make(data)?,
            icon_emoji: texts.icon_emoji.make(data)?,
            icon_url: texts.icon_url.make(data)?,
            link_names: self.link_names,
            text: texts.message.make(data)?,
            attachments: [attachment],
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let mut body = self.body(&data)?;
        let secret = self.url.read("api_url").await?;
        let mut url = secret.expose().to_owned();
        let known = self.sent.as_ref().and_then(|sent| sent.lock().get(&message.group_key).cloned());
        if let Some(known) = known {
            url = url.replace("chat.postMessage", "chat.update");
            body.timestamp = known.timestamp;
            body.channel = known.channel;
        }
        let mask = Mask::of_urls([&secret]);
        let answer = self.base.http.send(Outgoing::json(&url, &body), &mask).await?;
        let in_channel = format!("channel {:?}", body.channel);
        let answer = answer.check().map_err(|refusal| refusal.during(&in_channel))?;
        if let Some(json) = answer.json() {
            // Apps are told of most errors with the status 200.
            if json.get("ok").and_then(serde_json::Value::as_bool) == Some(false) {
                let error = json.get("error").and_then(serde_json::Value::as_str).unwrap_or_default();
                let may_retry = matches!(error, "ratelimited" | "rate_limited" | "internal_error" | "fatal_error" | "service_unavailable");
                let reason = format!("{in_channel}: error response from Slack: {error}");
                return Err(Refusal { reason, may_retry, after: None });
            }
            self.remember(message, &json);
        }
        Ok(answer.receipt())
    }

    /// Remembers where the group's message is.
    fn remember(&self, message: &Message, json: &serde_json::Value) {
        let Some(sent) = &self.sent else { return };
        let text = |key: &str| json.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        let here = Sent { channel: text("channel"), timestamp: text("ts") };
        if here.channel.is_empty() || here.timestamp.is_empty() {
            return;
        }
        let mut sent = sent.lock();
        if sent.len() >= SENT_MAX && !sent.contains_key(&message.group_key) {
            sent.clear();
        }
        sent.insert(Arc::clone(&message.group_key), here);
    }
}

impl Action {
    fn make(&self, data: &MessageData) -> Result<Button, String> {
        let confirm = match &self.confirm {
            Some([text, title, ok_text, dismiss_text]) => Some(Confirmation {
                text: text.make(data)?,
                title: title.make(data)?,
                ok_text: ok_text.make(data)?,
                dismiss_text: dismiss_text.make(data)?,
            }),
            None => None,
        };
        Ok(Button {
            kind: self.kind.make(data)?,
            text: self.text.make(data)?,
            url: self.url.make(data)?,
            style: self.style.make(data)?,
            name: self.name.make(data)?,
            value: self.value.make(data)?,
            confirm,
        })
    }
}

channel!(Slack);
