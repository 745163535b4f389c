//! Channels: how a message leaves the house. One file for each kind.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::alerts::config::Integration;
use crate::alerts::model::message::Message;

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
