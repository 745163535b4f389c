//! The desk where checks are made, changed, deleted and asked about: what is stored and what is watched stay the same.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::timing::CheckId;
use super::watcher::{View, Watcher};
use crate::base::clock::SharedClock;
use crate::platform::config::diagnostic::Diagnostic;
use crate::platform::db::DbError;
use crate::uptime::config::Check;
use crate::uptime::config::file::{self, Defined, holds_itself, is_in_circle};
use crate::uptime::model::beat::{Beat, HOUR, Hour};
use crate::uptime::model::figures::{Tally, tally};
use crate::uptime::model::incident::IncidentOf;
use crate::uptime::model::planned::Planned;
use crate::uptime::model::track::Span;
use crate::uptime::model::window::{Window, joined};
pub use crate::uptime::store::NotStored;
use crate::uptime::store::{Store, Stored};

/// Bytes of a token that nobody guesses.
const TOKEN_BYTES: usize = 18;

/// Why a check was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// It is wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<Diagnostic>),
    /// It does not fit to the others.
    #[error("{0}")]
    Unfit(String),
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
    planned: ArcSwap<Vec<Planned>>,
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
        Ok(Arc::new(Self { store, watcher, clock, known: Mutex::new(known), planned: ArcSwap::default(), changing: tokio::sync::Mutex::default() }))
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
        let mut defined = file::read_one(text, before.as_ref().map(|(_, defined)| defined)).map_err(PutError::Wrong)?;
        self.fits(id, &defined.check)?;
        if let Some(heartbeat) = &defined.check.heartbeat
            && heartbeat.token.is_empty()
        {
            let kept = before.as_ref().and_then(|(_, defined)| Some(defined.check.heartbeat.as_ref()?.token.expose().to_owned()));
            let token = kept.map_or_else(token, Ok).map_err(PutError::Unfit)?;
            defined.set_secret("heartbeat", "token", &token);
            defined = file::read_one(&defined.definition(), None).map_err(PutError::Wrong)?;
        }
        let now = self.clock.now_ms();
        let mut stored = Stored {
            id: id.unwrap_or(0),
            name: defined.check.name.clone(),
            definition: defined.definition(),
            file: String::new(),
            made_at: before.map_or(now, |(stored, _)| stored.made_at),
            changed_at: now,
        };
        let ids = self.store.put_checks(vec![stored.clone()]).await?;
        stored.id = ids.first().copied().ok_or(NotStored::Unknown)?;
        let (id, check) = (stored.id, defined.check.clone());
        self.known.lock().insert(id, (stored, defined));
        self.watcher.watch(id, check, Default::default());
        Ok(id)
    }

    /// Deletes a check and everything that is known of it.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete(&self, id: CheckId) -> Result<bool, DbError> {
        let _one_at_a_time = self.changing.lock().await;
        self.watcher.forget(id);
        let is_known = self.known.lock().remove(&id).is_some();
        self.store.delete_checks(vec![id]).await?;
        Ok(is_known)
    }

    /// All checks as a file, secrets hidden.
    pub fn export(&self) -> String {
        let known = self.known.lock();
        file::print(known.values().map(|(_, defined)| &defined.check))
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
        self.planned.load_full()
    }

    /// The maintenance of a check that touches a range, ascending and joined.
    pub fn maintenance(&self, id: CheckId, range: Window) -> Vec<Window> {
        let Some(view) = self.watcher.view(id) else { return Vec::new() };
        let planned = self.planned.load();
        let of_it = planned.iter().filter(|planned| planned.covers.holds(id, &view.check.labels));
        joined(of_it.flat_map(|planned| planned.maintenance.windows(range)).collect())
    }

    /// Whether there is maintenance of a check now.
    pub fn is_maintained(&self, id: CheckId) -> bool {
        let now = self.clock.now_ms();
        !self.maintenance(id, Window::new(now, now + 1)).is_empty()
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
        let mut results = Hour::default();
        for hour in self.store.hours(id, range.from.div_euclid(HOUR), range.until.div_euclid(HOUR) + 1)? {
            results.merge(&hour);
        }
        Ok(Figures { tally, results })
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

    /// The parent and the members are there, nobody is below themselves, and no group holds itself.
    fn fits(&self, id: Option<CheckId>, check: &Check) -> Result<(), PutError> {
        self.members_fit(id, check)?;
        if check.parent.is_empty() {
            return Ok(());
        }
        let known = self.known.lock();
        let others = known.iter().filter(|(other, _)| Some(**other) != id).map(|(_, (_, defined))| &defined.check);
        let mut parents: BTreeMap<&str, &str> = others.map(|check| (check.name.as_str(), check.parent.as_str())).collect();
        if !parents.contains_key(check.parent.as_str()) {
            return Err(PutError::Unfit(format!("parent: there is no check named {:?}", check.parent)));
        }
        parents.insert(&check.name, &check.parent);
        if is_in_circle(&check.name, |name| parents.get(name).copied().unwrap_or_default()) {
            return Err(PutError::Unfit(format!("parent: {:?} is below {:?} already", check.parent, check.name)));
        }
        Ok(())
    }
}

impl Desk {
    fn members_fit(&self, id: Option<CheckId>, check: &Check) -> Result<(), PutError> {
        if check.members().is_empty() {
            return Ok(());
        }
        let known = self.known.lock();
        let others = known.iter().filter(|(other, _)| Some(**other) != id).map(|(_, (_, defined))| &defined.check);
        let mut members: BTreeMap<&str, &[String]> = others.map(|check| (check.name.as_str(), check.members())).collect();
        if let Some(missing) = check.members().iter().find(|name| !members.contains_key(name.as_str())) {
            return Err(PutError::Unfit(format!("checks: there is no check named {missing:?}")));
        }
        members.insert(&check.name, check.members());
        if holds_itself(&check.name, |name| members.get(name).copied().unwrap_or_default()) {
            return Err(PutError::Unfit(format!("checks: {:?} would hold itself, as one of its members holds it", check.name)));
        }
        Ok(())
    }
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
