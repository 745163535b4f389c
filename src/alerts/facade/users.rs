//! What rules ask for, as the catalogue of metrics wants to know it.

use std::sync::Arc;

use super::manager::Manager;
use crate::alerts::evaluate::Groups;
use crate::alerts::model::{Kind, Language};
use crate::alerts::pages::known::rule_ids;
use crate::series::ports::{MetricUse, MetricUser, MetricUsers};
use crate::ui::links;

/// Rules of files and those that people wrote here, as users of metrics. Rules that other parts of the server make are
/// not told: those parts say themselves what they ask for.
pub(super) struct Users(pub(super) Arc<Manager>);

impl MetricUsers for Users {
    fn users(&self) -> Result<Vec<MetricUser>, String> {
        let (groups, made) = (self.0.groups(), self.0.made_files());
        let told = groups.iter().filter(|running| !made.contains(&running.group.file));
        let mut users = Vec::new();
        for running in told {
            for (rule, id) in running.rules.iter().zip(rule_ids(running)) {
                let declared = &rule.prepared.rule;
                let is_promql = running.group.language == Language::PromQl;
                users.push(MetricUser {
                    kind: MetricUse::Rule,
                    title: declared.name.clone(),
                    href: links::alerts_rule(&id),
                    queries: is_promql.then(|| declared.expr.clone()).into_iter().collect(),
                    records: matches!(declared.kind, Kind::Recording).then(|| declared.name.clone()).into_iter().collect(),
                });
            }
        }
        Ok(users)
    }
}
