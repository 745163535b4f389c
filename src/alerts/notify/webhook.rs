//! Webhooks: a POST of JSON, version 4 of Alertmanager's payload, to the byte; or what the configuration writes instead.

use serde::Serialize;

use super::http::Outgoing;
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::tree::{Reading, Tree};
use super::{Receipt, Refusal, channel};
use crate::alerts::config::channel::plain;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::{MessageData, Text};
use crate::base::secret::Secret;

/// A webhook.
pub(super) struct Webhook {
    base: Base,
    url: Url,
    alerts_max: usize,
    payload: Option<Tree>,
}

/// Where to.
enum Url {
    /// A template.
    Text(Text),
    /// A file that holds the address.
    File(Source),
}

/// What is sent.
#[derive(Serialize)]
pub(super) struct Body<'b> {
    #[serde(flatten)]
    pub data: &'b MessageData,
    pub version: &'static str,
    #[serde(rename = "groupKey")]
    pub group_key: &'b str,
    #[serde(rename = "truncatedAlerts")]
    pub truncated_alerts: usize,
}

/// How many alerts a message may have, if a number says so.
pub(super) fn alerts_max(configured: u64) -> usize {
    usize::try_from(configured).ok().filter(|max| *max > 0).unwrap_or(usize::MAX)
}

impl Webhook {
    /// Reads its texts.
    pub fn open(config: &plain::Webhook, opening: &mut Opening<'_>) -> Option<Self> {
        let base = opening.base(config.http_config.as_deref(), config.timeout)?;
        let url = if config.url_file.is_empty() {
            Url::Text(opening.text("url", config.url.0.expose()))
        } else {
            Url::File(Source::of(&config.url.0, &config.url_file))
        };
        let payload = config.payload.as_ref().map(|node| opening.tree("payload", node));
        Some(Self { base, url, alerts_max: alerts_max(config.max_alerts), payload })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data_of_first(message, self.alerts_max)?;
        let url = match &self.url {
            Url::Text(text) => {
                let made = text.make(&data).map_err(|error| Refusal::for_good(format!("failed to template webhook URL: {error}")))?;
                Secret::new(made)
            }
            Url::File(source) => source.read("url").await?,
        };
        if url.is_empty() {
            return Err(Refusal::for_good("webhook URL is empty after templating"));
        }
        let outgoing = match &self.payload {
            Some(payload) => {
                let made = payload.make(&data, Reading::Yaml);
                let made = made.map_err(|error| Refusal::for_good(format!("failed to render custom payload: {error}")))?;
                Outgoing::json(url.expose(), &made)
            }
            None => {
                let truncated_alerts = message.alerts.len() - data.alerts.len();
                Outgoing::json(url.expose(), &Body { data: &data, version: "4", group_key: &message.group_key, truncated_alerts })
            }
        };
        let answer = self.base.http.send(outgoing, &Mask::of_urls([&url])).await?;
        Ok(answer.check()?.receipt())
    }
}

channel!(Webhook);
