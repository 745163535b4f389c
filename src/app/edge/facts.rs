//! What the page about the server shows: HTTPS as it is in force, and the settings with where they came from.

use std::sync::Arc;

use super::super::configuration::Configuration;
use super::{Edge, plan};
use crate::admin::{CertificateOrigin, Https, ServerFacts, Setting, ShownCertificate};
use crate::metrics::server::Server;
use crate::platform::config::settings::ClientAuth;

/// Those who know.
pub(in crate::app) struct Facts {
    pub(in crate::app) configuration: Arc<Configuration>,
    pub(in crate::app) edge: Arc<Edge>,
}

impl ServerFacts for Facts {
    fn settings(&self) -> Vec<Setting> {
        let all = self.configuration.settings().into_iter();
        all.map(|(name, value, source)| Setting { name, value, source }).collect()
    }

    fn https(&self) -> Https {
        self.edge.https()
    }
}

impl Edge {
    /// HTTPS as it is in force.
    fn https(&self) -> Https {
        let web = self.web();
        let origin = match (self.is_self_signed(), &web.config.tls) {
            (true, _) => CertificateOrigin::SelfSigned,
            (false, Some(_)) => CertificateOrigin::WebConfig,
            (false, None) => CertificateOrigin::File,
        };
        let certificate = self.tls.as_ref().map(|tls| {
            let shown = tls.certificate();
            let names = if shown.names.is_empty() { vec![shown.common_name] } else { shown.names };
            ShownCertificate { origin, names, issuer: shown.issuer, ends_ms: shown.not_after_ms, fingerprint: shown.fingerprint }
        });
        let in_force = plan(&self.settings, &self.own, &web.config).ok().flatten();
        Https {
            certificate,
            clients: in_force.map_or(ClientAuth::None, |plan| plan.clients.auth),
            hsts_s: self.hsts_s(),
            web_users: (!self.settings.web_config_file.is_empty()).then_some(web.config.users.len()),
            failure: self.failure.lock().clone(),
        }
    }
}
