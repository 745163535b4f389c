//! `pharos serve`: start, run until told to stop, stop in reverse order.

use std::io::{IsTerminal, Write};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use super::configuration::Configuration;
use super::first_admin;
use super::guard::{self, KnownHosts, RequestCounts};
use crate::access::{Access, AccessSettings, AuthMode, Change, Origin, RouteInfo, identify};
use crate::admin::Admin;
use crate::base::clock::{SharedClock, SystemClock};
use crate::metrics::server::Server;
use crate::metrics::{Metrics, MetricsOptions};
use crate::platform::config::flags::ServeFlags;
use crate::platform::config::settings::{Settings, SignIn};
use crate::platform::db::Db;
use crate::platform::http::cors::Cors;
use crate::platform::http::server::{listen, serve};
use crate::platform::telemetry::log;
use crate::platform::telemetry::metrics::Registry;
use crate::platform::telemetry::process::Process;
use crate::ui::links;

/// Requests under way get this long to end.
const GRACE: Duration = Duration::from_secs(10);
/// How often changes by the command line are looked for.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);
/// How often sessions and tokens are tended, in those.
const TEND_EVERY: u32 = 60;
/// Threads of the reactor; the work itself runs on threads of its own.
const REACTOR_THREADS: usize = 2;

/// What Prometheus keeps in its data folder and pharos does not.
const PROMETHEUS_FOLDERS: [&str; 2] = ["chunks_head", "wal"];

/// Runs the server.
pub(super) fn run(flags: ServeFlags) -> anyhow::Result<()> {
    let clock: SharedClock = Arc::new(SystemClock::new());
    let configuration = Configuration::open(flags, Arc::clone(&clock))?;
    let settings = configuration.resolved().settings;
    log::start(settings.log.level.as_str(), settings.log.format)?;
    let address = address(&settings)?;
    raise_open_files();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(REACTOR_THREADS).enable_all().build()?;
    runtime.block_on(run_on(configuration, settings, address, clock))
}

async fn run_on(configuration: Arc<Configuration>, settings: Settings, address: SocketAddr, clock: SharedClock) -> anyhow::Result<()> {
    let started = clock.monotonic();
    for warning in configuration.warnings() {
        tracing::warn!(%warning, "configuration");
    }
    // Taken first, so that a second server on this port stops before it touches anything.
    let listener = listen(address)?;
    let address = listener.local_addr()?;
    let Opened { router, access, metrics, db, .. } = open(&configuration, &settings, address, &clock).await?;
    first_admin::ensure(&access, &super::configuration::environment).await?;
    let handle = axum_server::Handle::new();
    let serving = tokio::spawn(serve(listener, router, handle.clone()));
    metrics.start();
    let took_ms = clock.monotonic().saturating_sub(started).as_millis();
    tracing::info!(took_ms, version = env!("CARGO_PKG_VERSION"), "listening on http://{address}");
    greet(&access, &settings, address)?;
    let tending = tokio::spawn(tend(Arc::clone(&access)));
    wait_for_the_end(&configuration, &access).await?;
    tracing::info!("stopping");
    tending.abort();
    handle.graceful_shutdown(Some(GRACE));
    if let Err(error) = serving.await? {
        tracing::warn!(%error, "the HTTP server ended with an error");
    }
    metrics.stop().await;
    if let Err(error) = access.tend().await {
        tracing::warn!(%error, "the last uses of sessions and tokens could not be written down");
    }
    drop(access);
    drop(db);
    tracing::info!("stopped");
    Ok(())
}

/// The server as it stands when nothing of it runs yet.
pub(super) struct Opened {
    /// Every route, with everything around.
    pub(super) router: axum::Router,
    /// Who may use which route.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests walk it"))]
    pub(super) table: Vec<RouteInfo>,
    pub(super) access: Arc<Access>,
    metrics: Arc<Metrics>,
    db: Arc<Db>,
}

