//! TCP: whether there is a connection, and whether what is said on it is right.

use std::net::SocketAddr;

use super::conversation::{secure, talk};
use super::dial::connect;
use super::record::Record;
use super::{Late, Probing, connect_words, split_host_port};
use crate::platform::http::client::Stream;
use crate::uptime::config::TcpModule;
use crate::uptime::model::outcome::FailureKind;

/// Makes the probe.
pub(super) async fn probe(probing: &Probing<'_>, record: &mut Record, module: &TcpModule, target: &str) {
    let (host, port) = match split_host_port(target) {
        Ok(split) => split,
        Err(why) => return record.fail(FailureKind::Target, why),
    };
    let (address, _) = probing.prober.dialler.choose(record, &probing.deadline, &host, module.address).await;
    let Some(address) = address else { return };
    let to = SocketAddr::new(address, port);
    let started = record.now();
    let stream = match probing.deadline.within(connect(to, module.source)).await {
        Err(Late) => return record.late(&format!("a connection to {to} was being opened")),
        Ok(Err(error)) => {
            let (kind, why) = connect_words(&error, &to.to_string());
            return record.fail(kind, why);
        }
        Ok(Ok(stream)) => stream,
    };
    record.found.outcome.phases.connect = Some(record.now().saturating_sub(started));
    record.note("connected", &[("address", &to.to_string())]);
    let mut stream: Box<dyn Stream> = Box::new(stream);
    let mut agreed = None;
    if module.is_tls {
        let Some((secured, found)) = secure(probing, record, stream, &module.tls, &host).await else { return };
        stream = secured;
        agreed = Some(found);
    }
    if let Some(agreed) = agreed {
        record.tls(&agreed, true, false);
    }
    talk(probing, record, stream, &module.steps, (&module.tls, &host)).await;
}
