//! Values on their way into SQL: what was collected, and what programs send. Re-stated values remember what they were.

use rusqlite::{Transaction, params};

use super::pushes::{Once, Repeated, forget, remember, repeated};
use super::values::grain_number;
use super::{DAYS_KEPT, HOURS_KEPT_DAYS, KpiId, SEGMENTS_EVER_MAX, Store};
use crate::base::period::{Grain, Period};
use crate::business::model::value::{OTHER, Origin, Segment, Standing};
use crate::platform::db::DbError;

const DAY_MS: i64 = 86_400_000;

/// A value that was found for a segment; none where there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Of which part.
    pub segment: Segment,
    /// How much.
    pub value: Option<f64>,
    /// Of how much of its period there are values, 0 to 1.
    pub complete: f64,
}

/// What was found for one period of a KPI.
#[derive(Debug, Clone, PartialEq)]
pub struct Writing {
    /// Of which KPI.
    pub kpi: KpiId,
    /// When.
    pub period: Period,
    /// How certain.
    pub standing: Standing,
    /// How it came about.
    pub origin: Origin,
    /// When that was, in milliseconds since the Unix epoch.
    pub at: i64,
    /// The values.
    pub found: Vec<Found>,
    /// Labels whose segments are all among them: those that are not have no value any more.
    pub whole_labels: Vec<String>,
}

/// A number that a program sends.
#[derive(Debug, Clone, PartialEq)]
pub struct Push {
    /// Of which part.
    pub segment: Segment,
    /// When.
    pub period: Period,
    /// Whether that goes on, is over, or settled.
    pub standing: Standing,
    /// How much.
    pub value: f64,
}

/// What a program sends at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Pushes {
    /// Of which KPI.
    pub kpi: KpiId,
    /// The numbers, and what is made of them.
    pub all: Vec<Push>,
    /// How many of them the program sent.
    pub sent: usize,
    /// Whether they add to what is there, or else stand instead of it.
    pub adds: bool,
    /// When they came, in milliseconds since the Unix epoch.
    pub at: i64,
    /// What makes it a request that may come twice; none where each counts.
    pub once: Option<Once>,
}

/// What became of numbers that a program sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// They are stored.
    Stored,
    /// Nothing: they came before, or others did under their key.
    Repeated(Repeated),
    /// Nothing: as many keys are remembered as may be.
    Full,
    /// Nothing: there is no such KPI any more.
    Gone,
}

const UPSERT: &str = "\
INSERT INTO business_values AS old (kpi_id, grain, segment_id, period, value, standing, origin, at_ms, complete, first)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL)
ON CONFLICT DO UPDATE SET
    value = excluded.value, standing = excluded.standing, origin = excluded.origin, at_ms = excluded.at_ms, complete = excluded.complete,
    first = CASE
        WHEN excluded.standing = 0 THEN NULL
        WHEN old.standing = 0 OR coalesce(old.first, old.value) IS NULL OR excluded.value IS NULL THEN old.first
        WHEN abs(excluded.value - coalesce(old.first, old.value)) <= 1e-9 * abs(coalesce(old.first, old.value)) THEN NULL
        ELSE coalesce(old.first, old.value)
    END";

/// The number of a segment, which is made where it is new. Where there are too many, that of what is left.
fn segment_id(tx: &Transaction<'_>, kpi: KpiId, segment: &Segment) -> rusqlite::Result<i64> {
    if segment.is_all() {
        return Ok(0);
    }
    let find = |value: &str| {
        let mut known = tx.prepare_cached("SELECT id FROM business_segments WHERE kpi_id = ?1 AND label = ?2 AND value = ?3")?;
        let mut rows = known.query(params![kpi, segment.label, value])?;
        rows.next()?.map(|row| row.get::<_, i64>(0)).transpose()
    };
    let make = |value: &str| {
        tx.prepare_cached("INSERT INTO business_segments (kpi_id, label, value) VALUES (?1, ?2, ?3)")?.execute(params![
            kpi,
            segment.label,
            value
        ])?;
        Ok(tx.last_insert_rowid())
    };
    if let Some(id) = find(&segment.value)? {
        return Ok(id);
    }
    let count = "SELECT count(*) FROM business_segments WHERE kpi_id = ?1 AND label = ?2";
    let count: i64 = tx.prepare_cached(count)?.query_row(params![kpi, segment.label], |row| row.get(0))?;
    if count < SEGMENTS_EVER_MAX {
        return make(&segment.value);
    }
    find(OTHER)?.map_or_else(|| make(OTHER), Ok)
}

fn write(tx: &Transaction<'_>, writing: &Writing) -> rusqlite::Result<()> {
    let (grain, period) = (grain_number(writing.period.grain()), writing.period.number());
    let gone = "DELETE FROM business_values WHERE kpi_id = ?1 AND grain = ?2 AND period = ?3 AND segment_id IN \
                (SELECT id FROM business_segments WHERE kpi_id = ?1 AND label = ?4 AND value NOT IN (SELECT value FROM json_each(?5)))";
    for label in &writing.whole_labels {
        let there: Vec<&str> =
            writing.found.iter().filter(|found| found.segment.label == *label).map(|found| found.segment.value.as_str()).collect();
        let there = serde_json::to_string(&there).unwrap_or_else(|_| "[]".to_owned());
        tx.prepare_cached(gone)?.execute(params![writing.kpi, grain, period, label, there])?;
    }
    let mut put = tx.prepare_cached(UPSERT)?;
    for found in &writing.found {
        let segment = segment_id(tx, writing.kpi, &found.segment)?;
        put.execute(params![
            writing.kpi,
            grain,
            segment,
            period,
            found.value.filter(|value| value.is_finite()),
            writing.standing.number(),
            writing.origin.number(),
            writing.at,
            found.complete
        ])?;
    }
    Ok(())
}

