//! How a check stands now: one word, its colour, a sentence.

use crate::base::human;
use crate::ui::lang::key;
use crate::ui::shell::Shell;
use crate::uptime::model::track::State;
use crate::uptime::watch::watcher::View;

/// How a check stands, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Confirmed.
    Down,
    /// It was up, and failed just now; that is being confirmed.
    Doubt,
    /// Nothing is known.
    Unknown,
    /// All holds.
    Up,
    /// Nobody wants to know.
    Paused,
}

impl Standing {
    /// Every one, the worst first.
    pub const ALL: [Self; 5] = [Self::Down, Self::Doubt, Self::Unknown, Self::Up, Self::Paused];

    /// How a check stands.
    pub const fn of(view: &View) -> Self {
        match (view.span.state, view.in_doubt_since) {
            (State::Paused, _) => Self::Paused,
            (State::Down, _) => Self::Down,
            (State::Up | State::Unknown, Some(_)) => Self::Doubt,
            (State::Unknown, None) => Self::Unknown,
            (State::Up, None) => Self::Up,
        }
    }

    /// The value of `state` in the URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Doubt => "doubt",
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Paused => "paused",
        }
    }

    /// The class of its colours.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Down => "crit",
            Self::Doubt => "warn",
            Self::Up => "ok",
            Self::Unknown | Self::Paused => "",
        }
    }

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Down => key("down"),
            Self::Doubt => key("in doubt"),
            Self::Unknown => key("unknown"),
            Self::Up => key("up"),
            Self::Paused => key("paused"),
        }
    }

    /// Its word where it begins a filter.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Down => key("Down"),
            Self::Doubt => key("In doubt"),
            Self::Unknown => key("Unknown"),
            Self::Up => key("Up"),
            Self::Paused => key("Paused"),
        }
    }
}

/// A length of time in words, from milliseconds.
pub fn length(ms: i64) -> String {
    human::span(u64::try_from(ms).unwrap_or(0))
}

/// How a check stands, since when, and why, without a full stop at the end of a foreign text.
pub fn sentence(view: &View, shell: &Shell) -> String {
    let since = length(shell.now_ms.saturating_sub(view.span.from));
    match Standing::of(view) {
        Standing::Up => shell.f1("Up for {}.", since),
        Standing::Paused => shell.f1("Paused for {}: nobody is told anything.", since),
        Standing::Down => match view.incident.as_ref().map(|incident| incident.cause.as_str()).filter(|cause| !cause.is_empty()) {
            Some(cause) => shell.f2("Down for {}: {}", since, cause),
            None => shell.f1("Down for {}.", since),
        },
        Standing::Doubt => {
            let since = length(shell.now_ms.saturating_sub(view.in_doubt_since.unwrap_or(shell.now_ms)));
            match failure(view) {
                "" => shell.f1("In doubt for {}, being confirmed.", since),
                why => shell.f2("In doubt for {}, being confirmed: {}", since, why),
            }
        }
        Standing::Unknown if view.check.heartbeat.is_some() => shell.t("Nothing was heard of it yet.").to_owned(),
        Standing::Unknown => shell.t("Nothing is known yet: the first result is on its way.").to_owned(),
    }
}

/// What the newest result failed for; empty where it did not.
pub fn failure(view: &View) -> &str {
    view.newest.as_ref().and_then(|outcome| outcome.failure.as_ref()).map_or("", |failure| failure.text.as_str())
}

/// Why a check does not stand well; empty where it does.
pub fn why(view: &View) -> &str {
    match Standing::of(view) {
        Standing::Down => view.incident.as_ref().map_or("", |incident| incident.cause.as_str()),
        Standing::Doubt => failure(view),
        Standing::Unknown | Standing::Up | Standing::Paused => "",
    }
}
