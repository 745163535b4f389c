//! Opsgenie: alerts that are made, changed and closed by alias. Source: Opsgenie's alert API.

use std::collections::BTreeMap;

use ::http::Method;
use ::http::header::AUTHORIZATION;
use serde::Serialize;

use super::http::Outgoing;
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::{Receipt, Refusal, channel, key_hash, truncate};
use crate::alerts::config::channel::pager;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::{MessageData, Text};
use crate::base::secret::Secret;
use crate::platform::config::value::HttpUrl;

/// Opsgenie's limit of a message.
const MESSAGE_CHARS_MAX: usize = 130;

/// Opsgenie.
pub(super) struct OpsGenie {
    base: Base,
    url: HttpUrl,
    key: Source,
    message: Text,
    description: Text,
    source: Text,
    entity: Text,
    actions: Text,
    tags: Text,
    note: Text,
    priority: Text,
    details: Vec<(String, Text)>,
    /// Id, name, user name and kind of each.
    responders: Vec<[Text; 4]>,
    update_alerts: bool,
}

#[derive(Serialize)]
struct Created {
    alias: String,
    message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    details: BTreeMap<String, String>,
    source: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    responders: Vec<Responder>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    note: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    priority: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    entity: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<String>,
}

#[derive(Serialize)]
struct Responder {
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Parts of a text between commas; those that say nothing are left out.
fn parts(text: &str) -> Vec<String> {
    text.trim().split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

impl OpsGenie {
    /// Reads its texts.
    pub fn open(config: &pager::OpsGenie, opening: &mut Opening<'_>) -> Option<Self> {
        let base = opening.base(config.http_config.as_deref(), Default::default())?;
        let details = config.details.iter().map(|(name, written)| (name.clone(), opening.text(&format!("details.{name}"), written)));
        let details = details.collect();
        let responders = config.responders.iter().map(|responder| {
            [("id", &responder.id), ("name", &responder.name), ("username", &responder.username), ("type", &responder.kind)]
                .map(|(key, written)| opening.text(&format!("responders.{key}"), written))
        });
        let responders = responders.collect();
        Some(Self {
            base,
            url: config.api_url.clone()?,
            key: Source::of(&config.api_key, &config.api_key_file),
            message: opening.text("message", &config.message),
            description: opening.text("description", &config.description),
            source: opening.text("source", &config.source),
            entity: opening.text("entity", &config.entity),
            actions: opening.text("actions", &config.actions),
            tags: opening.text("tags", &config.tags),
            note: opening.text("note", &config.note),
            priority: opening.text("priority", &config.priority),
            details,
            responders,
            update_alerts: config.update_alerts,
        })
    }

    fn responders(&self, data: &MessageData) -> Result<Vec<Responder>, String> {
        let mut all = Vec::new();
        for [id, name, username, kind] in &self.responders {
            let (id, name, username, kind) = (id.make(data)?, name.make(data)?, username.make(data)?, kind.make(data)?);
            if [&id, &name, &username, &kind].iter().all(|text| text.is_empty()) {
                continue;
            }
            if kind == "teams" {
                let team = |name: String| Responder { id: String::new(), name, username: String::new(), kind: "team".to_owned() };
                all.extend(parts(&name).into_iter().map(team));
            } else {
                all.push(Responder { id, name, username, kind });
            }
        }
        Ok(all)
    }

    fn created(&self, data: &MessageData, alias: &str) -> Result<Created, String> {
        let mut details = data.common_labels.clone();
        for (name, text) in &self.details {
            details.insert(name.clone(), text.make(data)?);
        }
        Ok(Created {
            alias: alias.to_owned(),
            message: truncate::to_chars(self.message.make(data)?, MESSAGE_CHARS_MAX),
            description: self.description.make(data)?,
            details,
            source: self.source.make(data)?,
            responders: self.responders(data)?,
            tags: parts(&self.tags.make(data)?),
            note: self.note.make(data)?,
            priority: self.priority.make(data)?,
            entity: self.entity.make(data)?,
            actions: parts(&self.actions.make(data)?),
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let written = self.key.read("api_key").await?;
        let key = Secret::new(self.base.text("api_key", written.expose())?.make(&data)?);
        let (alias, base) = (key_hash(message), self.url.expose());
        let at = |what: &str| format!("{base}v2/alerts/{alias}/{what}?identifierType=alias");
        if !data.fires() {
            let body = BTreeMap::from([("source", self.source.make(&data)?)]);
            return self.ask(Outgoing::json(&at("close"), &body), &key).await;
        }
        let created = self.created(&data, &alias)?;
        let receipt = self.ask(Outgoing::json(&format!("{base}v2/alerts"), &created), &key).await?;
        if self.update_alerts {
            for (what, text) in [("message", &created.message), ("description", &created.description)] {
                let body: BTreeMap<&str, &String> = Some((what, text)).filter(|(_, text)| !text.is_empty()).into_iter().collect();
                self.ask(Outgoing::new(Method::PUT, &at(what)).with_json(&body), &key).await?;
            }
        }
        Ok(receipt)
    }

    async fn ask(&self, outgoing: Outgoing<'_>, key: &Secret) -> Result<Receipt, Refusal> {
        let outgoing = outgoing.header(AUTHORIZATION, format!("GenieKey {}", key.expose()));
        let answer = self.base.http.send(outgoing, &Mask::of([key])).await?;
        Ok(answer.check()?.receipt())
    }
}

channel!(OpsGenie);
