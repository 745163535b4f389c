//! An alert as a rule sees it.

use crate::series::labels::Labels;

/// The state of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Was firing, is over.
    Inactive,
    /// The condition holds, but not for long enough yet.
    Pending,
    /// On.
    Firing,
}

impl State {
    /// As the API and the label `alertstate` write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }

    /// The state of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Inactive, Self::Pending, Self::Firing].into_iter().find(|state| state.as_str() == text)
    }
}

/// One alert of a rule. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Names it, `alertname` included.
    pub labels: Labels,
    /// Texts for people, as they were made last.
    pub annotations: Vec<(String, String)>,
    /// The state.
    pub state: State,
    /// What the expression gave last.
    pub value: f64,
    /// Since when the condition holds.
    pub active_at: i64,
    /// When it began to fire.
    pub fired_at: Option<i64>,
    /// When it ended.
    pub resolved_at: Option<i64>,
    /// When the condition ended, while it is kept firing.
    pub keep_firing_since: Option<i64>,
    /// When it was last handed to routing.
    pub last_sent_at: Option<i64>,
    /// Until when routing may take it as on without hearing of it again.
    pub valid_until: i64,
}

impl Alert {
    /// One whose condition holds from `now` on.
    pub const fn pending(labels: Labels, now: i64) -> Self {
        Self {
            labels,
            annotations: Vec::new(),
            state: State::Pending,
            value: 0.0,
            active_at: now,
            fired_at: None,
            resolved_at: None,
            keep_firing_since: None,
            last_sent_at: None,
            valid_until: 0,
        }
    }
}
