//! A group at work: its rules in order, each seeing what those before it stored; those that have nothing to do with each
//! other side by side where there is room.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use parking_lot::Mutex;
use rustc_hash::FxHashSet;

use super::order::{Reads, Touches, waves};
use super::restore::restore;
use super::rule::{Around, Failure, Outcome, Prepared};
use super::schedule::{Due, Schedule};
use super::state::{Alerts, Change};
use crate::alerts::model::{Alert, Group, Kind, Language};
use crate::base::cancel::Cancel;
use crate::base::clock::SharedClock;
use crate::base::time::Duration;
use crate::series::batch::WriteBatch;
use crate::series::labels::Labels;
use crate::series::ports::{Answer, Append, AppendError, AppendOptions, Evaluate, EvaluateError, Question, Select, When};
use crate::series::sample::stale_nan;
use crate::series::value::{Point, Value};

/// What groups ask, and where what they give is stored.
#[derive(Clone)]
pub struct Ports {
    /// PromQL.
    pub metrics: Arc<dyn Evaluate>,
    /// LogQL.
    pub logs: Arc<dyn Evaluate>,
    /// Takes samples.
    pub append: Arc<dyn Append>,
    /// Gives back what was stored before a restart.
    pub select: Arc<dyn Select>,
    /// The time.
    pub clock: SharedClock,
}

impl Ports {
    /// Who answers queries of a language.
    pub fn engine(&self, language: Language) -> &dyn Evaluate {
        match language {
            Language::PromQl => self.metrics.as_ref(),
            Language::LogQl => self.logs.as_ref(),
        }
    }
}

/// What all groups of a server share.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Distance between evaluations of groups that do not say.
    pub interval: Duration,
    /// How far behind now groups ask that do not say.
    pub query_offset: Duration,
    /// How often a firing alert is told again.
    pub resend: Duration,
    /// Labels that all of this server have.
    pub external_labels: Labels,
    /// Where people find this server.
    pub external_url: String,
}

/// Room for evaluations beside the one that asks.
pub trait Spare: Sync {
    /// Takes a place until what is given is dropped; none if there is none free.
    fn take(&self) -> Option<Box<dyn Send>>;
}

/// Rules that took less than this together, the last time, are not worth threads of their own.
const SHARED_LEAST: std::time::Duration = std::time::Duration::from_millis(10);

/// Whether a rule works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HealthState {
    /// Not evaluated yet.
    #[default]
    Unknown,
    /// Its last evaluation was.
    Ok,
    /// It was not.
    Err,
}

impl HealthState {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Err => "err",
        }
    }
}

/// How the last evaluation of a rule went.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// Whether it went well.
    pub state: HealthState,
    /// What was wrong.
    pub error: Option<String>,
    /// When it was, in milliseconds since the Unix epoch.
    pub at: Option<i64>,
    /// How long it took.
    pub took: std::time::Duration,
    /// Series it gave.
    pub series: usize,
}

/// A rule of a running group.
pub struct RunningRule {
    /// The rule, its templates read.
    pub prepared: Prepared,
    /// The states of its alerts.
    pub alerts: Mutex<Alerts>,
    /// How its last evaluation went.
    pub health: Mutex<Health>,
    /// Series it gave last time, for markers of their end.
    given: Mutex<FxHashSet<Labels>>,
    restored: AtomicBool,
}

/// A running group.
pub struct Running {
    /// As it was declared.
    pub group: Group,
    /// Its rules, in order.
    pub rules: Vec<RunningRule>,
    /// Places of rules that may be evaluated side by side, wave after wave.
    waves: Vec<Vec<usize>>,
    schedule: Mutex<Schedule>,
    /// Evaluations so far.
    pub evaluations: AtomicU64,
    /// Evaluations that were left out.
    pub missed: AtomicU64,
    /// Rules evaluated so far.
    pub rules_evaluated: AtomicU64,
    /// Of those, how many could not be.
    pub rules_failed: AtomicU64,
    last: Mutex<Option<Last>>,
    busy: AtomicBool,
}

/// The last evaluation of a group.
#[derive(Debug, Clone, Copy)]
pub struct Last {
    /// Its instant, in milliseconds since the Unix epoch.
    pub at: i64,
    /// How long it took.
    pub took: std::time::Duration,
}

