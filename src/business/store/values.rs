//! Values of KPIs read from SQL: one series, one period, everything that the front page shows.

use std::collections::{BTreeMap, HashMap};

use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};

use super::{KpiId, Store};
use crate::base::period::{Grain, Period};
use crate::business::model::formula::BySegment;
use crate::business::model::value::{Origin, Segment, Standing, Value};
use crate::platform::db::DbError;

/// The number of a grain in the tables.
pub(super) const fn grain_number(grain: Grain) -> i64 {
    match grain {
        Grain::Hour => 0,
        Grain::Day => 1,
        Grain::Week => 2,
        Grain::Month => 3,
        Grain::Quarter => 4,
        Grain::Year => 5,
    }
}

/// The grain of a number in the tables; none where there is none.
pub(super) fn grain_of(number: i64) -> Option<Grain> {
    Grain::ALL.into_iter().find(|grain| grain_number(*grain) == number)
}

/// A column that holds what nobody wrote.
fn odd(column: usize, what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, what.into())
}

fn period(row: &Row<'_>, column: usize, grain: Grain) -> rusqlite::Result<Period> {
    Period::new(grain, row.get(column)?).ok_or_else(|| odd(column, "a period that there is none of"))
}

const COLUMNS: &str = "v.period, v.value, v.standing, v.origin, v.at_ms, v.complete, v.first";

/// A row of [`COLUMNS`].
fn value(row: &Row<'_>, grain: Grain) -> rusqlite::Result<Value> {
    Ok(Value {
        period: period(row, 0, grain)?,
        value: row.get(1)?,
        standing: Standing::from_number(row.get(2)?).ok_or_else(|| odd(2, "a standing that there is none of"))?,
        origin: Origin::from_number(row.get(3)?).ok_or_else(|| odd(3, "an origin that there is none of"))?,
        at: row.get(4)?,
        complete: row.get(5)?,
        first: row.get(6)?,
    })
}

/// What was asked for a period already, whether it has a value or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting {
    /// How certain that is.
    pub standing: Standing,
    /// When it was asked for, in milliseconds since the Unix epoch.
    pub at: i64,
}

/// What the front page wants to know of a KPI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileWanted {
    /// Which.
    pub kpi: KpiId,
    /// The period that is shown, which others are compared with.
    pub period: Period,
    /// How many periods its line has.
    pub line: i64,
}

/// What the front page shows of a KPI.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tile {
    /// Its newest values, the oldest first.
    pub line: Vec<Value>,
    /// What it was a year before.
    pub year_before: Option<Value>,
    /// The segments of the period that is shown...
    pub now: BySegment,
    /// ...and of the one before.
    pub before: BySegment,
}

fn line(db: &Connection, kpi: KpiId, segment: i64, from: Period, until: Period) -> rusqlite::Result<Vec<Value>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM business_values v WHERE v.kpi_id = ?1 AND v.grain = ?2 AND v.segment_id = ?3 \
         AND v.period BETWEEN ?4 AND ?5 AND v.value IS NOT NULL ORDER BY v.period"
    );
    let grain = from.grain();
    let mut found = db.prepare_cached(&sql)?;
    let found = found.query_map(params![kpi, grain_number(grain), segment, from.number(), until.number()], |row| value(row, grain))?;
    found.collect()
}

fn by_segment(db: &Connection, kpi: KpiId, period: Period) -> rusqlite::Result<BySegment> {
    // Segments first: each is one look into the key of the values.
    let sql = "SELECT s.label, s.value, v.value FROM business_segments s CROSS JOIN business_values v \
               ON v.kpi_id = ?1 AND v.grain = ?2 AND v.segment_id = s.id AND v.period = ?3 \
               WHERE s.kpi_id = ?1 AND v.value IS NOT NULL";
    let mut found = db.prepare_cached(sql)?;
    let mut rows = found.query(params![kpi, grain_number(period.grain()), period.number()])?;
    let mut values = BySegment::new();
    while let Some(row) = rows.next()? {
        values.insert(Segment { label: row.get(0)?, value: row.get(1)? }, row.get(2)?);
    }
    if let Some(whole) = line(db, kpi, 0, period, period)?.first() {
        values.insert(Segment::all(), whole.value);
    }
    Ok(values)
}

fn tile(db: &Connection, wanted: TileWanted) -> rusqlite::Result<Tile> {
    let TileWanted { kpi, period, line: length } = wanted;
    let year_before = period.year_before();
    Ok(Tile {
        line: line(db, kpi, 0, period.shifted(1 - length), period)?,
        year_before: line(db, kpi, 0, year_before, year_before)?.into_iter().next(),
        now: by_segment(db, kpi, period)?,
        before: by_segment(db, kpi, period.before())?,
    })
}

