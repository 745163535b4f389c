//! Calm rules as they are made and changed, and who takes care of alerts for as long as they fire.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Standing;
use super::silences::new_id;
use crate::alerts::calm::{Calm, CalmRule, Deed, Dependency, Handling, Named, Note};
use crate::alerts::dispatch::DispatchError;
use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::model::routing::InhibitRule;
use crate::alerts::route::{Inhibitor, log};
use crate::alerts::store::Changes;
use crate::series::labels::quote;

/// Most calm rules.
const RULES_MAX: usize = 1_000;

impl Standing {
    /// What is set so that alerts stay calm.
    pub(in crate::alerts::dispatch) fn calm(&self) -> &Arc<Calm> {
        &self.calm
    }

    /// Makes a calm rule or changes one; gives it as it is kept, and the one before.
    pub(in crate::alerts::dispatch) fn put_calm(
        &mut self,
        id: Option<&str>,
        rule: CalmRule,
        by: &str,
        now: i64,
        changes: &mut Changes,
    ) -> Result<(Named, Option<Named>), DispatchError> {
        let mut rules = self.calm.rules.clone();
        if let CalmRule::Cap(cap) = &rule
            && self.calm.caps().any(|(named, other)| Some(named.id.as_str()) != id && other.receiver == cap.receiver)
        {
            return Err(DispatchError::Calm(format!("there is a cap of the receiver {} already; change that one", quote(&cap.receiver))));
        }
        let before = match id {
            Some(id) => {
                let place = rules.iter().position(|named| named.id == id && named.rule.kind() == rule.kind());
                Some(rules.remove(place.ok_or_else(|| DispatchError::NoRule(id.to_owned()))?))
            }
            None if rules.len() >= RULES_MAX => {
                return Err(DispatchError::TooMany(format!("there are {RULES_MAX} calm rules already, which is the limit")));
            }
            None => None,
        };
        let id = before.as_ref().map_or_else(new_id, |before| Ok(before.id.clone()))?;
        // Each change has an instant of its own, so that what was made of the rule before it can be told apart.
        let changed_at = before.as_ref().map_or(now, |before| now.max(before.changed_at.saturating_add(1)));
        let named = Named { id, rule, changed_by: by.to_owned(), changed_at };
        rules.push(named.clone());
        changes.calm.insert(named.id.clone(), Some(named.clone()));
        self.set_calm(Calm::new(rules), now);
        self.end_recurring(now, changes);
        Ok((named, before))
    }

    /// Forgets a calm rule; gives what it said.
    pub(in crate::alerts::dispatch) fn delete_calm(&mut self, id: &str, now: i64, changes: &mut Changes) -> Result<Named, DispatchError> {
        let mut rules = self.calm.rules.clone();
        let place = rules.iter().position(|named| named.id == id).ok_or_else(|| DispatchError::NoRule(id.to_owned()))?;
        let gone = rules.remove(place);
        changes.calm.insert(gone.id.clone(), None);
        self.set_calm(Calm::new(rules), now);
        self.end_recurring(now, changes);
        Ok(gone)
    }

    /// Goes on under other rules of inhibition: those of the configuration, and dependencies.
    pub(super) fn set_inhibitor(&mut self) {
        let dependency = |(_, rule): (&Named, &Dependency)| InhibitRule {
            name: rule.title.clone(),
            source: rule.source.clone(),
            target: rule.target.clone(),
            equal: rule.equal.clone(),
            ..InhibitRule::default()
        };
        let rules: Vec<InhibitRule> = self.inhibit_rules.iter().cloned().chain(self.calm.dependencies().map(dependency)).collect();
        self.inhibitor = Inhibitor::new(&rules);
        for known in self.known.values() {
            self.inhibitor.observe(&known.alert);
        }
    }

    /// Whether somebody takes care of every one of these that fires.
    pub(super) fn is_cared_for(&self, alerts: &[RoutedAlert], now: i64) -> bool {
        let is_acknowledged = |alert: &RoutedAlert| self.handlings.get(&alert.fingerprint()).is_some_and(Handling::is_acknowledged);
        !self.handlings.is_empty() && alerts.iter().filter(|alert| !alert.is_resolved_at(now)).all(is_acknowledged)
    }

    /// The names in the log of the alerts that go on without anybody being reminded: somebody takes care of them, or they
    /// are hushed.
    pub(super) fn not_reminded(&self) -> BTreeSet<u64> {
        let acknowledged = self.handlings.iter().filter(|(_, handling)| handling.is_acknowledged());
        let cared_for = acknowledged.filter_map(|(name, _)| self.known.get(name));
        let hushed = self.known.values().filter(|known| known.alert.hush.is_some());
        cared_for.chain(hushed).map(|known| log::hash(&known.alert.labels)).collect()
    }

    /// Forgets who takes care of alerts that are not there any more.
    pub(super) fn sweep_handlings(&mut self, changes: &mut Changes) {
        let known = &self.known;
        self.handlings.retain(|name, _| {
            let stays = known.get(name).is_some_and(|known| !known.is_over);
            if !stays {
                changes.handlings.insert(*name, None);
            }
            stays
        });
    }

    /// Takes down what somebody did about an alert that fires; gives how it is taken care of now.
    pub(in crate::alerts::dispatch) fn handle(
        &mut self,
        fingerprint: u64,
        deed: Deed,
        by: &str,
        now: i64,
        changes: &mut Changes,
    ) -> Result<Handling, DispatchError> {
        let known = self.known.get(&fingerprint).filter(|known| !known.alert.is_resolved_at(now));
        let labels = known.ok_or(DispatchError::NoAlert(fingerprint))?.alert.labels.clone();
        let mut handling = self.handlings.get(&fingerprint).cloned().unwrap_or_default();
        handling.after(&deed, by, now);
        changes.notes.push(Note { at: now, labels, by: by.to_owned(), deed });
        changes.handlings.insert(fingerprint, (!handling.is_empty()).then(|| handling.clone()));
        if handling.is_empty() {
            self.handlings.remove(&fingerprint);
        } else {
            self.handlings.insert(fingerprint, handling.clone());
        }
        Ok(handling)
    }
}

/// An alert is over, and with it who takes care: should it fire again, somebody has to say so again.
pub(super) fn end(handlings: &mut BTreeMap<u64, Handling>, name: u64, changes: &mut Changes) {
    if handlings.remove(&name).is_some() {
        changes.handlings.insert(name, None);
    }
}
