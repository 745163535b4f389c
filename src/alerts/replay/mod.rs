//! What a rule would have done: its expression over a range of the past, through the very states it would go through now.

mod desk;

use std::collections::{BTreeMap, HashMap};

pub use desk::{Desk, DeskError, Preview};

use crate::alerts::evaluate::{Alerts, Around, Change, Prepared, StepError};
use crate::alerts::model::{Alerting, Kind, State};
use crate::base::cancel::{Cancel, Stop};
use crate::base::time::Duration;
use crate::series::labels::Labels;
use crate::series::ports::{Evaluate, EvaluateError, Question, When};
use crate::series::value::{Point, RangeSeries, Value};

/// Evaluations of one replay at most: thirty days every fifteen seconds.
pub const STEPS_MAX: i64 = 172_801;
/// Evaluations that are asked for at once.
const CHUNK_STEPS: i64 = 2_880;
/// Series times evaluations at most: what a replay costs beside its queries.
const WORK_MAX: u64 = 30_000_000;
/// Episodes that are told; more are counted.
pub const EPISODES_MAX: usize = 1_000;
/// An alert that comes back within this time of its end was never really over.
const FLAP: i64 = 10 * 60_000;
/// Far beyond every calendar, and far from what numbers hold.
const TIME_MAX: i64 = 1 << 53;
const DAY: i64 = 86_400_000;

/// What is replayed.
pub struct Draft<'d> {
    /// An alerting rule whose templates are read.
    pub rule: &'d Prepared,
    /// Distance between evaluations.
    pub interval: Duration,
    /// How far behind its time each evaluation asks.
    pub offset: Duration,
    /// Most alerts at a time, 0 is no limit.
    pub limit: u64,
    /// Labels that all of this server have.
    pub external_labels: &'d Labels,
    /// Where people find this server.
    pub external_url: &'d str,
}

/// One alert from its beginning to its end. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// Names it.
    pub labels: Labels,
    /// Since when its condition held.
    pub active_at: i64,
    /// When it began to fire.
    pub fired_at: i64,
    /// When it was over; none if it still fired at the end of the range.
    pub ended_at: Option<i64>,
    /// What the expression gave when it began to fire.
    pub value: f64,
}

/// What a rule would have done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Replay {
    /// The range, in milliseconds since the Unix epoch.
    pub range: (i64, i64),
    /// Evaluations.
    pub steps: i64,
    /// Alerts that fired, in order of their beginning; at most [`EPISODES_MAX`].
    pub episodes: Vec<Episode>,
    /// How often an alert fired.
    pub fired: u64,
    /// How often a condition held, but for less than `for`.
    pub averted: u64,
    /// How often an alert came back within ten minutes of its end.
    pub flaps: u64,
    /// Milliseconds in which anything fired.
    pub firing_ms: i64,
    /// Most alerts that fired at once.
    pub at_once_max: usize,
    /// How often an alert fired on each day that had any: its beginning in UTC, and the count.
    pub days: Vec<(i64, u64)>,
    /// Evaluations that gave nothing because two series became one alert or there were too many alerts, and the first reason.
    pub failed: u64,
    /// The first such reason.
    pub failure: Option<String>,
}

/// Why there is no replay.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReplayError {
    /// Only alerts have a past to replay.
    #[error("only alerting rules can be replayed: this one records a metric")]
    NoAlert,
    /// Too many evaluations.
    #[error("{steps} evaluations are more than {STEPS_MAX}: choose a shorter range or a longer interval")]
    TooLong {
        /// How many there would be.
        steps: i64,
    },
    /// Too many series.
    #[error("the expression gives too many series over too long a time for a replay: choose a shorter range or a longer interval")]
    TooMuch,
    /// The expression has no answer.
    #[error("{0}")]
    Query(#[from] EvaluateError),
    /// The expression gives a text.
    #[error("rule result is not a vector or scalar")]
    Result,
}

/// Replays a rule from `from` to `to` (milliseconds since the Unix epoch). May take long: call it off the reactor.
///
/// It begins as much earlier as the rule's `for` asks, so that what held already fires in time.
pub fn replay(draft: &Draft<'_>, engine: &dyn Evaluate, from: i64, to: i64, cancel: &Cancel) -> Result<Replay, ReplayError> {
    let Kind::Alerting(alerting) = &draft.rule.rule.kind else { return Err(ReplayError::NoAlert) };
    let (from, to) = (from.clamp(-TIME_MAX, TIME_MAX), to.clamp(-TIME_MAX, TIME_MAX));
    let step = draft.interval.ms().max(1);
    let steps = to.saturating_sub(from).max(0) / step + 1;
    let warm_up = alerting.hold.ms().min(DAY).div_euclid(step) + i64::from(alerting.hold.ms() > 0);
    if steps.saturating_add(warm_up) > STEPS_MAX {
        return Err(ReplayError::TooLong { steps: steps.saturating_add(warm_up) });
    }
    let mut play = Play::new(alerting, (from, to), step);
    let mut at = from - warm_up * step;
    while at <= to {
        let end = to.min(at + (CHUNK_STEPS - 1) * step);
        let when = When::Range { start: at - draft.offset.ms(), end: end - draft.offset.ms(), step };
        let answer = engine.evaluate(&Question { query: &draft.rule.rule.expr, when, cancel: cancel.clone() })?;
        let mut chunk = Chunk::new(answer.value, draft.offset.ms())?;
        while at <= end {
            cancel.check().map_err(stopped)?;
            play.step(draft, &mut chunk, at)?;
            at += step;
        }
    }
    Ok(play.finish((from, to), steps))
}