/// Opens everything on the data folder and wires it.
pub(super) async fn open(
    configuration: &Arc<Configuration>,
    settings: &Settings,
    address: SocketAddr,
    clock: &SharedClock,
) -> anyhow::Result<Opened> {
    let cors = Cors::new(&settings.server.cors_origin).context("server.cors_origin (--web.cors.origin) is no regular expression")?;
    let data = Path::new(&settings.storage.path);
    prepare(data)?;
    let db = Arc::new(Db::open(&data.join("pharos.db"))?);
    let access = Access::open(Arc::clone(&db), Arc::clone(clock), access_settings(settings, address))?;
    let registry = Registry::new();
    let counts = RequestCounts::new(Arc::clone(clock));
    registry.add(Arc::new(Process::new(clock.now_ms())));
    registry.add(Arc::clone(configuration) as _);
    registry.add(Arc::clone(&counts) as _);
    let metrics = Metrics::open(MetricsOptions {
        data_dir: data.join("metrics"),
        settings: settings.clone(),
        config: configuration.loaded().config.clone(),
        clock: Arc::clone(clock),
        registry,
        server: Arc::clone(configuration) as Arc<dyn Server>,
        address,
    })
    .await?;
    configuration.on_change({
        let metrics = Arc::clone(&metrics);
        move |config| metrics.apply(config)
    });
    let hosts = KnownHosts::new(own_names(settings), address.ip().is_loopback());
    let admin = Admin::new(Arc::clone(&access), Arc::clone(clock));
    let routes = metrics.routes().join(admin.routes());
    let table = routes.table().to_vec();
    let routes = routes.into_router().layer(axum::middleware::from_fn_with_state(Arc::clone(&access), identify));
    let router = guard::around(routes, counts, hosts, cors);
    Ok(Opened { router, table, access, metrics, db })
}

fn access_settings(settings: &Settings, address: SocketAddr) -> AccessSettings {
    AccessSettings {
        mode: match settings.auth.mode {
            SignIn::On => AuthMode::On,
            SignIn::Off => AuthMode::Off,
            SignIn::Auto if address.ip().is_loopback() => AuthMode::OnceSetUp,
            SignIn::Auto => AuthMode::On,
        },
        session_idle: settings.auth.session_idle.to_std(),
        session_age: settings.auth.session_age.to_std(),
        audit_keep: settings.auth.audit_retention.to_std(),
    }
}

/// Tells how to set up a server that nobody can sign in to yet. The code is in the log, and on the terminal of whoever
/// started it.
fn greet(access: &Access, settings: &Settings, address: SocketAddr) -> anyhow::Result<()> {
    let Some(code) = access.begin_setup()? else { return Ok(()) };
    let link = format!("{}{}?code={}", base_url(settings, address), links::SETUP, code.expose());
    let elsewhere = if address.ip().is_unspecified() { " (from elsewhere with this server's name in place of localhost)" } else { "" };
    tracing::warn!("nobody can sign in yet; set up the first administrator at {link}{elsewhere}");
    let mut terminal = std::io::stderr();
    if terminal.is_terminal() {
        // The log has it too, so a terminal that went away is no failure.
        let _gone = writeln!(terminal, "\n  Set up the first administrator:  {link}\n").is_err();
    }
    Ok(())
}

/// Where people reach the server.
fn base_url(settings: &Settings, address: SocketAddr) -> String {
    let external = settings.server.external_url.trim_end_matches('/');
    if !external.is_empty() {
        return external.to_owned();
    }
    if address.ip().is_unspecified() {
        // No browser goes to 0.0.0.0, and in a container the machine's own name means nothing outside.
        return format!("http://localhost:{}", address.port());
    }
    format!("http://{address}")
}

