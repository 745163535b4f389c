//! The routes of pages: takes what a page needs from the rooms, hands it to the page.

mod checks;
pub(super) mod maintenance;
pub(super) mod status;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::StatusCode;

use crate::access::{Passwords, Routes};
use crate::base::cancel::Cancel;
use crate::base::clock::SharedClock;
use crate::platform::http::problem::Problem;
use crate::platform::work::WorkPool;
use crate::series::ports::SendMail;
use crate::ui::asked::Asked;
use crate::ui::nav::Page;
use crate::ui::shell::Shell;
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
    /// Whom reports are sent to.
    pub(super) readers: Store,
    /// Status pages.
    pub(super) keeper: Arc<Keeper>,
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
        (mail, readers, keeper): (Mailer, Store, Arc<Keeper>),
    ) -> Arc<Self> {
        Arc::new(Self {
            desk,
            probe,
            clock,
            external_url,
            mail,
            readers,
            keeper,
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

/// The shell of a page at `path`, which differs from the request's where a form is shown again.
fn shell_at(asked: &Asked, state: &PageState, title: &str, path: &str) -> Shell {
    let mut visit = asked.visit(state.clock.now_ms());
    visit.path = path;
    Shell::new(Page::Uptime, title, visit)
}

/// Makes a page on a thread of its own, within the time of pages.
async fn work<T: Send + 'static>(
    state: &Arc<PageState>,
    make: impl FnOnce(&PageState, &Cancel) -> T + Send + 'static,
) -> Result<T, Problem> {
    let (inner, cancel) = (Arc::clone(state), Cancel::new());
    let told = cancel.clone();
    let made = state.work.run(WITHIN, &cancel, move || make(&inner, &told)).await;
    made.map_err(|error| Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).retry_after_s(5))
}
