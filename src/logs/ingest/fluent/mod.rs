//! Fluent's forward protocol, version 1: Fluent Bit, Fluentd and Docker's `fluentd` driver send it.
//!
//! [`msgpack`] reads values, [`event`] finds events in messages, [`serve`] listens, greets and acknowledges.

pub mod event;
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
