//! Collects what is due: once a minute, as much as may be, so that nothing is skipped however long the server was away.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use parking_lot::Mutex;

use super::backfill::Jobs;
use super::desk::{Desk, Known};
use super::plan::{Due, asked, due, due_now, is_derived};
use super::{blocking, combine, derive, samples};
use crate::base::clock::SharedClock;
use crate::base::period::{Calendar, Grain, Period};
use crate::business::ask::{Ask, AskError, Asked};
use crate::business::config::kpi::Kpi;
use crate::business::model::formula::BySegment;
use crate::business::model::value::{Origin, Segment};
use crate::business::store::{Found, KpiId, Lasting, Store, Writing};
use crate::platform::db::DbError;
use crate::series::batch::WriteBatch;
use crate::series::ports::{Append, AppendOptions};

/// Periods of one KPI and grain that are asked for at once, at most; the next minute goes on.
const AT_ONCE_MAX: usize = 40;
/// KPIs that are asked for beside each other.
const BESIDE: usize = 4;
const MINUTE_MS: i64 = 60_000;
/// Minutes until a KPI that failed is asked for again, at most.
const LATER_MINUTES_MAX: i64 = 30;
const DAY_MS: i64 = 86_400_000;
/// How long trying a KPI may take.
const TRIED_WITHIN: Duration = Duration::from_secs(60);

/// Why a KPI has no newest value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// In words.
    pub why: String,
    /// Since when, in milliseconds since the Unix epoch.
    pub since: i64,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried again.
    again_at: i64,
}

/// Changed periods by KPI.
pub(super) type Changed = HashMap<KpiId, BTreeSet<Period>>;

/// Collects.
pub struct Collector {
    pub(super) desk: Arc<Desk>,
    pub(super) store: Store,
    pub(super) ask: Arc<dyn Ask>,
    pub(super) clock: SharedClock,
    pub(super) jobs: Jobs,
    append: Arc<dyn Append>,
    troubles: Mutex<HashMap<KpiId, Trouble>>,
    /// One tick at a time.
    ticking: tokio::sync::Mutex<()>,
    forgot_on: Mutex<i64>,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

impl Collector {
    /// Collects for the KPIs of a desk; nothing runs yet.
    pub fn new(desk: Arc<Desk>, store: Store, ask: Arc<dyn Ask>, append: Arc<dyn Append>, clock: SharedClock) -> Arc<Self> {
        let (jobs, troubles) = (Jobs::default(), Mutex::default());
        Arc::new(Self { desk, store, ask, clock, jobs, append, troubles, ticking: tokio::sync::Mutex::default(), forgot_on: Mutex::new(0) })
    }

    /// Why a KPI has no newest value; none where nothing is wrong.
    pub fn trouble(&self, id: KpiId) -> Option<Trouble> {
        self.troubles.lock().get(&id).cloned()
    }

    /// Who asks.
    pub fn ask(&self) -> &Arc<dyn Ask> {
        &self.ask
    }

    /// Asks for everything that is due, and passes the newest values on as series. Where another tick runs, nothing.
    ///
    /// # Errors
    /// The database's.
    pub async fn tick(&self) -> Result<(), DbError> {
        let Ok(_one_at_a_time) = self.ticking.try_lock() else { return Ok(()) };
        let now = self.clock.now_ms();
        let store = self.store.clone();
        let progress = blocking(move || store.progress()).await?;
        let all = self.desk.all();
        let ids: BTreeSet<KpiId> = all.iter().map(|known| known.id).collect();
        self.troubles.lock().retain(|id, _| ids.contains(id));
        let waits = |id: KpiId| self.troubles.lock().get(&id).is_some_and(|trouble| (now - MINUTE_MS..trouble.again_at).contains(&now));
        let ready: Vec<Arc<Known>> = all.iter().filter(|known| !known.kpi.paused && !waits(known.id)).cloned().collect();
        let progress = Arc::new(progress);
        let work = ready.into_iter().map(|known| self.collect(known, Arc::clone(&progress), now));
        let done: Vec<Result<(KpiId, BTreeSet<Period>), DbError>> =
            futures_util::stream::iter(work).buffer_unordered(BESIDE).collect().await;
        let changed: Changed = done.into_iter().collect::<Result<_, _>>()?;
        self.follow_up(changed, now).await?;
        self.say(now).await?;
        self.forget(now).await
    }

