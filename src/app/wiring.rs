//! Opens everything on the data folder and wires it: what is handed to whom, and which layer stands around which.

use std::fs::DirBuilder;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::header::ACCEPT;

use super::configuration::{Alerting, Configuration};
use super::edge::{self, Edge, Facts};
use super::guard::{self, KnownHosts, RequestCounts};
use super::happenings::Everything;
use super::https::{ToHttps, https_only};
use super::probing::Probing;
use super::throttle::{Throttle, limited};
use super::vouch::{Vouching, vouched};
use super::web_users::WebUsers;
use super::{backup, budget, own_hosts, routing, ruling};
use crate::access::{Access, AccessReport, AccessSettings, AuthMode, Doors, RouteInfo, identify};
use crate::admin::Admin;
use crate::alerts::{Alerts, AlertsOptions, Beside, Ports};
use crate::base::clock::SharedClock;
use crate::base::pressure::Pressure;
use crate::boards::{self, Asking, Boards, BoardsOptions};
use crate::business::{Business, BusinessOptions};
use crate::docs::{Docs, DocsOptions, KeySection};
use crate::logs::{Logs, LogsOptions};
use crate::metrics::config;
use crate::metrics::server::Server;
use crate::metrics::{Metrics, MetricsOptions, ReplayProgress, parse_options};
use crate::platform::backup::Backups;
use crate::platform::budget::{Budgets, System, Watch};
use crate::platform::config::settings::{Settings, SignIn};
use crate::platform::db::Db;
use crate::platform::disk::DirLock;
use crate::platform::http::client::FetchGuard;
use crate::platform::http::cors::Cors;
use crate::platform::http::server::Intake;
use crate::platform::telemetry::metrics::Registry;
use crate::platform::telemetry::process::Process;
use crate::series::ports::Happenings;
use crate::slo::{Slos, SlosOptions};
use crate::uptime::{Uptime, UptimeOptions};

/// What Prometheus keeps in its data folder and pharos does not.
const PROMETHEUS_FOLDERS: [&str; 2] = ["chunks_head", "wal"];

/// Longer than any server lives.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// How often pharos collects what it measures by itself, in milliseconds.
const SCRAPE_USUAL_MS: i64 = 15_000;

/// What is there before storage is open: the data folder, and how connections are taken.
pub(super) struct Ground {
    pub(super) edge: Arc<Edge>,
    pub(super) intake: Intake,
    /// Keeps others away from the data folder.
    pub(super) lock: DirLock,
}

/// Takes the data folder.
pub(super) fn ground(settings: &Settings, address: SocketAddr, clock: &SharedClock) -> anyhow::Result<Ground> {
    let data = Path::new(&settings.storage.path);
    let lock = prepare(data)?;
    let edge = Edge::open(settings, data, address, Arc::clone(clock))?;
    let intake = edge::intake(settings, &edge)?;
    Ok(Ground { edge, intake, lock })
}

/// From what the server is opened.
pub(super) struct Outset<'a> {
    pub(super) configuration: &'a Arc<Configuration>,
    pub(super) settings: &'a Settings,
    pub(super) address: SocketAddr,
    pub(super) clock: &'a SharedClock,
    /// How far the log has been read back.
    pub(super) progress: Arc<ReplayProgress>,
    /// Gives memory that was freed back to the system.
    pub(super) release: fn(),
}

/// The server as it stands when nothing of it runs yet.
pub(super) struct Opened {
    /// Every route, with everything around.
    pub(super) router: axum::Router,
    /// Who may use which route.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests walk it"))]
    pub(super) table: Vec<RouteInfo>,
    pub(super) access: Arc<Access>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) logs: Arc<Logs>,
    pub(super) uptime: Arc<Uptime>,
    pub(super) business: Arc<Business>,
    pub(super) slos: Arc<Slos>,
    pub(super) alerts: Arc<Alerts>,
    pub(super) boards: Boards,
    pub(super) backups: Arc<Backups>,
    pub(super) db: Arc<Db>,
    pub(super) throttle: Arc<Throttle>,
    /// Keeps the budgets of memory and disk.
    pub(super) watch: Watch,
}

