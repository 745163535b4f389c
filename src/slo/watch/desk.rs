//! The desk where objectives are made, changed, deleted and asked about: what is stored and what is evaluated stay the
//! same.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration as Time;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::past::{self, Stretch};
use super::standing::{Recorded, Standing, ask, recorded, standings};
use crate::base::clock::SharedClock;
use crate::base::quote::quote;
use crate::base::time::{Duration, TimeRange, format_rfc3339};
use crate::platform::config::diagnostic::{Diagnostic, lines};
use crate::platform::db::DbError;
use crate::series::labels::Labels;
use crate::series::ports::{Evaluate, EvaluateError, Happening, Happenings, RulesMade, TakeRules, When};
use crate::slo::bring::KeptSlos;
use crate::slo::config::{Indicator, Slo, file};
use crate::slo::model::figures::{Budget, Counted};
use crate::slo::model::period::{DAY, Period};
use crate::slo::rules;
use crate::slo::store::Store;
pub use crate::slo::store::{Day, NotStored, Stored};

/// In front of the names of objectives where rules are shown.
const FILE: &str = "SLO ";
/// How often it is looked whether a part of the calendar is over.
const TURNED_EVERY: Time = Time::from_secs(20);
/// How often what is left of budgets is written down.
const WRITTEN_EVERY: i64 = 600_000;
/// Days before today that are written down at the start, where the server was not running then.
const CAUGHT_UP_DAYS: i64 = 30;
/// Longest time over which lines of logs are counted for a form.
const LINES_COUNTED: Duration = Duration::from_ms(DAY);
/// Marks that are looked for around what spent a budget.
const HAPPENINGS_MAX: usize = 200;

/// Why an objective was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// It is wrong.
    #[error("{}", lines(.0))]
    Wrong(Vec<Diagnostic>),
    /// Its rules cannot be evaluated.
    #[error("{0}")]
    Unfit(String),
    /// It is somebody else's.
    #[error("this stands in the file {0}, and is changed there")]
    InFile(String),
    /// It is not stored.
    #[error(transparent)]
    NotStored(#[from] NotStored),
}

/// An objective, and what is stored beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// The objective.
    pub slo: Slo,
    /// As it is stored.
    pub stored: Stored,
}

/// What following a file did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Followed {
    /// Objectives that are new, or not the same as before.
    pub changed: usize,
    /// Objectives that stand in it no longer.
    pub deleted: usize,
    /// Objectives of a file that is followed no more.
    pub released: usize,
}

/// What an objective that is not kept yet would have had over its last period.
#[derive(Debug, Clone, PartialEq)]
pub struct Foretold {
    /// Over which time it was counted.
    pub over: Duration,
    /// Each label set, the worst first.
    pub groups: Vec<(Labels, Budget)>,
}

/// What the desk asks.
#[derive(Clone)]
pub struct Asked {
    /// Answers PromQL.
    pub metrics: Arc<dyn Evaluate>,
    /// Answers LogQL.
    pub logs: Arc<dyn Evaluate>,
    /// Says what was marked in time.
    pub happenings: Arc<dyn Happenings>,
}

/// An objective and how each of its label sets stands.
pub type KeptStandings = (Arc<Kept>, Vec<Standing>);

/// The desk.
pub struct Desk {
    store: Store,
    asked: Asked,
    clock: SharedClock,
    known: Mutex<BTreeMap<String, Arc<Kept>>>,
    rules: OnceLock<Arc<dyn TakeRules>>,
    /// What is evaluated.
    in_force: Mutex<Vec<RulesMade>>,
    /// One change at a time.
    changing: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl Desk {
    /// Reads every stored objective. One that cannot be read is left out, and said. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn open(store: Store, asked: Asked, clock: SharedClock) -> Result<Arc<Self>, DbError> {
        let mut known = BTreeMap::new();
        for stored in store.all()? {
            match file::read_one(&stored.definition) {
                Ok(slo) => drop(known.insert(stored.name.clone(), Arc::new(Kept { slo, stored }))),
                Err(why) => {
                    tracing::error!(slo = stored.name, why = %PutError::Wrong(why), "a stored SLO cannot be read, and is not evaluated")
                }
            }
        }
        let (rules, in_force) = (OnceLock::new(), Mutex::default());
        Ok(Arc::new(Self { store, asked, clock, known: Mutex::new(known), rules, in_force, changing: tokio::sync::Mutex::default() }))
    }

