//! The front door of the hall: loads rules and routing, runs groups, has their alerts told, and hands out routes.

mod channels;
mod load;
mod made;
mod manager;
mod now;
mod own;
mod pages;
mod post;
mod report;
mod routing;
mod send;
mod take;
mod users;

use std::sync::Arc;

pub use load::{ReadQuery, load};
use manager::Manager;
use own::{Own, SharedOwn};
pub use pages::Beside;
use pages::PageState;
pub use pages::People;
pub use routing::load_routing;
use send::Sender;

use crate::access::Routes;
use crate::alerts::api::v2::{self, V2State};
use crate::alerts::api::{self, ApiState};
use crate::alerts::dispatch::{Channels, DispatchOptions, Dispatcher, InForce, Routing};
use crate::alerts::evaluate::{Groups, Ports, Setting};
use crate::alerts::model::Group;
use crate::alerts::replay::Desk;
use crate::alerts::rules::own::OwnRules;
use crate::base::clock::SharedClock;
use crate::base::time::Duration;
use crate::platform::config::diagnostic::lines;
use crate::platform::db::Db;
use crate::platform::telemetry::metrics::Registry;
use crate::series::ports::{AlertsNow, Costs, MetricUsers, SendAlerts, SendMail, TakeAlerts, TakeRules};
use crate::series::relabel::RelabelConfig;
use crate::ui::shell::Counts;

/// What the hall needs of the rest of the server.
pub struct AlertsOptions {
    /// What groups ask, and where what they give is stored.
    pub ports: Ports,
    /// Reads queries.
    pub read_query: ReadQuery,
    /// What happened beside alerts.
    pub beside: Beside,
    /// What follows the configuration.
    pub following: Following,
    /// Alertmanagers outside.
    pub outside: Arc<dyn SendAlerts>,
    /// Where everything is kept that must survive a restart, but for samples.
    pub db: Arc<Db>,
    /// How long the history of alerts is kept; 0 for as long as there is room.
    pub history: Duration,
    /// Where the hall's own metrics are added.
    pub registry: Registry,
    /// Groups that are evaluated at once, at most.
    pub evaluations_max: usize,
}

/// What changes when the configuration is read again.
#[derive(Debug, Clone)]
pub struct Following {
    /// Groups of rules.
    pub groups: Vec<Group>,
    /// What all groups share.
    pub setting: Setting,
    /// What is done with the labels of rules' alerts before they are routed.
    pub relabel: Vec<RelabelConfig>,
    /// Where alerts go.
    pub routing: Arc<InForce>,
}

/// The open hall.
pub struct Alerts {
    manager: Arc<Manager>,
    dispatcher: Arc<Dispatcher>,
    sender: Arc<Sender>,
    api: Arc<ApiState>,
    pages: Arc<PageState>,
    clock: SharedClock,
    tasks: parking_lot::Mutex<Vec<tokio::task::JoinHandle<()>>>,
}

impl Alerts {
    /// Wires everything. Nothing is evaluated and nobody is told yet. Blocking.
    ///
    /// # Errors
    /// What is wrong with the channels, or the database's.
    pub fn open(options: AlertsOptions) -> Result<Arc<Self>, String> {
        let Following { setting, routing, .. } = &options.following;
        let channels = channels::open(&routing.config, &routing.path, &setting.external_url, &options.ports.clock);
        Self::with_channels(options, channels.map_err(|errors| lines(&errors))?)
    }