/// Opens everything on the data folder and wires it.
pub(super) async fn open(outset: Outset<'_>, ground: &Ground) -> anyhow::Result<Opened> {
    let Outset { configuration, settings, address, clock, progress, release } = outset;
    let edge = &ground.edge;
    let cors = Cors::new(&settings.server.cors_origin).context("server.cors_origin (--web.cors.origin) is no regular expression")?;
    let fetch_guard = edge::fetch_guard(settings)?;
    let limits = budget::limits(settings);
    let settings = &budget::fitted(settings.clone(), limits);
    let pressure = Pressure::new();
    let data = Path::new(&settings.storage.path);
    let db = Arc::new(Db::open(&data.join(backup::DATABASE))?);
    let access = open_access(settings, address, &db, clock)?;
    let registry = Registry::new();
    edge.register(&registry);
    registry.add(Arc::new(ground.intake.places.clone()) as _);
    let counts = RequestCounts::new(Arc::clone(clock));
    registry.add(Arc::new(Process::new(clock.now_ms())));
    registry.add(Arc::clone(configuration) as _);
    registry.add(Arc::clone(&counts) as _);
    registry.add(AccessReport::new(&access) as _);
    let with_url = edge.with_own_url(settings, address);
    let metrics = Metrics::open(MetricsOptions {
        data_dir: data.join("metrics"),
        settings: with_url.clone(),
        config: configuration.loaded().config.clone(),
        clock: Arc::clone(clock),
        registry: registry.clone(),
        server: Arc::clone(configuration) as Arc<dyn Server>,
        address,
        progress,
        pressure: pressure.clone(),
        db: Arc::clone(&db),
    })
    .await?;
    let logs = Logs::open(LogsOptions {
        data_dir: data.join("logs"),
        settings: settings.clone(),
        clock: Arc::clone(clock),
        registry: registry.clone(),
        pressure: pressure.clone(),
        tls: ground.intake.tls.clone(),
        env: super::configuration::environment,
        db: Arc::clone(&db),
        collect: configuration.loaded().settings.collect().cloned(),
    })
    .await?;
    let boards = open_boards((&metrics, &logs), configuration, settings, &db, clock)?;
    let alerts = open_alerts((&metrics, &logs, &boards), configuration, &with_url, &registry, &db, clock)?;
    boards.offer_alerts(alerts.now());
    let everyone = Arc::clone(&access);
    alerts.offer_people(Box::new(move || everyone.users().unwrap_or_default().into_iter().map(|user| user.name).collect()));
    let uptime = open_uptime((&metrics, &logs, &alerts), configuration, &with_url, (&registry, &db, clock), fetch_guard)?;
    let happenings = happenings_of(&boards, &uptime);
    let slos = open_slos((&metrics, &logs, &alerts), Arc::clone(&happenings), configuration, &registry, &db, clock)?;
    let business =
        open_business((&metrics, &logs, &uptime, &boards, &alerts), happenings, configuration, &with_url, (&registry, &db, clock))?;
    metrics.offer_users(vec![boards.users(), alerts.users(), business.users(), slos.users(), uptime.users()]);
    let told = (Arc::clone(&metrics), Arc::clone(&logs), Arc::clone(&alerts));
    tell_of_changes(configuration, edge, with_url, told, (Arc::clone(&uptime), Arc::clone(&slos), Arc::clone(&business)));
    let budgets = Budgets::new(limits, pressure);
    registry.add(Arc::clone(&budgets) as _);
    let relief = budget::Everything { metrics: Arc::clone(&metrics), logs: Arc::clone(&logs), release };
    let watch = Watch::start(budgets, System { data: data.to_owned() }, relief, Arc::clone(clock))?;
    let hosts = KnownHosts::new(own_names(settings), address.ip().is_loopback());
    let admin = Admin::new(Arc::clone(&access), Arc::clone(clock));
    let backups = backup::open(data, settings, Arc::clone(clock), &metrics, &logs);
    registry.add(Arc::clone(&backups) as _);
    let docs = Docs::new(DocsOptions { clock: Arc::clone(clock), registry: registry.clone(), keys: documented_keys() });
    let facts = Facts { configuration: Arc::clone(configuration), edge: Arc::clone(edge) };
    let routes = metrics
        .routes()
        .join(logs.routes())
        .join(uptime.routes())
        .join(business.routes())
        .join(slos.routes())
        .join(alerts.routes())
        .join(boards.routes())
        .join(admin.routes())
        .join(admin.backup_routes(&backups))
        .join(admin.server_routes(facts, registry.clone()))
        .join(admin.connect_routes(settings.server.external_url.clone()))
        .join(admin.about_routes(registry.clone(), settings.server.own_metrics))
        .join(docs.routes());
    docs.describe(routes.table());
    let table = routes.table().to_vec();
    let throttle = Throttle::new(settings, &table, Arc::clone(clock))?;
    registry.add(Arc::clone(&throttle.limits) as _);
    let routes = told_who_asks(routes.into_router(), &alerts, &throttle, &access, edge);
    let router = guard::around(routes, counts, hosts, cors, Arc::clone(edge));
    let router = own_hosts::before(router, uptime.own_hosts());
    let to_https = ToHttps::new(&settings.server, edge, own_names(settings)).with_pages(uptime.own_hosts());
    let router = router.layer(from_fn_with_state(Arc::new(to_https), https_only));
    Ok(Opened { router, table, access, metrics, logs, uptime, slos, business, alerts, boards, backups, db, throttle, watch })
}

