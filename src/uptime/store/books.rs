//! Books of checks in SQL: spans, hours, days and incidents as they are written down.

use std::collections::HashMap;

use rusqlite::types::Type;
use rusqlite::{Connection, Row, Transaction, params};

use super::{DAYS_KEPT, HOURS_KEPT_DAYS, SPANS_KEPT_DAYS, Store};
use crate::platform::db::DbError;
use crate::uptime::model::beat::Hour;
use crate::uptime::model::incident::Incident;
use crate::uptime::model::latency::Latencies;
use crate::uptime::model::outcome::FailureKind;
use crate::uptime::model::track::{Span, State};

/// What is written down of one check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Written {
    /// Spans by their beginning.
    pub spans: Vec<Span>,
    /// Hours.
    pub hours: Vec<Hour>,
    /// Incidents by their beginning.
    pub incidents: Vec<Incident>,
}

/// A column that holds what nobody wrote.
fn odd(column: usize, what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Null, what.into())
}

pub(super) fn span_from(row: &Row<'_>) -> rusqlite::Result<Span> {
    let state = State::from_number(row.get(2)?).ok_or_else(|| odd(2, "a state that there is none of"))?;
    Ok(Span { from: row.get(0)?, until: row.get(1)?, state })
}

pub(super) fn hour_from(row: &Row<'_>) -> rusqlite::Result<Hour> {
    let latencies = Latencies::decode(row.get_ref(2)?.as_blob()?).ok_or_else(|| odd(2, "latencies that cannot be read"))?;
    Ok(Hour { hour: row.get(0)?, failed: row.get(1)?, latencies })
}

pub(super) fn incident_from(row: &Row<'_>) -> rusqlite::Result<Incident> {
    let kind = row.get_ref(3)?.as_str()?;
    Ok(Incident {
        from: row.get(0)?,
        confirmed_at: row.get(1)?,
        until: row.get(2)?,
        kind: FailureKind::ALL.into_iter().find(|known| known.as_str() == kind).ok_or_else(|| odd(3, "a cause that there is none of"))?,
        cause: row.get(4)?,
        excerpt: row.get(5)?,
    })
}

fn write(tx: &Transaction<'_>, check: i64, written: &Written) -> rusqlite::Result<()> {
    let mut put = tx.prepare_cached(
        "INSERT INTO uptime_spans (check_id, from_ms, until_ms, state) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT DO UPDATE SET until_ms = excluded.until_ms, state = excluded.state",
    )?;
    for span in &written.spans {
        put.execute(params![check, span.from, span.until, span.state.number()])?;
    }
    let mut put = tx.prepare_cached(
        "INSERT INTO uptime_hours (check_id, hour, failed, latencies) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT DO UPDATE SET failed = excluded.failed, latencies = excluded.latencies",
    )?;
    for hour in &written.hours {
        put.execute(params![check, hour.hour, hour.failed, hour.latencies.encode()])?;
    }
    let mut put = tx.prepare_cached(
        "INSERT INTO uptime_incidents (check_id, from_ms, confirmed_ms, until_ms, kind, cause, excerpt) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         ON CONFLICT DO UPDATE SET confirmed_ms = excluded.confirmed_ms, until_ms = excluded.until_ms",
    )?;
    for incident in &written.incidents {
        let Incident { from, confirmed_at, until, kind, cause, excerpt } = incident;
        put.execute(params![check, from, confirmed_at, until, kind.as_str(), cause, excerpt])?;
    }
    Ok(())
}

/// Adds up the days that are over and have hours, but were not added up yet; forgets what is old.
fn roll_up(tx: &Transaction<'_>, today: i64) -> rusqlite::Result<usize> {
    let from: i64 = tx.query_row("SELECT coalesce(max(day) + 1, 0) FROM uptime_days", [], |row| row.get(0))?;
    let mut days: HashMap<(i64, i64), Hour> = HashMap::new();
    {
        let sql = "SELECT hour, failed, latencies, check_id FROM uptime_hours WHERE hour >= ?1 AND hour < ?2";
        let mut hours = tx.prepare_cached(sql)?;
        let mut rows = hours.query([from * 24, today * 24])?;
        while let Some(row) = rows.next()? {
            let hour = hour_from(row)?;
            days.entry((row.get(3)?, hour.hour.div_euclid(24))).or_default().merge(&hour);
        }
    }
    let mut put = tx.prepare_cached("INSERT OR REPLACE INTO uptime_days (check_id, day, failed, latencies) VALUES (?1, ?2, ?3, ?4)")?;
    for ((check, day), sum) in &days {
        put.execute(params![check, day, sum.failed, sum.latencies.encode()])?;
    }
    let old = |days: i64| (today - days) * 86_400_000;
    tx.execute("DELETE FROM uptime_hours WHERE hour < ?1", [(today - HOURS_KEPT_DAYS) * 24])?;
    tx.execute("DELETE FROM uptime_days WHERE day < ?1", [today - DAYS_KEPT])?;
    tx.execute("DELETE FROM uptime_spans WHERE until_ms < ?1", [old(SPANS_KEPT_DAYS)])?;
    tx.execute("DELETE FROM uptime_incidents WHERE until_ms < ?1", [old(DAYS_KEPT)])?;
    Ok(days.len())
}

/// The newest of everything that goes on, by check.
fn newest(db: &Connection) -> rusqlite::Result<HashMap<i64, Written>> {
    let mut all: HashMap<i64, Written> = HashMap::new();
    let sql = "SELECT s.from_ms, s.until_ms, s.state, s.check_id FROM uptime_checks c JOIN uptime_spans s ON s.check_id = c.id \
               WHERE s.from_ms = (SELECT max(from_ms) FROM uptime_spans WHERE check_id = c.id)";
    let mut rows = db.prepare(sql)?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        all.entry(row.get(3)?).or_default().spans.push(span_from(row)?);
    }
    let sql = "SELECT h.hour, h.failed, h.latencies, h.check_id FROM uptime_checks c JOIN uptime_hours h ON h.check_id = c.id \
               WHERE h.hour = (SELECT max(hour) FROM uptime_hours WHERE check_id = c.id)";
    let mut rows = db.prepare(sql)?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        all.entry(row.get(3)?).or_default().hours.push(hour_from(row)?);
    }
    let sql = "SELECT from_ms, confirmed_ms, until_ms, kind, cause, excerpt, check_id FROM uptime_incidents WHERE until_ms IS NULL";
    let mut rows = db.prepare(sql)?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        all.entry(row.get(6)?).or_default().incidents.push(incident_from(row)?);
    }
    Ok(all)
}

impl Store {
    /// Writes down what changed, all or nothing. What belongs to a check that was deleted meanwhile is left out.
    pub async fn write(&self, changes: Vec<(i64, Written)>) -> Result<(), DbError> {
        let all = move |tx: &Transaction<'_>| {
            for (check, written) in &changes {
                if tx.prepare_cached("SELECT 1 FROM uptime_checks WHERE id = ?1")?.exists([check])? {
                    write(tx, *check, written)?;
                }
            }
            Ok(())
        };
        self.db.write(all).await
    }

    /// From what books go on: of each check its newest span and hour, and the incident that goes on. Blocking.
    pub fn newest(&self) -> Result<HashMap<i64, Written>, DbError> {
        self.db.read(newest)
    }

    /// Adds up days that are over, and forgets what is older than it is kept for. Gives how many days were added up.
    pub async fn roll_up(&self, now: i64) -> Result<usize, DbError> {
        self.db.write(move |tx| roll_up(tx, now.div_euclid(86_400_000))).await
    }
}
