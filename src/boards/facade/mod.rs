//! The front door of the hall: opens the store, hands out routes, and tells others what happened.

mod check;
mod ended;
mod kept;
mod pages;
mod panels;
mod shelf;
mod snapshot;
mod users;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use check::check;
use kept::Kept;
use pages::PageState;
use pages::public::Turns;
use panels::Later;
use shelf::Shelf;

use crate::access::Routes;
use crate::base::clock::SharedClock;
use crate::base::time::TimeRange;
use crate::boards::api::{self, ApiState};
use crate::boards::ingest::{Follower, Provider};
use crate::boards::model::{Annotation, Library, Wanted};
use crate::boards::query::Engines;
use crate::boards::serve::{Ports, ReadQuery, Server};
use crate::boards::store::Store;
use crate::platform::db::Db;
use crate::series::ports::{AlertsNow, Evaluate, Happening, Happenings, LogLabels, Mark, MetricUsers, Search, Select};

/// Panels that are made at once, for all readers together; more wait in line.
const PANELS_AT_ONCE: usize = 6;

/// Annotations of one instant that are looked through for the one that is to be forgotten.
const FORGET_LOOKED_MAX: usize = 1_000;

/// What the hall needs of the rest of the server.
pub struct BoardsOptions {
    /// Where everything is kept.
    pub db: Arc<Db>,
    /// The time.
    pub clock: SharedClock,
    /// Folders of dashboards that are followed.
    pub providers: Vec<Provider>,
    /// What panels ask.
    pub asking: Asking,
    /// Under which address others reach this server; empty for the one that is asked.
    pub external_url: String,
}

/// What panels ask.
pub struct Asking {
    /// Series of metrics.
    pub select: Arc<dyn Select>,
    /// Answers PromQL.
    pub metrics: Arc<dyn Evaluate>,
    /// Answers LogQL with numbers.
    pub logs: Arc<dyn Evaluate>,
    /// Answers LogQL with lines.
    pub search: Arc<dyn Search>,
    /// Labels of logs.
    pub log_labels: Arc<dyn LogLabels>,
    /// Reads PromQL without asking it.
    pub read: ReadQuery,
    /// How often targets are scraped unless they say, in milliseconds.
    pub scrape: Arc<dyn Fn() -> i64 + Send + Sync>,
}

/// The open hall.
pub struct Boards {
    store: Store,
    clock: SharedClock,
    providers: Vec<Provider>,
    api: Arc<ApiState>,
    server: Arc<Server>,
    alerts: Arc<Later>,
    external_url: String,
}

impl Boards {
    /// Wires everything.
    pub fn open(options: BoardsOptions) -> Self {
        let BoardsOptions { db, clock, providers, asking, external_url } = options;
        let store = Store::new(db);
        let alerts = Arc::new(Later::default());
        let Asking { select, metrics, logs, search, log_labels, read, scrape } = asking;
        let ports = Ports {
            select,
            engines: Engines { metrics, logs, search },
            log_labels,
            read,
            alerts: Arc::clone(&alerts) as _,
            happenings: Arc::new(Marked(store.clone(), Arc::clone(&clock))),
            scrape,
            library: library(&store),
            clock: Arc::clone(&clock),
        };
        let server = Server::new(ports, PANELS_AT_ONCE);
        let api = Arc::new(ApiState { kept: Arc::new(Kept(store.clone())), library: library(&store), clock: Arc::clone(&clock) });
        Self { store, clock, providers, api, server, alerts, external_url }
    }

    /// Where lists of alerts come from. Only the first call counts.
    pub fn offer_alerts(&self, alerts: Arc<dyn AlertsNow>) {
        let _known_already = self.alerts.0.set(alerts);
    }

    /// Every route of the hall.
    pub fn routes(&self) -> Routes {
        let state = PageState {
            library: library(&self.store),
            store: self.store.clone(),
            turns: Turns::default(),
            server: Arc::clone(&self.server),
            external_url: self.external_url.clone(),
            clock: Arc::clone(&self.clock),
        };
        api::routes(&self.api).join(panels::routes(&self.server)).join(pages::routes(state))
    }

    /// Follows the folders of dashboards until it is aborted.
    pub fn follow_files(&self) -> impl Future<Output = ()> + Send + 'static {
        Follower::new(Arc::new(self.store.clone()), Arc::clone(&self.clock), self.providers.clone()).follow()
    }

    /// Forgets shares that ended, with their snapshots, every now and then until it is aborted.
    pub fn forget_ended_shares(&self) -> impl Future<Output = ()> + Send + 'static {
        ended::forget(self.store.clone(), Arc::clone(&self.clock))
    }

    /// What dashboards ask for.
    pub fn users(&self) -> Arc<dyn MetricUsers> {
        Arc::new(users::Users::new(library(&self.store)))
    }

    /// What people and programs marked in time.
    pub fn happenings(&self) -> Arc<dyn Happenings> {
        Arc::new(Marked(self.store.clone(), Arc::clone(&self.clock)))
    }

    /// Where others mark something.
    pub fn marks(&self) -> Arc<dyn Mark> {
        Arc::new(Marked(self.store.clone(), Arc::clone(&self.clock)))
    }
}

/// Dashboards that are kept, and the ready-made ones.
fn library(store: &Store) -> Arc<dyn Library> {
    Arc::new(Shelf(Arc::new(store.clone())))
}

/// Annotations, as others see them.
struct Marked(Store, SharedClock);

impl Happenings for Marked {
    fn within(&self, range: TimeRange, limit: usize) -> Result<Vec<Happening>, String> {
        let wanted = Wanted { range: Some((range.start, range.end)), limit, ..Wanted::default() };
        let found = self.0.find(&wanted).map_err(|error| error.to_string())?;
        let told = found.into_iter().map(|one| Happening {
            at: one.at,
            until: one.until,
            text: one.text,
            tags: one.tags,
            by: one.made_by,
            path: String::new(),
        });
        Ok(told.collect())
    }
}

impl Mark for Marked {
    fn mark(&self, happening: Happening) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(async move {
            let now = self.1.now_ms();
            let Happening { at, until, text, tags, by, path: _ } = happening;
            let one = Annotation {
                at,
                until,
                text,
                tags,
                made_by: by,
                made_at: now,
                changed_at: now,
                data: "{}".to_owned(),
                ..Annotation::default()
            };
            let one = one.checked(now).map_err(|mistake| mistake.to_string())?;
            self.0.add(one).await.map(drop).map_err(|error| error.to_string())
        })
    }

    fn forget(&self, happening: Happening) -> Pin<Box<dyn Future<Output = Result<bool, String>> + Send + '_>> {
        Box::pin(async move {
            let wanted = Wanted { range: Some((happening.at, happening.at)), limit: FORGET_LOOKED_MAX, ..Wanted::default() };
            let found = self.0.find(&wanted).map_err(|error| error.to_string())?;
            let is_it = |one: &Annotation| {
                one.at == happening.at && one.text == happening.text && happening.tags.iter().all(|tag| one.tags.contains(tag))
            };
            let Some(id) = found.into_iter().find(is_it).map(|one| one.id) else { return Ok(false) };
            self.0.delete(vec![id]).await.map(|count| count > 0).map_err(|error| error.to_string())
        })
    }
}
