//! Who is told what of a group: the channels of its receiver, and those of whoever is on call in its place.

use std::sync::Arc;

use super::Standing;
use crate::alerts::dispatch::line::Line;
use crate::alerts::model::message::Message;
use crate::alerts::route::mute::Muting;
use crate::alerts::route::{Flush, Route, RouteTree, log};
use crate::alerts::store::{Changes, LogKey, Logged};

/// A group that is to be told.
pub(in crate::alerts::dispatch) struct Job {
    /// The routes that it was found by.
    pub(super) tree: Arc<RouteTree>,
    pub(super) flush: Flush,
    /// Who is told.
    pub(in crate::alerts::dispatch) receiver: Arc<str>,
    /// What each channel is told.
    pub(in crate::alerts::dispatch) orders: Vec<Order>,
    /// When it is given up for this time, in milliseconds since the Unix epoch.
    pub(in crate::alerts::dispatch) deadline: i64,
}

/// What a channel is told.
pub(in crate::alerts::dispatch) struct Order {
    pub(in crate::alerts::dispatch) line: Arc<Line>,
    pub(in crate::alerts::dispatch) message: Message,
    /// What the notification log holds once the message is through.
    pub(in crate::alerts::dispatch) logged: Vec<(LogKey, Logged)>,
}

impl Standing {
    /// What each channel is told of a group.
    pub(super) fn orders(&mut self, route: &Route, flush: &Flush, now: i64, changes: &mut Changes) -> Vec<Order> {
        let muting = Muting { inhibitor: &self.inhibitor, silences: &self.silences, intervals: &self.intervals };
        let told = muting.sift(&flush.alerts, &route.mute_time_intervals, &route.active_time_intervals, now);
        let mut orders = Vec::new();
        for line in self.receivers(&route.receiver, now).iter().flat_map(|receiver| self.lines.get(receiver)) {
            let key = line.log_key(&flush.key);
            let last = self.log.get(&key).filter(|logged| logged.expires_at > now).map(|logged| &logged.entry);
            let planned = log::plan(last, &told.alerts, line.integration.send_resolved, route.repeat_interval, now);
            let Some(log::Plan { reason, alerts, entry, expires_at }) = planned else { continue };
            let logged = Logged { entry, expires_at };
            if alerts.is_empty() {
                changes.log.insert(key.clone(), Some(logged.clone()));
                self.log.insert(key, logged);
                continue;
            }
            let message = Message {
                receiver: Arc::clone(&line.receiver),
                group_key: Arc::clone(&flush.key),
                group_labels: flush.labels.clone(),
                route_labels: route.labels.clone(),
                alerts,
                at: now,
                reason: reason.as_str(),
                group_interval: route.group_interval,
                repeat_interval: route.repeat_interval,
            };
            orders.push(Order { line: Arc::clone(line), message, logged: vec![(key, logged)] });
        }
        orders
    }

    /// A receiver, and those of whoever is on call in its place; each once.
    fn receivers(&self, receiver: &Arc<str>, now: i64) -> Vec<Arc<str>> {
        let mut receivers = vec![Arc::clone(receiver)];
        let mut looked_at = 0;
        // Whoever is on call may be a rota as well.
        while let Some(receiver) = receivers.get(looked_at).cloned() {
            looked_at += 1;
            let rotas = self.calm.rotas().filter(|(_, rota)| *rota.receiver == *receiver);
            for turn in rotas.filter_map(|(_, rota)| rota.turn_at(now)) {
                if !receivers.iter().any(|known| **known == *turn.member.receiver) {
                    receivers.push(turn.member.receiver.as_str().into());
                }
            }
        }
        receivers
    }

    /// Says which receivers calm rules name that there are none of. Nobody is told in their place.
    pub(super) fn warn_of_unknown(&self) {
        let unknown = |receiver: &str, rule: &str| {
            if !self.lines.has(receiver) {
                tracing::warn!(rule, receiver, "a calm rule names a receiver that the routing configuration does not have");
            }
        };
        for (_, rota) in self.calm.rotas() {
            unknown(&rota.receiver, &rota.title);
            for member in rota.members.iter().chain(rota.overrides.iter().map(|stand_in| &stand_in.member)) {
                unknown(&member.receiver, &rota.title);
            }
        }
        for (_, escalation) in self.calm.escalations() {
            for step in &escalation.steps {
                unknown(&step.receiver, &escalation.title);
            }
        }
        for (_, cap) in self.calm.caps() {
            unknown(&cap.receiver, "cap");
        }
    }
}
