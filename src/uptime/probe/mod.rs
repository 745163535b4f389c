//! Probes: one file a protocol. Each dials by [`dial`], writes down what it sees in a record, and never takes longer than it
//! may. Bounded are bytes read, redirects, headers and the log; how many run at once is for [`Prober::begin`] to say.

mod conversation;
mod dial;
mod dns;
mod docker;
mod domain;
mod gauges;
mod grpc;
mod http;
mod icmp;
mod postgres;
mod record;
mod redis;
mod smtp;
mod tcp;
#[cfg(test)]
mod tests;
mod unix;
mod websocket;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use gauges::Gauges;
pub use record::Finding;

use self::dial::{Dialler, Plans};
use self::record::Record;
use crate::base::clock::SharedClock;
use crate::base::human::took as span;
use crate::uptime::config::{Module, Way};
use crate::uptime::model::outcome::FailureKind;

/// Probes that may run at once.
pub const PROBES_MAX: usize = 500;

/// Large answers that are read at once.
const LARGE_MAX: usize = 8;

/// Makes probes.
pub struct Prober {
    clock: SharedClock,
    dialler: Dialler,
    plans: Plans,
    echoes: icmp::Echoes,
    gate: Arc<Semaphore>,
    /// Large answers that are read at once.
    large: Semaphore,
    /// Who knows about which domains.
    registries: domain::Registries,
}

impl std::fmt::Debug for Prober {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prober").finish_non_exhaustive()
    }
}

/// Leave to make one probe.
#[derive(Debug)]
pub struct Leave(#[expect(dead_code, reason = "held until the probe is over")] OwnedSemaphorePermit);

impl Prober {
    /// A prober on this clock.
    pub fn new(clock: SharedClock) -> Self {
        let gate = Arc::new(Semaphore::new(PROBES_MAX));
        Self {
            dialler: Dialler::new(clock.clone()),
            plans: Plans::new(clock.clone()),
            echoes: icmp::Echoes::default(),
            large: Semaphore::new(LARGE_MAX),
            registries: domain::Registries::default(),
            clock,
            gate,
        }
    }

    /// Leave to make a probe; none while too many run.
    pub fn begin(&self) -> Option<Leave> {
        Arc::clone(&self.gate).try_acquire_owned().ok().map(Leave)
    }

    /// Probes a target, for `timeout` at most.
    pub async fn probe(&self, target: &str, module: &Module, timeout: Duration) -> Finding {
        let mut record = Record::new(self.clock.clone(), &module.name, target);
        let deadline = Deadline { clock: self.clock.clone(), ends: self.clock.monotonic() + timeout };
        let started = record.now();
        for name in ["probe_success", "probe_duration_seconds", "probe_timeout_seconds"] {
            record.gauges().show(name);
        }
        record.note("the probe begins", &[("prober", module.way.as_str()), ("timeout_seconds", &timeout.as_secs_f64().to_string())]);
        let probing = Probing { prober: self, deadline };
        match &module.way {
            Way::Http(way) => http::probe(&probing, &mut record, way, target).await,
            Way::Tcp(way) => tcp::probe(&probing, &mut record, way, target).await,
            Way::Dns(way) => dns::probe(&probing, &mut record, way, target).await,
            Way::Icmp(way) => icmp::probe(&probing, &mut record, way, target).await,
            Way::Grpc(way) => grpc::probe(&probing, &mut record, way, target).await,
            Way::Unix(way) => unix::probe(&probing, &mut record, way, target).await,
            Way::Websocket(way) => websocket::probe(&probing, &mut record, way, target).await,
            Way::Smtp(way) => smtp::probe(&probing, &mut record, way, target).await,
            Way::Postgres(way) => postgres::probe(&probing, &mut record, way, target).await,
            Way::Redis(way) => redis::probe(&probing, &mut record, way, target).await,
            Way::Docker(way) => docker::probe(&probing, &mut record, way, target).await,
            Way::Domain(way) => domain::probe(&probing, &mut record, way, target).await,
        }
        let took = record.now().saturating_sub(started);
        record.found.outcome.took = took;
        let success = !record.has_failed();
        let gauges = record.gauges();
        gauges.set("probe_success", f64::from(u8::from(success)));
        gauges.set("probe_duration_seconds", took.as_secs_f64());
        gauges.set("probe_timeout_seconds", timeout.as_secs_f64());
        record.note(if success { "all holds" } else { "the probe failed" }, &[("duration_seconds", &took.as_secs_f64().to_string())]);
        record.found
    }
}

/// One probe under way.
struct Probing<'p> {
    prober: &'p Prober,
    deadline: Deadline,
}

/// When a probe has to end.
struct Deadline {
    clock: SharedClock,
    ends: Duration,
}

/// The time is over.
#[derive(Debug)]
struct Late;

impl Deadline {
    /// How long there is still.
    fn left(&self) -> Duration {
        self.ends.saturating_sub(self.clock.monotonic())
    }

    /// Waits for something, but not beyond the end.
    async fn within<T>(&self, future: impl Future<Output = T>) -> Result<T, Late> {
        tokio::time::timeout(self.left(), future).await.map_err(|_| Late)
    }
}

/// Host and port of `host:port` or `[host]:port`.
fn split_host_port(target: &str) -> Result<(String, u16), String> {
    let wrong = |why: &str| format!("the target {target:?} is no host and port: {why}");
    let (host, port) = target.rsplit_once(':').ok_or_else(|| wrong("there is no port"))?;
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) => inner,
        None if host.contains(':') => return Err(wrong("an IPv6 address stands in brackets")),
        None => host,
    };
    Ok((host.to_owned(), port.parse().map_err(|_| wrong("the port is no number from 0 to 65535"))?))
}

/// What kind of failure an error of the system is, and what it means to people.
fn connect_words(error: &std::io::Error, to: &str) -> (FailureKind, String) {
    use std::io::ErrorKind;
    let why = match error.kind() {
        ErrorKind::ConnectionRefused => "the connection was refused",
        ErrorKind::ConnectionReset => "the connection was reset",
        ErrorKind::HostUnreachable => "the host cannot be reached",
        ErrorKind::NetworkUnreachable => "the network cannot be reached",
        ErrorKind::TimedOut => "nothing answered",
        ErrorKind::PermissionDenied => "the system does not allow the connection",
        ErrorKind::AddrNotAvailable => "the source address is not one of this machine",
        ErrorKind::NotFound => "there is no such socket",
        _ => return (FailureKind::Connect, format!("no connection to {to}: {error}")),
    };
    (FailureKind::Connect, format!("{why}: {to}"))
}
