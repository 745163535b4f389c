//! incident.io: the payload of webhooks to an alert source. Source: incident.io's reference of HTTP alert sources.

use ::http::Method;
use ::http::header::AUTHORIZATION;
use serde_json::Value as Json;

use super::http::{Answer, Outgoing, json_line};
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::webhook::{Body, alerts_max};
use super::{Receipt, Refusal, channel};
use crate::alerts::config::channel::pager;
use crate::alerts::model::message::Message;

/// incident.io's limit of a payload.
const PAYLOAD_BYTES_MAX: usize = 512 * 1024;

/// incident.io.
pub(super) struct IncidentIo {
    base: Base,
    url: Source,
    token: Source,
    alerts_max: usize,
}

impl IncidentIo {
    /// Reads its settings.
    pub fn open(config: &pager::IncidentIo, opening: &mut Opening<'_>) -> Option<Self> {
        Some(Self {
            base: opening.base(config.http_config.as_deref(), config.timeout)?,
            url: Source::of_url(config.url.as_ref(), &config.url_file),
            token: Source::of(&config.alert_source_token, &config.alert_source_token_file),
            alerts_max: alerts_max(config.max_alerts),
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let mut data = self.base.data_of_first(message, self.alerts_max)?;
        let truncated_alerts = message.alerts.len() - data.alerts.len();
        let group_key = &message.group_key;
        let mut body = json_line(&Body { data: &data, version: "1", group_key, truncated_alerts });
        if body.len() > PAYLOAD_BYTES_MAX {
            // One alert is made for the group anyway.
            data.alerts.truncate(1);
            body = json_line(&Body { data: &data, version: "1", group_key, truncated_alerts });
        }
        let url = self.url.read("url").await?;
        let mut outgoing = Outgoing::new(Method::POST, url.expose()).with_body("application/json", body);
        let mut mask = Mask::of_urls([&url]);
        if !self.token.is_empty() {
            let token = self.token.read("alert_source_token").await?;
            outgoing = outgoing.header(AUTHORIZATION, format!("Bearer {}", token.expose()));
            mask.hide(&token);
        }
        let answer = self.base.http.send(outgoing, &mask).await?;
        let details = details_of(&answer);
        Ok(answer.check_with(&[], Some(details))?.receipt())
    }
}

/// What incident.io says is wrong.
fn details_of(answer: &Answer) -> String {
    let json: Json = serde_json::from_str(&answer.body).unwrap_or_default();
    let errors = json.get("errors").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let errors: Vec<&str> = errors.iter().filter_map(Json::as_str).collect();
    let errors = errors.join(", ");
    let texts = [json.get("message").and_then(Json::as_str), json.get("error").and_then(Json::as_str), Some(errors.as_str())];
    texts.into_iter().flatten().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ")
}

channel!(IncidentIo);
