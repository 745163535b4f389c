//! `pharos serve`: start, run until told to stop, stop in reverse order.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use super::configuration::Configuration;
use super::guard::{self, KnownHosts, RequestCounts};
use crate::access::{Access, AccessReport, AccessSettings, AuthMode, identify};
use crate::admin::Admin;
use crate::base::clock::{SharedClock, SystemClock};
use crate::docs::{Docs, DocsOptions, KeySection};
use crate::metrics::config;
use crate::metrics::server::Server;
use crate::metrics::{Metrics, MetricsOptions};
use crate::platform::config::flags::ServeFlags;
use crate::platform::config::settings::Settings;
use crate::platform::db::Db;
use crate::platform::http::cors::Cors;
use crate::platform::http::server::{listen, serve};
use crate::platform::telemetry::log;
use crate::platform::telemetry::metrics::Registry;
use crate::platform::telemetry::process::Process;
use crate::ui::links;

/// Requests under way get this long to end.
const GRACE: Duration = Duration::from_secs(10);
/// How often sessions and tokens are tended.
const TEND_EVERY: Duration = Duration::from_secs(60);
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
    let cors = Cors::new(&settings.server.cors_origin).context("server.cors_origin (--web.cors.origin) is no regular expression")?;
    // Taken first, so that a second server on this port stops before it touches anything.
    let listener = listen(address)?;
    let address = listener.local_addr()?;
    let data = Path::new(&settings.storage.path);
    prepare(data)?;
    let db = Arc::new(Db::open(&data.join("pharos.db"))?);
    let access = Access::open(Arc::clone(&db), Arc::clone(&clock), access_settings(&settings))?;
    let registry = Registry::new();
    let counts = RequestCounts::new(Arc::clone(&clock));
    registry.add(Arc::new(Process::new(clock.now_ms())));
    registry.add(Arc::clone(&configuration) as _);
    registry.add(Arc::clone(&counts) as _);
    registry.add(AccessReport::new(&access) as _);
    let own_metrics = registry.clone();
    let metrics = Metrics::open(MetricsOptions {
        data_dir: data.join("metrics"),
        settings: settings.clone(),
        config: configuration.loaded().config.clone(),
        clock: Arc::clone(&clock),
        registry,
        server: Arc::clone(&configuration) as Arc<dyn Server>,
        address,
    })
    .await?;
    configuration.on_change({
        let metrics = Arc::clone(&metrics);
        move |config| metrics.apply(config)
    });
    let hosts = KnownHosts::new(own_names(&settings), address.ip().is_loopback());
    let admin = Admin::new(Arc::clone(&access), Arc::clone(&clock));
    let docs = Docs::new(DocsOptions { clock: Arc::clone(&clock), registry: own_metrics.clone(), keys: documented_keys() });
    let routes = metrics.routes().join(admin.routes()).join(docs.routes());
    let routes = routes
        .join(admin.connect_routes(settings.server.external_url.clone()))
        .join(admin.about_routes(own_metrics, settings.server.own_metrics));
    docs.describe(routes.table());
    let routes = routes.into_router();
    let routes = routes.layer(axum::middleware::from_fn_with_state(Arc::clone(&access), identify));
    let router = guard::around(routes, counts, hosts, cors);
    let handle = axum_server::Handle::new();
    let serving = tokio::spawn(serve(listener, router, handle.clone()));
    metrics.start();
    let took_ms = clock.monotonic().saturating_sub(started).as_millis();
    tracing::info!(took_ms, version = env!("CARGO_PKG_VERSION"), "listening on http://{address}");
    greet(&access, &settings, address)?;
    let tending = tokio::spawn(tend(Arc::clone(&access)));
    wait_for_the_end(&configuration).await?;
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

fn access_settings(settings: &Settings) -> AccessSettings {
    AccessSettings {
        mode: if settings.auth.enabled { AuthMode::On } else { AuthMode::Off },
        session_idle: settings.auth.session_idle.to_std(),
        session_age: settings.auth.session_age.to_std(),
        audit_keep: settings.auth.audit_retention.to_std(),
    }
}

/// Tells how to set up a server that nobody can sign in to yet. The code is in the log and nowhere else.
fn greet(access: &Access, settings: &Settings, address: SocketAddr) -> anyhow::Result<()> {
    if let Some(code) = access.begin_setup()? {
        let own = format!("http://{address}");
        let base = if settings.server.external_url.is_empty() { &own } else { settings.server.external_url.trim_end_matches('/') };
        tracing::warn!("nobody can sign in yet; set up the first administrator at {base}{}?code={}", links::SETUP, code.expose());
    }
    Ok(())
}

/// Sections and keys of Prometheus' configuration, for the documentation.
fn documented_keys() -> Vec<KeySection> {
    config::keys().into_iter().map(|(name, keys)| KeySection { name, keys }).collect()
}

/// Writes last uses down and removes what has ended, every minute.
async fn tend(access: Arc<Access>) {
    loop {
        tokio::time::sleep(TEND_EVERY).await;
        if let Err(error) = access.tend().await {
            tracing::warn!(%error, "sessions and tokens could not be tended");
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
async fn wait_for_the_end(configuration: &Arc<Configuration>) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        tokio::select! {
            _ = hangup.recv() => {
                let configuration = Arc::clone(configuration);
                // What went wrong is in the log, the status and a metric already.
                let _logged = tokio::task::spawn_blocking(move || configuration.reload()).await;
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
    if !settings.auth.enabled && !address.ip().is_loopback() && !settings.server.allow_open {
        bail!(
            "{text} can be reached from other machines, and nobody has to sign in: start with --auth on, listen on a loopback address \
             (127.0.0.1, ::1), or say --allow-open where something else keeps strangers out, such as a container's published port"
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
