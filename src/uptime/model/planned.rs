//! Planned maintenance: of what, when, and what people are told about it.

use std::collections::{BTreeMap, BTreeSet};

use super::maintenance::Maintenance;

/// What a maintenance is of. With neither checks nor labels it is of everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Covers {
    /// Numbers of checks.
    pub checks: BTreeSet<i64>,
    /// Or all checks that have every one of these labels.
    pub labels: BTreeMap<String, String>,
}

impl Covers {
    /// Whether a check with these labels is among it.
    pub fn holds(&self, check: i64, labels: &BTreeMap<String, String>) -> bool {
        if self.checks.is_empty() && self.labels.is_empty() {
            return true;
        }
        let has = |(name, value): (&String, &String)| labels.get(name) == Some(value);
        self.checks.contains(&check) || (!self.labels.is_empty() && self.labels.iter().all(has))
    }
}

/// A planned maintenance.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Names it.
    pub id: i64,
    /// For people, customers among them.
    pub title: String,
    /// More for people.
    pub note: String,
    /// Of what.
    pub covers: Covers,
    /// When.
    pub maintenance: Maintenance,
    /// Who planned it.
    pub made_by: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_anything_named_everything_is_covered() {
        let labels = BTreeMap::from([("team".to_owned(), "web".to_owned()), ("zone".to_owned(), "a".to_owned())]);
        assert!(Covers::default().holds(1, &labels));
        let some = Covers { checks: BTreeSet::from([2]), labels: BTreeMap::new() };
        assert!(some.holds(2, &labels) && !some.holds(1, &labels));
        let of = |pairs: &[(&str, &str)]| Covers {
            checks: BTreeSet::from([7]),
            labels: pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        assert!(of(&[("team", "web")]).holds(1, &labels) && of(&[("team", "web"), ("zone", "a")]).holds(1, &labels));
        assert!(!of(&[("team", "web"), ("zone", "b")]).holds(1, &labels) && of(&[("team", "db")]).holds(7, &labels));
    }
}