    /// What is due of one KPI; gives the periods that were written.
    async fn collect(
        &self,
        known: Arc<Known>,
        progress: Arc<HashMap<(KpiId, Grain), Period>>,
        now: i64,
    ) -> Result<(KpiId, BTreeSet<Period>), DbError> {
        let calendar = self.desk.calendar_of(&known.kpi);
        let (mut changed, mut failed) = (BTreeSet::new(), None);
        for grain in asked(&known.kpi) {
            let begun = calendar.period(grain, known.made_at.min(now));
            let Some(next) = progress.get(&(known.id, grain)).copied().or(begun) else { continue };
            let lasting = self.lasting(known.id, next).await?;
            let (all, settled) = due((&known.kpi, calendar, grain), next, &lasting, now, AT_ONCE_MAX);
            for due in &all {
                match self.one(&known, calendar, due, Origin::Collected, now).await {
                    Ok(writing) => {
                        self.store.write(vec![writing]).await?;
                        changed.insert(due.period);
                    }
                    Err(why) => {
                        failed = Some(why);
                        break;
                    }
                }
            }
            if progress.get(&(known.id, grain)) != Some(&settled) {
                self.store.set_progress(vec![(known.id, settled)]).await?;
            }
            if failed.is_some() {
                break;
            }
        }
        self.note(&known, failed, now);
        Ok((known.id, changed))
    }

    async fn lasting(&self, id: KpiId, from: Period) -> Result<HashMap<i64, Lasting>, DbError> {
        let store = self.store.clone();
        blocking(move || store.lasting(id, from)).await
    }

    fn note(&self, known: &Known, failed: Option<AskError>, now: i64) {
        let mut troubles = self.troubles.lock();
        let Some(why) = failed else {
            troubles.remove(&known.id);
            return;
        };
        let before = troubles.get(&known.id);
        let tries = before.map_or(1, |before| before.tries.saturating_add(1));
        if tries == 1 {
            tracing::warn!(kpi = known.kpi.name, %why, "a KPI has no newest value; it is asked for again");
        }
        let since = before.map_or(now, |before| before.since);
        let later = (1_i64 << tries.min(6)).min(LATER_MINUTES_MAX) * MINUTE_MS;
        troubles.insert(known.id, Trouble { why: why.to_string(), since, tries, again_at: now + later });
    }

    /// One period of a KPI with all its segments.
    pub(super) async fn one(&self, known: &Known, calendar: Calendar, due: &Due, origin: Origin, now: i64) -> Result<Writing, AskError> {
        let kpi = &known.kpi;
        let asked = |label| Asked { kpi, within: due.within.clone(), label, location: calendar.location };
        let whole = self.ask.ask(asked(None)).await?.first().map(|(_, value)| *value).or(kpi.empty_is_zero.then_some(0.0));
        let mut found = vec![Found { segment: Segment::all(), value: whole, complete: 1.0 }];
        // Of hours only the whole is kept.
        let labels: &[String] = if due.period.grain() == Grain::Hour { &[] } else { &kpi.segments };
        for label in labels {
            for (value, number) in self.ask.ask(asked(Some(label))).await? {
                found.push(Found { segment: Segment { label: label.clone(), value }, value: Some(number), complete: 1.0 });
            }
        }
        let (period, standing, whole_labels) = (due.period, due.standing, labels.to_vec());
        Ok(Writing { kpi: known.id, period, standing, origin, at: now, found, whole_labels })
    }

    /// What a KPI counts in the period that goes on; nothing is kept.
    ///
    /// # Errors
    /// Why there is no number.
    pub async fn try_out(&self, kpi: &Kpi) -> Result<(Period, BySegment), AskError> {
        let nowhere = || AskError::Wrong("the calendar ends before".to_owned());
        let mut found = self.try_past(kpi, 1).await?;
        found.pop().ok_or_else(nowhere)
    }

