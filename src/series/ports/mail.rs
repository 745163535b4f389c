//! Sending letters.

use std::future::Future;
use std::pin::Pin;

/// Sends letters through the mail server that is set (`global.smtp_*` of the routing file).
pub trait SendMail: Send + Sync {
    /// Whether there is a server, and an address to send from.
    fn is_set(&self) -> bool;
    /// Sends a letter; what went wrong in words.
    fn send(&self, mail: Mail) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>>;
}

/// A letter to people.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    /// Names it among all letters, in letters, digits, dots and hyphens: one that is sent twice after a mishap is known by
    /// that as the same. Empty for one that is sent once.
    pub id: String,
    /// Addresses of those who get it.
    pub to: Vec<String>,
    /// What it is about, in one line.
    pub subject: String,
    /// The letter as text.
    pub text: String,
    /// The same as HTML; empty for none.
    pub html: String,
    /// Further headers, such as `List-Unsubscribe`.
    pub headers: Vec<(String, String)>,
    /// Files that go with it. Those with a content id are pictures that the HTML shows.
    pub files: Vec<MailFile>,
}

/// A file that goes with a letter.
#[derive(Debug, Clone)]
pub struct MailFile {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// The name under which the HTML shows it (`cid:`); empty for none.
    pub content_id: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}
