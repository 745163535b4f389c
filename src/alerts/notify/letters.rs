//! Letters of other parts of the server (reports, digests, updates of status pages), through the mail server of alerts.
//!
//! That is the one of `global.smtp_*`, or of the first receiver that has mail. Source: RFC 5322, 2045, 2387.

use mail_builder::MessageBuilder;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::MimePart;

use super::Refusal;
use super::account::Account;
use super::mime;
use crate::alerts::config::RoutingConfig;
use crate::alerts::config::channel::Channel as _;
use crate::alerts::config::channel::mail::Email;
use crate::platform::mail::Letter;
use crate::series::ports::{Mail, MailFile};

/// Addresses of one letter at most.
const ADDRESSES_MAX: usize = 100;
/// Bytes of one letter at most, before they are written for the wire.
const BYTES_MAX: usize = 20 * 1024 * 1024;

/// Where letters are sent through, and who sends them.
#[derive(Debug, Clone)]
pub struct Letters {
    account: Account,
    from: String,
    host: String,
}

impl Letters {
    /// Through the server that a configuration names; none where it names none, or where that cannot be used.
    pub fn of(config: &RoutingConfig) -> Option<Self> {
        let mut usual = Email::default();
        let of_global = usual.inherit(&config.global).is_ok().then_some(&usual);
        let email = of_global.or_else(|| config.receivers.iter().flat_map(|receiver| &receiver.email).next())?;
        let account = Account::of(email).ok()?;
        // A template as a sender is a channel's own affair.
        let from = mime::addresses(&email.from).ok()?.into_iter().next()?;
        let host = from.rsplit_once('@')?.1.to_owned();
        Some(Self { account, from, host })
    }

    /// Sends a letter.
    ///
    /// # Errors
    /// Why it was not taken, without secrets.
    pub async fn send(&self, mail: Mail, at_s: i64) -> Result<(), Refusal> {
        let text = self.written(&mail, at_s).map_err(Refusal::for_good)?;
        let (server, mask) = self.account.server().await?;
        let letter = Letter { from: &self.from, to: &mail.to, text: &text };
        let refused =
            |error: crate::platform::mail::MailError| Refusal { reason: mask.text(&error.reason), may_retry: !error.is_final, after: None };
        server.deliver(letter).await.map(drop).map_err(refused)
    }

    /// The letter as it goes over the wire.
    fn written(&self, mail: &Mail, at_s: i64) -> Result<Vec<u8>, String> {
        if mail.to.is_empty() || mail.to.len() > ADDRESSES_MAX {
            return Err(format!("a letter goes to 1 to {ADDRESSES_MAX} addresses"));
        }
        let bytes = mail.text.len() + mail.html.len() + mail.files.iter().map(|file| file.bytes.len()).sum::<usize>();
        if bytes > BYTES_MAX {
            return Err(format!("a letter of {bytes} bytes is larger than {BYTES_MAX}"));
        }
        let id = if mail.id.is_empty() { format!("{at_s}.{}", mime::random_hex()?) } else { mail.id.clone() };
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-') {
            return Err(format!("{id:?} is no name of a letter"));
        }
        let mut letter = MessageBuilder::new()
            .message_id(format!("{id}@{}", self.host))
            .date(at_s)
            .from(self.from.clone())
            .to(mail.to.clone())
            .subject(one_line(&mail.subject));
        for (name, value) in &mail.headers {
            if !mime::is_header_name(name) {
                return Err(format!("{name:?} is no name of a header"));
            }
            letter = letter.header(name.clone(), Raw::new(one_line(value)));
        }
        letter.body(body(mail)).write_to_vec().map_err(|error| error.to_string())
    }
}

/// A line break in a header would begin another.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control()).collect::<Vec<_>>().join(" ")
}