fn stopped(stop: Stop) -> EvaluateError {
    match stop {
        Stop::TimedOut => EvaluateError::TimedOut,
        _ => EvaluateError::Cancelled,
    }
}

/// The answer for some evaluations, read from the front.
struct Chunk {
    series: Vec<(RangeSeries, usize, usize)>,
    offset: i64,
}

impl Chunk {
    fn new(value: Value, offset: i64) -> Result<Self, ReplayError> {
        match value {
            Value::Matrix(series) => Ok(Self { series: series.into_iter().map(|series| (series, 0, 0)).collect(), offset }),
            Value::Scalar(..) | Value::Vector(_) | Value::String(..) => Err(ReplayError::Result),
        }
    }

    /// What the expression gave at an evaluation. Ask in order of time.
    fn at(&mut self, at: i64) -> impl Iterator<Item = (&Labels, Point)> {
        let at = at - self.offset;
        self.series.iter_mut().filter_map(move |(series, float, histogram)| {
            *float += series.floats[*float..].iter().take_while(|(ts, _)| *ts < at).count();
            *histogram += series.histograms[*histogram..].iter().take_while(|(ts, _)| *ts < at).count();
            let found = series.floats.get(*float).filter(|(ts, _)| *ts == at).map(|(_, value)| Point::Float(*value));
            let found = found.or_else(|| {
                let (_, value) = series.histograms.get(*histogram).filter(|(ts, _)| *ts == at)?;
                Some(Point::Histogram(value.clone()))
            });
            found.map(|value| (&series.labels, value))
        })
    }
}

/// A replay on its way.
struct Play<'p> {
    alerting: &'p Alerting,
    from: i64,
    to: i64,
    interval: i64,
    alerts: Alerts,
    work: u64,
    open: HashMap<Labels, Episode>,
    ended: HashMap<Labels, i64>,
    days: BTreeMap<i64, u64>,
    replay: Replay,
}

impl<'p> Play<'p> {
    fn new(alerting: &'p Alerting, (from, to): (i64, i64), interval: i64) -> Self {
        let (alerts, open, ended) = (Alerts::default(), HashMap::new(), HashMap::new());
        Self { alerting, from, to, interval, alerts, work: 0, open, ended, days: BTreeMap::new(), replay: Replay::default() }
    }

    fn step(&mut self, draft: &Draft<'_>, chunk: &mut Chunk, at: i64) -> Result<(), ReplayError> {
        // What a template of a label asks was not kept, so that such a label says so.
        let ask = |_: &str| Err("queries are not asked in a replay".to_owned());
        let around =
            Around { now: at, external_labels: draft.external_labels, external_url: draft.external_url, limit: draft.limit, ask: &ask };
        let given: Vec<_> = chunk.at(at).map(|(labels, value)| draft.rule.named(labels, &value, &around)).collect();
        self.work += 1 + given.len() as u64;
        if self.work > WORK_MAX {
            return Err(ReplayError::TooMuch);
        }
        match self.alerts.step(at, given, self.alerting, draft.limit) {
            Ok(changes) => changes.into_iter().for_each(|change| self.change(change, at)),
            Err(error) => self.fail(&error, at),
        }
        if at >= self.from && !self.open.is_empty() {
            self.replay.firing_ms += self.interval.min(self.to - at);
            self.replay.at_once_max = self.replay.at_once_max.max(self.open.len());
        }
        Ok(())
    }

    /// An evaluation that failed. Too many alerts end them all.
    fn fail(&mut self, error: &StepError, at: i64) {
        if at >= self.from {
            self.replay.failed += 1;
            self.replay.failure.get_or_insert_with(|| error.to_string());
        }
        if matches!(error, StepError::TooMany { .. }) {
            let open: Vec<Labels> = self.open.keys().cloned().collect();
            open.into_iter().for_each(|labels| self.end(&labels, at));
        }
    }

    fn change(&mut self, change: Change, at: i64) {
        match (change.from, change.to) {
            (_, Some(State::Firing)) => self.begin(change.labels, at),
            (Some(State::Firing), _) => self.end(&change.labels, at),
            (Some(State::Pending), _) if at >= self.from => self.replay.averted += 1,
            _ => {}
        }
    }

    fn begin(&mut self, labels: Labels, at: i64) {
        let (active_at, value) = self.alerts.get(&labels).map_or((at, 0.0), |alert| (alert.active_at, alert.value));
        if at >= self.from {
            self.replay.fired += 1;
            *self.days.entry(at.div_euclid(DAY) * DAY).or_default() += 1;
            if self.ended.get(&labels).is_some_and(|ended| at - ended <= FLAP) {
                self.replay.flaps += 1;
            }
        }
        self.open.insert(labels.clone(), Episode { labels, active_at, fired_at: at, ended_at: None, value });
    }

    fn end(&mut self, labels: &Labels, at: i64) {
        let Some(mut episode) = self.open.remove(labels) else { return };
        self.ended.insert(labels.clone(), at);
        if at >= self.from {
            episode.ended_at = Some(at);
            self.replay.episodes.push(episode);
        }
        // Enough to be cut to the earliest at the end, without keeping all.
        if self.replay.episodes.len() >= 4 * EPISODES_MAX {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.replay.episodes.sort_by(|one, other| (one.fired_at, &one.labels).cmp(&(other.fired_at, &other.labels)));
        self.replay.episodes.truncate(EPISODES_MAX);
    }

    fn finish(mut self, range: (i64, i64), steps: i64) -> Replay {
        self.replay.episodes.extend(std::mem::take(&mut self.open).into_values());
        self.cut();
        Replay { range, steps, days: self.days.into_iter().collect(), ..self.replay }
    }
}

#[cfg(test)]
mod tests;