fn push(tx: &Transaction<'_>, pushes: &Pushes) -> rusqlite::Result<()> {
    let there = "SELECT value FROM business_values WHERE kpi_id = ?1 AND grain = ?2 AND segment_id = ?3 AND period = ?4";
    let (mut there, mut put) = (tx.prepare_cached(there)?, tx.prepare_cached(UPSERT)?);
    for push in &pushes.all {
        let (grain, period) = (grain_number(push.period.grain()), push.period.number());
        let segment = segment_id(tx, pushes.kpi, &push.segment)?;
        let mut value = push.value;
        if pushes.adds {
            let mut rows = there.query(params![pushes.kpi, grain, segment, period])?;
            value += rows.next()?.and_then(|row| row.get::<_, Option<f64>>(0).transpose()).transpose()?.unwrap_or(0.0);
        }
        let (value, standing, origin) = (Some(value).filter(|sum| sum.is_finite()), push.standing.number(), Origin::Pushed.number());
        put.execute(params![pushes.kpi, grain, segment, period, value, standing, origin, pushes.at, 1.0])?;
    }
    Ok(())
}

fn is_there(tx: &Transaction<'_>, kpi: KpiId) -> rusqlite::Result<bool> {
    tx.prepare_cached("SELECT 1 FROM business_kpis WHERE id = ?1")?.exists([kpi])
}

impl Store {
    /// Writes down what was found, all or nothing. What belongs to a KPI that was deleted meanwhile is left out.
    pub async fn write(&self, writings: Vec<Writing>) -> Result<(), DbError> {
        let all = move |tx: &Transaction<'_>| {
            for writing in &writings {
                if is_there(tx, writing.kpi)? {
                    write(tx, writing)?;
                }
            }
            Ok(())
        };
        self.db.write(all).await
    }

    /// Writes down what a program sent, all or nothing, together with its key.
    pub async fn push(&self, pushes: Pushes) -> Result<Pushed, DbError> {
        let all = move |tx: &Transaction<'_>| {
            if !is_there(tx, pushes.kpi)? {
                return Ok(Pushed::Gone);
            }
            if let Some(once) = &pushes.once {
                if let Some(before) = repeated(tx, pushes.kpi, once)? {
                    return Ok(Pushed::Repeated(before));
                }
                if !remember(tx, pushes.kpi, once, pushes.sent, pushes.at)? {
                    return Ok(Pushed::Full);
                }
            }
            push(tx, &pushes)?;
            Ok(Pushed::Stored)
        };
        self.db.write(all).await
    }

    /// Remembers the first period of a grain whose value may still change.
    pub async fn set_progress(&self, progress: Vec<(KpiId, Period)>) -> Result<(), DbError> {
        let all = move |tx: &Transaction<'_>| {
            let sql = "INSERT INTO business_progress (kpi_id, grain, next) VALUES (?1, ?2, ?3) \
                       ON CONFLICT DO UPDATE SET next = excluded.next";
            for (kpi, next) in &progress {
                if is_there(tx, *kpi)? {
                    tx.prepare_cached(sql)?.execute(params![kpi, grain_number(next.grain()), next.number()])?;
                }
            }
            Ok(())
        };
        self.db.write(all).await
    }

    /// Forgets values that are older than they are kept for, segments that have none, and keys of requests.
    pub async fn forget_old(&self, now: i64) -> Result<(), DbError> {
        let today = now.div_euclid(DAY_MS);
        let all = move |tx: &Transaction<'_>| {
            // By KPI and segment, since the key begins with them.
            let mut parts = tx.prepare("SELECT id, 0 FROM business_kpis UNION ALL SELECT kpi_id, id FROM business_segments")?;
            let parts = parts.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<Vec<(i64, i64)>>>()?;
            let old = "DELETE FROM business_values WHERE kpi_id = ?1 AND segment_id = ?2 AND grain = ?3 AND period < ?4";
            let mut old = tx.prepare_cached(old)?;
            for (kpi, segment) in parts {
                old.execute(params![kpi, segment, grain_number(Grain::Hour), (today - HOURS_KEPT_DAYS) * 24])?;
                old.execute(params![kpi, segment, grain_number(Grain::Day), today - DAYS_KEPT])?;
            }
            let orphans = "DELETE FROM business_segments WHERE NOT EXISTS (SELECT 1 FROM business_values v WHERE \
                           v.kpi_id = business_segments.kpi_id AND v.grain IN (0, 1, 2, 3, 4, 5) AND v.segment_id = business_segments.id)";
            tx.execute(orphans, [])?;
            forget(tx, now)
        };
        self.db.write(all).await
    }
}