/// Text and HTML as alternatives, the HTML with its pictures; files beside them.
fn body(mail: &Mail) -> MimePart<'_> {
    let (shown, attached): (Vec<&MailFile>, Vec<&MailFile>) = mail.files.iter().partition(|file| !file.content_id.is_empty());
    let text = MimePart::new("text/plain", mail.text.as_str());
    let mut body = text;
    if !mail.html.is_empty() {
        let mut html = MimePart::new("text/html", mail.html.as_str());
        if !shown.is_empty() {
            let pictures = shown.into_iter().map(|file| part(file).inline().cid(file.content_id.as_str()));
            html = MimePart::new("multipart/related", std::iter::once(html).chain(pictures).collect::<Vec<_>>());
        }
        // What mail programs like best stands last.
        body = MimePart::new("multipart/alternative", vec![body, html]);
    }
    if attached.is_empty() {
        return body;
    }
    let files = attached.into_iter().map(|file| part(file).attachment(file.name.as_str()));
    MimePart::new("multipart/mixed", std::iter::once(body).chain(files).collect::<Vec<_>>())
}

fn part(file: &MailFile) -> MimePart<'_> {
    MimePart::new(file.media_type.as_str(), file.bytes.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::config::read;
    use crate::platform::config::diagnostic::Report;

    fn letters(yaml: &str) -> Option<Letters> {
        Letters::of(&read(yaml, &mut Report::new(std::path::Path::new("a.yml"))))
    }

    const GLOBAL: &str =
        "global: {smtp_smarthost: 'mail.example:587', smtp_from: 'Pharos <p@mon.example>'}\nroute: {receiver: a}\nreceivers: [{name: a}]";

    #[test]
    fn the_server_is_that_of_all_or_of_the_first_receiver_with_mail() {
        assert_eq!(letters(GLOBAL).unwrap().from, "p@mon.example");
        let own = "route: {receiver: a}\nreceivers: [{name: a, email_configs: [{to: x@y, from: b@c, smarthost: 'm:25'}]}]";
        assert_eq!(letters(own).unwrap().from, "b@c");
        assert!(letters("route: {receiver: a}\nreceivers: [{name: a}]").is_none());
    }

    #[test]
    fn a_letter_has_alternatives_pictures_and_files() {
        let file = |name: &str, cid: &str| MailFile {
            name: name.to_owned(),
            media_type: "image/png".to_owned(),
            content_id: cid.to_owned(),
            bytes: vec![1, 2, 3],
        };
        let mail = Mail {
            id: String::new(),
            to: vec!["a@b".to_owned()],
            subject: "Ümläut\r\nBcc: evil@x".to_owned(),
            text: "Hello".to_owned(),
            html: "<b>Hello</b>".to_owned(),
            headers: vec![("List-Unsubscribe".to_owned(), "<https://x/u>\r\nBcc: evil@x".to_owned())],
            files: vec![file("chart.png", "c1"), file("report.pdf", "")],
        };
        let text = String::from_utf8(letters(GLOBAL).unwrap().written(&mail, 1_763_714_000).unwrap()).unwrap();
        for expected in
            ["multipart/mixed", "multipart/alternative", "multipart/related", "<c1>", "report.pdf", "From: <p@mon.example>", "To: <a@b>"]
        {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert!(!text.lines().any(|line| line.starts_with("Bcc:")), "{text}");
        let id_of = |mail: &Mail| {
            let text = String::from_utf8(letters(GLOBAL).unwrap().written(mail, 1_763_714_000).unwrap()).unwrap();
            text.lines().find_map(|line| line.strip_prefix("Message-ID: ")).unwrap().to_owned()
        };
        assert_ne!(id_of(&mail), id_of(&mail));
        let named = Mail { id: "report.7-a".to_owned(), ..mail.clone() };
        assert_eq!((id_of(&named), id_of(&named)), ("<report.7-a@mon.example>".to_owned(), "<report.7-a@mon.example>".to_owned()));
        assert!(letters(GLOBAL).unwrap().written(&Mail { id: "a>\r\nBcc: x".to_owned(), ..mail.clone() }, 0).is_err());
        let nobody = Mail { to: Vec::new(), ..mail };
        assert!(letters(GLOBAL).unwrap().written(&nobody, 0).is_err());
    }
}
