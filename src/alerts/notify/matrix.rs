//! Matrix: a message to a room, named so that a second try is no second message. Source: Matrix' client-server API.

use std::time::Duration;

use ::http::Method;
use ::http::header::AUTHORIZATION;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::http::{Answer, Outgoing};
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::{Receipt, Refusal, channel, truncate};
use crate::alerts::config::channel::own;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::Text;
use crate::base::secret::Secret;
use crate::platform::config::value::{GoDuration, HttpUrl};

/// An event has at most 64 KiB; the text stands in it twice.
const TEXT_BYTES_MAX: usize = 16 * 1024;
const HTML_BYTES_MAX: usize = 32 * 1024;
/// Longest pause that is done as asked.
const PAUSE_MAX: Duration = Duration::from_secs(3600);

/// Matrix.
pub(super) struct Matrix {
    base: Base,
    /// With a slash at its end.
    url: HttpUrl,
    token: Source,
    room: String,
    text: Text,
    html: Text,
    kind: &'static str,
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

impl Matrix {
    /// Reads its texts.
    pub fn open(config: &own::Matrix, opening: &mut Opening<'_>) -> Option<Self> {
        Some(Self {
            base: opening.base(config.http_config.as_deref(), GoDuration::default())?,
            url: config.homeserver.as_ref().map(HttpUrl::with_slash)?,
            token: Source::of(&config.access_token, &config.access_token_file),
            room: config.room.clone(),
            text: opening.text("text", &config.text),
            html: opening.text("html", &config.html),
            kind: if config.notice { "m.notice" } else { "m.text" },
        })
    }

    /// Names a message, the same at each try.
    fn transaction(&self, message: &Message) -> String {
        let integration = self.base.integration;
        let name = format!("{}\0{}\0{}\0{}", message.receiver, integration.index, message.group_key, message.at);
        Sha256::digest(name.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let mut body = json!({"msgtype": self.kind, "body": truncate::to_bytes(self.text.make(&data)?, TEXT_BYTES_MAX)});
        let html = if self.html.is_empty() { String::new() } else { self.html.make_html(&data)? };
        // HTML cannot be cut anywhere; the text alone says enough.
        if let Some(body) = body.as_object_mut().filter(|_| !html.is_empty() && html.len() <= HTML_BYTES_MAX) {
            body.insert("format".to_owned(), "org.matrix.custom.html".into());
            body.insert("formatted_body".to_owned(), html.into());
        }
        let token = self.token.read("access_token").await?;
        let base = self.url.expose();
        let room = self.room(&token).await?;
        let url = format!("{base}_matrix/client/v3/rooms/{}/send/m.room.message/{}", encoded(&room), self.transaction(message));
        Ok(self.ask(Outgoing::new(Method::PUT, &url).with_json(&body), &token).await?.receipt())
    }

    /// The room's id; an alias is looked up, as it may come to mean another room.
    async fn room(&self, token: &Secret) -> Result<String, Refusal> {
        if self.room.starts_with('!') {
            return Ok(self.room.clone());
        }
        let url = format!("{}_matrix/client/v3/directory/room/{}", self.url.expose(), encoded(&self.room));
        let answer = self.ask(Outgoing::new(Method::GET, &url), token).await?;
        let json: Json = serde_json::from_str(&answer.body).unwrap_or_default();
        let id = json.get("room_id").and_then(Json::as_str).map(str::to_owned);
        id.ok_or_else(|| Refusal::for_good(format!("the server names no room for {}", self.room)))
    }

    async fn ask(&self, outgoing: Outgoing<'_>, token: &Secret) -> Result<Answer, Refusal> {
        let outgoing = outgoing.header(AUTHORIZATION, format!("Bearer {}", token.expose()));
        let answer = self.base.http.send(outgoing, &Mask::of([token])).await?;
        let json: Json = serde_json::from_str(&answer.body).unwrap_or_default();
        let said = json.get("error").and_then(Json::as_str).map(str::to_owned);
        let pause = json.get("retry_after_ms").and_then(Json::as_u64).map(Duration::from_millis);
        answer.check_with(&[], said).map_err(|refusal| {
            let after = refusal.after.or(pause.map(|pause| pause.min(PAUSE_MAX))).filter(|_| refusal.may_retry);
            Refusal { after, ..refusal }
        })
    }
}

channel!(Matrix);
