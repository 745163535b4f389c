//! What a channel is told of a group: everything a message is made from.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::routed::RoutedAlert;
use crate::base::time::Duration;
use crate::series::labels::Labels;

/// A group as one receiver is told of it. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The receiver's name.
    pub receiver: Arc<str>,
    /// The group's name everywhere.
    pub group_key: Arc<str>,
    /// The labels that name the group.
    pub group_labels: Labels,
    /// Templates by name that the route has for messages.
    pub route_labels: BTreeMap<String, String>,
    /// The alerts to tell, in the order of messages; those that fire have no end.
    pub alerts: Vec<RoutedAlert>,
    /// When it is told.
    pub at: i64,
    /// Why it is told, in the words of the notification log.
    pub reason: &'static str,
    /// How often the group tells of changes.
    pub group_interval: Duration,
    /// How often an unchanged group is told again.
    pub repeat_interval: Duration,
}

impl Message {
    /// Whether anything of it still fires.
    pub fn fires(&self) -> bool {
        self.alerts.iter().any(|alert| !alert.is_resolved_at(self.at))
    }
}