    /// The same with channels of the caller's choice. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn with_channels(options: AlertsOptions, channels: Channels) -> Result<Arc<Self>, String> {
        let AlertsOptions { ports, read_query, beside, following, outside, db, history, registry, evaluations_max } = options;
        let Following { groups, setting, relabel, routing } = following;
        let clock = Arc::clone(&ports.clock);
        let dispatch = DispatchOptions { db: Arc::clone(&db), clock: Arc::clone(&clock), in_force: routing, channels, history };
        let dispatcher = Dispatcher::open(dispatch).map_err(|error| error.to_string())?;
        let sender = Sender::new(Arc::clone(&dispatcher), Arc::clone(&outside), relabel);
        let (metrics, logs) = (Arc::clone(&ports.metrics), Arc::clone(&ports.logs));
        let manager = Arc::new(Manager::new(ports.clone(), read_query, setting.clone(), evaluations_max, Arc::clone(&sender)));
        let own = Arc::new(Own::new(db, read_query, Arc::clone(&manager), Arc::clone(&clock)));
        manager.apply(groups, setting);
        manager.apply_own(own.groups());
        registry.add(Arc::clone(&manager) as _);
        registry.add(Arc::clone(&dispatcher) as _);
        let desk = Arc::new(Desk::new(ports, Arc::clone(&manager) as _));
        let own: Arc<dyn OwnRules> = Arc::new(SharedOwn(own));
        let api = Arc::new(ApiState {
            groups: Arc::clone(&manager) as _,
            own: Arc::clone(&own),
            desk: Arc::clone(&desk),
            read_query,
            outside,
            routing: Arc::clone(&dispatcher) as _,
            clock: Arc::clone(&clock),
        });
        let pages = PageState::new(
            Arc::clone(&manager) as _,
            Arc::clone(&dispatcher) as _,
            metrics,
            logs,
            Arc::clone(&clock),
            (own, desk, read_query),
            (Arc::clone(&sender), beside),
        );
        Ok(Arc::new(Self { manager, dispatcher, sender, api, pages, clock, tasks: parking_lot::Mutex::default() }))
    }

    /// Begins to evaluate and to tell. Call it inside the runtime.
    pub fn start(&self) {
        let mut tasks = self.tasks.lock();
        tasks.push(tokio::spawn(Arc::clone(&self.manager).run()));
        tasks.push(tokio::spawn(Arc::clone(&self.dispatcher).run()));
    }

    /// Takes over another configuration. What stays the same goes on where it is. Blocking.
    pub fn apply(&self, following: Following) {
        let Following { groups, setting, relabel, routing } = following;
        // Routing first, so that what new rules find goes where it is to go.
        match channels::open(&routing.config, &routing.path, &setting.external_url, &self.clock) {
            Ok(channels) => self.dispatcher.apply(routing, channels),
            // They were in order a moment ago, when the file was checked.
            Err(errors) => tracing::error!(error = lines(&errors), "channels cannot be opened, the previous routing stays in force"),
        }
        self.sender.apply(relabel);
        self.manager.apply(groups, setting);
    }

    /// Takes over other groups of files alone: routing and channels stay as they are. Blocking.
    pub fn apply_rules(&self, groups: Vec<Group>) {
        let setting = Setting::clone(&self.manager.setting());
        self.manager.apply(groups, setting);
    }

    /// Routing at work.
    pub fn routing(&self) -> Arc<dyn Routing> {
        Arc::clone(&self.dispatcher) as _
    }

    /// Where names of people come from that pages offer. Only the first call counts.
    pub fn offer_people(&self, people: People) {
        let _known_already = self.pages.people.set(people);
    }

    /// Who says what a range of time cost. Only the first call counts.
    pub fn offer_costs(&self, costs: Arc<dyn Costs>) {
        let _known_already = self.pages.costs.set(costs);
    }

    /// Alerts that fire and are told, for the navigation of every page.
    pub fn counts(&self) -> Counts {
        self.pages.counts()
    }

    /// What is wrong now.
    pub fn now(&self) -> Arc<dyn AlertsNow> {
        Arc::new(now::Now(Arc::clone(&self.pages)))
    }

    /// Where other parts of the server hand in alerts.
    pub fn taker(&self) -> Arc<dyn TakeAlerts> {
        let (sender, manager, clock) = (Arc::clone(&self.sender), Arc::clone(&self.manager), Arc::clone(&self.clock));
        Arc::new(take::Taker { sender, manager, clock })
    }

    /// Who evaluates rules that other parts of the server make.
    pub fn rules(&self) -> Arc<dyn TakeRules> {
        Arc::new(made::Made { manager: Arc::clone(&self.manager), read_query: self.api.read_query })
    }

    /// What rules ask for.
    pub fn users(&self) -> Arc<dyn MetricUsers> {
        Arc::new(users::Users(Arc::clone(&self.manager)))
    }

    /// Who sends letters, through the mail server that is in force as each is sent.
    pub fn post(&self) -> Arc<dyn SendMail> {
        Arc::new(post::Post { routing: self.routing(), clock: Arc::clone(&self.clock) })
    }

    /// Every route of the hall. Call it once, as the server starts.
    pub fn routes(&self) -> Routes {
        let clock = Arc::clone(&self.clock);
        let v2 = Arc::new(V2State { routing: self.routing(), started_at: clock.now_ms(), clock });
        api::routes(&self.api).join(v2::routes(&v2)).join(pages::routes(&self.pages))
    }

    /// Ends evaluation and telling; what is being evaluated is stopped.
    pub async fn stop(&self) {
        self.manager.stop();
        self.dispatcher.stop().await;
        let tasks = std::mem::take(&mut *self.tasks.lock());
        for task in tasks {
            if task.await.is_err() {
                tracing::error!("the evaluation of rules or the telling of alerts panicked");
            }
        }
    }
}
