//! PagerDuty: events of version 2, and of version 1 for service keys. Source: PagerDuty's reference of the events API.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use super::http::{Answer, Outgoing, json_line};
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::tree::{Reading, Tree};
use super::{Receipt, Refusal, channel, key_hash, truncate};
use crate::alerts::config::channel::pager;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::{MessageData, Text};
use crate::platform::config::value::HttpUrl;

/// Where events of version 1 go.
const URL_V1: &str = "https://events.pagerduty.com/generic/2010-04-15/create_event.json";
/// PagerDuty's limits: of an event, and of its summary.
const EVENT_BYTES_MAX: usize = 512_000;
const SUMMARY_CHARS_MAX: usize = 1024;
/// What stands instead of details that are too long.
const CUT: &str = "Custom details have been removed because the original event exceeds the maximum size of 512KB";
/// Details that every event has; they stay texts.
const DEFAULT_DETAILS: [&str; 4] = ["firing", "num_firing", "num_resolved", "resolved"];

/// PagerDuty.
pub(super) struct PagerDuty {
    base: Base,
    /// Of version 1 if there is a service key.
    is_v1: bool,
    pub(super) url: String,
    key: Source,
    description: Text,
    client: Text,
    client_url: Text,
    source: Text,
    severity: Text,
    class: Text,
    component: Text,
    group: Text,
    details: Vec<(String, Tree, Reading)>,
    images: Vec<[Text; 3]>,
    links: Vec<[Text; 2]>,
}

/// An event of either version.
#[derive(Serialize, Default)]
struct Event {
    #[serde(skip_serializing_if = "str::is_empty")]
    routing_key: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    service_key: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    dedup_key: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    incident_key: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    event_type: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: String,
    event_action: &'static str,
    payload: Option<Payload>,
    #[serde(skip_serializing_if = "str::is_empty")]
    client: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    client_url: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    details: BTreeMap<String, Json>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<Image>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
}

#[derive(Serialize)]
struct Payload {
    summary: String,
    source: String,
    severity: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    class: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    component: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    group: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    custom_details: BTreeMap<String, Json>,
}

#[derive(Serialize)]
struct Image {
    src: String,
    alt: String,
    href: String,
}

#[derive(Serialize)]
struct Link {
    href: String,
    text: String,
}

impl PagerDuty {
    /// Reads its texts.
    pub fn open(config: &pager::PagerDuty, opening: &mut Opening<'_>) -> Option<Self> {
        let base = opening.base(config.http_config.as_deref(), config.timeout)?;
        let service = Source::of(&config.service_key, &config.service_key_file);
        let is_v1 = !service.is_empty();
        let details = config.details.iter().map(|(name, node)| {
            let reading = if DEFAULT_DETAILS.contains(&name.as_str()) { Reading::Text } else { Reading::Json };
            (name.clone(), opening.tree(&format!("details.{name}"), node), reading)
        });
        let details = details.collect();
        let images = config.images.iter().map(|image| {
            [("src", &image.src), ("alt", &image.alt), ("href", &image.href)]
                .map(|(key, written)| opening.text(&format!("images.{key}"), written))
        });
        let images = images.collect();
        let links = config
            .links
            .iter()
            .map(|link| [("href", &link.href), ("text", &link.text)].map(|(key, written)| opening.text(&format!("links.{key}"), written)));
        let links = links.collect();
        let severity = if config.severity.is_empty() { "error" } else { &config.severity };
        Some(Self {
            base,
            is_v1,
            url: if is_v1 { URL_V1.to_owned() } else { config.url.as_ref().map(HttpUrl::expose)?.to_owned() },
            key: if is_v1 { service } else { Source::of(&config.routing_key, &config.routing_key_file) },
            description: opening.text("description", &config.description),
            client: opening.text("client", &config.client),
            client_url: opening.text("client_url", &config.client_url),
            source: opening.text("source", &config.source),
            severity: opening.text("severity", severity),
            class: opening.text("class", &config.class),
            component: opening.text("component", &config.component),
            group: opening.text("group", &config.group),
            details,
            images,
            links,
        })
    }