/// The doors by which people and programs come in.
fn open_access(settings: &Settings, address: SocketAddr, db: &Arc<Db>, clock: &SharedClock) -> anyhow::Result<Arc<Access>> {
    let access = Access::open(Arc::clone(db), Arc::clone(clock), access_settings(settings, address))?;
    let doors = Doors::new(settings, Arc::clone(clock))?;
    doors.oidc.iter().for_each(|oidc| oidc.warn());
    access.open_doors(doors);
    Ok(access)
}

/// Routes that know who asks. From the inside out: limits know who asks, who asks may be known from the connection.
fn told_who_asks(
    routes: axum::Router,
    alerts: &Arc<Alerts>,
    throttle: &Arc<Throttle>,
    access: &Arc<Access>,
    edge: &Arc<Edge>,
) -> axum::Router {
    let vouching = Vouching { edge: Arc::clone(edge), access: Arc::clone(access), users: WebUsers::default() };
    routes
        .layer(from_fn_with_state(Arc::clone(alerts), counted))
        .layer(from_fn_with_state(Arc::clone(throttle), limited))
        .layer(from_fn_with_state(Arc::clone(access), identify))
        .layer(from_fn_with_state(Arc::new(vouching), vouched))
}

/// Adds to requests for pages what the navigation of every page counts.
async fn counted(State(alerts): State<Arc<Alerts>>, mut request: Request, next: Next) -> Response {
    let wants_page = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("text/html"));
    let is_refresh = request.headers().contains_key("x-requested-with");
    if wants_page || is_refresh {
        request.extensions_mut().insert(alerts.counts());
    }
    next.run(request).await
}

/// The hall of dashboards over both wings.
fn open_boards(
    (metrics, logs): (&Metrics, &Logs),
    configuration: &Arc<Configuration>,
    settings: &Settings,
    db: &Arc<Db>,
    clock: &SharedClock,
) -> anyhow::Result<Boards> {
    let providers = boards::providers(&settings.boards.folder, &settings.boards.provisioning).map_err(anyhow::Error::msg)?;
    let asking = asking(metrics, logs, configuration, settings);
    let external_url = settings.server.external_url.clone();
    Ok(Boards::open(BoardsOptions { db: Arc::clone(db), clock: Arc::clone(clock), providers, asking, external_url }))
}

/// What panels of dashboards ask.
fn asking(metrics: &Metrics, logs: &Logs, configuration: &Arc<Configuration>, settings: &Settings) -> Asking {
    let parse = parse_options(settings);
    let configuration = Arc::clone(configuration);
    Asking {
        select: metrics.select(),
        metrics: metrics.evaluate(),
        logs: Arc::new(logs.engine().clone()),
        search: logs.search(),
        log_labels: logs.log_labels(),
        read: Arc::new(move |query| crate::metrics::read_query(query, parse)),
        scrape: Arc::new(move || {
            let config = &configuration.loaded().config;
            // Without jobs there is only what pharos collects by itself.
            if config.scrape_configs.is_empty() { SCRAPE_USUAL_MS } else { config.global.scrape_interval.ms() }
        }),
    }
}

