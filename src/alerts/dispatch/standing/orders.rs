//! Who is told what of a group: the channels of its receiver, and those of whoever is on call in its place.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Standing;
use super::jobs::Order;
use crate::alerts::model::message::Message;
use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::route::{Flush, Reason, Route, log};
use crate::alerts::store::{Changes, Logged};

impl Standing {
    /// What each channel is told of a group; only those of one receiver, if it is named.
    pub(super) fn orders(&mut self, route: &Route, flush: &Flush, only: Option<&Arc<str>>, now: i64, changes: &mut Changes) -> Vec<Order> {
        let mut told = self.muting().sift(&flush.alerts, &route.mute_time_intervals, &route.active_time_intervals, now);
        let is_step = self.groups.tree().is_beside(route.index);
        if is_step {
            self.sift_step(&mut told.alerts, now);
        }
        let is_cared_for = self.is_cared_for(&told.alerts, now);
        let mut orders = Vec::new();
        let mut receivers = self.receivers(&route.receiver, now);
        if told.alerts.iter().all(|alert| alert.is_resolved_at(now)) {
            // Who handed over hears at least that everything is over. Others of the rota were not told before, and are not now.
            self.add_members(&mut receivers);
        }
        receivers.retain(|receiver| only.is_none_or(|only| only == receiver));
        for line in receivers.iter().flat_map(|receiver| self.lines.get(receiver)) {
            let key = line.log_key(&flush.key);
            // However long the server was down, or maintenance lasts: what somebody takes care of was told, and so was this.
            let is_good =
                |logged: &&Logged| is_cared_for || logged.expires_at > now || told.hushed.iter().any(|alert| logged.entry.knows(alert));
            let last = self.log.get(&key).filter(is_good).map(|logged| &logged.entry);
            let of_step: Vec<RoutedAlert>;
            let alerts = if is_step {
                of_step = told.alerts.iter().filter(|alert| self.escalates(alert, last, now)).cloned().collect();
                &of_step
            } else {
                &told.alerts
            };
            let planned = log::plan(last, alerts, &told.hushed, (line.integration.send_resolved, route.repeat_interval), now);
            let Some(log::Plan { reason, alerts, entry, expires_at }) = planned else { continue };
            let logged = Logged { entry, expires_at };
            // Nobody is reminded of what somebody takes care of.
            if alerts.is_empty() || (reason == Reason::Repeat && is_cared_for) {
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

    /// Adds those of everybody who takes turns in the place of these.
    fn add_members(&self, receivers: &mut Vec<Arc<str>>) {
        let rotas = self.calm.rotas().filter(|(_, rota)| receivers.iter().any(|receiver| *rota.receiver == **receiver));
        let members = rotas.flat_map(|(_, rota)| rota.members.iter().chain(rota.overrides.iter().map(|stand_in| &stand_in.member)));
        let added: BTreeSet<&str> = members.map(|member| member.receiver.as_str()).collect();
        let added =
            added.into_iter().filter(|name| receivers.iter().all(|receiver| **receiver != **name)).map(Arc::from).collect::<Vec<_>>();
        receivers.extend(added);
    }
}
