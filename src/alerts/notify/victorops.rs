//! VictorOps (Splunk On-Call): the generic REST endpoint. Source: its integration guide.

use std::collections::BTreeMap;

use super::http::Outgoing;
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::{Receipt, Refusal, channel, key_hash, truncate};
use crate::alerts::config::channel::pager;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::{MessageData, Text};
use crate::platform::config::value::HttpUrl;

/// VictorOps' limit of a message.
const MESSAGE_CHARS_MAX: usize = 20_480;

/// VictorOps.
pub(super) struct VictorOps {
    base: Base,
    url: HttpUrl,
    key: Source,
    routing_key: Text,
    message_type: Text,
    state_message: Text,
    entity_display_name: Text,
    monitoring_tool: Text,
    custom_fields: Vec<(String, Text)>,
}

impl VictorOps {
    /// Reads its texts.
    pub fn open(config: &pager::VictorOps, opening: &mut Opening<'_>) -> Option<Self> {
        let base = opening.base(config.http_config.as_deref(), Default::default())?;
        let custom = config.custom_fields.iter().map(|(name, written)| {
            let text = opening.text(&format!("custom_fields.{name}"), written);
            (name.clone(), text)
        });
        let custom_fields = custom.collect();
        Some(Self {
            base,
            url: config.api_url.clone()?,
            key: Source::of(&config.api_key, &config.api_key_file),
            routing_key: opening.text("routing_key", &config.routing_key),
            message_type: opening.text("message_type", &config.message_type),
            state_message: opening.text("state_message", &config.state_message),
            entity_display_name: opening.text("entity_display_name", &config.entity_display_name),
            monitoring_tool: opening.text("monitoring_tool", &config.monitoring_tool),
            custom_fields,
        })
    }

    fn body<'b>(&'b self, message: &Message, data: &MessageData) -> Result<BTreeMap<&'b str, String>, String> {
        let written = self.message_type.make(data)?;
        let kind = match &*written {
            _ if !data.fires() => "RECOVERY",
            "INFO" | "WARNING" => &written,
            _ => "CRITICAL",
        };
        let mut body = BTreeMap::from([
            ("message_type", kind.to_owned()),
            ("entity_id", key_hash(message)),
            ("entity_display_name", self.entity_display_name.make(data)?),
            ("state_message", truncate::to_chars(self.state_message.make(data)?, MESSAGE_CHARS_MAX)),
            ("monitoring_tool", self.monitoring_tool.make(data)?),
        ]);
        for (name, text) in &self.custom_fields {
            body.insert(name, text.make(data)?);
        }
        Ok(body)
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let body = self.body(message, &data)?;
        let key = self.key.read("api_key").await?;
        let url = format!("{}{}/{}", self.url.expose(), key.expose(), self.routing_key.make(&data)?);
        let answer = self.base.http.send(Outgoing::json(&url, &body), &Mask::of([&key])).await?;
        Ok(answer.check()?.receipt())
    }
}

channel!(VictorOps);