/// Takes over what the command line changed, within a second; each minute writes last uses down and removes what has
/// ended.
async fn tend(access: Arc<Access>) {
    let mut ticks = tokio::time::interval(FOLLOW_EVERY);
    let mut tick: u32 = 0;
    loop {
        ticks.tick().await;
        tick = tick.wrapping_add(1);
        let done = if tick.is_multiple_of(TEND_EVERY) { access.tend().await } else { access.follow().map_err(Into::into) };
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

/// Makes the data folder, and sees that it is one of ours to write to.
fn prepare(data: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(data).with_context(|| format!("cannot create the data folder {}", data.display()))?;
    rustix::fs::access(data, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
        .with_context(|| format!("cannot write to the data folder {}", data.display()))?;
    let others: Vec<&str> = PROMETHEUS_FOLDERS.into_iter().filter(|name| data.join(name).is_dir()).collect();
    if !others.is_empty() {
        tracing::warn!(
            folder = %data.display(),
            found = others.join(", "),
            "the data folder holds data of Prometheus, which is left alone and not read; to take its history over, write it with \
             `promtool tsdb dump-openmetrics` and read that with `pharos import openmetrics`"
        );
    }
    Ok(())
}

/// Reloads on SIGHUP; returns on SIGTERM, SIGINT, or when asked over HTTP.
async fn wait_for_the_end(configuration: &Arc<Configuration>, access: &Access) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        tokio::select! {
            _ = hangup.recv() => {
                let configuration = Arc::clone(configuration);
                // What went wrong is in the log, the status and a metric already.
                if let Ok(Ok(())) = tokio::task::spawn_blocking(move || configuration.reload()).await {
                    let change = Change::new("config.reload", "configuration");
                    access.record("signal SIGHUP", &Origin::this_machine("signal"), change).await;
                }
            }
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            () = configuration.quit.notified() => return Ok(()),
        }
    }
}

/// Where to listen. Without signing in, only on this machine.
fn address(settings: &Settings) -> anyhow::Result<SocketAddr> {
    let text = &settings.server.listen;
    // Prometheus takes `:9090` for every address.
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.clone() };
    let address = full
        .to_socket_addrs()
        .with_context(|| format!("cannot listen on {text:?}: expected an address and a port such as 127.0.0.1:9090"))?
        .next()
        .with_context(|| format!("{text:?} names no address"))?;
    if settings.auth.mode == SignIn::Off && !address.ip().is_loopback() && !settings.server.allow_open {
        bail!(
            "{text} can be reached from other machines, and nobody has to sign in: leave --auth off away or start with --auth on, listen on \
             a loopback address (127.0.0.1, ::1), or say --allow-open where something else keeps strangers out"
        );
    }
    Ok(address)
}

/// Names, besides addresses and localhost, under which browsers may come.
fn own_names(settings: &Settings) -> Vec<String> {
    let external = url::Url::parse(&settings.server.external_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let own = rustix::system::uname().nodename().to_string_lossy().into_owned();
    external.into_iter().chain([own]).filter(|name| name.parse::<IpAddr>().is_err()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_open_before_there_is_somebody() {
        for (mode, address, expected) in [
            (SignIn::Auto, "127.0.0.1:9090", AuthMode::OnceSetUp),
            (SignIn::Auto, "[::1]:9090", AuthMode::OnceSetUp),
            (SignIn::Auto, "0.0.0.0:9090", AuthMode::On),
            (SignIn::Auto, "[::]:9090", AuthMode::On),
            (SignIn::Auto, "10.0.0.5:9090", AuthMode::On),
            (SignIn::On, "127.0.0.1:9090", AuthMode::On),
            (SignIn::Off, "0.0.0.0:9090", AuthMode::Off),
        ] {
            let mut settings = Settings::default();
            settings.auth.mode = mode;
            assert_eq!(access_settings(&settings, address.parse().unwrap()).mode, expected, "{mode:?} {address}");
        }
    }

    #[test]
    fn the_set_up_link_leads_somewhere() {
        let mut settings = Settings::default();
        for (address, url) in
            [("127.0.0.1:9090", "http://127.0.0.1:9090"), ("0.0.0.0:9090", "http://localhost:9090"), ("[::]:1", "http://localhost:1")]
        {
            assert_eq!(base_url(&settings, address.parse().unwrap()), url);
        }
        settings.server.external_url = "https://metrics.example/".to_owned();
        assert_eq!(base_url(&settings, "0.0.0.0:9090".parse().unwrap()), "https://metrics.example");
    }
}
