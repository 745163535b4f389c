//! Any service over HTTP: method, address, headers and body as the configuration writes them.

use ::http::Method;
use ::http::header::{CONTENT_TYPE, HeaderName};

use super::http::Outgoing;
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::{Receipt, Refusal, channel};
use crate::alerts::config::channel::own;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::Text;
use crate::base::secret::Secret;

/// A request of the user's making.
pub(super) struct OwnHttp {
    base: Base,
    method: Method,
    url: Text,
    /// Instead of it, a file.
    url_file: Option<Source>,
    headers: Vec<(HeaderName, Text)>,
    body: Text,
}

impl OwnHttp {
    /// Reads its texts.
    pub fn open(config: &own::Http, opening: &mut Opening<'_>) -> Option<Self> {
        let base = opening.base(config.http_config.as_deref(), config.timeout)?;
        let mut headers = Vec::new();
        for (name, written) in &config.headers {
            headers.push((HeaderName::from_bytes(name.as_bytes()).ok()?, opening.text(&format!("headers.{name}"), written)));
        }
        Some(Self {
            base,
            method: Method::from_bytes(config.method.as_bytes()).ok()?,
            url: opening.text("url", config.url.0.expose()),
            url_file: (!config.url_file.is_empty()).then(|| Source::of(&config.url.0, &config.url_file)),
            headers,
            body: opening.text("body", &config.body),
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let url = match &self.url_file {
            Some(file) => file.read("url").await?,
            None => Secret::new(self.url.make(&data)?),
        };
        let mut outgoing = Outgoing::new(self.method.clone(), url.expose());
        if self.method != Method::GET {
            let body = self.body.make(&data)?;
            let has_kind = self.headers.iter().any(|(name, _)| *name == CONTENT_TYPE);
            let kind = if body.trim_start().starts_with(['{', '[']) { "application/json" } else { "text/plain; charset=utf-8" };
            outgoing = if has_kind { outgoing.with_bytes(body.into_bytes()) } else { outgoing.with_body(kind, body.into_bytes()) };
        }
        for (name, text) in &self.headers {
            outgoing = outgoing.header(name.clone(), text.make(&data)?);
        }
        let answer = self.base.http.send(outgoing, &Mask::of_urls([&url])).await?;
        Ok(answer.check()?.receipt())
    }
}

channel!(OwnHttp);
