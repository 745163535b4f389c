//! The desk where checks are made, changed, deleted and asked about: what is stored and what is watched stay the same.

mod amend;
mod fit;
mod follow;
mod names;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::planner::{PlanError, Planner, read};
use super::timing::CheckId;
use super::watcher::{View, Watcher};
use crate::base::clock::SharedClock;
use crate::platform::config::diagnostic::{Diagnostic, lines};
use crate::platform::db::DbError;
use crate::uptime::config::Check;
use crate::uptime::config::file::{self, Defined};
use crate::uptime::config::maintenance::Described;
use crate::uptime::model::beat::{Beat, HOUR, Hour};
use crate::uptime::model::figures::{Tally, tally};
use crate::uptime::model::incident::{Incident, IncidentOf, Overlap};
use crate::uptime::model::planned::Planned;
use crate::uptime::model::track::Span;
use crate::uptime::model::window::Window;
pub use crate::uptime::store::NotStored;
use crate::uptime::store::{Store, Stored};
pub use amend::Amend;
use fit::Around;
pub use follow::{FollowError, Followed};

/// Bytes of a token that nobody guesses.
const TOKEN_BYTES: usize = 18;

/// Why a check was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// It is wrong.
    #[error("{}", lines(.0))]
    Wrong(Vec<Diagnostic>),
    /// It does not fit to the others.
    #[error("{0}")]
    Unfit(String),
    /// It is somebody else's.
    #[error("this check stands in the file {0}, and is changed there")]
    InFile(String),
    /// It is not stored.
    #[error(transparent)]
    NotStored(#[from] NotStored),
}

/// What became of a check in a length of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Up, down and the rest.
    pub tally: Tally,
    /// Its results.
    pub results: Hour,
}

/// The desk.
pub struct Desk {
    store: Store,
    watcher: Arc<Watcher>,
    clock: SharedClock,
    known: Mutex<BTreeMap<CheckId, (Stored, Defined)>>,
    planner: Arc<Planner>,
    /// One change at a time.
    changing: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl Desk {
    /// Has every stored check watched. One that cannot be read is left out, and said. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn open(store: Store, watcher: Arc<Watcher>, clock: SharedClock) -> Result<Arc<Self>, DbError> {
        let mut newest = store.newest()?;
        let mut known = BTreeMap::new();
        for stored in store.checks()? {
            match file::read_one(&stored.definition, None) {
                Ok(defined) => {
                    watcher.watch(stored.id, defined.check.clone(), newest.remove(&stored.id).unwrap_or_default());
                    known.insert(stored.id, (stored, defined));
                }
                Err(why) => {
                    tracing::error!(check = stored.name, why = %PutError::Wrong(why), "a stored check cannot be read, and is not watched")
                }
            }
        }
        let planner = Arc::new(Planner::open(store.clone())?);
        watcher.heed(Arc::clone(&planner));
        Ok(Arc::new(Self { store, watcher, clock, known: Mutex::new(known), planner, changing: tokio::sync::Mutex::default() }))
    }

    /// Every check as it is now.
    pub fn views(&self) -> BTreeMap<CheckId, View> {
        self.watcher.views()
    }

    /// A check as it is now.
    pub fn view(&self, id: CheckId) -> Option<View> {
        self.watcher.view(id)
    }

    /// The check of a name, or of a number.
    pub fn find(&self, name: &str) -> Option<CheckId> {
        let known = self.known.lock();
        let by_name = known.iter().find(|(_, (stored, _))| stored.name == name).map(|(id, _)| *id);
        by_name.or_else(|| name.parse().ok().filter(|id| known.contains_key(id)))
    }

