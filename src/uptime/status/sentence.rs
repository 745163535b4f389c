//! The sentence on top of a status page: the worst that is true, of whom, and what of the rest.

use std::collections::HashSet;

use super::picture::{Component, Condition, Section};
use super::post::{Post, Severity};

/// Names that the sentence says; more are counted.
const NAMES_MAX: usize = 2;

/// Of whom something is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// Of all.
    All,
    /// Of these.
    Some(Vec<String>),
    /// Of so many, out of so many.
    Many(usize, usize),
}

/// What is true of the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// There is none.
    None,
    /// All of it works.
    Works,
    /// Some of it has trouble, too.
    Mixed,
    /// Of some of it nothing is known; the others work.
    Unknown,
}

/// The sentence on top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sentence {
    /// There is nothing on the page.
    Empty,
    /// All works.
    Works,
    /// Something that people told, which is of no component in particular.
    Told(String, Severity),
    /// Some are in a condition that is not good.
    Are(Condition, Whom, Rest),
}

impl Sentence {
    /// Of what is on a page, and of its posts that are not solved.
    pub fn new(sections: &[Section], active: &[Post]) -> Self {
        let mut known = HashSet::new();
        let all: Vec<&Component> =
            sections.iter().flat_map(|section| &section.components).filter(|component| known.insert(component.check)).collect();
        let is_loud = |post: &&Post| {
            post.severity >= Severity::Degraded && !post.title.is_empty() && !post.checks.iter().any(|id| known.contains(id))
        };
        let told = active.iter().filter(is_loud).max_by_key(|post| post.severity);
        let are = |condition| all.iter().filter(|component| component.condition == condition).collect::<Vec<_>>();
        let down = are(Condition::Down);
        if let Some(post) = told.filter(|post| post.severity == Severity::Outage || down.is_empty()) {
            return Self::Told(post.title.clone(), post.severity);
        }
        if all.is_empty() {
            return Self::Empty;
        }
        // Paused is what nobody looks at; to a reader that is as little as unknown.
        let order = [Condition::Down, Condition::Degraded, Condition::Maintenance, Condition::Unknown, Condition::Paused];
        let Some((condition, worst)) = order.into_iter().map(|condition| (condition, are(condition))).find(|(_, worst)| !worst.is_empty())
        else {
            return Self::Works;
        };
        let whom = match worst.len() {
            count if count == all.len() => Whom::All,
            count if count <= NAMES_MAX => Whom::Some(worst.iter().map(|component| component.name.clone()).collect()),
            count => Whom::Many(count, all.len()),
        };
        let rest: Vec<Condition> = all.iter().map(|component| component.condition).filter(|one| *one != condition).collect();
        let is_dark = |one: &Condition| matches!(one, Condition::Unknown | Condition::Paused);
        let rest = match &rest[..] {
            [] => Rest::None,
            rest if rest.iter().all(|one| *one == Condition::Up) => Rest::Works,
            rest if rest.iter().all(|one| *one == Condition::Up || is_dark(one)) => Rest::Unknown,
            _ => Rest::Mixed,
        };
        Self::Are(condition, whom, rest)
    }

    /// How bad it is: `ok`, `info`, `warn`, `crit`, `none`.
    pub const fn level(&self) -> &'static str {
        match self {
            Self::Empty => "none",
            Self::Works => "ok",
            Self::Told(_, severity) => match severity {
                Severity::Outage => "crit",
                Severity::Degraded => "warn",
                Severity::Notice | Severity::Maintenance => "info",
            },
            Self::Are(condition, ..) => match condition {
                Condition::Up => "ok",
                Condition::Down => "crit",
                Condition::Degraded => "warn",
                Condition::Maintenance => "info",
                Condition::Unknown | Condition::Paused => "none",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::picture::tests::{component, post};
    use super::*;

    fn said(conditions: &[Condition], active: &[Post]) -> Sentence {
        let components = conditions.iter().enumerate().map(|(at, condition)| component(i64::try_from(at).unwrap(), *condition)).collect();
        Sentence::new(&[Section { title: String::new(), components }], active)
    }

    #[test]
    fn the_worst_is_said_and_what_of_the_rest() {
        use Condition::{Degraded, Down, Maintenance, Paused, Unknown, Up};
        let some = |names: &[&str]| Whom::Some(names.iter().map(|name| (*name).to_owned()).collect());
        for (conditions, expected) in [
            (&[][..], Sentence::Empty),
            (&[Up, Up], Sentence::Works),
            (&[Up, Down], Sentence::Are(Down, some(&["c1"]), Rest::Works)),
            (&[Down, Down], Sentence::Are(Down, Whom::All, Rest::None)),
            (&[Down, Down, Down, Up], Sentence::Are(Down, Whom::Many(3, 4), Rest::Works)),
            (&[Down, Degraded, Up], Sentence::Are(Down, some(&["c0"]), Rest::Mixed)),
            (&[Degraded, Unknown, Up], Sentence::Are(Degraded, some(&["c0"]), Rest::Unknown)),
            (&[Maintenance, Up], Sentence::Are(Maintenance, some(&["c0"]), Rest::Works)),
            (&[Unknown], Sentence::Are(Unknown, Whom::All, Rest::None)),
            (&[Paused, Up], Sentence::Are(Paused, some(&["c0"]), Rest::Works)),
        ] {
            assert_eq!(said(conditions, &[]), expected);
        }
    }

    #[test]
    fn what_people_tell_counts_unless_something_worse_was_measured() {
        let told = |severity| post(1, severity, &[], 0, None);
        assert_eq!(said(&[Condition::Up], &[told(Severity::Notice)]), Sentence::Works);
        assert_eq!(said(&[Condition::Up], &[told(Severity::Outage)]).level(), "crit");
        assert_eq!(said(&[Condition::Down], &[told(Severity::Degraded)]), Sentence::Are(Condition::Down, Whom::All, Rest::None));
    }
}
