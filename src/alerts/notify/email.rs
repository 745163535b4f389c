//! E-mail: text and HTML as alternatives of one letter. Source: RFC 5322, 2045 to 2047; headers as upstream sets them.

use super::account::Account;
use super::mime::{self, Part};
use super::opening::{Base, Opening};
use super::{Receipt, Refusal, channel, key_hash};
use crate::alerts::config::channel::mail;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::{MessageData, Text};
use crate::base::template::Moment;
use crate::platform::config::value::GoDuration;
use crate::platform::mail::Letter;

const DEFAULT_SUBJECT: &str = "{{ template \"email.default.subject\" . }}";

/// E-mail.
pub(super) struct Email {
    base: Base,
    account: Account,
    from: Text,
    to: Text,
    headers: Vec<(String, Text)>,
    text: Text,
    html: Text,
    threads: Threads,
}

/// Which mails mail programs show together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Threads {
    Off,
    /// Those of a group.
    Group,
    /// Those of a group and a day.
    Daily,
}

impl Email {
    /// Reads its texts.
    pub fn open(config: &mail::Email, opening: &mut Opening<'_>) -> Option<Self> {
        let base = opening.base(None, GoDuration::default())?;
        let account = Account::of(config).map_err(|(key, why)| opening.problem(key, why)).ok();
        let mut headers = Vec::new();
        for (name, default) in [("Subject", DEFAULT_SUBJECT), ("To", &*config.to), ("From", &*config.from)] {
            if !config.headers.contains_key(name) {
                headers.push((name.to_owned(), opening.text(name, default)));
            }
        }
        for (name, written) in &config.headers {
            if !mime::is_header_name(name) {
                opening.problem("headers", format!("{name:?} is no name of a header"));
            }
            headers.push((name.clone(), opening.text(&format!("headers.{name}"), written)));
        }
        Some(Self {
            base,
            account: account?,
            from: opening.text("from", &config.from),
            to: opening.text("to", &config.to),
            headers,
            text: opening.text("text", &config.text),
            html: opening.text("html", &config.html),
            threads: match config.threading.as_deref().filter(|threading| threading.enabled) {
                None => Threads::Off,
                Some(threading) if threading.thread_by_date == "none" => Threads::Group,
                Some(_) => Threads::Daily,
            },
        })
    }

    fn letter(&self, message: &Message, data: &MessageData) -> Result<String, String> {
        let mut out = String::new();
        for (name, text) in &self.headers {
            let value = text.make(data).map_err(|error| format!("execute {name:?} header template: {error}"))?;
            mime::push_header(name, &value, &mut out);
        }
        let formatted = |layout: &str| {
            let mut text = String::new();
            Moment::utc(message.at.saturating_mul(1_000_000)).format(layout, &mut text);
            text
        };
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("Message-Id")) {
            let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
            let id = format!("<{}.{}@{host}>", message.at, mime::random_hex()?);
            mime::push_header("Message-Id", &id, &mut out);
        }
        if self.threads != Threads::Off {
            let day = if self.threads == Threads::Daily { formatted("2006-01-02") } else { String::new() };
            let hash = key_hash(message);
            let root = format!("<alert-{}-{day}@alertmanager>", hash.get(..16).unwrap_or(&hash));
            mime::push_header("References", &root, &mut out);
            mime::push_header("In-Reply-To", &root, &mut out);
        }
        mime::push_header("Date", &formatted("Mon, 02 Jan 2006 15:04:05 -0700"), &mut out);
        let mut parts = Vec::new();
        if !self.text.is_empty() {
            let body = self.text.make(data).map_err(|error| format!("execute text template: {error}"))?;
            parts.push(Part { kind: "text/plain; charset=UTF-8", body });
        }
        // What mail programs like best stands last.
        if !self.html.is_empty() {
            let body = self.html.make_html(data).map_err(|error| format!("execute html template: {error}"))?;
            parts.push(Part { kind: "text/html; charset=UTF-8", body });
        }
        mime::push_alternatives(&parts, &mime::random_hex()?, &mut out);
        Ok(out)
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let from = self.from.make(&data).map_err(|error| format!("execute 'from' template: {error}"))?;
        let to = self.to.make(&data).map_err(|error| format!("execute 'to' template: {error}"))?;
        let from = mime::addresses(&from).map_err(|error| format!("parse 'from' addresses: {error}"))?;
        let [from] = from.as_slice() else {
            return Err(Refusal::for_good(format!("must be exactly one 'from' address (got: {})", from.len())));
        };
        let to = mime::addresses(&to).map_err(|error| format!("parse 'to' addresses: {error}"))?;
        let letter = self.letter(message, &data)?;
        let (server, mask) = self.account.server().await?;
        match server.deliver(Letter { from, to: &to, text: letter.as_bytes() }).await {
            Ok(answer) => Ok(Receipt { answer: mask.text(&answer) }),
            Err(error) => Err(Refusal { reason: mask.text(&error.reason), may_retry: !error.is_final, after: None }),
        }
    }
}

channel!(Email);
