//! The front door of the wing: keeps KPIs in force, has them collected, and hands out routes.

mod costs;
mod letters;
mod pages;
mod users;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::access::Routes;
use crate::base::clock::SharedClock;
use crate::business::api::{self, ApiState};
use crate::business::ask::{Ask, Asker};
use crate::business::collect::Collector;
use crate::business::collect::desk::{Desk, Followed, PutError};
use crate::business::config::file::KeptBusiness;
use crate::business::digest::sender::Sender;
use crate::business::store::{NotStored, Store};
use crate::platform::backup::Schedule;
use crate::platform::db::{Db, DbError};
use crate::platform::follow::{Outcome, follow};
use crate::platform::telemetry::metrics::{Page, Registry, Report};
use crate::series::ports::{Append, Costs, Evaluate, Happenings, Incidents, Mark, MetricUsers, SendMail};

/// When it is looked whether something is due: every minute.
const EVERY_MINUTE: &str = "* * * * *";

/// What the wing needs of the rest of the server.
pub struct BusinessOptions {
    /// The time.
    pub clock: SharedClock,
    /// Where the wing's own metrics are added.
    pub registry: Registry,
    /// The file of the business, if there is one.
    pub file: Option<Arc<KeptBusiness>>,
    /// Where KPIs and their values are kept.
    pub db: Arc<Db>,
    /// Where their series are stored.
    pub append: Arc<dyn Append>,
    /// Who answers PromQL.
    pub metrics: Arc<dyn Evaluate>,
    /// Who answers LogQL.
    pub logs: Arc<dyn Evaluate>,
    /// Who says what was marked in time, incidents among it.
    pub happenings: Arc<dyn Happenings>,
    /// Where notes are marked.
    pub marks: Arc<dyn Mark>,
    /// Who says what was down.
    pub incidents: Arc<dyn Incidents>,
    /// Who sends letters.
    pub mail: Arc<dyn SendMail>,
    /// Under which address people reach this server; empty where nobody said so.
    pub external_url: String,
}

impl fmt::Debug for BusinessOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusinessOptions").finish_non_exhaustive()
    }
}

/// The open wing.
pub struct Business {
    state: Arc<ApiState>,
    pages: Arc<pages::PageState>,
    /// The file in force.
    followed: watch::Sender<Option<Arc<KeptBusiness>>>,
    stop: CancellationToken,
    tasks: parking_lot::Mutex<Vec<JoinHandle<()>>>,
    schedule: parking_lot::Mutex<Option<Schedule>>,
}

impl fmt::Debug for Business {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Business").finish_non_exhaustive()
    }
}

