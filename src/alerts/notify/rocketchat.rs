//! Rocket.Chat: `chat.postMessage` with a user's token. Source: Rocket.Chat's REST reference.

use ::http::header::HeaderName;
use serde::Serialize;

use super::http::Outgoing;
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::{Receipt, Refusal, channel, truncate};
use crate::alerts::config::channel::chat;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::{MessageData, Text};
use crate::platform::config::value::HttpUrl;
use crate::platform::config::yaml::{Kind, Node};

/// Limit of titles, as upstream has it.
const TITLE_CHARS_MAX: usize = 1024;

/// Rocket.Chat.
pub(super) struct RocketChat {
    base: Base,
    url: String,
    token: Source,
    token_id: Source,
    channel: Text,
    emoji: Text,
    icon_url: Text,
    title: Text,
    title_link: Text,
    text: Text,
    image_url: Text,
    thumb_url: Text,
    color: Text,
    fields: Vec<(Text, Text, bool)>,
    /// Text, address and message of each button.
    actions: Vec<[Text; 3]>,
}

#[derive(Serialize)]
struct Body {
    #[serde(skip_serializing_if = "String::is_empty")]
    channel: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    emoji: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    avatar: String,
    attachments: [Attachment; 1],
}

#[derive(Serialize)]
struct Attachment {
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title_link: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    image_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    thumb_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    color: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<Button>,
}

#[derive(Serialize)]
struct Field {
    short: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
}

#[derive(Serialize)]
struct Button {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    url: String,
    is_webview: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    msg: String,
    msg_in_chat_window: bool,
}

impl RocketChat {
    /// Reads its texts.
    pub fn open(config: &chat::RocketChat, opening: &mut Opening<'_>) -> Option<Self> {
        let base = opening.base(config.http_config.as_deref(), Default::default())?;
        let api_url = config.api_url.as_ref().map(HttpUrl::with_slash)?;
        let fields = config.fields.iter().map(|field| {
            let short = field.short.unwrap_or(config.short_fields);
            (opening.text("fields.title", &field.title), opening.text("fields.value", &field.value), short)
        });
        let fields = fields.collect();
        let buttons = match config.actions.as_ref().map(|node| &node.kind) {
            Some(Kind::List(items)) => items.as_slice(),
            _ => &[],
        };
        let written = |button: &Node, key: &str| match button.get(key).map(|node| &node.kind) {
            Some(Kind::Scalar { text, .. }) => text.to_string(),
            _ => String::new(),
        };
        let actions = buttons
            .iter()
            .map(|button| ["text", "url", "msg"].map(|key| opening.text(&format!("actions.{key}"), &written(button, key))))
            .collect();
        Some(Self {
            base,
            url: format!("{}api/v1/chat.postMessage", api_url.expose()),
            token: Source::of(&config.token, &config.token_file),
            token_id: Source::of(&config.token_id, &config.token_id_file),
            channel: opening.text("channel", &config.channel),
            emoji: opening.text("emoji", &config.emoji),
            icon_url: opening.text("icon_url", &config.icon_url),
            title: opening.text("title", &config.title),
            title_link: opening.text("title_link", &config.title_link),
            text: opening.text("text", &config.text),
            image_url: opening.text("image_url", &config.image_url),
            thumb_url: opening.text("thumb_url", &config.thumb_url),
            color: opening.text("color", &config.color),
            fields,
            actions,
        })
    }

    fn body(&self, data: &MessageData) -> Result<Body, String> {
        let field =
            |(title, value, short): &(Text, Text, bool)| Ok(Field { short: *short, title: title.make(data)?, value: value.make(data)? });
        let button = |[text, url, msg]: &[Text; 3]| {
            Ok(Button {
                kind: "button",
                text: text.make(data)?,
                url: url.make(data)?,
                is_webview: false,
                msg: msg.make(data)?,
                msg_in_chat_window: false,
            })
        };
        let attachment = Attachment {
            title: truncate::to_chars(self.title.make(data)?, TITLE_CHARS_MAX),
            title_link: self.title_link.make(data)?,
            text: self.text.make(data)?,
            image_url: self.image_url.make(data)?,
            thumb_url: self.thumb_url.make(data)?,
            color: self.color.make(data)?,
            fields: self.fields.iter().map(field).collect::<Result<_, String>>()?,
            actions: self.actions.iter().map(button).collect::<Result<_, String>>()?,
        };
        Ok(Body {
            channel: self.channel.make(data)?,
            emoji: self.emoji.make(data)?,
            avatar: self.icon_url.make(data)?,
            attachments: [attachment],
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let body = self.body(&self.base.data(message)?)?;
        let token = self.token.read("token").await?;
        let user = self.token_id.read("token_id").await?;
        let outgoing = Outgoing::json(&self.url, &body)
            .header(HeaderName::from_static("x-auth-token"), token.expose())
            .header(HeaderName::from_static("x-user-id"), user.expose());
        let in_channel = format!("channel {:?}", body.channel);
        let answer = self.base.http.send(outgoing, &Mask::of([&token, &user])).await?;
        let answer = answer.check().map_err(|refusal| refusal.during(&in_channel))?;
        // Errors may come with the status 200.
        let json = answer.json().unwrap_or_default();
        if json.get("success").and_then(serde_json::Value::as_bool) == Some(false) {
            let error = json.get("error").and_then(serde_json::Value::as_str).unwrap_or_default();
            return Err(Refusal::for_good(format!("{in_channel}: error response from Rocketchat: {error}")));
        }
        Ok(answer.receipt())
    }
}

channel!(RocketChat);
