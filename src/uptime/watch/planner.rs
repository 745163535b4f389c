//! Planned maintenance: announced, changed, ended, and asked about. What is over stays as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::timing::CheckId;
use crate::platform::config::diagnostic::{Diagnostic, Report, lines};
use crate::platform::config::keys::{Keys as _, keys, to_node};
use crate::platform::config::section::Section;
use crate::platform::config::yaml;
use crate::platform::db::DbError;
use crate::uptime::config::maintenance::{Described, read_one};
use crate::uptime::model::maintenance::{Maintenance, When};
use crate::uptime::model::planned::{Covers, Planned};
use crate::uptime::model::window::{Window, joined};
use crate::uptime::store::{DAYS_KEPT, MAINTENANCE_MAX, Store, StoredMaintenance};

/// Without an end.
const FOREVER: i64 = i64::MAX;
const DAY: i64 = 86_400_000;

keys! {
    /// What is stored of one: checks by their numbers, as names may change.
    Kept, "maintenance";
    /// The file that it comes from; empty for none.
    file: String,
    /// As it is written, but for the checks.
    plan: Option<Box<Described>>,
}

/// Why maintenance was not announced, changed or ended.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It is wrong.
    #[error("{}", lines(.0))]
    Wrong(Vec<Diagnostic>),
    /// A check that nobody knows.
    #[error("checks: there is no check named {0:?}")]
    NoCheck(String),
    /// It would be over before it is announced.
    #[error("until: that is in the past already")]
    Past,
    /// There is none of this number.
    #[error("there is no such maintenance")]
    Unknown,
    /// What is over stays as it was.
    #[error("this maintenance is over, and stays as it was")]
    Over,
    /// A file says what it is.
    #[error("this maintenance stands in the file {0}, and is changed there")]
    InFile(String),
    /// There is as much as may be.
    #[error("there are {MAINTENANCE_MAX} maintenances, which is as many as may be")]
    Full,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What is in force right now, and for how long nothing changes about that.
#[derive(Debug, Default)]
struct Holding {
    within: Option<Window>,
    /// Places in the list.
    which: Vec<usize>,
}

/// Everything that is planned, and was.
#[derive(Debug)]
pub struct Planner {
    store: Store,
    all: ArcSwap<Vec<Planned>>,
    kept: Mutex<BTreeMap<i64, (StoredMaintenance, Kept)>>,
    holding: Mutex<Holding>,
}

/// What is planned, of what is stored. What cannot be read, which nobody wrote, is left out and said.
fn planned(stored: &StoredMaintenance, kept: &Kept) -> Option<Planned> {
    let plan = kept.plan.as_deref()?;
    let when = plan.when().ok()?;
    let checks: BTreeSet<CheckId> = plan.checks.iter().filter_map(|number| number.parse().ok()).collect();
    Some(Planned {
        id: stored.id,
        title: stored.title.clone(),
        note: plan.note.clone(),
        covers: Covers { checks, labels: plan.labels.clone() },
        maintenance: Maintenance { when, in_force: stored.in_force },
        made_by: stored.made_by.clone(),
    })
}

fn read_kept(text: &str) -> Option<Kept> {
    let document = yaml::parse(text).ok()?;
    let mut report = Report::new(std::path::Path::new("maintenance"));
    let mut section = Section::open(&document.root, Kept::NAME, &mut report)?;
    let kept = Kept::read_keys(&mut section);
    (!report.has_errors()).then_some(kept)
}

/// When it is over for good; none while it comes again.
pub fn over_at(maintenance: &Maintenance) -> Option<i64> {
    match maintenance.when {
        When::Once(window) => Some(window.until.min(maintenance.in_force.until)),
        When::Again { .. } => Some(maintenance.in_force.until).filter(|until| *until < FOREVER),
    }
}

/// Whether one in place of another leaves everything before an instant as it was.
fn keeps_past(old: &Planned, new: &Planned, now: i64) -> bool {
    if old.covers == new.covers && old.maintenance.when == new.maintenance.when {
        return true;
    }
    let past = Window::new(old.maintenance.in_force.from, now);
    let was =
        |maintenance: &Maintenance| -> Vec<Window> { maintenance.windows(past).into_iter().map(|window| window.common(past)).collect() };
    let before = was(&old.maintenance);
    before == was(&new.maintenance) && (before.is_empty() || old.covers == new.covers)
}

