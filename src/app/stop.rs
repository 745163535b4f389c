//! Stopping: in order, and within ten seconds whatever clients do.
//!
//! No new connections; requests under way end; the schedule, scrapers and senders stop; the log is flushed and closed.
//! Whatever takes longer than its share is left: what was acknowledged is in the log, as after a crash.

use std::net::SocketAddr;
use std::process;
use std::time::Duration;

use axum_server::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use crate::access::Access;
use crate::alerts::Alerts;
use crate::business::Business;
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::platform::backup::Schedule;
use crate::slo::Slos;
use crate::uptime::Uptime;

/// Everything together gets this long; then the process ends anyhow.
const WITHIN: Duration = Duration::from_secs(9);
/// Of that, requests under way.
const REQUESTS_WITHIN: Duration = Duration::from_secs(5);
/// And endpoints of remote write, which go on at the next start where they were.
const SENDING_WITHIN: Duration = Duration::from_secs(2);
/// Blocking work that nobody waits for any more gets this long in the end.
pub(super) const WORK_WITHIN: Duration = Duration::from_millis(500);
/// Exit code after a second signal, as of a process that SIGINT ended.
const IMPATIENT: i32 = 130;

/// What runs.
pub(super) struct Running<'a> {
    pub(super) handle: Handle<SocketAddr>,
    pub(super) serving: JoinHandle<std::io::Result<()>>,
    pub(super) schedule: Option<Schedule>,
    pub(super) metrics: &'a Metrics,
    pub(super) logs: &'a Logs,
    pub(super) uptime: &'a Uptime,
    pub(super) business: &'a Business,
    pub(super) slos: &'a Slos,
    pub(super) alerts: &'a Alerts,
    pub(super) access: &'a Access,
}

/// The signals that end the server.
pub(super) struct Ends {
    terminate: Signal,
    interrupt: Signal,
}

impl Ends {
    /// From now on they are ours.
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for one.
    pub(super) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Stops everything. A second signal ends the process at once.
pub(super) async fn in_order(running: Running<'_>, mut ends: Ends) {
    tracing::info!("stopping");
    tokio::spawn(async move {
        ends.wait().await;
        tracing::warn!("told to stop once more: stopping at once; what was acknowledged is in the log");
        process::exit(IMPATIENT);
    });
    match tokio::time::timeout(WITHIN, one_by_one(running)).await {
        Ok(()) => tracing::info!("stopped"),
        Err(_) => tracing::warn!("stopping took too long and is cut short; what was acknowledged is in the log"),
    }
}

async fn one_by_one(running: Running<'_>) {
    let Running { handle, serving, schedule, metrics, logs, uptime, slos, business, alerts, access } = running;
    // Tails never end by themselves.
    logs.end_tails();
    handle.graceful_shutdown(Some(REQUESTS_WITHIN));
    if let Some(schedule) = schedule {
        schedule.stop().await;
    }
    match serving.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the HTTP server ended with an error"),
        Err(error) => tracing::error!(%error, "the HTTP server panicked"),
    }
    slos.stop().await;
    uptime.stop().await;
    business.stop().await;
    alerts.stop().await;
    logs.stop().await;
    metrics.stop(SENDING_WITHIN).await;
    if let Err(error) = access.tend().await {
        tracing::warn!(%error, "the last uses of sessions and tokens could not be written down");
    }
}
