//! How checks do.

/// Says how checks do, for the front page.
pub trait ChecksNow: Send + Sync {
    /// The worst first, at most so many, and how many there are in all.
    fn checks(&self, limit: usize) -> ChecksInAll;
}

/// How checks do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChecksInAll {
    /// Checks that are up.
    pub up: usize,
    /// Checks that are down.
    pub down: usize,
    /// All, those included that are paused or of which nothing is known.
    pub all: usize,
    /// The worst of them.
    pub worst: Vec<CheckNow>,
}

/// How a check does.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckNow {
    /// Its name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// Whether it is up; none if that is not known, or nobody wants to know.
    pub is_up: Option<bool>,
    /// Why it is down, in words; empty when it is not.
    pub cause: String,
    /// Its newest results, the oldest first: whether each was good.
    pub recent: Vec<bool>,
    /// How long the newest took, in seconds.
    pub took_s: Option<f64>,
}
