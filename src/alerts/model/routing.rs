//! The routing configuration without its receivers: the tree of routes, and who inhibits whom, as the file says it.

use std::collections::BTreeMap;

use super::matcher::Matchers;
use crate::base::time::Duration;

/// A route as it is written; what is not set comes from its parent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RouteConfig {
    /// Where alerts go; empty for the parent's receiver.
    pub receiver: String,
    /// What groups them.
    pub group_by: Option<GroupBy>,
    /// What an alert's labels must pass, all forms of the file together.
    pub matchers: Matchers,
    /// The forms of the file, for printing it back.
    pub written: WrittenMatchers,
    /// Names of the times in which nothing is sent.
    pub mute_time_intervals: Vec<String>,
    /// Names of the times outside of which nothing is sent.
    pub active_time_intervals: Vec<String>,
    /// Whether the routes that follow are asked too after this one took an alert.
    pub goes_on: bool,
    /// Asked in order.
    pub routes: Vec<RouteConfig>,
    /// How long a new group waits for more alerts before it is sent.
    pub group_wait: Option<Duration>,
    /// How long a group waits before it tells of changes.
    pub group_interval: Option<Duration>,
    /// How long until an unchanged group is sent again.
    pub repeat_interval: Option<Duration>,
    /// Templates by name, for messages; children's count over their parents'.
    pub labels: BTreeMap<String, String>,
}

/// What groups alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupBy {
    /// Every label: each alert is its own group (`...`).
    All,
    /// These labels.
    Labels(Vec<String>),
}

/// Conditions in the forms a file may use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WrittenMatchers {
    /// `match`: equal values by label.
    pub equal: BTreeMap<String, String>,
    /// `match_re`: regular expressions by label.
    pub regex: BTreeMap<String, String>,
    /// `matchers`.
    pub matchers: Matchers,
}

/// An alert that fires keeps others from being told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InhibitRule {
    /// Its name, for people.
    pub name: String,
    /// What the labels of the alert that inhibits must pass.
    pub source: Matchers,
    /// What the labels of the inhibited alert must pass.
    pub target: Matchers,
    /// Labels that must have the same value in both; absent and empty are the same.
    pub equal: Vec<String>,
    /// The forms of the file, for printing it back.
    pub written_source: WrittenMatchers,
    /// The same of the target.
    pub written_target: WrittenMatchers,
}

impl RouteConfig {
    /// Visits the route and all below it, parents first.
    pub fn walk<'r>(&'r self, visit: &mut impl FnMut(&'r Self)) {
        visit(self);
        for route in &self.routes {
            route.walk(visit);
        }
    }
}