/// The hall of alerts over both wings, beside the hall of dashboards.
fn open_alerts(
    (metrics, logs, boards): (&Metrics, &Logs, &Boards),
    configuration: &Configuration,
    settings: &Settings,
    registry: &Registry,
    db: &Arc<Db>,
    clock: &SharedClock,
) -> anyhow::Result<Arc<Alerts>> {
    let following = ruling::following(&configuration.loaded().config, settings, &configuration.alerting());
    routing::say(&following.routing);
    let options = AlertsOptions {
        ports: Ports {
            metrics: metrics.evaluate(),
            logs: Arc::new(logs.engine().clone()),
            append: metrics.append(),
            select: metrics.select(),
            clock: Arc::clone(clock),
        },
        read_query: ruling::reader(settings),
        beside: Beside { lines: logs.lines(), happenings: boards.happenings() },
        following,
        outside: metrics.alert_send(),
        db: Arc::clone(db),
        history: settings.alerts.history_time,
        registry: registry.clone(),
        evaluations_max: usize::try_from(settings.alerts.evaluations_max).unwrap_or(usize::MAX),
    };
    Alerts::open(options).map_err(|why| anyhow!("alerts cannot be routed:\n{why}"))
}

/// The wing of uptime, which asks the other two and tells the hall of alerts.
fn open_uptime(
    (metrics, logs, alerts): (&Metrics, &Logs, &Alerts),
    configuration: &Configuration,
    settings: &Settings,
    (registry, db, clock): (&Registry, &Arc<Db>, &SharedClock),
    fetch_guard: Arc<FetchGuard>,
) -> anyhow::Result<Arc<Uptime>> {
    let Probing { modules, checks, .. } = configuration.probing();
    let uptime = Uptime::open(UptimeOptions {
        clock: Arc::clone(clock),
        registry: registry.clone(),
        modules,
        checks,
        db: Arc::clone(db),
        append: metrics.append(),
        metrics: metrics.evaluate(),
        logs: Arc::new(logs.engine().clone()),
        external_url: settings.server.external_url.trim_end_matches('/').to_owned(),
        own_names: own_names(settings),
        fetch_guard,
    })?;
    uptime.offer_alerts(alerts.taker());
    uptime.offer_mail(alerts.post());
    metrics.offer_checks(uptime.now());
    Ok(Arc::new(uptime))
}

/// Every wing that follows the configuration is told when that changes.
fn tell_of_changes(
    configuration: &Configuration,
    edge: &Arc<Edge>,
    with_url: Settings,
    (metrics, logs, alerts): (Arc<Metrics>, Arc<Logs>, Arc<Alerts>),
    (uptime, slos, business): (Arc<Uptime>, Arc<Slos>, Arc<Business>),
) {
    let evaluated = Arc::clone(&alerts);
    let apply = move |loaded: &config::LoadedConfig, alerting: &Alerting, said: &Probing| {
        uptime.apply(Arc::clone(&said.modules), said.checks.clone());
        business.apply(said.business.clone());
        slos.apply(said.slos.clone());
        metrics.apply(&loaded.config);
        logs.reload(loaded.settings.collect().cloned());
        alerts.apply(ruling::following(&loaded.config, &with_url, alerting));
    };
    configuration.on_change(Arc::clone(edge), apply, move |groups| evaluated.apply_rules(groups));
}

/// What happened when, for all who draw something over time.
fn happenings_of(boards: &Boards, uptime: &Uptime) -> Arc<dyn Happenings> {
    uptime.offer_happenings(boards.happenings());
    Arc::new(Everything { marked: boards.happenings(), incidents: uptime.incidents() })
}

/// The wing of the business, which asks the wings of metrics and logs, tells that of uptime what incidents cost,
/// and sends letters through the hall of alerts.
fn open_business(
    (metrics, logs, uptime, boards, alerts): (&Metrics, &Logs, &Uptime, &Boards, &Alerts),
    happenings: Arc<dyn Happenings>,
    configuration: &Configuration,
    settings: &Settings,
    (registry, db, clock): (&Registry, &Arc<Db>, &SharedClock),
) -> anyhow::Result<Arc<Business>> {
    let business = Business::open(BusinessOptions {
        clock: Arc::clone(clock),
        registry: registry.clone(),
        file: configuration.probing().business,
        db: Arc::clone(db),
        append: metrics.append(),
        metrics: metrics.evaluate(),
        logs: Arc::new(logs.engine().clone()),
        happenings,
        marks: boards.marks(),
        incidents: uptime.incidents(),
        mail: alerts.post(),
        external_url: settings.server.external_url.clone(),
    })?;
    uptime.offer_costs(business.costs());
    alerts.offer_costs(business.costs());
    Ok(Arc::new(business))
}

