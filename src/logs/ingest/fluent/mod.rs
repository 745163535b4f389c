//! Fluent's forward protocol, version 1: Fluent Bit, Fluentd and Docker's `fluentd` driver send it.
//!
//! [`msgpack`] reads values, [`message`] finds events in messages and [`event`] makes lines of them, [`chunks`] knows what came
//! before, [`greeting`] lets in who knows the key, [`serve`] listens and acknowledges.

mod chunks;
mod event;
mod greeting;
pub mod message;
pub mod msgpack;
pub mod serve;

use crate::base::secret::Secret;
use crate::logs::ingest::listen::Address;

/// Where to listen, and what senders must know.
#[derive(Debug, Clone)]
pub struct FluentSource {
    /// Where.
    pub address: Address,
    /// The shared key; empty if senders need none.
    pub shared_key: Secret,
}
