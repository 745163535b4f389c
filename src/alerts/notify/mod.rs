//! Channels: how a message leaves the house. One file for each kind.
//!
//! [`open`] makes them from the routing configuration. A channel tells a group once for each call; whoever calls it
//! bounds the time of all tries, and tries again where [`Refusal::may_retry`] says so. Secrets that stand in files are
//! read at each use; no secret stands in a [`Receipt`] or a [`Refusal`].

mod account;
mod discord;
mod email;
mod googlechat;
mod gotify;
mod http;
mod incidentio;
mod jira;
mod letters;
mod matrix;
mod mattermost;
mod mime;
mod msteams;
mod msteamsv2;
mod ntfy;
mod opening;
mod opsgenie;
mod own_http;
mod pagerduty;
mod pushover;
mod rocketchat;
mod secret;
mod sigv4;
mod slack;
mod sns;
mod telegram;
#[cfg(test)]
mod tests;
mod tree;
mod truncate;
mod twilio;
mod victorops;
mod webex;
mod webhook;
mod wechat;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::alerts::config::Integration;
use crate::alerts::model::message::Message;

pub use letters::Letters;
pub use opening::{Around, Channels, open};

/// The end of a try.
pub type Telling<'a> = Pin<Box<dyn Future<Output = Result<Receipt, Refusal>> + Send + 'a>>;

/// A way to tell somebody.
pub trait Channel: Send + Sync {
    /// Its kind and its number in the receiver.
    fn integration(&self) -> Integration;

    /// Tells a group, once; the caller bounds the time and tries again.
    fn tell<'a>(&'a self, message: &'a Message) -> Telling<'a>;
}

/// A message that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// What the other side said, shortened, without secrets: for "send test" and the history.
    pub answer: String,
}

/// A message that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// In the words of upstream, without secrets.
    pub reason: String,
    /// Whether another try may go better.
    pub may_retry: bool,
    /// How long the other side asked to wait.
    pub after: Option<Duration>,
}

impl Refusal {
    /// One that another try meets again.
    fn for_good(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), may_retry: false, after: None }
    }

    /// One that another try may not meet.
    fn for_now(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), may_retry: true, after: None }
    }

    /// Says what was being done.
    fn during(mut self, what: &str) -> Self {
        self.reason = format!("{what}: {}", self.reason);
        self
    }
}

/// What is wrong with a text is wrong at every try.
impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self::for_good(reason)
    }
}

/// A group's name in a form that every service takes: SHA-256 in hexadecimal digits.
fn key_hash(message: &Message) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(message.group_key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// From so many alerts on, making texts keeps a thread busy for long enough to matter to others.
const HEAVY_ALERTS: usize = 200;

/// A telling that makes long texts.
struct Heavy<'a>(Telling<'a>);

impl Future for Heavy<'_> {
    type Output = Result<Receipt, Refusal>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        tokio::task::block_in_place(|| self.0.as_mut().poll(context))
    }
}

/// Lets the thread's other work go on elsewhere if the message is a long one.
fn aside<'a>(message: &Message, telling: Telling<'a>) -> Telling<'a> {
    let has_threads = || Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if message.alerts.len() >= HEAVY_ALERTS && has_threads() { Box::pin(Heavy(telling)) } else { telling }
}

/// Makes a channel of a type that has a `base` and tells with `send`.
macro_rules! channel {
    ($type:ident) => {
        impl $crate::alerts::notify::Channel for $type {
            fn integration(&self) -> $crate::alerts::config::Integration {
                self.base.integration
            }

            fn tell<'a>(&'a self, message: &'a $crate::alerts::model::message::Message) -> $crate::alerts::notify::Telling<'a> {
                $crate::alerts::notify::aside(message, Box::pin(self.send(message)))
            }
        }
    };
}
use channel;
