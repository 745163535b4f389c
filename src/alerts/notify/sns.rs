//! Amazon SNS: `Publish`, signed with version 4 of Amazon's signatures. Source: Amazon's references of SNS and of signing.

use ::http::Method;
use ::http::header::{AUTHORIZATION, HeaderName};

use super::http::{Outgoing, form};
use super::opening::{Base, Opening};
use super::secret::Mask;
use super::{Receipt, Refusal, channel, key_hash};
use crate::alerts::config::channel::plain;
use crate::alerts::model::message::Message;
use crate::alerts::template::message::{MessageData, Text};
use crate::base::clock::SharedClock;
use crate::base::secret::Secret;

use super::sigv4::{Request, sign};

/// Amazon's limits of a message: of most, and to phones.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;
const PHONE_BYTES_MAX: usize = 1600;

/// Amazon SNS.
pub(super) struct Sns {
    base: Base,
    url: Text,
    region: String,
    access_key: String,
    secret_key: Secret,
    topic: Text,
    phone: Text,
    target: Text,
    subject: Text,
    message: Text,
    attributes: Vec<(Text, Text)>,
    clock: SharedClock,
}

impl Sns {
    /// Reads its texts.
    pub fn open(config: &plain::Sns, opening: &mut Opening<'_>) -> Option<Self> {
        let base = opening.base(config.http_config.as_deref(), Default::default())?;
        let sigv4 = config.sigv4.as_deref().cloned().unwrap_or_default();
        let variable = |names: &[&str]| names.iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default();
        let or = |own: &str, names: &[&str]| if own.is_empty() { variable(names) } else { own.to_owned() };
        let access_key = or(&sigv4.access_key, &["AWS_ACCESS_KEY_ID"]);
        let secret_key = Secret::new(or(sigv4.secret_key.expose(), &["AWS_SECRET_ACCESS_KEY"]));
        let region = or(&sigv4.region, &["AWS_REGION", "AWS_DEFAULT_REGION"]);
        for (is_wrong, message) in [
            (!sigv4.role_arn.is_empty(), "sigv4.role_arn is not supported, set access_key and secret_key"),
            (!sigv4.profile.is_empty(), "sigv4.profile is not supported, set access_key and secret_key"),
            (region.is_empty(), "region not configured in sns.sigv4.region or in AWS_REGION"),
            (
                access_key.is_empty() || secret_key.is_empty(),
                "no credentials in sigv4.access_key and sigv4.secret_key or in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            ),
        ] {
            if is_wrong {
                opening.problem("", message);
            }
        }
        let attributes = config.attributes.iter().map(|(name, written)| {
            let text = opening.text(&format!("attributes.{name}"), written);
            (opening.text("attributes", name), text)
        });
        let attributes = attributes.collect();
        Some(Self {
            base,
            url: opening.text("api_url", &config.api_url),
            region,
            access_key,
            secret_key,
            topic: opening.text("topic_arn", &config.topic_arn),
            phone: opening.text("phone_number", &config.phone_number),
            target: opening.text("target_arn", &config.target_arn),
            subject: opening.text("subject", &config.subject),
            message: opening.text("message", &config.message),
            attributes,
            clock: opening.clock(),
        })
    }

    fn form(&self, message: &Message, data: &MessageData) -> Result<String, String> {
        let mut pairs: Vec<(String, String)> =
            vec![("Action".to_owned(), "Publish".to_owned()), ("Version".to_owned(), "2010-03-31".to_owned())];
        let mut attributes =
            self.attributes.iter().map(|(name, text)| Ok((name.make(data)?, text.make(data)?))).collect::<Result<Vec<_>, String>>()?;
        let topic = self.topic.make(data)?;
        if topic.ends_with(".fifo") {
            pairs.push(("MessageDeduplicationId".to_owned(), key_hash(message)));
            pairs.push(("MessageGroupId".to_owned(), key_hash(message)));
        }
        let mut text = self.message.make(data)?;
        let bytes_max = if self.phone.is_empty() { MESSAGE_BYTES_MAX } else { PHONE_BYTES_MAX };
        if text.len() > bytes_max {
            let end = (0..=bytes_max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
            attributes.push(("truncated".to_owned(), "true".to_owned()));
        }
        attributes.sort();
        for (number, (name, value)) in (1..).zip(attributes) {
            let prefix = format!("MessageAttributes.entry.{number}");
            pairs.push((format!("{prefix}.Name"), name));
            pairs.push((format!("{prefix}.Value.DataType"), "String".to_owned()));
            pairs.push((format!("{prefix}.Value.StringValue"), value));
        }
        pairs.push(("Message".to_owned(), text));
        let subject = self.subject.make(data)?;
        for (name, value) in
            [("Subject", subject), ("TopicArn", topic), ("PhoneNumber", self.phone.make(data)?), ("TargetArn", self.target.make(data)?)]
        {
            if !value.is_empty() {
                pairs.push((name.to_owned(), value));
            }
        }
        Ok(form(pairs.iter().map(|(name, value)| (name.as_str(), value.clone()))))
    }

    async fn send(&self, message: &Message) -> Result<Receipt, Refusal> {
        let data = self.base.data(message)?;
        let body = self.form(message, &data)?;
        let written = self.url.make(&data)?;
        let url = if written.is_empty() { format!("https://sns.{}.amazonaws.com/", self.region) } else { written };
        let mut parsed = url::Url::parse(&url).map_err(|error| Refusal::for_good(format!("api_url: {error}")))?;
        if !parsed.path().ends_with('/') {
            parsed.set_path(&format!("{}/", parsed.path()));
        }
        let request = Request {
            url: &parsed,
            body: body.as_bytes(),
            content_type: "application/x-www-form-urlencoded; charset=utf-8",
            region: &self.region,
            service: "sns",
            now_ms: self.clock.now_ms(),
        };
        let signed = sign(&request, &self.access_key, self.secret_key.expose());
        let outgoing = Outgoing::new(Method::POST, parsed.as_str())
            .with_body(request.content_type, body.clone().into_bytes())
            .header(HeaderName::from_static("x-amz-date"), signed.date)
            .header(AUTHORIZATION, signed.authorization);
        let answer = self.base.http.send(outgoing, &Mask::of([&self.secret_key])).await?;
        let said = element(&answer.body, "Message").map(str::to_owned);
        Ok(answer.check_with(&[], said)?.receipt())
    }
}

/// The text of an element of XML.
fn element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (_, behind) = xml.split_once(&format!("<{name}>"))?;
    behind.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

channel!(Sns);