impl Store {
    /// Values of all of a KPI from a period until another of the same grain, both included, the oldest first. Blocking.
    pub fn values(&self, kpi: KpiId, from: Period, until: Period) -> Result<Vec<Value>, DbError> {
        self.db.read(|db| line(db, kpi, 0, from, until))
    }

    /// Values of all of every KPI from a period until another of the same grain, the oldest first, in one question. Blocking.
    pub fn history(&self, from: Period, until: Period) -> Result<HashMap<KpiId, Vec<Value>>, DbError> {
        let grain = from.grain();
        // KPIs first: each is one look into the key of the values.
        let sql = format!(
            "SELECT {COLUMNS}, k.id FROM business_kpis k CROSS JOIN business_values v ON v.kpi_id = k.id AND v.grain = ?1 \
             AND v.segment_id = 0 AND v.period BETWEEN ?2 AND ?3 WHERE v.value IS NOT NULL ORDER BY k.id, v.period"
        );
        self.db.read(|db| {
            let mut found: HashMap<KpiId, Vec<Value>> = HashMap::new();
            let mut rows = db.prepare_cached(&sql)?;
            let mut rows = rows.query(params![grain_number(grain), from.number(), until.number()])?;
            while let Some(row) = rows.next()? {
                found.entry(row.get(7)?).or_default().push(value(row, grain)?);
            }
            Ok(found)
        })
    }

    /// Values of each segment of a label. Blocking.
    pub fn segment_values(&self, kpi: KpiId, label: &str, from: Period, until: Period) -> Result<BTreeMap<Segment, Vec<Value>>, DbError> {
        self.db.read(|db| {
            let mut known = db.prepare_cached("SELECT id, value FROM business_segments WHERE kpi_id = ?1 AND label = ?2")?;
            let known = known.query_map(params![kpi, label], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
            let mut all = BTreeMap::new();
            for segment in known {
                let (id, name) = segment?;
                let values = line(db, kpi, id, from, until)?;
                if !values.is_empty() {
                    all.insert(Segment { label: label.to_owned(), value: name }, values);
                }
            }
            Ok(all)
        })
    }

    /// Values of every segment in a period, the whole among them. Blocking.
    pub fn by_segment(&self, kpi: KpiId, period: Period) -> Result<BySegment, DbError> {
        self.db.read(|db| by_segment(db, kpi, period))
    }

    /// Values of every segment in some periods of one grain, ascending: by period. Blocking.
    pub fn by_period(&self, kpi: KpiId, periods: &[Period]) -> Result<BTreeMap<Period, BySegment>, DbError> {
        self.db.read(|db| periods.iter().map(|period| Ok((*period, by_segment(db, kpi, *period)?))).collect())
    }

    /// What was asked for already since a period, by the number of the period. Blocking.
    pub fn lasting(&self, kpi: KpiId, from: Period) -> Result<HashMap<i64, Lasting>, DbError> {
        let sql =
            "SELECT period, standing, at_ms FROM business_values WHERE kpi_id = ?1 AND grain = ?2 AND segment_id = 0 AND period >= ?3";
        self.db.read(|db| {
            let mut found = db.prepare_cached(sql)?;
            let found = found.query_map(params![kpi, grain_number(from.grain()), from.number()], |row| {
                let standing = Standing::from_number(row.get(1)?).ok_or_else(|| odd(1, "a standing that there is none of"))?;
                Ok((row.get(0)?, Lasting { standing, at: row.get(2)? }))
            })?;
            found.collect()
        })
    }

    /// The first period of each KPI and grain whose value may still change. Blocking.
    pub fn progress(&self) -> Result<HashMap<(KpiId, Grain), Period>, DbError> {
        self.db.read(|db| {
            let mut found = HashMap::new();
            for grain in Grain::ALL {
                let mut rows = db.prepare_cached("SELECT kpi_id, next FROM business_progress WHERE grain = ?1")?;
                let mut rows = rows.query([grain_number(grain)])?;
                while let Some(row) = rows.next()? {
                    found.insert((row.get(0)?, grain), period(row, 1, grain)?);
                }
            }
            Ok(found)
        })
    }

    /// What the front page shows, in the order in which it is wanted. Blocking.
    pub fn tiles(&self, wanted: &[TileWanted]) -> Result<Vec<Tile>, DbError> {
        self.db.read(|db| wanted.iter().map(|wanted| tile(db, *wanted)).collect())
    }
}
