//! The routes of pages: takes what a page needs from the desk and its values, hands it to the page. Each form leaves a line
//! in the audit log.

mod digests;
mod edit;
mod home;
mod kpi;
mod people;
mod public;
mod scorecard;
mod tv;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::routing::MethodRouter;
use http::StatusCode;

use super::letters::Letters;
use crate::access::Routes;
use crate::business::api::ApiState;
use crate::business::collect::desk::PutError;
use crate::business::outlook::CohortShelf;
use crate::business::store::NotStored;
use crate::platform::db::DbError;
use crate::platform::http::problem::Problem;
use crate::platform::work::WorkPool;
use crate::series::ports::{Happenings, Incidents, Mark};
use crate::ui::asked::Pages;
use crate::ui::nav::Page;

/// Pages made at once.
const PLACES: usize = 3;
/// How long a page may take to be made.
const WITHIN: Duration = Duration::from_secs(20);
/// How often pages refresh.
const OFTEN: &str = "1m";

/// What the pages work with.
pub(super) struct PageState {
    /// The wing.
    wing: Arc<ApiState>,
    /// Who writes letters.
    letters: Arc<Letters>,
    /// Who comes back, as it was asked last.
    cohorts: Arc<CohortShelf>,
    /// What was marked in time, incidents among it.
    happenings: Arc<dyn Happenings>,
    /// Where notes are marked.
    marks: Arc<dyn Mark>,
    /// What was down.
    incidents: Arc<dyn Incidents>,
    /// Under which address people reach this server; empty where nobody said so.
    external_url: String,
    work: WorkPool,
}

impl fmt::Debug for PageState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageState").finish_non_exhaustive()
    }
}

impl PageState {
    pub(super) fn new(
        wing: Arc<ApiState>,
        letters: Arc<Letters>,
        (happenings, marks, incidents): (Arc<dyn Happenings>, Arc<dyn Mark>, Arc<dyn Incidents>),
        external_url: String,
    ) -> Arc<Self> {
        let (desk, ask) = (Arc::clone(&wing.desk), Arc::clone(wing.collector.ask()));
        let cohorts = CohortShelf::new(desk, ask, Arc::clone(&wing.clock));
        Arc::new(Self { wing, letters, cohorts, happenings, marks, incidents, external_url, work: WorkPool::new(PLACES) })
    }
}

impl Pages for PageState {
    const PLACE: Page = Page::Business;

    fn pool(&self) -> (&WorkPool, Duration) {
        (&self.work, WITHIN)
    }

    fn now_ms(&self) -> i64 {
        self.wing.clock.now_ms()
    }
}

/// Every page with who may look at it.
pub(super) fn routes(state: &Arc<PageState>) -> Routes {
    let of_kpis = home::routes(state).join(kpi::routes(state)).join(edit::routes(state)).join(tv::routes(state));
    of_kpis.join(public::routes(state)).join(digests::routes(state)).join(scorecard::routes(state)).join(people::routes(state))
}

/// A route that knows the wing.
fn with(method: MethodRouter<Arc<PageState>>, state: &Arc<PageState>) -> MethodRouter {
    method.with_state(Arc::clone(state))
}

/// The database did not answer.
fn unread(error: &DbError) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("the numbers cannot be read: {error}")).retry_after_s(5)
}

/// A field of a form, without spaces around; empty if it is not there.
fn field(body: &[u8], name: &str) -> String {
    form_urlencoded::parse(body).find(|(known, _)| known == name).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

/// The status of a page that says why something was not taken.
const fn status_of(error: &PutError) -> StatusCode {
    match error {
        PutError::NotStored(NotStored::Unknown) => StatusCode::NOT_FOUND,
        PutError::NotStored(NotStored::Db(_)) => StatusCode::SERVICE_UNAVAILABLE,
        PutError::Wrong(_) | PutError::Unfit(_) | PutError::InFile(_) | PutError::NotStored(_) => StatusCode::BAD_REQUEST,
    }
}