impl Planner {
    /// Everything that is stored; what is over for longer than anything else is kept is forgotten. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn open(store: Store) -> Result<Self, DbError> {
        let mut kept = BTreeMap::new();
        for stored in store.maintenance()? {
            match read_kept(&stored.definition) {
                Some(read) if planned(&stored, &read).is_some() => {
                    kept.insert(stored.id, (stored, read));
                }
                _ => tracing::error!(maintenance = stored.title, "a stored maintenance cannot be read, and does not count"),
            }
        }
        let planner = Self { store, all: ArcSwap::default(), kept: Mutex::new(kept), holding: Mutex::default() };
        planner.publish();
        Ok(planner)
    }

    /// Everything, that which is over included, in order of its making.
    pub fn all(&self) -> Arc<Vec<Planned>> {
        self.all.load_full()
    }

    /// One of them, as it is written; checks that are no more are left out.
    pub fn described(&self, id: i64, name_of: impl Fn(CheckId) -> Option<String>) -> Option<Described> {
        let plan = self.kept.lock().get(&id).and_then(|(_, kept)| kept.plan.clone())?;
        let checks = plan.checks.iter().filter_map(|number| name_of(number.parse().ok()?)).collect();
        Some(Described { checks, ..*plan })
    }

    /// The file that one stands in; empty for none.
    pub fn file_of(&self, id: i64) -> String {
        self.kept.lock().get(&id).map(|(_, kept)| kept.file.clone()).unwrap_or_default()
    }

    /// The maintenance of a check that touches a range, ascending and joined.
    pub fn windows(&self, id: CheckId, labels: &BTreeMap<String, String>, range: Window) -> Vec<Window> {
        let all = self.all.load();
        let of_it = all.iter().filter(|planned| planned.covers.holds(id, labels));
        joined(of_it.flat_map(|planned| planned.maintenance.windows(range)).collect())
    }

    /// Whether there is maintenance of a check at an instant, which is now or near it.
    pub fn holds(&self, id: CheckId, labels: &BTreeMap<String, String>, now: i64) -> bool {
        self.look(now, |held| held.iter().any(|planned| planned.covers.holds(id, labels)))
    }

    /// What that maintenance is called, and since when it is; of several that which began first.
    pub fn held(&self, id: CheckId, labels: &BTreeMap<String, String>, now: i64) -> Option<(String, i64)> {
        self.look(now, |held| {
            let of_it = held.iter().filter(|planned| planned.covers.holds(id, labels));
            let since = of_it.filter_map(|planned| Some((planned.maintenance.at(now)?.from, &planned.title)));
            since.min().map(|(since, title)| (title.clone(), since))
        })
    }

    /// Looks at everything that is in force at an instant.
    fn look<T>(&self, now: i64, look: impl FnOnce(&[&Planned]) -> T) -> T {
        let all = self.all.load();
        let mut holding = self.holding.lock();
        if !holding.within.is_some_and(|within| within.contains(now)) {
            *holding = holding_at(&all, now);
        }
        look(&holding.which.iter().filter_map(|place| all.get(*place)).collect::<Vec<_>>())
    }

    /// Announces maintenance, or changes one; gives its number from now on. One at a time: the desk sees to that.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn put(
        &self,
        id: Option<i64>,
        (described, file): (Described, &str),
        made_by: &str,
        number_of: impl Fn(&str) -> Option<CheckId>,
        now: i64,
    ) -> Result<i64, PlanError> {
        let numbers =
            described.checks.iter().map(|name| number_of(name).map(|id| id.to_string()).ok_or_else(|| PlanError::NoCheck(name.clone())));
        let plan = Described { checks: numbers.collect::<Result<_, _>>()?, ..described };
        let kept = Kept { file: file.to_owned(), plan: Some(Box::new(plan)) };
        let mut new = StoredMaintenance {
            id: 0,
            title: kept.plan.as_ref().map(|plan| plan.title.clone()).unwrap_or_default(),
            definition: yaml::print(&to_node(&kept)),
            in_force: Window::new(now, FOREVER),
            made_by: made_by.to_owned(),
        };
        let mut wanted = planned(&new, &kept).ok_or(PlanError::Unknown)?;
        if over_at(&wanted.maintenance).is_some_and(|over| over <= now) {
            return Err(PlanError::Past);
        }
        let mut changes = Vec::with_capacity(2);
        if let Some(id) = id {
            let (old, _) = self.changeable(id, file, now)?;
            let before = self.all.load().iter().find(|planned| planned.id == id).cloned().ok_or(PlanError::Unknown)?;
            wanted.maintenance.in_force.from = old.in_force.from;
            if keeps_past(&before, &wanted, now) {
                (new.id, new.in_force.from) = (id, old.in_force.from);
            } else {
                changes.push(StoredMaintenance { in_force: Window::new(old.in_force.from, now), ..old });
            }
        }
        let is_room = new.id != 0 || self.kept.lock().len() < MAINTENANCE_MAX;
        if !is_room {
            return Err(PlanError::Full);
        }
        changes.push(new);
        let ids = self.store.change_maintenance(changes.clone(), Vec::new()).await?;
        let mut last = 0;
        {
            let mut all = self.kept.lock();
            for (one, id) in changes.into_iter().zip(ids) {
                last = id;
                let stored = StoredMaintenance { id, ..one };
                // The one that ends now keeps what it says.
                let says = if stored.in_force.until == FOREVER { Some(kept.clone()) } else { all.get(&id).map(|(_, kept)| kept.clone()) };
                all.extend(says.map(|says| (id, (stored, says))));
            }
        }
        self.publish();
        Ok(last)
    }

    /// Ends one now, or takes back what has not begun. Gives whether something of it stays.
    ///
    /// # Errors
    /// Where it is over already, or unknown.
    pub async fn end(&self, id: i64, file: &str, now: i64) -> Result<bool, PlanError> {
        let (old, _) = self.changeable(id, file, now)?;
        let before = self.all.load().iter().find(|planned| planned.id == id).cloned().ok_or(PlanError::Unknown)?;
        let was_there = !before.maintenance.windows(Window::new(old.in_force.from, now)).is_empty();
        if was_there {
            let ended = StoredMaintenance { in_force: Window::new(old.in_force.from, now), ..old };
            self.store.change_maintenance(vec![ended.clone()], Vec::new()).await?;
            if let Some((stored, _)) = self.kept.lock().get_mut(&id) {
                *stored = ended;
            }
        } else {
            self.store.change_maintenance(Vec::new(), vec![id]).await?;
            self.kept.lock().remove(&id);
        }
        self.publish();
        Ok(was_there)
    }

    /// Numbers of what stands in a file and is not over, in order of their making.
    pub fn of_file(&self, file: &str, now: i64) -> Vec<i64> {
        let all = self.all.load();
        let is_over =
            |id: &i64| all.iter().any(|planned| planned.id == *id && over_at(&planned.maintenance).is_some_and(|over| over <= now));
        let kept = self.kept.lock();
        kept.iter().filter(|(id, (_, kept))| kept.file == file && !is_over(id)).map(|(id, _)| *id).collect()
    }

    /// Forgets what is over for longer than anything else is kept.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_old(&self, now: i64) -> Result<(), DbError> {
        let oldest = now - DAYS_KEPT * DAY;
        let is_old = |planned: &&Planned| over_at(&planned.maintenance).is_some_and(|over| over < oldest);
        let old: Vec<i64> = self.all.load().iter().filter(is_old).map(|planned| planned.id).collect();
        if old.is_empty() {
            return Ok(());
        }
        self.store.change_maintenance(Vec::new(), old.clone()).await?;
        self.kept.lock().retain(|id, _| !old.contains(id));
        self.publish();
        Ok(())
    }

    /// What is stored of one that may still be changed by whoever asks.
    fn changeable(&self, id: i64, file: &str, now: i64) -> Result<(StoredMaintenance, Kept), PlanError> {
        let (stored, kept) = self.kept.lock().get(&id).cloned().ok_or(PlanError::Unknown)?;
        if kept.file != file {
            return Err(PlanError::InFile(kept.file));
        }
        let is_over = planned(&stored, &kept).and_then(|planned| over_at(&planned.maintenance)).is_some_and(|over| over <= now);
        if is_over { Err(PlanError::Over) } else { Ok((stored, kept)) }
    }

    fn publish(&self) {
        let kept = self.kept.lock();
        let mut holding = self.holding.lock();
        self.all.store(Arc::new(kept.values().filter_map(|(stored, kept)| planned(stored, kept)).collect()));
        *holding = Holding::default();
    }
}

fn holding_at(all: &[Planned], now: i64) -> Holding {
    let mut within = Window::new(now, FOREVER);
    let mut which = Vec::new();
    for (place, planned) in all.iter().enumerate() {
        if let Some(window) = planned.maintenance.at(now) {
            within.until = within.until.min(window.until);
            which.push(place);
        } else if let Some(next) = planned.maintenance.next_after(now) {
            within.until = within.until.min(next.from);
        }
    }
    Holding { within: Some(within), which }
}

/// Reads maintenance as people write it.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(text: &str) -> Result<Described, PlanError> {
    read_one(text).map_err(PlanError::Wrong)
}

#[cfg(test)]
mod tests;
