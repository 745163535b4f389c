//! A time in which a check was down, and why, in words.

use super::outcome::{FailureKind, Outcome};

/// Characters of a cause or an excerpt that are kept.
pub const TEXT_MAX: usize = 2_000;

/// A time in which a check was down. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// The first result that failed. No other incident of the check begins then.
    pub from: i64,
    /// The result that confirmed it.
    pub confirmed_at: i64,
    /// When it was up again, or nobody wanted to know any more; none while it goes on.
    pub until: Option<i64>,
    /// Which part of the probe failed first.
    pub kind: FailureKind,
    /// Why, in words.
    pub cause: String,
    /// What was answered instead, or its beginning.
    pub excerpt: String,
}

impl Incident {
    /// One that begins: `first` is what failed first.
    pub fn begun(from: i64, confirmed_at: i64, first: &Outcome) -> Self {
        let (kind, cause) = match &first.failure {
            Some(failure) => (failure.kind, failure.text.as_str()),
            // Upside down: that it answers is what is wrong.
            None => (FailureKind::Content, "it answers, and should not"),
        };
        Self { from, confirmed_at, until: None, kind, cause: cut(cause), excerpt: cut(&first.excerpt) }
    }

    /// How long it lasts or lasted, in milliseconds.
    pub fn length(&self, now: i64) -> i64 {
        self.until.unwrap_or(now).saturating_sub(self.from).max(0)
    }
}

/// An incident and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentOf {
    /// The number of the check.
    pub check: i64,
    /// The incident.
    pub incident: Incident,
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}
