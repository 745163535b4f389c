//! The front door of the wing: keeps objectives, has their rules evaluated, and hands out routes.

mod pages;
mod users;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::access::Routes;
use crate::base::clock::SharedClock;
use crate::platform::db::{Db, DbError};
use crate::platform::follow::{Outcome, follow};
use crate::platform::telemetry::metrics::{Page, Registry, Report};
use crate::series::ports::{Evaluate, Happenings, MetricUsers, TakeRules};
use crate::slo::api::{self, ApiState};
use crate::slo::bring::KeptSlos;
use crate::slo::store::Store;
use crate::slo::watch::desk::{Asked, Desk, Followed, NotStored, PutError};

/// What the wing needs of the rest of the server.
pub struct SlosOptions {
    /// The time.
    pub clock: SharedClock,
    /// Where the wing's own metrics are added.
    pub registry: Registry,
    /// The file of objectives, if there is one.
    pub file: Option<Arc<KeptSlos>>,
    /// Where objectives and their history are kept.
    pub db: Arc<Db>,
    /// Who answers PromQL.
    pub metrics: Arc<dyn Evaluate>,
    /// Who answers LogQL.
    pub logs: Arc<dyn Evaluate>,
    /// Who says what was marked in time.
    pub happenings: Arc<dyn Happenings>,
    /// Who evaluates rules.
    pub rules: Arc<dyn TakeRules>,
}

impl fmt::Debug for SlosOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlosOptions").finish_non_exhaustive()
    }
}

/// The open wing.
pub struct Slos {
    desk: Arc<Desk>,
    pages: Arc<pages::PageState>,
    /// The file in force.
    followed: watch::Sender<Option<Arc<KeptSlos>>>,
    stop: CancellationToken,
    tasks: parking_lot::Mutex<Vec<JoinHandle<()>>>,
}

impl fmt::Debug for Slos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slos").finish_non_exhaustive()
    }
}

impl Slos {
    /// Opens it, and hands the rules of every objective over. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn open(options: SlosOptions) -> Result<Self, DbError> {
        let SlosOptions { clock, registry, file, db, metrics, logs, happenings, rules } = options;
        let desk = Desk::open(Store::new(db), Asked { metrics, logs, happenings }, Arc::clone(&clock))?;
        let pages = Arc::new(pages::PageState::new(Arc::clone(&desk), clock));
        desk.offer_rules(rules);
        registry.add(Arc::new(Counted(Arc::clone(&desk))) as Arc<dyn Report>);
        Ok(Self { desk, pages, followed: watch::Sender::new(file), stop: CancellationToken::new(), tasks: parking_lot::Mutex::default() })
    }

    /// Puts another file in force, soon.
    pub fn apply(&self, file: Option<Arc<KeptSlos>>) {
        self.followed.send_replace(file);
    }

    /// Keeps to the file, and to each that comes after it.
    fn following(&self) -> impl Future<Output = ()> + use<> {
        let desk = Arc::clone(&self.desk);
        follow(self.followed.subscribe(), self.stop.clone(), move |file: Option<Arc<KeptSlos>>| {
            let desk = Arc::clone(&desk);
            async move {
                match desk.follow(file.as_deref()).await {
                    Ok(Followed { changed, deleted, released }) if changed + deleted + released > 0 => {
                        tracing::info!(changed, deleted, released, "SLOs of the file are in force");
                    }
                    Ok(_) => {}
                    Err(PutError::NotStored(NotStored::Db(error))) => {
                        tracing::warn!(%error, "SLOs of the file are not stored, this is tried again");
                        return Outcome::TryAgain;
                    }
                    Err(why) => tracing::error!(%why, "SLOs of the file are not in force"),
                }
                Outcome::Settled
            }
        })
    }

    /// Begins to follow the file and the calendar, and to write history. Call it inside the runtime.
    pub fn start(&self) {
        self.tasks.lock().push(tokio::spawn(self.following()));
        self.tasks.lock().push(tokio::spawn(Arc::clone(&self.desk).run(self.stop.clone())));
    }

    /// Ends it.
    pub async fn stop(&self) {
        self.stop.cancel();
        let tasks = std::mem::take(&mut *self.tasks.lock());
        for task in tasks {
            if task.await.is_err() {
                tracing::error!("the watching of SLOs panicked");
            }
        }
    }

    /// What SLOs ask for.
    pub fn users(&self) -> Arc<dyn MetricUsers> {
        Arc::new(users::Users(Arc::clone(&self.desk)))
    }

    /// Every route of the wing.
    pub fn routes(&self) -> Routes {
        let state = Arc::new(ApiState { desk: Arc::clone(&self.desk) });
        api::routes(&state).join(pages::routes(&self.pages)).described(api::operations::operation)
    }
}

/// The wing's own metrics.
struct Counted(Arc<Desk>);

impl Report for Counted {
    fn report(&self, page: &mut Page) {
        page.gauge("pharos_slos", "SLOs.", self.0.all().len() as f64);
    }
}
