//! A channel of a receiver at work, and how it does.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::ChannelState;
use crate::alerts::config::Integration;
use crate::alerts::notify::Channel;
use crate::alerts::store::LogKey;

/// Messages that one channel carries at once; a slow one holds up nobody else.
const AT_ONCE_MAX: usize = 16;

/// Channels by receiver, in the order of [`crate::alerts::config::Receiver::integrations`].
pub type Channels = BTreeMap<Arc<str>, Vec<Arc<dyn Channel>>>;

/// A channel of a receiver.
pub(super) struct Line {
    /// The receiver.
    pub(super) receiver: Arc<str>,
    /// Kind and number, as `slack[0]`.
    pub(super) name: Arc<str>,
    /// The same in parts, and whether ends are told.
    pub(super) integration: Integration,
    /// How it is told.
    pub(super) channel: Arc<dyn Channel>,
    /// Places for messages under way.
    pub(super) places: Semaphore,
    /// How it does.
    pub(super) state: Arc<Mutex<ChannelState>>,
}

impl Line {
    /// The name of its line in the notification log.
    pub(super) fn log_key(&self, group_key: &Arc<str>) -> LogKey {
        LogKey { receiver: Arc::clone(&self.receiver), channel: Arc::clone(&self.name), group_key: Arc::clone(group_key) }
    }
}

/// All channels by receiver.
#[derive(Default)]
pub(super) struct Lines(BTreeMap<Arc<str>, Vec<Arc<Line>>>);

impl Lines {
    /// Those of a configuration; what is known of the ones that stay is kept.
    pub(super) fn new(channels: Channels, before: &Self) -> Self {
        let mut lines = BTreeMap::new();
        for (receiver, channels) in channels {
            let line = |channel: Arc<dyn Channel>| {
                let integration = channel.integration();
                let name: Arc<str> = format!("{}[{}]", integration.kind, integration.index).into();
                let known = before.get(&receiver).iter().find(|line| line.name == name).map(|line| Arc::clone(&line.state));
                Arc::new(Line {
                    receiver: Arc::clone(&receiver),
                    name,
                    integration,
                    channel,
                    places: Semaphore::new(AT_ONCE_MAX),
                    state: known.unwrap_or_default(),
                })
            };
            lines.insert(Arc::clone(&receiver), channels.into_iter().map(line).collect());
        }
        Self(lines)
    }

    /// Those of a receiver.
    pub(super) fn get(&self, receiver: &str) -> &[Arc<Line>] {
        self.0.get(receiver).map_or(&[], Vec::as_slice)
    }

    /// Whether there is such a receiver, with channels or without.
    pub(super) fn has(&self, receiver: &str) -> bool {
        self.0.contains_key(receiver)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Line>> {
        self.0.values().flatten()
    }
}
