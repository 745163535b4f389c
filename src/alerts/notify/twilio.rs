//! Twilio: text messages, and calls in which a voice reads the message. Source: Twilio's reference of messages and calls.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use ::http::Method;
use ::http::header::AUTHORIZATION;
use base64::Engine;
use parking_lot::Mutex;
use serde_json::Value as Json;

use super::http::Outgoing;
use super::opening::{Base, Opening};
use super::secret::{Mask, Source};
use super::{Receipt, Refusal, channel, truncate};
use crate::alerts::config::channel::own;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::Text;
use crate::base::secret::Secret;
use crate::platform::config::value::{GoDuration, HttpUrl};

/// Twilio's limit of a text message.
const SMS_CHARS_MAX: usize = 1600;
/// What is read in half a minute or so.
const SPOKEN_CHARS_MAX: usize = 500;
/// Groups of which is remembered who was told.
const GROUPS_MAX: usize = 10_000;
/// How often a voice reads it.
const READ_TIMES: usize = 2;

/// Twilio.
pub(super) struct Twilio {
    base: Base,
    url: String,
    /// The account or the key that signs in.
    user: String,
    token: Source,
    is_call: bool,
    from: String,
    to: Vec<Text>,
    message: Text,
    language: String,
    /// Who was told already, by group.
    told: Mutex<HashMap<Arc<str>, Told>>,
}

/// When a message was made, and the numbers it reached.
type Told = (i64, BTreeSet<String>);

impl Twilio {
    /// Reads its texts.
    pub fn open(config: &own::Twilio, opening: &mut Opening<'_>) -> Option<Self> {
        let base = opening.base(config.http_config.as_deref(), GoDuration::default())?;
        let api = config.api_url.as_ref().map(HttpUrl::with_slash)?;
        let is_call = config.mode == "call";
        let what = if is_call { "Calls" } else { "Messages" };
        let user = if config.api_key_sid.is_empty() { &config.account_sid } else { &config.api_key_sid };
        Some(Self {
            base,
            url: format!("{}2010-04-01/Accounts/{}/{what}.json", api.expose(), config.account_sid),
            user: user.clone(),
            token: Source::of(&config.auth_token, &config.auth_token_file),
            is_call,
            from: config.from.clone(),
            to: config.to.iter().map(|to| opening.text("to", to)).collect(),
            message: opening.text("message", &config.message),
            language: config.language.clone(),
            told: Mutex::default(),
        })
    }

    /// What is said, as Twilio wants it for a call.
    fn spoken(&self, text: &str) -> String {
        let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        let language = if self.language.is_empty() { String::new() } else { format!(" language=\"{}\"", escape(&self.language)) };
        let said = format!("<Say{language}>{}</Say>", escape(text));
        format!("<Response>{}</Response>", vec![said; READ_TIMES].join("<Pause length=\"1\"/>"))
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let text = truncate::to_chars(self.message.make(&data)?, if self.is_call { SPOKEN_CHARS_MAX } else { SMS_CHARS_MAX });
        let numbers = self.to.iter().map(|to| to.make(&data)).collect::<Result<BTreeSet<String>, _>>()?;
        let token = self.token.read("auth_token").await?;
        let mut receipt = Receipt { answer: "everybody was told before".to_owned() };
        for number in numbers.into_iter().filter(|number| !number.trim().is_empty()) {
            if self.was_told(message, &number) {
                continue;
            }
            receipt = self.tell_one(number.trim(), &text, &token).await?;
            if let Some((_, numbers)) = self.told.lock().get_mut(&message.group_key) {
                numbers.insert(number);
            }
        }
        Ok(receipt)
    }

    /// Whether an earlier try reached somebody, who is then not told twice because of the others.
    fn was_told(&self, message: &Message, number: &str) -> bool {
        let mut told = self.told.lock();
        if told.len() >= GROUPS_MAX && !told.contains_key(&message.group_key) {
            told.clear();
        }
        let (at, numbers) = told.entry(Arc::clone(&message.group_key)).or_default();
        if *at != message.at {
            (*at, *numbers) = (message.at, BTreeSet::new());
        }
        numbers.contains(number)
    }

    async fn tell_one(&self, number: &str, text: &str, token: &Secret) -> Result<Receipt, Refusal> {
        let sender = if !self.is_call && self.from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
        let content = if self.is_call { ("Twiml", self.spoken(text)) } else { ("Body", text.to_owned()) };
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", self.user, token.expose()));
        let outgoing = Outgoing::new(Method::POST, &self.url)
            .with_form([("To", number.to_owned()), (sender, self.from.clone()), content])
            .header(AUTHORIZATION, format!("Basic {pair}"));
        let answer = self.base.http.send(outgoing, &Mask::of([token])).await?;
        let json: Json = serde_json::from_str(&answer.body).unwrap_or_default();
        let said = json.get("message").and_then(Json::as_str).map(str::to_owned);
        let mut receipt = answer.check_with(&[], said).map_err(|refusal| refusal.during(&format!("to {number}")))?.receipt();
        if let Some(sid) = json.get("sid").and_then(Json::as_str) {
            receipt.answer = truncate::shown(&format!("to {number}: {sid}"), 200);
        }
        Ok(receipt)
    }
}

channel!(Twilio);