/// What everything in one evaluation shares.
#[derive(Clone, Copy)]
struct Round<'a> {
    /// Its instant, in milliseconds since the Unix epoch.
    at: i64,
    ports: &'a Ports,
    setting: &'a Setting,
    cancel: &'a Cancel,
}

/// What a rule gave that others want to know.
#[derive(Debug, Default)]
pub struct Told {
    /// The instant of the evaluation, in milliseconds since the Unix epoch.
    pub at: i64,
    /// Alerts to route, with the place of their rule in the group.
    pub due: Vec<(usize, Alert)>,
    /// Alerts whose state changed, with the place of their rule in the group.
    pub changes: Vec<(usize, Change)>,
}

impl Running {
    /// A group that has not been evaluated yet.
    pub fn new(group: Group, rules: Vec<Prepared>, setting: &Setting) -> Self {
        let interval = group.interval.unwrap_or(setting.interval);
        let waves = waves_of(&rules, group.language);
        let rules = rules.into_iter().map(RunningRule::new).collect();
        let schedule = Schedule::new(&group.file, &group.name, interval);
        Self {
            group,
            rules,
            waves,
            schedule: Mutex::new(schedule),
            evaluations: AtomicU64::new(0),
            missed: AtomicU64::new(0),
            rules_evaluated: AtomicU64::new(0),
            rules_failed: AtomicU64::new(0),
            last: Mutex::new(None),
            busy: AtomicBool::new(false),
        }
    }

    /// Its alerts have no past: nothing is given back to them, and what they are is stored from the first evaluation on.
    pub fn begin_anew(&self) {
        self.rules.iter().for_each(|rule| rule.restored.store(true, Ordering::Relaxed));
    }