impl Business {
    /// Opens it; nothing is collected yet. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn open(options: BusinessOptions) -> Result<Self, DbError> {
        let BusinessOptions { clock, registry, file, db, append, metrics, logs, happenings, marks, incidents, mail, external_url } =
            options;
        let store = Store::new(db);
        let desk = Desk::open(store.clone(), Arc::clone(&clock))?;
        let ask: Arc<dyn Ask> = Arc::new(Asker::new(metrics, logs));
        let collector = Collector::new(Arc::clone(&desk), store.clone(), ask, append, Arc::clone(&clock));
        registry.add(Arc::new(Counting(Arc::clone(&desk), Arc::clone(&collector))) as Arc<dyn Report>);
        let letters = letters::Letters::new(Arc::clone(&desk), store.clone(), &external_url);
        let sender = Sender::new((Arc::clone(&desk), store.clone()), Arc::clone(&clock), mail, Arc::clone(&letters) as _);
        let state = Arc::new(ApiState { desk, store, collector, sender, clock });
        let pages = pages::PageState::new(Arc::clone(&state), letters, (happenings, marks, incidents), external_url);
        let (stop, tasks) = (CancellationToken::new(), parking_lot::Mutex::default());
        Ok(Self { state, pages, followed: watch::Sender::new(file), stop, tasks, schedule: parking_lot::Mutex::default() })
    }

    /// Puts another file in force, soon.
    pub fn apply(&self, file: Option<Arc<KeptBusiness>>) {
        self.followed.send_replace(file);
    }

    /// Begins to collect. Call it inside the runtime.
    pub async fn start(&self) {
        self.tasks.lock().push(tokio::spawn(self.following()));
        if let Err(error) = self.state.collector.resume().await {
            tracing::warn!(%error, "what fills in the past is not begun again");
        }
        // What was due while the server was away does not wait for the minute.
        self.tasks.lock().push(tokio::spawn(send_due(Arc::clone(&self.state.sender))));
        let (collector, sender) = (Arc::clone(&self.state.collector), Arc::clone(&self.state.sender));
        let run = move || -> Pin<Box<dyn Future<Output = ()> + Send>> {
            let (collector, sender) = (Arc::clone(&collector), Arc::clone(&sender));
            Box::pin(async move {
                // Letters do not wait for a database that answers slowly.
                let (collected, ()) = tokio::join!(collector.tick(), send_due(sender));
                if let Err(error) = collected {
                    tracing::warn!(%error, "KPIs are not collected; this is tried again in a minute");
                }
            })
        };
        match Schedule::start(EVERY_MINUTE, run, |_| {}).await {
            Ok(schedule) => *self.schedule.lock() = Some(schedule),
            Err(error) => tracing::error!(%error, "KPIs are not collected, as nothing says when"),
        }
    }

    /// Keeps to the file, and to each that comes after it.
    fn following(&self) -> impl Future<Output = ()> + use<> {
        let collector = Arc::clone(&self.state.collector);
        follow(self.followed.subscribe(), self.stop.clone(), move |file: Option<Arc<KeptBusiness>>| {
            let collector = Arc::clone(&collector);
            async move {
                match collector.follow(file.as_deref()).await {
                    Ok(Followed { changed, released }) if changed.len() + released > 0 => {
                        let changed = changed.len();
                        tracing::info!(changed, released, "KPIs of the file are in force; those that stand in it no longer are paused");
                    }
                    Ok(_) => {}
                    Err(PutError::NotStored(NotStored::Db(error))) => {
                        tracing::warn!(%error, "KPIs of the file are not stored, this is tried again");
                        return Outcome::TryAgain;
                    }
                    Err(why) => tracing::error!(%why, "KPIs of the file are not in force"),
                }
                Outcome::Settled
            }
        })
    }

    /// Ends collecting; what is being asked for is asked for again after the next start.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.state.collector.cancel_all();
        let schedule = self.schedule.lock().take();
        if let Some(schedule) = schedule {
            schedule.stop().await;
        }
        let tasks = std::mem::take(&mut *self.tasks.lock());
        for task in tasks {
            if task.await.is_err() {
                tracing::error!("following the file of the business panicked");
            }
        }
    }

    /// What a range of time cost.
    pub fn costs(&self) -> Arc<dyn Costs> {
        Arc::new(costs::ByKpis(Arc::clone(&self.state)))
    }

    /// What KPIs ask for.
    pub fn users(&self) -> Arc<dyn MetricUsers> {
        Arc::new(users::Users(Arc::clone(&self.state.desk)))
    }

    /// Every route of the wing.
    pub fn routes(&self) -> Routes {
        api::routes(&self.state).join(pages::routes(&self.pages)).described(api::operations::operation)
    }
}

/// Sends letters that are due.
async fn send_due(sender: Arc<Sender>) {
    if let Err(error) = sender.tick().await {
        tracing::warn!(%error, "letters about KPIs are not sent; this is tried again in a minute");
    }
}

/// The wing's metrics.
struct Counting(Arc<Desk>, Arc<Collector>);

impl Report for Counting {
    fn report(&self, page: &mut Page) {
        let all = self.0.all();
        let failing = all.iter().filter(|known| self.1.trouble(known.id).is_some()).count();
        page.gauge("pharos_kpis", "KPIs that are counted.", all.iter().filter(|known| !known.kpi.paused).count() as f64);
        page.gauge("pharos_kpis_failing", "KPIs that cannot be asked for at present.", failing as f64);
    }
}
