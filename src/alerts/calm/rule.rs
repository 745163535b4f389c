//! The kinds of calm rules.

use crate::alerts::model::interval::{Interval, Location};
use crate::alerts::model::matcher::Matchers;
use crate::base::time::Duration;

/// A rule that keeps alerts calm.
#[derive(Debug, Clone, PartialEq)]
pub enum CalmRule {
    /// A silence that comes again.
    RecurringSilence(RecurringSilence),
    /// Alerts that keep others back.
    Dependency(Dependency),
    /// Whom to tell when nobody takes care.
    Escalation(Escalation),
    /// Who is on call.
    Rota(Rota),
    /// How many messages a receiver is told.
    Cap(Cap),
    /// Damping of alerts that come and go.
    Flapping(Flapping),
}

/// The kind of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CalmKind {
    /// [`RecurringSilence`].
    RecurringSilence,
    /// [`Dependency`].
    Dependency,
    /// [`Escalation`].
    Escalation,
    /// [`Rota`].
    Rota,
    /// [`Cap`].
    Cap,
    /// [`Flapping`].
    Flapping,
}

impl CalmKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::RecurringSilence, Self::Dependency, Self::Escalation, Self::Rota, Self::Cap, Self::Flapping];

    /// As addresses of the API and the database write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RecurringSilence => "recurring-silences",
            Self::Dependency => "dependencies",
            Self::Escalation => "escalations",
            Self::Rota => "rotas",
            Self::Cap => "caps",
            Self::Flapping => "flapping",
        }
    }

    /// Reads what [`Self::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl CalmRule {
    /// Which kind it is.
    pub const fn kind(&self) -> CalmKind {
        match self {
            Self::RecurringSilence(_) => CalmKind::RecurringSilence,
            Self::Dependency(_) => CalmKind::Dependency,
            Self::Escalation(_) => CalmKind::Escalation,
            Self::Rota(_) => CalmKind::Rota,
            Self::Cap(_) => CalmKind::Cap,
            Self::Flapping(_) => CalmKind::Flapping,
        }
    }

    /// The receivers that it names.
    pub fn receivers(&self) -> Vec<&str> {
        match self {
            Self::RecurringSilence(_) | Self::Dependency(_) | Self::Flapping(_) => Vec::new(),
            Self::Escalation(rule) => rule.steps.iter().map(|step| step.receiver.as_str()).collect(),
            Self::Rota(rule) => {
                let members = rule.members.iter().chain(rule.overrides.iter().map(|held| &held.member));
                std::iter::once(rule.receiver.as_str()).chain(members.map(|member| member.receiver.as_str())).collect()
            }
            Self::Cap(rule) => vec![&rule.receiver],
        }
    }

    /// What people call it.
    pub fn title(&self) -> &str {
        match self {
            Self::RecurringSilence(rule) => &rule.title,
            Self::Dependency(rule) => &rule.title,
            Self::Escalation(rule) => &rule.title,
            Self::Rota(rule) => &rule.title,
            Self::Cap(rule) => &rule.receiver,
            Self::Flapping(rule) => &rule.title,
        }
    }
}

/// A silence for every time of a calendar: an ordinary silence is made for each as it comes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecurringSilence {
    /// What people call it; the comment of its silences.
    pub title: String,
    /// What an alert's labels must pass.
    pub matchers: Matchers,
    /// When it is silent: inside any of these.
    pub intervals: Vec<Interval>,
}

/// While alerts of one kind fire, others are not told: an inhibition rule that is not in the file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dependency {
    /// What people call it.
    pub title: String,
    /// What the labels of the alert must pass that keeps others back.
    pub source: Matchers,
    /// What the labels of those must pass.
    pub target: Matchers,
    /// Labels that must have the same value in both.
    pub equal: Vec<String>,
}

/// Whom to tell, one after the other, as long as an alert fires and nobody acknowledged it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Escalation {
    /// What people call it.
    pub title: String,
    /// Which alerts: what their labels must pass; empty for all.
    pub matchers: Matchers,
    /// In order of time.
    pub steps: Vec<Step>,
}

/// A step of an escalation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How long the alert has to fire for this step.
    pub after: Duration,
    /// Who is told then: a receiver of the routing configuration.
    pub receiver: String,
}

/// Who is on call: people who take turns in the place of a receiver.
#[derive(Debug, Clone, PartialEq)]
pub struct Rota {
    /// What people call it.
    pub title: String,
    /// The receiver of the routing configuration in whose place they are told, besides its own channels.
    pub receiver: String,
    /// Whose clock counts for turns.
    pub location: Location,
    /// Who takes turns, in order.
    pub members: Vec<Member>,
    /// The day the first turn of the first member begins, in days since 1970-01-01.
    pub first_day: i32,
    /// When turns begin and end: minutes since midnight.
    pub hand_over: u16,
    /// Days of a turn, at least 1.
    pub turn_days: u16,
    /// Who stands in, and when; the last that holds counts.
    pub overrides: Vec<Override>,
}

/// Somebody who takes turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Their name.
    pub person: String,
    /// How they are told: a receiver of the routing configuration.
    pub receiver: String,
}

/// Somebody stands in for whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Who.
    pub member: Member,
    /// From when, in milliseconds since the Unix epoch.
    pub starts_at: i64,
    /// Until when.
    pub ends_at: i64,
}

/// How many messages the channels of a receiver are told at most; what is more comes as one digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    /// The receiver.
    pub receiver: String,
    /// How many messages of groups, at least 1.
    pub messages: u32,
    /// In how much time.
    pub within: Duration,
}

/// An alert that comes and goes often counts as on until it is quiet.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flapping {
    /// What people call it.
    pub title: String,
    /// Which alerts: what their labels must pass; empty for all.
    pub matchers: Matchers,
    /// How often an alert begins to fire before it counts as flapping, at least 2.
    pub changes: u32,
    /// In how much time.
    pub within: Duration,
    /// How long it has to be over before that is told.
    pub quiet: Duration,
}
