//! Whether a check fits to the others: its parent and its members are there, nobody is below themselves, no group holds
//! itself.

use std::collections::BTreeMap;

use super::PutError;
use crate::uptime::config::Check;
use crate::uptime::config::file::{holds_itself, is_in_circle};

/// Checks as they would be, by name.
#[derive(Debug, Default)]
pub(super) struct Around<'c>(BTreeMap<&'c str, &'c Check>);

impl<'c> Extend<&'c Check> for Around<'c> {
    fn extend<I: IntoIterator<Item = &'c Check>>(&mut self, checks: I) {
        self.0.extend(checks.into_iter().map(|check| (check.name.as_str(), check)));
    }
}

impl Around<'_> {
    /// Whether one of them fits to the others.
    ///
    /// # Errors
    /// In words, with the key.
    pub(super) fn fits(&self, check: &Check) -> Result<(), PutError> {
        let named = [("parent", std::slice::from_ref(&check.parent)), ("checks", check.members())];
        for (key, names) in named {
            if let Some(missing) = names.iter().find(|name| !name.is_empty() && !self.0.contains_key(name.as_str())) {
                return Err(PutError::Unfit(format!("{key}: there is no check named {missing:?}")));
            }
        }
        let parent = |name: &str| self.0.get(name).map_or("", |check| check.parent.as_str());
        if is_in_circle(&check.name, parent) {
            return Err(PutError::Unfit(format!("parent: {:?} is below {:?} already", check.parent, check.name)));
        }
        if holds_itself(&check.name, |name| self.0.get(name).map_or(&[], |check| check.members())) {
            return Err(PutError::Unfit(format!("checks: {:?} would hold itself, as one of its members holds it", check.name)));
        }
        Ok(())
    }
}
