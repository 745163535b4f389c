//! Mattermost: incoming webhooks. Source: Mattermost's reference of incoming webhooks and message attachments.

use serde::Serialize;

use super::http::Outgoing;
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::{Receipt, Refusal, channel, truncate};
use crate::alerts::config::channel::chat::{self, ChatField, MattermostAttachment};
use crate::alerts::model::message::Message;
use crate::alerts::template::message::{MessageData, Text};

/// Mattermost's limit of a text.
const TEXT_CHARS_MAX: usize = 16_383;

/// Mattermost.
pub(super) struct Mattermost {
    base: Base,
    url: Source,
    channel: Text,
    username: Text,
    icon_url: Text,
    icon_emoji: Text,
    kind: Text,
    text: Text,
    attachments: Vec<Texts>,
    /// Whether attachments are written out, and the text stands above them.
    has_own: bool,
    card: Text,
    priority: Option<(Text, bool, bool)>,
}

/// The texts of an attachment.
struct Texts {
    /// In the order of the JSON, the fields apart.
    plain: [Text; 13],
    fields: Vec<(Text, Text, Option<bool>)>,
}

#[derive(Serialize)]
struct Body {
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    channel: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    icon_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    icon_emoji: String,
    attachments: Vec<Attachment>,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    props: Option<Props>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<Priority>,
}

#[derive(Serialize)]
struct Props {
    card: String,
}

#[derive(Serialize)]
struct Priority {
    priority: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    requested_ack: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    persistent_notifications: bool,
}

#[derive(Serialize)]
struct Attachment {
    #[serde(skip_serializing_if = "String::is_empty")]
    fallback: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    color: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pretext: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    author_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    author_link: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    author_icon: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title_link: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
    #[serde(skip_serializing_if = "String::is_empty")]
    thumb_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    footer: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    footer_icon: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    image_url: String,
}

#[derive(Serialize)]
struct Field {
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    short: Option<bool>,
}

impl Mattermost {
    /// Reads its texts.
    pub fn open(config: &chat::Mattermost, opening: &mut Opening<'_>) -> Option<Self> {
        let has_own = !config.attachments.is_empty();
        let attachments = if has_own {
            config.attachments.iter().map(|attachment| Texts::open("attachments.", attachment, opening)).collect()
        } else {
            // The keys of the channel itself are one attachment, with the text in it.
            let own = MattermostAttachment {
                fallback: config.fallback.clone(),
                color: config.color.clone(),
                pretext: config.pretext.clone(),
                text: config.text.clone(),
                author_name: config.author_name.clone(),
                author_link: config.author_link.clone(),
                author_icon: config.author_icon.clone(),
                title: config.title.clone(),
                title_link: config.title_link.clone(),
                fields: config.fields.clone(),
                thumb_url: config.thumb_url.clone(),
                footer: config.footer.clone(),
                footer_icon: config.footer_icon.clone(),
                image_url: config.image_url.clone(),
            };
            vec![Texts::open("", &own, opening)]
        };
        let priority = config.priority.as_ref().filter(|priority| !priority.priority.is_empty());
        Some(Self {
            base: opening.base(config.http_config.as_deref(), Default::default())?,
            url: Source::of(&config.webhook_url.0, &config.webhook_url_file),
            channel: opening.text("channel", &config.channel),
            username: opening.text("username", &config.username),
            icon_url: opening.text("icon_url", &config.icon_url),
            icon_emoji: opening.text("icon_emoji", &config.icon_emoji),
            kind: opening.text("type", &config.kind),
            text: if has_own { opening.text("text", &config.text) } else { Text::default() },
            attachments,
            has_own,
            card: opening.text("props.card", config.props.as_ref().map_or("", |props| &props.card)),
            priority: priority.map(|priority| {
                let level = opening.text("priority.priority", &priority.priority);
                (level, priority.requested_ack, priority.persistent_notifications)
            }),
        })
    }

    fn body(&self, data: &MessageData) -> Result<Body, String> {
        let priority = self.priority.as_ref().map(|(level, ack, persists)| {
            let level = match level.make(data)?.to_lowercase().as_str() {
                "urgent" => "urgent",
                "important" => "important",
                _ => "standard",
            };
            // Mattermost refuses what does not fit the level.
            Ok::<_, String>(Priority {
                priority: level,
                requested_ack: *ack && level != "standard",
                persistent_notifications: *persists && level == "urgent",
            })
        });
        Ok(Body {
            text: if self.has_own { truncate::to_chars(self.text.make(data)?, TEXT_CHARS_MAX) } else { String::new() },
            channel: self.channel.make(data)?,
            username: self.username.make(data)?,
            icon_url: self.icon_url.make(data)?,
            icon_emoji: self.icon_emoji.make(data)?,
            attachments: self.attachments.iter().map(|texts| texts.make(data)).collect::<Result<_, _>>()?,
            kind: self.kind.make(data)?,
            props: if self.card.is_empty() { None } else { Some(Props { card: self.card.make(data)? }) },
            priority: priority.transpose()?,
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let body = self.body(&self.base.data(message)?)?;
        let url = self.url.read("webhook_url").await?;
        let answer = self.base.http.send(Outgoing::json(url.expose(), &body), &Mask::of_urls([&url])).await?;
        Ok(answer.check().map_err(|refusal| refusal.during(&format!("channel {:?}", body.channel)))?.receipt())
    }
}

impl Texts {
    fn open(prefix: &str, config: &MattermostAttachment, opening: &mut Opening<'_>) -> Self {
        let mut text = |key: &str, written: &str| opening.text(&format!("{prefix}{key}"), written);
        let field = |field: &ChatField| (text("fields.title", &field.title), text("fields.value", &field.value), field.short);
        let fields = config.fields.iter().map(field).collect();
        let plain = [
            ("fallback", &config.fallback),
            ("color", &config.color),
            ("pretext", &config.pretext),
            ("text", &config.text),
            ("author_name", &config.author_name),
            ("author_link", &config.author_link),
            ("author_icon", &config.author_icon),
            ("title", &config.title),
            ("title_link", &config.title_link),
            ("thumb_url", &config.thumb_url),
            ("footer", &config.footer),
            ("footer_icon", &config.footer_icon),
            ("image_url", &config.image_url),
        ];
        Self { plain: plain.map(|(key, written)| opening.text(&format!("{prefix}{key}"), written)), fields }
    }

    fn make(&self, data: &MessageData) -> Result<Attachment, String> {
        let [
            fallback,
            color,
            pretext,
            text,
            author_name,
            author_link,
            author_icon,
            title,
            title_link,
            thumb_url,
            footer,
            footer_icon,
            image_url,
        ] = &self.plain;
        let field = |(title, value, short): &(Text, Text, Option<bool>)| {
            Ok(Field { title: title.make(data)?, value: value.make(data)?, short: *short })
        };
        Ok(Attachment {
            fallback: fallback.make(data)?,
            color: color.make(data)?,
            pretext: pretext.make(data)?,
            text: text.make(data)?,
            author_name: author_name.make(data)?,
            author_link: author_link.make(data)?,
            author_icon: author_icon.make(data)?,
            title: title.make(data)?,
            title_link: title_link.make(data)?,
            fields: self.fields.iter().map(field).collect::<Result<_, String>>()?,
            thumb_url: thumb_url.make(data)?,
            footer: footer.make(data)?,
            footer_icon: footer_icon.make(data)?,
            image_url: image_url.make(data)?,
        })
    }
}

channel!(Mattermost);
