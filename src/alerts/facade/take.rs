//! Alerts of other parts of the server, routed as those of rules are.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::manager::Manager;
use super::send::Sender;
use crate::alerts::evaluate::Groups;
use crate::base::clock::SharedClock;
use crate::series::ports::{OutgoingAlert, TakeAlerts};

/// Takes them in.
pub(super) struct Taker {
    pub(super) sender: Arc<Sender>,
    pub(super) manager: Arc<Manager>,
    pub(super) clock: SharedClock,
}

impl TakeAlerts for Taker {
    fn take(&self, alerts: Vec<OutgoingAlert>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let external = self.manager.setting().external_labels.clone();
        let prepared = self.sender.prepare_taken(alerts, &external, self.clock.now_ms());
        Box::pin(self.sender.send(prepared))
    }
}
