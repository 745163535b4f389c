//! Who asks for which metric: an index over the queries that people keep.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::series::labels::METRIC_NAME;
use crate::series::matcher::{MatchOp, Matcher};
use crate::series::ports::MetricUse;

/// No metric is called so: a condition on names that takes it takes everything, and says nothing of any metric.
const NOBODYS_NAME: &str = "zz_no_metric_is_called_so_zz";

/// Something that asks for metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// What it is.
    pub kind: MetricUse,
    /// What it is called.
    pub title: String,
    /// Where it is read about.
    pub href: String,
}

/// The index.
#[derive(Debug, Default)]
pub struct Users {
    all: Vec<Arc<User>>,
    by_name: HashMap<String, BTreeSet<usize>>,
    /// Conditions on names that are more than one name.
    patterns: Vec<(Vec<Matcher>, usize)>,
    recorded: HashMap<String, BTreeSet<usize>>,
    /// Queries that cannot be read.
    unread: usize,
}

impl Users {
    /// Adds somebody with the conditions of each selector of their queries, what they record, and how many of their
    /// queries cannot be read.
    pub fn add<'m>(&mut self, user: User, selectors: impl IntoIterator<Item = &'m [Matcher]>, records: Vec<String>, unread: usize) {
        let place = self.all.len();
        self.all.push(Arc::new(user));
        self.unread += unread;
        for name in records {
            self.recorded.entry(name).or_default().insert(place);
        }
        for selector in selectors {
            let names: Vec<&Matcher> = selector.iter().filter(|matcher| &*matcher.name == METRIC_NAME).collect();
            if let Some(exact) = names.iter().find(|matcher| matcher.op == MatchOp::Equal) {
                self.by_name.entry(exact.value.to_string()).or_default().insert(place);
            } else if let Some(words) = names.iter().find_map(|matcher| matcher.words().filter(|_| !matcher.op.is_negative())) {
                for word in words {
                    self.by_name.entry(word.to_string()).or_default().insert(place);
                }
            } else if !names.is_empty() && !names.iter().all(|matcher| matcher.matches(NOBODYS_NAME)) {
                self.patterns.push((names.into_iter().cloned().collect(), place));
            }
        }
    }

    /// Who asks for a metric, by kind and title.
    pub fn of(&self, name: &str) -> Vec<Arc<User>> {
        let mut places = self.by_name.get(name).cloned().unwrap_or_default();
        let takes = |matchers: &[Matcher]| matchers.iter().all(|matcher| matcher.matches(name));
        places.extend(self.patterns.iter().filter(|(matchers, _)| takes(matchers)).map(|(_, place)| *place));
        self.sorted(&places)
    }

    /// Who records a metric.
    pub fn recorders(&self, name: &str) -> Vec<Arc<User>> {
        self.recorded.get(name).map_or_else(Vec::new, |places| self.sorted(places))
    }

    /// Queries that cannot be read, so that nobody knows what they ask for.
    pub const fn unread(&self) -> usize {
        self.unread
    }

    fn sorted(&self, places: &BTreeSet<usize>) -> Vec<Arc<User>> {
        let mut users: Vec<Arc<User>> = places.iter().filter_map(|place| self.all.get(*place)).cloned().collect();
        users.sort_by(|a, b| (a.kind, &a.title).cmp(&(b.kind, &b.title)));
        users
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_words_and_patterns_are_found_and_what_takes_everything_is_not() {
        let name = |op, value: &str| Matcher::new(METRIC_NAME, op, value).unwrap();
        let user = |title: &str| User { kind: MetricUse::Board, title: title.to_owned(), href: "/d".to_owned() };
        let mut users = Users::default();
        users.add(user("b"), [[name(MatchOp::Equal, "up")].as_slice()], vec!["r:x".to_owned()], 1);
        users.add(user("a"), [[name(MatchOp::Regex, "up|down")].as_slice(), [name(MatchOp::Regex, "node_.+")].as_slice()], vec![], 0);
        users.add(user("all"), [[name(MatchOp::Regex, ".+")].as_slice(), [Matcher::equal("job", "x")].as_slice()], vec![], 0);
        users.add(user("not"), [[name(MatchOp::NotEqual, "up")].as_slice()], vec![], 0);
        let titles = |name: &str| users.of(name).iter().map(|user| user.title.clone()).collect::<Vec<_>>();
        assert_eq!(titles("up"), ["a", "b"]);
        assert_eq!(titles("down"), ["a"]);
        assert_eq!(titles("node_load1"), ["a"]);
        assert_eq!(titles("other"), [""; 0]);
        assert_eq!((users.recorders("r:x").len(), users.recorders("up").len(), users.unread()), (1, 0, 1));
    }
}
