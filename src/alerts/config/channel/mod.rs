//! Channels: the kinds of messages a receiver may send, each with its keys, its checks, and what it takes from `global`.

pub mod chat;
pub mod mail;
pub mod own;
pub mod pager;
pub mod plain;

use super::global::Global;
use super::http::HttpClient;
use crate::platform::config::keys::{Keys, read_map};
use crate::platform::config::section::Section;

/// A kind of channel.
pub trait Channel: Keys {
    /// Takes from `global` what the file does not set.
    ///
    /// # Errors
    /// What is set neither here nor there.
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str>;
}

/// Reads the channels of one kind.
pub(super) fn read<T: Channel>(section: &mut Section<'_, '_>, key: &'static str, global: &Global) -> Vec<T> {
    let mut channels = Vec::new();
    for node in section.list(key) {
        let errors = section.report.errors_len();
        let Some(mut channel) = read_map::<T>(node, section) else { continue };
        // What is missing here may be what was just refused.
        if let Err(message) = channel.inherit(global)
            && section.report.errors_len() == errors
        {
            section.report.error(node.at, message);
        }
        channels.push(channel);
    }
    channels
}

/// The channel's own way to connect, or the global one.
fn inherit_http(http: &mut Option<Box<HttpClient>>, global: &Global) {
    http.get_or_insert_with(|| Box::new(global.http()));
}

/// Says that a value and its file cannot both be set.
fn at_most_one(section: &mut Section<'_, '_>, key: &'static str, value: &str, file: &str) {
    if !value.is_empty() && !file.is_empty() {
        let at = section.place(key);
        section.report.error(at, format!("at most one of {key} & {key}_file must be configured"));
    }
}

/// Says that a value or its file must be set, and not both.
fn exactly_one(section: &mut Section<'_, '_>, key: &'static str, value: &str, file: &str) {
    if value.is_empty() && file.is_empty() {
        section.report.error(section.at, format!("one of {key} or {key}_file must be configured"));
    }
    at_most_one(section, key, value, file);
}
