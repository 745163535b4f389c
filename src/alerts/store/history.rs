//! The history: who was told what, and how alerts changed.

use rusqlite::{Connection, Row, Transaction, params};

use super::{Changes, from_json, to_json};
use crate::alerts::model::State;
use crate::alerts::model::history::{AlertChange, Telling};
use crate::alerts::model::routed::fingerprint;
use crate::series::labels::Labels;

/// Most lines of each table of history.
pub const HISTORY_LINES_MAX: i64 = 500_000;
/// Most lines of one answer.
const ANSWER_LINES_MAX: usize = 10_000;

/// Most lines of history that are read for what routing goes on with.
const TURNS_MAX: i64 = 100_000;

/// Which changes of alerts are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// From this instant on, in milliseconds since the Unix epoch.
    pub from: i64,
    /// Up to this instant, itself included.
    pub to: i64,
    /// Only of the alert with this fingerprint.
    pub fingerprint: Option<u64>,
    /// Only of alerts that no rule of this server gave.
    pub is_of_others: bool,
    /// At most so many.
    pub limit: usize,
}

pub(super) fn write(tx: &Transaction<'_>, changes: &Changes) -> rusqlite::Result<()> {
    let mut tell = tx.prepare_cached(
        "INSERT INTO tellings (at_ms, receiver, channel, reason, firing, resolved, group_key, error, tries) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for telling in &changes.tellings {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let (firing, resolved) = (count(telling.counts.0), count(telling.counts.1));
        let (receiver, group_key) = (&*telling.receiver, &*telling.group_key);
        tell.execute(params![
            telling.at,
            receiver,
            telling.channel,
            telling.reason,
            firing,
            resolved,
            group_key,
            telling.error,
            telling.tries
        ])?;
    }
    let mut change = tx.prepare_cached(
        "INSERT INTO alert_changes (at_ms, fingerprint, labels, from_state, to_state, source) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for line in &changes.history {
        let (from, to) = (line.from.map(State::as_str), line.to.map(State::as_str));
        let name = fingerprint(&line.labels).cast_signed();
        change.execute(params![line.at, name, to_json(line.labels.iter()), from, to, &*line.source])?;
    }
    Ok(())
}

pub(super) fn tellings(db: &Connection, limit: usize) -> rusqlite::Result<Vec<Telling>> {
    let sql = "SELECT at_ms, receiver, channel, reason, firing, resolved, group_key, error, tries FROM tellings ORDER BY id DESC LIMIT ?1";
    let mut statement = db.prepare_cached(sql)?;
    let lines = statement.query_map([lines(limit)], |row| {
        let count = |at: usize| row.get::<_, i64>(at).map(|count| usize::try_from(count).unwrap_or(0));
        Ok(Telling {
            at: row.get(0)?,
            receiver: row.get::<_, String>(1)?.into(),
            channel: row.get(2)?,
            reason: row.get(3)?,
            counts: (count(4)?, count(5)?),
            group_key: row.get::<_, String>(6)?.into(),
            error: row.get(7)?,
            tries: row.get(8)?,
        })
    })?;
    lines.collect()
}

pub(super) fn changes(db: &Connection, asked: &Asked) -> rusqlite::Result<Vec<AlertChange>> {
    let sql = "SELECT at_ms, labels, from_state, to_state, source FROM alert_changes \
               WHERE at_ms BETWEEN ?1 AND ?2 AND (?3 IS NULL OR fingerprint = ?3) \
               AND (NOT ?4 OR source = '') ORDER BY at_ms DESC, id DESC LIMIT ?5";
    let name = asked.fingerprint.map(u64::cast_signed);
    let mut statement = db.prepare_cached(sql)?;
    let lines = statement.query_map(params![asked.from, asked.to, name, asked.is_of_others, lines(asked.limit)], change_from)?;
    lines.collect()
}

/// Beginnings and ends of alerts, oldest first.
pub(super) fn turns(db: &Connection, from: i64) -> rusqlite::Result<Vec<AlertChange>> {
    let sql = "SELECT at_ms, labels, from_state, to_state, source FROM alert_changes \
               WHERE at_ms >= ?1 AND ('firing' IN (from_state, to_state)) ORDER BY at_ms DESC, id DESC LIMIT ?2";
    let mut statement = db.prepare(sql)?;
    let lines = statement.query_map(params![from, TURNS_MAX], change_from)?;
    let mut lines = lines.collect::<rusqlite::Result<Vec<_>>>()?;
    lines.reverse();
    Ok(lines)
}

/// When which channel of which receiver took something, oldest first.
pub(super) fn told(db: &Connection, from: i64) -> rusqlite::Result<Vec<(i64, String, String)>> {
    let sql = "SELECT at_ms, receiver, channel FROM tellings WHERE at_ms >= ?1 AND error IS NULL ORDER BY at_ms DESC, id DESC LIMIT ?2";
    let mut statement = db.prepare(sql)?;
    let lines = statement.query_map(params![from, TURNS_MAX], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut lines = lines.collect::<rusqlite::Result<Vec<_>>>()?;
    lines.reverse();
    Ok(lines)
}

fn change_from(row: &Row<'_>) -> rusqlite::Result<AlertChange> {
    let state = |at: usize| row.get::<_, Option<String>>(at).map(|text| text.as_deref().and_then(State::parse));
    let labels = from_json(&row.get::<_, String>(1)?).unwrap_or_default();
    Ok(AlertChange {
        at: row.get(0)?,
        labels: Labels::from_pairs(labels),
        from: state(2)?,
        to: state(3)?,
        source: row.get::<_, String>(4)?.into(),
    })
}

fn lines(limit: usize) -> i64 {
    i64::try_from(limit.min(ANSWER_LINES_MAX)).unwrap_or(i64::MAX)
}

pub(super) fn prune(tx: &Transaction<'_>, before: i64, lines_max: i64) -> rusqlite::Result<()> {
    for table in ["tellings", "alert_changes", "alert_notes"] {
        tx.execute(&format!("DELETE FROM {table} WHERE at_ms < ?1"), [before])?;
        tx.execute(&format!("DELETE FROM {table} WHERE id <= (SELECT max(id) FROM {table}) - ?1"), [lines_max])?;
    }
    Ok(())
}
