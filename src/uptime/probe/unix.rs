//! Unix sockets: whether there is a connection, and whether what is said on it is right.

use tokio::net::UnixStream;

use super::conversation::{secure, talk};
use super::record::Record;
use super::{Late, Probing, connect_words};
use crate::platform::http::client::Stream;
use crate::uptime::config::UnixModule;
use crate::uptime::model::outcome::FailureKind;

/// Stands for the server where no name is looked at.
const NOBODY: &str = "localhost";

/// Makes the probe.
pub(super) async fn probe(probing: &Probing<'_>, record: &mut Record, module: &UnixModule, target: &str) {
    let needs_tls = module.is_tls || module.steps.iter().any(|step| step.starttls);
    if needs_tls && module.tls.server_name.is_empty() && !module.tls.insecure_skip_verify {
        return record.fail(FailureKind::Target, "TLS on a Unix socket needs server_name or insecure_skip_verify in tls_config");
    }
    let started = record.now();
    let stream = match probing.deadline.within(UnixStream::connect(target)).await {
        Err(Late) => return record.late("the socket was being opened"),
        Ok(Err(error)) => {
            let (kind, why) = connect_words(&error, target);
            return record.fail(kind, why);
        }
        Ok(Ok(stream)) => stream,
    };
    record.found.outcome.phases.connect = Some(record.now().saturating_sub(started));
    let mut stream: Box<dyn Stream> = Box::new(stream);
    let mut agreed = None;
    if module.is_tls {
        let Some((secured, found)) = secure(probing, record, stream, &module.tls, NOBODY).await else { return };
        stream = secured;
        agreed = Some(found);
    }
    if let Some(agreed) = agreed {
        record.tls(&agreed, true, false);
    }
    talk(probing, record, stream, &module.steps, (&module.tls, NOBODY)).await;
}
