//! `pharos serve`: start, run until told to stop, stop in reverse order.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::configuration::Configuration;
use super::edge;
use super::https::ToHttps;
use super::starting::Starting;
use super::stop::{self, Ends, Running};
use super::throttle::Throttle;
use super::wiring::{self, Ground, Opened, Outset};
use super::{backup, first_admin, rule_watch, vetting};
use crate::access::{Access, Change, Origin};
use crate::base::clock::{SharedClock, SystemClock};
use crate::metrics::server::Server;
use crate::platform::config::flags::ServeFlags;
use crate::platform::config::settings::Settings;
use crate::platform::http::server::{listen, serve};
use crate::platform::telemetry::log;
use crate::ui::links;

/// How often changes by the command line are looked for.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);
/// How often sessions and tokens are tended, in those.
const TEND_EVERY: u32 = 60;
/// Threads of the reactor; the work itself runs on threads of its own.
const REACTOR_THREADS: usize = 2;

/// Runs the server.
pub(super) fn run(flags: ServeFlags, release: fn()) -> anyhow::Result<()> {
    let clock: SharedClock = Arc::new(SystemClock::new());
    let configuration = Configuration::open(flags, Arc::clone(&clock))?;
    let settings = configuration.resolved().settings;
    log::start(settings.log.level.as_str(), settings.log.format)?;
    let address = vetting::listen_address(&settings)?;
    raise_open_files();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(REACTOR_THREADS).enable_all().build()?;
    let result = runtime.block_on(run_on(configuration, settings, address, clock, release));
    // What still works on requests that nobody waits for any more must not hold the end up.
    runtime.shutdown_timeout(stop::WORK_WITHIN);
    result
}

async fn run_on(
    configuration: Arc<Configuration>,
    settings: Settings,
    address: SocketAddr,
    clock: SharedClock,
    release: fn(),
) -> anyhow::Result<()> {
    let started = clock.monotonic();
    for warning in configuration.warnings() {
        tracing::warn!(%warning, "configuration");
    }
    // Taken first, so that a second server on this port stops before it touches anything.
    let listener = listen(address)?;
    let redirects = vetting::redirect_address(&settings)?.map(listen).transpose()?;
    let address = listener.local_addr()?;
    let ground = wiring::ground(&settings, address, &clock)?;
    let progress = Arc::default();
    let starting = Starting::begin(&listener, Arc::clone(&progress), ground.intake.clone())?;
    let outset = Outset { configuration: &configuration, settings: &settings, address, clock: &clock, progress, release };
    let Opened { router, access, metrics, logs, uptime, slos, business, alerts, boards, backups, db, throttle, watch, .. } =
        wiring::open(outset, &ground).await?;
    let Ground { edge, intake, lock: _lock } = ground;
    first_admin::ensure(&access, &super::configuration::environment).await?;
    starting.end().await;
    let to_https = ToHttps::new(&settings.server, &edge, wiring::own_names(&settings)).with_pages(uptime.own_hosts());
    // Before anybody is told that it is ready: who is told may signal at once.
    let signals = Signals::listen()?;
    let handle = axum_server::Handle::new();
    let serving = tokio::spawn(serve(listener, router, handle.clone(), intake.clone()));
    let redirecting = redirects.map(|listener| {
        let router = to_https.on_port(address.port()).into_router();
        tokio::spawn(serve(listener, router, handle.clone(), edge::redirect_intake(&intake)))
    });
    metrics.start();
    logs.start().await;
    alerts.start();
    uptime.start();
    business.start().await;
    slos.start();
    let took_ms = clock.monotonic().saturating_sub(started).as_millis();
    tracing::info!(took_ms, version = env!("CARGO_PKG_VERSION"), "listening on {}://{address}", edge.scheme());
    greet(&access, &settings, edge.scheme(), address)?;
    let watching = tokio::spawn(Arc::clone(&edge).watch());
    let following = tokio::spawn(rule_watch::follow(Arc::clone(&configuration)));
    let reading = tokio::spawn(boards.follow_files());
    let forgetting = tokio::spawn(boards.forget_ended_shares());
    let tending = tokio::spawn(tend(Arc::clone(&access), throttle));
    let schedule = backup::start(&backups, &settings, &access, Arc::clone(&clock)).await?;
    let ends = signals.wait_for_the_end(&configuration, &access).await;
    configuration.begin_to_stop();
    following.abort();
    reading.abort();
    forgetting.abort();
    tending.abort();
    watching.abort();
    if let Some(redirecting) = redirecting {
        redirecting.abort();
    }
    drop(watch);
    stop::in_order(
        Running {
            handle,
            serving,
            schedule,
            metrics: &metrics,
            logs: &logs,
            uptime: &uptime,
            business: &business,
            slos: &slos,
            alerts: &alerts,
            access: &access,
        },
        ends,
    )
    .await;
    drop(boards);
    drop(access);
    drop(db);
    Ok(())
}

