//! Templates of messages, as Alertmanager has them (source: its notification template reference).
//!
//! [`Templates`] holds what files and the defaults define; [`Text`] is one text of a channel, read once; [`MessageData`]
//! is what a text sees of a group.

mod defaults;
mod functions;
mod json;
#[cfg(test)]
mod tests;
mod values;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::alerts::model::message::Message;
use crate::base::template::{Limits, Set, Value};

use functions::{Own, knows};

/// What a text may do: enough for a group of some thousands of alerts.
const LIMITS: Limits = Limits { steps: 2_000_000, made_bytes: 64 * 1024 * 1024, output_bytes: 4 * 1024 * 1024 };

/// What templates see of a group, and what webhooks send. The order is that of upstream's JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageData {
    /// The receiver's name, with what means something in regular expressions escaped.
    pub receiver: String,
    /// `firing` or `resolved`.
    pub status: &'static str,
    /// The alerts.
    pub alerts: Vec<AlertData>,
    /// Why it is told.
    #[serde(skip)]
    pub reason: &'static str,
    /// The labels that name the group.
    pub group_labels: BTreeMap<String, String>,
    /// Labels that all alerts share.
    pub common_labels: BTreeMap<String, String>,
    /// Annotations that all alerts share.
    pub common_annotations: BTreeMap<String, String>,
    /// The route's texts, made already.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub route_labels: BTreeMap<String, String>,
    /// Where people find this server.
    #[serde(rename = "externalURL")]
    pub external_url: String,
    /// When it is told, in milliseconds since the Unix epoch.
    #[serde(skip)]
    pub at: i64,
}

/// One alert of it. Times are milliseconds since the Unix epoch; none is Go's zero time.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertData {
    /// `firing` or `resolved`.
    pub status: &'static str,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// When it began.
    #[serde(serialize_with = "values::time_json")]
    pub starts_at: Option<i64>,
    /// When it ended.
    #[serde(serialize_with = "values::time_json")]
    pub ends_at: Option<i64>,
    /// Where to look at its cause.
    #[serde(rename = "generatorURL")]
    pub generator_url: String,
    /// Its name among all alerts, 16 hexadecimal digits.
    pub fingerprint: String,
}

impl MessageData {
    /// The first `alerts_max` alerts of a message, the route's texts not made yet.
    fn new(message: &Message, alerts_max: usize, external_url: &str) -> Self {
        let own = |pairs: &mut dyn Iterator<Item = (&str, &str)>| -> BTreeMap<String, String> {
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        let alerts: Vec<AlertData> = message
            .alerts
            .iter()
            .take(alerts_max)
            .map(|alert| AlertData {
                status: if alert.is_resolved_at(message.at) { "resolved" } else { "firing" },
                labels: own(&mut alert.labels.iter()),
                annotations: own(&mut alert.annotations.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
                starts_at: Some(alert.starts_at),
                ends_at: alert.ends_at,
                generator_url: alert.generator_url.clone(),
                fingerprint: format!("{:016x}", alert.fingerprint()),
            })
            .collect();
        Self {
            receiver: quote_meta(&message.receiver),
            status: if alerts.iter().any(|alert| alert.status == "firing") { "firing" } else { "resolved" },
            reason: message.reason,
            group_labels: own(&mut message.group_labels.iter()),
            common_labels: shared(alerts.iter().map(|alert| &alert.labels)),
            common_annotations: shared(alerts.iter().map(|alert| &alert.annotations)),
            route_labels: BTreeMap::new(),
            external_url: external_url.to_owned(),
            at: message.at,
            alerts,
        }
    }

    /// Whether anything fires.
    pub fn fires(&self) -> bool {
        self.status == "firing"
    }
}

/// What all maps have with the same value; what one lacks counts as empty there.
fn shared<'m>(mut maps: impl Iterator<Item = &'m BTreeMap<String, String>>) -> BTreeMap<String, String> {
    let mut common = maps.next().cloned().unwrap_or_default();
    for map in maps {
        common.retain(|name, value| map.get(name).map_or("", String::as_str) == value);
    }
    common
}

/// Escapes what means something in regular expressions, as Go does.
fn quote_meta(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// What the defaults and files define.
#[derive(Debug, Clone)]
pub struct Templates {
    set: Set,
}

impl Templates {
    /// The defaults alone.
    ///
    /// # Errors
    /// None that a test would not have found.
    pub fn new() -> Result<Self, String> {
        let mut set = Set::default();
        for (name, text) in defaults::TEXTS {
            set.add(name, text, &knows)?;
        }
        Ok(Self { set })
    }

    /// Adds what the text of a file defines; `name` is the file's name without its folder.
    ///
    /// # Errors
    /// `template: NAME:LINE: ...`.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), String> {
        self.set.add(name, text, &knows)
    }

    /// Reads a text that belongs to a key, which names it in errors.
    ///
    /// # Errors
    /// `template: KEY:LINE: ...`.
    pub fn text(&self, key: &str, text: &str) -> Result<Text, String> {
        if !text.contains("{{") {
            return Ok(Text { plain: text.to_owned(), made: None });
        }
        let mut set = self.set.clone();
        set.add(key, text, &knows)?;
        Ok(Text { plain: String::new(), made: Some((set, key.to_owned())) })
    }

    /// What texts see of a message, the first `alerts_max` alerts of it.
    ///
    /// # Errors
    /// What is wrong with a text of the route.
    pub fn data(&self, message: &Message, alerts_max: usize, external_url: &str) -> Result<MessageData, String> {
        let mut data = MessageData::new(message, alerts_max, external_url);
        if message.route_labels.is_empty() {
            return Ok(data);
        }
        let resolver = RouteLabels {
            templates: self,
            written: &message.route_labels,
            data: &data,
            made: RefCell::default(),
            busy: RefCell::default(),
        };
        let made = message.route_labels.keys().map(|name| Ok((name.clone(), resolver.make(name)?)));
        let made = made.collect::<Result<BTreeMap<_, _>, String>>()?;
        data.route_labels = made;
        Ok(data)
    }
}

/// Makes the texts of a route, which may name each other.
struct RouteLabels<'r> {
    templates: &'r Templates,
    written: &'r BTreeMap<String, String>,
    data: &'r MessageData,
    made: RefCell<BTreeMap<String, String>>,
    busy: RefCell<BTreeSet<String>>,
}

