//! Bringing things in from a file: what is to become of each is said before anything is kept.

use crate::ui::lang::key;

/// What is to become of something that stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It becomes one here.
    New,
    /// One of its name is there, and stays as it is.
    There,
    /// It is not taken, for this reason.
    Wrong(String),
}

impl Fate {
    /// The colour of its word.
    pub const fn class(&self) -> &'static str {
        match self {
            Self::New => "ok",
            Self::There => "",
            Self::Wrong(_) => "crit",
        }
    }

    /// Its word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::New => key("new"),
            Self::There => key("there already"),
            Self::Wrong(_) => key("not taken"),
        }
    }

    /// Why it is not taken; empty where it is.
    pub const fn why(&self) -> &str {
        if let Self::Wrong(why) = self { why.as_str() } else { "" }
    }
}
