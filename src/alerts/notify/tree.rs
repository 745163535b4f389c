//! Values of the configuration whose texts are templates, at any depth.

use serde_json::{Map, Number, Value as Json};

use crate::alerts::template::message::{MessageData, Text};
use crate::platform::config::scalar;
use crate::platform::config::yaml::{self, Kind, Node};

/// Most levels of a value.
const DEPTH_MAX: usize = 50;

/// A value whose texts are templates.
#[derive(Debug, Clone)]
pub(super) enum Tree {
    Text(Text),
    List(Vec<Tree>),
    Map(Vec<(Text, Tree)>),
    Plain(Json),
}

/// What a text that looks like more than a text becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// What it means as YAML: a number, a list, a map; upstream's way.
    Yaml,
    /// A list or a map if it is one in JSON, otherwise the text that it is.
    Json,
    /// The text that it is.
    Text,
}

impl Tree {
    /// Reads a value; `read` reads one text.
    pub fn read(node: &Node, read: &mut dyn FnMut(&str) -> Text) -> Self {
        match &node.kind {
            Kind::Null => Self::Plain(Json::Null),
            Kind::Scalar { text, plain } => match bare(text).filter(|_| *plain) {
                Some(value) => Self::Plain(value),
                None => Self::Text(read(text)),
            },
            Kind::List(items) => Self::List(items.iter().map(|item| Self::read(item, read)).collect()),
            Kind::Map(pairs) => Self::Map(pairs.iter().map(|(key, value)| (read(&key.text), Self::read(value, read))).collect()),
        }
    }

    /// Makes every text.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn make(&self, data: &MessageData, reading: Reading) -> Result<Json, String> {
        Ok(match self {
            Self::Plain(value) => value.clone(),
            Self::Text(text) => {
                let made = text.make(data)?;
                match reading {
                    Reading::Yaml => structured(&made).unwrap_or(Json::String(made)),
                    Reading::Json if made.trim_start().starts_with(['{', '[']) => serde_json::from_str(&made).unwrap_or(Json::String(made)),
                    Reading::Json | Reading::Text => Json::String(made),
                }
            }
            Self::List(items) => Json::Array(items.iter().map(|item| item.make(data, reading)).collect::<Result<_, _>>()?),
            Self::Map(pairs) => {
                let mut made = pairs
                    .iter()
                    .map(|(key, value)| Ok((key.make(data)?, value.make(data, reading)?)))
                    .collect::<Result<Vec<_>, String>>()?;
                made.sort_by(|(one, _), (other, _)| one.cmp(other));
                Json::Object(made.into_iter().collect())
            }
        })
    }
}

/// What a text means as YAML, unless that is a text.
fn structured(text: &str) -> Option<Json> {
    let document = yaml::parse(text).ok()?;
    match plain(&document.root, 0)? {
        Json::String(_) => None,
        value => Some(value),
    }
}

fn plain(node: &Node, depth: usize) -> Option<Json> {
    if depth > DEPTH_MAX {
        return None;
    }
    Some(match &node.kind {
        Kind::Null => Json::Null,
        Kind::Scalar { text, plain } => bare(text).filter(|_| *plain).unwrap_or_else(|| Json::String(text.to_string())),
        Kind::List(items) => Json::Array(items.iter().map(|item| plain(item, depth + 1)).collect::<Option<_>>()?),
        Kind::Map(pairs) => {
            let mut made =
                pairs.iter().map(|(key, value)| Some((key.text.to_string(), plain(value, depth + 1)?))).collect::<Option<Vec<_>>>()?;
            made.sort_by(|(one, _), (other, _)| one.cmp(other));
            Json::Object(made.into_iter().collect::<Map<_, _>>())
        }
    })
}

/// What a scalar without quotes means, if it is more than a text.
fn bare(text: &str) -> Option<Json> {
    if let Some(value) = scalar::truth(text) {
        return Some(Json::Bool(value));
    }
    if let Some(value) = scalar::integer(text) {
        return i64::try_from(value).map(Number::from).or_else(|_| u64::try_from(value).map(Number::from)).ok().map(Json::Number);
    }
    scalar::float(text).and_then(Number::from_f64).map(Json::Number)
}
