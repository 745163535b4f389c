//! The calendar of the business in SQL.

use rusqlite::{OptionalExtension, Transaction, params};

use super::Store;
use crate::base::location::Location;
use crate::base::period::Calendar;
use crate::platform::db::DbError;

impl Store {
    /// The calendar that somebody chose; none where nobody did. Blocking.
    pub fn calendar(&self) -> Result<Option<Calendar>, DbError> {
        let stored = self.db.read(|db| {
            let sql = "SELECT time_zone, week_start FROM business_calendar";
            db.query_row(sql, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, u8>(1)?))).optional()
        })?;
        Ok(stored.and_then(|(zone, week_start)| Some(Calendar { location: Location::parse(&zone)?, week_start })))
    }

    /// Stores it.
    pub async fn set_calendar(&self, calendar: Calendar) -> Result<(), DbError> {
        let put = move |tx: &Transaction<'_>| {
            let sql = "INSERT OR REPLACE INTO business_calendar (one, time_zone, week_start) VALUES (1, ?1, ?2)";
            tx.execute(sql, params![calendar.location.as_str(), calendar.week_start]).map(drop)
        };
        self.db.write(put).await
    }
}
