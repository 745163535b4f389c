//! Silences: alerts whose labels match are not told to anyone for some time.

use super::matcher::{MatchOp, Matchers};
use crate::series::labels::Labels;

/// A silence. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Silence {
    /// Names it for good; changes of what it hits make a new one.
    pub id: String,
    /// What an alert's labels must pass; all of them.
    pub matchers: Matchers,
    /// When it begins.
    pub starts_at: i64,
    /// When it is over.
    pub ends_at: i64,
    /// When it was changed last.
    pub updated_at: i64,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// Further texts by name, sorted.
    pub annotations: Vec<(String, String)>,
}

/// Where a silence stands in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SilenceState {
    /// Silences now.
    Active,
    /// Has not begun.
    Pending,
    /// Is over.
    Expired,
}

impl SilenceState {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Expired => "expired",
        }
    }
}

/// A silence that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SilenceError {
    /// It would hit everything, as if by accident.
    #[error("at least one matcher is required")]
    NoMatchers,
    /// Every matcher passes alerts that do not have the label.
    #[error("at least one matcher must not match the empty string")]
    MatchesEverything,
    /// A matcher has no label.
    #[error("invalid label name \"\" in a matcher")]
    NoName,
    /// It ends before it begins.
    #[error("end time must not be before start time")]
    EndsBeforeStart,
    /// It would be over at once.
    #[error("end time must not be in the past")]
    EndsInThePast,
}

impl Silence {
    /// Where it stands at an instant.
    pub const fn state(&self, now: i64) -> SilenceState {
        if now < self.starts_at {
            SilenceState::Pending
        } else if now < self.ends_at {
            SilenceState::Active
        } else {
            SilenceState::Expired
        }
    }

    /// Whether it silences an alert with these labels at an instant.
    pub fn silences(&self, labels: &Labels, now: i64) -> bool {
        self.state(now) == SilenceState::Active && self.matchers.matches(labels)
    }

    /// Whether it can be made at `now`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, now: i64) -> Result<(), SilenceError> {
        check_matchers(&self.matchers)?;
        if self.ends_at < self.starts_at {
            return Err(SilenceError::EndsBeforeStart);
        }
        if self.ends_at < now {
            return Err(SilenceError::EndsInThePast);
        }
        Ok(())
    }

    /// Whether `self` hits the same alerts from the same start as `other`, so that it may take its place under the
    /// same name.
    pub fn may_replace(&self, other: &Self, now: i64) -> bool {
        if self.matchers != other.matchers {
            return false;
        }
        match other.state(now) {
            SilenceState::Active => self.starts_at == other.starts_at && self.ends_at >= now,
            SilenceState::Pending => self.starts_at >= now,
            SilenceState::Expired => false,
        }
    }
}

/// Whether a silence may have these matchers.
///
/// # Errors
/// What is wrong with them.
pub fn check_matchers(matchers: &Matchers) -> Result<(), SilenceError> {
    if matchers.is_empty() {
        return Err(SilenceError::NoMatchers);
    }
    if matchers.iter().any(|matcher| matcher.name.is_empty()) {
        return Err(SilenceError::NoName);
    }
    let passes_all = matchers.iter().all(|matcher| match matcher.op {
        MatchOp::Equal | MatchOp::Regex => matcher.matches(""),
        // As upstream, a matcher that excludes something was written on purpose.
        MatchOp::NotEqual | MatchOp::NotRegex => false,
    });
    if passes_all {
        return Err(SilenceError::MatchesEverything);
    }
    Ok(())
}

/// The names of the silences that hit these labels at an instant, in order.
pub fn silenced_by<'s>(silences: impl IntoIterator<Item = &'s Silence>, labels: &Labels, now: i64) -> Vec<String> {
    let hits = silences.into_iter().filter(|silence| silence.silences(labels, now));
    let mut ids: Vec<String> = hits.map(|silence| silence.id.clone()).collect();
    ids.sort();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::model::matcher::{Syntax, parse_matchers};

    fn silence(matchers: &str, starts_at: i64, ends_at: i64) -> Silence {
        let matchers = Matchers::new(parse_matchers(matchers, Syntax::Both).expect("reads").value);
        let (id, created_by, comment) = (format!("{starts_at}-{ends_at}"), String::new(), String::new());
        Silence { id, matchers, starts_at, ends_at, updated_at: 0, created_by, comment, annotations: Vec::new() }
    }

    #[test]
    fn hits_while_it_lasts() {
        let labels = Labels::from_pairs([("alertname", "Down"), ("job", "api")]);
        for (matchers, now, hit) in [
            ("alertname=Down", 9, false),
            ("alertname=Down", 10, true),
            ("alertname=Down", 19, true),
            ("alertname=Down", 20, false),
            ("alertname=Down,job!=api", 15, false),
            ("job=~\"a.*\"", 15, true),
            ("job=~\"a\"", 15, false),
            ("alertname=Down,cluster=\"\"", 15, true),
            ("alertname=Down,cluster!=\"\"", 15, false),
        ] {
            assert_eq!(silence(matchers, 10, 20).silences(&labels, now), hit, "{matchers} at {now}");
        }
        let all = [silence("job=api", 10, 20), silence("job=api", 5, 12), silence("job=web", 5, 12)];
        assert_eq!(silenced_by(&all, &labels, 11), ["10-20", "5-12"]);
    }

    #[test]
    fn refused_when_it_cannot_be_meant() {
        for (matchers, starts_at, ends_at, expected) in [
            ("a=b", 10, 20, Ok(())),
            ("", 10, 20, Err(SilenceError::NoMatchers)),
            ("a=\"\"", 10, 20, Err(SilenceError::MatchesEverything)),
            ("a=~\".*\"", 10, 20, Err(SilenceError::MatchesEverything)),
            ("a=~\".*\",b!=c", 10, 20, Ok(())),
            ("a=~\".*\",b=c", 10, 20, Ok(())),
            ("a=b", 20, 10, Err(SilenceError::EndsBeforeStart)),
            ("a=b", 0, 4, Err(SilenceError::EndsInThePast)),
        ] {
            assert_eq!(silence(matchers, starts_at, ends_at).check(5), expected, "{matchers}");
        }
    }

    #[test]
    fn a_change_keeps_the_name_only_if_it_hits_the_same() {
        let old = silence("a=b", 10, 20);
        assert!(silence("a=b", 10, 30).may_replace(&old, 15));
        assert!(!silence("a=c", 10, 30).may_replace(&old, 15));
        assert!(!silence("a=b", 12, 30).may_replace(&old, 15));
        assert!(silence("a=b", 8, 30).may_replace(&old, 5));
        assert!(!silence("a=b", 10, 30).may_replace(&old, 25));
    }
}