impl RouteLabels<'_> {
    fn make(&self, name: &str) -> Result<String, String> {
        let Some(written) = self.written.get(name) else { return Ok(String::new()) };
        if let Some(made) = self.made.borrow().get(name) {
            return Ok(made.clone());
        }
        if !self.busy.borrow_mut().insert(name.to_owned()) {
            return Err(format!("route label cycle detected: {name}"));
        }
        let text = self.templates.text(&format!("route label {name}"), written)?;
        let made = text.make_with(self.data, false, Some(&|other| self.make(other)))?;
        self.busy.borrow_mut().remove(name);
        self.made.borrow_mut().insert(name.to_owned(), made.clone());
        Ok(made)
    }
}

/// Gives a text of the route by its name.
type RouteLabel<'f> = &'f dyn Fn(&str) -> Result<String, String>;

/// One text of a channel, ready to be made.
#[derive(Debug, Clone, Default)]
pub struct Text {
    /// What it is, if there is nothing to do.
    plain: String,
    /// The templates it may use, itself among them, and its name.
    made: Option<(Set, String)>,
}

impl Text {
    /// Whether it says nothing whatever happens.
    pub fn is_empty(&self) -> bool {
        self.made.is_none() && self.plain.is_empty()
    }

    /// Makes it as plain text.
    ///
    /// # Errors
    /// `template: KEY:LINE:COLUMN: executing "KEY" at <...>: ...`.
    pub fn make(&self, data: &MessageData) -> Result<String, String> {
        self.make_with(data, false, None)
    }

    /// Makes it as HTML, what it prints escaped for its place.
    ///
    /// # Errors
    /// As [`Self::make`].
    pub fn make_html(&self, data: &MessageData) -> Result<String, String> {
        self.make_with(data, true, None)
    }

    fn make_with(&self, data: &MessageData, html: bool, route_label: Option<RouteLabel<'_>>) -> Result<String, String> {
        let Some((set, name)) = &self.made else { return Ok(self.plain.clone()) };
        let mut out = String::new();
        let dot = Value::object(values::Data(data));
        let own = Own { data, route_label };
        let ran = if html { set.html(name, &dot, &own, LIMITS, &mut out) } else { set.text(name, &dot, &own, LIMITS, &mut out) };
        ran.map(|()| out).map_err(|error| error.to_string())
    }
}
