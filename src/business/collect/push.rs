//! Numbers that programs send: safe once they are acknowledged, and counted once however often they are sent under one key.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::blocking;
use super::collector::Collector;
use super::desk::Known;
use crate::base::period::{Calendar, Period};
use crate::base::quote::quote;
use crate::business::config::kpi::{Kpi, Source};
use crate::business::model::kind::Longer;
use crate::business::model::value::{SEGMENT_CHARS_MAX, Segment, Standing};
use crate::business::store::{KEYS_MAX, Once, Push, Pushed, Pushes, Repeated};
use crate::platform::db::DbError;

/// Numbers of one request at most.
pub const PUSHES_MAX: usize = 5_000;
/// How far ahead of the server's a clock may be.
const AHEAD_MAX_MS: i64 = 3_600_000;

/// When a number was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Now.
    Now,
    /// At an instant, in milliseconds since the Unix epoch.
    Instant(i64),
    /// In a period.
    In(Period),
}

/// A number as it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// How much.
    pub value: f64,
    /// When.
    pub at: At,
    /// Of which segment: its label and value; none for all of the KPI.
    pub segment: Option<(String, String)>,
}

/// Numbers that were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// How many.
    pub count: usize,
    /// Whether that was before, by the same request.
    pub is_repeated: bool,
}

/// Why numbers were not taken.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// They are wrong.
    #[error("{0}")]
    Wrong(String),
    /// Their key names a request that said something else.
    #[error("Idempotency-Key: {0} came before with another body; each request that is not a repeated one needs a key of its own")]
    OtherBody(String),
    /// As many keys are remembered as may be.
    #[error("Idempotency-Key: {KEYS_MAX} keys of the last 24 hours are remembered, which is as many as may be: send lists of numbers")]
    TooManyKeys,
    /// The KPI was deleted meanwhile.
    #[error("the KPI is deleted")]
    Gone,
    /// The database's.
    #[error(transparent)]
    Db(#[from] DbError),
}

fn vet(kpi: &Kpi, calendar: Calendar, sent: &Sent, now: i64) -> Result<Push, String> {
    if !sent.value.is_finite() {
        return Err("value: expected a number".to_owned());
    }
    let grain = kpi.collected.grain();
    let period = match sent.at {
        At::Now => calendar.period(grain, now),
        At::Instant(at) => calendar.period(grain, at),
        At::In(period) if period.grain() == grain => Some(period),
        At::In(period) => return Err(format!("period: read {period}, expected a {}", grain.as_str())),
    };
    let period = period.ok_or("at: there is no such time")?;
    let window = calendar.window(period).ok_or("at: there is no such time")?;
    if window.start > now + AHEAD_MAX_MS {
        return Err(format!("{period} is to come"));
    }
    let segment = match &sent.segment {
        None => Segment::all(),
        Some((label, value)) if kpi.segments.contains(label) => {
            Segment { label: label.clone(), value: value.chars().take(SEGMENT_CHARS_MAX).collect() }
        }
        Some((label, _)) => return Err(format!("segment: the KPI is not split by {}", quote(label))),
    };
    Ok(Push { segment, period, standing: Standing::of(window.end, kpi.settles.ms(), now), value: sent.value })
}

/// Where only segments are sent, all of a KPI that is added up is their sum, over the first of its labels that is.
fn with_whole(kpi: &Kpi, mut pushes: Vec<Push>, adds: bool) -> Vec<Push> {
    if !adds || kpi.longer != Longer::Sum || pushes.iter().any(|push| push.segment.is_all()) {
        return pushes;
    }
    let label = kpi.segments.iter().find(|label| pushes.iter().any(|push| push.segment.label == **label)).cloned();
    let mut sums: BTreeMap<Period, Push> = BTreeMap::new();
    for push in pushes.iter().filter(|push| Some(&push.segment.label) == label.as_ref()) {
        let sum = sums.entry(push.period).or_insert_with(|| Push { segment: Segment::all(), value: 0.0, ..push.clone() });
        sum.value += push.value;
    }
    pushes.extend(sums.into_values());
    pushes
}

fn vet_all(kpi: &Kpi, calendar: Calendar, sent: &[Sent], now: i64) -> Result<Vec<Push>, PushError> {
    let wrong = |place: usize, why: String| PushError::Wrong(format!("number {}: {why}", place + 1));
    sent.iter().enumerate().map(|(place, one)| vet(kpi, calendar, one, now).map_err(|why| wrong(place, why))).collect()
}

