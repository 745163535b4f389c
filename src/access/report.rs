//! Access in numbers, for the server's own metrics. Names of people and tokens are not among them.

use std::sync::{Arc, Weak};

use super::service::Access;
use crate::platform::telemetry::metrics::{Page, Report};

/// Reports on access without keeping it, and with it the database, open when the server stops.
#[derive(Debug)]
pub struct AccessReport(Weak<Access>);

impl AccessReport {
    /// About this one.
    pub fn new(access: &Arc<Access>) -> Arc<Self> {
        Arc::new(Self(Arc::downgrade(access)))
    }
}

impl Report for AccessReport {
    fn report(&self, page: &mut Page) {
        let Some(access) = self.0.upgrade() else { return };
        let (users, sessions, tokens) = access.directory.counts();
        page.gauge("pharos_access_users", "People who may sign in.", users as f64);
        page.gauge("pharos_access_sessions", "Sessions of people.", sessions as f64);
        page.gauge("pharos_access_tokens", "Tokens of programs.", tokens as f64);
        page.gauge("pharos_access_open", "Whether nobody has to sign in now.", f64::from(u8::from(access.is_open())));
    }
}