    /// Takes over the states of the same group as it was before a reload: rules that are the same go on.
    pub fn take_over(&self, before: &Self) {
        let mut free: Vec<&RunningRule> = before.rules.iter().collect();
        for rule in &self.rules {
            let Some(at) = free.iter().position(|old| old.prepared.rule.same_as(&rule.prepared.rule)) else { continue };
            let old = free.remove(at);
            *rule.alerts.lock() = old.alerts.lock().clone();
            *rule.health.lock() = old.health.lock().clone();
            *rule.given.lock() = old.given.lock().clone();
            rule.restored.store(old.restored.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        self.schedule.lock().follow(&before.schedule.lock());
        self.evaluations.store(before.evaluations.load(Ordering::Relaxed), Ordering::Relaxed);
        for (counter, known) in
            [(&self.missed, &before.missed), (&self.rules_evaluated, &before.rules_evaluated), (&self.rules_failed, &before.rules_failed)]
        {
            counter.store(known.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        *self.last.lock() = *before.last.lock();
    }

    /// When it is due next, in milliseconds since the Unix epoch.
    pub fn next(&self, now: i64) -> i64 {
        self.schedule.lock().next(now)
    }

    /// The distance between evaluations.
    pub fn interval(&self) -> Duration {
        Duration::from_ms(self.schedule.lock().interval())
    }

    /// The last evaluation.
    pub fn last(&self) -> Option<Last> {
        *self.last.lock()
    }

    /// Evaluates the group if it is due at `now` and not at work already. May take long: call it off the reactor.
    pub fn evaluate(&self, now: i64, ports: &Ports, setting: &Setting, spare: &dyn Spare, cancel: &Cancel) -> Option<Told> {
        if self.busy.swap(true, Ordering::Acquire) {
            return None;
        }
        let _free = FreeOnDrop(&self.busy);
        let Due { at, missed } = self.schedule.lock().due(now)?;
        self.missed.fetch_add(missed, Ordering::Relaxed);
        let began = ports.clock.monotonic();
        let mut told = Told { at, ..Told::default() };
        let round = Round { at, ports, setting, cancel };
        for wave in &self.waves {
            self.evaluate_wave(wave, round, spare, &mut told);
            if cancel.check().is_err() {
                return Some(told);
            }
        }
        // Alerts are told in the order of their rules, however these were evaluated.
        told.due.sort_by_key(|(place, _)| *place);
        told.changes.sort_by_key(|(place, _)| *place);
        let before = self.evaluations.fetch_add(1, Ordering::Relaxed);
        // Evaluations find out which alerts there are; only then can they be given their time back. As upstream the second
        // one is waited for: at the first, what rules ask of may not have been scraped or recorded again.
        if before > 0 {
            self.restore(ports, at);
        }
        *self.last.lock() = Some(Last { at, took: ports.clock.monotonic().saturating_sub(began) });
        Some(told)
    }

    fn restore(&self, ports: &Ports, at: i64) {
        for rule in self.rules.iter().filter(|rule| !rule.restored.swap(true, Ordering::Relaxed)) {
            if let Err(error) = restore(rule, ports.select.as_ref(), at) {
                tracing::warn!(group = %self.group.name, rule = %rule.prepared.rule.name, %error, "the state of alerts before the restart was not found");
            }
        }
    }

    fn offset(&self, setting: &Setting) -> i64 {
        self.group.query_offset.unwrap_or(setting.query_offset).ms()
    }

    /// Evaluates rules that have nothing to do with each other, on as many threads as there are places for.
    fn evaluate_wave(&self, wave: &[usize], round: Round<'_>, spare: &dyn Spare, told: &mut Told) {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut parts = Told::default();
            while let Some(place) = wave.get(next.fetch_add(1, Ordering::Relaxed)).filter(|_| round.cancel.check().is_ok()) {
                self.evaluate_rule(*place, round, &mut parts);
            }
            parts
        };
        let took: std::time::Duration = wave.iter().map(|place| self.rules[*place].health.lock().took).sum();
        let most = if took < SHARED_LEAST { 0 } else { wave.len().saturating_sub(1) };
        let places: Vec<Box<dyn Send>> = (0..most).map_while(|_| spare.take()).collect();
        let parts = thread::scope(|scope| {
            let others: Vec<_> = places.iter().map(|_| scope.spawn(work)).collect();
            let own = work();
            let others = others.into_iter().map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            std::iter::once(own).chain(others).collect::<Vec<Told>>()
        });
        for part in parts {
            told.due.extend(part.due);
            told.changes.extend(part.changes);
        }
    }

    fn evaluate_rule(&self, place: usize, round: Round<'_>, told: &mut Told) {
        let Round { at, ports, setting, cancel } = round;
        let rule = &self.rules[place];
        let began = ports.clock.monotonic();
        let offset = self.offset(setting);
        let outcome = self.outcome(rule, at, offset, ports, setting, cancel);
        let mut error = outcome.as_ref().err().map(ToString::to_string);
        let mut series = 0;
        if let Ok(outcome) = outcome {
            series = outcome.samples.len();
            told.changes.extend(outcome.changes.iter().map(|change| (place, change.clone())));
            if let Err(refused) = rule.store(&outcome, at - offset, ports.append.as_ref()) {
                error = Some(refused.to_string());
            }
        }
        let interval = self.interval();
        told.due.extend(rule.alerts.lock().take_due(at, setting.resend, interval).into_iter().map(|alert| (place, alert)));
        self.rules_evaluated.fetch_add(1, Ordering::Relaxed);
        self.rules_failed.fetch_add(u64::from(error.is_some()), Ordering::Relaxed);
        let state = if error.is_none() { HealthState::Ok } else { HealthState::Err };
        let took = ports.clock.monotonic().saturating_sub(began);
        *rule.health.lock() = Health { state, error, at: Some(at), took, series };
    }

    fn outcome(
        &self,
        rule: &RunningRule,
        at: i64,
        offset: i64,
        ports: &Ports,
        setting: &Setting,
        cancel: &Cancel,
    ) -> Result<Outcome, Failure> {
        let engine = ports.engine(self.group.language);
        let ask = |query: &str| ask(engine, query, at - offset, cancel).map(|answer| answer.value);
        let answer = ask(&rule.prepared.rule.expr)?;
        if rule.prepared.rule.kind == Kind::Recording {
            return rule.prepared.record(answer, self.group.limit);
        }
        let ask_in_template = |query: &str| numbers(ask(query).map_err(|error| error.to_string())?);
        let around = Around {
            now: at,
            external_labels: &setting.external_labels,
            external_url: &setting.external_url,
            limit: self.group.limit,
            ask: &ask_in_template,
        };
        rule.prepared.alert(answer, &mut rule.alerts.lock(), &around, rule.restored.load(Ordering::Relaxed))
    }

    /// Marks the end of all series of rules that are not in `after` any more.
    pub fn end_series(&self, after: Option<&Self>, at: i64, append: &dyn Append) -> Result<(), AppendError> {
        let kept: FxHashSet<Labels> =
            after.map(|after| after.rules.iter().flat_map(|rule| rule.given.lock().clone()).collect()).unwrap_or_default();
        let mut batch = WriteBatch::new();
        for rule in &self.rules {
            for labels in rule.given.lock().iter().filter(|labels| !kept.contains(*labels)) {
                batch.open_series(labels);
                batch.push_float(at, stale_nan());
            }
        }
        if batch.series.is_empty() {
            Ok(())
        } else {
            append.append(&batch, &AppendOptions { no_sync: true, ..AppendOptions::default() }).map(|_| ())
        }
    }
}

impl RunningRule {
    fn new(prepared: Prepared) -> Self {
        let restored = prepared.rule.kind == Kind::Recording;
        Self { prepared, alerts: Mutex::default(), health: Mutex::default(), given: Mutex::default(), restored: AtomicBool::new(restored) }
    }

    /// Stores what the rule gave, and marks the end of what it gave last time and not now.
    fn store(&self, outcome: &Outcome, at: i64, append: &dyn Append) -> Result<(), AppendError> {
        let mut batch = WriteBatch::new();
        let mut now = FxHashSet::default();
        for sample in &outcome.samples {
            batch.open_series(&sample.labels);
            match &sample.value {
                Point::Float(value) => batch.push_float(at, *value),
                Point::Histogram(histogram) => batch.push_histogram(at, Arc::clone(histogram)),
            }
            now.insert(sample.labels.clone());
        }
        let mut given = self.given.lock();
        for labels in given.difference(&now) {
            batch.open_series(labels);
            batch.push_float(at, stale_nan());
        }
        *given = now;
        drop(given);
        if batch.series.is_empty() {
            return Ok(());
        }
        let report = append.append(&batch, &AppendOptions { no_sync: true, ..AppendOptions::default() })?;
        for refused in report.refused.iter().take(1) {
            tracing::warn!(rule = %self.prepared.rule.name, reason = %refused.reason, count = report.refused.len(), "some of what a rule gave was not stored");
        }
        Ok(())
    }
}

/// The waves of a group. Rules over logs do not read what rules store.
fn waves_of(rules: &[Prepared], language: Language) -> Vec<Vec<usize>> {
    let writes: Vec<(Vec<&str>, bool)> = rules.iter().map(Prepared::writes).collect();
    let nothing = Reads::Metrics(Vec::new());
    let reads = |rule: &'_ Prepared| match language {
        Language::PromQl => rule.reads.clone(),
        Language::LogQl => nothing.clone(),
    };
    let reads: Vec<Reads> = rules.iter().map(reads).collect();
    let touches = reads.iter().zip(&writes).map(|(reads, (writes, shares))| Touches { reads, writes, shares: *shares });
    waves(&touches.collect::<Vec<_>>())
}

fn ask(engine: &dyn Evaluate, query: &str, at: i64, cancel: &Cancel) -> Result<Answer, EvaluateError> {
    engine.evaluate(&Question { query, when: When::Instant(at), cancel: cancel.clone() })
}

/// What a query in a template gave.
fn numbers(value: Value) -> Result<Vec<(Labels, f64)>, String> {
    match value {
        Value::Vector(samples) => Ok(samples
            .into_iter()
            .map(|sample| match sample.value {
                Point::Float(value) => (sample.labels, value),
                Point::Histogram(_) => (sample.labels, 0.0),
            })
            .collect()),
        Value::Scalar(_, value) => Ok(vec![(Labels::empty(), value)]),
        _ => Err("query result is not a vector or scalar".to_owned()),
    }
}

/// Evaluation at instants of the caller's choice, as tests of rules need it.
impl Running {
    /// Evaluates every rule at an instant (milliseconds since the Unix epoch), as if the server had always been running.
    /// Gives the name of each rule that could not be evaluated, and what was wrong.
    pub fn rehearse(&self, at: i64, ports: &Ports, setting: &Setting) -> Vec<(String, String)> {
        let mut failed = Vec::new();
        let offset = self.offset(setting);
        for rule in &self.rules {
            rule.restored.store(true, Ordering::Relaxed);
            let outcome = self.outcome(rule, at, offset, ports, setting, &Cancel::new());
            let stored = match outcome {
                Ok(outcome) => rule.store(&outcome, at - offset, ports.append.as_ref()).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            failed.extend(stored.err().map(|error| (rule.prepared.rule.name.clone(), error)));
        }
        failed
    }
}

/// A group is free again whatever happens to the evaluation.
struct FreeOnDrop<'a>(&'a AtomicBool);

impl Drop for FreeOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests;
