//! TCP: whether there is a connection, and whether what is said on it is right.

use std::net::{IpAddr, SocketAddr};

use super::conversation::{secure, talk};
use super::dial::connect;
use super::record::Record;
use super::{Late, Probing, connect_words, split_host_port};
use crate::platform::config::http_client::TlsConfig;
use crate::platform::http::client::Stream;
use crate::uptime::config::{Preference, TcpModule};
use crate::uptime::model::outcome::FailureKind;

/// Makes the probe.
pub(super) async fn probe(probing: &Probing<'_>, record: &mut Record, module: &TcpModule, target: &str) {
    let reach = Reach { address: module.address, source: module.source, tls: module.is_tls.then_some(&module.tls) };
    let Some((stream, host)) = reach.open(probing, record, target).await else { return };
    talk(probing, record, stream, &module.steps, (&module.tls, &host)).await;
}

/// How a server is reached.
pub(super) struct Reach<'m> {
    /// Which address is taken.
    pub(super) address: Preference,
    /// From which address to connect.
    pub(super) source: Option<IpAddr>,
    /// TLS, where it begins at once.
    pub(super) tls: Option<&'m TlsConfig>,
}

impl Reach<'_> {
    /// Connects to `host:port`; gives the host too. None with the failure written down.
    pub(super) async fn open(&self, probing: &Probing<'_>, record: &mut Record, target: &str) -> Option<(Box<dyn Stream>, String)> {
        let (host, port) = match split_host_port(target) {
            Ok(split) => split,
            Err(why) => {
                record.fail(FailureKind::Target, why);
                return None;
            }
        };
        let (address, _) = probing.prober.dialler.choose(record, &probing.deadline, &host, self.address).await;
        let to = SocketAddr::new(address?, port);
        let started = record.now();
        let stream = match probing.deadline.within(connect(to, self.source)).await {
            Err(Late) => {
                record.late(&format!("a connection to {to} was being opened"));
                return None;
            }
            Ok(Err(error)) => {
                let (kind, why) = connect_words(&error, &to.to_string());
                record.fail(kind, why);
                return None;
            }
            Ok(Ok(stream)) => stream,
        };
        record.found.outcome.phases.connect = Some(record.now().saturating_sub(started));
        record.note("connected", &[("address", &to.to_string())]);
        let stream: Box<dyn Stream> = Box::new(stream);
        let Some(tls) = self.tls else { return Some((stream, host)) };
        let (stream, agreed) = secure(probing, record, stream, tls, &host).await?;
        record.tls(&agreed, true, false);
        Some((stream, host))
    }
}
