//! A time in which a check was down, and why, in words.

use super::outcome::{FailureKind, Outcome};
use super::window::Window;

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

    /// From when until when it was, up to now; at least an instant.
    pub fn window(&self, now: i64) -> Window {
        Window::new(self.from, self.until.unwrap_or(now).max(self.from.saturating_add(1)))
    }

    /// How much of it lies in maintenance, of windows that are ascending and joined.
    pub fn overlap(&self, maintenance: &[Window], now: i64) -> Overlap {
        let whole = self.window(now);
        match maintenance.iter().map(|window| whole.common(*window).length()).sum::<i64>() {
            0 => Overlap::None,
            length if length >= whole.length() => Overlap::Whole,
            _ => Overlap::Part,
        }
    }
}

/// How much of an incident lies in maintenance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    /// Nothing.
    #[default]
    None,
    /// Some of it.
    Part,
    /// All of it.
    Whole,
}

impl Overlap {
    /// The word for it in answers and files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Part => "part",
            Self::Whole => "whole",
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_maintenance_is_all_some_or_nothing() {
        let of = |from: i64, until: Option<i64>| Incident { until, ..Incident::begun(from, from, &Outcome::default()) };
        let windows = [Window::new(10, 20), Window::new(30, 40)];
        for (incident, expected) in [
            (of(12, Some(20)), Overlap::Whole),
            (of(9, Some(20)), Overlap::Part),
            (of(15, Some(35)), Overlap::Part),
            (of(20, Some(30)), Overlap::None),
            (of(31, Some(31)), Overlap::Whole),
            (of(31, None), Overlap::Part),
            (of(60, None), Overlap::None),
        ] {
            assert_eq!(incident.overlap(&windows, 50), expected, "{incident:?}");
        }
        assert_eq!(of(31, None).overlap(&windows, 40), Overlap::Whole, "so far");
    }
}