impl Collector {
    /// Takes numbers of a KPI, all or none. When it returns, they are stored. What comes again under the same key counts once.
    ///
    /// # Errors
    /// What is wrong with them, with the place in the list, or the database's.
    pub async fn push(&self, known: &Arc<Known>, sent: &[Sent], once: Option<Once>) -> Result<Taken, PushError> {
        // Before anything else: what was taken stays taken, whatever became of the KPI since.
        if let Some(once) = once.clone() {
            let (store, id, key) = (self.store.clone(), known.id, once.key.clone());
            if let Some(before) = blocking(move || store.repeated(id, &once)).await? {
                return self.again(known, sent, before, &key).await;
            }
        }
        let Some(Source::Pushed(source)) = known.kpi.source() else {
            let message = format!("{} is counted by pharos: only a KPI with the source pushed takes numbers", quote(&known.kpi.name));
            return Err(PushError::Wrong(message));
        };
        if sent.len() > PUSHES_MAX {
            return Err(PushError::Wrong(format!("{} numbers are too many, {PUSHES_MAX} may be", sent.len())));
        }
        let (calendar, now) = (self.desk.calendar_of(&known.kpi), self.clock.now_ms());
        let all = with_whole(&known.kpi, vet_all(&known.kpi, calendar, sent, now)?, source.adds);
        let periods: Vec<Period> = all.iter().map(|push| push.period).collect();
        let key = once.as_ref().map(|once| once.key.clone()).unwrap_or_default();
        match self.store.push(Pushes { kpi: known.id, all, sent: sent.len(), adds: source.adds, at: now, once }).await? {
            Pushed::Stored => {
                self.follow_sent(known, periods, now).await;
                Ok(Taken { count: sent.len(), is_repeated: false })
            }
            // The same request came at the same time.
            Pushed::Repeated(before) => self.again(known, sent, before, &key).await,
            Pushed::Full => Err(PushError::TooManyKeys),
            Pushed::Gone => Err(PushError::Gone),
        }
    }

    /// What a request is told that came before.
    async fn again(&self, known: &Arc<Known>, sent: &[Sent], before: Repeated, key: &str) -> Result<Taken, PushError> {
        let Repeated::Same { taken, at } = before else { return Err(PushError::OtherBody(quote(key))) };
        // The server may have ended between storing and making longer periods: they are made now, of the time of the first.
        let calendar = self.desk.calendar_of(&known.kpi);
        let periods = vet_all(&known.kpi, calendar, sent, at).unwrap_or_default().into_iter().map(|push| push.period).collect();
        self.follow_sent(known, periods, self.clock.now_ms()).await;
        Ok(Taken { count: taken, is_repeated: true })
    }

    /// Sets a value by hand, in place of what was sent; gives what it was.
    ///
    /// # Errors
    /// What is wrong with it, or the database's.
    pub async fn correct(&self, known: &Arc<Known>, sent: Sent) -> Result<Option<f64>, PushError> {
        if !matches!(known.kpi.source(), Some(Source::Pushed(_))) {
            let message = format!("{} is counted by pharos: change what it asks for", quote(&known.kpi.name));
            return Err(PushError::Wrong(message));
        }
        let (calendar, now) = (self.desk.calendar_of(&known.kpi), self.clock.now_ms());
        let push = vet(&known.kpi, calendar, &sent, now).map_err(PushError::Wrong)?;
        let (store, id, period, segment) = (self.store.clone(), known.id, push.period, push.segment.clone());
        let before = blocking(move || store.by_segment(id, period)).await?.get(&segment).copied();
        let pushes = Pushes { kpi: known.id, all: vec![push], sent: 1, adds: false, at: now, once: None };
        if self.store.push(pushes).await? == Pushed::Gone {
            return Err(PushError::Gone);
        }
        self.follow_sent(known, vec![period], now).await;
        Ok(before)
    }

    /// The numbers are safe; what is made of them comes again with the next if this fails.
    async fn follow_sent(&self, known: &Known, periods: Vec<Period>, now: i64) {
        if let Err(error) = self.follow_up(Self::changed_of(known.id, periods), now).await {
            tracing::warn!(kpi = known.kpi.name, %error, "longer periods are not made of what was sent");
        }
    }
}
