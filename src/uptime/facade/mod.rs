//! The front door of the wing: holds the modules in force, has checks watched and their alerts told, and hands out routes.

mod bringing;
mod now;
mod pages;
mod past;
mod running;
mod users;

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use pages::OwnHosts;
use pages::{Mailer, Offered, PageState};
use running::{Members, Running};

use crate::access::{Passwords, Routes};
use crate::base::clock::SharedClock;
use crate::platform::db::{Db, DbError};
use crate::platform::follow::{Outcome, follow};
use crate::platform::http::client::FetchGuard;
use crate::platform::telemetry::metrics::{Page, Registry, Report};
use crate::series::ports::{Append, ChecksNow, Costs, Evaluate, Happenings, Incidents, MetricUsers, SendMail, TakeAlerts};
use crate::uptime::api::{self, ApiState, Bring, Counts};
use crate::uptime::config::{KeptChecks, Modules};
use crate::uptime::model::track::State;
use crate::uptime::pages::status::Pen;
use crate::uptime::probe::Prober;
use crate::uptime::status::keeper::Keeper;
use crate::uptime::store::Store;
use crate::uptime::watch::announce::Announcer;
use crate::uptime::watch::desk::{Desk, Followed};
use crate::uptime::watch::watcher::Watcher;

/// How often it is looked whether somebody is to be told.
const TOLD_EVERY: Duration = Duration::from_secs(1);
/// How often hours become days, and what is old is forgotten.
const ROLLED_UP_EVERY: Duration = Duration::from_secs(3600);

/// What the wing needs of the rest of the server.
pub struct UptimeOptions {
    /// The time.
    pub clock: SharedClock,
    /// Where the wing's own metrics are added.
    pub registry: Registry,
    /// How to probe.
    pub modules: Arc<Modules>,
    /// The file of checks, if there is one.
    pub checks: Option<Arc<KeptChecks>>,
    /// Where checks and what became of them are kept.
    pub db: Arc<Db>,
    /// Where their series are stored.
    pub append: Arc<dyn Append>,
    /// Who answers PromQL.
    pub metrics: Arc<dyn Evaluate>,
    /// Who answers LogQL.
    pub logs: Arc<dyn Evaluate>,
    /// Where people reach the server, for links in messages.
    pub external_url: String,
    /// Names by which the server itself is asked; no status page has one of them.
    pub own_names: Vec<String>,
    /// What people who are no administrators may make the server fetch.
    pub fetch_guard: Arc<FetchGuard>,
}

impl fmt::Debug for UptimeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UptimeOptions").field("modules", &self.modules).finish_non_exhaustive()
    }
}

/// The open wing.
pub struct Uptime {
    state: Arc<ApiState>,
    watcher: Arc<Watcher>,
    store: Store,
    pages: Arc<PageState>,
    taker: Arc<OnceLock<Arc<dyn TakeAlerts>>>,
    mail: Mailer,
    /// The file of checks in force.
    followed: watch::Sender<Option<Arc<KeptChecks>>>,
    external_url: String,
    stop: CancellationToken,
    tasks: parking_lot::Mutex<Vec<JoinHandle<()>>>,
}

impl fmt::Debug for Uptime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uptime").finish_non_exhaustive()
    }
}

