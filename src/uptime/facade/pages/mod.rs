//! The routes of pages: takes what a page needs from the rooms, hands it to the page.

mod checks;
pub(super) mod maintenance;
pub(super) mod status;

pub use status::own_hosts::OwnHosts;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::access::{Passwords, Routes};
use crate::base::clock::SharedClock;
use crate::platform::http::client::FetchGuard;
use crate::platform::work::WorkPool;
use crate::series::ports::{Costs, Happenings, SendMail};
use crate::ui::asked::{Pages, shell_at, work};
use crate::ui::nav::Page;
use crate::uptime::status::keeper::Keeper;
use crate::uptime::status::limits::Limits;
use crate::uptime::store::Store;
use crate::uptime::watch::desk::Desk;
use crate::uptime::watch::watcher::Probe;

/// Pages made at once.
const PLACES: usize = 3;
/// How long a page may take to be made.
const WITHIN: Duration = Duration::from_secs(15);

/// Who sends mail, once somebody offered to.
pub(super) type Mailer = Arc<OnceLock<Arc<dyn SendMail>>>;

/// What the rest of the wing and of the server has for pages.
pub(super) struct Offered {
    pub(super) mail: Mailer,
    pub(super) readers: Store,
    pub(super) keeper: Arc<Keeper>,
    pub(super) fetch_guard: Arc<FetchGuard>,
}

/// What the pages work with.
pub(super) struct PageState {
    pub(super) desk: Arc<Desk>,
    /// Tries a check that is not kept.
    pub(super) probe: Arc<dyn Probe>,
    pub(super) clock: SharedClock,
    /// Where people reach the server; empty if that is not set.
    pub(super) external_url: String,
    /// Sends mail, where somebody offered to.
    pub(super) mail: Mailer,
    /// Says what was marked around an incident, where somebody offered to.
    pub(super) happenings: OnceLock<Arc<dyn Happenings>>,
    /// Says what an incident cost, where somebody offered to.
    pub(super) costs: OnceLock<Arc<dyn Costs>>,
    /// Whom reports are sent to.
    pub(super) readers: Store,
    /// Status pages.
    pub(super) keeper: Arc<Keeper>,
    /// Where webhooks may lead.
    pub(super) fetch_guard: Arc<FetchGuard>,
    /// How often letters about status pages may be asked for.
    pub(super) limits: Limits,
    /// How often passwords of status pages may be guessed.
    pub(super) guesses: Limits,
    /// Passwords of status pages.
    pub(super) passwords: Passwords,
    /// Past months of status pages.
    pub(super) history: status::history::Drawing,
    pub(super) work: WorkPool,
}

impl PageState {
    pub(super) fn new(
        desk: Arc<Desk>,
        probe: Arc<dyn Probe>,
        clock: SharedClock,
        external_url: String,
        Offered { mail, readers, keeper, fetch_guard }: Offered,
    ) -> Arc<Self> {
        Arc::new(Self {
            desk,
            probe,
            clock,
            external_url,
            mail,
            happenings: OnceLock::new(),
            costs: OnceLock::new(),
            readers,
            keeper,
            fetch_guard,
            limits: Limits::default(),
            guesses: Limits::default(),
            passwords: Passwords::default(),
            history: status::history::Drawing::default(),
            work: WorkPool::new(PLACES),
        })
    }
}

/// Every page with who may look at it.
pub(super) fn routes(state: &Arc<PageState>) -> Routes {
    checks::routes(state).join(maintenance::routes(state)).join(status::routes(state))
}

impl Pages for PageState {
    const PLACE: Page = Page::Uptime;

    fn pool(&self) -> (&WorkPool, Duration) {
        (&self.work, WITHIN)
    }

    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}
