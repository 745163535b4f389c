//! The past of checks, read from SQL.

use rusqlite::params;

use super::Store;
use super::books::{hour_from, incident_from, span_from};
use crate::platform::db::DbError;
use crate::uptime::model::beat::{HOUR, Hour};
use crate::uptime::model::incident::IncidentOf;
use crate::uptime::model::track::Span;
use crate::uptime::model::window::Window;

/// Most spans of one check that are read at once; a check that turned more often is shown from later on.
pub const SPANS_MAX: i64 = 200_000;

fn ceil(at: i64, of: i64) -> i64 {
    at.div_euclid(of) + i64::from(at.rem_euclid(of) > 0)
}

impl Store {
    /// Spans of a check that touch a range, ascending. Blocking.
    pub fn spans(&self, check: i64, range: Window) -> Result<Vec<Span>, DbError> {
        self.db.read(|db| {
            // The newest that begins before the range reaches into it, or none does.
            let sql = "SELECT from_ms, until_ms, state FROM uptime_spans WHERE check_id = ?1 AND from_ms < ?3 \
                       AND from_ms >= coalesce((SELECT max(from_ms) FROM uptime_spans WHERE check_id = ?1 AND from_ms <= ?2), ?2) \
                       ORDER BY from_ms DESC LIMIT ?4";
            let mut all: Vec<Span> = db
                .prepare_cached(sql)?
                .query_map(params![check, range.from, range.until, SPANS_MAX], span_from)?
                .collect::<Result<_, _>>()?;
            all.retain(|span| span.until > range.from);
            all.reverse();
            Ok(all)
        })
    }

    /// Hours of a check (hours since the Unix epoch, the end excluded), ascending. Blocking.
    pub fn hours(&self, check: i64, from: i64, until: i64) -> Result<Vec<Hour>, DbError> {
        let sql = "SELECT hour, failed, latencies FROM uptime_hours WHERE check_id = ?1 AND hour >= ?2 AND hour < ?3 ORDER BY hour";
        self.db.read(|db| db.prepare_cached(sql)?.query_map([check, from, until], hour_from)?.collect())
    }

    /// Days of a check (days since the Unix epoch, the end excluded), ascending; `hour` of each is its first. Blocking.
    pub fn days(&self, check: i64, from: i64, until: i64) -> Result<Vec<Hour>, DbError> {
        let sql = "SELECT day * 24, failed, latencies FROM uptime_days WHERE check_id = ?1 AND day >= ?2 AND day < ?3 ORDER BY day";
        self.db.read(|db| db.prepare_cached(sql)?.query_map([check, from, until], hour_from)?.collect())
    }

    /// Results of a check within a range, added up: of days where there are days, of hours at its ends and for what was not
    /// added up yet. An hour counts where it begins. Blocking.
    pub fn results(&self, check: i64, range: Window) -> Result<Hour, DbError> {
        let (from, until) = (ceil(range.from, HOUR), ceil(range.until, HOUR));
        let mut sum = Hour::default();
        if from >= until {
            return Ok(sum);
        }
        let mut next = from;
        for day in self.days(check, ceil(from, 24), until.div_euclid(24))? {
            self.hours(check, next, day.hour)?.iter().for_each(|hour| sum.merge(hour));
            sum.merge(&day);
            next = day.hour + 24;
        }
        self.hours(check, next, until)?.iter().for_each(|hour| sum.merge(hour));
        Ok(sum)
    }

    /// Incidents that touch a range, of one check or of all, the newest first, at most so many. Blocking.
    pub fn incidents(&self, check: Option<i64>, range: Window, limit: i64) -> Result<Vec<IncidentOf>, DbError> {
        let sql = "SELECT from_ms, confirmed_ms, until_ms, kind, cause, excerpt, check_id FROM uptime_incidents \
                   WHERE (?1 IS NULL OR check_id = ?1) AND from_ms < ?3 AND coalesce(until_ms, ?3) >= ?2 ORDER BY from_ms DESC LIMIT ?4";
        self.db.read(|db| {
            let mut incidents = db.prepare_cached(sql)?;
            let found = incidents.query_map(params![check, range.from, range.until, limit], |row| {
                Ok(IncidentOf { check: row.get(6)?, incident: incident_from(row)? })
            })?;
            found.collect()
        })
    }
}