impl Uptime {
    /// Opens it; nothing is probed yet. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn open(options: UptimeOptions) -> Result<Self, DbError> {
        let UptimeOptions { clock, registry, modules, checks, db, append, metrics, logs, external_url, own_names, fetch_guard } = options;
        let prober = Arc::new(Prober::new(Arc::clone(&clock)));
        let modules = Arc::new(ArcSwap::new(modules));
        let store = Store::new(db);
        let running = Running {
            members: OnceLock::new(),
            prober: Arc::clone(&prober),
            modules: Arc::clone(&modules),
            metrics,
            logs,
            clock: Arc::clone(&clock),
        };
        let running = Arc::new(running);
        let watcher = Watcher::new(Arc::clone(&running) as _, store.clone(), append, Arc::clone(&clock));
        let desk = Desk::open(store.clone(), Arc::clone(&watcher), Arc::clone(&clock))?;
        // Weakly: the desk holds the watcher, which holds what probes.
        let members: Weak<Desk> = Arc::downgrade(&desk);
        let _is_the_first = running.members.set(members as Weak<dyn Members>);
        let mail = Mailer::default();
        let pen = Arc::new(Pen { external_url: external_url.clone() });
        let keeper = Keeper::open(store.clone(), Arc::clone(&desk), Arc::clone(&clock), pen, own_names)?;
        let offered = Offered { mail: Arc::clone(&mail), readers: store.clone(), keeper: Arc::clone(&keeper), fetch_guard };
        let pages = PageState::new(Arc::clone(&desk), running, Arc::clone(&clock), external_url.clone(), offered);
        let bring = Bring { read: bringing::read, bytes_max: bringing::FILE_BYTES_MAX };
        let state =
            Arc::new(ApiState { prober, modules, counts: Counts::default(), bring, desk, keeper, clock, passwords: Passwords::default() });
        registry.add(Arc::clone(&state) as Arc<dyn Report>);
        registry.add(Arc::new(Watching(Arc::clone(&watcher))) as Arc<dyn Report>);
        let (taker, stop, tasks) = (Arc::default(), CancellationToken::new(), parking_lot::Mutex::default());
        Ok(Self { state, watcher, store, pages, taker, mail, followed: watch::Sender::new(checks), external_url, stop, tasks })
    }

    /// Puts other modules and another file of checks in force, the latter soon.
    pub fn apply(&self, modules: Arc<Modules>, checks: Option<Arc<KeptChecks>>) {
        self.state.modules.store(modules);
        self.followed.send_replace(checks);
    }

    /// Who is told of checks that are down. Only the first call counts.
    pub fn offer_alerts(&self, taker: Arc<dyn TakeAlerts>) {
        let _known_already = self.taker.set(taker);
    }

    /// How checks do.
    pub fn now(&self) -> Arc<dyn ChecksNow> {
        Arc::new(now::Now(Arc::clone(&self.state.desk)))
    }

    /// What checks ask for.
    pub fn users(&self) -> Arc<dyn MetricUsers> {
        Arc::new(users::Users(Arc::clone(&self.state.desk)))
    }

    /// Who sends mail. Only the first call counts.
    pub fn offer_mail(&self, mail: Arc<dyn SendMail>) {
        let _known_already = self.mail.set(mail);
    }

    /// What was down.
    pub fn incidents(&self) -> Arc<dyn Incidents> {
        Arc::new(past::Past(Arc::clone(&self.state.desk)))
    }

    /// Who says what was marked around an incident. Only the first call counts.
    pub fn offer_happenings(&self, happenings: Arc<dyn Happenings>) {
        let _known_already = self.pages.happenings.set(happenings);
    }

    /// Who says what an incident cost. Only the first call counts.
    pub fn offer_costs(&self, costs: Arc<dyn Costs>) {
        let _known_already = self.pages.costs.set(costs);
    }

    /// Names of hosts under which status pages stand alone.
    pub fn own_hosts(&self) -> OwnHosts {
        OwnHosts::new(&self.pages)
    }

    /// Begins to probe and to tell. Call it inside the runtime.
    pub fn start(&self) {
        let (watcher, stop) = (Arc::clone(&self.watcher), self.stop.clone());
        let mut tasks = self.tasks.lock();
        tasks.push(tokio::spawn(async move { watcher.run(stop).await }));
        tasks.push(tokio::spawn(self.telling()));
        let (keeper, stop) = (Arc::clone(&self.state.keeper), self.stop.clone());
        tasks.push(tokio::spawn(async move { keeper.run(stop).await }));
        tasks.push(tokio::spawn(pages::status::follow::telling(Arc::clone(&self.pages), self.stop.clone())));
        tasks.push(tokio::spawn(pages::maintenance::sending(Arc::clone(&self.pages), self.stop.clone())));
        tasks.push(tokio::spawn(self.following()));
        let (store, clock, stop) = (self.store.clone(), Arc::clone(&self.state.clock), self.stop.clone());
        let desk = Arc::clone(&self.state.desk);
        tasks.push(tokio::spawn(async move {
            while !stop.is_cancelled() {
                if let Err(error) = store.roll_up(clock.now_ms()).await {
                    tracing::warn!(%error, "days of checks are not added up");
                }
                if let Err(error) = desk.forget_old_maintenance().await {
                    tracing::warn!(%error, "old maintenance is not forgotten");
                }
                tokio::select! {
                    () = tokio::time::sleep(ROLLED_UP_EVERY) => {}
                    () = stop.cancelled() => {}
                }
            }
        }));
    }

    /// Has the checks of the file watched, and those of each that comes after it.
    fn following(&self) -> impl Future<Output = ()> + use<> {
        let desk = Arc::clone(&self.state.desk);
        follow(self.followed.subscribe(), self.stop.clone(), move |file: Option<Arc<KeptChecks>>| {
            let desk = Arc::clone(&desk);
            async move {
                match desk.follow(file.as_deref()).await {
                    Ok(Followed { changed, released }) if changed + released > 0 => {
                        tracing::info!(changed, released, "checks of the file are in force; those that stand in it no longer are paused");
                    }
                    Ok(_) => {}
                    Err(error) if error.may_pass() => {
                        tracing::warn!(%error, "checks of the file are not stored, this is tried again");
                        return Outcome::TryAgain;
                    }
                    Err(why) => tracing::error!(%why, "checks of the file are not in force"),
                }
                Outcome::Settled
            }
        })
    }

    /// Tells of checks that are down, until the end.
    fn telling(&self) -> impl Future<Output = ()> + use<> {
        let (watcher, taker, clock) = (Arc::clone(&self.watcher), Arc::clone(&self.taker), Arc::clone(&self.state.clock));
        let desk = Arc::clone(&self.state.desk);
        let (url, stop) = (self.external_url.clone(), self.stop.clone());
        async move {
            let mut announcer = Announcer::default();
            while !stop.is_cancelled() {
                if let Some(taker) = taker.get() {
                    let due = announcer.due(&watcher.views(), |id| desk.held(id), &url, clock.now_ms());
                    if !due.is_empty() {
                        taker.take(due).await;
                    }
                }
                tokio::select! {
                    () = tokio::time::sleep(TOLD_EVERY) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
    }

    /// Ends probing; what became of checks is written down.
    pub async fn stop(&self) {
        self.stop.cancel();
        let tasks = std::mem::take(&mut *self.tasks.lock());
        for task in tasks {
            if task.await.is_err() {
                tracing::error!("the watching of checks panicked");
            }
        }
    }

    /// Every route of the wing.
    pub fn routes(&self) -> Routes {
        api::routes(&self.state).join(pages::routes(&self.pages)).described(api::operations::operation)
    }
}

/// The wing's metrics about watching.
struct Watching(Arc<Watcher>);

impl Report for Watching {
    fn report(&self, page: &mut Page) {
        let views = self.0.views();
        page.family("pharos_checks", "gauge", "Checks, by state.");
        for state in State::ALL {
            let count = views.values().filter(|view| view.span.state == state).count();
            page.sample("pharos_checks", &[("state", state.as_str())], count as f64);
        }
        let punctuality = self.0.punctuality();
        page.counter("pharos_check_probes_total", "Probes of checks that were begun.", punctuality.begun);
        page.counter("pharos_check_probes_late_total", "Of those, begun more than 100 ms after they were due.", punctuality.late);
        page.gauge(
            "pharos_check_lateness_seconds_max",
            "How much later than due a probe was begun at most.",
            punctuality.latest.as_secs_f64(),
        );
    }
}
