//! Rules that other parts of the server make, evaluated beside those of files.

use std::sync::Arc;

use super::load::ReadQuery;
use super::manager::Manager;
use super::own::read;
use crate::series::ports::{RulesMade, TakeRules};

/// Takes them.
pub(super) struct Made {
    pub(super) manager: Arc<Manager>,
    pub(super) read_query: ReadQuery,
}

impl TakeRules for Made {
    fn check(&self, made: &RulesMade) -> Result<(), String> {
        let read = read(&made.name, &made.text, self.read_query);
        read.map(|_| ()).map_err(|wrong| wrong.iter().map(|found| found.message.as_str()).collect::<Vec<_>>().join("\n"))
    }

    fn take(&self, made: &[RulesMade]) {
        let mut groups = Vec::new();
        for file in made {
            match read(&file.name, &file.text, self.read_query) {
                Ok((more, _)) => groups.extend(more),
                Err(wrong) => {
                    let problem = wrong.first().map(ToString::to_string).unwrap_or_default();
                    tracing::error!(file = %file.name, problem, "rules that the server made are not evaluated");
                }
            }
        }
        self.manager.apply_made(groups);
    }
}