/// The wing of objectives, whose rules the hall of alerts evaluates.
fn open_slos(
    (metrics, logs, alerts): (&Metrics, &Logs, &Alerts),
    happenings: Arc<dyn Happenings>,
    configuration: &Configuration,
    registry: &Registry,
    db: &Arc<Db>,
    clock: &SharedClock,
) -> anyhow::Result<Arc<Slos>> {
    let slos = Slos::open(SlosOptions {
        file: configuration.probing().slos,
        clock: Arc::clone(clock),
        registry: registry.clone(),
        db: Arc::clone(db),
        metrics: metrics.evaluate(),
        logs: Arc::new(logs.engine().clone()),
        happenings,
        rules: alerts.rules(),
    })?;
    Ok(Arc::new(slos))
}

fn access_settings(settings: &Settings, address: SocketAddr) -> AccessSettings {
    AccessSettings {
        mode: match settings.auth.mode {
            SignIn::On => AuthMode::On,
            SignIn::Off => AuthMode::Off,
            SignIn::Auto if address.ip().is_loopback() && !is_behind_proxy(settings) => AuthMode::OnceSetUp,
            SignIn::Auto => AuthMode::On,
        },
        session_idle: or_never(settings.auth.session_idle.to_std()),
        session_age: or_never(settings.auth.session_age.to_std()),
        outside_session_age: or_never(settings.auth.oidc_session_age.to_std()),
        audit_keep: or_never(settings.auth.audit_retention.to_std()),
    }
}

/// Whether the settings speak of something in front of the server, which hands others' requests on. Not every proxy
/// leaves a trace in them.
fn is_behind_proxy(settings: &Settings) -> bool {
    let is_named_elsewhere = url::Url::parse(&settings.server.external_url).is_ok_and(|url| match url.host() {
        Some(url::Host::Domain(name)) => name != "localhost" && !name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => !address.is_loopback(),
        Some(url::Host::Ipv6(address)) => !address.is_loopback(),
        None => false,
    });
    is_named_elsewhere || !settings.auth.proxy_trusted.is_empty()
}

/// None means no end, as for other settings of time.
fn or_never(set: Duration) -> Duration {
    if set.is_zero() { NEVER } else { set }
}

/// Sections and keys of Prometheus' configuration, for the documentation.
fn documented_keys() -> Vec<KeySection> {
    config::keys().into_iter().map(|(name, keys)| KeySection { name, keys }).collect()
}

/// Makes the data folder, sees that it is one of ours to write to, and keeps others away from it.
fn prepare(data: &Path) -> anyhow::Result<DirLock> {
    // Nobody else has to read it: there are hashes of passwords and keys of second factors in it.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .with_context(|| format!("cannot create the data folder {}", data.display()))?;
    rustix::fs::access(data, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
        .with_context(|| format!("cannot write to the data folder {}", data.display()))?;
    let lock = DirLock::take(data)?;
    if backup::unfinished(data) {
        bail!("a backup was being restored into {} and did not come to its end; run `pharos restore` again", data.display());
    }
    let others: Vec<&str> = PROMETHEUS_FOLDERS.into_iter().filter(|name| data.join(name).is_dir()).collect();
    if !others.is_empty() {
        tracing::warn!(
            folder = %data.display(),
            found = others.join(", "),
            "the data folder holds data of Prometheus, which is left alone and not read; to take its history over, write it with \
             `promtool tsdb dump-openmetrics` and read that with `pharos import openmetrics`"
        );
    }
    Ok(lock)
}

/// Names, besides addresses and localhost, under which browsers may come.
pub(super) fn own_names(settings: &Settings) -> Vec<String> {
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
        let here = "127.0.0.1:9090".parse().unwrap();
        let with = |name: &str, text: &str| {
            let mut settings = Settings::default();
            assert_eq!(settings.set(name, text), Ok(true));
            access_settings(&settings, here).mode
        };
        assert_eq!(with("server.external_url", "http://localhost:9090/"), AuthMode::OnceSetUp);
        assert_eq!(with("server.external_url", "https://metrics.example"), AuthMode::On, "something hands requests on");
        assert_eq!(with("auth.proxy_trusted", "127.0.0.1"), AuthMode::On);
        let mut settings = Settings::default();
        assert_eq!(settings.set("auth.session_idle", "0s"), Ok(true));
        assert_eq!(access_settings(&settings, here).session_idle, NEVER);
    }
}