    fn event(&self, message: &Message, data: &MessageData, key: &str) -> Result<Event, String> {
        let details = self.details.iter().map(|(name, tree, reading)| Ok((name.clone(), tree.make(data, *reading)?)));
        let details = details.collect::<Result<BTreeMap<_, _>, String>>().map_err(|error| format!("failed to render details: {error}"))?;
        let action = if data.fires() { "trigger" } else { "resolve" };
        let summary = truncate::to_chars(self.description.make(data)?, SUMMARY_CHARS_MAX);
        if self.is_v1 {
            let tells_client = data.fires();
            return Ok(Event {
                service_key: key.to_owned(),
                incident_key: key_hash(message),
                event_type: action,
                description: summary,
                client: if tells_client { self.client.make(data)? } else { String::new() },
                client_url: if tells_client { self.client_url.make(data)? } else { String::new() },
                details,
                ..Event::default()
            });
        }
        let image = |[src, alt, href]: &[Text; 3]| Ok(Image { src: src.make(data)?, alt: alt.make(data)?, href: href.make(data)? });
        let link = |[href, text]: &[Text; 2]| Ok(Link { href: href.make(data)?, text: text.make(data)? });
        let mut images = self.images.iter().map(image).collect::<Result<Vec<_>, String>>()?;
        images.retain(|image| !image.src.is_empty());
        let mut links = self.links.iter().map(link).collect::<Result<Vec<_>, String>>()?;
        links.retain(|link| !link.href.is_empty());
        Ok(Event {
            routing_key: key.to_owned(),
            dedup_key: key_hash(message),
            event_action: action,
            payload: Some(Payload {
                summary,
                source: self.source.make(data)?,
                severity: self.severity.make(data)?,
                class: self.class.make(data)?,
                component: self.component.make(data)?,
                group: self.group.make(data)?,
                custom_details: details,
            }),
            client: self.client.make(data)?,
            client_url: self.client_url.make(data)?,
            images,
            links,
            ..Event::default()
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let what = if self.is_v1 { "service" } else { "routing" };
        let key = self.key.read(&format!("{what}_key")).await?;
        // Keys may be templates, as upstream has them.
        let made = self.base.text(what, key.expose())?.make(&data)?;
        if made.is_empty() {
            return Err(Refusal::for_good(format!("{what} key cannot be empty")));
        }
        let mut event = self.event(message, &data, &made)?;
        let mut body = json_line(&event);
        if body.len() > EVENT_BYTES_MAX {
            let cut = BTreeMap::from([("error".to_owned(), Json::from(CUT))]);
            match &mut event.payload {
                Some(payload) => payload.custom_details = cut,
                None => event.details = cut,
            }
            body = json_line(&event);
        }
        let mask = Mask::of([&key, &crate::base::secret::Secret::new(made)]);
        let outgoing = Outgoing::new(::http::Method::POST, &self.url).with_body("application/json", body);
        let answer = self.base.http.send(outgoing, &mask).await?;
        let details = details_of(&answer);
        // Version 1 says 403 where there were too many.
        let codes: &[u16] = if self.is_v1 { &[403] } else { &[] };
        Ok(answer.check_with(codes, Some(details))?.receipt())
    }
}

/// What PagerDuty says is wrong with an event.
fn details_of(answer: &Answer) -> String {
    let json: Json = serde_json::from_str(&answer.body).unwrap_or_default();
    let Some(message) = json.get("message").and_then(Json::as_str).filter(|_| answer.status() == 400) else { return String::new() };
    let errors = json.get("errors").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let errors: Vec<&str> = errors.iter().filter_map(Json::as_str).collect();
    format!("{message}: {}", errors.join(","))
}

channel!(PagerDuty);