/// Tells how to set up a server that has no administrator yet. The code is in the log, and on the terminal of whoever
/// started it.
fn greet(access: &Access, settings: &Settings, scheme: &str, address: SocketAddr) -> anyhow::Result<()> {
    let Some(code) = access.begin_setup()? else { return Ok(()) };
    let link = format!("{}{}?code={}", base_url(settings, scheme, address), links::SETUP, code.expose());
    let elsewhere = if address.ip().is_unspecified() { " (from elsewhere with this server's name in place of localhost)" } else { "" };
    tracing::warn!("there is no administrator yet; set up the first one at {link}{elsewhere}");
    let mut terminal = std::io::stderr();
    if terminal.is_terminal() {
        // The log has it too, so a terminal that went away is no failure.
        let _gone = writeln!(terminal, "\n  Set up the first administrator:  {link}\n").is_err();
    }
    Ok(())
}

/// Where people reach the server.
fn base_url(settings: &Settings, scheme: &str, address: SocketAddr) -> String {
    let external = settings.server.external_url.trim_end_matches('/');
    if !external.is_empty() {
        return external.to_owned();
    }
    if address.ip().is_unspecified() {
        // No browser goes to 0.0.0.0, and in a container the machine's own name means nothing outside.
        return format!("{scheme}://localhost:{}", address.port());
    }
    format!("{scheme}://{address}")
}

/// Takes over what the command line changed, within a second; each minute writes last uses down and removes what has
/// ended.
async fn tend(access: Arc<Access>, throttle: Arc<Throttle>) {
    let mut ticks = tokio::time::interval(FOLLOW_EVERY);
    let mut tick: u32 = 0;
    loop {
        ticks.tick().await;
        tick = tick.wrapping_add(1);
        let is_round = tick.is_multiple_of(TEND_EVERY);
        if is_round {
            throttle.limits.forget();
        }
        let done = if is_round { access.tend().await } else { access.follow().map_err(Into::into) };
        if let Err(error) = done {
            tracing::warn!(%error, "sessions and tokens could not be tended");
            // A database that is gone would fill the log.
            ticks.reset_after(FOLLOW_EVERY * TEND_EVERY);
        }
    }
}

/// Each connection and each block takes a file. Many systems allow few unless a program asks for more.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        tracing::warn!(%error, now = limit.current, "the limit of open files cannot be raised");
    }
}

/// The signals that a running server goes by.
struct Signals {
    hangup: Signal,
    ends: Ends,
}

impl Signals {
    /// From now on they are ours.
    fn listen() -> std::io::Result<Self> {
        Ok(Self { hangup: signal(SignalKind::hangup())?, ends: Ends::listen()? })
    }

    /// Reloads on SIGHUP; returns on SIGTERM, SIGINT, or when asked over HTTP.
    async fn wait_for_the_end(mut self, configuration: &Arc<Configuration>, access: &Access) -> Ends {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => {
                    let configuration = Arc::clone(configuration);
                    // What went wrong is in the log, the status and a metric already.
                    if let Ok(Ok(())) = tokio::task::spawn_blocking(move || configuration.reload()).await {
                        let change = Change::new("config.reload", "configuration");
                        access.record("signal SIGHUP", &Origin::this_machine("signal"), change).await;
                    }
                }
                () = self.ends.wait() => return self.ends,
                () = configuration.quit.notified() => return self.ends,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_up_link_leads_somewhere() {
        let mut settings = Settings::default();
        for (address, url) in
            [("127.0.0.1:9090", "http://127.0.0.1:9090"), ("0.0.0.0:9090", "http://localhost:9090"), ("[::]:1", "http://localhost:1")]
        {
            assert_eq!(base_url(&settings, "http", address.parse().unwrap()), url);
        }
        settings.server.external_url = "https://metrics.example/".to_owned();
        assert_eq!(base_url(&settings, "https", "0.0.0.0:9090".parse().unwrap()), "https://metrics.example");
    }
}
