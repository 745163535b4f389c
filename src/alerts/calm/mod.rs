//! What people set so that alerts stay calm: silences that come again, dependencies, escalations, rotas of who is on call,
//! caps, damping of flapping; and who takes care of an alert.
//!
//! Values and what follows from them at an instant; no clock, no disk. [`crate::alerts::dispatch`] acts on them.

pub mod cap;
pub mod escalation;
pub mod flap;
pub mod handling;
pub mod recurrence;
pub mod rota;
pub mod rule;
pub mod wire;

pub use cap::Window;
pub use flap::Flaps;
pub use handling::{Acknowledged, Deed, Handling, Note};
pub use rota::Turn;
pub use rule::{CalmKind, CalmRule, Cap, Dependency, Escalation, Flapping, Member, Override, RecurringSilence, Rota, Step};

/// A rule that people made, with its name and who changed it last.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Names it for good: in the form of RFC 9562, version 4.
    pub id: String,
    /// What it says.
    pub rule: CalmRule,
    /// Who changed it last.
    pub changed_by: String,
    /// When that was, in milliseconds since the Unix epoch.
    pub changed_at: i64,
}

/// All that is set, in order of kind and title.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Calm {
    /// Every rule.
    pub rules: Vec<Named>,
}

impl Calm {
    /// Those with these rules, in order.
    pub fn new(mut rules: Vec<Named>) -> Self {
        rules.sort_by(|a, b| (a.rule.kind(), a.rule.title(), &a.id).cmp(&(b.rule.kind(), b.rule.title(), &b.id)));
        Self { rules }
    }

    /// Silences that come again.
    pub fn recurring(&self) -> impl Iterator<Item = (&Named, &RecurringSilence)> {
        self.rules.iter().filter_map(|named| if let CalmRule::RecurringSilence(rule) = &named.rule { Some((named, rule)) } else { None })
    }

    /// Which alerts keep back which.
    pub fn dependencies(&self) -> impl Iterator<Item = (&Named, &Dependency)> {
        self.rules.iter().filter_map(|named| if let CalmRule::Dependency(rule) = &named.rule { Some((named, rule)) } else { None })
    }

    /// Whom to tell when nobody takes care.
    pub fn escalations(&self) -> impl Iterator<Item = (&Named, &Escalation)> {
        self.rules.iter().filter_map(|named| if let CalmRule::Escalation(rule) = &named.rule { Some((named, rule)) } else { None })
    }

    /// Who is on call.
    pub fn rotas(&self) -> impl Iterator<Item = (&Named, &Rota)> {
        self.rules.iter().filter_map(|named| if let CalmRule::Rota(rule) = &named.rule { Some((named, rule)) } else { None })
    }

    /// How many messages a receiver is told.
    pub fn caps(&self) -> impl Iterator<Item = (&Named, &Cap)> {
        self.rules.iter().filter_map(|named| if let CalmRule::Cap(rule) = &named.rule { Some((named, rule)) } else { None })
    }

    /// Damping of alerts that come and go.
    pub fn flapping(&self) -> impl Iterator<Item = (&Named, &Flapping)> {
        self.rules.iter().filter_map(|named| if let CalmRule::Flapping(rule) = &named.rule { Some((named, rule)) } else { None })
    }
}
