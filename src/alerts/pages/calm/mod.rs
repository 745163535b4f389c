//! Pages of what people set so that alerts stay calm: who is on call, escalations, dependencies, damping, caps, and
//! silences that come again.
//!
//! [`fields`] (a form as it was written) and [`read`] (what is wrong with it, or the rule) serve [`edit`], the page that
//! makes and changes any of them; [`turns`] draws whose turn it is, [`when`] says times of the calendar in words.

pub mod edit;
pub mod fields;
pub mod list;
pub mod oncall;
pub mod read;
pub mod recurring;
pub mod stand_in;
pub mod turns;
pub mod when;

use crate::alerts::calm::CalmKind;
use crate::ui::lang::key;
use crate::ui::links;

/// The page on which rules of a kind are listed.
pub const fn home_of(kind: CalmKind) -> &'static str {
    match kind {
        CalmKind::RecurringSilence => links::ALERTS_SILENCES,
        CalmKind::Rota | CalmKind::Escalation => links::ALERTS_ONCALL,
        CalmKind::Dependency | CalmKind::Cap | CalmKind::Flapping => links::ALERTS_CALM,
    }
}

/// The address of the form for a new rule of a kind, or for the one of this name.
pub fn form_of(kind: CalmKind, id: &str) -> String {
    links::with(links::ALERTS_CALM_EDIT, &[("kind", kind.as_str()), ("id", id)])
}

/// What was done, in words; `done` of the URL.
pub fn done_words(done: &str) -> &'static str {
    match done {
        "calm-saved" => key("Saved. It counts from now on."),
        "calm-deleted" => key("Deleted."),
        "taken-over" => key("Whoever takes over is told from now on."),
        "given-back" => key("The turn is as the rota says again."),
        _ => "",
    }
}
