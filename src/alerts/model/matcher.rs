//! Matchers of routes, inhibition and silences: conditions on the labels of an alert.
//!
//! They differ from those of queries: `.` stops at a line break, names may be any text, and they print as
//! Alertmanager prints them, because the keys of groups are made of their text.

mod classic;
mod parse;
mod utf8;

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::series::labels::{Labels, quote};
use crate::series::matcher::Matcher as Condition;

pub use crate::series::matcher::MatchOp;
pub use parse::{Parsed, Syntax, parse_matcher, parse_matchers};

/// Longest text of matchers that is read, in bytes.
pub const MATCHERS_BYTES_MAX: usize = 64 * 1024;

/// One condition on one label.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// The label.
    pub name: Arc<str>,
    /// How it compares.
    pub op: MatchOp,
    /// Text or regular expression as written.
    pub value: Arc<str>,
    condition: Condition,
}

/// A matcher that cannot be read or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MatcherError(pub String);

impl Matcher {
    /// A matcher; fails on an invalid regular expression.
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, MatcherError> {
        let is_regex = matches!(op, MatchOp::Regex | MatchOp::NotRegex);
        // Here `.` does not match a line break, as it does in queries.
        let pattern = if is_regex { format!("(?-s:{value})") } else { value.to_owned() };
        let invalid = |reason: String| MatcherError(format!("invalid regular expression {}: {reason}", quote(value)));
        let condition = Condition::new(name, op, &pattern).map_err(|error| invalid(error.reason))?;
        Ok(Self { name: name.into(), op, value: value.into(), condition })
    }

    /// Whether a label with this value (empty = absent) passes.
    pub fn matches(&self, value: &str) -> bool {
        self.condition.matches(value)
    }

    /// Whether it is `=~` or `!~`.
    pub const fn is_regex(&self) -> bool {
        matches!(self.op, MatchOp::Regex | MatchOp::NotRegex)
    }

    /// Whether it is `=` or `=~`.
    pub const fn is_equal(&self) -> bool {
        matches!(self.op, MatchOp::Equal | MatchOp::Regex)
    }

    fn key(&self) -> (&str, &str, u8) {
        let op = match self.op {
            MatchOp::Equal => 0,
            MatchOp::NotEqual => 1,
            MatchOp::Regex => 2,
            MatchOp::NotRegex => 3,
        };
        (&self.name, &self.value, op)
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Matcher {}

impl Ord for Matcher {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Matcher {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.chars().any(is_reserved) {
            return write!(f, "{}{}{}", quote(&self.name), self.op.as_str(), quote(&self.value));
        }
        write!(f, "{}{}\"", self.name, self.op.as_str())?;
        for c in self.value.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '"' => f.write_str("\\\"")?,
                c => write!(f, "{c}")?,
            }
        }
        f.write_str("\"")
    }
}

/// Characters that a name or value may hold only between quotes.
pub(super) fn is_reserved(c: char) -> bool {
    c.is_whitespace() || "{}!=~,\\\"'`".contains(c)
}

/// Matchers that must all pass, sorted unless it matters how they were written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matchers(Vec<Matcher>);

impl Matchers {
    /// Sorts them.
    pub fn new(mut matchers: Vec<Matcher>) -> Self {
        matchers.sort();
        Self(matchers)
    }

    /// Leaves them in the order they were written, as silences show them.
    pub const fn in_order(matchers: Vec<Matcher>) -> Self {
        Self(matchers)
    }

    /// Whether an alert with these labels passes all.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|matcher| matcher.matches(labels.get(&matcher.name).unwrap_or("")))
    }

    /// In order.
    pub fn iter(&self) -> std::slice::Iter<'_, Matcher> {
        self.0.iter()
    }

    /// Whether there is none, so that everything passes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<Matcher> for Matchers {
    fn from_iter<I: IntoIterator<Item = Matcher>>(matchers: I) -> Self {
        Self::new(matchers.into_iter().collect())
    }
}

impl fmt::Display for Matchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, matcher) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{matcher}")?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests;