    /// What a KPI would have been in its last periods, the oldest first, the one that goes on among them; nothing is kept.
    ///
    /// # Errors
    /// Why there is no number.
    pub async fn try_past(&self, kpi: &Kpi, most: i64) -> Result<Vec<(Period, BySegment)>, AskError> {
        let work = self.ask_past(kpi, most);
        tokio::time::timeout(TRIED_WITHIN, work).await.map_err(|_| AskError::Failed("the answer took too long".to_owned()))?
    }

    async fn ask_past(&self, kpi: &Kpi, most: i64) -> Result<Vec<(Period, BySegment)>, AskError> {
        let (calendar, now) = (self.desk.calendar_of(kpi), self.clock.now_ms());
        let Some(current) = calendar.period(kpi.collected.grain().max(Grain::Day), now) else { return Ok(Vec::new()) };
        let known = Arc::new(Known { id: 0, kpi: kpi.clone(), file: String::new(), made_at: now, changed_at: now });
        let mut found = Vec::new();
        for back in (0..most).rev() {
            let period = current.shifted(-back);
            let values = if is_derived(kpi) {
                let (store, desk, known) = (self.store.clone(), Arc::clone(&self.desk), Arc::clone(&known));
                let tried = blocking(move || derive::tried(&store, &desk, &known.kpi, period)).await;
                tried.map_err(|error| AskError::Failed(error.to_string()))?.unwrap_or_default()
            } else {
                let Some(due) = due_now(calendar, period, kpi.settles.ms(), now) else { continue };
                let writing = self.one(&known, calendar, &due, Origin::Collected, now).await?;
                writing.found.into_iter().filter_map(|found| Some((found.segment, found.value?))).collect()
            };
            found.push((period, values));
        }
        Ok(found)
    }

    /// Longer periods of those that changed, and the KPIs that are made of them, one after the other.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn follow_up(&self, mut changed: Changed, now: i64) -> Result<(), DbError> {
        if changed.values().all(BTreeSet::is_empty) {
            return Ok(());
        }
        for known in self.desk.all().iter() {
            let writings = if is_derived(&known.kpi) {
                let parts: Vec<&str> = known.kpi.source().map(|source| source.parts()).unwrap_or_default();
                let of_part = |name: &&str| self.desk.find(name).and_then(|part| changed.get(&part.id).cloned());
                let mut periods: BTreeSet<Period> = parts.iter().filter_map(of_part).flatten().collect();
                periods.extend(changed.remove(&known.id).into_iter().flatten());
                if periods.is_empty() || known.kpi.paused {
                    continue;
                }
                let (store, desk, known) = (self.store.clone(), Arc::clone(&self.desk), Arc::clone(known));
                blocking(move || derive::derived(&store, &desk, &known, &periods, now)).await?
            } else {
                let Some(periods) = changed.get(&known.id).filter(|periods| !periods.is_empty()).cloned() else { continue };
                let (store, calendar, known) = (self.store.clone(), self.desk.calendar_of(&known.kpi), Arc::clone(known));
                blocking(move || combine::longer(&store, &known, calendar, &periods, now)).await?
            };
            changed.entry(known.id).or_default().extend(writings.iter().map(|writing| writing.period));
            self.store.write(writings).await?;
        }
        Ok(())
    }

    /// The newest values as series.
    async fn say(&self, now: i64) -> Result<(), DbError> {
        let (store, desk, append) = (self.store.clone(), Arc::clone(&self.desk), Arc::clone(&self.append));
        blocking(move || {
            let mut batch = WriteBatch::new();
            samples::add(&mut batch, &store, &desk, now)?;
            if batch.sample_count() > 0
                && let Err(error) = append.append(&batch, &AppendOptions { no_sync: true, ..AppendOptions::default() })
            {
                tracing::warn!(%error, "values of KPIs are not stored as series");
            }
            Ok(())
        })
        .await
    }

    /// Once a day what is old is forgotten.
    async fn forget(&self, now: i64) -> Result<(), DbError> {
        let today = now.div_euclid(DAY_MS);
        if std::mem::replace(&mut *self.forgot_on.lock(), today) != today {
            self.store.forget_old(now).await?;
        }
        Ok(())
    }

    /// Changed periods by grain, for tests and answers.
    pub(super) fn changed_of(id: KpiId, periods: impl IntoIterator<Item = Period>) -> Changed {
        BTreeMap::from([(id, periods.into_iter().collect())]).into_iter().collect()
    }
}