    /// Makes a check of a text in YAML or JSON, or changes one; it is watched from now on.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn put(&self, id: Option<CheckId>, text: &str) -> Result<CheckId, PutError> {
        let _one_at_a_time = self.changing.lock().await;
        let before = id.and_then(|id| self.known.lock().get(&id).cloned());
        if id.is_some() && before.is_none() {
            return Err(NotStored::Unknown.into());
        }
        if let Some((stored, _)) = before.as_ref().filter(|(stored, _)| !stored.file.is_empty()) {
            return Err(PutError::InFile(stored.file.clone()));
        }
        let defined = file::read_one(text, before.as_ref().map(|(_, defined)| defined)).map_err(PutError::Wrong)?;
        self.fits(id, &defined.check)?;
        let defined = with_token(defined, before.as_ref().map(|(_, defined)| defined))?;
        let now = self.clock.now_ms();
        let old = before.as_ref().map(|(stored, _)| stored.name.clone()).filter(|old| *old != defined.check.name);
        let others = old.map(|old| self.naming(&old, &defined.check.name, now)).transpose()?.unwrap_or_default();
        let mut stored = Stored {
            id: id.unwrap_or(0),
            name: defined.check.name.clone(),
            definition: defined.definition(),
            file: String::new(),
            made_at: before.map_or(now, |(stored, _)| stored.made_at),
            changed_at: now,
        };
        let together = std::iter::once(&stored).chain(others.iter().map(|(stored, _)| stored)).cloned().collect();
        let ids = self.store.put_checks(together).await?;
        stored.id = ids.first().copied().ok_or(NotStored::Unknown)?;
        let id = stored.id;
        self.keep(id, stored, defined);
        self.keep_all(others);
        Ok(id)
    }

    /// A check that is stored is known and watched.
    fn keep(&self, id: CheckId, stored: Stored, defined: Defined) {
        let check = defined.check.clone();
        self.known.lock().insert(id, (stored, defined));
        self.watcher.watch(id, check, Default::default());
    }

    /// Deletes a check and everything that is known of it.
    ///
    /// # Errors
    /// It stands in a file, or the database's.
    pub async fn delete(&self, id: CheckId) -> Result<bool, PutError> {
        let is_known = self.known.lock().contains_key(&id);
        self.delete_all(&[id]).await?;
        Ok(is_known)
    }

    /// All checks and all maintenance that is not over as a file, secrets hidden.
    pub fn export(&self) -> String {
        let plans = self.plans_to_come();
        let known = self.known.lock();
        file::print_all(known.values().map(|(_, defined)| &defined.check), &plans)
    }

    /// Probes a check as soon as may be.
    pub fn probe_now(&self, id: CheckId) {
        self.watcher.probe_now(id);
    }

    /// A beat of the job with this token; says whether there is one.
    pub fn beat(&self, token: &str, failure: Option<String>, took: Duration) -> bool {
        let id = {
            let known = self.known.lock();
            let has_token =
                |defined: &Defined| defined.check.heartbeat.as_ref().is_some_and(|heartbeat| is_same(heartbeat.token.expose(), token));
            known.iter().find(|(_, (_, defined))| has_token(defined)).map(|(id, _)| *id)
        };
        if let Some(id) = id {
            self.watcher.hear(id, took, failure);
        }
        id.is_some()
    }

    /// The newest results of a check, ascending; after a restart there are none yet.
    pub fn beats(&self, id: CheckId) -> Vec<Beat> {
        self.watcher.beats(id)
    }

    /// Every planned maintenance, those that are over included.
    pub fn planned(&self) -> Arc<Vec<Planned>> {
        self.planner.all()
    }

    /// Announces maintenance of a text in YAML or JSON, or changes one; gives its number from now on. What is over stays
    /// as it was: where a change would touch it, it goes on under another number.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn plan(&self, id: Option<i64>, text: &str, made_by: &str) -> Result<i64, PlanError> {
        let described = read(text)?;
        let _one_at_a_time = self.changing.lock().await;
        self.planner.put(id, (described, ""), made_by, |name| self.named(name), self.clock.now_ms()).await
    }

    /// Ends maintenance now, or takes back what has not begun. Gives whether something of it stays.
    ///
    /// # Errors
    /// Where it is over already, or unknown.
    pub async fn end_maintenance(&self, id: i64) -> Result<bool, PlanError> {
        let _one_at_a_time = self.changing.lock().await;
        self.planner.end(id, "", self.clock.now_ms()).await
    }

    /// Makes the maintenance of a file what the file says: what is in it already stays, what is not any more is ended,
    /// what is new is announced unless it is over.
    ///
    /// # Errors
    /// The first that cannot be: a check that nobody knows, or the database's.
    pub async fn plan_file(&self, file: &str, wanted: &[Described]) -> Result<(), PlanError> {
        let _one_at_a_time = self.changing.lock().await;
        let now = self.clock.now_ms();
        let mut there: Vec<(i64, Option<Described>)> =
            self.planner.of_file(file, now).into_iter().map(|id| (id, self.described(id))).collect();
        let mut new = Vec::new();
        for described in wanted {
            match there.iter().position(|(_, known)| known.as_ref() == Some(described)) {
                Some(place) => drop(there.swap_remove(place)),
                None => new.push(described),
            }
        }
        for (id, _) in there {
            self.planner.end(id, file, now).await?;
        }
        for described in new {
            match self.planner.put(None, (described.clone(), file), file, |name| self.named(name), now).await {
                Ok(_) | Err(PlanError::Past) => {}
                Err(why) => return Err(why),
            }
        }
        Ok(())
    }

    /// Maintenance as it is written, with the names of today; checks that are no more are left out.
    pub fn described(&self, id: i64) -> Option<Described> {
        self.planner.described(id, |check| self.view(check).map(|view| view.check.name.clone()))
    }

    /// The file that a maintenance stands in; empty for none.
    pub fn file_of_maintenance(&self, id: i64) -> String {
        self.planner.file_of(id)
    }

    /// Maintenance that is not over, as it is written; what is only of checks that are no more is left out.
    fn plans_to_come(&self) -> Vec<Described> {
        let now = self.clock.now_ms();
        let all = self.planner.all();
        let to_come = all.iter().filter(|planned| super::planner::over_at(&planned.maintenance).is_none_or(|over| over > now));
        let is_of_none = |planned: &Planned, described: &Described| {
            !planned.covers.checks.is_empty() && described.checks.is_empty() && described.labels.is_empty()
        };
        to_come.filter_map(|planned| self.described(planned.id).filter(|described| !is_of_none(planned, described))).collect()
    }

    fn named(&self, name: &str) -> Option<CheckId> {
        self.known.lock().iter().find(|(_, (stored, _))| stored.name == name).map(|(id, _)| *id)
    }

    /// Forgets maintenance that is over for longer than anything is kept.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_old_maintenance(&self) -> Result<(), PlanError> {
        let _one_at_a_time = self.changing.lock().await;
        Ok(self.planner.forget_old(self.clock.now_ms()).await?)
    }

    /// The maintenance of a check that touches a range, ascending and joined.
    pub fn maintenance(&self, id: CheckId, range: Window) -> Vec<Window> {
        self.watcher.view(id).map(|view| self.planner.windows(id, &view.check.labels, range)).unwrap_or_default()
    }

    /// What the maintenance of a check is called that is now, and since when it is.
    pub fn held(&self, id: CheckId) -> Option<(String, i64)> {
        self.watcher.view(id).and_then(|view| self.planner.held(id, &view.check.labels, self.clock.now_ms()))
    }

    /// How much of an incident of a check lies in maintenance.
    pub fn in_maintenance(&self, id: CheckId, incident: &Incident) -> Overlap {
        let range = incident.window(self.clock.now_ms());
        incident.overlap(&self.maintenance(id, range), range.until)
    }

    /// Whether there is maintenance of a check now.
    pub fn is_maintained(&self, id: CheckId) -> bool {
        self.watcher.view(id).is_some_and(|view| self.planner.holds(id, &view.check.labels, self.clock.now_ms()))
    }

    /// The states of a check that touch a range, ascending; the last goes on. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn spans(&self, id: CheckId, range: Window) -> Result<Vec<Span>, DbError> {
        let mut spans = self.store.spans(id, range)?;
        // What was not written down yet.
        if let Some(view) = self.watcher.view(id) {
            spans.retain(|span| span.from < view.span.from);
            if let Some(last) = spans.last_mut() {
                last.until = last.until.min(view.span.from);
            }
            spans.push(view.span);
        }
        Ok(spans)
    }

    /// What became of a check within a range. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn figures(&self, id: CheckId, range: Window) -> Result<Figures, DbError> {
        let tally = tally(&self.spans(id, range)?, &self.maintenance(id, range), range);
        // Nothing was before it was made: the hour of that is its own as a whole.
        let is_whole = self.made_at(id).is_some_and(|made_at| made_at >= range.from);
        let from = if is_whole { range.from.saturating_sub(HOUR) } else { range.from };
        Ok(Figures { tally, results: self.store.results(id, Window::new(from, range.until))? })
    }

    /// When a check was made, in milliseconds since the Unix epoch.
    pub fn made_at(&self, id: CheckId) -> Option<i64> {
        self.known.lock().get(&id).map(|(stored, _)| stored.made_at)
    }

    /// What a check was in each of some ranges, ascending and beside each other (bars of a page). Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn tallies(&self, id: CheckId, ranges: &[Window]) -> Result<Vec<Tally>, DbError> {
        let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else { return Ok(Vec::new()) };
        let whole = Window::new(first.from, last.until);
        let (spans, maintenance) = (self.spans(id, whole)?, self.maintenance(id, whole));
        Ok(ranges.iter().map(|range| tally(&spans, &maintenance, *range)).collect())
    }

    /// Incidents that touch a range, of one check or of all, the newest first. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn incidents(&self, id: Option<CheckId>, range: Window, limit: i64) -> Result<Vec<IncidentOf>, DbError> {
        self.store.incidents(id, range, limit)
    }

    /// A check fits to the others, instead of the one of its number.
    fn fits(&self, id: Option<CheckId>, check: &Check) -> Result<(), PutError> {
        let known = self.known.lock();
        let mut around = Around::default();
        around.extend(known.iter().filter(|(other, _)| Some(**other) != id).map(|(_, (_, defined))| &defined.check));
        around.extend([check]);
        around.fits(check)
    }

    /// The same of several that come at once, each instead of the one of its name.
    fn fit_together<'c>(&self, new: impl Iterator<Item = &'c Check> + Clone) -> Result<(), PutError> {
        let known = self.known.lock();
        let mut around = Around::default();
        around.extend(known.values().map(|(_, defined)| &defined.check));
        for check in new.clone() {
            around.extend([check]);
        }
        new.into_iter().try_for_each(|check| around.fits(check))
    }
}

/// A heartbeat has a token: the one that is written, the one it had, or a new one.
fn with_token(mut defined: Defined, before: Option<&Defined>) -> Result<Defined, PutError> {
    if !defined.check.heartbeat.as_ref().is_some_and(|heartbeat| heartbeat.token.is_empty()) {
        return Ok(defined);
    }
    let kept = before.and_then(|defined| Some(defined.check.heartbeat.as_ref()?.token.expose().to_owned()));
    let token = kept.map_or_else(token, Ok).map_err(PutError::Unfit)?;
    defined.set_secret("heartbeat", "token", &token);
    file::read_one(&defined.definition(), None).map_err(PutError::Wrong)
}

/// Compares without telling by the time it takes how much is right.
fn is_same(one: &str, other: &str) -> bool {
    use subtle::ConstantTimeEq as _;

    !one.is_empty() && bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}

fn token() -> Result<String, String> {
    use base64::Engine as _;

    let mut bytes = [0_u8; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| format!("there is no randomness for a token: {error}"))?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}