    /// Who evaluates rules; those of every objective are put in force. Only the first call counts. Blocking.
    pub fn offer_rules(&self, rules: Arc<dyn TakeRules>) {
        let _known_already = self.rules.set(rules);
        self.enforce();
    }

    /// Every objective, by name.
    pub fn all(&self) -> Vec<Arc<Kept>> {
        self.known.lock().values().cloned().collect()
    }

    /// The objective of a name.
    pub fn find(&self, name: &str) -> Option<Arc<Kept>> {
        self.known.lock().get(name).cloned()
    }

    /// Reads an objective and says whether it could be kept. Blocking.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn look(&self, text: &str) -> Result<Slo, PutError> {
        let slo = file::read_one(text).map_err(PutError::Wrong)?;
        self.fits(&slo)?;
        Ok(slo)
    }

    fn fits(&self, slo: &Slo) -> Result<(), PutError> {
        let Some(rules) = self.rules.get() else { return Ok(()) };
        rules.check(&made(slo, self.clock.now_ms())).map_err(PutError::Unfit)
    }

    /// Makes an objective, or changes the one named `before`; its rules are evaluated from now on.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn put(self: &Arc<Self>, before: Option<&str>, text: &str, by: &str) -> Result<Arc<Kept>, PutError> {
        let (desk, text) = (Arc::clone(self), text.to_owned());
        let slo = off(move || desk.look(&text)).await?;
        let _one_at_a_time = self.changing.lock().await;
        before.map_or(Ok(()), |name| self.is_free(name))?;
        let kept = self.keep(before, slo, by, "").await?;
        self.enforce_off().await;
        Ok(kept)
    }

    /// Whether an objective stands in no file.
    fn is_free(&self, name: &str) -> Result<(), PutError> {
        match self.find(name) {
            Some(kept) if !kept.stored.file.is_empty() => Err(PutError::InFile(kept.stored.file.clone())),
            _ => Ok(()),
        }
    }

    /// Stores an objective; its rules are still to be put in force.
    async fn keep(&self, before: Option<&str>, slo: Slo, by: &str, file: &str) -> Result<Arc<Kept>, PutError> {
        let now = self.clock.now_ms();
        let stored = Stored {
            name: slo.name.clone(),
            definition: slo.definition(),
            made_at: before.and_then(|name| self.find(name)).map_or(now, |kept| kept.stored.made_at),
            changed_at: now,
            changed_by: by.to_owned(),
            file: file.to_owned(),
        };
        self.store.put(before.map(str::to_owned), stored.clone()).await?;
        let kept = Arc::new(Kept { slo, stored });
        self.remember(before, &kept);
        Ok(kept)
    }

    /// Keeps to a file: its objectives are made and changed, and those that stand in it no longer are deleted. Of a file
    /// that is followed no more the objectives stay, and may be changed by anybody.
    ///
    /// # Errors
    /// The database's, and what cannot be evaluated; what was done until then is in force.
    pub async fn follow(self: &Arc<Self>, kept: Option<&KeptSlos>) -> Result<Followed, PutError> {
        let _one_at_a_time = self.changing.lock().await;
        let done = self.follow_all(kept).await;
        self.enforce_off().await;
        done
    }

    async fn follow_all(self: &Arc<Self>, kept: Option<&KeptSlos>) -> Result<Followed, PutError> {
        let mut done = Followed::default();
        let (path, slos) = kept.map_or(("", &[][..]), |kept| (kept.path.as_str(), &kept.slos[..]));
        for slo in slos {
            let before = self.find(&slo.name);
            if before.as_ref().is_some_and(|before| before.slo == *slo && before.stored.file == path) {
                continue;
            }
            let (desk, wanted) = (Arc::clone(self), slo.clone());
            off(move || desk.fits(&wanted)).await?;
            self.keep(before.map(|before| before.slo.name.clone()).as_deref(), slo.clone(), path, path).await?;
            done.changed += 1;
        }
        for old in self.all().into_iter().filter(|old| !old.stored.file.is_empty()) {
            let name = &old.slo.name;
            if old.stored.file != path {
                if !slos.iter().any(|slo| slo.name == *name) {
                    self.keep(Some(name), old.slo.clone(), &old.stored.changed_by, "").await?;
                    done.released += 1;
                }
            } else if !slos.iter().any(|slo| slo.name == *name) {
                self.store.delete(name.clone()).await?;
                self.known.lock().remove(name);
                done.deleted += 1;
            }
        }
        Ok(done)
    }

    fn remember(&self, before: Option<&str>, kept: &Arc<Kept>) {
        let mut known = self.known.lock();
        if let Some(before) = before {
            known.remove(before);
        }
        known.insert(kept.slo.name.clone(), Arc::clone(kept));
    }

    /// Forgets an objective and its days; its rules end.
    ///
    /// # Errors
    /// Why not.
    pub async fn delete(self: &Arc<Self>, name: &str) -> Result<(), PutError> {
        let _one_at_a_time = self.changing.lock().await;
        self.is_free(name)?;
        self.store.delete(name.to_owned()).await?;
        self.known.lock().remove(name);
        self.enforce_off().await;
        Ok(())
    }

    async fn enforce_off(self: &Arc<Self>) {
        let desk = Arc::clone(self);
        off(move || desk.enforce()).await;
    }

    /// Has the rules of every objective evaluated as they are right now. Blocking.
    fn enforce(&self) {
        let Some(rules) = self.rules.get() else { return };
        let now = self.clock.now_ms();
        let all: Vec<RulesMade> = self.all().iter().map(|kept| made(&kept.slo, now)).collect();
        let mut in_force = self.in_force.lock();
        if *in_force != all {
            rules.take(&all);
            *in_force = all;
        }
    }

    /// The rules of an objective as a rule file.
    pub fn rules(&self, slo: &Slo) -> String {
        made(slo, self.clock.now_ms()).text
    }

    /// Every objective as a file.
    pub fn export(&self) -> String {
        let all = self.all();
        file::print(all.iter().map(|kept| &kept.slo))
    }

    /// How an objective stands, each label set by itself, the worst first. Blocking.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn standings(&self, slo: &Slo) -> Result<Vec<Standing>, EvaluateError> {
        let now = self.clock.now_ms();
        let all = recorded(&self.asked.metrics, Some(&slo.name), now)?;
        Ok(of(&all, slo, now))
    }

    /// The same of all objectives. Blocking.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn all_standings(&self) -> Result<Vec<KeptStandings>, EvaluateError> {
        let now = self.clock.now_ms();
        let recorded = recorded(&self.asked.metrics, None, now)?;
        Ok(self.all().into_iter().map(|kept| (Arc::clone(&kept), of(&recorded, &kept.slo, now))).collect())
    }

    /// What spent a budget, the newest first, with what was marked then. Blocking.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn spent(&self, slo: &Slo, standings: &[Standing]) -> Result<Vec<(Stretch, Vec<Happening>)>, EvaluateError> {
        let now = self.clock.now_ms();
        let found = past::stretches(&past::hours(&self.asked.metrics, slo, now)?, standings);
        let Some(from) = found.iter().map(|stretch| stretch.from).min() else { return Ok(Vec::new()) };
        let range = TimeRange { start: from, end: now };
        let marked = self.asked.happenings.within(range, HAPPENINGS_MAX).unwrap_or_else(|why| {
            tracing::warn!(why, "what was marked while budgets burnt is not known");
            Vec::new()
        });
        let touches = |stretch: &Stretch, one: &Happening| one.at < stretch.until && one.until >= stretch.from;
        let with = |stretch: Stretch| {
            let own = marked.iter().filter(|one| touches(&stretch, one)).cloned().collect();
            (stretch, own)
        };
        Ok(found.into_iter().map(with).collect())
    }

    /// What is left of an objective's budgets at the ends of days, of the last so many. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn days(&self, name: &str, days: i64) -> Result<Vec<Day>, DbError> {
        self.store.days(name, self.clock.now_ms().div_euclid(DAY) - days)
    }

    /// What an objective would have had over its last period, counted from the counters themselves. Blocking.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn foretell(&self, slo: &Slo) -> Result<Foretold, EvaluateError> {
        let now = self.clock.now_ms();
        let is_logs = matches!(slo.indicator(), Some(Indicator::Logs(_)));
        let over = match slo.period() {
            Period::Rolling(length) => length,
            period @ Period::Calendar(..) => Duration::from_ms((now - period.around(now).from).max(60_000)),
        };
        let over = if is_logs && over > LINES_COUNTED { LINES_COUNTED } else { over };
        // Whole minutes: the language has no length such as 1d2h3m4s5ms that people could read.
        let over = Duration::from_ms((over.ms() / 60_000).max(1) * 60_000);
        let (engine, (total, bad)) = if is_logs {
            (&self.asked.logs, rules::lines_question(slo, over).unwrap_or_default())
        } else {
            (&self.asked.metrics, rules::question(slo, over).unwrap_or_default())
        };
        let mut groups: BTreeMap<Labels, Counted> = BTreeMap::new();
        for (labels, events) in ask(engine, &total, When::Instant(now))?.into_numbers() {
            groups.entry(labels).or_default().events = events;
        }
        for (labels, found) in ask(engine, &bad, When::Instant(now))?.into_numbers() {
            let counted = groups.entry(labels).or_default();
            counted.bad = if is_logs && rules::counts_good(slo) { (counted.events - found).max(0.0) } else { found };
        }
        let period = slo.period();
        let budget = |counted| Budget { part: slo.budget(), period: period.length(now), elapsed: period.elapsed(now), counted };
        let mut groups: Vec<_> = groups.into_iter().map(|(labels, counted)| (labels, budget(counted))).collect();
        let left = |budget: &Budget| budget.left().unwrap_or(f64::INFINITY);
        groups.sort_by(|(_, a), (_, b)| left(a).total_cmp(&left(b)));
        Ok(Foretold { over, groups })
    }

    /// Keeps rules in force as the calendar goes on, and writes down what is left of budgets, until the end.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut written = 0;
        while !stop.is_cancelled() {
            self.enforce_off().await;
            let now = self.clock.now_ms();
            if now - written >= WRITTEN_EVERY {
                let before = if written == 0 { CAUGHT_UP_DAYS } else { 1 };
                match self.write_days(now, before).await {
                    Ok(()) => written = now,
                    Err(why) => tracing::warn!(why, at = format_rfc3339(now), "what is left of error budgets is not written down"),
                }
            }
            tokio::select! {
                () = tokio::time::sleep(TURNED_EVERY) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Writes down today as it is so far, and days before it as they ended.
    async fn write_days(self: &Arc<Self>, now: i64, before: i64) -> Result<(), String> {
        let desk = Arc::clone(self);
        let today = now.div_euclid(DAY);
        let days = off(move || {
            let mut all = Vec::new();
            for day in today - before..=today {
                let at = now.min((day + 1) * DAY - 1);
                desk.day(day, at, &mut all)?;
            }
            Ok::<_, EvaluateError>(all)
        });
        let days = days.await.map_err(|error| error.to_string())?;
        if days.is_empty() {
            return Ok(());
        }
        self.store.write_days(days, today).await.map_err(|error| error.to_string())
    }

    fn day(&self, day: i64, at: i64, all: &mut Vec<(String, Day)>) -> Result<(), EvaluateError> {
        let known = self.all();
        if known.is_empty() {
            return Ok(());
        }
        let recorded = recorded(&self.asked.metrics, None, at)?;
        for kept in known.iter() {
            for standing in of(&recorded, &kept.slo, at) {
                let Some(left) = standing.budget.left() else { continue };
                let Counted { events, bad } = standing.budget.counted;
                all.push((kept.slo.name.clone(), Day { labels: named(&standing.labels), day, left, events, bad }));
            }
        }
        Ok(())
    }
}

/// Labels as a text that names them.
pub fn named(labels: &Labels) -> String {
    let each: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={}", quote(value))).collect();
    each.join(",")
}

fn of(all: &Recorded, slo: &Slo, at: i64) -> Vec<Standing> {
    standings(slo, all.get(&slo.name).map(Vec::as_slice).unwrap_or_default(), at)
}

fn made(slo: &Slo, at: i64) -> RulesMade {
    RulesMade { name: format!("{FILE}{}", slo.name), text: rules::print(&rules::groups(slo, at)) }
}

/// Work that blocks, off the reactor.
async fn off<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}
