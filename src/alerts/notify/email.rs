//! E-mail: text and HTML as alternatives of one letter. Source: RFC 5322, 2045 to 2047; headers as upstream sets them.

use std::time::Duration;

use super::mime::{self, Part};
use super::opening::{Base, Opening, tls_settings};
use super::secret::{Mask, Source};
use super::{Receipt, Refusal, channel, key_hash};
use crate::alerts::config::channel::mail;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::{MessageData, Text};
use crate::base::template::Moment;
use crate::platform::config::value::GoDuration;
use crate::platform::http::client::TlsSettings;
use crate::platform::mail::{Credentials, Letter, MailServer, Tls};

/// How long one try may take.
const TRY_MAX: Duration = Duration::from_secs(60);
const DEFAULT_SUBJECT: &str = "{{ template \"email.default.subject\" . }}";

/// E-mail.
pub(super) struct Email {
    base: Base,
    host: String,
    port: u16,
    hello: String,
    tls: Tls,
    tls_settings: TlsSettings,
    username: String,
    identity: String,
    password: Source,
    secret: Source,
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
        let port = match &*config.smarthost.port {
            "smtp" => Some(25),
            "smtps" | "submissions" => Some(465),
            "submission" => Some(587),
            number => number.parse().ok(),
        };
        if port.is_none() {
            opening.problem("smarthost", format!("{:?} is no port", config.smarthost.port));
        }
        let tls_settings = match tls_settings(config.tls_config.as_deref()) {
            Ok(settings) => settings,
            Err(error) => {
                opening.problem("tls_config", error);
                return None;
            }
        };
        let implicit = config.force_implicit_tls.unwrap_or(port == Some(465));
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
            host: config.smarthost.host.clone(),
            port: port?,
            hello: config.hello.clone(),
            tls: match (implicit, config.require_tls.unwrap_or(true)) {
                (true, _) => Tls::Implicit,
                (false, true) => Tls::Start,
                (false, false) => Tls::Off,
            },
            tls_settings,
            username: config.auth_username.clone(),
            identity: config.auth_identity.clone(),
            password: Source::of(&config.auth_password, &config.auth_password_file),
            secret: Source::of(&config.auth_secret, &config.auth_secret_file),
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
        let credentials = Credentials {
            username: self.username.clone(),
            identity: self.identity.clone(),
            password: self.password.read("auth_password").await?,
            secret: self.secret.read("auth_secret").await?,
        };
        let mask = Mask::of([&credentials.password, &credentials.secret]);
        let server = MailServer {
            host: self.host.clone(),
            port: self.port,
            hello: self.hello.clone(),
            tls: self.tls,
            tls_settings: self.tls_settings.clone(),
            credentials,
            timeout: TRY_MAX,
        };
        match server.deliver(Letter { from, to: &to, text: letter.as_bytes() }).await {
            Ok(answer) => Ok(Receipt { answer: mask.text(&answer) }),
            Err(error) => Err(Refusal { reason: mask.text(&error.reason), may_retry: !error.is_final, after: None }),
        }
    }
}

channel!(Email);
